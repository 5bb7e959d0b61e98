"""Whether a program printed what a page shows. What differs from run to run counts as equal: times, how wide
columns are, and how much schemathesis tried. `...` in a page stands for anything."""

from __future__ import annotations

import re
from itertools import zip_longest

_SAME = (
    (re.compile(r"\x1b\[[\d;]*m"), ""),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d([.,]\d+)?\b"), "TIME"),
    (re.compile(r"\b1[6-9]\d{8}\b"), "TIME"),
    (re.compile(r"\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b"), "UUID"),
    (re.compile(r"\bin \d+(\.\d+)? ?s(econds?)?\b"), "in TIME"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|µs)\b"), "TIME"),
    (re.compile(r"\b[\d,]+ test cases\b"), "SOME test cases"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"={3,}|-{3,}|_{3,}"), "---"),
)


class Differs(AssertionError):
    """An output is not what the page shows.

    Attributes:
        line: how many lines below the first shown one it differs.
    """

    def __init__(self, line: int, shown: str, printed: str) -> None:
        super().__init__(f"the page shows   {shown!r}\n    and it printed   {printed!r}")
        self.line = line


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, instead in _SAME:
        line = pattern.sub(instead, line)
    return line.rstrip()


def compare(shown: list[str], printed: list[str]) -> None:
    """Raises Differs when the lines that were printed are not those that are shown."""
    if "..." not in [line.strip() for line in shown]:
        for number, (wanted, got) in enumerate(zip_longest(shown, printed)):
            if wanted is None or got is None or not same(wanted, got):
                raise Differs(number, wanted or "nothing more", got or "nothing more")
        return
    parts = _parts(shown)
    position = 0
    for number, (start, part) in enumerate(parts):
        if not part:
            continue
        last = number == len(parts) - 1
        places = range(position, len(printed) - len(part) + 1)
        if number == 0:
            places = places[:1]
        elif last:
            places = places[-1:]
        fits = (at for at in places if all(same(a, b) for a, b in zip(part, printed[at:], strict=False)))
        found = next(fits, None)
        if found is None:
            raise Differs(start, part[0], "\n".join(printed[position:]) or "nothing more")
        position = found + len(part)


def _parts(shown: list[str]) -> list[tuple[int, list[str]]]:
    """The runs of lines between lines of `...`, each with the line on which it begins."""
    parts: list[tuple[int, list[str]]] = [(0, [])]
    for number, line in enumerate(shown):
        if line.strip() == "...":
            parts.append((number + 1, []))
        else:
            parts[-1][1].append(line)
    return parts


def same(shown: str, printed: str) -> bool:
    """Whether one line was printed as it is shown."""
    wanted, got = plain(shown), plain(printed)
    if wanted == got:
        return True
    if "..." not in wanted:
        return False
    return bool(re.fullmatch(".*".join(map(re.escape, wanted.split("..."))), got))
