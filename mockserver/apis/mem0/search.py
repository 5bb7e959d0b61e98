"""A search score without a model: deterministic, and high where a reader would expect it to be.

The platform ranks by embeddings. A mock must answer the same call with the same score every time,
so this one counts the query's words that a memory has, and the letter triples they share.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from mockserver.records import record

_WORD = re.compile(r"\w+")
_ENDINGS = ("ing", "ed", "es", "e", "s")
_STOP_WORDS = frozenset(
    _WORD.findall(
        "a about an and any are at be by can could did do does for from has have he her his how i in is it its me my "
        "of on or our she so that the their them they this to us user was we were what when where which who whom why "
        "will with would you your"
    )
)
_WORDS_WEIGH = 0.7


@record(frozen=True)
class Score:
    """How well a memory fits a query, in [0, 1], and the two signals it is made of."""

    total: float
    words: float
    """Share of the query's words that the memory has, whatever their endings."""
    letters: float
    """Likeness of the two texts by letter triples."""


class Query:
    """A search query, taken apart once for all the memories it is compared with."""

    def __init__(self, text: str) -> None:
        self._text = _normal(text)
        self._words = words(text)
        self._triples = _triples(self._text)

    def score(self, memory: str) -> Score:
        """The score of one memory. A text scores 1 against itself."""
        normal = _normal(memory)
        if normal == self._text:
            return Score(1.0, 1.0, 1.0)
        letters = _likeness(self._triples, _triples(normal))
        if not self._words:
            return Score(round(letters, 4), 0.0, round(letters, 4))
        shared = len(self._words & _stems(normal)) / len(self._words)
        total = _WORDS_WEIGH * shared + (1 - _WORDS_WEIGH) * letters
        return Score(round(total, 4), round(shared, 4), round(letters, 4))


def words(text: str) -> frozenset[str]:
    """The stems of a text's words; those that carry no meaning only when there are no others."""
    found = set(_WORD.findall(_normal(text)))
    return frozenset(_stem(word) for word in (found - _STOP_WORDS or found))


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text)}


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _triples(text: str) -> Counter[str]:
    padded = f" {text} "
    return Counter(padded[i : i + 3] for i in range(len(padded) - 2))


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    """The cosine between two counts."""
    common = sum(count * other[triple] for triple, count in one.items() if triple in other)
    size = math.sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))
    return min(1.0, common / size) if size else 0.0
