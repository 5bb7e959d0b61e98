"""JSON of large answers, made in a thread in slices: an encoder keeps all other threads waiting until it is done.

Must not know: what is answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.clock import sleep
from mockserver.messages import JSON
from mockserver.text.jsontext import to_json

SLICE = 200
"""Items of a list that are encoded at once."""


def in_slices(data: JSON) -> bytes:
    """The same bytes as `to_json`; other threads have their turn between the slices of long lists."""
    return b"".join(_pieces(data))


def _pieces(value: JSON) -> Iterator[bytes]:
    if isinstance(value, dict):
        mark = b"{"
        for name, member in value.items():
            yield mark + to_json(name) + b":"
            yield from _pieces(member)
            mark = b","
        yield b"}" if value else b"{}"
    elif isinstance(value, list) and len(value) > SLICE:
        mark = b"["
        for start in range(0, len(value), SLICE):
            yield mark + to_json(value[start : start + SLICE])[1:-1]
            mark = b","
            sleep(0)
        yield b"]"
    else:
        yield to_json(value)


__all__ = ["in_slices"]
