"""References as templates write them: `body#/items/0`, `path.id`, `header.x-tenant`, `orders[path.id].total`.

Only their spelling; what they lead to is for whoever holds the request or the rows.
"""

from __future__ import annotations

import re
from typing import Any

from mockserver.errors import UserError, did_you_mean
from mockserver.records import record
from mockserver.text.documents import parts_of, pointer_of
from mockserver.text.matchers import show

PLACES = ("body", "path", "query", "header", "method", "url", "key", "tenant")
"""The parts of a request that a reference may begin with."""
_NAMED = ("path", "query", "header")
_STATE = re.compile(r"([A-Za-z0-9_.\-]+?)(?:\[([^\]]*)\])?((?:\.[A-Za-z0-9_\-]+|/[^/\[\]]*)*)")


@record(frozen=True)
class Reference:
    """A part of a message."""

    place: str
    """One of PLACES, or `status` of a response."""
    name: str = ""
    """Of a variable, a parameter or a header; headers in lower case."""
    parts: tuple[str, ...] = ()
    """The way into the body."""

    def __str__(self) -> str:
        if self.place == "body":
            return f"body#{pointer_of(self.parts)}" if self.parts else "body"
        return f"{self.place}.{self.name}" if self.name else self.place


@record(frozen=True)
class StateReference:
    """A part of the state."""

    table: str
    reference: Reference | None
    """Where the id of the row stands in the request; None when it is `id`, or when all rows are meant."""
    id: str | None
    parts: list[str]
    """The way into the row."""


def parse_reference(text: object, places: tuple[str, ...] = PLACES) -> Reference:
    """A reference from its text. Raises UserError."""
    if not isinstance(text, str):
        raise UserError(f"must be a reference such as body#/id, path.id or query.limit, not {show(text)}")
    place, dot, name = text.partition(".")
    if text.startswith("body"):
        rest = text[4:]
        if not rest or rest == "#":
            return Reference("body")
        if rest.startswith("#/"):
            return Reference("body", parts=tuple(parts_of(rest[1:])))
        if rest.startswith("."):
            return Reference("body", parts=tuple(rest[1:].split(".")))
        raise UserError(f"{text!r} is no reference; write body#/ and an RFC 6901 pointer, such as body#/items/0/price")
    if place not in places:
        raise UserError(f"{text!r} is no reference: it begins with {' or '.join(places)}{did_you_mean(place, places)}")
    if place in _NAMED:
        if not name:
            raise UserError(f"{text!r} is no reference; write {place}.NAME")
        return Reference(place, name.lower() if place == "header" else name)
    if dot:
        raise UserError(f"{text!r} is no reference: {place} has no parts")
    return Reference(place)


_EXPRESSION = re.compile(r"\{\$(request|response)(?:\.|:\s*)([^{}]+)\}|\{\$(url|method|statusCode)\}")


def runtime_template(text: str) -> Any:
    """The template of a text with runtime expressions (3.0.3, Runtime Expressions): `{$request.body#/url}`.

    A colon may stand instead of the dot, as templates have it. A text without one stays as it is.
    """
    if text.startswith("$") and not text.startswith("${"):
        text = f"{{{text}}}"
    parts: list[Any] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        parts += [text[end : match.start()]] if match.start() > end else []
        side, place, alone = match.groups()
        if side is None:
            parts.append({"$response": "status"} if alone == "statusCode" else {"$request": alone})
        else:
            parts.append({f"${side}": place.strip()})
        end = match.end()
    parts += [text[end:]] if end < len(text) else []
    if not any(isinstance(part, dict) for part in parts):
        return text
    return parts[0] if len(parts) == 1 else {"$concat": parts}


def parse_state(text: object) -> StateReference:
    """`TABLE`, `TABLE[ID]` or `TABLE[ID].member.of.it`; the ID is a reference to the request, a variable of the path,
    or a text in quotes. Raises UserError."""
    match = _STATE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UserError(f"must be TABLE[ID].member, such as orders[path.id].total, not {show(text)}")
    table, bracket, rest = match[1], match[2], match[3]
    if bracket is None and rest:
        raise UserError(f"{text!r} names no row; write TABLE[ID].member, such as orders[path.id].total")
    parts = parts_of(rest) if rest.startswith("/") else rest.split(".")[1:]
    if bracket is None:
        return StateReference(table, None, None, parts)
    quoted = re.fullmatch(r"'([^']*)'|\"([^\"]*)\"|(\d+)", bracket)
    if quoted:
        return StateReference(table, None, next(part for part in quoted.groups() if part is not None), parts)
    if re.fullmatch(r"[A-Za-z0-9_\-]+", bracket) and bracket not in PLACES:
        return StateReference(table, Reference("path", bracket), None, parts)
    return StateReference(table, parse_reference(bracket), None, parts)


__all__ = ["PLACES", "Reference", "StateReference", "parse_reference", "parse_state", "runtime_template"]
