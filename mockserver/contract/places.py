"""Where the schema stands that a violation broke: file, line, and the lines themselves.

Looked up in the texts when a reader asks, never while requests are answered. Where several alternatives may be meant,
it is the first whose keyword says what was expected. Must not know: state, journals.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from mockserver.contract import overlay as overlays
from mockserver.contract.along import along
from mockserver.contract.contract import Contract
from mockserver.contract.faults import Source
from mockserver.contract.operation import Operation
from mockserver.contract.outline import Place
from mockserver.contract.parameters import Parameter
from mockserver.contract.references import Refs
from mockserver.data import bundled_file
from mockserver.messages import JSON, Violation
from mockserver.records import record
from mockserver.text.blocks import MAX_LINES, MAX_WIDTH, Line, block
from mockserver.text.documents import parse, parts_of, pointer_of

MAX_TEXT = 1024 * 1024
"""Characters of a text in which lines are looked for: it takes about a second."""


@record(frozen=True)
class Excerpt:
    """Where something of a contract stands, and what is written there."""

    file: str
    line: int
    """From 1; 0 when it is not known."""
    pointer: str
    """RFC 6901, in the document with its overlays applied."""
    lines: tuple[Line, ...]

    def as_json(self) -> dict[str, JSON]:
        """As the admin API shows it."""
        return {**asdict(self), "lines": [line._asdict() for line in self.lines]}


def broken(contract: Contract, operation: Operation, violation: Violation, status: int) -> Excerpt | None:
    """Where the schema stands that a violation broke, in a request or in a response with a status.

    None where the contract says nothing that could be shown.
    """
    found = _place(contract, operation, violation, status)
    return None if found is None else excerpt(contract, *found)


def _place(contract: Contract, operation: Operation, violation: Violation, status: int) -> tuple[str, str] | None:
    """The pointers to the schema and to what of it was broken."""
    is_request, where = violation.side == "client", violation.where
    answer = None if is_request else operation.response(status)
    if where == "body":
        root = operation.request_schema if is_request else operation.response_schema(status)
        if root is None or (violation.keyword == "required" and not violation.pointer):
            pointer = f"{operation.pointer}/requestBody" if is_request else answer.pointer if answer else ""
            return (pointer, pointer) if pointer else None
        return _in_schema(contract.refs, root, parts_of(violation.pointer), violation)
    if where in ("content-type", "status"):
        pointer = f"{operation.pointer}/requestBody" if is_request else answer.pointer if answer else ""
        pointer = pointer or f"{operation.pointer}/responses"
        return pointer, pointer
    declared = operation.parameters if is_request else answer.headers if answer else []
    for parameter in declared:
        inner = _below(parameter, violation, is_request)
        if inner is None:
            continue
        if violation.keyword == "required" and not inner:
            parent = parameter.pointer.rpartition("/")[0]
            return parent, f"{parent}/required"
        return _in_schema(contract.refs, contract.outlines.at(parameter.pointer), inner, violation)
    return None


def _below(parameter: Parameter, violation: Violation, is_request: bool) -> list[str] | None:
    """The path in a parameter's value that a violation names; None when it is another one's, or has no schema."""
    if is_request and parameter.place != violation.where:
        return None
    pointer = violation.pointer
    if not parameter.pointer or not f"{pointer}/".startswith(f"{parameter.name}/"):
        return None
    return parts_of(pointer[len(parameter.name) :])


def _in_schema(refs: Refs, root: Place, path: list[str], violation: Violation) -> tuple[str, str]:
    keyword, member = violation.keyword, ""
    if keyword == "required" and path:
        *path, member = path
    while True:
        speaking = [met.place for met in along(refs, root, path) if met.depth == len(path)]
        if speaking or not path:
            break
        path = path[:-1]  # a member that nothing describes: what describes the object has refused it
    best: tuple[int, str, str] | None = None
    for node, pointer in speaking:
        score, inner = _fit(node, keyword, member, violation.expected)
        if best is None or score > best[0]:
            best = score, pointer, pointer + inner
    return (best[1], best[2]) if best is not None else (root.pointer, root.pointer)


def _fit(node: dict[str, Any], keyword: str, member: str, expected: str) -> tuple[int, str]:
    """How well a schema fits a violation, and where in it the keyword stands."""
    if keyword not in node:
        return 0, ""
    value = node[keyword]
    if keyword == "required":
        listed = isinstance(value, list) and member in value
        return (2, pointer_of([keyword, value.index(member)])) if listed else (0, "")
    shown = [str(part) for part in value] if isinstance(value, list) else [str(value)]
    return (2 if any(part in expected for part in shown) else 1), pointer_of([keyword])


def excerpt(contract: Contract, schema: str, at: str = "") -> Excerpt:
    """The lines of the schema at a pointer, with the line of what stands at another one inside it."""
    source, path, inner = _source(contract, schema, at or schema)
    line = first = 0
    if len(source.text) <= MAX_TEXT:
        line, first = source.locator.at(inner)[0], source.locator.at(path)[0]
    rows = source.text.split("\n") if line else []
    if rows and len(rows[line - 1]) <= 2 * MAX_WIDTH:
        lines = block(rows, first, line)
    else:  # too long to search, or a file that is all one line
        lines = _written(contract.refs, schema)
    return Excerpt(_shown(source.name), line, at or schema, tuple(lines))


def _written(refs: Refs, schema: str) -> list[Line]:
    """A schema written out."""
    try:
        text = orjson.dumps(refs.lookup(schema), option=orjson.OPT_INDENT_2).decode()
    except (KeyError, TypeError):
        return []
    return [Line(0, row[:MAX_WIDTH]) for row in text.split("\n")[:MAX_LINES]]


def _shown(file: str) -> str:
    """The name of a file as it is shown: of a bundled one not where it is installed."""
    path = Path(file)
    return f"spec/{path.name}" if path == bundled_file("spec", path.name) else file


def _source(contract: Contract, schema: str, at: str) -> tuple[Source, list[str | int], list[str | int]]:
    """The text that a schema was written in, and the paths there: of the schema, and of what stands inside it."""
    sources = contract.findings.sources
    outer: list[str | int] = [*parts_of(schema)]
    inner: list[str | int] = [*parts_of(at)]
    for source in reversed(sources.overlays):  # the last one wins
        if len(source.text) <= MAX_TEXT:
            overlay = parse(source.text, source.name)
            path = overlays.origin(contract.document, overlay, source.name, inner)
            if path is not None:
                return source, path[: len(path) - len(inner) + len(outer)], path
    source, there = sources.place(inner)
    _, start = sources.place(outer)
    return source, [*start], [*there]


__all__ = ["Excerpt", "broken", "excerpt"]
