"""The straight way of a server with a shared store: responses come later than their requests, in the right order."""

from __future__ import annotations

import json
import select
import signal
import socket
from collections.abc import Iterator

import httpx
import pytest
from redis_server import RedisServer

from mockserver.pipeline.build import build
from mockserver.scenarios import parse_scenario
from mockserver.server.app import create_app
from mockserver.server.later import SharedProtocol
from mockserver.server.run import config_for
from mockserver.server.thread import Served, serve_in_thread
from mockserver.settings import Settings

BODY = b'{"agent_id": "a", "memory": "m"}'
RULES = """
version: 1
name: later
api: datagrid
rules:
  - {id: late, op: Memory.listUserMemory, when: {query: {limit: "7"}}, fault: {latency: 20ms}}
  - {id: lost, op: Memory.createUserMemory, when: {header: {x-lose: "1"}}, fault: {reset: after_commit}}
"""


def request(method: str = "POST", path: str = "/v1/user-memories", body: bytes = BODY, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Authorization: Bearer k", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", *more, "", ""]).encode() + body


class Client:
    """A connection that sends bytes and reads responses."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def read(self, has_body: bool = True) -> tuple[int, dict[str, str], bytes]:
        line = self.file.readline()
        headers = {}
        while (text := self.file.readline().strip()) != b"":
            name, _, value = text.decode().partition(": ")
            headers[name.lower()] = value
        body = self.file.read(int(headers.get("content-length", 0))) if has_body else b""
        return int(line.split()[1]), headers, body


@pytest.fixture(scope="module")
def server(redis_server: RedisServer) -> Iterator[Served]:
    pipeline = build(Settings(state=f"{redis_server.url}?prefix=later", rate_limit=None))
    pipeline.sandbox.use(parse_scenario(RULES, pipeline.apis, "later.yaml"))
    app = create_app(pipeline=pipeline)
    assert config_for(app).http.func is SharedProtocol
    with serve_in_thread(app) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[Client]:
    made = Client(int(server.url.rpartition(":")[2]))
    yield made
    made.file.close()
    made.socket.close()


def test_what_is_pipelined_is_answered_in_its_order(client):
    late = request("GET", "/v1/user-memories?limit=7", b"")
    client.socket.sendall(
        request() + request("GET", "/__admin/health", b"") + late + request("PUT", "/none") + request()
    )
    assert [client.read()[0] for _ in range(5)] == [201, 200, 200, 404, 201]
    client.socket.sendall(request())
    assert client.read()[0] == 201, "the connection is kept"


def test_a_head_request_has_no_body_and_the_last_one_ends_the_connection(client):
    client.socket.sendall(request("HEAD", "/v1/nothing", b""))
    status, headers, _ = client.read(has_body=False)
    assert (status, int(headers["content-length"]) > 0) in ((404, True), (405, True))
    client.socket.sendall(request("POST", "/v1/user-memories", BODY, "Connection: close"))
    status, headers, _ = client.read()
    assert (status, headers["connection"]) == (201, "close")
    assert client.file.read() == b""


def test_a_body_that_is_too_large_is_refused_before_it_is_all_there(client):
    head = request("POST", "/v1/user-memories", b"").replace(b"Content-Length: 0", b"Content-Length: 900000000")
    client.socket.sendall(head)
    piece, sent = b"x" * (1 << 20), 0
    client.socket.settimeout(0.01)
    while sent < 900_000_000 and not select.select([client.socket], [], [], 0)[0]:
        try:
            sent += client.socket.send(piece)
        except TimeoutError:
            continue  # the server has not come to read yet
        except OSError:
            break
    client.socket.settimeout(10)
    assert client.read()[0] == 413
    assert sent < 900_000_000


def test_a_response_that_is_lost_is_a_reset_and_what_was_done_is_done(client, server):
    with httpx.Client(base_url=server.url, headers={"authorization": "Bearer k"}) as other:
        before = other.get("/v1/organization/credits").json()["consumed"]
        client.socket.sendall(request("POST", "/v1/user-memories", BODY, "x-lose: 1"))
        with pytest.raises(ConnectionResetError):
            client.read()
        assert other.get("/v1/organization/credits").json()["consumed"] == before + 1


def test_who_goes_away_leaves_nothing_behind(server):
    for _ in range(20):
        gone = Client(int(server.url.rpartition(":")[2]))
        gone.socket.sendall(request())
        gone.file.close()
        gone.socket.close()
    with httpx.Client(base_url=server.url, headers={"authorization": "Bearer k"}) as other:
        assert other.post("/v1/user-memories", json={"agent_id": "a", "memory": "m"}).status_code == 201


def test_health_and_refusals_are_answered_while_redis_is_slow():
    if not RedisServer.is_installed():
        pytest.skip("there is no redis-server; install Debian's package of that name")
    with RedisServer() as redis:
        pipeline = build(Settings(state=f"{redis.url}?socket_timeout=0.5"))
        with serve_in_thread(create_app(pipeline=pipeline)) as running:
            port = int(running.url.rpartition(":")[2])
            waiting = [Client(port) for _ in range(100)]
            waiting[0].socket.sendall(request())
            assert waiting[0].read()[0] == 201
            redis.send(signal.SIGSTOP)
            for one in waiting:
                one.socket.sendall(request())
            with httpx.Client(base_url=running.url) as other:
                assert other.get("/__admin/health").status_code == 200
            assert not select.select([one.socket for one in waiting], [], [], 0)[0], "the others still wait"
            answers = [one.read() for one in waiting]
            assert {status for status, _, _ in answers} == {503}
            assert all(json.loads(body)["retryable"] for _, _, body in answers)
            redis.send(signal.SIGCONT)
            pipeline.sandboxes._redis._resting_until = 0.0
            waiting[0].socket.sendall(request("GET", "/v1/user-memories", b""))
            assert len(json.loads(waiting[0].read()[2])["data"]) == 1, "what was refused is not done"
            for one in waiting:
                one.file.close()
                one.socket.close()


def test_scripts_that_redis_has_forgotten_are_sent_again(client, redis_server, server):
    import redis as client_library

    client_library.Redis(port=redis_server.port).script_flush()
    client.socket.sendall(request())
    assert client.read()[0] == 201
