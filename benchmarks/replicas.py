"""Three processes on one Redis, many clients through a round-robin: does everything add up?

Every response is compared with what the store holds at the end: rows, ids, credits, and how many requests any
sliding window admitted.
"""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson

from benchmarks import machine
from benchmarks.client import Connection, wire
from benchmarks.data import BODY, INCOMPLETE, PATH
from benchmarks.servers import Server, mockserver
from mockserver.journal import entries as journal
from mockserver.messages import Exchange
from mockserver.state.redis.connection import Connection as Redis
from mockserver.state.redis.store import RedisStore
from tests.redis_server import RedisServer

REPLICAS = 3
CLIENTS = 64
TEAMS = ("", "north", "south", "east")
CREDITS = 9_000
LIMIT, WINDOW = 3_000, 60
"""Requests that a window admits, and its seconds."""


class Traffic:
    """What the clients did, and what they were told."""

    def __init__(self, ports: list[int], requests: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.created: dict[str, str] = {}
        """Team by id."""
        self.twice: list[str] = []
        self.deleted: set[str] = set()
        self.consumed = 0
        self.least = float("inf")
        """The least balance that anybody was told."""
        self._ports = ports
        self._left = self._all = requests

    async def client(self, number: int) -> None:
        """Do a mixture of things, each request at the next replica."""
        draws = random.Random(number)
        connections = [Connection(port) for port in self._ports]
        own: dict[str, list[str]] = {team: [] for team in TEAMS}
        turn = number
        while self._left > 0:
            self._left -= 1
            turn += 1
            machine.progress(f"replicas: {self._all - self._left:,} of {self._all:,} requests")
            team, what = draws.choice(TEAMS), draws.random()
            headers = [f"Datagrid-Teamspace: {team}"] if team else []
            if what < 0.15 and own[team]:
                id = own[team].pop(draws.randrange(len(own[team])))
                request = wire("DELETE", f"{PATH}/{id}", None, *headers)
            elif what < 0.65:
                id, request = "", wire("POST", PATH, BODY if what < 0.63 else INCOMPLETE, *headers)
            elif what < 0.95:
                id, request = "", wire("GET", f"{PATH}?limit=20&offset={draws.randrange(50)}", None, *headers)
            else:
                id, request = "", wire("GET", "/v1/organization/credits", None, *headers)
            status, body = await connections[turn % len(connections)].exchange(request)
            self.statuses[status] += 1
            if status == 204:
                self.deleted.add(id)
            elif id:
                own[team].append(id)  # it was throttled, and is still there
            elif status == 201:
                made = orjson.loads(body)
                if made["id"] in self.created:
                    self.twice.append(made["id"])
                self.created[made["id"]] = team
                self.consumed += made["credits"]["consumed"]
                own[team].append(made["id"])
            elif status == 200 and b'"remaining"' in body:
                self.least = min(self.least, orjson.loads(body)["remaining"])
        for connection in connections:
            connection.close()


def most_in_a_window(exchanges: list[Exchange]) -> int:
    """The most requests that any window of an operation and a team admitted in any WINDOW seconds."""
    admitted: dict[tuple[str, str], list[float]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.status != 429:
            team = exchange.request.headers.get("datagrid-teamspace", "")
            admitted[exchange.operation, team].append(exchange.at)
    most = 0
    for times in admitted.values():
        times.sort()
        most = max(most, *(bisect_left(times, at + WINDOW) - place for place, at in enumerate(times)))
    return most


def run(requests: int, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what did not add up."""
    with RedisServer() as redis:
        options = ("--state", redis.url, "--credits", str(CREDITS), "--rate-limit", f"{LIMIT}/{WINDOW}s")
        more = ("--log-level", "warning", "--journal-size", str(2 * requests), "--journal-bytes", str(2**30))
        servers = [Server(mockserver(f"replica {n}", *options, *more), folder) for n in range(REPLICAS)]
        for server in servers:
            server.__enter__()
        try:
            traffic = Traffic([server.port for server in servers], requests)
            began = time.monotonic()

            async def everybody() -> None:
                await asyncio.gather(*(traffic.client(number) for number in range(CLIENTS)))

            asyncio.run(everybody())
            seconds = time.monotonic() - began
        finally:
            for server in servers:
                server.__exit__(None, None, None)
        machine.progress("")
        connection = Redis(redis.url)
        (world,) = connection.client.keys("{mockserver:default}*:m")
        store = RedisStore(connection, world.decode()[:-1])
        exchanges = [journal.decode(entry, number) for number, entry in store.entries()]
        snapshot = store.snapshot()
    rows = [row["id"] for part in snapshot.tables["user_memories"].values() for row in part]
    expected = set(traffic.created) - traffic.deleted
    balance = snapshot.balance
    most = most_in_a_window(exchanges)
    figures = {
        "requests": sum(traffic.statuses.values()),
        "seconds": round(seconds, 1),
        "statuses": {str(status): count for status, count in sorted(traffic.statuses.items())},
        "created": len(traffic.created),
        "deleted": len(traffic.deleted),
        "rows": len(rows),
        "consumed": balance.consumed,
        "sum_of_replies": traffic.consumed,
        "remaining": balance.remaining,
        "least_remaining_told": traffic.least,
        "limit": LIMIT,
        "most_admitted_in_a_window": most,
        "journal": len(exchanges),
    }
    wrong = [
        text
        for is_wrong, text in (
            (traffic.twice, f"{len(traffic.twice)} ids were given twice"),
            (expected - set(rows), f"{len(expected - set(rows))} rows are lost"),
            (set(rows) - expected, f"{len(set(rows) - expected)} rows came from nowhere"),
            (len(rows) != len(set(rows)), "rows are doubled"),
            (balance.consumed != traffic.consumed, "the ledger is not the sum of the replies"),
            (min(balance.remaining, traffic.least) < 0, "the balance was negative"),
            (most > LIMIT, f"a window admitted {most} requests"),
            (not {201, 402, 429, 400, 204} <= set(traffic.statuses), "not every kind of response was seen"),
            (any(status >= 500 for status in traffic.statuses), "there were responses of 500 and above"),
            (len(exchanges) < sum(traffic.statuses.values()), "the journal is not whole"),
        )
        if is_wrong
    ]
    return figures, wrong
