"""What a long journal costs on the event loop: one new exchange on a stream, a page of one entry, and queries.

`python -m benchmarks.journal [--json FILE]`, with the default store, and with Redis where there is a redis-server. The
yardstick is decoding and annotating the whole journal.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks.data import KEY, PATH
from benchmarks.inside import pipeline, post
from mockserver.admin.journal import JournalReader
from mockserver.clock import monotonic
from mockserver.journal import verify
from mockserver.journal.entries import decode_all
from mockserver.journal.retries import annotate
from mockserver.messages import Request
from mockserver.settings import DEFAULTS
from mockserver.text.ranges import parse_range
from tests.redis_server import RedisServer

ENTRIES = 10_000
LIMIT_MS = 2.0
"""Target: a new exchange keeps the loop no longer."""
REPEATS = 50
MEMORY = "in memory"
RARE = 1000
"""One exchange in so many is a deletion of nothing, which the queries look for."""
LEAST_RATIO = 100.0
"""Target: a query for a thousandth of the entries takes a hundredth of the time for all of them."""


QUERY = "GET journal?status=404, a thousandth of the entries"
VERIFY = "verify a thousandth of the entries"
DELETION = "Memory.deleteUserMemory"


def deletion() -> Request:
    """A deletion of what is not there."""
    return Request("DELETE", f"{PATH}/nothing", headers={"host": "localhost", "authorization": KEY})


def milliseconds(call: Callable[[], Any], repeats: int) -> float:
    """The median time of a call."""
    times = []
    gc.disable()
    for _ in range(repeats):
        start = monotonic()
        call()
        times.append((monotonic() - start) * 1000)
    gc.enable()
    return median(times)


def measure(state: str = DEFAULTS.state) -> dict[str, float]:
    """Milliseconds for each way to look at the journal; `state` is where it is kept."""
    world = pipeline(state)
    for n in range(ENTRIES):
        world.exchange(post(b'{"agent_id":"a","memory":"%d"}' % n) if n % RARE != RARE // 2 else deletion())
    store, reader = world.sandbox.store, JournalReader()

    def news() -> None:
        world.exchange(post(b'{"agent_id":"a","memory":"same"}'))
        assert len(reader.news(store, store.journal_count() - 1)) == 1

    def first() -> None:
        assert len(JournalReader().news(store, store.journal_count() - 1)) == 1

    def queried() -> None:
        _, total = reader.page(store, {"limit": 100, "status": 404})
        assert total == ENTRIES // RARE

    def verified() -> None:
        criteria = verify.parse_criteria({"operation": DELETION, "status": 404})
        found = world.sandbox.world.exchanges_with(criteria.may_match)
        assert verify.verify(found, criteria, parse_range(ENTRIES // RARE)).ok

    return {
        "everything decoded and annotated": milliseconds(lambda: annotate(decode_all(store.entries())), 5),
        "first look of a stream (once)": milliseconds(first, 5),
        "one new exchange on a stream, the exchange included": milliseconds(news, REPEATS),
        "GET journal?limit=1": milliseconds(lambda: reader.page(store, {"limit": 1}), REPEATS),
        "GET journal?limit=100": milliseconds(lambda: reader.page(store, {"limit": 100}), REPEATS),
        QUERY: milliseconds(queried, REPEATS),
        VERIFY: milliseconds(verified, REPEATS),
        "GET journal?text=nothing, which reads every entry": milliseconds(
            lambda: reader.page(store, {"limit": 100, "text": "nothing"}), 5
        ),
    }


def report(name: str, figures: dict[str, float]) -> None:
    """Print the figures of one store, and what they show."""
    print(f"\n{name}")
    whole = figures["everything decoded and annotated"]
    for what, figure in figures.items():
        print(f"{figure:9.3f} ms  {whole / figure:8.1f} x less  {what}")
    if name == MEMORY:  # with a shared store, threads do this
        worst = figures["one new exchange on a stream, the exchange included"]
        print(f"target: one new exchange below {LIMIT_MS:g} ms: {'met' if worst < LIMIT_MS else 'MISSED'}")
    for query in (QUERY, VERIFY):
        is_met = whole / figures[query] >= LEAST_RATIO
        print(f"target: {query}: {LEAST_RATIO:g} x less: {'met' if is_met else 'MISSED'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    found = {"memory": measure()}
    report(MEMORY, found["memory"])
    if RedisServer.is_installed():
        with RedisServer() as redis:
            found["redis"] = measure(redis.url)
        report("in Redis", found["redis"])
    if arguments.json:
        arguments.json.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
