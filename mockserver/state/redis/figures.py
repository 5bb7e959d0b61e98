"""The metrics of workers that are one server: each leaves its own in the store, and any of them tells of all."""

from __future__ import annotations

import os
import secrets

import orjson

from mockserver.clock import wall_time
from mockserver.messages import JSON
from mockserver.state.redis.connection import Connection

KEPT_SECONDS = 3600
"""How long the figures stay after the last worker has ended."""
FRESH_SECONDS = 5
"""Figures that are older are of a worker that has ended: what it counted counts, what it held does not."""


class SharedFigures:
    """The figures of a group of workers.

    Args:
        connection: the way to Redis.
        group: what the workers have in common.
    """

    def __init__(self, connection: Connection, group: str) -> None:
        self._redis = connection
        self._key = f"{connection.prefix}figures:{group}"
        self._worker = f"{os.getpid()}-{secrets.token_hex(4)}"

    def publish(self, figures: JSON) -> None:
        """Leave the figures of this worker. Raises Problem without Redis."""
        self._redis.call("HSET", self._key, self._worker, orjson.dumps([wall_time(), figures]))
        self._redis.call("EXPIRE", self._key, KEPT_SECONDS)

    def all(self, own: JSON) -> list[JSON]:
        """Those of all workers, given those of this one. Raises Problem without Redis."""
        self.publish(own)
        found = []
        for text in self._redis.call("HVALS", self._key):
            at, figures = orjson.loads(text)
            if wall_time() - at > FRESH_SECONDS:
                figures["gauges"] = {}
            found.append(figures)
        return found
