"""A store in a cluster or behind a Sentinel, and Redis servers that cannot be written."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter

import httpx
import orjson
import pytest
import redis
from redis_groups import cluster, watched
from redis_server import RedisServer
from test_shared import HEADERS, listed, send

from mockserver.errors import UserError
from mockserver.pipeline.build import build
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not RedisServer.is_installed(), reason="there is no redis-server"),
]
BODY = {"agent_id": "a", "memory": "m"}


async def create(url: str, keys: list[str]) -> list[int]:
    """Create a memory with each key, all at once; the statuses."""
    async with httpx.AsyncClient(base_url=url) as client:
        headers = [{"authorization": f"Bearer {key}"} for key in keys]
        posts = [client.post("/v1/user-memories", json=BODY, headers=each) for each in headers]
        return [answer.status_code for answer in await asyncio.gather(*posts)]


def test_sandboxes_are_spread_over_a_cluster():
    with cluster() as nodes:
        one, other = (build(Settings(state=each.url, rate_limit=None)) for each in nodes[:2])
        made = [one.sandboxes.create() for _ in range(12)]
        names = [sandbox.name for sandbox in made]
        assert sorted(sandbox.name for sandbox in other.sandboxes.all()) == sorted([*names, "default"])
        for sandbox in made:
            assert [send(each, key=sandbox.key).status for each in (one, other)] == [201, 201]
            assert send(other, "GET", f"/~{sandbox.name}/v1/user-memories", key=sandbox.key).sandbox == sandbox.name
            assert len(one.sandboxes.get(sandbox.name).store.rows("user_memories")) == 2
        with serve_in_thread(create_app(pipeline=one)) as server:
            assert set(asyncio.run(create(server.url, [sandbox.key for sandbox in made] * 5))) == {201}
        for each in nodes:
            with redis.Redis(port=each.port) as client:
                assert client.keys("{mockserver:*:m"), "every node has some of them"
        one.sandboxes.get(names[0]).reset()
        other.sandboxes.delete(names[1])
        assert other.sandboxes.get(names[0]).store.rows("user_memories") == []
        assert other.sandboxes.count() == 12


def test_what_a_cluster_has_moved_is_found():
    with cluster() as nodes:
        pipeline = build(Settings(state=nodes[0].url, rate_limit=None))
        with serve_in_thread(create_app(pipeline=pipeline)) as server:
            assert asyncio.run(create(server.url, ["k"] * 3)) == [201] * 3
            move("{mockserver:default}", nodes)
            assert asyncio.run(create(server.url, ["k"] * 3)) == [201] * 3
        assert len(listed(pipeline)) == 6


def move(key: str, nodes: list[RedisServer]) -> None:
    """Move the slot of a key to the next node."""
    clients = [redis.Redis(port=node.port) for node in nodes]
    slot = clients[0].execute_command("CLUSTER KEYSLOT", key)
    ids = [client.execute_command("CLUSTER MYID").decode() for client in clients]
    was = next(n for n, client in enumerate(clients) if client.execute_command("CLUSTER COUNTKEYSINSLOT", slot))
    now = (was + 1) % len(nodes)
    clients[now].execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[was])
    clients[was].execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[now])
    keys = clients[was].execute_command("CLUSTER GETKEYSINSLOT", slot, 100)
    clients[was].execute_command("MIGRATE", "127.0.0.1", nodes[now].port, "", 0, 5000, "KEYS", *keys)
    for client in (clients[now], clients[was]):
        client.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[now])
    for client in clients:
        client.close()


def test_a_failover_in_mid_load_loses_nothing_that_was_replicated(tmp_path):
    with watched(tmp_path) as group:
        pipeline = build(Settings(state=f"{group.url}&socket_timeout=2", rate_limit=None, credits=1e9))
        statuses: Counter[int] = Counter()
        ids: list[str] = []

        async def client(url: str) -> None:
            """Create memories until a hundred were created after an outage."""
            async with httpx.AsyncClient(base_url=url, headers=HEADERS) as session:
                seen = after = 0
                while after < 100:
                    answer = await session.post("/v1/user-memories", json=BODY)
                    statuses[answer.status_code] += 1
                    seen += answer.status_code == 503
                    if answer.status_code == 201:
                        ids.append(answer.json()["id"])
                        after += seen > 0
                    else:
                        await asyncio.sleep(0.02)

        async def load(url: str) -> None:
            clients = [asyncio.create_task(client(url)) for _ in range(8)]
            while len(ids) < 200:
                await asyncio.sleep(0.01)
            with redis.Redis(port=group.primary.port) as primary:
                primary.client_pause(60_000, all=False)  # writes
                assert primary.wait(1, 2000) == 1
            group.primary.stop(signal.SIGKILL)
            await asyncio.gather(*clients)

        with serve_in_thread(create_app(pipeline=pipeline)) as server:
            asyncio.run(load(server.url))
        assert set(statuses) == {201, 503}
        rows = [row["id"] for row in pipeline.sandbox.store.rows("user_memories")]
        assert len(rows) == len(set(rows))
        assert set(ids) <= set(rows)
        assert pipeline.sandbox.store.balance().consumed == len(rows)


def test_a_sentinel_needs_a_name_and_a_replica_is_refused(tmp_path):
    with watched(tmp_path) as group:
        with pytest.raises(UserError, match=r"is a Sentinel; say which primary it is to name: \?sentinel=main"):
            build(Settings(state=group.url.partition("?")[0]))
        with pytest.raises(
            UserError, match=f"is a read-only replica; name its primary, 127.0.0.1:{group.primary.port}"
        ):
            build(Settings(state=group.replica.url))


def test_a_redis_that_cannot_be_written_says_why(caplog):
    with RedisServer() as server:
        pipeline = build(Settings(state=server.url))
        assert send(pipeline).status == 201
        with redis.Redis(port=server.port) as client:
            client.config_set("maxmemory", 1)
            assert reason(pipeline) == "The shared store is full: Redis has reached its maxmemory."
            client.config_set("maxmemory", 0)
            client.replicaof("127.0.0.1", 1)
            assert reason(pipeline) == "The shared store cannot be written: this Redis is a read-only replica."
            client.replicaof("NO", "ONE")
            assert send(pipeline).status == 201
            client.config_set("maxmemory", 1 << 30)
            client.config_set("maxmemory-policy", "allkeys-lru")
            caplog.clear()
            build(Settings(state=server.url))
    assert "may throw away parts of sandboxes when its memory is full (maxmemory-policy allkeys-lru)" in caplog.text


def reason(pipeline) -> str:
    exchange = send(pipeline)
    assert (exchange.status, orjson.loads(exchange.response.content)["retryable"]) == (503, True)
    return exchange.reason
