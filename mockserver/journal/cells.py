"""Which statuses of which operations were seen under which faults, of the exchanges that a journal still has.

Must not know: contracts, stores, or how an exchange is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mockserver.messages import Traits


class Cell(NamedTuple):
    """What exchanges have in common that are counted together."""

    api: str
    operation: str
    status: int
    """0 when nothing was answered."""
    fault: str
    """"" for none. An exchange with several faults is in the cell of each."""


def cells_of(kinds: Iterable[tuple[Traits, int]]) -> list[tuple[Cell, int]]:
    """The cells that have an exchange, with how many, of a store's counts by traits."""
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


__all__ = ["Cell", "cells_of"]
