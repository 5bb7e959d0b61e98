"""The store against a model: rows and pages, credits, counters, the journal, and threads."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mockserver.errors import Problem
from mockserver.ledger import release, reserve
from mockserver.messages import Balance, Write
from mockserver.store import MemoryStore

ids = st.sampled_from([f"id{i}" for i in range(8)])


class RowsMachine(RuleBasedStateMachine):
    """Rows of two partitions, compared with plain lists."""

    def __init__(self):
        super().__init__()
        self.store = MemoryStore(0)
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
        assert self.store.commit(writes)
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
        assert not self.store.commit([*writes, Write("t", id, {"id": id, "n": -1}, was, part)])

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


RowsMachine.TestCase.settings = hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRows = RowsMachine.TestCase


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["charge", "release", "keep"])), max_size=30),
)
def test_the_balance_is_never_negative_and_every_credit_is_somewhere(total, requests):
    store, charged, held = MemoryStore(total), 0, 0
    for credits, end in requests:
        try:
            reserve(store, credits)
        except Problem as problem:
            assert problem.kind.name == "out_of_credits"
            assert credits > total - charged - held
            continue
        if end == "charge":
            assert store.commit([], credits, credits)
            charged += credits
        elif end == "release":
            release(store, credits)
        else:
            held += credits
        balance = store.balance()
        assert balance.remaining == total - charged - held >= 0
        assert balance.consumed == charged
        assert balance.total == total


def test_a_commit_that_fails_keeps_the_reservation():
    store = MemoryStore(10)
    reserve(store, 4)
    assert not store.commit([Write("t", "a", {"id": "a"}, {"id": "a"})], 4, 4)
    assert store.balance() == Balance(10, 0, 4)
    assert store.get("t", "a") is None


def test_grant_sets_what_remains():
    store = MemoryStore(10)
    reserve(store, 4)
    store.commit([], 4, 4)
    store.grant(1)
    assert (store.balance().remaining, store.balance().consumed, store.balance().total) == (1, 4, 5)


def test_threads_cannot_spend_a_credit_twice():
    store, spent = MemoryStore(500), []

    def work():
        for _ in range(200):
            try:
                reserve(store, 1)
            except Problem:
                return
            store.commit([], 1, 1)
            spent.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(spent) == store.balance().consumed == 500
    assert store.balance().remaining == 0


def test_threads_get_different_numbers():
    store, seen = MemoryStore(0), []
    threads = [
        threading.Thread(target=lambda: seen.extend([store.increment("id") for _ in range(500)])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, 4001))


def test_the_journal_numbers_and_keeps_the_newest():
    store = MemoryStore(0, journal_size=3)
    assert [store.append(b"%d" % n) for n in range(1, 6)] == [1, 2, 3, 4, 5]
    assert store.entries() == [(3, b"3"), (4, b"4"), (5, b"5")]
    assert store.entries(after=4) == [(5, b"5")]
    assert store.entries(after=1) == store.entries()
    assert store.entries(after=5) == store.entries(after=99) == []
    store.clear_journal()
    assert (store.entries(), store.journal_count(), store.append(b"")) == ([], 5, 6)


def test_the_journal_is_bounded_in_bytes_too():
    store = MemoryStore(0, journal_bytes=100_000)
    for _ in range(50):
        store.append(bytes(20_000))
    assert [number for number, _ in store.entries()] == [47, 48, 49, 50]
    store.append(bytes(1_000_000))
    assert store.entries() == [], "larger than the whole room: not kept, and the next one is"
    store.append(bytes(10))
    assert [number for number, _ in store.entries()] == [52]


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
        assert store.commit([Write("t", str(i), {"n": i})])
    store.commit([Write("t", "99999", None, store.get("t", "99999"))])
    page = store.page("t", offset, 3)
    assert [row["n"] for row in page.rows] == [n for n in (99_998 - offset, 99_997 - offset, 99_996 - offset) if n >= 0]
