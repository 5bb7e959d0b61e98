"""Which operation of which API a request means, and what it takes to answer that operation.

Everything that can be looked up beforehand is in the operation's Plan. Knows no sandbox and no state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mockserver.apis.api import Api
from mockserver.apis.base import Behaviour
from mockserver.apis.resources.echo import Echo
from mockserver.contract import Operation
from mockserver.contract.router import split
from mockserver.errors import MAX_COMPARED, Problem, did_you_mean, nearest
from mockserver.settings import DEFAULTS

MAX_BODY = DEFAULTS.max_body
"""Bytes of a request body that are taken by default."""
MAX_REMEMBERED = 4096
"""Spellings of paths without variables whose operation is remembered."""

BY_KEY = "*"
"""Stands for the API key where a plan says what the tenant is."""
_MAX_SEGMENTS = 12
_MAX_POOL = 1000


class Plan:
    """What it takes to answer an operation, looked up once.

    Args:
        api: the API that it belongs to.
        operation: the operation.
        max_body: bytes of a request body that are taken.
    """

    __slots__ = (
        "api",
        "behaviour",
        "echo",
        "follows",
        "idempotency",
        "is_coded",
        "keys",
        "latency",
        "limit",
        "limits",
        "max_body",
        "operation",
        "price",
        "resource",
        "restricts",
        "rows_stand",
        "security",
        "stream",
        "streams_on_request",
        "tenant",
        "webhooks",
        "window",
    )

    def __init__(self, api: Api, operation: Operation, max_body: int) -> None:
        self.api = api
        self.operation = operation
        self.max_body = max_body
        self.security = api.contract.security(operation)
        self.behaviour = api.behaviour(operation)
        self.echo = Echo(api.contract, operation) if api.unknown_ids is not None else None
        """What a sample repeats of the request; None for nothing."""
        self.price = api.price(operation)
        self.resource = api.resource
        """Finds a resource for the behaviour."""
        self.keys = api.key_texts
        """The valid keys where a sandbox lists none."""
        self.restricts = any(may is not None for may in api.keys.values())
        """Whether there are keys that may not do everything."""
        self.limits = tuple(limit for limit in api.limits if operation.id in limit.operations)
        """The rate limits that the API's profile sets it; none leaves it to the API's own."""
        self.limit = next(iter(self.limits), None)
        """The first of them."""
        terms = api.idempotency
        self.idempotency = terms if terms is not None and operation.id in terms.operations else None
        """What a request that is sent again with its key gets."""
        self.stream = api.streams.get(operation.id, api.streams.get("*")) if operation.stream_types else None
        """How the items of its stream go out; None for at once."""
        self.streams_on_request = operation.streams_on_request
        """The media type that it answers when a request says `stream: true`; "" where that means nothing."""
        self.is_coded = operation.id in api.behaviours
        """Whether its behaviour is code, and not that of a resource."""
        self.rows_stand = operation.method == "GET" and all(map(_is_ours, api.behaviours.values()))
        """Whether rows that it answers with are never changed in place: code of ours keeps to that."""
        self.latency = api.latency.get(operation.id, api.latency.get("*"))
        """How long a response takes; None for no time at all."""
        self.tenant = BY_KEY if api.tenant_is_key else api.tenant_variable
        """The variable of the path that is the tenant, or BY_KEY; "" where the request itself tells it."""
        self.webhooks = tuple(webhook for webhook in api.webhooks.values() if operation.id in webhook.on)
        """What is sent after each success."""
        self.follows = bool(self.webhooks or operation.stream_types or self.latency)
        """Whether something is to be done when the response is there."""
        self.window = f"{api.name} {operation.method} {operation.path} "
        """The vendor's sliding window that its requests count in, but for the tenant."""


def _is_ours(behaviour: Behaviour) -> bool:
    return str(getattr(behaviour, "__module__", "")).startswith("mockserver.")


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

    @property
    def is_known(self) -> bool:
        """Whether the API has the path, if perhaps not with this method."""
        return self.plan is not None or bool(self.allowed)


def allow(route: Route) -> str:
    """The value of `Allow`: the methods of a path, with HEAD and OPTIONS, which are answered where not declared."""
    methods = {*route.allowed, "OPTIONS"}
    return ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))


class Routes:
    """Finds the operation for a method and a path.

    Args:
        apis: the APIs by name. `/NAME/...` means the API of that name, when it knows the rest of the path; else the
            first whose contract knows the whole path gets it.
        max_body: bytes of a request body that are taken. An operation that needs more by its nature
            (`x-max-body-bytes`) has it, unless less than the default was asked for.
    """

    def __init__(self, apis: Mapping[str, Api], max_body: int = MAX_BODY) -> None:
        self._apis = apis
        self._max_body = max_body
        self._plans: dict[Operation, Plan] = {}
        self._remembered: dict[tuple[str, str], Route] = {}
        self._known: dict[str, _Paths] = {}

    def find(self, method: str, path: str) -> Route:
        """The route of a path, percent-encoded as it was sent, without a sandbox before it.

        A HEAD that is not declared means the GET of the path (RFC 9110, 9.3.2).
        """
        route = self._remembered.get((method, path)) or self._search(method, path)
        if route.plan is None and method == "HEAD" and "GET" in route.allowed:
            return self.find("GET", path)
        return route

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
        if len(self._apis) == 1:
            return next(iter(self._apis.values()))
        owners = {known: api for api in self._apis.values() for known in self._paths(api).alike(path)}
        likest = nearest(path, owners)
        return owners[likest] if likest else next(iter(self._apis.values()))

    def unmatched(self, route: Route, method: str, path: str) -> Problem:
        """Why a request has no operation: 405 with the methods that there are, or 404 with the nearest path."""
        if route.allowed:
            methods = allow(route)
            message = f"{path[:200]} has no {method[:20]}; it has {methods}."
            return Problem("method_not_allowed", message, headers={"allow": methods})
        path = path.removeprefix(route.prefix)
        hint = did_you_mean(path, self._paths(route.api).alike(path))
        return Problem("not_found", f"No operation has the path {path[:200]!r}{hint}")

    def _paths(self, api: Api) -> _Paths:
        found = self._known.get(api.name)
        if found is None:
            found = self._known[api.name] = _Paths(api)
        return found

    def _search(self, method: str, path: str) -> Route:
        segments = split(path)
        named = self._apis.get(segments[0]) if segments else None
        unknown = None
        if named is not None:
            unknown = self._route(method, path, named, segments[1:], f"/{named.name}")
            if unknown.is_known:
                return unknown
        for api in self._apis.values():
            route = self._route(method, path, api, segments, "")
            if route.is_known:
                return route
        return unknown or Route(self.nearest(path), None, {}, [], "")

    def _route(self, method: str, path: str, api: Api, segments: list[str], prefix: str) -> Route:
        operation, values, allowed = api.contract.match(method, segments)
        plan = self.plan(api, operation) if operation is not None else None
        route = Route(api, plan, values, allowed, prefix)
        if plan is not None and not values and len(self._remembered) < MAX_REMEMBERED:
            self._remembered[method, path] = route
        return route

    def _limit(self, operation: Operation) -> int:
        return self._max_body if self._max_body < MAX_BODY else max(self._max_body, operation.max_body)


class _Paths:
    """The paths of an API, so kept that those which are like another one are found without looking at all."""

    def __init__(self, api: Api) -> None:
        self._base = api.contract.base
        self._base_path = api.contract.base_path
        self._by_part: dict[tuple[int, int, str], list[str]] = {}
        """By the number of segments, and one of them by its place and its text, whole or the start of it."""
        for path in dict.fromkeys(operation.path for operation in api.contract.operations.values()):
            segments = split(path)
            for part in _parts(segments, len(segments)):
                self._by_part.setdefault(part, []).append(path)

    def alike(self, path: str) -> Iterable[str]:
        """At most MAX_COMPARED paths: those that have much in common with `path`, as far as there are any."""
        segments = split(path[:200])[:_MAX_SEGMENTS]
        if segments[: len(self._base)] == self._base:
            segments = segments[len(self._base) :]
        shared: Counter[str] = Counter()
        for length in (len(segments) - 1, len(segments), len(segments) + 1):
            for part in _parts(segments, length):
                shared.update(self._by_part.get(part, ())[:_MAX_POOL])
        return [self._base_path + path for path, _ in shared.most_common(MAX_COMPARED)]


def _parts(segments: list[str], length: int) -> Iterable[tuple[int, int, str]]:
    """What a path of so many segments is found by: its length if it is the same, and each segment or its beginning."""
    if length == len(segments):
        yield length, -1, ""
    for place, segment in enumerate(segments):
        if not segment.startswith("{"):
            yield length, place, segment
            yield length, place, segment[:3]
