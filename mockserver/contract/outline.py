"""The outline of a schema: which members and items a value may have at its first level, and where each is described.

A reference is followed, and what `allOf`, `anyOf` and `oneOf` say is brought together. Says what a schema
speaks of, for readers that look for an id or the rows of a list; whether a value is valid is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, NamedTuple

from mockserver.contract.references import Refs
from mockserver.records import record
from mockserver.text.documents import pointer_of

_MAX_PARTS = 64
"""Schemas that one outline is made of."""


class Place(NamedTuple):
    """A schema and the RFC 6901 pointer to it in the document."""

    node: Any
    pointer: str


@record(frozen=True)
class Outline:
    """What a schema says of the first level of a value."""

    types: frozenset[str] = frozenset()
    members: Mapping[str, Place] = field(default_factory=dict)
    """The members of an object that have schemas of their own, in the document's order."""
    required: frozenset[str] = frozenset()
    items: Place | None = None
    """The schema of an array's items."""
    others: Place | None = None
    """The schema of an object's other members, where it has one."""
    closed: bool = False
    """Whether an object may have no other members."""
    sources: frozenset[str] = frozenset()
    """Pointers of the named schemas that it was brought together from."""
    formats: frozenset[str] = frozenset()

    @property
    def is_object(self) -> bool:
        """Whether a value may be an object."""
        return "object" in self.types or (not self.types and bool(self.members))

    @property
    def is_array(self) -> bool:
        """Whether a value may be an array."""
        return "array" in self.types or (not self.types and self.items is not None)


NOTHING = Outline()
"""Of what no schema speaks."""


class Outlines:
    """Makes the outlines of the schemas of one document; each is kept."""

    def __init__(self, refs: Refs) -> None:
        self._refs = refs
        self._made: dict[str, Outline] = {}

    def at(self, pointer: str) -> Place:
        """The place that a pointer leads to. Raises KeyError."""
        return Place(self._refs.lookup(pointer), pointer)

    def of(self, place: Place | None) -> Outline:
        """The outline of the schema at a place; NOTHING where there is none."""
        if place is None:
            return NOTHING
        outline = self._made.get(place.pointer)
        if outline is None:
            outline = self._made[place.pointer] = self._outline(place)
        return outline

    def _outline(self, place: Place) -> Outline:
        types: set[str] = set()
        members: dict[str, Place] = {}
        required: set[str] = set()
        formats: set[str] = set()
        items: Place | None = None
        others: Place | None = None
        closed = False
        met: set[str] = set()
        waiting = [place]
        while waiting and len(met) < _MAX_PARTS:
            node, pointer = waiting.pop(0)
            try:
                node, pointer = self._refs.follow(node, pointer)
            except KeyError:
                continue
            if not isinstance(node, dict) or pointer in met:
                continue
            met.add(pointer)
            kind = node.get("type")
            types |= {kind} if isinstance(kind, str) else set(kind) if isinstance(kind, list) else set()
            types |= {"null"} if node.get("nullable") is True else set()
            formats |= {node["format"]} if isinstance(node.get("format"), str) else set()
            for name, member in _dict(node.get("properties")).items():
                members.setdefault(name, Place(member, pointer + pointer_of(["properties", name])))
            required |= {name for name in node.get("required") or () if isinstance(name, str)}
            if items is None and isinstance(node.get("items"), dict):
                items = Place(node["items"], f"{pointer}/items")
            if others is None and isinstance(node.get("additionalProperties"), dict):
                others = Place(node["additionalProperties"], f"{pointer}/additionalProperties")
            closed = closed or node.get("additionalProperties") is False
            for key in ("allOf", "anyOf", "oneOf"):
                parts = node.get(key)
                for number, part in enumerate(parts if isinstance(parts, list) else ()):
                    waiting.append(Place(part, f"{pointer}/{key}/{number}"))
        named = frozenset(pointer for pointer in met if pointer.count("/") <= 3)
        return Outline(frozenset(types), members, frozenset(required), items, others, closed, named, frozenset(formats))

    def node(self, place: Place | None) -> dict[str, Any]:
        """The schema at a place, its references followed."""
        if place is None:
            return {}
        try:
            node, _ = self._refs.follow(place.node, place.pointer)
        except KeyError:
            return {}
        return _dict(node)

    def flagged(self, place: Place, flag: str) -> bool:
        """Whether a member's schema has `readOnly` or `writeOnly`, at the member or where its reference leads."""
        return (isinstance(place.node, dict) and place.node.get(flag) is True) or self.node(place).get(flag) is True


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


__all__ = ["NOTHING", "Outline", "Outlines", "Place"]
