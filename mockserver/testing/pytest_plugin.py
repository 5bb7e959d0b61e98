"""The pytest plugin: a fixture that gives each test a sandbox of its own, and a test that explains itself.

One server is started on first use, in a background thread, for the whole session (each xdist worker
has its own); with `--mockserver-url` all tests use sandboxes of a running server instead. Nothing heavy
is imported until a test asks for the fixture.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.testing.mock import Mock
    from mockserver.testing.session import Session

TERMS = ("scenario", "credits", "rate_limit", "clock", "seed", "api")
"""What the marker and the factory take."""
_SESSION = pytest.StashKey["Session"]()
_MOCKS = pytest.StashKey[list["Mock"]]()
_OPTIONS = {
    "url": "use the mockserver at this URL (a sidecar) instead of starting one",
    "spec": "serve this OpenAPI document too: PATH or NAME=PATH (several separated by commas)",
    "profile": "serve this profile of an API of your own, and mean it where no API is named: PATH "
    "(several separated by commas; the first is meant)",
    "scenarios": "folder of scenario files",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each of them an ini key as well."""
    group = parser.getgroup("mockserver")
    for name, text in _OPTIONS.items():
        group.addoption(f"--mockserver-{name}", default=None, help=text)
        parser.addini(f"mockserver_{name}", text, default="")
    strict = "fail tests whose rules never fired, or that sent undeclared invalid requests"
    group.addoption("--mockserver-strict", action="store_true", default=None, help=strict)
    parser.addini("mockserver_strict", strict, type="bool", default=False)
    kinds = "report which answers of the vendor the suite has seen: term, html or json (several separated by commas)"
    group.addoption("--mockserver-coverage", default=None, help=kinds)
    parser.addini("mockserver_coverage", kinds, default="")
    uses = "write what the suite uses of each API to this folder, for `mockserver diff --used`"
    group.addoption("--mockserver-uses", default=None, metavar="FOLDER", help=uses)
    parser.addini("mockserver_uses", uses, default="")
    under = "fail the run when less than this percentage was seen"
    group.addoption("--mockserver-fail-under", type=float, default=None, help=under)
    parser.addini("mockserver_fail_under", under, default="")


class _AsTheyAre(MetaPathFinder):
    """Finds our modules before pytest does, which would read each for assertions to reword.

    None of them has any to show, and in a fresh checkout that reading takes longer than all the rest of a first use.
    """

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, path, target) if name.startswith("mockserver.") else None


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marker, and let our modules be imported as they are."""
    finder = _AsTheyAre()
    sys.meta_path.insert(0, finder)
    config.add_cleanup(lambda: sys.meta_path.remove(finder))
    config.addinivalue_line(
        "markers",
        "mockserver(scenario=None, credits=None, rate_limit=None, clock=None, seed=None, api=None): "
        "how the test's sandbox starts; markers of test, class and module are joined, the nearest wins",
    )


def option(config: pytest.Config, name: str) -> Any:
    """An option of ours, or its ini key when it was not given."""
    given = config.getoption(f"mockserver_{name}", default=None)
    return config.getini(f"mockserver_{name}") if given is None else given


def _session(config: pytest.Config) -> Session:
    if _SESSION not in config.stash:
        from mockserver.apis import BUNDLED
        from mockserver.errors import UserError
        from mockserver.testing.session import Session

        specs = tuple(spec for spec in str(option(config, "spec")).split(",") if spec)
        profiles = [
            config.rootpath / path.strip() for path in str(option(config, "profile")).split(",") if path.strip()
        ]
        folder = option(config, "scenarios")
        folders = (config.rootpath / folder,) if folder else ()
        try:
            apis = (*BUNDLED, *specs, *map(str, profiles))
            made = Session(url=str(option(config, "url")), apis=apis, scenario_dirs=folders)
            made.default_api = str(profiles[0]) if profiles else ""
            config.stash[_SESSION] = made
            if _counts(config):
                config.stash[_SESSION].count()
            if option(config, "uses"):
                config.stash[_SESSION].collect_uses()
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
    return config.stash[_SESSION]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, if one was started."""
    if _SESSION in config.stash:
        config.stash[_SESSION].close()
        del config.stash[_SESSION]


def _counts(config: pytest.Config) -> bool:
    return bool(option(config, "coverage") or str(option(config, "fail_under")))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist sends home what it has seen; everyone else validates it."""
    config = session.config
    if _counts(config):
        from mockserver.testing.coverage.plugin import finish

        finish(session, _session(config).count(), str(option(config, "coverage")), str(option(config, "fail_under")))
    if option(config, "uses"):
        output = getattr(config, "workeroutput", None)
        uses = _session(config).collect_uses()
        if output is not None:
            output["mockserver_uses"] = uses.as_json()
        else:
            uses.write(config.rootpath / str(option(config, "uses")))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take in what a worker has seen."""
    seen = getattr(node, "workeroutput", {}).get("mockserver_coverage")
    if seen is not None:
        _session(node.config).count().merge(seen)
    uses = getattr(node, "workeroutput", {}).get("mockserver_uses")
    if uses is not None:
        _session(node.config).collect_uses().merge(uses)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the coverage."""
    if _counts(config) and not hasattr(config, "workerinput"):
        from mockserver.testing.coverage.plugin import summary

        fail_under = str(option(config, "fail_under"))
        summary(terminalreporter, _session(config).count(), str(option(config, "coverage")), fail_under)


@pytest.fixture
def mockserver_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., Mock]]:
    """Makes sandboxes; takes what the marker takes: `mockserver_factory(scenario=..., credits=...)`."""
    from mockserver.errors import UserError, did_you_mean

    session = _session(request.config)
    mocks = request.node.stash.setdefault(_MOCKS, [])
    here = (Path(str(request.path)).parent,)

    def make(**terms: Any) -> Mock:
        unknown = next((name for name in terms if name not in TERMS), None)
        if unknown is not None:
            pytest.fail(f"mockserver has no {unknown!r}{did_you_mean(unknown, TERMS)}", pytrace=False)
        try:
            mock = session.sandbox(scenario_dirs=here, **terms)
        except UserError as error:
            pytest.fail(str(error), pytrace=False)
        mocks.append(mock)
        return mock

    yield make
    for mock in mocks:
        session.end(mock)


@pytest.fixture
def mockserver(request: pytest.FixtureRequest, mockserver_factory: Callable[..., Mock]) -> Mock:
    """A fresh sandbox, made as the `mockserver` markers of the test, its class and its module say."""
    terms: dict[str, Any] = {}
    for marker in request.node.iter_markers("mockserver"):
        if marker.args:
            raise pytest.UsageError("the mockserver marker takes keyword arguments only: scenario=..., credits=...")
        terms = {**marker.kwargs, **terms}
    return mockserver_factory(**terms)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """After a test that passed: fail it for what the mock knows and the test did not look at."""
    outcome = yield
    failures = []
    for mock in item.stash.get(_MOCKS, []):
        failures += mock.failures(strict=bool(option(item.config, "strict")))
    if failures:
        more = f" (and {len(failures) - 1} more, below)" if len(failures) > 1 else ""
        pytest.fail(f"mockserver: {failures[0].partition(chr(10))[0]}{more}", pytrace=False)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed shows what happened on the wire."""
    report = yield
    if report.when == "call" and report.failed:
        strict = bool(option(item.config, "strict"))
        for mock in item.stash.get(_MOCKS, []):
            report.sections.append((f"mockserver {mock.name}", "\n".join(mock.report(strict))))
    return report
