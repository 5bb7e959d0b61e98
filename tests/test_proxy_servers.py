"""The proxy before real servers (uvicorn with FastAPI and Starlette, werkzeug, Node), TLS and other proxies: clients
cannot tell whether it is there."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import fastapi
import httpx
import pytest
import uvicorn
from starlette.responses import RedirectResponse, Response, StreamingResponse
from upstreams import exchanges, proxy, upstream
from werkzeug import serving
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from mockserver.upstream.connection import Patience

HOP = {"host", "connection", "transfer-encoding"}
"""What servers are told of the hop to them, which they do not echo."""
NOT_COMPARED = {"date", "connection", "keep-alive", "transfer-encoding"}
OPENSSL = shutil.which("openssl")
NODE = shutil.which("node")


def fastapi_app() -> fastapi.FastAPI:
    app = fastapi.FastAPI()

    @app.api_route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def echo(request: fastapi.Request):
        got = {name: value for name, value in request.headers.items() if name not in HOP}
        body = await request.body()
        return {"method": request.method, "url": str(request.url.query), "headers": got, "body": body.hex()}

    @app.get("/gzip")
    def packed():
        return Response(gzip.compress(b"a" * 10_000, mtime=0), headers={"content-encoding": "gzip"})

    @app.get("/events")
    def events():
        return StreamingResponse((f"data: {n}\n\n" for n in range(20)), media_type="text/event-stream")

    @app.get("/away")
    def away():
        return RedirectResponse("https://elsewhere.example/", 308)

    @app.get("/cookies")
    def cookies():
        response = Response(b"\x00\xff")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    return app


@contextmanager
def uvicorn_server() -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(fastapi_app(), log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@contextmanager
def werkzeug_server() -> Iterator[str]:
    """What Flask runs on."""

    @WerkzeugRequest.application
    def app(request):
        if request.path == "/events":
            return WerkzeugResponse((f"data: {n}\n\n" for n in range(20)), mimetype="text/event-stream")
        if request.path == "/away":
            return WerkzeugResponse("", 307, {"Location": "/else where"})
        headers = [f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in HOP]
        return WerkzeugResponse(repr((request.method, request.full_path, headers, request.get_data())))

    class Quiet(serving.WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *args):
            pass

    server = serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


NODE_SERVER = """
const http = require('http'), zlib = require('zlib');
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/gzip') {
      response.writeHead(200, 'Fine', {'Content-Encoding': 'gzip', 'X-Case': 'Kept'});
      response.end(zlib.gzipSync('a'.repeat(10000)));
    } else if (request.url === '/events') {
      response.writeHead(200, {'Content-Type': 'text/event-stream', 'Trailer': 'X-Count'});
      for (let n = 0; n < 20; n++) response.write(`data: ${n}\\n\\n`);
      response.addTrailers({'X-Count': '20'});
      response.end();
    } else {
      const hop = ['host', 'connection', 'transfer-encoding'];
      const raw = request.rawHeaders.filter((_, i, all) => !hop.includes(all[i - (i % 2)].toLowerCase()));
      response.writeHead(200, [['Set-Cookie', 'a=1'], ['set-cookie', 'b=2'], ['X-Z', '1']].flat());
      response.end(JSON.stringify([request.method, request.url, raw, Buffer.concat(chunks).toString('hex')]));
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


@contextmanager
def node_server() -> Iterator[str]:
    assert NODE is not None
    with subprocess.Popen([NODE, "-e", NODE_SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


SERVERS = {
    "uvicorn": uvicorn_server,
    "werkzeug": werkzeug_server,
    "node": pytest.param(node_server, marks=pytest.mark.skipif(NODE is None, reason="there is no node")),
}
REQUESTS = [
    ("GET", "/echo?a=1&a=2&b=%20", b"", {}),
    ("POST", "/echo", b"\x00\x01binary", {"content-type": "application/octet-stream", "x-own": "1"}),
    ("PUT", "/echo", gzip.compress(b"packed", mtime=0), {"content-encoding": "gzip"}),
    ("DELETE", "/echo", b"", {"authorization": "Bearer key"}),
    ("GET", "/gzip", b"", {}),
    ("GET", "/events", b"", {}),
    ("GET", "/away", b"", {}),
    ("GET", "/cookies", b"", {}),
    ("GET", "/not/there", b"", {}),
    ("HEAD", "/echo", b"", {}),
    ("OPTIONS", "/echo", b"", {"origin": "http://a"}),
]


def asked(url: str) -> list[object]:
    """What a client gets for every request: the status line, the field lines as they came, and the bytes."""
    found: list[object] = []
    with httpx.Client(base_url=url, trust_env=False, headers={"user-agent": "test"}) as client:
        for method, target, body, headers in REQUESTS:
            with client.stream(method, target, content=body, headers=headers) as response:
                content = b"".join(response.iter_raw())
                lines = [pair for pair in response.headers.raw if pair[0].lower().decode() not in NOT_COMPARED]
                found.append((response.status_code, response.reason_phrase, lines, content))

        def pieces():
            yield b"first"
            yield b"second"

        found.append(client.post("/echo", content=pieces()).content)
    return found


@pytest.mark.parametrize(
    "server", [value if not callable(value) else pytest.param(value, id=name) for name, value in SERVERS.items()]
)
def test_a_client_gets_the_same_with_and_without_the_proxy(server):
    with server() as url, proxy(url) as served:
        direct, through = asked(url), asked(served.url)
        assert len(exchanges(served)) == len(REQUESTS) + 1
    for one, other in zip(direct, through, strict=True):
        assert one == other


@pytest.mark.long
def test_a_thousand_clients_at_once_each_get_their_own_response():
    arrived = threading.Barrier(1000)

    def answer(sock, message):
        arrived.wait(60)  # no response before every request is here
        body = message.split()[1]
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    async def ask(port: int, number: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % number)
        body = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        await writer.wait_closed()
        return body

    async def ask_all(port: int) -> list[bytes]:
        return await asyncio.gather(*(ask(port, number) for number in range(1000)))

    with upstream(answer) as real, proxy(real.url, patience=Patience(60.0, 60.0)) as served:
        assert asyncio.run(ask_all(served.port)) == [b"/%d" % number for number in range(1000)]
        assert served.app.state.pipeline.sandbox.store.journal_count() == 1000


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and certificates of a server and a client that it signed."""
    if OPENSSL is None:
        pytest.skip("there is no openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True)

    new_key = ["-newkey", "rsa:2048", "-nodes"]
    # Python 3.13 takes no authority that does not say what its key is for.
    is_authority = ["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=authority", "-days", "2"]
    run("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", *is_authority)
    (folder / "names").write_text(
        "subjectAltName=DNS:localhost\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    for name in ("server", "client"):
        run("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
    return folder


def tls_context(folder, asks_for_certificate=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if asks_for_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def got(served) -> httpx.Response:
    return httpx.get(f"{served.url}/x", trust_env=False)


def test_an_upstream_is_reached_by_tls_with_an_authority_of_its_own(certificates):
    tls = {"ca": str(certificates / "ca.pem")}
    with upstream(OK, tls_context(certificates)) as real, proxy(real.url, tls=tls) as served:
        assert got(served).text == "ok"
        assert b"\r\nHost: localhost:%d\r\n" % real.port in real.got[0]


def test_a_certificate_that_is_not_trusted_is_a_502_and_nothing_is_sent(certificates):
    with upstream(OK, tls_context(certificates)) as real, proxy(real.url) as served:
        response = got(served)
        assert response.status_code == 502 and "is not to be trusted" in response.json()["detail"]
        assert not real.got


def test_a_certificate_of_another_name_is_a_502(certificates):
    tls = {"ca": str(certificates / "ca.pem")}
    with upstream(OK, tls_context(certificates)) as real:
        url = real.url.replace("localhost", "127.0.0.1")
        with proxy(url, tls=tls) as served:
            assert "is not to be trusted" in got(served).json()["detail"]


def test_a_client_certificate_is_shown(certificates):
    ca = {"ca": str(certificates / "ca.pem")}
    own = {"certificate": str(certificates / "client.pem"), "key": str(certificates / "client.key")}
    with upstream(OK, tls_context(certificates, asks_for_certificate=True)) as real:
        with proxy(real.url, tls=ca | own) as served:
            assert got(served).text == "ok"
        with proxy(real.url, tls=ca) as served:
            assert got(served).status_code == 502


class Tunnel:
    """An HTTP proxy: it opens tunnels, and answers a whole URL itself."""

    def __init__(self, port: int, status: bytes = b"200 Connection established") -> None:
        self.port, self.status = port, status

    def __call__(self, sock: socket.socket, message: bytes) -> None:
        if not message.startswith(b"CONNECT "):
            sock.sendall(OK)
            return
        sock.sendall(b"HTTP/1.1 " + self.status + b"\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.port)) as other:
            back = threading.Thread(target=copy, args=(other, sock), daemon=True)
            back.start()
            copy(sock, other)
            other.shutdown(socket.SHUT_WR)
            back.join(5)


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass


def test_an_upstream_is_reached_through_an_http_proxy(certificates):
    with upstream(OK, tls_context(certificates)) as real, upstream(Tunnel(real.port)) as between:
        url = between.url.replace("http://", "http://user:p%40ss@")
        with proxy(real.url, tls={"ca": str(certificates / "ca.pem"), "proxy": url}) as served:
            assert got(served).text == "ok"
        assert between.got[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % real.port)
        assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in between.got[0]
        assert real.got[0].startswith(b"GET /x HTTP/1.1\r\n") and b"Proxy-" not in real.got[0]


def test_a_plain_upstream_is_asked_for_by_its_whole_url(certificates):
    with upstream(Tunnel(0)) as between, proxy("http://api.invalid/v1", tls={"proxy": between.url}) as served:
        assert got(served).text == "ok"
        assert between.got[0].startswith(b"GET http://api.invalid/v1/x HTTP/1.1\r\nHost: api.invalid\r\n")


def test_a_proxy_that_opens_no_way_is_a_502(certificates):
    with (
        upstream(Tunnel(0, b"407 Who are you")) as between,
        proxy("https://api.invalid", tls={"proxy": between.url}) as served,
    ):
        response = got(served)
    assert response.status_code == 502 and "opens no way to https://api.invalid: 407 Who are you" in response.text


def test_the_environment_names_no_proxy(monkeypatch):
    with upstream(OK) as real, upstream(OK) as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        with proxy(real.url) as served:
            assert got(served).text == "ok"
        assert len(real.got) == 1 and not other.got
