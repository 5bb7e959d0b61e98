"""One request's visit to sandboxes in a shared store: which world it is answered in, and what Redis is asked for it.

A request is run as often as it takes, each time in `world()`, until `took` says that it is over. See `redis.trip`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.errors import Problem
from mockserver.messages import Request
from mockserver.sandbox.sandbox import DEFAULT, Sandbox
from mockserver.sandbox.sandboxes import keys_in, name_in_key
from mockserver.sandbox.world import World
from mockserver.state.redis.clock import TripClock
from mockserver.state.redis.connection import Command, Connection
from mockserver.state.redis.replies import Refused
from mockserver.state.redis.store import RedisStore
from mockserver.state.redis.trip import Trip
from mockserver.state.store import Wait

if TYPE_CHECKING:
    from mockserver.sandbox.shared import SharedSandboxes

MAX_TRIES = 100
"""How often a request begins again when the world is another one each time."""


class Look(NamedTuple):
    """To find a sandbox that this process does not know. That takes several round trips, and is rare."""

    sandboxes: SharedSandboxes
    name: str

    def wait(self) -> Sandbox | None:
        """The sandbox; None when it is not there."""
        return self.sandboxes.look(self.name)

    def send(self, then: object) -> bool:
        """False: only a thread can wait for it."""
        return False


class Visit:
    """One request's visit.

    Args:
        sandboxes: where it goes.
        connection: the way to Redis.
        name: the sandbox that the path names, if it names one.
        request: the request, whose keys may be bound to a sandbox.
    """

    def __init__(self, sandboxes: SharedSandboxes, connection: Connection, name: str | None, request: Request) -> None:
        self._sandboxes, self._redis = sandboxes, connection
        self._asked = [(name, "")] if name is not None else bound(request)
        self._looked: dict[str, Sandbox | None] = {}
        """What has been read of Redis for this request."""
        self._look = ""
        """The sandbox whose record is to be read, if one is."""
        self._trip: Trip | None = None
        self._entered: tuple[World, float, float] | None = None
        self._tries = 0
        self.number = 0
        """That of the journal's entry, once it is written."""

    def enter(self) -> tuple[World, float, float]:
        """The world that the request is answered in, the epoch seconds on its clock, and the clock's rate."""
        if self._entered is None:
            sandbox = self._sandbox()
            store = sandbox.world.store
            assert isinstance(store, RedisStore)
            trip = self._trip = Trip(self._redis, store, sandbox.world.version)
            clock = TripClock(trip)
            self._entered = sandbox.world.through(trip, clock), *clock.read()
        else:
            assert self._trip is not None
            self._trip.begin()
        return self._entered

    def _sandbox(self) -> Sandbox:
        """The sandbox of the path or of a key, else the default one. Raises Wait when Redis has to be asked."""
        for name, key in self._asked:
            found = self._looked[name] if name in self._looked else self._sandboxes.known(name)
            if found is not None and key in ("", found.key):
                return found
            if name not in self._looked:
                self._look = name
                raise Wait
        default = self._sandboxes.known(DEFAULT)
        if default is None:
            self._look = DEFAULT
            raise Wait
        return default

    @property
    def command(self) -> Command | Look:
        """What is to be asked now."""
        if self._look:
            return Look(self._sandboxes, self._look)
        assert self._trip is not None
        return self._trip.command()

    @property
    def is_done(self) -> bool:
        """Whether only the journal waits to be written."""
        return not self._look and self._trip is not None and self._trip.is_done

    def took(self, reply: Any) -> bool:
        """Take note of what Redis says; whether the request is over."""
        if self._look:
            self._looked[self._look], self._look = reply, ""
            return False
        assert self._trip is not None
        moved = self._trip.answered(reply)
        if moved is not None:
            self._again(is_gone=moved)
            return False
        self.number = self._trip.number
        return self.number > 0

    def failed(self, problem: Problem) -> bool:
        """Take note that Redis could not do it; whether the request may go on nevertheless."""
        if self._trip is None or self._look:
            return False
        self._trip.give_up()
        if isinstance(problem, Refused) and problem.is_gone and self._trip.is_new and self._tries < MAX_TRIES - 1:
            self._again(is_gone=True)
            return True
        return False

    def _again(self, is_gone: bool) -> None:
        """Begin again in another world. Nothing was done in the one before."""
        assert self._entered is not None
        self._tries += 1
        if self._tries == MAX_TRIES:
            raise Problem("unavailable", "The sandbox is reset again and again; try again.")
        if is_gone:
            world = self._entered[0]
            self._sandboxes.forget(world)
            self._looked.pop(world.sandbox, None)
            self._look = world.sandbox
        self._entered = self._trip = None


def bound(request: Request) -> list[tuple[str, str]]:
    """The sandboxes whose keys a request has, with these keys."""
    return [(name, key) for key in keys_in(request) if (name := name_in_key(key))]


__all__ = ["Visit", "bound"]
