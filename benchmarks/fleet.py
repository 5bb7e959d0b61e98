"""What replicas of one store cost: CPU time for a request, of the servers and of Redis, with three and with one.

`python -m benchmarks.fleet [--rounds N] [--seconds N] [--json FILE]`. One replica is loaded alone, then all three at
once, in turn. Where the cores are fewer than the processes, only CPU time can be compared: figures for a second tell of
the machine. `together` is one sandbox for all, in which every replica sees the others come between; `apart` is one
sandbox for each. Needs redis-server.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import redis

from benchmarks import load as loads
from benchmarks import machine
from benchmarks.load import Load, Sample, prepare, put
from benchmarks.servers import Server, mockserver
from tests.redis_server import RedisServer

REPLICAS = 3
WANTED = 0.9
"""CPU time of one replica for a request, over that of three."""
MODES = ("apart", "together")


def measure(servers: list[Server], load: Load, seconds: int, store: redis.Redis) -> tuple[float, float, float]:
    """Load servers at once: microseconds of CPU for a request, of the servers and of Redis, and requests per second."""
    before = _redis_seconds(store)
    with ThreadPoolExecutor(len(servers)) as pool:
        samples: list[Sample] = list(pool.map(lambda server: put(server, load, seconds, None), servers))
    used = _redis_seconds(store) - before
    wrong, requests = sum(sample.wrong for sample in samples), sum(sample.requests for sample in samples)
    if wrong:
        raise RuntimeError(f"{wrong} of {requests} responses were wrong")
    cpu = sum((sample.cpu_us or 0) * sample.requests for sample in samples) / requests
    return cpu, used / requests * 1e6, requests / seconds


def compare(load: Load, mode: str, servers: list[Server], rounds: int, seconds: int, store: redis.Redis) -> Any:
    """The medians of one replica and of all, and of the rounds' ratios."""
    for server in servers:
        prepare(server, 20)
    kinds = {"one": servers[:1], "three": servers}
    found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in kinds}
    for number in range(-1, rounds):
        for kind, some in kinds.items():
            machine.progress(f"{load.name} {mode}: round {number + 1} of {rounds}, {kind}")
            figures = measure(some, load, seconds, store)
            if number >= 0:  # before it, they get warm
                found[kind].append(figures)
    machine.progress("")
    pairs = list(zip(found["one"], found["three"], strict=True))
    return {
        **{kind: [median(column) for column in zip(*figures, strict=True)] for kind, figures in found.items()},
        "servers": median(one[0] / three[0] for one, three in pairs),
        "with_redis": median((one[0] + one[1]) / (three[0] + three[1]) for one, three in pairs),
    }


def _redis_seconds(store: redis.Redis) -> float:
    used: Any = store.info("cpu")
    return float(used["used_cpu_sys"] + used["used_cpu_user"])


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (5)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of a round (2)")
    parser.add_argument("--mode", choices=MODES, help="only this one")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    asked = parser.parse_args()
    machine.end_politely()
    described = machine.describe()
    print(machine.summary(described))
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-bench-")))
        server = stack.enter_context(RedisServer())
        store = redis.Redis(port=server.port)
        print(f"{'':<22}{'CPU µs of the servers':>24}{'of Redis':>12}{'requests/s':>12}")
        for mode in MODES if asked.mode is None else (asked.mode,):
            urls = [f"{server.url}?prefix={mode}{n if mode == 'apart' else ''}" for n in range(REPLICAS)]
            servers = [
                stack.enter_context(Server(mockserver(f"{mode} {n}", "--log-level", "warning", "--state", url), folder))
                for n, url in enumerate(urls)
            ]
            for load in (loads.POST, loads.GET_20, loads.REJECTED):
                result = found[f"{load.name} {mode}"] = compare(load, mode, servers, asked.rounds, asked.seconds, store)
                for kind in ("one", "three"):
                    cpu, of_redis, rate = result[kind]
                    print(f"{f'{load.name} {mode}, {kind}':<22}{cpu:>24.0f}{of_redis:>12.0f}{rate:>12.0f}")
                both = f"{result['servers']:.2f}, with Redis {result['with_redis']:.2f}"
                print(f"three ÷ one by CPU time: {both} (at least {WANTED})\n")
    if asked.json:
        asked.json.write_bytes(orjson.dumps({"machine": described, **found}, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
