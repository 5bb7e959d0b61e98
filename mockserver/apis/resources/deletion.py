"""What a deletion does to a row: it removes it, or keeps it with the marks that a profile's `soft_delete` names.

Where the response shows the row, `deleted: true`, `deleted_at` and a status `deleted` say what happened to it, as far
as the contract has such members.
"""

from __future__ import annotations

from mockserver.apis.base import Call
from mockserver.apis.resources.model import Resource
from mockserver.apis.resources.rows import Draft
from mockserver.apis.resources.shown import Data
from mockserver.apis.resources.stored import Stored
from mockserver.apis.resources.transitions import deleted, transition
from mockserver.contract import Contract
from mockserver.contract.outline import Outline
from mockserver.errors import Problem
from mockserver.state.store import Row


class Deletion:
    """What one operation does to a row that it deletes.

    Args:
        contract: the contract.
        resource: whose rows they are.
        draft: writes times into a row.
        shown: what the operation shows of a row.
    """

    def __init__(self, contract: Contract, resource: Resource, draft: Draft, shown: Outline) -> None:
        self._resource, self._draft, self._shown = resource, draft, shown
        self._marks = {**deleted(contract, shown), **transition(contract, shown, "delete")}

    def apply(self, call: Call, stored: Stored, key: str, row: Row) -> Data:
        """Remove a row, or mark it; the members that the response shows. Raises Problem: it was marked before."""
        marks = self._resource.soft_delete
        if marks is None:
            stored.remove(key, row if "fresh" not in row else None)
            return self._draft.stamped(call, {**row["data"], **self._marks}, self._shown)
        if self._resource.is_deleted(row["data"]):
            raise Problem("not_found", f"The {self._resource.singular} {key[:100]!r} was deleted.")
        data = self._draft.touched(call, self._draft.stamped(call, {**row["data"], **marks}, self._shown))
        stored.put(key, row, data)
        return data


__all__ = ["Deletion"]
