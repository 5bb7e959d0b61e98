"""Responses by name, in the API's own shape, and the `Retry-After` edge pack.

A named response acts where the vendor would give it: `unauthorized` before the limit is counted,
`rate_limited` before validation, the others after it and before anything is stored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Annotated, Any

from pydantic import BeforeValidator, field_validator

from mockserver.apis import Api
from mockserver.clock import parse_duration
from mockserver.contract import Operation
from mockserver.errors import BY_STATUS, KINDS, Problem, UserError
from mockserver.messages import Headers, Response, Stream
from mockserver.scenarios.values import CallValues
from mockserver.text.arithmetic import text_of
from mockserver.text.matchers import show
from mockserver.text.models import Strict
from mockserver.text.templates import Template, TemplateError

NAMED = {
    "rate_limited": "rate_limit_exceeded",
    "out_of_credits": "out_of_credits",
    "unauthorized": "unauthorized",
    "forbidden": "forbidden",
    "not_found": "not_found",
    "conflict": "conflict",
    "invalid_request": "invalid_request",
    "server_error": "server_error",
}
"""The names of responses, and the kind of error that each is."""

MAX_ITEMS = 10_000
"""Items of a stream that a rule may send."""

_DATE = re.compile(r"date ([+-])(\S+)")


def _number(value: Any) -> Any:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise ValueError(f"must be a number of milliseconds, not {show(value)}")
    return value


def _retry_after(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be a duration such as 2s, a number or text, not {show(value)}")
    if isinstance(value, str) and value.startswith("date"):
        match = _DATE.fullmatch(value)
        if not match:
            raise ValueError(f"{value!r} is not a date; write `date +2s` or `date -1h`")
        try:
            parse_duration(match[2])
        except UserError as error:
            raise ValueError(str(error)) from None
    if isinstance(value, str) and not (value.isascii() and value.isprintable() and len(value) <= 200):
        raise ValueError("must be printable ASCII text of at most 200 characters, as every header")
    return value


RetryAfter = Annotated[Any, BeforeValidator(_retry_after, json_schema_input_type=int | float | str)]
Milliseconds = Annotated[Any, BeforeValidator(_number, json_schema_input_type=int | float | None)]


class RateLimited(Strict):
    """A 429. How it says when to come back is the point of the edge pack.

    `retry_after` is a duration (`2s`: whole seconds, rounded up), a number (sent as it is written),
    `date +2s` or `date -1h` (an HTTP-date from the sandbox's clock), `absent`, or any other text,
    sent as it is. `retry_after_ms` adds the header of that name, `should_retry` adds
    `x-should-retry`. Both vendor clients read all three.
    """

    retry_after: RetryAfter = "1s"
    retry_after_ms: Milliseconds = None
    should_retry: bool | None = None

    def headers(self, now: float) -> dict[str, str]:
        """The headers that tell the client when to come back. None of them means `absent`."""
        found = {}
        value = self.retry_after
        if value != "absent":
            found["retry-after"] = self._text(value, now)
        if self.retry_after_ms is not None:
            found["retry-after-ms"] = str(self.retry_after_ms)
        if self.should_retry is not None:
            found["x-should-retry"] = str(self.should_retry).lower()
        return found

    @staticmethod
    def _text(value: int | float | str, now: float) -> str:
        if not isinstance(value, str):
            return str(value)
        match = _DATE.fullmatch(value)
        if match:
            seconds = parse_duration(match[2]) * (1 if match[1] == "+" else -1)
            return formatdate(now + seconds, usegmt=True)
        try:
            return str(max(1, math.ceil(parse_duration(value))))
        except UserError:
            return value


class ServerError(Strict):
    """A 5xx."""

    status: int = 500

    @field_validator("status")
    @classmethod
    def _is_server_error(cls, value: int) -> int:
        if not 500 <= value <= 599:
            raise ValueError(f"must be 500 to 599, not {value}")
        return value


Maker = Callable[[Operation, CallValues], Response]
"""Makes the response of a rule."""


def scripted(status: int, body: Template, headers: Mapping[str, Template]) -> Maker:
    """The maker of a response that is written out. It raises TemplateError."""

    def make(operation: Operation, values: CallValues) -> Response:
        lines = Headers.of({name: _lines(name, template.render(values)) for name, template in headers.items()})
        media_type = lines.pop("content-type", None)
        data = body.render(values)
        if data is not None and media_type is None:
            media_type = "application/json"
        return Response(status, data, lines, media_type)

    return make


def streamed(items: Template, every: float | None, end: str | None, terms: Callable[[str], Stream | None]) -> Maker:
    """The maker of a stream whose items a rule says; what it does not say is as the API has it.

    Args:
        items: makes the list of items.
        every: seconds between two of them.
        end: the data of the event that ends it.
        terms: how the API streams an operation.
    """

    def make(operation: Operation, values: CallValues) -> Response:
        known = terms(operation.id) or Stream()
        stream = replace(known, every=known.every if every is None else every, end=known.end if end is None else end)
        data = items.render(values)
        if not isinstance(data, list):
            raise TemplateError(f"the items of a stream must be a list, not {show(data)}")
        if len(data) > MAX_ITEMS:
            raise TemplateError(f"a stream has at most {MAX_ITEMS:,} items; these are {len(data):,}")
        return Response(operation.success, data, Headers(), operation.stream_types[0], stream=stream)

    return make


def _lines(name: str, value: Any) -> str | list[str]:
    """The values of a header; what a template made of it is text that a header can hold. Raises TemplateError."""
    if isinstance(value, list):
        return value
    text = text_of(value)
    if not (text.isascii() and text.isprintable()):
        raise TemplateError(f"the value of {name} must be printable ASCII text, not {show(value)}")
    return text


def named_response(api: Api, operation: Operation, name: str, arguments: Any, now: float) -> Response:
    """The named response of an operation as it answers at `now`."""
    kind, status = NAMED[name], KINDS[NAMED[name]].status
    headers: dict[str, str] = {}
    if isinstance(arguments, ServerError):
        status = arguments.status
        kind = BY_STATUS[status].name if status in BY_STATUS else "server_error"
    if isinstance(arguments, RateLimited):
        headers = arguments.headers(now)
    response = api.errors.response(operation, Problem(kind, status=status, headers=headers))
    response.headers.update(headers)
    if isinstance(arguments, RateLimited) and arguments.retry_after == "absent":
        response.headers.pop("retry-after", None)
    return response
