"""Snapshots that the server keeps of a sandbox: saved, listed, put back, dropped; in memory and in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from urllib.parse import quote

import httpx
import pytest

from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.state import shelf
from mockserver.state.redis import shelf as redis_shelf

WRITE = {"x-mockserver-admin": "1"}
_groups = count()


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[[], httpx.Client]]:
    """Makes clients of servers that share a store; those with memory are one server."""
    state = "memory"
    if request.param == "redis":
        url = request.getfixturevalue("redis_server").url
        state = f"{url}?prefix=snapshots-{next(_groups)}&socket_timeout=10"
    urls: list[str] = []
    with ExitStack() as running:

        def one() -> httpx.Client:
            if state != "memory" or not urls:
                urls.append(running.enter_context(serve_in_thread(create_app(Settings(state=state)))).url)
            client = httpx.Client(base_url=urls[-1], headers={"authorization": "Bearer k", **WRITE}, timeout=30)
            return running.enter_context(client)

        yield one


def path(name: str = "", rest: str = "", sandbox: str = "default") -> str:
    return f"/__admin/sandboxes/{sandbox}/snapshots" + (f"/{quote(name)}" if name else "") + rest


def created(client: httpx.Client, memory: str, prefix: str = "") -> str:
    return client.post(f"{prefix}/v1/user-memories", json={"agent_id": "a", "memory": memory}).json()["id"]


def memories(client: httpx.Client) -> set[str]:
    return {row["id"] for row in client.get("/v1/user-memories").json()["data"]}


def test_a_snapshot_is_put_back_also_after_a_reset_and_by_another_server(make):
    client, other = make(), make()
    assert client.get(path()).json() == {"snapshots": []}
    first = created(client, "one")
    saved = client.put(path("before it broke")).json()
    assert saved.items() >= {"name": "before it broke", "exchange": 1, "rows": 1}.items()
    state = client.get("/__admin/sandboxes/default/state").json()
    created(client, "two")
    client.post("/__admin/sandboxes/default/reset")
    assert memories(other) == set()
    assert other.get(path()).json() == {"snapshots": [saved]}
    assert other.get(path("before it broke")).json() == state
    assert other.post(path("before it broke", "/restore")).status_code == 204
    assert memories(client) == {first}
    assert client.delete(path("before it broke")).status_code == 204
    assert other.get(path()).json() == {"snapshots": []}


def test_one_of_the_same_name_takes_its_place(make):
    client = make()
    client.put(path("a"))
    created(client, "one")
    client.put(path("a"))
    client.put(path("b"))
    assert [(one["name"], one["rows"]) for one in client.get(path()).json()["snapshots"]] == [("a", 1), ("b", 1)]


def test_they_go_with_their_sandbox(make):
    client = make()
    for _ in range(2):
        client.post("/__admin/sandboxes", json={"name": "s"})
        assert client.get(path(sandbox="s")).json() == {"snapshots": []}
        client.put(path("a", sandbox="s"))
        assert len(client.get(path(sandbox="s")).json()["snapshots"]) == 1
        client.delete("/__admin/sandboxes/s")


def test_their_number_and_their_bytes_are_bounded(make, monkeypatch):
    client = make()
    for module in (shelf, redis_shelf):
        monkeypatch.setattr(module, "KEPT", 2)
        monkeypatch.setattr(module, "KEPT_BYTES", 2000)
    assert [client.put(path(name)).status_code for name in "aba"] == [200, 200, 200]
    refused = client.put(path("c"))
    assert refused.status_code == 409 and "there is no room for 'c'" in refused.json()["detail"]
    client.delete(path("a"))
    created(client, "x" * 1900)
    assert client.put(path("c")).status_code == 409
    assert [one["name"] for one in client.get(path()).json()["snapshots"]] == ["b"]


def test_a_name_that_is_not_there_or_none_is_told(make):
    client = make()
    assert client.get(path("before")).json()["detail"] == "Sandbox default keeps no snapshot 'before'; none is kept"
    client.put(path("before"))
    for ask in (client.get(path("befor")), client.delete(path("befor")), client.post(path("befor", "/restore"))):
        assert ask.status_code == 404 and "did you mean 'before'?" in ask.json()["detail"]
    for name in ("<b>", " a", "a/b", "x" * 81):
        assert client.put(path(quote(name, safe=""))).status_code == 400, name
    assert httpx.put(client.base_url.join(path("a"))).status_code == 403
