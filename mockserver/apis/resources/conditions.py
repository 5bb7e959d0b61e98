"""Conditional requests where an operation declares them: `ETag`, `If-None-Match` and 304, `If-Match` and 412
(RFC 9110, 13), and 428 where a condition must be there (RFC 6585, 3).

An entity tag names the members of a row, or the body of a list. Must not know: how rows are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from mockserver.apis.base import Answer, Behaviour, Call
from mockserver.apis.resources.model import Role
from mockserver.contract import Operation
from mockserver.errors import Problem
from mockserver.messages import JSON, Response
from mockserver.text.jsontext import to_json

_CHANGES = frozenset(("update", "replace", "delete", "action"))


def etag(data: JSON) -> str:
    """The entity tag of a value."""
    return f'"{blake2b(to_json(data), digest_size=8).hexdigest()}"'


def is_conditional(operation: Operation) -> bool:
    """Whether an operation says anything of entity tags."""
    names = {parameter.header for parameter in operation.parameters if parameter.place == "header"}
    declared = operation.response(operation.success)
    headers = {header.header for header in declared.headers} if declared is not None else set()
    statuses = {"304", "412", "428"} & set(operation.declared)
    return bool(names & {"if-match", "if-none-match"} or "etag" in headers or statuses)


def conditional(operation: Operation, role: Role, inner: Behaviour, row: Callable[[Call], JSON]) -> Behaviour:
    """A behaviour that minds the conditions of requests.

    Args:
        operation: the operation.
        role: what it does to rows.
        inner: the behaviour without conditions.
        row: the members of the row that a call names, as they are now or will be; None when there is none.
    """
    declared = set(operation.declared)
    success = operation.response(operation.success)
    is_tagged = success is not None and any(header.header == "etag" for header in success.headers)
    changes = role in _CHANGES

    def behave(call: Call) -> Answer:
        if changes:
            _see_that_it_matches(call, row(call), "428" in declared)
        response = inner(call)
        if not isinstance(response, Response) or response.status >= 300:
            return response
        shown = response.data if role == "list" else row(call)
        if shown is None:
            return response
        tag = etag(shown)
        if not changes and "304" in declared and _names(call.header("if-none-match"), tag, weak=True):
            return Response(304, None, {"etag": tag}, None)
        if is_tagged:
            _tag(operation, response, tag)
        return response

    return behave


def _see_that_it_matches(call: Call, members: JSON, is_needed: bool) -> None:
    """Raise a Problem when the row is another one than the client knows."""
    condition = call.header("if-match")
    if not condition and is_needed and not call.header("if-unmodified-since"):
        raise Problem("precondition_required", "The header If-Match is missing.")
    if not condition:
        if call.header("if-none-match") == "*" and members is not None:
            raise Problem("precondition_failed", "If-None-Match is *, and there is such a row already.")
        return
    if members is None or not _names(condition, etag(members), weak=False):
        raise Problem("precondition_failed", f"If-Match is {condition[:80]}, and the row is another one now.")


def _names(condition: str, tag: str, weak: bool) -> bool:
    """Whether a list of entity tags has one; `weak` tags count only where the comparison is weak."""
    if condition.strip() == "*":
        return True
    tags = (part.strip() for part in condition.split(","))
    return tag in ((part.removeprefix("W/") if weak else part) for part in tags)


def _tag(operation: Operation, response: Response, tag: str) -> None:
    """Add the entity tag, unless the contract takes no such text there."""
    before = response.headers.get("etag")
    response.headers["etag"] = tag
    response.sampled = response.sampled - {"etag"}
    if before is not None and any(v.pointer == "etag" for v in operation.check_response(response)):
        response.headers["etag"] = before


__all__ = ["conditional", "etag", "is_conditional"]
