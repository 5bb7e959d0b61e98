"""An exchange as a file of `tests/exchanges/`: what was given, what was sent, and what must come back.

What differs from run to run (ids, times) is matched by its type. Must not know: HTTP, or who asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from mockserver.journal.reasons import on_one_line
from mockserver.messages import JSON, Exchange, Request
from mockserver.records import record
from mockserver.sandbox.world import World
from mockserver.text.documents import parse
from mockserver.text.fields import sandbox_in
from mockserver.text.jsontext import json_or_text, to_json

MAX_EARLIER = 200
"""Requests before it that are told, each run of equal ones as one."""
_PAUSE = 1.0
"""Seconds between two requests from which on the clock is moved."""
_OF_THE_CONNECTION = frozenset(
    ("host", "content-length", "connection", "accept-encoding", "transfer-encoding", "user-agent", "accept")
)
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What stands in JSON as it is, and not in YAML."""
_VARIES = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|\d\d:\d\d")
"""What a text has that is another one in each run: an id, a time."""
_MASKED = "***"
_SCENARIO_HEAD = ("version", "name", "api", "expect")
"""What an exchange file leaves out of a scenario."""
_STATELESS = frozenset({"route", "key", "prefer", "validation", "sample", "limit"})
"""Stages that decide without what came before, where no scenario counts requests."""


@record(frozen=True)
class ExchangeFile:
    """What it takes to have the exchange again, and what must come back."""

    about: str
    """A sentence."""
    api: str
    given: dict[str, Any]
    """A scenario without `version`, `name` and `api`."""
    earlier: list[dict[str, Any]]
    """Requests before it, each with the `times` that it is sent, and `{advance: 61s}` where the clock moves."""
    request: dict[str, Any]
    response: dict[str, Any]
    exchange: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The file."""
        lines = [f"# {on_one_line(self.about)}", f"api: {_flow(self.api)}", f"given: {_flow(self.given)}"]
        lines += ["earlier:", *(f"  - {_flow(one)}" for one in self.earlier)] if self.earlier else []
        lines += [f"{name}: {_flow(getattr(self, name))}" for name in ("request", "response", "exchange")]
        return "\n".join(lines) + "\n"

    def as_json(self) -> JSON:
        """As the admin API shows it."""
        return {"text": self.text, "given": self.given, "earlier": self.earlier, "request": self.request}


def exchange_file(world: World, exchange: Exchange) -> ExchangeFile:
    """The file of an exchange, as far as the journal tells."""
    given = _given(world, exchange)
    key = str(given["keys"][0]) if given.get("keys") and exchange.stage != "key" else ""
    request = _request(exchange.request, key)
    earlier, left_out = _earlier(world, exchange, key)
    if exchange.limited is not None and "limits" not in given:
        limit, per = exchange.limited, ["teamspace", "path", "method"]
        given["limits"] = [{"op": exchange.operation, "per": per, "max": limit.max, "window": f"{limit.window:g}s"}]
        earlier, left_out = [{**request, "times": limit.max}], 0
    if exchange.stage == "credits" and "credits" not in given:
        given["credits"] = sum(before.charged for before in _before(world, exchange))
    about = f"{exchange.request.method} {_path(exchange.request)} is answered with {exchange.status or 'no response'}."
    if left_out:
        about += f" {left_out} earlier requests are left out."
    response = _response(exchange)
    return ExchangeFile(about, exchange.api, given, earlier, request, response, _told(exchange))


def _given(world: World, exchange: Exchange) -> dict[str, Any]:
    scenario = world.scenarios.get(exchange.api)
    read = parse(scenario.text, scenario.origin.file) if scenario is not None else {}
    given = {name: value for name, value in read.items() if name not in _SCENARIO_HEAD}
    given.setdefault("seed", world.terms.seed)
    if exchange.stage == "key" and "keys" not in given and _credential(exchange.request) is not None:
        given["keys"] = ["another-key"]
    return given


def _before(world: World, exchange: Exchange) -> list[Exchange]:
    """What the sandbox had answered for the API when an exchange began."""
    known = [one for one in world.exchanges() if one.number < exchange.number and one.api == exchange.api]
    return [one for one in known if one.stage != "webhook"]


def _earlier(world: World, exchange: Exchange, key: str) -> tuple[list[dict[str, Any]], int]:
    """The requests before it that matter, with the pauses between them, and how many are left out."""
    counts = exchange.api in world.scenarios  # a rule may have counted any of them
    if not counts and exchange.stage in _STATELESS:
        return [], 0
    matter = [one for one in _before(world, exchange) if counts or one.committed]
    told = matter[-MAX_EARLIER:]
    steps: list[dict[str, Any]] = []
    at = world.started_at if len(told) == len(matter) else told[0].at
    for one in [*told, exchange]:
        if one.at - at >= _PAUSE:
            steps.append({"advance": f"{round(one.at - at, 3)}s"})
            at = one.at
        if one is exchange:
            break
        step = _request(one.request, key)
        last = steps[-1] if steps else {}
        if {**last, "times": 1} == {**step, "times": 1}:
            last["times"] = last.get("times", 1) + 1
        else:
            steps.append(step)
    return steps, len(matter) - len(told)


def _request(request: Request, key: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"method": request.method, "path": _path(request)}
    if request.query:
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        spec["query"] = query
    headers: dict[str, Any] = {}
    for name, text in request.headers.items():
        if name not in _OF_THE_CONNECTION and name != "authorization":
            headers[name] = text.replace(_MASKED, key or "key")
    if _credential(request) is None:
        headers["authorization"] = None
    elif key:
        headers["authorization"] = f"Bearer {key}"
    if request.body:
        body = json_or_text(request.body)
        is_json = headers.get("content-type") == "application/json" and orjson.dumps(body) == request.body
        spec["body" if is_json else "content"] = body if is_json else request.body.decode("utf-8", "replace")
        if is_json:
            del headers["content-type"]
    return {**spec, "headers": headers} if headers else spec


def _credential(request: Request) -> str | None:
    """What stands in the place of a key, masked; None when there is none."""
    return request.headers.get("authorization")


def _path(request: Request) -> str:
    """The path without the sandbox that it names."""
    return sandbox_in(request.path)[1]


def _response(exchange: Exchange) -> dict[str, Any]:
    spec: dict[str, Any] = {"status": exchange.status}
    content = exchange.response.content if exchange.response is not None else b""
    if content:
        ids = {id for _, _, id in exchange.changes}
        spec["body"] = _loosened(json_or_text(content), ids, exchange.stage == "limit")
    return spec


def _loosened(value: JSON, ids: Iterable[str], counts: bool) -> JSON:
    """A matcher for a value; `counts` says that its numbers, also in texts, are other ones in each run."""
    if isinstance(value, dict):
        return {"subset": {name: _loosened(member, ids, counts) for name, member in value.items()}}
    if isinstance(value, list):
        return {"type": "array"} if any(_varies(leaf, ids, counts) for leaf in _leaves(value)) else value
    if not _varies(value, ids, counts):
        return value
    return {"type": "string" if isinstance(value, str) else "number"}


def _varies(value: JSON, ids: Iterable[str], counts: bool) -> bool:
    if isinstance(value, str):
        return bool(_VARIES.search(value)) or value in ids or (counts and any(map(str.isdecimal, value)))
    return counts and isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(value: JSON) -> Iterator[JSON]:
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    else:
        yield value


def _told(exchange: Exchange) -> Mapping[str, Any]:
    told = {"operation": exchange.operation, "rule": exchange.rule, "lost": exchange.lost}
    return {name: value for name, value in told.items() if value or name == "operation"}


def _flow(value: JSON) -> str:
    """A value on one line of YAML."""
    text = to_json(value).decode()
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


__all__ = ["ExchangeFile", "exchange_file"]
