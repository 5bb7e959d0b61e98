"""The ASGI edge: raw ASGI for the mocked operations, Starlette for everything that is ours.

It turns a scope into a `Request` and a `Response` into messages. It decides nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable

import yaml
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, StreamingResponse
from starlette.responses import Response as HTTPResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mockserver.admin.api import PREFIX, Admin
from mockserver.journal.logs import AccessLog, text_line
from mockserver.messages import Exchange, Request
from mockserver.pipeline.pipeline import Pipeline
from mockserver.server.delivery import deliver
from mockserver.settings import SocketBounds

log = logging.getLogger("mockserver")

THREADS = 64
"""Requests that may wait for a shared store at a time."""
DRAIN = 16
"""A body that is too large is read up to this many times the limit, so that the client hears why."""
DRAINED = 64 * 1024
"""The limit that counts for this when there is a smaller one."""
LARGE_BODY = 1024 * 1024
"""Bytes above which a body for the admin API may have to wait for others."""


class App:
    """The whole server as one ASGI application.

    Args:
        pipeline: answers the mocked operations.
        admin: answers `/__admin`; None when that has a port of its own.
        bounds: what clients may do with connections, for the protocol that serves the app.
        access: where a line about every exchange goes; None writes none.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        admin: Admin | None = None,
        bounds: SocketBounds | None = None,
        access: AccessLog | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.admin = admin
        self.bounds = bounds or SocketBounds()
        self.access = access
        self.is_direct = not pipeline.sandboxes.is_shared
        """Whether the pipeline never waits, so that it may be called from the event loop."""
        self._threads = CapacityLimiter(THREADS)
        self._ours = Starlette(routes=_documents(pipeline))
        self._documents = {f"/{name}/openapi.{kind}" for name in pipeline.apis for kind in ("yaml", "json")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http" or scope["path"] in self._documents:
            await self._ours(scope, receive, send)
            return
        request = read_head(scope)
        if self.admin is not None and self._is_admin(request.path):
            await answer_admin(self.admin, request, scope, receive, send)
        elif await read_body(request, receive, self.pipeline.most_body(request.method, request.path)):
            if self.is_direct:
                exchange = self.exchange(request)
            else:
                exchange = await to_thread.run_sync(self.pipeline.exchange, request, limiter=self._threads)
                self._tell(exchange)
            assert exchange.response is not None
            await deliver(exchange.response, receive, send, close=request.too_large)

    def owns(self, path: str) -> bool:
        """Whether a path is not one of the mocked operations: the admin API or a document."""
        return path in self._documents or self._is_admin(path)

    def exchange(self, request: Request) -> Exchange:
        """Answer a request to a mocked operation."""
        exchange = self.pipeline.exchange(request)
        self._tell(exchange)
        return exchange

    def _tell(self, exchange: Exchange) -> None:
        if self.access is not None:
            self.access.add(exchange)
        elif exchange.defect:
            log.error("%s", text_line(exchange, exchange.at, self.pipeline.masking).strip())

    def refused(self, status: int) -> None:
        """Count a request that the socket's protocol refused."""
        self.pipeline.metrics.refused(status)

    def _is_admin(self, path: str) -> bool:
        return path.startswith(PREFIX) and self.admin is not None and path[len(PREFIX) :][:1] in ("", "/")


class AdminApp:
    """The admin API alone, for a port of its own."""

    def __init__(self, admin: Admin, bounds: SocketBounds | None = None) -> None:
        self._admin = admin
        self.bounds = bounds or SocketBounds()
        self.refused = admin.pipeline.metrics.refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] == "http":
            await answer_admin(self._admin, read_head(scope), scope, receive, send)


async def answer_admin(admin: Admin, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request to the admin API, the event stream included.

    Who may not do what the head asks for does not get its body held in memory, and only a few large bodies
    are held at a time.
    """
    most = admin.most_body(request)
    async with admin.large_bodies if most > LARGE_BODY else contextlib.nullcontext():
        if not await read_body(request, receive, most):
            return
        events, response = await admin.events(request), None
        if events is None:
            response = admin.handle(request) if admin.is_direct else await to_thread.run_sync(admin.handle, request)
    if response is not None:
        await deliver(response, receive, send, close=request.too_large)
    elif events is not None:
        await StreamingResponse(events, media_type="text/event-stream")(scope, receive, send)


def read_head(scope: Scope) -> Request:
    """A request without its body."""
    path = (scope.get("raw_path") or scope["path"].encode()).decode("utf-8", "replace")
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), read_headers(scope["headers"]))


async def read_body(request: Request, receive: Receive, most: int) -> bool:
    """Read the body, when it has at most so many bytes; False when the client went away in the middle of it."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        chunk = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        if size <= most:
            chunks.append(chunk)
        else:
            request.too_large = True
            chunks.clear()
            if size > max(most, DRAINED) * DRAIN:
                break
    request.body = b"".join(chunks)
    return True


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name, which a server gives in lower case; repeated ones are joined (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1")
        if name in headers:
            headers[name] += ", " + raw_value.decode("latin-1")
        else:
            headers[name] = raw_value.decode("latin-1")
    return headers


def _documents(pipeline: Pipeline) -> list[BaseRoute]:
    """`/NAME/openapi.yaml` and `.json`: the compiled contract, its `servers` pointing here."""

    def endpoints(name: str) -> tuple[Callable[..., HTTPResponse], Callable[..., HTTPResponse]]:
        contract = pipeline.apis[name].contract

        def as_json(request: HTTPRequest) -> HTTPResponse:
            return JSONResponse(contract.served(f"{str(request.base_url).rstrip('/')}/{name}{contract.base_path}"))

        def as_yaml(request: HTTPRequest) -> HTTPResponse:
            document = contract.served(f"{str(request.base_url).rstrip('/')}/{name}{contract.base_path}")
            text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
            return HTTPResponse(text, media_type="application/yaml")

        return as_yaml, as_json

    routes: list[BaseRoute] = []
    for name in pipeline.apis:
        as_yaml, as_json = endpoints(name)
        routes.append(Route(f"/{name}/openapi.yaml", as_yaml))
        routes.append(Route(f"/{name}/openapi.json", as_json))
    return routes


class _Dumper(yaml.CSafeDumper):
    """Writes shared values out each time: anchors confuse many readers of OpenAPI."""

    def ignore_aliases(self, data: object) -> bool:
        return True
