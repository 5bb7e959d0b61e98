"""`mockserver proxy`: what goes through, goes through byte for byte; both sides are checked, and all is recorded."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib

import orjson
import pytest
from upstreams import end_to_end, exchanges, proxy, read_response, say, unchunked, upstream

GET = b"GET /v1/user-memories?limit=3&limit=4 HTTP/1.1\r\nhOST: localhost:%d\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
HOST = b" HTTP/1.1\r\nHost: localhost:%d\r\n"
PAGE = b'{"object":"list","has_more":false,"data":[]}'


def response(body: bytes = PAGE, *lines: bytes, first: bytes = b"HTTP/1.1 200 OK") -> bytes:
    head = [first, b"Content-Type: application/json", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"", body])


RESPONSES = {
    "plain": response(),
    "repeats, order and case": response(
        PAGE, b"sEt-cookie: a=1; Path=/", b"X-Z: 1", b"Set-Cookie: b=2", b"x-z: 2", b"Server: raw/1", b"DATE: long ago"
    ),
    "an unusual reason": response(first=b"HTTP/1.1 299 Just So, Yes"),
    "no reason": response(first=b"HTTP/1.1 200 "),
    "no body": b"HTTP/1.1 204 No Content\r\nX-Left: 3\r\n\r\n",
    "not modified": b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 44\r\n\r\n',
    "an empty body": response(b""),
    "a redirect elsewhere": response(
        b"", b"Location: https://elsewhere.example/x?y=%2F", first=b"HTTP/1.1 307 Temporary Redirect"
    ),
    "gzip": response(gzip.compress(PAGE), b"Content-Encoding: gzip", b'ETag: W/"1"'),
    "deflate": response(zlib.compress(PAGE), b"Content-Encoding: deflate"),
    "a coding that nobody knows": response(b"\x00\x01\x02", b"Content-Encoding: secret"),
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\n\r\n",
    "trailers": OK + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 9\r\n\r\n",
    "bytes that are no text": response(bytes(range(256)) * 4, b"X-Latin: caf\xe9"),
    "an error": response(b'{"a": 1 }', first=b"HTTP/1.1 500 Internal Server Error"),
    "early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + response(),
    "fields of one connection": response(PAGE, b"Connection: X-Hop", b"X-Hop: 1", b"Keep-Alive: timeout=5"),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_is_the_same_with_and_without_the_proxy(name):
    with upstream(RESPONSES[name]) as real, proxy(real.url, apis=("datagrid",)) as served:
        direct, through = say(real.port, GET % real.port), say(served.port, GET % served.port)
    if name == "fields of one connection":
        direct = direct.replace(b"X-Hop: 1\r\n", b"")
    assert end_to_end(through) == end_to_end(direct)
    if name == "trailers":
        assert through.endswith(b"0\r\nX-Sum: 9\r\n\r\n")


REQUESTS = {
    "a query, repeats, order and case": GET,
    "an encoded slash and odd bytes": b"GET /a%%2Fb/%%e2%%82;c//d/../e?x=%%20+&=&y" + HOST + b"\r\n",
    "a body": b"POST /v1/user-memories" + HOST + b"Content-Type: text/x\r\nContent-Length: 5\r\n\r\na\x00b\r\n",
    "chunks": b"PUT /x" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
    "gzip": b"POST /x" + HOST + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00",
    "a method of its own": b"MKCOL /dav" + HOST + b"Content-Length: 0\r\n\r\n",
    "HEAD": b"HEAD /x" + HOST + b"\r\n",
    "OPTIONS of a known path": b"OPTIONS /v1/user-memories" + HOST + b"Origin: null\r\n\r\n",
    "credentials": b"GET /x" + HOST + b"Authorization: Bearer very-secret\r\nCookie: a=b\r\n\r\n",
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_the_same_with_and_without_the_proxy(name):
    with upstream(response()) as real, proxy(real.url, apis=("datagrid",)) as served:
        direct, through = say(real.port, REQUESTS[name] % real.port), say(served.port, REQUESTS[name] % served.port)
        sent, passed = (end_to_end(message) for message in real.got)
    assert passed == sent
    assert end_to_end(through) == end_to_end(direct)


def test_fields_of_one_connection_stay_behind():
    message = (
        b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
        b"Proxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nX-Other: 2\r\n\r\n"
    )
    with upstream(response()) as real, proxy(real.url) as served:
        say(served.port, message)
    assert real.got[0] == b"GET /x HTTP/1.1\r\nHost: localhost:%d\r\nX-Other: 2\r\n\r\n" % real.port


def test_an_absolute_target_goes_to_the_upstream_and_nowhere_else():
    with upstream(response()) as real, proxy(real.url) as served:
        say(served.port, b"GET http://127.0.0.1:1/x?y HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
        assert real.got[0].startswith(b"GET /x?y HTTP/1.1\r\nHost: localhost:%d\r\n" % real.port)


def test_the_path_of_the_upstream_stands_before_every_path():
    with upstream(response()) as real, proxy(real.url + "/base/v2/", apis=("datagrid",)) as served:
        say(served.port, b"GET /datagrid/v1/user-memories?a HTTP/1.1\r\nHost: x\r\n\r\n")
        say(served.port, b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [got.partition(b" HTTP")[0] for got in real.got] == [
        b"GET /base/v2/v1/user-memories?a",
        b"GET /base/v2/other",
    ]


def test_connections_are_kept_on_both_sides_and_requests_may_follow_each_other_at_once():
    with upstream(response()) as real, proxy(real.url) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
            sock.sendall(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nX-N: 2\r\n\r\n")
            first = read_response(sock)
            while first.count(PAGE) < 2:
                first += read_response(sock)
            sock.sendall(b"GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
            read_response(sock)
        assert [got.split()[1] for got in real.got] == [b"/1", b"/2", b"/3"]
        assert b"X-N: 2" in real.got[1]
        assert real.connections == 1


def test_a_stream_is_passed_on_piece_by_piece():
    go = threading.Event()

    def answer(sock, message):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        sock.sendall(b"9\r\ndata: 1\n\n\r\n")
        assert go.wait(10)
        sock.sendall(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    with upstream(answer) as real, proxy(real.url) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            data = b""
            while b"data: 1" not in data:
                data += sock.recv(65536)
            assert b"data: 2" not in data
            go.set()  # the second event is made only after the first one arrived
            while not data.endswith(b"0\r\n\r\n"):
                data += sock.recv(65536)
        assert unchunked(data.partition(b"\r\n\r\n")[2]) == b"data: 1\n\ndata: 2\n\n"
        assert exchanges(served)[0].response.content == b"data: 1\n\ndata: 2\n\n"


def test_a_request_body_is_passed_on_piece_by_piece():
    arrived = threading.Event()

    def answer(sock, message):
        sock.sendall(response())

    def first_piece(sock):
        data = b""
        while b"first" not in data:
            data += sock.recv(65536)
        arrived.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += sock.recv(65536)
        return data

    with upstream(answer) as real, proxy(real.url) as served:
        real.serve = lambda sock: sock.sendall(response()) if first_piece(sock) else None
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
            sock.sendall(b"POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            assert arrived.wait(10)
            sock.sendall(b"6\r\nsecond\r\n0\r\n\r\n")
            assert read_response(sock).endswith(PAGE)
        assert exchanges(served)[0].request.body == b"firstsecond"


def test_the_upstream_says_whether_to_continue():
    def answer(sock, message):
        raise AssertionError("the head comes alone")

    def serve(sock):
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536)
        assert b"xpect: 100-continue" in head and not head.partition(b"\r\n\r\n")[2]
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        while len(body) < 4:
            body += sock.recv(65536)
        sock.sendall(response(body))

    with upstream(answer) as real, proxy(real.url) as served:
        real.serve = serve
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
            sock.sendall(b"PUT /up HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            interim = b""
            while b"\r\n\r\n" not in interim:
                interim += sock.recv(65536)
            assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"body")
            assert read_response(sock).endswith(b"\r\n\r\nbody")


def test_a_response_that_comes_before_the_whole_request_is_passed_on():
    def serve(sock):
        while b"\r\n\r\n" not in sock.recv(65536):
            pass
        sock.sendall(response(b"no", first=b"HTTP/1.1 413 Too Large"))

    with upstream(b"") as real, proxy(real.url) as served:
        real.serve = serve
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as sock:
            sock.sendall(b"PUT /up HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nonly this")
            got = read_response(sock)
    assert got.startswith(b"HTTP/1.1 413 Too Large\r\n") and got.endswith(b"\r\n\r\nno")
    assert b"Connection: close" in got


def test_both_sides_are_checked_and_nothing_is_held_back():
    bad = response(b'{"object":"list","has_more":"no","data":[]}')
    with upstream(bad) as real, proxy(real.url, apis=("datagrid",)) as served:
        message = b"GET /v1/user-memories?limit=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key-123456\r\n\r\n"
        assert say(served.port, message) == bad
        (exchange,) = exchanges(served)
    assert exchange.stage == "upstream" and exchange.operation == "Memory.listUserMemory"
    assert [(found.side, found.field) for found in exchange.violations] == [
        ("client", "query limit"),
        ("upstream", "has_more"),
    ]
    assert real.got[0].startswith(b"GET /v1/user-memories?limit=0 ")
    assert exchange.request.headers["authorization"] == "Bearer ***"


def test_compressed_bodies_are_checked_and_recorded_as_what_they_say():
    packed = gzip.compress(b'{"object":"list","has_more":1,"data":[]}')
    with upstream(response(packed, b"Content-Encoding: gzip")) as real, proxy(real.url, apis=("datagrid",)) as served:
        say(served.port, GET % 1)
        (exchange,) = exchanges(served)
    assert [found.field for found in exchange.violations if found.side == "upstream"] == ["has_more"]
    assert orjson.loads(exchange.response.content)["has_more"] == 1


def test_what_the_contract_does_not_have_goes_through_and_is_told():
    with upstream(response()) as real, proxy(real.url, apis=("datagrid",)) as served:
        say(served.port, b"GET /v1/user-memoriez HTTP/1.1\r\nHost: x\r\n\r\n")
        say(served.port, b"PUT /v1/user-memories HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        unknown, other_method = exchanges(served)
    assert "did you mean '/v1/user-memories'" in unknown.violations[0].message
    assert other_method.violations[0].where == "method" and len(real.got) == 2


def test_a_body_that_is_longer_than_is_looked_at_goes_through_whole():
    body = b"x" * (5 * 1024 * 1024)

    def echo(sock, message):
        sock.sendall(response(message.partition(b"\r\n\r\n")[2]))

    with upstream(echo) as real, proxy(real.url, apis=("datagrid",)) as served:
        head = b"POST /v1/user-memories HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert say(served.port, head + body).endswith(b"\r\n\r\n" + body)
        (exchange,) = exchanges(served)
    assert exchange.status == 200 and not exchange.response.content
