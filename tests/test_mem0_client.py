"""The real mem0 client, synchronous and asynchronous, against a real server."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator

# The client reads these when it is imported: no telemetry, no file in the home directory.
os.environ["MEM0_TELEMETRY"] = "False"
os.environ["MEM0_DIR"] = tempfile.mkdtemp(prefix="mem0-")

import httpx
import pytest

from mockserver import Session
from mockserver.messages import Limit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mem0 import AsyncMemoryClient, MemoryClient
    from mem0.exceptions import (
        AuthenticationError,
        MemoryError,
        MemoryNotFoundError,
        RateLimitError,
        ValidationError,
    )

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def client(server) -> Iterator[MemoryClient]:
    made = MemoryClient(api_key="key", host=server.url)
    yield made
    made.client.close()


@pytest.fixture
async def async_client(server) -> AsyncIterator[AsyncMemoryClient]:
    made = AsyncMemoryClient(api_key="key", host=server.url)
    yield made
    await made.async_client.aclose()


def added(client: MemoryClient, text: str, **scope: object) -> str:
    """Store one memory word for word; its id."""
    return client.add(text, infer=False, **{"user_id": "alex", **scope})["results"][0]["id"]


def test_the_constructor_reads_the_account(client) -> None:
    assert client.user_email == "mock@example.com"
    assert client.org_id
    assert client.project_id


def test_add_and_get(client) -> None:
    answer = client.add("Likes tea", user_id="alex", metadata={"channel": "support"}, infer=False)
    assert answer["status"] == "SUCCEEDED"
    (result,) = answer["results"]
    assert result["event"] == "ADD"
    assert result["data"] == {"memory": "Likes tea"}
    memory = client.get(result["id"])
    assert memory["id"] == memory["memory_id"] == result["id"]
    assert memory["memory"] == "Likes tea"
    assert memory["user_id"] == "alex"
    assert memory["metadata"] == {"channel": "support"}


def test_add_with_inference_answers_at_once_and_keeps_what_the_user_said(client) -> None:
    messages = [{"role": "user", "content": "I moved to Oslo"}, {"role": "assistant", "content": "Noted."}]
    answer = client.add(messages, user_id="alex")
    assert answer["status"] == "PENDING"
    assert answer["event_id"]
    assert "results" not in answer
    assert [m["memory"] for m in client.get_all(filters={"user_id": "alex"})["results"]] == ["I moved to Oslo"]


def test_add_takes_ids_inside_filters_too(client) -> None:
    client.add("Likes tea", filters={"user_id": "kim"})
    assert client.get_all(filters={"user_id": "kim"})["count"] == 1


def test_get_all_by_pages(client) -> None:
    ids = [added(client, f"Memory {n}", run_id="r1") for n in range(5)]
    first = client.get_all(filters={"user_id": "alex"}, page=1, page_size=2)
    assert [m["id"] for m in first["results"]] == [ids[4], ids[3]]
    assert first["results"][0]["session_id"] == "r1"
    assert first["count"] == 5
    assert first["previous"] is None
    second = client.client.post(first["next"], json={"filters": {"user_id": "alex"}}).json()
    assert [m["id"] for m in second["results"]] == [ids[2], ids[1]]
    last = client.get_all(filters={"user_id": "alex"}, page=3, page_size=2)
    assert [m["id"] for m in last["results"]] == [ids[0]]
    assert last["next"] is None


def test_get_all_by_filter(client) -> None:
    kept = added(client, "Likes tea", metadata={"rank": 3})
    added(client, "Likes coffee", metadata={"rank": 1})
    added(client, "Likes milk", user_id="kim")
    filters = {"AND": [{"user_id": "alex"}, {"metadata": {"rank": {"gte": 2}}}, {"NOT": {"keywords": "coffee"}}]}
    assert [m["id"] for m in client.get_all(filters=filters)["results"]] == [kept]


def test_search(client) -> None:
    best = added(client, "Likes green tea in the morning", run_id="r1")
    added(client, "Drives a red car")
    added(client, "Likes green tea", user_id="kim")
    found = client.search("what tea does the user like?", filters={"user_id": "alex"}, top_k=5, rerank=True)["results"]
    assert [m["id"] for m in found] == [best]
    assert 0.1 <= found[0]["score"] <= 1
    assert found[0]["run_id"] == "r1"
    everything = client.search("tea", filters={"user_id": "alex"}, threshold=0.0)["results"]
    assert len(everything) == 2
    assert everything[0]["id"] == best


def test_update_and_history(client) -> None:
    id = added(client, "Likes tea")
    assert client.update(id, text="Likes coffee")["memory"] == "Likes coffee"
    assert client.update(id, metadata={"sure": True})["metadata"] == {"sure": True}
    assert client.update(id, expiration_date="2025-12-31")["expiration_date"] == "2025-12-31"
    assert client.get_all(filters={"user_id": "alex"})["count"] == 0
    assert client.get_all(filters={"user_id": "alex"}, show_expired=True)["count"] == 1
    assert client.update(id, expiration_date=None)["expiration_date"] is None
    assert client.update(id, timestamp=0)["created_at"] == "1970-01-01T00:00:00.000Z"
    history = client.history(id)
    assert [entry["event"] for entry in history] == ["ADD"] + ["UPDATE"] * 5
    assert (history[1]["old_memory"], history[1]["new_memory"]) == ("Likes tea", "Likes coffee")


def test_delete(client) -> None:
    id = added(client, "Likes tea")
    assert client.delete(id)["message"]
    for read in (client.get, client.history, client.delete):
        with pytest.raises(MemoryNotFoundError):
            read(id)
    assert client.delete(added(client, "Likes tea"), delete_linked=True)["cascade_count"] == 0


def test_delete_all(client) -> None:
    added(client, "Likes tea")
    other = added(client, "Likes tea", user_id="kim")
    assert client.delete_all(user_id="alex")["event_id"]
    assert client.get_all(filters={"user_id": "alex"})["count"] == 0
    assert client.get(other)["user_id"] == "kim"
    client.delete_all(user_id="*")
    with pytest.raises(MemoryNotFoundError):
        client.get(other)
    with pytest.raises(ValidationError):
        client.delete_all()


def test_users_and_delete_users(client) -> None:
    added(client, "Likes tea", agent_id="bot/1", app_id="shop", run_id="r1")
    added(client, "Likes milk", user_id="kim")
    answer = client.users()
    assert {(e["type"], e["name"]) for e in answer["results"]} == {
        ("user", "alex"),
        ("agent", "bot/1"),
        ("app", "shop"),
        ("run", "r1"),
        ("user", "kim"),
    }
    assert (answer["count"], answer["total_users"], answer["total_runs"]) == (5, 2, 1)
    client.delete_users(agent_id="bot/1")
    assert [e["name"] for e in client.users()["results"]] == ["kim"]
    with pytest.raises(MemoryNotFoundError):
        client.delete_users(agent_id="bot/1")


def test_reset(client) -> None:
    added(client, "Likes tea")
    added(client, "Likes milk", user_id="kim")
    client.reset()
    assert client.users()["results"] == []


def test_batches(client) -> None:
    one, two = added(client, "One"), added(client, "Two")
    client.batch_update([{"memory_id": one, "text": "Eins"}, {"memory_id": two, "metadata": {"n": 2}}])
    assert client.get(one)["memory"] == "Eins"
    assert (client.get(two)["memory"], client.get(two)["metadata"]) == ("Two", {"n": 2})
    with pytest.raises(MemoryNotFoundError, match=UNKNOWN):
        client.batch_update([{"memory_id": one, "text": "Uno"}, {"memory_id": UNKNOWN, "text": "x"}])
    assert client.get(one)["memory"] == "Eins"
    with pytest.raises(MemoryNotFoundError, match=UNKNOWN):
        client.batch_delete([{"memory_id": one}, {"memory_id": UNKNOWN}])
    client.batch_delete([{"memory_id": one}, {"memory_id": two}])
    with pytest.raises(MemoryNotFoundError):
        client.get(one)


def test_an_immutable_memory_cannot_be_changed(client) -> None:
    id = added(client, "Born in 1990", immutable=True)
    with pytest.raises(ValidationError, match="immutable"):
        client.update(id, text="Born in 1991")
    assert client.get(id)["memory"] == "Born in 1990"


def test_errors_as_the_client_reads_them(client) -> None:
    with pytest.raises(MemoryNotFoundError) as unknown:
        client.get(UNKNOWN)
    assert unknown.value.error_code == "HTTP_404"
    assert UNKNOWN in unknown.value.message
    with pytest.raises(ValidationError) as nobody:
        client.add("Likes tea")
    assert nobody.value.details["error"] == "Invalid request"
    with pytest.raises(ValidationError):
        client.get_all(filters={})
    assert issubclass(MemoryNotFoundError, MemoryError)


def test_a_bad_key(make_server) -> None:
    server = make_server(keys=("right",))
    with httpx.Client() as http, pytest.raises(ValueError, match="API key"):
        MemoryClient(api_key="wrong", host=server.url, client=http)
    client = MemoryClient(api_key="right", host=server.url)
    client.client.headers["Authorization"] = "Token wrong"
    with pytest.raises(AuthenticationError):
        client.users()
    client.client.close()


def test_the_rate_limit(make_server) -> None:
    client = MemoryClient(api_key="key", host=make_server(limit=Limit(2, 60.0)).url)
    client.users()
    client.users()
    with pytest.raises(RateLimitError) as limited:
        client.users()
    assert limited.value.debug_info["retry_after"] == 60
    assert limited.value.debug_info["x_ratelimit_limit"] == "2"
    client.client.close()


def test_under_the_name_of_the_api(server) -> None:
    client = MemoryClient(api_key="key", host=f"{server.url}/mem0")
    added(client, "Likes tea")
    page = client.get_all(filters={"user_id": "alex"}, page=1, page_size=1)
    assert page["count"] == 1
    client.client.close()


async def test_the_asynchronous_client(async_client) -> None:
    client = async_client
    answer = await client.add("Likes tea", user_id="alex", infer=False)
    id = answer["results"][0]["id"]
    assert (await client.get(id))["memory"] == "Likes tea"
    assert (await client.get_all(filters={"user_id": "alex"}))["count"] == 1
    assert (await client.search("tea", filters={"user_id": "alex"}))["results"][0]["id"] == id
    assert (await client.update(id, text="Likes coffee"))["memory"] == "Likes coffee"
    assert len(await client.history(id)) == 2
    assert (await client.users())["count"] == 1
    await client.batch_update([{"memory_id": id, "text": "Likes milk"}])
    await client.batch_delete([{"memory_id": id}])
    with pytest.raises(MemoryNotFoundError):
        await client.get(id)
    await client.add("Likes tea", user_id="alex")
    await client.delete_all(user_id="alex")
    id = (await client.add("Likes tea", user_id="kim", infer=False))["results"][0]["id"]
    await client.delete(id)
    await client.add("Likes tea", user_id="kim")
    await client.delete_users(user_id="kim")
    await client.add("Likes tea", user_id="kim")
    await client.reset()
    assert (await client.users())["results"] == []


def test_the_client_answers_in_process():
    with Session() as session, session.sandbox() as mock:
        client = MemoryClient(**mock.client_kwargs("mem0", transport="sync"))
        client.add("Likes tea", user_id="u")
        assert {entry.data["api"] for entry in mock.requests} == {"mem0"}
        assert all(entry.status < 300 for entry in mock.requests)
