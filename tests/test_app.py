"""One application for every server: the same bytes from each, mounted or not, and a lifespan that keeps the state."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading

import httpx
import hypercorn.asyncio
import hypercorn.config
import pytest
import uvicorn
from conftest import START
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from mockserver.apis import load_api
from mockserver.messages import Headers
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Terms
from mockserver.scenarios import parse_scenario
from mockserver.server import run
from mockserver.server.app import create_app
from mockserver.server.asgi import local_path
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

HEADERS = {"authorization": "Bearer k"}
BODY = {"agent_id": "a", "memory": "likes tea"}
MEMORIES = "/v1/user-memories"
NOT_OURS = {"date", "server", "connection"}
RESET = """\
version: 1
name: x
api: datagrid
rules:
  - {id: r, op: Memory.createUserMemory, fault: {reset: before}}
"""


@pytest.fixture
def app(make_pipeline):
    return create_app(pipeline=make_pipeline())


def through_test_client(app):
    with TestClient(app) as client:
        yield lambda *args, **kwargs: client.request(*args, **kwargs)


def through_transport(app):
    def ask(method, path, **kwargs):
        async def request():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
                return await client.request(method, path, **kwargs)

        return asyncio.run(request())

    yield ask


@contextlib.contextmanager
def in_thread(start, stop):
    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(20)


def through_uvicorn(app):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with (
            in_thread(lambda: server.run([sock]), lambda: setattr(server, "should_exit", True)),
            httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}") as client,
        ):
            yield client.request


def through_hypercorn(app):
    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    config = hypercorn.config.Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.accesslog = config.errorlog = None
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    served = hypercorn.asyncio.serve(app, config, shutdown_trigger=ended.wait)
    with (
        in_thread(lambda: loop.run_until_complete(served), lambda: loop.call_soon_threadsafe(ended.set)),
        httpx.Client(base_url=url) as client,
    ):
        yield client.request
    loop.close()


def through_ours(app):
    with serve_in_thread(app) as server, httpx.Client(base_url=server.url) as client:
        yield client.request


def through_ours_without_the_fast_path(app):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "is_tested", lambda: False)
        yield from through_ours(app)


WAYS = [
    through_test_client,
    through_transport,
    through_uvicorn,
    through_hypercorn,
    through_ours,
    through_ours_without_the_fast_path,
]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def ask(request, app):
    with contextlib.contextmanager(request.param)(app) as ask:
        yield ask


def told(response):
    ours = {name: value for name, value in response.headers.multi_items() if name not in NOT_OURS}
    return response.status_code, ours, response.content


def test_the_same_bytes_come_from_every_server(app, ask, make_pipeline):
    expected = told(TestClient(create_app(pipeline=make_pipeline())).post(MEMORIES, json=BODY, headers=HEADERS))
    assert expected[0] == 201
    assert told(ask("POST", MEMORIES, json=BODY, headers=HEADERS)) == expected
    (exchange,) = app.state.pipeline.sandbox.exchanges()
    assert (exchange.status, exchange.operation) == (201, "Memory.createUserMemory")


@pytest.mark.parametrize(
    ("method", "path", "status", "in_journal"),
    [
        ("GET", f"{MEMORIES}/", 200, True),
        ("GET", "/datagrid/v1/user-memories", 200, True),
        ("GET", "/~default/v1/user-memories", 200, True),
        ("PATCH", MEMORIES, 405, True),
        ("HEAD", MEMORIES, 200, True),
        ("OPTIONS", MEMORIES, 204, True),
        ("GET", "/nowhere", 404, True),
        ("DELETE", f"{MEMORIES}/a%2Fb", 404, True),
        ("DELETE", f"{MEMORIES}/a%0Ab", 404, True),
        ("GET", "/__administrator", 404, True),
        ("GET", "/datagrid/openapi.yaml/x", 404, True),
        ("GET", "/datagrid/openapi.json", 200, False),
        ("HEAD", "/datagrid/openapi.yaml", 200, False),
        ("OPTIONS", "/datagrid/openapi.yaml", 405, False),
        ("GET", "/__admin", 404, False),
        ("GET", "/__admin/health", 200, False),
        ("GET", "/%5F_admin/health", 200, False),
    ],
)
def test_what_is_ours_and_what_is_mocked_are_not_confused(app, ask, method, path, status, in_journal):
    headers = {**HEADERS, "host": "localhost"}
    assert ask(method, path, headers=headers).status_code == status
    entries = app.state.pipeline.sandbox.exchanges()
    assert [entry.request.path for entry in entries] == ([path] if in_journal else [])


@pytest.mark.parametrize("way", WAYS[:2], ids=lambda way: way.__name__)
def test_a_lost_response_is_a_reset_connection_for_a_test(app, way):
    pipeline = app.state.pipeline
    pipeline.sandbox.use(parse_scenario(RESET, pipeline.apis, "x.yaml"))
    with contextlib.contextmanager(way)(app) as ask, pytest.raises(ConnectionResetError):
        ask("POST", MEMORIES, json=BODY, headers=HEADERS)


@pytest.mark.parametrize("way", WAYS[4:], ids=lambda way: way.__name__)
def test_a_lost_response_is_a_reset_connection_on_a_socket(app, way):
    pipeline = app.state.pipeline
    pipeline.sandbox.use(parse_scenario(RESET, pipeline.apis, "x.yaml"))
    with contextlib.contextmanager(way)(app) as ask, pytest.raises(httpx.ReadError, match="reset"):
        ask("POST", MEMORIES, json=BODY, headers=HEADERS)


@pytest.mark.parametrize("outer", [Starlette, FastAPI])
def test_it_can_be_mounted_in_another_app(app, outer):
    client = TestClient(outer(routes=[Mount("/api", app)]), base_url="http://localhost")
    assert client.post(f"/api{MEMORIES}", json=BODY, headers=HEADERS).status_code == 201
    assert client.get(f"/%61pi{MEMORIES}", headers=HEADERS).status_code == 200
    assert client.delete(f"/api{MEMORIES}/a%2Fb", headers=HEADERS).status_code == 404
    paths = [entry.request.path for entry in app.state.pipeline.sandbox.exchanges()]
    assert paths == [MEMORIES, MEMORIES, f"{MEMORIES}/a%2Fb"]
    document = client.get("/api/datagrid/openapi.json").json()
    assert document["servers"][0]["url"] == "http://localhost/api/datagrid/v1"
    assert client.get("/api/__admin/health").status_code == 200
    made = client.post("/api/__admin/sandboxes", json={"name": "s"}, headers={"X-Mockserver-Admin": "1"}).json()
    assert made["base_urls"]["datagrid"].startswith("http://localhost/api/~s/")
    bound = {"authorization": f"Bearer {made['api_key']}"}
    assert client.get(f"{made['base_urls']['datagrid']}/user-memories", headers=bound).status_code == 200


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ({"path": "/a/b c", "raw_path": None}, "/a/b%20c"),
        ({"path": "/api/x", "raw_path": b"/api/x", "root_path": "/api"}, "/x"),
        ({"path": "/api", "raw_path": b"/api", "root_path": "/api"}, "/"),
        ({"path": "/apis/x", "raw_path": b"/apis/x", "root_path": "/api"}, "/apis/x"),
        ({"path": "/x", "raw_path": b"/x", "root_path": "/api"}, "/x"),
        ({"path": "/\u00e9/x/y", "raw_path": b"/%C3%A9/x%2Fy", "root_path": "/\u00e9"}, "/x%2Fy"),
    ],
)
def test_the_path_below_the_place_where_it_is_mounted(scope, path):
    assert local_path(scope) == path


def test_repeated_headers_keep_their_lines_both_ways(app, ask, monkeypatch):
    mocked = app.state.mocked
    answer, seen = mocked.answer, []

    def with_cookies(request):
        seen.extend(request.headers.get_all("x-a"))
        response = answer(request)
        response.headers = Headers(response.headers)
        response.headers.add("set-cookie", "a=1")
        response.headers.add("set-cookie", "b=2")
        return response

    monkeypatch.setattr(mocked, "answer", with_cookies)
    response = ask("GET", MEMORIES, headers=[*HEADERS.items(), ("x-a", "1"), ("x-a", "2")])
    assert seen == ["1", "2"]
    assert [value for name, value in response.headers.multi_items() if name == "set-cookie"] == ["a=1", "b=2"]


def test_the_lifespan_keeps_the_state(tmp_path, apis):
    file = tmp_path / "state.json"
    settings = Settings(state_file=str(file))
    with TestClient(create_app(settings, pipeline=Pipeline(apis, terms=Terms(clock_start=START)))) as client:
        id = client.post(MEMORIES, json=BODY, headers=HEADERS).json()["id"]
        assert not file.exists()
    assert json.loads(file.read_text())["tables"]["user_memories"]
    with serve_in_thread(create_app(settings, pipeline=Pipeline(apis, terms=Terms(clock_start=START)))) as server:
        page = httpx.get(f"{server.url}{MEMORIES}", headers=HEADERS).json()
    assert [row["id"] for row in page["data"]] == [id]


def test_apis_that_are_made_already_are_served_instead_of_the_bundled_ones():
    datagrid = load_api("datagrid")
    assert list(create_app(apis=[datagrid]).state.pipeline.apis) == ["datagrid"]
    assert list(create_app(Settings(apis=("mem0",)), apis=[datagrid]).state.pipeline.apis) == ["mem0", "datagrid"]


def test_without_admin_its_paths_are_like_any_other(make_pipeline):
    client = TestClient(create_app(pipeline=make_pipeline(), admin=False))
    assert client.get("/__admin/health").status_code == 404


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.52.0", False), ("0.53.0", True), ("0.54.3", True), ("0.55.0", False), ("1.0", False), ("0.54rc1", False)],
)
def test_the_fast_path_is_for_versions_of_uvicorn_that_were_tested(version, expected):
    assert run.is_tested(version) is expected
