"""Which statuses of which operations were seen under which faults, of the exchanges that a journal still has.

A store that knows its entries by their traits tells it at once; of another one each entry is looked at once.
Must not know: contracts, stores, or how an exchange is shown.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mockserver.journal.entries import heads
from mockserver.messages import Traits


class Cell(NamedTuple):
    """What exchanges have in common that are counted together."""

    api: str
    operation: str
    status: int
    """0 when nothing was answered."""
    fault: str
    """"" for none. An exchange with several faults is in the cell of each."""


class Cells:
    """Counts the exchanges of one journal; each is looked at once."""

    def __init__(self) -> None:
        self.newest = 0
        """The number of the last exchange that was looked at."""
        self.counts: Counter[Cell] = Counter()
        self._kept: deque[tuple[int, Cell]] = deque()

    def add(self, entries: Sequence[tuple[int, bytes]], oldest: int) -> None:
        """Count entries that came after the newest, and forget those that the journal has dropped."""
        for number, traits in heads(entries):
            self.newest = max(self.newest, number)
            for cell in _cells(traits):
                self.counts[cell] += 1
                self._kept.append((number, cell))
        while self._kept and self._kept[0][0] < oldest:
            _, cell = self._kept.popleft()
            self.counts[cell] -= 1

    def seen(self) -> list[tuple[Cell, int]]:
        """The cells that have an exchange, with how many."""
        return sorted((cell, count) for cell, count in self.counts.items() if count)


def cells_of(kinds: Iterable[tuple[Traits, int]]) -> list[tuple[Cell, int]]:
    """The same of a store's own counts."""
    counts: Counter[Cell] = Counter()
    for traits, count in kinds:
        for cell in _cells(traits):
            counts[cell] += count
    return sorted(counts.items())


def _cells(traits: Traits) -> list[Cell]:
    """The cells that an exchange is counted in."""
    operation, status, _, stage, _, api, faults = traits
    if not operation or stage == "webhook":
        return []
    return [Cell(api, operation, status, fault) for fault in faults or ("",)]


__all__ = ["Cell", "Cells", "cells_of"]
