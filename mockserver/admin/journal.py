"""Pages of a journal for the admin API: only the entries that are shown are decoded.

One index for each world says which earlier entries a shown one may be a retry of; it is extended by the entries that
came since. Must not know: HTTP, or who asks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from mockserver.admin.views import entry_view
from mockserver.clock import sleep
from mockserver.errors import Problem
from mockserver.journal.attempts import Attempts, annotate_shown, beside_call
from mockserver.journal.cells import cells_of
from mockserver.journal.entries import decode_all
from mockserver.journal.retries import Attempt, Verdict, verdicts
from mockserver.messages import JSON, Exchange, Traits
from mockserver.state.store import Store

FILTERS = ("api", "operation", "status", "rule", "side", "stage", "fault", "text")
NO_FAULT = "none"
"""What the filter `fault` calls exchanges without one."""
BATCH = 100
"""Entries that a stream shows at a time."""
SLICE, SLICES = 100, 5
"""Entries after which a thread that works on many lets the event loop have its turn: it would wait for 5 ms else."""

Entries = Sequence[tuple[int, bytes]]


class JournalReader:
    """Reads journals. May be used from several threads."""

    def __init__(self) -> None:
        self._indexes: WeakKeyDictionary[Store, Attempts] = WeakKeyDictionary()

    def page(self, store: Store, params: Mapping[str, Any]) -> tuple[list[JSON], int]:
        """The entries that a request for a journal asks for, and how many match in all."""
        after, limit = params.get("after"), params["limit"]
        oldest, newest = store.journal_span()
        begin, end = max(after or 0, oldest - 1), min(newest, params.get("before", newest + 1) - 1)
        if begin >= end:
            return [], 0
        if any(name in params for name in FILTERS):
            matching = _matching(store, params, begin)
            matching = matching[: bisect_right(matching, end)]
            shown = matching[-limit:] if after is None else matching[:limit]
            return self._view(store, store.entries_of(shown)), len(matching)
        start = max(begin, end - limit) if after is None else begin
        return self._view(store, store.entries(start, min(limit, end - start))), end - begin

    def news(self, store: Store, after: int) -> list[JSON]:
        """The next BATCH entries after a number. A reset begins a new journal, whose numbers start again."""
        newest = store.journal_count()
        if newest == after:
            return []
        return self._view(store, store.entries(after if newest > after else 0, BATCH))

    def one(self, store: Store, number: int) -> tuple[Exchange, Attempt]:
        """An exchange, and which attempt it is. Raises Problem when the journal does not have it."""
        exchanges = decode_all(store.entries_of([number]))
        if not exchanges:
            oldest, newest = store.journal_span()
            kept = f"it keeps #{oldest} to #{newest}" if newest >= oldest else "it is empty"
            raise Problem("not_found", f"The journal has no exchange #{number}; {kept}.")
        return exchanges[0], self._attempts(store, exchanges)[number]

    def call_of(self, store: Store, number: int) -> list[Verdict]:
        """How the client retried the call that an exchange is an attempt of; nothing when there is nothing to judge."""
        self.one(store, number)
        numbers = beside_call(self._index(store), number)
        known = verdicts(decode_all(store.entries_of(numbers)))
        return [verdict for verdict in known if number in verdict.attempts]

    def catch_up(self, store: Store) -> None:
        """Take what the journal has into the index, so that what is asked next finds little that is new."""
        self._index(store)

    def cells(self, store: Store) -> list[JSON]:
        """Which statuses were seen under which faults, as the admin API shows it."""
        return [{**cell._asdict(), "count": count} for cell, count in cells_of(store.kinds())]

    def _view(self, store: Store, entries: Entries) -> list[JSON]:
        shown: list[JSON] = []
        for start in range(0, len(entries), SLICE):
            exchanges = decode_all(entries[start : start + SLICE])
            known = self._attempts(store, exchanges)
            shown += [entry_view(exchange, known[exchange.number]) for exchange in exchanges]
            if len(entries) > SLICE:
                sleep(0)
        return shown

    def _attempts(self, store: Store, exchanges: Sequence[Exchange]) -> dict[int, Attempt]:
        """Which attempts the exchanges are, by their numbers."""
        return annotate_shown(self._index(store), exchanges, store.entries_of) if exchanges else {}

    def _index(self, store: Store) -> Attempts:
        """The index of a journal, with all that it has."""
        attempts = self._indexes.get(store)
        if attempts is None:
            attempts = self._indexes.setdefault(store, Attempts())
        while True:
            entries = store.entries(attempts.newest, SLICES * SLICE)
            attempts.add(entries, store.journal_span()[0])
            if len(entries) < SLICES * SLICE:
                return attempts
            sleep(0)


def _matching(store: Store, params: Mapping[str, Any], after: int) -> list[int]:
    """The numbers of all entries that match: the total wants every one."""

    def wanted(traits: Traits) -> bool:
        operation, status, rule, stage, sides, api, faults = traits
        return (
            params.get("api", api) == api
            and params.get("operation", operation) == operation
            and params.get("status", status) == status
            and params.get("rule", rule) == rule
            and params.get("stage", stage) == stage
            and ("side" not in params or params["side"] in sides)
            and ("fault" not in params or params["fault"] in (faults or (NO_FAULT,)))
        )

    found = store.find(wanted, after)
    if params.get("text"):
        return [number for number, _ in _with_text(store.entries_of(found), params["text"])]
    return found


def _with_text(entries: Entries, text: str) -> Entries:
    sought = text.lower().encode()
    return [pair for pair in entries if sought in pair[1].lower()]
