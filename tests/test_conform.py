"""A real server against its contract: forty ways to be wrong, each found and named; of a right one nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from conform_server import KEY, WAYS, App, document, serving

from mockserver.conform import check as checking
from mockserver.conform.check import Conformity, Terms, check
from mockserver.upstream.target import target_of


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


def conformity(folder: Path, app: Any, over: tuple[Path, ...] = (), version: str = "3.0.3", **terms: Any) -> Conformity:
    file = folder / "forty.json"
    file.write_bytes(orjson.dumps(document(version=version)))
    with serving(app) as url:
        return check(checking.load(str(file), over), Terms(target_of(url), key=KEY, wait=no_wait, **terms))


@pytest.fixture(scope="module", params=["3.0.3", "3.1.0"])
def version(request) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory, version) -> Conformity:
    return conformity(tmp_path_factory.mktemp("wrong"), App({way.name for way in WAYS}), version=version, mend=True)


def found_of(found: Conformity, way) -> list[Any]:
    return [one for one in found.findings if f"GET {way.route}" in one.operations and one.rule == way.rule]


def test_there_are_forty_ways():
    assert len(WAYS) >= 40 and len({way.name for way in WAYS}) == len(WAYS)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_each_way_is_found_and_named(way, wrong):
    assert len(found_of(wrong, way)) == 1, [(one.rule, one.operations, one.message) for one in wrong.findings]


def test_nothing_else_is_found(wrong):
    expected = [finding for way in WAYS for finding in found_of(wrong, way)]
    others = [one for one in wrong.findings if one not in expected]
    assert [(one.rule, one.operations, one.message, one.witness) for one in others] == []
    assert wrong.unchecked == []


def test_of_a_right_server_nothing_is_found(tmp_path, version):
    found = conformity(tmp_path, App(), version=version, mend=True)
    assert [(one.rule, one.message, one.witness) for one in found.findings] == []
    assert found.unchecked == [] and found.overlay == ""


def test_with_the_overlay_the_second_run_is_clean(tmp_path, wrong, version):
    overlay = tmp_path / "mend.yaml"
    overlay.write_text(wrong.overlay, encoding="utf-8")
    again = conformity(tmp_path, App({way.name for way in WAYS}), (overlay,), version)
    assert [(one.rule, one.operations, one.message) for one in again.findings if not one.accepted] == []
    assert again.unchecked == []


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_each_way_alone_is_the_only_finding(way, tmp_path):
    found = conformity(tmp_path, App({way.name}))
    assert [(one.rule, one.operations) for one in found.findings] == [(way.rule, (f"GET {way.route}",))]


def test_one_cause_in_several_operations_is_one_finding(tmp_path):
    names = {"error-detail", "error-code", "error-status"}
    app = App(names)
    ways = {way.name: way for way in WAYS}
    app.answers = dict.fromkeys(names, ways["error-code"].wrong)
    found = conformity(tmp_path, app)
    assert [(one.rule, len(one.operations)) for one in found.findings] == [("error-type", 3)]
    assert found.findings[0].place is not None
    assert found.findings[0].place.pointer == "/components/schemas/Error/properties/code"
