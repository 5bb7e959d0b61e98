"""What is kept and shown of an exchange: secrets masked, bodies bounded, one piece of bytes an entry.

The journal itself is a ring in the store, which knows nothing of what an entry says. This module
writes entries and reads them again. An entry is a version byte, a JSON array of everything but the bodies, a zero
byte, and the two bodies as they are; as one piece of bytes it takes no more memory than it must, and
means the same to every process that shares the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Literal

import orjson

from mockserver.journal.masking import Masking
from mockserver.messages import Delivery, Exchange, Headers, Limited, Piece, Request, Response, Traits, Violation
from mockserver.settings import DEFAULTS

log = logging.getLogger("mockserver")

VERSION = b"5"
"""The first byte of an entry. It changes with _FIELDS, _RARE and what stands before them: servers of different
versions may share a store, and each reads its own entries only."""
MAX_BODY = DEFAULTS.journal_body
"""Bytes of a body that the journal keeps, if nothing else is said."""
MAX_ITEMS = 1000
"""Items of a stream whose times it keeps."""
_MASKING = Masking()
_FIELDS = (
    "at",
    "api",
    "operation",
    "sandbox",
    "stage",
    "replied_at",
    "duration",
    "charged",
    "committed",
    "changes",
    "changed",
)
"""What every entry has of an exchange, in this order."""
_RARE = (
    "violations",
    "rule",
    "rule_at",
    "rule_call",
    "rule_action",
    "violates",
    "lost",
    "faults",
    "reason",
    "limited",
    "defect",
    "traceback",
    "cut",
)
"""What most exchanges do not have; an entry names those that are not empty."""
_rare = attrgetter(*_RARE)


class OtherVersion(Exception):
    """An entry was written by another version of mockserver."""


Recorded = tuple[bytes, str, tuple[str, str, int], Traits]


def recorded(exchange: Exchange, masking: Masking, most: int = MAX_BODY) -> Recorded:
    """What a store is told of an exchange: its entry; its mark; how the request was answered, 0 where the client
    received nothing that the contract has; and what the entry is found by. `most` bytes of each body are kept."""
    operation, status = exchange.operation, exchange.status
    way, received = "", status
    sides: tuple[str, ...] = ()
    if exchange.violations or exchange.defect or exchange.lost or exchange.violates:
        way, sides = mark(exchange), tuple({violation.side for violation in exchange.violations})
        received = 0 if exchange.lost or exchange.violates or exchange.defect else status
    return (
        encode(exchange, masking, most),
        way,
        (exchange.api, operation, received),
        (operation, status, exchange.rule, exchange.stage, sides, exchange.api, tuple(exchange.faults)),
    )


def encode(exchange: Exchange, masking: Masking = _MASKING, most: int = MAX_BODY) -> bytes:
    """The entry of an exchange: without secrets, with at most so many bytes of each body."""
    request, response = exchange.request, exchange.response
    sent, content, sizes = request.body[:most], b"", [len(request.body), 0]
    answered: tuple[Any, ...] | None = None
    if response is not None:
        content = response.content or b""
        sizes[1], content = len(content), content[:most]
        headers = response.headers
        answered = (response.status, headers if type(headers) is dict else _by_name(headers), response.media_type)
        if response.pieces is not None:
            answered += (_items(response),)
    rare: Any = None  # a rule's place, its faults and what it violates come with the rule
    if exchange.cut is None and max(sizes) > most:
        exchange.cut = sizes[0], sizes[1]
    if exchange.cut or exchange.rule or exchange.violations or exchange.lost or exchange.reason or exchange.defect:
        rare = {name: value for name, value in zip(_RARE, _rare(exchange), strict=True) if value}
        try:
            text = orjson.dumps(rare)
        except TypeError:
            text = None
        # What is wrong with a key is told in the response too.
        if text is None or masking.is_told(request, text + content):
            clean = masking.cleaner(request)
            rare = _each(rare, clean)
            content = clean(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        else:
            rare = orjson.Fragment(text)
    headers = masking.headers(request.headers)
    head = (
        len(sent),
        request.method,
        request.path,
        request.query and masking.query(request.query),
        headers if type(headers) is dict else _by_name(headers),
        answered,
        (  # _FIELDS; written out, it takes a third of what an attrgetter does
            exchange.at,
            exchange.api,
            exchange.operation,
            exchange.sandbox,
            exchange.stage,
            exchange.replied_at,
            exchange.duration,
            exchange.charged,
            exchange.committed,
            exchange.changes,
            exchange.changed,
        ),
        rare,
    )
    try:
        text = orjson.dumps(head)
    except TypeError:
        # Half a surrogate pair, which only a client in this process can send.
        text = orjson.dumps(_each(head, _spelled_out))
    return b"".join((VERSION, text, b"\0", sent, content))


def decode(entry: bytes, number: int) -> Exchange:
    """The exchange of an entry, with its place in the journal. Raises OtherVersion."""
    if entry[:1] != VERSION:
        raise OtherVersion
    end = entry.index(b"\0")
    size, method, path, query, headers, answered, fields, rare = orjson.loads(entry[1:end])
    body, content = entry[end + 1 : end + 1 + size], entry[end + 1 + size :]
    request = Request(method, path, query, Headers.of(headers), body)
    exchange = Exchange(request, **dict(zip(_FIELDS, fields, strict=True)), **(rare or {}), number=number)
    exchange.changes = [(kind, table, id) for kind, table, id in exchange.changes]
    exchange.violations = [Violation(**violation) for violation in (rare or {}).get("violations", ())]
    if rare and "limited" in rare:
        exchange.limited = Limited(**rare["limited"])
    if answered is not None:
        status, headers, media_type, *items = answered
        exchange.response = Response(status, None, Headers.of(headers), media_type, content)
        if items:
            _have_items(exchange.response, content, *items[0])
    return exchange


def _items(response: Response) -> tuple[list[tuple[float, float, int]], str]:
    """The waits before each item of a stream, how many bytes it had, and how the connection ended."""
    delivery = response.delivery
    if delivery is None:
        return [(0.0, 0.0, len(piece)) for piece in (response.pieces or [])[:MAX_ITEMS]], ""
    return [(piece.wait, piece.stall, len(piece.content)) for piece in delivery.pieces[:MAX_ITEMS]], delivery.end


def _have_items(
    response: Response, content: bytes, items: list[tuple[float, float, int]], end: Literal["", "cut", "reset"]
) -> None:
    """Give a response the items that its body came in."""
    delivery = response.delivery = Delivery(end=end)
    for wait, stall, size in items:
        delivery.pieces.append(Piece(content[:size], wait, stall))
        content = content[size:]


def fingerprint(entry: bytes) -> int:
    """A number that entries of equal requests share, and few others; found without decoding."""
    end, sent = entry.index(b"\0"), entry.index(b",")
    size = int(entry[2:sent])
    # Method, path and query stand before the headers; text that looks like their end only joins more entries.
    return hash((entry[sent : entry.index(b",{", sent)], entry[end + 1 : end + 1 + size]))


def mark(exchange: Exchange) -> str:
    """What an exchange is counted as when it is written: `defect`, `invalid`, or "" when nothing is wrong with it.

    `defect` is a failure of the mock, or a response that breaks the contract and was not to; `invalid` is a request
    that breaks it.
    """
    sides = {violation.side for violation in exchange.violations} if exchange.violations else ()
    if exchange.defect or "server" in sides:
        return "defect"
    return "invalid" if "client" in sides else ""


def decode_all(entries: Iterable[tuple[int, bytes]]) -> list[Exchange]:
    """The exchanges of entries with their numbers; those of other versions are left out, which the log says once."""
    exchanges, skipped = [], 0
    for number, entry in entries:
        try:
            exchanges.append(decode(entry, number))
        except OtherVersion:
            skipped += 1
    if skipped:
        _warn_once(skipped)
    return exchanges


_warned = False


def _warn_once(skipped: int) -> None:
    global _warned
    if not _warned:
        _warned = True
        log.warning(
            "%d entries of a journal were written by another version of mockserver and are left out; "
            "run the same version on every server that shares the store",
            skipped,
        )


def _by_name(headers: dict[str, str]) -> Any:
    """Headers by name, a list of values for one that is repeated."""
    return headers.by_name() if isinstance(headers, Headers) else headers


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
