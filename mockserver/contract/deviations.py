"""Where the engine differs from openapi-core on purpose: a named list, each with its reason.

Everything else on which the two disagree is a defect of ours. The differential tests and the referee go by
this list; an entry says which way we differ, why, and which sentence of which specification decides it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson

from mockserver.contract.bodies import FORMS, MAX_DEPTH, essence, is_checkable, multipart
from mockserver.contract.operation import Operation
from mockserver.contract.parameters import ANY, MISSING, Parameter, Shape, parse_cookies, parse_query, scalar
from mockserver.errors import Problem
from mockserver.jsontext import depth, duplicate_key
from mockserver.messages import Request, Response


@dataclass(slots=True)
class Half:
    """One half of an exchange: a request to an operation, or a response of it."""

    operation: Operation
    request: Request | None = None
    response: Response | None = None
    values: dict[str, str] | None = None
    """The variables of the request's path."""

    @property
    def body(self) -> Any:
        """The request's body as JSON; None when there is none or it is not JSON."""
        try:
            return orjson.loads(self.request.body) if self.request and self.request.body else None
        except orjson.JSONDecodeError:
            return None

    @property
    def media_type(self) -> str:
        """The media type of the body."""
        if self.request is not None:
            return essence(self.request.headers.get("content-type", ""))
        return essence((self.response.media_type if self.response else None) or "")

    @property
    def form(self) -> tuple[dict[str, list[str]], Shape] | None:
        """The texts of the form that the body is, and what its fields may be; None when it is no form."""
        request = self.request
        if request is None or not request.body or self.media_type not in FORMS:
            return None
        content_type = request.headers["content-type"]
        reading = self.operation.reading(content_type)
        try:
            if self.media_type == FORMS[0]:
                fields = parse_query(request.body.decode())
            else:
                fields = multipart(request.body, content_type)
        except (Problem, UnicodeDecodeError):
            return None
        return (fields, reading.shape) if reading is not None else None

    def query(self, *kinds: str) -> list[str]:
        """The texts of the query parameters that are declared with one of these types."""
        names = {p.name for p in self.operation.parameters if p.place == "query" and p.shape.types & set(kinds)}
        return [text for name, text in self.pairs if name in names]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query parameters in their order."""
        return parse_qsl(self.request.query, keep_blank_values=True) if self.request else []

    def decoded(self) -> Iterator[tuple[Parameter, str, Any]]:
        """What was sent for each parameter or reply header: its declaration, its text and its value."""
        if self.response is not None:
            reply = self.operation.reply(self.response.status)
            for header in reply.headers if reply else ():
                yield from _decoded(header, self.response.headers.get(header.header))
        if self.request is None:
            return
        query: dict[str, list[str]] = {}
        for name, text in self.pairs:
            query.setdefault(name, []).append(text)
        headers, cookies = self.request.headers, parse_cookies(self.request.headers.get("cookie", ""))
        for one in self.operation.parameters:
            if one.place == "query":
                value = _or_missing(lambda one=one: one.decode_query(query))  # type: ignore[misc]
                if value is not MISSING:
                    yield one, "&".join(query.get(one.name, ())), value
            else:
                place = {"path": self.values or {}, "header": headers, "cookie": cookies}[one.place]
                yield from _decoded(one, place.get(one.header if one.place == "header" else one.name))


def _decoded(one: Parameter, text: str | None) -> Iterator[tuple[Parameter, str, Any]]:
    value = MISSING if text is None else _or_missing(lambda: one.decode(text))
    if text is not None and value is not MISSING:
        yield one, text, value


def _or_missing(decode: Callable[[], Any]) -> Any:
    try:
        return decode()
    except Problem:
        return MISSING


def _leaves(value: Any, shape: Shape) -> Iterator[tuple[Any, Shape]]:
    """The scalars in a decoded value, each with what it may be."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item, shape.items or ANY)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, dict(shape.properties).get(name, shape.rest or ANY))
    else:
        yield value, shape


@dataclass(frozen=True, slots=True)
class Deviation:
    """One difference that is meant."""

    ours: Literal["accepts", "refuses"]
    """What the engine does, while openapi-core does the opposite."""
    reason: str
    source: str
    """Where the sentence stands that decides it."""
    applies: Callable[[Half], bool]


def explained(half: Half, accepted: bool) -> str:
    """The name of the deviation that accounts for a disagreement about `half`; "" when none does."""
    ours = "accepts" if accepted else "refuses"
    return next((name for name, one in DEVIATIONS.items() if one.ours == ours and one.applies(half)), "")


def _given_twice(half: Half) -> bool:
    names = [name for name, _ in half.pairs]
    single = [p for p in half.operation.parameters if not p.explode or "array" not in p.shape.types]
    known = [p for p in single if p.place == "query"]
    if any(names.count(name) > 1 for name in names if any(p.claims(name) for p in known)):
        return True
    fields, _ = half.form or ({}, ANY)
    return any(len(texts) > 1 for texts in fields.values())


def _not_canonical(half: Half) -> bool:
    """Whether a text that should be a number or a boolean was not read as one."""
    fields, shape = half.form or ({}, ANY)
    members = dict(shape.properties)
    leaves = [leaf for one, _, value in half.decoded() for leaf in _leaves(value, one.shape)]
    leaves += [
        (scalar(text, inner), inner)
        for name, texts in fields.items()
        for inner in [members.get(name, ANY)]
        for inner in [inner.items or ANY if "array" in inner.types else inner]
        for text in texts
    ]
    return any(
        isinstance(value, str) and kind.types & {"integer", "number", "boolean"} and "string" not in kind.types
        for value, kind in leaves
    )


def _undeclared_field(half: Half) -> bool:
    fields, shape = half.form or ({}, ANY)
    return not fields.keys() <= dict(shape.properties).keys()


def _member_as_json(half: Half) -> bool:
    fields, shape = half.form or ({}, ANY)
    objects = {name for name, member in shape.properties if "object" in (member.types | (member.items or ANY).types)}
    return half.media_type == FORMS[0] and not objects.isdisjoint(fields)


def _other_members(half: Half) -> bool:
    """Whether a decoded object has members that are known by `additionalProperties` alone, and are no texts."""
    return any(
        isinstance(value, dict)
        and one.shape.rest is not None
        and bool(one.shape.rest.types)
        and not value.keys() <= dict(one.shape.properties).keys()
        for one, _, value in half.decoded()
    )


def _required_default(half: Half) -> bool:
    """Whether something required is left out whose schema has a default."""
    if half.request is not None and any(p.required and p.default is not MISSING for p in half.operation.parameters):
        return True
    reply = half.operation.reply(half.response.status) if half.response is not None else None
    headers = reply.headers if reply else ()
    fields, shape = half.form or ({}, ANY)
    return any(header.required and header.default is not MISSING for header in headers) or (
        half.form is not None and any(member.has_default and name not in fields for name, member in shape.properties)
    )


def _key_twice(half: Half) -> bool:
    body = half.body
    return body is not None and duplicate_key(half.request.body if half.request else b"", body) is not None


def _other_charset(half: Half) -> bool:
    content_type = half.request.headers.get("content-type", "") if half.request else ""
    return bool(re.search("charset=(?!utf-?8|us-ascii)", content_type, re.IGNORECASE))


_OAS = "https://spec.openapis.org/oas/v3.0.4.html"
_RFC8259 = "https://www.rfc-editor.org/rfc/rfc8259"

DEVIATIONS = {
    "given twice": Deviation(
        "refuses",
        "A scalar that is given twice has two meanings; openapi-core takes the first.",
        f"{_OAS}#style-values: only arrays and objects are spelled with a name more than once",
        _given_twice,
    ),
    "not canonical": Deviation(
        "refuses",
        "Only canonical forms are numbers and booleans; openapi-core reads whatever Python's int() reads.",
        f"{_RFC8259}#section-6: a number has no leading plus, zero, blank or underscore",
        _not_canonical,
    ),
    "key twice": Deviation(
        "refuses",
        "A key that stands twice in one object means two things; openapi-core takes the last.",
        f"{_RFC8259}#section-4: the names within an object SHOULD be unique",
        _key_twice,
    ),
    "too deep": Deviation(
        "refuses",
        "Nesting has a limit; openapi-core has none of its own and runs out of stack.",
        f"{_RFC8259}#section-9: an implementation may set limits on the maximum depth of nesting",
        lambda half: depth(half.body) > MAX_DEPTH,
    ),
    "other charset": Deviation(
        "refuses",
        "JSON is UTF-8; another charset is refused, openapi-core does not look at it.",
        f"{_RFC8259}#section-8.1: JSON text exchanged between systems MUST be encoded using UTF-8",
        _other_charset,
    ),
    "empty text": Deviation(
        "accepts",
        "`?name=` is how the style form spells an empty string, which a string schema takes; `allowEmptyValue` is "
        "about leaving a value out. openapi-core refuses it.",
        f"{_OAS}#style-examples: the column for an empty value of the style form is `color=`",
        lambda half: "" in half.query("string"),
    ),
    "undeclared error status": Deviation(
        "accepts",
        "An error status that the document does not declare is no breach: vendors declare few of them.",
        f"{_OAS}#responses-object: the documentation is not necessarily expected to cover all possible HTTP codes",
        lambda half: half.response is not None and half.response.status >= 300,
    ),
    "no body by rule": Deviation(
        "accepts",
        "204, 205 and 304 have no body, also where a range of statuses declares one; openapi-core misses it.",
        "https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1: all 204 (No Content) responses do not include content",
        lambda half: half.response is not None and half.response.status in (204, 205, 304),
    ),
    "nothing described": Deviation(
        "accepts",
        "`content: {}` describes no body, so it demands none; openapi-core demands a body that nothing can be.",
        f"{_OAS}#response-object: `content` is a map containing descriptions of potential response payloads",
        lambda half: half.response is not None and _content(half) == {},
    ),
    "not for JSON Schema": Deviation(
        "accepts",
        "A schema says nothing that could be checked of XML, images and the like; openapi-core refuses the parsed XML.",
        f"{_OAS}#schema-object: schemas describe JSON; XML needs the hints of the XML Object",
        lambda half: half.media_type != "" and not is_checkable(half.media_type),
    ),
    "empty list": Deviation(
        "accepts",
        "An empty text where a list stands is no items; openapi-core reads one empty item.",
        f"{_OAS}#style-examples: there is no form of an empty array, and what clients send for it is this",
        lambda half: any(text.strip("&") == "" and isinstance(value, list) for _, text, value in half.decoded()),
    ),
    "name without a value": Deviation(
        "refuses",
        "An object is spelled in pairs, and half a pair is an error; openapi-core drops it.",
        f"{_OAS}#style-examples: the column for objects, `R,100,G,200,B,150` and `R=100,G=200,B=150`",
        lambda half: any("object" in one.shape.types and isinstance(value, str) for one, _, value in half.decoded()),
    ),
    "prefix left out": Deviation(
        "refuses",
        "The styles label and matrix begin with a mark; openapi-core drops the first character, whatever it is.",
        "https://www.rfc-editor.org/rfc/rfc6570#section-3.2.5: each defined variable is preceded by a dot",
        lambda half: any(
            one.style == "label" and not (half.values or {}).get(one.name, ".").startswith(".")
            for one in half.operation.parameters
        ),
    ),
    "null as text": Deviation(
        "accepts",
        "The text `null`, or an empty one, is null where that may stand; openapi-core wants one of the other types.",
        "https://spec.openapis.org/oas/v3.1.1.html#appendix-b-data-type-conversion: how null is made a text is open",
        lambda half: any(leaf is None for one, _, value in half.decoded() for leaf, _ in _leaves(value, one.shape)),
    ),
    "list among others": Deviation(
        "refuses",
        "A parameter that may be a list is read as one whenever its schema says so anywhere; openapi-core looks at "
        "`type` alone, and takes the first text where that is not `array`.",
        f"{_OAS}#style-values: with explode an array generates a parameter for each of its values",
        lambda half: any(
            isinstance(value, list) and one.shape.types - {"array", "null"} for one, _, value in half.decoded()
        ),
    ),
    "other members": Deviation(
        "accepts",
        "`additionalProperties` gives the type of the other members of an object, so their texts are read by it; "
        "openapi-core leaves them texts.",
        f"{_OAS}#properties: additionalProperties - value can be boolean or object",
        _other_members,
    ),
    "member as JSON": Deviation(
        "accepts",
        "An object in a form is sent as JSON unless `encoding` gives it a style; openapi-core reads the style form.",
        f"{_OAS}#encoding-object: contentType defaults to application/json for objects",
        _member_as_json,
    ),
    "multipart scalars": Deviation(
        "accepts",
        "A part of a form holds a number or a boolean as text; openapi-core leaves it a text and then misses a number.",
        f"{_OAS}#encoding-object: contentType defaults to text/plain for numbers and booleans",
        lambda half: half.media_type == FORMS[1],
    ),
    "undeclared form field": Deviation(
        "refuses",
        "A field that the schema does not name is judged by `additionalProperties`; openapi-core drops it.",
        f"{_OAS}#properties: additionalProperties defaults to true, and false forbids others",
        _undeclared_field,
    ),
    "required with a default": Deviation(
        "refuses",
        "What is required must be sent, whatever the default of its schema; openapi-core fills the default in.",
        f"{_OAS}#parameter-required: determines whether this parameter is mandatory",
        _required_default,
    ),
    "form without a part": Deviation(
        "refuses",
        "A multipart body has a part at least; openapi-core takes one without any for an empty object.",
        "https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1: the body must contain one or more body parts",
        lambda half: half.media_type == FORMS[1] and half.form is None,
    ),
}


def _content(half: Half) -> Any:
    reply = half.operation.reply(half.response.status) if half.response else None
    return reply.node.get("content") if reply else None
