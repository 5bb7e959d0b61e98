"""Parameters off the wire: every OpenAPI style decoded to JSON values.

Whether a value is allowed is not decided here; how a text becomes a number is in `shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from mockserver.contract.media_types import FORMS, essence, is_json, is_xml
from mockserver.contract.references import Refs, pointer_of
from mockserver.contract.shapes import Shape, scalar, shape_of
from mockserver.contract.xml import XmlError, read_xml
from mockserver.contract.xml_schema import XmlSchema
from mockserver.errors import Problem
from mockserver.messages import JSON, Side, Violation
from mockserver.records import record
from mockserver.text.fields import Decoded, Values, parse_query
from mockserver.text.matchers import MISSING

_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}
_EXPLODED = {"label": ".", "matrix": ";"}
_DEFAULT_STYLE = {"path": "simple", "header": "simple", "query": "form", "cookie": "form", "querystring": "form"}
MAX_NESTING = 16
"""Brackets of a name such as `filter[a][b]`."""

BadMember = Callable[[str, str, str], Problem]
"""Makes the problem of a member: its name, what is wrong with it, and what was found."""


@record(frozen=True)
class Parameter:
    """One parameter of an operation, ready to decode."""

    name: str
    place: str
    """`path`, `query`, `header`, `cookie`, or `querystring` for the whole query (3.2)."""
    required: bool
    style: str
    explode: bool
    shape: Shape
    pointer: str
    """Where its schema stands in the document."""
    content: str
    """The media type of its text when it is declared by `content`; "" when it is declared by `schema`."""
    header: str
    """The name in lower case."""
    plain: bool
    """Whether its text is one scalar as it stands."""
    allows_empty: bool
    """Whether an empty text counts as not sent."""
    default: Any = MISSING
    xml: XmlSchema | None = None
    """Describes the value of a text that is XML."""

    @property
    def is_json(self) -> bool:
        """Whether the value is a JSON text."""
        return is_json(essence(self.content))

    def decode_values(self, values: Values, claimed: frozenset[str] = frozenset()) -> Any:
        """The value of a parameter in a query, a form or cookies, or MISSING.

        Args:
            values: all that was sent there.
            claimed: names of the operation's other parameters in that place.

        Raises:
            Problem: a scalar that was given twice, or a JSON value that does not parse.
        """
        texts = values.get(self.name)
        if texts is not None and self.allows_empty and not any(texts):
            # Of `?name=` 3.0.4 says that it SHOULD be taken for a parameter that is not used.
            return MISSING
        if self.plain:
            if texts is None:
                return MISSING
            if len(texts) > 1 and self.place != "cookie":
                raise self._given_twice(texts)
            return scalar(self._as_sent(texts[0]), self.shape)
        kinds = self.shape.types
        if "object" in kinds and (self.style == "deepObject" or self.explode) and not self.content:
            value = self._object_from_values(values, claimed)
            if value is not MISSING or (self.place != "cookie" and not kinds - {"object", "null"}):
                return value
        if texts is None:
            return MISSING
        if "array" in kinds and self.explode and not self.content:
            texts = self._cookies(texts) if self.place == "cookie" else texts
            return [scalar(text, self.shape.item(index)) for index, text in enumerate(texts)]
        if len(texts) > 1 and self.place != "cookie":
            raise self._given_twice(texts)
        return self.decode(texts[0])

    def _as_sent(self, text: str) -> str:
        """The style `cookie` (3.2) has no percent-encoding."""
        return text.raw if self.style == "cookie" and isinstance(text, Decoded) else text

    def _cookies(self, texts: list[str]) -> list[str]:
        """The items of an array in cookies: one cookie each, or all in one, as the style form writes them."""
        if self.style == "cookie" or len(texts) > 1:
            return [self._as_sent(text) for text in texts]
        [text] = texts
        ampersand = f"&{self.name}="
        return text.split(ampersand) if ampersand in text else self._pieces(text)

    def claims(self, name: str) -> bool:
        """Whether a query parameter of that name is a part of this one."""
        if "object" in self.shape.types and self.style == "deepObject":
            return name.startswith(f"{self.name}[")
        if "object" in self.shape.types and self.explode:
            return name in self.shape.properties
        return name == self.name

    def _given_twice(self, texts: list[str]) -> Problem:
        return _bad(self, "was given more than once", f"{len(texts)} values", "one value")

    def missing(self, side: Side) -> Violation:
        """The violation that its absence is."""
        return Violation(side, self.place, self.name, "is required and missing", "nothing", "a value", "required")

    def decode(self, text: str) -> Any:
        """The value of the text in a path, header or cookie. Raises Problem when its style cannot be read."""
        if self.plain:
            return scalar(text, self.shape)
        if self.content:
            return self._by_content(text)
        if self.style in _EXPLODED and not text.startswith(mark := _EXPLODED[self.style]):
            raise _bad(self, f"must start with {mark!r}, as its style {self.style} says", text[:60], mark)
        kinds = self.shape.types
        if "array" in kinds:
            return self._array(text)
        if "object" in kinds and self.style != "deepObject":
            return self._object(text)
        return scalar(self._bare(text), self.shape)

    def decode_querystring(self, query: str) -> Any:
        """The value that a whole query is."""
        if not query:
            return MISSING
        return self._by_content(query if essence(self.content) == FORMS[0] else Decoded.of(query, unquote))

    def _by_content(self, text: str) -> Any:
        if self.is_json:
            for written in (text, unquote(text.raw) if isinstance(text, Decoded) else text):
                try:
                    return orjson.loads(written)
                except orjson.JSONDecodeError:
                    pass  # a cookie's quotes may belong to the value
            raise _bad(self, "must be a JSON value", "text", "JSON")
        if self.xml is not None:
            try:
                return read_xml(text.encode(), self.xml)
            except XmlError as error:
                raise _bad(self, str(error), "text", "XML") from None
        if essence(self.content) == FORMS[0]:
            return nested({(name,): texts for name, texts in parse_query(text).items()}, self.shape, self._bad_member)
        return scalar(text, self.shape)

    def _bare(self, text: str) -> str:
        if self.style == "label":
            return text.removeprefix(".")
        if self.style == "matrix":
            return text.removeprefix(";") if self.explode else text.removeprefix(f";{self.name}").removeprefix("=")
        return text

    def _pieces(self, text: str) -> list[str]:
        """A text cut at the delimiters of its style: at those that were not percent-encoded, if there are any."""
        separator = _SEPARATORS.get(self.style) or (_EXPLODED.get(self.style, ",") if self.explode else ",")
        if isinstance(text, Decoded):
            raw = self._bare(text.raw)
            if separator in raw or (self.explode and "object" in self.shape.types and "=" in raw):
                return [Decoded.of(piece, text.decode) for piece in raw.split(separator)]
        bare = self._bare(text)
        pieces = bare.split(separator) if bare else []
        return [piece.strip() for piece in pieces] if self.place == "header" else pieces

    def _array(self, text: str) -> list[Any]:
        pieces = self._pieces(text)
        if self.style == "matrix" and self.explode:
            pieces = [_halves(piece)[1] for piece in pieces if piece]
        return [scalar(piece, self.shape.item(index)) for index, piece in enumerate(pieces)]

    def _object(self, text: str) -> Any:
        pieces = self._pieces(text)
        if self.explode:
            pieces = [piece for piece in pieces if piece]
            if self.style != "matrix" and not all("=" in piece for piece in pieces):
                return str(text)  # a name without a value
            pairs = [_halves(piece) for piece in pieces]
        else:
            if len(pieces) % 2:
                return str(text)  # a name without a value
            pairs = list(zip(pieces[::2], pieces[1::2], strict=True))
        return {name: scalar(value, self.shape.member(name)) for name, value in ((str(n).strip(), v) for n, v in pairs)}

    def _object_from_values(self, values: Values, claimed: frozenset[str]) -> Any:
        if self.style == "deepObject":
            members = {
                keys: texts
                for name, texts in values.items()
                if name.startswith(self.name + "[") and name.endswith("]")
                for keys in [tuple(name[len(self.name) + 1 : -1].split("][", MAX_NESTING))]
            }
        else:
            known, others = self.shape.properties, self.shape.rest is not None
            members = {
                (name,): [self._as_sent(text) for text in texts]
                for name, texts in values.items()
                if name in known or (others and name not in claimed)
            }
        return nested(members, self.shape, self._bad_member) if members else MISSING

    def _bad_member(self, name: str, message: str, found: str) -> Problem:
        return _bad(self, f"member {name!r} {message}", found, "one value")


def nested(members: Mapping[tuple[str, ...], list[str]], shape: Shape, bad: BadMember) -> JSON:
    """An object from the texts of its members, each by the keys that lead to it: `filter[a][b]=1`, `filter[a][]=1`.

    OpenAPI leaves open how deepObject nests; this is how Rails, PHP and the library qs write it.
    """
    tree: dict[str, Any] = {}
    for keys, texts in members.items():
        node = tree
        for key in keys[:-1]:
            node = node.setdefault(key, {})
            if not isinstance(node, dict):
                raise bad("][".join(keys), "was given as a value and as an object", "both")
        if isinstance(node.get(keys[-1]), dict):
            raise bad("][".join(keys), "was given as a value and as an object", "both")
        node[keys[-1]] = texts
    return _object(tree, shape, bad)


def _object(tree: dict[str, Any], shape: Shape, bad: BadMember) -> dict[str, Any]:
    return {name: _member(name, node, shape.member(name), bad) for name, node in tree.items()}


def _member(name: str, node: Any, shape: Shape, bad: BadMember) -> JSON:
    if isinstance(node, dict):
        if "object" not in shape.types and ("array" in shape.types or not shape.types) and _is_list(node):
            texts = node.pop("", [])
            items = [*texts, *(node[key] for key in sorted(node, key=int))]
            return [
                _member(name, item if isinstance(item, dict | list) else [item], shape.item(index), bad)
                for index, item in enumerate(items)
            ]
        return _object(node, shape, bad)
    # What a schema says nothing of may be an array; several texts are one.
    if "array" in shape.types or (len(node) > 1 and not shape.types):
        return [scalar(text, shape.item(index)) for index, text in enumerate(node)]
    if len(node) > 1:
        raise bad(name, "was given more than once", f"{len(node)} values")
    return scalar(node[0], shape)


def _is_list(node: dict[str, Any]) -> bool:
    """Whether keys are places in a list: `[]`, or `[0]` and so on."""
    return all((not key and isinstance(node[key], list)) or (key.isdecimal() and len(key) < 6) for key in node)


def _halves(piece: str) -> tuple[str, str]:
    """A name and its value, cut at the equals sign that was not percent-encoded."""
    if isinstance(piece, Decoded):
        name, _, value = piece.raw.partition("=")
        return piece.decode(name), piece.decode(value)
    name, _, value = piece.partition("=")
    return name, value


def compile_parameter(refs: Refs, node: dict[str, Any], pointer: str) -> Parameter | None:
    """Prepare a Parameter Object; None for a header that OpenAPI tells us to ignore."""
    name, place = str(node["name"]), str(node["in"])
    if place == "header" and name.lower() in ("accept", "content-type", "authorization"):
        return None
    content = ""
    if "schema" not in node:
        content = next(iter(node["content"]))
        media, at = refs.follow(node["content"][content], pointer + pointer_of(["content", content]))
        schema, pointer = media.get("schema", {}), f"{at}/schema" if "schema" in media else ""
    else:
        schema = node["schema"]
        pointer += "/schema"
    style = str(node.get("style", _DEFAULT_STYLE[place]))
    target, _ = refs.follow(schema, pointer)
    default = target.get("default", MISSING) if isinstance(target, dict) else MISSING
    shape = shape_of(refs, schema)
    is_scalar = shape.types.isdisjoint(("array", "object"))
    return Parameter(
        name=name,
        place=place,
        required=bool(node.get("required")) or place == "path",
        style=style,
        explode=bool(node.get("explode", style in ("form", "cookie"))),
        shape=shape,
        pointer=pointer,
        content=content,
        header=name.lower(),
        plain=not content and is_scalar and style not in ("label", "matrix"),
        allows_empty=place == "query" and node.get("allowEmptyValue") is True,
        default=default,
        xml=XmlSchema(refs, schema) if is_xml(essence(content)) and shape.types - {"string"} else None,
    )


def _bad(parameter: Parameter, message: str, found: str, expected: str) -> Problem:
    violation = Violation("client", parameter.place, parameter.name, message, found, expected)
    return Problem("invalid_request", violations=[violation])
