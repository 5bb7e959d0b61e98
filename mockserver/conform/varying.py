"""Where two values differ, as pointers in which `*` stands for the items of a list; and which of these do not count.

What differs between two answers to one request always differs: times, ids, counts. Must not know: who answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockserver.messages import JSON
from mockserver.text.documents import parts_of, pointer_of


def differing(left: JSON, right: JSON, at: str = "") -> Iterator[str]:
    """The places at which two values are not the same."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            here = f"{at}{pointer_of([name])}"
            if name not in left or name not in right:
                yield here
            else:
                yield from differing(left[name], right[name], here)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield at
        for one, other in zip(left, right, strict=False):
            yield from differing(one, other, f"{at}/*")
    elif type(left) is not type(right) or left != right:
        yield at


class Ignored:
    """Places whose values are not compared.

    Args:
        pointers: those that a person names; a `*` stands for one step.
        compared: those that are compared although they were learned to differ.
    """

    def __init__(self, pointers: Iterable[str] = (), compared: Iterable[str] = ()) -> None:
        self._given = [parts_of(pointer) for pointer in pointers]
        self._compared = [parts_of(pointer) for pointer in compared]
        self._learned: dict[str, set[str]] = {}

    def learn(self, operation: str, pointers: Iterable[str]) -> None:
        """Remember that places of an operation's responses always differ."""
        self._learned.setdefault(operation, set()).update(pointers)

    def has(self, operation: str, pointer: str) -> bool:
        """Whether a place is not compared, or stands in one that is not."""
        parts = parts_of(pointer)
        if any(_covers(given, parts) for given in self._given):
            return True
        if any(_covers(given, parts) for given in self._compared):
            return False
        return any(_covers(parts_of(known), parts) for known in self._learned.get(operation, ()))

    @property
    def learned(self) -> int:
        """How many places were learned."""
        return sum(map(len, self._learned.values()))


def _covers(pattern: list[str], parts: list[str]) -> bool:
    return len(pattern) <= len(parts) and all(one in ("*", other) for one, other in zip(pattern, parts, strict=False))


__all__ = ["Ignored", "differing"]
