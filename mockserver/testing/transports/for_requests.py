"""An adapter for requests. A fault raises what requests raises on a socket.

    session = requests.Session()
    session.mount("http://", MockAdapter(create_app()))

Needs requests: `pip install 'mockserver[requests]'`.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from http.client import HTTPMessage
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from mockserver.clock import sleep
from mockserver.testing.transports.shared import Part, ask, header_lines, parts_of, pipeline_of


class MockAdapter(BaseAdapter):
    """Sends the requests of a session to an application in this process.

    Args:
        app: what `create_app` made, or a pipeline.
    """

    def __init__(self, app: Any) -> None:
        super().__init__()
        self._pipeline = pipeline_of(app)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer a request. Only `timeout` matters: there is no connection to secure or to proxy."""
        parts = urlsplit(request.url or "")
        body = request.body or b""
        if not isinstance(body, str | bytes):
            pieces: Any = body  # a file or a generator, which are both iterable
            body = b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces)
        headers = {"Host": parts.netloc} | {name: _text(value) for name, value in request.headers.items()}
        outcome = ask(
            self._pipeline,
            request.method or "GET",
            (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            headers.items(),
            body.encode() if isinstance(body, str) else body,
            timeout[1] if isinstance(timeout, tuple) else timeout,
        )
        if outcome.wait:
            sleep(outcome.wait)
        if outcome.loss == "timeout":
            raise requests.ReadTimeout("Read timed out.", request=request)
        if outcome.loss:
            raise requests.ConnectionError(f"Connection aborted ({outcome.loss}).", request=request)
        response = outcome.response
        message = HTTPMessage()
        for name, value in header_lines(response):
            message[name] = value
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        streamed = parts_of(response, patience)
        raw = HTTPResponse(
            body=_Parts(streamed) if streamed else io.BytesIO(response.content or b""),
            headers=HTTPHeaderDict(header_lines(response)),
            status=response.status,
            preload_content=False,
            # Where requests looks for cookies.
            original_response=SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None),  # type: ignore[arg-type]
        )
        built: requests.Response = HTTPAdapter().build_response(request, raw)
        return built

    def close(self) -> None:
        """There is nothing to close."""


class _Parts(io.RawIOBase):
    """A stream as urllib3 reads one, part by part."""

    def __init__(self, parts: list[Part]) -> None:
        super().__init__()
        self._parts = iter(parts)
        self._left = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next part, or as much of it as there is room for."""
        while not self._left:
            part = next(self._parts, None)
            if part is None:
                return 0
            if part.wait:
                sleep(part.wait)
            if part.loss == "timeout":
                raise TimeoutError("timed out")
            if part.loss:
                raise ConnectionResetError(104, "Connection reset by peer")
            self._left = part.content
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
