"""The rows of a resource as a scenario's `state` and a snapshot give them.

A scenario gives the members of a row, and for a collection below an item also the variables of its path; the rest is
filled in. A snapshot gives whole rows as they are kept.
"""

from __future__ import annotations

from mockserver.apis.base import Call, nobody
from mockserver.apis.resources.behaviours import Resourceful
from mockserver.apis.resources.ids import text_of
from mockserver.apis.resources.stored import Stored
from mockserver.contract import Contract
from mockserver.errors import did_you_mean
from mockserver.messages import Violation
from mockserver.state.memory import MemoryStore
from mockserver.state.store import Row
from mockserver.text.documents import pointer_of


class ResourceTable:
    """The table of a resource."""

    def __init__(self, resourceful: Resourceful) -> None:
        self._resourceful = resourceful

    def add(self, call: Call, name: str, entry: Row) -> None:
        """Add a row from what a scenario says of it. The call gets the variables of the collection's path."""
        resource = self._resourceful.resource
        call.variables = self._parents(entry)
        key, data = self._resourceful.seeded(call, self._members(entry))
        Stored(resource, call).add(key, data)

    @property
    def parents(self) -> tuple[str, ...]:
        """The variables of the collection's path."""
        return self._resourceful.resource.parents

    def flaws(self, contract: Contract, id: str, members: Row) -> list[Violation]:
        """What is wrong with a row that has these members."""
        return self._resourceful.row_problems(id, members)

    def find(self, call: Call, name: str, id: str) -> Row | None:
        """The members of a row, its id among them, or None."""
        row = Stored(self._resourceful.resource, call).get(id)
        return None if row is None else self._resourceful.with_id(id, row["data"])

    def all(self, call: Call, name: str) -> list[Row]:
        """The members of all rows, newest first."""
        rows = Stored(self._resourceful.resource, call).all()
        return [self._resourceful.with_id(row["id"], row["data"]) for row in rows]

    def change(self, call: Call, name: str, id: str, members: Row) -> bool:
        """Change members of a row; false when there is none."""
        stored = Stored(self._resourceful.resource, call)
        row = stored.get(id)
        if row is not None:
            stored.replace(row, {**row["data"], **members})
        return row is not None

    def remove(self, call: Call, name: str, id: str) -> bool:
        """Remove a row; false when there is none."""
        stored = Stored(self._resourceful.resource, call)
        row = stored.get(id)
        stored.remove(id, row)
        return row is not None

    def problems(self, contract: Contract, entry: Row) -> list[Violation]:
        """What is wrong with what a scenario says of a row."""
        resource, base = self._resourceful.resource, self._resourceful.base
        known = [*base.members, *resource.parents]
        if base.members and base.others is None:
            for name in entry:
                if name not in known:
                    return [_violation(name, f"is unknown{did_you_mean(name, known)}", name, "")]
        for name in resource.parents:
            if name not in entry:
                return [_violation(name, f"is missing; it is a variable of {resource.path}", "nothing", "a value")]
        call = nobody(MemoryStore(0), 0.0, 0)
        call.variables = self._parents(entry)
        return self._resourceful.problems(call, self._members(entry))

    def whole_problems(self, contract: Contract, row: Row) -> list[Violation]:
        """What is wrong with a row of a snapshot."""
        if not isinstance(row.get("data"), dict):
            return [_violation("data", "must be an object with the members of the row", "nothing", "an object")]
        return self._resourceful.row_problems(row["id"], row["data"])

    def _parents(self, entry: Row) -> dict[str, str]:
        """The variables of the collection's path that an entry gives."""
        return {name: text_of(entry[name]) for name in self._resourceful.resource.parents if name in entry}

    def _members(self, entry: Row) -> Row:
        """The members of the row: what is no variable of the path, or is a member too."""
        members, parents = self._resourceful.base.members, self._resourceful.resource.parents
        return {name: value for name, value in entry.items() if name in members or name not in parents}


class DeletedTable:
    """The ids of a resource's rows that were deleted, which a snapshot has."""

    def add(self, call: Call, name: str, entry: Row) -> None:
        """Note that a row is gone."""
        call.add(name, {"id": text_of(entry["id"])})

    def problems(self, contract: Contract, entry: Row) -> list[Violation]:
        """What is wrong with what a scenario says of a deleted row."""
        return [] if "id" in entry else [_violation("id", "is missing", "nothing", "an id")]

    def whole_problems(self, contract: Contract, row: Row) -> list[Violation]:
        """None: an id is all that is kept."""
        return []


def _violation(name: str, message: str, found: str, expected: str) -> Violation:
    return Violation("server", "body", pointer_of([name]), message, found, expected)


__all__ = ["DeletedTable", "ResourceTable"]
