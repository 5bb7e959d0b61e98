"""Instructions that the CPU executes for one request in process, counted by valgrind's callgrind.

`python -m benchmarks.instructions [--update] [--json FILE]`. Other programs on the machine do not move
these figures, so that a change of a few per cent in the code shows. Each figure is the difference of a
long and a short run, divided by the difference of their requests: what it takes to start cancels out.
benchmarks/instructions.json holds the figures to compare with; `--update` writes it anew.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson

from benchmarks import machine
from benchmarks.inside import page, pipeline, post

COMMITTED = Path(__file__).with_name("instructions.json")
SHORT, LONG = 200, 1200
"""Requests of the two runs. Both are long enough for caches to be filled and code to be specialised."""
ROWS = 20
LIMIT_SECONDS = 600
REQUESTS = {"POST": post(), "GET 20": page(20)}
AFTER_POST = "GET 20, one new row"
"""The same page after each creation; the creation is taken off."""
COLLECTED = re.compile(r"Collected : (\d+)")


def child(name: str, count: int) -> None:
    """What runs under valgrind: some requests, straight into the pipeline.

    The garbage collector is off: `mockserver serve` lets it run a seventieth as often as Python does, and where in a
    run of a thousand requests it falls moves a figure by up to two per cent.
    """
    gc.disable()
    world, request = pipeline(), page(ROWS) if name == AFTER_POST else REQUESTS[name]
    for _ in range(ROWS):
        world.exchange(post())
    for _ in range(count):
        if name == AFTER_POST:
            world.exchange(post())
        world.exchange(request)


def collect(module: str, name: str, count: int) -> int:
    """Instructions of a whole process in which a module's `--child NAME COUNT` answers so many requests."""
    # The hashes of texts are fixed, and so is everything that follows from their order.
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        sys.executable,
        "-m",
        module,
    ]
    command += ["--child", name, str(count)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=machine.ROOT, env=env, timeout=LIMIT_SECONDS)
    found = COLLECTED.search(run.stderr)
    if run.returncode or not found:
        sys.exit(f"valgrind failed with {run.returncode}:\n{run.stderr[-1500:]}")
    return int(found[1])


def measure(module: str, names: Iterable[str]) -> dict[str, int]:
    """Instructions per request of each name. The runs share the cores, which changes nothing here."""
    names = list(names)
    jobs = [(module, name, count) for name in names for count in (SHORT, LONG)]
    machine.progress(f"{len(jobs)} runs under valgrind, some minutes")
    with ThreadPoolExecutor(len(machine.cores())) as pool:
        found = dict(zip(jobs, pool.map(collect, *zip(*jobs, strict=True)), strict=True))
    machine.progress("")
    return {name: round((found[module, name, LONG] - found[module, name, SHORT]) / (LONG - SHORT)) for name in names}


def conditions() -> dict[str, str]:
    """What else decides the figures; they can be compared when it is the same."""
    libraries = {name: version for name, version in machine.versions().items() if name in ("jsonschema-rs", "orjson")}
    return {"python": platform.python_version(), "architecture": platform.machine(), **libraries}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help=f"write the figures to {COMMITTED.name}")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--child", nargs=2, metavar=("NAME", "COUNT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child[0], int(asked.child[1]))
        return
    if shutil.which("valgrind") is None:
        print("instructions are not counted: valgrind is not installed")
        return
    committed: dict[str, Any] = orjson.loads(COMMITTED.read_bytes()) if COMMITTED.exists() else {}
    before = committed.get("instructions", {})
    figures, now = measure("benchmarks.instructions", [*REQUESTS, AFTER_POST]), conditions()
    figures[AFTER_POST] -= figures["POST"]
    print(f"\n{'instructions for a request':<28}{'now':>14}{'committed':>14}{'change':>10}")
    for name, figure in figures.items():
        known = before.get(name)
        change = f"{(figure / known - 1) * 100:+.1f} %" if known else "-"
        print(f"{name:<28}{figure:>14,}{f'{known:,}' if known else '-':>14}{change:>10}")
    if before and committed["conditions"] != now:
        print(f"the committed figures are of {committed['conditions']}, these of {now}: they differ for that too")
    report = {"conditions": now, "instructions": figures}
    for path in [*([COMMITTED] if asked.update else []), *([asked.json] if asked.json else [])]:
        path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main()
