"""The admin API under `/__admin`: what tests and tools use to look at the server and steer it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from mockserver import __version__
from mockserver.pipeline import Pipeline


def routes(pipeline: Pipeline) -> list[BaseRoute]:
    """The admin API's routes."""

    def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "version": __version__})

    def ready(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ready", "apis": list(pipeline.apis)})

    return [
        Route("/__admin/health", health, methods=["GET"]),
        Route("/__admin/ready", ready, methods=["GET"]),
    ]
