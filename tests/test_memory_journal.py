"""The journal in memory: its entries are found by their traits."""

from __future__ import annotations

import random

from mockserver.journal import entries as journal
from mockserver.journal.masking import Masking
from mockserver.messages import Exchange, Headers, Request, Response, Violation
from mockserver.state.memory import MemoryStore

MASKING = Masking()


def made(n: int, **more: object) -> Exchange:
    request = Request("POST", "/v1/user-memories", "a=1", Headers(authorization="Bearer secret-key"), b"{}")
    response = Response(201, {"n": n}, {"x-n": str(n)}, content=b'{"n":%d}' % n)
    fields = {"api": "datagrid", "operation": "create", "stage": "behaviour", "response": response, **more}
    return Exchange(request, 5.0 + n, **fields)


def test_entries_are_found_by_their_facts_as_by_reading_all_of_them():
    draws, store, heads = random.Random(7), MemoryStore(0, journal_size=50), []
    for n in range(173):
        violations = [Violation(draws.choice(["client", "server"]), "body", "", "", "", "")] if n % 3 == 0 else []
        exchange = made(n, operation=draws.choice("ab"), rule=draws.choice(["", "r"]), violations=violations)
        *_, traits = recorded = journal.recorded(exchange, MASKING)
        heads.append((store.append(*recorded), traits))
    heads = heads[-50:]
    for wanted in (
        lambda traits: traits[0] == "a",
        lambda traits: traits[2] == "r" and traits[4] == ("client",),
        lambda traits: traits[1] == 404,
    ):
        assert store.find(wanted) == [number for number, traits in heads if wanted(traits)]
        assert store.find(wanted, after=150) == [number for number, traits in heads if wanted(traits) and number > 150]


def test_a_cleared_journal_is_empty_and_its_marks_go_on():
    store = MemoryStore(0)
    for n in range(3):
        store.append(*journal.recorded(made(n, defect="d"), MASKING))
    store.clear_journal()
    assert store.find(lambda traits: True) == [] and store.entries() == [] and store.answers() == {}
    assert store.append(*journal.recorded(made(9, defect="d"), MASKING)) == 4
    assert store.marked() == {"defect": 4} and store.find(lambda traits: True) == [4]


def test_the_numbers_of_dropped_entries_are_forgotten():
    store = MemoryStore(0, journal_size=10)
    for n in range(100):
        store.append(b"x", traits=(f"operation {n % 2}", 200, "", "", (), "", ()))
    assert sum(len(alike.numbers) for alike in store._alike.values()) <= 20
