"""The life of a request, from top to bottom: match, let the scenario decide, authenticate, limit, validate, see that
it can be paid, behave, store and charge, validate the response, do the deliberate fault, record.

One synchronous function for the socket, the fixture and the fuzzer alike. It knows no vendor and
no HTTP server; time is read once, from the sandbox's clock.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mockserver.apis import Api
from mockserver.apis.api import tell_tables_apart
from mockserver.apis.routes import MAX_BODY, Route, Routes, allow
from mockserver.clock import monotonic, wall_time
from mockserver.contract import Unsatisfiable
from mockserver.errors import Problem, did_you_mean
from mockserver.journal import entries as journal
from mockserver.journal.logs import MAX_ID
from mockserver.journal.masking import Masking
from mockserver.journal.metrics import Metrics
from mockserver.messages import Exchange, Headers, Request, Response
from mockserver.pipeline.defects import describe
from mockserver.pipeline.response import (
    FAILURE,
    apply_fault,
    echo_id,
    failure,
    serialise,
    tell_reason,
    verify_wire,
)
from mockserver.pipeline.turn import Turn
from mockserver.pipeline.waiting import Steps, answered
from mockserver.records import record
from mockserver.sandbox.backends import Maker
from mockserver.sandbox.deliveries import Deliveries
from mockserver.sandbox.sandbox import Sandbox
from mockserver.sandbox.sandboxes import MAX_NAMED, Bounds, NoSandbox, Sandboxes
from mockserver.sandbox.world import Terms, World
from mockserver.scenarios import Scenario
from mockserver.state.store import Wait
from mockserver.text.fields import sandbox_in

if TYPE_CHECKING:
    from mockserver.contract.reference.referee import Mode, Referee

log = logging.getLogger("mockserver")


@record(frozen=True)
class Checks:
    """What is checked beyond the contract's own validation, which is never left out."""

    verify_wire: bool = False
    """Also read the bytes that are about to leave, and check what they say."""
    oracle: Mode = "off"
    """When to ask openapi-core too. What it sees otherwise is a defect, which the journal tells."""


def perform(turn: Turn) -> Response:
    """The stages in their order. The first that has a response, or raises a Problem, decides."""
    headers, ruled = turn.request.headers, turn.world.scenarios
    try:
        response = (
            (turn.decode() if "content-encoding" in headers else None)  # 400, 413, 415
            or (turn.decide() if ruled else None)  # the scenario, once; it may lose the request here
            or (turn.script("key") if ruled else None)  # a rule's 401 or 403
            or turn.authenticate()
            or turn.limit()  # X-RateLimit-*; 401, a rule's 429 or 5xx, 429
            or (turn.prefer_early() if "prefer" in headers else None)  # Prefer: code=429
            or turn.validate()  # 413, 415, 400
            or (turn.prefer() if turn.preference else None)  # Prefer: code=402, example=NAME
            or (turn.negotiate() if "accept" in headers else None)  # 406
            or (turn.script("content") if ruled else None)  # a rule's response to a good request
            or (turn.replay() if turn.plan.idempotency else None)  # the response that an idempotency key had, 409
            or turn.behave()  # 402 before anything is created; rows and charge in one step
        )
    except Unsatisfiable as problem:
        return turn.give_up(problem)  # 501: the document has a schema that nothing satisfies
    except Problem as problem:
        try:
            response = turn.refuse(problem)
        except Unsatisfiable as missing:
            return turn.give_up(missing)  # the same, of a declared error
    response = turn.check(response)
    if ruled or turn.plan.follows:
        turn.follow_up(response)
    return response


class Pipeline:
    """Answers requests to some APIs.

    Args:
        apis: the APIs, at least one.
        terms: how sandboxes start.
        bounds: how many sandboxes there may be.
        max_body: bytes of a request body that are taken; a longer one is rejected with 413.
        journal_body: bytes of each body that journals keep.
        checks: what is checked beyond the contract's own validation.
        show_secrets: record keys and cookies as they were sent.
        scenarios: the scenarios that the default sandbox starts with.
        backend: makes the sandboxes, which are in this process or shared.
        callback_hosts: hosts beside loopback that webhooks may be sent to.
    """

    def __init__(
        self,
        apis: Sequence[Api],
        *,
        terms: Terms | None = None,
        bounds: Bounds | None = None,
        max_body: int = MAX_BODY,
        journal_body: int = journal.MAX_BODY,
        checks: Checks | None = None,
        show_secrets: bool = False,
        scenarios: Sequence[Scenario] = (),
        backend: Maker = Sandboxes,
        callback_hosts: Sequence[str] = (),
    ) -> None:
        checks = checks or Checks()
        tell_tables_apart(apis)
        self.apis = {api.name: api for api in apis}
        self.journal_body = journal_body
        self._max_body, self._oracle = max_body, checks.oracle
        self.routes = Routes(self.apis, max_body)
        self._verify_wire = checks.verify_wire
        self._referees: dict[str, Referee] = {}
        if checks.oracle != "off":
            from mockserver.contract.reference.referee import Referee  # few servers ask it

            self._referees = {api.name: Referee(api.contract, checks.oracle) for api in apis}
        self.sandboxes = backend(self.apis, terms or Terms(), bounds or Bounds(), scenarios)
        self.masking = Masking(show=show_secrets)
        for api in apis:
            self._mask(api)
        self.deliveries = Deliveries(self.apis, self._world, tuple(callback_hosts), self.masking)
        self.metrics = Metrics()
        self.metrics.watch("sandboxes", lambda: self.sandboxes.count())
        self.metrics.watch("store_problems", lambda: len(self.sandboxes.problems()))

    def add(self, api: Api) -> None:
        """Serve another API beside the others from now on."""
        tell_tables_apart([*self.apis.values(), api])
        self.replace(api)

    def replace(self, api: Api) -> None:
        """Serve another API of the same name from now on. Requests on their way are answered by the one before.

        Its tables must be told apart from those of the others already.
        """
        self._mask(api)
        self.apis[api.name] = api
        self.routes = Routes(self.apis, self._max_body)
        if self._referees:
            from mockserver.contract.reference.referee import Referee

            self._referees[api.name] = Referee(api.contract, self._oracle)

    def _mask(self, api: Api) -> None:
        """Keep what the contract calls credentials out of everything that is recorded."""
        names = [(credential.place, credential.name) for credential in api.contract.credentials]
        self.masking.cover(
            [n for place, n in names if place == "header"], [n for place, n in names if place == "query"]
        )

    def moved(self, sandbox: Sandbox) -> None:
        """Do what has become due in a sandbox, whose clock was moved or whose tasks are new."""
        sandbox.settle()
        self.deliveries.wake(sandbox.name)

    def _world(self, name: str) -> World | None:
        try:
            return self.sandboxes.get(name).world
        except NoSandbox:
            return None

    @property
    def sandbox(self) -> Sandbox:
        """The default sandbox."""
        return self.sandboxes.default

    def most_body(self, method: str, path: str) -> int:
        """Bytes of a body that a request to a path may have."""
        return self.routes.most_body(method, sandbox_in(path)[1])

    def handle(self, request: Request) -> Response:
        """Answer a request. Never raises: a failure of ours is a 500, and stands in the journal."""
        return self.exchange(request).response or failure()

    def exchange(self, request: Request) -> Exchange:
        """Answer a request; the exchange tells what became of it. With a shared store, wait for that."""
        if self.sandboxes.is_shared:
            return answered(self.steps(request))
        started = monotonic()
        name, path = sandbox_in(request.path)
        world, now, rate = self.sandboxes.enter(name, request)
        turn = Turn(world, Exchange(request, now))
        self._live(turn, name, path, started, rate)
        self._tell(turn)
        return turn.exchange

    def steps(self, request: Request) -> Steps:
        """The same with a shared store, for whoever waits: yields each time what is to be asked, gets the answer.

        The request is run until it needs an answer, and then again with it, see `redis.trip`. What it does stands in
        the store when the last answer is there; only then is it told of.
        """
        started = monotonic()
        name, path = sandbox_in(request.path)
        try:
            visit = self.sandboxes.visit(name, request)
        except Problem as problem:
            return self._nowhere(request, path, problem)
        while True:
            turn = None
            with contextlib.suppress(Wait):
                world, now, rate = visit.enter()
                attempt = Turn(world, Exchange(request, now))
                self._live(attempt, name, path, started, rate)
                turn = attempt
            try:
                is_over = visit.took((yield visit.command))
            except Problem as problem:
                if turn is not None and visit.is_done:
                    # What was done is done: the client hears of that, not that the journal was out of reach.
                    log.warning("an exchange of sandbox %s is not in its journal: %s", world.sandbox, problem)
                    is_over = True
                elif visit.failed(problem):
                    is_over = False
                else:
                    return self._nowhere(request, path, problem)
            if is_over and turn is not None:
                turn.exchange.number = visit.number
                self._tell(turn)
                return turn.exchange

    def _live(self, turn: Turn, name: str | None, path: str, started: float, rate: float) -> None:
        """Answer, do the deliberate fault, and write the journal, whatever happens.

        Nothing is changed but in the world's store and its clock, so a request can be run again.
        """
        exchange, world = turn.exchange, turn.world
        exchange.sandbox = world.sandbox
        try:
            response = self._answer(turn, name, path)
        except Exception as error:
            response = self._fail(exchange, error)
        exchange.response, request = response, turn.request
        disagreement = self._second_opinion(turn) if self._referees else ""
        if exchange.reason:
            tell_reason(turn.operation, exchange, response, self.masking.cleaner(request))
        if "x-request-id" in request.headers:
            echo_id(turn.operation, exchange, response)
        waited = 0.0
        if (exchange.rule or turn.more is not None) and not exchange.defect:
            try:
                waited = apply_fault(
                    world, exchange, response, turn.decision, turn.more.latency if turn.more is not None else None
                )
            except Problem as problem:
                log.warning("the clock of sandbox %s did not follow a wait: %s", world.sandbox, problem)
        if disagreement and not exchange.defect:
            exchange.defect = disagreement
        exchange.duration = monotonic() - started
        exchange.replied_at = exchange.at + exchange.duration * rate + waited
        exchange.number = world.store.append(*journal.recorded(exchange, self.masking, self.journal_body))

    def record(self, world: World, exchange: Exchange) -> None:
        """Write an exchange that somebody else has finished into the journal of its world."""
        try:
            exchange.number = world.store.append(*journal.recorded(exchange, self.masking, self.journal_body))
        except Problem as problem:
            # What was done is done: the client hears of that, and not that the shared journal was out of reach.
            log.warning("an exchange of sandbox %s is not in its journal: %s", world.sandbox, problem)
        self.metrics.record(exchange)

    def _answer(self, turn: Turn, name: str | None, path: str) -> Response:
        """A response that may leave: the operation's, or why there is no operation."""
        try:
            route = self._match(turn, name, path)
        except Problem as problem:
            response = self._refuse(turn.exchange, path, problem)
        else:
            if route.plan is None:
                response = Response(204, None, Headers(allow=allow(route)), None)
            else:
                response = perform(turn)
                if self._verify_wire:
                    response = verify_wire(route.plan.operation, turn.exchange, response)
        serialise(response, turn.operation)
        return response

    def _match(self, turn: Turn, name: str | None, path: str) -> Route:
        """Find the operation. Raises Problem: 404 for the sandbox or the path, 405 for the method.

        An OPTIONS that is not declared has no operation.
        """
        exchange = turn.exchange
        exchange.stage = "route"
        if name is not None and exchange.sandbox != name:
            raise Problem("not_found", _no_sandbox(self.sandboxes, name))
        method = turn.request.method
        route = turn.route = self.routes.find(method, path)
        exchange.api = route.api.name
        plan = route.plan
        if plan is not None:
            turn.plan, turn.operation = plan, plan.operation
            exchange.operation = plan.operation.id
        elif method != "OPTIONS" or not route.allowed:
            raise self.routes.unmatched(route, method, path)
        return route

    def _refuse(self, exchange: Exchange, path: str, problem: Problem) -> Response:
        """A problem of a request that has no operation, in the shape of the API that it looks like."""
        exchange.reason = problem.message
        api = self.apis.get(exchange.api) or self.routes.nearest(path)
        return api.errors.response(None, problem)

    def _tell(self, turn: Turn) -> None:
        """Let the log, the metrics and the webhooks know of an exchange that is over."""
        exchange = turn.exchange
        if exchange.defect and exchange.reason == FAILURE:
            request, trace = exchange.request, exchange.traceback and f"\n{exchange.traceback}"
            what = exchange.operation or f"{journal.printable(request.method)} {journal.printable(request.path)}"
            log.error("%s failed: %s%s", what, exchange.defect, trace)
        self.metrics.record(exchange)
        if turn.more is not None and turn.more.sends:
            self.deliveries.wake(exchange.sandbox)

    def _nowhere(self, request: Request, path: str, problem: Problem) -> Exchange:
        """The answer while the shared store cannot be reached, which no journal holds."""
        exchange = Exchange(request, wall_time())
        exchange.api = self.routes.find(request.method, path).api.name
        response = exchange.response = self._refuse(exchange, path, problem)
        tell_reason(None, exchange, response, self.masking.cleaner(request))
        what = f"{journal.printable(request.method)} {journal.printable(path)}"
        if "x-request-id" in request.headers:
            echo_id(None, exchange, response)
            what += f" [id {journal.printable(request.headers['x-request-id'][:MAX_ID])}]"
        serialise(response)
        log.warning("%s is answered %d and stands in no journal: %s", what, response.status, exchange.reason)
        self.metrics.record(exchange)
        return exchange

    def _fail(self, exchange: Exchange, error: Exception) -> Response:
        """A 500, and on the exchange what is to be known of the failure."""
        exchange.defect, exchange.traceback = describe(error, self.masking.cleaner(exchange.request))
        exchange.reason = FAILURE
        return failure()

    def _second_opinion(self, turn: Turn) -> str:
        if turn.operation is None:
            return ""
        referee = self._referees[turn.exchange.api]
        disagreement = referee.validate(turn.operation, turn.request, turn.route.values, turn.exchange.response)
        return f"openapi-core disagrees on {disagreement}" if disagreement else ""


def _no_sandbox(sandboxes: Sandboxes, name: str) -> str:
    return f"There is no sandbox {name[:80]!r}{did_you_mean(name, sandboxes.known_names()[:MAX_NAMED])}"
