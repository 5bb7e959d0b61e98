"""One isolated world: its state, credits, limits, clock, scenarios and journal; and all of them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mockserver import journal
from mockserver.apis import Api, nobody
from mockserver.clock import Clock, monotonic, parse_time
from mockserver.contract import Operation
from mockserver.errors import UserError, did_you_mean
from mockserver.messages import Exchange, Request
from mockserver.ratelimit import Limit
from mockserver.routes import Plan
from mockserver.scenarios import NO_DECISION, Decision, Facts, Scenario
from mockserver.store import MemoryStore, Store

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which a sandbox starts. A scenario's own values come before these."""

    credits: float = 10_000
    keys: tuple[str, ...] = ()
    """Valid API keys; when there are none, every non-empty key is valid."""
    limit: Limit | Literal["vendor"] | None = "vendor"
    """Overrides every API's own rate limit; None switches limits off."""
    seed: int = 0
    characters_per_credit: int = 1000
    """Characters of embedded text that one credit pays for."""
    stateless: bool = False
    """Answer every operation with a sample of its success; nothing is kept, metered or limited."""
    clock_start: float | None = None
    """Epoch seconds at which the clock starts; the system's time when not given."""
    clock_rate: float = 1.0
    """Test seconds per real second; 0 freezes the clock."""
    journal_size: int = 10_000
    """Exchanges that the journal keeps; the oldest go first."""
    journal_bytes: int = 64 * 1024 * 1024
    """Bytes that they may take together."""


class Sandbox:
    """A world that requests are answered in.

    Args:
        name: what it is called.
        terms: how it starts.
        apis: the APIs that it answers for.
        key: the API key that is bound to it.
    """

    def __init__(self, name: str, terms: Terms, apis: Mapping[str, Api], key: str | None = None) -> None:
        self.name = name
        self.key = key
        self._apis = apis
        self._terms = terms
        self.scenarios: dict[str, Scenario] = {}
        """The scenario in force for each API that has one."""
        self.used_at = monotonic()
        """Real time of the last request, for the eviction of idle sandboxes."""
        self._begin()

    def _begin(self) -> None:
        """Start afresh on the terms and the scenarios in force."""
        terms = self._terms
        if self.key is not None:
            terms = replace(terms, keys=(*terms.keys, self.key))
        clock = Clock(terms.clock_start, terms.clock_rate)
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
                clock = Clock(parse_time(model.clock.start) if model.clock.start else None, rate)
        self.terms = terms
        self.keys = tuple(key.encode() for key in terms.keys)
        """The valid API keys; when there are none, every non-empty key is valid."""
        self._limit = None if terms.limit == "vendor" else terms.limit
        # A stateless world has a limit only when one was asked for.
        self._vendor_limit = terms.limit == "vendor" and not terms.stateless
        self.clock = clock
        self.store: Store = MemoryStore(terms.credits, terms.journal_size, terms.journal_bytes)
        self.started_at = clock.now()
        for name, scenario in self.scenarios.items():
            for table, entries in scenario.rows.items():
                make = self._apis[name].tables[table].make
                call = nobody(self.store, self.started_at, terms.seed)
                for entry in entries:
                    call.add(table, make(call, entry))
                self.store.commit(call.writes)

    def reset(self) -> None:
        """Forget everything and start afresh; the scenarios stay in force."""
        self._begin()

    def use(self, scenario: Scenario) -> None:
        """Start afresh with a scenario for its API."""
        self.scenarios[scenario.model.api] = scenario
        self._begin()

    def drop_scenarios(self) -> None:
        """Go on without any scenario; state, credits and journal stay."""
        self.scenarios.clear()

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


@dataclass(slots=True)
class Bounds:
    """How many sandboxes there may be, and how long an idle one is kept."""

    count: int = 10_000
    idle_seconds: float | None = None
    """Real seconds without a request after which a sandbox may be removed; None keeps it."""
    memory_bytes: int | None = None
    """Resident memory of the process above which no sandbox is made; None sets no limit."""


class NoSandbox(UserError):
    """There is no sandbox of that name."""


class TooMany(UserError):
    """There is no room for another sandbox."""


class NameTaken(UserError):
    """There is a sandbox of that name already."""


@dataclass(slots=True)
class Sandboxes:
    """All the sandboxes of a server. The default one is always there."""

    apis: Mapping[str, Api]
    terms: Terms
    bounds: Bounds = field(default_factory=Bounds)
    _by_name: dict[str, Sandbox] = field(default_factory=dict)
    _by_key: dict[str, Sandbox] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: int = 0

    def __post_init__(self) -> None:
        self._by_name[DEFAULT] = Sandbox(DEFAULT, self.terms, self.apis)

    @property
    def default(self) -> Sandbox:
        """The sandbox of requests that name no other."""
        return self._by_name[DEFAULT]

    def create(
        self, name: str | None = None, scenarios: Sequence[Scenario] = (), terms: Terms | None = None
    ) -> Sandbox:
        """Make a sandbox with an API key of its own. Raises NameTaken or TooMany."""
        with self._lock:
            self._evict()
            if len(self._by_name) >= self.bounds.count:
                raise TooMany(f"there are {len(self._by_name)} sandboxes already; delete some or raise --max-sandboxes")
            used = resident_bytes() if self.bounds.memory_bytes is not None else 0
            if self.bounds.memory_bytes is not None and used > self.bounds.memory_bytes:
                raise TooMany(f"the server uses {used >> 20} MiB, more than --max-memory; delete some sandboxes")
            if name is None:
                name = self._free_name()
            elif name in self._by_name:
                raise NameTaken(f"there is a sandbox {name!r} already")
            sandbox = Sandbox(name, terms or self.terms, self.apis, key=f"mock-{name}-{secrets.token_hex(8)}")
            self._by_name[name] = sandbox
            self._by_key[sandbox.key or ""] = sandbox
        for scenario in scenarios:
            sandbox.use(scenario)
        return sandbox

    def delete(self, name: str) -> None:
        """Remove a sandbox. Raises UserError for the default one and for an unknown name."""
        if name == DEFAULT:
            raise UserError("the default sandbox cannot be deleted; reset it instead")
        self.get(name)
        with self._lock:
            self._remove(name)

    def get(self, name: str) -> Sandbox:
        """The sandbox of that name. Raises NoSandbox, which names the nearest one."""
        sandbox = self._by_name.get(name)
        if sandbox is None:
            raise NoSandbox(f"there is no sandbox {name[:80]!r}{did_you_mean(name, self._by_name)}")
        return sandbox

    def all(self) -> list[Sandbox]:
        """Every sandbox, the default one first."""
        return list(self._by_name.values())

    def find(self, name: str | None, request: Request) -> Sandbox | None:
        """The sandbox that a request is for: named by its path, else bound to its key, else the default.

        None when the path names one that is not there.
        """
        if name is not None:
            return self._by_name.get(name)
        if self._by_key:
            for header in ("authorization", "x-api-key"):
                value = request.headers.get(header)
                if value is not None:
                    found = self._by_key.get(value) or self._by_key.get(value.partition(" ")[2])
                    if found is not None:
                        return found
        return self._by_name[DEFAULT]

    def _free_name(self) -> str:
        while True:
            self._made += 1
            name = f"sandbox-{self._made}"
            if name not in self._by_name:
                return name

    def _remove(self, name: str) -> None:
        sandbox = self._by_name.pop(name, None)
        if sandbox is not None and sandbox.key is not None:
            self._by_key.pop(sandbox.key, None)

    def _evict(self) -> None:
        if self.bounds.idle_seconds is None:
            return
        since = monotonic() - self.bounds.idle_seconds
        for name in [s.name for s in self._by_name.values() if s.used_at < since and s.name != DEFAULT]:
            self._remove(name)


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0
