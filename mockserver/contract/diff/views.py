"""What a schema says of one value, its parts brought together so that two schemas can be set side by side.

Must not know: what is compared with what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from mockserver.contract.diff.normal import Node, Side
from mockserver.text.jsontext import to_json

_NULL = {"type": "null"}
_NOTHING: tuple[Any, ...] = ({"not": {}}, False)
"""Schemas that take no value; a member with one may not be sent."""


class View:
    """A schema's parts.

    Args:
        side: where the schema is from.
        nodes: what the value must satisfy together.
    """

    def __init__(self, side: Side, nodes: list[Node]) -> None:
        self.side = side
        self.pointer = _target(side, nodes[0]) if nodes else ""
        self.node = nodes[0] if len(nodes) == 1 else Node({"allOf": [node.schema for node in nodes]}, self.pointer)
        self.key = tuple(key_of(node) for node in nodes)
        """Equal for schemas that are the same one: a reference is what it leads to."""
        self.allows_null = False
        self.parts: list[Node] = []
        self.is_or_null = False
        """Whether all that it says is that a value is something or null."""
        waiting = list(nodes)
        while waiting and len(self.parts) < 256:
            for part in side.parts(waiting.pop(0)):
                inner = _nullable(part)
                if inner is None:
                    self.parts.append(part)
                    continue
                self.allows_null = True
                self.is_or_null = len(nodes) == 1 and not self.parts and not waiting and part.schema.keys() <= {"anyOf"}
                waiting.append(inner)
                rest = {key: value for key, value in part.schema.items() if key not in ("anyOf", "oneOf")}
                if rest:
                    self.parts.append(Node(rest, part.pointer))

    def _values(self, key: str) -> list[Any]:
        return [part.schema[key] for part in self.parts if isinstance(part.schema, dict) and key in part.schema]

    @cached_property
    def types(self) -> frozenset[str] | None:
        """The types that a value may have; None where every type is allowed."""
        types: set[str] | None = None
        for value in self._values("type"):
            one = {value} if isinstance(value, str) else set(value)
            one |= {"integer"} if "number" in one else set()
            types = one if types is None else types & one
        if types is not None and self.allows_null:
            types |= {"null"}
        return None if types is None else frozenset(types)

    def may_be(self, types: Iterable[str]) -> bool:
        """Whether a value may have one of some types."""
        return self.types is None or not self.types.isdisjoint(types)

    @cached_property
    def rejected(self) -> frozenset[str]:
        """The members that may not be sent."""
        return frozenset(
            name
            for part in self.parts
            if isinstance(part.schema, dict)
            for name, schema in (part.schema.get("properties") or {}).items()
            if schema in _NOTHING
        )

    @cached_property
    def enum(self) -> dict[bytes, Any] | None:
        """The values of `enum` and `const`, by their JSON texts; None where there is neither."""
        values: dict[bytes, Any] | None = None
        for one in [*self._values("enum"), *([const] for const in self._values("const"))]:
            listed = {to_json(value): value for value in one}
            values = listed if values is None else {key: value for key, value in values.items() if key in listed}
        return values

    def greatest(self, key: str) -> Any:
        """The greatest of the values of a keyword; None when there is none."""
        return _outermost(max, self._values(key))

    def least(self, key: str) -> Any:
        """The least of the values of a keyword; None when there is none."""
        return _outermost(min, self._values(key))

    def texts(self, key: str) -> frozenset[str]:
        """The values of a keyword, each as JSON."""
        return frozenset(to_json(value).decode() for value in self._values(key) if value is not False)

    @cached_property
    def required(self) -> frozenset[str]:
        """The members that must be there."""
        return frozenset(name for value in self._values("required") for name in value)

    @cached_property
    def properties(self) -> dict[str, list[Node]]:
        """The members that are declared, each with its schemas. One that may not be sent is not declared."""
        found: dict[str, list[Node]] = {}
        for part in self.parts:
            for name, schema in (part.schema.get("properties") or {}).items() if isinstance(part.schema, dict) else ():
                found.setdefault(name, []).append(Node(schema, f"{part.pointer}/properties/{_escaped(name)}"))
        return {name: nodes for name, nodes in found.items() if not any(node.schema in _NOTHING for node in nodes)}

    def children(self, key: str) -> list[Node]:
        """The schemas of a keyword that has one."""
        return [
            Node(part.schema[key], f"{part.pointer}/{key}")
            for part in self.parts
            if isinstance(part.schema, dict) and key in part.schema
        ]

    @property
    def is_closed(self) -> bool:
        """Whether other members than those declared are rejected."""
        return any(value is False or value == {"not": {}} for value in self._values("additionalProperties"))

    @property
    def is_choice(self) -> bool:
        """Whether it says nothing but that a value is one of its alternatives."""
        return len(self.parts) == 1 and self.parts[0].schema.keys() <= {"anyOf", "oneOf"} and not self.allows_null

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.parts

    @property
    def alternatives(self) -> list[Node]:
        """The schemas of `anyOf` or `oneOf`, where there is one of these."""
        lists = [
            [Node(schema, f"{part.pointer}/{key}/{number}") for number, schema in enumerate(part.schema[key])]
            for part in self.parts
            if isinstance(part.schema, dict)
            for key in ("anyOf", "oneOf")
            if key in part.schema
        ]
        return lists[0] if len(lists) == 1 else []


def _nullable(part: Node) -> Node | None:
    """What else a value may be where it may be null; None where the schema is not of this kind."""
    schema = part.schema
    if not isinstance(schema, dict):
        return None
    for key in ("anyOf", "oneOf"):
        branches = schema.get(key)
        if isinstance(branches, list) and len(branches) == 2 and _NULL in branches:
            number = 1 - branches.index(_NULL)
            is_wrapped = "properties" in (branches[number] if isinstance(branches[number], dict) else {})
            return Node(branches[number], part.pointer if is_wrapped else f"{part.pointer}/{key}/{number}")
    return None


def _outermost(choose: Callable[[Iterable[Any]], Any], values: list[Any]) -> Any:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return choose(numbers) if numbers else None


def _target(side: Side, node: Node) -> str:
    """Where a schema is written, if it is a reference to it."""
    for _ in range(32):
        ref = key_of(node)
        if not ref.startswith("urn:contract"):
            break
        node = side.follow(ref)
    return node.pointer


def key_of(node: Node) -> str:
    """What a schema is known by: the reference that it is, else its place."""
    ref = node.schema.get("$ref") if isinstance(node.schema, dict) and len(node.schema) == 1 else None
    return ref if isinstance(ref, str) else node.pointer


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


__all__ = ["View", "key_of"]
