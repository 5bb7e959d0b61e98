"""One request on its way: what the stages of its life know of it, and the stages, one method each.

A stage returns the response when it is the one that decides, raises a Problem when it refuses, and returns None
to pass the request on. `pipeline.perform` says in which order they come. No stage knows of HTTP servers.
"""

from __future__ import annotations

from mockserver.apis import Behaviour, Call
from mockserver.apis.api import response_of
from mockserver.apis.base import Answer
from mockserver.apis.routes import BY_KEY, Plan, Route
from mockserver.contract import Checked, Operation
from mockserver.errors import Problem
from mockserver.messages import MAX_CHANGES, Exchange, Response
from mockserver.pipeline.auth import authenticate, authorise, challenges
from mockserver.pipeline.codings import decoded
from mockserver.pipeline.defects import Defect, defined_at
from mockserver.pipeline.follow_up import More, follow_up, nowhere
from mockserver.pipeline.idempotency import Replays
from mockserver.pipeline.limits import exhaust, limited, rate_limited, windows
from mockserver.pipeline.prefer import Preference, preferred, read_preference
from mockserver.pipeline.response import contract_breach, unsampled, write_json
from mockserver.pipeline.streams import sampled, wants_stream
from mockserver.sandbox import schedule
from mockserver.sandbox.world import World
from mockserver.scenarios import NO_DECISION, Decision
from mockserver.scenarios.stages import Stage
from mockserver.scenarios.values import CallValues
from mockserver.state import ledger, ratelimit
from mockserver.text.arithmetic import TemplateError

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
        "more",
        "operation",
        "plan",
        "preference",
        "refusal",
        "request",
        "route",
        "tenant",
        "world",
    )

    route: Route
    """Where it goes."""
    plan: Plan
    """What it takes to answer its operation."""

    def __init__(self, world: World, exchange: Exchange) -> None:
        self.world = world
        self.exchange = exchange
        self.request = exchange.request
        self.operation: Operation | None = None
        """None when no operation has the path and the method."""
        self.decision: Decision = NO_DECISION
        """What the scenario does to it."""
        self.more: More | None = None
        """What few requests have."""
        self.checked: Checked | None = None
        """The request as the contract reads it, once it did."""
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
        plan, world = self.plan, self.world
        if world.schedules:
            schedule.settle(world.store, world.apis, exchange.at, world.terms.seed)
        decision = world.decide(plan.api.name, self.request, plan.operation, exchange.at, self.route.values)
        if decision is NO_DECISION:
            return None
        self.decision, action = decision, decision.action
        exchange.rule, exchange.rule_at, exchange.violates = decision.rule, decision.at, action.violates
        exchange.rule_call, exchange.rule_action = decision.call, action.name
        if action.lost_before:
            exchange.stage, exchange.lost = "rule", action.lost_before
            return Response(0, media_type=None)
        return None

    def script(self, stage: Stage) -> Response | None:
        """The rule's own response, if it is given at this stage."""
        action = self.decision.action
        if action.stage != stage or action.reply is None:
            return None
        self.exchange.stage = "rule"
        if action.status == 429:
            # A scripted 429 is one to its headers: nothing remains, and only its own words say for how long.
            self.headers.pop("retry-after", None)
            exhaust(self.headers)
        try:
            return action.reply(self.plan.operation, self._values())
        except TemplateError as error:
            raise self._nowhere(error) from None

    def authenticate(self) -> Response | None:
        """Find out the tenant and the key."""
        self.exchange.stage = "key"
        plan = self.plan
        self.tenant = plan.api.tenant(self.request)
        keys = self.world.keys
        if plan.keys:
            keys = (*keys, *plan.keys)  # a sandbox's own key is valid beside those of the API's profile
        try:
            self.key = authenticate(self.request, plan.security, keys, plan.api.name)
        except Problem as problem:
            self.refusal = problem
        if plan.tenant:
            self.tenant = self.key if plan.tenant == BY_KEY else self.route.values.get(plan.tenant, "")
        return None

    def limit(self) -> Response | None:
        """Count the request in its window, and tell the limit; 401, the rule's response at this stage, or 429."""
        world, exchange, refusal = self.world, self.exchange, self.refusal
        limit, window_name = world.limit(self.plan, self.tenant, self.key)
        is_scripted = self.decision.action.stage == "limit"
        if limit is not None:
            # A request that is refused for its key, or by the scenario, does not count.
            now, counts = exchange.at, refusal is None and not is_scripted
            told = self.plan.limit
            if told is None or limit is not told.limit:
                window = world.store.hit(window_name, now, limit.max, limit.window, counts)
                self.headers = ratelimit.headers(window, now)
            else:
                window, limit, self.headers = windows(world, self.plan, self.tenant, self.key, now, counts)
        if refusal is not None:
            raise refusal
        if self.plan.restricts:
            authorise(self.plan, self.key)
        exchange.stage = "limit"
        if is_scripted:
            return self.script("limit")
        if limit is not None and not window.admitted:
            seconds = ratelimit.retry_after(window, now)
            exchange.limited = limited(world, self.plan, limit, window)
            raise rate_limited(limit, seconds, self.headers.get("retry-after", str(seconds)))
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
            if self._wants_stream() and self.plan.operation.stream_types:
                return None  # clients of language models ask for JSON, and in the body for a stream
            types = self.plan.operation.success_types
            raise Problem("not_acceptable", f"Accept is {accept[:100]!r}; {self.plan.operation.id} answers {types}.")
        return None

    def replay(self) -> Response | None:
        """The response that an idempotency key had before, or 409 when it came with another request."""
        self.exchange.stage = "idempotency"
        replays = Replays.of(self.plan, self.request, self.tenant, self.world, self.exchange.at)
        if replays is None:
            return None
        self._more().replays = replays
        return replays.response()

    def behave(self) -> Response:
        """Answer from state, or with a sample where there is no behaviour; then what a rule changes of it."""
        plan, action, world = self.plan, self.decision.action, self.world
        if action.streams:
            response = self._commit(self._streamed)
        elif plan.streams_on_request and self._wants_stream() and not plan.is_coded:
            response = self._commit(lambda call: self._sample())
        elif world.terms.stateless or (plan.behaviour is None and plan.price is None and plan.idempotency is None):
            self.exchange.stage = "sample"
            response = self._sample()
        else:
            response = self._commit(plan.behaviour or (lambda call: self._sample()))
        if action.lost_after:
            self.exchange.lost = action.lost_after
        if action.patches:
            self.patch(response)
        return response

    def patch(self, response: Response) -> None:
        """What the rule changes of a real response. Raises Defect where the rule leads nowhere."""
        try:
            self.decision.action.patch(response, self._values(response))
        except KeyError as error:
            raise self._nowhere(f"{error.args[0]!r} leads nowhere in this response") from None
        except TemplateError as error:
            raise self._nowhere(error) from None

    def _streamed(self, call: Call) -> Response:
        """The rule's own stream, which is charged as the operation is."""
        make = self.decision.action.reply
        assert make is not None
        try:
            return make(self.plan.operation, self._values())
        except TemplateError as error:
            raise self._nowhere(error) from None

    def _sample(self) -> Response:
        """A success from the contract."""
        plan, checked = self.plan, self.checked
        response = sampled(plan, self.route.values, self.request.headers.get("accept", ""), self._wants_stream())
        if plan.echo is not None and checked is not None and not self.world.terms.stateless:
            plan.echo.repeat(response, checked.body, checked.params)
        return response

    def _wants_stream(self) -> bool:
        """Whether the body of the request says `stream: true`."""
        return self.checked is not None and wants_stream(self.checked.body)

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
        if self.plan.rows_stand and response.status and operation.accepts_rows(response):
            return response
        violations = operation.check_response(response, write_json(response)) if response.status else []
        if not violations:
            return response
        code = self.plan.behaviour if self.plan.is_coded and self.exchange.committed else None
        return contract_breach(operation, response, self.exchange, violations, defined_at(code) if code else "")

    def follow_up(self, response: Response) -> None:
        """Do what follows once the response is what was meant: webhooks, and what the rule says besides."""
        exchange, plan, stage = self.exchange, self.plan, self.exchange.stage
        if response.stream is None:
            response.stream = plan.stream
        if plan.latency is not None or plan.operation.stream_types:
            self._more().latency = plan.latency
        is_meant = not exchange.defect and stage != "idempotency" and (stage == "rule" or response.status < 400)
        if is_meant and (plan.webhooks or self.decision.action.then):
            self._more().sends = follow_up(self.world, plan, self.decision, exchange, self._early_call(), response)

    def _more(self) -> More:
        if self.more is None:
            self.more = More()
        return self.more

    def _nowhere(self, what: object) -> Defect:
        return nowhere(self.decision, what)

    def _values(self, response: Response | None = None) -> CallValues:
        """What the templates of a rule are filled with."""
        return CallValues(self.plan.api, self.exchange.at, self._early_call, response)

    def _early_call(self) -> Call:
        """The same, as far as the contract can read the request, where it was not validated yet."""
        if self.checked is None:
            try:
                self.checked = self.plan.operation.check_request(self.request, self.route.values)
            except Problem:
                self.checked = Checked()
        return self._call()

    def _call(self) -> Call:
        """The request as a behaviour sees it."""
        plan, world, route = self.plan, self.world, self.route
        # For a sandbox's own key it is the sandbox's name, so that what follows from it is the same in every run.
        caller = world.sandbox if self.key == world.key else self.key
        return Call(
            self.checked or Checked(),
            self.request,
            self.exchange.at,
            caller,
            self.tenant,
            world.store,
            world.terms.seed,
            route.prefix,
            route.values,
            plan.resource,
        )

    def _commit(self, behaviour: Behaviour) -> Response:
        """See that it can be paid, behave, and store the rows together with the charge.

        When a rule loses the billing write, the rows stay and nothing is charged.
        """
        plan, world, exchange = self.plan, self.world, self.exchange
        store, terms = world.store, world.terms
        call = self._call()
        cost = 0.0
        if plan.price is not None:
            exchange.stage = "credits"
            cost = plan.price(call, terms.characters_per_credit)
            ledger.ensure(store, cost)
        exchange.stage = "behaviour"
        unbilled = self.decision.action.unbilled
        charged = 0 if unbilled else cost
        replays = None if self.more is None else self.more.replays
        tries = 0
        while True:
            answer = behaviour(call)
            response = answer if type(answer) is Response else self._meant(behaviour, answer)
            if plan.price is not None:
                plan.api.bill(response.data, None if unbilled else charged)
            if replays is not None:
                call.writes.append(replays.kept(response))
            if not (call.writes or charged) or (outcome := store.commit(call.writes, charged)) == "done":
                break
            if outcome == "unpaid":
                exchange.stage = "credits"
                ledger.ensure(store, cost)
                exchange.stage = "behaviour"
            if outcome == "full":
                raise Problem("unavailable", "The sandbox has no room for more rows; delete some, or reset it.")
            tries += 1
            if tries == MAX_TRIES:
                raise Problem("unavailable", "Others keep changing the same rows; try again.")
            call.forget()
            if replays is not None and (before := replays.response()) is not None:
                return before  # the same key was used at the same time
        exchange.committed = True
        if call.changes:
            exchange.changed = len(call.changes)
            exchange.changes = call.changes[:MAX_CHANGES]
        exchange.charged = charged
        return response

    def _meant(self, behaviour: Behaviour, answer: Answer) -> Response:
        """The response that a behaviour means by what it returned. Raises Defect when it means none."""
        try:
            return response_of(self.plan.operation, answer)
        except TypeError as error:
            raise Defect(f"the behaviour of {self.plan.operation.id}, {defined_at(behaviour)}, {error}") from None

    def _preferred(self, preference: Preference) -> Response:
        """An error in the API's shape, or a sample."""
        return preferred(self.plan, self.world, preference, self.headers, self.route.values, self.exchange.at)
