"""What a process believes of a world in Redis, so that a request need not ask before it answers.

Every guess is checked by the script that does what follows from it. A wrong one costs a round trip, nothing else:
so this needs no lock, and may be forgotten at any time. Several requests are on their way at once, and each one
guesses what stands there after those before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.state.redis.reads import Reads

DOUBT = 4
"""From how much doubt on a request asks before it makes a response that a wrong guess would spoil."""
MAX_KNOWN = 10_000
"""Counters and windows that are kept in mind."""


class Amount:
    """A number that requests on their way change, and how far it was corrected since it was learnt."""

    __slots__ = ("corrected", "value")

    def __init__(self, value: float) -> None:
        self.value = value
        self.corrected = 0.0

    def add(self, by: float) -> tuple[float, float]:
        """Change it; what it is then, to be given to `learn`."""
        self.value += by
        return self.value, self.corrected

    def undo(self, by: float) -> None:
        """What was added was not done. Those that came after have guessed too much."""
        self.value -= by
        self.corrected -= by

    def learn(self, actual: float, then: tuple[float, float]) -> None:
        """What it was in truth at a time: what has been added since is still to be added."""
        guess, corrected = then
        error = actual - (guess + self.corrected - corrected)
        if error:
            self.value += error
            self.corrected += error


class Believed:
    """A sliding window: how many requests are in it, and when the first of them leave."""

    __slots__ = ("leaving", "used")

    def __init__(self, used: int, leaving: list[float]) -> None:
        self.used = Amount(used)
        self.leaving = leaving

    def until(self, now: float) -> bool:
        """Let go what leaves until now; whether the moment is known at which the next one does."""
        leaving = self.leaving
        while leaving and leaving[0] <= now:
            del leaving[0]
            self.used.add(-1)
        return bool(leaving) or not self.used.value


class Guesses:
    """What is believed of one world.

    Args:
        reads: what was read of rows, here and in other worlds.
    """

    __slots__ = (
        "_ahead",
        "_doubt",
        "_rows_doubt",
        "consumed",
        "counters",
        "hands",
        "reads",
        "total",
        "version",
        "windows",
    )

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.version: Amount | None = None
        """That of the rows."""
        self.hands: tuple[bytes, bytes, bytes] | None = None
        """Those of the clock, as they are written in Redis; None when they are not known."""
        self._ahead = float("-inf")
        self._doubt = self._rows_doubt = 0
        self.counters: dict[bytes, Amount] = {}
        self.windows: dict[bytes, Believed] = {}
        self.total = 0.0
        self.consumed: Amount | None = None
        """Of the account; None when nothing is known of it."""

    @property
    def ahead(self) -> float:
        """Seconds by which the time of Redis is ahead of `monotonic`."""
        return self._ahead

    @property
    def are_doubtful(self) -> bool:
        """Whether guesses are wrong often, because other replicas do much in this world too."""
        return self._doubt >= DOUBT

    @property
    def rows_are_doubtful(self) -> bool:
        """Whether those of rows that were read are, because others change rows."""
        return self._rows_doubt >= DOUBT

    def judge(self, were_right: bool) -> None:
        """Take note of how the guesses of a request were."""
        self._doubt = _judged(self._doubt, were_right)

    def judge_rows(self, were_right: bool) -> None:
        """Take note of whether rows were as they had been read."""
        self._rows_doubt = _judged(self._rows_doubt, were_right)

    def learn_time(self, time: float, sent: float, received: float) -> None:
        """Take note of the time that Redis has told between two of ours."""
        self._ahead = min(max(self._ahead, time - received), time - sent)

    def learn_counter(self, name: bytes, actual: int, then: tuple[float, float] | None) -> None:
        """Take note of a counter's value."""
        known = self.counters.get(name)
        if known is None or then is None:
            if len(self.counters) >= MAX_KNOWN:
                self.counters.clear()
            self.counters[name] = Amount(actual)
        else:
            known.learn(actual, then)

    def learn_window(self, name: bytes, used: int, leaving: Sequence[float], then: tuple[float, float] | None) -> None:
        """Take note of a window."""
        known = self.windows.get(name)
        if known is None or then is None:
            if len(self.windows) >= MAX_KNOWN:
                self.windows.clear()
            self.windows[name] = Believed(used, list(leaving))
        else:
            known.used.learn(used, then)
            known.leaving = list(leaving)

    def learn_version(self, version: int, then: tuple[float, float] | None) -> None:
        """Take note of the version of the rows."""
        if self.version is None or then is None:
            self.version = Amount(version)
        else:
            self.version.learn(version, then)

    def learn_account(self, total: float, consumed: float, then: tuple[float, float] | None) -> None:
        """Take note of the account."""
        self.total = total
        if self.consumed is None or then is None:
            self.consumed = Amount(consumed)
        else:
            self.consumed.learn(consumed, then)


def _judged(doubt: int, were_right: bool) -> int:
    return max(0, doubt - 1) if were_right else min(2 * DOUBT, doubt + 2)


__all__ = ["Amount", "Guesses"]
