"""Who may not use the admin API gets no memory of ours either, and who may gets some."""

from __future__ import annotations

import asyncio
import gzip
import json

import httpx
import pytest

from mockserver.admin.api import LARGE_BODIES, MAX_BODY, Admin
from mockserver.messages import Request
from mockserver.server.app import create_app
from mockserver.settings import Settings

STATE = "/__admin/sandboxes/default/state"
SCENARIO = "/__admin/sandboxes/default/scenario"


class Client:
    """One ASGI request whose body comes in pieces, when it is told to send them."""

    def __init__(self, method, path, **headers):
        given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        self.scope = {
            "type": "http",
            "scheme": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": raw,
        }
        self.pieces = asyncio.Queue()
        self.asked = 0
        self.status = None

    async def receive(self):
        self.asked += 1
        return await self.pieces.get()

    async def send(self, message):
        self.status = message.get("status", self.status)

    def put(self, piece, more=True):
        self.pieces.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    async def run(self, app):
        await app(self.scope, self.receive, self.send)
        return self.status


def app_of(pipeline, **options):
    return create_app(Settings(**options), pipeline=pipeline)


@pytest.mark.parametrize(
    ("method", "path", "headers", "most"),
    [
        ("PUT", STATE, {}, 0),
        ("PUT", STATE, {"x_mockserver_admin": "1"}, 64 * 1024 * 1024),
        ("PUT", STATE, {"x_mockserver_admin": "1", "host": "evil.example"}, 0),
        ("PUT", SCENARIO, {"x_mockserver_admin": "1"}, 2 * 1024 * 1024),
        ("POST", "/__admin/sandboxes/default/reset", {"x_mockserver_admin": "1"}, MAX_BODY),
        ("PUT", "/__admin/nowhere", {"x_mockserver_admin": "1"}, 0),
        ("PATCH", STATE, {"x_mockserver_admin": "1"}, 0),
    ],
)
def test_how_much_of_a_body_is_held(make_pipeline, method, path, headers, most):
    admin = Admin(make_pipeline())
    given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    assert admin.receive(Request(method, path, "", given)).most_body == most


@pytest.mark.parametrize("token", ["", "secret"])
async def test_who_is_refused_has_no_body_in_memory(make_pipeline, token, monkeypatch):
    app = app_of(make_pipeline(), admin_token=token)
    held = []
    monkeypatch.setattr(
        type(app.state.admin),
        "answer",
        lambda self, call, base, old=Admin.answer: held.append(call.request) or old(self, call, base),
    )
    client = Client("PUT", STATE, x_mockserver_admin="wrong") if token else Client("PUT", STATE)
    for _ in range(10):
        client.put(b"x" * 50_000)
    client.put(b"", more=False)
    assert await client.run(app) == 403
    assert [(request.body, request.too_large) for request in held] == [(b"", True)]
    endless = Client("PUT", STATE)
    for _ in range(100):
        endless.put(b"x" * 50_000)
    assert await endless.run(app) in (401, 403)
    assert endless.asked < 30, "the rest is not even read"


async def test_a_request_is_matched_and_guarded_once(make_pipeline, monkeypatch):
    app, asked = app_of(make_pipeline()), []
    for name in ("_match", "_guard"):
        old = getattr(Admin, name)
        monkeypatch.setattr(Admin, name, lambda *given, old=old, name=name: asked.append(name) or old(*given))
    for path, status in (("/__admin/health", 200), ("/__admin/sandboxes/x/events", 404)):
        client = Client("GET", path)
        client.put(b"", more=False)
        assert await client.run(app) == status
    assert asked == ["_match", "_guard"] * 2


async def test_a_body_that_is_too_large_for_its_operation(make_pipeline):
    app = app_of(make_pipeline())
    for path, size, status in ((SCENARIO, 2 * 1024 * 1024 + 1, 413), ("/__admin/sandboxes/x/reset", MAX_BODY + 1, 413)):
        client = Client("PUT" if path == SCENARIO else "POST", path, x_mockserver_admin="1")
        client.put(b"x" * size, more=False)
        assert await client.run(app) == status


async def test_few_large_bodies_are_held_at_a_time(make_pipeline):
    app = app_of(make_pipeline())
    clients = [
        Client("PUT", STATE, x_mockserver_admin="1", content_type="application/json") for _ in range(LARGE_BODIES + 2)
    ]
    tasks = [asyncio.create_task(client.run(app)) for client in clients]
    for _ in range(5):
        await asyncio.sleep(0)
    assert [client.asked for client in clients] == [1] * LARGE_BODIES + [0] * 2
    small = Client("GET", "/__admin/health")
    small.put(b"", more=False)
    assert await small.run(app) == 200
    for client in clients:
        client.put(b"{", more=False)
    assert await asyncio.gather(*tasks) == [400] * len(clients)


def test_a_refusal_is_read_even_by_who_sends_on(server):
    reply = httpx.put(f"{server.url}{STATE}", content=b"x" * 900_000)
    assert (reply.status_code, reply.headers["connection"]) == (403, "close")


@pytest.mark.parametrize("path", ["/__admin/sandboxes", "/v1/user-memories", "/datagrid/openapi.json"])
def test_no_web_page_is_let_in(server, path):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    replies = [httpx.options(server.url + path, headers=asked), httpx.get(server.url + path, headers=asked)]
    assert replies[0].status_code == (204 if path == "/v1/user-memories" else 405)
    for reply in replies:
        assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (gzip.compress(b'{"remaining": 7}', mtime=0), "gzip", 200),
        (b'{"remaining": 7}', "identity", 200),
        (gzip.compress(b'{"remaining": 7}', mtime=0)[:-9], "gzip", 400),
        (b'{"remaining": 7}', "gzip", 400),
        (b'{"remaining": 7}', "x-own", 415),
        (gzip.compress(b" " * (MAX_BODY + 1), mtime=0), "gzip", 413),
    ],
)
def test_the_content_codings_of_a_body_are_undone_within_its_bound(make_pipeline, body, coding, status):
    headers = {"content-encoding": coding, "content-type": "application/json", "x-mockserver-admin": "1"}
    request = Request("PUT", "/__admin/sandboxes/default/credits", "", {"host": "localhost", **headers}, body)
    response = Admin(make_pipeline()).handle(request)
    assert response.status == status
    if status == 200:
        assert json.loads(response.content)["remaining"] == 7
    if status == 415:
        assert "gzip" in response.headers["accept-encoding"]
