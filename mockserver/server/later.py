"""The straight way of `direct` for servers with a shared store, where a response comes later than its request.

Meanwhile the event loop goes on. What stands for the request is an `Awaited`, in the place of uvicorn's cycle: so
uvicorn lets the requests behind it wait, and knows that the connection is in use. What a client pipelines behind it
goes uvicorn's way.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from mockserver.messages import Request, Response
from mockserver.server.delivery import CUT, cut, deliver
from mockserver.server.direct import Protocol


class Awaited:
    """A request that waits for the store, with what uvicorn and `direct` look for in a cycle."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self) -> None:
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = False
        self.message_event = self

    def set(self) -> None:
        """Nobody waits for what happens on the connection."""


class SharedProtocol(Protocol):
    """One connection of a server with a shared store. It takes what `Protocol` takes."""

    _is_cut = False
    """The request that is being answered was too large, and what still comes of it is not read."""

    def on_body(self, body: bytes) -> None:
        if not self._is_cut:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_cut:
            super().on_message_complete()

    def _respond(self, request: Request, last: bool) -> None:
        assert self._mocked is not None
        awaited: Any = Awaited()
        self.cycle = self._running = awaited
        if self.may.is_arriving:
            self._is_cut = True
        else:
            self.may.whole(is_answered=False)
        self._mocked.begin(request, partial(self._arrived, awaited, last))

    def _arrived(self, awaited: Awaited, last: bool, response: Response) -> None:
        """Send the response to a request that nothing straight has followed yet."""
        awaited.response_complete = True
        if awaited.disconnected or self.transport.is_closing():
            return
        last = last or self.may.ending or not awaited.keep_alive
        if response.delivery is not None:
            self._deliver_later(awaited, response, last)
            return
        self._write(response, last)
        if last:
            return
        if self.pipeline:
            self.on_response_complete()
        else:
            self.may.answered()

    def _deliver_later(self, awaited: Awaited, response: Response, last: bool) -> None:
        """Let uvicorn run the delivery of a response that takes its time, or never arrives."""

        async def delivery(scope: Scope, receive: Receive, send: Send) -> None:
            await deliver(response, scope, receive, send, close=last)

        scope: Any = {"type": "http", "http_version": "1.1", "method": self._method, "path": self._path, "headers": []}
        scope["extensions"] = {CUT: partial(cut, self.transport)}
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=not last,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        newest: Any = self.cycle
        if newest is awaited:
            self.cycle = cycle
        self._start_asgi_task(cycle, delivery)
