"""The contract's own cases: good requests to each operation, and requests that a server must reject.

A case says what is sent and what is to be learned from it. The variables of its path are filled in when it is sent,
with ids that the server showed. Must not know: sockets, or what came back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mockserver.apis.resources.model import folded
from mockserver.apis.resources.paging import BEFORE, CURSOR, SIZE
from mockserver.contract import Contract, Operation, Unsatisfiable
from mockserver.contract.parameters import Parameter
from mockserver.contract.request_samples import RequestSamples
from mockserver.messages import JSON, Request
from mockserver.text.matchers import MISSING, Matcher

Kind = Literal[
    "valid", "unknown", "invalid", "no-key", "page", "recorded", "create", "update", "delete", "after", "clean-up"
]
"""What is to be learned: `valid` requests are to be accepted, those to an `unknown` id, `invalid` ones and those with
`no-key` rejected. A `page` follows another one; what was `recorded` has an answer to be compared with. The rest is of
writes: `after` reads what was written, and what a `clean-up` is answered is not judged."""
READ_ONLY = frozenset({"GET", "HEAD", "OPTIONS", "QUERY", "TRACE"})
"""Methods that change nothing by HTTP's own rules."""
_SENT = frozenset({"GET", "HEAD", "QUERY"})
"""Read-only methods of which cases are made."""
_MISSING = frozenset(("404", "410", "4XX", "4xx"))
"""Responses by which a document says that an id may be unknown."""
_MOVING = frozenset((*CURSOR, *BEFORE))
"""Parameters, folded, that only take what the server told before."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an exchange file or a journal has for an answer."""

    status: Matcher
    headers: Mapping[str, Matcher] = field(default_factory=dict)
    body: Matcher | None = None
    value: JSON = MISSING
    """The body itself, where it is one value and no pattern."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request that is to be sent."""

    id: str
    """What it is known by from run to run."""
    operation: str
    """The operationId."""
    kind: Kind
    about: str = ""
    """What is special about it, for a reader; "" for the plain request."""
    parameter: str = ""
    """The parameter that it is about."""
    keyword: str = ""
    """The keyword of that parameter's schema that an `invalid` one breaks."""
    values: Mapping[str, JSON] = field(default_factory=dict)
    """Values of parameters beside those of the path, by name."""
    request: Request | None = None
    """The whole request, where it is not made from the contract."""
    expected: Expected | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of the path's variables, where they are known beforehand."""


def contract_cases(contract: Contract, probes: bool = True) -> Iterator[Case]:
    """The cases of all operations that only read, those without variables first.

    Args:
        contract: the contract.
        probes: whether requests that must be rejected are among them.
    """
    samples = RequestSamples(contract)
    operations = [one for one in contract.operations.values() if one.method in _SENT and not one.is_stream]
    for operation in sorted(operations, key=lambda one: one.path.count("{")):
        name = f"{operation.method} {operation.path}"
        yield Case(name, operation.id, "valid")
        for parameter in operation.parameters:
            if parameter.place == "query" and not parameter.required and folded(parameter.name) not in _MOVING:
                value = _sample(samples, parameter)
                if value is not MISSING:
                    id, values = f"{name} with {parameter.name}", {parameter.name: value}
                    yield Case(id, operation.id, "valid", f"with {parameter.name}", parameter.name, values=values)
        if any(one.place == "query" and folded(one.name) in SIZE for one in operation.parameters):
            yield Case(f"{name} page by page", operation.id, "page", "page by page")
        if probes:
            yield from _probes(contract, operation, name)


def _probes(contract: Contract, operation: Operation, name: str) -> Iterator[Case]:
    variables = [parameter for parameter in operation.parameters if parameter.place == "path"]
    if variables and variables[-1].plain and _MISSING.intersection(operation.declared):
        yield Case(f"{name} of an unknown id", operation.id, "unknown", "of an id that nothing has")
    for parameter in operation.parameters:
        if parameter.place != "query" or parameter.content:
            continue
        for keyword, value in broken_values(contract, parameter):
            about = f"with a {parameter.name} that breaks {keyword}"
            values = {parameter.name: value}
            yield Case(f"{name} {about}", operation.id, "invalid", about, parameter.name, keyword, values)
    if demands_key(contract, operation):
        yield Case(f"{name} without a key", operation.id, "no-key", "without a key")


def demands_key(contract: Contract, operation: Operation) -> bool:
    """Whether an operation takes no request without a key."""
    alternatives = contract.security(operation)
    return bool(alternatives) and all(alternatives)


def broken_values(contract: Contract, parameter: Parameter) -> Iterator[tuple[str, JSON]]:
    """Values that a parameter must not have, each with the keyword that it breaks."""
    try:
        place = contract.outlines.at(parameter.pointer)
    except KeyError:
        return
    node = contract.outlines.node(place)
    types = contract.outlines.of(place).types - {"null"}
    if isinstance(node.get("enum"), list):
        yield "enum", "no-such-value"
    elif types and types <= {"integer", "number"}:
        yield "type", "abc"
        for keyword, step in (("maximum", 1), ("minimum", -1)):
            bound = node.get(keyword)
            if isinstance(bound, int) and not isinstance(bound, bool):
                yield keyword, bound + step
    elif types == {"boolean"}:
        yield "type", "perhaps"
    elif node.get("format") in ("uuid", "date", "date-time"):
        yield "format", "not-one"


def _sample(samples: RequestSamples, parameter: Parameter) -> Any:
    try:
        return samples.value(parameter)
    except Unsatisfiable:
        return MISSING


__all__ = ["READ_ONLY", "Case", "Expected", "Kind", "broken_values", "contract_cases", "demands_key"]
