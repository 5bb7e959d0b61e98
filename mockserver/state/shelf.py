"""Snapshots of a sandbox's state under names, kept until they or the sandbox are deleted: a reset leaves them.

Must not know: what a snapshot says, or who asks.
"""

from __future__ import annotations

import threading
from typing import Protocol

KEPT = 20
"""Snapshots that a sandbox keeps."""
KEPT_BYTES = 32 * 1024 * 1024
"""Bytes that they may take together."""


class Shelf(Protocol):
    """The snapshots of one sandbox. Every method is atomic."""

    def put(self, name: str, about: bytes, content: bytes) -> bool:
        """Keep a snapshot, in the place of one of the same name; false when there is no room, and nothing changed."""

    def all(self) -> dict[str, bytes]:
        """What is said about each, by its name."""

    def get(self, name: str) -> bytes | None:
        """The content of one; None when there is none of that name."""

    def drop(self, name: str) -> bool:
        """Remove one; false when there is none of that name."""


class MemoryShelf:
    """The snapshots of a sandbox in this process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, bytes]] = {}
        self._lock = threading.Lock()

    def put(self, name: str, about: bytes, content: bytes) -> bool:
        with self._lock:
            others = [len(kept) for known, (_, kept) in self._kept.items() if known != name]
            if len(others) >= KEPT or sum(others) + len(content) > KEPT_BYTES:
                return False
            self._kept[name] = (about, content)
            return True

    def all(self) -> dict[str, bytes]:
        with self._lock:
            return {name: about for name, (about, _) in self._kept.items()}

    def get(self, name: str) -> bytes | None:
        with self._lock:
            _, content = self._kept.get(name, (b"", None))
            return content

    def drop(self, name: str) -> bool:
        with self._lock:
            return self._kept.pop(name, None) is not None


__all__ = ["KEPT", "KEPT_BYTES", "MemoryShelf", "Shelf"]
