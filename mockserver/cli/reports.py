"""Findings as a person and as programs read them: text, JSON, and GitHub's workflow commands.

The forms that are files of other tools are in `report_files`. Must not know: what was checked or compared, or how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import orjson

from mockserver.cli.common import brief, clean
from mockserver.text.findings import Finding, Level, Location, Severity
from mockserver.text.matchers import MISSING

VERSION = 1
"""Of the JSON form. It changes when a member is removed or means something else."""
_COLOURS: dict[Level, str] = {
    "error": "red",
    "warning": "yellow",
    "note": "cyan",
    "breaking": "red",
    "risky": "yellow",
    "safe": "green",
}
_MOST_TOUCHES = 8
"""Places of the project that a line names."""
_MOST_OPERATIONS = 3
"""Operations that a line names."""
_MOST_OF_ACTION = 200
"""Characters of an overlay's action that a line shows."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a command calls its levels and what it could not do."""

    levels: tuple[Level, ...]
    """The worst first."""
    counted: bool
    """Whether levels are nouns that are counted (`2 errors`) or adjectives (`2 breaking`)."""
    always: int
    """Levels that a summary names also when there is nothing of them."""
    undone: str
    """`not checked`, or `not compared`."""

    def summary(self, counts: Mapping[str, int], is_partial: bool) -> str:
        """`2 errors, 0 warnings`, or `0 breaking, 1 risky, 2 safe`."""
        shown = [
            f"{counts[level]:,} {level}{'s' if self.counted and counts[level] != 1 else ''}"
            for number, level in enumerate(self.levels)
            if number < self.always or counts[level]
        ]
        shown += [f"{counts['accepted']:,} accepted"] if counts["accepted"] else []
        return ", ".join(shown) + (f"; a part was {self.undone}" if is_partial else "")


CHECK = Words(("error", "warning", "note"), True, 2, "not checked")
CONFORM = Words(("error", "warning", "note"), True, 2, "not checked")
DIFF = Words(("breaking", "risky", "safe"), False, 3, "not compared")


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one or several subjects."""

    words: Words
    title: str
    """What was done, for the head of a page."""
    subjects: Mapping[str, Sequence[Finding]]
    """The findings of each file, or of a comparison, by its name."""
    unchecked: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Why something could not be checked, by subject; only of those where something could not."""
    notes: Sequence[str] = ()
    """What is worth knowing of the accepted findings."""
    tells_fingerprints: bool = False
    """Whether the text shows them, because they can be accepted."""

    @property
    def findings(self) -> list[Finding]:
        """All of them, in the order of their subjects."""
        return [finding for findings in self.subjects.values() for finding in findings]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Everything that could not be checked: the subject, and why."""
        return [(name, reason) for name, reasons in self.unchecked.items() for reason in reasons]

    @property
    def counts(self) -> Counter[str]:
        """Findings by level, those that are accepted under `accepted`."""
        return counted(self.findings)

    @property
    def summary(self) -> str:
        """How many there are of each level."""
        return self.words.summary(self.counts, bool(self.unchecked))


def counted(findings: Sequence[Finding]) -> Counter[str]:
    """Findings by level, those that are accepted under `accepted`."""
    return Counter("accepted" if finding.accepted else finding.level for finding in findings)


# -- text -----------------------------------------------------------------------------------------------


def text(report: Report) -> str:
    """A line or more for each finding, and one for each subject."""
    lines: list[str] = []
    notes = [f"note: {clean(note)}" for note in report.notes]
    for number, (name, findings) in enumerate(report.subjects.items(), 1):
        for finding in findings:
            lines += _lines(finding, report.tells_fingerprints)
        reasons = report.unchecked.get(name, ())
        prefix = f"{name}: " if len(report.subjects) > 1 or report.words is CHECK else ""
        lines += [f"{prefix}{report.words.undone}: {clean(reason)}" for reason in reasons]
        lines += notes if number == len(report.subjects) else []
        lines.append(f"{name}: {report.words.summary(counted(findings), bool(reasons))}")
    return "\n".join(lines)


def _lines(finding: Finding, tells_fingerprint: bool) -> list[str]:
    level = click.style(finding.level, fg=_COLOURS[finding.level], bold=finding.severity == "error")
    level = f"accepted ({level})" if finding.accepted else level
    head = f"{place_of(finding)}: {level}: {subject_of(finding)}{clean(finding.message)}"
    if not finding.operations:  # of a document: what follows from it belongs to the sentence
        lines = [f"{head}{f'; {clean(finding.why)}' if finding.why else ''} [{finding.rule}]"]
    else:
        lines = [f"{head} [{finding.rule}]", f"    {finding.why}"]
    if finding.witness is not MISSING:
        lines.append(f"    {evidence_of(finding)} {brief(finding.witness)}")
    lines += [f"    overlay: {brief(action, _MOST_OF_ACTION)}" for action in finding.overlay]
    if finding.touches:
        lines.append(f"    touches {touches_of(finding)}")
    if finding.accepted:
        lines.append(f"    accepted: {clean(finding.accepted)}")
    elif tells_fingerprint and finding.severity != "note":
        lines.append(f"    fingerprint {finding.fingerprint}")
    return lines


def touches_of(finding: Finding) -> str:
    """The first places that a finding touches, and how many more there are."""
    rest = len(finding.touches) - _MOST_TOUCHES
    return clean(", ".join(finding.touches[:_MOST_TOUCHES]) + (f" and {rest} more" if rest > 0 else ""))


def place_of(finding: Finding) -> str:
    """`new.yaml:7:3 (was old.yaml:9)`; a finding without a second place has its column."""
    if finding.new is None:
        return str(finding.old or "")
    if finding.old is not None:
        return f"{finding.new} (was {finding.old})"
    column = f":{finding.new.column}" if finding.new.column and not finding.operations else ""
    return f"{finding.new}{column}"


def subject_of(finding: Finding) -> str:
    """What a finding is about: operations, else the pointer, with a colon behind it; "" where neither is known."""
    if finding.operations:
        return f"{operations_of(finding)}: "
    return f"#{finding.place.pointer}: " if finding.place is not None and finding.place.pointer else ""


def operations_of(finding: Finding) -> str:
    """The first operations of a finding, and how many more there are."""
    shown = ", ".join(finding.operations[:_MOST_OPERATIONS])
    rest = len(finding.operations) - _MOST_OPERATIONS
    return clean(f"{shown} and {rest} more" if rest > 0 else shown)


def evidence_of(finding: Finding) -> str:
    """What the value of a finding shows."""
    if finding.level in CONFORM.levels:
        return "for example:"
    if finding.rule.startswith("request-"):
        return "accepted before, rejected now:"
    return "not possible before, possible now:"


# -- programs -------------------------------------------------------------------------------------------


def as_json(report: Report) -> str:
    """One object, as `mockserver schema findings` describes it."""
    body = {
        "version": VERSION,
        "subjects": list(report.subjects),
        "counts": {level: report.counts[level] for level in (*report.words.levels, "accepted")},
        "unchecked": [{"subject": name, "reason": reason} for name, reason in report.reasons],
        "notes": list(report.notes),
        "findings": [_as_object(finding) for finding in report.findings],
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()


def _as_object(finding: Finding) -> dict[str, Any]:
    body: dict[str, Any] = {
        "rule": finding.rule,
        "level": finding.level,
        "severity": finding.severity,
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
    if finding.touches:
        body["touches"] = list(finding.touches)
    if finding.overlay:
        body["overlay"] = list(finding.overlay)
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


_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


def github(report: Report) -> str:
    """Workflow commands, which GitHub Actions shows beside the lines of a pull request."""
    lines = []
    for finding in report.findings:
        if finding.accepted:
            continue
        place = finding.place or Location("", 0, 0, "")
        places = {"file": place.file, "line": place.line, "col": place.column, "title": finding.rule}
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items() if value)
        lines.append(f"::{_COMMANDS[finding.severity]} {properties}::{_data(sentence(finding))}")
    undone = report.words.undone
    lines += [f"::error file={_property(name)},title={undone}::{_data(reason)}" for name, reason in report.reasons]
    return "\n".join(lines)


def sentence(finding: Finding) -> str:
    """All that is to be said of a finding in one line, but for its place."""
    was = f" (was {finding.old})" if finding.new is not None and finding.old is not None else ""
    why = f"; {finding.why}" if finding.why else ""
    return f"{subject_of(finding)}{finding.message}{was}{why}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


Form = Callable[[Report], str]

__all__ = [
    "CHECK", "CONFORM", "DIFF", "Form", "Report", "Words", "as_json", "counted", "evidence_of", "github",
    "operations_of", "place_of", "sentence", "subject_of", "text", "touches_of",
]  # fmt: skip
