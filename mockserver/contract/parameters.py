"""Parameters off the wire: every OpenAPI style decoded to JSON values.

Only canonical forms become numbers and booleans (`5`, not `+5`, ` 5` or `1_0`); anything else
stays text, and the schema then says what is wrong with it. Whether a value is allowed is not
decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus

import orjson

from mockserver.contract.references import Refs, pointer_of
from mockserver.errors import Problem
from mockserver.messages import Side, Violation

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}
_DEFAULT_STYLE = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}

MISSING = object()
"""Stands for a parameter that was not sent."""

QueryValues = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema lets a value be, as far as decoding needs to know."""

    types: frozenset[str]
    items: Shape | None = None
    properties: tuple[tuple[str, Shape], ...] = ()
    rest: Shape | None = None
    """What other members an object takes, when its schema speaks of them or names none at all."""
    has_default: bool = False


ANY = Shape(frozenset())
"""Of what nothing is known."""


def shape_of(refs: Refs, schema: Any, depth: int = 0) -> Shape:
    """Collect the types of a schema through its `$ref`s, `allOf`, `anyOf` and `oneOf`."""
    try:
        schema, _ = refs.follow(schema, "")
    except KeyError:
        return ANY
    if not isinstance(schema, dict) or depth > 6:
        return ANY
    kind = schema.get("type")
    types = {kind} if isinstance(kind, str) else set(kind or ())
    for option in schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        if not kind:
            types.add({bool: "boolean", int: "integer", float: "number"}.get(type(option), "string"))
    items = shape_of(refs, schema["items"], depth + 1) if isinstance(schema.get("items"), dict) else None
    properties = {name: shape_of(refs, sub, depth + 1) for name, sub in (schema.get("properties") or {}).items()}
    others = schema.get("additionalProperties", not properties and "object" in types)
    rest = shape_of(refs, others, depth + 1) if others is not False else None
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key) or ():
            inner = shape_of(refs, part, depth + 1)
            types |= inner.types
            items, rest = items or inner.items, rest or inner.rest
            properties = {**dict(inner.properties), **properties}
    return Shape(frozenset(types), items, tuple(properties.items()), rest, "default" in schema)


def scalar(text: str, shape: Shape) -> Any:
    """The value that `text` spells, or the text itself when it spells none."""
    types = shape.types
    if "string" in types or not types:
        return text
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return float(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text in ("null", ""):
        return None
    return text


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation, ready to decode."""

    name: str
    place: str
    """`path`, `query`, `header` or `cookie`."""
    required: bool
    style: str
    explode: bool
    shape: Shape
    pointer: str
    """Where its schema stands in the document."""
    is_json: bool
    """Declared by `content` as JSON, instead of by `schema`: the value is a JSON text."""
    key: str
    """Its name in the object that is validated, for example `query limit`."""
    header: str
    """The name in lower case."""
    plain: bool
    """Whether its text is one scalar as it stands."""
    default: Any = MISSING

    def decode_query(self, query: QueryValues, claimed: frozenset[str] = frozenset()) -> Any:
        """The value of a query parameter, or MISSING.

        Args:
            query: all query parameters, percent-decoded.
            claimed: names of the operation's other query parameters.

        Raises:
            Problem: a scalar that was given twice, or a JSON value that does not parse.
        """
        if self.plain:
            texts = query.get(self.name)
            if texts is None:
                return MISSING
            if len(texts) > 1:
                raise self._given_twice(texts)
            return scalar(texts[0], self.shape)
        kinds = self.shape.types
        if "object" in kinds and (self.style == "deepObject" or self.explode) and not self.is_json:
            found = self._object_from_query(query, claimed)
            if found is not MISSING or not kinds - {"object", "null"}:
                return found
        values = query.get(self.name)
        if values is None:
            return MISSING
        if "array" in kinds and self.explode and not self.is_json:
            return [scalar(value, self.shape.items or ANY) for value in values]
        if len(values) > 1:
            raise self._given_twice(values)
        return self.decode(values[0])

    def claims(self, name: str) -> bool:
        """Whether a query parameter of that name is a part of this one."""
        if "object" in self.shape.types and self.style == "deepObject":
            return name.startswith(f"{self.name}[")
        if "object" in self.shape.types and self.explode:
            return name in dict(self.shape.properties)
        return name == self.name

    def _given_twice(self, texts: list[str]) -> Problem:
        return _bad(self, "was given more than once", f"{len(texts)} values", "one value")

    def missing(self, side: Side) -> Violation:
        """The violation that its absence is."""
        return Violation(side, self.place, self.name, "is required and missing", "nothing", "a value", "required")

    def decode(self, raw: str) -> Any:
        """The value of the text in a path, header or cookie. Raises Problem when its style cannot be read."""
        if self.plain:
            return scalar(raw, self.shape)
        kinds = self.shape.types
        if self.is_json:
            try:
                return orjson.loads(raw)
            except orjson.JSONDecodeError:
                raise _bad(self, "must be a JSON value", "text", "JSON") from None
        if self.style == "label" or self.style == "matrix":
            prefix = "." if self.style == "label" else ";"
            if not raw.startswith(prefix):
                raise _bad(self, f"must start with {prefix!r}, as its style {self.style} says", raw[:60], prefix)
        if "array" in kinds:
            return self._array(raw)
        if "object" in kinds and self.style != "deepObject":
            return self._object(raw)
        return scalar(self._bare(raw), self.shape)

    def _bare(self, raw: str) -> str:
        if self.style == "label":
            return raw.removeprefix(".")
        if self.style == "matrix":
            return raw.removeprefix(f";{self.name}").removeprefix("=")
        return raw

    def _array(self, raw: str) -> list[Any]:
        items = self.shape.items or ANY
        if self.style == "matrix" and self.explode:
            texts = [part.partition("=")[2] for part in raw.split(";") if part]
        else:
            separator = _SEPARATORS.get(self.style, "." if self.style == "label" and self.explode else ",")
            bare = self._bare(raw)
            texts = bare.split(separator) if bare else []
        if self.place == "header":
            texts = [text.strip() for text in texts]
        return [scalar(text, items) for text in texts]

    def _object(self, raw: str) -> Any:
        if self.explode:
            separator = {"label": ".", "matrix": ";"}.get(self.style, ",")
            text = raw.removeprefix(".").removeprefix(";")
            parts = [part for part in text.split(separator) if part]
            if self.style != "matrix" and not all("=" in part for part in parts):
                return raw  # a name without a value
            pairs = [part.partition("=")[::2] for part in parts]
        else:
            parts = self._bare(raw).split(_SEPARATORS.get(self.style, ","))
            if len(parts) % 2:
                return raw  # a name without a value
            pairs = list(zip(parts[::2], parts[1::2], strict=False))
        known = dict(self.shape.properties)
        rest = self.shape.rest or ANY
        return {name.strip(): scalar(value, known.get(name.strip(), rest)) for name, value in pairs}

    def _object_from_query(self, query: QueryValues, claimed: frozenset[str]) -> Any:
        known = dict(self.shape.properties)
        found: dict[str, Any] = {}
        if self.style == "deepObject":
            for name, values in query.items():
                if name.startswith(self.name + "[") and name.endswith("]"):
                    found[name[len(self.name) + 1 : -1]] = values
        else:
            others = self.shape.rest is not None
            found = {
                name: values for name, values in query.items() if name in known or (others and name not in claimed)
            }
        if not found:
            return MISSING
        for name, values in found.items():
            shape = known.get(name, self.shape.rest or ANY)
            if "array" in shape.types:
                found[name] = [scalar(value, shape.items or ANY) for value in values]
            elif len(values) > 1:
                raise _bad(self, f"member {name!r} was given more than once", f"{len(values)} values", "one value")
            else:
                found[name] = scalar(values[0], shape)
        return found


def compile_parameter(refs: Refs, node: dict[str, Any], pointer: str) -> Parameter | None:
    """Prepare a Parameter Object; None for a header that OpenAPI tells us to ignore."""
    name, place = str(node["name"]), str(node["in"])
    if place == "header" and name.lower() in ("accept", "content-type", "authorization"):
        return None
    is_json = False
    if "schema" not in node:
        media_type = next(iter(node["content"]))
        schema = node["content"][media_type].get("schema", {})
        is_json = "json" in media_type
        pointer += pointer_of(["content", media_type, "schema"])
    else:
        schema = node["schema"]
        pointer += "/schema"
    style = str(node.get("style", _DEFAULT_STYLE[place]))
    target, _ = refs.follow(schema, pointer)
    default = target.get("default", MISSING) if isinstance(target, dict) else MISSING
    explode = bool(node.get("explode", style == "form"))
    required = bool(node.get("required")) or place == "path"
    shape = shape_of(refs, schema)
    return Parameter(
        name=name,
        place=place,
        required=required,
        style=style,
        explode=explode,
        shape=shape,
        pointer=pointer,
        is_json=is_json,
        key=f"{place} {name}",
        header=name.lower(),
        plain=not is_json and style in ("simple", "form") and shape.types.isdisjoint(("array", "object")),
        default=default,
    )


def parse_query(text: str) -> QueryValues:
    """Query parameters in order, percent-decoded. Raises Problem on text that is not UTF-8."""
    values: QueryValues = {}
    if not text:
        return values
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            try:
                if "%" in pair or "+" in pair:
                    name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
            except UnicodeDecodeError:
                raise Problem(
                    "invalid_request",
                    violations=[
                        Violation("client", "query", unquote_plus(name), "is not UTF-8", "other bytes", "UTF-8")
                    ],
                ) from None
            values.setdefault(name, []).append(value)
    return values


def parse_cookies(header: str) -> dict[str, str]:
    """Cookies of a request, percent-decoded."""
    pairs = (part.strip().partition("=")[::2] for part in header.split(";"))
    return {name: unquote(value) for name, value in pairs if name}


def _bad(parameter: Parameter, message: str, found: str, expected: str) -> Problem:
    violation = Violation("client", parameter.place, parameter.name, message, found, expected)
    return Problem("invalid_request", violations=[violation])
