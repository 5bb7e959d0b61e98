"""What one connection may do: a state machine fed with events and times.

It knows no socket, no parser and no clock. It says when a client sends too much or takes too long; the protocol
does what follows from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from mockserver.errors import Problem
from mockserver.server.http_head import size_of
from mockserver.settings import SocketBounds

MAX_HEADERS = 256
"""Headers of a request; more are rejected with 431."""
MAX_TARGET = 16 * 1024
"""Bytes of a path with its query; more are rejected with 414."""


class State(Enum):
    """What a connection is doing."""

    IDLE = "no request has begun"
    HEAD = "the head of a request is arriving"
    BODY = "its body is arriving"
    ANSWERING = "what arrived is whole, and a response is not finished"
    LAST = "the last response is given: nothing that arrives is read"


class Verdict(Enum):
    """What to do with a connection whose client takes too long, when there is nothing to say to it."""

    CLOSE = "close it"
    ABORT = "drop it, with what waits to be sent"


IDLE, HEAD, BODY, ANSWERING, LAST = State


class Connection:
    """The state of one connection. Methods that can find a bound broken return the Problem to refuse it with.

    Args:
        bounds: what a client may do.
    """

    __slots__ = ("_bounds", "_fresh", "_piece", "_quiet", "_since", "_unread", "_unread_since", "ending", "state")

    def __init__(self, bounds: SocketBounds) -> None:
        self._bounds = bounds
        self.state = IDLE
        self.ending = False
        """The next response is the last one: the server is about to stop."""
        self._piece = 0
        """Bytes that came together last."""
        self._fresh = False
        """A request or a part of its body began within these."""
        self._quiet = 0
        """Bytes that came since, without an end of the head or a byte of body."""
        self._since: float | None = None
        """Time at which the client was first seen to let us wait, for a request or for the rest of one."""
        self._unread = 0
        """Bytes that wait for the client to read them."""
        self._unread_since = 0.0
        """Time since when it read none of them."""

    @property
    def is_arriving(self) -> bool:
        """Whether a request has begun and is not whole."""
        return self.state is HEAD or self.state is BODY

    def opened(self, count: int) -> Problem | None:
        """The connection is one of `count`."""
        if count <= self._bounds.connections:
            return None
        return Problem("unavailable", f"There are more than {self._bounds.connections:,} connections.")

    def piece(self, size: int) -> None:
        """Bytes arrived, and are about to be parsed."""
        self._piece = size
        self._fresh = False

    def parsed(self) -> Problem | None:
        """They were parsed."""
        if self.state is not HEAD and self.state is not BODY:
            return None
        self._quiet = 0 if self._fresh else self._quiet + self._piece
        return self.too_large() if self._quiet > self._bounds.head_bytes else None

    def begun(self) -> None:
        """A request began."""
        self.state = HEAD
        self._fresh = True
        self._since = None

    def head(self, target: bytes, headers: Mapping[str, str], repeats: int) -> Problem | None:
        """A head is whole, with so many headers beside the first of each name."""
        most = self._bounds.head_bytes
        # A head that came in one piece is no larger than that.
        if (self._piece > most or not self._fresh) and size_of(target, headers) > most:
            return self.too_large()
        if len(headers) + repeats > MAX_HEADERS:
            return self.too_large()
        if len(target) > MAX_TARGET:
            return Problem("uri_too_long", f"The path and its query are longer than {MAX_TARGET:,} bytes.")
        return None

    def head_taken(self) -> None:
        """The head was good; a body may follow."""
        self.state = BODY

    def body(self) -> None:
        """Bytes of a body arrived."""
        self._fresh = True

    def whole(self, is_answered: bool) -> None:
        """The request is whole; it was answered in the same moment, or will be."""
        self.state = IDLE if is_answered else ANSWERING
        self._since = None

    def answered(self) -> None:
        """All that arrived whole was answered."""
        if self.state is ANSWERING:
            self.state = IDLE
            self._since = None

    def last(self) -> None:
        """The last response is given."""
        self.state = LAST

    def too_large(self) -> Problem:
        """How a head that is too large is refused."""
        most = f"{self._bounds.head_bytes:,} bytes or {MAX_HEADERS} headers"
        return Problem("head_too_large", f"The request line and headers are more than {most}.")

    def late(self) -> Problem:
        """How a request that does not arrive in time is refused."""
        return Problem("request_timeout", f"The request did not arrive in {self._bounds.request_seconds:g} s.")

    def tick(self, now: float, unread: int, is_paused: bool) -> Problem | Verdict | None:
        """Time passes.

        Args:
            now: seconds on any clock that only goes forward.
            unread: bytes that were sent and that the client has not read.
            is_paused: whether it is we who do not read.
        """
        if not unread or unread != self._unread:
            self._unread_since = now
        self._unread = unread
        if now - self._unread_since > self._bounds.request_seconds:
            return Verdict.ABORT  # a client that reads nothing would hold the connection for ever
        if self.state is LAST or self.state is ANSWERING or is_paused:
            self._since = None
            return None
        self._since = now if self._since is None else self._since
        if self.state is IDLE:
            return Verdict.CLOSE if now - self._since > self._bounds.idle_seconds else None
        return self.late() if now - self._since > self._bounds.request_seconds else None
