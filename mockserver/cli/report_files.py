"""Findings in the forms of other tools: SARIF for code scanning, JUnit for test reports, Markdown for pull requests.

Must not know: what was checked or compared, or how.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from mockserver.cli import reports
from mockserver.cli.common import brief, clean
from mockserver.cli.reports import (
    DIFF,
    Form,
    Report,
    evidence_of,
    operations_of,
    place_of,
    sentence,
    subject_of,
    touches_of,
)
from mockserver.text.findings import Finding
from mockserver.text.matchers import MISSING
from mockserver.version import __version__

_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: Report) -> str:
    """A SARIF 2.1.0 log (OASIS). What is accepted is suppressed in it."""
    rules = list(dict.fromkeys(finding.rule for finding in report.findings))
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "mockserver", "version": __version__, "rules": [{"id": rule} for rule in rules]}},
        "invocations": [
            {
                "executionSuccessful": not report.unchecked,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{name}: {reason}"}} for name, reason in report.reasons
                ],
            }
        ],
        "results": [_result(finding, rules) for finding in report.findings],
    }
    return orjson.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2).decode()


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity,
        "message": {"text": sentence(finding)},
        "partialFingerprints": {"mockserver/v1": finding.fingerprint},
    }
    place = finding.place
    if place is not None:
        location: dict[str, Any] = {"artifactLocation": {"uri": place.file.replace("\\", "/")}}
        if place.line:
            location["region"] = {"startLine": place.line, "startColumn": max(1, place.column)}
        there: dict[str, Any] = {"physicalLocation": location}
        if place.pointer:
            there["logicalLocations"] = [{"fullyQualifiedName": f"#{place.pointer}"}]
        result["locations"] = [there]
    if finding.accepted:
        result["suppressions"] = [{"kind": "external", "justification": finding.accepted}]
    return result


def junit(report: Report) -> str:
    """A JUnit file: a case for each finding, of which those fail that are errors or break; one that passes where
    nothing was found."""
    cases, failures = [], 0
    for finding in report.findings:
        body = ""
        if finding.severity == "error" and not finding.accepted:
            failures += 1
            detail = f"{place_of(finding)}\n{finding.why}"
            if finding.witness is not MISSING:
                detail += f"\n{evidence_of(finding)} {brief(finding.witness)}"
            message = quoteattr(_xml(finding.message))
            body = f"<failure type={quoteattr(finding.rule)} message={message}>{escape(_xml(detail))}</failure>"
        name = quoteattr(_xml(f"{subject_of(finding)}{finding.message}"))
        cases.append(f"  <testcase classname={quoteattr(finding.rule)} name={name}>{body}</testcase>")
    for subject, reason in report.reasons:
        name, message = quoteattr(_xml(f"{subject}: {report.words.undone}")), quoteattr(_xml(reason))
        cases.append(f'  <testcase classname="unchecked" name={name}><error message={message}/></testcase>')
    if not cases:
        cases.append('  <testcase classname="mockserver" name="nothing was found"></testcase>')
    name = quoteattr(_xml(report.title))
    head = f'<testsuite name={name} tests="{len(cases)}" failures="{failures}" errors="{len(report.reasons)}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(
        c if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff" else "?" for c in text
    )


def markdown(report: Report) -> str:
    """A comment for a pull request: a table for each level that there is."""
    kind = "API changes" if report.words is DIFF else "Findings"
    lines = [f"### {kind}: {report.summary}", ""]
    for level in report.words.levels:
        findings = [finding for finding in report.findings if finding.level == level and not finding.accepted]
        lines += _table(level.capitalize(), findings)
    lines += _table("Accepted", [finding for finding in report.findings if finding.accepted])
    lines += [f"- {report.words.undone}: {_cell(reason)}" for _, reason in report.reasons]
    lines += [f"- {_cell(note)}" for note in report.notes]
    return "\n".join(lines).rstrip()


def _table(title: str, findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    lines = [f"#### {title}", "", "| Operation | Finding | Why | Where |", "|---|---|---|---|"]
    for finding in findings:
        why = f"{finding.why} Accepted: {finding.accepted}" if finding.accepted else finding.why
        what = f"{_cell(finding.message)} (`{finding.rule}`)"
        if finding.touches:
            why = f"{why} Touches {touches_of(finding)}."
        if finding.witness is not MISSING:
            what += f"<br>{evidence_of(finding)} {_cell(brief(finding.witness, 120))}"
        lines.append(f"| {_cell(operations_of(finding))} | {what} | {_cell(why)} | {_cell(place_of(finding))} |")
    return [*lines, ""]


def _cell(value: str) -> str:
    """Text of a document as a table's cell: nothing in it is markup."""
    text = clean(value).replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "|`*_[]@#":
        text = text.replace(mark, f"\\{mark}" if mark != "@" else "&#64;")
    return text


FORMATS: dict[str, Form] = {
    "text": reports.text,
    "json": reports.as_json,
    "junit": junit,
    "sarif": sarif,
    "markdown": markdown,
    "github": reports.github,
}
"""The forms of a report, by the names that `--format` takes."""

__all__ = ["FORMATS"]
