"""The file that says which findings are accepted, why and until when, and which rules have another level.

    version: 1
    accepted:
      - fingerprint: 3f0c9a5d21b7e846
        reason: no client sends this member
        expires: 2026-12-31
    levels:
      response-enum-value-added: risky

Must not know: the time; the day is passed in. Nor what the findings are about: the rules and levels that there are
are passed in too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from mockserver.errors import UserError, did_you_mean
from mockserver.text.documents import Locator, parse, read_text
from mockserver.text.findings import SEVERITIES, Finding, Level

MAX_BYTES = 1024 * 1024
_FINGERPRINT = re.compile("[0-9a-f]{16}")
_MEMBERS = ("version", "accepted", "levels")
_ENTRY = ("fingerprint", "reason", "expires")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One accepted finding."""

    fingerprint: str
    reason: str
    expires: date | None
    """The last day on which it counts; None for ever."""
    place: str
    """file:line of its entry."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a file of accepted findings says."""

    entries: tuple[Acceptance, ...] = ()
    levels: dict[str, Level] = field(default_factory=dict)

    def apply(self, findings: Iterable[Finding], today: date) -> list[Finding]:
        """The findings with their levels and acceptances, the worst first where a level is another one."""
        reasons = {
            entry.fingerprint: entry.reason for entry in self.entries if entry.expires is None or today <= entry.expires
        }
        applied = [
            replace(
                finding,
                level=self.levels.get(finding.rule, finding.level),
                accepted=reasons.get(finding.fingerprint, finding.accepted),
            )
            for finding in findings
        ]
        if self.levels:
            applied.sort(key=lambda finding: list(SEVERITIES).index(finding.level))
        return applied

    def notes(self, findings: Iterable[Finding], today: date) -> list[str]:
        """What is to be said of entries that do nothing: those that expired, and those that fit no finding."""
        known = {finding.fingerprint for finding in findings}
        notes = []
        for entry in self.entries:
            if entry.fingerprint not in known:
                gone = f"nothing has the fingerprint {entry.fingerprint} any more; remove the entry"
                notes.append(f"{entry.place}: {gone}")
            elif entry.expires is not None and today > entry.expires:
                notes.append(f"{entry.place}: {entry.fingerprint} was accepted until {entry.expires}")
        return notes


def read_accepted(path: Path, levels: Sequence[Level], rules: Collection[str] | None = None) -> Accepted:
    """Read a file of accepted findings.

    Args:
        path: the file.
        levels: those that a rule may be given.
        rules: the ids of all rules; None where they are not known.

    Raises:
        UserError: it cannot be read, or says something unknown; the message starts with file:line.
    """
    text = read_text(path, MAX_BYTES)
    return _Reader(str(path), text, levels, rules).read(parse(text, str(path)))


class _Reader:
    def __init__(self, name: str, text: str, levels: Sequence[Level], rules: Collection[str] | None) -> None:
        self._name, self._levels, self._rules = name, levels, rules
        self._locator = Locator(text)

    def _place(self, path: list[str | int]) -> str:
        return f"{self._name}:{self._locator.at(path)[0]}"

    def _error(self, path: list[str | int], message: str) -> UserError:
        return UserError(f"{self._place(path)}: {message}")

    def read(self, document: Any) -> Accepted:
        if not isinstance(document, dict):
            raise self._error([], "is no object with `version`, `accepted` and `levels`")
        self._known(document, _MEMBERS, [])
        if document.get("version") != 1:
            raise self._error(["version"], f"`version` is {document.get('version')!r}; this program reads version 1")
        entries = document.get("accepted") or []
        if not isinstance(entries, list):
            raise self._error(["accepted"], "`accepted` is no list")
        return Accepted(
            tuple(self._entry(entry, ["accepted", number]) for number, entry in enumerate(entries)),
            self._given_levels(document.get("levels") or {}),
        )

    def _known(self, node: dict[str, Any], names: Sequence[str], path: list[str | int]) -> None:
        for name in node:
            if name not in names:
                raise self._error([*path, name], f"`{name}` is not known{did_you_mean(str(name), names)}")

    def _entry(self, entry: Any, path: list[str | int]) -> Acceptance:
        if not isinstance(entry, dict):
            raise self._error(path, "is no object with `fingerprint` and `reason`")
        self._known(entry, _ENTRY, path)
        fingerprint, reason, expires = (entry.get(name) for name in _ENTRY)
        if not isinstance(fingerprint, str) or not _FINGERPRINT.fullmatch(fingerprint):
            raise self._error([*path, "fingerprint"], "`fingerprint` is not 16 hexadecimal digits; quote it")
        if not isinstance(reason, str) or not reason.strip():
            raise self._error(path, "has no `reason`; say why it is accepted")
        return Acceptance(fingerprint, reason, self._date(expires, [*path, "expires"]), self._place(path))

    def _date(self, value: Any, path: list[str | int]) -> date | None:
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._error(path, f"`expires` is {value!r}; write a day as 2026-12-31") from None

    def _given_levels(self, levels: Any) -> dict[str, Level]:
        if not isinstance(levels, dict):
            raise self._error(["levels"], "`levels` is no object of rule ids and levels")
        for rule, level in levels.items():
            if self._rules is not None and rule not in self._rules:
                raise self._error(["levels", rule], f"there is no rule {rule!r}{did_you_mean(str(rule), self._rules)}")
            if level not in self._levels:
                raise self._error(["levels", rule], f"the level is {level!r}; it may be {', '.join(self._levels)}")
        return dict(levels)


__all__ = ["Acceptance", "Accepted", "read_accepted"]
