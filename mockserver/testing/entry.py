"""One exchange of the journal as a test reads it, and the line that a timeline shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    def why(self) -> list[str]:
        """Why it was answered so, in sentences; the first begins with the status."""
        return list(self.data["why"])

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
        head = f"#{entry['number']} {timestamp(entry['at'])[11:-1]} {entry['method']} {entry['path']}{query}"
        if not self._needs_reasons:
            return f"{head} {entry['status']}{''.join(f'  {fact}' for fact in self._facts())}"
        return "\n     ".join([f"{head}  {entry['why'][0]}", *entry["why"][1:], *entry["traceback"].splitlines()])

    @property
    def _needs_reasons(self) -> bool:
        """Whether it is more than an operation that was carried out, or a sample."""
        entry = self.data
        telling = ("rule", "lost", "violations", "defect", "reason")
        return not 100 <= entry["status"] < 400 or any(entry[name] for name in telling)

    def _facts(self) -> Iterator[str]:
        """What is to be said of an operation that was carried out, in a few words."""
        entry = self.data
        if entry["attempt"] > 1:
            early = f", {entry['early_by']:.2f} s too early" if entry["early_by"] else ""
            after = "" if entry["waited"] is None else f" after {entry['waited']:.2f} s"
            yield f"attempt {entry['attempt']}{after}{early}"
        if entry["changed"]:
            yield _changes(entry)
        if entry["charged"]:
            yield f"{entry['charged']:g} credit{'s' if entry['charged'] != 1 else ''}"


def _changes(entry: Mapping[str, Any]) -> str:
    """`added user_memories 3f2a`, or the number of rows when there are several."""
    named = [f"{change['change']} {change['table']} {change['id']}" for change in entry["changes"][:3]]
    more = entry["changed"] - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


__all__ = ["Entry"]
