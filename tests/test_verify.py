"""Verification counts what is meant, in any number or in order, and names what came closest."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import UserError
from mockserver.journal.entries import MAX_BODY
from mockserver.journal.verify import Bodies, Criteria, parse_criteria, verify, verify_order
from mockserver.messages import Exchange, Request, Response
from mockserver.text.ranges import parse_range

CREATE, LIST = "Memory.createUserMemory", "Memory.listUserMemory"


def exchange(number, operation=CREATE, status=201, body=None, **request):
    raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    terms = {"method": "POST", "path": "/datagrid/v1/user-memories", **request}
    return Exchange(
        Request(body=raw, **terms),
        at=float(number),
        api="datagrid",
        operation=operation,
        response=Response(status),
        number=number,
    )


def test_every_criterion_must_hold():
    spec = {
        "operation": CREATE,
        "method": "post",
        "path": "/v1/user-memories/",
        "status": "200..299",
        "body": {"agent_id": {"regex": "^a"}},
        "header": {"X-Stainless-Retry-Count": 0},
        "query": {"dry": "true"},
        "rule": "third",
    }
    found = exchange(
        1, body={"agent_id": "a1", "memory": "x"}, query="dry=true", headers={"x-stainless-retry-count": "0"}
    )
    found.rule = "third"
    assert parse_criteria(spec).matches(found)
    assert parse_criteria(spec).differences(found) == []
    for key, other in {
        "operation": LIST,
        "method": "GET",
        "path": "/v1/other",
        "status": 429,
        "body": {"agent_id": "b"},
        "header": {"x-stainless-retry-count": 1},
        "query": {"wet": {"present": True}},
        "rule": "fourth",
    }.items():
        criteria = parse_criteria({**spec, key: other})
        assert not criteria.matches(found)
        (difference,) = criteria.differences(found)
        assert difference.where.partition(".")[0] == key


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "operation": st.sampled_from(["*", CREATE, LIST]),
            "method": st.sampled_from(["GET", "POST"]),
            "path": st.sampled_from(["/v1/user-memories", "/v1/*", "/{a}/{b}", "/x"]),
            "status": st.sampled_from([200, "2..299", "400.."]),
            "body": st.sampled_from([{"a": 1}, {"present": False}, "text", {}]),
            "query": st.sampled_from([{"q": 1}, {"q": {"present": False}}]),
        },
    ),
    st.sampled_from(["", CREATE, LIST]),
    st.sampled_from([200, 404, 429]),
    st.sampled_from([None, {"a": 1}, {"a": 2}, b"text", b"{"]),
    st.sampled_from(["", "q=1", "q=2"]),
)
def test_what_does_not_match_has_a_difference(spec, operation, status, body, query):
    criteria, found = parse_criteria(spec), exchange(1, operation, status, body, query=query)
    assert criteria.matches(found) is (criteria.differences(found) == [])


@pytest.mark.parametrize(
    ("pattern", "path", "same"),
    [
        ("/v1/user-memories", "/v1/user-memories", True),
        ("/v1/user-memories/", "/v1/user-memories", True),
        ("/v1/user-memories", "/datagrid/v1/user-memories/", True),
        ("/v1/user-memories", "/~w1/datagrid/v1/user-memories", True),
        ("/v1/user-memories", "/~w1/v1/user-memories", True),
        ("/~w1/v1/user-memories", "/~w1/v1/user-memories", True),
        ("/v1/user-memories/{id}", "/v1/user-memories/um_1", True),
        ("/v1/user-memories/*", "/v1/user-memories/um_1", True),
        ("/v1/user-memories", "/v1/user-memories/um_1", False),
        ("/v1/user-memories", "/mem0/v1/user-memories", False),
        ("/user-memories", "/v1/user-memories", False),
    ],
)
def test_a_path_is_compared_by_segments(pattern, path, same):
    assert Criteria(path=pattern).matches(exchange(1, path=path)) is same


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"operaton": CREATE}, "'operaton' is not .*did you mean 'operation'"),
        ({"op": CREATE}, "there are operation, method"),
        ({"status": "6..4"}, "^status: .*ends before it starts"),
        ({"status": None}, "^status: null"),
        ({"status": [429]}, "^status: "),
        ({"body": {"a": {"regex": "["}}}, "^body: a.regex: "),
        ({"header": []}, "^header: "),
        ({"query": {"a": None}}, "^query: a: "),
        ({"method": 5}, "^method: must be text"),
        ({"rule": ""}, "^rule: must be text"),
        ([], "must be a mapping"),
        (None, "must be a mapping"),
    ],
)
def test_criteria_that_cannot_be_meant_are_refused(spec, message):
    with pytest.raises(UserError, match=message):
        parse_criteria(spec)


def test_a_count_is_verified_and_a_miss_is_explained():
    journal = [
        exchange(1, body={"agent_id": "b1", "memory": "x"}),
        exchange(2, LIST, 200, method="GET"),
        exchange(3, body={"agent_id": "a1", "memory": "x"}),
        exchange(4, status=429, body={"agent_id": "c1"}),
        exchange(5, body={"agent_id": "b2"}),
    ]
    criteria = parse_criteria({"operation": CREATE, "status": 201, "body": {"agent_id": "a1"}})
    assert verify(journal, criteria, parse_range(1)).as_json() == {
        "ok": True,
        "found": 1,
        "expected": "1",
        "near_misses": [],
    }
    verdict = verify(journal, criteria, parse_range("2..3"))
    assert (verdict.ok, verdict.found, verdict.expected) == (False, 1, "2..3")
    assert [miss.exchange.number for miss in verdict.near_misses] == [5, 1, 4]
    assert verdict.as_json()["near_misses"][0] == {
        "number": 5,
        "operation": CREATE,
        "method": "POST",
        "path": "/datagrid/v1/user-memories",
        "status": 201,
        "differences": [{"where": "body.agent_id", "expected": '"a1"', "found": '"b2"'}],
    }
    assert orjson.dumps(verdict.as_json())
    assert str(verdict).splitlines()[:2] == [
        "expected 2..3, found 1",
        f'  near miss #5 {CREATE} 201: body.agent_id: expected "a1", found "b2"',
    ]


@given(st.lists(st.sampled_from([CREATE, LIST, ""]), max_size=8), st.sampled_from([0, 1, 3, "2..", "..2", "every 2"]))
def test_the_verdict_is_the_count(operations, times):
    journal = [exchange(i, operation) for i, operation in enumerate(operations, 1)]
    verdict = verify(journal, Criteria(operation=CREATE), parse_range(times))
    assert verdict.found == operations.count(CREATE)
    assert verdict.ok is parse_range(times).holds(verdict.found)
    others = [e.number for e in journal if e.operation != CREATE]
    assert [miss.exchange.number for miss in verdict.near_misses] == ([] if verdict.ok else others[::-1][:3])


def is_subsequence(wanted, found) -> bool:
    rest = iter(found)
    return all(any(one == other for other in rest) for one in wanted)


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=4))
def test_an_order_is_a_subsequence(found, wanted):
    journal = [exchange(i, operation) for i, operation in enumerate(found, 1)]
    verdict = verify_order(journal, [Criteria(operation=one) for one in wanted])
    assert verdict.ok is is_subsequence(wanted, found)
    assert verdict.found == max(n for n in range(len(wanted) + 1) if is_subsequence(wanted[:n], found))
    assert not (verdict.ok and verdict.near_misses)


def test_what_came_out_of_order_is_named():
    journal = [exchange(1, LIST), exchange(2, CREATE), exchange(3, "Memory.delete")]
    verdict = verify_order(journal, [Criteria(operation=CREATE), Criteria(operation=LIST)])
    assert (verdict.ok, verdict.found) == (False, 1)
    assert verdict.expected == f"2 in order; number 2, {LIST}, did not come after #2"
    first, second = verdict.near_misses
    assert str(first) == f"#1 {LIST} 201: order: expected {LIST} after #2, found it at #1"
    assert second.exchange.number == 3
    assert verify_order(journal, [Criteria(operation=LIST), Criteria(path="/v1/*")]).ok
    assert verify_order([], []).ok


def test_a_body_that_is_not_json_is_text_and_one_that_was_cut_says_so():
    assert parse_criteria({"body": {"regex": "^not"}}).matches(exchange(1, body=b"not json"))
    assert parse_criteria({"body": {"present": False}}).matches(exchange(1))
    whole = orjson.dumps({"memory": "x" * MAX_BODY})
    cut = exchange(1, body=whole[:MAX_BODY])
    cut.cut = len(whole), 0
    (difference,) = parse_criteria({"body": {"memory": "x"}}).differences(cut)
    assert "the journal kept 65536 bytes" in difference.found


def test_a_body_is_parsed_once(monkeypatch):
    from mockserver.journal import verify as module

    parsed = []
    monkeypatch.setattr(module, "parse_body", lambda body: parsed.append(body) or {"a": 1})
    journal = [exchange(i, body={"a": i}) for i in range(1, 4)]
    verify(journal, parse_criteria({"body": {"a": 2}}), parse_range(1))
    assert len(parsed) == 3
    bodies = Bodies()
    assert bodies.of(journal[0]) is bodies.of(journal[0])
