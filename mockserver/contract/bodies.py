"""Request and response bodies by media type: find the declared one, parse strictly, check."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import jsonschema_rs
import orjson

from mockserver.contract.explain import explain
from mockserver.contract.parameters import (
    ANY,
    MISSING,
    Parameter,
    Shape,
    compile_parameter,
    parse_query,
    scalar,
    shape_of,
)
from mockserver.contract.references import Refs
from mockserver.contract.schemas import Direction, Schemas
from mockserver.errors import Problem
from mockserver.messages import JSON, Side, Violation
from mockserver.text.jsontext import depth, duplicate_key, has_float, is_plain

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
MAX_DEPTH = 200
"""Levels of nesting that a JSON body may have."""
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
"""The media types of forms."""
MAX_READINGS = 64
"""Spellings of Content-Type that are remembered for one body."""


class Reading:
    """A body as one Content-Type announces it: how to read it, and what judges the value."""

    __slots__ = ("_validator", "is_valid", "parse", "shape")

    def __init__(
        self, parse: Callable[[bytes], JSON], validator: jsonschema_rs.Validator | None, shape: Shape = ANY
    ) -> None:
        self.parse = parse
        """The value of a body. Raises Problem when it is not what its media type says."""
        self.shape = shape
        """What the fields of a form may be."""
        self.is_valid: Callable[[JSON], bool] = validator.is_valid if validator is not None else _anything
        """Whether a value is what is declared. Raises ValueError for what is no JSON value at all."""
        self._validator = validator

    def explain(self, value: JSON, side: Side) -> list[Violation]:
        """What is wrong with a value that is not valid."""
        if self._validator is None:
            return []
        try:
            return explain(self._validator.iter_errors(value), side, "body")
        except ValueError as error:
            return [Violation(side, "body", "", f"is not a JSON value: {error}", "another value", "JSON", "type")]


def _anything(value: JSON) -> bool:
    return True


class Body:
    """One media type of a `content` object, possibly a range such as `text/*`."""

    def __init__(
        self,
        media_type: str,
        shape: Shape,
        validator: jsonschema_rs.Validator | None,
        styled: Iterable[Parameter] = (),
    ) -> None:
        self.media_type = media_type
        self.essence = essence(media_type)
        self._shape = shape
        self._validator = validator
        self._styled = tuple(styled)
        """Fields of a form that `encoding` gives a style."""

    def covers(self, wanted: str) -> bool:
        """Whether this declaration covers a media type."""
        kind, _, sub = self.essence.partition("/")
        return self.essence in (wanted, "*/*") or (sub == "*" and wanted.startswith(kind + "/"))

    def reading(self, content_type: str) -> Reading:
        """How to take a body that is sent as `content_type`."""
        wanted = essence(content_type)
        validator = self._validator if is_checkable(wanted) else None
        charset = parameter(content_type, "charset").lower()
        if charset not in ("", "utf-8", "utf8", "us-ascii"):
            return Reading(partial(_refuse_charset, charset), validator)
        if is_json(wanted):
            return Reading(parse_json, validator)
        if wanted == "application/x-www-form-urlencoded":
            return Reading(lambda raw: self._styled_form(parse_query(_text(raw))), validator, self._shape)
        if wanted == "multipart/form-data":
            return Reading(lambda raw: self._form(multipart(raw, content_type)), validator, self._shape)
        if wanted.startswith("text/") or "string" in self._shape.types:
            return Reading(lambda raw: raw.decode("utf-8", "replace"), validator)
        return Reading(lambda raw: None, validator)

    def _styled_form(self, fields: dict[str, list[str]]) -> JSON:
        value: dict[str, Any] = {}
        for field in self._styled:
            try:
                member = field.decode_query(fields)
            except Problem as problem:
                raise _bad(f"cannot be read: field {field.name!r} {problem.violations[0].message}") from None
            if member is not MISSING:
                value[field.name] = member
                fields = {name: texts for name, texts in fields.items() if not field.claims(name)}
        return {**self._form(fields), **value}

    def _form(self, fields: dict[str, list[str]]) -> dict[str, Any]:
        known = dict(self._shape.properties)
        value: dict[str, Any] = {}
        for name, texts in fields.items():
            shape = known.get(name, self._shape.rest or ANY)
            if "array" in shape.types:
                value[name] = [_field(text, shape.items or ANY) for text in texts]
            elif len(texts) > 1:
                raise _bad(f"has the field {name[:60]!r} {len(texts)} times; it takes one value")
            else:
                value[name] = _field(texts[0], shape)
        return value


class Bodies(dict[str, Reading | None]):
    """A `content` object: how to take a body, by the Content-Type that it has; None when it is not declared.

    What was asked for once is remembered, so that it costs a look into a dictionary.
    """

    def __init__(self, bodies: Iterable[Body] = ()) -> None:
        super().__init__()
        self._bodies = sorted(bodies, key=lambda body: body.essence.count("*"))
        self.media_types = ", ".join(body.media_type for body in self._bodies)
        """What is declared, for a message; "" when nothing is."""

    def __missing__(self, content_type: str) -> Reading | None:
        wanted = essence(content_type)
        body = next((body for body in self._bodies if wanted and body.covers(wanted)), None)
        found = body.reading(content_type) if body else None
        if len(self) < MAX_READINGS:
            self[content_type] = found
        return found


def _field(text: str, shape: Shape) -> JSON:
    """The value of a form field; objects are sent as JSON (3.0.3, Encoding Object)."""
    if "object" in shape.types and "string" not in shape.types:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    return scalar(text, shape)


def compile_bodies(refs: Refs, schemas: Schemas, content: dict[str, Any], pointer: str, direction: Direction) -> Bodies:
    """Prepare a `content` object."""
    bodies = []
    for media_type, node in content.items():
        at = f"{pointer}/{media_type.replace('~', '~0').replace('/', '~1')}/schema"
        node, base = refs.follow(node, at.removesuffix("/schema"))
        if "schema" not in node:
            bodies.append(Body(media_type, ANY, None))
            continue
        # Of JSON a value is read as it stands: to look through a large schema for its types is work for nothing.
        shape = ANY if is_json(essence(media_type)) else shape_of(refs, node["schema"])
        checkable = is_checkable(essence(media_type)) or "*" in media_type
        schema = schemas.reference(f"{base}/schema", direction)
        validator = schemas.validator(schema) if checkable else None
        bodies.append(Body(media_type, shape, validator, _styled(refs, node.get("encoding") or {}, shape)))
    return Bodies(bodies)


def _styled(refs: Refs, encoding: dict[str, Any], shape: Shape) -> Iterable[Parameter]:
    """The fields of a form that `encoding` spells like query parameters (3.0.4, Encoding Object)."""
    known = dict(shape.properties)
    for name, node in encoding.items():
        if name in known and not node.keys().isdisjoint(("style", "explode", "allowReserved")):
            field = compile_parameter(refs, {**node, "name": name, "in": "query", "schema": {}}, "")
            if field is not None:
                yield replace(field, shape=known[name], plain=False)


def is_checkable(media_type: str) -> bool:
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
    if is_plain(raw, value):
        return value
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and depth(value) > MAX_DEPTH:
        raise _too_deep()
    duplicate = duplicate_key(raw, value)
    if duplicate is not None:
        raise _bad(f"has the key {duplicate[:60]!r} twice in one object")
    # An integer that does not fit 64 bits comes out of orjson as a float.
    return _exact(raw) if has_float(value) and _LONG_NUMBER.search(raw) else value


def _exact(raw: bytes) -> JSON:
    """The value with integers of any length as they are; orjson makes those beyond 64 bits inexact."""
    try:
        return json.loads(raw)
    except ValueError:
        raise _bad("holds a number that is too long to read") from None


def _too_deep() -> Problem:
    return _bad(f"is nested too deeply; at most {MAX_DEPTH} levels are read")


def _refuse_charset(charset: str, raw: bytes) -> JSON:
    raise Problem("unsupported_media_type", f"The charset {charset!r} is not supported; send UTF-8.")


def _bad(message: str) -> Problem:
    return Problem("invalid_request", violations=[Violation("client", "body", "", message, "other text", "JSON")])


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _bad("is not UTF-8") from None


def multipart(raw: bytes, content_type: str) -> dict[str, list[str]]:
    """The texts of the parts by their names."""
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
