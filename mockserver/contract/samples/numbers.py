"""A number within bounds and on steps, exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

from mockserver.contract.samples.facts import Bound

WIDE = 1000
"""How far from its one bound a number goes that varies."""


def number(
    low: Bound, high: Bound, steps: list[Fraction], whole: bool, wish: Fraction, rng: Random | None
) -> int | float | None:
    """The number nearest to `wish`, or a random one; None when there is none.

    Args:
        low, high: the bounds.
        steps: what it must be a multiple of.
        whole: it is an integer.
        wish: what would be plausible.
        rng: when given, the number varies with it.
    """
    every = [*steps, Fraction(1)] if whole else steps
    step = _common(every) if every else _fine(low, high, wish)
    first = None if low.value is None else math.ceil(low.value / step) + (low.is_open and low.value % step == 0)
    last = None if high.value is None else math.floor(high.value / step) - (high.is_open and high.value % step == 0)
    if first is not None and last is not None and first > last:
        return None
    if rng is not None:
        least = first if first is not None else (0 if last is None or last > 0 else last - WIDE)
        most = last if last is not None else max(least, math.ceil(wish / step)) + WIDE
        chosen = rng.randint(least, max(least, most))
    else:
        chosen = round(wish / step)
        if steps and chosen == 0 and wish > 0:
            chosen = 1
        chosen = chosen if first is None else max(chosen, first)
        chosen = chosen if last is None else min(chosen, last)
    exact = chosen * step
    return int(exact) if whole or exact.denominator == 1 else float(exact)


def _common(steps: list[Fraction]) -> Fraction:
    """The least number that is a multiple of all."""
    numerator = math.lcm(
        *(step.numerator * (math.lcm(*(s.denominator for s in steps)) // step.denominator) for step in steps)
    )
    return Fraction(numerator, math.lcm(*(step.denominator for step in steps)))


def _fine(low: Bound, high: Bound, wish: Fraction) -> Fraction:
    """A step that is small enough for the bounds: a hundredth, or less where they are close together."""
    step = Fraction(1, 100)
    if low.value is not None and high.value is not None:
        gap = high.value - low.value
        if gap == 0:
            return abs(low.value) or Fraction(1)
        while step * 4 > gap:
            step /= 10
    return step
