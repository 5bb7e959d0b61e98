"""A few hundred hostile inputs every day; `python -m benchmarks.hostile` runs a hundred thousand."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace

import pytest

hostile = pytest.importorskip("benchmarks.hostile", reason="the benchmarks are not in the source distribution")


@pytest.fixture
def target():
    with ExitStack() as stack:
        yield hostile.Target(stack)


def test_nothing_hostile_brings_it_down(target):
    done, found, _, _ = hostile.campaign(target, 400, begin=3)
    assert found == []
    assert sum(done.values()) >= 395 and set(done) == set(target.kinds)
    assert target.outcomes["socket: 2XX"] and target.outcomes["scenario: used"] and target.outcomes["request: 2XX"]


def test_a_finding_is_told_and_can_be_run_again(target, monkeypatch):
    sandbox = target.pipeline.sandbox
    monkeypatch.setattr(sandbox, "world", replace(sandbox.world, store=None))
    case = ("POST", "/v1/user-memories", "", {"authorization": "Bearer \ud800"}, b"\xff")
    kind, again = hostile.decoded(hostile.coded("request", case))
    assert (kind, again) == ("request", case)
    with pytest.raises(hostile.Finding, match=r"answered 500|NoneType"):
        target.run(kind, again)


def test_what_the_server_logs_as_an_error_is_a_finding(target):
    answer = target.served.exchange

    def complaining(request):
        logging.getLogger("mockserver").error("something is wrong")
        return answer(request)

    target.served.exchange = complaining
    with pytest.raises(hostile.Finding, match="something is wrong"):
        target.run("socket", (hostile.cases.GOOD, 0))


def test_a_pattern_that_could_take_forever_does_not(target):
    evil = "version: 1\nname: x\napi: datagrid\nrules:\n  - id: r\n    op: Memory.createUserMemory\n"
    evil += "    when: {body: {memory: {regex: '^(a+)+$'}}}\n    reply: {out_of_credits: {}}\n"
    target.run("scenario", evil)
    scenario = hostile.parse_scenario(evil, target.pipeline.apis, "x.yaml")
    target.pipeline.sandbox.use(scenario)
    body = b'{"agent_id": "a", "memory": "' + b"a" * 100_000 + b'!"}'
    target.run("request", ("POST", "/v1/user-memories", "", {"authorization": "Bearer k"}, body))
