"""HTTP/1.1 byte by byte: what a client may send, in which order it is answered, and where the bounds are."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest
from conftest import START

from mockserver.errors import UserError
from mockserver.messages import Delivery
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.sandbox.world import Terms
from mockserver.scenarios import parse_scenario
from mockserver.server.app import create_app
from mockserver.server.bounds import MAX_HEADERS, MAX_TARGET
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

SETTINGS = Settings(max_connections=6, max_head=20_000, request_timeout=9, idle_timeout=20)
BOUNDS = SETTINGS.socket_bounds
KEY = b"Host: h\r\nAuthorization: Bearer k\r\n"
LIST = b"GET /v1/user-memories HTTP/1.1\r\n" + KEY + b"\r\n"
MEMORY = b'{"agent_id": "a", "memory": "m"}'
HEALTH = b"GET /__admin/health HTTP/1.1\r\nHost: h\r\n\r\n"


def post(body=MEMORY, extra=b"", path=b"/v1/user-memories"):
    head = b"POST " + path + b" HTTP/1.1\r\n" + KEY + b"Content-Type: application/json\r\n" + extra
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Wire:
    """A client that sends what it is told, and reads responses one by one."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self.seen = b""

    def send(self, *pieces):
        for piece in pieces:
            self.socket.sendall(piece)
        return self

    def more(self):
        data = self.socket.recv(65536)
        self.seen += data
        return data

    def response(self, to_head=False):
        """The next reply: status, headers, body."""
        while b"\r\n\r\n" not in self.seen:
            assert self.more(), f"it closed: {self.seen!r}"
        head, _, self.seen = self.seen.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = 0 if to_head else int(headers.get("content-length", 0))
        while len(self.seen) < size:
            assert self.more(), f"it closed in a body: {self.seen!r}"
        body, self.seen = self.seen[:size], self.seen[size:]
        return int(first.split()[1]), headers, body

    def problem(self):
        """The status of a last response that is a problem, after which the server closes."""
        status, headers, body = self.response()
        assert headers["connection"] == "close"
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["status"] == status
        assert self.is_closed()
        return status

    def is_closed(self, politely=False):
        assert self.seen == b""
        try:
            return self.more() == b""
        except ConnectionResetError:
            return not politely


@pytest.fixture(scope="module")
def _server(apis):
    pipeline = Pipeline(apis, terms=Terms(clock_start=START, clock_rate=0), checks=Checks(verify_wire=True))
    with serve_in_thread(create_app(SETTINGS, pipeline=pipeline)) as server:
        yield server


@pytest.fixture
def server(_server):
    """One server for all; each test begins with no connection and an empty sandbox."""
    until(lambda: not connections(_server))
    _server.app.state.pipeline.sandbox.drop_scenarios()
    _server.app.state.pipeline.sandbox.reset()
    return _server


@pytest.fixture
def pipeline(server):
    return server.app.state.pipeline


@pytest.fixture
def wire(server):
    """Makes clients; they are closed before the server stops."""
    with contextlib.ExitStack() as stack:

        def connect():
            made = Wire(server)
            stack.callback(made.socket.close)
            return made

        yield connect


def connections(server):
    return list(server.server.server_state.connections)


def until(condition):
    """Wait for the server's thread to have seen what was sent."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def pass_time(server, *seconds):
    """Let every connection be looked after now, and again so much later; returns when that was done."""
    done = threading.Event()
    for connection in connections(server):
        for ahead in (0, *seconds):
            connection.loop.call_soon_threadsafe(lambda c=connection, s=ahead: c.check(c.loop.time() + s))
        connection.loop.call_soon_threadsafe(done.set)
    if connections(server):
        assert done.wait(10)


def use(pipeline, rule, text):
    scenario = f"version: 1\nname: x\napi: datagrid\nrules:\n  - {{id: r, op: {rule}, {text}}}\n"
    pipeline.sandbox.use(parse_scenario(scenario, pipeline.apis, "x.yaml"))


# Who is asked


@pytest.mark.parametrize("path", [b"/v1/user-memories", b"/__admin/health", b"http://h/__admin/health"])
def test_a_request_without_a_host_is_rejected_with_400(pipeline, wire, path):
    assert wire().send(b"GET " + path + b" HTTP/1.1\r\nAuthorization: Bearer k\r\n\r\n").problem() == 400
    assert wire().send(b"GET " + path + b" HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n").problem() == 400
    assert pipeline.sandbox.store.journal_count() == 0
    assert wire().send(b"GET /v1/user-memories HTTP/1.0\r\nAuthorization: Bearer k\r\n\r\n").response()[0] == 200


# What arrives too late, too long or too often


def test_a_head_that_never_ends_is_431(wire):
    client = wire().send(b"GET / HTTP/1.1\r\n")
    with contextlib.suppress(OSError):
        for _ in range(100):
            client.send(b"X-Filler: " + b"a" * 4000)
    assert client.problem() == 431


@pytest.mark.parametrize("last", [0, -200])
def test_a_large_head_is_431_however_it_is_cut(wire, last):
    room = BOUNDS.head_bytes - len("/x") - len("Host: h\r\nA: \r\n")
    just = b"GET /x HTTP/1.1\r\nHost: h\r\nA: " + b"a" * room + b"\r\n\r\n"
    assert wire().send(just).response()[0] == 404
    larger = just.replace(b"A: ", b"A: a")
    client = wire().send(larger[: last or None])
    if last:
        until_read = wire().send(HEALTH)
        assert until_read.response()[0] == 200
        client.send(larger[last:])
    assert client.problem() == 431


def test_the_body_before_it_does_not_count_as_head(wire):
    body = b'{"agent_id": "a", "memory": "' + b"m" * 60_000 + b'"}'
    client = wire().send(post(body) + LIST[:-2]).send(b"\r\n")
    assert [client.response()[0], client.response()[0]] == [201, 200]


@pytest.mark.parametrize("names", ["X-%d", "X"])
def test_too_many_headers_are_431(wire, names):
    def head(count):
        lines = [b"%s: 1\r\n" % (names % i if "%" in names else names).encode() for i in range(count - 1)]
        return b"GET /x HTTP/1.1\r\nHost: h\r\n" + b"".join(lines) + b"\r\n"

    assert wire().send(head(MAX_HEADERS)).response()[0] == 404
    assert wire().send(head(MAX_HEADERS + 2)).problem() == 431


@pytest.mark.parametrize("before", [b"/", b"/x?q="])
def test_a_long_target_is_414(wire, before):
    target = before + b"a" * (MAX_TARGET - len(before))
    assert wire().send(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % target).response()[0] == 404
    assert wire().send(b"GET %sa HTTP/1.1\r\nHost: h\r\n\r\n" % target).problem() == 414


@pytest.mark.parametrize("end", [b"X: ", b"0\r\nX: "])
def test_trailers_without_end_are_431(wire, end):
    chunked = b"POST /v1/user-memories HTTP/1.1\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n"
    client = wire().send(chunked + (b"5\r\nabcde\r\n0\r\n" if end[:1] == b"X" else b"") + end)
    with contextlib.suppress(OSError):
        for _ in range(100):
            client.send(b"a" * 4000)
    assert client.problem() == 431


@pytest.mark.parametrize("sent", [b"G", LIST[:-2], post()[:-3], b"PUT /__admin/sandboxes/default/state HTTP/1.1\r\n"])
def test_a_request_that_takes_too_long_is_408(server, wire, sent):
    if sent.startswith(b"PUT"):  # goes the way of ASGI
        sent += b"Host: h\r\nX-Mockserver-Admin: 1\r\nContent-Length: 100\r\n\r\n{"
    client = wire().send(sent)
    until(lambda: any(connection.may.is_arriving for connection in connections(server)))
    pass_time(server, BOUNDS.request_seconds - 0.1)
    pass_time(server, BOUNDS.request_seconds + 0.1)
    assert client.problem() == 408


def test_the_loop_itself_looks_after_connections(make_pipeline):
    app = create_app(Settings(idle_timeout=0.1), pipeline=make_pipeline())
    with serve_in_thread(app) as server:
        client = Wire(server)
        assert client.is_closed()
        client.socket.close()


def test_one_connection_too_many_is_503(server, wire):
    clients = [wire().send(LIST) for _ in range(BOUNDS.connections)]
    assert [client.response()[0] for client in clients] == [200] * BOUNDS.connections
    assert wire().problem() == 503
    assert wire().send(LIST).problem() == 503
    clients[0].socket.close()
    until(lambda: len(connections(server)) < BOUNDS.connections)
    assert wire().send(LIST).response()[0] == 200


def test_a_body_over_the_limit_is_413_and_the_end(wire):
    large = b"x" * (1024 * 1024 + 1)
    client = wire().send(post(large))
    status, headers, body = client.response()
    assert (status, headers["connection"], json.loads(body)["error"]) == (413, "close", "too_large")
    assert client.is_closed()


def test_a_body_without_end_is_413_before_its_end(wire):
    client = wire().send(post()[: -len(MEMORY)].replace(b"Content-Length: 32", b"Content-Length: 99999999999"))
    with contextlib.suppress(OSError):
        for _ in range(40):
            client.send(b"x" * 1024 * 1024)
    assert client.response()[0] == 413
    assert client.is_closed()


# Order


def test_pipelined_requests_are_answered_in_order(wire):
    bodies = [b'{"agent_id": "a", "memory": "%d"}' % n for n in range(20)]
    client = wire().send(b"".join(map(post, bodies)) + LIST)
    assert [json.loads(client.response()[2])["memory"] for _ in bodies] == [[str(n)] for n in range(20)]
    assert len(json.loads(client.response()[2])["data"]) == 20


def test_a_straight_request_waits_for_one_before_it_that_goes_the_asgi_way(wire):
    client = wire().send(HEALTH + LIST + HEALTH + LIST)
    kinds = [next(iter(json.loads(client.response()[2]))) for _ in range(4)]
    assert kinds == ["status", kinds[1], "status", kinds[1]] and kinds[1] != "status"


def test_a_request_behind_a_slow_response_waits_for_it(pipeline, wire):
    use(pipeline, "Memory.createUserMemory", "fault: {latency: 100ms}")
    pipeline.sandbox.clock.run(1)
    client = wire().send(post() + LIST)
    assert [client.response()[0], client.response()[0]] == [201, 200]


def test_what_follows_a_last_request_is_not_looked_at(pipeline, wire):
    client = wire().send(LIST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + post())
    status, headers, _ = client.response()
    assert (status, headers["connection"]) == (200, "close")
    assert client.is_closed()
    assert pipeline.sandbox.store.journal_count() == 1


@pytest.mark.parametrize("then", [b"garbage\r\n\r\n", b"GET /x HTTP/1.1\r\n" + b"A: b\r\n" * 400])
def test_garbage_does_not_take_back_the_response_before_it(pipeline, wire, then):
    use(pipeline, "Memory.createUserMemory", "fault: {latency: 100ms}")
    pipeline.sandbox.clock.run(1)
    client = wire().send(post() + then)
    assert client.response()[0] == 201
    assert client.is_closed()


def test_the_request_behind_a_slow_response_has_time(pipeline, server, wire):
    use(pipeline, "Memory.createUserMemory", "fault: {latency: 300ms}")
    pipeline.sandbox.clock.run(1)
    client = wire().send(post() + HEALTH + LIST[:20])
    until(lambda: any(connection.flow.read_paused for connection in connections(server)))
    pass_time(server, 2 * BOUNDS.request_seconds)
    client.send(LIST[20:])
    assert [client.response()[0] for _ in range(3)] == [201, 200, 200]


# Forms


@pytest.mark.parametrize("extra", [b"", b"Connection: keep-alive\r\n"])
def test_http_1_0_ends_with_the_response(wire, extra):
    client = wire().send(b"GET /v1/user-memories HTTP/1.0\r\n" + KEY + extra + b"\r\n")
    status, headers, body = client.response()
    assert (status, headers["connection"]) == (200, "close")
    assert json.loads(body)["data"] == []
    assert client.is_closed()


def test_head_has_no_body(wire):
    client = wire().send(LIST.replace(b"GET", b"HEAD") + LIST)
    status, headers, _ = client.response(to_head=True)
    assert status == 200 and int(headers["content-length"]) > 0
    assert client.response()[0] == 200


def test_chunks_and_trailers(pipeline, wire):
    head = b"POST /v1/user-memories HTTP/1.1\r\n" + KEY + b"Content-Type: application/json\r\nX-A: 1\r\n"
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (MEMORY[:7], MEMORY[7:]))
    trailers = b"X-A: 2\r\nAuthorization: Bearer other\r\n"
    client = wire().send(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n" + LIST)
    assert [client.response()[0], client.response()[0]] == [201, 200]
    assert pipeline.sandbox.exchanges()[0].request.headers["x-a"] == "1"


def test_expect_100_continue(wire):
    whole = post(extra=b"Expect: 100-continue\r\n")
    client = wire().send(whole[: -len(MEMORY)])
    while client.seen != b"HTTP/1.1 100 Continue\r\n\r\n":
        assert client.more()
    client.seen = b""
    client.send(MEMORY + LIST)
    assert [client.response()[0], client.response()[0]] == [201, 200]


@pytest.mark.parametrize("host", [b"http://h", b"http://h/", b"https://h:1/v1/user-memories", b"http://h/x?y://z"])
def test_a_target_with_a_host_as_for_a_proxy(wire, host):
    client = wire().send(LIST.replace(b" /v1/user-memories ", b" " + host + b" ") + LIST)
    assert client.response()[0] == (200 if host.endswith(b"memories") else 404)
    assert client.response()[0] == 200


def test_the_host_in_the_target_is_the_host(wire):
    forged = b"GET http://evil.example/__admin/sandboxes HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert wire().send(forged).response()[0] == 403
    assert wire().send(forged.replace(b"evil.example", b"127.0.0.1:1")).response()[0] == 200


def test_other_targets(wire):
    client = wire().send(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" + LIST)
    assert [client.response()[0], client.response()[0]] == [404, 200]
    assert wire().send(b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n" + LIST).problem() == 400


def test_an_offer_to_upgrade_is_passed_over(pipeline, wire):
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    websocket = LIST.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    client = wire().send(post(extra=offer) + websocket + LIST)
    assert [client.response()[0] for _ in range(3)] == [201, 200, 200]
    assert client.send(post(extra=offer)[:-5], MEMORY[-5:]).response()[0] == 201, "body in pieces"
    last = websocket.replace(b"Upgrade\r\nU", b"Upgrade, close\r\nU")
    status, headers, _ = client.send(last).response()
    assert (status, headers["connection"]) == (200, "close")
    assert client.is_closed()
    many = wire().send(websocket * 1500 + LIST)
    until(lambda: pipeline.sandbox.store.journal_count() == 5 + 1501)
    assert many.response()[0] == 200


# What is not HTTP


@pytest.mark.parametrize(
    "sent",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET a HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: h\n\n",
        b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: 1\r\n  folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: a\rb\r\n\r\n",
    ],
)
def test_garbage_is_400_in_a_problem(wire, sent):
    assert wire().send(sent).problem() == 400


def test_a_refusal_can_be_read_by_who_still_sends(wire):
    client = wire().send(b"garbage\r\n\r\n")
    assert client.problem() == 400
    for _ in range(3):  # the connection is not reset, which would take back what was said
        assert client.send(b"more").is_closed(politely=True)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
    ],
)
def test_a_body_whose_length_is_in_doubt_is_refused(pipeline, wire, headers):
    request = b"POST /v1/user-memories HTTP/1.1\r\n" + KEY + headers + b"\r\n0\r\n\r\n" + LIST
    assert wire().send(request).problem() == 400
    assert pipeline.sandbox.store.journal_count() == 0


def test_http_1_0_has_no_chunks(pipeline, wire):
    request = b"POST /v1/user-memories HTTP/1.0\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert wire().send(request).problem() == 400
    assert pipeline.sandbox.store.journal_count() == 0


@pytest.mark.parametrize("size", [b"zz", b"-1", b"ffffffffffffffffff"])
def test_a_chunk_of_no_size_is_refused(wire, size):
    request = b"POST /v1/user-memories HTTP/1.1\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n"
    assert wire().send(request + size + b"\r\nabc\r\n0\r\n\r\n").problem() == 400
    admin = b"PUT /__admin/sandboxes/default/state HTTP/1.1\r\nHost: h\r\nX-Mockserver-Admin: 1\r\n"
    assert wire().send(admin + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nabc\r\n").problem() == 400


# Responses


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b=c", "a\nb", "a\x00b", "a\x7fb", "caf\u00e9", "\u2028"])
@pytest.mark.parametrize("delivery", [None, Delivery()], ids=["straight", "delivered"])
def test_a_response_cannot_break_its_headers(server, wire, monkeypatch, value, delivery):
    mocked = server.app.state.mocked
    answer = mocked.answer

    def tampered(request):
        response = answer(request)
        response.headers["x-a"] = value
        response.delivery = delivery
        return response

    monkeypatch.setattr(mocked, "answer", tampered)
    client = wire().send(LIST + HEALTH)
    status, headers, body = client.response()
    assert status == 500 and "x-a" not in headers and "set-cookie" not in headers
    assert json.loads(body)["type"] == "urn:mockserver:defect"
    assert client.response()[0] == 200


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (r'"x-a": "a\r\nSet-Cookie: b=c"', "printable ASCII"),
        (r'"x-a": "a\0b"', "printable ASCII"),
        (r'"x-a": "caf\u00e9"', "printable ASCII"),
        (r'"x-a: b\r\nx-c": "d"', "not the name of a header"),
        (r'"x a": "b"', "not the name of a header"),
        (r'"": "b"', "not the name of a header"),
        ('"Content-Length": "5"', "follows from the body"),
        ('"transfer-encoding": "chunked"', "follows from the body"),
    ],
)
def test_a_scenario_cannot_script_such_headers(pipeline, header, said):
    with pytest.raises(UserError, match=said):
        use(
            pipeline,
            "Memory.listUserMemory",
            f"reply: {{status: 200, headers: {{{header}}}, body: {{}}}}, violates: all",
        )


def test_who_does_not_read_gets_no_more(apis, caplog):
    pipeline = Pipeline(apis)
    with serve_in_thread(create_app(SETTINGS, pipeline=pipeline)) as server:
        text = b"m" * 100_000
        client, other = Wire(server), Wire(server)
        for _ in range(10):
            assert client.send(post(b'{"agent_id": "a", "memory": "%s"}' % text)).response()[0] == 201
        (connection,) = (known for known in connections(server) if known._named)
        client.send(LIST * 80)
        until(lambda: connection.flow.write_paused)
        assert other.send(HEALTH).response()[0] == 200
        done = pipeline.sandbox.store.journal_count() - 10
        assert done < 40, "1 MB each: a few fill the buffers, and the rest waits"
        assert connection.transport.get_write_buffer_size() < 4_000_000
        for _ in range(20):
            status, _, body = client.response()
            assert status == 200 and len(body) > 1_000_000
        until(lambda: connection.flow.write_paused)
        until(lambda: pass_time(server, BOUNDS.request_seconds + 0.1) or connection not in connections(server))
        client.socket.close()
        other.socket.close()
    assert not caplog.records


# The end


def test_a_drain_answers_what_is_there_and_closes_the_rest(make_pipeline):
    pipeline = make_pipeline()
    use(pipeline, "Memory.createUserMemory", "fault: {latency: 300ms}")
    pipeline.sandbox.clock.run(1)
    with serve_in_thread(create_app(Settings(request_timeout=0.5), pipeline=pipeline)) as server:
        idle, slow, half, late, never = (Wire(server) for _ in range(5))
        assert idle.send(LIST).response()[0] == 200
        slow.send(post())
        half.send(LIST[:-5])
        never.send(LIST[:-5])
        until(lambda: len(connections(server)) == 5)
        until(lambda: sum(connection.may.is_arriving for connection in connections(server)) == 2)
        server.server.should_exit = True
        until(lambda: all(connection.may.ending for connection in connections(server)))
        half.send(LIST[-5:])
        late.send(LIST * 2)  # was on its way; the second one nobody would hear of
        for client, status in ((half, 200), (late, 200), (slow, 201)):
            found, headers, _ = client.response()
            assert (found, headers["connection"]) == (status, "close")
            assert client.is_closed()
        assert idle.is_closed()
        assert never.problem() == 408
        assert pipeline.sandbox.store.journal_count() == 4
    for client in (idle, slow, half, late, never):
        client.socket.close()
