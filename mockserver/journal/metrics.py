"""Figures of the process for Prometheus: requests, violations, latency, refusals, connections.

A `Metrics` object counts in one process; `merged` adds up what several of them say, and `render` writes it in
the text format 0.0.4. No label holds what a client chose: operations and rules come from loaded documents.
"""

from __future__ import annotations

import platform
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from mockserver.messages import JSON, Exchange
from mockserver.version import __version__

BUCKETS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds."""
MAX_SERIES = 5000
"""Combinations of API, operation, status and rule that are told apart; further rules are `(other)`."""
GAUGES: dict[str, tuple[str, Callable[[Iterable[float]], float]]] = {
    "open_connections": ("Connections that are open.", sum),
    "sandboxes": ("Sandboxes.", max),
    "store_problems": ("What is wrong with the shared store; /__admin/ready says it.", max),
}
"""What is read when it is asked for: its meaning, and how the figures of several processes are joined."""

_Key = tuple[str, str, int, str]


class Metrics:
    """Counts what one process does. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[_Key, list[float]] = {}
        """By API, operation, status and rule: how many were in each bucket, in none, and their seconds together."""
        self._violations: Counter[str] = Counter()
        self._refused: Counter[int] = Counter()
        self._gauges: dict[str, Callable[[], float]] = {}
        self.group: Callable[[JSON], list[JSON]] = lambda own: [own]
        """The figures of all the processes that are one server, given those of this one."""

    def record(self, exchange: Exchange) -> None:
        """Count an exchange."""
        response, duration = exchange.response, exchange.duration
        key = exchange.api, exchange.operation, response.status if response is not None else 0, exchange.rule
        self._lock.acquire()  # half the instructions of `with`, which counts where every request comes by
        try:
            cell = self._requests.get(key) or self._cell(key)
            cell[bisect_left(BUCKETS, duration)] += 1
            cell[-1] += duration
            if exchange.violations:
                self._violations.update(violation.side for violation in exchange.violations)
        finally:
            self._lock.release()

    def refused(self, status: int) -> None:
        """Count a request that got no further than the socket."""
        with self._lock:
            self._refused[status] += 1

    def watch(self, name: str, read: Callable[[], float]) -> None:
        """Have one of GAUGES read."""
        self._gauges[name] = read

    def as_json(self) -> JSON:
        """All figures of this process, for `merged` and `render`."""
        gauges = {name: read() for name, read in self._gauges.items()}
        with self._lock:
            return {
                "requests": [[*key, list(cell)] for key, cell in self._requests.items()],
                "violations": dict(self._violations),
                "refused": {str(status): count for status, count in self._refused.items()},
                "gauges": gauges,
            }

    def text(self) -> str:
        """All figures of the server for Prometheus."""
        return render(merged(self.group(self.as_json())))

    def _cell(self, key: _Key) -> list[float]:
        if len(self._requests) >= MAX_SERIES:
            key = (*key[:3], "(other)")
        return self._requests.setdefault(key, [0] * (len(BUCKETS) + 2))


def merged(figures: Iterable[JSON]) -> JSON:
    """The figures of several processes as those of one."""
    requests: dict[Any, list[float]] = {}
    counters: dict[str, Counter[str]] = {"violations": Counter(), "refused": Counter()}
    gauges: dict[str, list[float]] = {}
    for one in figures:
        for *key, cell in one["requests"]:
            known = requests.get(tuple(key))
            requests[tuple(key)] = cell if known is None else [a + b for a, b in zip(known, cell, strict=True)]
        for name, counter in counters.items():
            counter.update(one[name])
        for name, value in one["gauges"].items():
            gauges.setdefault(name, []).append(value)
    return {
        "requests": [[*key, cell] for key, cell in requests.items()],
        **{name: dict(counter) for name, counter in counters.items()},
        "gauges": {name: GAUGES[name][1](values) for name, values in gauges.items()},
    }


def render(figures: JSON) -> str:
    """Figures in the text format of Prometheus."""
    rows = sorted(figures["requests"])
    lines = _head("requests_total", "counter", "Requests answered.")
    operations: dict[tuple[str, str], list[float]] = {}
    for api, operation, status, rule, cell in rows:
        lines.append(_line("requests_total", sum(cell[:-1]), api=api, operation=operation, status=status, rule=rule))
        known = operations.get((api, operation))
        operations[api, operation] = cell if known is None else [a + b for a, b in zip(known, cell, strict=True)]
    lines += _head("request_duration_seconds", "histogram", "Seconds that answering took, without deliberate delays.")
    for (api, operation), cell in operations.items():
        total = 0.0
        for bound, count in zip((*BUCKETS, "+Inf"), cell, strict=False):
            total += count
            lines.append(_line("request_duration_seconds_bucket", total, api=api, operation=operation, le=bound))
        lines.append(_line("request_duration_seconds_sum", cell[-1], api=api, operation=operation))
        lines.append(_line("request_duration_seconds_count", total, api=api, operation=operation))
    lines += _head("violations_total", "counter", "Breaches of the contract, by the side that made them.")
    lines += [_line("violations_total", count, side=side) for side, count in sorted(figures["violations"].items())]
    lines += _head("refused_total", "counter", "Requests that got no further than the socket.")
    lines += [_line("refused_total", count, status=status) for status, count in sorted(figures["refused"].items())]
    for name, value in figures["gauges"].items():
        lines += [*_head(name, "gauge", GAUGES[name][0]), _line(name, value)]
    lines += _head("build_info", "gauge", "The version that runs.")
    lines += [_line("build_info", 1, version=__version__, python=platform.python_version()), ""]
    return "\n".join(lines)


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP mockserver_{name} {text}", f"# TYPE mockserver_{name} {kind}"]


def _line(name: str, value: float, **labels: object) -> str:
    given = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
    braced = f"{{{given}}}" if given else ""
    return f"mockserver_{name}{braced} {int(value) if float(value).is_integer() else value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
