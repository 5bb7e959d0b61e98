"""What a test is told of a sandbox that it used: its failures, its timeline, and both as one report.

Everything comes from the admin API. Must not know: pytest, or how a report is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mockserver.admin.client import AdminClient, difference_text, unfired_text
from mockserver.testing.entry import Entry

PAGE = 1000
"""Entries of the journal that are asked for at a time, and those that a timeline shows."""


class Failure(NamedTuple):
    """A reason why a test must not pass."""

    headline: str
    detail: str = ""
    """What follows the headline where the exchange is not shown."""
    number: int = 0
    """The exchange that shows the detail; 0 when there is none."""


class Reporter:
    """Reports on one sandbox.

    Args:
        admin: the sandbox's admin API.
        misses: what was wrong with the exchanges that came nearest to a failed assertion, by their numbers.
        allows_invalid: whether invalid requests were sent on purpose.
    """

    def __init__(self, admin: AdminClient, misses: Mapping[int, list[str]], allows_invalid: bool) -> None:
        self._admin = admin
        self._misses = misses
        self._allows_invalid = allows_invalid

    def timeline(self) -> list[str]:
        """The exchanges with their near misses, and the account."""
        return self._timeline(self._admin.journal(limit=PAGE))

    def report(self, strict: bool) -> list[str]:
        """The headline of every failure, then the timeline, each fact once."""
        journal = self._admin.journal(limit=PAGE)
        shown = {entry["number"] for entry in journal["entries"]}
        failures = self.failures(strict)
        lines = [f.headline if f.number in shown else f"{f.headline}{f.detail}" for f in failures]
        return [*lines, *([""] if lines else []), *self._timeline(journal)]

    def failures(self, strict: bool) -> list[Failure]:
        """Why a test must not pass that used the sandbox."""
        failures: list[Failure] = []
        invalid: list[Failure] = []
        counts = self._admin.show()
        looks_for_invalid = strict and not self._allows_invalid and counts["invalid"]
        for entry in read_journal(self._admin) if counts["defects"] or looks_for_invalid else ():
            sides = {violation["side"] for violation in entry.violations}
            number, detail = entry.data["number"], f"\n  {entry}"
            if entry.data["defect"] or "server" in sides:
                failures.append(Failure(f"the mock itself failed at #{number}", detail, number))
            elif "client" in sides:
                headline = f"an invalid request, #{number}; `mockserver.allow_invalid()` declares one"
                invalid.append(Failure(headline, detail, number))
        failures += _dropped(counts["defects"] - len(failures), "the mock itself failed", "; its log says why")
        invalid += _dropped(counts["invalid"] - len(invalid), "an invalid request", "")
        expected = self._admin.expectations()
        failures += [Failure(row["message"]) for row in expected["expectations"] if not row["ok"]]
        if strict:
            for rule in expected["unfired"]:
                headline, semicolon, nearest = unfired_text(rule).partition("; ")
                failures.append(Failure(headline, semicolon + nearest, rule["number"] or 0))
            failures += [] if self._allows_invalid else invalid
        return failures

    def _timeline(self, journal: Mapping[str, Any]) -> list[str]:
        remarks = self._remarks()
        entries = {entry["number"]: entry for entry in journal["entries"]}
        lines: list[str] = []
        for number, entry in entries.items():
            first = _paid_before(entry, entries)
            if first:
                remarks.setdefault(number, []).insert(0, f"paid twice, duplicate of #{first}")
            lines += [str(Entry(entry)), *(f"     {remark}" for remark in dict.fromkeys(remarks.get(number, [])))]
        earlier = journal["total"] - len(entries)
        lines = ([f"({earlier:,} earlier exchanges)"] if earlier else []) + (lines or ["no request came"])
        credits = self._admin.credits()
        return [*lines, f"credits: {credits['consumed']:g} consumed, {credits['remaining']:g} remaining"]

    def _remarks(self) -> dict[int, list[str]]:
        """The near misses, by the numbers of the exchanges."""
        remarks = {number: list(misses) for number, misses in self._misses.items()}
        for rule in self._admin.expectations()["unfired"]:
            if rule["number"] is not None:
                near_miss = f"near miss of rule {rule['rule']} ({rule['at']}): {difference_text(rule['differences'])}"
                remarks.setdefault(rule["number"], []).append(near_miss)
        return remarks


def read_journal(admin: AdminClient) -> list[Entry]:
    """The exchanges that the journal keeps, oldest first."""
    entries: list[Entry] = []
    while True:
        page = admin.journal(after=entries[-1].data["number"] if entries else 0, limit=PAGE)["entries"]
        entries += map(Entry, page)
        if len(page) < PAGE:
            return entries


def verdict_lines(operation: str, verdict: Mapping[str, Any]) -> list[str]:
    """What a failed assertion says: the nearest exchanges, those that differ alike together."""
    lines = [f"{operation}: found {verdict['found']} matching requests, expected {verdict['expected']}"]
    numbers: dict[str, list[str]] = {}
    for miss in verdict["near_misses"]:
        differences = [f"\n    {d['where']}: {d['found']}, expected {d['expected']}" for d in miss["differences"]]
        numbers.setdefault("".join(differences), []).append(f"#{miss['number']}")
    return [*lines, *(f"  nearest: {', '.join(same)}{differences}" for differences, same in numbers.items())]


def _paid_before(entry: Mapping[str, Any], entries: Mapping[int, Mapping[str, Any]]) -> int:
    """The number of an earlier attempt of the same call that was carried out and charged, as this one was; or 0."""

    def is_paid(attempt: Mapping[str, Any]) -> bool:
        return bool(attempt["committed"] and attempt["charged"])

    first, before = 0, entries.get(entry["retry_of"])
    while before is not None and is_paid(entry):
        first = before["number"] if is_paid(before) else first
        before = entries.get(before["retry_of"])
    return first


def _dropped(count: int, what: str, advice: str) -> list[Failure]:
    """What is known of exchanges that were counted and that the journal has dropped."""
    if count <= 0:
        return []
    times = "" if count == 1 else f" {count:,} times"
    return [Failure(f"{what}{times}, and the journal has dropped the exchange{advice}")]
