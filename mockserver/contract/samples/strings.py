"""A text for patterns, formats and a length, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import chain, islice
from random import Random

import jsonschema_rs

from mockserver.contract.dialects import FORMATS
from mockserver.contract.patterns import Format, matcher
from mockserver.contract.samples.automaton import texts
from mockserver.contract.samples.facts import Facts
from mockserver.contract.samples.words import is_moment, of_format, shape, word

MAX_LENGTH = 100_000
"""Characters of a text that is made; a schema that demands more is given up."""
TRIES = 60
_FILLER = "abcdefghijklmnopqrstuvwxyz"


def text(facts: Facts, name: str, rng: Random | None, variation: int, now: datetime) -> str | None:
    """A text that satisfies what `facts` say of texts; None when none was found.

    Args:
        facts: what must hold.
        name: the member that it is for, which makes it readable.
        rng: when given, it varies.
        variation: another number makes another text.
        now: the time that it is in dates.
    """
    low, high = facts.min_length, facts.max_length
    if low > MAX_LENGTH or (high is not None and high < low):
        return None
    if variation and rng is None:
        rng = Random(f"{name} {variation}")
    found: Iterable[str] = islice(_candidates(facts, name, rng, now, variation % 2 == 1), TRIES)
    if facts.formats:
        found = (text for text in found if all(is_of(name, text) for name in facts.formats))
    if not facts.patterns and not facts.forbidden:
        return next((text for text in found if len(text) >= low and (high is None or len(text) <= high)), None)
    judges = [matcher(pattern) for pattern in facts.patterns]
    against = [matcher(pattern) for pattern in facts.forbidden]
    for text in found:
        if (
            len(text) >= low
            and (high is None or len(text) <= high)
            and all(validate is None or validate(text) for validate in judges)
            and not any(validate is not None and validate(text) for validate in against)
        ):
            return text
    return None


def _candidates(facts: Facts, name: str, rng: Random | None, now: datetime, loose: bool) -> Iterator[str]:
    low, high = facts.min_length, facts.max_length
    shapes = [found for found in map(shape, facts.formats) if found is not None]
    named = list(chain.from_iterable(of_format(found, name, rng, now) for found in facts.formats))
    yield from named
    if not named:
        if not facts.formats and is_moment(name) and rng is None:
            yield of_format("date-time", name, rng, now)[0]
        likely = word(name, rng)
        yield from _fitted(likely, low, high)
        if facts.patterns and rng is None:
            yield from ("1", "12345", "2026-01-01", "2026-01-01T00:00:00Z", "a", "A1")
    patterns = (*facts.patterns, *shapes)
    seed = rng or Random(f"{name}{patterns}")  # only here: to seed takes longer than all that comes before
    if patterns or facts.forbidden:
        yield from texts(patterns, low, high, seed, tuple(facts.forbidden), loose)
    if not shapes:
        for _ in range(4):
            length = max(low, min(8, 8 if high is None else high))
            yield "".join(seed.choice(_FILLER) for _ in range(length))


def _fitted(text: str, low: int, high: int | None) -> Iterator[str]:
    """A text made as long, or as short, as it must be."""
    if high is not None and len(text) > high:
        yield text[:high].strip().ljust(low, "x") if high else ""
        yield text[:high]
    elif len(text) < low:
        yield text + "x" * (low - len(text))
    else:
        yield text


def is_of(name: str, value: str) -> bool:
    """Whether a text is of a format; every text is of one that nobody knows."""
    return bool(_judge(name)(value))


@cache
def _judge(name: str) -> Format:
    validate: Format = (
        FORMATS.get(name) or jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True).is_valid
    )
    return validate
