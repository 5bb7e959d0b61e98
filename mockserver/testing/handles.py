"""The parts of a `Mock`: its credits, its clock, its state, and the validate of retries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mockserver.admin.client import AdminClient
from mockserver.clock import monotonic, parse_duration, sleep
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


class WebhookControl:
    """The webhooks and callbacks of a sandbox: what was sent, what waits, and a way to send one."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin

    def send(self, name: str, data: Any = None, *, to: str | None = None, after: str | None = None) -> dict[str, Any]:
        """Send a webhook; where it goes, when (`at`) and its body.

        Args:
            name: the webhook, or `OPERATION.CALLBACK`.
            data: the body; None makes one by the document.
            to: the URL; None for the one that the profile says.
            after: a duration on the test clock, such as `3s`.

        Raises UserError when there is no such webhook, or when it may not be sent there.
        """
        said = {"data": data, "to": to, "after": after}
        return self._admin.send_webhook(name, **{key: value for key, value in said.items() if value is not None})

    @property
    def waiting(self) -> list[dict[str, Any]]:
        """What is to happen later on the test clock, rows that a rule changes included; the next thing first."""
        waiting: list[dict[str, Any]] = self._admin.webhooks()["waiting"]
        return waiting

    def deliveries(self, name: str | None = None) -> list[dict[str, Any]]:
        """Every attempt as the journal has it, oldest first; of one webhook, when it is named. Waits for those due."""
        self.wait()
        operation = None if name is None else f"webhook {name}"
        entries = self._admin.journal(stage="webhook", operation=operation, limit=1000)["entries"]
        return sorted(entries, key=lambda entry: entry["number"])

    def wait(self, seconds: float = 15.0) -> None:
        """Wait until no webhook is due or on its way. Raises TimeoutError after so many real seconds."""
        until = monotonic() + seconds
        while True:
            state = self._admin.webhooks()
            if not state["busy"] and not any(task["due"] and task["do"] == "webhook" for task in state["waiting"]):
                return
            if monotonic() > until:
                raise TimeoutError(f"webhooks were still on their way after {seconds:g} s")
            sleep(0.005)

    def assert_sent(self, name: str, times: int = 1) -> list[dict[str, Any]]:
        """Fail unless a webhook was sent so often, each attempt counted; the attempts."""
        deliveries = self.deliveries(name)
        if len(deliveries) != times:
            told = "\n".join(f"  #{d['number']} {d['path']} {d['status'] or d['reason']}" for d in deliveries)
            raise AssertionError(f"webhook {name} was sent {len(deliveries)} times, not {times}\n{told}".rstrip())
        return deliveries


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
