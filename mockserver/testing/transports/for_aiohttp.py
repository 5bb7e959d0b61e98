"""A connector for aiohttp's client. A fault raises what aiohttp raises on a socket.

    session = aiohttp.ClientSession(connector=MockConnector(create_app()))

Needs aiohttp: `pip install 'mockserver[aiohttp]'`.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp
import httptools
from aiohttp.client_proto import ResponseHandler

from mockserver.messages import Response
from mockserver.testing.transports.shared import Outcome, Part, ask, header_lines, parts_of, pipeline_of


class MockConnector(aiohttp.BaseConnector):
    """Connects a session to an application in this process: what the client writes is read as HTTP/1.1 and answered.

    Args:
        app: what `create_app` made, or a pipeline.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(force_close=True)
        self._pipeline = pipeline_of(app)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: Any, timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        """A connection for one request (aiohttp's documented hook for connectors)."""
        handler = ResponseHandler(self._loop)
        handler.connection_made(_Wire(self._pipeline, handler, timeout.sock_read or timeout.total))
        return handler


class _Wire(asyncio.Transport):
    """The client's end of a connection that is no socket."""

    def __init__(self, pipeline: Any, handler: ResponseHandler, patience: float | None) -> None:
        super().__init__()
        self._pipeline, self._handler, self._patience = pipeline, handler, patience
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._is_closing = False
        self._answering: asyncio.Task[None] | None = None

    def write(self, data: Any) -> None:
        """Take bytes of a request."""
        self._parser.feed_data(bytes(data))

    def is_closing(self) -> bool:
        """Whether the connection is at its end."""
        return self._is_closing

    def close(self) -> None:
        """Close the connection."""
        self._lose(None)

    def abort(self) -> None:
        """Close the connection at once."""
        self._lose(None)

    # What the parser says

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        method, target = self._parser.get_method().decode("ascii"), self._url.decode("ascii")
        outcome = ask(self._pipeline, method, target, self._headers, b"".join(self._body), self._patience)
        self._answering = asyncio.get_running_loop().create_task(self._answer(method, outcome))

    # How it is answered

    async def _answer(self, method: str, outcome: Outcome) -> None:
        if outcome.wait:
            await asyncio.sleep(outcome.wait)
        if outcome.loss == "timeout":
            self._handler.set_exception(aiohttp.SocketTimeoutError("Timeout on reading data from socket"))
        elif outcome.loss == "reset":
            self._lose(ConnectionResetError(104, "Connection reset by peer"))
        elif not outcome.loss:
            response = outcome.response
            if parts := parts_of(response, self._patience):
                await self._stream(response, parts)
                return
            content = response.content or b""
            lines = [*header_lines(response), ("content-length", str(len(content))), ("connection", "close")]
            self._handler.data_received(_head(response, lines) + (b"" if method == "HEAD" else content))
        self._lose(None)

    async def _stream(self, response: Response, parts: list[Part]) -> None:
        """Send a stream in chunks (RFC 9112, 7.1)."""
        lines = [*header_lines(response), ("transfer-encoding", "chunked"), ("connection", "close")]
        self._handler.data_received(_head(response, lines))
        for part in parts:
            if part.wait:
                await asyncio.sleep(part.wait)
            if part.loss == "timeout":
                self._handler.set_exception(aiohttp.SocketTimeoutError("Timeout on reading data from socket"))
            if part.loss:
                self._lose(ConnectionResetError(104, "Connection reset by peer") if part.loss == "reset" else None)
                return
            self._handler.data_received(b"%x\r\n%s\r\n" % (len(part.content), part.content))
        self._handler.data_received(b"0\r\n\r\n")
        self._lose(None)

    def _lose(self, error: BaseException | None) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._handler.connection_lost(error)


def _head(response: Response, lines: list[tuple[str, str]]) -> bytes:
    phrase = HTTPStatus(response.status).phrase if response.status in list(HTTPStatus) else ""
    head = f"HTTP/1.1 {response.status} {phrase}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines) + "\r\n"
    return head.encode("latin-1")


__all__ = ["MockConnector"]
