"""Request and response bodies by media type: find the declared one, read it, check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import jsonschema_rs

from mockserver.contract.events import EVENTS, MEMBERS, read_events
from mockserver.contract.explain import explain
from mockserver.contract.forms import Form, compile_form
from mockserver.contract.json_text import parse_json, unreadable, utf8
from mockserver.contract.media_types import FORMS, LINES, UTF8, covers, essence, is_json, is_xml, nearness, parameter
from mockserver.contract.part_lists import compile_part_list
from mockserver.contract.references import Refs
from mockserver.contract.rows import read_csv, read_lines
from mockserver.contract.schemas import Direction, Schemas
from mockserver.contract.shapes import ANY, Shape, reread, scalar
from mockserver.contract.writers import write
from mockserver.contract.xml import XmlError, read_xml
from mockserver.contract.xml_schema import XmlSchema
from mockserver.errors import Problem
from mockserver.messages import JSON, Side, Violation
from mockserver.text.documents import pointer_of

MAX_READINGS = 64
"""Spellings of Content-Type that are remembered for one body."""
_NO_TEXTS = frozenset(("array", "object", "null"))


class Reading:
    """A body as one Content-Type announces it: how to read it, and what validates the value.

    Args:
        parse: the value of a body. Raises Problem when it is not what its media type says.
        validator: validates the value; None where a schema says nothing that could be checked.
        shape: what the value may be.
        of_texts: whether numbers and the like were read from texts, which may have to be read again.
    """

    __slots__ = ("_validator", "accepts", "is_valid", "of_texts", "parse", "shape")

    def __init__(
        self,
        parse: Callable[[bytes], JSON],
        validator: jsonschema_rs.Validator | None = None,
        shape: Shape = ANY,
        of_texts: bool = False,
    ) -> None:
        self.parse = parse
        self.shape = shape
        self.of_texts = of_texts
        self._validator = validator
        self.is_valid: Callable[[JSON], bool] = validator.is_valid if validator is not None else _anything
        """Whether a value is what is declared. Raises ValueError for what is no JSON value at all."""
        self.accepts: Callable[[JSON], bool] = self._accepts_text if of_texts else self.is_valid
        """Whether the data of a response is: a value, or the text of one. Raises ValueError likewise."""

    def validate(self, value: JSON, side: Side) -> tuple[JSON, list[Violation]]:
        """A parsed value, its texts read again where that helps, and what is wrong with it."""
        if self.is_valid(value) or self._validator is None:
            return value, []
        if self.of_texts:
            value = reread(value, self.shape, self._validator)
        return value, explain(self._validator.iter_errors(value), side, "body")

    def readable(self, raw: bytes) -> JSON:
        """The value of a body, whether it is what is declared or not; None when there is no reading it."""
        try:
            return self.validate(self.parse(raw), "client")[0]
        except (Problem, ValueError):
            return None

    def explain(self, data: JSON, side: Side) -> list[Violation]:
        """What is wrong with the data of a response that is not accepted."""
        if self._validator is None:
            return []
        try:
            return self.validate(self._value(data), side)[1]
        except Problem as problem:
            return [replace(violation, side=side) for violation in problem.violations]
        except ValueError as error:
            return [Violation(side, "body", "", f"is not a JSON value: {error}", "another value", "JSON", "type")]

    def _accepts_text(self, data: JSON) -> bool:
        if self._validator is None:
            return True
        try:
            value = self._value(data)
        except Problem:
            return False
        return self.is_valid(value) or self.is_valid(reread(value, self.shape, self._validator))

    def _value(self, data: JSON) -> JSON:
        if self.of_texts and isinstance(data, str | bytes):
            return self.parse(data.encode() if isinstance(data, str) else data)
        return data


def _anything(value: JSON) -> bool:
    return True


class Body:
    """One media type of a `content` object, possibly a range such as `text/*`.

    Args:
        media_type: as it is declared.
        node: the Media Type Object, and `pointer` where it stands.
    """

    def __init__(
        self, refs: Refs, schemas: Schemas, media_type: str, node: dict[str, Any], pointer: str, direction: Direction
    ) -> None:
        self.media_type = media_type
        self._refs, self._schemas = refs, schemas
        self._node, self._pointer, self._direction = node, pointer, direction
        self._schema = node.get("schema")
        if "*" in media_type or self.reading(media_type).is_valid is not _anything:
            _ = self._validator  # a broken schema shows when the operation is first used

    @cached_property
    def _shape(self) -> Shape:
        # JSON is read as it stands: to look through a large schema for the types of its leaves would be wasted.
        return ANY if self._schema is None else self._schemas.shapes.of(self._schema)

    @cached_property
    def _validator(self) -> jsonschema_rs.Validator | None:
        if self._schema is None:
            return None
        return self._schemas.validator(self._schemas.reference(f"{self._pointer}/schema", self._direction))

    @cached_property
    def _items(self) -> tuple[Shape, jsonschema_rs.Validator | None]:
        """The items of a sequence, and what validates the array of them: by `itemSchema` (3.2), or by the schema."""
        if "itemSchema" in self._node:
            return self._schemas.shapes.of(self._node["itemSchema"]), self._list_of("itemSchema")
        if "array" in self._shape.types or not self._shape.types:
            return self._shape.items or ANY, self._validator
        # Before 3.2 there was no place to describe one line but the schema itself.
        return self._shape, self._list_of("schema")

    @property
    def _is_list(self) -> bool:
        """Whether it describes an array, by `itemSchema` (3.2) or by the schema."""
        return "itemSchema" in self._node or "array" in self._shape.types

    def _list_of(self, member: str) -> jsonschema_rs.Validator:
        item = self._schemas.reference(f"{self._pointer}/{member}", self._direction)
        return self._schemas.validator({"type": "array", "items": item})

    @cached_property
    def _form(self) -> Form:
        return compile_form(self._refs, self._schemas, self._node, self._pointer, self._shape)

    @cached_property
    def xml(self) -> XmlSchema:
        """How its values are written as XML."""
        return XmlSchema(self._refs, self._schema)

    def reading(self, content_type: str) -> Reading:
        """How to take a body that is sent as `content_type`."""
        kind = essence(content_type)
        charset = parameter(content_type, "charset").lower()
        if charset not in UTF8:
            return Reading(partial(_refuse_charset, charset), self._validator)
        if "*" not in self.media_type and is_json(kind):
            return Reading(parse_json, self._validator)
        shape, types = self._shape, self._shape.types
        if "*" in self.media_type and shape.is_binary and types == {"string"}:
            return Reading(lambda raw: raw.decode("utf-8", "replace"))  # any file, of which nothing is to be read
        if is_json(kind):
            return Reading(parse_json, self._validator)
        if kind == FORMS[0]:
            return Reading(self._form.read_urlencoded, self._validator, shape, of_texts=True)
        if kind == FORMS[1]:
            return Reading(
                lambda raw: self._form.read_multipart(raw, content_type), self._validator, shape, of_texts=True
            )
        if kind.startswith("multipart/") and self._direction == "request" and self._is_list:
            items, validator = self._items
            listed = self._shape if "itemSchema" not in self._node else Shape(frozenset(("array",)), items)
            parts = compile_part_list(self._refs, self._schemas, self._node, self._pointer, listed)
            return Reading(lambda raw: parts.read(raw, content_type), validator, listed, of_texts=True)
        is_described = self._schema is not None or "itemSchema" in self._node
        if kind in LINES and is_described:
            return Reading(lambda raw: read_lines(raw, content_type), self._items[1], of_texts=True)
        if kind == EVENTS and is_described and (types - {"string", "null"} or "itemSchema" in self._node or not types):
            items, validator = self._items
            as_events = "data" in items.properties and set(items.properties) <= {*MEMBERS, "comment"}
            return Reading(lambda raw: read_events(raw, as_events), validator, of_texts=True)
        if kind == "text/csv" and self._is_list:
            row, validator = self._items
            rows = Shape(frozenset(("array",)), row)
            return Reading(lambda raw: read_csv(raw, content_type, row), validator, rows, of_texts=True)
        if is_xml(kind) and self._schema is not None and (types - {"string", "null"} or self.xml.own_name or not types):
            return Reading(self._read_xml, self._validator, shape, of_texts=True)
        if kind.startswith("text/"):
            # A text is no object or array: of these a schema says nothing that could be checked here.
            validator = self._validator if not types or types - _NO_TEXTS else None
            return Reading(lambda raw: scalar(utf8(raw), shape), validator, shape, of_texts=True)
        if "string" in types:
            return Reading(lambda raw: raw.decode("utf-8", "replace"))
        return Reading(lambda raw: None)

    def _read_xml(self, raw: bytes) -> JSON:
        try:
            return read_xml(raw, self.xml)
        except XmlError as error:
            raise unreadable(str(error), "", "XML") from None


class Bodies(dict[str, Reading | None]):
    """A `content` object: how to take a body, by the Content-Type that it has; None when it is not declared.

    What was asked for once is remembered, so that it costs a look into a dictionary.
    """

    def __init__(self, bodies: Sequence[Body] = ()) -> None:
        super().__init__()
        self._bodies = bodies
        self.media_types = ", ".join(body.media_type for body in sorted(bodies, key=lambda b: b.media_type.count("*")))
        """What is declared, for a message; "" when nothing is."""

    def write(self, value: JSON, media_type: str) -> tuple[bytes, str]:
        """The bytes of a value by what is declared for its media type, and its Content-Type. Raises XmlError."""
        body = self._nearest(media_type)
        return write(value, media_type, body.xml if body is not None else None)

    def _nearest(self, content_type: str) -> Body | None:
        bodies = [body for body in self._bodies if covers(body.media_type, content_type)]
        return max(bodies, key=lambda body: nearness(body.media_type, content_type), default=None)

    def __missing__(self, content_type: str) -> Reading | None:
        body = self._nearest(content_type)
        reading = body.reading(content_type) if body else None
        if len(self) < MAX_READINGS:
            self[content_type] = reading
        return reading


def compile_bodies(refs: Refs, schemas: Schemas, content: dict[str, Any], pointer: str, direction: Direction) -> Bodies:
    """Prepare a `content` object."""
    bodies = []
    for media_type, node in content.items():
        node, at = refs.follow(node, pointer + pointer_of([media_type]))
        bodies.append(Body(refs, schemas, media_type, node, at, direction))
    return Bodies(bodies)


def _refuse_charset(charset: str, raw: bytes) -> JSON:
    raise Problem("unsupported_media_type", f"The charset {charset!r} is not supported; send UTF-8.")
