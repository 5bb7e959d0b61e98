"""Which attempt of a call an exchange is, for a few exchanges of a long journal.

`retries.annotate` looks at every exchange that it is given. This module finds the few that it has to be given: an
index of the entries by their requests, which costs nothing to extend, and leads to the earlier entries that an
attempt may be a retry of. Must not know where the entries are kept.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence

from mockserver.journal.entries import VERSION, decode_all, fingerprint
from mockserver.journal.retries import MAX_OPEN, Attempt, annotate
from mockserver.messages import Exchange

MAX_LATER = 10
"""Entries after those shown that are looked at: a request that hung is recorded after its retry."""

Entries = Iterable[tuple[int, bytes]]


class Attempts:
    """An index of one journal's entries by their requests. May be used from several threads."""

    def __init__(self) -> None:
        self.newest = 0
        """The number of the newest entry that is in the index."""
        self._lock = threading.Lock()
        self._numbers: dict[int, list[int]] = {}
        """The numbers of the entries of equal requests, ascending."""
        self._kinds: dict[int, int] = {}
        """The fingerprint of each entry."""

    def add(self, entries: Entries, oldest: int) -> None:
        """Take in entries that are newer, and forget those before the oldest that the journal keeps."""
        with self._lock:
            for number, entry in entries:
                if number > self.newest and entry[:1] == VERSION:
                    kind = self._kinds[number] = fingerprint(entry)
                    self._numbers.setdefault(kind, []).append(number)
                self.newest = max(self.newest, number)
            if next(iter(self._kinds), oldest) < oldest:
                self._forget(oldest)

    def _forget(self, oldest: int) -> None:
        for number in list(self._first(oldest)):
            kind = self._kinds.pop(number)
            numbers = self._numbers[kind]
            numbers.pop(0)
            if not numbers:
                del self._numbers[kind]

    def _first(self, oldest: int) -> Iterable[int]:
        for number in self._kinds:
            if number >= oldest:
                return
            yield number

    def beside(self, shown: Iterable[int], later: int = MAX_LATER) -> list[int]:
        """The numbers of other entries that tell which attempts these are, ascending.

        They have the same request as one that is shown, and are the MAX_OPEN before it and `later` after it.
        """
        beside: set[int] = set()
        with self._lock:
            shown = set(shown)
            for number in shown:
                numbers = self._numbers.get(self._kinds.get(number, 0), [])
                if len(numbers) > 1:
                    first = max(0, bisect_left(numbers, number) - MAX_OPEN)
                    beside.update(numbers[first : bisect_right(numbers, number) + later])
        return sorted(beside - shown)


def beside_call(attempts: Attempts, number: int) -> list[int]:
    """The numbers of the entries that may be attempts of the same call as this one, it among them, ascending."""
    return sorted([number, *attempts.beside([number], MAX_OPEN)])


def annotate_shown(
    attempts: Attempts, shown: Sequence[Exchange], read: Callable[[Sequence[int]], Entries]
) -> dict[int, Attempt]:
    """The attempts that some exchanges are; `read` gives the entries of numbers.

    A client that does not say how often it has retried is believed to have done so MAX_OPEN times at most.
    """
    beside = attempts.beside(exchange.number for exchange in shown)
    return annotate([*shown, *decode_all(read(beside))] if beside else shown)
