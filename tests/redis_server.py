"""A real redis-server of our own on a free port, for tests and for the runs that break things."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import redis

SECONDS = 10
"""How long it may take to start."""


class RedisServer:
    """A redis-server that keeps nothing, or an append-only file; a context manager.

    Args:
        durable: write every command to disk before it is acknowledged.
        options: more of its own options.
    """

    def __init__(self, durable: bool = False, options: Sequence[str] = ()) -> None:
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="mockserver-redis-"))
        self._durable = durable
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_installed() -> bool:
        """Whether there is a redis-server to start."""
        return shutil.which("redis-server") is not None

    def start(self) -> None:
        """Start, and wait until it answers."""
        kept = ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else ["--appendonly", "no"]
        self._process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                self._folder,
                *kept,
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis(port=self.port)
        for _ in range(SECONDS * 20):
            try:
                client.ping()
                client.close()
                return
            except redis.ConnectionError:
                try:
                    self._process.wait(0.05)
                    raise RuntimeError("redis-server stopped at once")
                except subprocess.TimeoutExpired:
                    continue
        raise RuntimeError(f"redis-server did not answer within {SECONDS} s")

    def pin(self, core: int | None) -> None:
        """Keep it to one core."""
        if core is not None and self._process is not None:
            os.sched_setaffinity(self._process.pid, {core})

    def send(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP and SIGCONT pause it."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it; what is on disk stays for the next start."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(SECONDS)
            self._process = None

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)
