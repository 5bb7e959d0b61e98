"""What a journal says of one exchange, as far as it can be said again: no secrets, no fields of one moment.

Must not know: how the journal was read, files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

import orjson

from mockserver.apis import Api
from mockserver.contract.router import split
from mockserver.messages import JSON
from mockserver.text.fields import sandbox_in
from mockserver.upstream.pseudonyms import MASKED, Pseudonyms

_NOT_SAID = frozenset(
    {
        *("date", "server", "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"),
        *("set-cookie", "via", "age", "x-request-id", "x-amzn-requestid", "cf-ray", "x-runtime", "report-to", "nel"),
        *("alt-svc", "strict-transport-security", "vary", "x-mockserver-reason", "cf-cache-status", "server-timing"),
    }
)
"""Headers of responses that tell of a server or a moment, and not of an answer."""
_KEY = re.compile(r"api-?key|auth-?token|access-?token|subscription-?key|x-token|secret")
"""What headers with a key are called."""
_SENT = frozenset({"accept", "content-type", "prefer", "if-match", "if-none-match", "idempotency-key"})
"""Headers of requests that change what is answered."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange."""

    number: int
    api: str
    operation: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    sent: Mapping[str, str]
    """Headers of the request."""
    body: JSON
    """Of the request: a JSON value, a text, or None."""
    status: int
    headers: Mapping[str, str | list[str]]
    media_type: str | None
    answer: JSON
    """Of the response: a JSON value, a text, or None."""
    violations: tuple[str, ...] = ()
    """What of the response breaks the contract."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the path."""
    credentials: tuple[tuple[str, str], ...] = ()
    """Where the request had a key: `header`, `query` or `cookie` with a name, `scheme` with one of Authorization."""
    further: tuple[str, ...] = ()
    """Names of further headers of the request."""

    @property
    def shape(self) -> str:
        """What exchanges of the same kind share: the operation, names, types and the status, and no values."""
        where = self.operation or self.path
        names = sorted({name for name, _ in self.query})
        told = [self.api, self.method, where, names, skeleton(self.body), self.status, skeleton(self.answer)]
        return blake2b(orjson.dumps(told), digest_size=4).hexdigest()

    @property
    def has_body(self) -> bool:
        """Whether the request had a body."""
        return self.body is not None


@dataclass(slots=True)
class Session:
    """What was recorded, in its order, and what was left out."""

    exchanges: list[Recorded] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    """Reasons, and how many exchanges there are for each."""
    replaced: int = 0
    """Values that stand-ins took the place of."""

    def leave_out(self, reason: str) -> None:
        """Count an exchange that cannot be said again."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def session_of(entries: Iterable[JSON], apis: Mapping[str, Api], members: Iterable[str] = ()) -> Session:
    """The exchanges of a journal, as the admin API shows it.

    Args:
        entries: the entries, oldest first.
        apis: the APIs that they are of.
        members: further members whose values are replaced.
    """
    session, pseudonyms = Session(), Pseudonyms(members)
    for entry in entries:
        reason = _unsayable(entry)
        if reason:
            session.leave_out(reason)
            continue
        one = _recorded(entry, apis)
        session.exchanges.append(one)
        pseudonyms.learn([one.body, one.answer, [part for _, part in sorted(one.sent.items())]])
        pseudonyms.learn_parameters(one.query)
        pseudonyms.learn(list(one.headers.values()))
        pseudonyms.learn([one.path])
    session.exchanges = [_clean(one, pseudonyms) for one in session.exchanges]
    session.replaced = pseudonyms.count
    return session


def _unsayable(entry: JSON) -> str:
    """Why an exchange cannot be said again; "" when it can."""
    if entry["stage"] == "webhook":
        return "sent by the server itself"
    if entry["response"] is None or entry["lost"]:
        return "no response arrived"
    if entry["defect"]:
        return "the mock itself failed"
    if entry["stage"] == "upstream" and entry["reason"]:
        return "the upstream gave no whole response"
    if entry["rule"]:
        return "a rule acted on it"
    for message in (entry["request"], entry["response"]):
        body = message["body"]
        if message["whole_bytes"] is not None:
            return "a body is longer than what the journal keeps (--journal-body)"
        if isinstance(body, str) and "\ufffd" in body:
            return "a body is no text"
    return ""


def placed(session: Session, api: Api) -> Session:
    """The same session, as one of an API whose document was made later."""
    exchanges = []
    for one in session.exchanges:
        operation, values, _ = api.contract.match(one.method, split(one.path))
        name = operation.id if operation is not None else ""
        exchanges.append(replace(one, api=api.name, operation=name, variables=values))
    return Session(exchanges, session.left_out, session.replaced)


def _recorded(entry: JSON, apis: Mapping[str, Api]) -> Recorded:
    request, response = entry["request"], entry["response"]
    api = apis.get(entry["api"])
    path, variables = _place(api, entry["method"], sandbox_in(entry["path"])[1] or "/")
    return Recorded(
        number=entry["number"],
        api=entry["api"],
        operation=entry["operation"],
        method=entry["method"],
        path=path,
        query=tuple(
            (name, value) for name, value in parse_qsl(entry["query"], keep_blank_values=True) if value != MASKED
        ),
        sent={name: text for name, text in request["headers"].items() if name in _SENT and MASKED not in text},
        body=request["body"],
        status=entry["status"],
        headers={name: value for name, value in response["headers"].items() if name not in _NOT_SAID},
        media_type=response["media_type"],
        answer=response["body"],
        violations=tuple(
            f"{found['where']} {found['pointer']}".strip() + f": {found['message']}"
            for found in entry["violations"]
            if found["side"] in ("server", "upstream")
        ),
        variables=variables,
        credentials=tuple(_credentials(entry)),
        further=tuple(sorted(name for name in request["headers"] if name not in _SENT and not _is_key(name))),
    )


def _credentials(entry: JSON) -> Iterator[tuple[str, str]]:
    """Where the request had a key; the keys themselves are not in a journal."""
    for name, text in entry["request"]["headers"].items():
        scheme, space, _ = str(text).partition(" ")
        if name == "authorization":
            yield ("scheme", scheme.lower()) if space else ("header", name)
        elif _is_key(name):
            yield "header", name
    for name, value in parse_qsl(entry["query"], keep_blank_values=True):
        if value == MASKED:
            yield "query", name


def _is_key(header: str) -> bool:
    """Whether a header holds a key by its name."""
    return header == "authorization" or bool(_KEY.search(header))


def _place(api: Api | None, method: str, path: str) -> tuple[str, dict[str, str]]:
    """The path without what names an API here, and its variables."""
    if api is None:
        return path, {}
    segments = split(path)
    if segments[:1] == [api.name]:
        operation, values, _ = api.contract.match(method, segments[1:])
        if operation is not None:
            return path.removeprefix(f"/{api.name}"), values
    return path, api.contract.match(method, segments)[1]


def _clean(one: Recorded, pseudonyms: Pseudonyms) -> Recorded:
    query: Any = tuple((name, pseudonyms.replaced(value)) for name, value in one.query)
    return replace(
        one,
        path=pseudonyms.path(one.path),
        query=query,
        sent=pseudonyms.replaced(dict(one.sent)),
        body=pseudonyms.replaced(one.body),
        headers=pseudonyms.replaced(dict(one.headers)),
        answer=pseudonyms.replaced(one.answer),
        variables=pseudonyms.replaced(dict(one.variables)),
        violations=tuple(pseudonyms.replaced(list(one.violations))),
    )


def skeleton(value: JSON) -> JSON:
    """The types of a JSON value without its values; a list has those of its items, each once."""
    if isinstance(value, dict):
        return {str(name): skeleton(value[name]) for name in sorted(value, key=str)}
    if isinstance(value, list):
        kinds = {orjson.dumps(skeleton(item)) for item in value}
        return [orjson.Fragment(kind) for kind in sorted(kinds)]
    return "number" if isinstance(value, float) else type(value).__name__
