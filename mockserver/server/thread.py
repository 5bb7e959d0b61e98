"""Serve an app in a background thread, for tests. It knows nothing of what they do with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.applications import Starlette

from mockserver.server.run import DRAIN_SECONDS, Server, config_for, listen


@dataclass(frozen=True, slots=True)
class Served:
    """An app that is being served."""

    app: Starlette
    url: str
    port: int
    server: Server


@contextlib.contextmanager
def serve_in_thread(app: Starlette, host: str = "127.0.0.1") -> Iterator[Served]:
    """Serve an app of `create_app` on a free port until the block ends; its state file is read and written.

    Raises UserError when the address or the state file is not right.
    """
    failures: list[BaseException] = []
    begun = threading.Event()
    with contextlib.closing(listen(host, 0)) as sock:
        port: int = sock.getsockname()[1]
        server = Server(config_for(app), on_start=begun.set)
        app.state.draining = lambda: server.should_exit
        app.state.pipeline.metrics.watch("open_connections", lambda: len(server.server_state.connections))

        def run() -> None:
            try:
                server.run_app(app, sock)
            except BaseException as error:
                failures.append(error)
            finally:
                begun.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        begun.wait()
        try:
            if not failures:
                yield Served(app, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}", port, server)
        finally:
            server.should_exit = True
            thread.join(timeout=DRAIN_SECONDS)
        if failures:
            raise failures[0]
