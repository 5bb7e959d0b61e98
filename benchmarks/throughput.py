"""HTTP throughput of mockserver as ratios to other servers in the same run.

`python -m benchmarks.throughput [--quick] [--only LOAD] [--npm DIR] [--json FILE]`. One server is
loaded at a time, on a core of its own, by wrk on another; the servers take turns (A B C A B C ...), so
that what else the machine does falls on all of them alike. benchmarks/README.md says how to read it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from benchmarks import load as loads
from benchmarks import machine, report
from benchmarks.load import BadReply, Load, check, prepare, put
from benchmarks.peers import find_peers
from benchmarks.servers import FailedStart, Server, Subject, mockserver

DEEP_ROWS = 100_000
FEW_ROWS = 1_000
QUICK_WARM_SECONDS = 5
BURST_SECONDS = 10
"""Seconds of warm-up after which what has piled up is removed."""
FAILURES = (FailedStart, BadReply, OSError, RuntimeError)
"""What leaves a server out of a comparison."""


@dataclass(frozen=True)
class Entry:
    """A server in a comparison."""

    subject: Subject
    load: Load
    rows: int = 20
    """Memories that it holds when the load begins."""


def python_subjects() -> list[Subject]:
    """mockserver and what it is compared with in Python, all on uvicorn with the same settings."""
    uvicorn = f"{sys.executable} -m uvicorn --port {{port}} --lifespan off --no-access-log --no-server-header"
    serve = (*uvicorn.split(), "--log-level", "warning")
    return [
        mockserver(report.LOUD),
        mockserver(report.QUIET, "--log-level", "warning"),
        Subject("Starlette", (*serve, "benchmarks.bare:json")),
        Subject("Starlette + orjson", (*serve, "benchmarks.bare:fast")),
        Subject("FastAPI", (*serve, "benchmarks.by_hand:app"), reset=("DELETE", "/v1/user-memories")),
    ]


def comparisons(folder: Path, peers: list[Subject]) -> dict[str, list[Entry]]:
    """Which servers bear which load."""
    python = python_subjects()
    ours, quiet = python[:2]
    fastapi = python[-1]
    rules = folder / "rules.yaml"
    rules.write_bytes(orjson.dumps(scenario()))
    many = mockserver("mockserver, 20 rules", "--log-level", "warning", "--scenario", str(rules))
    few_rows = replace(quiet, name=f"mockserver, {FEW_ROWS:,} rows", reset=None)
    many_rows = replace(quiet, name=f"mockserver, {DEEP_ROWS:,} rows", reset=None)
    return {
        "post": [Entry(subject, loads.POST) for subject in python + peers],
        "get-20": [Entry(subject, loads.GET_20) for subject in python + peers],
        "rejected": [Entry(subject, loads.REJECTED) for subject in (ours, quiet, fastapi)],
        "scenario": [Entry(subject, loads.SCENARIO) for subject in (quiet, many)],
        "deep-page": [
            Entry(few_rows, loads.deep_page(FEW_ROWS // 2), FEW_ROWS),
            Entry(many_rows, loads.deep_page(DEEP_ROWS // 2), DEEP_ROWS),
        ],
    }


def scenario() -> dict[str, object]:
    """Twenty rules on the creation, of four kinds, that look at every request and never act."""
    never = 999_999_999
    kinds: list[dict[str, object]] = [
        {"body": {"agent_id": {"regex": "^nobody"}, "memory": {"type": "string"}}},
        {"header": {"x-stainless-retry-count": "7"}},
        {"call": never},
        {"body": {"agent_id": "support"}, "header": {"content-type": "application/json"}, "call": never},
    ]
    rules = [
        {"id": f"rule-{n}", "op": "Memory.createUserMemory", "when": kinds[n % 4], "reply": "server_error"}
        for n in range(20)
    ]
    return {"version": 1, "name": "twenty-rules", "api": "datagrid", "rules": rules}


def compare(name: str, entries: list[Entry], folder: Path, rounds: int, seconds: int, warm: int) -> report.Result:
    """Run one comparison. A server that fails is left out, and the result says why."""
    server_core, load_core = machine.places()
    result = report.Result(name, entries[0].load.title, {}, {}, [])
    with ExitStack() as stack:
        running: list[tuple[Server, Entry]] = []
        for entry in entries:
            machine.progress(f"{name}: starting and warming {entry.subject.name}")
            try:
                server = stack.enter_context(Server(entry.subject, folder, server_core))
                prepare(server, entry.rows)
                result.sizes[entry.subject.name] = check(server, entry.load)
                warm_up(server, entry, min(entry.subject.warm_seconds, warm), load_core)
            except FAILURES as error:
                result.problems.append(f"{entry.subject.name} is left out: {error}")
                continue
            running.append((server, entry))
            result.samples[entry.subject.name] = []
        for number in range(rounds):
            for server, entry in list(running):
                machine.progress(f"{name}: round {number + 1} of {rounds}, {entry.subject.name}")
                try:
                    if entry.subject.reset:
                        prepare(server, entry.rows)
                    check(server, entry.load)
                    result.samples[entry.subject.name].append(put(server, entry.load, seconds, load_core))
                    check(server, entry.load)
                except FAILURES as error:
                    result.problems.append(f"{entry.subject.name} failed in round {number + 1}: {error}")
                    running.remove((server, entry))
                    del result.samples[entry.subject.name]
    machine.progress("")
    return result


def warm_up(server: Server, entry: Entry, seconds: int, core: int | None) -> None:
    """Load a server without looking at the figures, and empty it now and then."""
    for done in range(0, seconds, BURST_SECONDS):
        put(server, entry.load, min(BURST_SECONDS, seconds - done), core)
        if entry.subject.reset:
            prepare(server, entry.rows)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds of 1 s and short warm-ups: only shows that it runs"
    )
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each server (7)")
    parser.add_argument("--seconds", type=int, default=2, help="seconds of a round (2)")
    parser.add_argument(
        "--only", action="append", metavar="LOAD", help="post, get-20, rejected, scenario or deep-page; repeatable"
    )
    parser.add_argument("--npm", type=Path, help="folder whose node_modules hold the peers (MOCKSERVER_BENCH_NPM)")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    found = parser.parse_args()
    found.warm = 3600
    if found.quick:
        found.rounds, found.seconds, found.warm = 3, 1, QUICK_WARM_SECONDS
    if found.npm is None and os.environ.get("MOCKSERVER_BENCH_NPM"):
        found.npm = Path(os.environ["MOCKSERVER_BENCH_NPM"])
    return found


def main() -> None:
    """Measure, and print the tables."""
    asked = options()
    machine.end_politely()
    described = machine.describe()
    print(machine.summary(described))
    generator = "wrk" if loads.WRK else "a client in Python, because wrk is not installed"
    print(f"{loads.CONNECTIONS} connections by {generator}")
    print("mockserver writes a line per request to a file, as it does by default; quiet is --log-level warning")
    if asked.quick:
        print("quick: this shows that everything runs; the figures mean little")
    if None in machine.places():
        print("nothing is pinned: there is one core only, or the system cannot pin")
    with tempfile.TemporaryDirectory(prefix="mockserver-bench-") as temporary:
        folder = Path(temporary)
        peers, missing = find_peers(folder, asked.npm)
        print(*missing, *(f"{peer.name} {peer.version}" for peer in peers), sep="\n")
        chosen = comparisons(folder, peers)
        unknown = set(asked.only or ()) - set(chosen)
        if unknown:
            sys.exit(f"there is no load {', '.join(sorted(unknown))}; there are {', '.join(chosen)}")
        results = []
        for name, entries in chosen.items():
            if not asked.only or name in asked.only:
                results.append(compare(name, entries, folder, asked.rounds, asked.seconds, asked.warm))
                report.print_result(results[-1])
    report.print_targets(results)
    if asked.json:
        settings = {"rounds": asked.rounds, "seconds": asked.seconds, "connections": loads.CONNECTIONS}
        settings["load"] = "wrk" if loads.WRK else "python"
        versions = {peer.name: peer.version for peer in peers}
        whole = {"machine": described, "settings": settings, "peers": versions, **report.as_json(results)}
        asked.json.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
