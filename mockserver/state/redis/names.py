"""The names of our keys in Redis.

All keys of a sandbox have its name in braces, so that a cluster keeps them on one node: its record
(`{PREFIX:NAME}record`), and those of the world that it is in (`{PREFIX:NAME}NUMBER:m` and so on), which are always the
same few, however many tables and windows there are. Every script is told all keys that it touches.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from mockserver.messages import Traits

LAYOUT = 3
"""Changes when servers of another version would not understand what is stored."""

PARTS = ("m", "rows", "order", "counters", "windows", "hits", "journal", "marked", "answers", "kinds", "index")
"""The keys of a world.

m: version, hands of the clock, account, how many rows, entries and kinds of entries there are, the version of the rows,
how long it is kept (hash).
rows: by table and id: 14 digits of its place in the order, and its JSON (hash).
order: table, place, id (sorted set, by bytes).
counters: by name (hash).
windows: when each sliding window was last used (sorted set).
hits: window, the moment at which a request leaves it, a number (sorted set, by bytes).
journal: entries (list).
marked, answers: how often each mark and each way to be answered was counted (hashes).
kinds: the kind of entries by their traits, a number (hash).
index: the numbers of the entries, those of a kind together, see `append` in `lua/steps.lua` (sorted set).
"""


def tag_of(prefix: str, sandbox: str) -> str:
    """What the names of all keys of a sandbox begin with."""
    return f"{{{prefix}{sandbox}}}"


def record_of(tag: str) -> str:
    """The key of a sandbox's record."""
    return tag + "record"


def shelf_of(tag: str) -> list[str]:
    """The keys of a sandbox's snapshots: what is said about each (hash by name), and their contents (the same)."""
    return [tag + "snapshots", tag + "snapshot-contents"]


def beside(world: str) -> list[str]:
    """The keys of a world's sandbox that outlive the world: its record, and its snapshots."""
    tag = world[: world.rindex("}") + 1]
    return [record_of(tag), *shelf_of(tag)]


def keys_of(world: str) -> list[str]:
    """The keys of a world."""
    return [world + part for part in PARTS]


def encoded(value: str) -> bytes:
    """What a client sent may hold half a surrogate pair, which UTF-8 has no way to write."""
    return value.encode("utf-8", "surrogatepass")


def field(text: str) -> bytes:
    """A text, so written that none begins another one, whatever they hold."""
    name = encoded(text)
    return b"%d:%b" % (len(name), name)


def table_of(table: str, partition: str) -> bytes:
    """A table and a partition as one field."""
    return field(f"{table}\0{partition}")


def parted(place: bytes) -> tuple[str, str]:
    """Table and partition of what begins with such a field."""
    length, _, rest = place.partition(b":")
    table, _, partition = rest[: int(length)].decode("utf-8", "surrogatepass").partition("\0")
    return table, partition


@lru_cache(maxsize=1024)
def traits_written(traits: Traits) -> bytes:
    """What an entry is found by, as one field."""
    return json.dumps(traits).encode()  # in ASCII, whatever the texts hold


@lru_cache(maxsize=1024)
def traits_read(text: bytes) -> Traits:
    """What was written so."""
    found: Any = tuple(tuple(one) if isinstance(one, list) else one for one in json.loads(text))
    return found  # type: ignore[no-any-return]
