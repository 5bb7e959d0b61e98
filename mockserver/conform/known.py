"""The ids that a server showed, by which its rows can be read: learned from lists, asked for by operations.

Must not know: sockets, cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.apis import Api
from mockserver.apis.inferred import infer
from mockserver.apis.resources.model import Resource
from mockserver.apis.resources.shown import inside
from mockserver.apis.resources.views import View, find_row, find_rows
from mockserver.contract import Operation
from mockserver.messages import JSON

MAX_ROWS = 20
"""Rows of a resource that are remembered."""
Variables = Mapping[str, str]


class Known:
    """What is known of rows.

    Args:
        api: whose resources they are.
        given: values of variables and parameters that a person gave.
    """

    def __init__(self, api: Api, given: Mapping[str, str]) -> None:
        self._contract = api.contract
        self.given = given
        self.resources = api.resources or infer(api.contract)
        self._rows: dict[str, list[dict[str, str]]] = {}
        self._lists: dict[str, Resource] = {}
        self._views: dict[str, View | None] = {}

    def resource(self, operation: Operation) -> Resource | None:
        """The resource that an operation is of; one of its own for a list whose rows nothing else is about."""
        found = next((one for one in self.resources if operation.id in one.operations), None)
        if found is None and operation.method == "GET" and "{" not in operation.path:
            found = self._lists.get(operation.id)
            if found is None:
                found = Resource(
                    operation.id, operation.path, (), ("id",), operations={operation.id: (operation, "list")}
                )
                self._lists[operation.id] = found
            return found if self._view(found, operation) is not None else None
        return found

    def rows_in(self, operation: Operation, body: JSON) -> list[Any] | None:
        """The rows of a list's response; None where the operation is no list, or the body has none."""
        resource = self.resource(operation)
        if resource is None or resource.operations[operation.id][1] != "list":
            return [item for item in body if isinstance(item, dict)] if isinstance(body, list) else None
        view = self._view(resource, operation)
        if view is None:
            return None
        rows = inside(body, view.at)
        rows = list(rows.values()) if isinstance(rows, dict) and view.keyed else rows
        return [inside(row, view.inner) for row in rows] if isinstance(rows, list) else None

    def row_in(self, operation: Operation, body: JSON) -> JSON:
        """The row that the response to a write or a read shows; None where it shows none."""
        resource = self.resource(operation)
        view = self._view(resource, operation) if resource is not None else None
        row = inside(body, view.at) if view is not None else body
        return row if isinstance(row, dict) else None

    def id_of(self, operation: Operation, row: JSON) -> str:
        """The id of a row that an operation shows; "" where there is none."""
        resource = self.resource(operation)
        view = self._view(resource, operation) if resource is not None else None
        if view is None or not view.id_member or not isinstance(row, dict):
            return ""
        id = row.get(view.id_member)
        return str(id) if isinstance(id, str | int) and not isinstance(id, bool) else ""

    def learn(self, operation: Operation, variables: Variables, body: JSON) -> None:
        """Remember the rows that a list showed."""
        resource = self.resource(operation)
        if resource is None or resource.is_singleton or resource.operations[operation.id][1] != "list":
            return
        known = self._rows.setdefault(resource.name, [])
        for row in self.rows_in(operation, body) or ():
            id = self.id_of(operation, row)
            found = {**{name: variables.get(name, "") for name in resource.parents}, resource.variables[-1]: id}
            if id and found not in known and len(known) < MAX_ROWS:
                known.append(found)

    def variables(self, operation: Operation) -> tuple[dict[str, str], bool]:
        """Values for the variables of an operation's path, and whether all of them are of a row that is there."""
        names = [parameter.name for parameter in operation.parameters if parameter.place == "path"]
        found = {name: self.given[name] for name in names if name in self.given}
        resource = self.resource(operation)
        if resource is not None:
            found = {**self._of_row(resource, names), **found}
        for rows in self._rows.values():
            for name in names:
                if name not in found and name != "id" and rows and name in rows[0]:
                    found[name] = rows[0][name]
        return found, all(name in found for name in names)

    def _of_row(self, resource: Resource, names: list[str]) -> dict[str, str]:
        rows = self._rows.get(resource.name)
        if rows:
            return {name: rows[0][name] for name in names if rows[0].get(name)}
        owner = resource.owner
        parents = self._rows.get(owner.name) if owner is not None else None
        if owner is None or not parents:
            return {}
        values = [parents[0][name] for name in (*owner.parents, *owner.variables) if name in parents[0]]
        return dict(zip(resource.parents, values, strict=False))

    def _view(self, resource: Resource, operation: Operation) -> View | None:
        if operation.id not in self._views:
            if resource.operations[operation.id][1] == "list":
                view = find_rows(self._contract, resource, operation)
            else:
                view = find_row(self._contract, resource, operation.response_schema(operation.success))
            self._views[operation.id] = view
        return self._views[operation.id]


__all__ = ["Known", "Variables"]
