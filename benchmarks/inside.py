"""mockserver without a socket: the pipeline and the requests that the in-process benchmarks send through it."""

from __future__ import annotations

from benchmarks.data import BODY, KEY, PATH
from mockserver.contract import Operation
from mockserver.messages import Limit, Request
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.settings import DEFAULTS, Settings

HEADERS = {
    "host": "127.0.0.1:4010",
    "authorization": KEY,
    "content-type": "application/json",
}


def pipeline(state: str = DEFAULTS.state) -> Pipeline:
    """As `mockserver serve` has it, with credits and a rate limit that are metered but never reached; `state` is
    where it is kept."""
    return build(Settings(credits=10**12, rate_limit=Limit(100_000_000, 60.0), state=state))


def operation(pipeline: Pipeline, id: str) -> Operation:
    """An operation of the Datagrid contract."""
    return pipeline.apis["datagrid"].contract.operations[id]


def post(body: bytes = BODY) -> Request:
    """A creation."""
    return Request("POST", PATH, "", dict(HEADERS, **{"content-length": str(len(body))}), body)


def page(limit: int) -> Request:
    """A listing."""
    return Request("GET", PATH, f"limit={limit}", {name: HEADERS[name] for name in ("host", "authorization")})
