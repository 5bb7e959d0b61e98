"""Bare Starlette routes with the responses of `/v1/user-memories`: the least that has to be done for them.

Nothing is checked, kept, metered or recorded. `benchmarks.bare:json` writes JSON as Starlette does,
`benchmarks.bare:fast` with orjson.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.data import PATH

rows: list[dict[str, Any]] = []
page = {"object": "list", "data": rows, "has_more": True}


def made(body: dict[str, Any]) -> dict[str, Any]:
    """The response to a creation. The first 20 rows make the page."""
    row = {
        "object": "user_memory",
        "id": "0b8e2f64-3c1d-4f0a-9a57-6d2b1c9e8f70",
        "created_at": "2026-01-01T00:00:00.000Z",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "agent_id": body["agent_id"],
        "user_id": "5d0e5a0e-7f0d-4f58-8f35-3d0f7ad3f6a1",
        "user_prompt": body["user_prompt"],
        "memory": [body["memory"]],
        "context": [body["context"]],
    }
    if len(rows) < 20:
        rows.append(row)
    return {**row, "credits": {"consumed": 1}}


async def create(request: Request) -> Response:
    """Echo the memory."""
    return JSONResponse(made(await request.json()), 201)


async def listing(request: Request) -> Response:
    """The page."""
    return JSONResponse(page)


async def create_fast(request: Request) -> Response:
    """Echo the memory."""
    return Response(orjson.dumps(made(orjson.loads(await request.body()))), 201, media_type="application/json")


async def listing_fast(request: Request) -> Response:
    """The page."""
    return Response(orjson.dumps(page), media_type="application/json")


json = Starlette(routes=[Route(PATH, create, methods=["POST"]), Route(PATH, listing)])
fast = Starlette(routes=[Route(PATH, create_fast, methods=["POST"]), Route(PATH, listing_fast)])
