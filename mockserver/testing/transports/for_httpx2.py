"""A transport for httpx2, sync and async. A fault raises what httpx2 raises on a socket.

Needs httpx2: `pip install 'mockserver[httpx2]'`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from mockserver.clock import sleep
from mockserver.testing.transports.shared import Loss, Outcome, Part, ask, header_lines, parts_of, pipeline_of


class MockTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Sends the requests of a client to an application in this process.

    A latency longer than the client's read timeout raises `ReadTimeout`, also on a frozen clock, where it takes no
    real time.

    Args:
        app: what `create_app` made, or a pipeline.
    """

    def __init__(self, app: Any) -> None:
        self._pipeline = pipeline_of(app)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of a sync client."""
        outcome = self._ask(request, request.read())
        if outcome.wait:
            sleep(outcome.wait)
        return _result(request, outcome, self._patience(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of an async client."""
        outcome = self._ask(request, await request.aread())
        if outcome.wait:
            await asyncio.sleep(outcome.wait)
        return _result(request, outcome, self._patience(request))

    def _ask(self, request: httpx2.Request, body: bytes) -> Outcome:
        target = request.url.raw_path.decode("ascii")
        lines = request.headers.multi_items()
        return ask(self._pipeline, request.method, target, lines, body, self._patience(request))

    @staticmethod
    def _patience(request: httpx2.Request) -> float | None:
        """Seconds that the client waits for bytes."""
        timeouts: dict[str, Any] = request.extensions.get("timeout", {})
        return timeouts.get("read")


class _Parts(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A stream, part by part."""

    def __init__(self, parts: list[Part], request: httpx2.Request) -> None:
        self._parts, self._request = parts, request

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if part.wait:
                sleep(part.wait)
            if part.loss:
                raise _cut(part.loss, self._request)
            yield part.content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if part.wait:
                await asyncio.sleep(part.wait)
            if part.loss:
                raise _cut(part.loss, self._request)
            yield part.content


def _result(request: httpx2.Request, outcome: Outcome, patience: float | None) -> httpx2.Response:
    if outcome.loss:
        raise _error(outcome.loss, request)
    response = outcome.response
    lines = header_lines(response)
    if parts := parts_of(response, patience):
        return httpx2.Response(response.status, headers=lines, stream=_Parts(parts, request), request=request)
    return httpx2.Response(response.status, headers=lines, content=response.content, request=request)


def _cut(loss: Loss, request: httpx2.Request) -> httpx2.TransportError:
    """What is raised in the middle of a stream."""
    if loss == "empty":
        what = "peer closed connection without sending complete message body (incomplete chunked read)"
        return httpx2.RemoteProtocolError(what, request=request)
    return _error(loss, request)


def _error(loss: Loss, request: httpx2.Request) -> httpx2.TransportError:
    if loss == "timeout":
        return httpx2.ReadTimeout("The read operation timed out", request=request)
    if loss == "reset":
        return httpx2.ReadError("[Errno 104] Connection reset by peer", request=request)
    return httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=request)
