"""The loads, and how one is put on a server: wrk when it is installed, else a client in Python."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks.client import fill, hammer, wire
from benchmarks.data import BODY, INCOMPLETE, KEY
from benchmarks.machine import pinned
from benchmarks.servers import Server, Subject

CONNECTIONS = 16
WRK = shutil.which("wrk")


class BadReply(Exception):
    """A server did not answer as it has to; what was measured of it means nothing."""


@dataclass(frozen=True)
class Load:
    """One request, sent over and over."""

    name: str
    title: str
    method: str
    path: str
    statuses: tuple[int, ...]
    right: Callable[[Any, Subject], bool]
    """Whether the JSON of a response is what this load asks of a subject."""
    body: bytes | None = None


@dataclass(frozen=True)
class Sample:
    """What one round measured."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    wrong: int
    """Replies of another class of status than the load expects, and connections that broke."""
    cpu_us: float | None
    """Microseconds of CPU, user and system, that the server's processes used for one request."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Every figure, for a report."""
        return {"rate": self.rate, **asdict(self)}


def _created(reply: Any, subject: Subject) -> bool:
    return reply["object"] == "user_memory" and {"id", "memory", "context", "credits"} <= set(reply)


def _page(size: int) -> Callable[[Any, Subject], bool]:
    return lambda reply, subject: reply["object"] == "list" and len(reply["data"]) == (subject.page or size)


def _names_the_field(reply: Any, subject: Subject) -> bool:
    return "memory" in json.dumps(reply)


POST = Load("post", "POST /v1/user-memories", "POST", "/user-memories", (201,), _created, BODY)
GET_20 = Load("get-20", "GET /v1/user-memories?limit=20", "GET", "/user-memories?limit=20", (200,), _page(20))
REJECTED = Load("rejected", "POST without `memory`", "POST", "/user-memories", (400, 422), _names_the_field, INCOMPLETE)
SCENARIO = Load(
    "scenario", "POST with 20 rules in force, and with none", "POST", "/user-memories", (201,), _created, BODY
)


def deep_page(offset: int) -> Load:
    """A page of 100 somewhere in the middle."""
    path = f"/user-memories?limit=100&offset={offset}"
    return Load("deep-page", "GET a page of 100 in the middle", "GET", path, (200,), _page(100))


def check(server: Server, load: Load) -> int:
    """Bytes of a reply's body. Raises BadReply when status or body is not right."""
    status, body = server.call(load.method, server.subject.base + load.path, load.body)
    try:
        right = status in load.statuses and load.right(orjson.loads(body), server.subject)
    except (ValueError, KeyError, TypeError):
        right = False
    if not right:
        raise BadReply(f"{server.subject.name} answered {load.name} with {status} {body[:300]!r}")
    return len(body)


def prepare(server: Server, rows: int) -> None:
    """Empty a server, so that no round has to bear what the one before left, and create some memories."""
    if server.subject.reset:
        status, body = server.call(*server.subject.reset)
        if status >= 300:
            raise BadReply(f"{server.subject.name} was not reset: {status} {body[:300]!r}")
    fill(server.port, wire("POST", server.subject.base + POST.path, BODY), rows, 201)


def put(server: Server, load: Load, seconds: int, core: int | None) -> Sample:
    """Load a server for whole seconds with CONNECTIONS connections."""
    path = server.subject.base + load.path
    server.cut_log()
    before = server.cpu_seconds()
    with pinned(core):
        result = _wrk(server.port, path, load, seconds) if WRK else _python(server.port, path, load, seconds)
    after = server.cpu_seconds()
    requests, refused, broken = result["requests"], result["refused"], result["broken"]
    if not requests:
        raise BadReply(f"{server.subject.name} answered nothing in {seconds} s:\n{server.tail()}")
    return Sample(
        requests=requests,
        seconds=result["seconds"],
        p50_ms=result["p50_ms"],
        p99_ms=result["p99_ms"],
        wrong=broken + (refused if load.statuses[0] < 400 else requests - refused),
        cpu_us=None if before is None or after is None else (after - before) / requests * 1e6,
    )


def _wrk(port: int, path: str, load: Load, seconds: int) -> dict[str, Any]:
    script = str(Path(__file__).with_name("wrk.lua"))
    command = [str(WRK), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", script]
    env = {**os.environ, "BENCH_METHOD": load.method, "BENCH_KEY": KEY}
    if load.body is not None:
        env["BENCH_BODY"] = load.body.decode()
    url = f"http://127.0.0.1:{port}{path}"
    run = subprocess.run([*command, url], capture_output=True, text=True, env=env, timeout=seconds + 30)
    for line in run.stdout.splitlines():
        if line.startswith("RESULT "):
            result: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
            return result
    raise BadReply(f"wrk failed: {run.stdout[-500:]}{run.stderr[-500:]}")


def _python(port: int, path: str, load: Load, seconds: int) -> dict[str, Any]:
    request = wire(load.method, path, load.body)
    latencies, refused, broken = asyncio.run(hammer(port, request, CONNECTIONS, seconds))
    ordered = sorted(latencies) or [0.0]
    return {
        "requests": len(latencies),
        "seconds": float(seconds),
        "p50_ms": median(ordered) * 1e3,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
        "refused": refused,
        "broken": broken,
    }
