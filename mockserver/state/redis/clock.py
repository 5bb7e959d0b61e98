"""A test clock that several processes share. The real time that it follows is that of Redis."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.clock import Clock, Hands, monotonic
from mockserver.errors import Problem
from mockserver.state.redis.store import RedisStore
from mockserver.state.redis.trip import Trip

MAX_TRIES = 100


class SharedClock(Clock):
    """The clock of one world. Reading it is a round trip.

    Args:
        store: the world's store.
    """

    def __init__(self, store: RedisStore) -> None:
        self._store = store

    def read(self) -> tuple[float, float]:
        """Epoch seconds, and the rate."""
        sent = monotonic()
        *hands, real = self._store.ask("clock")
        base, real_base, rate = hands
        guesses = self._store.guesses
        guesses.hands = base, real_base, rate
        guesses.learn_time(float(real), sent, monotonic())
        return Hands(*map(float, hands)).at(float(real)), float(rate)

    def hands(self) -> Hands:
        """Where it stands; the same until somebody moves it."""
        base, real_base, rate, _ = map(float, self._store.ask("clock"))
        return Hands(base, real_base, rate)

    def change(self, move: Callable[[Hands, float], Hands]) -> float:
        """Replace the hands, unless somebody else did meanwhile: then try again."""
        for _ in range(MAX_TRIES):
            *known, real = self._store.ask("clock")
            hands = move(Hands(*map(float, known)), float(real))
            if int(self._store.ask("move", *known, *map(repr, hands))):
                return hands.base
        raise Problem("unavailable", "Others keep changing the same clock; try again.")


class TripClock(SharedClock):
    """The clock of a world for one request, which reads it without asking: the script sees whether it stands so.

    Args:
        trip: the request's way through the store.
    """

    def __init__(self, trip: Trip) -> None:
        super().__init__(trip)
        self._trip = trip
        self._real = monotonic() + trip.guesses.ahead
        self._hands = Hands(*map(float, trip.hands))

    def read(self) -> tuple[float, float]:
        """Epoch seconds, and the rate."""
        return self._hands.at(self._real), self._hands.rate

    def change(self, move: Callable[[Hands, float], Hands]) -> float:
        """Replace the hands; the new epoch seconds."""
        hands = move(self._hands, self._real)
        return hands.base if self._trip.move(hands) else super().change(move)
