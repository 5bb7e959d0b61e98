"""Several processes behind one socket: they are started, watched, replaced when they die, and stopped together.

Each worker is a server of its own that knows nothing of the others; what they have in common is the
listening socket and the shared store.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from multiprocessing import allow_connection_pickling, get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

log = logging.getLogger("mockserver")

PAUSE = 1.0
"""Seconds before a worker that died is replaced, so that one that cannot live does not keep a core busy."""

Work = Callable[[Any, Sequence[socket.socket]], None]


class Supervisor:
    """Keeps workers running until SIGTERM or SIGINT.

    Args:
        work: what a worker does, given `settings` and `sockets`, until SIGTERM. It is found by its name in the
            new process.
        settings: its first argument.
        sockets: listening or bound sockets, which all workers share.
        count: how many workers.
        patience: seconds that a worker may take to stop.
    """

    def __init__(self, work: Work, settings: Any, sockets: Sequence[socket.socket], count: int, patience: float):
        allow_connection_pickling()
        self._context = get_context("spawn")
        self._arguments = (work, settings, tuple(sockets))
        self._count = count
        self._patience = patience
        self._workers: list[BaseProcess] = []
        self._stops, self._stop_here = self._context.Pipe(duplex=False)
        """What wakes the supervisor when it is to stop; a pipe that can be waited for on every system."""
        self._stopping = False

    def run(self) -> None:
        """Start the workers, and come back when all of them have stopped."""
        previous = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._workers = [self._start() for _ in range(self._count)]
            while not self._stopping:
                self._wait([worker.sentinel for worker in self._workers])
                if not self._stopping:
                    self._replace()
            self._end()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        self._stop_here.send_bytes(b"x")

    def _wait(self, sentinels: Sequence[int], seconds: float | None = None) -> None:
        """Wait for a signal, for the end of a worker, or for some seconds."""
        with contextlib.suppress(InterruptedError):  # on Windows Ctrl-C ends the wait so, once its handler has run
            wait([self._stops, *sentinels], seconds)

    def _start(self) -> BaseProcess:
        worker = self._context.Process(target=_begin, args=self._arguments, daemon=True)
        worker.start()
        return worker

    def _replace(self) -> None:
        self._wait([], PAUSE)
        for place, worker in enumerate(self._workers):
            if not worker.is_alive() and not self._stopping:
                log.error("worker %s ended with %s; another one takes its place", worker.pid, worker.exitcode)
                self._workers[place] = self._start()

    def _end(self) -> None:
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join(self._patience)
            if worker.is_alive():
                log.error("worker %s does not stop; it is killed", worker.pid)
                worker.kill()


def _begin(work: Work, settings: Any, sockets: Sequence[socket.socket]) -> None:
    threading.Thread(target=_follow_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    work(settings, sockets)


def _follow_parent() -> None:
    """Stop when the supervisor is gone, also when it had no time to say so."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
