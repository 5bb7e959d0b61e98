"""The client's side of a request that is passed on: its head as it was sent, and a response written byte by byte.

uvicorn gives an application the names of headers in lower case and writes its own `Date`. A proxy passes on what it
got; so its protocol keeps the lines of the head, and the response goes past uvicorn's own way of writing, whose
bookkeeping (`flow`, `keep_alive`, `response_complete`) is kept. Must not know: the upstream, contracts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from mockserver.server.bounds import HEAD
from mockserver.server.direct import Protocol
from mockserver.upstream.fields import Head, Lines, chunk, last_chunk, response_head

WIRE = "mockserver.wire"
"""The ASGI extension that holds the Wire of a request."""
NOBODY: Callable[[], None] = lambda: None  # noqa: E731


class Wire:
    """One request and its response.

    Args:
        lines: the field lines of the request.
        target: its path and query.
        cycle: uvicorn's record of it.
        flow: uvicorn's control of what is written.
        is_http_1_0: whether the client speaks HTTP/1.0, which knows no chunks.
    """

    def __init__(self, lines: Lines, target: bytes, cycle: RequestResponseCycle, is_http_1_0: bool) -> None:
        self.lines = lines
        self.target = target
        self._cycle = cycle
        self._is_http_1_0 = is_http_1_0
        self._chunked = False
        self.on_gone: Callable[[], None] = NOBODY
        """Called when the client goes away."""

    @property
    def is_gone(self) -> bool:
        """Whether the client went away."""
        return self._cycle.disconnected

    @property
    def is_started(self) -> bool:
        """Whether a response has begun to go out."""
        return self._cycle.response_started

    @property
    def is_over(self) -> bool:
        """Whether the whole response went out."""
        return self._cycle.response_complete

    @property
    def is_arrived(self) -> bool:
        """Whether the whole request is here."""
        return not self._cycle.more_body

    def leave_continue(self) -> None:
        """Let the upstream say `100 Continue`, and not this server."""
        self._cycle.waiting_for_100_continue = False

    def interim(self, head: Head) -> None:
        """Pass a 1xx response on."""
        if not self._is_http_1_0 and not self._cycle.disconnected:
            self._cycle.transport.write(response_head(head, chunked=False, last=False))

    def start(self, head: Head, is_head: bool) -> None:
        """Begin the response.

        Args:
            head: the upstream's.
            is_head: whether it answers a HEAD, so that no body follows.
        """
        cycle = self._cycle
        has_end = is_head or head.framing in ("none", "length")
        self._chunked = not has_end and not self._is_http_1_0
        if not self._chunked and not has_end:
            cycle.keep_alive = False
        if cycle.more_body:
            cycle.keep_alive = False  # the rest of the request is not wanted
        chunked = self._chunked or (is_head and any(name.lower() == b"transfer-encoding" for name, _ in head.lines))
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        if not cycle.disconnected:
            cycle.transport.write(response_head(head, chunked, last=not cycle.keep_alive))

    async def write(self, data: bytes) -> None:
        """Send a piece of the body, as fast as the client reads."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        cycle.transport.write(chunk(data) if self._chunked else data)
        if cycle.flow.write_paused:
            await cycle.flow.drain()

    def end(self, trailers: Lines) -> None:
        """The response is whole."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        if self._chunked:
            cycle.transport.write(last_chunk(trailers))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class ProxyProtocol(Protocol):
    """A connection whose requests may be passed on as they were sent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines: Lines = []
        self._wires: list[Wire] = []

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._lines = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.may.state is HEAD:
            self._lines.append((name, value))
        super().on_header(name, value)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for wire in self._wires:
            wire.on_gone()
        self._wires.clear()

    def on_response_complete(self) -> None:
        self._wires = [wire for wire in self._wires if not wire.is_over]
        super().on_response_complete()

    def _to_asgi(self) -> None:
        lines, target, version = self._lines, self.url, self.parser.get_http_version()
        super()._to_asgi()
        wire = Wire(lines, target, self.cycle, version == "1.0")
        self._wires.append(wire)
        extensions: Any = self.cycle.scope["extensions"]
        extensions[WIRE] = wire


def wire_of(scope: Scope) -> Wire | None:
    """The wire of a request; None behind a server that has none."""
    found: Wire | None = (scope.get("extensions") or {}).get(WIRE)
    return found
