"""Runs that break things, and count what is left: `python -m benchmarks.reliability [NAME ...] [--json FILE]`.

Each prints its figures and what they show; the exit code is 1 when one of them found something wrong.
Needs redis-server. See docs/reliability.md for what each run does and what it found.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from benchmarks import machine, replicas
from benchmarks.crowds import CROWDS
from benchmarks.outages import OUTAGES


def main() -> None:
    """Do the runs that are asked for."""
    names = ["replicas", *OUTAGES, *CROWDS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which runs: {', '.join(names)} (all)")
    parser.add_argument("--requests", type=int, default=50_000, help="requests of the run `replicas` (50000)")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in names]
    if unknown:
        parser.error(f"there is no run {unknown[0]!r}; there are {', '.join(names)}")
    machine.end_politely()
    described = machine.describe()
    print(machine.summary(described))
    runs = {"replicas": partial(replicas.run, asked.requests), **OUTAGES, **CROWDS}
    found: dict[str, Any] = {}
    for name in asked.names or names:
        with tempfile.TemporaryDirectory(prefix="mockserver-reliability-") as temporary:
            figures, wrong = runs[name](Path(temporary))
        found[name] = {"figures": figures, "wrong": wrong}
        verdict = "; ".join(wrong) or ("skipped" if "skipped" in figures else "as it has to be")
        print(f"\n{name}: {verdict}")
        for what, figure in figures.items():
            print(f"    {what.replace('_', ' '):<34}{figure}")
    if asked.json:
        asked.json.write_bytes(orjson.dumps({"machine": described, "runs": found}, option=orjson.OPT_INDENT_2))
    if any(one["wrong"] for one in found.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
