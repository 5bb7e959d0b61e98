"""What the makers of values tell each other: what to do differently at a place, and what was done there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.samples.facts import Demand

MAX_DEPTH = 4
"""Levels after which optional members and array items are left out, so that recursion ends."""

Path = tuple[str | int, ...]


@dataclass
class Step:
    """What to do differently at one place."""

    choices: int = 0
    """Which combination of ways to take; 0 for the likeliest."""
    variation: int = 0
    """Another number makes another text, number or option."""
    minimal: bool = False
    """Leave out every optional member."""
    without_example: bool = False
    drop: set[str] = field(default_factory=set)
    add: set[str] = field(default_factory=set)
    subset: int = 0
    """Leave out some optional members, others for another number."""
    extra: int = 0
    """Members, or items, to invent beyond what is asked for."""
    unlike: dict[str, Any] = field(default_factory=dict)
    """Members to add that are not as these schemas say."""


@dataclass
class Made:
    """What was done at one place."""

    ways: list[int] = field(default_factory=list)
    """The number of ways of each choice."""
    optional: list[str] = field(default_factory=list)
    from_example: bool = False
    can_shrink: bool = False
    """There is more in it than must be."""
    rivals: dict[str, Any] = field(default_factory=dict)
    """Members that the ways of a choice know, with their schemas: those first that fewest know."""


NO_STEP = Step()
Plan = dict[Path, Step]
Cache = dict[tuple[str | int, int, str], tuple[Any, Any, int]]
"""By reference, or else identity, of a schema, depth and name: the schema, the value and its size."""
MAX_TEXTS = 4096
"""Texts that are kept; then it begins anew."""
Texts = dict[tuple[Demand, str, int], str | None]
"""By what is demanded, name and variation."""
