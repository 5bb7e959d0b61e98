"""A server under test: a process of our own on a free loopback port, alone on its core."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.data import KEY
from benchmarks.machine import ROOT, pinned, session

START_SECONDS = 60
STOP_SECONDS = 10


@dataclass(frozen=True)
class Subject:
    """A server as it is to be run."""

    name: str
    argv: tuple[str, ...]
    """Its command; `{port}` stands for the port."""
    version: str = ""
    base: str = "/v1"
    """What stands before the contract's paths."""
    page: int | None = None
    """Memories that it answers when 20 are asked for; None when it keeps to the `limit`."""
    reset: tuple[str, str] | None = None
    """Method and path that empty it, before every round."""
    warm_seconds: int = 2
    """Seconds of load before the first round."""


class FailedStart(Exception):
    """A server did not come up; the text says why."""


class Server:
    """A running subject; a context manager.

    Args:
        subject: what to run.
        folder: where its log goes.
        core: the core to pin it to, with all its threads; None leaves it free.
    """

    def __init__(self, subject: Subject, folder: Path, core: int | None = None) -> None:
        self.subject = subject
        self.log = folder / f"{subject.name}.log".replace(" ", "-")
        self.port = free_port()
        self._core = core

    def __enter__(self) -> Server:
        argv = [part.replace("{port}", str(self.port)) for part in self.subject.argv]
        home = self.log.parent
        with self.log.open("ab") as log, pinned(self._core):
            # Its own session, so that its children can be found and are ended with it. Its home is the
            # temporary folder: some peers write logs there.
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "HOME": str(home)},
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """One request on a connection of its own: the status and the body."""
        headers = {"Authorization": KEY, "X-Mockserver-Admin": "bench"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def cpu_seconds(self) -> float | None:
        """User and system time of its processes so far; None where the system does not tell."""
        found = session(self._process.pid)
        return sum(cpu for cpu, _ in found) if found else None

    def resident_bytes(self) -> int:
        """Resident memory of its processes; 0 where the system does not tell."""
        return sum(rss for _, rss in session(self._process.pid))

    def cut_log(self) -> None:
        """Empty its log, which would grow by a line for every request."""
        os.truncate(self.log, 0)

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-8:]) or "    (its log is empty)"

    def kill(self) -> None:
        """End it at once, as a machine that fails does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def end(self) -> tuple[int, float]:
        """Ask it to stop: its exit code, and the seconds until it was gone."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60), time.monotonic() - began

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if not self.alive():
                raise FailedStart(f"{self.subject.name} ended with {self._process.returncode}:\n{self.tail()}")
            try:
                self.call("GET", f"{self.subject.base}/user-memories?limit=20")
                return
            except OSError:
                time.sleep(0.05)
        raise FailedStart(f"{self.subject.name} did not answer within {START_SECONDS} s:\n{self.tail()}")

    def _stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            if not session(self._process.pid):
                break
            time.sleep(0.5)
        self._process.wait(STOP_SECONDS)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


def mockserver(name: str, *options: str) -> Subject:
    """`mockserver serve` with credits and a rate limit that are metered but never reached."""
    argv = (sys.executable, "-m", "mockserver", "serve", "--port", "{port}")
    ample = ("--credits", "1000000000000", "--rate-limit", "100000000")
    return Subject(name, argv + ample + options, reset=("POST", "/__admin/sandboxes/default/reset"))
