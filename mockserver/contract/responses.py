"""A declared response of an operation, compiled: what its status, its headers and its body may be."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import jsonschema_rs

from mockserver.contract.bodies import compile_bodies
from mockserver.contract.explain import explain
from mockserver.contract.parameters import Parameter, compile_parameter
from mockserver.contract.references import Refs
from mockserver.contract.schemas import Schemas
from mockserver.contract.shapes import reread
from mockserver.contract.standing_rows import StandingRows, list_member
from mockserver.errors import ContractError, Problem
from mockserver.messages import Response, Violation
from mockserver.text.documents import pointer_of

FRAMING = frozenset(
    ("connection", "content-encoding", "content-length", "content-type", "date", "keep-alive", "transfer-encoding")
)
"""Headers that frame a message: the server sets them, whatever a document says (3.0.3, Response Object)."""
MAX_GOOD_TEXTS = 256
"""Texts of one response header that are remembered as good."""
MAX_GOOD_BODIES = 4
"""Bodies that are remembered as good: the same page is asked for again and again."""
LEAST_BODY, MOST_BODY = 1024, 16 * 1024
"""Bytes of such a body: for a short one it takes longer to remember it than to look at it."""
MAX_DIGITS = 15
"""Digits of a count: so many, every reader holds exactly."""
_COUNT_KEYS = frozenset({"type", "minimum", "title", "description", "example", "default", "examples"})
"""What the schema of a count may say; anything else could refuse one."""


def _is_count(schema: Any) -> bool:
    """Whether a schema takes every count, so that nothing else has to look at one."""
    return (
        isinstance(schema, dict)
        and schema.get("type") == "integer"
        and schema.get("minimum", 0) == 0
        and _COUNT_KEYS.issuperset(schema)
    )


class _Header(NamedTuple):
    """A header that a response may have, and how its text is validated."""

    name: str
    """In lower case."""
    declared: Parameter
    validator: jsonschema_rs.Validator
    good: set[str | None]
    """Texts that were found good, which are not validated twice; None when it may be missing."""
    counts: bool
    """Whether every count is good."""


class DeclaredResponse:
    """One declared response of an operation."""

    def __init__(self, refs: Refs, schemas: Schemas, node: dict[str, Any], pointer: str) -> None:
        self.node = node
        self.pointer = pointer
        self._schemas = schemas
        self.bodies = compile_bodies(refs, schemas, node.get("content") or {}, f"{pointer}/content", "response")
        self.headers: list[Parameter] = []
        counts = set()
        for name, header in (node.get("headers") or {}).items():
            if name.lower() in FRAMING:
                continue
            header, at = refs.follow(header, pointer + pointer_of(["headers", name]))
            if _is_count(header.get("schema")):
                counts.add(name.lower())
            if "schema" in header or "content" in header:
                parameter = compile_parameter(refs, {**header, "name": name, "in": "header"}, at)
                if parameter is not None:
                    self.headers.append(parameter)
        self._good_bodies: dict[int, bytes] = {}
        """Texts of JSON bodies that were found good, which are not validated twice; the newest of each length."""
        self._headers = [
            _Header(
                header.header,
                header,
                schemas.validator(schemas.reference(header.pointer, "response")),
                set() if header.required else {None},
                header.header in counts,
            )
            for header in self.headers
        ]

    def accepts(self, response: Response, written: bytes = b"") -> bool:
        """Whether a response is what is declared: every header and the whole body are looked at.

        `written` is what its data was written as, if that is JSON: what it says need not be looked at twice.
        """
        if self._headers and not self._accepts_headers(response.headers):
            return False
        if not self.bodies.media_types:
            return True
        if response.media_type is None:
            # A status that has no body by HTTP's rules is complete without one.
            return response.status in (204, 205, 304)
        known, size = self._good_bodies, len(written)
        is_long = LEAST_BODY <= size <= MOST_BODY
        if is_long and known.get(size) == written:
            return True
        reading = self.bodies[response.media_type]
        try:
            is_good = reading is not None and reading.accepts(response.data)
        except ValueError:
            return False  # no JSON value at all, for example a datetime
        if is_good and is_long:
            if len(known) >= MAX_GOOD_BODIES:
                known.clear()
            known[size] = written
        return is_good

    def accepts_rows(self, response: Response) -> bool:
        """Whether a response with a list of rows that stand (`standing_rows`) is surely good; then it is written."""
        if self._rows is None or response.media_type != "application/json" or response.content is not None:
            return False
        text = self._rows.text(response.data) if self._accepts_headers(response.headers) else None
        response.content = text
        return text is not None

    @cached_property
    def _rows(self) -> StandingRows | None:
        reading = self.bodies["application/json"]
        if reading is None or reading.of_texts:
            return None
        at = f"{self.pointer}/content/application~1json/schema"
        try:
            reference = self._schemas.reference(at, "response")
            member = list_member(reference, self._schemas.reached(reference))
        except ContractError:
            return None
        return StandingRows(member, reading.accepts) if member is not None else None

    def _accepts_headers(self, headers: dict[str, str]) -> bool:
        for name, header, validator, good, counts in self._headers:
            text = headers.get(name)
            if text in good:
                continue
            if not (counts and text and _spells_count(text)):
                try:
                    if text is None or not _header_holds(header, validator, text):
                        return False
                except Problem:
                    return False
            if len(good) >= MAX_GOOD_TEXTS:  # a header that tells the time has had its day
                good.intersection_update((None,))
            good.add(text)
        return True

    def explain(self, response: Response) -> list[Violation]:
        """What is wrong with a response that is not accepted."""
        return [*self._explain_headers(response.headers), *self._explain_body(response)]

    def _explain_headers(self, headers: dict[str, str]) -> list[Violation]:
        found: list[Violation] = []
        for name, header, validator, _, _ in self._headers:
            text = headers.get(name)
            if text is None:
                found += [header.missing("server")] if header.required else []
                continue
            try:
                value = reread(header.decode(text), header.shape, validator)
                found += explain(validator.iter_errors(value), "server", "header", header.name)
            except Problem as problem:
                found += [replace(violation, side="server") for violation in problem.violations]
        return found

    def _explain_body(self, response: Response) -> list[Violation]:
        if not self.bodies.media_types:
            return []
        if response.media_type is None:
            if response.status in (204, 205, 304):
                return []
            return [Violation("server", "body", "", "is missing", "no body", "a body", "required")]
        reading = self.bodies[response.media_type]
        if reading is None:
            accepted = self.bodies.media_types
            message = f"must be {accepted}, not {response.media_type}"
            return [Violation("server", "content-type", "", message, response.media_type, accepted, "content")]
        return reading.explain(response.data, "server")


def _spells_count(text: str) -> bool:
    return text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS and (text[0] != "0" or text == "0")


def _header_holds(header: Parameter, validator: jsonschema_rs.Validator, text: str) -> bool:
    value = header.decode(text)
    return validator.is_valid(value) or validator.is_valid(reread(value, header.shape, validator))
