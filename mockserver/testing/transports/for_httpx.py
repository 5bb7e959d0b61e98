"""A transport for httpx, sync and async. A fault raises what httpx raises on a socket.

Needs httpx: `pip install 'mockserver[httpx]'`.
"""

from __future__ import annotations

import httpx

from mockserver.testing.transports.httpx_alike import Parts, Transport


class _Parts(Parts, httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream, part by part."""

    library = httpx


class MockTransport(Transport, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends the requests of a client to an application in this process.

    A latency longer than the client's read timeout raises `ReadTimeout`, also on a frozen clock, where it takes no
    real time.

    Args:
        app: what `create_app` made, or a pipeline.
    """

    library = httpx
    parts = _Parts
