"""What the deviations look for in a message: one question each, asked only where two checks differ."""

from __future__ import annotations

import re
from typing import Any

from mockserver.contract.media_types import FORMS, LINES, is_json, is_xml
from mockserver.contract.parameters import Parameter
from mockserver.contract.reference.message import Message, leaves
from mockserver.contract.shapes import ANY, scalar
from mockserver.errors import Problem
from mockserver.messages import Violation
from mockserver.text.jsontext import duplicate_key
from mockserver.text.matchers import MISSING


def given_twice(message: Message) -> bool:
    single = [p for p in message.operation.parameters if not p.explode or "array" not in p.shape.types]
    known = [p for p in single if p.place == "query"]
    if any(len(texts) > 1 and any(p.claims(name) for p in known) for name, texts in message.values_sent.items()):
        return True
    fields, _ = message.form or ({}, ANY)
    return any(len(texts) > 1 for texts in fields.values())


def not_canonical(message: Message) -> bool:
    """Whether a text that should be a number or a boolean was not read as one."""
    fields, shape = message.form or ({}, ANY)
    members = shape.properties
    read = [leaf for one, _, value in message.decoded() for leaf in leaves(value, one.shape)]
    read += [
        (scalar(text, inner), inner)
        for name, texts in fields.items()
        for inner in [members.get(name, ANY)]
        for inner in [inner.items or ANY if "array" in inner.types else inner]
        for text in texts
    ]
    return any(isinstance(value, str) and _python_reads(value, kind.types) for value, kind in read)


def _python_reads(text: str, types: frozenset[str]) -> bool:
    """Whether a text that we left a text is a number or a boolean to openapi-core."""
    for name, read in (("integer", int), ("number", float), ("boolean", _boolean)):
        try:
            if name in types:
                read(text)
                return True
        except ValueError:
            pass
    return False


def _boolean(text: str) -> None:
    if text.lower() not in BOOLEANS:
        raise ValueError(text)


def violations(message: Message) -> tuple[Violation, ...]:
    """What the engine finds wrong."""
    try:
        if message.response is not None:
            return tuple(message.operation.check_response(message.response))
        return (
            tuple(message.operation.check_request(message.request, message.values or {}).violations)
            if message.request
            else ()
        )
    except Problem as problem:
        return problem.violations


def wrong_format(message: Message) -> bool:
    """Whether a format is all that is wrong."""
    found = violations(message)
    return bool(found) and all(violation.keyword == "format" for violation in found)


def large_float(message: Message) -> bool:
    """Whether the size of a whole number that is written as a fraction or with an exponent is all that is wrong."""
    found = violations(message)
    return bool(found) and all(one.keyword in ("minimum", "maximum") and "the number" in one.found for one in found)


def undeclared_field(message: Message) -> bool:
    fields, shape = message.form or ({}, ANY)
    return not fields.keys() <= shape.properties.keys()


def has_numbers(message: Message) -> bool:
    fields, shape = message.form or ({}, ANY)
    numbers = {"integer", "number", "boolean"}
    return any(name in fields and member.types & numbers for name, member in shape.properties.items())


def member_as_json(message: Message) -> bool:
    fields, shape = message.form or ({}, ANY)
    objects = {
        name for name, member in shape.properties.items() if "object" in (member.types | (member.items or ANY).types)
    }
    return message.media_type == FORMS[0] and not objects.isdisjoint(fields)


def other_members(message: Message) -> bool:
    """Whether a decoded object has members that are known by `additionalProperties` alone, and are no texts."""
    return any(
        isinstance(value, dict)
        and one.shape.rest is not None
        and bool(one.shape.rest.types)
        and not value.keys() <= one.shape.properties.keys()
        for one, _, value in message.decoded()
    )


def required_default(message: Message) -> bool:
    """Whether something required is left out whose schema has a default."""
    if message.request is not None and any(
        p.required and p.default is not MISSING for p in message.operation.parameters
    ):
        return True
    declared_response = message.operation.response(message.response.status) if message.response is not None else None
    headers = declared_response.headers if declared_response else ()
    fields, shape = message.form or ({}, ANY)
    return any(header.required and header.default is not MISSING for header in headers) or (
        message.form is not None
        and any(member.has_default and name not in fields for name, member in shape.properties.items())
    )


def key_twice(message: Message) -> bool:
    body = message.body
    return body is not None and duplicate_key(message.request.body if message.request else b"", body) is not None


def other_charset(message: Message) -> bool:
    content_type = message.request.headers.get("content-type", "") if message.request else ""
    return bool(re.search("charset=(?!utf-?8|us-ascii)", content_type, re.IGNORECASE))


def response_content(message: Message) -> Any:
    """What the document says of the body of a response."""
    declared_response = message.operation.response(message.response.status) if message.response else None
    return declared_response.node.get("content") if declared_response else None


def query_parameters(message: Message) -> list[Parameter]:
    return [one for one in message.operation.parameters if one.place == "query"]


def is_any_file(message: Message) -> bool:
    """Whether a body's media type is declared by a range, as bytes."""
    node = message.operation.node.get("requestBody") if message.request is not None else None
    content = node.get("content") if isinstance(node, dict) else response_content(message)
    return any(
        "*" in name and (media.get("schema") or {}).get("format") == "binary" for name, media in (content or {}).items()
    )


def is_opaque(message: Message) -> bool:
    """Whether a body is neither JSON nor a form, and no text that its schema takes for one."""
    kind, reading = message.media_type, message.reading
    if not kind or is_json(kind) or is_xml(kind) or kind in FORMS or kind in LINES:
        return False
    return not kind.startswith("text/") or (
        kind != "text/csv" and (reading is not None and not reading.shape.types - {"array", "object"})
    )


BOOLEANS = ("true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n")
"""What openapi-core takes for a boolean."""
