"""The kinds of differences that there are, by ids that never change, with their levels and what follows from each.

`error`: the server does what the document excludes. `warning`: it does what the document leaves open, or what the
twin does not. `note`: worth knowing, and nothing that fails a run.
"""

from __future__ import annotations

from typing import NamedTuple

from mockserver.text.findings import Severity


class Rule(NamedTuple):
    """One kind of difference."""

    level: Severity
    sentence: str
    """What follows from it."""


_PARTS = {
    "body": "A client that trusts the document",
    "error": "A client that reads errors as the document has them",
    "header": "A client that reads this header as the document has it",
}
_VALUES: dict[str, tuple[Severity, str]] = {
    "type": ("error", "reads a value of another type"),
    "null": ("error", "meets null where the document excludes it"),
    "enum": ("error", "meets a value that the list does not have"),
    "const": ("error", "meets another value than the only one"),
    "format": ("error", "cannot parse the text as its format"),
    "pattern": ("error", "meets a text that the pattern excludes"),
    "length": ("error", "meets a text that is too short or too long"),
    "range": ("error", "meets a number out of its range"),
    "items": ("error", "meets a list with too few, too many or repeated items"),
    "size": ("error", "meets an object with too few or too many members"),
    "missing": ("error", "misses something that is required"),
    "undeclared": ("warning", "does not see a member that is there"),
    "closed": ("error", "meets a member where no others may be"),
    "write-only": ("error", "is sent what should never leave the server"),
    "alternative": ("error", "finds that none of the alternatives fits, or too many"),
    "invalid": ("error", "meets a value that the schema excludes"),
}
RULES: dict[str, Rule] = {
    **{
        f"{part}-{name}": Rule(level, f"{who} {what}.")
        for part, who in _PARTS.items()
        for name, (level, what) in _VALUES.items()
    },
    "status-undeclared": Rule("error", "A client has no branch for this status."),
    "server-error": Rule("error", "A request that the document allows makes the server fail."),
    "valid-rejected": Rule("error", "A request that the document allows is rejected."),
    "operation-missing": Rule("error", "The document has an operation that the server does not have."),
    "row-not-found": Rule("error", "What a list shows cannot be read."),
    "invalid-accepted": Rule("warning", "A request that the document excludes is answered as a good one."),
    "unknown-accepted": Rule("warning", "An id that nothing has is answered as if something had it."),
    "key-not-checked": Rule("error", "The document demands a key, and the server does without."),
    "content-type-undeclared": Rule("error", "A client does not know how to read this body."),
    "body-absent": Rule("error", "A client waits for a body that never comes."),
    "body-unexpected": Rule("warning", "A client ignores a body that the document does not speak of."),
    "error-described": Rule("note", "The document names the error and does not say what its body is."),
    "body-unreadable": Rule("error", "A client cannot parse this body."),
    "error-status-differs": Rule("warning", "The body of the error tells another status than the response has."),
    "header-note": Rule("note", "The document does not speak of this header."),
    "rate-headers-missing": Rule("warning", "A client that paces itself by this header runs into the limit."),
    "rate-headers-undeclared": Rule("warning", "A client could pace itself, and the document does not say how."),
    "rate-headers-wrong": Rule("error", "A client that paces itself by these headers is misled."),
    "retry-after-missing": Rule("warning", "A client does not know when to try again."),
    "retry-after-unreadable": Rule("error", "A client cannot read when to try again."),
    "deprecation-undeclared": Rule("warning", "The server announces an end of which the document says nothing."),
    "page-size": Rule("error", "A page has more rows than were asked for."),
    "page-default": Rule("warning", "A page has another number of rows than the documented default."),
    "page-overlap": Rule("error", "The next page shows rows again, so a client that walks the pages counts twice."),
    "page-end": Rule("error", "What tells whether there are more pages is wrong, so a client stops early or never."),
    "page-total": Rule("error", "The total is not the number of rows."),
    "created-not-found": Rule("error", "What was created cannot be read."),
    "echo-differs": Rule("warning", "The server changed what it was sent."),
    "update-lost": Rule("error", "A change was accepted and is not there afterwards."),
    "deleted-still-there": Rule("error", "A deletion was accepted and nothing is gone."),
    "recorded-status": Rule("error", "The server answers with another status than was recorded."),
    "recorded-header": Rule("warning", "A header differs from what was recorded."),
    "recorded-body": Rule("error", "The body differs from what was recorded."),
    "twin-status": Rule("warning", "Tests against the twin see another status than clients of the real server."),
    "twin-header": Rule("warning", "Tests against the twin see another header than clients of the real server."),
    "twin-body": Rule("warning", "Tests against the twin see another value than clients of the real server."),
}

__all__ = ["RULES", "Rule"]
