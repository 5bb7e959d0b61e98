"""A server that can be wrong in forty ways, and the document that it should keep to.

Each way is a path of its own with what is right and what is wrong there, so that all can be wrong at once.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
import uvicorn

KEY = "sk-live-51H8zq-never-shown"
JSON_TYPE = "application/json"
ERROR_SCHEMA = {"$ref": "#/components/schemas/Error"}


@dataclass(frozen=True)
class Reply:
    """What the server sends."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE

    @property
    def content(self) -> bytes:
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


@dataclass(frozen=True)
class Asked:
    """What a request says."""

    path: str
    query: dict[str, str]
    has_key: bool
    count: int
    """How often the path was asked before."""


Answer = Reply | Callable[[Asked], Reply]


@dataclass(frozen=True)
class Way:
    """One way to be wrong."""

    name: str
    rule: str
    """The id of the finding."""
    right: Answer
    wrong: Answer
    schema: dict[str, Any] = field(default_factory=dict)
    """Of the 200's body."""
    headers: dict[str, Any] = field(default_factory=dict)
    """Declared of the 200."""
    parameters: tuple[dict[str, Any], ...] = ()
    path: str = ""

    @property
    def route(self) -> str:
        return self.path or f"/{self.name}"


def obj(required: str = "", **members: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": members}
    return schema | ({"required": required.split()} if required else {})


def member(name: str, rule: str, schema: dict[str, Any], right: Any, wrong: Any, **more: Any) -> Way:
    """A way to be wrong in one member of a body."""
    return Way(
        name, rule, Reply(body={"value": right}), Reply(body={"value": wrong}), obj("value", value=schema), **more
    )


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
ROWS = [{"id": f"r{number}"} for number in range(1, 6)]
ROW = obj("id", id=TEXT)
ERROR = {"code": "nothing", "message": "There is no such thing."}
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 3}}
OFFSET = {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0, "default": 0}}
PAGE = obj("data has_more total", data={"type": "array", "items": ROW}, has_more={"type": "boolean"}, total=WHOLE)


def page(asked: Asked, rows: list[Any] = ROWS) -> dict[str, Any]:
    limit, offset = int(asked.query.get("limit", 3)), int(asked.query.get("offset", 0))
    return {"data": rows[offset : offset + limit], "has_more": offset + limit < len(rows), "total": len(rows)}


def right_page(asked: Asked) -> Reply:
    return Reply(body=page(asked))


def paged(name: str, rule: str, wrong: Callable[[Asked], dict[str, Any]]) -> Way:
    return Way(name, rule, right_page, lambda asked: Reply(body=wrong(asked)), PAGE, parameters=(LIMIT, OFFSET))


def first_page(asked: Asked) -> dict[str, Any]:
    return page(Asked(asked.path, {**asked.query, "offset": "0"}, asked.has_key, asked.count))


def by_id(asked: Asked) -> Reply:
    id = asked.path.rpartition("/")[2]
    return Reply(body={"id": id}) if {"id": id} in ROWS else Reply(404, ERROR)


def with_error(body: dict[str, Any], status: int = 404) -> Callable[[Asked], Reply]:
    """A read whose error is another one."""
    return lambda asked: Reply(status, body) if by_id(asked).status == 404 else by_id(asked)


ID = {"name": "id", "in": "path", "required": True, "schema": TEXT}


def reading(name: str, rule: str, wrong: Callable[[Asked], Reply], **more: Any) -> Way:
    return Way(name, rule, by_id, wrong, ROW, parameters=(ID,), path=f"/{name}/{{id}}", **more)


OK = Reply(body={"value": "a"})
PLAIN = obj("value", value=TEXT)
WAYS = [
    # statuses
    Way("status-success", "status-undeclared", OK, Reply(203, {"value": "a"}), PLAIN),
    reading("status-error", "status-undeclared", with_error(ERROR, 410)),
    Way("server-fails", "server-error", OK, Reply(500, ERROR), PLAIN),
    Way("gone-operation", "operation-missing", OK, Reply(404, ERROR), PLAIN),
    reading("any-id", "unknown-accepted", lambda asked: Reply(body={"id": "r1"})),
    Way(
        "no-filter",
        "valid-rejected",
        OK,
        lambda asked: Reply(400, ERROR) if "kind" in asked.query else OK,
        PLAIN,
        parameters=({"name": "kind", "in": "query", "schema": {"type": "string", "enum": ["a", "b"]}},),
    ),
    Way(
        "no-maximum",
        "invalid-accepted",
        OK,
        OK,
        PLAIN,
        parameters=({"name": "depth", "in": "query", "schema": {"type": "integer", "maximum": 5}},),
    ),
    Way("open-door", "key-not-checked", OK, OK, PLAIN),
    # headers
    Way("no-etag", "header-missing", Reply(200, {"value": "a"}, {"etag": '"1"'}), OK, PLAIN,
        {"ETag": {"required": True, "schema": TEXT}}),
    Way("count-in-words", "header-type", Reply(200, {"value": "a"}, {"x-total": "5"}),
        Reply(200, {"value": "a"}, {"x-total": "five"}), PLAIN, {"X-Total": {"schema": WHOLE}}),
    Way("other-tier", "header-enum", Reply(200, {"value": "a"}, {"x-tier": "free"}),
        Reply(200, {"value": "a"}, {"x-tier": "gold"}), PLAIN, {"X-Tier": {"schema": {**TEXT, "enum": ["free"]}}}),
    Way("no-limit-told", "rate-headers-missing", Reply(200, {"value": "a"}, {"x-ratelimit-limit": "100"}), OK, PLAIN,
        {"X-RateLimit-Limit": {"schema": WHOLE}}),
    Way("limit-told", "rate-headers-undeclared", OK, Reply(200, {"value": "a"}, {"ratelimit-limit": "100"}), PLAIN),
    Way("limit-wrong", "rate-headers-wrong",
        Reply(200, {"value": "a"}, {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "99"}),
        Reply(200, {"value": "a"}, {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "101"}), PLAIN,
        {"X-RateLimit-Limit": {"schema": WHOLE}, "X-RateLimit-Remaining": {"schema": WHOLE}}),
    Way("no-retry-after", "retry-after-missing", OK,
        lambda asked: OK if asked.count else Reply(429, ERROR), PLAIN),
    Way("sunset", "deprecation-undeclared", OK, Reply(200, {"value": "a"}, {"deprecation": "@1767225600"}), PLAIN),
    Way("html", "content-type-undeclared", OK, Reply(200, b"<p>a</p>", media_type="text/html"), PLAIN),
    # bodies
    Way("no-body", "body-absent", OK, Reply(200), PLAIN),
    Way("a-body", "body-unexpected", Reply(200), Reply(200, {"value": "a"})),
    Way("half-a-body", "body-unreadable", OK, Reply(200, b'{"value": "a'), PLAIN),
    Way("member-gone", "body-missing", OK, Reply(body={}), PLAIN),
    Way("item-member-gone", "body-missing", Reply(body=ROWS), Reply(body=[*ROWS, {}]), {"type": "array", "items": ROW}),
    Way("member-more", "body-undeclared", OK, Reply(body={"value": "a", "region": "eu"}), PLAIN),
    Way("member-closed", "body-closed", OK, Reply(body={"value": "a", "zone": 1}),
        {**PLAIN, "additionalProperties": False}),
    member("text-for-number", "body-type", WHOLE, 1, "1"),
    member("number-for-text", "body-type", TEXT, "1", 1),
    member("fraction", "body-type", WHOLE, 1, 1.5),
    member("map-value", "body-type", {"type": "object", "additionalProperties": WHOLE}, {"a": 1}, {"a": "x"}),
    Way("wrapped", "body-type", Reply(body=ROWS), Reply(body={"data": ROWS}), {"type": "array", "items": ROW}),
    member("new-kind", "body-enum", {"type": "string", "enum": ["a", "b"]}, "a", "c"),
    member("nothing", "body-null", TEXT, "a", None),
    member("nothing-in-list", "body-null", {"type": "array", "items": TEXT}, ["a"], ["a", None]),
    member("spaced-time", "body-format", {**TEXT, "format": "date-time"}, "2026-01-01T00:00:00Z", "2026-01-01 00:00"),
    member("short-uuid", "body-format", {**TEXT, "format": "uuid"}, "00000000-0000-4000-8000-000000000001", "17"),
    member("other-pattern", "body-pattern", {"type": "string", "pattern": "^v[0-9]+$"}, "v1", "1"),
    member("too-much", "body-range", {"type": "integer", "maximum": 100}, 100, 101),
    member("too-long", "body-length", {"type": "string", "maxLength": 3}, "abc", "abcd"),
    member("twice", "body-items", {"type": "array", "items": TEXT, "uniqueItems": True}, ["a"], ["a", "a"]),
    member("no-shape", "body-alternative",
           {"oneOf": [obj("kind", kind={**TEXT, "enum": ["cat"]}), obj("kind", kind={**TEXT, "enum": ["dog"]})]},
           {"kind": "cat"}, {"kind": "cow"}),
    member("password", "body-write-only", obj(name=TEXT, password={"type": "string", "writeOnly": True}),
           {"name": "a"}, {"name": "a", "password": "hunter2hunter2"}),
    # errors
    reading("error-detail", "error-missing", with_error({"code": "nothing"})),
    reading("error-code", "error-type", with_error({**ERROR, "code": 17})),
    reading("error-status", "error-status-differs", with_error({**ERROR, "status": 400})),
    # pages
    paged("limit-ignored", "page-size",
          lambda asked: {"data": ROWS if "limit" in asked.query else ROWS[:3], "has_more": False, "total": 5}),
    paged("other-default", "page-default", lambda asked: page(Asked("", {"limit": "4", **asked.query}, True, 0))),
    paged("same-page", "page-overlap", first_page),
    paged("endless", "page-end", lambda asked: {**page(asked), "has_more": True}),
    paged("total-wrong", "page-total", lambda asked: {**page(asked), "total": 17}),
]  # fmt: skip


def document(ways: list[Way] = WAYS, version: str = "3.0.3") -> dict[str, Any]:
    """The document that the server should keep to."""
    paths: dict[str, Any] = {}
    error = {"$ref": "#/components/responses/Error"}
    for way in ways:
        success: dict[str, Any] = {"description": "Good"}
        if way.schema:
            success["content"] = {JSON_TYPE: {"schema": way.schema}}
        if way.headers:
            success["headers"] = way.headers
        responses = {"200": success, "401": error, **({"404": error} if "{" in way.route else {})}
        if any(one["in"] == "query" for one in way.parameters):
            responses["400"] = error
        if way.rule == "retry-after-missing":
            responses["429"] = error
        paths[way.route] = {
            "get": {"operationId": way.name, "parameters": list(way.parameters), "responses": responses}
        }
    paths |= {
        route.rpartition("/")[0]: {
            "get": {
                "operationId": f"list-{name}",
                "responses": {
                    "200": {"description": "Good", "content": {JSON_TYPE: {"schema": {"type": "array", "items": ROW}}}},
                    "401": error,
                },
            }
        }
        for name, route in ((way.name, way.route) for way in ways if "{" in way.route)
    }
    return {
        "openapi": version,
        "info": {"title": "Forty ways", "version": "1"},
        "servers": [{"url": "/v1"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Error": {"description": "Bad", "content": {JSON_TYPE: {"schema": ERROR_SCHEMA}}}
            },
            "schemas": {"Error": obj("code message", code=TEXT, message=TEXT, status=WHOLE)},
        },
    }  # fmt: skip


class App:
    """The server as an ASGI app.

    Args:
        wrong: the names of the ways in which it is wrong.
    """

    def __init__(self, wrong: set[str] | frozenset[str] = frozenset()) -> None:
        self.wrong = wrong
        self.got: list[tuple[str, str, dict[str, str]]] = []
        """Method, target and headers of every request."""
        self.counts: dict[str, int] = {}
        self.answers: dict[str, Answer] = {}
        """Answers of ways, by name, in the place of their own."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        query = scope["query_string"].decode()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"]
        self.got.append((scope["method"], f"{path}?{query}" if query else path, headers))
        reply = self.reply(path.removeprefix("/v1"), query, headers)
        lines = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
        if reply.content:
            lines.append((b"content-type", reply.media_type.encode()))
        lines.append((b"content-length", str(len(reply.content)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": lines})
        await send({"type": "http.response.body", "body": reply.content})

    def reply(self, path: str, query: str, headers: dict[str, str]) -> Reply:
        way = next(
            (way for way in WAYS if way.route == path or way.route.partition("{")[0] == f"{path.rpartition('/')[0]}/"),
            None,
        )
        if way is None:
            known = any(way.route.startswith(f"{path}/{{") for way in WAYS)
            return self._guarded(headers) or (Reply(body=ROWS) if known else Reply(404, ERROR))
        is_wrong = way.name in self.wrong
        if not (is_wrong and way.rule == "key-not-checked") and (refused := self._guarded(headers)):
            return refused
        values = {name: texts[0] for name, texts in parse_qs(query).items()}
        if not (is_wrong and way.rule == "invalid-accepted") and not all(_fits(one, values) for one in way.parameters):
            return Reply(400, ERROR)
        if is_wrong and way.rule == "invalid-accepted" and not values.get("depth", "1").isdecimal():
            return Reply(400, ERROR)
        asked = Asked(path, values, True, self.counts.get(path, 0))
        self.counts[path] = asked.count + 1
        answer = self.answers.get(way.name) or (way.wrong if is_wrong else way.right)
        return answer(asked) if callable(answer) else answer

    def _guarded(self, headers: dict[str, str]) -> Reply | None:
        return None if headers.get("authorization") == f"Bearer {KEY}" else Reply(401, ERROR)


def _fits(parameter: dict[str, Any], values: dict[str, str]) -> bool:
    text, schema = values.get(parameter["name"]), parameter["schema"]
    if text is None:
        return True
    if "enum" in schema:
        return text in schema["enum"]
    if schema["type"] == "integer":
        number = text.removeprefix("-").isdecimal() and int(text)
        return number is not False and schema.get("minimum", -9999) <= int(text) <= schema.get("maximum", 9999)
    return True


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an ASGI app on a free port; its URL."""
    # The protocol is named, so that asyncio sends small packets at once.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)  # who comes before uvicorn listens waits
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    def run() -> None:
        asyncio.run(server.serve([listener]))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
