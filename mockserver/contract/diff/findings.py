"""Findings of a comparison: made by their rules, placed in files, and one for a change that several operations share.

Must not know: how a change is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mockserver.contract.contract import Contract
from mockserver.contract.diff.rules import LEVELS, RULES
from mockserver.text.documents import parts_of, pointer_of
from mockserver.text.findings import Finding, Location, Side
from mockserver.text.matchers import MISSING


def change(
    rule: str,
    side: Side,
    operation: str,
    message: str,
    old: Location | None,
    new: Location | None,
    witness: Any = MISSING,
    detail: str = "",
) -> Finding:
    """A finding of a rule, with the level and the reason that the rule gives."""
    known = RULES[rule]
    return Finding(rule, known.level, side, (operation,), message, old, new, known.sentence, witness, detail)


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


__all__ = ["change", "location", "merged"]
