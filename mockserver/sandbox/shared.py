"""The sandboxes of servers that share a store: what one of them makes, resets or removes, all of them see.

A sandbox is a name, a version, a record (its terms and the texts of its scenarios), and the world that it is
in. Every request asks for the version; a process that knows another one reads the record and makes its own
Sandbox anew. A world that was reset takes no writes any more: a request under way there is answered with 503.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson
from pydantic import TypeAdapter

from mockserver.apis import Api
from mockserver.clock import Clock, Hands
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import Request
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.sandbox.sandboxes import Bounds, NameTaken, NoSandbox, Sandboxes, TooMany, keys_in, new_key
from mockserver.sandbox.world import Terms, World
from mockserver.scenarios import Origin, Scenario, restored
from mockserver.state.redis.clock import SharedClock
from mockserver.state.redis.connection import Connection, Value, encoded, texts
from mockserver.state.redis.figures import SharedFigures
from mockserver.state.redis.store import RedisStore
from mockserver.state.store import Store

log = logging.getLogger("mockserver")

MAX_TRIES = 100
"""How often a request asks for its world again when it was reset between two questions."""
_TERMS: TypeAdapter[Terms] = TypeAdapter(Terms)


class SharedSandboxes(Sandboxes):
    """All the sandboxes of servers that share a store.

    Args:
        connection: the way to Redis.
        apis: the APIs that they answer for.
        terms: how they start.
        bounds: how many there may be.
        scenarios: the scenarios of the default one, should it not be there yet.
    """

    is_shared = True

    def __init__(
        self,
        connection: Connection,
        apis: Mapping[str, Api],
        terms: Terms,
        bounds: Bounds | None = None,
        scenarios: Sequence[Scenario] = (),
    ) -> None:
        self._redis = connection
        self._prefix = connection.prefix
        super().__init__(apis, terms, bounds, scenarios)
        if self.default.given != terms:
            log.warning("the shared store has a default sandbox already, on other terms than these; its own hold")

    def figures(self, group: str) -> SharedFigures:
        """Where the metrics of a group of workers come together."""
        return SharedFigures(self._redis, group)

    @property
    def default(self) -> Sandbox:
        """The sandbox of requests that name no other."""
        return self.get(DEFAULT)

    def begin(self, name: str, terms: Terms) -> tuple[Clock, Store]:
        """A clock and an empty store on these terms, which nobody sees yet."""
        start = "" if terms.clock_start is None else repr(terms.clock_start)
        name_in_redis = self._redis.run("begin", self._prefix, start, repr(terms.clock_rate), repr(terms.credits))
        return self._state(name_in_redis, terms)

    def publish(self, sandbox: Sandbox, world: World) -> None:
        """Put a sandbox into a world, and show it to everybody. Raises NameTaken, TooMany or NoSandbox."""
        assert isinstance(world.store, RedisStore)
        record = {
            "terms": _TERMS.dump_python(sandbox.given, mode="json"),
            "started_at": world.started_at,
            "scenarios": [tuple(scenario.origin) for scenario in world.scenarios.values()],
        }
        self._by_name.pop(sandbox.name, None)  # should this fail, the record tells what is
        outcome, number = self._redis.run(
            "publish",
            self._prefix,
            sandbox.name,
            "old" if world.version else "new",
            world.store.world,
            orjson.dumps(record),
            sandbox.key or "",
            self.bounds.count,
        )
        if outcome == b"taken":
            raise NameTaken(f"there is a sandbox {sandbox.name!r} already")
        if outcome == b"full":
            raise TooMany(f"there are {number} sandboxes already; delete some or raise --max-sandboxes")
        if outcome == b"gone":
            raise NoSandbox(f"there is no sandbox {sandbox.name!r} any more")
        sandbox.world = replace(world, version=number)
        self._by_name[sandbox.name] = sandbox

    def enter(self, name: str | None, request: Request) -> tuple[World, float, float]:
        """The world that a request is answered in, the epoch seconds on its clock, and the clock's rate."""
        asked: list[Value] = [name or "", *map(encoded, keys_in(request))]
        for _ in range(MAX_TRIES):
            answer = self._redis.run("enter", self._prefix, *asked)
            if not answer:  # somebody emptied the database
                self._found_default()
                continue
            known, version, base, real_base, rate, real = texts(answer)
            self._redis.saw(float(real))
            sandbox = self._by_name.get(known)
            world = sandbox.world if sandbox is not None else None
            if world is None or world.version != int(version):
                with contextlib.suppress(NoSandbox):  # it went meanwhile
                    world = self.get(known).world
            # The time is that of the world of this version: with any other one it is asked for again.
            if world is not None and world.version == int(version):
                return world, Hands(float(base), float(real_base), float(rate)).at(float(real)), float(rate)
        raise Problem("unavailable", "The sandbox is reset again and again; try again.")

    def create(
        self, name: str | None = None, scenarios: Sequence[Scenario] = (), terms: Terms | None = None
    ) -> Sandbox:
        """Make a sandbox with an API key of its own. Raises NameTaken or TooMany."""
        if self.bounds.idle_seconds is not None:
            self._redis.run("remove", self._prefix, "", self.bounds.idle_seconds)
        self._insist_on_memory()
        while name is None:
            free = f"sandbox-{self._redis.call('INCR', self._prefix + 'unnamed')}"
            name = None if free in self._names() else free
        return Sandbox(name, terms or self.terms, self.apis, self, new_key(name), scenarios)

    def delete(self, name: str) -> None:
        """Remove a sandbox. Raises UserError for the default one and for an unknown name."""
        if name == DEFAULT:
            raise UserError("the default sandbox cannot be deleted; reset it instead")
        if not self._redis.run("remove", self._prefix, name, ""):
            raise NoSandbox(f"there is no sandbox {name[:80]!r}{did_you_mean(name, self._names())}")
        self._by_name.pop(name, None)

    def get(self, name: str) -> Sandbox:
        """The sandbox of that name. Raises NoSandbox, which names the nearest one."""
        key = f"{self._prefix}sandbox:{name}"
        version, world, record, bound = self._redis.call("HMGET", key, "version", "world", "record", "key")
        if version is None:
            self._by_name.pop(name, None)
            if name == DEFAULT:
                self._found_default()
                return self.get(name)
            raise NoSandbox(f"there is no sandbox {name[:80]!r}{did_you_mean(name, self._names())}")
        sandbox = self._by_name.get(name)
        if sandbox is None or sandbox.world.version != int(version):
            published = orjson.loads(record)
            terms = _TERMS.validate_python(published["terms"])
            scenarios = self._scenarios(name, published["scenarios"])
            begun = (int(version), *self._state(world, terms), published["started_at"])
            sandbox = Sandbox(name, terms, self.apis, self, bound.decode() or None, scenarios, begun)
            self._by_name[name] = sandbox
        return sandbox

    def count(self) -> int:
        """How many there are."""
        return int(self._redis.call("ZCARD", self._prefix + "names"))

    def all(self) -> list[Sandbox]:
        """Every sandbox, the default one first."""
        found = []
        for name in self._names():
            try:
                found.append(self.get(name))
            except NoSandbox:
                continue  # it went meanwhile
        return found

    def _found_default(self) -> None:
        """Make the default sandbox, unless another process was faster."""
        with contextlib.suppress(NameTaken):
            Sandbox(DEFAULT, self.terms, self.apis, self, scenarios=self.scenarios)

    def _state(self, name: bytes, terms: Terms) -> tuple[SharedClock, RedisStore]:
        world = name.decode()
        store = RedisStore(self._redis, world, terms.journal_size, terms.journal_bytes, terms.max_rows)
        return SharedClock(self._redis, world), store

    def _scenarios(self, name: str, origins: list[tuple[str, str, list[str]]]) -> list[Scenario]:
        scenarios = []
        for file, source, written in origins:
            try:
                scenarios.append(restored(Origin(file, source, tuple(written)), self.apis))
            except UserError as error:
                log.error("a scenario of sandbox %s is of no use to this server: %s", name, error)
        return scenarios

    def _names(self) -> list[str]:
        return texts(self._redis.call("ZRANGE", self._prefix + "names", 0, -1))
