"""The vendor's rate limit: which window a request counts in, and what the headers say of it.

The window itself is a store operation, so that replicas can share it. This module is the
policy: pure functions, no state and no clock of its own.
"""

from __future__ import annotations

import math
import re
from email.utils import formatdate
from typing import Protocol

from mockserver.clock import parse_duration
from mockserver.errors import UserError
from mockserver.messages import Limit, Window

_RATE = re.compile(r"(\d+)(?:/(.+))?")


def parse_limit(text: str) -> Limit | None:
    """A limit from `200`, `200/60s` or `10/1m`; None for `off`. Raises UserError."""
    if text.strip().lower() == "off":
        return None
    match = _RATE.fullmatch(text.strip())
    if not match or int(match[1]) < 1:
        raise UserError(f"{text!r} is not a rate limit; write 200/60s, 200 for one minute, or off")
    window = parse_duration(match[2]) if match[2] else 60.0
    if window <= 0:
        raise UserError(f"the rate limit {text!r} has an empty window")
    return Limit(int(match[1]), window)


def headers(window: Window, now: float) -> dict[str, str]:
    """`X-RateLimit-*` for every response, and `Retry-After` whenever nothing remains.

    `Reset` is an epoch second and `Retry-After` whole seconds of at least 1, both rounded up, so
    that a client that waits for them is admitted (vendor: /api-reference/rate-limits).
    """
    values = {
        "x-ratelimit-limit": str(window.limit),
        "x-ratelimit-remaining": str(window.remaining),
        "x-ratelimit-reset": str(math.ceil(window.free_at)),
    }
    if window.remaining == 0:
        values["retry-after"] = str(retry_after(window, now))
    return values


class Told(Protocol):
    """How a limit is told."""

    @property
    def headers(self) -> str:
        """`x-ratelimit`, `ratelimit` or `none`."""

    @property
    def retry_after(self) -> str:
        """`seconds` or `date`."""


def told(window: Window, now: float, limit: Limit, how: Told, name: str = "default") -> dict[str, str]:
    """The headers of a limit as an API tells them.

    `ratelimit` is the IETF draft on RateLimit header fields: `RateLimit-Policy: "default";q=100;w=60` and
    `RateLimit: "default";r=50;t=30`. A date is an HTTP-date (RFC 9110, 10.2.3).
    """
    values = headers(window, now)
    wait = values.pop("retry-after", None)
    if how.headers == "none":
        values = {}
    elif how.headers == "ratelimit":
        left = max(0, math.ceil(window.free_at - now)) if window.remaining < window.limit else 0
        values = {
            "ratelimit-policy": f'"{name}";q={limit.max};w={math.ceil(limit.window)}',
            "ratelimit": f'"{name}";r={window.remaining};t={left}',
        }
    if wait is not None:
        is_date = how.retry_after == "date"
        values["retry-after"] = formatdate(math.ceil(now) + int(wait), usegmt=True) if is_date else wait
    return values


def retry_after(window: Window, now: float) -> int:
    """Whole seconds until a slot frees, at least 1."""
    return max(1, math.ceil(window.free_at - now))
