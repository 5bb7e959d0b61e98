"""Lines of a text around one that is shown to a reader: the block that it begins, or that it stands in.

Must not know: what the text says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MAX_LINES = 12
"""Lines that are shown."""
MAX_WIDTH = 160
"""Characters of a line that are shown."""


class Line(NamedTuple):
    """A line of a text."""

    number: int
    """From 1; 0 when it is not known."""
    text: str


def block(rows: Sequence[str], first: int, line: int = 0) -> list[Line]:
    """The block of indented lines that begins at one, at most MAX_LINES; `line` is in it, where one is given."""
    line = line or first
    if not 0 < first <= line <= len(rows):
        return []
    if line - first >= MAX_LINES:
        first = line - MAX_LINES // 2
    least, last = _indent(rows[first - 1]), first
    while last < min(len(rows), first + MAX_LINES - 1) and (last < line or _indent(rows[last]) > least):
        last += 1
    while last > line and not rows[last - 1].strip():
        last -= 1
    return [Line(number, rows[number - 1].rstrip()[:MAX_WIDTH]) for number in range(first, last + 1)]


def _indent(row: str) -> float:
    """How far a line is indented; an empty one belongs to what is above it."""
    return len(row) - len(row.lstrip()) if row.strip() else float("inf")


__all__ = ["MAX_LINES", "MAX_WIDTH", "Line", "block"]
