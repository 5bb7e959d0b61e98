"""One isolated world: its state, credits, limits, clock, scenarios and journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from mockserver.apis import Api, nobody
from mockserver.apis.routes import Plan
from mockserver.clock import Clock, parse_time
from mockserver.contract import Operation
from mockserver.errors import UserError
from mockserver.journal import entries as journal
from mockserver.messages import Exchange, Limit, Request
from mockserver.scenarios import NO_DECISION, Decision, Facts, Scenario
from mockserver.settings import DEFAULTS
from mockserver.state.store import Store

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which a sandbox starts. A scenario's own values come before these."""

    credits: float = DEFAULTS.credits
    keys: tuple[str, ...] = DEFAULTS.api_keys
    """Valid API keys; when there are none, every non-empty key is valid."""
    limit: Limit | Literal["vendor"] | None = DEFAULTS.rate_limit
    """Overrides every API's own rate limit; None switches limits off."""
    seed: int = DEFAULTS.seed
    characters_per_credit: int = DEFAULTS.characters_per_credit
    """Characters of embedded text that one credit pays for."""
    stateless: bool = DEFAULTS.stateless
    """Answer every operation with a sample of its success; nothing is kept, metered or limited."""
    clock_start: float | None = None
    """Epoch seconds at which the clock starts; the system's time when not given."""
    clock_rate: float = 1.0
    """Test seconds per real second; 0 freezes the clock."""
    max_rows: int = DEFAULTS.max_rows
    """Rows that it may hold; a request that would store more is 503."""
    journal_size: int = DEFAULTS.journal_size
    """Exchanges that the journal keeps; the oldest go first."""
    journal_bytes: int = DEFAULTS.journal_bytes
    """Bytes that they may take together."""


class Home(Protocol):
    """Where the state of sandboxes is kept."""

    def begin(self, name: str, terms: Terms) -> tuple[Clock, Store]:
        """A clock and an empty store on these terms, for a world that `publish` will show."""

    def publish(self, sandbox: Sandbox) -> None:
        """From now on this is what the sandbox of that name is."""


class Sandbox:
    """A world that requests are answered in.

    Args:
        name: what it is called.
        terms: how it starts.
        apis: the APIs that it answers for.
        home: where its state is kept.
        key: the API key that is bound to it.
        scenarios: the scenarios in force, one for an API.
        world: the clock, the store, and the epoch seconds of the start of a world that has begun; None begins one.
    """

    def __init__(
        self,
        name: str,
        terms: Terms,
        apis: Mapping[str, Api],
        home: Home,
        key: str | None = None,
        scenarios: Iterable[Scenario] = (),
        world: tuple[Clock, Store, float] | None = None,
    ) -> None:
        self.name = name
        self.key = key
        self.given = terms
        """The terms that it was made on, without what its scenarios say."""
        self._apis = apis
        self._home = home
        self.scenarios: dict[str, Scenario] = {scenario.model.api: scenario for scenario in scenarios}
        """The scenario in force for each API that has one."""
        self.version = 0
        """Changes whenever it is published; 0 before, and where nobody else sees it."""
        self.used_at = 0.0
        """Real time of the last request, for the eviction of idle sandboxes."""
        if world is None:
            self._begin()
        else:
            self._take(self._in_force(), *world)

    def _in_force(self) -> Terms:
        """The terms, with what the scenarios say of them."""
        terms = self.given
        if self.key is not None:
            terms = replace(terms, keys=(*terms.keys, self.key))
        for scenario in self.scenarios.values():
            model = scenario.model
            terms = replace(
                terms,
                credits=terms.credits if model.credits is None else model.credits,
                seed=terms.seed if model.seed is None else model.seed,
                keys=(*terms.keys, *model.keys),
            )
            if model.clock is not None:
                rate = {"real": 1.0, "frozen": 0.0}.get(model.clock.mode)
                rate = float(model.clock.mode[1:]) if rate is None else rate
                start = parse_time(model.clock.start) if model.clock.start else None
                terms = replace(terms, clock_start=start, clock_rate=rate)
        return terms

    def _begin(self) -> None:
        """Start afresh on the terms and the scenarios in force."""
        terms = self._in_force()
        clock, store = self._home.begin(self.name, terms)
        now = clock.now()
        for name, scenario in self.scenarios.items():
            for table, entries in scenario.rows.items():
                make = self._apis[name].tables[table].make
                call = nobody(store, now, terms.seed)
                for entry in entries:
                    call.add(table, make(call, entry))
                if store.commit(call.writes) != "done":
                    raise UserError(f"the state of scenario {scenario.name!r} has more than {terms.max_rows:,} rows")
        self._take(terms, clock, store, now)
        self._home.publish(self)

    def _take(self, terms: Terms, clock: Clock, store: Store, started_at: float) -> None:
        self.terms = terms
        self.keys = tuple(key.encode() for key in terms.keys)
        """The valid API keys; when there are none, every non-empty key is valid."""
        self._limit = None if terms.limit == "vendor" else terms.limit
        # A stateless world has a limit only when one was asked for.
        self._vendor_limit = terms.limit == "vendor" and not terms.stateless
        self.clock = clock
        self.store = store
        self.started_at = started_at

    def reset(self) -> None:
        """Forget everything and start afresh; the scenarios stay in force."""
        self._begin()

    def use(self, scenario: Scenario) -> None:
        """Start afresh with a scenario for its API. When that fails, everything is as it was."""
        before = self.scenarios
        self.scenarios = {**before, scenario.model.api: scenario}
        try:
            self._begin()
        except BaseException:
            self.scenarios = before
            raise

    def drop_scenarios(self) -> None:
        """Go on without any scenario; state, credits and journal stay."""
        self.scenarios.clear()
        self._home.publish(self)

    def exchanges(self, after: int = 0) -> list[Exchange]:
        """The journal, oldest first; only what came after a number, if one is given."""
        return [journal.decode(entry, number) for number, entry in self.store.entries(after)]

    def decide(self, api: Api, request: Request, operation: Operation, now: float) -> Decision:
        """What the scenario does to a request."""
        scenario = self.scenarios.get(api.name)
        if scenario is None:
            return NO_DECISION
        facts = Facts(request, operation, now - self.started_at)
        return scenario.decide(facts, self.store, self.terms.seed, self.name)

    def limit(self, plan: Plan, tenant: str, key: str) -> tuple[Limit | None, str]:
        """The rate limit of an operation in this world, and the name of the window that a request counts in."""
        api, operation = plan.api, plan.operation
        if self.scenarios:
            scenario = self.scenarios.get(api.name)
            for limit in scenario.limits if scenario else ():
                if operation.id in limit.operations:
                    parts = {"teamspace": tenant, "path": operation.path, "method": operation.method, "key": key}
                    return limit.limit, f"{api.name} {[parts[name] for name in limit.per]}"
        return (api.limit if self._vendor_limit else self._limit), plan.window + tenant

    def operations(self, scenario: Scenario) -> Mapping[str, Operation]:
        """The operations of the API that a scenario is for, by operationId."""
        return self._apis[scenario.model.api].contract.operations

    def counted(self, scenario: Scenario, rule: str) -> int:
        """How many requests a rule was concerned with."""
        counter = next(known.counter for known in scenario.rules if known.id == rule)
        return self.store.increment(counter, 0)

    def fired(self, scenario: Scenario, rule: str) -> int:
        """How often a rule acted."""
        return self.store.increment(f"fired {scenario.name} {rule}", 0)
