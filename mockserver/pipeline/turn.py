"""One request on its way: what the stages of its life know of it, and the stages, one method each.

A stage returns the response when it is the one that decides, raises a Problem when it refuses, and returns None
to pass the request on. `pipeline.perform` says in which order they come. No stage knows of HTTP servers.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

from mockserver.apis import Behaviour, Call
from mockserver.apis.api import response_of
from mockserver.apis.base import Answer
from mockserver.apis.routes import Plan, Route
from mockserver.contract import Checked, Operation
from mockserver.errors import BY_STATUS, Problem
from mockserver.messages import MAX_CHANGES, Exchange, Limit, Limited, Response
from mockserver.pipeline.auth import authenticate, challenges
from mockserver.pipeline.codings import decoded
from mockserver.pipeline.defects import Defect, defined_at
from mockserver.pipeline.prefer import Preference, read_preference
from mockserver.pipeline.response import contract_breach, unsampled
from mockserver.sandbox.world import World
from mockserver.scenarios import NO_DECISION, Decision
from mockserver.scenarios.stages import Stage
from mockserver.state import ledger, ratelimit

MAX_TRIES = 100
"""How often a behaviour is asked again when another request changed the rows that it read."""


class Turn:
    """One request on its way.

    Args:
        world: the world that it is answered in.
        exchange: where it is written down what becomes of it.

    The stages may be asked once `route`, `plan` and `operation` are set.
    """

    __slots__ = (
        "checked",
        "decision",
        "exchange",
        "headers",
        "key",
        "operation",
        "plan",
        "preference",
        "refusal",
        "request",
        "route",
        "scripted",
        "tenant",
        "world",
    )

    route: Route
    """Where it goes."""
    plan: Plan
    """What it takes to answer its operation."""
    checked: Checked
    """The request as the contract reads it."""

    def __init__(self, world: World, exchange: Exchange) -> None:
        self.world = world
        self.exchange = exchange
        self.request = exchange.request
        self.operation: Operation | None = None
        """None when no operation has the path and the method."""
        self.decision: Decision = NO_DECISION
        """What the scenario does to it."""
        self.scripted: Response | None = None
        """The response of the scenario's rule."""
        self.tenant = self.key = ""
        """The partition of the state, and the caller's key."""
        self.refusal: Problem | None = None
        """Why the key is not valid; raised once the limit is known, which a 401 tells too."""
        self.headers: dict[str, str] = {}
        """What every response carries, whichever stage made it."""
        self.preference: Preference | None = None
        """What the `Prefer` header asks for."""

    def decode(self) -> Response | None:
        """Undo the content codings of the body, so that everything after this sees what was meant: 400, 413, 415."""
        self.exchange.stage = "validation"
        self.request = self.exchange.request = decoded(self.request, self.plan.max_body)
        return None

    def decide(self) -> Response | None:
        """Ask the scenario, once. A rule may lose the request before anything is done."""
        exchange = self.exchange
        decision = self.world.decide(self.plan.api.name, self.request, self.plan.operation, exchange.at)
        if decision is NO_DECISION:
            return None
        self.decision, action = decision, decision.action
        exchange.rule, exchange.rule_at, exchange.violates = decision.rule, decision.at, action.violates
        exchange.rule_call = decision.call
        if action.patches:
            exchange.rule_action = "change"
        if action.reply is not None:
            exchange.rule_action = action.stage
            self.scripted = action.reply(self.plan.operation, exchange.at)
        if action.lost_before:
            exchange.stage, exchange.lost = "rule", action.lost_before
            return Response(0, media_type=None)
        return None

    def script(self, stage: Stage) -> Response | None:
        """The rule's own response, if it is given at this stage."""
        if self.decision.action.stage != stage:
            return None
        self.exchange.stage = "rule"
        if stage == "limit" and self.scripted is not None and self.scripted.status == 429:
            # A scripted 429 is one to its headers: nothing remains, and only its own words say for how long.
            self.headers.pop("retry-after", None)
            self._exhaust()
        return self.scripted

    def authenticate(self) -> Response | None:
        """Find out the tenant and the key."""
        self.exchange.stage = "key"
        self.tenant = self.plan.api.tenant(self.request)
        try:
            plan = self.plan
            self.key = authenticate(self.request, plan.security, self.world.keys or plan.keys, plan.api.name)
        except Problem as problem:
            self.refusal = problem
        return None

    def limit(self) -> Response | None:
        """Count the request in its window, and tell the limit; 401, the rule's response at this stage, or 429."""
        world, exchange, refusal = self.world, self.exchange, self.refusal
        limit, window_name = world.limit(self.plan, self.tenant, self.key)
        is_scripted = self.scripted is not None and self.decision.action.stage == "limit"
        if limit is not None:
            # A request that is refused for its key, or by the scenario, does not count.
            now, counts = exchange.at, refusal is None and not is_scripted
            window = world.store.hit(window_name, now, limit.max, limit.window, counts)
            told = self.plan.limit
            self.headers = ratelimit.headers(window, now) if told is None else ratelimit.told(window, now, limit, told)
        if refusal is not None:
            raise refusal
        if self.plan.restricts:
            self._may()
        exchange.stage = "limit"
        if is_scripted:
            return self.script("limit")
        if limit is not None and not window.admitted:
            seconds = ratelimit.retry_after(window, now)
            exchange.limited = Limited(limit.max, limit.window, window.free_at, *world.counted_together(self.plan))
            raise _rate_limited(limit, seconds, self.headers.get("retry-after", str(seconds)))
        return None

    def prefer_early(self) -> Response | None:
        """The response that a `Prefer` header asks for, if the vendor would give it without a look at the content."""
        self.exchange.stage = "prefer"
        self.preference = read_preference(self.request.headers["prefer"])
        return self._preferred(self.preference) if self.preference is not None and self.preference.early else None

    def validate(self) -> Response | None:
        """Read the request by the contract: 413, 415, 400."""
        request, plan = self.request, self.plan
        self.exchange.stage = "validation"
        if request.too_large or len(request.body) > plan.max_body:
            raise Problem("too_large", f"The request body is larger than {plan.max_body:,} bytes.")
        checked = self.checked = plan.operation.check_request(request, self.route.values)
        if checked.violations:
            raise Problem("invalid_request", violations=checked.violations)
        return None

    def prefer(self) -> Response | None:
        """The response that a `Prefer` header asks for, the request being good."""
        self.exchange.stage = "prefer"
        return self._preferred(self.preference or Preference())

    def negotiate(self) -> Response | None:
        """See that the client takes a media type of the success: 406, unless the sandbox is lenient."""
        accept = self.request.headers["accept"]
        if accept != "*/*" and not self.plan.operation.accepted_by(accept) and not self.world.terms.lenient_accept:
            types = self.plan.operation.success_types
            raise Problem("not_acceptable", f"Accept is {accept[:100]!r}; {self.plan.operation.id} answers {types}.")
        return None

    def behave(self) -> Response:
        """Answer from state, or with a sample where there is no behaviour; then what a rule changes of it."""
        plan, action, world = self.plan, self.decision.action, self.world
        if world.terms.stateless or (plan.behaviour is None and plan.price is None):
            self.exchange.stage = "sample"
            response = self._sample()
        else:
            response = self._commit(plan.behaviour or (lambda call: self._sample()))
        if action.lost_after:
            self.exchange.lost = action.lost_after
        if action.patches:
            try:
                action.patch(response)
            except KeyError as error:
                where = f"rule {self.decision.rule!r} ({self.decision.at})"
                raise Defect(f"{where}: {error.args[0]!r} leads nowhere in this response") from None
        return response

    def _sample(self) -> Response:
        """A success from the contract."""
        plan, accept = self.plan, self.request.headers.get("accept", "")
        return plan.api.contract.sample(plan.operation, plan.operation.success, values=self.route.values, accept=accept)

    def refuse(self, problem: Problem) -> Response:
        """The problem that a stage found, as the API tells it."""
        self.exchange.violations = problem.violations
        self.exchange.reason = problem.message
        return self.plan.api.errors.response(self.plan.operation, problem)

    def give_up(self, problem: Problem) -> Response:
        """The 501 for a schema that nothing satisfies, which is the document's fault and named at the start."""
        self.exchange.stage = "sample"
        return unsampled(self.plan.operation, self.refuse(problem), problem)

    def check(self, response: Response) -> Response:
        """Hold the response, with the headers that every one carries, against the contract: what breaks it is a 500."""
        if response.headers:
            headers = response.headers.copy()
            for name, value in headers.items():
                if not isinstance(value, str):
                    raise Defect(f"{self.plan.operation.id} answered with the header {name!r}: {value!r} is no text")
            for name, value in self.headers.items():
                if name not in headers or name in response.sampled:
                    headers[name] = value
            response.headers = headers
        else:
            response.headers = self.headers
        operation = self.plan.operation
        if response.status == 401 and self.plan.security:
            response.headers.setdefault("www-authenticate", challenges(self.plan.security, self.plan.api.name))
        violations = operation.check_response(response) if response.status else []
        return contract_breach(operation, response, self.exchange, violations) if violations else response

    def _commit(self, behaviour: Behaviour) -> Response:
        """See that it can be paid, behave, and store the rows together with the charge.

        When a rule loses the billing write, the rows stay and nothing is charged.
        """
        plan, world, exchange, request = self.plan, self.world, self.exchange, self.request
        store, terms = world.store, world.terms
        # For a sandbox's own key it is the sandbox's name, so that what follows from it is the same in every run.
        caller = world.sandbox if self.key == world.key else self.key
        route = self.route
        call = Call(
            self.checked,
            request,
            exchange.at,
            caller,
            self.tenant,
            store,
            terms.seed,
            route.prefix,
            route.values,
            plan.resource,
        )
        cost = 0.0
        if plan.price is not None:
            exchange.stage = "credits"
            cost = plan.price(call, terms.characters_per_credit)
            ledger.ensure(store, cost)
        exchange.stage = "behaviour"
        unbilled = self.decision.action.unbilled
        charged = 0 if unbilled else cost
        answer = behaviour(call)
        tries = 1
        while (call.writes or charged) and (outcome := store.commit(call.writes, charged)) != "done":
            if outcome == "unpaid":
                exchange.stage = "credits"
                ledger.ensure(store, cost)
                exchange.stage = "behaviour"
            if outcome == "full":
                raise Problem("unavailable", "The sandbox has no room for more rows; delete some, or reset it.")
            if tries == MAX_TRIES:
                raise Problem("unavailable", "Others keep changing the same rows; try again.")
            tries += 1
            call.forget()
            answer = behaviour(call)
        exchange.committed = True
        response = answer if type(answer) is Response else self._meant(behaviour, answer)
        if call.writes:
            exchange.changed = len(call.writes)
            exchange.changes = call.changes[:MAX_CHANGES]
        if plan.price is not None:
            exchange.charged = charged
            plan.api.bill(response.data, None if unbilled else charged)
        return response

    def _meant(self, behaviour: Behaviour, answer: Answer) -> Response:
        """The response that a behaviour means by what it returned. Raises Defect when it means none."""
        try:
            return response_of(self.plan.operation, answer)
        except TypeError as error:
            raise Defect(f"the behaviour of {self.plan.operation.id}, {defined_at(behaviour)}, {error}") from None

    def _preferred(self, preference: Preference) -> Response:
        """An error in the API's shape, or a sample."""
        api, operation = self.plan.api, self.plan.operation
        status = preference.code or operation.success
        if operation.response(status) is None:
            message = f"Prefer: code={status} is not declared; {operation.id} has {', '.join(operation.declared)}."
            raise Problem("invalid_request", message)
        if status == 429:
            self.headers.setdefault("retry-after", "1")
            self._exhaust()
        if status in BY_STATUS and not preference.example and not preference.dynamic:
            response = api.errors.response(operation, Problem(BY_STATUS[status].name))
            if not operation.check_response(response):
                return response
        draws = moment = None
        if preference.dynamic:
            moment = datetime.fromtimestamp(self.exchange.at, UTC)
            draws = random.Random(f"{self.world.terms.seed} {self.world.store.increment('dynamic')}")
        try:
            return api.contract.sample(operation, status, preference.example, draws, self.route.values, moment)
        except KeyError:
            message = f"Prefer: example={preference.example[:60]} is not an example of {operation.id} {status}."
            raise Problem("invalid_request", message) from None

    def _may(self) -> None:
        """See that the key may do what is asked for. Raises Problem: 403."""
        operation, may = self.plan.operation, self.plan.api.keys.get(self.key)
        if may is not None and operation.id not in may and operation.method not in may:
            raise Problem("forbidden", f"This key may not do {operation.id}; it may do {', '.join(sorted(may))}.")

    def _exhaust(self) -> None:
        if "x-ratelimit-remaining" in self.headers:
            self.headers["x-ratelimit-remaining"] = "0"
        elif "ratelimit" in self.headers:
            self.headers["ratelimit"] = re.sub(r";r=\d+", ";r=0", self.headers["ratelimit"])


def _rate_limited(limit: Limit, seconds: int, retry_after: str) -> Problem:
    message = f"The limit of {limit.max} requests in {limit.window:g} seconds is reached; retry after {seconds} s."
    return Problem("rate_limit_exceeded", message, headers={"retry-after": retry_after})
