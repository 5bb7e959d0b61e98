"""The transports of every client library answer as a socket does, and lose responses as it does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests

from mockserver import Session, UserError, create_app, serve_in_thread
from mockserver.scenarios import parse_scenario
from mockserver.testing.transports import for_aiohttp, for_httpx, for_httpx2
from mockserver.testing.transports.for_requests import MockAdapter

URL = "http://mock/datagrid/v1/user-memories"
KEY = {"Authorization": "Bearer k"}
MEMORY = {"agent_id": "a", "memory": "m"}


@pytest.fixture
def app(make_pipeline):
    return create_app(pipeline=make_pipeline())


def use(app: Any, rule: str) -> None:
    text = f"version: 1\nname: s\napi: datagrid\nclock: {{mode: frozen}}\nrules: [{{id: r, {rule}}}]\n"
    pipeline = app.state.pipeline
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "s.yaml"))


def through_httpx(app: Any) -> Any:
    return httpx.Client(transport=for_httpx.MockTransport(app), headers=KEY, timeout=5)


def through_httpx2(app: Any) -> Any:
    return httpx2.Client(transport=for_httpx2.MockTransport(app), headers=KEY, timeout=5)


class _Requests(requests.Session):
    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **{"timeout": 5, **kwargs})


def through_requests(app: Any) -> Any:
    session = _Requests()
    session.mount("http://", MockAdapter(app))
    session.headers.update(KEY)
    return session


CLIENTS: list[Callable[[Any], Any]] = [through_httpx, through_httpx2, through_requests]
LIBRARIES = {through_httpx: httpx, through_httpx2: httpx2}
clients = pytest.mark.parametrize("client", CLIENTS)


@clients
def test_it_answers_as_a_socket_does(app, client):
    with serve_in_thread(app) as server:
        there = httpx.get(server.url + "/datagrid/v1/user-memories?limit=3", headers=KEY)
    with client(app) as http:
        here = http.get(URL, params={"limit": 3})
        assert (here.status_code, here.json()) == (there.status_code, there.json())
        assert http.post(URL, json=MEMORY).json()["memory"] == ["m"]
        assert http.get(URL + "?limit=101").status_code == 400
        assert here.headers["x-ratelimit-limit"] == there.headers["x-ratelimit-limit"]


@clients
def test_repeated_headers_arrive_each(app, client):
    use(app, "op: Memory.listUserMemory, reply: {status: 502, headers: {Set-Cookie: [a=1, b=2]}}")
    with client(app) as http:
        response = http.get(URL)
        assert response.status_code == 502
        assert dict(response.cookies.items()) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("fault", "of_httpx", "of_requests"),
    [
        ("{reset: before}", "ReadError", "ConnectionError"),
        ("{reset: after_commit}", "ReadError", "ConnectionError"),
        ("{empty: true}", "RemoteProtocolError", "ConnectionError"),
        ("{hang: 30s}", "ReadTimeout", "ReadTimeout"),
        ("{latency: 60s}", "ReadTimeout", "ReadTimeout"),
    ],
)
@clients
def test_a_lost_response_raises_what_it_raises_on_a_socket(app, client, fault, of_httpx, of_requests):
    use(app, f"op: Memory.createUserMemory, fault: {fault}")
    library = LIBRARIES.get(client, requests)
    began = time.monotonic()
    with client(app) as http, pytest.raises(getattr(library, of_requests if library is requests else of_httpx)):
        http.post(URL, json=MEMORY)
    assert time.monotonic() - began < 30, "a frozen clock takes no real time"
    rows = sum(map(len, app.state.pipeline.sandbox.store.snapshot().tables.get("user_memories", {}).values()))
    assert rows == (0 if "before" in fault else 1)


@pytest.mark.parametrize(("library", "module"), [(httpx, for_httpx), (httpx2, for_httpx2)])
async def test_async_clients_are_answered_too(app, library, module):
    async with library.AsyncClient(transport=module.MockTransport(app), headers=KEY) as http:
        assert (await http.post(URL, json=MEMORY)).status_code == 201
        use(app, "op: Memory.listUserMemory, fault: {reset: before}")
        with pytest.raises(library.ReadError):
            await http.get(URL)


def test_requests_sends_text_and_generators(app):
    with through_requests(app) as http:
        json = {"Content-Type": "application/json"}
        assert http.post(URL, data='{"agent_id": "a", "memory": "ü"}', headers=json).status_code == 201
        pieces = iter([b'{"agent_id": "a", ', b'"memory": "m"}'])
        assert http.post(URL, data=pieces, headers=json).status_code == 201


def test_a_mock_has_a_transport_of_its_own():
    with Session() as session, session.sandbox(scenario="out-of-credits") as mock:
        headers = {"Authorization": f"Bearer {mock.api_key}"}
        with httpx.Client(transport=mock.transport(), base_url=mock.base_url("datagrid"), headers=headers) as http:
            assert http.post("/user-memories", json=MEMORY).status_code == 402
        assert [entry.status for entry in mock.requests] == [402]


# -- aiohttp ------------------------------------------------------------------------------------------


def through_aiohttp(app: Any) -> aiohttp.ClientSession:
    connector = for_aiohttp.MockConnector(app)
    return aiohttp.ClientSession(connector=connector, headers=KEY, timeout=aiohttp.ClientTimeout(sock_read=5))


async def test_aiohttp_is_answered_as_on_a_socket(app):
    async with through_aiohttp(app) as http:
        for number in range(3):  # each is a connection of its own
            async with http.post(URL, json={**MEMORY, "memory": f"m{number}"}) as made:
                assert made.status == 201
        async with http.get(URL, params={"limit": 2}) as listed:
            assert [row["memory"] for row in (await listed.json())["data"]] == [["m2"], ["m1"]]
            assert listed.headers["x-ratelimit-limit"] == "200"
        async with http.head(URL) as head:
            assert (head.status, await head.read()) == (200, b"")
        async with http.post(URL, data=chunks(b'{"agent_id": "a", ', b'"memory": "m"}'), headers=JSON) as made:
            assert made.status == 201


JSON = {"Content-Type": "application/json"}


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("{reset: before}", aiohttp.ClientOSError),
        ("{reset: after_commit}", aiohttp.ClientOSError),
        ("{empty: true}", aiohttp.ServerDisconnectedError),
        ("{hang: 30s}", aiohttp.SocketTimeoutError),
        ("{latency: 60s}", aiohttp.SocketTimeoutError),
    ],
)
async def test_a_lost_response_raises_what_aiohttp_raises_on_a_socket(app, fault, error):
    use(app, f"op: Memory.createUserMemory, fault: {fault}")
    async with through_aiohttp(app) as http:
        with pytest.raises(error):
            await http.post(URL, json=MEMORY)
    rows = sum(map(len, app.state.pipeline.sandbox.store.snapshot().tables.get("user_memories", {}).values()))
    assert rows == (0 if "before" in fault else 1)


# -- a mock's own -------------------------------------------------------------------------------------


def test_a_mock_has_a_transport_for_each_library():
    with Session() as session, session.sandbox() as mock:
        assert isinstance(mock.transport(), for_httpx.MockTransport)
        assert isinstance(mock.transport("httpx2"), for_httpx2.MockTransport)
        assert isinstance(mock.transport("requests"), MockAdapter)
        with pytest.raises(UserError, match=r"there is no transport for 'httpx3'; did you mean 'httpx'\?"):
            mock.transport("httpx3")  # type: ignore[call-overload]
