"""How fast requests may go: under what a person says, and under what the server tells in its headers.

Times are handed in. Must not know: sockets, clocks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from mockserver.messages import Limit, Response

TRIES = 4
"""Times that a request is sent that the server refuses for its rate."""
_FIRST_WAIT = 1.0
"""Seconds before the second try, where the server does not say; each further wait is twice as long."""
_FEW = 1
"""Requests that are left to others when the server tells how many remain."""
_EPOCH = 1_000_000_000
"""From here on a reset is a moment, and no number of seconds."""
_PART = re.compile(r"(?:^|[;,\s])(r|remaining|t|reset)=(\d+)")


class Pace:
    """Says how long to wait before the next request.

    Args:
        limit: the most that a person allows; None for no bound of their own.
    """

    def __init__(self, limit: Limit | None = None) -> None:
        self._limit = limit
        self._sent: deque[float] = deque()
        self._not_before = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request may go."""
        until = self._not_before
        if self._limit is not None:
            while self._sent and self._sent[0] <= now - self._limit.window:
                self._sent.popleft()
            if len(self._sent) >= self._limit.max:
                until = max(until, self._sent[len(self._sent) - self._limit.max] + self._limit.window)
        return max(0.0, until - now)

    def sent(self, now: float) -> None:
        """A request went out."""
        if self._limit is not None:
            self._sent.append(now)

    def told(self, response: Response, now: float, tries: int = 0) -> float:
        """Learn from a response; how many seconds a refused request has to wait, 0 when it was not refused."""
        remaining, reset = _told(response.headers)
        if remaining is not None and reset is not None and remaining <= _FEW:
            seconds = reset - now if reset >= _EPOCH else reset
            self._not_before = max(self._not_before, now + max(0.0, seconds))
        if response.status not in (429, 503):
            return 0.0
        asked = retry_after(response.headers.get("retry-after"), now)
        if response.status == 503 and asked is None:
            return 0.0
        seconds = _FIRST_WAIT * 2**tries if asked is None else asked
        self._not_before = max(self._not_before, now + seconds)
        return max(self._not_before - now, 0.001)


def retry_after(text: str | None, now: float) -> float | None:
    """The seconds that a `Retry-After` asks for; None where it says nothing that can be read."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def _told(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """How many requests remain, and when there are more: in seconds, or at a moment."""
    remaining = reset = None
    for name, text in headers.items():
        if "rate" not in name or "limit" not in name:
            continue
        if name.endswith("-remaining") and text.isdecimal():
            remaining = float(text)
        elif name.endswith("-reset") and text.replace(".", "", 1).isdecimal():
            reset = float(text)
        elif name == "ratelimit":
            parts = dict(_PART.findall(text))
            remaining = float(parts.get("r") or parts.get("remaining") or "2")
            reset = float(parts.get("t") or parts.get("reset") or "0")
    return remaining, reset


__all__ = ["TRIES", "Pace", "retry_after"]
