"""Findings: what changed, where in both documents, and how bad it is.

Must not know: how a change is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mockserver.contract.contract import Contract
from mockserver.contract.diff.rules import LEVELS, RULES, Level
from mockserver.text.documents import parts_of, pointer_of
from mockserver.text.matchers import MISSING


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file."""

    file: str
    line: int
    """From 1; 0 when the place is not known."""
    column: int
    pointer: str
    """RFC 6901, in that file."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Finding:
    """One change."""

    rule: str
    """An id of `RULES`."""
    level: Level
    side: str
    """`request`, `response`, or `document` for what is neither."""
    operations: tuple[str, ...]
    """The operations that it concerns, as `GET /pets`; several where they share a schema."""
    message: str
    """What changed."""
    old: Location | None
    """Where it stands in the old document; None when it is not there."""
    new: Location | None
    witness: Any = MISSING
    """For a change that breaks: a value that was accepted and is not now (requests), or that could not be sent before
    and can be now (responses)."""
    detail: str = ""
    """What changed, without where: equal for one change that several operations share. "" for the message."""
    accepted: str = ""
    """Why it was accepted; "" when it was not."""

    @property
    def why(self) -> str:
        """Why it has its level."""
        return RULES[self.rule].sentence

    @property
    def fingerprint(self) -> str:
        """What it is known by from run to run: the same when lines move, another when the change is another."""
        pointers = [place.pointer if place is not None else "" for place in (self.old, self.new)]
        text = "\0".join(
            [self.rule, *pointers, self.detail or self.message, "" if any(pointers) else self.operations[0]]
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def location(contract: Contract, pointer: str) -> Location:
    """The place in a file of a pointer of a contract's document; the line is that of the nearest parent if need be."""
    sources = contract.findings.sources
    source, path = sources.place([int(part) if part.isdigit() else part for part in parts_of(pointer)])
    line, column = source.locator.find(path) or (0, 0)
    return Location(source.name, line, column, pointer_of(path))


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings of one change to a shared schema as one, the worst first, then in the order of the documents."""
    by_change: dict[tuple[Any, ...], Finding] = {}
    for finding in findings:
        key: tuple[Any, ...] = (finding.rule, finding.side, finding.detail or finding.message, finding.old, finding.new)
        if finding.old is None and finding.new is None:
            key += finding.operations
        known = by_change.get(key)
        if known is None:
            by_change[key] = finding
        else:
            operations = tuple(dict.fromkeys((*known.operations, *finding.operations)))
            witness = finding.witness if known.witness is MISSING else known.witness
            by_change[key] = replace(known, operations=operations, witness=witness)
    return sorted(by_change.values(), key=lambda finding: LEVELS.index(finding.level))


__all__ = ["Finding", "Location", "location", "merged"]
