"""What the transports for httpx and for httpx2 have in common, which are the same library under two names.

Must not know: either of them. Each says its module and its stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

from mockserver.clock import sleep
from mockserver.testing.transports.shared import Loss, Outcome, Part, ask, header_lines, parts_of, pipeline_of


class Parts:
    """A stream, part by part."""

    library: ModuleType
    """httpx or httpx2."""

    def __init__(self, parts: list[Part], request: Any) -> None:
        self._parts, self._request = parts, request

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if part.wait:
                sleep(part.wait)
            if part.loss:
                raise self._cut(part.loss)
            yield part.content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if part.wait:
                await asyncio.sleep(part.wait)
            if part.loss:
                raise self._cut(part.loss)
            yield part.content

    def _cut(self, loss: Loss) -> Exception:
        """What is raised in the middle of a stream."""
        if loss == "empty":
            what = "peer closed connection without sending complete message body (incomplete chunked read)"
            error: Exception = self.library.RemoteProtocolError(what, request=self._request)
            return error
        return error_of(self.library, loss, self._request)


class Transport:
    """Answers requests by a pipeline in this process."""

    library: ModuleType
    """httpx or httpx2."""
    parts: type[Parts]
    """The stream of that library."""

    def __init__(self, app: Any) -> None:
        self._pipeline = pipeline_of(app)

    def handle_request(self, request: Any) -> Any:
        """Answer a request of a sync client."""
        outcome = self._ask(request, request.read())
        if outcome.wait:
            sleep(outcome.wait)
        return self._result(request, outcome)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request of an async client."""
        outcome = self._ask(request, await request.aread())
        if outcome.wait:
            await asyncio.sleep(outcome.wait)
        return self._result(request, outcome)

    def _ask(self, request: Any, body: bytes) -> Outcome:
        target = request.url.raw_path.decode("ascii")
        lines = request.headers.multi_items()
        return ask(self._pipeline, request.method, target, lines, body, _patience(request))

    def _result(self, request: Any, outcome: Outcome) -> Any:
        if outcome.loss:
            raise error_of(self.library, outcome.loss, request)
        response = outcome.response
        lines = header_lines(response)
        if parts := parts_of(response, _patience(request)):
            stream = self.parts(parts, request)
            return self.library.Response(response.status, headers=lines, stream=stream, request=request)
        return self.library.Response(response.status, headers=lines, content=response.content, request=request)


def _patience(request: Any) -> float | None:
    """Seconds that the client waits for bytes."""
    timeouts: dict[str, Any] = request.extensions.get("timeout", {})
    return timeouts.get("read")


def error_of(library: ModuleType, loss: Loss, request: Any) -> Exception:
    """What a client raises that loses a response on a socket."""
    if loss == "timeout":
        error: Exception = library.ReadTimeout("The read operation timed out", request=request)
    elif loss == "reset":
        error = library.ReadError("[Errno 104] Connection reset by peer", request=request)
    else:
        error = library.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    return error
