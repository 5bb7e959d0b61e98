"""One connection to the upstream: a request goes out, and the response comes back as it arrives.

Everything that an upstream can do wrong ends in a Failure: silence, garbage, an early end, two lengths, a head
without end. What arrives faster than it is taken stays in the socket. Nothing is sent twice.
Must not know: pools, clients, contracts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import httptools

from mockserver.upstream.fields import Framing, Head, Lines, Refused, framing_of

HIGH_WATER = 256 * 1024
"""Bytes of a response that wait to be taken before the socket is not read any more."""
MAX_INTERIM = 16
"""Interim responses (1xx) before the real one."""
MAX_HEADERS = 512
"""Field lines of a response."""


class Failure(Exception):
    """The upstream gave no response that can be passed on.

    Args:
        kind: a name in `errors.KINDS`: `bad_gateway` or `timeout`.
        message: a sentence for the client.
    """

    def __init__(self, kind: Literal["bad_gateway", "timeout"], message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the upstream may take, and how much it may say before its body."""

    connect_seconds: float = 10.0
    """For the connection, TLS included."""
    silent_seconds: float = 60.0
    """Without a byte, before the response and within it."""
    head_bytes: int = 64 * 1024


class Connection(asyncio.Protocol):
    """One connection. It has one exchange at a time: `begin`, `write`, `head`, then `piece` until `at_end`.

    Args:
        patience: the bounds.
        name: the upstream, for messages.
    """

    def __init__(self, patience: Patience, name: str) -> None:
        self._patience = patience
        self._name = name
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport = None  # type: ignore[assignment]
        self.is_closed = False
        self.timer: asyncio.TimerHandle | None = None
        """Ends a wait for the upstream; while it is idle, the pool's time for keeping it."""
        self._moved = 0.0
        """The loop's time at which a wait began, or something was sent since."""
        self._writable: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_busy = False
        self.begin("GET", lambda head: None)
        self._is_busy = False

    # The exchange

    def begin(self, method: str, interim: Callable[[Head], None]) -> None:
        """Start an exchange.

        Args:
            method: of the request; a HEAD has no body in its response.
            interim: is told of every 1xx response.
        """
        self._parser = httptools.HttpResponseParser(self)
        self._is_head, self._interim = method in ("HEAD", "CONNECT"), interim
        self._is_tunnel = method == "CONNECT"
        self._lines: Lines = []
        self._reason = b""
        self._size = self._seen = self._interims = 0
        self._head: Head | None = None
        self._framing: Framing = "close"
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._whole = self._keeps = self._is_read = False
        self._failure: Failure | None = None
        self.trailers: Lines = []
        self._is_busy = True

    def write(self, data: bytes) -> None:
        """Send bytes of the request."""
        self._moved = self._loop.time()
        if not self.is_closed:
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the upstream takes more."""
        if self._writable is not None:
            await self._writable

    async def head(self) -> Head:
        """The head of the response. Raises Failure."""
        while self._head is None:
            if self._failure is not None:
                raise self._failure
            await self._wait()
        return self._head

    async def piece(self) -> bytes:
        """The next bytes of the body; none at its end. Raises Failure when it ends too early."""
        while not self._pieces and not self._whole:
            if self._failure is not None:
                raise self._failure
            await self._wait()
        if not self._pieces:
            return b""
        if len(self._pieces) == 1:
            data = self._pieces.popleft()
        else:
            data = b"".join(self._pieces)
            self._pieces.clear()
        if self._waiting > HIGH_WATER and not self.is_closed:
            self.transport.resume_reading()
        self._waiting = 0
        return data

    @property
    def has_response(self) -> bool:
        """Whether the head of the response is there, or will never be."""
        return self._head is not None or self._failure is not None

    @property
    def at_end(self) -> bool:
        """Whether the whole body was taken."""
        return self._whole and not self._pieces

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may follow."""
        return not self.is_closed and not self._is_busy

    def finish(self, sent_all: bool) -> None:
        """The exchange is over. The connection closes unless both sides said all that they had to."""
        self._is_busy = False
        if not (sent_all and self._whole and self._keeps and self._failure is None):
            self.close()

    def close(self) -> None:
        """End it now."""
        self.is_closed = True
        if self.transport is not None:
            self.transport.abort()

    async def _wait(self) -> None:
        """Until something arrives; a Failure is set when nothing does."""
        waiter = self._waiter = self._loop.create_future()
        self._moved = self._loop.time()
        self._arm(self._patience.silent_seconds)
        try:
            await waiter
        finally:
            if self.timer is not None:
                self.timer.cancel()
            self._waiter = self.timer = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _arm(self, seconds: float) -> None:
        self.timer = self._loop.call_later(seconds, self._silent)

    def _silent(self) -> None:
        left = self._moved + self._patience.silent_seconds - self._loop.time()
        if left > 0:  # a request was still going out
            self._arm(left)
            return
        where = "in the middle of its response" if self._head is not None else "to the request"
        seconds = self._patience.silent_seconds
        self._fail("timeout", f"The upstream {self._name} said nothing {where} for {seconds:g} s.")

    def _fail(self, kind: Literal["bad_gateway", "timeout"], message: str) -> None:
        if self._failure is None and not self._whole:
            self._failure = Failure(kind, message)
        self._keeps = False
        self.close()
        self._wake()

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if not self._is_busy or self._whole:
            # Bytes that no request asked for would be taken for the response to the next one.
            self._keeps = False
            self.close()
            return
        if self._head is None:
            self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._garbled("it changes to another protocol, which nobody asked for")
        except httptools.HttpParserCallbackError as error:
            self._garbled(str(error.__context__ or error))
        except httptools.HttpParserError as error:
            if not self._whole:
                self._garbled(f"it is not HTTP/1.1 ({error})")
            self._keeps = False
        if self._head is None and self._seen > self._patience.head_bytes:
            self._garbled(f"its head is larger than {self._patience.head_bytes:,} bytes")
        self._wake()

    def eof_received(self) -> bool | None:
        self._ended("")
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        self._ended(f": {exc}" if exc is not None else "")
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _ended(self, why: str) -> None:
        """The upstream says no more."""
        self._keeps = False
        if not self._is_busy or self._whole or self._failure is not None:
            self.is_closed = True
        elif self._head is None:
            what = "in the middle of the head of its response" if self._seen else "without a response"
            self._fail("bad_gateway", f"The upstream {self._name} closed the connection {what}{why}.")
        elif self._framing == "close" and not why:
            self._whole = True
        else:
            told = f" of {self._head.length:,}" if self._framing == "length" else ""
            message = f"The upstream {self._name} ended its response after {self._size:,}{told} bytes{why}."
            self._fail("bad_gateway", message)
        self._wake()

    def _garbled(self, what: str) -> None:
        text = f"The response of the upstream {self._name} cannot be passed on: {what}."
        self._fail("bad_gateway", text)

    # What the parser says

    def on_message_begin(self) -> None:
        if self._whole or self._head is not None:
            self._keeps = False  # a second response to one request
            raise Refused("more than one response comes to one request")

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        lines = self._lines if self._head is None else self.trailers
        lines.append((name, value))
        if len(lines) > MAX_HEADERS:
            raise Refused(f"it has more than {MAX_HEADERS} header fields")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        size = sum(len(name) + len(value) + 4 for name, value in self._lines)
        if size > self._patience.head_bytes:
            raise Refused(f"its head is larger than {self._patience.head_bytes:,} bytes")
        if status == 101:
            raise Refused("it changes to another protocol, which nobody asked for")
        if status < 200:
            self._interims += 1
            if self._interims > MAX_INTERIM:
                raise Refused(f"more than {MAX_INTERIM} interim responses come before the real one")
            self._interim(Head(status, self._reason, self._lines, "none", 0))
            return
        framing, length = framing_of(self._lines)
        if self._is_head or status in (204, 304) or (framing == "length" and not length):
            framing = "none"
        self._framing = framing
        self._head = Head(status, self._reason, self._lines, framing, length)
        self._keeps = framing != "close" and (self._is_tunnel or self._parser.should_keep_alive())
        if self._is_head:
            self._whole = True  # the parser would wait for the body that `Content-Length` speaks of

    def on_body(self, data: bytes) -> None:
        if self._is_head or self._framing == "none":
            self._keeps = False
            return
        self._size += len(data)
        self._waiting += len(data)
        self._pieces.append(data)
        if self._waiting > HIGH_WATER and not self.is_closed:
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._head is None:  # an interim response
            self._lines, self._reason = [], b""
            return
        self._whole = True
