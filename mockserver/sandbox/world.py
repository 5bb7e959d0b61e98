"""What a sandbox is between two resets: terms, clock, store and scenarios, as one value that never changes.

A reset puts another world in its place. A request keeps the world that it entered, so that one under way during
a reset ends where it began: in the store and the journal of a world that is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal

from mockserver.apis import Api
from mockserver.apis.api import ApiLimit
from mockserver.apis.routes import Plan
from mockserver.clock import Clock
from mockserver.contract import Operation
from mockserver.journal import entries as journal
from mockserver.messages import Exchange, Limit, Request, Traits
from mockserver.records import record
from mockserver.scenarios import NO_DECISION, Decision, Facts, Scenario
from mockserver.scenarios.rules import FLAG
from mockserver.settings import DEFAULTS
from mockserver.state.store import Store


@record(frozen=True)
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
    lenient_accept: bool = DEFAULTS.lenient_accept
    """Answer with the first declared media type where the client accepts none of them."""
    clock_start: float | None = None
    """Epoch seconds at which the clock starts; the system's time when not given."""
    clock_rate: float = 1.0
    """Test seconds per real second; 0 freezes the clock."""
    max_rows: int = DEFAULTS.max_rows
    """Rows that it may hold; a request that would store more is rejected with 503."""
    journal_size: int = DEFAULTS.journal_size
    """Exchanges that the journal keeps; the oldest go first."""
    journal_bytes: int = DEFAULTS.journal_bytes
    """Bytes that they may take together."""


@record(frozen=True, eq=False)
class World:
    """A sandbox between two resets. What changes is in its store and its clock, each atomic in itself."""

    sandbox: str
    """The name of the sandbox."""
    key: str | None
    """The API key that is bound to the sandbox."""
    terms: Terms
    """The terms in force: those of the sandbox, with what the scenarios say of them."""
    keys: tuple[bytes, ...]
    """The valid API keys; when there are none, every non-empty key is valid."""
    clock: Clock
    store: Store
    started_at: float
    """Epoch seconds on the clock at which it began."""
    scenarios: Mapping[str, Scenario]
    """The scenario in force for each API that has one."""
    apis: Mapping[str, Api] = field(default_factory=dict)
    """The APIs that it answers for."""
    version: int = 0
    """Changes whenever a world is published where others see it; 0 before, and where nobody else does."""

    def through(self, store: Store, clock: Clock) -> World:
        """The same world, seen through another store and clock. Every request does this: `replace` takes longer."""
        return World(
            self.sandbox,
            self.key,
            self.terms,
            self.keys,
            clock,
            store,
            self.started_at,
            self.scenarios,
            self.apis,
            self.version,
        )

    def exchanges(self, after: int = 0) -> list[Exchange]:
        """The journal, oldest first; only what came after a number, if one is given."""
        return journal.decode_all(self.store.entries(after))

    def exchanges_with(self, wanted: Callable[[Traits], bool]) -> list[Exchange]:
        """These exchanges, oldest first."""
        return journal.decode_all(self.store.entries_of(self.store.find(wanted)))

    def decide(
        self, api: str, request: Request, operation: Operation, now: float, variables: Mapping[str, str]
    ) -> Decision:
        """What the scenario does to a request, whose path has these variables."""
        scenario = self.scenarios.get(api)
        if scenario is None:
            return NO_DECISION
        facts = Facts(request, operation, now - self.started_at, variables, self.has_flag)
        return scenario.decide(facts, self.store, self.terms.seed, self.sandbox)

    def limit(self, plan: Plan, tenant: str, key: str) -> tuple[Limit | None, str]:
        """The rate limit of an operation, and the name of the window that a request counts in."""
        api, operation, terms = plan.api, plan.operation, self.terms
        if self.scenarios:
            scenario = self.scenarios.get(api.name)
            for limit in scenario.limits if scenario else ():
                if operation.id in limit.operations:
                    parts = {"teamspace": tenant, "path": operation.path, "method": operation.method, "key": key}
                    return limit.limit, f"{api.name} {[parts[name] for name in limit.per]}"
        if not isinstance(terms.limit, str):
            return terms.limit, plan.window + tenant
        if plan.limit is not None and not terms.stateless:
            return plan.limit.limit, window_of(plan, plan.limit, tenant, key)
        # A stateless world has a limit only when one was asked for.
        return None if terms.stateless else api.limit, plan.window + tenant

    def has_flag(self, name: str) -> bool:
        """Whether a rule has set a flag."""
        return self.store.increment(FLAG + name, 0) > 0

    @property
    def schedules(self) -> bool:
        """Whether a rule may have something done after a time."""
        return any(scenario.schedules for scenario in self.scenarios.values())

    def counted(self, scenario: Scenario, rule: str) -> int:
        """How many requests a rule was concerned with."""
        counter = next(known.counter for known in scenario.rules if known.id == rule)
        return self.store.increment(counter, 0)

    def fired(self, scenario: Scenario, rule: str) -> int:
        """How often a rule acted."""
        return self.store.increment(f"fired {scenario.name} {rule}", 0)


def window_of(plan: Plan, limit: ApiLimit, tenant: str, key: str) -> str:
    """The name of the window that requests to an operation count in for one limit of a profile."""
    operation = plan.operation
    parts = {"tenant": tenant, "path": operation.path, "method": operation.method, "key": key}
    own = "" if limit is plan.limit else f" {limit.limit.max}/{limit.limit.window:g}s"
    return f"{plan.api.name} {[parts[name] for name in limit.per]}{own}"
