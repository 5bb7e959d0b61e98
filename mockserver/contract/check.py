"""Everything that can be said about a document without sending a request to it.

What loading notes, and what would take too long at every start: the strict validator, examples and defaults that
break their schemas, headers that HTTP cannot carry, formats nobody checks. The command that prints it is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

from mockserver.contract.contract import Contract
from mockserver.contract.dialects import FORMATS
from mockserver.contract.explain import explain
from mockserver.contract.faults import Fault, Finding
from mockserver.contract.load import Terms, compiled, judge_strictly
from mockserver.contract.objects import Steps, path_of, steps_of, walk
from mockserver.contract.references import Refs, pointer_of
from mockserver.contract.schemas import Direction, Schemas
from mockserver.errors import ContractError, UserError
from mockserver.text.documents import parts_of, read_text, uncollected

MAX_BYTES = 64 * 1024 * 1024
_PLACE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<message>.*)", re.DOTALL)
_KNOWN_FORMATS = frozenset(
    (
        *FORMATS,
        *("int32", "int64", "float", "double", "password", "binary", "date-time", "date", "time", "duration", "email"),
        *("idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference"),
        *("uuid", "uri-template", "json-pointer", "relative-json-pointer", "regex"),
    )
)
_ELSEWHERE = frozenset(("externalValue", "serializedValue"))
"""Where the value of an Example Object may be, if not in it."""
_FIELD_TEXT = re.compile(r"[\t\x20-\x7e]*")
"""What a header field may hold (RFC 9110, 5.5), obsolete bytes apart."""


def check_document(
    path: Path,
    overlay: Path | None = None,
    *,
    strict: bool = True,
    allow_remote_refs: bool = False,
    ref_folder: Path | None = None,
) -> list[Fault]:
    """Every fault of a document, the worst that there can be included: that it is none.

    Args:
        path: the document, YAML or JSON.
        overlay: an OpenAPI Overlay to apply first.
        strict: ask openapi-spec-validator too.
        allow_remote_refs: follow references to http and https URLs.
        ref_folder: the folder that references may read files from; the document's own when None.
    """
    try:
        text = read_text(path, MAX_BYTES)
    except UserError as error:
        return [_fatal(path, str(error))]
    return check_text(text, path, overlay, strict=strict, allow_remote_refs=allow_remote_refs, ref_folder=ref_folder)


@uncollected()
def check_text(
    text: str,
    path: Path,
    overlay: Path | None = None,
    *,
    strict: bool = True,
    allow_remote_refs: bool = False,
    ref_folder: Path | None = None,
) -> list[Fault]:
    """Every fault of a document that was read already. `path` is what it is called; the rest is as above."""
    terms = Terms(allow_remote_refs=allow_remote_refs, ref_folder=ref_folder)
    try:
        contract = compiled(text, path, () if overlay is None else [overlay], None, terms)
    except UserError as error:
        return [_fatal(path, str(error))]
    findings = contract.findings
    if strict and not findings.errors():
        texts = [text, *([] if overlay is None else [read_text(overlay, MAX_BYTES)])]
        texts += [source.text for source in findings.sources.mounted.values()]
        judge_strictly(contract.document, findings, texts)
    for check in CHECKS:
        for finding in check(contract):
            findings.add(finding.severity, finding.path, finding.message, finding.consequence, finding.rule_id)
    return findings.faults()


def _fatal(path: Path, message: str) -> Fault:
    """The fault of a document that cannot be used at all."""
    placed = _PLACE.fullmatch(message)
    if placed is None:
        message = message.removeprefix(f"{path}: ")
        return Fault("error", str(path), 0, 0, "", message, "the document cannot be served", "unusable")
    line, column = int(placed["line"]), int(placed["column"] or 1)
    return Fault(
        "error", placed["file"], line, column, "", placed["message"], "the document cannot be served", "unusable"
    )


def values_that_break_their_schema(contract: Contract) -> Iterator[Finding]:
    """Examples and defaults that are not valid by the schema that they stand in or beside."""
    validate = _Judge(contract)
    for kind, node, place, _ in _objects(contract):
        if kind == "schema":
            for key, value in [(key, node[key]) for key in ("default", "example") if key in node]:
                yield from validate.value(place, [key], value, path_of(place))
        elif kind in ("media-type", "parameter", "header") and isinstance(node.get("schema"), dict | bool):
            schema = [*path_of(place), "schema"]
            if "example" in node:
                yield from validate.value(place, ["example"], node["example"], schema)
            examples = node.get("examples")
            for name, example in examples.items() if isinstance(examples, dict) else ():
                target = validate.target(example)
                if not isinstance(target, dict):
                    continue
                named = next((key for key in ("value", "dataValue") if key in target), None)
                if named is not None:
                    yield from validate.value(place, ["examples", name, named], target[named], schema)
                elif _ELSEWHERE.isdisjoint(target):
                    path = (*path_of(place), "examples", name)
                    yield Finding("warning", path, "has no value", "it is not used", "example-without-value")


class _Judge:
    """Validates values of the document by its schemas."""

    def __init__(self, contract: Contract) -> None:
        self._refs = Refs(contract.document)
        self._schemas = Schemas(contract.document)
        self._known: dict[str, jsonschema_rs.Validator | None] = {}

    def target(self, node: Any) -> Any:
        """What a node stands for; None when it cannot be found."""
        try:
            return self._refs.follow(node, "")[0]
        except KeyError:
            return None

    def value(self, place: Steps, below: list[str], value: Any, schema: list[str | int]) -> Iterator[Finding]:
        """What is wrong with a value that stands `below` a place."""
        directions: tuple[Direction, ...] = ("response", "request")
        for direction in directions:
            validator = self._validator(pointer_of(schema), direction)
            if validator is None or validator.is_valid(value):
                return  # what is valid in one direction is an example for it
        validator = self._validator(pointer_of(schema), "response")
        assert validator is not None
        violations = explain(validator.iter_errors(value), "server", "body")
        path = (*path_of(place), *below)
        where = f"{violations[0].pointer}: " if violations[0].pointer else ""
        message = f"breaks its schema: {where}{violations[0].message}"
        consequence = "it is used all the same" if below[0] == "default" else "a value is made up instead"
        yield Finding("warning", path, message, consequence, f"{below[0].rstrip('s')}-breaks-schema")

    def _validator(self, pointer: str, direction: Direction) -> jsonschema_rs.Validator | None:
        key = f"{direction} {pointer}"
        if key not in self._known:
            try:
                made = self._schemas.validator(self._schemas.reference(pointer, direction))
            except (ContractError, ValueError, KeyError):
                made = None
            self._known[key] = made
        return self._known[key]


def headers_that_http_cannot_carry(contract: Contract) -> Iterator[Finding]:
    """Examples of response headers with characters that no header may hold."""
    for kind, node, place, _ in _objects(contract):
        if kind != "header":
            continue
        schema = node.get("schema")
        holders: list[tuple[dict[str, Any], list[str]]] = [
            (node, []),
            *([(schema, ["schema"])] if isinstance(schema, dict) else []),
        ]
        for holder, below in holders:
            for key in ("example", "default"):
                value = holder.get(key)
                if isinstance(value, str) and not _FIELD_TEXT.fullmatch(value):
                    message = f"{value!r} has characters that HTTP cannot carry in a header"
                    path = (*path_of(place), *below, key)
                    yield Finding("warning", path, message, "it is not sent", "header-example")


def unknown_formats(contract: Contract) -> Iterator[Finding]:
    """Formats that nothing checks."""
    for kind, node, place, _ in _objects(contract):
        if kind == "schema" and isinstance(node.get("format"), str) and node["format"] not in _KNOWN_FORMATS:
            message = f"the format {node['format']!r} is not known here"
            yield Finding("note", (*path_of(place), "format"), message, "it is not checked", "unknown-format")


def _objects(contract: Contract) -> Iterator[tuple[str, dict[str, Any], Steps, str]]:
    """Every object of the document and of the files that it refers to."""
    refs = Refs(contract.document)
    for path, kind in [((), "document"), *contract.findings.parts]:
        try:
            node = refs.lookup(pointer_of(path))
        except KeyError:
            continue
        yield from walk(node, kind, steps_of(list(path)))


def responses_without_a_value(contract: Contract) -> Iterator[Finding]:
    """Responses whose schema no value was found for."""
    for fault in contract.unsatisfiable():
        path = tuple(parts_of(fault.pointer)) if fault.pointer else ()
        consequence = f"{fault.operation} answers 501 instead of {fault.status}"
        yield Finding("error", path, fault.reason, consequence, "schema-without-value")


CHECKS: tuple[Callable[[Contract], Iterator[Finding]], ...] = (
    values_that_break_their_schema,
    headers_that_http_cannot_carry,
    unknown_formats,
    responses_without_a_value,
)
"""What is looked at beside what loading notes. A new check is a function and a line here."""

__all__ = ["CHECKS", "MAX_BYTES", "check_document", "check_text"]
