"""Which operation of which API a request means, and what it takes to answer that operation.

Everything that can be looked up beforehand is in the operation's Plan. Knows no sandbox and no state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mockserver.apis import Api
from mockserver.contract import Operation
from mockserver.errors import Problem, did_you_mean, nearest

MAX_BODY = 1024 * 1024
"""Bytes of a request body that are taken by default."""
MAX_REMEMBERED = 4096
"""Spellings of paths without variables whose operation is remembered."""


class Plan:
    """What it takes to answer an operation, looked up once.

    Args:
        api: the API that it belongs to.
        operation: the operation.
        max_body: bytes of a request body that are taken.
    """

    __slots__ = ("api", "behaviour", "max_body", "operation", "price", "security", "window")

    def __init__(self, api: Api, operation: Operation, max_body: int) -> None:
        self.api = api
        self.operation = operation
        self.max_body = max_body
        self.security = api.contract.security(operation)
        self.behaviour = api.behaviours.get(operation.id)
        self.price = api.costs.get(operation.id)
        self.window = f"{api.name} {operation.method} {operation.path} "
        """The vendor's sliding window that its requests count in, but for the tenant."""


class Route(NamedTuple):
    """Where a request goes."""

    api: Api
    plan: Plan | None
    """None when the path or the method is not known."""
    values: dict[str, str]
    """Path variables, decoded."""
    allowed: list[str]
    """The methods that the path has; none when it is not known."""
    prefix: str
    """What stands before the contract's own path: `/datagrid`, or nothing."""


class Routes:
    """Finds the operation for a method and a path.

    Args:
        apis: the APIs by name. The first whose contract knows a path gets it; `/NAME/...` always
            means the API of that name.
        max_body: bytes of a request body that are taken. An operation that needs more by its nature
            (`x-max-body-bytes`) has it, unless less than the default was asked for.
    """

    def __init__(self, apis: Mapping[str, Api], max_body: int = MAX_BODY) -> None:
        self._apis = apis
        self._max_body = max_body
        self._plans: dict[Operation, Plan] = {}
        self._remembered: dict[tuple[str, str], Route] = {}

    def find(self, method: str, path: str) -> Route:
        """The route of a path, percent-encoded as it was sent, without a sandbox before it."""
        return self._remembered.get((method, path)) or self._search(method, path)

    def most_body(self, method: str, path: str) -> int:
        """Bytes of a body that a request to a path may have."""
        plan = self.find(method, path).plan
        return plan.max_body if plan is not None else self._max_body

    def plan(self, api: Api, operation: Operation) -> Plan:
        """What it takes to answer an operation."""
        found = self._plans.get(operation)
        if found is None:
            found = self._plans[operation] = Plan(api, operation, self._limit(operation))
        return found

    def nearest(self, path: str) -> Api:
        """The API whose error shape suits an unknown path: the one with the likest path."""
        owners = {known: api for api in self._apis.values() for known in _paths(api)}
        likest = nearest(path, owners)
        return owners[likest] if likest else next(iter(self._apis.values()))

    def _search(self, method: str, path: str) -> Route:
        segments = path.strip("/").split("/")
        named = self._apis.get(segments[0])
        if named is not None:
            return self._route(method, path, named, segments[1:], f"/{named.name}")
        for api in self._apis.values():
            route = self._route(method, path, api, segments, "")
            if route.plan is not None or route.allowed:
                return route
        return Route(self.nearest(path), None, {}, [], "")

    def _route(self, method: str, path: str, api: Api, segments: list[str], prefix: str) -> Route:
        operation, values, allowed = api.contract.match(method, segments)
        plan = self.plan(api, operation) if operation is not None else None
        route = Route(api, plan, values, allowed, prefix)
        if plan is not None and not values and len(self._remembered) < MAX_REMEMBERED:
            self._remembered[method, path] = route
        return route

    def _limit(self, operation: Operation) -> int:
        return self._max_body if self._max_body < MAX_BODY else max(self._max_body, operation.max_body)


def unmatched(route: Route, method: str, path: str) -> Problem:
    """Why a request has no operation: 405 with the methods that there are, or 404 with the nearest path."""
    if route.allowed:
        methods = ", ".join(sorted(route.allowed))
        message = f"{path[:200]} has no {method[:20]}; it has {methods}."
        return Problem("method_not_allowed", message, headers={"allow": methods})
    path = path.removeprefix(route.prefix)
    return Problem("not_found", f"No operation has the path {path[:200]!r}{did_you_mean(path, _paths(route.api))}")


def _paths(api: Api) -> list[str]:
    base = api.contract.base_path
    return [base + operation.path for operation in api.contract.operations.values()]
