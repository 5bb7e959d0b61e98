"""A schema with its definitions in their places, but for those that hold themselves.

Must not know: why.
"""

from __future__ import annotations

from typing import Any

MAX_NODES = 50_000
"""Objects of a schema that is written out; definitions that hold others twice make millions."""
_LOCAL = "#/$defs/"


class TooLarge(ValueError):
    """A schema that has too many objects when it is written out."""


def inlined(whole: Any) -> tuple[Any, dict[str, Any]]:
    """A schema without its non-recursive definitions, and the recursive ones by name, the same done to them.

    Raises:
        TooLarge: it grows over MAX_NODES.
    """
    if not isinstance(whole, dict):
        return whole, {}
    definitions = whole.get("$defs", {})
    kept = recursive(definitions)
    inliner = _Inliner(definitions, kept)
    bare = {key: value for key, value in whole.items() if key != "$defs"}
    return inliner.written(bare), {name: inliner.written(definitions[name]) for name in kept}


def recursive(definitions: dict[str, Any]) -> list[str]:
    """The names of the definitions that hold themselves, directly or through others."""
    reach = {name: set(names_in(node)) for name, node in definitions.items()}
    found = []
    for name in definitions:
        seen: set[str] = set()
        waiting = list(reach[name])
        while waiting and name not in seen:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += reach.get(other, ())
        if name in seen:
            found.append(name)
    return found


def names_in(node: Any) -> list[str]:
    """The names of the definitions that a schema refers to."""
    if isinstance(node, list):
        return [name for child in node for name in names_in(child)]
    if not isinstance(node, dict):
        return []
    ref = node.get("$ref")
    own = [ref.removeprefix(_LOCAL)] if isinstance(ref, str) else []
    return own + [name for child in node.values() for name in names_in(child)]


class _Inliner:
    def __init__(self, definitions: dict[str, Any], kept: list[str]) -> None:
        self._definitions = definitions
        self._kept = frozenset(kept)
        self._nodes = 0

    def written(self, node: Any) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise TooLarge("is too large when it is written out")
        if isinstance(node, list):
            return [self.written(child) for child in node]
        if not isinstance(node, dict):
            return node
        ref = node.get("$ref")
        new = {key: self.written(value) for key, value in node.items() if key != "$ref"}
        if not isinstance(ref, str):
            return new
        name = ref.removeprefix(_LOCAL)
        if name in self._kept:
            return {**new, "$ref": ref}
        target = self.written(self._definitions[name])
        if not new:
            return target
        return {**new, "allOf": [*new.get("allOf", ()), target]}


__all__ = ["TooLarge", "inlined", "recursive"]
