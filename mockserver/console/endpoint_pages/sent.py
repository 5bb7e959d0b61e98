"""A request as the samples of a page send it: its address, its headers and its body, and where the keys stand.

Must not know: languages, pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

from mockserver.contract import Contract, Operation
from mockserver.contract.media_types import essence, is_json
from mockserver.contract.multipart import read_parts
from mockserver.contract.request_samples import KEY
from mockserver.contract.samples.words import spaced
from mockserver.errors import Problem
from mockserver.messages import JSON, Request

_NAMES = {"content-type": "Content-Type", "authorization": "Authorization", "cookie": "Cookie"}


@dataclass(frozen=True, slots=True)
class Variable:
    """A text with the value of an environment variable in it."""

    before: str
    name: str
    after: str = ""


Value = str | Variable


@dataclass(frozen=True, slots=True)
class FormPart:
    """One part of a form."""

    name: str
    text: str
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    method: str
    url: str
    """Without its query."""
    query: tuple[tuple[str, Value], ...]
    headers: tuple[tuple[str, Value], ...]
    """With `Content-Type` where there is a body, but for a form whose parts are given."""
    kind: Literal["none", "json", "fields", "parts", "text", "bytes"]
    """What the body is."""
    value: JSON = None
    """The value of JSON."""
    fields: tuple[tuple[str, str], ...] = ()
    """Of a form in a URL's encoding."""
    parts: tuple[FormPart, ...] = ()
    content: bytes = b""
    expects: int = 200
    """The status of the response."""
    has_response_body: bool = True
    is_json_response: bool = True


def variables(contract: Contract, operation: Operation) -> dict[tuple[str, str], str]:
    """The environment variables of an operation's keys, by place and by name of the header or parameter."""
    found = {}
    prefix = constant(contract.name)
    for credential in next(iter(contract.security(operation)), ()):
        place, name = credential.place, credential.name
        if place == "authorization":
            found["header", "authorization"] = f"{prefix}_{'CREDENTIALS' if name == 'basic' else 'API_KEY'}"
        else:
            own = constant(name)
            found[place, name.lower()] = own if own.startswith(f"{prefix}_") else f"{prefix}_{own}"
    return found


def constant(name: str) -> str:
    """A name as environment variables are written."""
    text = "_".join(spaced(name).split()).upper() or "API"
    return f"_{text}" if text[0].isdigit() else text


def sent(
    request: Request,
    body: JSON,
    origin: str,
    keys: Mapping[tuple[str, str], str],
    status: int,
    response_type: str | None,
) -> Sent:
    """What the samples of an executed request send.

    Args:
        request: the request, with KEY where a key stands.
        body: the value of its body.
        origin: what stands before its path.
        keys: the environment variables of its keys.
        status: what it was answered.
        response_type: the media type of what it was answered; None for nothing.
    """
    content_type = request.headers.get("content-type", "")
    kind = _kind(request, essence(content_type))
    headers = tuple(
        (_NAMES.get(name, name), _value(value, keys.get(("cookie" if name == "cookie" else "header", name), ""), keys))
        for name, value in request.headers.items()
        if name != "host" and not (name == "content-type" and kind == "parts")
    )
    pairs = parse_qsl(request.query, keep_blank_values=True)
    return Sent(
        request.method,
        origin + request.path,
        tuple((name, _value(value, keys.get(("query", name.lower()), ""), keys)) for name, value in pairs),
        headers,
        kind,
        body,
        tuple(parse_qsl(request.body.decode(), keep_blank_values=True)) if kind == "fields" else (),
        tuple(_parts(request.body, content_type)) if kind == "parts" else (),
        request.body,
        status,
        response_type is not None,
        response_type is not None and is_json(essence(response_type)),
    )


def _value(text: str, variable: str, keys: Mapping[tuple[str, str], str]) -> Value:
    """A text, with the variable where the key stands in it."""
    before, found, after = text.partition(KEY)
    name = variable or next((name for (place, _), name in keys.items() if place == "cookie"), "")
    return Variable(before, name, after) if found and name else text


def _kind(request: Request, name: str) -> Literal["none", "json", "fields", "parts", "text", "bytes"]:
    if not request.body and not name:
        return "none"
    if name == "application/json" or is_json(name):
        return "json"
    if name == "application/x-www-form-urlencoded":
        return "fields"
    if name == "multipart/form-data" and _parts(request.body, request.headers["content-type"]):
        return "parts"
    try:
        return "text" if "\0" not in request.body.decode() else "bytes"
    except UnicodeDecodeError:
        return "bytes"


def _parts(content: bytes, content_type: str) -> list[FormPart]:
    """The parts of a form whose texts can all be written down; none of another one."""
    try:
        read = read_parts(content, content_type)
        parts = [FormPart(part.disposition["name"], part.data.decode(), part.content_type) for part in read]
    except (Problem, KeyError, UnicodeDecodeError):
        return []
    return parts if not any("\0" in part.text or "\r" in part.text for part in parts) else []


__all__ = ["KEY", "FormPart", "Sent", "Value", "Variable", "constant", "sent", "variables"]
