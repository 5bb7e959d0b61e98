"""The rows of one resource in a sandbox's state, as one caller sees them.

A row is kept under the text of its id. What was deleted leaves its id behind, in a table of its own, so that it is
not found again. Must not know: contracts, responses.
"""

from __future__ import annotations

from urllib.parse import quote

from mockserver.apis.base import Call
from mockserver.apis.resources.model import Resource
from mockserver.messages import Write
from mockserver.state.store import Page, Row

ONLY = "only"
"""The key of a singleton's row."""
_GONE = "deleted"


class Stored:
    """Reads rows, and notes on a call what becomes of them."""

    __slots__ = ("_call", "_gone", "_partition", "_table")

    def __init__(self, resource: Resource, call: Call) -> None:
        self._call = call
        self._table = resource.name
        self._gone = f"{resource.name}.{_GONE}"
        self._partition = call.tenant
        if resource.parents:
            values = "/".join(quote(call.variables.get(name, ""), safe="") for name in resource.parents)
            self._partition = f"{call.tenant}/{values}"

    def get(self, key: str) -> Row | None:
        """A row, or None."""
        return self._call.store.get(self._table, key, self._partition)

    def is_gone(self, key: str, created: bool = False) -> bool:
        """Whether there was a row of this id that was deleted; with `created`, one whose id the server made."""
        gone = self._call.store.get(self._gone, key, self._partition)
        return gone is not None and (not created or not gone.get("imagined"))

    def is_taken(self, key: str) -> bool:
        """Whether a row has this id, or had it, or gets it from the request that is being answered."""
        pending = any(write.table == self._table and write.id == key for write in self._call.writes)
        return pending or self.get(key) is not None or self.is_gone(key)

    def is_untouched(self) -> bool:
        """Whether no row was ever made here."""
        store, partition = self._call.store, self._partition
        return not store.page(self._table, 0, 1, partition).total and not store.page(self._gone, 0, 1, partition).total

    def page(self, offset: int, limit: int) -> Page:
        """Rows, newest first, and how many there are."""
        return self._call.store.page(self._table, offset, limit, self._partition)

    def all(self) -> list[Row]:
        """All rows, newest first."""
        return self._call.store.rows(self._table, self._partition)

    def add(self, key: str, data: Row, imagined: bool = False) -> Row:
        """Keep a new row. An id that was deleted is one again.

        `imagined`: its id was made up by a client, so that after it is deleted it may be made up again.
        """
        gone = self._call.store.get(self._gone, key, self._partition)
        if gone is not None:
            self._note(self._gone, key, None, gone)
        row = {"id": key, "data": data} | ({"imagined": True} if imagined else {})
        self._note(self._table, key, row, None)
        self._call.changes.append(("added", self._table, key))
        return row

    def replace(self, was: Row, data: Row) -> Row:
        """Put other members in the place of those of a row that was read."""
        row = {**was, "data": data}
        self._note(self._table, was["id"], row, was)
        self._call.changes.append(("changed", self._table, was["id"]))
        return row

    def put(self, key: str, was: Row, data: Row) -> None:
        """Keep a row that was changed, also one that was imagined just now, which has a member `fresh`."""
        if "fresh" in was:
            self.add(key, data, imagined=True)
        else:
            self.replace(was, data)

    def remove(self, key: str, was: Row | None) -> None:
        """Remove a row and note that it is gone. Nothing is to be noted of an id that nobody has seen."""
        if was is None:
            return
        self._note(self._table, key, None, was)
        self._note(self._gone, key, {"id": key} | ({"imagined": True} if was.get("imagined") else {}), None)
        self._call.changes.append(("removed", self._table, key))

    def _note(self, table: str, key: str, row: Row | None, was: Row | None) -> None:
        self._call.writes.append(Write(table, key, row, was, self._partition))


__all__ = ["ONLY", "Stored"]
