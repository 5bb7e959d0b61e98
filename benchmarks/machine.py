"""The machine that a benchmark runs on: its description, its cores, and what a process uses of it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
LIBRARIES = (
    "mockserver",
    "jsonschema-rs",
    "orjson",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "fastapi",
    "pydantic",
)
CAN_PIN = hasattr(os, "sched_setaffinity")


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if CAN_PIN else list(range(os.cpu_count() or 1))


def places() -> tuple[int | None, int | None]:
    """The core for the server and the core for the load; None where nothing is pinned."""
    available = cores()
    return (available[0], available[1]) if CAN_PIN and len(available) > 1 else (None, None)


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Run on one core; processes that are started meanwhile stay on it with all their threads."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def session(leader: int) -> list[tuple[float, int]]:
    """CPU seconds (user and system) and resident bytes of each process of a session, from /proc."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it ended
        # The name of the program stands in brackets and may hold anything; numbers follow it.
        fields = text.rpartition(")")[2].split()
        if int(fields[3]) == leader:
            found.append(((int(fields[11]) + int(fields[12])) / tick, int(fields[21]) * page))
    return found


def describe() -> dict[str, object]:
    """The machine, the versions and the commit, for a report."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(cores()),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "busy": busy(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": _commit(),
        "libraries": versions(),
    }


def busy(seconds: float = 1.0) -> float | None:
    """How many cores' worth of time other programs use just now; None where the system does not tell."""
    tick, path = os.sysconf("SC_CLK_TCK"), Path("/proc/stat")
    if not path.exists():
        return None

    def used() -> int:
        fields = [int(field) for field in path.read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields) - fields[3] - fields[4]  # without idle and waiting for input and output

    before = used()
    time.sleep(seconds)
    return round((used() - before) / tick / seconds, 1)


def versions() -> dict[str, str]:
    """The libraries that decide the figures."""
    found = {}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def summary(machine: dict[str, object]) -> str:
    """The description in one line."""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"{machine['python']}, commit {machine['commit']}; other programs use {machine['busy']} of the cores"
    )


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def progress(text: str) -> None:
    """Say on standard error what is being done, when a person is there to read it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def end_politely() -> None:
    """Let SIGTERM unwind the stack, so that the servers of the benchmark are ended too."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
