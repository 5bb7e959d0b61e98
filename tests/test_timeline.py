"""What a sandbox tells a test afterwards: its failures, however long the journal, and its timeline."""

from __future__ import annotations

import pytest

from mockserver.admin.api import Admin
from mockserver.admin.client import AdminClient, InProcess
from mockserver.errors import UserError
from mockserver.messages import Limit, Request
from mockserver.scenarios.load import parse_scenario
from mockserver.testing.coverage.goals import Coverage
from mockserver.testing.mock import Mock

CREATE = "Memory.createUserMemory"
KEY = {"authorization": "Bearer k", "content-type": "application/json"}
LOST = """
version: 1
name: lost
api: datagrid
rules: [{id: lost, op: Memory.createUserMemory, when: {call: 1}, fault: {reset: after_commit}}]
"""


class World:
    """A pipeline without a socket, and the Mock of its default sandbox."""

    def __init__(self, pipeline):
        self.pipeline = pipeline
        client = AdminClient(InProcess(Admin(pipeline).handle, "http://127.0.0.1:1"))
        self.mock = Mock(client, client.show())

    def get(self, query="limit=1", headers=KEY):
        return self.pipeline.handle(Request("GET", "/user-memories", query, dict(headers)))

    def create(self):
        return self.pipeline.handle(Request("POST", "/user-memories", "", dict(KEY), b'{"agent_id":"a","memory":"m"}'))


@pytest.fixture
def make_world(make_pipeline):
    def make(**terms):
        return World(make_pipeline(limit=None, credits=10_000, **terms))

    return make


@pytest.fixture
def fails_once(make_world, monkeypatch):
    """Makes worlds whose first creation fails in its behaviour."""

    def make(**terms):
        world = make_world(**terms)
        behaviours = world.pipeline.apis["datagrid"].behaviours
        create, broken = behaviours[CREATE], [True]

        def behave(call):
            if broken:
                raise KeyError(f"nope {broken.pop()}")
            return create(call)

        monkeypatch.setitem(behaviours, CREATE, behave)
        return world

    return make


def test_the_key_of_the_default_sandbox_is_one_that_is_listed(make_world):
    mock = make_world(keys=("listed-key",)).mock
    assert mock.api_key == mock.client_kwargs("datagrid")["api_key"] == "listed-key"
    mock = make_world().mock
    assert mock.api_key == mock.client_kwargs("mem0")["api_key"] == "any-key"
    mock.scenario({"version": 1, "name": "keyed", "api": "datagrid", "keys": ["scenario-key"], "rules": []})
    assert mock.api_key == mock.client_kwargs("mem0")["api_key"] == "scenario-key"


def test_a_defect_fails_the_test_also_when_a_thousand_good_requests_follow(fails_once):
    world = fails_once()
    world.create()
    for _ in range(1100):
        world.get()
    (failure,) = world.mock.failures()
    assert "the mock itself failed at #1\n  #1 " in failure
    assert "Traceback" in failure and "in behave" in failure and "KeyError" in failure
    assert len(world.mock.requests) == 1101


def test_a_defect_fails_the_test_also_when_the_journal_has_dropped_it(fails_once):
    world = fails_once(journal_size=5)
    world.create()
    for _ in range(10):
        world.get()
    assert world.mock.failures() == [
        "the mock itself failed, and the journal has dropped the exchange; its log says why"
    ]
    world.mock.reset()
    assert world.mock.failures() == []


def test_an_invalid_request_fails_a_strict_test_however_long_ago_it_was(make_world):
    world = make_world(journal_size=1050)
    world.get("limit=0")
    for _ in range(1020):
        world.get()
    assert world.mock.failures() == []
    assert (
        "an invalid request, #1; `mockserver.allow_invalid()` declares one\n  #1 "
        in world.mock.failures(strict=True)[0]
    )
    for _ in range(60):
        world.get()
    assert world.mock.failures(strict=True) == ["an invalid request, and the journal has dropped the exchange"]
    world.mock.allow_invalid()
    assert world.mock.failures(strict=True) == []


def test_coverage_counts_every_exchange(make_world):
    world = make_world()
    world.create()
    for _ in range(1200):
        world.get()
    coverage = Coverage(world.pipeline.apis)
    coverage.add([entry.data for entry in world.mock.requests])
    assert (coverage.calls("datagrid", CREATE), coverage.calls("datagrid", "Memory.listUserMemory")) == (1, 1200)


def test_a_refusal_is_told_with_its_reason(make_world):
    world = make_world()
    world.get(headers={})
    world.get("limit=0")
    world.mock.credits.set(0)
    world.create()
    first, invalid, unpaid = world.mock.timeline()[:3]
    assert first.endswith("  401, because no API key was given; send `Authorization: Bearer KEY`.")
    assert "  400, because the request violates the contract: query limit: " in invalid
    assert unpaid.endswith(
        "  402, because this operation costs 1 credit and 0 remain.\n     Nothing was done and nothing was charged."
    )


def test_every_refusal_of_the_mock_has_its_reason_in_the_timeline(make_pipeline):
    world = World(make_pipeline(limit=Limit(3, 60.0)))
    world.pipeline.handle(Request("GET", "/user-memoriez", "", dict(KEY)))
    world.pipeline.handle(Request("DELETE", "/user-memories/nobody", "", dict(KEY)))
    world.pipeline.handle(Request("POST", "/user-memories", "", dict(KEY), b"", too_large=True))
    for _ in range(4):
        world.get()
    text = "\n".join(world.mock.timeline())
    assert "  404, because no operation has the path '/user-memoriez'; did you mean '/v1/user-memories'?\n" in text
    assert "  404, because there is no user memory 'nobody' in this teamspace.\n" in text
    assert "  413, because the request body is larger than " in text
    assert "  429, because this teamspace made 3 requests to GET /user-memories since 00:00:00; " in text


def test_a_call_that_was_paid_twice_says_so(make_world):
    world = make_world()
    world.pipeline.sandbox.use(parse_scenario(LOST, world.pipeline.apis, "lost.yaml"))
    for _ in range(3):
        world.create()
    lines = world.mock.timeline()
    place = next(place for place, line in enumerate(lines) if line.startswith("#2 "))
    assert lines[place + 1] == "     paid twice, duplicate of #1"
    assert sum("paid twice" in line for line in lines) == 1, "a call of its own is no duplicate"


def test_a_long_timeline_says_how_much_it_leaves_out(make_world):
    world = make_world()
    for _ in range(1003):
        world.get()
    lines = world.mock.timeline()
    assert lines[0] == "(3 earlier exchanges)"
    assert lines[1].startswith("#4 ")


@pytest.mark.parametrize("by", [-1, float("inf"), float("nan")])
def test_the_clock_cannot_go_back(make_world, by):
    with pytest.raises(UserError, match=r"the clock cannot be advanced by .* s: it never goes back"):
        make_world().mock.clock.advance(by)


STORY = """
version: 1
name: story
api: datagrid
rules: [{id: late, op: Memory.createUserMemory, when: {call: 9}, reply: out_of_credits}]
expect: [{op: Memory.createUserMemory, calls: 7}]
"""


def test_a_report_says_each_thing_once_failures_first(make_world):
    world = make_world()
    world.pipeline.sandbox.use(parse_scenario(STORY, world.pipeline.apis, "story.yaml"))
    world.create()
    world.get("limit=0")
    for _ in range(2):
        with pytest.raises(AssertionError):
            world.mock.assert_requested(CREATE, json={"memory": "tea"})
    lines = world.mock.report(strict=True)
    assert lines[:4] == [
        "calls of Memory.createUserMemory: 1, expected 7",
        "the rule 'late' (story.yaml:5) never fired",
        "an invalid request, #2; `mockserver.allow_invalid()` declares one",
        "",
    ]
    text = "\n".join(lines)
    for said in (
        "#1 ",
        "#2 ",
        f"near miss of {CREATE}: body.memory",
        "near miss of rule late",
        "credits: ",
    ):
        assert text.count(f"\n{said}") + text.count(f"\n     {said}") == 1, said
    assert text.count("400, because the request violates the contract: query limit: ") == 1


def test_a_report_shows_a_failure_that_the_timeline_leaves_out(fails_once):
    world = fails_once()
    world.create()
    for _ in range(1100):
        world.get()
    text = "\n".join(world.mock.report())
    assert text.startswith("the mock itself failed at #1\n  #1 ") and text.count("KeyError") >= 1


def test_requests_that_miss_an_assertion_alike_are_told_together(make_world):
    world = make_world()
    world.create()
    world.create()
    with pytest.raises(AssertionError) as caught:
        world.mock.assert_requested(CREATE, json={"memory": "tea"})
    assert str(caught.value).endswith('\n  nearest: #2, #1\n    body.memory: "m", expected "tea"')
