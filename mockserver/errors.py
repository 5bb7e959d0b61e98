"""Errors by name. A `Problem` is an answer to a client; a `UserError` is a message to a person.

Every error that the server can answer is one row of `KINDS`; the API's own module decides the
shape of the body. Nothing here knows of HTTP frameworks, contracts or vendors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from mockserver.messages import JSON, Violation
from mockserver.records import record


@record(frozen=True)
class Kind:
    """A named sort of error. Clients may match on `name`; it never changes."""

    name: str
    status: int
    title: str
    mitigation: str
    retryable: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("invalid_request", 400, "Invalid request", "Correct the named fields and send the request again."),
        Kind("unauthorized", 401, "Invalid or missing API key", "Send a valid API key in the Authorization header."),
        Kind("out_of_credits", 402, "Credit limit exceeded", "Add credits to the account, then try again."),
        Kind("forbidden", 403, "Not allowed", "Use a key that may do this."),
        Kind("not_found", 404, "Not found", "Check the path and the id."),
        Kind("method_not_allowed", 405, "Method not allowed", "Use one of the methods in the Allow header."),
        Kind("request_timeout", 408, "Request timeout", "Send the request without long pauses.", retryable=True),
        Kind("not_acceptable", 406, "Nothing acceptable", "Ask in the Accept header for a type that is declared."),
        Kind("conflict", 409, "Conflict", "Read the current state and send a request that fits it."),
        Kind("precondition_failed", 412, "Precondition failed", "Read the row again, and send its ETag in If-Match."),
        Kind("precondition_required", 428, "Precondition required", "Send the ETag that you know in If-Match."),
        Kind("too_large", 413, "Request body too large", "Send a smaller body."),
        Kind("uri_too_long", 414, "Path and query too long", "Send a shorter path or query."),
        Kind("unprocessable", 422, "Unprocessable content", "Correct the named fields and send the request again."),
        Kind("unsupported_media_type", 415, "Unsupported content type", "Send the body as the operation declares it."),
        Kind("head_too_large", 431, "Request header fields too large", "Send fewer or shorter headers."),
        Kind(
            "rate_limit_exceeded",
            429,
            "Rate limit exceeded",
            "Wait for the number of seconds in the Retry-After header, then send the request again.",
            retryable=True,
        ),
        Kind("server_error", 500, "Internal server error", "Try again later.", retryable=True),
        Kind(
            "not_implemented",
            501,
            "Not implemented",
            "Correct the named schema in the OpenAPI document; `mockserver check` lists all such places.",
        ),
        Kind("bad_gateway", 502, "Bad gateway", "Try again later.", retryable=True),
        Kind("unavailable", 503, "Service unavailable", "Try again later.", retryable=True),
        Kind("timeout", 504, "Gateway timeout", "Try again later.", retryable=True),
    )
}

BY_STATUS = {kind.status: kind for kind in KINDS.values()}


class Problem(Exception):
    """An error to answer to the client.

    Args:
        kind: a name in `KINDS`.
        message: one sentence for the reader; the kind's title when empty.
        status: another status than the kind's own.
        violations: the breaches that caused it, each naming its field.
        headers: headers that belong to the answer, such as `Allow` or `Retry-After`.
    """

    def __init__(
        self,
        kind: str,
        message: str = "",
        *,
        status: int | None = None,
        violations: Iterable[Violation] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"there is no kind of error {kind!r}{did_you_mean(kind, KINDS)}")
        self.kind = KINDS[kind]
        self.status = status or self.kind.status
        """The HTTP status."""
        self.violations = tuple(violations)
        self.message = message or "; ".join(str(v) for v in self.violations[:3]) or self.kind.title
        self.headers = headers or {}
        super().__init__(self.message)

    def as_told(self, status: int, message: str = "") -> Problem:
        """The same problem under another status; with another message, where one is given."""
        return Problem(
            self.kind.name,
            message or self.message,
            status=status,
            violations=self.violations,
            headers=self.headers,
        )


MEDIA_TYPE = "application/problem+json"
"""Of RFC 9457 problem details, for APIs that declare no shape of their own and for our own defects."""


def problem_body(problem: Problem, status: int | None = None) -> JSON:
    """A problem-details object; `type` is the kind's name as a URN. `status` is the response's, if it is another."""
    body = {
        "type": f"urn:mockserver:{problem.kind.name}",
        "title": problem.kind.title,
        "status": status or problem.status,
        "detail": problem.message,
    }
    if problem.violations:
        body["violations"] = [violation.as_json() for violation in problem.violations]
    return body


def defect_body(detail: str, violations: Sequence[Violation]) -> JSON:
    """The problem of a failure of the mock itself. It never holds a traceback."""
    return {
        "type": "urn:mockserver:defect",
        "title": "The mock server has a defect",
        "status": 500,
        "detail": detail,
        "violations": [violation.as_json() for violation in violations],
    }


class UserError(Exception):
    """A mistake in what a person gave us: a document, a scenario, an option. Shown without traceback."""

    exit_code = 2


class ContractError(UserError):
    """An OpenAPI document or overlay that cannot be used, with file and line where they are known."""


MAX_COMPARED = 24
"""Names that are compared in full: each takes some 30 µs, and there may be ten thousand."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is most like `name`; None when none is. Of very many, only some are compared."""
    import difflib  # when somebody is mistaken, which no start waits for

    names = list(known)
    if len(names) > MAX_COMPARED:
        names = _begin_alike(name, names)
    found = difflib.get_close_matches(name[:200], names, n=1, cutoff=0.5)
    return found[0] if found else None


def _begin_alike(name: str, names: list[str]) -> list[str]:
    """MAX_COMPARED names: those first that begin as `name` does."""
    chosen: dict[str, None] = {}
    for length in (8, 4, 2, 1, 0):
        start = name[:length]
        chosen |= dict.fromkeys(islice((one for one in names if one.startswith(start)), MAX_COMPARED))
        if len(chosen) >= MAX_COMPARED:
            break
    return list(chosen)[:MAX_COMPARED]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence part that names the nearest of `known`: `; did you mean 'x'?`, or nothing."""
    likest = nearest(name, known)
    return f"; did you mean {likest!r}?" if likest else ""
