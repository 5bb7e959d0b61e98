"""All mutable state of a sandbox, behind one protocol whose operations are each atomic.

`memory.MemoryStore` is the default, `redis.store.RedisStore` the shared one. Nothing above knows which one it
has, and a store knows nothing of APIs: a table is a name, a row is a JSON object, a partition is a string.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from mockserver.messages import Balance, Traits, Window, Write
from mockserver.records import record
from mockserver.settings import DEFAULTS

Row = dict[str, Any]

Outcome = Literal["done", "changed", "unpaid", "full"]
"""What became of a commit. All but `done` mean that nothing was written: a row that was read is another one
now, too few credits remain, or there is no room for more rows."""

Answered = tuple[str, str, int]
"""What a request came to: its API, its operationId, and the status that was received as the contract has it, else 0."""
NOT_ANSWERED: Answered = ("", "", 0)

NO_TRAITS: Traits = ("", 0, "", "", (), "", ())

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


class Wait(BaseException):
    """Ends a run of a request that needs an answer which a shared store has not given yet; it is run again with it.

    It is no error: nothing on the way may catch it.
    """


class Page:
    """One page of rows, newest first, and how many rows there are in all."""

    __slots__ = ("rows", "total")

    def __init__(self, rows: list[Row], total: int) -> None:
        self.rows = rows
        self.total = total


@record(frozen=True)
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

    def append(
        self, entry: bytes, mark: str = "", answered: Answered = NOT_ANSWERED, traits: Traits = NO_TRAITS
    ) -> int:
        """Write an entry to the journal, count its mark if it has one, and how it was answered; its number."""

    def find(self, wanted: Callable[[Traits], bool], after: int = 0) -> list[int]:
        """The numbers of the entries with such traits, ascending."""

    def kinds(self) -> list[tuple[Traits, int]]:
        """How many entries that are kept have which traits, which may come more than once."""

    def marked(self) -> dict[str, int]:
        """How many entries had each mark, also those that the journal has dropped since."""

    def answers(self) -> dict[Answered, int]:
        """How many requests were answered in each way, also those that the journal has dropped since."""

    def entries(self, after: int = 0, limit: int = 0) -> list[tuple[int, bytes]]:
        """The entries of the journal with a number above `after`, oldest first, with their numbers.

        At most `limit` of them; 0 is all.
        """

    def entries_of(self, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
        """The entries with these numbers, without those that the journal has dropped."""

    def journal_span(self) -> tuple[int, int]:
        """The number of the oldest entry that is kept, and that of the newest; the first is one more when none is."""

    def watch(self, wake: Callable[[], None]) -> Callable[[], None] | None:
        """Have `wake` called, in any thread, after each append; the result ends it.

        None when the store cannot tell, because others append to it too: then ask for `journal_count`.
        """

    def journal_count(self) -> int:
        """The number of the newest entry; 0 before the first."""

    def clear_journal(self) -> None:
        """Forget the entries, and how they were answered; their numbers and marks go on."""

    def snapshot(self) -> Snapshot:
        """A copy of rows, counters and account."""

    def restore(self, snapshot: Snapshot) -> None:
        """Replace rows, counters and account by those of a snapshot."""


def members_of(row: Row) -> Row:
    """The members of a row: those of one that is kept under its id, or the row itself."""
    return row["data"] if {"id", "data"} <= row.keys() <= {"id", "data", "imagined"} else row


def plain(number: float) -> float:
    """The number, as an int when it is whole, so that it reads the same wherever it was kept."""
    return int(number) if isinstance(number, float) and number.is_integer() else number
