"""Behaviours as text: each file of `tests/exchanges/` is one exchange. `docs/contributing.md` says how to write one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from conftest import START

from mockserver.errors import did_you_mean
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import parse_scenario
from mockserver.text.documents import parse
from mockserver.text.matchers import MISSING, Difference, compile_fields, compile_matcher

FOLDER = Path(__file__).parent / "exchanges"
PAGE = Path(__file__).parent.parent / "docs" / "contributing.md"
FILES = sorted(FOLDER.glob("*.yaml"))


@dataclass(frozen=True)
class ExchangeFile:
    """What a file says; every key is optional but `api`, `request` and `response`."""

    api: str
    request: dict[str, Any]
    """`method`, `path`, `query`, `headers`, and `body` (JSON) or `content` (text as it is sent)."""
    response: dict[str, Any]
    """`status`, and matchers for `headers` and `body`."""
    given: dict[str, Any] = field(default_factory=dict)
    """A scenario without `version`, `name` and `api`: credits, keys, state, limits, rules."""
    earlier: list[dict[str, Any]] = field(default_factory=list)
    """Requests sent before, each with the `times` that it is sent; `advance: 61s` moves the clock."""
    state: dict[str, Any] = field(default_factory=dict)
    """By table: matchers for its rows, oldest first, over all tenants."""
    credits: Any = None
    """A matcher for the credits that remain."""
    exchange: dict[str, Any] = field(default_factory=dict)
    """Matchers for what the journal says of it: `operation`, `charged`, `rule`, `lost`, `violations`."""


def read_exchange(path: Path) -> ExchangeFile:
    data = parse(path.read_text(encoding="utf-8"), path.name)
    for key in data:
        if key not in ExchangeFile.__annotations__:
            raise ValueError(f"{path.name}: unknown key {key!r}{did_you_mean(key, ExchangeFile.__annotations__)}")
    return ExchangeFile(**data)


def request_of(spec: dict[str, Any]) -> Request:
    headers = {"host": "localhost:4010", "authorization": "Bearer key"}
    body = spec.get("content", "").encode()
    if "body" in spec:
        headers["content-type"] = "application/json"
        body = orjson.dumps(spec["body"])
    headers |= {name.lower(): value for name, value in spec.get("headers", {}).items()}
    headers = {name: value for name, value in headers.items() if value is not None}
    return Request(spec["method"], spec["path"], urlencode(spec.get("query", {}), doseq=True), headers, body)


def body_of(content: bytes) -> Any:
    """The body as JSON, or as text when it is something else."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exchange(path: Path, make_pipeline):
    check_exchange(path, make_pipeline(seed=1))


def check_exchange(path: Path, pipeline: Pipeline) -> None:
    """Run a file in a fresh server."""
    spec = read_exchange(path)
    if spec.given:
        text = orjson.dumps({"version": 1, "name": path.stem, "api": spec.api, **spec.given}).decode()
        pipeline.sandbox.use(parse_scenario(text, pipeline.apis, path.name))
    for earlier in spec.earlier:
        if "advance" in earlier:
            pipeline.sandbox.clock.advance(float(earlier["advance"].removesuffix("s")))
        else:
            for _ in range(earlier.get("times", 1)):
                pipeline.exchange(request_of(earlier))
    exchange = pipeline.exchange(request_of(spec.request))
    response, store = exchange.response, pipeline.sandbox.store
    content = response.content or b""
    body = body_of(content)
    differences: list[Difference] = compile_matcher(spec.response["status"]).why(response.status, "status")
    for name, matcher in compile_fields(spec.response.get("headers", {}), "header").items():
        differences += matcher.why(response.headers.get(name.lower(), MISSING), f"header.{name}")
    if "body" in spec.response:
        differences += compile_matcher(spec.response["body"]).why(body, "body")
    for table, rows in spec.state.items():
        partitions = store.snapshot().tables.get(table, {})
        present = [row for part in partitions.values() for row in part]
        differences += compile_matcher(len(rows)).why(len(present), f"state.{table}.length")
        for index, (matcher, row) in enumerate(zip(rows, present, strict=False)):
            differences += compile_matcher(matcher).why(row, f"state.{table}.{index}")
    if spec.credits is not None:
        differences += compile_matcher(spec.credits).why(store.balance().remaining, "credits")
    for name, matcher in spec.exchange.items():
        value = getattr(exchange, name)
        shown = [str(violation) for violation in value] if name == "violations" else value
        differences += compile_matcher(matcher).why(shown, f"exchange.{name}")
    assert not differences, "\n".join([f"{path.name}:", *map(str, differences), f"the whole body: {content[:2000]!r}"])


def test_there_are_files_and_each_says_its_rule_in_its_first_line():
    assert len(FILES) >= 30
    for path in FILES:
        assert path.read_text(encoding="utf-8").startswith("# "), f"{path.name} does not begin with a sentence"


def test_the_page_tells_where_the_clock_stands():
    assert START == 1_767_225_600.0 and "2026-01-01T00:00:00Z" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_key():
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in ExchangeFile.__annotations__)
