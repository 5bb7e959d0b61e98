"""One half of an exchange, with what was sent in it read part by part, for those who validate why two checks differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from mockserver.contract.bodies import Reading
from mockserver.contract.media_types import FORMS, essence
from mockserver.contract.multipart import named_parts
from mockserver.contract.operation import Operation
from mockserver.contract.parameters import Parameter
from mockserver.contract.shapes import Shape
from mockserver.errors import Problem
from mockserver.messages import Request, Response
from mockserver.records import record
from mockserver.text.fields import Values, parse_cookies, parse_query, query_values
from mockserver.text.matchers import MISSING


@record()
class Message:
    """One half of an exchange: a request to an operation, or a response of it."""

    operation: Operation
    request: Request | None = None
    response: Response | None = None
    values: dict[str, str] | None = None
    """The variables of the request's path."""

    @property
    def body(self) -> Any:
        """The request's body as JSON; None when there is none or it is not JSON."""
        try:
            return orjson.loads(self.request.body) if self.request and self.request.body else None
        except orjson.JSONDecodeError:
            return None

    @property
    def media_type(self) -> str:
        """The media type of the body."""
        if self.request is not None:
            return essence(self.request.headers.get("content-type", ""))
        return essence((self.response.media_type if self.response else None) or "")

    @property
    def reading(self) -> Reading | None:
        """How the contract reads the body; None when its media type is not declared."""
        if self.request is not None:
            return self.operation.reading(self.request.headers.get("content-type", ""))
        if self.response is None or self.response.media_type is None:
            return None
        declared_response = self.operation.response(self.response.status)
        return declared_response.bodies[self.response.media_type] if declared_response else None

    @property
    def form(self) -> tuple[dict[str, list[str]], Shape] | None:
        """The texts of the form that the body is, and what its fields may be; None when it is no form."""
        request = self.request
        if request is None or not request.body or self.media_type not in FORMS:
            return None
        content_type = request.headers["content-type"]
        reading = self.operation.reading(content_type)
        try:
            if self.media_type == FORMS[0]:
                fields = parse_query(request.body.decode())
            else:
                parts = named_parts(request.body, content_type)
                fields = {
                    name: [one.data.decode(errors="replace") for one in several] for name, several in parts.items()
                }
        except (Problem, UnicodeDecodeError):
            return None
        return (fields, reading.shape) if reading is not None else None

    def query(self, *kinds: str) -> list[str]:
        """The texts of the query parameters that are declared with one of these types."""
        names = {p.name for p in self.operation.parameters if p.place == "query" and p.shape.types & set(kinds)}
        return [text for name, texts in self.values_sent.items() if name in names for text in texts]

    @property
    def values_sent(self) -> Values:
        """The query parameters."""
        return query_values(self.request.query) if self.request else {}

    def decoded(self) -> Iterator[tuple[Parameter, str, Any]]:
        """What was sent for each parameter or response header: its declaration, its text and its value."""
        if self.response is not None:
            declared_response = self.operation.response(self.response.status)
            for header in declared_response.headers if declared_response else ():
                yield from _decoded(header, self.response.headers.get(header.header))
        if self.request is None:
            return
        cookies = parse_cookies(self.request.headers.get("cookie", ""))
        for one in self.operation.parameters:
            if one.place in ("query", "cookie"):
                sent = self.values_sent if one.place == "query" else cookies
                value = _or_missing(lambda one=one, sent=sent: one.decode_values(sent))  # type: ignore[misc]
                if value is not MISSING:
                    yield one, "&".join(sent.get(one.name, ())), value
            else:
                place = self.values or {} if one.place == "path" else self.request.headers
                yield from _decoded(one, place.get(one.header if one.place == "header" else one.name))


def _decoded(one: Parameter, text: str | None) -> Iterator[tuple[Parameter, str, Any]]:
    value = MISSING if text is None else _or_missing(lambda: one.decode(text))
    if text is not None and value is not MISSING:
        yield one, text, value


def _or_missing(decode: Callable[[], Any]) -> Any:
    try:
        return decode()
    except Problem:
        return MISSING


def is_scalar(value: Any) -> bool:
    """Whether a decoded value is neither a list nor an object."""
    return not isinstance(value, list | dict)


def leaves(value: Any, shape: Shape) -> Iterator[tuple[Any, Shape]]:
    """The scalars in a decoded value, each with what it may be."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, shape.item(index))
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, shape.member(name))
    else:
        yield value, shape
