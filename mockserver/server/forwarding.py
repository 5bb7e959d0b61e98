"""One request on its way to the upstream, and its response on the way to the client, both as they arrive.

Copies of what goes through, up to a bound, are for the pipeline to look at. Must not know: which requests go this way.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Receive

from mockserver.errors import Problem
from mockserver.messages import Request, Response
from mockserver.pipeline.passing import MAX_SEEN, Passage, response_from
from mockserver.server.wire import Wire
from mockserver.upstream.connection import Connection, Failure
from mockserver.upstream.fields import Framing, Head, chunk, end_to_end, last_chunk

MAX_HELD = 64 * 1024 * 1024
"""Bytes of a response that a rule may have held back to change it."""


class Forwarding:
    """One request that is passed on, on a connection of its own for as long as it takes."""

    def __init__(
        self,
        passage: Passage,
        request: Request,
        wire: Wire,
        receive: Receive,
        connection: Connection,
        framing: Framing,
    ) -> None:
        self._passage = passage
        self._request = request
        self._wire = wire
        self._receive = receive
        self._connection = connection
        self._has_body = framing != "close"
        self._chunked = framing == "chunked"
        self._seen: list[bytes] = []
        self._size = 0
        self._pump: asyncio.Task[None] | None = None
        self.sent_all = False
        """Whether the upstream got the whole request."""

    async def run(self, head: bytes, held: bytes | None) -> Response | None:
        """Send the request, and its response to the client."""
        connection, passage, request, wire = self._connection, self._passage, self._request, self._wire
        connection.begin(request.method, wire.interim)
        try:
            await self._send(head, held)
            answer = await connection.head()
            if passage.acts:
                return passage.change(await self._held(answer))
        except Failure as failure:
            return self._failed(failure)
        finally:
            if passage.acts:
                await self._stop()
        try:
            await self._stream(answer)
        finally:
            await self._stop()
        return None

    async def _send(self, head: bytes, held: bytes | None) -> None:
        """Send the request: what is here at once, the rest beside the response."""
        connection, wire = self._connection, self._wire
        if "expect" in self._request.headers:
            wire.leave_continue()
        elif held is not None or wire.is_arrived:
            body = held
            if body is None:
                body = (await self._receive()).get("body", b"") if self._has_body else b""
                self._see(body)
                self._passage.took(b"".join(self._seen), self._size <= MAX_SEEN)
            connection.write(head + (_in_chunks(body) if self._chunked else body))
            self.sent_all = True
            return
        connection.write(head)
        self._pump = asyncio.create_task(self._send_rest())

    async def _send_rest(self) -> None:
        """Send the body as it arrives."""
        connection, more = self._connection, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            data = message.get("body", b"")
            more = message.get("more_body", False)
            if data:
                self._see(data)
                connection.write(chunk(data) if self._chunked else data)
                await connection.drain()
        if self._chunked:
            connection.write(_in_chunks(b""))
        self.sent_all = True

    def _see(self, data: bytes) -> None:
        """Keep a copy of what goes through, up to a bound."""
        self._size += len(data)
        if self._size <= MAX_SEEN:
            self._seen.append(data)
        else:
            self._seen.clear()

    async def _stop(self) -> None:
        """Send no more of the request: its response is there."""
        if self._pump is None:
            return
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await self._pump
        self._pump = None

    def _took(self) -> None:
        """Tell the passage what went to the upstream, when it was not known before."""
        if self._pump is not None:
            self._passage.took(b"".join(self._seen), self.sent_all and self._size <= MAX_SEEN)

    async def _held(self, head: Head) -> Response:
        """The whole response, for a rule to act on. Raises Failure."""
        pieces: list[bytes] = []
        size = 0
        while data := await self._connection.piece():
            size += len(data)
            if size > MAX_HELD:
                raise Failure("bad_gateway", f"A rule acts on this response, which is longer than {MAX_HELD:,} bytes.")
            pieces.append(data)
        self._took()
        return response_from(head.status, end_to_end(head.lines), b"".join(pieces))

    async def _stream(self, head: Head) -> None:
        """Pass the response on as it arrives. It is recorded before its last byte goes out."""
        connection, wire, is_head = self._connection, self._wire, self._request.method == "HEAD"
        kept: list[bytes] = []
        size = 0
        is_recorded = False

        def record(why: str = "") -> None:
            nonlocal is_recorded
            is_recorded = True
            self._took()
            content = b"".join(kept) if size <= MAX_SEEN else None
            response = response_from(head.status, end_to_end(head.lines), content)
            if why:
                self._passage.cut(response, why, wire.is_gone)
            else:
                self._passage.passed(response)

        if connection.at_end:
            record()
        wire.start(head, is_head)
        try:
            while data := await connection.piece():
                size += len(data)
                if size <= MAX_SEEN:
                    kept.append(data)
                else:
                    kept.clear()
                if connection.at_end:
                    record()
                await wire.write(data)
        except Failure as failure:
            record("The client went away." if wire.is_gone else failure.message)
            return
        if not is_recorded:
            record()
        wire.end(connection.trailers)

    def _failed(self, failure: Failure) -> Response | None:
        self._took()
        if self._wire.is_gone:
            self._passage.abandoned("The client went away before the response came.")
            return None
        return self._passage.give_up(Problem(failure.kind, failure.message))


def _in_chunks(body: bytes) -> bytes:
    """A whole body in one chunk."""
    return (chunk(body) if body else b"") + last_chunk([])
