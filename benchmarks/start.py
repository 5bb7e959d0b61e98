"""What a start takes, beside a process that imports Starlette and uvicorn: `python -m benchmarks.start`.

Rounds are interleaved, so that both share what else the machine does; a ratio is taken in each round, and its median
is quoted. Processor time moves least. Bytecode and what is kept of the bundled documents are there, as after the first
start of an installed package; `first start` has the bytecode and no more.

A test session that has the plugin and does not use it pays for two imports, after those of pytest itself; one that does
pays for the fixture's first use, from nothing to a sandbox.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from benchmarks.documents import free_port, is_up

ROUNDS = 15
Figures = tuple[float, float]
"""Seconds on the clock, and of the processor."""

UNUSED = """
import time, pytest
from importlib.metadata import entry_points
began = time.perf_counter(), time.process_time()
{}
print(time.perf_counter() - began[0], time.process_time() - began[1])
"""
FIRST_USE = """
import time, pytest, mockserver.testing.pytest_plugin
began = time.perf_counter(), time.process_time()
from mockserver.testing.session import Session
session = Session()
session.sandbox()
print(time.perf_counter() - began[0], time.process_time() - began[1])
session.close()
"""


def whole(command: list[str], variables: Mapping[str, str]) -> Figures:
    """A process from its start to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=variables)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime


def served(variables: Mapping[str, str]) -> Figures:
    """`mockserver serve` from its start to its first 200."""
    port = free_port()
    command = [sys.executable, "-m", "mockserver", "serve", "--port", str(port), "--log-level", "warning"]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=variables)
    while not is_up(port):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        time.sleep(0.001)
    wall = time.perf_counter() - started
    process.kill()  # at once, so that what it takes to end is not counted
    _, process.returncode, used = os.wait4(process.pid, 0)
    return wall, used.ru_utime + used.ru_stime


def told(script: str, variables: Mapping[str, str]) -> Figures:
    """What a script says of itself."""
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    wall, used = map(float, run.stdout.split())
    return wall, used


def main() -> None:
    """Measure, print the table, and write it as JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/bytecode", "MOCKSERVER_CACHE_DIR": f"{folder}/cache"}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        bare = {**kept, "MOCKSERVER_CACHE_DIR": "off"}
        imports = [sys.executable, "-c", "import starlette.applications, uvicorn"]
        jobs: dict[str, Callable[[], Figures]] = {
            "imports of starlette and uvicorn": lambda: whole(imports, kept),
            "serve, to its first 200": lambda: served(kept),
            "first start, to its first 200": lambda: served(bare),
            "import mockserver": lambda: told(UNUSED.format("import mockserver"), kept),
            "import of the plugin": lambda: told(UNUSED.format("import mockserver.testing.pytest_plugin"), kept),
            "fixture's first use": lambda: told(FIRST_USE, kept),
        }
        for job in jobs.values():
            job()  # writes what is kept
        found: dict[str, list[Figures]] = {name: [] for name in jobs}
        for _ in range(asked.rounds):
            for name, job in jobs.items():
                found[name].append(job())
    yardstick = found["imports of starlette and uvicorn"]
    print(f"{'':<36}{'wall ms':>9}{'CPU ms':>9}{'at best':>9}{'÷ imports':>11}{'by CPU':>9}")
    report = {}
    for name, runs in found.items():
        walls, used = zip(*runs, strict=True)
        ratios = [median(run[at] / base[at] for run, base in zip(runs, yardstick, strict=True)) for at in (0, 1)]
        report[name] = {"wall": median(walls), "cpu": median(used), "cpu_best": min(used), "ratios": ratios}
        compared = f"{ratios[0]:>11.2f}{ratios[1]:>9.2f}" if "first 200" in name else ""
        print(f"{name:<36}{median(walls) * 1e3:>9.1f}{median(used) * 1e3:>9.1f}{min(used) * 1e3:>9.1f}{compared}")
    if asked.json:
        asked.json.write_text(json.dumps({"unit": "s", "python": sys.version.split()[0], "rows": report}, indent=2))


if __name__ == "__main__":
    main()
