"""The ways in which a call fails: each a scenario of one sandbox, and what its column is called."""

from __future__ import annotations

from typing import Any, NamedTuple

SECONDS = 10.0
"""How long a client may take for one call."""


class Case(NamedTuple):
    """One way to fail."""

    title: str
    rule: dict[str, Any]
    """The rule of a scenario, without its id and its operation."""
    explains: str


def _once(**does: Any) -> dict[str, Any]:
    """A rule for the first attempt. What it answers need not fit the vendor's contract."""
    return {"when": {"call": 1}, "violates": "the client is measured", **does}


def _limited(**terms: Any) -> dict[str, Any]:
    return _once(reply={"rate_limited": terms})


CASES = {
    "seconds": Case("`Retry-After: 2`", _limited(retry_after="2s"), "A 429 that says in seconds when to come back."),
    "date": Case("… as a date", _limited(retry_after="date +3s"), "The same as an HTTP-date, 3 s ahead."),
    "fraction": Case("… `1.5`", _limited(retry_after=1.5), "A fraction, which RFC 9110 does not allow."),
    "milliseconds": Case(
        "`retry-after-ms`",
        _limited(retry_after="3s", retry_after_ms=700),
        "`retry-after-ms: 700` beside `Retry-After: 3`.",
    ),
    "absent": Case("no `Retry-After`", _limited(retry_after="absent"), "A 429 that does not say when."),
    "hour": Case("`Retry-After: 3600`", _limited(retry_after="3600s"), "A 429 that says an hour."),
    "always": Case(
        "429 for ever", {"reply": {"rate_limited": {"retry_after": "1s"}}}, "`Retry-After: 1` after each attempt."
    ),
    "unavailable": Case(
        "503, `Retry-After: 2`",
        _once(reply={"status": 503, "headers": {"retry-after": "2"}, "body": {"error": {"message": "Overloaded."}}}),
        "A 503 that says when to come back.",
    ),
    "credits": Case("402", _once(reply="out_of_credits"), "Nothing is left to pay with."),
    "before": Case("reset before", _once(fault={"reset": "before"}), "Nothing was done."),
    "after": Case(
        "reset after commit",
        _once(fault={"reset": "after_commit"}),
        "It was done and charged, and the response was lost.",
    ),
}
"""The cases, by their names."""

__all__ = ["CASES", "SECONDS", "Case"]
