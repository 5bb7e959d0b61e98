"""Findings: what is wrong with a document, what changed between two, where a server differs from its contract.

One model for every command that reports: `check`, `diff`, and what compares a server with a contract. Data only; it
must not know how a finding was made, or how it is printed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from mockserver.text.matchers import MISSING

Severity = Literal["error", "warning", "note"]
Level = Literal["error", "warning", "note", "breaking", "risky", "safe"]
"""How bad it is: the first three of a document, the others of a change, the worst first."""
SEVERITIES: dict[Level, Severity] = {
    "error": "error",
    "warning": "warning",
    "note": "note",
    "breaking": "error",
    "risky": "warning",
    "safe": "note",
}
"""What services that know three severities make of a level."""
Side = Literal["request", "response", "document"]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file."""

    file: str
    line: int
    """From 1; 0 when the place is not known."""
    column: int
    """The same."""
    pointer: str
    """RFC 6901, in that file."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    rule: str
    """The kind of finding; it never changes."""
    level: Level
    side: Side
    """`document` for what is neither in requests nor in responses."""
    operations: tuple[str, ...]
    """The operations that it concerns, as `GET /pets`; several where they share a schema, none where none is meant."""
    message: str
    """What is the matter."""
    old: Location | None
    """Where it stands in the old document; None when it is not there, or when there is one document."""
    new: Location | None
    why: str = ""
    """Why it has its level, or what follows from it."""
    witness: Any = MISSING
    """A value that shows it. For a change that breaks: one that was accepted and is not now (requests), or that could
    not be sent before and can be now (responses)."""
    detail: str = ""
    """What is the matter, without where: equal for one cause that several operations share. "" for the message."""
    accepted: str = ""
    """Why it was accepted; "" when it was not."""
    overlay: tuple[dict[str, Any], ...] = ()
    """Actions of an OpenAPI Overlay that would make the document right; none where no change of it does."""
    touches: tuple[str, ...] = ()
    """Places of the project that use its operations, as `file:line`; none where nobody looked."""

    @property
    def place(self) -> Location | None:
        """Where to look first."""
        return self.new or self.old

    @property
    def severity(self) -> Severity:
        """The level as one of three."""
        return SEVERITIES[self.level]

    @property
    def fingerprint(self) -> str:
        """What it is known by from run to run: the same when lines move, another when the matter is another."""
        pointers = [place.pointer if place is not None else "" for place in (self.old, self.new)]
        owner = "" if any(pointers) or not self.operations else self.operations[0]
        text = "\0".join([self.rule, *pointers, self.detail or self.message, owner])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


__all__ = ["SEVERITIES", "Finding", "Level", "Location", "Severity", "Side"]
