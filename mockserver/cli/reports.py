"""Findings as a person and as programs read them: text, JSON, SARIF 2.1.0, and GitHub's workflow commands.

Must not know: what was checked, or how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import click
import orjson

from mockserver.contract.faults import Fault, Severity
from mockserver.version import __version__

VERSION = 1
"""Of the JSON form. It changes when a member is removed or means something else."""
_COLOURS: dict[Severity, str] = {"error": "red", "warning": "yellow", "note": "cyan"}
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


class Report:
    """What became of some files.

    Args:
        faults: everything that was found, by file.
        unchecked: why something could not be checked, by file.
    """

    def __init__(self, faults: dict[str, list[Fault]], unchecked: dict[str, list[str]]) -> None:
        self.by_file = faults
        self.unchecked = {file: reasons for file, reasons in unchecked.items() if reasons}
        self.faults = [fault for found in faults.values() for fault in found]
        self.counts = Counter(fault.severity for fault in self.faults)


def text(report: Report) -> str:
    """One line a finding, and one a file."""
    lines = []
    for file, faults in report.by_file.items():
        lines += [_line(fault) for fault in faults]
        lines += [f"{file}: not checked: {reason}" for reason in report.unchecked.get(file, ())]
        lines.append(f"{file}: {_summary(faults, file in report.unchecked)}")
    return "\n".join(lines)


def _line(fault: Fault) -> str:
    place = ":".join(str(part) for part in (fault.file, fault.line, fault.column) if part)
    severity = click.style(fault.severity, fg=_COLOURS[fault.severity], bold=fault.severity == "error")
    where = f"#{fault.pointer}: " if fault.pointer else ""
    consequence = f"; {fault.consequence}" if fault.consequence else ""
    return f"{place}: {severity}: {where}{fault.message}{consequence} [{fault.rule_id}]"


def _summary(faults: Sequence[Fault], is_partial: bool) -> str:
    counts = Counter(fault.severity for fault in faults)
    shown = [_count(counts["error"], "error"), _count(counts["warning"], "warning")]
    shown += [_count(counts["note"], "note")] if counts["note"] else []
    return ", ".join(shown) + ("; a part was not checked" if is_partial else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def as_json(report: Report) -> str:
    """One object: `version`, `findings` in the order of the files, `unchecked`, and `counts` by severity."""
    findings = [
        {
            "rule": fault.rule_id,
            "severity": fault.severity,
            "file": fault.file,
            "line": fault.line or None,
            "column": fault.column or None,
            "pointer": fault.pointer,
            "message": fault.message,
            "consequence": fault.consequence,
        }
        for fault in report.faults
    ]
    body = {
        "version": VERSION,
        "files": list(report.by_file),
        "counts": {severity: report.counts[severity] for severity in _COLOURS},
        "unchecked": [
            {"file": file, "reason": reason} for file, reasons in report.unchecked.items() for reason in reasons
        ],
        "findings": findings,
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def sarif(report: Report) -> str:
    """A SARIF 2.1.0 log (OASIS), as code scanning services take it."""
    rules = list(dict.fromkeys(fault.rule_id for fault in report.faults))
    results = [_result(fault, rules) for fault in report.faults]
    notifications = [
        {"level": "error", "message": {"text": f"{file}: {reason}"}}
        for file, reasons in report.unchecked.items()
        for reason in reasons
    ]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "mockserver", "version": __version__, "rules": [{"id": rule} for rule in rules]}},
        "invocations": [{"executionSuccessful": not report.unchecked, "toolExecutionNotifications": notifications}],
        "results": results,
    }
    return orjson.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2).decode()


def _result(fault: Fault, rules: list[str]) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": fault.file.replace("\\", "/")}}
    if fault.line:
        location["region"] = {"startLine": fault.line, "startColumn": max(1, fault.column)}
    consequence = f"; {fault.consequence}" if fault.consequence else ""
    place: dict[str, Any] = {"physicalLocation": location}
    if fault.pointer:
        place["logicalLocations"] = [{"fullyQualifiedName": f"#{fault.pointer}"}]
    return {
        "ruleId": fault.rule_id,
        "ruleIndex": rules.index(fault.rule_id),
        "level": fault.severity,
        "message": {"text": fault.message + consequence},
        "locations": [place],
    }


def github(report: Report) -> str:
    """Workflow commands, which GitHub Actions shows beside the lines of a pull request."""
    lines = []
    for fault in report.faults:
        command = {"error": "error", "warning": "warning", "note": "notice"}[fault.severity]
        places = {"file": fault.file, "line": fault.line, "col": fault.column, "title": fault.rule_id}
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items() if value)
        where = f"#{fault.pointer}: " if fault.pointer else ""
        consequence = f"; {fault.consequence}" if fault.consequence else ""
        lines.append(f"::{command} {properties}::{_data(where + fault.message + consequence)}")
    for file, reasons in report.unchecked.items():
        lines += [f"::error file={_property(file)},title=not checked::{_data(reason)}" for reason in reasons]
    return "\n".join(lines)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[[Report], str]] = {"text": text, "json": as_json, "sarif": sarif, "github": github}
"""The forms of a report, by the names that `--format` takes."""

__all__ = ["FORMATS", "Report"]
