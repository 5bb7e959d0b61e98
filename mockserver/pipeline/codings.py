"""Content codings of request bodies (RFC 9110, 8.4): undone once, before anything looks at the body.

Every size is bounded by what a body may have, so a small body cannot become a large one. Knows
nothing of what a body says.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

from mockserver.errors import Problem
from mockserver.messages import Request, Violation

try:
    import brotli  # an extra
except ImportError:
    brotli = None

MAX_CODINGS = 4
"""Codings one over the other."""
_GZIP, _ZLIB, _RAW = 31, 15, -15


class _TooLarge(Exception):
    """More comes out than a body may have."""


class _Broken(Exception):
    """A text is not of its coding."""


def decoded(request: Request, max_body: int) -> Request:
    """The request with its body decoded; itself when nothing was coded.

    A body that decodes to more than `max_body` bytes is `too_large`. One that cannot be decoded stays as it was
    sent, and its `refusal` says why.
    """
    codings = [coding for part in request.headers["content-encoding"].split(",") if (coding := part.strip().lower())]
    codings = [coding for coding in codings if coding != "identity"]
    if not codings or not request.body:
        return request
    unknown = next((coding for coding in codings if coding not in _DECODERS), None)
    if unknown is not None or len(codings) > MAX_CODINGS:
        what = f"The content coding {unknown[:40]!r}" if unknown else f"More than {MAX_CODINGS} content codings"
        known = ", ".join(ACCEPTED)
        message = f"{what} cannot be undone; send {', '.join(ACCEPTED)} or none."
        return replace(request, refusal=Problem("unsupported_media_type", message, headers={"accept-encoding": known}))
    body = request.body
    for coding in reversed(codings):  # they are listed in the order in which they were applied
        try:
            body = _DECODERS[coding](body, max_body)
        except _TooLarge:
            return replace(request, body=b"", too_large=True)
        except _Broken as error:
            message = f"is not valid {coding}, which its Content-Encoding says it is: {error}"
            violation = Violation("client", "body", "", message, "other bytes", coding, "contentEncoding")
            return replace(request, refusal=Problem("invalid_request", violations=[violation]))
    return replace(request, body=body)


def _inflate(raw: bytes, form: int, most: int) -> tuple[bytes, bytes]:
    """One stream of zlib, and what comes behind it."""
    stream = zlib.decompressobj(form)
    try:
        data = stream.decompress(raw, most + 1)
    except zlib.error as error:
        raise _Broken(str(error).rpartition(": ")[2]) from None
    if len(data) > most:
        raise _TooLarge
    if not stream.eof:
        raise _Broken("it is cut off")
    return data, stream.unused_data


def _gzip(raw: bytes, most: int) -> bytes:
    """All members of a gzip file, one after the other (RFC 1952, 2.2)."""
    pieces: list[bytes] = []
    room = most
    while raw:
        data, raw = _inflate(raw, _GZIP, room)
        pieces.append(data)
        room -= len(data)
        raw = raw.lstrip(b"\0")  # padding, which tools write
    return b"".join(pieces)


def _deflate(raw: bytes, most: int) -> bytes:
    """The zlib format, or bare deflate, which some clients send by that name (RFC 9110, 8.4.1.2)."""
    try:
        data, rest = _inflate(raw, _ZLIB, most)
    except _Broken as error:
        try:
            data, rest = _inflate(raw, _RAW, most)
        except _Broken:
            raise error from None
    if rest:
        raise _Broken("something comes behind its end")
    return data


def _brotli(raw: bytes, most: int) -> bytes:
    stream = brotli.Decompressor()
    data: bytes = b""
    try:
        data = stream.process(raw, output_buffer_limit=most + 1)
        while len(data) <= most and not stream.is_finished():
            piece: bytes = stream.process(b"", output_buffer_limit=most + 1)
            if not piece and stream.can_accept_more_data():
                raise _Broken("it is cut off")
            data += piece
    except brotli.error:
        raise _Broken("it cannot be decompressed") from None
    if len(data) > most:
        raise _TooLarge
    return data


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate}
if hasattr(getattr(brotli, "Decompressor", None), "can_accept_more_data"):  # 1.2, the first that can be bounded
    _DECODERS["br"] = _brotli
ACCEPTED = tuple(coding for coding in _DECODERS if coding != "x-gzip")
"""The codings that a 415 names."""
