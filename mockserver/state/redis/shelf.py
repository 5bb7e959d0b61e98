"""The snapshots of a sandbox in Redis, beside its record: every server that shares the store has the same."""

from __future__ import annotations

from mockserver.state.redis.connection import Connection
from mockserver.state.redis.names import record_of, shelf_of
from mockserver.state.shelf import KEPT, KEPT_BYTES


class RedisShelf:
    """The snapshots of one sandbox. Every method is one round trip, and raises Problem `unavailable` without Redis.

    Args:
        connection: the way to Redis.
        tag: what the names of all keys of the sandbox begin with.
    """

    def __init__(self, connection: Connection, tag: str) -> None:
        self._redis = connection
        self._keys = shelf_of(tag)
        self._record = record_of(tag)

    def put(self, name: str, about: bytes, content: bytes) -> bool:
        """Keep a snapshot, in the place of one of the same name; false when there is no room, and nothing changed."""
        return bool(self._redis.run("keep", [*self._keys, self._record], name, about, content, KEPT, KEPT_BYTES))

    def all(self) -> dict[str, bytes]:
        """What is said about each, by its name."""
        found = self._redis.call("HGETALL", self._keys[0])
        pairs = found.items() if isinstance(found, dict) else zip(found[::2], found[1::2], strict=True)
        return {name.decode(): about for name, about in pairs}

    def get(self, name: str) -> bytes | None:
        """The content of one; None when there is none of that name."""
        content: bytes | None = self._redis.call("HGET", self._keys[1], name)
        return content

    def drop(self, name: str) -> bool:
        """Remove one; false when there is none of that name."""
        return bool(self._redis.run("drop", self._keys, name))

    def clear(self) -> None:
        """Remove all: the sandbox goes."""
        self._redis.call("UNLINK", *self._keys)


__all__ = ["RedisShelf"]
