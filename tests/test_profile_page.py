"""The page on profiles: every example is a profile of the shop, and every key of the model stands there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mockserver.apis import load_api
from mockserver.apis.profiles import model
from mockserver.data import bundled_file

PAGE = Path(__file__).parent.parent / "docs" / "profiles.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = [
    (TEXT.count("\n", 0, match.start()) + 2, match[1])
    for match in re.finditer(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("line", "text"), [pytest.param(*block, id=f"line {block[0]}") for block in BLOCKS])
def test_an_example_of_the_page_is_a_profile(line: int, text: str, tmp_path: Path) -> None:
    shutil.copy(bundled_file("spec", "shop.yaml"), tmp_path)
    profile = tmp_path / "shop.mock.yaml"
    profile.write_text(f"version: 1\ncontract: shop.yaml\n{text}", encoding="utf-8")
    assert load_api(str(profile)).name == "shop", f"docs/profiles.md:{line}"


def test_the_page_has_every_key() -> None:
    models = (model.ProfileModel, model.ResourceModel, model.LimitModel, model.WebhookModel, model.StreamModel)
    keys = {key for kind in models for key in kind.model_fields}
    keys |= {*model.IdempotencyModel.model_fields, *model.SignModel.model_fields, *model.CreditsModel.model_fields}
    missing = sorted(key for key in keys if not re.search(rf"\b{key}\b", TEXT))
    assert missing == []
