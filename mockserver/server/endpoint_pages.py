"""The endpoint pages of one API as an ASGI app. A page is made in a thread: it executes requests."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import Request as HTTPRequest
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mockserver.pipeline.pipeline import Pipeline
from mockserver.server.asgi import read_body, read_head
from mockserver.server.delivery import deliver

if TYPE_CHECKING:
    from mockserver.console.endpoint_pages.served import ServedPages

if TYPE_CHECKING:
    from anyio import CapacityLimiter

PREFIX = "/__docs"
THREADS = 2
"""Threads in which the pages of one API are made; one makes them, another may send what is made already."""


class EndpointPagesApp:
    """Answers below `/NAME/__docs`."""

    def __init__(self, pipeline: Pipeline, name: str, has_console: bool) -> None:
        self._pipeline = pipeline
        self._name = name
        self._has_console = has_console

    @cached_property
    def _threads(self) -> CapacityLimiter:
        from anyio import CapacityLimiter  # few servers are asked for pages

        return CapacityLimiter(THREADS)

    @cached_property
    def _pages(self) -> ServedPages:
        from mockserver.console.endpoint_pages.served import ServedPages  # few servers are asked for them

        return ServedPages(self._name, lambda: self._pipeline.apis[self._name], self._has_console)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        request, root = read_head(scope), scope.get("root_path", "")
        here = f"/{self._name}{PREFIX}"
        if root.endswith(here):  # a Mount takes it from the path, a Route does not
            root = root.removesuffix(here)
        else:
            request.path = request.path.removeprefix(here)
        if not await read_body(request, receive, 0):
            return
        url = HTTPRequest(scope).url
        base = f"{url.scheme}://{url.netloc}"
        response = await to_thread.run_sync(self._pages.answer, request, base, root, limiter=self._threads)
        await deliver(response, scope, receive, send, close=request.too_large)


__all__ = ["PREFIX", "EndpointPagesApp"]
