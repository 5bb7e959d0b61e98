"""The Starlette application: its routes as one list, for any ASGI server, a test client, or another app to mount.

It turns messages into a `Request` and a `Response` into messages. It decides nothing, and knows no sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.responses import Response as HTTPResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from mockserver import console
from mockserver.admin.api import PREFIX, Admin
from mockserver.apis import Api
from mockserver.errors import MEDIA_TYPE, defect_body
from mockserver.journal.logs import AccessLog, text_line
from mockserver.messages import Exchange, Request, Response
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.pipeline.response import failure
from mockserver.pipeline.waiting import go
from mockserver.server import endpoint_pages
from mockserver.server.asgi import read_body, read_head
from mockserver.server.delivery import deliver
from mockserver.server.endpoint_pages import EndpointPagesApp
from mockserver.server.statefile import StateFile
from mockserver.settings import Settings

if TYPE_CHECKING:
    from anyio import CapacityLimiter

log = logging.getLogger("mockserver")

THREADS = 64
"""Requests that may wait for a shared store at a time, on an event loop that is not asyncio's."""
ICON = "favicon.ico"
LARGE_BODY = 1024 * 1024
"""Bytes above which a body for the admin API may have to wait for others."""


def create_app(
    settings: Settings = Settings(),  # noqa: B008 (frozen)
    *,
    pipeline: Pipeline | None = None,
    apis: Sequence[Api] = (),
    admin: bool = True,
) -> Starlette:
    """The whole server as one application.

    Args:
        settings: how to serve.
        pipeline: what answers, when it is made already; it is built from the settings otherwise.
        apis: APIs to serve beside those that the settings name, or instead of the bundled ones when they name none.
        admin: whether `/__admin` is served here, and the console that talks to it.

    Its `state` has `pipeline`, `admin`, `mocked`, `settings`, and `draining`, which a server may set to a function
    that tells whether it is about to stop. Raises UserError for settings that make no sense.
    """
    if pipeline is not None and apis:
        raise TypeError("create_app takes a pipeline or APIs to build one from, not both")
    return assemble(settings, Mocked(pipeline or build(settings, apis=apis)), admin)


def assemble(settings: Settings, mocked: Mocked, admin: bool) -> Starlette:
    """The application around what answers all requests but the server's own."""
    pipeline = mocked.pipeline
    steering = Admin(
        pipeline, settings.admin_token, lambda: bool(app.state.draining()), scenario_dir=settings.scenario_dir
    )
    ours: list[BaseRoute] = [
        *(_admin_routes(steering) if admin else ()),
        *(Route(f"/{name}/openapi.yaml", Document(pipeline, name, as_yaml)) for name in pipeline.apis),
        *(Route(f"/{name}/openapi.json", Document(pipeline, name, as_json)) for name in pipeline.apis),
        *(route for name in pipeline.apis for route in _page_routes(pipeline, name, admin)),
        *_icon_routes(pipeline),
    ]
    app = _starlette([*ours, Mount("/", mocked)], steering, settings, _lifespan)
    # A Mount matches no line break and no "*", which a path may be or hold.
    app.router.default = mocked
    app.state.mocked = mocked
    app.state.is_ours = _matcher(ours)
    return app


def create_admin_app(app: Starlette, origin: str) -> Starlette:
    """The admin API of an app, alone, for a port of its own; `origin` is where the app is."""
    admin: Admin = app.state.admin
    admin_app = _starlette(_admin_routes(admin, origin), admin, app.state.settings, None)
    admin_app.state.mocked = None
    admin_app.state.is_ours = lambda path: True
    return admin_app


def _admin_routes(admin: Admin, origin: str = "") -> list[BaseRoute]:
    endpoint = AdminEndpoint(admin, origin)
    pages = ConsoleEndpoint()
    return [
        Route(PREFIX, endpoint),
        Mount(PREFIX, endpoint),
        Route(console.PREFIX, pages),
        Mount(console.PREFIX, pages),
    ]


def _icon_routes(pipeline: Pipeline) -> list[BaseRoute]:
    """What browsers ask every server for, so that it is no exchange; an API that has such a path answers itself."""
    if any(api.contract.match("GET", [ICON])[0] is not None for api in pipeline.apis.values()):
        return []
    return [Route(f"/{ICON}", ConsoleEndpoint(f"{console.PREFIX}/icon.svg"))]


def _page_routes(pipeline: Pipeline, name: str, has_console: bool) -> list[BaseRoute]:
    pages, prefix = EndpointPagesApp(pipeline, name, has_console), f"/{name}{endpoint_pages.PREFIX}"
    return [Route(prefix, pages), Mount(prefix, pages)]


def _starlette(routes: Sequence[BaseRoute], admin: Admin, settings: Settings, lifespan: object) -> Starlette:
    made = Starlette(
        routes=routes,
        lifespan=lifespan,  # type: ignore[arg-type]
        exception_handlers={Exception: _failed},
    )
    made.state.pipeline = admin.pipeline
    made.state.admin = admin
    made.state.settings = settings
    made.state.draining = lambda: False
    return made


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Read the state file before the first request, and write it after the last one."""
    settings: Settings = app.state.settings
    kept = StateFile(settings.state_file, app.state.admin, settings.admin_token) if settings.state_file else None
    if kept is not None:
        kept.load()
    sandboxes, loop = app.state.pipeline.sandboxes, _loop()
    if sandboxes.is_shared and loop is not None:
        staying = loop.create_task(sandboxes.stay())
        yield
        staying.cancel()
        await asyncio.wait([staying])
        sandboxes.close()
    else:
        yield
    if app.state.mocked is not None:
        await app.state.mocked.close()
    if kept is not None:
        kept.save()


def _loop() -> asyncio.AbstractEventLoop | None:
    """The running event loop; None for one that is not asyncio's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _failed(request: HTTPRequest, error: Exception) -> HTTPResponse:
    """What a failure of the app itself tells a client: nothing of it. The server logs the traceback after this."""
    log.error("the application failed to answer: %s: %s", type(error).__name__, error)
    body = orjson.dumps(defect_body("the mock server failed to take this request", []))
    return HTTPResponse(body, 500, media_type=MEDIA_TYPE)


class Mocked:
    """Every operation of every API, as an ASGI app; a protocol may also ask `answer` straight."""

    passes_on = False
    """Whether requests may go on to another server."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.access: AccessLog | None = None
        """Where a line about every exchange goes; None writes defects only."""
        self.waits = pipeline.sandboxes.is_shared
        """Whether an answer may wait for a shared store, so that it must not be asked for on the event loop."""

    @cached_property
    def _threads(self) -> CapacityLimiter:
        from anyio import CapacityLimiter  # only where a store is waited for

        return CapacityLimiter(THREADS)

    async def close(self) -> None:
        """No request follows."""

    def answer(self, request: Request) -> Response:
        """Answer a request to a mocked operation."""
        return self._noted(self.pipeline.exchange(request))

    def begin(self, request: Request, then: Callable[[Response], None]) -> None:
        """Begin to answer a request with a shared store, on the event loop; `then` is given the response."""
        go(
            self.pipeline.steps(request),
            lambda exchange: then(failure() if exchange is None else self._noted(exchange)),
        )

    async def _waited(self, request: Request) -> Response:
        loop = _loop()
        if loop is None:
            return self._noted(await to_thread.run_sync(self.pipeline.exchange, request, limiter=self._threads))
        answered: asyncio.Future[Response] = loop.create_future()
        self.begin(request, lambda response: None if answered.done() else answered.set_result(response))
        return await answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        request = read_head(scope)
        if not await read_body(request, receive, self.pipeline.most_body(request.method, request.path)):
            return
        response = await self._waited(request) if self.waits else self.answer(request)
        await deliver(response, scope, receive, send, close=request.too_large)

    def _noted(self, exchange: Exchange) -> Response:
        if self.access is not None:
            self.access.add(exchange)
        elif exchange.defect:
            log.error("%s", text_line(exchange, exchange.at, self.pipeline.masking).strip())
        assert exchange.response is not None
        return exchange.response


class AdminEndpoint:
    """The admin API as an ASGI app, the event stream included.

    A request that its head already forbids gets no body held in memory, and only a few large bodies are held
    at a time.
    """

    def __init__(self, admin: Admin, origin: str = "") -> None:
        self._admin = admin
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        admin, root = self._admin, scope.get("root_path", "")
        request = read_head(scope)
        if root.endswith(PREFIX):  # a Mount takes it from the path, a Route does not
            root = root.removesuffix(PREFIX)
            request.path = PREFIX + request.path
        base = self._origin or _origin(scope) + root
        call = admin.receive(request)
        most = call.most_body
        async with admin.large_bodies if most > LARGE_BODY else contextlib.nullcontext():
            if not await read_body(request, receive, most):
                return
            events, response = await admin.events(call), None
            if events is None and admin.is_direct and not call.is_long:
                response = admin.answer(call, base)
            elif events is None:
                response = await to_thread.run_sync(admin.answer, call, base)
        if response is not None:
            await deliver(response, scope, receive, send, close=request.too_large)
        elif events is not None:
            await StreamingResponse(events, media_type="text/event-stream")(scope, receive, send)


class ConsoleEndpoint:
    """The console's pages as an ASGI app. They are the same for everyone; what they show, the admin API guards.

    Args:
        path: the path of the only page that is to be had; "" for what the request names.
    """

    def __init__(self, path: str = "") -> None:
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        request, root = read_head(scope), scope.get("root_path", "")
        if self._path:
            request.path = self._path
        elif root.endswith(console.PREFIX):  # as above
            root = root.removesuffix(console.PREFIX)
            request.path = console.PREFIX + request.path
        if await read_body(request, receive, 0):
            await deliver(console.answer(request, root), scope, receive, send, close=request.too_large)


def as_json(document: object) -> HTTPResponse:
    """A document as JSON."""
    return JSONResponse(document)


def as_yaml(document: object) -> HTTPResponse:
    """A document as YAML."""
    from mockserver.text.writing import to_yaml  # when it is asked for: few servers are

    return HTTPResponse(to_yaml(document), media_type="application/yaml")


class Document:
    """`/NAME/openapi.yaml` or `.json`: the compiled contract, its `servers` pointing here."""

    def __init__(self, pipeline: Pipeline, name: str, form: Callable[[object], HTTPResponse]) -> None:
        self._pipeline = pipeline
        self._name = name
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["method"] in ("GET", "HEAD"):
            contract = self._pipeline.apis[self._name].contract  # it may be another one than at the start
            here = f"{_origin(scope)}{scope.get('root_path', '')}/{self._name}{contract.base_path}"
            response = self._form(contract.served(here))
        else:
            response = PlainTextResponse("Method Not Allowed", 405, headers={"allow": "GET, HEAD"})
        await response(scope, receive, send)


def _origin(scope: Scope) -> str:
    """Scheme and host of a request."""
    url = HTTPRequest(scope).url
    return f"{url.scheme}://{url.netloc}"


def _matcher(routes: Iterable[BaseRoute]) -> Callable[[str], bool]:
    """Whether a path, as it was sent, is one of these routes."""
    patterns = [route.path_regex.pattern for route in routes if isinstance(route, Route | Mount)]
    match = re.compile("|".join(re.sub(r"\?P<\w+>", "?:", pattern) for pattern in patterns)).match
    return lambda path: match(unquote(path) if "%" in path else path) is not None
