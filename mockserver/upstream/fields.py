"""Heads of messages on their way through: which fields go on, and how they are written.

Field lines keep their order, their case and their repeats. What belongs to one connection only (RFC 9110, 7.6.1)
stays behind. Must not know: sockets, contracts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Lines = list[tuple[bytes, bytes]]
"""Field lines: names and values as they were sent."""
Framing = Literal["none", "length", "chunked", "close"]
"""How the end of a body is told: there is no body, `Content-Length`, chunks, or the end of the connection."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields of one connection. What `Connection` names is of it too."""
NEVER_DROPPED = frozenset({b"host", b"content-length", b"authorization", b"cache-control", b"cookie", b"set-cookie"})
"""Fields that `Connection` cannot take away: without them a message would be another one."""


class Refused(Exception):
    """A message cannot be passed on; its text says why."""


class Head(NamedTuple):
    """The head of a response."""

    status: int
    reason: bytes
    lines: Lines
    framing: Framing
    length: int
    """Bytes of the body, where `framing` is `length`."""


def values_of(lines: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """The values of a field, its list members apart."""
    return [
        part
        for key, value in lines
        if key.lower() == name
        for piece in value.split(b",")
        if (part := piece.strip(b" \t"))
    ]


def end_to_end(lines: Lines) -> Lines:
    """The lines that go on, `Transfer-Encoding` and the rest of HOP_BY_HOP left out."""
    dropped: frozenset[bytes] = HOP_BY_HOP
    named = {value.lower() for value in values_of(lines, b"connection")}
    if named:
        dropped = HOP_BY_HOP | (named - NEVER_DROPPED)
    return [line for line in lines if line[0].lower() not in dropped]


def framing_of(lines: Lines) -> tuple[Framing, int]:
    """How a message says where its body ends. Raises Refused when it says two things."""
    codings, lengths = values_of(lines, b"transfer-encoding"), set(values_of(lines, b"content-length"))
    if codings:
        if [coding.lower() for coding in codings] != [b"chunked"]:
            raise Refused("its Transfer-Encoding is another one than chunked")
        if lengths:
            raise Refused("it has both Transfer-Encoding and Content-Length")
        return "chunked", 0
    if not lengths:
        return "close", 0
    text = lengths.pop()
    if lengths or not text.isdigit() or len(text) > 18:
        raise Refused("its Content-Length is not one number")
    return "length", int(text)


def request_head(method: bytes, target: bytes, host: bytes, lines: Lines, extra: Lines) -> bytes:
    """The head of a request for the upstream: the client's, with another `Host` in the same place.

    `extra` are lines that belong to the connection to the upstream.
    """
    out = [b"%s %s HTTP/1.1\r\n" % (method, target)]
    kept = end_to_end(lines)
    if not any(name.lower() == b"host" for name, _ in kept):
        out.append(b"Host: %s\r\n" % host)
    for name, value in kept:
        out.append(b"%s: %s\r\n" % (name, host if name.lower() == b"host" else value))
    out += [b"%s: %s\r\n" % line for line in extra]
    if any(name.lower() == b"transfer-encoding" for name, _ in lines):
        out.append(b"Transfer-Encoding: chunked\r\n")
    out.append(b"\r\n")
    return b"".join(out)


def response_head(head: Head, chunked: bool, last: bool) -> bytes:
    """The head of a response for the client.

    Args:
        head: the upstream's.
        chunked: whether the body goes out in chunks.
        last: whether the connection ends with it.
    """
    out = [b"HTTP/1.1 %d %s\r\n" % (head.status, head.reason)]
    out += [b"%s: %s\r\n" % line for line in end_to_end(head.lines)]
    if chunked:
        out.append(b"Transfer-Encoding: chunked\r\n")
    if last:
        out.append(b"Connection: close\r\n")
    out.append(b"\r\n")
    return b"".join(out)


def chunk(data: bytes) -> bytes:
    """A piece of a body as a chunk."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def last_chunk(trailers: Lines) -> bytes:
    """What ends a body in chunks."""
    kept = [b"%s: %s\r\n" % line for line in end_to_end(trailers)]
    return b"".join([b"0\r\n", *kept, b"\r\n"])
