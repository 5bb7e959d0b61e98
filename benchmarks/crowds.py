"""Many clients that do next to nothing: does the server hold them, and do the others notice?"""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine
from benchmarks.client import hammer, wire
from benchmarks.data import BODY, PATH
from benchmarks.servers import Server, mockserver

IDLE = 2_000
HELD_SECONDS = 20
SLOW = 200
SHARE = 0.8
"""Of their throughput, what normal clients have to keep beside the slow ones."""
ROUNDS, SECONDS, CONNECTIONS = 5, 3, 16

Result = tuple[dict[str, Any], list[str]]


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count if hard < 0 else min(count, hard), hard))


def idle_connections(folder: Path) -> Result:
    """IDLE connections, each of which has had one response, are kept while others work; then each is used again."""
    _allow_files(2 * IDLE)
    request = wire("GET", f"{PATH}?limit=1")
    with Server(mockserver("mockserver", "--log-level", "warning"), folder) as server:

        async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bool:
            streams[1].write(request)
            reply = await asyncio.wait_for(streams[0].read(1 << 16), 10)
            return reply.startswith(b"HTTP/1.1 200")

        async def run() -> tuple[int, int, int, float]:
            before = server.resident_bytes()
            streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(IDLE)]
            first = [await ask(one) for one in streams]
            taken = server.resident_bytes() - before
            _, refused, broken = await hammer(server.port, wire("POST", PATH, BODY), 8, HELD_SECONDS)
            again = [await ask(one) for one in streams]
            for _, writer in streams:
                writer.close()
            return sum(first), sum(again), refused + broken, taken / IDLE

        first, again, trouble, each = asyncio.run(run())
    figures = {
        "connections": IDLE,
        "held_seconds": HELD_SECONDS,
        "answered_at_first": first,
        "answered_at_last": again,
        "trouble_of_others": trouble,
        "bytes_each": round(each),
    }
    return figures, [] if first == again == IDLE and not trouble else ["not every connection was kept"]


def slow_senders(folder: Path) -> Result:
    """SLOW clients that send a byte a second, beside normal ones: rounds with and without them, in turn."""
    request = wire("POST", PATH, BODY)
    with Server(mockserver("mockserver", "--log-level", "warning"), folder, machine.places()[0]) as server:

        async def dawdle() -> None:
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                try:
                    for place in range(len(request)):
                        writer.write(request[place : place + 1])
                        await asyncio.sleep(1)
                except OSError:
                    continue
                finally:
                    writer.close()

        async def round(slow: int) -> float:
            crowd = [asyncio.create_task(dawdle()) for _ in range(slow)]
            await asyncio.sleep(1)
            latencies, refused, broken = await hammer(server.port, request, CONNECTIONS, SECONDS)
            for one in crowd:
                one.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
            if refused or broken:
                raise RuntimeError(f"{refused} requests were refused and {broken} cut off")
            return len(latencies) / SECONDS

        ratios, rates = [], []
        with machine.pinned(machine.places()[1]):
            for number in range(ROUNDS):
                machine.progress(f"slow senders: round {number + 1} of {ROUNDS}")
                alone, beside = asyncio.run(round(0)), asyncio.run(round(SLOW))
                ratios.append(beside / alone)
                rates.append(alone)
        machine.progress("")
    figures = {"slow_senders": SLOW, "throughput_kept": round_to(median(ratios)), "rounds": list(map(round_to, ratios))}
    return figures, [] if median(ratios) >= SHARE else [f"normal clients kept {median(ratios):.2f} of their throughput"]


def round_to(ratio: float) -> float:
    """Two decimals."""
    return round(ratio, 2)


CROWDS = {"idle-connections": idle_connections, "slow-senders": slow_senders}
