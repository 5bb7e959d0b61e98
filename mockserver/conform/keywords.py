"""What one schema object says of one value, its members and items apart: each broken keyword with what would mend it.

Plain functions over JSON values. Must not know: documents, references, contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema_rs

from mockserver.messages import JSON

MASKED = "***"
"""What stands in the place of a secret: it is a text, and nothing more is asked of it."""
_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_SIZES: tuple[tuple[type[str] | type[list[Any]] | type[dict[str, Any]], str, str], ...] = (
    (str, "length", "Length"),
    (list, "items", "Items"),
    (dict, "size", "Properties"),
)


class Breach(NamedTuple):
    """A keyword that a value breaks."""

    kind: str
    detail: str
    below: str = ""
    """The keyword as a pointer, where a schema may be broken in several ways."""
    updates: tuple[dict[str, Any], ...] = ()
    """What would have to be merged into the schema."""
    removed: tuple[str, ...] = ()
    """Keywords that would have to go."""


def breaches(node: dict[str, Any], value: JSON, accepts: Callable[[], bool]) -> Iterator[Breach]:
    """The keywords of a schema that a value of the right type breaks.

    Args:
        node: the schema.
        value: the value.
        accepts: whether the schema as a whole takes the value; asked where a keyword alone cannot be.
    """
    if isinstance(node.get("enum"), list) and value not in node["enum"]:
        yield Breach("enum", "is not in the list", updates=({"enum": [value]},))
        return
    if "const" in node and node["const"] != value:
        yield Breach("const", "is not the only value that it may be", removed=("const",))
        return
    found = list(_sizes(node, value))
    if isinstance(value, list) and node.get("uniqueItems") is True and not _only(node, "uniqueItems").is_valid(value):
        found.append(Breach("items", "has an item twice", "/uniqueItems", ({"uniqueItems": False},)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        found += _range(node, value)
    if not found and isinstance(value, str | int | float) and not accepts():
        found += _text(node, value)
    yield from found


def _sizes(node: dict[str, Any], value: JSON) -> Iterator[Breach]:
    for type_, kind, word in _SIZES:
        if not isinstance(value, type_):
            continue
        size = len(value)
        least, most = node.get(f"min{word}"), node.get(f"max{word}")
        if isinstance(least, int) and size < least:
            yield Breach(kind, f"breaks min{word} {least}", f"/min{word}", ({f"min{word}": size},))
        if isinstance(most, int) and size > most:
            yield Breach(kind, f"breaks max{word} {most}", f"/max{word}", ({f"max{word}": size},))


def _range(node: dict[str, Any], value: float) -> Iterator[Breach]:
    for name in _RANGES:
        bound = node.get(name)
        if bound is None or isinstance(bound, bool):
            continue
        flag = f"exclusive{name.capitalize()}"
        is_exclusive = node.get(flag) is True
        validator = _only(node, name, flag) if is_exclusive else _only(node, name)
        if validator.is_valid(value):
            continue
        detail = f"is out of {flag if is_exclusive else name} {bound}"
        if name in ("minimum", "maximum"):
            yield Breach("range", detail, f"/{name}", ({name: value},), (flag,) if is_exclusive else ())
        else:
            yield Breach("range", detail, f"/{name}", removed=(name,))


def _text(node: dict[str, Any], value: JSON) -> Iterator[Breach]:
    if isinstance(value, str) and isinstance(node.get("pattern"), str) and not matches(node["pattern"], value):
        yield Breach("pattern", f"does not match {node['pattern']}", removed=("pattern",))
    elif isinstance(node.get("format"), str):
        yield Breach("format", f"is no {node['format']}", removed=("format",))


def _only(node: dict[str, Any], *names: str) -> jsonschema_rs.Validator:
    """What validates some keywords of a schema alone."""
    schema = {name: node[name] for name in names}
    has_flag = any(isinstance(bound, bool) for name, bound in schema.items() if name.startswith("exclusive"))
    return jsonschema_rs.Draft4Validator(schema) if has_flag else jsonschema_rs.Draft202012Validator(schema)


def matches(pattern: str, text: str) -> bool:
    """Whether a text matches an ECMA-262 pattern; True for a pattern that cannot be read."""
    try:
        return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern}).is_valid(text)
    except (ValueError, jsonschema_rs.ValidationError):
        return True


def types_of(node: dict[str, Any]) -> frozenset[str]:
    """The types that a schema names."""
    kind = node.get("type")
    if isinstance(kind, str):
        return frozenset((kind,))
    return frozenset(name for name in kind if isinstance(name, str)) if isinstance(kind, list) else frozenset()


def type_of(value: JSON) -> str:
    """The type of a value, as JSON Schema calls it."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def is_of(value: JSON, types: frozenset[str]) -> bool:
    """Whether a value is of one of some types."""
    kind = type_of(value)
    if kind in types:
        return True
    return kind in ("integer", "number") and ("number" in types or ("integer" in types and value == int(value)))


def kind_of(value: JSON) -> str:
    """The type of a value with its article."""
    kind = type_of(value)
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def members_of(value: Any) -> dict[str, Any]:
    """A value as an object; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


__all__ = ["MASKED", "Breach", "breaches", "is_of", "kind_of", "matches", "members_of", "type_of", "types_of"]
