"""The life of a request, from top to bottom: match, authenticate, limit, validate, see that it can be
paid, behave, store and charge, validate the reply, record.

One synchronous function for the socket, the fixture and the fuzzer alike. It knows no vendor and
no HTTP server; time is read once, from the sandbox's clock.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from mockserver.apis import Api, Behaviour, Call
from mockserver.apis.routes import MAX_BODY, Plan, Route, Routes
from mockserver.clock import monotonic, wall_time
from mockserver.contract import Operation, Unsatisfiable
from mockserver.contract.reference.referee import Mode, Referee
from mockserver.errors import BY_STATUS, Problem, did_you_mean
from mockserver.journal import entries as journal
from mockserver.journal.masking import Masking
from mockserver.journal.metrics import Metrics
from mockserver.messages import MAX_CHANGES, Exchange, Limit, Request, Response
from mockserver.pipeline.auth import authenticate
from mockserver.pipeline.prefer import Preference, read_preference
from mockserver.pipeline.response import broken, damage, echo_id, failure, serialise, unsampled, verify_wire
from mockserver.sandbox.sandbox import Sandbox, Terms
from mockserver.sandbox.sandboxes import Bounds, Sandboxes
from mockserver.scenarios import NO_DECISION, Decision, Scenario
from mockserver.state import ledger, ratelimit

log = logging.getLogger("mockserver")

MAX_TRIES = 100
"""How often a behaviour is asked again when another request changed the rows that it read."""


class Pipeline:
    """Answers requests to some APIs.

    Args:
        apis: the APIs, at least one.
        terms: how sandboxes start.
        bounds: how many sandboxes there may be.
        max_body: bytes of a request body that are taken; a longer one is 413.
        verify_wire: also read the bytes that are about to leave, and check what they say.
        oracle: when to ask openapi-core too. What it sees otherwise is a defect, which the journal tells.
        show_secrets: record keys and cookies as they were sent.
        scenarios: the scenarios that the default sandbox starts with.
        home: makes the sandboxes, which are in this process or shared.
    """

    def __init__(
        self,
        apis: Sequence[Api],
        terms: Terms | None = None,
        bounds: Bounds | None = None,
        max_body: int = MAX_BODY,
        verify_wire: bool = False,
        oracle: Mode = "off",
        show_secrets: bool = False,
        scenarios: Sequence[Scenario] = (),
        home: Callable[[Mapping[str, Api], Terms, Bounds, Sequence[Scenario]], Sandboxes] = Sandboxes,
    ) -> None:
        self.apis = {api.name: api for api in apis}
        self.routes = Routes(self.apis, max_body)
        self._verify_wire = verify_wire
        self._referees = {api.name: Referee(api.contract, oracle) for api in apis} if oracle != "off" else {}
        self.sandboxes = home(self.apis, terms or Terms(), bounds or Bounds(), scenarios)
        places = [credential for api in apis for credential in api.contract.credentials]
        self.masking = Masking(
            [credential.name for credential in places if credential.place == "header"],
            [credential.name for credential in places if credential.place == "query"],
            show_secrets,
        )
        self.metrics = Metrics()
        self.metrics.watch("sandboxes", lambda: self.sandboxes.count())

    @property
    def sandbox(self) -> Sandbox:
        """The default sandbox."""
        return self.sandboxes.default

    def most_body(self, method: str, path: str) -> int:
        """Bytes of a body that a request to a path may have."""
        return self.routes.most_body(method, _sandbox_in(path)[1] if path.startswith("/~") else path)

    def handle(self, request: Request) -> Response:
        """Answer a request. Never raises: a failure of ours is a 500, and stands in the journal."""
        return self.exchange(request).response or failure()

    def exchange(self, request: Request) -> Exchange:
        """Answer a request; the exchange tells what became of it."""
        started = monotonic()
        name, path = _sandbox_in(request.path) if request.path.startswith("/~") else (None, request.path)
        try:
            sandbox, now, rate = self.sandboxes.enter(name, request)
        except Problem as problem:
            return self._nowhere(request, path, problem)
        exchange = Exchange(request, now)
        exchange.sandbox = sandbox.name
        decision, route = NO_DECISION, None
        try:
            if name is not None and sandbox.name != name:
                raise Problem("not_found", _no_sandbox(self.sandboxes, name))
            route = self.routes.find(request.method, path)
            exchange.api = route.api.name
            if route.plan is None:
                raise self.routes.unmatched(route, request.method, path)
            operation = route.plan.operation
            exchange.operation = operation.id
            if sandbox.scenarios:
                decision = sandbox.decide(route.api, request, operation, exchange.at)
                if decision is not NO_DECISION:
                    exchange.rule, exchange.rule_at = decision.rule, decision.at
                    exchange.violates = decision.action.violates
            exchange.response = _answer(sandbox, exchange, route, route.plan, decision)
            if self._verify_wire and not exchange.violates:
                verify_wire(operation, exchange)
        except Problem as problem:
            exchange.response = _problem(self.apis.get(exchange.api) or self.routes.nearest(path), problem)
        except Exception as error:
            exchange.defect = f"{type(error).__name__}: {error}"
            exchange.response = failure()
        finally:
            told = self._second_opinion(route, exchange) if self._referees else ""
            if "x-request-id" in request.headers:
                echo_id(exchange, route)
            _finish(sandbox, exchange, decision, started, rate, told, self.masking)
            self.metrics.record(exchange)
        return exchange

    def _nowhere(self, request: Request, path: str, problem: Problem) -> Exchange:
        """The answer while the shared store cannot be reached, which no journal holds."""
        response = _problem(self.routes.nearest(path), problem)
        serialise(response)
        exchange = Exchange(request, wall_time(), response=response)
        self.metrics.record(exchange)
        return exchange

    def _second_opinion(self, route: Route | None, exchange: Exchange) -> str:
        if route is None or route.plan is None:
            return ""
        referee = self._referees[route.api.name]
        told = referee.judge(route.plan.operation, exchange.request, route.values, exchange.response)
        return f"openapi-core disagrees on {told}" if told else ""


def _answer(sandbox: Sandbox, exchange: Exchange, route: Route, plan: Plan, decision: Decision) -> Response:
    """The reply, or the problem that a stage found; no reply gets out that breaks the contract."""
    headers: dict[str, str] = {}
    try:
        response = _perform(sandbox, exchange, route, plan, decision, headers)
    except Unsatisfiable as problem:
        return unsampled(plan.operation, _problem(plan.api, problem), problem)
    except Problem as problem:
        exchange.violations = problem.violations
        response = _problem(plan.api, problem)
    if response.headers:
        headers.update(response.headers)
    response.headers = headers
    if exchange.lost != "reset_before":
        violations = plan.operation.check_response(response)
        if violations:
            return broken(plan.operation, response, exchange, violations)
    return response


def _perform(
    sandbox: Sandbox, exchange: Exchange, route: Route, plan: Plan, decision: Decision, headers: dict[str, str]
) -> Response:
    """The stages in their order. `headers` is filled with what every reply carries."""
    request, now, api, operation, action = exchange.request, exchange.at, plan.api, plan.operation, decision.action
    scripted = action.reply(now) if action.reply is not None else None
    if action.lost_before:
        exchange.lost = action.lost_before
        return Response(0, media_type=None)
    if scripted is not None and action.stage == "key":
        return scripted
    tenant = api.tenant(request)
    key, refused = "", None
    try:
        key = authenticate(request, plan.security, sandbox.keys)
    except Problem as problem:
        refused = problem
    limit, bucket = sandbox.limit(plan, tenant, key)
    forced = scripted is not None and action.stage == "limit"
    if limit is not None:
        # A request that is refused for its key, or by the scenario, does not count.
        window = sandbox.store.hit(bucket, now, limit.max, limit.window, refused is None and not forced)
        headers.update(ratelimit.headers(window, now))
    if refused is not None:
        raise refused
    if forced and scripted is not None:
        return _at_the_limit(scripted, headers)
    if limit is not None and not window.admitted:
        raise _rate_limited(limit, ratelimit.retry_after(window, now))
    wanted = read_preference(request.headers["prefer"]) if "prefer" in request.headers else None
    if wanted is not None and wanted.early:
        return _preferred(route, api, operation, wanted, sandbox, now, headers)
    if request.too_large or len(request.body) > plan.max_body:
        raise Problem("too_large", f"The request body is larger than {plan.max_body:,} bytes.")
    checked = operation.check_request(request, route.values)
    if checked.violations:
        raise Problem("invalid_request", violations=checked.violations)
    if wanted is not None:
        return _preferred(route, api, operation, wanted, sandbox, now, headers)
    if scripted is not None:
        return scripted
    if plan.behaviour is None or sandbox.terms.stateless:
        response = api.contract.sample(operation, operation.success, values=route.values)
    else:
        caller = sandbox.name if key == sandbox.key else key
        call = Call(checked, request, now, caller, tenant, sandbox.store, sandbox.terms.seed, route.prefix)
        response = _behave(plan, plan.behaviour, call, sandbox, exchange, action.unbilled)
    if action.lost_after:
        exchange.lost = action.lost_after
    if action.patches:
        try:
            action.patch(response)
        except KeyError as error:
            raise RuntimeError(f"rule {decision.rule!r}: {error.args[0]!r} leads nowhere in this reply") from None
    return response


def _behave(
    plan: Plan, behaviour: Behaviour, call: Call, sandbox: Sandbox, exchange: Exchange, unbilled: bool
) -> Response:
    """Behave, and commit what is to be stored together with the charge.

    When the billing write is lost (`unbilled`) the rows stay and nothing is charged.
    """
    store, cost = sandbox.store, 0.0
    if plan.price is not None:
        cost = plan.price(call, sandbox.terms.characters_per_credit)
        ledger.ensure(store, cost)
    charged = 0 if unbilled else cost
    response = behaviour(call)
    tries = 1
    while (call.writes or charged) and (outcome := store.commit(call.writes, charged)) != "done":
        if outcome == "unpaid":
            ledger.ensure(store, cost)
        if outcome == "full":
            raise Problem("unavailable", "The sandbox has no room for more rows; delete some, or reset it.")
        if tries == MAX_TRIES:
            raise Problem("unavailable", "Others keep changing the same rows; try again.")
        tries += 1
        call.forget()
        response = behaviour(call)
    exchange.committed = True
    if call.writes:
        exchange.changed = len(call.writes)
        exchange.changes = call.changes[:MAX_CHANGES]
    if plan.price is not None:
        exchange.charged = charged
        plan.api.bill(response.data, None if unbilled else charged)
    return response


def _finish(
    sandbox: Sandbox,
    exchange: Exchange,
    decision: Decision,
    started: float,
    rate: float,
    told: str,
    masking: Masking,
) -> None:
    """Serialise, do the deliberate damage, and write the journal, whatever happened."""
    response = exchange.response
    if response is None:
        response = exchange.response = failure()
    serialise(response)
    waited = 0.0
    try:
        if decision.rule and not exchange.defect:
            waited = damage(sandbox.clock, exchange, response, decision)
    except Problem as problem:
        log.warning("the clock of sandbox %s did not follow a wait: %s", sandbox.name, problem)
    if told and not exchange.defect:
        exchange.defect = told
    exchange.duration = monotonic() - started
    exchange.replied_at = exchange.at + exchange.duration * rate + waited
    try:
        exchange.number = sandbox.store.append(journal.encode(exchange, masking))
    except Problem as problem:
        # What was done is done: the client hears of that, and not that the shared journal was out of reach.
        log.warning("an exchange of sandbox %s is not in its journal: %s", sandbox.name, problem)


def _sandbox_in(path: str) -> tuple[str, str]:
    """The sandbox that `/~NAME/...` names, and the rest of the path."""
    name, slash, rest = path[2:].partition("/")
    return unquote(name), slash + rest


def _no_sandbox(sandboxes: Sandboxes, name: str) -> str:
    known = [sandbox.name for sandbox in sandboxes.all()]
    return f"There is no sandbox {name[:80]!r}{did_you_mean(name, known)}"


def _at_the_limit(scripted: Response, headers: dict[str, str]) -> Response:
    """A scripted 429 is one to its headers: nothing remains, and only its own words say for how long."""
    if scripted.status == 429:
        headers.pop("retry-after", None)
        if "x-ratelimit-remaining" in headers:
            headers["x-ratelimit-remaining"] = "0"
    return scripted


def _rate_limited(limit: Limit, seconds: int) -> Problem:
    message = f"The limit of {limit.max} requests in {limit.window:g} seconds is reached; retry after {seconds} s."
    return Problem("rate_limit_exceeded", message)


def _preferred(
    route: Route,
    api: Api,
    operation: Operation,
    wanted: Preference,
    sandbox: Sandbox,
    now: float,
    headers: dict[str, str],
) -> Response:
    """The reply that a `Prefer` header asks for: an error in the API's shape, or a sample."""
    status = wanted.code or operation.success
    if operation.reply(status) is None:
        message = f"Prefer: code={status} is not declared; {operation.id} has {', '.join(operation.declared)}."
        raise Problem("invalid_request", message)
    if status == 429:
        headers.setdefault("retry-after", "1")
        if "x-ratelimit-remaining" in headers:
            headers["x-ratelimit-remaining"] = "0"
    if status in BY_STATUS and not wanted.example and not wanted.dynamic:
        response = _problem(api, Problem(BY_STATUS[status].name))
        if not operation.check_response(response):
            return response
    rng, moment = None, None
    if wanted.dynamic:
        rng = random.Random(f"{sandbox.terms.seed} {sandbox.store.increment('dynamic')}")
        moment = datetime.fromtimestamp(now, UTC)
    try:
        return api.contract.sample(operation, status, wanted.example, rng, route.values, moment)
    except KeyError:
        message = f"Prefer: example={wanted.example[:60]} is not an example of {operation.id} {status}."
        raise Problem("invalid_request", message) from None


def _problem(api: Api, problem: Problem) -> Response:
    return Response(problem.status, api.error_body(problem), dict(problem.headers), api.error_media_type)
