"""Chooses the media type of a response by the request's `Accept` header (RFC 9110, 12.5.1). Knows no schema."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_ACCEPT = 4096
"""Characters of an `Accept` header that are read; a longer one accepts everything."""

_PART = re.compile(r'\s*((?:[^",]|"(?:[^"\\]|\\.)*")*)(?:,|$)')
_PARAMETER = re.compile(r'\s*;\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;]*)')
_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


class MediaRange(NamedTuple):
    """A media type or a range of them: one member of an `Accept` header, or the key of a `content` object."""

    kind: str
    """`application`, or `*`."""
    subtype: str
    """`json`, or `*`."""
    parameters: frozenset[tuple[str, str]] = frozenset()
    """Names in lower case with their values, without `q` and `charset`."""
    weight: float = 1.0

    def covers(self, other: MediaRange) -> bool:
        """Whether a media type, or a range that is declared as one, is within this range."""
        if self.kind != "*" and other.kind not in (self.kind, "*"):
            return False
        if self.subtype != "*" and other.subtype not in (self.subtype, "*"):
            return False
        return self.parameters <= other.parameters

    @property
    def precision(self) -> tuple[bool, bool, int]:
        """How specific the range is: the most specific one that covers a type decides its weight."""
        return self.kind != "*", self.subtype != "*", len(self.parameters)


def parse_media_range(text: str) -> MediaRange | None:
    """`text/html; level=1; q=0.5` in its parts; None when it is no media range."""
    name, _, _ = text.partition(";")
    kind, slash, subtype = name.strip().lower().partition("/")
    if name.strip() == "*":
        kind, slash, subtype = "*", "/", "*"  # as old clients write it
    if not kind or not slash or not subtype or (kind == "*" and subtype != "*"):
        return None
    weight = 1.0
    parameters: set[tuple[str, str]] = set()
    for match in _PARAMETER.finditer(text, len(name)):
        key, value = match[1].lower(), match[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        if key == "q":
            weight = float(value) if _WEIGHT.fullmatch(value) else 1.0
            break  # what follows the weight are extensions of Accept, not parameters of the type
        if key != "charset":
            parameters.add((key, value))
    return MediaRange(kind, subtype, frozenset(parameters), weight)


def parse_accept(header: str) -> list[MediaRange]:
    """The ranges of an `Accept` header, in its order; members that are no media range are skipped."""
    if len(header) > MAX_ACCEPT:
        return []
    ranges = [parse_media_range(match[1]) for match in _PART.finditer(header) if match[1].strip()]
    return [media_range for media_range in ranges if media_range is not None]


def choose(header: str, declared: Sequence[str]) -> str | None:
    """The declared media type that the client prefers; None when none is acceptable.

    Of types with the same weight the one that is named more precisely wins, then the one that is declared first.
    A client that accepts nothing in particular gets the first.
    """
    ranges = parse_accept(header)
    if not ranges:
        return declared[0] if declared else None
    best: tuple[float, tuple[bool, bool, int]] | None = None
    chosen = None
    for media_type in declared:
        offered = parse_media_range(media_type)
        if offered is None:
            continue
        covering = [media_range for media_range in ranges if media_range.covers(offered)]
        if not covering:
            continue
        decisive = max(covering, key=lambda media_range: media_range.precision)
        rank = (decisive.weight, decisive.precision)
        if decisive.weight > 0 and (best is None or rank > best):
            best, chosen = rank, media_type
    return chosen


def concrete(media_type: str, header: str) -> str:
    """A declared range such as `image/*` as the most specific type of `Accept` within it; else it stays a range."""
    declared = parse_media_range(media_type)
    if declared is None or "*" not in (declared.kind, declared.subtype):
        return media_type
    named = [accepted for accepted in parse_accept(header) if "*" not in (accepted.kind, accepted.subtype)]
    within = [accepted for accepted in named if accepted.weight > 0 and declared.covers(accepted)]
    if not within:
        return media_type
    best = max(within, key=lambda media_range: media_range.weight)
    return f"{best.kind}/{best.subtype}"
