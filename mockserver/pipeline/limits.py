"""Rate limits of a request: what says that one is reached, and several at once, of which every window must have room.

Must not know: what a response is.
"""

from __future__ import annotations

import re

from mockserver.apis.api import ApiLimit, one_tenant
from mockserver.apis.routes import Plan
from mockserver.errors import Problem
from mockserver.messages import Limit, Limited, Window
from mockserver.sandbox.world import World, window_of
from mockserver.state import ratelimit


def windows(
    world: World, plan: Plan, tenant: str, key: str, now: float, counts: bool
) -> tuple[Window, Limit, dict[str, str]]:
    """Ask the windows of an operation, and count the request in them.

    Returns the window that decides, which is the one that is full or else the one with the least room, its limit, and
    the headers that tell of them.
    """
    store, names = world.store, [window_of(plan, limit, tenant, key) for limit in plan.limits]
    pairs = list(zip(names, plan.limits, strict=True))
    if len(pairs) > 1 and counts:
        looked = [store.hit(name, now, each.limit.max, each.limit.window, False) for name, each in pairs]
        counts = all(window.remaining for window in looked)
    seen = [(store.hit(name, now, each.limit.max, each.limit.window, counts), each) for name, each in pairs]
    window, decides = min(seen, key=_room)
    if not window.remaining and not counts:
        window.admitted = False
    headers = ratelimit.told(window, now, decides.limit, decides)
    if len(seen) > 1 and decides.headers == "ratelimit":
        told = [ratelimit.told(window, now, each.limit, each, each.name) for window, each in seen]
        for name in ("ratelimit-policy", "ratelimit"):
            headers[name] = ", ".join(fields[name] for fields in told if name in fields)
    return window, decides.limit, headers


def limited(world: World, plan: Plan, limit: Limit, window: Window) -> Limited:
    """The window that refuses a request, with whose requests count in it, in the API's words, and which."""
    api, operation = plan.api, plan.operation
    parts: tuple[str, ...] = ("tenant", "path", "method")
    scenario = world.scenarios.get(api.name)
    ruled = [each for each in scenario.limits if operation.id in each.operations] if scenario else []
    if ruled:
        parts = ruled[0].per
    elif isinstance(world.terms.limit, str):
        parts = next((each.per for each in plan.limits if each.limit is limit), parts)
    has_tenants = api.tenant is not one_tenant or bool(plan.tenant)
    by_tenant = has_tenants and ("tenant" in parts or "teamspace" in parts)
    callers = [*([api.tenant_name] if by_tenant else []), *(["key"] if "key" in parts else [])]
    target = {"method": operation.method, "path": operation.path}
    requests = " ".join(text for part, text in target.items() if part in parts)
    return Limited(limit.max, limit.window, window.free_at, callers, requests)


def exhaust(headers: dict[str, str]) -> None:
    """Say in the headers of a response that nothing remains."""
    if "x-ratelimit-remaining" in headers:
        headers["x-ratelimit-remaining"] = "0"
    elif "ratelimit" in headers:
        headers["ratelimit"] = re.sub(r";r=\d+", ";r=0", headers["ratelimit"])


def rate_limited(limit: Limit, seconds: int, retry_after: str) -> Problem:
    """The 429 of a limit; `retry_after` is the header's value."""
    message = f"The limit of {limit.max} requests in {limit.window:g} seconds is reached; retry after {seconds} s."
    return Problem("rate_limit_exceeded", message, headers={"retry-after": retry_after})


def _room(seen: tuple[Window, ApiLimit]) -> tuple[bool, float, float]:
    """What sorts a full window first, of several full ones the one that is full for longest, and little room before
    much."""
    window, _ = seen
    return window.remaining > 0, 0.0 if window.remaining else -window.free_at, window.remaining / window.limit


__all__ = ["exhaust", "limited", "rate_limited", "windows"]
