"""Journals and event streams: what they show, and that they decode no more than that."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter

import httpx
import pytest
from test_admin import MEMORY, Caller

from mockserver.admin import encoding
from mockserver.admin.handlers import HANDLERS
from mockserver.admin.journal import JournalReader
from mockserver.journal import entries as journal
from mockserver.journal.attempts import Attempts, annotate_shown
from mockserver.journal.masking import Masking
from mockserver.journal.retries import MAX_OPEN, annotate
from mockserver.messages import Exchange, Request, Response
from mockserver.state.memory import MemoryStore
from mockserver.text.jsontext import to_json

START = 1_767_225_600.0
KEPT = 10_000


def exchange(n, status=200, body=b"", path="/v1/user-memories", **fields):
    reply = Response(status, content=b"{}")
    return Exchange(Request("GET", path, f"n={n}", body=body), START + n, api="datagrid", response=reply, **fields)


@pytest.fixture
def decoded(monkeypatch):
    """The numbers of the entries that were decoded."""
    numbers = []
    decode = journal.decode

    def count_decoded(entry, number):
        numbers.append(number)
        return decode(entry, number)

    monkeypatch.setattr(journal, "decode", count_decoded)
    return numbers


def full(make=exchange):
    store = MemoryStore(0)
    for n in range(KEPT + 50):
        store.append(journal.encode(make(n)))
    return store


def test_the_retries_of_one_call_are_found_among_equal_requests_only(decoded):
    store, reader = MemoryStore(0), JournalReader()
    for n in range(KEPT):
        made = exchange(n, 503 if n == 7 else 200, path="/twice" if n in (7, 9000) else "/v1/user-memories")
        made.request.query = "" if n in (7, 9000) else made.request.query
        store.append(journal.encode(made))
    [call] = reader.call_of(store, 9001)
    assert call.attempts == (8, 9001) and call == reader.call_of(store, 8)[0]
    assert set(decoded) == {8, 9001}
    assert reader.call_of(store, 9000) == []


def test_cells_are_those_of_the_entries_that_are_kept(decoded):
    store, reader = MemoryStore(0, journal_size=40), JournalReader()
    for n in range(100):
        made = exchange(
            n, (200, 404)[n % 2], operation=("a", "b", "")[n % 3], rule="r", faults=((), ("x",), ("x", "y"))[n % 7 % 3]
        )
        store.append(*journal.recorded(made, Masking()))
    cells = reader.cells(store)
    assert decoded == [] and sum(cell["count"] for cell in cells if cell["fault"] in ("", "x")) == 27
    seen = [e for e in journal.decode_all(store.entries()) if e.operation]
    every = Counter((e.api, e.operation, e.status, fault) for e in seen for fault in e.faults or ("",))
    assert [tuple(cell.values()) for cell in cells] == [(*cell, count) for cell, count in sorted(every.items())]


def test_one_new_exchange_decodes_one_entry_of_a_full_journal(decoded):
    store, reader = full(), JournalReader()
    newest = store.journal_count()
    assert [e["number"] for e in reader.news(store, newest - 1)] == [newest]
    assert decoded == [newest]
    decoded.clear()
    store.append(journal.encode(exchange(1, path="/other")))
    assert [e["path"] for e in reader.news(store, newest)] == ["/other"]
    assert reader.news(store, newest + 1) == []
    assert decoded == [newest + 1]


def test_a_page_of_one_decodes_one_entry_and_tells_the_total(decoded):
    store, reader = full(), JournalReader()
    entries, total = reader.page(store, {"limit": 1})
    assert ([e["number"] for e in entries], total) == ([KEPT + 50], KEPT)
    entries, total = reader.page(store, {"limit": 2, "after": 100})
    assert ([e["number"] for e in entries], total) == ([101, 102], KEPT - 50)
    entries, total = reader.page(store, {"limit": 2, "after": 10})
    assert ([e["number"] for e in entries], total) == ([51, 52], KEPT)
    assert reader.page(store, {"limit": 2, "after": KEPT + 50}) == ([], 0)
    assert len(decoded) == 5


def test_a_filter_decodes_only_what_may_match(decoded):
    store, reader = full(), JournalReader()
    store.append(*journal.recorded(exchange(1, operation="getCredits", rule="slow"), Masking()))
    assert [e["rule"] for e in reader.page(store, {"limit": 9, "operation": "getCredits"})[0]] == ["slow"]
    assert len(reader.page(store, {"limit": 9, "rule": "slow"})[0]) == 1
    assert reader.page(store, {"limit": 9, "rule": "slo"}) == ([], 0)
    assert decoded == [KEPT + 51] * 2


def test_many_equal_requests_bound_what_is_looked_at(decoded):
    store, reader = full(lambda n: exchange(0, 429)), JournalReader()
    entries, _ = reader.page(store, {"limit": 1})
    assert len(decoded) == MAX_OPEN + 1
    assert entries[0]["retry_of"] == KEPT + 49


def test_a_retry_is_told_across_thousands_of_others():
    store, reader = MemoryStore(0), JournalReader()
    store.append(journal.encode(exchange(0, 503)))
    for n in range(1, 5000):
        store.append(journal.encode(exchange(n)))
    again = exchange(0)
    again.at = START + 6000
    store.append(journal.encode(again))
    (entry,) = reader.page(store, {"limit": 1})[0]
    assert (entry["attempt"], entry["retry_of"], entry["waited"]) == (2, 1, 6000)


def test_whatever_is_shown_the_attempts_are_those_of_the_whole_journal():
    statuses = [503, 200, 429, 500, 200, 409]
    store = MemoryStore(0)
    for n in range(60):
        sent = exchange(n % 5, statuses[n % 6])
        sent.at = START + n
        store.append(journal.encode(sent))
    everything = journal.decode_all(store.entries())
    known, attempts = annotate(everything), Attempts()
    for start in range(0, 60, 7):
        attempts.add(store.entries(attempts.newest, 10), 1)
        attempts.add(store.entries(attempts.newest), 1)
        shown = everything[start : start + 7]
        told = annotate_shown(attempts, shown, store.entries_of)
        assert {e.number: told[e.number] for e in shown} == {e.number: known[e.number] for e in shown}


def test_the_index_forgets_what_the_journal_has_dropped():
    store, attempts = MemoryStore(0, journal_size=10), Attempts()
    for n in range(100):
        store.append(journal.encode(exchange(n % 3, 503)))
        attempts.add(store.entries(attempts.newest), store.journal_span()[0])
    assert attempts.beside([100]) == [91, 94, 97]
    store.clear_journal()
    attempts.add([], store.journal_span()[0])
    assert attempts.beside([100]) == []


def lines_of(event):
    return dict(line.split(b": ", 1) for line in event.strip().splitlines() if not line.startswith(b":"))


def test_a_stream_is_woken_by_an_exchange_and_goes_on_after_a_reset(make_pipeline):
    call = Caller(make_pipeline())

    async def watch():
        request = Request("GET", "/__admin/sandboxes/default/events", "", {"host": "localhost"})
        stream = await call.admin.events(call.admin.receive(request))
        assert (await anext(stream)).startswith(b":")
        numbers = []
        for round in range(2):
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            call.create_memory()
            numbers.append(int(lines_of(await asyncio.wait_for(waiting, 10))[b"id"]))
            if round == 0:
                call.pipeline.sandbox.reset()
        watched = call.pipeline.sandbox.store
        assert len(watched._watchers) == 1
        await stream.aclose()
        assert watched._watchers == []
        return numbers

    assert asyncio.run(watch()) == [1, 1], "the numbers of a new journal start again"


def test_a_stream_that_is_refused_says_why(make_pipeline):
    call = Caller(make_pipeline())
    for path, query, status in (("/x/events", "", 404), ("/default/events", "after=-1", 400)):
        received = call.admin.receive(Request("GET", f"/__admin/sandboxes{path}", query, {"host": "localhost"}))
        assert asyncio.run(call.admin.events(received)) is None
        assert call.admin.answer(received).status == status


def test_defects_and_invalid_requests_are_counted_beyond_the_journal(make_pipeline, monkeypatch):
    call = Caller(make_pipeline(journal_size=3, credits=100, limit=None))
    call.pipeline.handle(Request("GET", "/user-memories", "limit=0", {"authorization": "Bearer k"}))
    behaviours = call.pipeline.apis["datagrid"].behaviours
    create, broken = behaviours["Memory.createUserMemory"], [True]
    either = lambda call: broken.pop() / 0 if broken else create(call)  # noqa: E731
    monkeypatch.setitem(behaviours, "Memory.createUserMemory", either)
    for _ in range(6):
        call.create_memory()
    _, sandbox = call("GET", "/sandboxes/default")
    _, shown = call("GET", "/sandboxes/default/journal")
    assert shown["total"] == 3
    assert not any(entry["defect"] or entry["violations"] for entry in shown["entries"])
    assert (sandbox["defects"], sandbox["invalid"]) == (1, 1)
    call.write("POST", "/sandboxes/default/reset")
    assert call("GET", "/sandboxes/default")[1]["defects"] == 0


def test_the_journal_shows_who_decided_and_why(make_pipeline):
    call = Caller(make_pipeline())
    call.pipeline.handle(Request("POST", "/user-memories", "", {}, json.dumps(MEMORY).encode()))
    (entry,) = call("GET", "/sandboxes/default/journal")[1]["entries"]
    assert (entry["status"], entry["stage"], entry["traceback"]) == (401, "key", "")
    assert "key" in entry["reason"].lower()


def test_a_stream_tells_who_asks_for_it_what_was_steered(make_pipeline):
    call = Caller(make_pipeline())

    async def watch():
        request = Request("GET", "/__admin/sandboxes/default/events", "steering=true", {"host": "localhost"})
        stream = await call.admin.events(call.admin.receive(request))
        assert (await anext(stream)).startswith(b":")
        told = []
        for steer in (
            lambda: call.write("POST", "/sandboxes/default/clock/advance", {"by": "61s"}),
            lambda: call.write("PUT", "/sandboxes/default/scenario", {"use": "out-of-credits"}),
            lambda: call.write("POST", "/sandboxes/default/reset"),
            lambda: call.write("DELETE", "/sandboxes/default/scenario"),
            call.create_memory,
        ):
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)  # it has looked once
            steer()
            told.append(lines_of(await asyncio.wait_for(waiting, 10)))
        await stream.aclose()
        return told

    *steered, entry = asyncio.run(watch())
    assert [line[b"event"] for line in steered] == [b"steered"] * 4
    shown = [json.loads(line[b"data"]) for line in steered]
    assert [(one["what"], one["anew"], one["scenario"]) for one in shown] == [
        (["clock"], False, None),
        (["scenario"], True, "out-of-credits"),
        (["reset"], True, "out-of-credits"),
        (["scenario"], False, None),
    ]
    assert shown[0]["clock"]["now"] == START + 61
    assert b"event" not in entry


def test_a_question_about_many_exchanges_is_for_a_thread(server, monkeypatch):
    """The event loop answers other requests meanwhile."""
    threads = {}

    def noting(name, handler):
        def handle(ask):
            threads[name] = threading.get_ident()
            return handler(ask)

        return handle

    for name in ("getClock", "getJournal", "getExpectations", "getRetries", "getState"):
        monkeypatch.setitem(HANDLERS, name, noting(name, HANDLERS[name]))
    for path in ("clock", "journal", "expectations", "retries", "state"):
        assert httpx.get(f"{server.url}/__admin/sandboxes/default/{path}").status_code == 200
    loop = threads.pop("getClock")
    assert loop not in threads.values() and len(threads) == 4


def test_what_is_encoded_in_slices_is_the_same_to_the_byte(monkeypatch):
    monkeypatch.setattr(encoding, "SLICE", 3)
    rows = [{"id": str(n), "\u2028": [n] * n, "none": None} for n in range(20)]
    for data in (
        {"tables": {"t": {"": rows, "p": []}}, "counters": {}, "": {"a": 1.5}},
        rows,
        [],
        {},
        None,
        "text",
        rows[:3],
    ):
        assert encoding.in_slices(data) == to_json(data)


def test_others_have_their_turn_while_a_long_list_is_encoded(monkeypatch):
    turns = []
    monkeypatch.setattr(encoding, "sleep", turns.append)
    encoding.in_slices({"entries": [0] * 1000})
    assert len(turns) == 5
