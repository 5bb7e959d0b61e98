"""Tools that move the clock of a sandbox, and that set and show its credits and limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mockserver.admin.tools.excerpts import fitting
from mockserver.admin.tools.shared import Limit, Offset, Operation, Result, Sandbox, Tools
from mockserver.errors import UserError
from mockserver.messages import JSON


class ControlTools(Tools):
    """The tools about the clock, the credits and the limits."""

    def advance_clock(
        self, by: Annotated[str, Field(description="A duration: 500ms, 61s, 1h30m.")], sandbox: Sandbox = ""
    ) -> Result:
        """Move the test clock of a sandbox ahead at once: rate limit windows slide, and what is due happens.

        It takes no real time. A clock never goes back; reset_sandbox starts it anew.
        """
        return self._at(sandbox).advance_clock(by)

    def set_clock(
        self,
        mode: Annotated[
            Literal["frozen", "real", ""], Field(description="`frozen` stops it, `real` lets it run.")
        ] = "",
        now: Annotated[str, Field(description="The time to go to, later than now: 2030-01-01T00:00:00Z.")] = "",
        rate: Annotated[float | None, Field(description="Test seconds per real second, from 0 to 1000000.")] = None,
        sandbox: Sandbox = "",
    ) -> Result:
        """Freeze the test clock of a sandbox, let it run, or move it ahead to a time. Give at least one of the three.

        A client that really sleeps needs a running clock: on a frozen one a rate limit never ends by itself.
        """
        change: dict[str, JSON] = {"mode": mode or None, "now": now or None, "rate": rate}
        change = {name: value for name, value in change.items() if value is not None}
        if not change:
            raise UserError("nothing to change is named; give `mode`, `now` or `rate`")
        return self._at(sandbox).change_clock(**change)

    def set_credits(
        self, remaining: Annotated[float, Field(description="Credits to spend from now on.")], sandbox: Sandbox = ""
    ) -> Result:
        """Set what remains on the credit account of a sandbox. With 0, the next paid request is 402."""
        return self._at(sandbox).set_credits(remaining)

    def list_limits(
        self, operation: Operation = "", offset: Offset = 0, limit: Limit = 50, sandbox: Sandbox = ""
    ) -> Result:
        """List the rate limits of a sandbox: requests that a window admits, and how many it still does.

        `window` is in seconds. `free_at` is when the next place frees, in epoch seconds of the test clock, which
        `clock` shows.
        """
        client = self._at(sandbox)
        rows = [row for row in client.limits() if operation in ("", row["operation"])]
        shown = fitting(rows[offset : offset + limit])
        return {"limits": shown, "total": len(rows), "clock": client.clock()}
