"""Sandboxes: how they are addressed, that they share nothing, and how many there may be."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from mockserver.clock import Clock
from mockserver.errors import UserError
from mockserver.journal.entries import decode
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandboxes import Bounds, NameTaken, TooMany, resident_bytes
from mockserver.sandbox.world import Terms
from mockserver.scenarios import parse_scenario

MEMORY = b'{"agent_id": "a", "memory": "m"}'


def create(pipeline, key="k", path="/v1/user-memories", body=MEMORY):
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return pipeline.exchange(Request("POST", path, "", headers, body))


def test_addressed_by_path_and_by_key(make_pipeline):
    pipeline = make_pipeline()
    sandbox = pipeline.sandboxes.create("ci")
    assert create(pipeline, sandbox.key, "/~ci/v1/user-memories").sandbox == "ci"
    assert create(pipeline, sandbox.key, "/~ci/datagrid/v1/user-memories").status == 201
    assert create(pipeline, sandbox.key).sandbox == "ci"
    assert create(pipeline, "other").sandbox == "default"
    token = Request("GET", "/v1/ping/", "", {"authorization": f"Token {sandbox.key}"})
    assert pipeline.exchange(token).sandbox == "ci"
    assert len(sandbox.store.rows("user_memories")) == 3
    assert len(pipeline.sandbox.store.rows("user_memories")) == 1


def test_a_bound_key_is_the_only_one_that_is_valid_there(make_pipeline):
    pipeline = make_pipeline()
    pipeline.sandboxes.create("ci")
    exchange = create(pipeline, "any", "/~ci/v1/user-memories")
    assert (exchange.status, exchange.sandbox) == (401, "ci")


def test_an_unknown_sandbox_is_404_with_the_nearest_name(make_pipeline):
    pipeline = make_pipeline()
    pipeline.sandboxes.create("nightly")
    exchange = create(pipeline, path="/~nigthly/v1/user-memories")
    assert exchange.status == 404
    assert "did you mean 'nightly'?" in orjson.loads(exchange.response.content)["message"]


def test_links_in_responses_stay_in_the_sandbox(make_pipeline):
    pipeline = make_pipeline()
    key = pipeline.sandboxes.create("ci").key
    headers = {"authorization": f"Token {key}", "content-type": "application/json", "host": "mock:4010"}
    for n in range(3):
        body = orjson.dumps({"messages": [{"role": "user", "content": f"m{n}"}], "user_id": "u"})
        assert pipeline.handle(Request("POST", "/~ci/mem0/v3/memories/add/", "", headers, body)).status == 200
    request = Request("POST", "/~ci/mem0/v3/memories/", "page_size=1", headers, b'{"filters": {"user_id": "u"}}')
    listed = orjson.loads(pipeline.handle(request).content)
    assert listed["next"].startswith("http://mock:4010/~ci/mem0/v3/memories")


def test_a_scenario_with_more_rows_than_there_is_room_for_changes_nothing(make_pipeline):
    pipeline = make_pipeline(max_rows=2)
    create(pipeline)
    text = "version: 1\nname: big\napi: datagrid\nstate: {user_memories: [{}, {}, {}]}\n"
    with pytest.raises(UserError, match="the state of scenario 'big' has more than 2 rows"):
        pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "big.yaml"))
    assert (len(pipeline.sandbox.store.rows("user_memories")), pipeline.sandbox.scenarios) == (1, {})


def test_1000_sandboxes_from_many_threads_share_nothing(apis):
    pipeline = Pipeline(apis, terms=Terms(clock_start=0.0, clock_rate=0.0, limit="vendor", credits=10))
    rule = "{id: r, op: Memory.createUserMemory, sequence: [ok, rate_limited]}"
    text = f"version: 1\nname: s\napi: datagrid\nrules: [{rule}]"
    scenario = parse_scenario(text, pipeline.apis, "s.yaml")

    def live(n):
        sandbox = pipeline.sandboxes.create(f"s{n}", [scenario])
        sandbox.clock.advance(n)
        body = orjson.dumps({"agent_id": f"agent {n}", "memory": f"memory {n}"})
        statuses = [create(pipeline, sandbox.key, body=body).status for _ in range(4)]
        return sandbox, statuses

    with ThreadPoolExecutor(16) as pool:
        worlds = list(pool.map(live, range(1000)))
    ids = set()
    for n, (sandbox, statuses) in enumerate(worlds):
        assert statuses == [201, 429, 201, 201]
        rows = sandbox.store.rows("user_memories")
        assert [row["agent_id"] for row in rows] == [f"agent {n}"] * 3
        assert {row["created_at"] for row in rows} == {rows[0]["created_at"]}
        assert sandbox.clock.now() == n
        assert sandbox.store.balance().consumed == 3
        assert [exchange.number for exchange in sandbox.exchanges()] == [1, 2, 3, 4]
        assert {exchange.sandbox for exchange in sandbox.exchanges()} == {f"s{n}"}
        ids.add(tuple(row["id"] for row in rows))
    assert len(ids) == 1, "the same seed gives the same ids, whatever else goes on"
    assert pipeline.sandbox.exchanges() == []


def test_one_sandbox_from_many_threads_loses_nothing(make_pipeline):
    pipeline = make_pipeline(limit=None, credits=500)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: create(pipeline).status, range(800)))
    assert statuses.count(201) == 500 and statuses.count(402) == 300
    rows = pipeline.sandbox.store.rows("user_memories")
    assert len({row["id"] for row in rows}) == len(rows) == 500
    assert pipeline.sandbox.store.balance().remaining == 0
    assert len(pipeline.sandbox.exchanges()) == 800


def journal(pipeline, name):
    def plain(exchange):
        return (
            exchange.number, exchange.at, exchange.operation, exchange.status, exchange.rule, exchange.charged,
            exchange.request.path.removeprefix(f"/~{name}"), exchange.response.content, exchange.response.headers,
        )  # fmt: skip

    return [plain(exchange) for exchange in pipeline.sandboxes.get(name).exchanges()]


def test_the_same_seed_gives_the_same_journal_in_any_interleaving(apis):
    text = """
version: 1
name: chaos
api: datagrid
seed: 7
credits: 12
clock: {start: 2026-01-01T00:00:00Z, mode: frozen}
rules:
  - {id: busy, op: '*', when: {chance: 0.3}, reply: rate_limited}
  - {id: lost, op: Memory.createUserMemory, when: {chance: 0.2}, fault: {billing_write: lost}}
  - {id: slow, op: Memory.listUserMemory, fault: {latency: {median: 300ms, p99: 2s}}}
"""

    def run(order):
        pipeline = Pipeline(apis)
        scenario = parse_scenario(text, pipeline.apis, "c.yaml")
        keys = {name: pipeline.sandboxes.create(name, [scenario]).key for name in "ab"}
        for name in order:
            create(pipeline, keys[name], f"/~{name}/v1/user-memories")
            headers = {"authorization": f"Bearer {keys[name]}"}
            pipeline.exchange(Request("GET", f"/~{name}/v1/user-memories", "", headers))
        return journal(pipeline, "a"), journal(pipeline, "b")

    first = run("ab" * 20)
    assert run("ab" * 20) == first
    assert run("a" * 20 + "b" * 20) == first
    assert run("b" * 20 + "a" * 20) == first
    assert first[0] != first[1], "the name is part of the draw"
    assert {"busy", "lost", "slow"} <= {entry[4] for entry in first[0]}


def test_names(make_pipeline):
    pipeline = make_pipeline()
    pipeline.sandboxes.create("sandbox-1")
    assert pipeline.sandboxes.create().name == "sandbox-2"
    with pytest.raises(NameTaken, match="'sandbox-2' already"):
        pipeline.sandboxes.create("sandbox-2")
    pipeline.sandboxes.delete("sandbox-2")
    assert pipeline.sandboxes.create().name == "sandbox-3"


def test_a_deleted_sandbox_is_gone_with_its_key(make_pipeline):
    pipeline = make_pipeline(keys=("mine",))
    sandbox = pipeline.sandboxes.create("ci")
    pipeline.sandboxes.delete("ci")
    exchange = create(pipeline, sandbox.key)
    assert (exchange.sandbox, exchange.status) == ("default", 401)
    assert create(pipeline, sandbox.key, "/~ci/v1/user-memories").status == 404


def test_there_is_a_limit_to_how_many(apis):
    pipeline = Pipeline(apis, bounds=Bounds(count=3))
    pipeline.sandboxes.create()
    pipeline.sandboxes.create()
    with pytest.raises(TooMany, match="--max-sandboxes"):
        pipeline.sandboxes.create()
    pipeline.sandboxes.delete("sandbox-1")
    pipeline.sandboxes.create()


def test_there_is_a_limit_of_memory(apis):
    pipeline = Pipeline(apis, bounds=Bounds(memory_bytes=1))
    with pytest.raises(TooMany, match="--max-memory"):
        pipeline.sandboxes.create()


@pytest.mark.skipif(not resident_bytes(), reason="the system does not tell")
def test_memory_is_counted_in_pages_of_the_machines_size(monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 4096}[name])
    small = resident_bytes()
    monkeypatch.setattr("os.sysconf", lambda name: {"SC_PAGE_SIZE": 65536}[name])
    assert resident_bytes() > 8 * small


def test_idle_ones_go_and_used_ones_stay(apis, monkeypatch):
    real = [1000.0]
    monkeypatch.setattr("mockserver.sandbox.sandboxes.monotonic", lambda: real[0])
    pipeline = Pipeline(apis, bounds=Bounds(idle_seconds=60))
    used, idle = pipeline.sandboxes.create("used"), pipeline.sandboxes.create("idle")
    real[0] += 50
    create(pipeline, used.key)
    real[0] += 50
    pipeline.sandboxes.create("new")
    assert [s.name for s in pipeline.sandboxes.all()] == ["default", "used", "new"]
    assert create(pipeline, idle.key, "/~idle/v1/user-memories").status == 404


def test_a_sandbox_has_a_clock_of_its_own(make_pipeline):
    pipeline = make_pipeline()
    one, other = pipeline.sandboxes.create(), pipeline.sandboxes.create()
    one.clock.advance(100)
    assert isinstance(one.clock, Clock)
    assert one.clock.now() - other.clock.now() == 100
    one.reset()
    assert one.clock.now() == other.clock.now()


def test_names_are_given_once_to_many_threads(make_pipeline):
    pipeline, names = make_pipeline(), []
    threads = [
        threading.Thread(target=lambda: names.extend(pipeline.sandboxes.create().name for _ in range(50)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 400


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Threads take turns after a few microseconds, so that they meet at every line."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def torn_worlds(pipeline: Pipeline, change, times: int) -> int:
    """Worlds whose journal, rows and account tell different stories, when `change` ends them under load."""
    stores, done, answered = [pipeline.sandbox.store], threading.Event(), threading.Event()

    def load() -> None:
        while not done.is_set():
            create(pipeline)
            answered.set()

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(times):
            change(pipeline.sandbox)
            stores.append(pipeline.sandbox.store)
            answered.wait()  # by one thread: the next change meets what the other one is doing
            answered.clear()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    torn = 0
    for store in stores:
        exchanges = [decode(entry, number) for number, entry in store.entries()]
        told = {orjson.loads(exchange.response.content)["id"] for exchange in exchanges if exchange.status == 201}
        kept = {row["id"] for row in store.rows("user_memories")}
        torn += not (told == kept and len(kept) == store.balance().consumed)
    return torn


@pytest.mark.parametrize("times", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_reset_under_load_tears_no_world(make_pipeline, hurried_threads, times):
    assert torn_worlds(make_pipeline(limit=None), lambda sandbox: sandbox.reset(), times) == 0


def test_a_change_of_the_scenario_under_load_tears_no_world(make_pipeline, hurried_threads):
    pipeline = make_pipeline(limit=None)
    rule = "{id: r, op: '*', when: {call: every 3}, reply: conflict}"
    text = f"version: 1\nname: s\napi: datagrid\ncredits: 500\nrules: [{rule}]"
    scenario = parse_scenario(text, pipeline.apis, "s.yaml")
    assert torn_worlds(pipeline, lambda sandbox: sandbox.use(scenario), 300) == 0
