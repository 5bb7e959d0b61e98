"""The ASGI edge: raw ASGI for the mocked operations, Starlette for everything that is ours.

It turns a scope into a `Request` and a `Response` into messages. It decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import yaml
from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, StreamingResponse
from starlette.responses import Response as HTTPResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mockserver.admin import PREFIX, Admin
from mockserver.delivery import deliver
from mockserver.journal import log_line
from mockserver.messages import Request
from mockserver.pipeline import Pipeline

log = logging.getLogger("mockserver")

_DRAIN = 16
"""A body that is too large is read up to this many times the limit, so that the client hears why."""


class App:
    """The whole server as one ASGI application.

    Args:
        pipeline: answers the mocked operations.
        admin: answers `/__admin`; None when that has a port of its own.
    """

    def __init__(self, pipeline: Pipeline, admin: Admin | None = None) -> None:
        self.pipeline = pipeline
        self.admin = admin
        self._max_body = pipeline.routes.most_body
        self._ours = Starlette(routes=_documents(pipeline))
        self._documents = {f"/{name}/openapi.{kind}" for name in pipeline.apis for kind in ("yaml", "json")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http" or scope["path"] in self._documents:
            await self._ours(scope, receive, send)
            return
        body, too_large, complete = await read_body(receive, self._max_body)
        if not complete:
            return  # the client went away in the middle of its request
        request = _request(scope, body, too_large)
        if self.admin is not None and (request.path == PREFIX or request.path.startswith(PREFIX + "/")):
            await answer_admin(self.admin, request, scope, receive, send)
            return
        exchange = self.pipeline.exchange(request)
        if log.isEnabledFor(logging.INFO):
            log.log(logging.ERROR if exchange.defect else logging.INFO, "%s", log_line(exchange))
        assert exchange.response is not None
        await deliver(exchange.response, receive, send, close=too_large)


class AdminApp:
    """The admin API alone, for a port of its own."""

    def __init__(self, admin: Admin, max_body: int = 1024 * 1024) -> None:
        self._admin = admin
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] == "http":
            body, too_large, complete = await read_body(receive, self._max_body)
            if complete:
                await answer_admin(self._admin, _request(scope, body, too_large), scope, receive, send)


async def answer_admin(admin: Admin, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request to the admin API, the event stream included."""
    events = admin.events(request)
    if events is not None:
        await StreamingResponse(events, media_type="text/event-stream")(scope, receive, send)
    else:
        await deliver(admin.handle(request), receive, send, close=request.too_large)


async def read_body(receive: Receive, limit: int) -> tuple[bytes, bool, bool]:
    """The body, whether it was larger than `limit` bytes, and whether the client sent all of it."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"", False, False
        chunk = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        if size <= limit:
            chunks.append(chunk)
        else:
            chunks.clear()
            if size > limit * _DRAIN:
                break
    if size > limit:
        return b"", True, True
    return b"".join(chunks), False, True


def _request(scope: Scope, body: bytes, too_large: bool) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path = (scope.get("raw_path") or scope["path"].encode()).decode("utf-8", "replace")
    return Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body, too_large)


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
