"""What a value may be, as far as reading it from text needs to know, and how texts become values by it.

Only canonical forms become numbers and booleans (`5`, not `+5`, ` 5` or `1_0`); anything else stays
text, and the schema then says what is wrong with it. Whether a value is allowed is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

import jsonschema_rs

from mockserver.contract.explain import leaves as closest_errors
from mockserver.contract.references import Refs
from mockserver.messages import JSON
from mockserver.records import record
from mockserver.text.jsontext import to_json

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,400})(?:\.[0-9]{1,400})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_COLLECTIONS = frozenset(("array", "object"))
_MAX_LEVELS = 6
"""Levels of a schema that are looked at."""
_ROUNDS = 3
"""How often a refused value is looked at again: another alternative may be the closest then."""


@record(frozen=True)
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


def shape_of(refs: Refs, schema: Any) -> Shape:
    """Collect the types of a schema through its `$ref`s, `allOf`, `anyOf` and `oneOf`."""
    return Shapes(refs).of(schema)


class Shapes:
    """The shapes of schemas that stand in one document, and of what they are made of.

    Each schema is looked at once for each level: where all refer to all, there are endlessly many ways to each.
    """

    def __init__(self, refs: Refs) -> None:
        self._refs = refs
        self._known: dict[tuple[int, int], Shape] = {}
        """By the identity of a schema in the document, and the level."""

    def of(self, schema: Any, level: int = 0) -> Shape:
        """The shape of a schema that stands so many levels below the first."""
        try:
            schema, _ = self._refs.follow(schema, "")
        except KeyError:
            return ANY
        if not isinstance(schema, dict) or level > _MAX_LEVELS:
            return ANY
        key = id(schema), level
        shape = self._known.get(key)
        if shape is None:
            shape = self._known[key] = self._collected(schema, level)
        return shape

    def _collected(self, schema: dict[str, Any], level: int) -> Shape:
        def below(part: Any) -> Shape:
            return self.of(part, level + 1)

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
    better = value
    for _ in range(_ROUNDS):
        places = {
            tuple(leaf.instance_path) for error in validator.iter_errors(better) for leaf in closest_errors(error)
        }
        if not places:
            return better
        changed = _changed(better, shape, places)
        if changed is better:
            break
        better = changed
    if validator.is_valid(better):
        return better
    # Of alternatives that describe a whole object none may hold until all of its members are right.
    whole = _changed(value, shape, None)
    return whole if validator.is_valid(whole) else better


Path = tuple[str | int, ...]


def _changed(value: JSON, shape: Shape, places: set[Path] | None, path: Path = ()) -> JSON:
    """A copy of a value with its texts read as what else they may be, at some places or at all; itself when none is."""
    if isinstance(value, list):
        items = [_changed(item, shape.item(index), places, (*path, index)) for index, item in enumerate(value)]
        if any(new is not old for new, old in zip(items, value, strict=True)):
            return items
        if places is not None and path in places and len(value) == 1 and shape.types - _COLLECTIONS:
            text = value[0] if isinstance(value[0], str) else to_json(value[0]).decode()
            return scalar(text, replace(shape, types=shape.types - _COLLECTIONS))
    elif isinstance(value, dict):
        members = {name: _changed(member, shape.member(name), places, (*path, name)) for name, member in value.items()}
        if any(new is not old for new, old in zip(members.values(), value.values(), strict=True)):
            return members
    elif isinstance(value, str) and "string" in shape.types and len(shape.types) > 1:
        other = scalar(value, replace(shape, types=shape.types - {"string"}))
        if not isinstance(other, str) and (places is None or path in places):
            return other
    return value
