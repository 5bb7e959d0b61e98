"""The vendor's own Python client, unchanged, against a real server."""

from __future__ import annotations

import datagrid_ai
import pytest
from datagrid_ai import AsyncDatagrid, Datagrid

from mockserver import Session


def client_of(server, **options) -> Datagrid:
    return Datagrid(api_key="My API Key", base_url=f"{server.url}/v1", max_retries=0, **options)


@pytest.fixture
def client(server):
    with client_of(server) as client:
        yield client


def test_create_without_context_and_prompt(client):
    memory = client.memory.user.create(agent_id="a1", memory="likes tea")
    assert memory.object == "user_memory"
    assert (memory.agent_id, memory.memory, memory.context, memory.user_prompt) == ("a1", ["likes tea"], [], "")
    assert memory.created_at == memory.updated_at == "2026-01-01T00:00:00.000Z"
    assert memory.credits.consumed == 1


def test_create_with_context_and_prompt(server):
    with client_of(server, _strict_response_validation=True) as client:
        memory = client.memory.user.create(agent_id="a1", memory="m", context="at work", user_prompt="remember")
    assert (memory.context, memory.user_prompt) == (["at work"], "remember")


def test_nulls_are_like_absent(client):
    memory = client.memory.user.create(agent_id="a1", memory="m", context=None, user_prompt=None)
    assert (memory.context, memory.user_prompt) == ([], "")


def test_paging_through_120_memories(client):
    created = [client.memory.user.create(agent_id="a", memory=f"m{i}").id for i in range(120)]
    assert len(set(created)) == 120
    seen, offset = [], 0
    while True:
        page = client.memory.user.list(limit=50, offset=offset)
        seen += [memory.id for memory in page.data]
        offset += 50
        if not page.has_more:
            break
    assert seen == created[::-1], "newest first, each once"
    assert offset == 150
    assert len(client.memory.user.list().data) == 50, "the default limit"
    edge = client.memory.user.list(limit=100, offset=20)
    assert (len(edge.data), edge.has_more) == (100, False)
    assert client.memory.user.list(limit=100, offset=19).has_more is True
    beyond = client.memory.user.list(offset=100_000)
    assert (beyond.data, beyond.has_more) == ([], False)


def test_delete_then_404(client):
    memory = client.memory.user.create(agent_id="a", memory="m")
    assert client.memory.user.delete(memory.id) is None
    with pytest.raises(datagrid_ai.NotFoundError) as caught:
        client.memory.user.delete(memory.id)
    assert caught.value.body["status_code"] == 404
    assert client.memory.user.list().data == []


def test_delete_of_an_id_with_a_slash_and_a_space(client):
    with pytest.raises(datagrid_ai.NotFoundError) as caught:
        client.memory.user.delete("id/with space?")
    assert "'id/with space?'" in caught.value.body["message"]


def test_credits_go_down_by_what_was_consumed(client):
    before = client.organization.credits.get()
    memory = client.memory.user.create(agent_id="a", memory="x" * 1500, context="y" * 600)
    after = client.organization.credits.get()
    assert memory.credits.consumed == 3, "2100 characters at 1000 a credit"
    assert before.remaining - after.remaining == 3
    assert after.consumed == 3
    assert after.total == before.total == after.remaining + after.consumed


def test_at_zero_the_next_create_is_402_and_stores_nothing(make_server):
    with client_of(make_server(credits=2)) as client:
        for _ in range(2):
            client.memory.user.create(agent_id="a", memory="m")
        with pytest.raises(datagrid_ai.APIStatusError) as caught:
            client.memory.user.create(agent_id="a", memory="m")
        assert caught.value.status_code == 402
        assert caught.value.body["error"] == "out_of_credits"
        assert len(client.memory.user.list().data) == 2
        assert client.organization.credits.get().remaining == 0


def test_too_dear_a_create_is_402_but_a_cheaper_one_is_not(make_server):
    with client_of(make_server(credits=2)) as client:
        with pytest.raises(datagrid_ai.APIStatusError) as caught:
            client.memory.user.create(agent_id="a", memory="x" * 2001)
        assert caught.value.status_code == 402
        assert client.memory.user.create(agent_id="a", memory="x" * 2000).credits.consumed == 2


def test_request_201_is_a_429_whose_retry_after_is_true(server):
    clock = server.app.state.pipeline.sandbox.clock
    with client_of(server) as client:
        for _ in range(199):
            client.memory.user.list(limit=1)
        clock.advance(10.25)
        last = client.memory.user.with_raw_response.list(limit=1)
        assert last.headers["x-ratelimit-remaining"] == "0"
        assert last.headers["retry-after"] == "50", "sent with the last success too, rounded up"
        with pytest.raises(datagrid_ai.RateLimitError) as caught:
            client.memory.user.list(limit=1)
        response = caught.value.response
        assert response.headers["retry-after"] == "50"
        assert response.headers["x-ratelimit-limit"] == "200"
        assert response.headers["x-ratelimit-reset"] == "1767225660"
        assert caught.value.body["error"] == "rate_limit_exceeded"
        assert caught.value.body["retryable"] is True
        clock.advance(49)
        with pytest.raises(datagrid_ai.RateLimitError) as caught:
            client.memory.user.list(limit=1)
        assert caught.value.response.headers["retry-after"] == "1"
        clock.advance(1)
        client.memory.user.list(limit=1)


def test_a_limit_is_per_method_path_and_teamspace(make_server):
    from mockserver.messages import Limit

    server = make_server(limit=Limit(1))
    with client_of(server) as home, client_of(server, teamspace="ts-2") as other:
        home.memory.user.list()
        with pytest.raises(datagrid_ai.RateLimitError):
            home.memory.user.list()
        home.memory.user.create(agent_id="a", memory="m")
        home.organization.credits.get()
        assert other.memory.user.list().data == [], "a teamspace of its own, with memories of its own"


def test_invalid_key_is_401(make_server):
    with client_of(make_server(keys=("right",))) as client, pytest.raises(datagrid_ai.AuthenticationError) as caught:
        client.memory.user.list()
    assert "My API Key" not in caught.value.response.text
    assert caught.value.response.headers["www-authenticate"] == 'Bearer realm="datagrid", error="invalid_token"'


def test_a_validation_error_names_the_field(client):
    with pytest.raises(datagrid_ai.BadRequestError) as caught:
        client.memory.user.create(agent_id="a", memory=5)
    assert caught.value.body["details"]["fields"] == [
        {"field": "memory", "message": "must be a string, not the integer 5"}
    ]


async def test_the_async_client(server):
    async with AsyncDatagrid(api_key="k", base_url=f"{server.url}/datagrid/v1", max_retries=0) as client:
        memory = await client.memory.user.create(agent_id="a", memory="m")
        page = await client.memory.user.list()
        assert [item.id for item in page.data] == [memory.id]
        await client.memory.user.delete(memory.id)


def test_a_client_that_retries_waits_as_long_as_it_was_told(make_server, monkeypatch):
    from mockserver.messages import Limit

    server = make_server(limit=Limit(1, 30.0))
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        server.app.state.pipeline.sandbox.clock.advance(seconds)

    monkeypatch.setattr(datagrid_ai._base_client.time, "sleep", sleep)
    with Datagrid(api_key="k", base_url=server.url) as client:
        client.memory.user.list()
        client.memory.user.list()
    assert slept == [30.0]
    statuses = [exchange.status for exchange in server.app.state.pipeline.sandbox.exchanges()]
    assert statuses == [200, 429, 200]


def test_a_vendors_client_answers_in_process():
    with Session() as session, session.sandbox(credits=100) as mock:
        with Datagrid(**mock.client_kwargs("datagrid", transport="sync")) as client:
            assert client.memory.user.create(agent_id="a", memory="m").memory == ["m"]
        assert mock.client_kwargs("mem0", transport="sync").keys() == {"host", "api_key", "client"}
        assert [entry.operation for entry in mock.requests] == ["Memory.createUserMemory"]


async def test_a_vendors_async_client_answers_in_process():
    with Session() as session, session.sandbox() as mock:
        async with AsyncDatagrid(**mock.client_kwargs("datagrid", transport="async")) as client:
            assert (await client.memory.user.create(agent_id="a", memory="m")).memory == ["m"]
