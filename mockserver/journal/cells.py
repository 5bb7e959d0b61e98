"""Which statuses of which operations were seen under which faults, of the exchanges that a journal still has.

Must not know: contracts, stores, or how an exchange is shown.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple

from mockserver.journal.entries import faults_of, heads


class Cell(NamedTuple):
    """What exchanges have in common that are counted together."""

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
        faults = faults_of(entries)
        for number, (operation, status, _, stage, _) in heads(entries):
            self.newest = max(self.newest, number)
            if operation and stage != "webhook":
                for fault in faults.get(number) or ("",):
                    cell = Cell(operation, status, fault)
                    self.counts[cell] += 1
                    self._kept.append((number, cell))
        while self._kept and self._kept[0][0] < oldest:
            _, cell = self._kept.popleft()
            self.counts[cell] -= 1

    def seen(self) -> list[tuple[Cell, int]]:
        """The cells that have an exchange, with how many."""
        return sorted((cell, count) for cell, count in self.counts.items() if count)


__all__ = ["Cell", "Cells"]
