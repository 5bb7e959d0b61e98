"""Request and response bodies by media type: find the declared one, parse strictly, check."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import orjson

from mockserver.contract.explain import explain
from mockserver.contract.parameters import Shape, parse_query, scalar, shape_of
from mockserver.contract.refs import Refs
from mockserver.contract.schemas import Direction, Schemas
from mockserver.documents import depth, duplicate_key
from mockserver.errors import Problem
from mockserver.messages import JSON, Side, Violation

_ANY = Shape(frozenset())

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
MAX_DEPTH = 200
"""Levels of nesting that a JSON body may have."""


class Body:
    """One media type of a request or response body."""

    def __init__(self, media_type: str, shape: Shape, validator: jsonschema_rs.Validator | None) -> None:
        self.media_type = media_type
        self.essence = essence(media_type)
        self.is_json = is_json(self.essence)
        self._shape = shape
        self._validator = validator

    def matches(self, wanted: str) -> bool:
        """Whether this declaration, possibly a range such as `text/*`, covers the media type."""
        kind, _, sub = self.essence.partition("/")
        return self.essence in (wanted, "*/*") or (sub == "*" and wanted.startswith(kind + "/"))

    def parse(self, raw: bytes, content_type: str) -> JSON:
        """The value of a body. Raises Problem when it is not what its media type says."""
        wanted = essence(content_type)
        charset = parameter(content_type, "charset").lower()
        if charset not in ("", "utf-8", "utf8", "us-ascii"):
            raise Problem("unsupported_media_type", f"The charset {charset!r} is not supported; send UTF-8.")
        if is_json(wanted):
            return parse_json(raw)
        if wanted == "application/x-www-form-urlencoded":
            return self._form(parse_query(_text(raw)))
        if wanted == "multipart/form-data":
            return self._form(_multipart(raw, content_type))
        if wanted.startswith("text/") or "string" in self._shape.types:
            return raw.decode("utf-8", "replace")
        return None

    def _form(self, fields: dict[str, list[str]]) -> JSON:
        known = dict(self._shape.properties)
        value: dict[str, Any] = {}
        for name, texts in fields.items():
            shape = known.get(name, self._shape.rest or _ANY)
            if "array" in shape.types:
                value[name] = [_field(text, shape.items or _ANY) for text in texts]
            elif len(texts) > 1:
                raise _bad(f"has the field {name[:60]!r} {len(texts)} times; it takes one value")
            else:
                value[name] = _field(texts[0], shape)
        return value

    def check(self, value: JSON, side: Side, content_type: str) -> list[Violation]:
        """What is wrong with a value of this body, which was sent as `content_type`."""
        if self._validator is None or not _is_checkable(essence(content_type)):
            return []
        try:
            if self._validator.is_valid(value):
                return []
            return explain(self._validator.iter_errors(value), side, "body")
        except ValueError as error:
            # Not a JSON value at all, for example a datetime: only our own replies can do that.
            return [Violation(side, "body", "", f"is not a JSON value: {error}", "another value", "JSON", "type")]


def _field(text: str, shape: Shape) -> JSON:
    """The value of a form field; objects are sent as JSON (3.0.3, Encoding Object)."""
    if "object" in shape.types and "string" not in shape.types:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return scalar(text, shape)


def compile_bodies(
    refs: Refs, schemas: Schemas, content: dict[str, Any], pointer: str, direction: Direction
) -> list[Body]:
    """Prepare a `content` object: the most specific media types first."""
    bodies = []
    for media_type, node in content.items():
        at = f"{pointer}/{media_type.replace('~', '~0').replace('/', '~1')}/schema"
        node, base = refs.follow(node, at.removesuffix("/schema"))
        if "schema" not in node:
            bodies.append(Body(media_type, _ANY, None))
            continue
        shape = shape_of(refs, node["schema"])
        checkable = _is_checkable(essence(media_type)) or "*" in media_type
        schema = schemas.reference(f"{base}/schema", direction)
        bodies.append(Body(media_type, shape, schemas.validator(schema) if checkable else None))
    return sorted(bodies, key=lambda body: body.essence.count("*"))


def find_body(bodies: list[Body], content_type: str) -> Body | None:
    """The declared body for a Content-Type header, or None."""
    wanted = essence(content_type)
    return next((body for body in bodies if wanted and body.matches(wanted)), None)


def _is_checkable(media_type: str) -> bool:
    """Whether a schema can judge a body of this type; to others, such as XML, it does not apply."""
    return is_json(media_type) or "form" in media_type or media_type.startswith("text/")


def essence(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def parameter(content_type: str, name: str) -> str:
    """A parameter of a Content-Type header, unquoted; "" when it has none."""
    for part in content_type.split(";")[1:]:
        key, _, value = part.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"')
    return ""


def is_json(media_type: str) -> bool:
    """Whether a media type's bodies are JSON (RFC 6839 for the suffix)."""
    return media_type == "application/json" or media_type.endswith("+json")


def parse_json(raw: bytes) -> JSON:
    """A JSON body, by the letter of RFC 8259: UTF-8, no NaN, no key twice, at most MAX_DEPTH deep."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "depth limit" in error.msg:
            raise _too_deep() from None
        raise _bad(f"is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    if depth(value) > MAX_DEPTH:
        raise _too_deep()
    if _LONG_NUMBER.search(raw):
        value = _exact(raw)
    duplicate = duplicate_key(raw, value)
    if duplicate is not None:
        raise _bad(f"has the key {duplicate[:60]!r} twice in one object")
    return value


def _exact(raw: bytes) -> JSON:
    """The value with integers of any length as they are; orjson makes those beyond 64 bits inexact."""
    try:
        return json.loads(raw)
    except ValueError:
        raise _bad("holds a number that is too long to read") from None


def _too_deep() -> Problem:
    return _bad(f"is nested too deeply; at most {MAX_DEPTH} levels are read")


def _bad(message: str) -> Problem:
    return Problem("invalid_request", violations=[Violation("client", "body", "", message, "other text", "JSON")])


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("is not UTF-8") from None


def _multipart(raw: bytes, content_type: str) -> dict[str, list[str]]:
    # Imported when the first form comes: few APIs have any, and every start would pay for it.
    from email.parser import BytesParser
    from email.policy import HTTP

    try:
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    except RecursionError:
        raise _too_deep() from None
    if not message.is_multipart():
        raise _bad("is not multipart/form-data with the boundary of its Content-Type")
    fields: dict[str, list[str]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields.setdefault(name, []).append(payload.decode("utf-8", "replace"))
    return fields
