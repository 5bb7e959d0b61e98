"""What the pytest fixture costs: its first use, and a sandbox for each test after that.

Run it with `make bench`. The first use is measured in fresh processes, imports included; the rest as
the median of many. A bare HTTP exchange with the same server in the same run is the yardstick.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

COUNT = 1000
FIRST = """
import time
started = time.perf_counter()
from mockserver.testing.session import Session
session = Session()
session.sandbox()
print(time.perf_counter() - started)
session.close()
"""


PLUGIN = """
import time, pytest
started = time.process_time()
import mockserver.testing.pytest_plugin
print(time.process_time() - started)
"""


def plugin_import() -> float:
    """Median seconds of CPU that a session pays which has the plugin installed and does not use it."""
    runs = [
        subprocess.run([sys.executable, "-c", PLUGIN], capture_output=True, text=True, check=True) for _ in range(7)
    ]
    return median(float(run.stdout) for run in runs)


def first_use() -> float:
    """Median seconds from nothing to a sandbox, in a process of its own."""
    runs = [subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True) for _ in range(7)]
    return median(float(run.stdout) for run in runs)


def per_test() -> tuple[float, float]:
    """Median seconds of making, validating and removing a sandbox, and of one HTTP exchange."""
    import httpx

    from mockserver.testing.session import Session

    session = Session()
    costs = []
    for _ in range(COUNT):
        started = time.perf_counter()
        mock = session.sandbox()
        mock.failures()
        session.end(mock)
        costs.append(time.perf_counter() - started)
    mock = session.sandbox()
    exchanges = []
    with httpx.Client(headers={"Authorization": f"Bearer {mock.api_key}"}) as client:
        for _ in range(COUNT):
            started = time.perf_counter()
            client.get(mock.base_url("datagrid") + "/organization/credits")
            exchanges.append(time.perf_counter() - started)
    session.close()
    return median(costs), median(exchanges)


def main() -> None:
    """Print the table."""
    cost, exchange = per_test()
    print(f"{'the plugin in a session without it':<34}{plugin_import() * 1000:>9.1f} ms   (target: at most 5)")
    print(f"{'first use, imports included':<34}{first_use() * 1000:>9.1f} ms   (median of 7 processes)")
    print(f"{'per test: make, validate, remove':<34}{cost * 1000:>9.3f} ms   (median of {COUNT})")
    print(f"{'one HTTP exchange, for comparison':<34}{exchange * 1000:>9.3f} ms")


if __name__ == "__main__":
    main()
