"""The journal of a sandbox in this process: a ring of entries, and where those with the same traits stand.

Must not know: what an entry says.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence

from mockserver.messages import Traits
from mockserver.state.store import ENTRY_OVERHEAD, NO_TRAITS, NOT_ANSWERED, Answered


class _Alike:
    """The entries with one mark and the same traits: how many there were, and the numbers of those that are kept."""

    __slots__ = ("count", "numbers")

    def __init__(self) -> None:
        self.count = 0
        self.numbers: list[int] = []
        """Ascending; some that the journal has dropped may stand before the others."""


class MemoryJournal:
    """The part of a store that is the journal. Safe to use from several threads.

    Args:
        size: entries that are kept; the oldest go first.
        room: bytes that they may take together.
    """

    def __init__(self, size: int, room: int) -> None:
        self._entries: deque[bytes] = deque()
        self._size, self._left = size, room
        self._journal_lock = threading.Lock()
        self._newest = 0
        self._alike: dict[tuple[str, Answered, Traits], _Alike] = {}
        self._marked_before: Counter[str] = Counter()
        """How many had each mark before the journal was last cleared."""
        self._watchers: list[Callable[[], None]] = []

    def append(
        self, entry: bytes, mark: str = "", answered: Answered = NOT_ANSWERED, traits: Traits = NO_TRAITS
    ) -> int:
        kind, entries = (mark, answered, traits), self._entries
        self._journal_lock.acquire()  # half the instructions of `with`, which counts where every request comes by
        try:
            number = self._newest = self._newest + 1
            alike = self._alike.get(kind)
            if alike is None:
                alike = self._alike[kind] = _Alike()
            alike.count += 1
            alike.numbers.append(number)
            entries.append(entry)
            self._left -= len(entry) + ENTRY_OVERHEAD
            while len(entries) > self._size or (self._left < 0 and entries):
                self._drop()
        finally:
            self._journal_lock.release()
        if self._watchers:
            for wake in list(self._watchers):
                wake()
        return number

    def find(self, wanted: Callable[[Traits], bool], after: int = 0) -> list[int]:
        with self._journal_lock:
            start = max(after + 1, self._span()[0])
            found: list[int] = []
            for (_, _, traits), alike in self._alike.items():
                if wanted(traits):
                    found += alike.numbers[bisect_left(alike.numbers, start) :]
            return sorted(found)

    def kinds(self) -> list[tuple[Traits, int]]:
        with self._journal_lock:
            oldest = self._span()[0]
            kept = [
                (traits, len(alike.numbers) - bisect_left(alike.numbers, oldest))
                for (_, _, traits), alike in self._alike.items()
            ]
        return [(traits, count) for traits, count in kept if count]

    def marked(self) -> dict[str, int]:
        with self._journal_lock:
            return dict(self._marked())

    def answers(self) -> dict[Answered, int]:
        answers: Counter[Answered] = Counter()
        with self._journal_lock:
            for (_, answered, _), alike in self._alike.items():
                if answered != NOT_ANSWERED:
                    answers[answered] += alike.count
        return dict(answers)

    def entries(self, after: int = 0, limit: int = 0) -> list[tuple[int, bytes]]:
        with self._journal_lock:
            oldest, newest = self._span()
            start = max(after + 1, oldest)
            return self._read(range(start, min(start + limit, newest + 1) if limit else newest + 1))

    def entries_of(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        with self._journal_lock:
            return self._read(numbers)

    def journal_span(self) -> tuple[int, int]:
        with self._journal_lock:
            return self._span()

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        with self._journal_lock:
            self._watchers.append(wake)

        def end() -> None:
            with self._journal_lock:
                self._watchers.remove(wake)

        return end

    def journal_count(self) -> int:
        return self._newest

    def clear_journal(self) -> None:
        with self._journal_lock:
            self._left += sum(len(entry) + ENTRY_OVERHEAD for entry in self._entries)
            self._entries.clear()
            self._marked_before = self._marked()
            self._alike.clear()

    def _span(self) -> tuple[int, int]:
        return self._newest - len(self._entries) + 1, self._newest

    def _marked(self) -> Counter[str]:
        marked = self._marked_before.copy()
        for (mark, _, _), alike in self._alike.items():
            if mark:
                marked[mark] += alike.count
        return marked

    def _read(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        oldest, newest = self._span()
        return [(number, self._entries[number - oldest]) for number in numbers if oldest <= number <= newest]

    def _drop(self) -> None:
        self._left += len(self._entries.popleft()) + ENTRY_OVERHEAD
        oldest, _ = self._span()
        if not oldest % self._size:  # seldom, and so that no list of numbers grows for ever
            for alike in self._alike.values():
                del alike.numbers[: bisect_left(alike.numbers, oldest)]
