"""A sandbox's state in this process: the default store. Knows what `store` promises, and no API or contract."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from mockserver.messages import Balance, Window, Write
from mockserver.state.memory_journal import MemoryJournal
from mockserver.state.store import (
    JOURNAL_BYTES,
    JOURNAL_SIZE,
    MAX_ROWS,
    MAX_WINDOW,
    MAX_WINDOWS,
    Outcome,
    Page,
    Row,
    Snapshot,
    plain,
)


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


class MemoryStore(MemoryJournal):
    """A sandbox's state in this process. Safe to use from several threads; it never waits.

    What every request does takes the lock by `acquire` and `release`: half the instructions of `with`.

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
        super().__init__(journal_size, journal_bytes)
        self._lock = threading.Lock()
        self._tables: dict[tuple[str, str], _Table] = {}
        self._counters: dict[str, int] = {}
        self._balance = Balance(plain(credits))
        """Replaced whole, so that it can be read without the lock."""
        self._room = max_rows
        """Rows that may still be added."""
        self._max_rows = max_rows
        self._windows: dict[str, deque[float]] = {}

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
        self._lock.acquire()
        try:
            value = self._counters[counter] = self._counters.get(counter, 0) + by
            return value
        finally:
            self._lock.release()

    def count(self, counters: Sequence[str]) -> list[int]:
        with self._lock:
            known = self._counters
            values = []
            for counter in counters:
                value = known[counter] = known.get(counter, 0) + 1
                values.append(value)
            return values

    def commit(self, writes: Sequence[Write], charged: float = 0) -> Outcome:
        self._lock.acquire()
        try:
            tables, added = self._tables, 0
            for write in writes:
                table, was = tables.get((write.table, write.partition)), write.was
                if was is None:
                    if table is not None and write.id in table.numbers:
                        return "changed"
                    added += 1
                elif table is None or ((row := table.get(write.id)) is not was and row != was):
                    return "changed"
                elif write.row is None:
                    added -= 1
            balance = self._balance
            if charged > balance.total - balance.consumed:
                return "unpaid"
            if added > self._room:
                return "full"
            self._room -= added
            for write in writes:
                table = tables.get((write.table, write.partition)) or self._table(write.table, write.partition)
                if write.was is None:
                    table.add(write.id, write.row)
                elif write.row is None:
                    table.delete(write.id)
                else:
                    table.replace(write.id, write.row)
            if charged:
                self._balance = Balance(balance.total, plain(balance.consumed + charged))
            return "done"
        finally:
            self._lock.release()

    def balance(self) -> Balance:
        return self._balance

    def grant(self, remaining: float) -> None:
        with self._lock:
            consumed = self._balance.consumed
            self._balance = Balance(plain(remaining + consumed), consumed)

    def hit(self, key: str, now: float, limit: int, window: float, count: bool = True) -> Window:
        self._lock.acquire()
        try:
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
            return Window(limit, remaining if remaining > 0 else 0, free_at, admitted)
        finally:
            self._lock.release()

    def _forget_windows(self, now: float) -> None:
        """Callers choose part of the key, so windows that nobody uses any more must go."""
        if len(self._windows) >= MAX_WINDOWS:
            idle = [key for key, hits in self._windows.items() if not hits or hits[-1] + MAX_WINDOW <= now]
            for key in idle or list(self._windows)[: MAX_WINDOWS // 10]:
                del self._windows[key]

    def snapshot(self) -> Snapshot:
        with self._lock:
            tables: dict[str, dict[str, list[Row]]] = {}
            for (table, partition), rows in self._tables.items():
                if rows.rows:
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
            self._balance = Balance(plain(snapshot.balance.total), plain(snapshot.balance.consumed))

    def _table(self, table: str, partition: str) -> _Table:
        """The table to write to; readers do not make one, so that asking costs no memory."""
        key = (table, partition)
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = _Table()
        return found
