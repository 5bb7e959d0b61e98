"""The servers of one store: each says what it is, so that those that would answer differently do not share one.

Must not know: what is served. What has to be equal is given by name.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Mapping

import orjson

from mockserver.errors import UserError
from mockserver.state.redis.connection import Connection
from mockserver.state.redis.names import LAYOUT
from mockserver.version import __version__

log = logging.getLogger("mockserver")

BEAT = 5.0
"""Seconds after which a server says again that it is there."""
FORGOTTEN = 15.0
"""Seconds after which one that was not heard of does not count."""


class Servers:
    """The servers that share a store, seen by one of them.

    Args:
        connection: the way to Redis.
        served: what each of them must serve alike: a digest by name.
    """

    def __init__(self, connection: Connection, served: Mapping[str, str]) -> None:
        self._redis = connection
        self._key = connection.prefix + "servers"
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._about = {"version": __version__, "served": dict(served)}

    def join(self) -> None:
        """Say that this server is there. Raises UserError when it cannot work with what is stored, or with another."""
        self._understand()
        now = self._redis.time()
        for name, text in self._others():
            at, about = orjson.loads(text)
            if now - at > FORGOTTEN:
                self._redis.call("HDEL", self._key, name)
                continue
            self._agree(":".join(name.decode().split(":")[:2]), about, now - at)
        self.beat()

    def _understand(self) -> None:
        redis, prefix = self._redis, self._redis.prefix
        redis.call("SETNX", prefix + "layout", 1 if redis.call("EXISTS", prefix + "sandbox:default") else LAYOUT)
        layout = int(redis.call("GET", prefix + "layout"))
        if layout != LAYOUT:
            raise UserError(
                f"--state: what is stored at {redis.where} under {prefix}* was written by another version of "
                f"mockserver (layout {layout}, this one has {LAYOUT}); use another prefix (?prefix=NAME), or delete it"
            )

    def _agree(self, who: str, about: Mapping[str, object], seconds: float) -> None:
        """See that another server answers as this one does."""
        theirs, ours = about["served"], self._about["served"]
        assert isinstance(theirs, dict) and isinstance(ours, dict)
        different = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
        if different:
            name = different[0]
            what = "the same document for" if name in theirs and name in ours else "both"
            does = f"does not serve {what} {name}"
            raise UserError(
                f"--state: the server {who} uses this store too, and {does}; start them alike, use another "
                f"prefix (?prefix=NAME), or stop it (it was seen {seconds:.0f} s ago, and is forgotten after "
                f"{FORGOTTEN:.0f} s)"
            )
        if about["version"] != __version__:
            version = about["version"]
            log.warning("the server %s uses this store too and is version %s, this one %s", who, version, __version__)

    def _others(self) -> list[tuple[bytes, bytes]]:
        found = self._redis.call("HGETALL", self._key)
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return list(pairs)

    def beat(self) -> None:
        """Say again that this server is there."""
        self._redis.call("HSET", self._key, self._name, orjson.dumps([self._redis.time(), self._about]))
        self._redis.call("EXPIRE", self._key, 60)

    def leave(self) -> None:
        """Say that it goes."""
        self._redis.call("HDEL", self._key, self._name)
