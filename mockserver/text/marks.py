"""Where the values of a YAML or JSON text stand in it. Knows lines and columns, and nothing of what the values are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml


class Place:
    """Where a value stands, and what is in it by key or index: where that is named, and its own place."""

    __slots__ = ("column", "line", "members")

    def __init__(self, mark: yaml.Mark) -> None:
        self.line = mark.line + 1
        self.column = mark.column + 1
        self.members: dict[str, tuple[tuple[int, int], Place]] = {}


class _Reader:
    """Makes the places of a text from libyaml's events. PyYAML's own nodes know no anchor that is used again."""

    def __init__(self, text: str) -> None:
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._anchors: dict[str, Place] = {}

    def root(self) -> Place | None:
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        return self._place(self._next())

    def _place(self, event: Any) -> Place:
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._anchors.get(event.anchor) or Place(event.start_mark)
        place = Place(event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = place
        if kind is yaml.MappingStartEvent:
            while type(key := self._next()) is not yaml.MappingEndEvent:
                name = self._place(key)
                inner = self._place(self._next())
                place.members[getattr(key, "value", "")] = (name.line, name.column), inner
        elif kind is yaml.SequenceStartEvent:
            while type(item := self._next()) is not yaml.SequenceEndEvent:
                inner = self._place(item)
                place.members[str(len(place.members))] = (inner.line, inner.column), inner
        return place


def root_of(text: str) -> Place | None:
    """The place of the one value in a text; None for a text that is empty, or no YAML."""
    try:
        return _Reader(text).root()
    except yaml.YAMLError:
        return None


__all__ = ["Place", "root_of"]
