"""JSON beyond what a parser tells: how deep a value is, whether its text gave a key twice, and numbers of any length.

orjson is fast and strict, but keeps the last of two equal keys silently and makes floats of integers that
do not fit 64 bits. What that takes is looked for here, in ways that cost little for ordinary bodies.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import orjson

COLLECTIONS = frozenset((dict, list))
"""The types of values that hold other values."""

_PLAIN = frozenset({str, int, bool, type(None)})


def is_plain(raw: bytes, value: Any) -> bool:
    """Whether a text is one flat object, as most bodies are: then nothing is to be found in it.

    It holds texts, integers and words only, and has as many colons as keys, so none was given twice.
    """
    return type(value) is dict and raw.count(b":") == len(value) and _PLAIN.issuperset(map(type, value.values()))


def has_float(value: Any) -> bool:
    """Whether any number in a value came out as a float."""
    below = [value]
    while below:
        node = below.pop()
        if type(node) in COLLECTIONS:
            below += node.values() if type(node) is dict else node
        elif type(node) is float:
            return True
    return False


def copied(value: Any) -> Any:
    """The same Any value, for its reader to change."""
    if isinstance(value, dict):
        return {name: copied(member) for name, member in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def depth(value: Any) -> int:
    """How many arrays and objects stand inside one another."""
    levels, here = 0, [value]
    while True:
        objects = [node for node in here if type(node) is dict]
        arrays = [node for node in here if type(node) is list]
        if not objects and not arrays:
            return levels
        levels += 1
        here = [*chain.from_iterable(map(dict.values, objects)), *chain.from_iterable(arrays)]


def json_or_text(raw: bytes) -> Any:
    """The JSON value of bytes, or their text when they are not JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace")


def to_json(value: Any) -> bytes:
    """The JSON text of a value, integers of any length included."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def duplicate_key(raw: bytes, value: Any) -> str | None:
    """A key that one JSON object in `raw` holds twice, or None; `value` is what `raw` parsed to.

    Parsers keep the last of two equal keys silently. Written out again the value has the same colons,
    behind keys and within strings, unless one was lost; then the text need not be read again.
    """
    try:
        written = orjson.dumps(value)
    except TypeError:  # an integer that orjson cannot write
        return _search_duplicate(raw)
    if raw.count(b":") == written.count(b":") and b"\\u003" not in raw:  # as which a colon may be written
        return None
    return _search_duplicate(raw)


def _search_duplicate(raw: bytes) -> str | None:
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        if len(dict(items)) < len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen:
                    found.append(key)
                seen.add(key)

    json.loads(raw, object_pairs_hook=pairs)
    return found[0] if found else None
