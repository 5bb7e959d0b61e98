"""Run the app on a socket until a signal: `mockserver serve`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import math
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mockserver.apis import Api
from mockserver.clock import sleep
from mockserver.errors import Problem, UserError
from mockserver.journal.logs import AccessLog, configure_logging
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.server.app import create_admin_app, create_app
from mockserver.server.delivery import CUT, cut
from mockserver.server.workers import Supervisor
from mockserver.settings import Settings

log = logging.getLogger("mockserver")

DRAIN_SECONDS = 30
"""How long requests in flight may take once the server was told to stop."""
BACKLOG = 2048
"""Connections that wait to be accepted."""
TESTED = (0, 53), (0, 54)
"""The lowest and the highest version of uvicorn that the faster protocol was tested with: it leans on its insides."""
_LOST = (
    "requests are read more slowly, and the bounds on connections (their number, slow senders, "
    "idle ones, the size of a head) are not in force"
)


class Plain(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's own protocol, with a way for the app to cut a connection."""

    def connection_made(self, transport: Any) -> None:
        """Let every request's scope have that way."""
        super().connection_made(transport)
        app: ASGIApp = self.app
        extension = partial(cut, transport)

        async def with_cut(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "extensions": {**(scope.get("extensions") or {}), CUT: extension}}, receive, send)

        self.app: Any = with_cut


class Server(uvicorn.Server):
    """uvicorn, but a signal that asks to stop is obeyed and nothing more: the process exits with 0.

    Args:
        config: uvicorn's own.
        access: a log to write ten times a second.
        on_start: called when the socket listens.
    """

    def __init__(
        self, config: uvicorn.Config, access: AccessLog | None = None, on_start: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config)
        self._access = access
        self._on_start = on_start
        self._ticks = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets=sockets)
        self._on_start()

    def run_app(self, app: Starlette, sock: socket.socket) -> None:
        """Serve in this thread, inside the app's lifespan, whose errors are raised."""

        async def run() -> None:
            async with app.router.lifespan_context(app):
                await self.serve(sockets=[sock])

        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(run())

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: the log is written, and once a second the connections are looked after."""
        self._ticks += 1
        if self._access is not None:
            self._access.flush()
        if self._ticks % 10 == 0 and self.config.http is not Plain:
            from mockserver.server.direct import check_all

            check_all(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # `serve` does, for all servers of the process

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A second signal does not cut off what is in flight either; DRAIN_SECONDS bounds the wait.
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises UserError when the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two servers have one port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise UserError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    except OverflowError:
        sock.close()
        raise UserError(f"{port} is not a port; use 0 to 65535") from None
    return sock


def missing_parts() -> dict[str, str]:
    """The packages that the default install has and this one lacks, and what is lost without each."""
    parts = {"httptools": _LOST}
    if sys.platform != "win32" and sys.implementation.name == "cpython":
        parts["uvloop"] = "the event loop is slower"
    return {name: loss for name, loss in parts.items() if not _can_import(name)}


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def is_tested(version: str = uvicorn.__version__) -> bool:
    """Whether the faster protocol was tested with this version of uvicorn."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    return TESTED[0] <= numbers <= TESTED[1]


def config_for(app: Starlette) -> uvicorn.Config:
    """How uvicorn serves an app of `create_app`. Its lifespan is not uvicorn's task."""
    bounds = app.state.settings.socket_bounds
    http: Any = Plain
    if _can_import("httptools") and is_tested():
        from mockserver.server.direct import Protocol

        protocol, mocked = Protocol, app.state.mocked
        if mocked is not None and mocked.passes_on:
            from mockserver.server.wire import ProxyProtocol as protocol
        elif mocked is not None and mocked.waits:
            from mockserver.server.later import SharedProtocol as protocol
        http = partial(
            protocol,
            mocked=None if mocked is None or mocked.passes_on else mocked,
            is_ours=app.state.is_ours,
            refused=app.state.pipeline.metrics.refused,
            bounds=bounds,
        )
    return uvicorn.Config(
        app,
        http=http,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=math.ceil(bounds.idle_seconds),
    )


Maker = Callable[[Settings, Pipeline, bool], Starlette]
"""Makes the app from the settings, the pipeline, and whether the admin API is served in it."""


def twin(settings: Settings, pipeline: Pipeline, admin: bool) -> Starlette:
    """The app of `mockserver serve`."""
    return create_app(settings, pipeline=pipeline, admin=admin)


def serve(settings: Settings, make: Maker = twin, apis: Sequence[Api] = ()) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    Args:
        settings: what to serve, and how.
        make: makes the app.
        apis: as for `build`.

    Raises UserError at start-up, and when the state cannot be written at the end.
    """
    configure_logging(settings.log_level, settings.log_format)
    # The first process of a container ignores a signal that it has no handler for, and is killed in the end.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    missing = missing_parts()
    if missing:
        lost = "; ".join(f"without {name} {loss}" for name, loss in missing.items())
        log.warning("%s. `pip install %s` fixes that", lost, " ".join(missing))
    if not is_tested():
        newest = ".".join(map(str, TESTED[1]))
        text = "with uvicorn %s, which was not tested, %s. `pip install 'uvicorn==%s.*'` fixes that"
        log.warning(text, uvicorn.__version__, _LOST, newest)
    with contextlib.ExitStack() as stack:
        ports = [settings.port] if settings.admin_port is None else [settings.port, settings.admin_port]
        sockets = [stack.enter_context(contextlib.closing(listen(settings.host, port))) for port in ports]
        pipeline = build(settings, apis)
        if settings.workers > 1:
            for sock in sockets:
                sock.listen(BACKLOG)
            announce(settings, pipeline, sockets)
            # What the workers count comes together under this name.
            group = f"{socket.gethostname()}-{secrets.token_hex(8)}"
            Supervisor(partial(_work, group), settings, sockets, settings.workers, DRAIN_SECONDS + 5).run()
        else:
            _run(settings, pipeline, sockets, make)


def _work(group: str, settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Be one of several workers."""
    configure_logging(settings.log_level, settings.log_format)
    try:
        _run(settings, build(settings), sockets, twin, group)
    except UserError as error:
        log.error("this worker cannot start: %s", error)
        sys.exit(error.exit_code)


def _run(
    settings: Settings, pipeline: Pipeline, sockets: Sequence[socket.socket], make: Maker, group: str = ""
) -> None:
    """Serve in this process until a signal; on a second socket, if there is one, the admin API."""
    own_port = len(sockets) > 1
    app = make(settings, pipeline, not own_port)
    # Requests are told of at `info`; a response of ours that is wrong, always.
    access = None
    if settings.log_level.lower() in ("debug", "info"):
        access = app.state.mocked.access = AccessLog(sys.stderr, settings.log_format, pipeline.masking)

    def started() -> None:
        if not group and all(server.started for server in servers):
            announce(settings, pipeline, sockets)

    servers = [Server(config_for(app), access, started)]
    if own_port:
        servers.append(Server(config_for(create_admin_app(app, _origin(sockets[0]))), on_start=started))
    app.state.draining = lambda: servers[0].should_exit
    pipeline.metrics.watch("open_connections", lambda: sum(len(s.server_state.connections) for s in servers))
    if group:
        _share_figures(pipeline, group)

    async def run() -> None:
        if settings.watch:
            _watch(settings, pipeline, asyncio.get_running_loop())
        async with app.router.lifespan_context(app), asyncio.TaskGroup() as tasks:
            for server, own in zip(servers[1:], sockets[1:], strict=True):
                tasks.create_task(server.serve(sockets=[own]))
            await servers[0].serve(sockets=[sockets[0]])
            # The admin API on its own port goes last, so that it can say that the rest is draining.
            for server in servers[1:]:
                server.should_exit = True

    spare_the_collector()
    previous = {s: signal.signal(s, servers[0].handle_exit) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=servers[0].config.get_loop_factory()) as runner:
            runner.run(run())
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if access is not None:
        access.flush()


def announce(settings: Settings, pipeline: Pipeline, sockets: Sequence[socket.socket]) -> None:
    """Log where the server listens; a port that it chose itself is told at any level."""
    if log.isEnabledFor(logging.INFO):
        for name, api in pipeline.apis.items():
            log.info("%s on %s/%s%s", name, _origin(sockets[0]), name, api.contract.base_path)
        log.info("admin on %s/__admin", _origin(sockets[-1]))
        log.info("console on %s/__console/", _origin(sockets[-1]))
    elif 0 in (settings.port, settings.admin_port):
        log.log(
            log.getEffectiveLevel(), "listening on %s, admin on %s/__admin", *map(_origin, (sockets[0], sockets[-1]))
        )


def _watch(settings: Settings, pipeline: Pipeline, loop: asyncio.AbstractEventLoop) -> None:
    """Look at the files now and then, in a thread; what has changed is exchanged on the loop, between two requests."""
    from mockserver.server.watch import EVERY, Watcher

    def apply(change: Callable[[], None]) -> None:
        async def run() -> None:
            change()

        asyncio.run_coroutine_threadsafe(run(), loop).result()

    watcher = Watcher(settings, pipeline, apply)
    if not watcher.files:
        log.warning("--watch has nothing to look at: no document, profile or scenario that is served is a file")
        return

    def watch() -> None:
        while not loop.is_closed():
            sleep(EVERY)
            try:
                watcher.look()
            except Exception:  # a defect of ours; another change may be taken again
                if not loop.is_closed():
                    log.exception("a change of a file was not taken")

    threading.Thread(target=watch, daemon=True).start()


def _share_figures(pipeline: Pipeline, group: str) -> None:
    """Leave what this worker counts where the others find it, once a second."""
    from mockserver.sandbox.shared import SharedSandboxes

    assert isinstance(pipeline.sandboxes, SharedSandboxes)
    figures = pipeline.sandboxes.figures(group)
    pipeline.metrics.group = figures.all

    def publish() -> None:
        while True:
            with contextlib.suppress(Problem):  # the log tells of a store that is out of reach
                figures.publish(pipeline.metrics.as_json())
            sleep(1.0)

    threading.Thread(target=publish, daemon=True).start()


def spare_the_collector() -> None:
    """Let the garbage collector pass over what was loaded, and look at the rest less often.

    What is stored and recorded holds no cycles, so looking at all of it again and again finds nothing; with
    100,000 rows one look takes a tenth of a second, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _origin(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
