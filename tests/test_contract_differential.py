"""The compiled checks against the reference: on generated exchanges they agree, but for named deviations."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from contracts import BUNDLED, body_contract, bundled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.contract import Operation
from mockserver.contract.bodies import MAX_DEPTH, is_json
from mockserver.contract.deviations import DEVIATIONS, Half, explained
from mockserver.contract.oracle import Oracle
from mockserver.contract.refs import Refs
from mockserver.contract.samples import Sampler
from mockserver.errors import Problem
from mockserver.messages import Request, Response

ORACLES = {name: Oracle(bundled(name)) for name in BUNDLED}
OPERATIONS = [(name, id) for name in BUNDLED for id in bundled(name).operations]


@dataclass
class Case(Half):
    """One half of an exchange, and the values of its path."""

    values: dict[str, str] | None = None

    def fast(self) -> list[str]:
        if self.response is not None:
            return [str(violation) for violation in self.operation.check_response(self.response)]
        try:
            return [str(v) for v in self.operation.check_request(self.request, self.values or {}).violations]
        except Problem as problem:
            return [problem.message]

    def slow(self, oracle: Oracle) -> list[str]:
        if self.response is not None:
            return oracle.response_faults(self.operation, self.response)
        return oracle.request_faults(self.operation, self.request, self.values or {})


LIST = bundled("datagrid").operations["Memory.listUserMemory"]
CREATE = bundled("datagrid").operations["Memory.createUserMemory"]
DELETE = bundled("datagrid").operations["Memory.deleteUserMemory"]
MEM0_LIST = bundled("mem0").operations["listMemories"]
JSON = {"content-type": "application/json"}
GOOD = b'{"agent_id": "a", "memory": "m"'


def asked(operation: Operation, query: str = "", body: bytes = b"", headers: dict[str, str] = JSON) -> Case:
    return Case(operation, Request(operation.method, operation.path, query, headers, body), values={})


EXAMPLES = {
    "given twice": asked(LIST, "limit=5&limit=6"),
    "not canonical": asked(LIST, "limit=%2B5"),
    "key twice": asked(CREATE, body=GOOD + b', "memory": "n"}'),
    "too deep": asked(CREATE, body=GOOD + b', "x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"),
    "other charset": asked(CREATE, body=GOOD + b"}", headers={"content-type": "application/json; charset=utf-16"}),
    "empty text": asked(MEM0_LIST, "agent_id="),
    "undeclared error status": Case(CREATE, response=Response(503, {"any": "thing"})),
}
"""For each deviation an exchange that shows it."""


def judge(case: Case, oracle: Oracle) -> None:
    fast, slow = case.fast(), case.slow(oracle)
    if bool(fast) != bool(slow):
        assert explained(case, accepted=not fast), f"engine: {fast}\nopenapi-core: {slow}\n{case}"


def test_an_exchange_that_both_accept_and_one_that_both_refuse():
    oracle = ORACLES["datagrid"]
    for case, accepted in (
        (asked(CREATE, body=GOOD + b"}"), True),
        (asked(CREATE, body=b"{}"), False),
        (asked(LIST, "limit=5"), True),
        (asked(LIST, "limit=500"), False),
        (Case(DELETE, response=Response(204, media_type=None)), True),
        (Case(CREATE, response=Response(201, {})), False),
    ):
        assert (case.fast() == []) is accepted and (case.slow(oracle) == []) is accepted


@pytest.mark.parametrize("name", DEVIATIONS)
def test_every_deviation_is_real(name):
    one, example = DEVIATIONS[name], EXAMPLES[name]
    fast = example.fast()
    slow = example.slow(ORACLES["mem0" if example.operation is MEM0_LIST else "datagrid"])
    assert one.reason and one.source.startswith("https://") and one.applies(example)
    assert (bool(fast), bool(slow)) == ((True, False) if one.ours == "refuses" else (False, True)), (fast, slow)


def test_credits_null_is_accepted_by_both():
    body = {
        "object": "user_memory",
        "id": "m",
        "created_at": "c",
        "updated_at": "u",
        "agent_id": "a",
        "user_id": "u",
        "user_prompt": "",
        "memory": [],
        "context": [],
    }
    for credits, accepted in ((None, True), ({"consumed": 1}, True), ({}, False), ("null", False)):
        case = Case(CREATE, response=Response(201, {**body, "credits": credits}))
        assert (case.fast() == []) is accepted and (case.slow(ORACLES["datagrid"]) == []) is accepted


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70).filter(lambda n: -(2**63) <= n < 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "null", "2026-01-01", "user_memory", "list", "ä\n", "0", 1.0, 1e300, 0, -1, [], {}]),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.lists(st.integers() | st.text(st.characters(codec="utf-8"), max_size=2), max_size=2).filter(
        lambda items: all(not isinstance(item, int) or abs(item) < 2**63 for item in items)
    ),
)
numbers = ["0", "1", "50", "100", "101", "-1", "100000", "100001", "+5", " 5", "1_0", "٣", "05", "5.0", "1e2", "nan"]
words = ["x", "", "true", "false", "True", "null", "a,b", "a|b", "[1]", '{"a":1}', "2026-01-01T00:00:00Z", "%", "ä"]
scalars = st.sampled_from([*numbers, *words])


@st.composite
def damaged(draw, value: Any) -> Any:
    """A value with up to three members changed, dropped or added, at any level."""
    value = orjson.loads(orjson.dumps(value))
    for _ in range(draw(st.integers(0, 3))):
        places = list(containers(value))
        if not places:
            return draw(junk)
        place = draw(st.sampled_from(places))
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        action = draw(st.sampled_from(["change", "drop", "add"])) if keys else "add"
        if action == "add" and isinstance(place, dict):
            place[draw(st.sampled_from(["extra", "id", "credits", "details", ""]))] = deepcopy(draw(junk))
        elif action == "add":
            place.append(deepcopy(draw(junk)))
        elif action == "drop":
            del place[draw(st.sampled_from(keys))]
        else:
            place[draw(st.sampled_from(keys))] = deepcopy(draw(junk))
    return value


def containers(value: Any):
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from containers(child)


@st.composite
def requests(draw) -> tuple[str, Case]:
    api, id = draw(st.sampled_from(OPERATIONS))
    made = bundled(api)
    operation = made.operations[id]
    pairs, values, headers = [], {}, {}
    for parameter in operation.parameters:
        text = draw(scalars)
        if parameter.place == "path":
            values[parameter.name] = text
        elif parameter.place == "header" and draw(st.booleans()):
            headers[parameter.name.lower()] = text
        elif parameter.place == "query":
            pairs += [(parameter.name, draw(scalars)) for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2])))]
    if draw(st.integers(0, 9)) == 0:
        pairs.append((draw(st.sampled_from(["extra", "", "limit"])), draw(scalars)))
    query = "&".join(f"{quote(name)}={quote(text)}" for name, text in pairs)
    body = b""
    if "requestBody" in operation.node and draw(st.integers(0, 9)):
        node, _ = Refs(made.document).follow(operation.node["requestBody"], "")
        schema = node["content"]["application/json"].get("schema", {})
        rng = Random(draw(st.integers(0, 50)))
        body = orjson.dumps(draw(damaged(Sampler(Refs(made.document), rng).value(schema))))
        body = draw(
            st.sampled_from([body] * 12 + [body[:-1], body + b"x", b"", b"null", b"\xff", b"NaN", b'{"a":1,"a":2}'])
        )
    if body:
        types = ["application/json"] * 12 + ["application/json; charset=utf-8", "Application/JSON", "application/json;"]
        types += [
            "text/plain",
            "application/problem+json",
            "application/json; charset",
            "",
            "application/json; charset=utf-16",
        ]
        headers["content-type"] = draw(st.sampled_from(types))
    return api, Case(operation, Request(operation.method, operation.path, query, headers, body), values=values)


@st.composite
def responses(draw) -> tuple[str, Case]:
    api, id = draw(st.sampled_from(OPERATIONS))
    made = bundled(api)
    operation = made.operations[id]
    keys = [key for key in operation.declared if key.isdigit()]
    status = int(draw(st.sampled_from(keys)))
    rng = Random(draw(st.integers(0, 50))) if draw(st.booleans()) else None
    response = made.sample(operation, status, rng=rng)
    if response.media_type is not None:
        response.data = draw(damaged(response.data))
    if draw(st.integers(0, 9)) == 0:
        response.media_type = draw(
            st.sampled_from([None, "text/plain", "application/problem+json", "Application/JSON"])
        )
    for name in operation.reply(status).node.get("headers") or {}:
        if draw(st.integers(0, 3)) == 0:
            response.headers[name.lower()] = draw(st.sampled_from(["1", "200", "0", "-1", "", "x", "1.5", "Bearer"]))
    if draw(st.integers(0, 9)) == 0:
        response.status = draw(st.sampled_from([200, 201, 202, 204, 302, 404, 418, 500, 503]))
    return api, Case(operation, response=response)


common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@settings(common, max_examples=300)
@given(requests())
def test_requests(drawn):
    judge(drawn[1], ORACLES[drawn[0]])


@settings(common, max_examples=300)
@given(responses())
def test_responses(drawn):
    judge(drawn[1], ORACLES[drawn[0]])


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(common, max_examples=10_000)
@given(requests())
def test_many_requests(drawn):
    judge(drawn[1], ORACLES[drawn[0]])


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(common, max_examples=10_000)
@given(responses())
def test_many_responses(drawn):
    judge(drawn[1], ORACLES[drawn[0]])


HOSTILE = [
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"\xff\xfe",
    b'{"a": NaN}',
    b"",
    b"\x00",
    '{"memory": "\ud800"}'.encode("utf-8", "surrogatepass"),
]
FORM_CONTRACT = body_contract({"type": "object"}, "multipart/form-data")
FORM, FORM_ORACLE = next(iter(FORM_CONTRACT.operations.values())), Oracle(FORM_CONTRACT)
TYPES = [
    "",
    ";",
    "application/json;",
    "application/json; charset",
    "application/json; schema=x",
    "application/json; a=b=c",
    "application/json; charset=nonsense",
    "multipart/form-data",
    "multipart/form-data; boundary=\x00",
    "ä/ö; charset=\xff",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_nothing_escapes_from_the_oracle(content_type):
    for raw in HOSTILE:
        for oracle, operation in ((ORACLES["datagrid"], CREATE), (FORM_ORACLE, FORM)):
            case = asked(operation, "a=%FF" if raw else "", raw, {"content-type": content_type, "cookie": "\xff=%FF"})
            assert isinstance(case.slow(oracle), list)
            reply = Case(operation, response=Response(201, None, {"X": "\xff"}, content_type, raw))
            assert isinstance(reply.slow(oracle), list)
    assert Case(CREATE, response=Response(201, {1: object()})).slow(ORACLES["datagrid"]) != []


def test_an_operation_that_the_oracle_does_not_know_is_a_fault():
    assert "PathNotFound" in asked(MEM0_LIST).slow(ORACLES["datagrid"])[0]


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.x+json", "application/problem+json"])
def test_the_oracle_reads_every_kind_of_json(media_type):
    made = body_contract({"type": "object", "required": ["a"]}, media_type)
    operation, oracle = next(iter(made.operations.values())), Oracle(made)
    assert is_json(media_type)
    for body, accepted in ((b'{"a": 1}', True), (b"{}", False)):
        case = asked(operation, body=body, headers={"content-type": media_type})
        assert (case.fast() == []) is accepted and (case.slow(oracle) == []) is accepted
        reply = Case(operation, response=Response(200, json.loads(body), media_type=media_type))
        assert (reply.fast() == []) is accepted and (reply.slow(oracle) == []) is accepted
