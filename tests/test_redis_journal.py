"""Queries of a journal in Redis: the index finds what the one in memory finds, and goes with the entries."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_shared import replicas, send  # noqa: F401 (a fixture)
from test_store import redis_stores

from mockserver.admin.journal import JournalReader
from mockserver.journal import verify
from mockserver.messages import Traits
from mockserver.state.memory import MemoryStore
from mockserver.state.redis import store
from mockserver.state.redis.store import RedisStore
from mockserver.state.store import NO_TRAITS

START = NO_TRAITS[3:]
kinds = st.builds(
    lambda operation, status, rule: (operation, status, rule, *START),
    st.sampled_from(["list", "create", "größe", "half \ud800 a pair"]),
    st.sampled_from([200, 404]),
    st.sampled_from(["", "rule-1"]),
)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("append"), kinds, st.integers(0, 40)),
        st.tuples(st.just("append"), kinds, st.integers(0, 40)),
        st.tuples(st.just("clear")),
        st.tuples(st.just("find"), kinds, st.integers(0, 12)),
    ),
    max_size=30,
)


def found(kept: MemoryStore | RedisStore, traits: Traits, after: int) -> list[object]:
    return [
        kept.find(lambda known: known == traits, after),
        kept.find(lambda known: known[1] == traits[1], after),
        kept.find(lambda known: known[0] in (traits[0], "list"), after),
        kept.find(lambda known: True),
        kept.find(lambda known: False),
        sorted(kept.kinds()),
    ]


@given(deeds)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_found_is_what_the_journal_in_memory_finds(redis_server, done):
    bounds = {"journal_size": 6, "journal_bytes": 6 * 64 + 100}
    memory, shared = MemoryStore(0, **bounds), redis_stores(redis_server)(0, **bounds)
    for what, *how in done:
        if what == "append":
            traits, size = how
            assert memory.append(bytes(size), traits=traits) == shared.append(bytes(size), traits=traits)
        elif what == "clear":
            memory.clear_journal()
            shared.clear_journal()
        else:
            assert found(memory, *how) == found(shared, *how)
    assert memory.entries() == shared.entries()
    index = shared._redis.call("ZRANGE", f"{shared.world}index", 0, -1)
    assert sorted(map(int, index)) == [number for number, _ in shared.entries()], "it has no other numbers"


@pytest.fixture
def pair(replicas):  # noqa: F811
    """Two replicas that have answered the same mixture of requests."""
    one, other = replicas(2)
    for n in range(24):
        pipeline = (one, other)[n % 2]
        if n % 4 == 0:
            send(pipeline, "DELETE", "/v1/user-memories/nothing")
        elif n % 4 == 1:
            send(pipeline, body={"agent_id": 1})
        else:
            send(pipeline, *(("GET",) if n % 3 else ("POST",)))
    return one, other


@pytest.mark.parametrize(
    "query",
    [
        {"status": 404},
        {"operation": "Memory.listUserMemory"},
        {"side": "client"},
        {"stage": "validation"},
        {"status": 404, "after": 5},
        {"status": 404, "before": 9},
        {"operation": "Memory.listUserMemory", "text": "VALIDATION"},
        {"rule": "none"},
    ],
)
def test_a_filter_shows_the_same_entries_as_a_look_at_all(pair, query):
    _, other = pair
    kept, reader = other.sandbox.store, JournalReader()
    shown, total = reader.page(kept, {"limit": 100, **query})
    every, _ = reader.page(kept, {"limit": 100})
    text = query.get("text", "").lower()
    wanted = [
        entry["number"]
        for entry in every
        if query.get("status", entry["status"]) == entry["status"]
        and query.get("operation", entry["operation"]) == entry["operation"]
        and query.get("stage", entry["stage"]) == entry["stage"]
        and ("side" not in query or query["side"] in {violation["side"] for violation in entry["violations"]})
        and ("rule" not in query or entry["rule"] == query["rule"])
        and query.get("after", 0) < entry["number"] < query.get("before", 100)
        and text in orjson.dumps(entry).decode().lower()
    ]
    assert ([entry["number"] for entry in shown], total) == (wanted, len(wanted))


def test_a_verify_reads_only_what_may_match(pair, monkeypatch):
    _, other = pair
    world = other.sandbox.world
    read: list[int] = []
    entries_of = RedisStore.entries_of
    monkeypatch.setattr(RedisStore, "entries", None)
    monkeypatch.setattr(
        RedisStore, "entries_of", lambda self, numbers: read.extend(numbers) or entries_of(self, numbers)
    )
    criteria = verify.parse_criteria({"operation": "Memory.deleteUserMemory"})
    exchanges = world.exchanges_with(criteria.may_match)
    assert read == [exchange.number for exchange in exchanges] == [1, 5, 9, 13, 17, 21]


def test_a_long_journal_is_read_in_pieces(redis_server, monkeypatch):
    monkeypatch.setattr(store, "PIECE", 3)
    shared = redis_stores(redis_server)(0)
    for n in range(1, 8):
        shared.append(b"%d" % n)
    every = [(n, b"%d" % n) for n in range(1, 8)]
    for after in range(9):
        for limit in range(9):
            wanted = every[after : after + limit] if limit else every[after:]
            assert shared.entries(after, limit) == wanted
    assert shared.entries_of(range(8)) == every
