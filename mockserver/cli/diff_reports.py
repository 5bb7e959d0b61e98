"""The changes between two documents as a person and as programs read them.

Must not know: how they were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import click
import orjson

from mockserver.cli import reports
from mockserver.cli.common import brief, clean
from mockserver.contract.diff.findings import Finding, Location
from mockserver.contract.diff.rules import LEVELS, Level
from mockserver.contract.faults import Fault, Severity
from mockserver.text.matchers import MISSING

VERSION = 1
"""Of the JSON form. It changes when a member is removed or means something else."""
_COLOURS: dict[Level, str] = {"breaking": "red", "risky": "yellow", "safe": "green"}
_SEVERITIES: dict[Level, Severity] = {"breaking": "error", "risky": "warning", "safe": "note"}
_MOST_OPERATIONS = 3
"""Operations that a line names."""


@dataclass(frozen=True, slots=True)
class DiffReport:
    """The changes between two documents."""

    old: str
    """What the documents are called."""
    new: str
    findings: list[Finding]
    unchecked: list[str]
    """Why something could not be compared."""
    notes: list[str]
    """What is worth knowing of the accepted changes."""

    @property
    def counts(self) -> Counter[str]:
        """Changes by level, those that are accepted under `accepted`."""
        return Counter("accepted" if finding.accepted else finding.level for finding in self.findings)

    @property
    def summary(self) -> str:
        """`0 breaking, 1 risky, 2 safe`."""
        counts = self.counts
        text = ", ".join(f"{counts[level]:,} {level}" for level in LEVELS)
        text += f", {counts['accepted']:,} accepted" if counts["accepted"] else ""
        return text + ("; a part was not compared" if self.unchecked else "")


def text(report: DiffReport) -> str:
    """Three lines a change, and one for all of them."""
    lines = []
    for finding in report.findings:
        level = click.style(finding.level, fg=_COLOURS[finding.level], bold=finding.level == "breaking")
        level = f"accepted ({level})" if finding.accepted else level
        lines.append(f"{_place(finding)}: {level}: {_operations(finding)}: {clean(finding.message)} [{finding.rule}]")
        lines.append(f"    {finding.why}")
        if finding.witness is not MISSING:
            lines.append(f"    {_evidence(finding)} {brief(finding.witness)}")
        if finding.accepted:
            lines.append(f"    accepted: {clean(finding.accepted)}")
        if finding.level != "safe" and not finding.accepted:
            lines.append(f"    fingerprint {finding.fingerprint}")
    lines += [f"not compared: {clean(reason)}" for reason in report.unchecked]
    lines += [f"note: {clean(note)}" for note in report.notes]
    return "\n".join([*lines, f"{report.old} -> {report.new}: {report.summary}"])


def _place(finding: Finding) -> str:
    if finding.new is None:
        return str(finding.old or "")
    return f"{finding.new} (was {finding.old})" if finding.old is not None else str(finding.new)


def _operations(finding: Finding) -> str:
    shown = ", ".join(finding.operations[:_MOST_OPERATIONS])
    rest = len(finding.operations) - _MOST_OPERATIONS
    return clean(f"{shown} and {rest} more" if rest > 0 else shown)


def _evidence(finding: Finding) -> str:
    if finding.rule.startswith("request-"):
        return "accepted before, rejected now:"
    return "not possible before, possible now:"


def as_json(report: DiffReport) -> str:
    """One object: `version`, `old`, `new`, `counts` by level, `unchecked`, `notes` and `findings`, the worst first."""
    body = {
        "version": VERSION,
        "old": report.old,
        "new": report.new,
        "counts": {level: report.counts[level] for level in (*LEVELS, "accepted")},
        "unchecked": report.unchecked,
        "notes": report.notes,
        "findings": [_as_object(finding) for finding in report.findings],
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def _as_object(finding: Finding) -> dict[str, Any]:
    body: dict[str, Any] = {
        "rule": finding.rule,
        "level": finding.level,
        "side": finding.side,
        "operations": list(finding.operations),
        "message": finding.message,
        "why": finding.why,
        "old": _as_place(finding.old),
        "new": _as_place(finding.new),
        "fingerprint": finding.fingerprint,
        "accepted": finding.accepted or None,
    }
    if finding.witness is not MISSING:
        body["evidence"] = {"value": finding.witness}
    return body


def _as_place(place: Location | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "file": place.file,
        "line": place.line or None,
        "column": place.column or None,
        "pointer": place.pointer,
    }


def junit(report: DiffReport) -> str:
    """A JUnit file: a case for each change, of which those that break fail; one that passes where nothing changed."""
    failures = report.counts["breaking"]
    cases = []
    for finding in report.findings:
        name = quoteattr(_xml(f"{', '.join(finding.operations)}: {finding.message}"))
        body = ""
        if finding.level == "breaking" and not finding.accepted:
            detail = f"{_place(finding)}\n{finding.why}"
            if finding.witness is not MISSING:
                detail += f"\n{_evidence(finding)} {brief(finding.witness)}"
            message = quoteattr(_xml(finding.message))
            body = f"<failure type={quoteattr(finding.rule)} message={message}>{escape(_xml(detail))}</failure>"
        cases.append(f"  <testcase classname={quoteattr(finding.rule)} name={name}>{body}</testcase>")
    for reason in report.unchecked:
        message = quoteattr(_xml(reason))
        cases.append(f'  <testcase classname="unchecked" name={message}><error message={message}/></testcase>')
    if not cases:
        cases.append('  <testcase classname="diff" name="nothing changed"></testcase>')
    name = quoteattr(_xml(f"{report.old} -> {report.new}"))
    head = f'<testsuite name={name} tests="{len(cases)}" failures="{failures}" errors="{len(report.unchecked)}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(
        c if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff" else "?" for c in text
    )


def markdown(report: DiffReport) -> str:
    """A comment for a pull request: a table for each level that there is."""
    lines = [f"### API changes: {report.summary}", ""]
    for level in LEVELS:
        findings = [finding for finding in report.findings if finding.level == level and not finding.accepted]
        lines += _table(level.capitalize(), findings)
    lines += _table("Accepted", [finding for finding in report.findings if finding.accepted])
    lines += [f"- not compared: {_cell(reason)}" for reason in report.unchecked]
    lines += [f"- {_cell(note)}" for note in report.notes]
    return "\n".join(lines).rstrip()


def _table(title: str, findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    lines = [f"#### {title}", "", "| Operation | Change | Why | Where |", "|---|---|---|---|"]
    for finding in findings:
        why = f"{finding.why} Accepted: {finding.accepted}" if finding.accepted else finding.why
        change = f"{_cell(finding.message)} (`{finding.rule}`)"
        if finding.witness is not MISSING:
            change += f"<br>{_evidence(finding)} {_cell(brief(finding.witness, 120))}"
        lines.append(f"| {_cell(_operations(finding))} | {change} | {_cell(why)} | {_cell(_place(finding))} |")
    return [*lines, ""]


def _cell(value: str) -> str:
    """Text of a document as a table's cell: nothing in it is markup."""
    text = clean(value).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "|`*_[]@#":
        text = text.replace(mark, f"\\{mark}" if mark != "@" else "&#64;")
    return text


def _through(form: str) -> Callable[[DiffReport], str]:
    """A form that is the same for every kind of finding."""

    def shown(report: DiffReport) -> str:
        faults = [_as_fault(finding) for finding in report.findings if not finding.accepted]
        return reports.FORMATS[form](reports.Report({report.new: faults}, {report.new: report.unchecked}))

    return shown


def _as_fault(finding: Finding) -> Fault:
    place = finding.new or finding.old
    was = f" (was {finding.old})" if finding.new is not None and finding.old is not None else ""
    message = f"{_operations(finding)}: {finding.message}{was}"
    severity = _SEVERITIES[finding.level]
    if place is None:
        return Fault(severity, "", 0, 0, "", message, finding.why, finding.rule)
    return Fault(severity, place.file, place.line, place.column, place.pointer, message, finding.why, finding.rule)


FORMATS: dict[str, Callable[[DiffReport], str]] = {
    "text": text,
    "json": as_json,
    "junit": junit,
    "sarif": _through("sarif"),
    "markdown": markdown,
    "github": _through("github"),
}
"""The forms of a report, by the names that `--format` takes."""

__all__ = ["FORMATS", "DiffReport"]
