"""An httpx transport that answers in process: no socket, no thread, faults included.

A fault raises what httpx would raise on a socket, so that a client under test cannot tell.
Needs httpx, which is an extra: `pip install mockserver[httpx]`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from mockserver.clock import sleep
from mockserver.messages import Delivery, Request, Response
from mockserver.pipeline.pipeline import Pipeline

_WHOLE = Delivery()


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends the requests of an httpx client, sync or async, to a pipeline.

    A latency longer than the client's read timeout raises `httpx.ReadTimeout`, also on a frozen
    clock, where it takes no real time.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        response = self._answer(request, request.read())
        wait, error = _wait(request, response)
        if wait:
            sleep(wait)
        return _result(request, response, error)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        response = self._answer(request, await request.aread())
        wait, error = _wait(request, response)
        if wait:
            await asyncio.sleep(wait)
        return _result(request, response, error)

    def _answer(self, request: httpx.Request, body: bytes) -> Response:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers: dict[str, str] = {}
        for name, value in request.headers.multi_items():
            headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
        return self._pipeline.handle(Request(request.method, path, query, headers, body))


def _wait(request: httpx.Request, response: Response) -> tuple[float, httpx.TransportError | None]:
    """Real seconds to wait, and what to raise then."""
    delivery = response.delivery or _WHOLE
    timeouts: dict[str, Any] = request.extensions.get("timeout", {})
    patience = timeouts.get("read")
    if delivery.lost == "hang":
        # Nobody learns anything from waiting: the client's own limit, or ours, has passed.
        return 0.0, httpx.ReadTimeout("The read operation timed out", request=request)
    if patience is not None and delivery.latency > patience:
        wait = min(patience, delivery.delay)
        return wait, httpx.ReadTimeout("The read operation timed out", request=request)
    if delivery.lost.startswith("reset"):
        return delivery.delay, httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
    if delivery.lost:
        message = "Server disconnected without sending a response."
        return delivery.delay, httpx.RemoteProtocolError(message, request=request)
    pieces = len(response.content or b"") // delivery.chunk if delivery.chunk else 0
    return delivery.delay + delivery.every * pieces, None


def _result(request: httpx.Request, response: Response, error: httpx.TransportError | None) -> httpx.Response:
    if error is not None:
        raise error
    headers = list(response.headers.items())
    if response.media_type is not None:
        headers.append(("content-type", response.media_type))
    return httpx.Response(response.status, headers=headers, content=response.content, request=request)
