"""Run the app on a socket: in this process until a signal, or in a thread for tests."""

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
from collections.abc import Iterator, Sequence
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Final

import uvicorn

from mockserver.admin.api import Admin
from mockserver.clock import sleep
from mockserver.errors import Problem, UserError
from mockserver.journal.logs import AccessLog, configure_logging
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.server.app import AdminApp, App
from mockserver.server.statefile import StateFile
from mockserver.server.workers import Supervisor
from mockserver.settings import Settings

log = logging.getLogger("mockserver")

DRAIN_SECONDS = 30
"""How long requests in flight may take once the server was told to stop."""
_PLAIN: Final = "h11"
"""uvicorn's own protocol, which needs nothing but Python."""


class _Server(uvicorn.Server):
    """uvicorn, but a signal that asks to stop is obeyed and nothing more: the process exits with 0."""

    def __init__(self, config: uvicorn.Config, access: AccessLog | None = None) -> None:
        super().__init__(config)
        self._access = access
        self._ticks = 0

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: the log is written, and once a second the connections are looked after."""
        self._ticks += 1
        if self._access is not None:
            self._access.flush()
        if self._ticks % 10 == 0 and self.config.http != _PLAIN:
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
    parts = {
        "httptools": "requests are read more slowly, and the bounds on connections (their number, slow senders, "
        "idle ones, the size of a head) are not in force"
    }
    if sys.platform != "win32" and sys.implementation.name == "cpython":
        parts["uvloop"] = "the event loop is slower"
    return {name: loss for name, loss in parts.items() if not _can_import(name)}


def _can_import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _config(app: App | AdminApp) -> uvicorn.Config:
    http: Any = _PLAIN
    if _can_import("httptools"):
        from mockserver.server.direct import Protocol

        http = Protocol
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
        timeout_keep_alive=math.ceil(app.bounds.idle_seconds),
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight. Raises UserError at start-up, and when
    the state cannot be written at the end."""
    configure_logging(settings.log_level, settings.log_format)
    # The first process of a container ignores a signal that it has no handler for, and is killed in the end.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    missing = missing_parts()
    if missing:
        lost = "; ".join(f"without {name} {loss}" for name, loss in missing.items())
        log.warning("%s. `pip install %s` mends that", lost, " ".join(missing))
    with contextlib.ExitStack() as stack:
        ports = [settings.port] if settings.admin_port is None else [settings.port, settings.admin_port]
        sockets = [stack.enter_context(contextlib.closing(listen(settings.host, port))) for port in ports]
        pipeline = build(settings)
        for name, api in pipeline.apis.items():
            log.info("%s on %s/%s%s", name, _origin(sockets[0]), name, api.contract.base_path)
        log.info("admin on %s/__admin", _origin(sockets[-1]))
        if settings.workers > 1:
            # What the workers count comes together under this name.
            group = f"{socket.gethostname()}-{secrets.token_hex(8)}"
            Supervisor(partial(_work, group), settings, sockets, settings.workers, DRAIN_SECONDS + 5).run()
        else:
            _run(settings, pipeline, sockets)


def _work(group: str, settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Be one of several workers."""
    configure_logging(settings.log_level, settings.log_format)
    try:
        _run(settings, build(settings), sockets, group)
    except UserError as error:
        log.error("this worker cannot start: %s", error)
        sys.exit(error.exit_code)


def _run(settings: Settings, pipeline: Pipeline, sockets: Sequence[socket.socket], group: str = "") -> None:
    """Serve in this process until a signal; on a second socket, if there is one, the admin API."""
    servers: list[_Server] = []
    bounds = settings.socket_bounds
    own_port = len(sockets) > 1
    admin = Admin(
        pipeline,
        settings.admin_token,
        draining=lambda: bool(servers) and servers[0].should_exit,
        origin=_origin(sockets[0]) if own_port else "",
        scenario_dir=settings.scenario_dir,
    )
    kept = StateFile(settings.state_file, admin, settings.admin_token) if settings.state_file else None
    if kept is not None:
        kept.load()
    # Requests are told of at `info`; a reply of ours that is wrong, always.
    access = None
    if settings.log_level.lower() in ("debug", "info"):
        access = AccessLog(sys.stderr, settings.log_format, pipeline.masking)
    servers.append(_Server(_config(App(pipeline, None if own_port else admin, bounds, access)), access))
    if own_port:
        servers.append(_Server(_config(AdminApp(admin, bounds))))
    pipeline.metrics.watch("open_connections", lambda: sum(len(s.server_state.connections) for s in servers))
    if group:
        _share_figures(pipeline, group)

    async def run() -> None:
        async with asyncio.TaskGroup() as tasks:
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
    if kept is not None:
        kept.save()


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


class ThreadServer:
    """A server in a background thread, for tests; a context manager.

    Args:
        app: what to serve.
        host: the address to listen on; the port is a free one.
    """

    def __init__(self, app: App, host: str = "127.0.0.1") -> None:
        self.app = app
        self._socket = listen(host, 0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._server = _Server(_config(app))
        app.pipeline.metrics.watch("open_connections", lambda: len(self._server.server_state.connections))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> ThreadServer:
        # The socket listens from here on, so a client that connects now waits instead of failing.
        self._socket.listen(128)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=DRAIN_SECONDS)
        self._socket.close()
