"""HTTP/1.1 on a socket: uvicorn's protocol, with bounds on what a client may send and a straight way to the response.

The straight way is for a request to a mocked operation whose response goes out whole and at once. The pipeline
is a plain function, so the parser's callback can call it and write the response; no task, no event and no
message is made, which is half of what a request costs otherwise. Everything else (the admin API, documents,
a response that is delayed or lost, `Expect: 100-continue`) goes uvicorn's way to the ASGI app.

The bounds hold for both ways: bytes and number of headers, length of the target, seconds for a request to arrive,
for a response to be read and without a request, connections at a time. uvicorn has none of them for this parser.

This module leans on uvicorn's `HttpToolsProtocol`: on the names of its parser callbacks and of `url`,
`headers`, `cycle`, `pipeline` and `flow`. `tests/test_protocol.py` would notice if these changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mockserver.apis.routes import MAX_BODY
from mockserver.errors import Problem
from mockserver.messages import Headers, Request, Response
from mockserver.server.app import Mocked
from mockserver.server.asgi import DRAIN
from mockserver.server.bounds import BODY, HEAD, LAST, MAX_HEADERS, Connection, Verdict
from mockserver.server.delivery import CUT, cut, deliver, head_of
from mockserver.server.http_head import (
    NAMES,
    UNSENDABLE,
    header_name,
    local_target,
    refusal,
    wire_head,
    without_upgrade,
)
from mockserver.settings import SocketBounds

log = logging.getLogger("mockserver")

LINGER = 0.25
"""Seconds that an idle connection stays open once the server is to stop: a request may be on its way."""
LAST_WORDS = 1.0
"""Seconds that a client has to read why it was refused: closed at once, a socket takes back what it said."""


class Protocol(HttpToolsProtocol):
    """One connection.

    Args:
        mocked: what is asked straight; None sends every request to the ASGI app.
        is_ours: whether a path is none of the mocked operations.
        refused: told the status of each refusal.
        bounds: what a client may do.
        args, kwargs: uvicorn's own.
    """

    def __init__(
        self,
        *args: Any,
        mocked: Mocked | None,
        is_ours: Callable[[str], bool],
        refused: Callable[[int], None],
        bounds: SocketBounds,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._bounds = bounds
        self._mocked = mocked
        self._is_ours = is_ours
        self._count = refused
        self.may = Connection(bounds)
        """What the client may do now."""
        self._repeats = 0
        """Headers that the request gave before."""
        self._before: Any = None
        """uvicorn's cycle of the request before the one that `cycle` is for."""
        self._running: Any = None
        """uvicorn's cycle of the request that is being answered, or was."""
        self._straight = False
        self._named = Headers()
        """Headers of the request, as `read_headers` gives them."""
        self._method = ""
        self._path = ""
        self._query = ""
        self._chunks: list[bytes] = []
        self._size = 0
        self._most = 0
        self._date: tuple[Any, bytes] = (None, b"")
        """uvicorn's list of headers for every response, and what it looks like on the wire."""

    # What the transport says

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._refuse(self.may.opened(len(self.connections)))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._running is not None:
            self._running.disconnected = True  # uvicorn tells it to the newest request alone
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        may = self.may
        if may.state is LAST:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        may.piece(len(data))
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
            # uvicorn's own way parses the URL again, and stricter than before: that is no fault of ours.
            if cause is not None and not isinstance(cause, httptools.HttpParserError):
                log.error("a request could not be taken: %r", cause)
                self._refuse(Problem("server_error", "The mock server failed to take this request."))
            self._refuse(Problem("invalid_request", "This is not an HTTP/1.1 request."))
        self._refuse(may.parsed())

    def pause_writing(self) -> None:
        super().pause_writing()
        self.flow.pause_reading()  # who does not read responses gets no more of them

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flow.resume_reading()

    def shutdown(self) -> None:
        """Finish what is arriving or being answered, then close."""
        self.may.ending = True
        if self.may.is_arriving:
            self.loop.call_later(self._bounds.request_seconds, self._end_if_late)
        if self._is_answering():
            super().shutdown()
        elif not self.may.is_arriving:
            self.loop.call_later(LINGER, self._end_if_idle)

    def check(self, now: float) -> None:
        """Close the connection when the client takes too long; called about once a second with the loop's time."""
        late = self.may.tick(now, self.transport.get_write_buffer_size(), self.flow.read_paused)
        if late is Verdict.ABORT:
            self.transport.abort()
        elif late is Verdict.CLOSE:
            self.transport.close()
        elif isinstance(late, Problem):
            self._refuse(late)

    # What the parser says

    def on_message_begin(self) -> None:
        if self.may.state is LAST:
            return
        self.may.begun()
        self._repeats = 0
        self.url = b""
        self._named = Headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.may.state is not HEAD:
            return  # a trailer after the body is of no use to anybody
        key = NAMES.get(name) or header_name(name)
        text = value.decode("latin-1")
        if key not in self._named:
            self._named[key] = text
        elif self._repeats < MAX_HEADERS:
            self._repeats += 1
            self._named.add(key, text)
        else:
            self._refuse(self.may.too_large())

    def on_headers_complete(self) -> None:
        if self.may.state is LAST:
            return
        named, url = self._named, self.url.decode("ascii")  # the parser lets no other characters pass
        if "host" not in named and self.parser.get_http_version() == "1.1":
            self._refuse(Problem("invalid_request", "A request of HTTP/1.1 needs a Host header (RFC 9112, 3.2)."))
        elif self._repeats and len(named.get_all("host")) > 1:
            self._refuse(Problem("invalid_request", "A request has one Host header, not several (RFC 9112, 3.2)."))
        if url[:1] != "/":
            url, host = local_target(url)
            self.url = url.encode("ascii")
            if host:
                named["host"] = host  # it counts more than the header (RFC 9112, 3.2.2)
        if "upgrade" in named and self.parser.should_upgrade():
            return  # the parser stops after the head, and `_stay` begins again
        self._refuse(self.may.head(self.url, named, self._repeats))
        if "transfer-encoding" in named and self.parser.get_http_version() == "1.0":
            self._refuse(Problem("invalid_request", "HTTP/1.0 has no Transfer-Encoding."))
        elif self.parser.should_upgrade():
            self._refuse(Problem("invalid_request", "CONNECT is for proxies, and this is none."))
        if self.may.state is LAST:
            return
        path, _, query = url.partition("?")
        self._straight = (
            self._mocked is not None
            and not self._is_ours(path)
            and not self._is_answering()
            and not self.flow.write_paused
            and "expect" not in named
        )
        self.may.head_taken()
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
        if self.may.state is LAST:
            return
        self.may.body()
        if not self._straight:
            super().on_body(body)
            return
        assert self._mocked is not None
        self._size += len(body)
        if self._size > self._most == MAX_BODY:
            self._most = self._mocked.pipeline.most_body(self._method, self._path)
        if self._size <= self._most:
            self._chunks.append(body)
        elif self._size > self._most * DRAIN:
            self._answer()
        else:
            self._chunks.clear()

    def on_message_complete(self) -> None:
        if self.may.state is not BODY:
            return
        if self._straight:
            self.may.whole(is_answered=True)
            self._answer()
        else:
            self.may.whole(is_answered=not self._is_answering())
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_answering():
            self.may.answered()

    # How it is answered

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _answer(self) -> None:
        headers = self._named
        too_large = self._size > self._most
        body = b"" if too_large else b"".join(self._chunks)
        request = Request(self._method, self._path, self._query, headers, body, too_large)
        # In HTTP/1.0 a connection is kept only when both sides say so; we do not.
        last = self.may.ending or too_large or not self.parser.should_keep_alive()
        if "connection" in headers and self.parser.get_http_version() == "1.0":
            last = True
        self._respond(request, last)

    def _respond(self, request: Request, last: bool) -> None:
        assert self._mocked is not None
        response = self._mocked.answer(request)
        if response.delivery is not None:
            self._deliver(response, last)
        else:
            self._write(response, last)

    def _write(self, response: Response, last: bool) -> None:
        lines = head_of(response)
        if last:
            lines.append(("connection", "close"))
        head = wire_head(lines)
        if head is None:
            log.error("a response of %s has a header that HTTP cannot carry", self._path)
            self._write(UNSENDABLE, last)
            return
        defaults = self.server_state.default_headers
        if defaults is not self._date[0]:
            self._date = defaults, b"".join([b"%s: %s\r\n" % pair for pair in defaults])
        content = b"" if self._method == "HEAD" else response.content or b""
        self.transport.write(b"".join((STATUS_LINE[response.status], self._date[1], head, b"\r\n", content)))
        if last:
            is_arriving = self.may.is_arriving
            self.may.last()
            if is_arriving:
                self._close_gently()
            else:
                self.transport.close()

    def _deliver(self, response: Response, last: bool) -> None:
        """Let uvicorn run the delivery of a response that takes its time, or never arrives."""

        async def delivery(scope: Scope, receive: Receive, send: Send) -> None:
            await deliver(response, scope, receive, send, close=last)

        app, self.app = self.app, delivery
        try:
            self._to_asgi()
            super().on_message_complete()
        finally:
            self.app = app
        if last:
            self.may.last()
        elif not self.may.is_arriving:
            self.may.whole(is_answered=False)

    def _to_asgi(self) -> None:
        """Hand the request over to uvicorn, which would have begun with it at its first byte."""
        url = self.url
        super().on_message_begin()
        self.url = url
        extensions: Any = {CUT: partial(cut, self.transport)}
        self.scope["extensions"] = extensions
        self.headers += [(name.encode("latin-1"), text.encode("latin-1")) for name, text in self._named.pairs()]
        self.expect_100_continue = self._named.get("expect", "").lower() == "100-continue"
        self._before = self.cycle
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _stay(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 when the client offers to change to another protocol.

        The parser takes what follows for that protocol, the request's body too; so another one reads the request
        again without the offer.
        """
        if self.may.state is not LAST:
            parser, self.parser = self.parser, httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            head = without_upgrade(parser.get_method(), self.url, parser.get_http_version(), self._named)
            # Not from here: a client may have sent a thousand of these together.
            self.flow.pause_reading()
            self.loop.call_soon(self._go_on, head + rest)

    def _go_on(self, data: bytes) -> None:
        if self.parser is not None:  # the connection is still there
            self.flow.resume_reading()
            self.data_received(data)

    def _refuse(self, problem: Problem | None) -> None:
        """Answer what is no request to an API, and close. What came before it is answered first."""
        if problem is None or self.may.state is LAST:
            return
        # A request whose head was taken has a cycle of its own, unless it is answered straight.
        begun = self.may.state is BODY and not self._straight
        self.may.last()
        log.info("refused a request with %d: %s", problem.status, problem.message)
        self._count(problem.status)
        before = self._before if begun else self.cycle
        if before is not None and not before.response_complete:
            before.keep_alive = False
            if begun:
                self.pipeline.popleft()
            return
        if begun:
            self.cycle.disconnected = True
            self.cycle.waiting_for_100_continue = False
            self.cycle.message_event.set()
        if not begun or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[problem.status] + refusal(problem))
        self._close_gently()

    def _close_gently(self) -> None:
        """Say that nothing more comes, and let the client read that before the connection goes."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LAST_WORDS, self.transport.close)

    def _end_if_late(self) -> None:
        if self.may.is_arriving:
            self._refuse(self.may.late())

    def _end_if_idle(self) -> None:
        if not self.may.is_arriving and not self._is_answering():
            self.transport.close()


def check_all(connections: Iterable[Any], now: float) -> None:
    """Let every connection see whether its client takes too long."""
    for connection in list(connections):
        if isinstance(connection, Protocol):
            connection.check(now)
