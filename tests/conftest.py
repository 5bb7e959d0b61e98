"""Fixtures that more than one test module uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from redis_server import RedisServer

from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Terms
from mockserver.server.app import create_app
from mockserver.server.thread import Served, serve_in_thread
from mockserver.settings import Settings

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where the frozen clocks of the tests stand at first."""


@pytest.fixture(scope="session", autouse=True)
def _no_cache() -> Iterator[None]:
    """Documents are judged anew, and nobody's home is written to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOCKSERVER_CACHE_DIR", "off")
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A real redis-server."""
    if not RedisServer.is_installed():
        pytest.skip("there is no redis-server; install Debian's package of that name")
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def apis():
    """The bundled APIs, compiled once for the whole run."""
    return list(build(Settings()).apis.values())


@pytest.fixture
def make_pipeline(apis) -> Callable[..., Pipeline]:
    """Makes a pipeline with a frozen clock; keyword arguments are fields of Terms."""

    def make(**terms: object) -> Pipeline:
        return Pipeline(apis, replace(Terms(clock_start=START, clock_rate=0), **terms), verify_wire=True)

    return make


@pytest.fixture
def make_server(make_pipeline) -> Iterator[Callable[..., Served]]:
    """Makes real servers on free ports; keyword arguments are fields of Terms."""
    with ExitStack() as running:
        yield lambda **terms: running.enter_context(serve_in_thread(create_app(pipeline=make_pipeline(**terms))))


@pytest.fixture
def server(make_server) -> Served:
    """A real server with both APIs; its clock is frozen at START."""
    return make_server()
