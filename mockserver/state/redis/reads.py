"""What was read of rows, kept as long as nothing is known to have changed them.

A sandbox's rows have a version, which every change of them makes another one, see `changed` in `lua/steps.lua`. What is
kept here is a guess as all others are: the script sees whether the version is still that one, and reads only if not.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, NamedTuple

import orjson

from mockserver.state.store import Page

MOST_BYTES = 256 * 1024
"""A longer answer is not kept."""
ROOM = 16 * 1024 * 1024
"""Bytes of answers, as Redis sends them, that are kept in a process."""


class Read(NamedTuple):
    """What a step had read."""

    version: int
    """That of the rows."""
    answer: Any
    """As Redis sends it."""
    value: Any
    """What it means."""


class Reads:
    """What one process has read; the oldest goes first. Safe to use from several threads."""

    def __init__(self, room: int = ROOM) -> None:
        self._kept: OrderedDict[Any, Read] = OrderedDict()
        self._left = room
        self._lock = threading.Lock()

    def get(self, key: Any, version: int) -> Read | None:
        """What was read when the rows had this version."""
        found = self._kept.get(key)
        return found if found is not None and found.version == version else None

    def keep(self, key: Any, version: int, answer: Any, value: Any) -> None:
        """Keep what was read, in the place of what was read before."""
        size = _size(answer)
        if size > MOST_BYTES:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self._left += (_size(before.answer) if before else 0) - size
            self._kept[key] = Read(version, answer, value)
            while self._left < 0:
                _, oldest = self._kept.popitem(last=False)
                self._left += _size(oldest.answer)


def meaning(step: str, answer: Any) -> Any:
    """What the answer of a step that reads rows says."""
    if step == "get":
        return None if answer is None else orjson.loads(answer)
    total, rows = answer
    return Page(orjson.loads(rows), total)


def _size(answer: Any) -> int:
    text = answer[1] if isinstance(answer, list) else answer
    return 100 + len(text or b"")
