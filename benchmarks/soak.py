"""Does memory stay flat under mixed traffic for a long time, and what do 100,000 memories cost?

`python -m benchmarks.soak [--minutes N] [--json FILE]`. Several clients do all kinds of things with one
`mockserver serve` at full speed; each keeps no more than KEPT memories alive, so that what grows
without end is the server's own doing. The first third of the time is warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter, deque
from pathlib import Path
from statistics import linear_regression, median

import orjson

from benchmarks import machine
from benchmarks.client import Connection, fill, wire
from benchmarks.data import BODY, INCOMPLETE, PATH
from benchmarks.report import number
from benchmarks.servers import Server, mockserver

CLIENTS = 8
KEPT = 200
"""Memories that one client lets live."""
WINDOW = "100000000/10s"
"""The rate limit: metered but never reached; short, so that its windows are full long before warm-up ends."""
MANY = 100_000
MANY_LIMIT = 120
"""MB (10^6 bytes) that MANY memories may take."""
JOURNAL = 12_000
"""Requests that fill the journal, so that it does not grow while memories are created."""
ADMIN = "X-Mockserver-Admin: soak"
BARS = "▁▂▃▄▅▆▇█"


async def client(port: int, key: str, until: float, seen: Counter[int]) -> None:
    """Create, list, delete, and do what is wrong, until the time is up."""
    connection = Connection(port)
    fixed = [
        wire("GET", f"{PATH}?limit=20"),
        wire("GET", f"{PATH}?limit=100&offset=50"),
        wire("POST", PATH, INCOMPLETE),
        wire("POST", PATH, b'{"agent_id":'),
        wire("GET", f"{PATH}?limit=1000"),
        wire("GET", "/v1/no-such-thing"),
        wire("PATCH", PATH),
        wire("DELETE", f"{PATH}/no-such-memory"),
        wire("GET", "/v1/organization/credits"),
        wire("POST", f"/~soak{PATH}", BODY, key=key),
        wire("GET", f"/~soak{PATH}?limit=20", key=key),
        wire("GET", f"/~soak{PATH}"),
        wire("GET", f"/~no-such-sandbox{PATH}"),
    ]
    create = wire("POST", PATH, BODY)
    alive: deque[str] = deque()
    while time.monotonic() < until:
        try:
            for request in fixed:
                seen[(await connection.exchange(request))[0]] += 1
                status, body = await connection.exchange(create)
                seen[status] += 1
                alive.append(orjson.loads(body)["id"])
            while len(alive) > KEPT:
                seen[(await connection.exchange(wire("DELETE", f"{PATH}/{alive.popleft()}")))[0]] += 1
        except OSError:
            seen[0] += 1
            await asyncio.sleep(0.1)
    connection.close()


async def keeper(port: int, until: float, seen: Counter[int]) -> None:
    """Use the admin API: the sandbox `soak`, its scenarios and resets, and everything that can be read."""
    connection = Connection(port)
    admin = "/__admin/sandboxes"
    used = orjson.dumps({"use": "third-call-throttled"})
    steps = [
        wire("PUT", f"{admin}/soak/scenario", used, ADMIN),
        wire("GET", f"{admin}/default/journal?limit=20"),
        wire("POST", f"{admin}/soak/reset", None, ADMIN, "Content-Length: 0"),
        wire("GET", f"{admin}/soak/state"),
        wire("GET", f"{admin}/default/coverage"),
        wire("GET", f"{admin}/default/limits"),
        wire("DELETE", f"{admin}/soak/scenario", None, ADMIN),
        wire("GET", "/__admin/metrics"),
        wire("POST", f"{admin}", orjson.dumps({"name": "passing", "scenario": "out-of-credits"}), ADMIN),
        wire("DELETE", f"{admin}/passing", None, ADMIN),
        wire("POST", f"{admin}/soak/reset", None, ADMIN, "Content-Length: 0"),
    ]
    while time.monotonic() < until:
        for request in steps:
            try:
                seen[(await connection.exchange(request))[0]] += 1
            except OSError:
                seen[0] += 1
            await asyncio.sleep(0.1)
    connection.close()


async def soak(server: Server, key: str, seconds: float, every: float) -> tuple[list[tuple[float, int]], Counter[int]]:
    """Samples of (seconds since the start, resident bytes), and how often each status was answered; 0 is none.

    `key` opens the sandbox `soak`.
    """
    started = time.monotonic()
    until = started + seconds
    seen: Counter[int] = Counter()
    samples: list[tuple[float, int]] = []
    traffic = [asyncio.create_task(client(server.port, key, until, seen)) for _ in range(CLIENTS)]
    traffic.append(asyncio.create_task(keeper(server.port, until, seen)))
    while (now := time.monotonic()) < until and server.alive():
        samples.append((now - started, server.resident_bytes()))
        server.cut_log()
        machine.progress(f"soak: {now - started:.0f} of {seconds:.0f} s, {samples[-1][1] / 2**20:.1f} MiB")
        await asyncio.sleep(every)
    await asyncio.gather(*traffic)
    machine.progress("")
    return samples, seen


def judged(samples: list[tuple[float, int]]) -> dict[str, float | bool]:
    """The slope after warm-up in KiB a minute, the medians of the last two thirds in MiB, and whether they agree.

    They agree when the last is above the one before by no more than 1 % or 1 MiB.
    """
    third = samples[-1][0] / 3
    second = [(at, size) for at, size in samples if third <= at < 2 * third]
    last = [(at, size) for at, size in samples if at >= 2 * third]
    slope = linear_regression(*zip(*second + last, strict=True)).slope * 60 / 1024
    before, after = (median(size for _, size in part) / 2**20 for part in (second, last))
    return {
        "slope_kib_per_minute": slope,
        "second_third_mib": before,
        "last_third_mib": after,
        "flat": after - before <= max(1.0, before / 100),
    }


def sparkline(samples: list[tuple[float, int]], width: int = 60) -> str:
    """Resident memory over time, from its lowest to its highest."""
    sizes = [size for _, size in samples][:: max(1, len(samples) // width)]
    low, high = min(sizes), max(sizes)
    bars = "".join(BARS[round((size - low) / ((high - low) or 1) * (len(BARS) - 1))] for size in sizes)
    return f"{bars}  {low / 2**20:.1f} to {high / 2**20:.1f} MiB"


def memories(folder: Path, core: int | None) -> dict[str, float | bool]:
    """Resident MB that MANY user memories take, in a server whose journal is full already."""
    machine.progress(f"creating {MANY:,} memories")
    with Server(
        mockserver("mockserver, full", "--log-level", "warning", "--rate-limit", "off"), folder, core
    ) as server:
        fill(server.port, wire("POST", PATH, INCOMPLETE), JOURNAL, 400)
        before = server.resident_bytes()
        fill(server.port, wire("POST", PATH, BODY), MANY, 201)
        taken = (server.resident_bytes() - before) / 1e6
    machine.progress("")
    return {"before_mb": before / 1e6, "taken_mb": taken, "target_mb": MANY_LIMIT, "met": taken < MANY_LIMIT}


def main() -> None:
    """Run both, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long the traffic lasts (10)")
    parser.add_argument("--every", type=float, default=5, help="seconds between two looks at the memory (5)")
    parser.add_argument("--quick", action="store_true", help="half a minute: only shows that it runs")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    asked = parser.parse_args()
    if asked.quick:
        asked.minutes, asked.every = 0.5, 1
    machine.end_politely()
    described = machine.describe()
    print(machine.summary(described))
    core, load_core = machine.places()
    with tempfile.TemporaryDirectory(prefix="mockserver-soak-") as temporary:
        folder = Path(temporary)
        with Server(mockserver("mockserver", "--rate-limit", WINDOW), folder, core) as server:
            _, made = server.call("POST", "/__admin/sandboxes", b'{"name": "soak"}')
            key = f"Bearer {orjson.loads(made)['api_key']}"
            with machine.pinned(load_core):
                samples, seen = asyncio.run(soak(server, key, asked.minutes * 60, asked.every))
            died = "" if server.alive() else server.tail()
        many = memories(folder, core)
    figures = judged(samples)
    total, failed = sum(seen.values()), sum(n for status, n in seen.items() if status >= 500)
    print(f"\n{total:,} requests in {asked.minutes:g} minutes: {dict(sorted(seen.items()))}")
    print(sparkline(samples))
    rows: list[tuple[str, float, int, str]] = [
        ("slope after warm-up", figures["slope_kib_per_minute"], 0, "KiB/min"),
        ("median of the second third", figures["second_third_mib"], 1, "MiB"),
        ("median of the last third", figures["last_third_mib"], 1, "MiB, flat" if figures["flat"] else "MiB, GROWS"),
        ("replies of 500 and above", failed, 0, ""),
        ("exchanges without a reply", seen[0], 0, ""),
        (
            f"memory of {MANY:,} memories",
            many["taken_mb"],
            1,
            f"MB, target < {MANY_LIMIT}: {'yes' if many['met'] else 'NO'}",
        ),
    ]
    for name, figure, decimals, unit in rows:
        print(f"{name:<34}{number(figure, decimals):>10} {unit}".rstrip())
    if asked.json:
        statuses = {str(status): count for status, count in sorted(seen.items())}
        whole = {"machine": described, "minutes": asked.minutes, "statuses": statuses, "memory": figures, "many": many}
        asked.json.write_bytes(orjson.dumps({**whole, "samples": samples}, option=orjson.OPT_INDENT_2))
    if died:
        raise SystemExit(f"the server ended during the soak:\n{died}")


if __name__ == "__main__":
    main()
