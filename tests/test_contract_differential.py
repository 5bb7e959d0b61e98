"""The compiled checks against the reference: on generated exchanges they agree, but for named deviations."""

from __future__ import annotations

import json

import pytest
from contracts import body_contract, bundled
from generated_exchanges import Case, Subject, asked, requests, responses, subject
from hypothesis import HealthCheck, given, settings

from mockserver.contract import Contract
from mockserver.contract.json_text import MAX_DEPTH
from mockserver.contract.media_types import is_json
from mockserver.contract.reference.deviations import DEVIATIONS, explained
from mockserver.contract.reference.oracle import Oracle
from mockserver.errors import Problem
from mockserver.messages import Response

OWN = ["datagrid", "mem0", "harbour-3.0.yaml", "orchard-3.1.yaml", "workshop-3.0.yaml", "press-3.0.yaml"]
PUBLISHED = [
    "plaid-3.0.yml",
    "discord-3.1.json",
    "mem0-platform-3.0.json",
    "petstore-3.0.yaml",
    "oai-3.1-tictactoe.yaml",
    "oai-3.0-uspto.yaml",
]
DATAGRID = subject("datagrid")
LIST = bundled("datagrid").operations["Memory.listUserMemory"]
CREATE = bundled("datagrid").operations["Memory.createUserMemory"]
DELETE = bundled("datagrid").operations["Memory.deleteUserMemory"]
MEM0_LIST = bundled("mem0").operations["listMemories"]
GOOD = b'{"agent_id": "a", "memory": "m"'
FORM = "application/x-www-form-urlencoded"


def of(name: str, operation: str) -> tuple[Subject, str]:
    """An operation of a document in `tests/documents`."""
    about = subject(name)
    return about, about.contract.operations[operation]


def harbour(query: str = "", **values: str) -> Case:
    id = "position" if "box" in values else "shipsAt" if values else "listBerths"
    return asked(of("harbour-3.0.yaml", id)[1], query, **values)


def lend(body: bytes, content_type: str = FORM, id: str = "lend") -> Case:
    headers = {"content-type": content_type, "cookie": "session=abc"}
    return asked(of("workshop-3.0.yaml", id)[1], "", body, headers)


def part(name: str, text: str) -> str:
    return f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'


def refused(case: Case) -> Case:
    case.request.refusal = Problem("unsupported_media_type")
    return case


def printed(content_type: str, body: bytes) -> Case:
    return asked(of("press-3.0.yaml", "print")[1], "", body, {"content-type": content_type})


def sheets(query: str) -> Case:
    return asked(of("press-3.0.yaml", "sheets")[1], query)


ORDERED = of("workshop-3.0.yaml", "order")[1]
REPLACED = of("harbour-3.0.yaml", "replace")[1]
POSITION = {"place": "x=1,y=2", "path": "1,2", "name": "mole"}
MULTIPART = "multipart/form-data; boundary=B"
EXAMPLES = {
    "given twice": asked(LIST, "limit=5&limit=6"),
    "not canonical": asked(LIST, "limit=%2B5"),
    "key twice": asked(CREATE, body=GOOD + b', "memory": "n"}'),
    "too deep": asked(CREATE, body=GOOD + b', "x": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"),
    "other charset": asked(CREATE, body=GOOD + b"}", headers={"content-type": "application/json; charset=utf-16"}),
    "content coding": refused(asked(CREATE, body=GOOD + b"}")),
    "empty text": asked(MEM0_LIST, "agent_id="),
    "undeclared error status": Case(CREATE, response=Response(503, {"any": "thing"})),
    "no body by rule": Case(REPLACED, response=Response(204, media_type=None)),
    "nothing described": Case(ORDERED, response=Response(202, media_type=None)),
    "not for JSON Schema": printed("application/pdf", b"%PDF"),
    "any file": asked(of("press-3.0.yaml", "engrave")[1], body=b"{}"),
    "XML by its schema": Case(
        of("workshop-3.0.yaml", "orders")[1], response=Response(200, "<jobs/>", media_type="application/xml")
    ),
    "rows and lines": printed("text/csv", b"title,pages\na,1\n"),
    "charset declared": Case(of("workshop-3.0.yaml", "tools")[1], response=Response(200, {})),
    "formats": Case(
        of("harbour-3.0.yaml", "listBerths")[1],
        response=Response(200, [{"id": 1, "pier": "p", "owner": {"name": "n", "mail": "ä@²"}}], {"x-total": "1"}),
    ),
    "large float": asked(of("orchard-3.1.yaml", "plant")[1], body=b'{"id": "t1", "kind": null, "age": 1e300}'),
    "empty list": harbour("depths="),
    "name without a value": harbour(box="0", **POSITION),
    "prefix left out": harbour(berth="1", route="50", wind=";wind=w"),
    "null as text": asked(of("orchard-3.1.yaml", "listTrees")[1], "limit=null"),
    "list among others": asked(of("orchard-3.1.yaml", "listTrees")[1], "row=7&row=x"),
    "other members": harbour(box="west,5", **POSITION),
    "member as JSON": lend(b"item=i&box=%7B%22w%22%3A1%7D", id="order"),
    "multipart scalars": lend(f"{part('item', 'i')}{part('count', '2')}--B--\r\n".encode(), MULTIPART, "order"),
    "multipart alternatives": lend(f"{part('hours', 'x')}--B--\r\n".encode(), MULTIPART, "repair"),
    "empty value allowed": sheets("pages="),
    "delimiter as data": sheets("authors=a%2Cb,c"),
    "nested members": sheets("filter[size][min]=x"),
    "part against its encoding": printed(
        "multipart/form-data; boundary=B",
        part('cover"; filename="c', "x")
        .replace("\r\n\r\n", "\r\nX-Width: 1\r\nContent-Type: text/plain\r\n\r\n")
        .encode()
        + b"--B--\r\n",
    ),
    "undeclared form field": lend(b"tool=saw&days=1&extra=long"),
    "required with a default": lend(b"days=1"),
    "form without a part": lend(b"--B--\r\n", MULTIPART, "dropIn"),
}
"""For each deviation an exchange that shows it."""


def contract_of(case: Case) -> Subject:
    """The subject whose operation a case is about."""
    return next(subject(name) for name in OWN if case.operation in subject(name).operations)


def validate(case: Case, oracle: Oracle) -> None:
    fast, slow = case.fast(), case.slow(oracle)
    if bool(fast) != bool(slow):
        assert explained(case, accepted=not fast), f"engine: {fast}\nopenapi-core: {slow}\n{case}"


def test_an_exchange_that_both_accept_and_one_that_both_refuse():
    oracle = DATAGRID.oracle
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
    slow = example.slow(contract_of(example).oracle)
    assert one.reason and one.source.startswith("https://")
    assert explained(example, accepted=not fast) == name
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
        assert (case.fast() == []) is accepted and (case.slow(DATAGRID.oracle) == []) is accepted


common = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
EVERYDAY = {"datagrid": 150, "mem0": 100}


@pytest.mark.parametrize("direction", [requests, responses], ids=lambda direction: direction.__name__)
@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_generated_exchanges(name, direction):
    run(name, direction, EVERYDAY.get(name, 60))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("direction", [requests, responses], ids=lambda direction: direction.__name__)
@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_many_generated_exchanges(name, direction):
    run(name, direction, 10_000)


def run(name, direction, cases: int) -> None:
    about = subject(name)

    @settings(common, max_examples=cases)
    @given(direction(about))
    def check(case: Case) -> None:
        validate(case, about.oracle)

    check()


HOSTILE = [
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"\xff\xfe",
    b'{"a": NaN}',
    b"",
    b"\x00",
    '{"memory": "\ud800"}'.encode("utf-8", "surrogatepass"),
]
UPLOADS: Contract = body_contract({"type": "object"}, "multipart/form-data")
UPLOAD, UPLOADS_ORACLE = next(iter(UPLOADS.operations.values())), Oracle(UPLOADS)
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
        for oracle, operation in ((DATAGRID.oracle, CREATE), (UPLOADS_ORACLE, UPLOAD)):
            case = asked(operation, "a=%FF" if raw else "", raw, {"content-type": content_type, "cookie": "\xff=%FF"})
            assert isinstance(case.slow(oracle), list)
            reply = Case(operation, response=Response(201, None, {"X": "\xff"}, content_type, raw))
            assert isinstance(reply.slow(oracle), list)
    assert Case(CREATE, response=Response(201, {1: object()})).slow(DATAGRID.oracle) != []


def test_an_operation_that_the_oracle_does_not_know_is_a_fault():
    assert "PathNotFound" in asked(MEM0_LIST).slow(DATAGRID.oracle)[0]


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
