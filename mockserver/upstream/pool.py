"""Connections to the upstream: opened through TLS and a proxy where the target says so, and kept for the next request.

An idle connection is kept for a shorter time than servers keep theirs, since a request is never sent twice.
Must not know: clients, contracts.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from mockserver.upstream.connection import Connection, Failure, Patience
from mockserver.upstream.target import HttpProxy, Target

IDLE_SECONDS = 3.0
"""How long a connection is kept without a request. Node closes its own after 5 seconds."""
MAX_IDLE = 512
"""Connections that are kept."""


class Pool:
    """Connections to one upstream.

    Args:
        target: the upstream.
        patience: the bounds of each connection.
    """

    def __init__(self, target: Target, patience: Patience) -> None:
        self.target = target
        self.patience = patience
        self._idle: list[Connection] = []

    async def take(self) -> Connection:
        """A connection for one exchange, which goes back by `give`. Raises Failure."""
        while self._idle:
            connection = self._idle.pop()
            if connection.timer is not None:
                connection.timer.cancel()
                connection.timer = None
            if connection.is_reusable:
                return connection
        return await self._open()

    def give(self, connection: Connection, sent_all: bool) -> None:
        """Take a connection back. It is closed when its exchange did not end well, or the request was not all sent."""
        connection.finish(sent_all)
        if not connection.is_reusable:
            return
        if len(self._idle) >= MAX_IDLE:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.timer = loop.call_later(IDLE_SECONDS, connection.close)
        self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            connection = self._idle.pop()
            if connection.timer is not None:
                connection.timer.cancel()
            connection.close()

    async def _open(self) -> Connection:
        target, proxy = self.target, self.target.proxy
        seconds = self.patience.connect_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._connect(target, proxy)
        except TimeoutError:
            raise Failure("timeout", f"The upstream {target.url} did not take a connection in {seconds:g} s.") from None
        except ssl.SSLCertVerificationError as error:
            message = f"The certificate of the upstream {target.url} is not to be trusted: {error.verify_message}."
            raise Failure("bad_gateway", message) from None
        except (OSError, ssl.SSLError) as error:
            why = error.strerror or str(error) or type(error).__name__
            by = f" through the proxy {proxy.host}:{proxy.port}" if proxy is not None else ""
            raise Failure("bad_gateway", f"The upstream {target.url} cannot be reached{by}: {why}.") from None

    async def _connect(self, target: Target, proxy: HttpProxy | None) -> Connection:
        loop = asyncio.get_running_loop()
        name = None if target.tls is None else target.host

        def make() -> Connection:
            return Connection(self.patience, target.url)

        if proxy is None:
            _, connection = await loop.create_connection(
                make, target.host, target.port, ssl=target.tls, server_hostname=name
            )
            return connection
        transport, connection = await loop.create_connection(make, proxy.host, proxy.port)
        if target.tls is None:
            return connection
        try:
            await self._tunnel(connection, target, proxy)
            secure = await loop.start_tls(transport, connection, target.tls, server_hostname=name)
        except BaseException:
            connection.close()
            raise
        if secure is None:
            raise ConnectionResetError("the connection was closed before TLS began")
        connection.connection_made(secure)
        return connection

    async def _tunnel(self, connection: Connection, target: Target, proxy: HttpProxy) -> None:
        """Have the proxy open a way to the upstream (RFC 9110, 9.3.6)."""
        host = f"[{target.host}]" if ":" in target.host else target.host
        authority = f"{host}:{target.port}".encode("ascii")
        lines = [b"CONNECT %s HTTP/1.1" % authority, b"Host: %s" % authority]
        if proxy.authorization:
            lines.append(b"Proxy-Authorization: " + proxy.authorization)
        connection.begin("CONNECT", lambda head: None)
        connection.write(b"\r\n".join([*lines, b"", b""]))
        head = await connection.head()
        if not 200 <= head.status < 300:
            reason = head.reason.decode("latin-1")
            message = f"The proxy {proxy.host}:{proxy.port} opens no way to {target.url}: {head.status} {reason}"
            raise Failure("bad_gateway", message.strip() + ".")
        with suppress(Failure):
            await connection.piece()
        connection.finish(sent_all=True)


def proxy_lines(target: Target) -> list[tuple[bytes, bytes]]:
    """The field lines of a request that a proxy reads."""
    proxy = target.proxy
    if proxy is None or target.tls is not None or not proxy.authorization:
        return []
    return [(b"Proxy-Authorization", proxy.authorization)]


__all__ = ["Pool", "proxy_lines"]
