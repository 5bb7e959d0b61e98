"""What clients see, and what is left, when a replica, Redis, the disk or the server itself goes away under load."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson

from benchmarks.client import Connection, Replies, fill, wire
from benchmarks.data import BODY, PATH
from benchmarks.servers import Server, mockserver
from mockserver.state.redis.connection import Connection as Redis
from mockserver.state.redis.store import RedisStore
from tests.redis_server import RedisServer

CLIENTS = 32
BEFORE, AFTER = 2.0, 4.0
"""Seconds of load before the outage, and after it."""
PAUSE = 5.0
TIMEOUT = 2.0
"""Seconds that a server waits for Redis (its default)."""
SLACK = 1.0
"""Seconds that a response may take beyond that, on a busy machine."""
STOP = 1.0
"""Seconds in which a server has to end."""
HEALTH = "/__admin/health"
HEALTH_MS = 20.0
"""Milliseconds within which 99 of 100 questions for a server's health have to be answered while Redis is stopped."""
BUSY = 2.0
"""On a busy machine, how many times as long as a server that does nothing else."""
HEALTH_EVERY = 0.01
"""Seconds between two of them."""

Result = tuple[dict[str, Any], list[str]]


class Creators:
    """Clients that create memories; one that is cut off goes on with the next server."""

    def __init__(self, ports: list[int]) -> None:
        self.statuses: Counter[int] = Counter()
        self.cut_off = 0
        self.acknowledged: set[str] = set()
        self.slowest = 0.0
        self.back_at: float | None = None
        """When the first memory was created after `outage_over`."""
        self.outage_over: float | None = None
        self.until = float("inf")
        self._ports = ports

    async def client(self, number: int) -> None:
        """Create memories until the time is up."""
        turn, connection = number, Connection(self._ports[number % len(self._ports)])
        request = wire("POST", PATH, BODY)
        while (began := time.monotonic()) < self.until:
            try:
                status, body = await connection.exchange(request)
            except OSError:
                self.cut_off += 1
                turn += 1
                connection = Connection(self._ports[turn % len(self._ports)])
                await asyncio.sleep(0.05)
                continue
            now = time.monotonic()
            self.slowest = max(self.slowest, now - began)
            self.statuses[status] += 1
            if status == 201:
                self.acknowledged.add(orjson.loads(body)["id"])
                if self.outage_over is not None and began > self.outage_over and self.back_at is None:
                    self.back_at = now
            elif status >= 500:
                await asyncio.sleep(0.02)
        connection.close()

    async def run(self, outage: Callable[[], None]) -> None:
        """Load, the outage, and load again."""
        clients = [asyncio.create_task(self.client(number)) for number in range(CLIENTS)]
        await asyncio.sleep(BEFORE)
        await asyncio.to_thread(outage)
        self.outage_over = time.monotonic()
        await asyncio.sleep(AFTER)
        self.until = 0.0
        await asyncio.gather(*clients)


@contextlib.contextmanager
def _group(count: int, durable: bool, folder: Path) -> Iterator[tuple[RedisServer, list[Server]]]:
    with RedisServer(durable) as redis, contextlib.ExitStack() as stack:
        options = ("--state", redis.url, "--log-level", "error")
        subjects = [mockserver(f"replica {number}", *options) for number in range(count)]
        yield redis, [stack.enter_context(Server(subject, folder)) for subject in subjects]


def _judge(creators: Creators, redis: RedisServer, allowed: set[int]) -> Result:
    """What has to hold after every outage: nothing acknowledged is lost, and rows and credits are of one piece."""
    connection = Redis(redis.url)
    (world,) = connection.client.keys("{mockserver:default}*:m")
    snapshot = RedisStore(connection, world.decode()[:-1]).snapshot()
    rows = [row["id"] for row in snapshot.tables["user_memories"][""]]
    lost = creators.acknowledged - set(rows)
    unheard = len(rows) - len(creators.acknowledged)
    back = None
    if creators.back_at is not None and creators.outage_over is not None:
        back = round(creators.back_at - creators.outage_over, 3)
    figures = {
        "statuses": {str(status): count for status, count in sorted(creators.statuses.items())},
        "cut_off": creators.cut_off,
        "acknowledged": len(creators.acknowledged),
        "rows": len(rows),
        "created_but_not_acknowledged": unheard,
        "consumed": snapshot.balance.consumed,
        "slowest_reply_seconds": round(creators.slowest, 2),
        "first_success_after_seconds": back,
    }
    unsure = creators.cut_off + creators.statuses[503]
    wrong = [
        text
        for is_wrong, text in (
            (lost, f"{len(lost)} acknowledged memories are lost"),
            (len(rows) != len(set(rows)), "rows are doubled"),
            (snapshot.balance.consumed != len(rows), "a memory was created and not charged, or the other way round"),
            (unheard > unsure, f"{unheard - unsure} memories came from nowhere"),
            (set(creators.statuses) - allowed, f"replies were {dict(creators.statuses)}"),
            (creators.back_at is None, "it did not come back"),
        )
        if is_wrong
    ]
    return figures, wrong


def replica_killed(folder: Path) -> Result:
    """`kill -9` of one of three replicas."""
    with _group(3, False, folder) as (redis, servers):
        creators = Creators([server.port for server in servers])
        asyncio.run(creators.run(lambda: servers[0].kill()))
        figures, wrong = _judge(creators, redis, {201})
    if figures["cut_off"] == 0:
        wrong.append("nobody was cut off, so nothing was shown")
    return figures, wrong


def redis_restarted(folder: Path) -> Result:
    """Redis, with an append-only file, is killed and started again."""
    with _group(2, True, folder) as (redis, servers):

        def outage() -> None:
            redis.stop(signal.SIGKILL)
            time.sleep(1)
            redis.start()

        creators = Creators([server.port for server in servers])
        asyncio.run(creators.run(outage))
        return _judge(creators, redis, {201, 503})


def healths(ports: list[int], seconds: float) -> list[float]:
    """Ask servers for their health for some time, in turn: the milliseconds that each answer took, sorted."""
    found = []
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for port in ports]
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            asked = sockets[len(found) % len(sockets)]
            asked.sendall(wire("GET", HEALTH))
            replies = Replies()
            while not replies.count:
                replies.feed(asked.recv(1 << 16))
            if replies.status != 200:
                raise RuntimeError(f"{HEALTH} was answered {replies.status}")
            found.append((time.monotonic() - began) * 1000)
            time.sleep(HEALTH_EVERY)
    return sorted(found)


def _p99(times: list[float]) -> float:
    return times[len(times) * 99 // 100]


def redis_paused(folder: Path) -> Result:
    """Redis says nothing for PAUSE seconds."""
    idle = mockserver("idle", "--log-level", "error")
    with _group(2, False, folder) as (redis, servers), Server(idle, folder) as other, ThreadPoolExecutor(1) as pool:
        ports, waited, beside = [server.port for server in servers], [], []

        def outage() -> None:
            redis.send(signal.SIGSTOP)
            control = pool.submit(healths, [other.port], PAUSE)
            waited.extend(healths(ports, PAUSE))
            beside.extend(control.result())
            redis.send(signal.SIGCONT)

        creators = Creators(ports)
        asyncio.run(creators.run(outage))
        figures, wrong = _judge(creators, redis, {201, 503})
    p99, yardstick = _p99(waited), _p99(beside)
    figures["health_p50_ms"] = round(waited[len(waited) // 2], 1)
    figures["health_p99_ms"], figures["health_p99_ms_of_an_idle_server"] = round(p99, 1), round(yardstick, 1)
    if p99 > max(HEALTH_MS, BUSY * yardstick):
        wrong.append(f"99 of 100 questions for health took up to {p99:.1f} ms")
    if creators.slowest > TIMEOUT + SLACK:
        wrong.append(f"a response took {creators.slowest:.1f} s")
    return figures, wrong


def disk_full(folder: Path) -> Result:
    """The disk is full when the state is to be saved; root only, as it takes a small file system of its own."""
    small = folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], check=False).returncode:
        return {"skipped": "a file system cannot be mounted here; run as root"}, []
    file = small / "state.json"
    options = ("--state-file", str(file), "--log-level", "warning")
    try:
        with Server(mockserver("small state", *options), folder) as server:
            fill(server.port, wire("POST", PATH, BODY), 10, 201)
        old = file.read_bytes()
        with Server(mockserver("large state", *options), folder) as server:
            fill(server.port, wire("POST", PATH, BODY), 2_000, 201)
            code, _ = server.end()
            said = server.tail().strip()
        new, left = file.read_bytes(), os.listdir(small)
    finally:
        subprocess.run(["umount", small], check=False)
    figures = {"exit_code": code, "said": said, "old_state_bytes": len(old), "files": left}
    wrong = [
        text
        for is_wrong, text in (
            (new != old, "the old state is gone"),
            (left != ["state.json"], "something was left behind"),
            (code != 2 or "No space left" not in said, "it was not said"),
        )
        if is_wrong
    ]
    return figures, wrong


def server_stopped(folder: Path) -> Result:
    """SIGTERM under load: what was accepted is answered."""
    with Server(mockserver("mockserver", "--log-level", "warning"), folder) as server:
        answered, failed, refused = 0, [], 0

        async def client() -> None:
            nonlocal answered, refused
            connection = Connection(server.port)
            for request in [wire("POST", PATH, BODY), wire("GET", f"{PATH}?limit=20")] * 1_000_000:
                try:
                    status, _ = await connection.exchange(request)
                except ConnectionRefusedError:
                    refused += 1
                    return
                except OSError as error:
                    failed.append(repr(error))
                    return
                answered += 1
                if status >= 400:
                    failed.append(str(status))
                if connection.is_closed:
                    return

        async def load() -> tuple[int, float]:
            clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
            await asyncio.sleep(BEFORE)
            ended = await asyncio.to_thread(server.end)
            await asyncio.gather(*clients)
            return ended

        code, seconds = asyncio.run(load())
    figures = {"answered": answered, "failed": len(failed), "exit_code": code, "seconds_to_end": round(seconds, 2)}
    wrong = [f"{len(failed)} requests failed: {Counter(failed)}"] if failed else []
    if code != 0 or seconds > STOP:
        wrong.append(f"it ended with {code} after {seconds:.2f} s")
    return figures, wrong


OUTAGES: dict[str, Callable[[Path], Result]] = {
    "replica-killed": replica_killed,
    "redis-restarted": redis_restarted,
    "redis-paused": redis_paused,
    "disk-full": disk_full,
    "server-stopped": server_stopped,
}
