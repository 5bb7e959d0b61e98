"""The compiled checks of responses against schemathesis's own: they agree, but for named deviations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import orjson
import pytest
import requests
from generated_exchanges import Case, responses, subject
from hypothesis import HealthCheck, given, settings

from mockserver.contract.media_types import essence, is_json
from mockserver.messages import Response

schemathesis = pytest.importorskip("schemathesis")
from schemathesis.core.failures import FailureGroup  # noqa: E402
from schemathesis.core.transport import Response as Received  # noqa: E402
from schemathesis.specs.openapi import checks as openapi  # noqa: E402

OWN = ["datagrid", "mem0", "harbour-3.0.yaml", "orchard-3.1.yaml", "workshop-3.0.yaml", "press-3.0.yaml"]
PUBLISHED = ["mem0-platform-3.0.json", "petstore-3.0.yaml", "oai-3.1-tictactoe.yaml", "oai-3.0-uspto.yaml"]
CHECKS = [
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]
REQUEST = requests.Request("GET", "http://127.0.0.1/").prepare()


@cache
def judge_of(name: str) -> dict[tuple[str, str], Any]:
    """schemathesis's operations of a document, by method and path."""
    schema = schemathesis.openapi.from_dict(orjson.loads(orjson.dumps(subject(name).contract.document)))
    found = [result.ok() for result in schema.get_all_operations()]
    return {(operation.method.upper(), operation.path): operation for operation in found}


def received(case: Case) -> Received:
    """A response as schemathesis gets it."""
    response = case.response
    assert response is not None
    headers = {name: [text] for name, text in response.headers.items()}
    content = b""
    if response.media_type is not None:
        headers["content-type"] = [response.media_type]
        data = response.data
        if isinstance(data, bytes):
            content = data
        else:
            content = orjson.dumps(data) if is_json(essence(response.media_type)) else str(data).encode()
    return Received(response.status, headers, content, REQUEST, 0.0, False)


def refused(name: str, case: Case) -> list[str]:
    """Why schemathesis refuses a response."""
    operation = judge_of(name)[case.operation.method, case.operation.path]
    judge = operation.Case(path_parameters={one.name: "1" for one in operation.path_parameters})
    try:
        judge.validate_response(received(case), checks=CHECKS)
    except FailureGroup as group:
        return [f"{type(one).__name__}: {str(one)[:300]}" for one in group.exceptions]
    except AssertionError as one:
        return [f"{type(one).__name__}: {str(one)[:300]}"]
    return []


def is_undeclared(case: Case) -> bool:
    return case.response.status >= 300 and case.operation.response(case.response.status) is None


def is_unread(case: Case) -> bool:
    kind = essence(case.response.media_type or "")
    found = case.operation.check_response(case.response)
    return bool(kind) and not is_json(kind) and all(violation.where == "body" for violation in found)


def is_no_boolean(case: Case) -> bool:
    found = case.operation.check_response(case.response)
    return all(violation.where == "header" and "must be a boolean" in violation.message for violation in found)


def has_no_body_by_rule(case: Case) -> bool:
    return case.response.status in (204, 205, 304) and case.response.media_type is None


def is_of_no_format(case: Case) -> bool:
    found = case.operation.check_response(case.response)
    return all(one.keyword == "format" or "214748364" in one.message or "a byte" in one.message for one in found)


def has_empty_header(case: Case) -> bool:
    return "" in case.response.headers.values()


@dataclass(frozen=True)
class Deviation:
    """A difference that is meant."""

    ours: Literal["accepts", "refuses"]
    source: str
    """The sentence that decides it."""
    applies: Callable[[Case], bool]


_OAS = "https://spec.openapis.org/oas/v3.0.4.html"
DEVIATIONS = {
    "undeclared status": Deviation(
        "accepts",
        f"{_OAS}#responses-object: the documentation is not necessarily expected to cover all possible HTTP response "
        "codes because they may not be known in advance; an undeclared success is refused by both",
        is_undeclared,
    ),
    "body that is not JSON": Deviation(
        "refuses",
        f"{_OAS}#media-type-object: the schema defines the content of the response, whatever its media type; "
        "schemathesis reads only JSON and YAML",
        is_unread,
    ),
    "no body by rule": Deviation(
        "accepts",
        "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.5: a 204 response cannot contain content, also where "
        "`default` or a range declares a body for it",
        has_no_body_by_rule,
    ),
    "formats": Deviation(
        "refuses",
        f"{_OAS}#data-types: int32 is signed 32 bits, byte is base64-encoded data; schemathesis does not check these",
        is_of_no_format,
    ),
    "boolean header": Deviation(
        "refuses",
        "https://www.rfc-editor.org/rfc/rfc8259#section-3: there are three literal names, false, null and true; "
        "schemathesis takes 1, yes and on for booleans too",
        is_no_boolean,
    ),
    "empty header": Deviation(
        "accepts",
        f"{_OAS}#style-examples: an empty value is spelled as nothing, which null is where a schema takes it",
        has_empty_header,
    ),
}


def answer(name: str, id: str, status: int, data: Any, media_type: str | None, **headers: str) -> tuple[str, Case]:
    """A response of an operation, and the name of its document."""
    named = {header.replace("_", "-"): text for header, text in headers.items()}
    response = Response(status, data, named, media_type)
    return name, Case(subject(name).contract.operations[id], response=response)


EXAMPLES: dict[str, Callable[[], tuple[str, Case]]] = {
    "undeclared status": lambda: answer("harbour-3.0.yaml", "listBerths", 503, {}, "application/json"),
    "body that is not JSON": lambda: answer("workshop-3.0.yaml", "orders", 200, "[]", "application/xml"),
    "no body by rule": lambda: answer("harbour-3.0.yaml", "shipsAt", 204, None, None),
    "formats": lambda: answer(
        "harbour-3.0.yaml", "shipsAt", 418, {"title": "t", "status": -(2**40)}, "application/problem+json"
    ),
    "boolean header": lambda: answer(
        "harbour-3.0.yaml", "listBerths", 200, [], "application/json", x_total="1", x_open="1"
    ),
    "empty header": lambda: answer(
        "orchard-3.1.yaml", "listTrees", 200, [], "application/json", x_count="", x_season="spring"
    ),
}
"""For each deviation a response that shows it."""


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_every_deviation_is_real(deviation):
    name, case = EXAMPLES[deviation]()
    fast, slow = case.fast(), refused(name, case)
    assert (bool(fast), bool(slow)) == ((True, False) if DEVIATIONS[deviation].ours == "refuses" else (False, True))
    assert explained(case, accepted=not fast) == deviation


def test_a_response_that_both_accept_and_some_that_both_refuse():
    good = {"object": "list", "data": [], "has_more": False}
    for status, data, media_type, accepted in (
        (200, good, "application/json", True),
        (200, {}, "application/json", False),
        (200, good, "text/plain", False),
        (299, good, "application/json", False),
    ):
        name, case = answer("datagrid", "Memory.listUserMemory", status, data, media_type)
        assert (case.fast() == []) is accepted and (refused(name, case) == []) is accepted, (status, media_type)


def explained(case: Case, accepted: bool) -> str:
    """The name of the deviation that accounts for a disagreement; "" when none does."""
    ours = "accepts" if accepted else "refuses"
    return next((name for name, one in DEVIATIONS.items() if one.ours == ours and one.applies(case)), "")


def run(name: str, cases: int) -> None:
    about = subject(name)

    @settings(max_examples=cases, deadline=None, suppress_health_check=list(HealthCheck))
    @given(responses(about))
    def check(case: Case) -> None:
        fast, slow = case.fast(), refused(name, case)
        if bool(fast) != bool(slow):
            assert explained(case, accepted=not fast), (
                f"engine: {fast}\nschemathesis: {slow}\n{case.operation.id} {case.response}"
            )

    check()


@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_generated_responses(name):
    run(name, 60)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_many_generated_responses(name):
    run(name, 5_000)
