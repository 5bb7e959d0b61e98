"""Put a response on the wire, with whatever a fault does to it there: the reset is a real RST, the
drip is paced bytes.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from mockserver.messages import Delivery, Headers, Response
from mockserver.server.http_head import UNSENDABLE, wire_head

log = logging.getLogger("mockserver")

WHOLE = Delivery()
CUT = "mockserver.cut"
"""The ASGI extension that ends a connection: a function of whether it does so by a reset."""


async def deliver(response: Response, scope: Scope, receive: Receive, send: Send, close: bool = False) -> None:
    """Send a finished response. With `close` the connection ends with it.

    Raises ConnectionResetError for a response that is to be lost, when the server has no way to cut a connection:
    a test client hands it to the test.
    """
    delivery = response.delivery or WHOLE
    if delivery.delay:
        await asyncio.sleep(delivery.delay)
    if delivery.lost:
        if delivery.lost == "hang":
            await _until_gone(receive, delivery.hang)
        _cut(scope, delivery.lost.startswith("reset"), f"the scenario loses this response ({delivery.lost})")
        # uvicorn logs an error when an application ends without a response on a connection that it thinks is open.
        await _until_gone(receive, 1)
        return
    if wire_head(head_of(response)) is None:
        log.error("a response has a header that HTTP cannot carry")
        response = UNSENDABLE
    content = response.content or b""
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in head_of(response)]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    for piece in delivery.pieces:
        if piece.wait:
            await asyncio.sleep(piece.wait)
        await send({"type": "http.response.body", "body": piece.content, "more_body": True})
    if delivery.end:
        _cut(scope, delivery.end == "reset", f"the scenario ends this stream ({delivery.end})")
        await _until_gone(receive, 1)
        return
    if delivery.pieces:
        content = b""
    if delivery.chunk:
        for start in range(0, len(content), delivery.chunk):
            if start and delivery.every:
                await asyncio.sleep(delivery.every)
            chunk = content[start : start + delivery.chunk]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        content = b""
    await send({"type": "http.response.body", "body": content})


def head_of(response: Response) -> list[tuple[str, str]]:
    """All the headers of a response; the length of a stream is not known before."""
    kept = response.headers
    headers = kept.pairs() if isinstance(kept, Headers) else list(kept.items())
    if response.media_type is not None:
        headers.append(("content-type", response.media_type))
    is_stream = response.delivery is not None and (response.delivery.pieces or response.delivery.end)
    if not is_stream and (response.media_type is not None or response.status not in (204, 304)):
        headers.append(("content-length", str(len(response.content or b""))))
    return headers


def _cut(scope: Scope, reset: bool, why: str) -> None:
    """End the connection. Raises ConnectionResetError when the server has no way to do that."""
    cut_here: Callable[[bool], None] | None = (scope.get("extensions") or {}).get(CUT)
    if cut_here is None:
        raise ConnectionResetError(errno.ECONNRESET, why)
    cut_here(reset)


async def _until_gone(receive: Receive, seconds: float) -> None:
    """Wait until the client closes its end, or the time is up."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass


def cut(transport: Any, reset: bool) -> None:
    """End the connection of a transport without a response: by an RST, or politely."""
    if not reset:
        transport.close()
        return
    # A linger time of zero makes the kernel answer with RST. It is set on a copy of the socket, because not every
    # event loop lets its own be changed.
    own = transport.get_extra_info("socket")
    with socket.fromfd(own.fileno(), own.family, own.type) as copy:
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
