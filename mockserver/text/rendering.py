"""One rendering of a template: where its values come from, and how much it may still make. Knows no expression."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from mockserver.messages import JSON
from mockserver.text.arithmetic import TemplateError
from mockserver.text.matchers import MISSING
from mockserver.text.references import Reference

MAX_SIZE = 4_000_000
"""Values and characters that one template may make."""
Place = tuple[str | int, ...]


class Sources(Protocol):
    """What the expressions of a template ask for."""

    @property
    def now(self) -> float:
        """Epoch seconds on the sandbox's clock."""

    @property
    def random(self) -> Random:
        """Draws that follow from the sandbox's seed."""

    def request(self, reference: Reference) -> JSON:
        """A part of the request; MISSING when it has none."""

    def response(self, reference: Reference) -> JSON:
        """A part of the response; MISSING when it has none."""

    def state(self, table: str, id: str | None) -> JSON:
        """The members of a row, or of all rows of a table, newest first; MISSING when there is no such row."""

    def number(self, counter: str) -> int:
        """The next number of a counter, from 1."""

    def id(self, table: str) -> JSON:
        """A new id of a resource; a UUID for ""."""

    def word(self, name: str) -> str:
        """A plausible text for a member of this name."""


class Scope:
    """One rendering."""

    __slots__ = ("index", "item", "left", "sources")

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.left = MAX_SIZE
        self.item: JSON = MISSING
        self.index = 0

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise TemplateError(f"it makes more than {MAX_SIZE:,} values and characters")

    def taken(self, value: JSON) -> JSON:
        """A value from outside, its size accounted for."""
        self.spend(_size(value, self.left))
        return value


Render = Callable[[Scope], JSON]


def _size(value: JSON, most: int) -> int:
    """About how much a value takes; it stops counting at `most`."""
    size, waiting = 0, [value]
    while waiting and size <= most:
        item = waiting.pop()
        size += 1
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return size
