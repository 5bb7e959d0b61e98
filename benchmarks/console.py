"""How long an open console holds the event loop, panel by panel: one new exchange among 10,000, and the opening itself.

`python -m benchmarks.console [--json FILE] [--quick]`. A real server, and Debian's Chromium with the console. Measured
is the longest piece of work of the loop between two turns, in processor time of its own thread: what else the machine
does counts little. It is told for each panel with the exchange itself and everything that the page then asks. `waited`
is the longest that another client waits for a small answer while the panel is opened, in real time: the browser, the
client and the server share the machine, so the first line says what is to be taken off.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import orjson
from playwright.sync_api import Page, sync_playwright

from mockserver.messages import Limit
from mockserver.server.app import create_app
from mockserver.server.run import spare_the_collector
from mockserver.server.thread import Served, serve_in_thread
from mockserver.settings import Settings

ENTRIES = 10_000
LIMIT_MS = 5.0
"""Target: a new exchange keeps the loop no longer."""
REPEATS = 15
SETTLE_SECONDS = 0.6
"""After this time every panel has asked for what a new exchange made it ask for: they wait 300 ms at most."""
PAUSE = 0.005
"""Seconds that the other client leaves between two questions."""
KEY = {"authorization": "Bearer k"}
WRITE = {"x-mockserver-admin": "1"}
PATH = "/v1/user-memories"
SCENARIO = {
    "version": 1,
    "name": "never",
    "api": "datagrid",
    "rules": [
        {
            "id": "never",
            "op": "Memory.createUserMemory",
            "when": {"body": {"agent_id": "nobody"}},
            "reply": {"out_of_credits": {}},
        }
    ],
    "expect": [{"retries": "honour_retry_after"}],
}
"""A rule that never acts, whose near miss is looked for in all of the journal, and an expectation of all of it."""


class Others:
    """Asks a server again and again, and notes the longest wait: what another client feels, threads and all."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url)
        self._thread = threading.Thread(target=self._ask)
        self._is_over = False
        self.longest = 0.0

    def _ask(self) -> None:
        while not self._is_over:
            begun = time.perf_counter()
            self._client.get("/__admin/health")
            self.longest = max(self.longest, time.perf_counter() - begun)
            time.sleep(PAUSE)

    def __enter__(self) -> Others:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._is_over = True
        self._thread.join()
        self._client.close()


class Probe:
    """Goes round with a server's loop and notes the longest time between two turns."""

    def __init__(self, served: Served) -> None:
        self.longest = 0.0
        loop = served.server.servers[0].get_loop()
        self._turning = asyncio.run_coroutine_threadsafe(self._turn(), loop)

    async def _turn(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest = max(self.longest, now - before)
            before = time.thread_time()

    def during(self, act: Any) -> float:
        """The longest milliseconds while something is done and its consequences come."""
        self.longest = 0.0
        act()
        time.sleep(SETTLE_SECONDS)
        return self.longest * 1000

    def end(self) -> None:
        """Stop going round."""
        self._turning.cancel()


def measure(served: Served, page: Page | None, repeats: int, entries: int) -> dict[str, dict[str, float]]:
    """Milliseconds for each panel: the median and the longest of new exchanges, and the opening."""
    client = httpx.Client(base_url=served.url, headers=KEY)
    client.put("/__admin/sandboxes/default/scenario", json=SCENARIO, headers=WRITE).raise_for_status()
    for number in range(entries):
        client.post(PATH, json={"agent_id": "a", "memory": f"fact {number}"})
    probe, figures = Probe(served), {}

    def exchange() -> None:
        client.post(PATH, json={"agent_id": "a", "memory": "news"})

    def noted(name: str, opening: float, waited: float) -> None:
        times = [probe.during(exchange) for _ in range(repeats)]
        figures[name] = {"median": median(times), "longest": max(times), "opening": opening, "waited": waited}

    with Others(served.url) as others:
        time.sleep(SETTLE_SECONDS)
    noted("no console", 0.0, others.longest * 1000)
    if page is not None:
        base = f"{served.url}/__console/"
        page.goto(f"{base}#/default/exchanges")
        links = [link.get_attribute("href") for link in page.locator("#panels a").all()]
        for place in [*links, f"#/default/exchanges/{entries}"]:
            page.goto("about:blank")

            def opened(place: str = place) -> None:
                page.goto(f"{base}{place}")
                page.locator(".panel h1").wait_for()

            opening = probe.during(opened)
            page.goto("about:blank")
            with Others(served.url) as others:
                opened()
                time.sleep(SETTLE_SECONDS)
            noted(place.removeprefix("#/default/"), opening, others.longest * 1000)
    probe.end()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="show that it runs; the figures say little")
    arguments = parser.parse_args()
    browser_path = shutil.which("chromium")
    if browser_path is None:
        sys.exit("there is no chromium; install Debian's package of that name")
    settings = Settings(credits=10**12, rate_limit=Limit(100_000_000, 60.0), log_level="warning")
    entries, repeats = (500, 3) if arguments.quick else (ENTRIES, REPEATS)
    spare_the_collector()  # as `mockserver serve` does
    with serve_in_thread(create_app(settings)) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        figures = measure(served, page, repeats, entries)
        browser.close()
    titles = "".join(f"{title:>9}" for title in ("median", "longest", "opening", "waited"))
    print(f"{'ms that the loop is held':<28}{titles}   {entries:,} exchanges")
    for name, row in figures.items():
        print(f"{name:<28}" + "".join(f"{row[key]:9.2f}" for key in ("median", "longest", "opening", "waited")))
    worst = max(row["median"] for row in figures.values())
    print(f"target: one new exchange below {LIMIT_MS:g} ms: {'met' if worst < LIMIT_MS else 'MISSED'}")
    if arguments.json:
        arguments.json.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
