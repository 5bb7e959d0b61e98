"""Fixtures that more than one test module uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from redis_server import RedisServer

from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Checks, Pipeline
from mockserver.sandbox.world import Terms
from mockserver.server.app import create_app
from mockserver.server.thread import Served, serve_in_thread
from mockserver.settings import Settings

if TYPE_CHECKING:
    from browsing import Console
    from playwright.sync_api import Browser

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z, where the frozen clocks of the tests stand at first."""

SLOW = {
    *("test_container", "test_fuzz", "test_health", "test_server", "test_start", "test_statefile", "test_workers"),
    *("test_admin_fuzz", "test_audit", "test_fuzz_command", "test_plugin", "test_sidecar_docs", "test_stateless"),
    *(
        "test_action",
        "test_completion",
        "test_packages",
        "test_release",
        "test_public_api",
        "test_recipes",
        "test_snippets",
        "test_llm_clients",
        "test_mcp",
    ),
    *("test_diff", "test_diff_command"),
    *("test_app", "test_commands", "test_why_command", "test_faults", "test_hostile", "test_protocol", "test_shared"),
    *(
        "test_contract_differential",
        "test_fuzz_documents",
        "test_schemathesis_differential",
        "test_contract_ecma",
        "test_contract_strict",
        "test_properties",
        "test_store",
    ),
    *("test_codings", "test_secrets", "test_watch", "test_yaml12"),
    *("test_console_browser", "test_console_exchange_browser", "test_console_guard_browser", "test_site"),
    *("test_console_hostile_browser", "test_console_keyboard_browser", "test_console_load_browser"),
    *("test_console_panels_browser", "test_console_scenario_browser", "test_console_puzzles"),
    *(
        "test_proxy",
        "test_proxy_failures",
        "test_proxy_servers",
        "test_proxy_rules",
        "test_record",
        "test_import",
        "test_proxy_report",
        "test_fixture_upstream",
    ),
    *("test_bridge", "test_bundled_scenarios", "test_containers", "test_datagrid_client", "test_mem0_client"),
}
"""Modules that start processes or many servers, run pytest or schemathesis, try very many cases, or need the vendors'
clients. `make quick` does without."""


def is_quick(config: pytest.Config) -> bool:
    """Whether this is the quick suite."""
    return "not slow" in config.getoption("markexpr")


def pytest_configure(config: pytest.Config) -> None:
    """Let properties try fewer examples in the quick suite."""
    if is_quick(config):
        hypothesis.settings.register_profile("quick", max_examples=20)
        hypothesis.settings.load_profile("quick")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what the quick suite leaves out: its packages need not be installed."""
    return True if is_quick(config) and collection_path.stem in SLOW else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of slow modules."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def _no_cache() -> Iterator[None]:
    """Documents are validated anew, and nobody's home is written to."""
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
        started = replace(Terms(clock_start=START, clock_rate=0), **terms)
        return Pipeline(apis, terms=started, checks=Checks(verify_wire=True))

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    from browsing import chromium  # its packages are not there in the quick suite

    with chromium() as running:
        yield running


@pytest.fixture
def make_console(browser, make_server) -> Iterator[Callable[..., Console]]:
    """Makes pages that show a server's console, in a look of LOOKS; a complaint of the browser fails the test."""
    from browsing import Console

    consoles: list[Console] = []

    def make(look: str = "desktop", url: str = "") -> Console:
        consoles.append(Console(browser, url or make_server().url, look))
        return consoles[-1]

    yield make
    for console in consoles:
        console.close()
        assert console.unexpected() == []


@pytest.fixture
def console(make_console) -> Console:
    """A server with both APIs, and a page that shows its console."""
    return make_console()
