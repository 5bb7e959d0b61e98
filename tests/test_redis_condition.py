"""A Redis that throws keys away, is full or becomes a replica while servers use it: it is noticed and said."""

from __future__ import annotations

import time

import httpx
import orjson
import pytest
import redis
from redis_server import RedisServer
from test_shared import listed, replicas, send  # noqa: F401 (a fixture)

from mockserver.pipeline.build import build
from mockserver.sandbox import shared
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytestmark = pytest.mark.skipif(
    not RedisServer.is_installed(), reason="there is no redis-server; install Debian's package of that name"
)
SECONDS = 20


def test_a_redis_that_throws_keys_away_is_noticed_while_servers_run(monkeypatch, caplog):
    monkeypatch.setattr(shared, "BEAT", 0.02)
    with RedisServer() as server, redis.Redis(port=server.port) as client:
        pipeline = build(Settings(state=server.url))
        with serve_in_thread(create_app(pipeline=pipeline)) as running, httpx.Client(base_url=running.url) as http:
            assert "problems" not in http.get("/__admin/ready").json()
            client.config_set("maxmemory-policy", "allkeys-random")
            client.config_set("maxmemory", client.info()["used_memory"] + 500_000)
            for n in range(100):
                client.set(f"other-{n}", bytes(20_000))
            end = time.monotonic() + SECONDS
            while "problems" not in (said := http.get("/__admin/ready").json()) and time.monotonic() < end:
                pass
            client.config_set("maxmemory", 0)
            (problem,) = said["problems"]
            assert problem.startswith("Redis at 127.0.0.1 has thrown away ")
            assert "parts of sandboxes may be missing (maxmemory-policy allkeys-random); set noeviction" in problem
            assert "mockserver_store_problems 1" in http.get("/__admin/metrics").text
            assert sum("has thrown away" in line for line in caplog.messages) == 1, "it is said once"


def test_a_redis_that_becomes_a_replica_or_is_full_is_noticed_and_forgotten_when_it_is_over(caplog):
    with RedisServer() as server, redis.Redis(port=server.port) as client:
        pipeline = build(Settings(state=server.url))
        send(pipeline)
        sandboxes = pipeline.sandboxes
        client.replicaof("127.0.0.1", 1)
        for _ in range(2):
            sandboxes.condition.look()
            assert send(pipeline).status == 503
        told = "Redis at 127.0.0.1 is a read-only replica of 127.0.0.1:1 now, nothing can be stored"
        assert sandboxes.problems() == [told]
        assert caplog.messages.count(told) == 1
        assert sum("READONLY" in line for line in caplog.messages) == 1, "not for every request"
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", 1)
        sandboxes.condition.look()
        assert sandboxes.problems() == [
            "Redis at 127.0.0.1 is full, it has reached its maxmemory: nothing can be stored"
        ]
        client.config_set("maxmemory", 0)
        sandboxes.condition.look()
        assert sandboxes.problems() == []
        assert "Redis at 127.0.0.1 can be written again" in caplog.messages
        assert send(pipeline).status == 201


def test_a_sandbox_that_redis_has_lost_is_begun_anew_or_gone(replicas, caplog):  # noqa: F811
    one, other = replicas(2)
    made = one.sandboxes.create("ci")
    assert send(one, key=made.key).status == send(other).status == 201
    for sandbox in (made, one.sandbox):
        one.sandboxes._redis.call("DEL", sandbox.store.world + "m")
    assert (send(one).status, listed(other)) == (201, [orjson.loads(one.sandbox.exchanges()[0].response.content)["id"]])
    assert send(other, path="/~ci/v1/user-memories").status == 404
    assert [sandbox.name for sandbox in other.sandboxes.all()] == ["default"]
    told = "the shared store has lost what sandbox {} held; it is taken away"
    assert {told.format("default"), told.format("ci")} <= set(caplog.messages)


def test_rows_that_redis_has_lost_are_not_told_as_none(replicas):  # noqa: F811
    (one,) = replicas(1)
    send(one)
    one.sandboxes._redis.call("DEL", one.sandbox.store.world + "rows")
    exchange = send(one, "GET")
    assert (exchange.status, exchange.reason) == (
        503,
        "A part of this sandbox is gone from the shared store: Redis or somebody else has removed it; reset it.",
    )
    one.sandbox.reset()
    assert listed(one) == []
