"""The life of a request, from top to bottom: match, authenticate, limit, validate, reserve,
behave, charge, validate the reply, record.

One synchronous function for the socket, the fixture and the fuzzer alike. It knows no vendor and
no HTTP server; time is read once, from the sandbox's clock.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from mockserver import journal, ledger, ratelimit
from mockserver.apis import Api, Behaviour, Call
from mockserver.auth import authenticate
from mockserver.clock import Clock, monotonic
from mockserver.contract import Operation
from mockserver.contract.bodies import is_json
from mockserver.documents import to_json
from mockserver.errors import BY_STATUS, Problem, did_you_mean, nearest
from mockserver.messages import MAX_CHANGES, Change, Delivery, Exchange, Request, Response
from mockserver.prefer import Preference, read_preference
from mockserver.problems import defect_body
from mockserver.sandbox import Bounds, Sandbox, Sandboxes, Terms
from mockserver.scenarios import NO_DECISION, Decision

MAX_TRIES = 100
"""How often a behaviour is asked again when another request changed the rows that it read."""
MAX_BODY = 1024 * 1024
"""Bytes of a request body that are taken by default."""


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
        terms: how sandboxes start.
        bounds: how many sandboxes there may be.
        max_body: bytes of a request body that are taken; a longer one is 413. An operation that needs
            more by its nature (`x-max-body-bytes`) has it, unless less than the default was asked for.
    """

    def __init__(
        self,
        apis: Sequence[Api],
        terms: Terms | None = None,
        bounds: Bounds | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self.apis = {api.name: api for api in apis}
        self._max_body = max_body
        self.sandboxes = Sandboxes(self.apis, terms or Terms(), bounds or Bounds())

    @property
    def sandbox(self) -> Sandbox:
        """The default sandbox."""
        return self.sandboxes.default

    def handle(self, request: Request) -> Response:
        """Answer a request. Never raises: a failure of ours is a 500, and stands in the journal."""
        return self.exchange(request).response or _failure()

    def exchange(self, request: Request) -> Exchange:
        """Answer a request; the exchange tells what became of it."""
        started = monotonic()
        name, path = _sandbox_in(request.path)
        sandbox = self.sandboxes.find(name, request) or self.sandboxes.default
        sandbox.used_at = started
        exchange = Exchange(request, sandbox.clock.now(), sandbox=sandbox.name)
        decision = NO_DECISION
        try:
            if name is not None and sandbox.name != name:
                raise Problem("not_found", _no_sandbox(self.sandboxes, name))
            route = self._route(request, path)
            exchange.api = route.api.name
            if route.operation is None:
                raise _unmatched(request, route, path)
            exchange.operation = route.operation.id
            decision = sandbox.decide(route.api, request, route.operation, exchange.at)
            exchange.rule, exchange.rule_at = decision.rule, decision.at
            exchange.violates = decision.action.violates
            exchange.response = self._answer(sandbox, exchange, route, route.operation, decision)
        except Problem as problem:
            exchange.response = _problem(self.apis.get(exchange.api) or self._nearest(path), problem)
        except Exception as error:
            exchange.defect = f"{type(error).__name__}: {error}"
            exchange.response = _failure()
        finally:
            self._finish(sandbox, exchange, decision, started)
        return exchange

    def _finish(self, sandbox: Sandbox, exchange: Exchange, decision: Decision, started: float) -> None:
        """Serialise, do the deliberate damage, and write the journal, whatever happened."""
        response = exchange.response or _failure()
        exchange.response = response
        _serialise(response)
        if decision.rule and not exchange.defect:
            _damage(sandbox.clock, exchange, response, decision)
        # A clock that runs has not yet passed the latency that the client is made to wait.
        waiting = response.delivery.latency if response.delivery and sandbox.clock.rate else 0.0
        exchange.replied_at = sandbox.clock.now() + waiting
        exchange.duration = monotonic() - started
        sandbox.store.append(journal.record(exchange))
        sandbox.answered[f'api="{exchange.api}",operation="{exchange.operation}",status="{exchange.status}"'] += 1

    def _answer(
        self, sandbox: Sandbox, exchange: Exchange, route: _Route, operation: Operation, decision: Decision
    ) -> Response:
        headers: dict[str, str] = {}
        try:
            response = self._perform(sandbox, exchange, route, operation, decision, headers)
        except Problem as problem:
            exchange.violations += problem.violations
            response = _problem(route.api, problem)
        response.headers = {**headers, **response.headers}
        return _guard(operation, response, exchange)

    def _perform(
        self,
        sandbox: Sandbox,
        exchange: Exchange,
        route: _Route,
        operation: Operation,
        decision: Decision,
        headers: dict[str, str],
    ) -> Response:
        """The stages in their order. `headers` is filled with what every reply carries."""
        request, api, now, action = exchange.request, route.api, exchange.at, decision.action
        scripted = action.reply(now) if action.reply is not None else None
        if action.fault.before_commit():
            exchange.lost = action.fault.before_commit()
            return Response(0, media_type=None)
        if scripted is not None and action.stage == "key":
            return scripted
        tenant = api.tenant(request)
        key, refused = "", None
        try:
            key = authenticate(request, api.contract.security(operation), sandbox.terms.keys)
        except Problem as problem:
            refused = problem
        limit, bucket = sandbox.limit(api, operation, tenant, key)
        forced = scripted is not None and action.stage == "limit"
        if limit is not None:
            # A request that is refused for its key, or by the scenario, does not count.
            count = refused is None and not forced
            window = sandbox.store.hit(bucket, now, limit.max, limit.window, count)
            headers.update(ratelimit.headers(window, now))
        if refused is not None:
            raise refused
        if forced and scripted is not None:
            return _at_the_limit(scripted, headers)
        if limit is not None and not window.admitted:
            raise _rate_limited(limit, ratelimit.retry_after(window, now))
        wanted = read_preference(request.headers["prefer"]) if "prefer" in request.headers else None
        if wanted is not None and wanted.early:
            return _preferred(api, operation, wanted, sandbox, headers)
        limit_bytes = self._limit(operation)
        if request.too_large or len(request.body) > limit_bytes:
            raise Problem("too_large", f"The request body is larger than {limit_bytes:,} bytes.")
        checked = operation.check_request(request, route.values)
        if checked.violations:
            raise Problem("invalid_request", violations=checked.violations)
        if wanted is not None:
            return _preferred(api, operation, wanted, sandbox, headers)
        if scripted is not None:
            return scripted
        behaviour = api.behaviours.get(operation.id)
        if behaviour is None or sandbox.terms.stateless:
            response = api.contract.sample(operation, operation.success)
        else:
            base_url = f"http://{request.headers.get('host', 'localhost')}{route.mount}"
            caller = sandbox.name if key == sandbox.key else key
            call = Call(checked.params, checked.body, now, caller, tenant, sandbox.store, sandbox.terms.seed, base_url)
            response = _behave(api, operation, behaviour, call, sandbox, exchange, action.fault.loses_billing())
        exchange.lost = action.fault.after_commit()
        try:
            action.patch(response)
        except KeyError as error:
            raise RuntimeError(f"rule {decision.rule!r}: {error.args[0]!r} leads nowhere in this reply") from None
        return response

    def _limit(self, operation: Operation) -> int:
        return self._max_body if self._max_body < MAX_BODY else max(self._max_body, operation.max_body)

    @property
    def most_body(self) -> int:
        """Bytes of the largest body that any operation takes."""
        operations = [o for api in self.apis.values() for o in api.contract.operations.values()]
        return max([self._max_body, *map(self._limit, operations)])

    def _route(self, request: Request, path: str) -> _Route:
        segments = path.strip("/").split("/")
        mount = request.path.removesuffix(path)
        named = self.apis.get(segments[0])
        if named is not None:
            return _Route(named, *named.contract.match(request.method, segments[1:]), f"{mount}/{named.name}")
        for api in self.apis.values():
            operation, values, allowed = api.contract.match(request.method, segments)
            if operation is not None or allowed:
                return _Route(api, operation, values, allowed, mount)
        return _Route(self._nearest(path), None, {}, [], mount)

    def _nearest(self, path: str) -> Api:
        """The API whose error shape suits an unknown path: the one with the likest path."""
        owners = {known: api for api in self.apis.values() for known in _paths(api)}
        likest = nearest(path, owners)
        return owners[likest] if likest else next(iter(self.apis.values()))


def _paths(api: Api) -> list[str]:
    base = api.contract.base_path
    return [base + operation.path for operation in api.contract.operations.values()]


def _sandbox_in(path: str) -> tuple[str | None, str]:
    """The sandbox that `/~NAME/...` names, and the rest of the path."""
    if not path.startswith("/~"):
        return None, path
    name, slash, rest = path[2:].partition("/")
    return unquote(name), slash + rest


def _no_sandbox(sandboxes: Sandboxes, name: str) -> str:
    known = [sandbox.name for sandbox in sandboxes.all()]
    return f"There is no sandbox {name[:80]!r}{did_you_mean(name, known)}"


def _unmatched(request: Request, route: _Route, path: str) -> Problem:
    if route.allowed:
        methods = ", ".join(sorted(route.allowed))
        message = f"{path[:200]} has no {request.method[:20]}; it has {methods}."
        return Problem("method_not_allowed", message, headers={"Allow": methods})
    path = request.path.removeprefix(route.mount)
    return Problem("not_found", f"No operation has the path {path[:200]!r}{did_you_mean(path, _paths(route.api))}")


def _at_the_limit(scripted: Response, headers: dict[str, str]) -> Response:
    """A scripted 429 is one to its headers: nothing remains, and only its own words say for how long."""
    if scripted.status == 429:
        headers.pop("Retry-After", None)
        if "X-RateLimit-Remaining" in headers:
            headers["X-RateLimit-Remaining"] = "0"
    return scripted


def _behave(
    api: Api,
    operation: Operation,
    behaviour: Behaviour,
    call: Call,
    sandbox: Sandbox,
    exchange: Exchange,
    unbilled: bool,
) -> Response:
    """Reserve, behave, and commit what is to be stored together with the charge.

    When the billing write is lost (`unbilled`) the rows stay and nothing is charged.
    """
    store, price = sandbox.store, api.costs.get(operation.id)
    cost = price(call, sandbox.terms.characters_per_credit) if price is not None else 0
    if price is not None:
        ledger.reserve(store, cost)
    try:
        for _ in range(MAX_TRIES):
            response = behaviour(call)
            charged = 0 if unbilled else cost
            if store.commit(call.writes, cost, charged):
                break
            call.writes.clear()
        else:
            raise Problem("unavailable", "Others keep changing the same rows; try again.")
    except BaseException:
        if cost:
            ledger.release(store, cost)
        raise
    exchange.committed = True
    exchange.changed = len(call.writes)
    exchange.changes = [Change(write.kind, write.table, write.id) for write in call.writes[:MAX_CHANGES]]
    if price is not None:
        exchange.charged = charged
        api.bill(response.data, None if unbilled else charged)
    return response


def _damage(clock: Clock, exchange: Exchange, response: Response, decision: Decision) -> None:
    """What the rule's fault does to a finished reply, and how long the client has to wait for it.

    A frozen clock is moved ahead by the wait, which then takes no real time; a clock that runs at a
    rate makes the wait shorter by that rate.
    """
    fault = decision.action.fault
    exchange.faults = list(decision.action.faults)
    fault.damage(response)
    delivery = Delivery(lost=exchange.lost)
    fault.pace(delivery, decision.random)
    pieces = len(response.content or b"") // delivery.chunk if delivery.chunk else 0
    delivery.latency = delivery.delay
    waited = delivery.delay + delivery.every * pieces
    if clock.rate:
        delivery.delay, delivery.every = delivery.delay / clock.rate, delivery.every / clock.rate
    elif waited:
        clock.advance(waited)
        delivery.delay = delivery.every = 0.0
    response.delivery = delivery


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
    """Let no reply out that breaks the contract, unless a rule declared it.

    Anything else would be our bug, and is answered as one.
    """
    if exchange.lost == "reset_before":
        return response
    violations = operation.check_response(response)
    if not violations:
        return response
    if exchange.violates:
        exchange.violations += [replace(violation, side="declared") for violation in violations]
        return response
    exchange.violations += violations
    rule = f" made by rule {exchange.rule!r}" if exchange.rule else ""
    exchange.defect = f"the reply of {operation.id} with status {response.status}{rule} breaks the contract"
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
        response.content = to_json(response.data)
    else:
        response.content = response.data if isinstance(response.data, bytes) else str(response.data).encode()
