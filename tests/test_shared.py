"""Servers that share a store: any of them answers any request, to the byte as one with memory does."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import httpx
import orjson
import pytest
from conftest import START
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis_server import RedisServer

from mockserver.admin.journal import JournalReader
from mockserver.admin.standing import standing, steered
from mockserver.errors import Problem, UserError
from mockserver.messages import Exchange, Request, Write
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.sandbox.backends import BACKENDS, open_backend
from mockserver.sandbox.sandboxes import Bounds, NameTaken, NoSandbox, TooMany
from mockserver.sandbox.shared import SharedSandboxes
from mockserver.sandbox.world import Terms
from mockserver.scenarios import load_scenario, parse_scenario
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.state.redis.clock import TripClock
from mockserver.state.redis.connection import Connection
from mockserver.state.redis.reads import Reads
from mockserver.state.redis.trip import Trip

_groups = count()
HEADERS = {"authorization": "Bearer k", "content-type": "application/json"}
Replicas = Callable[..., list[Pipeline]]


@pytest.fixture(scope="module")
def replicas(redis_server: RedisServer, apis) -> Replicas:
    """Makes pipelines that share a store of their own; keyword arguments are fields of Terms."""

    def make(number: int = 2, bounds: Bounds | None = None, scenarios=(), **terms: object) -> list[Pipeline]:
        url = f"{redis_server.url}?prefix=group-{next(_groups)}&socket_timeout=10"
        started = replace(Terms(clock_start=START, clock_rate=0), **terms)
        return [
            Pipeline(
                apis,
                terms=started,
                bounds=bounds,
                checks=Checks(verify_wire=True),
                scenarios=scenarios,
                backend=partial(SharedSandboxes, Connection(url)),
            )
            for _ in range(number)
        ]

    return make


def send(
    pipeline: Pipeline, method: str = "POST", path: str = "/v1/user-memories", body: object = None, key="k"
) -> Exchange:
    if body is None and method == "POST":
        body = {"agent_id": "a", "memory": "m"}
    content = b"" if body is None else orjson.dumps(body)
    path, _, query = path.partition("?")
    return pipeline.exchange(Request(method, path, query, HEADERS | {"authorization": f"Bearer {key}"}, content))


def reply(exchange: Exchange) -> tuple[object, ...]:
    """What the client sees, and what the journal says apart from real time."""
    response = exchange.response
    assert response is not None
    assert not exchange.defect
    seen = (response.status, response.headers, response.content, response.delivery)
    return (*seen, exchange.number, exchange.rule, exchange.charged, exchange.changes)


def listed(pipeline: Pipeline, key="k") -> list[str]:
    found = orjson.loads(send(pipeline, "GET", key=key).response.content)
    return [memory["id"] for memory in found["data"]]


SCENARIO = """
version: 1
name: shared
api: datagrid
credits: 6
seed: 3
clock: {start: "2026-01-01T00:00:00Z", mode: frozen}
state: {user_memories: [{agent_id: a1}, {agent_id: a2}]}
limits: [{op: "*", per: [path, method], max: 9, window: 60s}]
rules:
  - {id: chance, op: "*", when: {chance: 0.2}, reply: {rate_limited: {retry_after: 2s}}}
  - {id: slow, op: Memory.listUserMemory, when: {call: every 3}, fault: {latency: 5s}}
  - {id: unbilled, op: Memory.createUserMemory, when: {call: 3}, fault: {billing_write: lost}}
"""

steps = st.lists(
    st.one_of(
        st.just(("POST", "/v1/user-memories", None)),
        st.just(("POST", "/datagrid/v1/user-memories", {"agent_id": "b", "memory": "x" * 2500})),
        st.just(("POST", "/v1/user-memories", {"agent_id": 1})),
        st.just(("GET", "/v1/user-memories?limit=2&offset=1", None)),
        st.just(("GET", "/v1/organization/credits", None)),
        st.just(("DELETE", "/v1/user-memories/FIRST", None)),
        st.just(("POST", "/mem0/v1/memories", {"user_id": "u", "memory": "tea", "metadata": {"f": 1.5, "n": None}})),
        st.just(("POST", "/mem0/v3/memories/search/", {"query": "tea", "filters": {"user_id": "u"}})),
        st.just(("GET", "/mem0/v1/entities/", None)),
        st.just(("PUT", "/nothing/here", None)),
        st.just(("clock", "7.25", None)),
    ),
    max_size=25,
)


@given(steps, st.booleans())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_responses_are_the_same_to_the_byte(replicas, apis, asked, scripted):
    by_name = {api.name: api for api in apis}
    scenarios = [parse_scenario(SCENARIO, by_name, "shared.yaml")] if scripted else []
    alone = Pipeline(
        apis,
        terms=Terms(credits=8, clock_start=START, clock_rate=0),
        checks=Checks(verify_wire=True),
        scenarios=scenarios,
    )
    group = replicas(credits=8, scenarios=scenarios)
    for turn, (method, path, body) in enumerate(asked):
        one, other = alone, group[turn % 2]
        if method == "clock":
            assert one.sandbox.clock.advance(float(path)) == other.sandbox.clock.advance(float(path))
            continue
        if "FIRST" in path:
            rows = one.sandbox.store.rows("user_memories")
            path = path.replace("FIRST", rows[0]["id"] if rows else "none")
        assert reply(send(one, method, path, body)) == reply(send(other, method, path, body))
    plain = [reply(exchange) for exchange in alone.sandbox.exchanges()]
    assert plain == [reply(exchange) for exchange in group[0].sandbox.exchanges()]
    assert alone.sandbox.store.snapshot() == group[1].sandbox.store.snapshot()


def test_what_one_does_the_other_sees(replicas):
    one, other = replicas()
    id = orjson.loads(send(one).response.content)["id"]
    assert listed(other) == [id]
    made = one.sandboxes.create("ci", terms=replace(one.sandboxes.terms, credits=2))
    assert [sandbox.name for sandbox in other.sandboxes.all()] == ["default", "ci"]
    bound = Request("GET", "/v1/user-memories", "", HEADERS | {"authorization": f"Bearer {made.key}"})
    assert other.exchange(bound).sandbox == "ci", "its key is bound to it everywhere"
    assert send(other, key=made.key).status == 201
    assert (made.store.balance().remaining, len(listed(one, made.key))) == (1, 1)
    other.sandboxes.get("ci").clock.advance(61)
    assert made.clock.now() == START + 61
    assert send(one, "GET", key=made.key).at == START + 61
    other.sandboxes.get("ci").reset()
    assert (listed(one, made.key), one.sandboxes.get("ci").store.balance().remaining) == ([], 2)
    other.sandboxes.delete("ci")
    assert send(one, path="/~ci/v1/user-memories").status == 404
    with pytest.raises(NoSandbox):
        one.sandboxes.get("ci")
    assert other.exchange(bound).sandbox == "default", "nor is its key bound to it any more"


def test_a_scenario_that_one_is_given_is_in_force_everywhere(replicas, tmp_path):
    (tmp_path / "base.yaml").write_text("version: 1\nname: base\napi: datagrid\ncredits: 1\n")
    (tmp_path / "own.yaml").write_text(
        "version: 1\nname: own\napi: datagrid\nextends: base.yaml\n"
        "rules: [{id: no, op: Memory.listUserMemory, reply: {server_error: {}}}]\n"
    )
    one, other = replicas()
    one.sandbox.use(load_scenario(str(tmp_path / "own.yaml"), one.apis))
    (tmp_path / "base.yaml").unlink()
    exchange = send(other, "GET")
    assert (exchange.status, exchange.rule, exchange.rule_at) == (500, "no", f"{tmp_path / 'own.yaml'}:5")
    assert [send(pipeline).status for pipeline in (other, one)] == [201, 402], "the file that it extends counts too"
    other.sandbox.drop_scenarios()
    assert (send(one, "GET").status, len(listed(other))) == (200, 1), "state stays"


def test_names_bounds_and_idle_ones(replicas):
    one, other = replicas(bounds=Bounds(count=4))
    names = [pipeline.sandboxes.create().name for pipeline in (one, other)]
    assert len(set(names)) == 2
    with pytest.raises(NameTaken):
        other.sandboxes.create(names[0])
    other.sandboxes.create()
    with pytest.raises(TooMany):
        one.sandboxes.create()
    assert len(worlds_of(one)) == 4, "what could not be shown is gone"
    one.sandboxes.delete(names[0])
    assert one.sandboxes.create("again").key != ""


def test_idle_ones_go_by_themselves_with_all_their_keys(replicas):
    one, other = replicas(bounds=Bounds(count=3, idle_seconds=1000))
    redis = one.sandboxes._redis.client
    made = one.sandboxes.create("idle")
    tag = f"{{{one.sandboxes._prefix}idle}}*"
    seen = set()
    assert one.sandboxes.shelf("idle").put("before", b"{}", b"[]")
    assert all(redis.ttl(key) > 1000 for key in redis.keys(tag))
    for body in (None, {"agent_id": 1}, None):
        send(one, key=made.key, body=body)
        send(one, "GET", key=made.key)
        keys = redis.keys(tag)
        assert all(1000 <= redis.ttl(key) <= 1125 for key in keys)
        seen |= set(keys)
    assert len(seen) > 5
    for key in seen:
        redis.expire(key, 400)
    one.sandboxes.get("idle").store.snapshot()
    assert {redis.ttl(key) for key in seen} == {400}, "who looks does not use it"
    redis.hset(made.store.keys[0], "kept", f"1 {redis.exists(*made.store.all_keys)}")
    send(other, key=made.key)
    assert all(redis.ttl(key) > 1000 for key in seen), "a request long after does"
    other.sandboxes.create("second")
    with pytest.raises(TooMany):
        one.sandboxes.create("third")
    one.sandboxes.get("idle").reset()
    keys = redis.keys(tag)
    assert any(key.endswith(b"snapshots") for key in keys)
    assert all(redis.ttl(key) > 1000 for key in keys), "whoever resets it uses it, and no key stays for ever"
    redis.delete(*keys)  # as if its time were over
    assert one.sandboxes.create("third").name == "third", "its place is free"
    assert [sandbox.name for sandbox in other.sandboxes.all()] == ["default", "second", "third"]
    bound = Request("GET", "/v1/user-memories", "", HEADERS | {"authorization": f"Bearer {made.key}"})
    assert other.exchange(bound).sandbox == "default"


def worlds_of(pipeline: Pipeline) -> list[bytes]:
    return pipeline.sandboxes._redis.client.keys(f"{{{pipeline.sandboxes._prefix}*}}*:m")


def test_a_reset_leaves_no_keys_behind(replicas):
    (one,) = replicas(1)
    redis, prefix = one.sandboxes._redis.client, one.sandboxes._prefix
    kept = []
    for _ in range(5):
        for _ in range(3):
            send(one)
        kept.append(len(redis.keys(f"*{prefix}*")))
        one.sandbox.reset()
    assert len(set(kept)) == 1
    _, store = one.sandboxes.begin("default", one.sandboxes.terms)
    store.commit([Write("user_memories", "a", {"id": "a"})])
    unseen = [key for key in store.keys if redis.exists(key)]
    assert len(unseen) == 3
    assert all(0 < redis.ttl(key) <= 68 for key in unseen), "a process that dies leaves nothing that nobody sees"


def test_a_world_that_was_reset_is_not_written_to(replicas):
    one, other = replicas()
    old = one.sandbox.store
    other.sandbox.reset()
    with pytest.raises(Problem, match="was reset") as refused:
        old.commit([Write("user_memories", "a", {"id": "a"})])
    assert refused.value.status == 503
    assert refused.value.kind.retryable
    assert old.snapshot().tables == other.sandbox.store.snapshot().tables == {}


def test_clocks_do_not_lose_a_move(replicas):
    pipelines = replicas()
    work = [
        threading.Thread(target=lambda p=p: [p.sandbox.clock.advance(1) for _ in range(20)])
        for p in pipelines
        for _ in range(3)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert pipelines[0].sandbox.clock.now() == START + 120


def test_a_running_clock_is_the_same_for_all(replicas):
    one, other = replicas(clock_rate=1000.0)
    times = [pipeline.sandbox.clock.now() for pipeline in (one, other, one, other)]
    assert times == sorted(times)
    with pytest.raises(UserError, match="never goes back"):
        other.sandbox.clock.set(START - 1)


def test_whoever_watches_sees_that_another_process_moved_the_clock(replicas):
    one, other = replicas(clock_rate=1.0)
    before = one.sandbox.clock.hands()
    assert one.sandbox.clock.hands() == before, "it runs, and nobody has moved it"
    other.sandbox.clock.advance(1)
    assert one.sandbox.clock.hands() != before


def test_whoever_follows_a_journal_goes_on_when_another_process_changes_the_scenario(replicas):
    one, other = replicas()
    scenario = parse_scenario(SCENARIO, one.apis, "shared.yaml")
    one.sandbox.use(scenario)
    send(one)
    seen, store, reader = standing(other.sandbox), other.sandbox.store, JournalReader()
    newest = reader.news(store, 0)[-1]["number"]
    for steer in (one.sandbox.drop_scenarios, lambda: one.sandbox.revise(scenario)):
        steer()
        now = standing(other.sandbox)
        assert steered(seen, now) == ["scenario"]
        assert now.store is store, "it is the same journal, and nothing is to be told again"
        seen = now
    send(one)
    assert [entry["number"] for entry in reader.news(other.sandbox.store, newest)] == [newest + 1]
    one.sandbox.reset()
    assert other.sandbox.store is not store


def test_a_database_that_was_emptied_is_begun_again(replicas):
    one, other = replicas()
    send(one)
    one.sandboxes._redis.client.flushdb()
    assert [len(listed(pipeline)) for pipeline in (other, one)] == [0, 0]
    assert send(one).status == 201


def test_without_redis_every_request_is_a_503_and_it_comes_back(caplog, monkeypatch):
    if not RedisServer.is_installed():
        pytest.skip("there is no redis-server; install Debian's package of that name")
    with RedisServer(durable=True) as server:
        pipeline = build(Settings(state=f"{server.url}?socket_timeout=1"))
        id = orjson.loads(send(pipeline).response.content)["id"]
        server.send(signal.SIGSTOP)
        problem = send(pipeline)
        body = orjson.loads(problem.response.content)
        assert (problem.status, body["retryable"], problem.number) == (503, True, 0)
        assert problem.response.headers["retry-after"] == "1"
        told = "POST /v1/user-memories is answered 503 and stands in no journal: The shared store does not answer."
        assert told in caplog.messages
        assert problem.response.headers["x-mockserver-reason"] == problem.reason == "The shared store does not answer."
        assert (
            not pipeline.apis["datagrid"]
            .contract.operations["Memory.createUserMemory"]
            .check_response(problem.response)
        )
        headers = {"x-request-id": "id-7"}
        with monkeypatch.context() as patch:
            patch.setattr(Trip, "__init__", None)  # while nobody waits for Redis, no request is begun
            problem = pipeline.exchange(Request("GET", "/mem0/v1/memories/x", "", headers))
        assert problem.api == "mem0", "the error is in the shape of the API that the path is one of"
        assert (problem.status, problem.response.headers["x-request-id"]) == (503, "id-7")
        what, why = "GET /mem0/v1/memories/x [id id-7]", "The shared store does not answer."
        assert f"{what} is answered 503 and stands in no journal: {why}" in caplog.messages
        server.send(signal.SIGCONT)
        server.stop(signal.SIGKILL)
        assert send(pipeline).status == 503
        server.start()
        pipeline.sandboxes._redis._resting_until = 0.0
        assert listed(pipeline) == [id], "the create that was refused left nothing"


def test_a_command_is_sent_once_and_then_nobody_waits(redis_server, monkeypatch):
    """What may have been done is not done again; and while Redis sleeps, one caller at a time finds out."""
    connection = Connection(f"{redis_server.url}?prefix=once&socket_timeout=1")
    redis_server.send(signal.SIGSTOP)
    try:
        with pytest.raises(Problem):
            connection.call("INCR", "once")
        with monkeypatch.context() as patch:
            patch.setattr(connection.client, "execute_command", lambda *_: pytest.fail("it was asked again"))
            with pytest.raises(Problem):
                connection.call("INCR", "once")
    finally:
        redis_server.send(signal.SIGCONT)
    connection._resting_until = 0.0
    assert connection.call("GET", "once") == b"1"


def test_a_commit_that_comes_too_late_is_not_done(replicas, monkeypatch):
    """A Redis that wakes up finds what nobody waits for any more."""
    (one,) = replicas(1)
    with monkeypatch.context() as patch:
        patch.setattr(one.sandboxes._redis, "timeout", -0.001)
        exchange = send(one)
    assert (exchange.status, exchange.committed, listed(one)) == (503, False, [])


def test_a_journal_out_of_reach_does_not_turn_success_into_failure(replicas, monkeypatch, caplog):
    (one,) = replicas(1)
    one.sandbox.use(parse_scenario(SCENARIO, one.apis, "shared.yaml"))
    run = one.sandboxes._redis.run

    def refuse(*_):
        raise Problem("unavailable", "gone")

    def without_journal(script, keys, *arguments):
        return refuse() if "append" in arguments else run(script, keys, *arguments)

    send(one, "GET")
    with monkeypatch.context() as patch:
        patch.setattr(Reads, "get", lambda *_: None)  # rows have to be read first
        patch.setattr(one.sandboxes._redis, "run", without_journal)
        statuses = [send(one, "GET").status for _ in range(9)]
    assert 200 in statuses
    assert set(statuses) <= {200, 503}, "what is not done is refused"
    assert "is not in its journal" in caplog.text
    monkeypatch.setattr(TripClock, "change", refuse)
    assert {send(one, "GET").status for _ in range(9)} == {200, 429}
    assert "did not follow a wait" in caplog.text


def test_a_reset_that_redis_did_not_hear_of_has_not_been(replicas, monkeypatch):
    one, other = replicas()
    send(one)
    run = one.sandboxes._redis.run

    def deaf(script, *arguments):
        if script == "publish":
            raise Problem("unavailable", "gone")
        return run(script, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(one.sandboxes._redis, "run", deaf)
        with pytest.raises(Problem):
            one.sandbox.reset()
    send(one)
    assert listed(one) == listed(other)
    assert len(listed(one)) == 2


def test_settings_say_what_is_wrong_with_a_store(redis_server):
    with pytest.raises(UserError, match=r"no Redis answers at 127\.0\.0\.1"):
        build(Settings(state="redis://:secret@127.0.0.1:1/0"))
    with pytest.raises(UserError, match="is not where state can be kept; there are memory, redis"):
        build(Settings(state="sqlite:///x"))
    with pytest.raises(UserError, match="is not where a Redis can be"):
        build(Settings(state=f"{redis_server.url}?nonsense=1"))
    with pytest.raises(UserError, match="is not where a Redis can be"):
        build(Settings(state=f"{redis_server.url}?socket_timeout=soon"))


def test_every_home_is_described():
    page = (Path(__file__).parent.parent / "docs" / "shared-store.md").read_text(encoding="utf-8")
    assert all(f"{scheme}://" in page for scheme in BACKENDS if scheme != "memory")
    with pytest.raises(UserError) as refused:
        open_backend("mysql://user:secret@host/db")
    assert "secret" not in str(refused.value)


def test_two_servers_on_sockets_are_one(replicas):
    pipelines = replicas(clock_rate=1.0)
    with (
        serve_in_thread(create_app(pipeline=pipelines[0])) as one,
        serve_in_thread(create_app(pipeline=pipelines[1])) as other,
        httpx.Client(headers={**HEADERS, "x-mockserver-admin": "1"}) as client,
    ):
        made = client.post(f"{one.url}/__admin/sandboxes", json={"name": "both"}).json()
        bound = {"authorization": f"Bearer {made['api_key']}"}
        for server in (one, other):
            url = f"{server.url}/~both/datagrid/v1/user-memories"
            sent = client.post(url, json={"agent_id": "a", "memory": "m"}, headers=bound)
            assert sent.status_code == 201
        journal = client.get(f"{one.url}/__admin/sandboxes/both/journal").json()
        assert [entry["status"] for entry in journal["entries"]] == [201, 201]
        with client.stream("GET", f"{other.url}/__admin/sandboxes/both/events?after=0&seconds=0") as events:
            told = [line for line in events.iter_lines() if line.startswith("id:")]
        assert told == ["id: 1", "id: 2"]


def test_many_at_once_on_one_server_are_all_answered(replicas):
    (pipeline,) = replicas(1, clock_rate=1.0, limit=None)

    async def load(url: str) -> list[int]:
        async with httpx.AsyncClient(headers=HEADERS) as client:
            posts = [client.post(url, json={"agent_id": "a", "memory": "m"}) for _ in range(100)]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    with serve_in_thread(create_app(pipeline=pipeline, admin=False)) as server:
        assert asyncio.run(load(f"{server.url}/v1/user-memories")) == [201] * 100
    assert len({row["id"] for row in pipeline.sandbox.store.rows("user_memories")}) == 100
    assert pipeline.sandbox.store.balance().consumed == 100


def test_servers_that_would_answer_differently_do_not_share_a_store(replicas, redis_server, caplog):
    (one,) = replicas(1)
    url = f"{redis_server.url}?prefix={one.sandboxes._prefix[:-1]}"
    with pytest.raises(UserError, match=r"uses this store too, and does not serve both mem0; start them alike"):
        build(Settings(state=url, apis=("datagrid",)))
    redis = one.sandboxes._redis.client
    servers = one.sandboxes._prefix + "servers"
    ((name, text),) = redis.hgetall(servers).items()
    at, about = orjson.loads(text)
    about["served"]["datagrid"] = "another"
    redis.hset(servers, name, orjson.dumps([at, about]))
    with pytest.raises(UserError, match=r"does not serve the same document for datagrid; .* seen \d+ s ago"):
        build(Settings(state=url))
    redis.hset(servers, name, orjson.dumps([at - 16, about]))
    build(Settings(state=url))
    assert name not in redis.hgetall(servers), "it was not heard of for long"
    ((name, text),) = redis.hgetall(servers).items()
    at, about = orjson.loads(text)
    redis.hset(servers, name, orjson.dumps([at, about | {"version": "0.0.9"}]))
    build(Settings(state=url))
    assert "uses this store too and is version 0.0.9, this one" in caplog.text


def test_a_store_of_another_version_is_refused(redis_server):
    connection = Connection(f"{redis_server.url}?prefix=old")
    connection.call("HSET", "old:sandbox:default", "version", "1")
    with pytest.raises(UserError, match=r"under old:\* was written by another version of mockserver \(layout 1, this"):
        build(Settings(state=f"{redis_server.url}?prefix=old"))


def test_a_server_that_ends_says_so(replicas):
    (one,) = replicas(1)
    redis, servers = one.sandboxes._redis.client, one.sandboxes._prefix + "servers"
    with serve_in_thread(create_app(pipeline=one)) as server:
        assert httpx.get(f"{server.url}/__admin/health").status_code == 200
        assert redis.hlen(servers) == 1
    assert redis.hlen(servers) == 0


def test_who_passes_requests_on_enters_the_same_world(replicas):
    one, other = replicas()
    made = one.sandboxes.create("ci")
    for name, key, where in (
        (None, made.key, "ci"),
        ("ci", "k", "ci"),
        ("none", "k", "default"),
        (None, "k", "default"),
    ):
        request = Request("GET", "/", "", {"authorization": f"Bearer {key}"})
        world, now, rate = other.sandboxes.enter(name, request)
        assert (world.sandbox, now, rate) == (where, START, 0.0)
