"""What is kept and shown of an exchange: secrets masked, bodies bounded, one piece of bytes an entry.

The journal itself is a ring in the store, which knows nothing of what an entry says. This module
writes entries and reads them again. An entry is a JSON array of everything but the bodies, a zero
byte, and the two bodies as they are; as one piece of bytes it takes no more memory than it must, and
means the same to every process that shares the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from mockserver.journal.masking import Masking
from mockserver.messages import Exchange, Request, Response, Violation

MAX_BODY = 64 * 1024
"""Bytes of a body that the journal keeps."""
_MASKING = Masking()
_RARE = ("violations", "rule", "rule_at", "violates", "lost", "faults", "defect")
"""What most exchanges do not have."""


def encode(exchange: Exchange, masking: Masking = _MASKING) -> bytes:
    """The entry of an exchange: without secrets, with at most MAX_BODY bytes of each body."""
    request, response = exchange.request, exchange.response
    sent, content, answered = request.body[:MAX_BODY], b"", None
    if response is not None:
        content = (response.content or b"")[:MAX_BODY]
        answered = (response.status, response.headers, response.media_type)
    rare: Any = None  # a rule's place, its faults and what it violates come with the rule
    if exchange.rule or exchange.violations or exchange.lost or exchange.defect:
        facts = exchange.__dict__
        rare = {name: facts[name] for name in _RARE if name in facts}
        try:
            told = orjson.dumps(rare)
        except TypeError:
            told = None
        # What is wrong with a key is told in the reply too.
        if told is None or masking.is_told(request, told + content):
            clean = masking.cleaner(request)
            rare = _each(rare, clean)
            content = clean(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        else:
            rare = orjson.Fragment(told)
    about = (
        len(sent),
        (
            request.method,
            request.path,
            request.query and masking.query(request.query),
            masking.headers(request.headers),
        ),
        answered,
        exchange.at,
        exchange.api,
        exchange.operation,
        exchange.sandbox,
        exchange.replied_at,
        exchange.duration,
        exchange.charged,
        exchange.committed,
        exchange.changes,
        exchange.changed,
        rare,
    )
    try:
        head = orjson.dumps(about)
    except TypeError:
        # Half a surrogate pair, which only a client in this process can send.
        head = orjson.dumps(_each(about, _spelled_out))
    return b"".join((head, b"\0", sent, content))


def decode(entry: bytes, number: int) -> Exchange:
    """The exchange of an entry, with its place in the journal."""
    end = entry.index(b"\0")
    size, (method, path, query, headers), answered, at, *rest, rare = orjson.loads(entry[:end])
    body, content = entry[end + 1 : end + 1 + size], entry[end + 1 + size :]
    exchange = Exchange(Request(method, path, query, headers, body), at)
    if answered is not None:
        status, headers, media_type = answered
        exchange.response = Response(status, None, headers, media_type, content)
    exchange.api, exchange.operation, exchange.sandbox, exchange.replied_at, exchange.duration, *rest = rest
    exchange.charged, exchange.committed, changes, exchange.changed = rest
    exchange.changes = [(kind, table, id) for kind, table, id in changes]
    for name, value in (rare or {}).items():
        setattr(exchange, name, value)
    exchange.violations = [Violation(**violation) for violation in (rare or {}).get("violations", ())]
    exchange.number = number
    return exchange


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """A value with each of its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _each(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_each(item, change) for item in value]
    if isinstance(value, Violation):
        return _each(value.as_json(), change)
    return value


def _spelled_out(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Clipped, control characters escaped: a request cannot forge a line of the log."""
    clipped = text if len(text) <= 300 else text[:299] + "…"
    return clipped if clipped.isprintable() else clipped.encode("unicode_escape").decode()
