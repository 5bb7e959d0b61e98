"""What a proxy costs: `mockserver proxy`, which checks and records, beside a plain reverse proxy made with httpx.

    python -m benchmarks.proxy [--seconds 5] [--rounds 3] [--json FILE] [--quick]

Both stand before the same Starlette routes, are pinned to one core, and are measured in turns. The upstream shares
the core of the load. Believe the ratio by CPU: it is not moved by what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.load import GET_20, POST, Load, Sample, check, put
from benchmarks.machine import describe, places
from benchmarks.servers import Server, Subject

PLAIN = "httpx reverse proxy"
CHECKED = "mockserver proxy"
UNCHECKED = "mockserver proxy, no document"


def subjects(upstream: str) -> list[Subject]:
    """The proxies before an upstream."""
    proxy = (sys.executable, "-m", "mockserver", "proxy", "--upstream", upstream, "--port", "{port}")
    quiet = ("--log-level", "warning")
    os.environ["BENCH_UPSTREAM"] = upstream
    plain = (sys.executable, "-m", "uvicorn", "benchmarks.reverse:app", "--port", "{port}", "--no-access-log")
    return [
        Subject(CHECKED, (*proxy, *quiet, "datagrid")),
        Subject(UNCHECKED, (*proxy, *quiet)),
        Subject(PLAIN, plain),
    ]


def measure(load: Load, seconds: int, rounds: int, folder: Path) -> dict[str, list[Sample]]:
    """Every proxy, in turns."""
    core, other = places()
    bare = (sys.executable, "-m", "uvicorn", "benchmarks.bare:fast", "--port", "{port}", "--no-access-log")
    samples: dict[str, list[Sample]] = {}
    with Server(Subject("upstream", bare), folder, other) as upstream:
        for _ in range(20):
            upstream.call(POST.method, "/v1" + POST.path, POST.body)
        chosen = subjects(f"http://127.0.0.1:{upstream.port}")
        for _ in range(rounds):
            for subject in chosen:
                with Server(subject, folder, core) as server:
                    check(server, load)
                    put(server, load, max(1, seconds // 3), other)
                    samples.setdefault(subject.name, []).append(put(server, load, seconds, other))
    return samples


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    seconds, rounds = (1, 1) if options.quick else (options.seconds, options.rounds)
    told: dict[str, object] = {"machine": describe()}
    with tempfile.TemporaryDirectory() as folder:
        for load in (GET_20, POST):
            samples = measure(load, seconds, rounds, Path(folder))
            told[load.name] = {name: [sample.as_json() for sample in found] for name, found in samples.items()}
            show(load, samples)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2))


def show(load: Load, samples: dict[str, list[Sample]]) -> None:
    """A table for a person."""
    print(f"\n{load.title}\n{'':32}{'req/s':>10}{'p50 ms':>10}{'CPU µs':>10}{'÷ plain':>10}{'by CPU':>10}{'wrong':>8}")
    plain = samples[PLAIN]
    for name, found in samples.items():
        cpus = [sample.cpu_us or 0.0 for sample in found]
        ratio = median(one.rate / two.rate for one, two in zip(found, plain, strict=True))
        by_cpu = median((two.cpu_us or 0.0) / (one.cpu_us or 1.0) for one, two in zip(found, plain, strict=True))
        figures = f"{median(sample.rate for sample in found):>10,.0f}{median(s.p50_ms for s in found):>10.2f}"
        print(f"{name:32}{figures}{median(cpus):>10.0f}{ratio:>10.2f}{by_cpu:>10.2f}{sum(s.wrong for s in found):>8}")


if __name__ == "__main__":
    main()
