"""Which member of an error body holds what, by its name: `message`, `code`, `status`, `errors`, and their like.

Works on a body that was sampled, whose values show the type that each member has. Whether a value is allowed is for
the contract to say; here every value is a suggestion, the best one first.

Must not know: contracts, operations, HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from mockserver.errors import Problem
from mockserver.messages import JSON, Violation
from mockserver.text.documents import parts_of

MAX_NAMED = 20
"""Violations that one error body lists."""
MAX_DEPTH = 4
"""Levels of objects that are looked into."""

Path = tuple[str | int, ...]


class Fill(NamedTuple):
    """A place in an error body, and what may stand there for a problem: the best first."""

    path: Path
    values: Callable[[Problem], Iterable[JSON]]


# The names of members, in lower case and without `_` and `-`.
_MESSAGES = ("message", "msg", "detail", "errordescription", "errormessage", "usermessage", "developermessage")
_MESSAGES_ALONE = ("description", "reason", "text", "summary", "error")
"""Messages only where no better one is beside them; the first of these."""
_CODES = ("code", "errorcode", "type", "errortype", "kind")
_STATUSES = ("status", "statuscode", "httpstatus", "httpstatuscode", "httpcode")
_TITLES = ("title", "statustext", "statusmessage")
_FAILED = ("error", "iserror", "haserrors", "failed", "failure")
_SUCCEEDED = ("success", "ok", "succeeded", "successful")
_RETRYABLE = ("retryable", "retriable", "isretryable", "temporary")
_MITIGATIONS = ("mitigation", "hint", "suggestion", "resolution", "remedy")
_WAITS = ("retryafter", "retryafterseconds")
_OBJECTS = ("error", "errors", "fault", "problem", "detail", "details", "status", "meta", "result", "response")
"""Members that hold an error, when they hold an object."""
_LISTS = (
    *("errors", "error", "details", "detail", "message", "messages", "fields", "violations", "issues", "problems"),
    *("invalidparams", "validationerrors", "fielderrors", "causes", "reasons"),
)
_MAPS = ("errors", "fields", "violations", "validationerrors", "fielderrors", "details")
"""Members that may hold messages by the name of the field."""
_FIELDS = (
    *("field", "fieldname", "path", "pointer", "param", "parameter", "property", "propertyname", "loc", "location"),
    *("attribute", "target", "key", "source", "name"),
)
"""Members that name the place of a violation; `name` only where no better one is beside it."""

_PARAMS = ("param", "parameter", "field", "fieldname", "property", "propertyname", "pointer", "attribute")
"""Those that name it beside the message of a single error; `path`, say, may be that of the request there."""

ABSENT = object()
"""Stands for a member that is left out."""

_CODE_WORDS = {
    "invalid_request": ("validation_error", "validation_failed", "invalid_argument", "invalid", "bad_request"),
    "unauthorized": ("unauthenticated", "authentication_error", "invalid_api_key", "invalid_token"),
    "out_of_credits": ("payment_required", "insufficient_credits", "insufficient_funds", "quota_exceeded"),
    "forbidden": ("permission_denied", "access_denied", "not_allowed"),
    "not_found": ("resource_not_found", "missing"),
    "rate_limit_exceeded": ("rate_limited", "too_many_requests", "rate_limit", "throttled", "resource_exhausted"),
    "conflict": ("already_exists", "aborted"),
    "server_error": ("internal_server_error", "internal_error", "internal", "api_error"),
    "unavailable": ("service_unavailable",),
    "timeout": ("gateway_timeout", "deadline_exceeded"),
}
"""What vendors call the kinds of errors, beside their names here and the phrase of the status."""


def put(data: JSON, path: Path, value: JSON) -> JSON:
    """The body with a value at a place, or without a member that is to be ABSENT, changed in place unless the place is
    the body itself."""
    if not path:
        return value
    parent = data
    for step in path[:-1]:
        parent = parent[step]
    if value is ABSENT:
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = value
    return data


def static_fills_of(body: JSON, status: int, is_problem: bool) -> list[Fill]:
    """The places whose values depend on the status and the kind of the error alone.

    Args:
        body: a sample of the body.
        status: the response's own.
        is_problem: whether it is of the media type of problem details, whose `type` is a URI.
    """
    return list(_static(body, (), status, is_problem))


def fills_of(body: JSON) -> list[Fill]:
    """The places whose values differ from problem to problem: messages, and lists of what is wrong."""
    return list(_dynamic(body, (), "message"))


def _static(body: JSON, path: Path, status: int, is_problem: bool) -> Iterator[Fill]:
    for at, error in _errors(body, path, "errors"):
        has_message = _message_of(error) not in ("", "error")
        for name, value in error.items():
            values = _static_values(_plain(name), value, has_message, status, is_problem)
            if values is not None:
                yield Fill((*at, name), values)


def _static_values(
    name: str, value: JSON, has_message: bool, status: int, is_problem: bool
) -> Callable[[Problem], Iterable[JSON]] | None:
    """What may stand in a member of an error by its plain name; None when that says nothing."""
    if isinstance(value, bool):
        if name in _RETRYABLE:
            return lambda problem: [problem.kind.retryable]
        return (lambda problem: [name in _FAILED]) if name in (*_FAILED, *_SUCCEEDED) else None
    if name in _STATUSES:
        return lambda problem: _alike(value, [status, str(status), *_codes(problem, status)])
    if name in _CODES or (name in ("error", "name") and has_message):
        urn = ("urn:mockserver:{}",) if is_problem and name == "type" else ()
        return lambda problem: _alike(
            value, [*(u.format(problem.kind.name) for u in urn), *_codes(problem, status), str(status), status]
        )
    if name in _TITLES:
        return lambda problem: _alike(value, [problem.kind.title])
    if name in _MITIGATIONS:
        return lambda problem: _alike(value, [problem.kind.mitigation])
    return None


def _dynamic(body: JSON, path: Path, name: str) -> Iterator[Fill]:
    if isinstance(body, str):
        yield Fill(path, _messages)
        return
    for at, error in _errors(body, path, name, lists=False):
        message = _message_of(error)
        for member, value in error.items():
            plain = _plain(member)
            here = (*at, member)
            if (isinstance(value, str) or value is None) and (plain in _MESSAGES or plain == message):
                yield Fill(here, _messages)
            elif (isinstance(value, str) or value is None) and plain in _PARAMS and plain == _field_of(error):
                yield Fill(here, partial(_param, plain))
            elif plain in _WAITS and isinstance(value, (int, float)) and not isinstance(value, bool):
                yield Fill(here, _wait)
            elif isinstance(value, list) and plain in _LISTS and value:
                yield Fill(here, _list_of(value[0]))
            elif isinstance(value, dict) and plain in _MAPS and not _describes(value):
                yield Fill(here, _map)
    if isinstance(body, list) and body:
        yield Fill(path, _list_of(body[0]))


def _errors(
    body: JSON, path: Path, name: str, depth: int = 0, lists: bool = True
) -> Iterator[tuple[Path, dict[str, JSON]]]:
    """The objects in a body that describe an error: itself, those in members named so, the first item of a list."""
    if isinstance(body, list):
        if lists and body:
            yield from _errors(body[0], (*path, 0), name, depth + 1, lists)
        return
    if not isinstance(body, dict) or depth > MAX_DEPTH:
        return
    if depth == 0 or _describes(body):
        yield path, body
    for member, value in body.items():
        plain = _plain(member)
        is_envelope = len(body) == 1 and isinstance(value, dict)
        if is_envelope or plain in _OBJECTS or (isinstance(value, list) and plain in _LISTS):
            yield from _errors(value, (*path, member), plain, depth + 1, lists)


def _describes(body: dict[str, JSON]) -> bool:
    names = {_plain(name) for name in body}
    return not names.isdisjoint((*_MESSAGES, *_MESSAGES_ALONE, *_CODES, *_STATUSES, *_TITLES, *_LISTS))


def _message_of(error: dict[str, JSON]) -> str:
    """The plain name of the member of an error that holds the message; "" when there is none."""
    texts = {_plain(name) for name, value in error.items() if isinstance(value, (str, list)) or value is None}
    return next((name for name in (*_MESSAGES, *_MESSAGES_ALONE) if name in texts), "")


def _messages(problem: Problem) -> Iterable[JSON]:
    return dict.fromkeys((problem.message, problem.kind.title))


def _param(name: str, problem: Problem) -> Iterable[JSON]:
    """The first field that is wrong; nothing for a problem that is about none."""
    if not problem.violations:
        return [ABSENT, None]
    first = problem.violations[0]
    return [first.field if first.where == "body" and name != "pointer" else first.pointer]


def _wait(problem: Problem) -> Iterable[JSON]:
    text = problem.headers.get("retry-after", "")
    return [int(text)] if re.fullmatch("[0-9]{1,9}", text) else []


def _map(problem: Problem) -> Iterable[JSON]:
    """Messages by the field that they are about."""
    messages: dict[str, list[str]] = {}
    for violation in problem.violations[:MAX_NAMED]:
        messages.setdefault(violation.field, []).append(violation.message)
    return [messages, {field: texts[0] for field, texts in messages.items()}] if messages else []


def _list_of(sample: JSON) -> Callable[[Problem], Iterable[JSON]]:
    """What a list of errors holds whose items look like the sample."""

    def values(problem: Problem) -> Iterable[JSON]:
        items = [_item(sample, violation) for violation in problem.violations[:MAX_NAMED]]
        if items:
            yield items
            yield items[:1]
            return
        if isinstance(sample, dict) and _field_of(sample):
            yield []  # nothing in the request is wrong, so no field can be named
        yield [_item(sample, problem)]

    return values


def _item(sample: JSON, cause: Violation | Problem) -> JSON:
    """One item of a list of errors."""
    if isinstance(sample, str):
        return str(cause)
    if not isinstance(sample, dict):
        return deepcopy(sample)
    item = deepcopy(sample)
    message, field = _message_of(item), _field_of(item)
    for name, value in item.items():
        plain = _plain(name)
        if isinstance(value, str) and (plain in _MESSAGES or plain == message):
            item[name] = cause.message
        elif plain == field and isinstance(cause, Violation):
            item[name] = _place(plain, value, cause)
    return item


def _field_of(item: dict[str, JSON]) -> str:
    """The plain name of the member of an item that names a field; "" when there is none."""
    names = {_plain(name) for name in item}
    return next((name for name in _FIELDS if name in names), "")


def _place(name: str, value: JSON, violation: Violation) -> JSON:
    """Where a violation is, in the form that the sampled value has."""
    if isinstance(value, list):
        parts = parts_of(violation.pointer) if violation.where == "body" else [violation.pointer]
        return [violation.where, *parts]
    if isinstance(value, dict):  # JSON:API's `source`
        inner = {"body": "pointer", "query": "parameter", "path": "parameter", "header": "header"}
        return {inner.get(violation.where, "pointer"): violation.pointer}
    if not isinstance(value, str):
        return deepcopy(value)
    return violation.pointer if name == "pointer" else violation.field


def _codes(problem: Problem, status: int) -> list[str]:
    """Codes that a vendor may give a kind of error, in every common spelling."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    words = [problem.kind.name, *_CODE_WORDS.get(problem.kind.name, ())]
    if phrase:
        words.append(re.sub("[^a-z]+", "_", phrase.lower()))
    return list(dict.fromkeys(spelling for word in dict.fromkeys(words) for spelling in _spellings(word.split("_"))))


def _spellings(words: Sequence[str]) -> Iterator[str]:
    camel = "".join(word.capitalize() for word in words)
    yield "_".join(words)
    yield "_".join(words).upper()
    yield "-".join(words)
    yield camel
    yield camel[0].lower() + camel[1:]
    yield " ".join(word.capitalize() for word in words)
    yield " ".join(words).capitalize()


def _alike(sample: JSON, values: Iterable[Any]) -> Iterator[JSON]:
    """Those of the values that have the type of a sample; all where that is null."""
    for value in values:
        if sample is None or type(value) is type(sample) or (type(sample) is float and type(value) is int):
            yield value


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
