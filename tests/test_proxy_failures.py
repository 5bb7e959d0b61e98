"""What an upstream can do wrong: the client gets a 502 or a 504 that says why, or sees that a response is not whole."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib

import orjson
import pytest
from upstreams import exchanges, proxy, say, upstream

from mockserver.errors import UserError
from mockserver.upstream.connection import Patience
from mockserver.upstream.target import target_of

GET = b"GET /v1/user-memories HTTP/1.1\r\nHost: x\r\n\r\n"
HASTY = Patience(connect_seconds=1.0, silent_seconds=0.3)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

GARBAGE = {
    "closes at once": (b"", "closed the connection without a response"),
    "closes in the head": (b"HTTP/1.1 200 OK\r\nX: ", "in the middle of the head"),
    "is no HTTP": (b"\x16\x03\x01 SSH-2.0\r\n\r\n", "it is not HTTP/1.1"),
    "has two lengths": (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "cannot be passed on"),
    "has a length and chunks": (
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "cannot be passed on",
    ),
    "has a coding that is no chunks": (OK + b"Transfer-Encoding: gzip\r\n\r\nabc", "Transfer-Encoding"),
    "has no number as length": (OK + b"Content-Length: many\r\n\r\n", "cannot be passed on"),
    "has a negative length": (OK + b"Content-Length: -1\r\n\r\n", "cannot be passed on"),
    "has a head bomb": (OK + b"X: " + b"a" * 200_000 + b"\r\n\r\n", "head is larger than 65,536 bytes"),
    "has a thousand headers": (OK + b"X: a\r\n" * 1000 + b"\r\n", "more than 512 header fields"),
    "has interim responses without end": (b"HTTP/1.1 102 Processing\r\n\r\n" * 100, "more than 16 interim"),
    "changes the protocol": (
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "another protocol",
    ),
    "breaks its line": (b"HTTP/1.1 200 OK\r\nX-A: a\nSet-Cookie b\x00\r\n\r\n", "it is not HTTP/1.1"),
}


def closing(data: bytes):
    def serve(sock):
        while b"\r\n\r\n" not in sock.recv(65536):
            pass
        sock.sendall(data)

    return serve


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_a_502_in_the_shape_of_the_api(name):
    data, why = GARBAGE[name]
    with upstream(b"") as real, proxy(real.url, apis=("datagrid",), patience=HASTY) as served:
        real.serve = closing(data)
        got = say(served.port, GET)
        (exchange,) = exchanges(served)
    head, _, body = got[got.index(b"HTTP/1.1 502 ") :].partition(b"\r\n\r\n")
    told = orjson.loads(body)
    assert b"x-mockserver-reason: " in head
    assert why in told["message"] and told["status_code"] == 502, told
    assert exchange.status == 502 and exchange.stage == "upstream" and why in exchange.reason
    assert real.connections == 1, "never a retry"


def test_an_upstream_that_is_down_is_a_502():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with proxy(f"http://127.0.0.1:{port}", apis=("datagrid",)) as served:
        got = say(served.port, GET)
    assert got.startswith(b"HTTP/1.1 502 ") and b"cannot be reached: " in got


def test_a_name_that_does_not_exist_is_a_502():
    with proxy("http://nowhere.invalid", patience=HASTY) as served:
        got = say(served.port, GET)
    assert got.startswith(b"HTTP/1.1 502 ") and b"application/problem+json" in got


def test_an_upstream_that_says_nothing_is_a_504_and_is_not_asked_again():
    gone = threading.Event()

    def serve(sock):
        while sock.recv(65536):
            pass
        gone.set()

    with upstream(b"") as real, proxy(real.url, apis=("datagrid",), patience=HASTY) as served:
        real.serve = serve
        got = say(served.port, GET)
        assert gone.wait(10), "the connection is given up"
        assert real.connections == 1
    assert got.startswith(b"HTTP/1.1 504 ") and b"said nothing to the request for 0.3 s" in got


CUT = {
    "less than its length": (OK + b"Content-Length: 100\r\n\r\nonly", "ended its response after 4 of 100 bytes"),
    "no last chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n", "ended its response after 4 bytes"),
    "a broken chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\nzz\r\n", "it is not HTTP/1.1"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_response_that_ends_too_early_ends_too_early_for_the_client(name):
    data, why = CUT[name]
    with upstream(b"") as real, proxy(real.url, apis=("datagrid",), patience=HASTY) as served:
        real.serve = closing(data)
        got = say(served.port, GET, until_closed=True)
        (exchange,) = exchanges(served)
    assert got.endswith(b"<reset>") and b"\r\n0\r\n\r\n" not in got
    assert why in exchange.reason
    assert [(found.side, found.message) for found in exchange.violations] == [("upstream", "is not whole")]


def test_a_stream_that_stops_is_cut_after_the_patience_for_it():
    def serve(sock):
        sock.recv(65536)
        sock.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n")
        sock.recv(1)

    with upstream(b"") as real, proxy(real.url, patience=HASTY) as served:
        real.serve = serve
        assert say(served.port, GET, until_closed=True).endswith(b"<reset>")
        (exchange,) = exchanges(served)
    assert "said nothing in the middle of its response for 0.3 s" in exchange.reason


def test_more_than_the_length_is_never_taken_for_the_next_response():
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    with upstream(OK + b"Content-Length: 2\r\n\r\n{}" + poison) as real, proxy(real.url) as served:
        for _ in range(3):
            got = say(served.port, b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", until_closed=True)
            assert got.endswith(b"\r\n\r\n{}") and b"poison" not in got
        assert real.connections == 3


def test_bytes_between_two_responses_end_the_connection():
    late = threading.Event()

    def answer(sock, message):
        sock.sendall(OK + b"Content-Length: 2\r\n\r\n{}")
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        late.set()

    with upstream(answer) as real, proxy(real.url) as served:
        for _ in range(3):
            assert b"poison" not in say(served.port, GET)
            assert late.wait(10)


def test_a_bomb_goes_through_packed_and_is_not_unpacked_here():
    layers = gzip.compress(b"\0" * (16 * 1024 * 1024))
    packed = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(layers), layers)
    with upstream(packed) as real, proxy(real.url, apis=("datagrid",)) as served:
        assert say(served.port, GET) == packed
        (exchange,) = exchanges(served)
    assert exchange.status == 200 and not exchange.response.content


def test_a_body_that_is_not_of_its_coding_is_told():
    broken = zlib.compress(b"{}")[:-3]
    packed = OK + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n%s" % (len(broken), broken)
    with upstream(packed) as real, proxy(real.url, apis=("datagrid",)) as served:
        assert say(served.port, GET) == packed
        (exchange,) = exchanges(served)
    assert [(found.side, found.keyword) for found in exchange.violations] == [("upstream", "contentEncoding")]


def test_a_client_that_goes_away_takes_its_request_with_it():
    begun, gone = threading.Event(), threading.Event()

    def serve(sock):
        sock.recv(65536)
        begun.set()
        if not sock.recv(65536):
            gone.set()

    with upstream(b"") as real, proxy(real.url, patience=Patience(2.0, 30.0)) as served:
        real.serve = serve
        with socket.create_connection(("127.0.0.1", served.port)) as sock:
            sock.sendall(GET)
            assert begun.wait(10)
        assert gone.wait(10)


def test_a_failure_of_the_proxy_itself_is_a_500_and_a_defect(monkeypatch):
    def broken(*args):
        raise RuntimeError("secret-key is broken")

    monkeypatch.setattr("mockserver.server.proxied.request_head", broken)
    with upstream(b"") as real, proxy(real.url) as served:
        got = say(served.port, b"GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret-key\r\n\r\n")
        (exchange,) = exchanges(served)
    assert got.startswith(b"HTTP/1.1 500 ") and b"broken" not in got
    assert exchange.defect.startswith("RuntimeError: *** is broken")


def test_a_request_with_two_lengths_is_not_passed_on():
    with upstream(b"") as real, proxy(real.url) as served:
        message = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
        assert say(served.port, message).startswith(b"HTTP/1.1 400 ")
        assert not real.got


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("api.example.com", "is not the URL of a server; write http://HOST"),
        ("ftp://api.example.com", "write http://HOST"),
        ("https://", "write http://HOST"),
        ("https://a b", "write http://HOST"),
        ("https://user:pass@api.example.com", "holds a name or a password"),
        ("https://api.example.com?x=1", "has a query or a fragment"),
        ("https://api.example.com:99999", "the port is not one"),
    ],
)
def test_an_upstream_that_is_none_is_a_message(url, told):
    with pytest.raises(UserError, match=told) as raised:
        target_of(url)
    assert "pass" not in str(raised.value).replace("password", "")


def test_certificates_that_are_not_there_are_a_message(tmp_path):
    for options in ({"ca": "no.pem"}, {"certificate": "no.pem"}, {"key": "no.pem"}):
        with pytest.raises(UserError, match=r"there is no file 'no.pem'"):
            target_of("https://api.example.com", **options)
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(UserError, match="holds no certificate in PEM"):
        target_of("https://api.example.com", ca=str(tmp_path / "empty.pem"))
    with pytest.raises(UserError, match="for https"):
        target_of("http://api.example.com", ca=str(tmp_path / "empty.pem"))
