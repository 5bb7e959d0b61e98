"""The rows of a resource as a behaviour in Python handles them: by their members, and without a look at a response.

@api.operation("checkout")
def checkout(call):
    order = call.resource("orders").create({"item": call.body["item"], "status": "paid"})
    return 201, order
"""

from __future__ import annotations

from typing import Any

from mockserver.apis.base import Call
from mockserver.apis.resources.behaviours import Resourceful
from mockserver.apis.resources.ids import text_of
from mockserver.apis.resources.stored import Stored
from mockserver.errors import Problem


class Handle:
    """The rows that a caller sees of one resource. What is changed is kept when the behaviour returns.

    Args:
        resourceful: the resource.
        call: the call that a behaviour answers.
    """

    def __init__(self, resourceful: Resourceful, call: Call) -> None:
        self._resourceful = resourceful
        self._call = call
        self._stored = Stored(resourceful.resource, call)

    def create(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keep a new row; the members that it gets, its id among them. What is not given is as the sample has it."""
        key, members = self._resourceful.seeded(self._call, data)
        members = self._resourceful.with_id(key, members)
        self._stored.add(key, members)
        return members

    def get(self, id: Any) -> dict[str, Any] | None:
        """The members of a row; None when there is none."""
        key = text_of(id)
        row = self._stored.get(key)
        return None if row is None else self._resourceful.with_id(key, row["data"])

    def list(self) -> list[dict[str, Any]]:
        """The members of all rows, newest first."""
        return [self._resourceful.with_id(row["id"], row["data"]) for row in self._stored.all()]

    def update(self, id: Any, data: dict[str, Any]) -> dict[str, Any]:
        """Change members of a row; all of them as they are now. Raises Problem `not_found`."""
        row = self._stored.get(text_of(id))
        if row is None:
            raise self._missing(id)
        members = {**row["data"], **data}
        self._stored.replace(row, members)
        return self._resourceful.with_id(row["id"], members)

    def delete(self, id: Any) -> None:
        """Remove a row. Raises Problem `not_found`."""
        key = text_of(id)
        row = self._stored.get(key)
        if row is None:
            raise self._missing(id)
        self._stored.remove(key, row)

    def new_id(self) -> Any:
        """An id that no row has had, of the type that ids have here."""
        return self._resourceful.new_id(self._call)

    def _missing(self, id: Any) -> Problem:
        return Problem("not_found", f"There is no {self._resourceful.resource.singular} {text_of(id)[:100]!r}.")


__all__ = ["Handle"]
