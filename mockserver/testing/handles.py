"""The parts of a `Mock`: its credits, its clock, its state, and the validate of retries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mockserver.admin.client import AdminClient
from mockserver.clock import parse_duration
from mockserver.errors import UserError
from mockserver.state.store import members_of


class CreditsControl:
    """The credit account of a sandbox."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin

    def set(self, remaining: float) -> None:
        """Set what remains to spend, in credits."""
        self._admin.set_credits(remaining)

    @property
    def remaining(self) -> float:
        """Credits left to spend."""
        return float(self._admin.credits()["remaining"])

    @property
    def consumed(self) -> float:
        """Credits charged so far."""
        return float(self._admin.credits()["consumed"])


class ClockControl:
    """The test clock of a sandbox."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin
        self.restart()

    def restart(self) -> None:
        """Count `elapsed` from now on."""
        self._start = self.now()

    def now(self) -> float:
        """Epoch seconds."""
        return float(self._admin.clock()["now"])

    @property
    def rate(self) -> float:
        """Test seconds per real second; 0 when frozen."""
        return float(self._admin.clock()["rate"])

    @property
    def elapsed(self) -> float:
        """Seconds on this clock since the sandbox was made."""
        return round(self.now() - self._start, 6)

    def advance(self, by: str | float) -> float:
        """Move ahead by a duration (`61s`) or by seconds; returns the new time. Raises UserError."""
        if not isinstance(by, str):
            if not 0 <= by < float("inf"):
                raise UserError(f"the clock cannot be advanced by {by:g} s: it never goes back")
            by = f"{by:.6f}s"
        parse_duration(by)
        return float(self._admin.advance_clock(by.strip())["now"])

    def set(self, moment: str) -> None:
        """Move ahead to an ISO 8601 moment. Raises UserError when it is in the past."""
        self._admin.change_clock(now=moment)

    def freeze(self) -> None:
        """Stand still."""
        self._admin.change_clock(mode="frozen")

    def run(self, rate: float = 1.0) -> None:
        """Go on, `rate` times as fast as the real time."""
        self._admin.change_clock(mode="real", rate=rate)

    @contextmanager
    def bridge(self, patience: float = 0.05) -> Iterator[None]:
        """Make this thread's sleeps and clocks follow the test clock for the length of the block.

        Args:
            patience: real seconds that a socket or another thread gets to answer before a sleep
                beside it is over.
        """
        from mockserver.testing.bridge import bridge

        with bridge(self, patience=patience):
            yield


class StateControl:
    """What a sandbox has stored."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin

    def snapshot(self) -> dict[str, Any]:
        """Rows, counters and account as plain JSON."""
        return self._admin.state()

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Put a snapshot back. Raises UserError when a row breaks the contract."""
        self._admin.restore(dict(snapshot))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table, oldest first, of all tenants; of a resource of your own API, the members of each."""
        partitions = self.snapshot()["tables"].get(table, {})
        return [members_of(row) for rows in partitions.values() for row in rows]


class Retries:
    """How the client retried."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """One for each call that was sent more than once, or should have been."""
        return self._admin.retries()

    def assert_honoured(self) -> None:
        """Fail when a retry came before its `Retry-After` was over."""
        self._assert_none("honoured_retry_after", False)

    def assert_backed_off(self) -> None:
        """Fail when retries that nobody timed came faster and faster."""
        self._assert_none("backed_off", False)

    def assert_stopped_at_402(self) -> None:
        """Fail when a call went on after it was told that the credits are used up."""
        self._assert_none("stopped_at_402", False)

    def assert_no_duplicates(self) -> None:
        """Fail when a call was stored and charged twice, its first response having been lost."""
        self._assert_none("duplicated", True)

    def _assert_none(self, field: str, bad: bool) -> None:
        __tracebackhide__ = True
        broken = [verdict["explain"] for verdict in self.verdicts if verdict[field] is bad]
        if broken:
            raise AssertionError("\n".join(broken))
