"""One exchange of the journal as a test reads it, and the line that a timeline shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.clock import timestamp
from mockserver.messages import JSON


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of the journal."""

    data: Mapping[str, Any]
    """Everything, as the admin API shows it."""

    @property
    def operation(self) -> str:
        """The operationId; "" when no operation has the path."""
        return str(self.data["operation"])

    @property
    def status(self) -> int:
        """The status that was answered; 0 when nothing was done."""
        return int(self.data["status"])

    @property
    def json(self) -> JSON:
        """The request's body."""
        return self.data["request"]["body"]

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers, in lower case, secrets masked."""
        return dict(self.data["request"]["headers"])

    @property
    def response(self) -> JSON:
        """The response's body; None when there was none."""
        response = self.data["response"]
        return response["body"] if response else None

    @property
    def rule(self) -> str:
        """The id of the scenario rule that acted; ""."""
        return str(self.data["rule"])

    @property
    def attempt(self) -> int:
        """1 for a first try, 2 for its retry."""
        return int(self.data["attempt"])

    @property
    def violations(self) -> list[dict[str, str]]:
        """Breaches of the contract, each with the side that made it."""
        return list(self.data["violations"])

    def __str__(self) -> str:
        entry = self.data
        query = f"?{entry['query']}" if entry["query"] else ""
        line = f"#{entry['number']} {timestamp(entry['at'])[11:-1]} {entry['method']} {entry['path']}{query}"
        line += f" {entry['status'] or 'no response'}"
        if entry["attempt"] > 1:
            line += f"  attempt {entry['attempt']} after {entry['waited']:.2f} s"
        if entry["early_by"]:
            line += f", {entry['early_by']:.2f} s too early"
        if entry["rule"]:
            line += f"  rule {entry['rule']} ({entry['rule_at']})"
        if entry["lost"]:
            line += f"  response lost: {entry['lost']}"
        if entry["changed"]:
            line += f"  {_changes(entry)}"
        if entry["charged"]:
            line += f"  {entry['charged']:g} credit{'s' if entry['charged'] != 1 else ''}"
        for violation in entry["violations"][:3]:
            where = f"{violation['where']} {violation['pointer']}".strip()
            line += f"\n     {violation['side']}: {where} {violation['message']}"
        if entry["reason"] and not entry["violations"] and not entry["defect"]:
            line += f"\n     {entry['stage'] or 'failure'}: {entry['reason']}"
        if entry["violates"]:
            line += f"\n     declared: {entry['violates']}"
        if entry["defect"]:
            line += f"\n     defect: {entry['defect']}"
        for row in entry["traceback"].splitlines():
            line += f"\n     {row}"
        return line


def _changes(entry: Mapping[str, Any]) -> str:
    """`added user_memories 3f2a`, or the number of rows when there are several."""
    named = [f"{change['change']} {change['table']} {change['id']}" for change in entry["changes"][:3]]
    more = entry["changed"] - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


__all__ = ["Entry"]
