"""All mutable state of a sandbox, behind one protocol whose operations are each atomic.

`MemoryStore` is the default. Nothing above the store knows which one it is, and a store knows
nothing of APIs: a table is a name, a row is a JSON object, a partition is a string.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol

from mockserver.messages import Balance, Window, Write
from mockserver.settings import DEFAULTS

Row = dict[str, Any]

Outcome = Literal["done", "changed", "unpaid", "full"]
"""What became of a commit. All but `done` mean that nothing was written: a row that was read is another one
now, too few credits remain, or there is no room for more rows."""

MAX_SNAPSHOT = 256 * 1024 * 1024
"""Bytes of a file with a snapshot that are read."""
MAX_ROWS = DEFAULTS.max_rows
"""Rows of a sandbox, unless it is said otherwise."""

JOURNAL_SIZE = DEFAULTS.journal_size
"""Entries of a journal, unless it is said otherwise."""
JOURNAL_BYTES = DEFAULTS.journal_bytes
"""Bytes that they may take together."""
MAX_WINDOWS = 10_000
"""Sliding windows that one sandbox keeps."""
ENTRY_OVERHEAD = 64
"""Bytes that an entry of the journal takes beside its own."""
MAX_WINDOW = 3600.0
"""Seconds after which an unused window is forgotten when there are too many."""


class Page:
    """One page of rows, newest first, and how many rows there are in all."""

    __slots__ = ("rows", "total")

    def __init__(self, rows: list[Row], total: int) -> None:
        self.rows = rows
        self.total = total


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a store holds, as plain JSON, apart from windows and journal."""

    tables: dict[str, dict[str, list[Row]]]
    """Rows, oldest first, by table and partition. Each has an `id`."""
    counters: dict[str, int]
    balance: Balance


class Store(Protocol):
    """What a sandbox remembers. Every method is atomic; rows are never changed in place."""

    def get(self, table: str, id: str, partition: str = "") -> Row | None:
        """The row, or None."""

    def page(self, table: str, offset: int, limit: int, partition: str = "") -> Page:
        """Rows from newest to oldest."""

    def rows(self, table: str, partition: str = "") -> list[Row]:
        """All rows, newest first."""

    def increment(self, counter: str, by: int = 1) -> int:
        """Add to a counter that starts at 0; returns the new value."""

    def count(self, counters: Sequence[str]) -> list[int]:
        """Add one to each of several counters; the new values."""

    def commit(self, writes: Sequence[Write], charged: float = 0) -> Outcome:
        """Do all the writes and charge credits for them, or nothing.

        A row that is replaced keeps its place in the order.
        """

    def balance(self) -> Balance:
        """The credit account as it stands."""

    def grant(self, remaining: float) -> None:
        """Set what remains to spend, keeping what was consumed."""

    def hit(self, key: str, now: float, limit: int, window: float, count: bool = True) -> Window:
        """Ask a sliding window to admit a request at `now`; with `count` false only look."""

    def append(self, entry: bytes) -> int:
        """Write an entry to the journal; its number."""

    def entries(self, after: int = 0) -> list[tuple[int, bytes]]:
        """The entries of the journal with a number above `after`, oldest first, with their numbers."""

    def journal_count(self) -> int:
        """The number of the newest entry; 0 before the first."""

    def clear_journal(self) -> None:
        """Forget the entries; their numbers go on."""

    def snapshot(self) -> Snapshot:
        """A copy of rows, counters and account."""

    def restore(self, snapshot: Snapshot) -> None:
        """Replace rows, counters and account by those of a snapshot."""


def plain(number: float) -> float:
    """The number, as an int when it is whole, so that it reads the same wherever it was kept."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


class _Table:
    """Rows of one partition, in the order of their creation; each has a number that only grows."""

    __slots__ = ("_next", "numbers", "order", "rows")

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        """By id."""
        self.order: list[int] = []
        self.rows: list[Row] = []
        """The rows of the numbers in `order`."""
        self._next = 0

    def get(self, id: str) -> Row | None:
        number = self.numbers.get(id)
        return None if number is None else self.rows[bisect_left(self.order, number)]

    def add(self, id: str, row: Row) -> None:
        self._next = self.numbers[id] = number = self._next + 1
        self.order.append(number)
        self.rows.append(row)

    def replace(self, id: str, row: Row) -> None:
        self.rows[bisect_left(self.order, self.numbers[id])] = row

    def delete(self, id: str) -> None:
        place = bisect_left(self.order, self.numbers.pop(id))
        del self.order[place]
        del self.rows[place]

    def newest(self, offset: int, limit: int) -> list[Row]:
        end = len(self.rows) - offset
        return self.rows[max(0, end - limit) : end][::-1] if end > 0 else []


class MemoryStore:
    """A sandbox's state in this process. Safe to use from several threads; it never waits.

    Args:
        credits: credits granted at the start.
        journal_size: entries of the journal that are kept; the oldest go first.
        journal_bytes: bytes that they may take together.
        max_rows: rows that there may be.
    """

    def __init__(
        self,
        credits: float,
        journal_size: int = JOURNAL_SIZE,
        journal_bytes: int = JOURNAL_BYTES,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self._lock = threading.Lock()
        self._tables: dict[tuple[str, str], _Table] = {}
        self._counters: dict[str, int] = {}
        self._balance = Balance(plain(credits))
        """Replaced whole, so that it can be read without the lock."""
        self._room = max_rows
        """Rows that may still be added."""
        self._max_rows = max_rows
        self._windows: dict[str, deque[float]] = {}
        self._journal: deque[bytes] = deque()
        self._journal_size = journal_size
        self._journal_room = journal_bytes
        self._journal_count = 0

    def get(self, table: str, id: str, partition: str = "") -> Row | None:
        source = self._tables.get((table, partition))
        if source is None:
            return None
        with self._lock:
            return source.get(id)

    def page(self, table: str, offset: int, limit: int, partition: str = "") -> Page:
        with self._lock:
            source = self._tables.get((table, partition))
            return Page(source.newest(offset, limit), len(source.rows)) if source else Page([], 0)

    def rows(self, table: str, partition: str = "") -> list[Row]:
        with self._lock:
            source = self._tables.get((table, partition))
            return source.newest(0, len(source.rows)) if source else []

    def increment(self, counter: str, by: int = 1) -> int:
        with self._lock:
            value = self._counters[counter] = self._counters.get(counter, 0) + by
            return value

    def count(self, counters: Sequence[str]) -> list[int]:
        with self._lock:
            known = self._counters
            values = []
            for counter in counters:
                value = known[counter] = known.get(counter, 0) + 1
                values.append(value)
            return values

    def commit(self, writes: Sequence[Write], charged: float = 0) -> Outcome:
        with self._lock:
            tables, added = self._tables, 0
            for name, id, row, was, partition in writes:
                table = tables.get((name, partition))
                if was is None:
                    if table is not None and id in table.numbers:
                        return "changed"
                    added += 1
                elif table is None or table.get(id) is not was:
                    return "changed"
                elif row is None:
                    added -= 1
            total, consumed = self._balance
            if charged > total - consumed:
                return "unpaid"
            if added > self._room:
                return "full"
            self._room -= added
            for name, id, row, was, partition in writes:
                table = tables.get((name, partition)) or self._table(name, partition)
                if was is None:
                    table.add(id, row)
                elif row is None:
                    table.delete(id)
                else:
                    table.replace(id, row)
            if charged:
                self._balance = tuple.__new__(Balance, (total, plain(consumed + charged)))
            return "done"

    def balance(self) -> Balance:
        return self._balance

    def grant(self, remaining: float) -> None:
        with self._lock:
            consumed = self._balance.consumed
            self._balance = Balance(plain(remaining + consumed), consumed)

    def hit(self, key: str, now: float, limit: int, window: float, count: bool = True) -> Window:
        with self._lock:
            hits = self._windows.get(key)
            if hits is None:
                if not count:
                    return Window(limit, limit, now)
                self._forget_windows(now)
                hits = self._windows[key] = deque()
            while hits and hits[0] + window <= now:
                hits.popleft()
            remaining = limit - len(hits)
            admitted = remaining > 0
            if admitted and count:
                hits.append(now)
                remaining -= 1
            free_at = hits[0] + window if hits else now
            # As Window(...), but without the detour through Python that a named tuple's own constructor takes.
            return tuple.__new__(Window, (limit, remaining if remaining > 0 else 0, free_at, admitted))

    def _forget_windows(self, now: float) -> None:
        """Callers choose part of the key, so windows that nobody uses any more must go."""
        if len(self._windows) >= MAX_WINDOWS:
            idle = [key for key, hits in self._windows.items() if not hits or hits[-1] + MAX_WINDOW <= now]
            for key in idle or list(self._windows)[: MAX_WINDOWS // 10]:
                del self._windows[key]

    def append(self, entry: bytes) -> int:
        with self._lock:
            journal = self._journal
            self._journal_count += 1
            self._journal_room -= len(entry) + ENTRY_OVERHEAD
            journal.append(entry)
            while len(journal) > self._journal_size or (self._journal_room < 0 and journal):
                self._journal_room += len(journal.popleft()) + ENTRY_OVERHEAD
            return self._journal_count

    def entries(self, after: int = 0) -> list[tuple[int, bytes]]:
        with self._lock:
            first = self._journal_count - len(self._journal) + 1
            start = max(after + 1, first)
            return list(enumerate(islice(self._journal, start - first, None), start))

    def journal_count(self) -> int:
        return self._journal_count

    def clear_journal(self) -> None:
        with self._lock:
            self._journal_room += sum(len(entry) + ENTRY_OVERHEAD for entry in self._journal)
            self._journal.clear()

    def snapshot(self) -> Snapshot:
        with self._lock:
            tables: dict[str, dict[str, list[Row]]] = {}
            for (table, partition), rows in self._tables.items():
                tables.setdefault(table, {})[partition] = list(rows.rows)
            return Snapshot(tables, dict(self._counters), self._balance)

    def restore(self, snapshot: Snapshot) -> None:
        with self._lock:
            self._tables = {}
            self._room = self._max_rows
            for table, partitions in snapshot.tables.items():
                for partition, rows in partitions.items():
                    target = self._table(table, partition)
                    for row in rows:
                        target.add(row["id"], row)
                    self._room -= len(rows)
            self._counters = dict(snapshot.counters)
            self._balance = Balance(*map(plain, snapshot.balance))

    def _table(self, table: str, partition: str) -> _Table:
        """The table to write to; readers do not make one, so that asking costs no memory."""
        key = (table, partition)
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = _Table()
        return found
