"""One operation of a drafted document: what its requests had in common, and its responses.

Must not know: paths beyond their variables, files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from mockserver.contract.media_types import essence
from mockserver.upstream.drafts.paths import Template
from mockserver.upstream.drafts.shapes import Shape, TextShape
from mockserver.upstream.recorded import Recorded

MIN_SAMPLES = 3
"""Requests of an operation from which on a parameter that all of them have is required."""
FORM = "application/x-www-form-urlencoded"
_OF_CLIENTS = (
    *("user-agent", "host", "origin", "referer", "dnt", "te", "via", "pragma", "cache-control", "expect", "priority"),
    *("content-length", "content-encoding", "connection", "upgrade-insecure-requests", "cookie", "x-requested-with"),
    *("accept-encoding", "accept-language", "accept-charset", "range", "if-modified-since", "forwarded", "traceparent"),
    *("tracestate", "baggage", "proxy-authorization", "keep-alive", "transfer-encoding", "x-mockserver-admin"),
)
"""Headers of requests that tell of a client or a connection, and not of an API."""
_NEGOTIATED = frozenset({"accept", "content-type", "prefer"})
"""Headers that OpenAPI says elsewhere, and those of a mock."""
_CLIENT_PREFIXES = ("sec-", "x-forwarded-", "x-stainless-", "x-b3-", "x-datadog-", "x-amzn-", "x-real-", ":")
_OF_SERVERS = (
    *("access-control-", "content-security-", "cross-origin-", "x-frame-", "x-content-type", "x-xss-", "referrer-"),
    *("permissions-", "cache-control", "expires", "pragma", "accept-ranges", "x-powered-by", "content-", "x-amz-"),
    *("x-envoy-", "trailer", "x-cache", "cf-", "allow", "timing-", "p3p"),
)
"""How headers of responses begin that tell of a server, and not of an API."""


def is_json(media_type: str) -> bool:
    """Whether bodies of a media type are JSON values."""
    return media_type == "application/json" or media_type.endswith("+json")


class Draft:
    """What is known of one operation."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._samples: list[Recorded] = []

    def add(self, one: Recorded) -> None:
        """One more exchange."""
        self._samples.append(one)

    @property
    def ways(self) -> list[tuple[tuple[str, str], ...]]:
        """The sets of credentials that requests had; an empty one only where such a request was not refused."""
        seen = dict.fromkeys(one.credentials for one in self._samples if one.status != 401 or one.credentials)
        return sorted(seen, key=lambda way: (not way, way))

    def node(self, name: str) -> dict[str, Any]:
        """The operation as a document has it."""
        node: dict[str, Any] = {"operationId": name}
        if parameters := [*self._variables(), *self._queries(), *self._headers()]:
            node["parameters"] = parameters
        if (body := self._body()) is not None:
            node["requestBody"] = body
        responses: dict[int, list[Recorded]] = {}
        for one in self._samples:
            responses.setdefault(one.status, []).append(one)
        return node | {"responses": {str(status): _response(status, of) for status, of in sorted(responses.items())}}

    def _variables(self) -> Iterable[dict[str, Any]]:
        shapes = [TextShape() for _ in self._template.variables]
        for one in self._samples:
            for shape, value in zip(shapes, self._template.values(one.path), strict=True):
                shape.add(value)
        for name, shape in zip(self._template.variables, shapes, strict=True):
            schema = {key: value for key, value in shape.schema().items() if key != "enum"}
            yield {"name": name, "in": "path", "required": True, "schema": schema or {"type": "string"}}

    def _queries(self) -> Iterable[dict[str, Any]]:
        texts, present, repeated = _fields(one.query for one in self._samples)
        keys = {name for one in self._samples for place, name in one.credentials if place == "query"}
        for name, shape in texts.items():
            if name in keys:
                continue
            schema = shape.schema()
            if name in repeated:
                schema = {"type": "array", "items": schema}
            found: dict[str, Any] = {"name": name, "in": "query"}
            if present[name] == len(self._samples) >= MIN_SAMPLES:
                found["required"] = True
            yield {**found, "schema": schema}

    def _headers(self) -> Iterable[dict[str, Any]]:
        names = {name for one in self._samples for name in (*one.further, *one.sent)}
        for name in sorted(names - _NEGOTIATED):
            if name not in _OF_CLIENTS and not name.startswith(_CLIENT_PREFIXES):
                yield {"name": name, "in": "header", "schema": {"type": "string"}}

    def _body(self) -> dict[str, Any] | None:
        with_body = [one for one in self._samples if one.has_body]
        if not with_body:
            return None
        by_type: dict[str, list[Recorded]] = {}
        for one in with_body:
            by_type.setdefault(essence(one.sent.get("content-type", "")), []).append(one)
        content = {
            media_type: _media(media_type, [one.body for one in samples]) for media_type, samples in by_type.items()
        }
        required = {"required": True} if len(with_body) == len(self._samples) else {}
        return {**required, "content": content}


def _fields(
    samples: Iterable[Iterable[tuple[str, str]]],
) -> tuple[dict[str, TextShape], Counter[str], set[str]]:
    """Of names and texts: the shapes, in how many samples each is, and which are repeated in one."""
    shapes: dict[str, TextShape] = {}
    present: Counter[str] = Counter()
    repeated: set[str] = set()
    for pairs in samples:
        times = Counter(name for name, _ in pairs)
        present.update(times.keys())
        repeated |= {name for name, count in times.items() if count > 1}
        for name, text in pairs:
            shapes.setdefault(name, TextShape()).add(text)
    return shapes, present, repeated


def _media(media_type: str, bodies: list[Any]) -> dict[str, Any]:
    """A media type with the schema of its bodies, as far as one can be told."""
    if is_json(media_type):
        shape = Shape()
        for body in bodies:
            shape.add(body)
        schema = shape.schema()
        return {"schema": schema} if schema else {}
    if media_type == FORM:
        return {"schema": _form([parse_qsl(body, keep_blank_values=True) for body in bodies])}
    if media_type.startswith("text/") and media_type not in ("text/event-stream", "text/xml"):
        return {"schema": {"type": "string"}}
    return {}


def _form(samples: list[list[tuple[str, str]]]) -> dict[str, Any]:
    shapes, present, repeated = _fields(samples)
    schema: dict[str, Any] = {"type": "object"}
    if required := [name for name in shapes if present[name] == len(samples)]:
        schema["required"] = required
    properties = {
        name: {"type": "array", "items": shape.schema()} if name in repeated else shape.schema()
        for name, shape in shapes.items()
    }
    return schema | {"properties": properties}


def _response(status: int, samples: list[Recorded]) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else f"Status {status}"
    node: dict[str, Any] = {"description": phrase}
    if headers := _response_headers([one.headers for one in samples]):
        node["headers"] = headers
    by_type: dict[str, list[Any]] = {}
    for one in samples:
        if one.answer is None or one.media_type is None:
            return node  # a body that is not always there cannot be said but by leaving it open
        by_type.setdefault(essence(one.media_type), []).append(one.answer)
    return node | {"content": {media_type: _media(media_type, bodies) for media_type, bodies in by_type.items()}}


def _response_headers(samples: list[Mapping[str, Any]]) -> dict[str, Any]:
    shapes: dict[str, TextShape] = {}
    repeated: set[str] = set()
    for headers in samples:
        for name, text in headers.items():
            if name.startswith(_OF_SERVERS):
                continue
            if isinstance(text, str):
                shapes.setdefault(name, TextShape()).add(text)
            else:
                repeated.add(name)
    return {
        name: {"schema": shape.schema() if shape.is_integer else {"type": "string"}}
        for name, shape in sorted(shapes.items())
        if name not in repeated
    }


__all__ = ["FORM", "Draft", "is_json"]
