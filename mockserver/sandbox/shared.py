"""The sandboxes of servers that share a store: what one of them makes, resets or removes, all of them see.

A sandbox is a name, a version, a record (its terms and the texts of its scenarios), and the world that it is
in. Every request names the version that it believes in; a process that knows another one reads the record and makes
its own Sandbox anew. A world that was reset takes no writes any more: a request that has done a part of its work there
is answered with 503.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import TypeGuard

import orjson
from pydantic import TypeAdapter

from mockserver.apis import Api
from mockserver.clock import Clock
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import Request
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.sandbox.sandboxes import Bounds, NameTaken, NoSandbox, Sandboxes, TooMany, new_key
from mockserver.sandbox.visit import Visit, bound
from mockserver.sandbox.world import Terms, World
from mockserver.scenarios import Origin, Scenario, restored
from mockserver.state.redis.clock import SharedClock
from mockserver.state.redis.condition import Condition
from mockserver.state.redis.connection import Connection
from mockserver.state.redis.figures import SharedFigures
from mockserver.state.redis.names import keys_of, record_of, shelf_of, tag_of
from mockserver.state.redis.reads import Reads
from mockserver.state.redis.replies import Refused
from mockserver.state.redis.servers import BEAT, Servers
from mockserver.state.redis.shelf import RedisShelf
from mockserver.state.redis.store import RedisStore
from mockserver.state.store import Store

log = logging.getLogger("mockserver")

UNSEEN_SECONDS = 60
"""How long a world is kept that was begun and not shown: its process has died."""
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
        self._reads = Reads()
        self.condition = Condition(connection)
        """That of Redis."""
        self._servers = Servers(connection, {name: _digest(api) for name, api in apis.items()})
        self._servers.join()
        super().__init__(apis, terms, bounds, scenarios)
        self.condition.look()
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
        world = f"{tag_of(self._prefix, name)}{self._number()}:"
        store = self._store(world, terms)
        self._redis.run("begin", store.keys[:1], start, repr(terms.clock_rate), repr(terms.credits), UNSEEN_SECONDS)
        return SharedClock(store), store

    def publish(self, sandbox: Sandbox, world: World) -> None:
        """Put a sandbox into a world, and show it to everybody. Raises NameTaken, TooMany or NoSandbox."""
        assert isinstance(world.store, RedisStore)
        record = orjson.dumps(
            {
                "terms": _TERMS.dump_python(sandbox.given, mode="json"),
                "started_at": world.started_at,
                "scenarios": [tuple(scenario.origin) for scenario in world.scenarios.values()],
            }
        )
        name, key = sandbox.name, self._record(sandbox.name)
        self._by_name.pop(name, None)  # should this fail, the record tells what is
        if not world.version:
            self._register(name, world.store)
        stay = [*world.store.keys, *shelf_of(tag_of(self._prefix, name))]
        version, outcome = self._number(), "moved"
        idle = "" if self.bounds.idle_seconds is None else max(1, round(self.bounds.idle_seconds))
        while outcome == "moved":
            before = (self._redis.call("HGET", key, "world") or b"").decode() if world.version else ""
            gone = keys_of(before) if before not in ("", world.store.world) else []
            said = (before or "-" if world.version else "", world.store.world, version, record, sandbox.key or "", idle)
            outcome = self._redis.run("publish", [key, *stay, *gone], *said, len(stay)).decode()
        if outcome != "done" and world.store.world != before:
            self._redis.call("UNLINK", *world.store.keys)
        if outcome == "taken":
            raise NameTaken(f"there is a sandbox {name!r} already")
        if outcome == "gone":
            raise NoSandbox(f"there is no sandbox {name!r} any more")
        if not world.version:
            self._redis.call("ZADD", self._prefix + "names", "NX", version, name)  # it may have been taken for gone
            self.shelf(name).clear()  # one of that name may have gone by itself
        world.clock.read()
        sandbox.world = replace(world, version=version)
        self._by_name[name] = sandbox

    def shelf(self, name: str) -> RedisShelf:
        """Where the snapshots of a sandbox are."""
        return RedisShelf(self._redis, tag_of(self._prefix, name))

    def _register(self, name: str, store: RedisStore) -> None:
        """Enter a name that is new. Raises TooMany."""
        names, most = self._prefix + "names", self.bounds.count
        self._redis.call("ZADD", names, "NX", self._number(), name)
        if self._redis.call("ZCARD", names) > most and len(self._names()) >= most:
            self._redis.call("ZREM", names, name)
            self._redis.call("UNLINK", *store.keys)
            raise TooMany(f"there are {most} sandboxes already; delete some or raise --max-sandboxes")

    def enter(self, name: str | None, request: Request) -> tuple[World, float, float]:
        """The world of a request that the real API answers, the time on its clock, and the clock's rate. It waits."""
        for asked, key in [(name, "")] if name is not None else bound(request):
            sandbox = self.look(asked)
            if sandbox is not None and key in ("", sandbox.key):
                break
        else:
            sandbox = self.default
        return sandbox.world, *sandbox.clock.read()

    def visit(self, name: str | None, request: Request) -> Visit:
        """The way of a request to the sandbox that its path names, or that one of its keys is bound to.

        Raises Problem while Redis is too slow: what a request would come to need not be found out first.
        """
        self._redis.insist()
        return Visit(self, self._redis, name, request)

    def problems(self) -> list[str]:
        """What is wrong with the store, in one sentence each."""
        return list(self.condition.problems.values())

    def close(self) -> None:
        """End what the running event loop has opened."""
        self._redis.close()

    async def stay(self) -> None:
        """Let the other servers know that this one is there, until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(BEAT)
                await asyncio.to_thread(self._tell, self._servers.beat)
                await asyncio.to_thread(self._tell, self.condition.look)
        finally:
            self._tell(self._servers.leave)

    @staticmethod
    def _tell(what: Callable[[], None]) -> None:
        with contextlib.suppress(Problem):  # the log tells of a store that is out of reach
            what()

    def known(self, name: str) -> Sandbox | None:
        """A sandbox as this process knows it, which may be another one by now."""
        return self._by_name.get(name)

    def forget(self, world: World) -> None:
        """Look at a sandbox anew, of which Redis has said that it is not in this world."""
        known = self._by_name.get(world.sandbox)
        if known is not None and known.world.version == world.version:
            self._by_name.pop(world.sandbox, None)

    def look(self, name: str) -> Sandbox | None:
        """A sandbox as it is; None when it is not there."""
        try:
            return self.get(name)
        except NoSandbox:
            return None

    def create(
        self, name: str | None = None, scenarios: Sequence[Scenario] = (), terms: Terms | None = None
    ) -> Sandbox:
        """Make a sandbox with an API key of its own. Raises NameTaken or TooMany."""
        self._insist_on_memory()
        while name is None:
            free = f"sandbox-{self._redis.call('INCR', self._prefix + 'unnamed')}"
            name = None if free in self._names() else free
        return Sandbox(name, terms or self.terms, self.apis, self, new_key(name), scenarios)

    def delete(self, name: str) -> None:
        """Remove a sandbox. Raises UserError for the default one and for an unknown name."""
        if name == DEFAULT:
            raise UserError("the default sandbox cannot be deleted; reset it instead")
        key = self._record(name)
        self._by_name.pop(name, None)
        while (world := self._redis.call("HGET", key, "world")) is not None:
            if self._redis.run("remove", [key, *keys_of(world.decode())], world):
                self._redis.call("ZREM", self._prefix + "names", name)
                self.shelf(name).clear()
                return
        raise self._no_sandbox(name)

    def get(self, name: str) -> Sandbox:
        """The sandbox of that name. Raises NoSandbox, which names the nearest one."""
        found = self._redis.call("HMGET", self._record(name), "version", "world", "record", "key")
        version, world, record, bound = found
        if version is None:
            self._by_name.pop(name, None)
            if name == DEFAULT:
                self._found_default()
                return self.get(name)
            raise self._no_sandbox(name)
        sandbox = self._by_name.get(name)
        if sandbox is None or sandbox.world.version != int(version):
            published = orjson.loads(record)
            terms = _TERMS.validate_python(published["terms"])
            scenarios = self._scenarios(name, published["scenarios"])
            store = self._store(world.decode(), terms)
            clock: Clock = SharedClock(store)
            if sandbox is not None and sandbox.given == terms and _is_of(sandbox.store, store.world):
                # Only its scenarios are others: who reads its journal, say, goes on where it was.
                store, clock = sandbox.store, sandbox.clock
            try:
                clock.read()
            except Refused as refused:
                if not refused.is_gone:
                    raise
                if self._redis.run("remove", [self._record(name), *keys_of(world.decode())], world):
                    # It is still that world, and Redis has it no more.
                    self._redis.call("ZREM", self._prefix + "names", name)
                    if self.bounds.idle_seconds is None:
                        log.error("the shared store has lost what sandbox %s held; it is taken away", name)
                return self.get(name)
            begun = int(version), clock, store, published["started_at"]
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

    def _record(self, name: str) -> str:
        """The key of a sandbox's record."""
        return record_of(tag_of(self._prefix, name))

    def _number(self) -> int:
        """A number that was never given before."""
        return int(self._redis.call("INCR", self._prefix + "made"))

    def _store(self, world: str, terms: Terms) -> RedisStore:
        return RedisStore(self._redis, world, terms.journal_size, terms.journal_bytes, terms.max_rows, self._reads)

    def _no_sandbox(self, name: str) -> NoSandbox:
        return NoSandbox(f"there is no sandbox {name[:80]!r}{did_you_mean(name, self._names())}")

    def _scenarios(self, name: str, origins: list[tuple[str, str, list[str]]]) -> list[Scenario]:
        scenarios = []
        for file, source, written in origins:
            try:
                scenarios.append(restored(Origin(file, source, tuple(written)), self.apis))
            except UserError as error:
                log.error("a scenario of sandbox %s is of no use to this server: %s", name, error)
        return scenarios

    def _names(self) -> list[str]:
        """The names of all sandboxes. Those that nobody used for long have gone by themselves, and are forgotten."""
        names = self._redis.call("ZRANGE", self._prefix + "names", 0, -1)
        there = self._redis.there([self._record(name.decode()) for name in names])
        gone = [name for name, is_there in zip(names, there, strict=True) if not is_there]
        if gone:
            self._redis.call("ZREM", self._prefix + "names", *gone)
            for name in gone:
                self.shelf(name.decode()).clear()
        return [name.decode() for name, is_there in zip(names, there, strict=True) if is_there]


def _is_of(store: Store, world: str) -> TypeGuard[RedisStore]:
    return isinstance(store, RedisStore) and store.world == world


def _digest(api: Api) -> str:
    """What stands for the document that an API is served from."""
    return blake2b(orjson.dumps(api.contract.document, option=orjson.OPT_NON_STR_KEYS), digest_size=8).hexdigest()
