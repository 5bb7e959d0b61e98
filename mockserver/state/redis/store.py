"""A sandbox's state in Redis: the store of one world, which is a sandbox between two resets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from mockserver.messages import Balance, Traits, Window, Write
from mockserver.state.redis.connection import Connection, Value
from mockserver.state.redis.guesses import Guesses
from mockserver.state.redis.names import (
    beside,
    encoded,
    field,
    keys_of,
    parted,
    table_of,
    traits_read,
    traits_written,
)
from mockserver.state.redis.reads import Reads, meaning
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

FIRST = 3
"""Where the answers of the steps begin in what a script answers."""


PIECE = 500
"""Entries of a journal that are read in one step: others wait for Redis meanwhile."""


class RedisStore:
    """The store of one world. Every method is one round trip, but for those that read much.

    All raise Problem `unavailable` without Redis.

    Args:
        connection: the way to Redis.
        world: what the names of its keys begin with.
        journal_size: entries of the journal that are kept; the oldest go first.
        journal_bytes: bytes that they may take together.
        max_rows: rows that there may be.
        reads: where the process keeps what was read.
    """

    def __init__(
        self,
        connection: Connection,
        world: str,
        journal_size: int = JOURNAL_SIZE,
        journal_bytes: int = JOURNAL_BYTES,
        max_rows: int = MAX_ROWS,
        reads: Reads | None = None,
    ) -> None:
        self.world = world
        self.keys = keys_of(world)
        self.all_keys = [*self.keys, *beside(world)]
        """With those of the sandbox, which go when they do."""
        self.guesses = Guesses(reads or Reads())
        """What requests of this process believe of the world."""
        self._redis = connection
        self._journal = (journal_size, journal_bytes, ENTRY_OVERHEAD)
        self._max_rows = max_rows

    def ask(self, step: str, *arguments: Value) -> Any:
        """What a step of `lua/steps.lua` answers."""
        deadline = repr(self._redis.deadline())
        return self._redis.run("steps", self.all_keys, "", deadline, step, len(arguments), "", *arguments)[FIRST]

    def read(self, step: str, *arguments: Value) -> Any:
        """What a step that reads rows tells."""
        return meaning(step, self.ask(step, *arguments))

    def get(self, table: str, id: str, partition: str = "") -> Row | None:
        """The row, or None."""
        row: Row | None = self.read("get", table_of(table, partition) + encoded(id))
        return row

    def page(self, table: str, offset: int, limit: int, partition: str = "") -> Page:
        """Rows from newest to oldest."""
        read: Page = self.read("page", table_of(table, partition), offset, limit)
        return Page(list(read.rows), read.total)  # what was read is kept, and whoever has the list may change it

    def rows(self, table: str, partition: str = "") -> list[Row]:
        """All rows, newest first."""
        return self.page(table, 0, -1, partition).rows

    def increment(self, counter: str, by: int = 1) -> int:
        """Add to a counter that starts at 0; returns the new value."""
        # What adds one makes a name of it; the others ask whether a flag is set.
        return int(self.ask("number" if by == 1 else "count", by, encoded(counter))[0])

    def count(self, counters: Sequence[str]) -> list[int]:
        """Add one to each of several counters; the new values."""
        values: list[int] = self.ask("count", 1, *map(encoded, counters))
        return values

    def commit(self, writes: Sequence[Write], charged: float = 0) -> Outcome:
        """Do all the writes and charge credits for them, or nothing."""
        outcome: Any = self.ask("commit", *self._commit_arguments(writes, charged)).decode()
        return outcome  # type: ignore[no-any-return]

    def _commit_arguments(self, writes: Sequence[Write], charged: float) -> tuple[Value, ...]:
        arguments: list[Value] = [repr(charged), self._max_rows]
        for write in writes:
            arguments += (
                table_of(write.table, write.partition),
                encoded(write.id),
                b"" if write.row is None else to_json(write.row),
                b"" if write.was is None else to_json(write.was),
            )
        return tuple(arguments)

    def balance(self) -> Balance:
        """The credit account as it stands."""
        return _balance(self.ask("balance"))

    def grant(self, remaining: float) -> None:
        """Set what remains to spend, keeping what was consumed."""
        self.ask("grant", repr(remaining))

    def hit(self, key: str, now: float, limit: int, window: float, count: bool = True) -> Window:
        """Ask a sliding window to admit a request at `now`; with `count` false only look."""
        arguments = self._hit_arguments(field(key), now, limit, window, count)
        admitted, remaining, free_at, *_ = self.ask("hit", *arguments)
        return Window(limit, remaining, float(free_at), bool(admitted))

    @staticmethod
    def _hit_arguments(name: bytes, now: float, limit: int, window: float, count: bool) -> tuple[Value, ...]:
        return name, repr(now), limit, repr(window), int(count), MAX_WINDOWS, MAX_WINDOW

    def append(
        self, entry: bytes, mark: str = "", answered: Answered = NOT_ANSWERED, traits: Traits = NO_TRAITS
    ) -> int:
        """Write an entry to the journal, count its mark if it has one, and how it was answered; its number."""
        return int(self.ask("append", *self._append_arguments(entry, mark, answered, traits)))

    def _append_arguments(self, entry: bytes, mark: str, answered: Answered, traits: Traits) -> tuple[Value, ...]:
        way = encoded("\0".join(map(str, answered))) if answered != NOT_ANSWERED else b""
        return entry, *self._journal, mark, way, traits_written(traits)

    def answers(self) -> dict[Answered, int]:
        """How many requests were answered in each way, also those that the journal has dropped since."""
        ways = [(name.decode("utf-8", "surrogatepass").split("\0"), n) for name, n in _pairs(self.ask("answers"))]
        return {(api, operation, int(status)): count for (api, operation, status), count in ways}

    def marked(self) -> dict[str, int]:
        """How many entries had each mark, also those that the journal has dropped since."""
        return {name.decode(): count for name, count in _pairs(self.ask("marked"))}

    def find(self, wanted: Callable[[Traits], bool], after: int = 0) -> list[int]:
        """The numbers of the entries with such traits, ascending."""
        kinds = [kind for text, kind in _pairs(self.ask("kinds")) if wanted(traits_read(text))]
        return sorted(int(number) for numbers in self.ask("found", after, *kinds) for number in numbers)

    def kinds(self) -> list[tuple[Traits, int]]:
        """How many entries that are kept have which traits."""
        kept = [(traits_read(text), count) for text, count in _pairs(self.ask("kept"))]
        return [(traits, count) for traits, count in kept if count]

    def entries(self, after: int = 0, limit: int = 0) -> list[tuple[int, bytes]]:
        """The entries of the journal with a number above `after`, oldest first; at most `limit`, 0 is all."""
        found: list[tuple[int, bytes]] = []
        while True:
            most = min(PIECE, limit - len(found)) if limit else PIECE
            start, entries = self.ask("entries", after, most)
            found += enumerate(entries, start)
            if len(entries) < most or len(found) == limit:
                return found
            after = found[-1][0]

    def entries_of(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        """The entries with these numbers, without those that the journal has dropped."""
        found: list[tuple[int, bytes]] = []
        for place in range(0, len(numbers), PIECE):
            some = numbers[place : place + PIECE]
            entries = self.ask("picked", *some)
            found += [(number, entry) for number, entry in zip(some, entries, strict=True) if entry is not None]
        return found

    def journal_span(self) -> tuple[int, int]:
        """The number of the oldest entry that is kept, and that of the newest; the first is one more when none is."""
        first, newest = self.ask("span")
        return int(first), int(newest)

    def watch(self, wake: Callable[[], None]) -> None:
        """None: other processes append too."""

    def journal_count(self) -> int:
        """The number of the newest entry; 0 before the first."""
        return self.journal_span()[1]

    def clear_journal(self) -> None:
        """Forget the entries; their numbers go on."""
        self.ask("clear")

    def snapshot(self) -> Snapshot:
        """A copy of rows, counters and account."""
        account, counted, places, rows = self.ask("snapshot")
        tables: dict[str, dict[str, list[Row]]] = {}
        for place, row in zip(places, rows, strict=True):
            table, partition = parted(place)
            tables.setdefault(table, {}).setdefault(partition, []).append(orjson.loads(row))
        counters = {name.decode("utf-8", "surrogatepass"): count for name, count in _pairs(counted)}
        return Snapshot(tables, counters, _balance(account))

    def restore(self, snapshot: Snapshot) -> None:
        """Replace rows, counters and account by those of a snapshot."""
        balance = snapshot.balance
        arguments: list[Value] = [repr(plain(balance.total)), repr(plain(balance.consumed)), len(snapshot.counters)]
        for counter, value in snapshot.counters.items():
            arguments += (encoded(counter), value)
        for table, partitions in snapshot.tables.items():
            for partition, rows in partitions.items():
                name = table_of(table, partition)
                for row in rows:
                    arguments += (name, encoded(row["id"]), to_json(row))
        self.ask("restore", *arguments)


def _pairs(found: Sequence[bytes]) -> list[tuple[bytes, int]]:
    return list(zip(found[::2], map(int, found[1::2]), strict=True))


def _balance(account: Sequence[bytes | None]) -> Balance:
    total, consumed = (plain(float(value or 0)) for value in account)
    return Balance(total, consumed)
