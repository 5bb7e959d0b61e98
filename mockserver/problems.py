"""Errors as RFC 9457 problem details, for APIs that declare no shape of their own and for our own faults."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.errors import Problem
from mockserver.messages import JSON, Violation

MEDIA_TYPE = "application/problem+json"


def problem_body(problem: Problem) -> JSON:
    """A problem-details object; `type` is the kind's name as a URN."""
    body = {
        "type": f"urn:mockserver:{problem.kind.name}",
        "title": problem.kind.title,
        "status": problem.status,
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
