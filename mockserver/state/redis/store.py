"""A sandbox's state in Redis: the store of one world, which is a sandbox between two resets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from mockserver.messages import Balance, Traits, Window, Write
from mockserver.state.redis.connection import Connection, Value, encoded
from mockserver.state.store import (
    ENTRY_OVERHEAD,
    JOURNAL_BYTES,
    JOURNAL_SIZE,
    MAX_ROWS,
    MAX_WINDOW,
    MAX_WINDOWS,
    NO_TRAITS,
    NOT_ANSWERED,
    Answered,
    Outcome,
    Page,
    Row,
    Snapshot,
    plain,
)
from mockserver.text.jsontext import to_json


class RedisStore:
    """The store of one world. Every method is one round trip, and raises Problem `unavailable` without Redis.

    Args:
        connection: the way to Redis.
        world: what the names of its keys begin with.
        journal_size: entries of the journal that are kept; the oldest go first.
        journal_bytes: bytes that they may take together.
        max_rows: rows that there may be.
    """

    def __init__(
        self,
        connection: Connection,
        world: str,
        journal_size: int = JOURNAL_SIZE,
        journal_bytes: int = JOURNAL_BYTES,
        max_rows: int = MAX_ROWS,
    ) -> None:
        self.world = world
        self._redis = connection
        self._journal = (journal_size, journal_bytes, ENTRY_OVERHEAD)
        self._max_rows = max_rows

    def get(self, table: str, id: str, partition: str = "") -> Row | None:
        """The row, or None."""
        key = self.world.encode() + b"rows:" + _table(table, partition)
        found = self._redis.call("HGET", key, encoded(id))
        return None if found is None else orjson.loads(found)

    def page(self, table: str, offset: int, limit: int, partition: str = "") -> Page:
        """Rows from newest to oldest."""
        total, rows = self._redis.run("page", self.world, _table(table, partition), offset, limit)
        return Page([orjson.loads(row) for row in rows], total)

    def rows(self, table: str, partition: str = "") -> list[Row]:
        """All rows, newest first."""
        return self.page(table, 0, -1, partition).rows

    def increment(self, counter: str, by: int = 1) -> int:
        """Add to a counter that starts at 0; returns the new value."""
        (value,) = self._redis.run("count", self.world, by, counter)
        return int(value)

    def count(self, counters: Sequence[str]) -> list[int]:
        """Add one to each of several counters; the new values."""
        values: list[int] = self._redis.run("count", self.world, 1, *counters)
        return values

    def commit(self, writes: Sequence[Write], charged: float = 0) -> Outcome:
        """Do all the writes and charge credits for them, or nothing."""
        arguments: list[Value] = [repr(charged), self._max_rows, repr(self._redis.deadline())]
        for write in writes:
            arguments += (
                _table(write.table, write.partition),
                encoded(write.id),
                b"" if write.row is None else to_json(write.row),
                b"" if write.was is None else to_json(write.was),
            )
        outcome: Any = self._redis.run("commit", self.world, *arguments).decode()
        return outcome  # type: ignore[no-any-return]

    def balance(self) -> Balance:
        """The credit account as it stands."""
        return _balance(self._redis.call("HMGET", self.world + "m", "total", "consumed"))

    def grant(self, remaining: float) -> None:
        """Set what remains to spend, keeping what was consumed."""
        self._redis.run("grant", self.world, repr(remaining))

    def hit(self, key: str, now: float, limit: int, window: float, count: bool = True) -> Window:
        """Ask a sliding window to admit a request at `now`; with `count` false only look."""
        remaining, free_at, admitted = self._redis.run(
            "hit", self.world, encoded(key), repr(now), limit, repr(window), int(count), MAX_WINDOWS, MAX_WINDOW
        )
        return Window(limit, remaining, float(free_at), bool(admitted))

    def append(
        self, entry: bytes, mark: str = "", answered: Answered = NOT_ANSWERED, traits: Traits = NO_TRAITS
    ) -> int:
        """Write an entry to the journal, count its mark if it has one, and how it was answered; its number."""
        way = encoded("\0".join(map(str, answered))) if answered != NOT_ANSWERED else b""
        return int(self._redis.run("append", self.world, entry, *self._journal, mark, way))

    def answers(self) -> dict[Answered, int]:
        """How many requests were answered in each way, also those that the journal has dropped since."""
        counted = self._redis.call("HGETALL", self.world + "answers")
        ways = [(name.decode("utf-8", "surrogatepass").split("\0"), int(count)) for name, count in counted.items()]
        return {(api, operation, int(status)): count for (api, operation, status), count in ways}

    def marked(self) -> dict[str, int]:
        """How many entries had each mark, also those that the journal has dropped since."""
        marked = self._redis.call("HGETALL", self.world + "marked")
        return {name.decode(): int(count) for name, count in marked.items()}

    def find(self, wanted: Callable[[Traits], bool], after: int = 0) -> None:
        """None: there is no index of the entries in Redis."""

    def entries(self, after: int = 0, limit: int = 0) -> list[tuple[int, bytes]]:
        """The entries of the journal with a number above `after`, oldest first; at most `limit`, 0 is all."""
        start, entries = self._redis.run("entries", self.world, after, limit)
        return list(enumerate(entries, start))

    def entries_of(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        """The entries with these numbers, without those that the journal has dropped."""
        entries = self._redis.run("picked", self.world, *numbers)
        return [(number, entry) for number, entry in zip(numbers, entries, strict=True) if entry is not None]

    def journal_span(self) -> tuple[int, int]:
        """The number of the oldest entry that is kept, and that of the newest; the first is one more when none is."""
        first, newest = self._redis.run("span", self.world)
        return int(first), int(newest)

    def watch(self, wake: Callable[[], None]) -> None:
        """None: other processes append too."""

    def journal_count(self) -> int:
        """The number of the newest entry; 0 before the first."""
        return int(self._redis.call("HGET", self.world + "m", "entries") or 0)

    def clear_journal(self) -> None:
        """Forget the entries; their numbers go on."""
        self._redis.run("clear", self.world)

    def snapshot(self) -> Snapshot:
        """A copy of rows, counters and account."""
        account, counted, found = self._redis.run("snapshot", self.world)
        tables: dict[str, dict[str, list[Row]]] = {}
        for name, rows in sorted(found):
            table, _, partition = name.decode().partition("\0")
            tables.setdefault(table, {})[partition] = [orjson.loads(row) for row in rows]
        names = [name.decode() for name in counted[::2]]
        counters = dict(zip(names, map(int, counted[1::2]), strict=True))
        return Snapshot(tables, counters, _balance(account))

    def restore(self, snapshot: Snapshot) -> None:
        """Replace rows, counters and account by those of a snapshot."""
        balance = snapshot.balance
        arguments: list[Value] = [repr(plain(balance.total)), repr(plain(balance.consumed)), len(snapshot.counters)]
        for counter, value in snapshot.counters.items():
            arguments += (encoded(counter), value)
        for table, partitions in snapshot.tables.items():
            for partition, rows in partitions.items():
                name = _table(table, partition)
                for row in rows:
                    arguments += (name, encoded(row["id"]), to_json(row))
        self._redis.run("restore", self.world, *arguments)


def _table(table: str, partition: str) -> bytes:
    return encoded(f"{table}\0{partition}")


def _balance(account: Sequence[bytes | None]) -> Balance:
    total, consumed = (plain(float(value or 0)) for value in account)
    return Balance(total, consumed)
