"""A test clock that several processes share. The real time that it follows is that of Redis."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.clock import Clock, Hands
from mockserver.errors import Problem
from mockserver.state.redis.connection import Connection

MAX_TRIES = 100


class SharedClock(Clock):
    """The clock of one world. Reading it is a round trip.

    Args:
        connection: the way to Redis.
        world: what the names of the world's keys begin with.
    """

    def __init__(self, connection: Connection, world: str) -> None:
        self._redis = connection
        self._world = world

    def read(self) -> tuple[float, float]:
        """Epoch seconds, and the rate."""
        base, real_base, rate, real = map(float, self._redis.run("clock", self._world))
        return Hands(base, real_base, rate).at(real), rate

    def hands(self) -> Hands:
        """Where it stands; the same until somebody moves it."""
        base, real_base, rate, _ = map(float, self._redis.run("clock", self._world))
        return Hands(base, real_base, rate)

    def change(self, move: Callable[[Hands, float], Hands]) -> float:
        """Replace the hands, unless somebody else did meanwhile: then try again."""
        for _ in range(MAX_TRIES):
            *known, real = self._redis.run("clock", self._world)
            hands = move(Hands(*map(float, known)), float(real))
            if self._redis.run("clock", self._world, *known, *map(repr, hands)):
                return hands.base
        raise Problem("unavailable", "Others keep changing the same clock; try again.")
