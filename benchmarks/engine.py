"""The cost of the contract checks and of the whole pipeline in process, in microseconds a call.

`python -m benchmarks.engine [--quick] [--json FILE]`. A figure is the median of repeats, each the
mean of many calls. orjson reading and writing the same bodies in the same run is the yardstick: no
server that speaks JSON can do less.
"""

from __future__ import annotations

import argparse
import gc
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks import machine
from benchmarks.data import INCOMPLETE
from benchmarks.inside import operation, page, pipeline, post
from mockserver.messages import Request, Response

ROWS = 200
"""Memories that are there to be listed."""


@dataclass(frozen=True)
class Case:
    """One thing that is timed."""

    name: str
    call: Callable[[], Any]
    limit: float | None = None
    """Target in microseconds: not more than this."""
    calls: int = 2000
    """Calls of one repeat."""


def answered(world: Any, request: Request) -> Response:
    """The response to a request, which has to be the one that is expected of it."""
    exchange = world.exchange(request)
    assert exchange.response is not None and not exchange.defect, exchange.defect
    response: Response = exchange.response
    return response


def checks(world: Any) -> list[Case]:
    """The contract checks alone: of the request, then of the response to it."""
    create, listing = operation(world, "Memory.createUserMemory"), operation(world, "Memory.listUserMemory")
    cases = []
    for name, compiled, request, limit in (
        ("checks, POST", create, post(), 5),
        ("checks, GET 20", listing, page(20), 15),
        ("checks, GET 100", listing, page(100), 50),
    ):
        response = answered(world, request)

        def both(compiled: Any = compiled, request: Request = request, response: Response = response) -> None:
            compiled.check_request(request, {})
            compiled.check_response(response)

        assert not compiled.check_request(request, {}).violations and not compiled.check_response(response)
        cases.append(Case(name, both, limit))
    return cases


def whole(world: Any) -> list[Case]:
    """The whole pipeline, from a request to the bytes of its response and the journal."""
    requests = {"POST": post(), "GET 20": page(20), "GET 100": page(100), "rejected POST": post(INCOMPLETE)}
    expected = {"POST": 201, "rejected POST": 400}
    for name, request in requests.items():
        assert answered(world, request).status == expected.get(name, 200), name
    return [Case(f"pipeline, {name}", partial(world.exchange, request)) for name, request in requests.items()]


def yardsticks(world: Any) -> list[Case]:
    """orjson: read the request's body, if it has one, and write the reply's."""
    cases = []
    for name, request in (("POST", post()), ("GET 20", page(20)), ("GET 100", page(100))):
        reply = orjson.loads(answered(world, request).content or b"")

        def both(body: bytes = request.body, reply: Any = reply) -> None:
            if body:
                orjson.loads(body)
            orjson.dumps(reply)

        cases.append(Case(f"orjson, {name}", both))
    return cases


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 repeats in place of 25")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    asked = parser.parse_args()
    world = pipeline()
    for _ in range(ROWS):
        answered(world, post())
    cases = [*checks(world), *whole(world), *yardsticks(world)]
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    # The cases take turns, so that what else the machine does falls on all of them alike. The collector of
    # garbage is on, as in a server; timeit would switch it off.
    for _ in range(5 if asked.quick else 25):
        for case in cases:
            seconds = timeit.Timer(case.call, setup=gc.enable).timeit(case.calls)
            times[case.name].append(seconds / case.calls * 1e6)
    figures = []
    print(f"\n{'in process, µs a call':<28}{'median':>10}{'lowest':>10}{'target':>10}  met")
    for case in cases:
        middle, lowest = median(times[case.name]), min(times[case.name])
        met = None if case.limit is None else middle <= case.limit
        target, verdict = ("", "") if case.limit is None else (f"≤ {case.limit:g}", "yes" if met else "NO")
        print(f"{case.name:<28}{middle:>10.1f}{lowest:>10.1f}{target:>10}  {verdict}".rstrip())
        figure = {"name": case.name, "median_us": middle, "lowest_us": lowest, "target_us": case.limit, "met": met}
        figures.append(figure)
    if asked.json:
        report = {"machine": machine.describe(), "figures": figures, "repeats": times}
        asked.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
