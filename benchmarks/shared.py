"""What a shared store costs: one worker with Redis against one with memory, in the same rounds.

`python -m benchmarks.shared [--rounds N] [--seconds N] [--json FILE]`. The servers are on one core; Redis and the
clients share the other one. Needs redis-server.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import orjson

from benchmarks import load as loads
from benchmarks import machine, report
from benchmarks.servers import mockserver
from benchmarks.throughput import Entry, compare
from tests.redis_server import RedisServer

WANTED = 0.35
"""Requests per second with Redis over those with memory."""


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each server (7)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of a round (2)")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    asked = parser.parse_args()
    machine.end_politely()
    described = machine.describe()
    print(machine.summary(described))
    found = {}
    _, load_core = machine.places()
    with tempfile.TemporaryDirectory(prefix="mockserver-bench-") as temporary, RedisServer() as redis:
        redis.pin(load_core)
        memory = mockserver("memory", "--log-level", "warning")
        shared = mockserver("redis", "--log-level", "warning", "--state", redis.url)
        for load in (loads.POST, loads.GET_20, loads.REJECTED):
            entries = [Entry(memory, load), Entry(shared, load)]
            result = compare(load.name, entries, Path(temporary), asked.rounds, asked.seconds, 2)
            report.print_result(result)
            ratio, cpu = result.ratio("redis", "memory"), result.cpu_ratio("redis", "memory")
            print(f"redis / memory: {ratio or 0:.2f} (at least {WANTED}); by the server's CPU time {cpu or 0:.2f}")
            found[load.name] = {"ratio": ratio, "cpu_ratio": cpu, **report.as_json([result])}
    if asked.json:
        asked.json.write_bytes(orjson.dumps({"machine": described, **found}, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
