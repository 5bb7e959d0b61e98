"""A transport for httpx2, sync and async. A fault raises what httpx2 raises on a socket.

Needs httpx2: `pip install 'mockserver[httpx2]'`.
"""

from __future__ import annotations

import httpx2

from mockserver.testing.transports.httpx_alike import Parts, Transport


class _Parts(Parts, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A stream, part by part."""

    library = httpx2


class MockTransport(Transport, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Sends the requests of a client to an application in this process.

    A latency longer than the client's read timeout raises `ReadTimeout`, also on a frozen clock, where it takes no
    real time.

    Args:
        app: what `create_app` made, or a pipeline.
    """

    library = httpx2
    parts = _Parts
