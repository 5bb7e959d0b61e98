"""Whether a value that is at hand may stand at a place, as far as facts tell."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from mockserver.contract.patterns import matcher
from mockserver.contract.samples.facts import Closed, Facts, same, type_of
from mockserver.contract.samples.strings import is_of


def suits(value: Any, facts: Facts) -> bool:
    """Whether a value that the document gives may stand here, as far as that is seen without its members."""
    kind = type_of(value)
    types = facts.types
    if facts.never or (types is not None and kind not in types and not (kind == "integer" and "number" in types)):
        whole = kind == "number" and types is not None and "integer" in types
        if not (whole and float(value).is_integer()):
            return False
    listed = isinstance(value, str) and facts.enum is not None and value in facts.enum  # which is quicker
    if not listed and facts.enum is not None and not any(same(value, option) for option in facts.enum):
        return False
    if any(same(value, other) for other in facts.excluded):
        return False
    if isinstance(value, str):
        return suits_text(value, facts)
    if kind in ("integer", "number"):
        return suits_number(value, facts)
    if isinstance(value, list):
        return len(value) >= facts.min_items and (facts.max_items is None or len(value) <= facts.max_items)
    if isinstance(value, dict):
        closed = any(c.rest is False and any(not names_it(c, name) for name in value) for c in facts.closed)
        return not closed and all(name in value for name in facts.required)
    return True


def suits_text(value: str, facts: Facts) -> bool:
    if len(value) < facts.min_length or (facts.max_length is not None and len(value) > facts.max_length):
        return False
    for patterns, expected in ((facts.patterns, True), (facts.forbidden, False)):
        for pattern in patterns:
            validate = matcher(pattern)
            if validate is not None and validate(value) != expected:
                return False
    return all(is_of(name, value) for name in facts.formats)


def suits_number(value: float, facts: Facts) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    exact = Fraction(str(value))
    low, high = facts.low, facts.high
    if low.value is not None and (exact < low.value or (low.is_open and exact == low.value)):
        return False
    if high.value is not None and (exact > high.value or (high.is_open and exact == high.value)):
        return False
    return all(exact % step == 0 for step in facts.steps)


def names_it(closed: Closed, name: str) -> bool:
    """Whether a schema speaks of a member by its name or by a pattern."""
    return name in closed.names or any(found_in(pattern, name) for pattern in closed.patterns)


def found_in(pattern: str, name: str) -> bool:
    """Whether a pattern finds itself in a name."""
    validate = matcher(pattern)
    return validate is not None and validate(name)
