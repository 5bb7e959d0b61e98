"""The pages of all keys: none is missing, and every example is one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import orjson
import pytest

from mockserver.apis.loader import load_api
from mockserver.data import bundled_file
from mockserver.scenarios.load import parse_scenario

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
import reference_keys as keys  # noqa: E402

CHAT = DOCS / "chat.yaml"
APIS = {"datagrid": "datagrid", "mem0": "mem0", "shop": "shop", "chat": f"chat={CHAT}"}
BEHAVIOURS = "from mockserver import Behaviours\n\napi = Behaviours()\n"


@pytest.mark.parametrize("kind", keys.MODELS)
def test_every_key_is_explained_and_nothing_else(kind):
    assert keys.unexplained(kind) == []


@pytest.fixture(scope="module")
def apis():
    return {name: load_api(what) for name, what in APIS.items()}


@pytest.mark.parametrize("example", list(keys.examples("scenario")), ids=lambda example: example.key)
def test_an_example_of_a_scenario_key_is_a_scenario(example, apis):
    parse_scenario(orjson.dumps(example.content).decode(), apis, "docs/keys.yaml")


@pytest.mark.parametrize("example", list(keys.examples("profile")), ids=lambda example: example.key)
def test_an_example_of_a_profile_key_is_a_profile(example, tmp_path, monkeypatch):
    shutil.copy(CHAT, tmp_path)
    shutil.copy(bundled_file("spec", "shop.yaml"), tmp_path)
    (tmp_path / "shop_behaviours.py").write_text(BEHAVIOURS)
    monkeypatch.delitem(sys.modules, "shop_behaviours", raising=False)
    profile = tmp_path / f"{example.api}.mock.yaml"
    profile.write_bytes(orjson.dumps(example.content))
    assert load_api(str(profile)).name == example.api
