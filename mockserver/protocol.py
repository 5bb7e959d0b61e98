"""HTTP/1.1 on a socket: uvicorn's protocol, with bounds on what a client may send and a straight way to the reply.

The straight way is for a request to a mocked operation whose reply goes out whole and at once. The pipeline
is a plain function, so the parser's callback can call it and write the reply; no task, no event and no
message is made, which is half of what a request costs otherwise. Everything else (the admin API, documents,
a reply that is delayed or lost, `Expect: 100-continue`) goes uvicorn's way to the ASGI app.

The bounds hold for both ways: bytes before the body, seconds for a request to arrive, seconds without one,
connections at a time. uvicorn has none of them for this parser.

This module leans on uvicorn's `HttpToolsProtocol`: on the names of its parser callbacks and of `url`,
`headers`, `cycle`, `pipeline` and `flow`. The tests of sockets would notice if these changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import httptools
import orjson
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mockserver.app import DRAIN, App
from mockserver.delivery import deliver, head_of
from mockserver.errors import Problem
from mockserver.messages import Request, Response
from mockserver.problems import MEDIA_TYPE, problem_body
from mockserver.routes import MAX_BODY
from mockserver.settings import SocketBounds

log = logging.getLogger("mockserver")

LINGER = 0.25
"""Seconds that an idle connection stays open once the server is to stop: a request may be on its way."""


class Protocol(HttpToolsProtocol):
    """One connection. `self.app` is the ASGI app; an `App` is asked straight, any other only by ASGI."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bounds: SocketBounds = getattr(self.app, "bounds", SocketBounds())
        self._direct = self.app if isinstance(self.app, App) and self.app.is_direct else None
        self._arriving = False
        """A request has begun and is not complete."""
        self._began: float | None = None
        """Loop time at which a request was first seen to be incomplete."""
        self._rested: float | None = None
        """Loop time at which the connection was first seen to be without a request."""
        self._ending = False
        """The next reply is the last one."""
        self._refused = False
        self._in_head = False
        self._head_size = 0
        self._straight = False
        self._named: dict[str, str] = {}
        """Headers of the request, as `read_headers` gives them."""
        self._method = ""
        self._path = ""
        self._query = ""
        self._chunks: list[bytes] = []
        self._size = 0
        self._most = 0
        self._date: tuple[Any, bytes] = (None, b"")
        """uvicorn's list of headers for every reply, and what it looks like on the wire."""

    # What the transport says

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._refuse("unavailable", f"There are more than {self._bounds.connections:,} connections.")

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nobody changes the protocol here; the request itself has been taken
        except httptools.HttpParserError as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
            # uvicorn's own way parses the URL again, and stricter than before: that is no fault of ours.
            if cause is not None and not isinstance(cause, httptools.HttpParserError):
                log.error("a request could not be taken: %r", cause)
            self._refuse("invalid_request", "This is not an HTTP/1.1 request.")
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > self._bounds.head_bytes:
                most = f"{self._bounds.head_bytes:,}"
                self._refuse("head_too_large", f"The request line and headers are larger than {most} bytes.")

    def pause_writing(self) -> None:
        super().pause_writing()
        self.flow.pause_reading()  # who does not read replies gets no more of them

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flow.resume_reading()

    def shutdown(self) -> None:
        """Finish what is arriving or being answered, then close."""
        self._ending = True
        if self._is_answering():
            super().shutdown()
        elif not self._arriving:
            self.loop.call_later(LINGER, self._end_if_idle)

    def check(self, now: float) -> None:
        """Close the connection when the client takes too long; called about once a second with the loop's time."""
        if self._arriving:
            self._rested = None
            self._began = now if self._began is None else self._began
            if now - self._began > self._bounds.request_seconds:
                self._refuse("request_timeout", f"The request did not arrive in {self._bounds.request_seconds:g} s.")
        elif not self._is_answering():
            self._began = None
            self._rested = now if self._rested is None else self._rested
            if now - self._rested > self._bounds.idle_seconds:
                self.transport.close()

    # What the parser says

    def on_message_begin(self) -> None:
        self._arriving = self._in_head = True
        self._began = self._rested = None
        self._head_size = 0
        self.url = b""
        self._named = {}

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # a trailer after the body is of no use to anybody
            key = name.decode("latin-1").lower()
            text = value.decode("latin-1")
            self._named[key] = f"{self._named[key]}, {text}" if key in self._named else text

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._refused:
            return
        url = self.url.decode("utf-8", "replace")
        path, _, query = url.partition("?")
        self._straight = (
            self._direct is not None
            and url[:1] == "/"
            and not self._direct.owns(path)
            and not self._is_answering()
            and "expect" not in self._named
        )
        if not self._straight:
            self._to_asgi()
            return
        self._method = self.parser.get_method().decode("ascii")
        self._path = path
        self._query = query
        self._chunks = []
        self._size = 0
        self._most = MAX_BODY

    def on_body(self, body: bytes) -> None:
        if self._refused:
            return
        if not self._straight:
            super().on_body(body)
            return
        assert self._direct is not None
        self._size += len(body)
        if self._size > self._most == MAX_BODY:
            self._most = self._direct.pipeline.most_body(self._method, self._path)
        if self._size <= self._most:
            self._chunks.append(body)
        elif self._size > self._most * DRAIN:
            self._answer()
            self._refused = True  # the rest of it is not read
        else:
            self._chunks.clear()

    def on_message_complete(self) -> None:
        self._arriving = False
        if self._refused:
            return
        if self._straight:
            self._answer()
        else:
            super().on_message_complete()

    # How it is answered

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _answer(self) -> None:
        assert self._direct is not None
        headers = self._named
        too_large = self._size > self._most
        body = b"" if too_large else b"".join(self._chunks)
        exchange = self._direct.exchange(Request(self._method, self._path, self._query, headers, body, too_large))
        response = exchange.response
        assert response is not None
        # In HTTP/1.0 a connection is kept only when both sides say so; we do not.
        last = self._ending or too_large or not self.parser.should_keep_alive()
        if "connection" in headers and self.parser.get_http_version() == "1.0":
            last = True
        if response.delivery is not None:
            self._deliver(response, last)
        else:
            self._write(response, last)

    def _write(self, response: Response, last: bool) -> None:
        lines = head_of(response)
        if last:
            lines.append(("connection", "close"))
        text = "".join([f"{name}: {value}\r\n" for name, value in lines])
        if len(text.splitlines()) != len(lines) or not text.isascii():
            log.error("a reply of %s has a header that HTTP cannot carry", self._path)
            self._refuse("server_error", "The reply has a header that HTTP cannot carry.")
            return
        defaults = self.server_state.default_headers
        if defaults is not self._date[0]:
            self._date = defaults, b"".join([b"%s: %s\r\n" % pair for pair in defaults])
        content = b"" if self._method == "HEAD" else response.content or b""
        head = text.encode("ascii")
        self.transport.write(b"".join((STATUS_LINE[response.status], self._date[1], head, b"\r\n", content)))
        if last:
            self.transport.close()

    def _deliver(self, response: Response, last: bool) -> None:
        """Let uvicorn run the delivery of a reply that takes its time, or never arrives."""

        async def delivery(scope: Scope, receive: Receive, send: Send) -> None:
            await deliver(response, receive, send, close=last)

        app, self.app = self.app, delivery
        try:
            self._to_asgi()
            super().on_message_complete()
        finally:
            self.app = app

    def _to_asgi(self) -> None:
        """Hand the request over to uvicorn, which would have begun with it at its first byte."""
        url = self.url
        super().on_message_begin()
        self.url = url
        self.headers += [(name.encode("latin-1"), text.encode("latin-1")) for name, text in self._named.items()]
        self.expect_100_continue = self._named.get("expect", "").lower() == "100-continue"
        super().on_headers_complete()

    def _refuse(self, kind: str, message: str) -> None:
        """Answer what is no request to an API, and close."""
        if self._refused:
            return
        self._refused = True
        if not self._is_answering():
            problem = Problem(kind, message)
            body = orjson.dumps(problem_body(problem))
            lines = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[problem.status] + lines.encode("ascii") + body)
        self.transport.close()

    def _end_if_idle(self) -> None:
        if not self._arriving and not self._is_answering():
            self.transport.close()


def check_all(connections: Iterable[Any], now: float) -> None:
    """Let every connection see whether its client takes too long."""
    for connection in list(connections):
        if isinstance(connection, Protocol):
            connection.check(now)
