"""Differences grouped by cause: one finding for each, with its smallest example and what would mend the contract.

Must not know: sockets, or how a report is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from mockserver.conform.differences import Action, Difference
from mockserver.conform.keywords import MASKED
from mockserver.conform.outcomes import Seen, evidence
from mockserver.conform.rules import RULES
from mockserver.contract import Contract
from mockserver.contract.diff.findings import location
from mockserver.journal.masking import SECRET_MEMBERS
from mockserver.messages import JSON, Request
from mockserver.text.documents import parts_of
from mockserver.text.findings import SEVERITIES, Finding, Side
from mockserver.text.jsontext import to_json

KNOWN = "x-known-differences"
"""The member of a document that names differences that are known and that no schema can say, by fingerprint."""
MAX_TEXT, MAX_MEMBERS = 200, 12
"""Characters and members of a value that an example shows."""
_REQUESTS = ("valid-rejected", "invalid-accepted", "unknown-accepted", "key-not-checked", "operation-missing")
Cause = tuple[str, str, str]
"""The rule, the place in the document, and the matter, with the header where it is one."""
Judged = tuple[Seen, Difference]


def by_cause(judged: Iterable[Judged]) -> dict[Cause, list[Judged]]:
    """The differences of each cause: the same rule, place and matter."""
    groups: dict[Cause, list[Judged]] = {}
    for seen, difference in judged:
        cause = difference.rule, difference.pointer, _matter(difference)
        groups.setdefault(cause, []).append((seen, difference))
    return groups


def finding_of(contract: Contract, group: list[Judged], total: int, shown: Callable[[Request], str]) -> Finding:
    """One cause as a finding.

    Args:
        contract: the contract that was judged by.
        group: the differences of the cause.
        total: how many responses were judged.
        shown: a request as a reader may see it.
    """
    seen, difference = min(group, key=lambda one: _size(*one))
    rule = RULES[difference.rule]
    operations = list(dict.fromkeys(one.case.operation for one, _ in group))
    named = tuple(_name(contract, id) for id in operations)
    responses = len({id(one) for one, _ in group})
    where = difference.where.removeprefix("/") and f"{difference.where} "
    is_about = difference.rule in _REQUESTS or difference.rule.startswith("recorded-")
    about = f" ({seen.case.about})" if seen.case.about and is_about else ""
    witness = evidence(seen, replace(difference, found=_short(difference)), shown(seen.request))
    side: Side = "request" if difference.rule in _REQUESTS else "response"
    found = Finding(
        difference.rule,
        rule.level,
        side,
        named,
        f"{where}{difference.detail}{about}",
        None,
        location(contract, difference.pointer),
        f"{rule.sentence} Seen in {responses:,} of {total:,} responses.",
        witness,
        _matter(difference),
        overlay=actions_of(group),
    )
    known = (contract.document.get(KNOWN) or {}).get(found.fingerprint)
    if isinstance(known, dict):
        found = replace(found, accepted=str(known.get("reason") or "known by the contract"))
    return found


def actions_of(group: list[Judged]) -> tuple[Action, ...]:
    """The actions of a cause, each once."""
    found: list[Action] = []
    for _, difference in group:
        found += [action for action in difference.actions if action not in found]
    return tuple(found)


def findings_of(
    contract: Contract, judged: Iterable[Judged], total: int, shown: Callable[[Request], str]
) -> list[Finding]:
    """A finding for each cause, the worst first, then as they came."""
    groups = by_cause(judged).values()
    found = [finding_of(contract, group, total, shown) for group in groups]
    return sorted(found, key=lambda finding: list(SEVERITIES).index(finding.level))


def _matter(difference: Difference) -> str:
    header = f"{difference.where} " if difference.where.startswith("header") else ""
    return f"{header}{difference.detail}"


def _name(contract: Contract, id: str) -> str:
    operation = contract.operations[id]
    return f"{operation.method} {operation.path}"


def _size(seen: Seen, difference: Difference) -> tuple[int, int]:
    """How much there is to read of an example."""
    return len(to_json(difference.found)), len(seen.request.path) + len(seen.request.query)


def _short(difference: Difference) -> JSON:
    """What was found, short and without secrets."""
    name = (parts_of(difference.where) or [""])[-1] if difference.where.startswith("/") else ""
    return MASKED if name.lower() in SECRET_MEMBERS else _brief(difference.found)


def _brief(value: JSON) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}…"
    if isinstance(value, int) and abs(value) >= 2**63:
        return str(value)  # more than programs that read reports may take for a number
    if isinstance(value, list):
        return [_brief(item) for item in value[:MAX_MEMBERS]]
    if isinstance(value, dict):
        return {
            name: MASKED if name.lower() in SECRET_MEMBERS and isinstance(item, str) else _brief(item)
            for name, item in list(value.items())[:MAX_MEMBERS]
        }
    return value


__all__ = ["KNOWN", "Cause", "Judged", "actions_of", "by_cause", "findings_of"]
