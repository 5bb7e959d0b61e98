"""A plain reverse proxy, as a user would write it with Starlette and httpx: nothing is checked or recorded.

The upstream is named by the variable BENCH_UPSTREAM.
"""

from __future__ import annotations

import os

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

HOP_BY_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"upgrade", b"host"}

client = httpx.AsyncClient(
    base_url=os.environ.get("BENCH_UPSTREAM", "http://127.0.0.1:1"),
    trust_env=False,
    limits=httpx.Limits(max_connections=1000, max_keepalive_connections=1000),
)


async def passed_on(request: Request) -> Response:
    """Stream the upstream's response."""
    url = httpx.URL(path=request.url.path, query=request.url.query.encode())
    headers = [pair for pair in request.headers.raw if pair[0] not in HOP_BY_HOP]
    sent = client.build_request(request.method, url, headers=headers, content=await request.body())
    reply = await client.send(sent, stream=True)
    response = StreamingResponse(reply.aiter_raw(), reply.status_code, background=BackgroundTask(reply.aclose))
    response.raw_headers = [
        (name.lower(), value) for name, value in reply.headers.raw if name.lower() not in HOP_BY_HOP
    ]
    return response


app = Starlette(routes=[Route("/{path:path}", passed_on, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])])
