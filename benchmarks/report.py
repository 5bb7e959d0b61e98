"""Medians, ratios and targets of HTTP benchmarks; a table for a person, JSON for a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.load import Sample

LOUD = "mockserver"
"""mockserver as it is by default: a line of log for every request, to a file."""
QUIET = "mockserver, quiet"
"""mockserver with `--log-level warning`."""


@dataclass
class Result:
    """One load on several servers; sample `i` of each was taken in the same round."""

    name: str
    title: str
    samples: dict[str, list[Sample]]
    sizes: dict[str, int]
    """Bytes of a reply's body."""
    problems: list[str]
    """Servers that failed to start or answered wrongly, and why."""

    def ratio(self, ours: str, theirs: str) -> float | None:
        """Requests per second of one over those of another: the median of the rounds' ratios."""
        mine, other = self.samples.get(ours), self.samples.get(theirs)
        return median(a.rate / b.rate for a, b in zip(mine, other, strict=True)) if mine and other else None

    def cpu_ratio(self, ours: str, theirs: str) -> float | None:
        """How many requests one serves with the CPU time that another needs for one: median of the rounds."""
        mine, other = self.samples.get(ours), self.samples.get(theirs)
        if not mine or not other:
            return None
        pairs = [(a.cpu_us, b.cpu_us) for a, b in zip(mine, other, strict=True)]
        ratios = [b / a for a, b in pairs if a and b]
        return median(ratios) if ratios else None

    def medians(self, name: str) -> dict[str, float | None]:
        """The medians of a server's figures."""
        samples = self.samples[name]
        cpu = [sample.cpu_us for sample in samples if sample.cpu_us is not None]
        shares = [sample.cpu_us * sample.rate / 1e4 for sample in samples if sample.cpu_us is not None]
        return {
            "rate": median(sample.rate for sample in samples),
            "cpu_us": median(cpu) if cpu else None,
            "core_percent": median(shares) if shares else None,
            "p50_ms": median(sample.p50_ms for sample in samples),
            "p99_ms": median(sample.p99_ms for sample in samples),
            "wrong": sum(sample.wrong for sample in samples),
            "reply_bytes": self.sizes[name],
        }


@dataclass(frozen=True)
class Target:
    """What has to hold. A server that logs every request is compared with one that does."""

    load: str
    limit: float
    over: str = ""
    """The server that ours is divided by; "" for the p99 latency in milliseconds, which must stay below."""
    ours: str = QUIET

    def __str__(self) -> str:
        return f"{self.load}: {self.ours} ÷ {self.over}" if self.over else f"{self.load}: p99 in ms, {self.ours}"

    def measured(self, result: Result) -> float | None:
        """The figure, or None when one of the servers is missing."""
        if self.over:
            return result.ratio(self.ours, self.over)
        return result.medians(self.ours)["p99_ms"] if self.ours in result.samples else None

    def met(self, figure: float) -> bool:
        """Whether a figure is good enough."""
        return figure >= self.limit if self.over else figure <= self.limit


TARGETS = (
    Target("post", 1.2, "Starlette"),
    Target("post", 0.9, "Starlette + orjson"),
    Target("post", 3, "FastAPI"),
    Target("post", 8, "Prism", LOUD),
    Target("post", 2.5, "Steady", LOUD),
    Target("post", 1.5, "WireMock"),
    Target("post", 15, ours=LOUD),
    Target("get-20", 1.5, "Starlette"),
    Target("get-20", 0.9, "Starlette + orjson"),
    Target("get-20", 3, "FastAPI"),
    Target("get-20", 5, "Prism", LOUD),
    Target("get-20", 1.5, "WireMock"),
    Target("rejected", 3, "FastAPI"),
    Target("scenario", 0.7, QUIET, "mockserver, 20 rules"),
    Target("deep-page", 0.9, "mockserver, 1,000 rows", "mockserver, 100,000 rows"),
)


def judged(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every target of the loads that were run: what was wanted, measured, and whether it is met."""
    found = []
    for target in TARGETS:
        for result in results:
            if result.name == target.load:
                figure = target.measured(result)
                met = None if figure is None else target.met(figure)
                cpu = result.cpu_ratio(target.ours, target.over) if target.over else None
                found.append(
                    {"target": str(target), "wanted": target.limit, "measured": figure, "cpu_ratio": cpu, "met": met}
                )
    return found


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Every round's figures, the medians, the ratios and the targets."""
    loads = {}
    for result in results:
        loads[result.name] = {
            "title": result.title,
            "problems": result.problems,
            "servers": {
                name: {"medians": result.medians(name), "rounds": [sample.as_json() for sample in samples]}
                for name, samples in result.samples.items()
            },
            "ratios": {
                f"{ours} ÷ {name}": {"rate": result.ratio(ours, name), "cpu": result.cpu_ratio(ours, name)}
                for ours in result.samples
                if ours.startswith("mockserver")
                for name in result.samples
                if name != ours
            },
        }
    return {"loads": loads, "targets": judged(results)}


def print_result(result: Result) -> None:
    """The table of one load."""
    ours = [name for name in (LOUD, QUIET) if name in result.samples]
    heads = ["req/s", "CPU µs", "core %", "p50 ms", "p99 ms", "bytes", "wrong"]
    heads += ["default ÷" if name == LOUD else "quiet ÷" for name in ours]
    print(f"\n{result.title}\n{'':<25}" + "".join(f"{head:>10}" for head in heads))
    for name in result.samples:
        row = result.medians(name)
        cells = [
            f"{row['rate']:,.0f}",
            number(row["cpu_us"], 1),
            number(row["core_percent"]),
            number(row["p50_ms"], 2),
            number(row["p99_ms"], 2),
            number(row["reply_bytes"]),
            number(row["wrong"]),
            *(number(None if own == name else result.ratio(own, name), 2) for own in ours),
        ]
        print(f"{name:<25}" + "".join(f"{cell:>10}" for cell in cells))
    for problem in result.problems:
        print(problem)


def print_targets(results: Sequence[Result]) -> None:
    """The table of the targets."""
    print(f"\n{'targets':<60}{'wanted':>10}{'measured':>10}{'by CPU':>10}  met")
    for row in judged(results):
        wanted = f"{'≥' if '÷' in row['target'] else '≤'} {row['wanted']:g}"
        met = {True: "yes", False: "NO", None: "not measured"}[row["met"]]
        figures = f"{wanted:>10}{number(row['measured'], 2):>10}{number(row['cpu_ratio'], 2):>10}"
        print(f"{row['target']:<60}{figures}  {met}")


def number(value: float | None, places: int = 0) -> str:
    """A figure for a table; `-` when there is none."""
    return "-" if value is None else f"{value:,.{places}f}"
