"""Forms, URL-encoded and multipart, as objects: fields by their schemas and by the Encoding Object (OpenAPI 3.0.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import jsonschema_rs

from mockserver.contract.explain import explain
from mockserver.contract.json_text import parse_json, unreadable, utf8
from mockserver.contract.media_types import covers, essence, is_json, is_xml
from mockserver.contract.multipart import Part, named_parts
from mockserver.contract.parameters import Parameter, compile_parameter
from mockserver.contract.references import Refs
from mockserver.contract.schemas import Schemas
from mockserver.contract.shapes import Shape, scalar
from mockserver.contract.xml import XmlError, read_xml
from mockserver.contract.xml_schema import XmlSchema
from mockserver.errors import Problem
from mockserver.messages import JSON, Violation
from mockserver.records import record
from mockserver.text.documents import pointer_of
from mockserver.text.fields import Values, parse_query
from mockserver.text.matchers import MISSING

_STYLING = ("style", "explode", "allowReserved")


@record(frozen=True)
class Encoding:
    """What the Encoding Object says of one field."""

    content_types: tuple[str, ...] = ()
    """The media types that a part may have; none when that is not said."""
    headers: tuple[tuple[Parameter, jsonschema_rs.Validator], ...] = ()
    """The headers of a part."""

    @property
    def content_type(self) -> str:
        """The media type of the field's text where the text itself does not tell."""
        return self.content_types[0] if len(self.content_types) == 1 else ""

    def faults(self, part: Part, pointer: str) -> Iterator[Violation]:
        """What is wrong with the Content-Type and the headers of the part at `pointer`."""
        kind = part.content_type
        if kind and self.content_types and not any(covers(one, kind) for one in self.content_types):
            expected = " or ".join(self.content_types)
            message = f"must be a part of type {expected}, not {kind[:60]}"
            yield Violation("client", "body", pointer, message, kind[:60], expected, "contentType")
        for header, validator in self.headers:
            yield from _wrong_header(pointer, header, validator, part.headers.get(header.header))


_NO_ENCODING = Encoding()


class Form:
    """Reads forms by a schema.

    Args:
        shape: what the schema lets the fields be.
        encodings: what the Encoding Object says of fields, by their names.
        styled: fields that are spelled like query parameters.
        styles_parts: whether that goes for multipart forms too, as it does from 3.1 on.
        xml: describes the fields that are sent as XML.
    """

    def __init__(
        self,
        shape: Shape,
        encodings: dict[str, Encoding],
        styled: Sequence[Parameter],
        styles_parts: bool,
        xml: XmlSchema,
    ) -> None:
        self._shape = shape
        self._encodings = encodings
        self._styled = styled
        self._styles_parts = styles_parts
        self._xml = xml

    def read_urlencoded(self, raw: bytes) -> JSON:
        """The object that a URL-encoded form is. Raises Problem."""
        try:
            fields = parse_query(utf8(raw))
        except Problem as problem:
            [violation] = problem.violations
            if violation.where == "body":
                raise
            raise unreadable(violation.message, pointer_of([violation.pointer]), "UTF-8") from None
        value = self._styled_members(fields)
        for name, texts in fields.items():
            if not any(field.claims(name) for field in self._styled):
                kinds = [self._encodings.get(name, _NO_ENCODING).content_type] * len(texts)
                value[name] = self._field(name, [str(text) for text in texts], kinds, of_parts=False)
        return value

    def read_multipart(self, raw: bytes, content_type: str) -> JSON:
        """The object that a multipart form is. Raises Problem, also for a part that its encoding does not allow."""
        fields = named_parts(raw, content_type)
        wrong = [violation for name, parts in fields.items() for violation in self._wrong_parts(name, parts)]
        if wrong:
            raise Problem("invalid_request", violations=wrong)
        texts = {name: [self._text(name, part) for part in parts] for name, parts in fields.items()}
        styled = self._styled if self._styles_parts else ()
        value = self._styled_members(texts) if styled else {}
        for name, parts in fields.items():
            if not any(field.claims(name) for field in styled):
                encoding = self._encodings.get(name, _NO_ENCODING)
                kinds = [part.content_type or encoding.content_type for part in parts]
                value[name] = self._field(name, texts[name], kinds, of_parts=True)
        return value

    def _wrong_parts(self, name: str, parts: Sequence[Part]) -> Iterator[Violation]:
        encoding = self._encodings.get(name)
        if encoding is not None:
            for part in parts:
                yield from encoding.faults(part, pointer_of([name]))

    def _text(self, name: str, part: Part) -> str:
        """The text of a part; the bytes of a file need not be any."""
        shape = self._shape.member(name)
        kind = essence(part.content_type)
        is_file = (
            "filename" in part.disposition or shape.is_binary or (shape.items is not None and shape.items.is_binary)
        )
        if is_file or (kind and not kind.startswith("text/") and not is_json(kind) and not is_xml(kind)):
            return part.data.decode("utf-8", "replace")
        return utf8(part.data, pointer_of([name]))

    def _styled_members(self, fields: Values) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for field in self._styled:
            try:
                member = field.decode_values(fields)
            except Problem as problem:
                raise unreadable(f"cannot be read: field {field.name!r} {problem.violations[0].message}") from None
            if member is not MISSING:
                value[field.name] = member
        return value

    def _field(self, name: str, texts: list[str], kinds: list[str], of_parts: bool) -> JSON:
        """The value of a field, of which each text has a media type, which may be ""."""
        shape = self._shape.member(name)
        is_json = self._is_json(name, kinds[0], shape)
        # What a schema says nothing of may be an array; several texts are one.
        if ("array" in shape.types or (len(texts) > 1 and not shape.types)) and (of_parts or not is_json):
            if is_json and len(texts) == 1:
                whole = self._json(name, texts[0])
                return whole if isinstance(whole, list) else [whole]  # a list of one, each item of which is a part
            return [self._one(name, text, kinds[at], shape.item(at)) for at, text in enumerate(texts)]
        if len(texts) > 1:
            raise unreadable(f"has the field {name[:60]!r} {len(texts)} times; it takes one value")
        return self._one(name, texts[0], kinds[0], shape)

    def _one(self, name: str, text: str, kind: str, shape: Shape) -> JSON:
        if self._is_json(name, kind, shape):
            return self._json(name, text)
        if "object" in shape.types and "string" not in shape.types:
            if is_xml(essence(kind)):
                described = self._xml.properties.get(name) or self._xml.rest
                try:
                    return read_xml(text.encode(), described.item if described.is_array else described)
                except XmlError as error:
                    raise unreadable(str(error), pointer_of([name]), "XML") from None
            try:
                return parse_json(text.encode())  # objects are sent as JSON, unless another type is named
            except Problem:
                return text
        return scalar(text, shape)

    def _is_json(self, name: str, kind: str, shape: Shape) -> bool:
        """Whether a text of a media type is JSON; a JSON document may also be the text of a string."""
        if not is_json(essence(kind)):
            return False
        declared = self._encodings.get(name, _NO_ENCODING).content_types
        return any(is_json(essence(one)) for one in declared) or bool(shape.types - {"string", "null"})

    def _json(self, name: str, text: str) -> JSON:
        try:
            return parse_json(text.encode())
        except Problem as problem:
            raise unreadable(problem.violations[0].message, pointer_of([name])) from None


def _wrong_header(
    at: str, header: Parameter, validator: jsonschema_rs.Validator, text: str | None
) -> Iterator[Violation]:
    if text is None:
        if header.required:
            message = f"must have the header {header.name} in its part"
            yield Violation("client", "body", at, message, "nothing", "a value", "required")
        return
    try:
        faults = explain(validator.iter_errors(header.decode(text)), "client", "body", at)
    except Problem as problem:
        faults = list(problem.violations)
    for fault in faults:
        yield replace(
            fault, where="body", pointer=at, message=f"has the header {header.name} in its part, which {fault.message}"
        )


def compile_form(refs: Refs, schemas: Schemas, node: dict[str, Any], pointer: str, shape: Shape) -> Form:
    """Prepare the form that a Media Type Object at `pointer` describes."""
    encodings: dict[str, Encoding] = {}
    styled: list[Parameter] = []
    for name, encoding in (node.get("encoding") or {}).items():
        encoding, at = refs.follow(encoding, pointer + pointer_of(["encoding", name]))
        if name in shape.properties and not encoding.keys().isdisjoint(_STYLING):
            field = compile_parameter(refs, {**encoding, "name": name, "in": "query", "schema": {}}, "")
            if field is not None:
                styled.append(replace(field, shape=shape.properties[name], plain=False))
        encodings[name] = compile_encoding(refs, schemas, encoding, at)
    return Form(shape, encodings, styled, not schemas.is_3_0, XmlSchema(refs, node.get("schema", {})))


def compile_encoding(refs: Refs, schemas: Schemas, node: dict[str, Any], pointer: str) -> Encoding:
    """Prepare the Encoding Object at `pointer`."""
    headers = []
    for name, declared in (node.get("headers") or {}).items():
        declared, at = refs.follow(declared, pointer + pointer_of(["headers", name]))
        if "schema" in declared or "content" in declared:
            parameter = compile_parameter(refs, {**declared, "name": name, "in": "header"}, at)
            if parameter is not None:
                headers.append((parameter, schemas.validator(schemas.reference(parameter.pointer, "request"))))
    types = tuple(kind.strip() for kind in str(node.get("contentType") or "").split(",") if kind.strip())
    return Encoding(types, tuple(headers))
