"""Every store against a model: rows and pages, credits, counters, windows, the journal, and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis_server import RedisServer

from mockserver.errors import Problem
from mockserver.messages import Balance, Write
from mockserver.state.ledger import ensure
from mockserver.state.memory import MemoryStore
from mockserver.state.redis.connection import Connection
from mockserver.state.redis.store import RedisStore
from mockserver.state.store import Snapshot, Store

Make = Callable[..., Store]
_worlds = count()


def redis_stores(server: RedisServer) -> Make:
    """Makes stores in Redis, as a sandbox that begins does."""
    connection = Connection(f"{server.url}?prefix=test_store")

    def make(credits: float, **bounds: int) -> Store:
        store = RedisStore(connection, f"{{test_store}}{next(_worlds)}:", **bounds)
        connection.run("begin", store.keys[:1], "0.0", "1.0", repr(credits), 3600)
        return store

    return make


@pytest.fixture(params=["memory", "redis"])
def make_store(request: pytest.FixtureRequest) -> Make:
    """Makes stores of one kind."""
    return MemoryStore if request.param == "memory" else redis_stores(request.getfixturevalue("redis_server"))


ids = st.sampled_from([f"id{i}" for i in range(8)])


class RowsMachine(RuleBasedStateMachine):
    """Rows of two partitions, compared with plain lists."""

    def __init__(self, make):
        super().__init__()
        self.store = make(0)
        self.model = {"a": [], "b": []}  # newest first: (id, row)
        self.count = 0

    def read(self, id, partition):
        return self.store.get("t", id, partition)

    @rule(
        some=st.lists(st.tuples(ids, st.booleans()), unique_by=lambda pair: pair[0], max_size=3),
        part=st.sampled_from("ab"),
    )
    def commit(self, some, part):
        writes = []
        for id, kept in some:
            self.count += 1
            was = self.read(id, part)
            row = {"id": id, "n": self.count} if kept or was is None else None
            writes.append(Write("t", id, row, was, part))
        assert self.store.commit(writes) == "done"
        rows = self.model[part]
        for write in writes:
            places = [place for place, (known, _) in enumerate(rows) if known == write.id]
            if write.row is None:
                del rows[places[0]]
            elif places:
                rows[places[0]] = (write.id, write.row)
            else:
                rows.insert(0, (write.id, write.row))

    @rule(id=ids, other=ids, part=st.sampled_from("ab"), gone=st.booleans())
    def commit_what_another_changed(self, id, other, part, gone):
        """A write for a row that is no longer the same undoes the whole commit."""
        was = None if gone else {"id": id, "n": 0}
        if was is None and self.read(id, part) is None:
            return
        writes = [Write("t", other, {"id": other}, self.read(other, part), part)] if other != id else []
        assert self.store.commit([*writes, Write("t", id, {"id": id, "n": -1}, was, part)]) == "changed"

    @rule(offset=st.integers(0, 10), limit=st.integers(1, 4), partition=st.sampled_from("ab"))
    def page(self, offset, limit, partition):
        page = self.store.page("t", offset, limit, partition)
        rows = [row for _, row in self.model[partition]]
        assert page.rows == rows[offset : offset + limit]
        assert page.total == len(rows)

    @invariant()
    def all_rows(self):
        for partition, pairs in self.model.items():
            assert self.store.rows("t", partition) == [row for _, row in pairs]
            for id, row in pairs:
                assert self.store.get("t", id, partition) == row


def test_rows_and_pages(make_store):
    settings = hypothesis_settings(max_examples=40, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(lambda: RowsMachine(make_store), settings=settings)


@given(data=st.data())
@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis_answers_as_memory_does(redis_server, data):
    """Windows, credits and counters: the same calls in the same order have the same results."""
    one, other = MemoryStore(30), redis_stores(redis_server)(30)
    now = 1_700_000_000.0
    for _ in range(data.draw(st.integers(1, 30))):
        now += data.draw(st.sampled_from([0.0, 0.001, 0.1, 1 / 3, 9.999, 10.0]))
        call = data.draw(
            st.sampled_from(
                [
                    ("hit", "a", now, 3, 10.0, True),
                    ("hit", "b", now, 2, 1 / 3, True),
                    ("hit", "a", now, 3, 10.0, False),
                    ("commit", (), 1),
                    ("commit", (), 0.1),
                    ("commit", (), 7.5),
                    ("grant", 2.7),
                    ("grant", 10.0),
                    ("increment", "x", 3),
                    ("count", ["x", "y"]),
                    ("balance",),
                ]
            )
        )
        results = [getattr(store, call[0])(*call[1:]) for store in (one, other)]
        assert repr(results[0]) == repr(results[1]), call
        assert repr(one.balance()) == repr(other.balance())


@given(st.integers(0, 20), st.lists(st.floats(0, 6) | st.integers(0, 6), max_size=30))
def test_the_balance_is_never_negative_and_every_credit_is_somewhere(total, costs):
    store, charged = MemoryStore(total), 0
    for cost in costs:
        try:
            ensure(store, cost)
        except Problem as problem:
            assert problem.kind.name == "out_of_credits"
            assert store.commit([], cost) == "unpaid"
            assert cost > total - charged
            continue
        assert store.commit([], cost) == "done"
        charged += cost
        balance = store.balance()
        assert balance == Balance(total, charged)
        assert balance.remaining >= 0


def test_a_commit_that_cannot_be_paid_writes_nothing(make_store):
    store = make_store(3)
    assert store.commit([Write("t", "a", {"id": "a"})], 3.5) == "unpaid"
    assert (store.get("t", "a"), store.balance()) == (None, Balance(3, 0))
    assert store.commit([Write("t", "a", {"id": "a"})], 3) == "done"
    assert (store.get("t", "a"), store.balance()) == ({"id": "a"}, Balance(3, 3))


def test_a_row_that_changed_costs_nothing(make_store):
    store = make_store(10)
    assert store.commit([Write("t", "a", {"id": "a"}, {"id": "a"})], 4) == "changed"
    assert (store.get("t", "a"), store.balance()) == (None, Balance(10, 0))


def test_there_is_room_for_so_many_rows(make_store):
    store = make_store(10, max_rows=2)
    assert store.commit([Write("t", id, {"id": id}) for id in "abc"], 1) == "full"
    assert (store.rows("t"), store.balance()) == ([], Balance(10, 0))
    assert store.commit([Write("t", id, {"id": id}) for id in "ab"]) == "done"
    assert store.commit([Write("u", "c", {"id": "c"}, None, "p")]) == "full", "tables and partitions share the room"
    was = store.get("t", "a")
    assert store.commit([Write("t", "a", {"id": "a", "n": 1}, was)]) == "done", "a row in the place of another one"
    removal = Write("t", "b", None, store.get("t", "b"))
    assert store.commit([removal, Write("t", "c", {"id": "c"})]) == "done"
    assert [row["id"] for row in store.rows("t")] == ["c", "a"]
    store.restore(Snapshot({"t": {"": [{"id": "z"}]}}, {}, Balance(1)))
    assert store.commit([Write("t", "y", {"id": "y"})]) == "done"
    assert store.commit([Write("t", "x", {"id": "x"})]) == "full"


def test_grant_sets_what_remains(make_store):
    store = make_store(10)
    store.commit([], 4)
    store.grant(1)
    assert (store.balance().remaining, store.balance().consumed, store.balance().total) == (1, 4, 5)


def test_threads_cannot_spend_a_credit_twice(make_store):
    store, spent = make_store(400), []

    def work():
        for _ in range(100):
            spent.append(store.commit([], 1) == "done")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(spent) == store.balance().consumed == 400
    assert store.balance().remaining == 0


def test_threads_get_different_numbers(make_store):
    store, seen = make_store(0), []
    threads = [
        threading.Thread(target=lambda: seen.extend([store.increment("id") for _ in range(100)])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 801))


def test_a_window_admits_no_more_than_its_limit_however_its_requests_arrive(redis_server):
    """Two replicas read the clock in one order, and get to the store in the other."""
    store = redis_stores(redis_server)(0)
    assert store.hit("w", 100.0, 2, 60).admitted
    assert store.hit("w", 159.9, 2, 60).admitted
    assert store.hit("w", 160.1, 2, 60).admitted
    assert not store.hit("w", 159.95, 2, 60).admitted, "with 100.0 and 159.9 it would be the third in a minute"
    assert not store.hit("w", 160.05, 2, 60).admitted


def test_a_window_is_not_shorter_for_who_comes_late(redis_server):
    """What a later moment has let go still counts for an earlier one."""
    store = redis_stores(redis_server)(0)
    assert [store.hit("w", at, 3, 60).admitted for at in (100.0, 100.01, 130.0, 160.05)] == [True] * 4
    assert not store.hit("w", 159.95, 3, 60).admitted, "it would be the fourth since 100.0"


def test_what_is_refused_does_not_count(make_store):
    store = make_store(0)
    assert [store.hit("w", at, 1, 10.0).admitted for at in (0.0, 5.0, 9.9, 10.0)] == [True, False, False, True]


def test_windows_that_nobody_uses_are_forgotten(make_store, monkeypatch):
    for place in ("mockserver.state.memory", "mockserver.state.redis.store"):
        monkeypatch.setattr(f"{place}.MAX_WINDOWS", 20)
    store = make_store(0)
    for n in range(100):
        assert store.hit(f"w{n}", float(n), 1, 1.0).admitted
    assert not store.hit("w99", 99.5, 1, 1.0).admitted
    if isinstance(store, MemoryStore):
        assert len(store._windows) <= 20
    else:
        assert store._redis.call("ZCARD", store.world + "windows") <= 20
        assert len(store._redis.client.keys(store.world + "window:*")) <= 20


def test_the_journal_numbers_and_keeps_the_newest(make_store):
    store = make_store(0, journal_size=3)
    assert [store.append(b"%d" % n) for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert store.entries() == [(3, b"3"), (4, b"4"), (5, b"5")]
    assert store.entries(after=4) == [(5, b"5")]
    assert store.entries(after=1) == store.entries()
    assert store.entries(after=5) == store.entries(after=99) == []
    store.clear_journal()
    assert (store.entries(), store.journal_count(), store.append(b"")) == ([], 5, 6)


def test_a_journal_is_read_in_pages_and_by_numbers(make_store):
    store = make_store(0, journal_size=3)
    assert store.journal_span() == (1, 0)
    assert store.entries_of([]) == store.entries_of([1]) == store.entries(0, 5) == []
    for n in range(1, 6):
        store.append(b"%d" % n)
    assert store.journal_span() == (3, 5)
    assert store.entries(0, 2) == store.entries(2, 2) == [(3, b"3"), (4, b"4")]
    assert store.entries(4, 2) == [(5, b"5")]
    assert store.entries(5, 1) == store.entries(99, 1) == []
    assert store.entries_of([1, 2, 3, 5, 6]) == [(3, b"3"), (5, b"5")]
    store.clear_journal()
    assert (store.journal_span(), store.entries_of([5])) == ((6, 5), [])


def test_marks_are_counted_beyond_the_journal_and_beside_the_counters(make_store):
    store = make_store(0, journal_size=1)
    assert store.marked() == {}
    for mark in ("defect", "", "invalid", "defect"):
        store.append(b"", mark)
    store.clear_journal()
    assert store.marked() == {"defect": 2, "invalid": 1}
    store.restore(store.snapshot())
    assert store.marked() == {"defect": 2, "invalid": 1}
    assert store.snapshot().counters == {}


def test_answers_are_counted_beyond_the_journal_and_forgotten_with_it(make_store):
    store = make_store(0, journal_size=1)
    for way in (("a", "GET /x y", 200), ("a", "GET /x y", 200), ("a", "get", 0)):
        store.append(b"", "", way)
    store.append(b"")
    assert store.answers() == {("a", "GET /x y", 200): 2, ("a", "get", 0): 1}
    store.clear_journal()
    assert store.answers() == {}


def test_a_row_that_equals_the_one_that_was_read_is_replaced(make_store):
    """Every store compares what rows say: a snapshot that was put back has the same rows in other objects."""
    store = make_store(0)
    store.commit([Write("t", "1", {"id": "1", "n": 1})])
    read = store.get("t", "1")
    store.restore(store.snapshot())
    assert store.commit([Write("t", "1", {"id": "1", "n": 2}, dict(read))]) == "done"
    assert store.commit([Write("t", "1", {"id": "1", "n": 3}, {"id": "1", "n": 1})]) == "changed"


def test_who_watches_a_store_of_this_process_is_woken_by_each_append():
    store, woken = MemoryStore(0), []
    ends = [store.watch(lambda name=name: woken.append(name)) for name in "ab"]
    store.append(b"")
    ends[0]()
    store.append(b"")
    ends[1]()
    store.append(b"")
    assert woken == ["a", "b", "b"]


def test_the_journal_is_bounded_in_bytes_too(make_store):
    store = make_store(0, journal_bytes=100_000)
    for _ in range(50):
        store.append(bytes(20_000))
    assert [number for number, _ in store.entries()] == [47, 48, 49, 50]
    store.append(bytes(1_000_000))
    assert store.entries() == [], "larger than the whole room: not kept, and the next one is"
    store.append(bytes(10))
    assert [number for number, _ in store.entries()] == [52]
    for _ in range(2):
        store.clear_journal()
        for _ in range(4):
            store.append(bytes(20_000))
    assert len(store.entries()) == 4, "what was cleared takes no room"


def test_a_snapshot_is_what_restore_takes(make_store):
    store = make_store(10.5)
    rows = [{"id": f"é{n}", "n": n, "f": n / 3, "text": "\u2028 \0"} for n in range(2500)]
    store.commit([Write("t", row["id"], row) for row in rows], 0.25)
    store.commit([Write("t", "a", {"id": "a"}, None, "p:\0q"), Write("u", "b", {"id": "b"})], 1)
    store.increment("x", 3)
    snapshot = store.snapshot()
    assert snapshot == Snapshot(
        {"t": {"": rows, "p:\0q": [{"id": "a"}]}, "u": {"": [{"id": "b"}]}}, {"x": 3}, Balance(10.5, 1.25)
    )
    other = make_store(0)
    other.commit([Write("t", "gone", {"id": "gone"})])
    other.increment("y")
    other.restore(snapshot)
    assert other.snapshot() == snapshot
    other.commit([Write("t", "new", {"id": "new"})])
    assert [row["id"] for row in other.page("t", 0, 2).rows] == ["new", "é2499"]


def test_asking_for_what_is_not_there_keeps_nothing():
    store = MemoryStore(0)
    for i in range(1000):
        store.page("t", 0, 10, f"p{i}")
        store.get("t", "x", f"p{i}")
        store.rows("t", f"p{i}")
    assert not store._tables


@pytest.mark.parametrize("offset", [0, 1, 49_999, 99_999, 100_000])
def test_pages_of_a_large_table(offset):
    store = MemoryStore(0)
    for i in range(100_000):
        assert store.commit([Write("t", str(i), {"n": i})]) == "done"
    store.commit([Write("t", "99999", None, store.get("t", "99999"))])
    page = store.page("t", offset, 3)
    assert [row["n"] for row in page.rows] == [n for n in (99_998 - offset, 99_997 - offset, 99_996 - offset) if n >= 0]
