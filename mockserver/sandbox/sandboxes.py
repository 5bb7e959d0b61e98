"""All the sandboxes of a server: made, found for a request, and removed again."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mockserver.apis import Api
from mockserver.clock import Clock, monotonic
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import Request
from mockserver.records import record
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.sandbox.world import Terms, World
from mockserver.scenarios import Scenario
from mockserver.settings import DEFAULTS
from mockserver.state.memory import MemoryStore
from mockserver.state.shelf import MemoryShelf, Shelf
from mockserver.state.store import Store

MAX_NAMED = 500
"""Sandboxes among which the name is looked for that somebody may have meant."""


@record()
class Bounds:
    """How many sandboxes there may be, and how long an idle one is kept."""

    count: int = DEFAULTS.max_sandboxes
    idle_seconds: float | None = DEFAULTS.sandbox_idle
    """Real seconds without a request after which a sandbox may be removed; None keeps it."""
    memory_bytes: int | None = DEFAULTS.max_memory
    """Resident memory of the process above which no sandbox is made; None sets no limit."""


class NoSandbox(UserError):
    """There is no sandbox of that name."""


class TooMany(UserError):
    """There is no room for another sandbox."""


class NameTaken(UserError):
    """There is a sandbox of that name already."""


class Visits(Protocol):
    """A request's way to its sandbox in a shared store; `visit.Visit` says more."""

    number: int

    def enter(self) -> tuple[World, float, float]:
        """The world, the epoch seconds on its clock, and the clock's rate. Raises Wait."""

    @property
    def command(self) -> Any:
        """What is to be asked now."""

    @property
    def is_done(self) -> bool:
        """Whether only the journal waits to be written."""

    def took(self, reply: Any) -> bool:
        """Take note of the answer; whether the request is over."""

    def failed(self, problem: Problem) -> bool:
        """Take note that there was none; whether the request goes on nevertheless."""


class Sandboxes:
    """All the sandboxes of a server, their state in this process. The default one is always there.

    Args:
        apis: the APIs that they answer for.
        terms: how they start.
        bounds: how many there may be.
        scenarios: the scenarios of the default one.
    """

    is_shared = False
    """Whether the state is somewhere that a request has to wait for."""

    def __init__(
        self,
        apis: Mapping[str, Api],
        terms: Terms,
        bounds: Bounds | None = None,
        scenarios: Sequence[Scenario] = (),
    ) -> None:
        self.apis = apis
        self.terms = terms
        self.bounds = bounds or Bounds()
        self._by_name: dict[str, Sandbox] = {}
        self._by_key: dict[str, Sandbox] = {}
        self._lock = threading.Lock()
        self._made = 0
        self._look_again_at = 0.0
        """Real time from which on idle sandboxes are looked for again."""
        self.scenarios = scenarios
        self._found_default()

    @property
    def default(self) -> Sandbox:
        """The sandbox of requests that name no other."""
        return self._by_name[DEFAULT]

    def begin(self, name: str, terms: Terms) -> tuple[Clock, Store]:
        """A clock and an empty store on these terms."""
        store = MemoryStore(terms.credits, terms.journal_size, terms.journal_bytes, terms.max_rows)
        return Clock(terms.clock_start, terms.clock_rate), store

    def publish(self, sandbox: Sandbox, world: World) -> None:
        """Put a sandbox into a world; no other process sees it."""
        sandbox.world = world

    def shelf(self, name: str) -> Shelf:
        """Where the snapshots of a sandbox are: it keeps them itself."""
        return MemoryShelf()

    def enter(self, name: str | None, request: Request) -> tuple[World, float, float]:
        """The world that a request is answered in, the epoch seconds on its clock, and the clock's rate.

        It is that of the sandbox that the path names, else of the one whose key the request has, else of the
        default one; that too when the path names one that is not there.
        """
        sandbox = self._find(name, request)
        sandbox.used_at = monotonic()
        world = sandbox.world
        now, rate = world.clock.read()
        return world, now, rate

    def visit(self, name: str | None, request: Request) -> Visits:
        """The way of a request to its sandbox, where the store is shared and it has to wait."""
        raise NotImplementedError

    def problems(self) -> list[str]:
        """What is wrong with the store, in one sentence each; this process keeps what it is given."""
        return []

    def create(
        self, name: str | None = None, scenarios: Sequence[Scenario] = (), terms: Terms | None = None
    ) -> Sandbox:
        """Make a sandbox with an API key of its own. Raises NameTaken or TooMany."""
        with self._lock:
            self._evict()
            if len(self._by_name) >= self.bounds.count:
                raise TooMany(f"there are {len(self._by_name)} sandboxes already; delete some or raise --max-sandboxes")
            self._insist_on_memory()
            if name is None:
                name = self._free_name()
            elif name in self._by_name:
                raise NameTaken(f"there is a sandbox {name!r} already")
            sandbox = Sandbox(name, terms or self.terms, self.apis, self, new_key(name), scenarios)
            sandbox.used_at = monotonic()
            self._by_name[name] = sandbox
            self._by_key[sandbox.key or ""] = sandbox
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
            raise NoSandbox(f"there is no sandbox {name[:80]!r}{did_you_mean(name, list(self._by_name)[:MAX_NAMED])}")
        return sandbox

    async def stay(self) -> None:
        """Let other servers of a shared store know that this one is there, until it is cancelled."""

    def close(self) -> None:
        """The running event loop ends."""

    def known_names(self) -> list[str]:
        """The names of those that this process knows."""
        return list(self._by_name)

    def count(self) -> int:
        """How many there are."""
        return len(self._by_name)

    def all(self) -> list[Sandbox]:
        """Every sandbox, the default one first."""
        return list(self._by_name.values())

    def _find(self, name: str | None, request: Request) -> Sandbox:
        if name is not None:
            return self._by_name.get(name) or self._by_name[DEFAULT]
        if self._by_key:
            for key in keys_in(request):
                found = self._by_key.get(key)
                if found is not None:
                    return found
        return self._by_name[DEFAULT]

    def _found_default(self) -> None:
        self._by_name[DEFAULT] = Sandbox(DEFAULT, self.terms, self.apis, self, scenarios=self.scenarios)

    def _insist_on_memory(self) -> None:
        most = self.bounds.memory_bytes
        if most is not None and (used := resident_bytes()) > most:
            raise TooMany(f"the server uses {used >> 20} MiB, more than --max-memory; delete some sandboxes")

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
        """Remove what is idle. That is looked at now and then, because it takes time, and for want of room."""
        idle, now = self.bounds.idle_seconds, monotonic()
        if idle is None or (now < self._look_again_at and len(self._by_name) < self.bounds.count):
            return
        since, self._look_again_at = now - idle, now + idle / 100
        for name in [s.name for s in self._by_name.values() if s.used_at < since and s.name != DEFAULT]:
            self._remove(name)


def new_key(name: str) -> str:
    """An API key for a sandbox. It cannot be guessed."""
    return f"mock-{name}-{secrets.token_hex(8)}"


def name_in_key(key: str) -> str:
    """The sandbox that such a key may be bound to; "" for another key."""
    return key[5:-17] if key.startswith("mock-") and key[-17:-16] == "-" else ""


def keys_in(request: Request) -> list[str]:
    """What in a request may be the key of a sandbox."""
    keys = []
    for header in ("authorization", "x-api-key"):
        value = request.headers.get(header)
        if value is not None:
            keys += [value, value.partition(" ")[2]]
    return keys


def resident_bytes() -> int:
    """Resident memory of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
