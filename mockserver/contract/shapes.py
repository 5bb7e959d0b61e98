"""What a value may be, as far as reading it from text needs to know, and how texts become values by it.

Only canonical forms become numbers and booleans (`5`, not `+5`, ` 5` or `1_0`); anything else stays
text, and the schema then says what is wrong with it. Whether a value is allowed is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import jsonschema_rs

from mockserver.contract.references import Refs
from mockserver.messages import JSON

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_COLLECTIONS = frozenset(("array", "object"))
_MAX_LEVELS = 6
"""Levels of a schema that are looked at."""
MAX_REREAD = 32
"""Texts of a refused value that are read again, each as what else it may be."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema lets a value be."""

    types: frozenset[str]
    items: Shape | None = None
    prefix: tuple[Shape, ...] = ()
    """What the first items may be, when each has a schema of its own."""
    properties: Mapping[str, Shape] = field(default_factory=dict)
    rest: Shape | None = None
    """What other members an object takes, when its schema speaks of them or names none at all."""
    has_default: bool = False
    is_binary: bool = False
    """Whether its text stands for bytes that need not be UTF-8."""

    def item(self, index: int) -> Shape:
        """What an item of an array may be."""
        return self.prefix[index] if index < len(self.prefix) else self.items or ANY

    def member(self, name: str) -> Shape:
        """What a member of an object may be."""
        return self.properties.get(name) or self.rest or ANY


ANY = Shape(frozenset())
"""Of what nothing is known."""


def shape_of(refs: Refs, schema: Any, depth: int = 0) -> Shape:
    """Collect the types of a schema through its `$ref`s, `allOf`, `anyOf` and `oneOf`."""
    try:
        schema, _ = refs.follow(schema, "")
    except KeyError:
        return ANY
    if not isinstance(schema, dict) or depth > _MAX_LEVELS:
        return ANY

    def below(part: Any) -> Shape:
        return shape_of(refs, part, depth + 1)

    kind = schema.get("type")
    types = {kind} if isinstance(kind, str) else set(kind or ())
    for option in schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        if not kind:
            types.add(_TYPES.get(type(option), "string"))
    if schema.get("nullable") is True and types:
        types.add("null")
    items = below(schema["items"]) if isinstance(schema.get("items"), dict) else None
    prefix = tuple(below(part) for part in schema.get("prefixItems") or ())
    properties = {name: below(sub) for name, sub in (schema.get("properties") or {}).items()}
    others = schema.get("additionalProperties", not properties and "object" in types)
    rest = below(others) if others is not False else None
    is_binary = schema.get("format") == "binary" or "contentMediaType" in schema
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key) or ():
            inner = below(part)
            types |= inner.types
            items, prefix, rest = items or inner.items, prefix or inner.prefix, rest or inner.rest
            properties = {**inner.properties, **properties}
            is_binary = is_binary or inner.is_binary
    return Shape(frozenset(types), items, prefix, properties, rest, "default" in schema, is_binary)


_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def scalar(text: str, shape: Shape) -> JSON:
    """The value that `text` spells, or the text itself when it spells none."""
    types = shape.types
    if types and "string" not in types:
        if "integer" in types and _INTEGER.fullmatch(text):
            return int(text)
        if "number" in types and _NUMBER.fullmatch(text):
            return float(text)
        if "boolean" in types and text in ("true", "false"):
            return text == "true"
        if "null" in types and text in ("null", ""):
            return None
    return text if type(text) is str else str(text)


def reread(value: JSON, shape: Shape, validator: jsonschema_rs.Validator) -> JSON:
    """A refused value with those of its texts that may also be something else read as that, where it helps.

    A text stays one wherever a text may stand. What is no text to its schema after all, such as the `5` of an
    integer or the word `auto`, shows only when the schema has spoken.
    """
    others = list(islice(_readings(value, shape), MAX_REREAD))
    if not others:
        return value
    best, faults = value, _faults(validator, value)
    for path, other in others:
        attempt = _with(best, path, other)
        left = _faults(validator, attempt)
        if left < faults:
            best, faults = attempt, left
            if not faults:
                return best
    whole = value  # of alternatives that describe a whole object none holds until all of its members are right
    for path, other in others:
        whole = _with(whole, path, other)
    return whole if not _faults(validator, whole) else best


Path = tuple[str | int, ...]


def _readings(value: JSON, shape: Shape, path: Path = ()) -> Iterator[tuple[Path, JSON]]:
    """What else the texts in a value may be, and the places where they stand."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _readings(item, shape.item(index), (*path, index))
        if len(value) == 1 and isinstance(value[0], str) and shape.types - _COLLECTIONS:
            yield path, scalar(value[0], replace(shape, types=shape.types - _COLLECTIONS))
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _readings(member, shape.member(name), (*path, name))
    elif isinstance(value, str) and "string" in shape.types and len(shape.types) > 1:
        other = scalar(value, replace(shape, types=shape.types - {"string"}))
        if not isinstance(other, str):
            yield path, other


def _with(value: JSON, path: Path, other: JSON) -> JSON:
    """A copy of a value with another one in a place; the value itself when that place is gone."""
    if not path:
        return other
    try:
        new = value.copy()
        new[path[0]] = _with(value[path[0]], path[1:], other)
    except (AttributeError, LookupError, TypeError):
        return value
    return new


def _faults(validator: jsonschema_rs.Validator, value: JSON) -> int:
    return 0 if validator.is_valid(value) else sum(1 for _ in validator.iter_errors(value))


Reader = Callable[[str], JSON]
