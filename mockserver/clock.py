"""The test clock: real, frozen, or running at a rate; it can be set ahead and never goes back.

This is the only module that reads the system's time. Everything else is given a number of
epoch seconds, taken once per request.
"""

from __future__ import annotations

import math
import re
import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

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


class Clock:
    """A clock with two bases and a rate: now = base + (real - real base) x rate.

    A rate of 0 is a frozen clock, 1 the real one. Safe to use from several threads.
    """

    def __init__(self, start: float | None = None, rate: float = 1.0) -> None:
        self._lock = threading.Lock()
        # One tuple, replaced whole: a reader in another thread never sees half a change.
        self._state = (time.time() if start is None else start, time.monotonic(), self._checked(rate))

    @staticmethod
    def _checked(rate: float) -> float:
        if not 0 <= rate <= 1_000_000:
            raise UserError(f"the clock's rate is {rate}; it must be between 0 (frozen) and 1000000")
        return rate

    def now(self) -> float:
        """Epoch seconds."""
        return self.read()[0]

    def read(self) -> tuple[float, float]:
        """Epoch seconds, and the rate."""
        base, real_base, rate = self._state
        if not rate:
            return base, rate
        now = base + (time.monotonic() - real_base) * rate
        return now if now < LAST else LAST, rate

    @property
    def rate(self) -> float:
        """Test seconds per real second; 0 when frozen."""
        return self._state[2]

    @property
    def mode(self) -> Mode:
        """`frozen`, or `real` for a clock that runs by itself at any rate."""
        return "real" if self.rate else "frozen"

    def advance(self, seconds: float) -> float:
        """Move ahead at once; returns the new time. Raises UserError when negative."""
        if not 0 <= seconds < float("inf"):
            raise UserError(f"the clock cannot be advanced by {seconds} s: it never goes back")
        with self._lock:
            now = self.now()
            if now + seconds > LAST:
                raise UserError(f"the clock cannot be advanced by {seconds:g} s: the calendar ends with the year 9999")
            return self._rebase(now + seconds, self.rate)

    def set(self, epoch: float) -> float:
        """Move ahead to a moment; returns it. Raises UserError when it is in the past."""
        with self._lock:
            now = self.now()
            if not now <= epoch < float("inf"):
                raise UserError(f"the clock stands at {timestamp(now)} and cannot go to {epoch}: it never goes back")
            if epoch > LAST:
                raise UserError("the clock cannot go there: the calendar ends with the year 9999")
            return self._rebase(epoch, self.rate)

    def run(self, rate: float) -> None:
        """Go on from the present moment at another rate; 0 freezes. Raises UserError."""
        rate = self._checked(rate)
        with self._lock:
            self._rebase(self.now(), rate)

    def freeze(self) -> None:
        """Stand still at the present moment."""
        self.run(0.0)

    def _rebase(self, now: float, rate: float) -> float:
        self._state = (now, time.monotonic(), rate)
        return now
