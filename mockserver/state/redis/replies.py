"""What it means for a client that Redis does not do what we ask: the words of its errors, and ours."""

from __future__ import annotations

from mockserver.errors import Problem

_MEANINGS = {
    "GONE": "The sandbox was reset or deleted while this was answered.",
    "LATE": "The shared store was too slow.",
    "LOST": "A part of this sandbox is gone from the shared store: Redis or somebody else has removed it; reset it.",
    "OOM": "The shared store is full: Redis has reached its maxmemory.",
    "READONLY": "The shared store cannot be written: this Redis is a read-only replica.",
    "MISCONF": "The shared store cannot be written: Redis fails to save to its disk.",
    "NOREPLICAS": "The shared store cannot be written: Redis has too few replicas.",
    "LOADING": "The shared store is starting: Redis loads its data.",
    "MASTERDOWN": "The shared store has lost its primary.",
    "CLUSTERDOWN": "The shared store is not whole: a part of the Redis cluster is down.",
    "TRYAGAIN": "The shared store moves this sandbox to another node.",
    "NOPERM": "The shared store refuses to do this: the user of Redis lacks a permission.",
}
"""What is said, by the first word of the error."""
_WORDS = {
    "ReadOnlyError": "READONLY",
    "OutOfMemoryError": "OOM",
    "NoPermissionError": "NOPERM",
    "TryAgainError": "TRYAGAIN",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
}
"""The first words that redis-py makes classes of, and takes away from the text."""
MOVING = frozenset({"READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"})
"""The first words of errors after which the data may be somewhere else."""
_EXPECTED = frozenset({"GONE", "LATE"})


class Refused(Problem):
    """Redis does not do something, for a reason that it names."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__("unavailable", message, headers={"retry-after": "1"})
        self.word = word
        """What its error begins with."""

    @property
    def is_grave(self) -> bool:
        """Whether somebody has to look after Redis."""
        return self.word not in _EXPECTED

    @property
    def is_gone(self) -> bool:
        """Whether the world was reset or deleted."""
        return self.word == "GONE"


def text_of(error: Exception) -> str:
    """What Redis said when redis-py raises this."""
    return f"{_WORDS.get(type(error).__name__, '')} {error}".strip()


def meaning(error: str) -> Refused:
    """What to say of an error of Redis."""
    word = error.partition(" ")[0]
    return Refused(word, _MEANINGS.get(word, "The shared store refuses to do this."))


def unavailable(message: str) -> Problem:
    """A 503 that asks to try again."""
    return Problem("unavailable", message, headers={"retry-after": "1"})
