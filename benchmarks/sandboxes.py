"""How long it takes to make, reset and remove a sandbox, with and without a scenario.

Run it with `make bench`. It prints medians of single operations in microseconds, and their ratio
to the same number of dictionary insertions in the same run, so that machines can be compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import load_scenario
from mockserver.settings import Settings

COUNT = 2000


def timed(action: Callable[[int], object]) -> float:
    """Median microseconds of one call."""
    found = []
    for n in range(COUNT):
        started = time.perf_counter()
        action(n)
        found.append((time.perf_counter() - started) * 1e6)
    return median(found)


def measure(pipeline: Pipeline, scenarios: list[str]) -> dict[str, float]:
    """Create, reset and delete COUNT sandboxes."""
    loaded = [load_scenario(name, pipeline.apis) for name in scenarios]
    create = timed(lambda n: pipeline.sandboxes.create(f"s{n}", loaded))
    reset = timed(lambda n: pipeline.sandboxes.get(f"s{n}").reset())
    delete = timed(lambda n: pipeline.sandboxes.delete(f"s{n}"))
    return {"create": create, "reset": reset, "delete": delete}


def main() -> None:
    """Print the table."""
    pipeline = build(Settings(max_sandboxes=COUNT + 1))
    things: dict[int, dict[int, int]] = {}
    unit = timed(lambda n: things.__setitem__(n, {n: n}))
    print(f"{'':<28}{'create':>10}{'reset':>10}{'delete':>10}   median µs of {COUNT}")
    for name, scenarios in (("no scenario", []), ("third-call-throttled", ["third-call-throttled"])):
        row = measure(pipeline, scenarios)
        print(f"{name:<28}" + "".join(f"{row[key]:>10.1f}" for key in ("create", "reset", "delete")))
    print(f"{'a dictionary insertion':<28}{unit:>10.2f}")


if __name__ == "__main__":
    main()
