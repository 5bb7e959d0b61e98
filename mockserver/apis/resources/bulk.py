"""Several rows in one request: created, changed or deleted together, or none of them.

Must not know: how one row is made of what was sent, which is for `rows`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.apis.base import Call
from mockserver.apis.resources.deletion import Deletion
from mockserver.apis.resources.ids import text_of
from mockserver.apis.resources.listing import Listing
from mockserver.apis.resources.model import Resource, folded
from mockserver.apis.resources.rows import Draft
from mockserver.apis.resources.shown import Data
from mockserver.apis.resources.stored import Stored
from mockserver.apis.resources.views import find_rows, id_member
from mockserver.contract import Contract, Operation
from mockserver.contract.outline import NOTHING, Place
from mockserver.errors import Problem
from mockserver.messages import JSON, Response
from mockserver.records import record
from mockserver.state.store import Row


@record(frozen=True)
class Many:
    """Where the rows stand in the body of a request."""

    member: str
    """The member that holds them; "" when the body is the array."""
    items: Place
    """The schema of one."""


def many_rows(contract: Contract, resource: Resource, operation: Operation) -> Many | None:
    """The array of rows that an operation takes; None when it takes none.

    It is the body itself, or the member of the body that is called like the rows or is the only array of objects.
    """
    outlines = contract.outlines
    root = outlines.of(operation.request_schema)
    if root.is_array and not root.is_object:
        place = root.items
        return Many("", place) if place is not None and outlines.of(place).is_object else None
    arrays = {
        name: items
        for name, place in root.members.items()
        if (items := outlines.of(place).items) is not None and outlines.of(items).is_object
    }
    last = resource.path.rstrip("/").rpartition("/")[2]
    called = [name for name in arrays if folded(name) in (folded(last), "items", "data", "requests", "records")]
    if called and len(root.members) <= 3:
        return Many(called[0], arrays[called[0]])
    return None


class Bulk:
    """What one operation does to several rows.

    Args:
        contract: the contract.
        resource: whose rows they are.
        operation: the operation.
        draft: makes the members of a row of what was sent.
        new_key: makes a new id.
        sample: answers where the operation does not show the rows.
        listing: how the operation shows rows; None where it does not.
    """

    def __init__(
        self,
        contract: Contract,
        resource: Resource,
        operation: Operation,
        draft: Draft,
        new_key: Callable[[Call], str],
        sample: Callable[[Operation, Call], Response],
        listing: Listing | None,
    ) -> None:
        self._resource, self._operation, self._draft = resource, operation, draft
        self._new_key, self._sample, self._listing = new_key, sample, listing
        shown = listing.view.outline if listing is not None else NOTHING
        self._deletion = Deletion(contract, resource, draft, shown)
        many = many_rows(contract, resource, operation)
        self._member = many.member if many is not None else ""
        self._id = id_member(contract, resource, contract.outlines.of(many.items)) if many is not None else ""

    def create(self, call: Call) -> Response:
        """Make a row of each item."""
        stored = Stored(self._resource, call)
        made: list[Row] = []
        for item in self._items(call.body):
            sent = self._draft.sent(item)
            chosen = self._draft.client_key(sent)
            if chosen and (stored.get(chosen) is not None or any(row["id"] == chosen for row in made)):
                raise Problem("conflict", f"There is a {self._resource.singular} {chosen[:100]!r} already.")
            key = chosen or self._new_key(call)
            made.append(stored.add(key, self._draft.data(call, sent, key), imagined=bool(chosen)))
        return self._shown(call, made)

    def change(self, call: Call) -> Response:
        """Change the rows that the items name; 404 when one of them is not there."""
        stored = Stored(self._resource, call)
        changed: list[Row] = []
        for item in self._items(call.body):
            key = text_of(item.get(self._id, ""))
            row = stored.get(key)
            if row is None:
                raise Problem("not_found", f"There is no {self._resource.singular} {key[:100]!r}.")
            data = self._draft.merged(call, row["data"], self._draft.sent(item))
            changed.append(stored.replace(row, data))
        return self._shown(call, changed)

    def delete(self, call: Call) -> Response:
        """Remove the rows that the request names or picks, or else all."""
        stored = Stored(self._resource, call)
        rows = stored.all()
        named = _ids_in(call.body) or _ids_in(dict(call.params))
        if named is not None:
            rows = [row for row in rows if row["id"] in named]
        elif self._listing is not None:
            rows = self._listing.selection.select(rows, call.params)
        rows = [row for row in rows if not self._resource.is_deleted(row["data"])]
        gone = [{**row, "data": self._deletion.apply(call, stored, row["id"], row)} for row in rows]
        return self._shown(call, gone)

    def _items(self, body: JSON) -> list[Data]:
        items = body.get(self._member) if self._member and isinstance(body, dict) else body
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []

    def _shown(self, call: Call, rows: list[Row]) -> Response:
        if self._listing is None or not rows:
            return self._sample(self._operation, call)
        return self._listing.whole(call, rows)


def _ids_in(body: Any) -> set[str] | None:
    """The ids in a body or in parameters such as `{"ids": [...]}`; None when there are none."""
    if isinstance(body, dict):
        for name, value in body.items():
            if folded(name).endswith("ids") and isinstance(value, list):
                return {text_of(item) for item in value if not isinstance(item, dict | list)}
    if isinstance(body, list) and body and not any(isinstance(item, dict | list) for item in body):
        return {text_of(item) for item in body}
    return None


def shows_rows(contract: Contract, resource: Resource, operation: Operation) -> bool:
    """Whether the response of an operation is or holds an array of rows."""
    return find_rows(contract, resource, operation) is not None


__all__ = ["Bulk", "Many", "many_rows", "shows_rows"]
