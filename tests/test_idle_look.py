"""Idle sandboxes are looked for now and then, and always when there is no room for another one."""

from __future__ import annotations

import pytest

from mockserver.pipeline.build import build
from mockserver.sandbox import sandboxes as module
from mockserver.settings import Settings


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def names(world):
    return [sandbox.name for sandbox in world.sandboxes.all()]


def test_idle_ones_go_when_it_is_time_to_look_again(clock):
    world = build(Settings(sandbox_idle=100))
    world.sandboxes.create("old")
    clock[0] += 100.5
    world.sandboxes.create("new")
    assert names(world) == ["default", "new"]


def test_between_two_looks_an_idle_one_stays_while_there_is_room(clock):
    world = build(Settings(sandbox_idle=100, max_sandboxes=4))
    world.sandboxes.create("old")
    clock[0] += 99.8
    world.sandboxes.create("second")  # looks, and finds none
    clock[0] += 0.5
    world.sandboxes.create("third")
    assert "old" in names(world)
    world.sandboxes.create("fourth")
    assert names(world) == ["default", "second", "third", "fourth"]


def test_the_name_that_was_meant_is_looked_for_among_few(monkeypatch):
    world = build(Settings(max_sandboxes=700))
    for n in range(600):
        world.sandboxes.create(f"job-{n:03}")
    compared = []
    told = module.did_you_mean
    monkeypatch.setattr(module, "did_you_mean", lambda name, known: compared.append(len(known)) or told(name, known))
    with pytest.raises(module.NoSandbox, match="did you mean"):
        world.sandboxes.get("job-00")
    assert compared == [module.MAX_NAMED]
