"""The schemas on the way to a place in a value, references followed and alternatives looked into.

Must not know: what is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mockserver.contract.outline import Place
from mockserver.contract.patterns import matcher
from mockserver.contract.references import Refs
from mockserver.text.documents import pointer_of

MAX_STEPS = 500
"""Schemas that are looked at for one place."""
EVERY = "*"
"""Stands in a path for each item of an array."""


class Met(NamedTuple):
    """A schema on the way."""

    place: Place
    """Where it stands, references followed."""
    named: str
    """The pointer to it before references were followed."""
    depth: int
    """How many parts of the path lead to the value that it speaks of."""


def along(refs: Refs, root: Place, path: Sequence[str]) -> Iterator[Met]:
    """The schemas that speak of a value and of what is on the way to it, in the order of the document.

    Args:
        refs: follows references; one that leads nowhere is passed over.
        root: the schema of the whole value.
        path: names of members and numbers of items, or EVERY.
    """
    waiting: list[tuple[Any, str, int]] = [(root.node, root.pointer, 0)]
    met: set[tuple[str, int]] = set()
    while waiting and len(met) < MAX_STEPS:
        node, named, depth = waiting.pop(0)
        try:
            node, pointer = refs.follow(node, named)
        except KeyError:
            continue
        if not isinstance(node, dict) or (pointer, depth) in met:
            continue
        met.add((pointer, depth))
        yield Met(Place(node, pointer), named, depth)
        if depth < len(path):
            waiting += [(child, pointer + at, depth + 1) for child, at in _children(node, path[depth])]
        for key in ("allOf", "anyOf", "oneOf"):
            parts = node.get(key)
            waiting += [
                (part, f"{pointer}/{key}/{index}", depth)
                for index, part in enumerate(parts if isinstance(parts, list) else ())
            ]
        waiting += [(node[key], f"{pointer}/{key}", depth) for key in ("then", "else") if key in node]


def _children(node: dict[str, Any], name: str) -> Iterator[tuple[Any, str]]:
    """The schemas of one member or item, each with the way to it."""
    properties = node.get("properties")
    if isinstance(properties, dict) and name in properties:
        yield properties[name], pointer_of(["properties", name])
    else:
        patterns = _patterned(node, name)
        yield from patterns
        if not patterns and isinstance(node.get("additionalProperties"), dict):
            yield node["additionalProperties"], "/additionalProperties"
    if name == EVERY or name.isdecimal():
        listed = node.get("prefixItems")
        first = listed if isinstance(listed, list) else []
        for number, item in enumerate(first):
            if name in (EVERY, str(number)):
                yield item, pointer_of(["prefixItems", str(number)])
        if isinstance(node.get("items"), dict) and (name == EVERY or int(name) >= len(first)):
            yield node["items"], "/items"


def _patterned(node: dict[str, Any], name: str) -> list[tuple[Any, str]]:
    """The schemas of `patternProperties` whose pattern a name has."""
    patterns = node.get("patternProperties")
    return [
        (schema, pointer_of(["patternProperties", pattern]))
        for pattern, schema in (patterns.items() if isinstance(patterns, dict) else ())
        if (is_met := matcher(pattern)) is not None and is_met(name)
    ]


__all__ = ["EVERY", "MAX_STEPS", "Met", "along"]
