"""The life of a request, from top to bottom: match, authenticate, limit, validate, reserve,
behave, charge, validate the reply, record.

One synchronous function for the socket, the fixture and the fuzzer alike. It knows no vendor and
no HTTP server; time is read once, from the sandbox's clock.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from mockserver import journal, ledger, ratelimit
from mockserver.apis.base import Api, Call
from mockserver.auth import authenticate
from mockserver.clock import monotonic
from mockserver.contract import Operation
from mockserver.contract.bodies import is_json
from mockserver.errors import BY_STATUS, Problem, did_you_mean, nearest
from mockserver.messages import Exchange, Request, Response
from mockserver.prefer import Preference, read_preference
from mockserver.problems import defect_body
from mockserver.sandbox import Sandbox


@dataclass(slots=True)
class _Route:
    """Where a request goes."""

    api: Api
    operation: Operation | None
    values: dict[str, str]
    """Path variables, decoded."""
    allowed: list[str]
    mount: str
    """What stands before the contract's own path, for example `/datagrid`."""


class Pipeline:
    """Answers requests to some APIs.

    Args:
        apis: the APIs, at least one. The first whose contract knows a path gets it; `/NAME/...`
            always means the API of that name.
        sandbox: the world to answer in.
    """

    def __init__(self, apis: Sequence[Api], sandbox: Sandbox) -> None:
        self.apis = {api.name: api for api in apis}
        self.sandbox = sandbox

    def handle(self, request: Request) -> Response:
        """Answer a request. Never raises: a failure of ours is a 500, and stands in the journal."""
        return self.exchange(request).response or _failure()

    def exchange(self, request: Request) -> Exchange:
        """Answer a request; the exchange tells what became of it."""
        started = monotonic()
        sandbox = self.sandbox
        exchange = Exchange(request, sandbox.clock.now())
        try:
            exchange.response = self._answer(sandbox, exchange)
            _serialise(exchange.response)
        except Exception as error:
            exchange.defect = f"{type(error).__name__}: {error}"
            exchange.response = _failure()
        finally:
            exchange.duration = monotonic() - started
            sandbox.store.append(journal.record(exchange))
        return exchange

    def _answer(self, sandbox: Sandbox, exchange: Exchange) -> Response:
        request = exchange.request
        route = self._route(request)
        api, operation = route.api, route.operation
        exchange.api = api.name
        if operation is None:
            return _problem(api, _unmatched(request, route))
        exchange.operation = operation.id
        headers: dict[str, str] = {}
        try:
            response = self._perform(sandbox, exchange, route, operation, headers)
        except Problem as problem:
            exchange.violations += problem.violations
            response = _problem(api, problem)
        response.headers = {**headers, **response.headers}
        return _guard(operation, response, exchange)

    def _perform(
        self, sandbox: Sandbox, exchange: Exchange, route: _Route, operation: Operation, headers: dict[str, str]
    ) -> Response:
        """The stages in their order. `headers` is filled with what every reply carries."""
        request, api, now = exchange.request, route.api, exchange.at
        tenant = api.tenant(request)
        limit = sandbox.limit(api)
        bucket = f"{api.name} {operation.method} {operation.path} {tenant}"
        try:
            key = authenticate(request, api.contract.security(operation), sandbox.terms.keys)
        except Problem:
            if limit is not None:  # it counts no request, but says what is left
                window = sandbox.store.hit(bucket, now, limit.max, limit.window, count=False)
                headers.update(ratelimit.headers(window, now))
            raise
        if limit is not None:
            window = sandbox.store.hit(bucket, now, limit.max, limit.window)
            headers.update(ratelimit.headers(window, now))
            if not window.admitted:
                raise _rate_limited(limit, ratelimit.retry_after(window, now))
        wanted = read_preference(request.headers["prefer"]) if "prefer" in request.headers else None
        if wanted is not None and wanted.early:
            return _preferred(api, operation, wanted, sandbox, headers)
        if request.too_large:
            raise Problem("too_large", "The request body is larger than this server reads.")
        checked = operation.check_request(request, route.values)
        if checked.violations:
            raise Problem("invalid_request", violations=checked.violations)
        if wanted is not None:
            return _preferred(api, operation, wanted, sandbox, headers)
        behaviour = api.behaviours.get(operation.id)
        if behaviour is None or sandbox.terms.stateless:
            return api.contract.sample(operation, operation.success)
        base_url = f"http://{request.headers.get('host', 'localhost')}{route.mount}"
        call = Call(checked.params, checked.body, now, key, tenant, sandbox.store, sandbox.terms.seed, base_url)
        cost = api.costs.get(operation.id)
        if cost is None:
            return behaviour(call)
        reservation = ledger.reserve(sandbox.store, cost(call, sandbox.terms.characters_per_credit))
        try:
            response = behaviour(call)
        except BaseException:
            reservation.release()
            raise
        api.bill(response.data, reservation.charge())
        return response

    def _route(self, request: Request) -> _Route:
        segments = request.path.strip("/").split("/")
        named = self.apis.get(segments[0])
        if named is not None:
            return _Route(named, *named.contract.match(request.method, segments[1:]), f"/{named.name}")
        for api in self.apis.values():
            operation, values, allowed = api.contract.match(request.method, segments)
            if operation is not None or allowed:
                return _Route(api, operation, values, allowed, "")
        return _Route(self._nearest(request.path), None, {}, [], "")

    def _nearest(self, path: str) -> Api:
        """The API whose error shape suits an unknown path: the one with the likest path."""
        owners = {known: api for api in self.apis.values() for known in _paths(api)}
        likest = nearest(path, owners)
        return owners[likest] if likest else next(iter(self.apis.values()))


def _paths(api: Api) -> list[str]:
    base = api.contract.base_path
    return [base + operation.path for operation in api.contract.operations.values()]


def _unmatched(request: Request, route: _Route) -> Problem:
    if route.allowed:
        methods = ", ".join(sorted(route.allowed))
        message = f"{request.path[:200]} has no {request.method[:20]}; it has {methods}."
        return Problem("method_not_allowed", message, headers={"Allow": methods})
    path = request.path.removeprefix(route.mount)
    return Problem("not_found", f"No operation has the path {path[:200]!r}{did_you_mean(path, _paths(route.api))}")


def _rate_limited(limit: ratelimit.Limit, seconds: int) -> Problem:
    message = f"The limit of {limit.max} requests in {limit.window:g} seconds is reached; retry after {seconds} s."
    return Problem("rate_limit_exceeded", message)


def _preferred(
    api: Api, operation: Operation, wanted: Preference, sandbox: Sandbox, headers: dict[str, str]
) -> Response:
    """The reply that a `Prefer` header asks for: an error in the API's shape, or a sample."""
    status = wanted.code or operation.success
    if operation.reply(status) is None:
        message = f"Prefer: code={status} is not declared; {operation.id} has {', '.join(operation.declared)}."
        raise Problem("invalid_request", message)
    if status == 429:
        headers.setdefault("Retry-After", "1")
        if "X-RateLimit-Remaining" in headers:
            headers["X-RateLimit-Remaining"] = "0"
    if status in BY_STATUS and not wanted.example and not wanted.dynamic:
        response = _problem(api, Problem(BY_STATUS[status].name))
        if not operation.check_response(response):
            return response
    rng = random.Random(f"{sandbox.terms.seed} {sandbox.store.increment('dynamic')}") if wanted.dynamic else None
    try:
        return api.contract.sample(operation, status, wanted.example, rng)
    except KeyError:
        message = f"Prefer: example={wanted.example[:60]} is not an example of {operation.id} {status}."
        raise Problem("invalid_request", message) from None


def _problem(api: Api, problem: Problem) -> Response:
    return Response(problem.status, api.error_body(problem), dict(problem.headers), api.error_media_type)


def _guard(operation: Operation, response: Response, exchange: Exchange) -> Response:
    """Let no reply out that breaks the contract; that would be our bug, and is answered as one."""
    violations = operation.check_response(response)
    if not violations:
        return response
    exchange.violations += violations
    exchange.defect = f"the reply of {operation.id} with status {response.status} breaks the contract"
    return Response(500, defect_body(exchange.defect, violations), {}, "application/problem+json")


def _failure() -> Response:
    body = defect_body("the mock server failed to answer; its log says why", [])
    response = Response(500, body, {}, "application/problem+json")
    _serialise(response)
    return response


def _serialise(response: Response) -> None:
    if response.media_type is None:
        response.content = b""
    elif is_json(response.media_type):
        response.content = orjson.dumps(response.data)
    else:
        response.content = response.data if isinstance(response.data, bytes) else str(response.data).encode()
