"""A transport for httpx2, sync and async. A fault raises what httpx2 raises on a socket.

Needs httpx2: `pip install 'mockserver[httpx2]'`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from mockserver.clock import sleep
from mockserver.testing.transports.shared import Loss, Outcome, ask, header_lines, pipeline_of


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
        return _result(request, outcome)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request of an async client."""
        outcome = self._ask(request, await request.aread())
        if outcome.wait:
            await asyncio.sleep(outcome.wait)
        return _result(request, outcome)

    def _ask(self, request: httpx2.Request, body: bytes) -> Outcome:
        timeouts: dict[str, Any] = request.extensions.get("timeout", {})
        target = request.url.raw_path.decode("ascii")
        lines = request.headers.multi_items()
        return ask(self._pipeline, request.method, target, lines, body, timeouts.get("read"))


def _result(request: httpx2.Request, outcome: Outcome) -> httpx2.Response:
    if outcome.loss:
        raise _error(outcome.loss, request)
    response = outcome.response
    lines = header_lines(response)
    return httpx2.Response(response.status, headers=lines, content=response.content, request=request)


def _error(loss: Loss, request: httpx2.Request) -> httpx2.TransportError:
    if loss == "timeout":
        return httpx2.ReadTimeout("The read operation timed out", request=request)
    if loss == "reset":
        return httpx2.ReadError("[Errno 104] Connection reset by peer", request=request)
    return httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=request)
