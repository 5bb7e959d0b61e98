"""The test clock: real, frozen, or running at a rate; it can be set ahead and never goes back.

This is the only module that reads the system's time. Everything else is given a number of
epoch seconds, taken once per request.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from mockserver.errors import UserError

Mode = Literal["real", "frozen"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


LAST = 253_402_300_799.0
"""Epoch seconds of the end of the year 9999, where calendars end. No clock goes further."""


def parse_duration(text: str) -> float:
    """Seconds in a duration such as `500ms`, `2s`, `1.5m` or `1h30m`. Raises UserError."""
    text = text.strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UserError(f"{text!r} is not a duration; write a number and a unit: 500ms, 2s, 1m, 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def parse_time(text: str) -> float:
    """Epoch seconds of an ISO 8601 moment; one without a zone is UTC. Raises UserError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text!r} is not a moment; write it like 2026-01-01T00:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def timestamp(epoch: float) -> str:
    """The moment as the bundled APIs print it: `2026-01-01T00:00:00.000Z`."""
    second = math.floor(epoch)
    # Half a microsecond is added because a float cannot hold every millisecond.
    return _second(second) + _FRACTIONS[int((epoch - second) * 1000 + 0.0005)]


@lru_cache(maxsize=256)
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat().removesuffix("+00:00")


_FRACTIONS = [f".{millis:03d}Z" for millis in range(1000)] + [".999Z"]


monotonic = time.perf_counter
"""Real seconds from an arbitrary start, for measuring how long an answer took."""


wall_time = time.time
"""Epoch seconds of the system, for what is about the process and not about a sandbox."""


def sleep(seconds: float) -> None:
    """Wait for real seconds."""
    time.sleep(seconds)


class Hands(NamedTuple):
    """Where a clock stands: now = base + (real - real base) x rate."""

    base: float
    """Epoch seconds on the clock at the moment `real_base`."""
    real_base: float
    """Seconds of the real time that the clock follows."""
    rate: float
    """Test seconds per real second; 0 is a frozen clock, 1 the real one."""

    def at(self, real: float) -> float:
        """Epoch seconds on the clock at a real time."""
        now = self.base + (real - self.real_base) * self.rate
        return now if now < LAST else LAST


def checked_rate(rate: float) -> float:
    """The rate. Raises UserError when no clock can run at it."""
    if not 0 <= rate <= 1_000_000:
        raise UserError(f"the clock's rate is {rate}; it must be between 0 (frozen) and 1000000")
    return rate


class Clock:
    """A sandbox's clock. Safe to use from several threads.

    Args:
        start: epoch seconds at which it starts; the system's time when not given.
        rate: test seconds per real second.
    """

    def __init__(self, start: float | None = None, rate: float = 1.0) -> None:
        self._lock = threading.Lock()
        # One tuple, replaced whole: a reader in another thread never sees half a change.
        self._hands = Hands(time.time() if start is None else start, time.monotonic(), checked_rate(rate))

    def now(self) -> float:
        """Epoch seconds."""
        return self.read()[0]

    def read(self) -> tuple[float, float]:
        """Epoch seconds, and the rate."""
        base, real_base, rate = self._hands
        if not rate:
            return base, rate
        now = base + (time.monotonic() - real_base) * rate
        return now if now < LAST else LAST, rate

    def hands(self) -> Hands:
        """Where it stands; the same until it is moved or runs otherwise."""
        return self._hands

    def change(self, move: Callable[[Hands, float], Hands]) -> float:
        """Replace the hands, all at once, by what `move` makes of them and the real time; the new epoch seconds."""
        with self._lock:
            real = time.monotonic()
            self._hands = move(self._hands, real)
            return self._hands.base

    @property
    def rate(self) -> float:
        """Test seconds per real second; 0 when frozen."""
        return self.read()[1]

    @property
    def mode(self) -> Mode:
        """`frozen`, or `real` for a clock that runs by itself at any rate."""
        return "real" if self.rate else "frozen"

    def advance(self, seconds: float) -> float:
        """Move ahead at once; returns the new time. Raises UserError when negative."""
        if not 0 <= seconds < float("inf"):
            raise UserError(f"the clock cannot be advanced by {seconds} s: it never goes back")

        def move(hands: Hands, real: float) -> Hands:
            now = hands.at(real) + seconds
            if now > LAST:
                raise UserError(f"the clock cannot be advanced by {seconds:g} s: the calendar ends with the year 9999")
            return Hands(now, real, hands.rate)

        return self.change(move)

    def set(self, epoch: float) -> float:
        """Move ahead to a moment; returns it. Raises UserError when it is in the past."""

        def move(hands: Hands, real: float) -> Hands:
            now = hands.at(real)
            if not now <= epoch < float("inf"):
                raise UserError(f"the clock stands at {timestamp(now)} and cannot go to {epoch}: it never goes back")
            if epoch > LAST:
                raise UserError("the clock cannot go there: the calendar ends with the year 9999")
            return Hands(epoch, real, hands.rate)

        return self.change(move)

    def run(self, rate: float) -> None:
        """Go on from the present moment at another rate; 0 freezes. Raises UserError."""
        rate = checked_rate(rate)
        self.change(lambda hands, real: Hands(hands.at(real), real, rate))

    def freeze(self) -> None:
        """Stand still at the present moment."""
        self.run(0.0)
