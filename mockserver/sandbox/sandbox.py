"""A sandbox: its name, its key, and the world that it is in. A reset or a scenario puts another world in its place.

Steering and showing go through here; a request enters the world itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from mockserver.apis import Api, nobody
from mockserver.apis.routes import Plan
from mockserver.clock import Clock, parse_time
from mockserver.contract import Contract
from mockserver.errors import UserError
from mockserver.messages import Exchange, Limit
from mockserver.sandbox import schedule
from mockserver.sandbox.world import Terms, World, window_of
from mockserver.scenarios import Scenario
from mockserver.state.shelf import Shelf
from mockserver.state.store import Store

DEFAULT = "default"


class Backend(Protocol):
    """Where the state of sandboxes is kept."""

    def begin(self, name: str, terms: Terms) -> tuple[Clock, Store]:
        """A clock and an empty store on these terms, for a world that `publish` will show."""

    def publish(self, sandbox: Sandbox, world: World) -> None:
        """Put a sandbox into a world, for everybody and by one assignment. When that fails, it stays where it was."""

    def shelf(self, name: str) -> Shelf:
        """Where the snapshots of a sandbox are, of one that was not there before or of the same."""


class Sandbox:
    """A place that requests are answered in, apart from all others.

    Args:
        name: what it is called.
        terms: how it starts.
        apis: the APIs that it answers for.
        backend: where its state is kept.
        key: the API key that is bound to it.
        scenarios: the scenarios in force, one for an API.
        begun: the version, the clock, the store and the epoch seconds of the start of a world that others have
            begun; None begins one.
    """

    world: World
    """The world that it is in, replaced whole: a reader in another thread never sees half a change."""

    def __init__(
        self,
        name: str,
        terms: Terms,
        apis: Mapping[str, Api],
        backend: Backend,
        key: str | None = None,
        scenarios: Iterable[Scenario] = (),
        begun: tuple[int, Clock, Store, float] | None = None,
    ) -> None:
        self.name = name
        self.key = key
        self.given = terms
        """The terms that it was made on, without what its scenarios say."""
        self._apis = apis
        self._backend = backend
        self.shelf = backend.shelf(name)
        """Snapshots of its state; a reset leaves them."""
        self._steering = threading.Lock()
        """Held while one world takes the place of another, so that no change is lost between two callers."""
        self.used_at = 0.0
        """Real time of the last request, for the eviction of idle sandboxes."""
        by_api = {scenario.model.api: scenario for scenario in scenarios}
        if begun is None:
            self._begin(by_api)
        else:
            version, clock, store, started_at = begun
            self.world = self._world(self._in_force(by_api), clock, store, started_at, by_api, version)

    @property
    def clock(self) -> Clock:
        """The test clock."""
        return self.world.clock

    @property
    def store(self) -> Store:
        """The state."""
        return self.world.store

    @property
    def terms(self) -> Terms:
        """The terms in force."""
        return self.world.terms

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The scenario in force for each API that has one."""
        return self.world.scenarios

    def reset(self) -> None:
        """Forget everything and start afresh; the scenarios stay in force."""
        with self._steering:
            self._begin(self.world.scenarios, self.world.version)

    def use(self, scenario: Scenario) -> None:
        """Start afresh with a scenario for its API. When that fails, everything is as it was."""
        with self._steering:
            self._begin({**self.world.scenarios, scenario.model.api: scenario}, self.world.version)

    def drop_scenarios(self) -> None:
        """Go on without any scenario, its keys and its seed; rows, credits, clock and journal stay."""
        with self._steering:
            terms, was = self._in_force({}), self.world
            self._backend.publish(self, self._world(terms, was.clock, was.store, was.started_at, {}, was.version))

    def revise(self, scenario: Scenario) -> None:
        """Go on with another version of a scenario; rows, credits, clock and journal stay, and so do its counts."""
        with self._steering:
            was = self.world
            scenarios = {**was.scenarios, scenario.model.api: scenario}
            terms = self._in_force(scenarios)
            world = self._world(terms, was.clock, was.store, was.started_at, scenarios, was.version)
            self._backend.publish(self, world)

    def exchanges(self, after: int = 0) -> list[Exchange]:
        """The journal, oldest first; only what came after a number, if one is given."""
        return self.world.exchanges(after)

    def limits(self, plan: Plan, tenant: str, key: str) -> list[tuple[Limit, str]]:
        """The rate limits of an operation, each with the name of the window that a request counts in."""
        limit, window = self.world.limit(plan, tenant, key)
        if limit is None:
            return []
        if plan.limit is None or limit is not plan.limit.limit:
            return [(limit, window)]
        return [(known.limit, window_of(plan, known, tenant, key)) for known in plan.limits]

    def fired(self, scenario: Scenario, rule: str) -> int:
        """How often a rule acted."""
        return self.world.fired(scenario, rule)

    def contract(self, scenario: Scenario) -> Contract:
        """The contract of the API that a scenario is for."""
        return self._apis[scenario.model.api].contract

    def settle(self) -> None:
        """Do what is due on the clock: rows that rules change after a time."""
        world = self.world
        schedule.settle(world.store, self._apis, world.clock.now(), world.terms.seed)

    def _in_force(self, scenarios: Mapping[str, Scenario]) -> Terms:
        """The terms, with what scenarios say of them."""
        terms = self.given
        if self.key is not None:
            terms = replace(terms, keys=(*terms.keys, self.key))
        for scenario in scenarios.values():
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

    def _begin(self, scenarios: Mapping[str, Scenario], version: int = 0) -> None:
        """Start afresh with some scenarios. Raises UserError when their rows have no room; nothing is changed then."""
        terms = self._in_force(scenarios)
        clock, store = self._backend.begin(self.name, terms)
        now = clock.now()
        for name, scenario in scenarios.items():
            for table, entries in scenario.rows.items():
                rows = self._apis[name].state_tables[table]
                call = nobody(store, now, terms.seed)
                for entry in entries:
                    rows.add(call, table, entry)
                if store.commit(call.writes) != "done":
                    raise UserError(f"the state of scenario {scenario.name!r} has more than {terms.max_rows:,} rows")
        self._backend.publish(self, self._world(terms, clock, store, now, scenarios, version))

    def _world(
        self,
        terms: Terms,
        clock: Clock,
        store: Store,
        started_at: float,
        scenarios: Mapping[str, Scenario],
        version: int,
    ) -> World:
        keys = tuple(key.encode() for key in terms.keys)
        return World(self.name, self.key, terms, keys, clock, store, started_at, scenarios, self._apis, version)
