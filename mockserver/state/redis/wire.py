"""Commands to one Redis server from an event loop: those of all requests in flight go out in one write.

Nothing waits here. Whoever sends a command says who is called with its answer, which is what Redis said, or the Problem
that there is none. Must not know: what the commands mean.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import hiredis

from mockserver.clock import monotonic
from mockserver.errors import Problem
from mockserver.state.redis.replies import unavailable

if TYPE_CHECKING:
    from mockserver.state.redis.connection import Connection
    from mockserver.state.redis.places import Address

Then = Callable[[Any], None]
"""Takes an answer, or a Problem."""

LOOKS = 16
"""How often in the time that Redis may take it is seen whether it took longer."""


class Wire(asyncio.Protocol):
    """A connection that is made when there is something to send, and again after it was lost.

    Args:
        connection: what knows scripts, time limits and what errors mean.
        address: where the server is, and what it wants to hear first.
    """

    def __init__(self, connection: Connection, address: Address) -> None:
        self._redis, self._address = connection, address
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._unsent: list[bytes] = []
        self._pending: deque[tuple[float, Then, bytes]] = deque()
        """Since when who waits for an answer to what, in the order of the commands."""
        self._reader = hiredis.Reader()
        self._is_watched = False

    def send(self, command: tuple[Any, ...], then: Then) -> None:
        """Send a command with all others of this moment."""
        self._send(hiredis.pack_command(command), then, is_first=True)

    def again(self, packed: bytes, then: Then, is_asking: bool = False) -> None:
        """Send a command that Redis has not done elsewhere, or not yet."""
        if is_asking:
            self.send(("ASKING",), self._greeted)
        self._send(packed, then, is_first=False)

    def _send(self, packed: bytes, then: Then, is_first: bool) -> None:
        if not self._unsent and self._transport is not None:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        self._pending.append((monotonic(), then, packed if is_first else b""))
        if self._transport is None and self._connecting is None:
            self._connecting = self._loop.create_task(self._connect())
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_later(self._redis.timeout / LOOKS, self._look)

    def _flush(self) -> None:
        if self._transport is not None and self._unsent:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    async def _connect(self) -> None:
        where = self._address
        try:
            async with asyncio.timeout(self._redis.timeout):
                if where.path:
                    await self._loop.create_unix_connection(lambda: self, where.path)
                else:
                    await self._loop.create_connection(lambda: self, where.host, where.port)
        except OSError as error:  # a timeout is one too
            self._fail(self._redis.lost(error))
        finally:
            self._connecting = None

    def connection_made(self, transport: Any) -> None:
        """Say what the server wants to hear first, and then what waits."""
        self._transport = transport
        self._reader = hiredis.Reader()
        now = monotonic()
        for command in reversed(self._address.greeting):
            self._unsent.insert(0, hiredis.pack_command(command))
            self._pending.appendleft((now, self._greeted, b""))
        self._flush()

    def _greeted(self, answer: Any) -> None:
        if isinstance(answer, Problem):
            self._fail(answer)

    def data_received(self, data: bytes) -> None:
        """Give each answer to who waits for it."""
        reader = self._reader
        reader.feed(data)
        while (answer := reader.gets()) is not False:
            _, then, packed = self._pending.popleft()
            if not isinstance(answer, hiredis.ReplyError):
                then(answer)
            elif str(answer).startswith("NOSCRIPT") and packed:
                self.send(self._address.greeting[-1], self._greeted)
                self.again(packed, then)
            elif str(answer).startswith(("MOVED ", "ASK ")) and packed:
                self._redis.moved(str(answer), packed, then)
            else:
                then(self._redis.refused(str(answer)))
            if reader is not self._reader:
                return  # it was given up meanwhile

    def connection_lost(self, exc: Exception | None) -> None:
        """What was sent may have been done, so it is not sent again."""
        if self._transport is not None:
            self._fail(self._redis.lost(exc or ConnectionError("Redis closed the connection")))

    def _look(self) -> None:
        """See whether the oldest command took too long."""
        if not self._pending:
            self._is_watched = False
            return
        self._loop.call_later(self._redis.timeout / LOOKS, self._look)
        if monotonic() - self._pending[0][0] > self._redis.timeout:
            self._fail(self._redis.lost(TimeoutError(f"no answer within {self._redis.timeout:g} s")))

    def _fail(self, problem: Problem) -> None:
        """Give the connection up; nobody who waits gets an answer."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._reader = hiredis.Reader()
        self._unsent.clear()
        pending, self._pending = self._pending, deque()
        for _, then, _ in pending:
            then(problem)

    def close(self) -> None:
        """End the connection."""
        self._fail(unavailable("The server is stopping."))
