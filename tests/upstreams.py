"""Upstreams of the tests: raw sockets that say exactly what a test wants, and the proxy before one of them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from mockserver.pipeline.build import build
from mockserver.server.proxied import ProxyTerms, bare_api, create_proxy_app
from mockserver.server.thread import Served, serve_in_thread
from mockserver.settings import Settings
from mockserver.upstream.connection import Patience
from mockserver.upstream.target import target_of

Answer = bytes | Callable[[socket.socket, bytes], None]
HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"upgrade", b"proxy-connection"}


@dataclass
class Upstream:
    """A server that answers every request with the same bytes, or lets a function do it. It keeps what it was sent."""

    answer: Answer
    tls: Any = None
    got: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def run(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.accept, args=(sock,), daemon=True).start()

    def accept(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            if self.tls is None:
                self.serve(plain)
            else:
                with self.tls.wrap_socket(plain, server_side=True) as sock:
                    self.serve(sock)

    def serve(self, sock: socket.socket) -> None:
        while message := read_request(sock):
            self.got.append(message)
            if callable(self.answer):
                self.answer(sock, message)
            elif message.startswith(b"HEAD"):
                sock.sendall(self.answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            else:
                sock.sendall(self.answer)


def read_request(sock: socket.socket) -> bytes:
    """One request, whole; nothing when the client closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            body += sock.recv(65536)
    elif b"content-length:" in lower:
        size = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(body) < size:
            body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def upstream(answer: Answer, tls: Any = None) -> Iterator[Upstream]:
    """A raw upstream on a free port."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        made = Upstream(answer, tls)
        made.port = listener.getsockname()[1]
        threading.Thread(target=made.run, args=(listener,), daemon=True).start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(
    url: str, *, twin: tuple[str, ...] = (), patience: Patience | None = None, tls: Any = None, **settings: Any
) -> Iterator[Served]:
    """The proxy before a URL. Keyword arguments are fields of Settings; without `apis` it has no contract."""
    asked = Settings(**settings)
    target = target_of(url, **(tls or {}))
    terms = ProxyTerms(target, patience or Patience(2.0, 2.0), twin)
    pipeline = build(asked, () if asked.apis else (bare_api(),))
    with serve_in_thread(create_proxy_app(terms, asked, pipeline)) as served:
        yield served


def say(port: int, message: bytes, until_closed: bool = False) -> bytes:
    """Send bytes, and read what comes back until the connection is closed, or is silent after a whole response."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(message)
        return read_response(sock, message.startswith(b"HEAD"), until_closed)


def read_response(sock: socket.socket, is_head: bool = False, until_closed: bool = False) -> bytes:
    """One response, as it came."""
    data = b""
    while not is_whole(data, is_head) or until_closed:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data + b"<reset>"
        if not piece:
            break
        data += piece
    return data


def is_whole(data: bytes, is_head: bool) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    if head.startswith(b"HTTP/1.1 1"):
        return is_whole(body, is_head)
    lower = head.lower()
    if is_head or b" 204 " in lower[:14] or b" 304 " in lower[:14]:
        return True
    if b"transfer-encoding: chunked" in lower:
        return b"\r\n0\r\n" in b"\r\n" + body and body.endswith(b"\r\n\r\n")
    if b"content-length:" in lower:
        return len(body) >= int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return False


def end_to_end(message: bytes) -> tuple[bytes, list[bytes], bytes]:
    """First line, field lines and body of a message, without what belongs to one connection; chunks put together."""
    head, _, body = message.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    chunked = any(line.lower().startswith(b"transfer-encoding:") for line in lines)
    kept = [line for line in lines if line.partition(b":")[0].lower() not in HOP_BY_HOP]
    return first, kept, unchunked(body) if chunked else body


def unchunked(body: bytes) -> bytes:
    data = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            break
        data += body[:length]
        body = body[length + 2 :]
    return data


def exchanges(served: Served) -> list[Any]:
    """The journal of the default sandbox."""
    return served.app.state.pipeline.sandbox.world.exchanges()
