"""docs/security.md says what the code does: each bound with its value, each option with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockserver.admin.api import _LOCAL_SUFFIXES, _OPEN, LARGE_BODIES
from mockserver.admin.api import MAX_BODY as ADMIN_BODY
from mockserver.cli.main import cli
from mockserver.contract import bodies, load_contract
from mockserver.contract import load as contracts
from mockserver.data import bundled_file
from mockserver.journal import entries as journal
from mockserver.journal import metrics
from mockserver.journal.masking import MIN_LENGTH, SECRET_HEADERS, SECRET_QUERIES
from mockserver.pipeline.build import build
from mockserver.scenarios import load as scenarios
from mockserver.server import asgi
from mockserver.server import bounds as protocol
from mockserver.server import run as server
from mockserver.settings import Settings, SocketBounds
from mockserver.state import store
from mockserver.text import matchers
from mockserver.text.documents import MAX_EXPANDED, MAX_NESTING

PAGE = (Path(__file__).parent.parent / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+?) \| ([\d,]+) \|(?: `(--[a-z-]+)`)? \| ([^|]+) \|$", PAGE, re.MULTILINE)
BOUNDS = SocketBounds()


def operation(name):
    return load_contract(bundled_file("spec", "admin.yaml"), name="admin", trusted=True).operations[name].max_body


CODE = {
    "connections at a time": BOUNDS.connections,
    "bytes of a request line and headers": BOUNDS.head_bytes,
    "headers of a request": protocol.MAX_HEADERS,
    "bytes of a path with its query": protocol.MAX_TARGET,
    "seconds for a request to arrive": BOUNDS.request_seconds,
    "seconds that a reply may go unread": BOUNDS.request_seconds,
    "seconds without a request": BOUNDS.idle_seconds,
    "bytes of a body": Settings().max_body,
    "times that limit which are read and thrown away": asgi.DRAIN,
    "levels of a JSON body": bodies.MAX_DEPTH,
    "bytes of an admin body": ADMIN_BODY,
    "bytes of a scenario": scenarios.MAX_BYTES,
    "bytes of a snapshot for `PUT state`": operation("setState"),
    "admin bodies of more than 1 MiB at a time": LARGE_BODIES,
    "sandboxes": Settings().max_sandboxes,
    "rows of a sandbox": Settings().max_rows,
    "exchanges in the journal of a sandbox": Settings().journal_size,
    "bytes of the journal of a sandbox": Settings().journal_bytes,
    "bytes of each body in the journal": journal.MAX_BODY,
    "rate limit windows of a sandbox": store.MAX_WINDOWS,
    "bytes of a document of your own": contracts.MAX_BYTES,
    "levels of a document, scenario or matcher": MAX_NESTING,
    "values of a document once its aliases are followed": MAX_EXPANDED,
    "characters of a regular expression": matchers.MAX_REGEX,
    "bytes of a compiled regular expression": matchers.MAX_REGEX_PROGRAM,
    "characters that a regular expression looks at": matchers.MAX_TEXT,
    "series of requests in the metrics": metrics.MAX_SERIES,
    "seconds for requests in flight once it is to stop": server.DRAIN_SECONDS,
}


def test_each_bound_has_its_value():
    assert {name: int(value.replace(",", "")) for name, value, _, _ in ROWS} == CODE


@pytest.mark.parametrize(("name", "value", "option", "beyond"), [row for row in ROWS if row[2]])
def test_each_option_has_that_default(name, value, option, beyond):
    (known,) = [known for known in cli.commands["serve"].params if option in known.opts]
    assert str(known.default).removesuffix("s") == value.replace(",", "")
    assert known.envvar == "MOCKSERVER_" + option.strip("-").replace("-", "_").upper()


def test_settings_bound_sockets_and_journals():
    assert Settings().socket_bounds == BOUNDS
    assert Settings(max_connections=1, max_head=2, request_timeout=3, idle_timeout=4).socket_bounds == SocketBounds(
        1, 2, 3, 4
    )
    terms = build(Settings(journal_size=5, journal_bytes=6)).sandbox.terms
    assert (terms.journal_size, terms.journal_bytes) == (5, 6)


def test_each_secret_place_is_named():
    section = PAGE[PAGE.index("## Secrets") :].lower()
    assert [name for name in SECRET_HEADERS | SECRET_QUERIES if f"`{name}`" not in section] == []
    assert f"at least {MIN_LENGTH} characters" in section


def test_names_that_are_local_are_all_told():
    assert [suffix for suffix in _LOCAL_SUFFIXES if f"`{suffix}`" not in PAGE] == []
    paths = {"getDocument": "openapi.yaml"}
    assert [name for name in _OPEN if f"`{paths.get(name, name)}`" not in PAGE] == []
