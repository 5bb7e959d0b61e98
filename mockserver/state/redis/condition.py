"""What Redis says of itself while servers use it: whether it throws keys away, and whether it can be written.

A Redis that is right at the start may be given another policy or another role later, and nothing that a request does
would tell of keys that are gone. Must not know: what the keys are.
"""

from __future__ import annotations

import logging
from typing import Any

from mockserver.clock import monotonic
from mockserver.state.redis.connection import Connection

log = logging.getLogger("mockserver")

AGAIN = 60.0
"""Seconds after which it is said again that more keys are gone."""


class Condition:
    """The state that Redis was in when it was last looked at.

    Args:
        connection: the way to Redis.
    """

    def __init__(self, connection: Connection) -> None:
        self._redis = connection
        self._counted: int | None = None
        """Keys that Redis says it has thrown away since it started."""
        self._told_at = float("-inf")
        self.evicted = 0
        """Keys that it has thrown away since it was first looked at."""
        self.problems: dict[str, str] = {}
        """What is wrong, in one sentence each, by its kind."""

    def look(self) -> None:
        """Ask Redis, and log what is new. Raises Problem without Redis."""
        nodes, where = self._redis.infos(), self._redis.where
        counted = sum(about.get("evicted_keys", 0) for about in nodes)
        gone = 0 if self._counted is None else counted - self._counted
        self._counted = counted
        self.evicted += max(0, gone)  # a Redis that was restarted counts from 0
        found = {}
        for about in nodes:
            if about.get("role") == "slave":
                primary = f"{about.get('master_host')}:{about.get('master_port')}"
                found["read-only"] = f"Redis at {where} is a read-only replica of {primary} now, nothing can be stored"
            elif 0 < about.get("maxmemory", 0) <= about.get("used_memory", 0) and not _evicts(about):
                found["full"] = f"Redis at {where} is full, it has reached its maxmemory: nothing can be stored"
        if self.evicted:
            policy = next((about["maxmemory_policy"] for about in nodes if _evicts(about)), "noeviction now")
            found["evicted"] = (
                f"Redis at {where} has thrown away {self.evicted} keys since this server started: parts of sandboxes "
                f"may be missing (maxmemory-policy {policy}); set noeviction, then reset the sandboxes"
            )
        self._tell(found, gone > 0)

    def _tell(self, found: dict[str, str], has_lost: bool) -> None:
        before, self.problems = self.problems, found
        for kind, text in found.items():
            if kind not in before or (kind == "evicted" and has_lost and monotonic() - self._told_at > AGAIN):
                log.error("%s", text)
                if kind == "evicted":
                    self._told_at = monotonic()
        if before.keys() - found.keys() - {"evicted"} and not found.keys() - {"evicted"}:
            log.warning("Redis at %s can be written again", self._redis.where)


def _evicts(about: dict[str, Any]) -> bool:
    return str(about.get("maxmemory_policy", "noeviction")) != "noeviction"
