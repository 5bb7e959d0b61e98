"""Counts as people write them: `3`, `4..6`, `4..`, `..6`, `every 10`."""

from __future__ import annotations

import re

from mockserver.errors import UserError
from mockserver.records import record


@record(frozen=True)
class Range:
    """Which counts are meant: from `low` to `high` (None is no end), or every so many."""

    low: int = 0
    high: int | None = None
    every: int | None = None

    def holds(self, n: int) -> bool:
        """Whether `n` is one of them."""
        if self.every is not None:
            return n >= 1 and n % self.every == 0
        return self.low <= n and (self.high is None or n <= self.high)

    def __str__(self) -> str:
        if self.every is not None:
            return f"every {self.every}"
        if self.high is None:
            return f"{self.low}.."
        if self.low == self.high:
            return str(self.low)
        return f"{self.low}..{self.high}" if self.low else f"..{self.high}"


_RANGE = re.compile(r"(?P<one>[0-9]{1,9})|(?P<low>[0-9]{1,9})?\.\.(?P<high>[0-9]{1,9})?|every +(?P<every>[0-9]{1,9})")


def parse_range(spec: int | float | str) -> Range:
    """The range in `3`, `4..6`, `4..`, `..6` or `every 10`. Raises UserError."""
    spec = int(spec) if isinstance(spec, float) and spec.is_integer() else spec
    found = None if isinstance(spec, bool) else _RANGE.fullmatch(str(spec).strip())
    if found is None or found[0] == "..":
        raise UserError(f"{spec!r} is not a count or a range; write 3, 4..6, 4.., ..6 or every 10")
    one, low, high, every = (None if part is None else int(part) for part in found.group("one", "low", "high", "every"))
    if every is not None:
        if every == 0:
            raise UserError("every 0 never comes; write every 1 or more")
        return Range(every=every)
    if one is not None:
        return Range(one, one)
    if low is not None and high is not None and high < low:
        raise UserError(f"{spec!r} ends before it starts; write {high}..{low}")
    return Range(low or 0, high)
