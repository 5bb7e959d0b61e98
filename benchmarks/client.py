"""A small HTTP/1.1 client on raw sockets: requests are made once as bytes, responses are read by httptools.

It fills servers with memories, soaks them, and stands in for wrk where that is not installed.
"""

from __future__ import annotations

import asyncio
import socket
import time

import httptools

from benchmarks.data import KEY

BATCH = 100
"""Requests that `fill` sends ahead of their responses."""


def wire(method: str, path: str, body: bytes | None = None, *headers: str, key: str = KEY) -> bytes:
    """A request as it goes over the socket."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: {key}", *headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Replies:
    """Counts the responses in a stream of bytes, and keeps the last one's status and body."""

    def __init__(self) -> None:
        self.count = 0
        self.status = 0
        self.body = b""
        self.keep_alive = True
        self._parser = httptools.HttpResponseParser(self)
        self.feed = self._parser.feed_data

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, chunk: bytes) -> None:
        self.body += chunk

    def on_message_complete(self) -> None:
        self.count += 1
        self.status = self._parser.get_status_code()
        self.keep_alive = self._parser.should_keep_alive()


def fill(port: int, request: bytes, count: int, status: int) -> None:
    """Send a request `count` times, BATCH at a time. Raises RuntimeError when a response has another status."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sock:
        replies = Replies()
        while replies.count < count:
            end = min(count, replies.count + BATCH)
            sock.sendall(request * (end - replies.count))
            while replies.count < end:
                chunk = sock.recv(1 << 16)
                if not chunk:
                    raise RuntimeError("the server closed the connection while it was filled")
                replies.feed(chunk)
            if replies.status != status:
                raise RuntimeError(f"the server answered {replies.status} while it was filled: {replies.body[:300]!r}")


class Connection:
    """One keep-alive connection; it is opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and read its reply: the status and the body. Raises OSError when it is cut off."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        replies = Replies()
        writer.write(request)
        while not replies.count:
            chunk = await reader.read(1 << 16)
            if not chunk:
                self.close()
                raise ConnectionResetError("the server closed the connection before its reply")
            replies.feed(chunk)
        if not replies.keep_alive:
            self.close()
        return replies.status, replies.body

    @property
    def is_closed(self) -> bool:
        """Whether the next exchange opens another connection."""
        return self._streams is None

    def close(self) -> None:
        """Close it; the next exchange opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def hammer(port: int, request: bytes, connections: int, seconds: float) -> tuple[list[float], int, int]:
    """The same request at full speed: the latency of each in seconds, responses of 400 and above, breakages."""
    latencies: list[float] = []
    refused = broken = 0
    until = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal refused, broken
        connection = Connection(port)
        while (started := time.perf_counter()) < until:
            try:
                status, _ = await connection.exchange(request)
            except OSError:
                broken += 1
                continue
            latencies.append(time.perf_counter() - started)
            refused += status >= 400
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return latencies, refused, broken
