"""`mockserver fuzz`: schemathesis with every phase and every check, against the built-in app or a URL.

It is driven by its command line, in a process of its own: that is the interface it documents and keeps;
its engine can be imported, but is not part of what it calls public. It gets the compiled contract, links
included, so the same requests go out wherever the API is served.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import orjson

from mockserver.errors import UserError

if TYPE_CHECKING:  # they would slow down every other command
    from mockserver.apis import Api

_KEY = "fuzz-key"
_KEY_VARIABLE = "MOCKSERVER_FUZZ_KEY"
_CREDITS = 1e12
_CONNECT_SECONDS = 5.0
_VERDICT = re.compile(r"^=+ (?:ERRORS|FAILURES) =+$", re.MULTILINE)
_PASSING = re.compile(r"^(?: *st replay \S+\n+|Reports:\n(?: +- .*\n)+\n)", re.MULTILINE)
"""What is said of files that are gone when the run is over."""
_CONFIG = f"""\
headers = {{ Authorization = "Bearer ${{{_KEY_VARIABLE}}}" }}
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found."""

    cases: int
    findings: int
    """Distinct failures, and errors that kept an operation from being tested."""
    seconds: float
    seed: int
    text: str
    """The findings for a reader; empty when they were shown on the terminal already."""


def fuzz(
    api: Api,
    url: str,
    *,
    key: str = _KEY,
    max_examples: int | None = None,
    seed: int | None = None,
    junit: Path | None = None,
    show: bool = False,
) -> Found:
    """Run schemathesis with the contract of an API against a base URL.

    Args:
        api: whose contract to hold the server to.
        url: where its paths start, for example `http://127.0.0.1:4010/datagrid/v1`.
        key: the API key to send.
        max_examples: test cases per operation and phase; schemathesis decides when None.
        seed: makes a run repeatable.
        junit: where to write a JUnit report.
        show: let schemathesis draw its progress on this terminal.

    Raises:
        UserError: schemathesis is not installed, or could not run.
    """
    if importlib.util.find_spec("schemathesis") is None:
        raise UserError("fuzzing needs schemathesis, which is an extra: pip install 'mockserver[fuzz]'")
    if not api.contract.operations:
        raise UserError(f"{api.name}: there is no operation to test in the contract")
    # A directory of its own: it leaves caches where it runs, and would obey a schemathesis.toml it finds.
    with tempfile.TemporaryDirectory(prefix="mockserver-fuzz-") as name:
        home = Path(name)
        contract, config, report = home / "openapi.json", home / "schemathesis.toml", home / "report.json"
        contract.write_bytes(orjson.dumps(api.contract.served(url)))
        config.write_text(_CONFIG, encoding="utf-8")
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", str(contract)]
        command += ["--url", url, "--phases", "examples,coverage,fuzzing,stateful", "--checks", "all"]
        command += ["--continue-on-failure", "--generation-database", "none", "--report-json-path", str(report)]
        # The default key is no secret, and a finding that hides what was sent cannot be repeated.
        command += ["--output-sanitize", "false"] if key == _KEY else []
        command += ["--max-examples", str(max_examples)] if max_examples is not None else []
        command += ["--seed", str(seed)] if seed is not None else []
        command += ["--report-junit-path", str(junit.absolute())] if junit is not None else []
        done = subprocess.run(
            command if show else [*command, "--no-color"],
            cwd=home,
            env={**os.environ, _KEY_VARIABLE: key},
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        return _verdict(report, done.returncode, _PASSING.sub("", done.stdout or "").strip())


def _verdict(report: Path, code: int, text: str) -> Found:
    try:
        told: dict[str, Any] = json.loads(report.read_bytes())  # orjson would make a float of the seed
    except (OSError, ValueError):
        raise UserError(f"schemathesis could not run (exit code {code})" + (f":\n{text}" if text else "")) from None
    findings = told["test_cases"]["unique_failures"] + len(told["errors"])
    if code and not findings:
        raise UserError(f"schemathesis stopped ({told['stop_reason']})" + (f":\n{text}" if text else ""))
    cases = told["test_cases"]["generated"]
    start = _VERDICT.search(text)
    return Found(cases, findings, told["running_time"], told["seed"], text[start.start() :] if start else text)


@contextlib.contextmanager
def served(api: str, key: str) -> Iterator[tuple[Api, str]]:
    """The built-in app in this process, made for fuzzing: no limits, ample credits, one valid key."""
    from mockserver.server.app import create_app
    from mockserver.server.thread import serve_in_thread
    from mockserver.settings import Settings

    settings = Settings(apis=(api,), api_keys=(key,), credits=_CREDITS, rate_limit=None)
    app = create_app(settings, admin=False)
    [loaded] = app.state.pipeline.apis.values()
    log = logging.getLogger("uvicorn.error")
    level = log.level
    log.setLevel(logging.ERROR)  # broken HTTP is refused with a warning, and much of it is sent here
    try:
        with serve_in_thread(app) as server:
            yield loaded, f"{server.url}/{loaded.name}{loaded.contract.base_path}"
    finally:
        log.setLevel(level)


def _reachable(url: str) -> None:
    """Raises UserError when nothing listens there, which schemathesis would say once per operation."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"{url!r} is not a base URL; write it like http://127.0.0.1:4010/datagrid/v1")
    try:
        socket.create_connection((parts.hostname, port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(f"nothing answers at {url}: {error.strerror or error}") from None


@click.command("fuzz")
@click.option(
    "--api", default="datagrid", show_default=True, help="Bundled API, or an OpenAPI file as PATH or NAME=PATH."
)
@click.option("--url", help="Base URL of a server to test instead of the built-in one.")
@click.option(
    "--max-examples", type=click.IntRange(1), metavar="N", help="Test cases per operation and phase.  [default: 100]"
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of an earlier run, to repeat it.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report to this file.")
@click.option(
    "--api-key",
    default=_KEY,
    show_default=True,
    envvar="MOCKSERVER_FUZZ_API_KEY",
    show_envvar=True,
    help="API key to send. The server should reject any other key.",
)
def fuzz_command(
    api: str, url: str | None, max_examples: int | None, seed: int | None, junit: Path | None, api_key: str
) -> None:
    """Search for breaches of the contract with schemathesis.

    Exits with 1 if there is one.
    All phases (examples, coverage, fuzzing, stateful chains along the links) and all checks run, against the
    built-in app in this process, or against a server at --url.

    \b
    mockserver fuzz                                          the Datagrid API
    mockserver fuzz --api mem0 --junit fuzz.xml              with a report for CI
    mockserver fuzz --url http://127.0.0.1:4010/datagrid/v1  a running server
    """
    from mockserver.apis import load_api

    if junit is not None and not junit.absolute().parent.is_dir():
        raise UserError(f"{junit}: there is no directory {str(junit.parent)!r}")
    if not api_key.strip() or not api_key.isascii() or not api_key.isprintable():
        raise UserError("the API key is empty or holds characters that no HTTP header can carry")
    show = sys.stdout.isatty()
    with contextlib.ExitStack() as stack:
        if url is None:
            loaded, target = stack.enter_context(served(api, api_key))
        else:
            loaded, target = load_api(api), url.rstrip("/")
            _reachable(target)
        found = fuzz(loaded, target, key=api_key, max_examples=max_examples, seed=seed, junit=junit, show=show)
    if found.text and found.findings:
        click.echo(found.text)
    again = ["mockserver", "fuzz", "--api", api, *(["--url", url] if url else []), "--seed", str(found.seed)]
    again += ["--max-examples", str(max_examples)] if max_examples is not None else []
    verdict = f"{found.findings} found" if found.findings else "nothing found"
    click.echo(f"{loaded.name}: {found.cases} test cases in {found.seconds:.1f} s, {verdict}")
    if found.findings:
        click.echo(f"again: {shlex.join(again)}")
        sys.exit(1)
