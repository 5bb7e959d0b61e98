"""Put a reply on the wire, with whatever a fault does to it there: the reset is a real RST, the
drip is paced bytes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from typing import Any

from starlette.types import Receive, Send

from mockserver.messages import Delivery, Response
from mockserver.server.http_head import UNSENDABLE, wire_head

log = logging.getLogger("mockserver")

WHOLE = Delivery()


async def deliver(response: Response, receive: Receive, send: Send, close: bool = False) -> None:
    """Send a finished response. With `close` the connection ends with it."""
    delivery = response.delivery or WHOLE
    if delivery.delay:
        await asyncio.sleep(delivery.delay)
    if delivery.lost:
        if delivery.lost == "hang":
            await _until_gone(receive, delivery.hang)
        _cut(send, reset=delivery.lost.startswith("reset"))
        # uvicorn logs an error when an application ends without a reply on a connection that it thinks is open.
        await _until_gone(receive, 1)
        return
    if wire_head(head_of(response)) is None:
        log.error("a reply has a header that HTTP cannot carry")
        response = UNSENDABLE
    content = response.content or b""
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in head_of(response)]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if delivery.chunk:
        for start in range(0, len(content), delivery.chunk):
            if start and delivery.every:
                await asyncio.sleep(delivery.every)
            piece = content[start : start + delivery.chunk]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        content = b""
    await send({"type": "http.response.body", "body": content})


def head_of(response: Response) -> list[tuple[str, str]]:
    """All the headers of a reply that goes out whole."""
    headers = list(response.headers.items())
    if response.media_type is not None:
        headers.append(("content-type", response.media_type))
    if response.media_type is not None or response.status not in (204, 304):
        headers.append(("content-length", str(len(response.content or b""))))
    return headers


async def _until_gone(receive: Receive, seconds: float) -> None:
    """Wait until the client closes its end, or the time is up."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass


def _cut(send: Send, reset: bool) -> None:
    """End the connection without a reply: by an RST, or politely.

    ASGI has no word for that, so the transport is taken from the server's own `send`.
    """
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this ASGI server does not let a connection be cut; run it with uvicorn")
    if not reset:
        transport.close()
        return
    # A linger time of zero makes the kernel answer with RST. The descriptor is a copy, because the
    # transport's own socket object does not take options.
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    with socket.socket(fileno=descriptor) as copy:
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
