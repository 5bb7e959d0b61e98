"""JSON beyond what a parser tells: how deep a value is, whether its text gave a key twice, and numbers of any length.

orjson is fast and strict, but keeps the last of two equal keys silently and makes floats of integers that
do not fit 64 bits. What that takes is looked for here, in ways that cost little for ordinary bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def is_plain(raw: bytes, value: Any) -> bool:
    """Whether a text is one flat object as most bodies are: then there is nothing to find in it.

    It holds texts, integers and words only, and as many colons as keys, so none was given twice.
    """
    return type(value) is dict and raw.count(b":") == len(value) and _PLAIN.issuperset(map(type, value.values()))


_PLAIN = frozenset({str, int, bool, type(None)})


def survey(value: Any) -> tuple[int, bool]:
    """How many keys a JSON value has in all its objects, and whether any float is in it."""
    keys, floats = 0, False
    stack = [value]
    children: Iterable[Any]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            keys += len(node)
            children = node.values()
        elif type(node) is list:
            children = node
        else:
            return 0, type(node) is float
        for child in children:
            kind = type(child)
            if kind is dict or kind is list:
                stack.append(child)
            elif kind is float:
                floats = True
    return keys, floats


def depth(value: Any) -> int:
    """How many arrays and objects stand inside one another."""
    level, nodes = 0, [value]
    while containers := [node for node in nodes if isinstance(node, dict | list)]:
        level += 1
        nodes = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
    return level


def duplicate_key(raw: bytes, keys: int) -> str | None:
    """A key that one JSON object in `raw` holds twice, or None; `keys` is how many keys `raw` was parsed to.

    Every key in a valid text is followed by one colon, and other colons stand inside strings only. So
    there are at least as many colons as keys in the text; when no more, none was lost. Only when the
    plain count says more are the strings left out, and only then are the keys themselves compared.
    """
    if keys == raw.count(b":") or keys == _STRING.sub(b"", raw).count(b":"):
        return None
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in items:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(raw, object_pairs_hook=pairs)
    return found[0] if found else None


def to_json(value: Any) -> bytes:
    """The JSON text of a value, integers of any length included."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
