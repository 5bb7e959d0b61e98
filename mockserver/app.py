"""The ASGI edge: raw ASGI for the mocked operations, Starlette for everything that is ours.

It turns a scope into a `Request` and a `Response` into messages. It decides nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import yaml
from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse
from starlette.responses import Response as HTTPResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from mockserver.admin import routes as admin_routes
from mockserver.journal import log_line
from mockserver.messages import Request, Response
from mockserver.pipeline import Pipeline

log = logging.getLogger("mockserver")

_DRAIN = 16
"""A body that is too large is read up to this many times the limit, so that the client hears why."""


class App:
    """The whole server as one ASGI application.

    Args:
        pipeline: answers the mocked operations.
        max_body: bytes of a request body that are read; a longer one is answered with 413.
    """

    def __init__(self, pipeline: Pipeline, max_body: int = 1024 * 1024) -> None:
        self.pipeline = pipeline
        self._max_body = max_body
        self._ours = Starlette(routes=[*admin_routes(pipeline), *_documents(pipeline)])
        self._documents = {f"/{name}/openapi.{kind}" for name in pipeline.apis for kind in ("yaml", "json")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http" or scope["path"].startswith("/__admin") or scope["path"] in self._documents:
            await self._ours(scope, receive, send)
            return
        body, too_large, complete = await self._read(receive)
        if not complete:
            return  # the client went away in the middle of its request
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        path = (scope.get("raw_path") or scope["path"].encode()).decode("utf-8", "replace")
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], path, query, headers, body, too_large)
        exchange = self.pipeline.exchange(request)
        if log.isEnabledFor(logging.INFO):
            log.log(logging.ERROR if exchange.defect else logging.INFO, "%s", log_line(exchange))
        assert exchange.response is not None
        await _send(exchange.response, send, close=too_large)

    async def _read(self, receive: Receive) -> tuple[bytes, bool, bool]:
        """The body, whether it was too large, and whether the client sent all of it."""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"", False, False
            chunk = message.get("body", b"")
            size += len(chunk)
            more = message.get("more_body", False)
            if size <= self._max_body:
                chunks.append(chunk)
            else:
                chunks.clear()
                if size > self._max_body * _DRAIN:
                    break
        if size > self._max_body:
            return b"", True, True
        return b"".join(chunks), False, True


async def _send(response: Response, send: Send, close: bool) -> None:
    content = response.content or b""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if response.media_type is not None:
        headers.append((b"content-type", response.media_type.encode("latin-1")))
    if response.media_type is not None or response.status not in (204, 304):
        headers.append((b"content-length", str(len(content)).encode()))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


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
