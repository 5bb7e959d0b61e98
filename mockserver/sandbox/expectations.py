"""Judge a scenario now: its `expect`, and the rules that never acted, each with the exchange that came nearest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.journal.retries import judge as judge_retries
from mockserver.messages import Exchange
from mockserver.sandbox.sandbox import Sandbox
from mockserver.scenarios import CompiledRule, Facts, Scenario
from mockserver.text.jsontext import to_json
from mockserver.text.matchers import Difference
from mockserver.text.ranges import parse_range

if TYPE_CHECKING:
    from mockserver.scenarios.model import Expectation


@dataclass(frozen=True, slots=True)
class Judgement:
    """One expectation and whether it is met."""

    expect: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it is met."""
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        """The judgement as the admin API shows it."""
        return {"expect": self.expect, "ok": self.ok, "message": "; ".join(self.failures) or "met"}


def judge(sandbox: Sandbox) -> list[Judgement]:
    """Every expectation of the scenarios in force."""
    return [
        Judgement(expected.model_dump(exclude_none=True), tuple(_failures(sandbox, scenario, expected)))
        for scenario in sandbox.scenarios.values()
        for expected in scenario.model.expect
    ]


def _failures(sandbox: Sandbox, scenario: Scenario, expected: Expectation) -> list[str]:
    failures: list[str] = []

    def within(what: str, found: float, wanted: Any) -> None:
        if wanted is not None and not parse_range(wanted).holds(found):  # type: ignore[arg-type]
            failures.append(f"{what}: {found:g}, expected {parse_range(wanted)}")

    if expected.calls is not None:
        exchanges = [
            exchange
            for exchange in sandbox.exchanges()
            if expected.op in ("*", exchange.operation)
            and (expected.status is None or parse_range(expected.status).holds(exchange.status))
        ]
        status = f" with status {expected.status}" if expected.status is not None else ""
        within(f"calls of {expected.op}{status}", len(exchanges), expected.calls)
    if expected.fired is not None and expected.rule is not None:
        within(f"rule {expected.rule!r} fired", sandbox.fired(scenario, expected.rule), expected.fired)
    if expected.retries is not None:
        failures += judge_retries(sandbox.exchanges(), expected.retries)
    if expected.credits is not None:
        balance = sandbox.store.balance()
        within("credits remaining", balance.remaining, expected.credits.remaining)
        within("credits consumed", balance.consumed, expected.credits.consumed)
    for table, wanted in (expected.state or {}).items():
        partitions = sandbox.store.snapshot().tables.get(table, {})
        rows = [row for rows in partitions.values() for row in rows]
        within(f"rows of {table}", len(rows), wanted.count)
        if wanted.unique_by is not None:
            values = Counter(to_json(row.get(wanted.unique_by)) for row in rows)
            for value, count in values.items():
                if count > 1:
                    failures.append(f"{count} rows of {table} have the {wanted.unique_by} {value.decode()[:80]}")
    return failures


@dataclass(frozen=True, slots=True)
class Unfired:
    """A rule that never acted, and its near miss."""

    rule: str
    at: str
    """Where it stands: `file:line`."""
    nearest: Exchange | None
    """The exchange that came nearest; None when no operation of the API was called."""
    differences: list[Difference]

    def as_json(self) -> dict[str, Any]:
        """The rule as the admin API shows it."""
        return {
            "rule": self.rule,
            "at": self.at,
            "number": self.nearest.number if self.nearest else None,
            "differences": [difference.as_json() for difference in self.differences],
        }


def unfired(sandbox: Sandbox) -> list[Unfired]:
    """The rules of the scenarios in force that never acted."""
    exchanges: list[Exchange] | None = None
    found = []
    for scenario in sandbox.scenarios.values():
        for rule in scenario.rules:
            if not sandbox.fired(scenario, rule.id):
                exchanges = sandbox.exchanges() if exchanges is None else exchanges
                found.append(Unfired(rule.id, rule.at, *_nearest(sandbox, scenario, rule, exchanges)))
    return found


def _nearest(
    sandbox: Sandbox, scenario: Scenario, rule: CompiledRule, exchanges: list[Exchange]
) -> tuple[Exchange | None, list[Difference]]:
    """The exchange with the fewest differences, the newest among equals; another operation is the last choice."""
    operations = sandbox.operations(scenario)
    seen = [
        exchange for exchange in exchanges if exchange.operation in operations and exchange.api == scenario.model.api
    ]
    seen.sort(key=lambda exchange: (exchange.at, exchange.number))
    facts = {e.number: Facts(e.request, operations[e.operation], e.at - sandbox.started_at) for e in seen}
    concerned = {e.number for e in seen if e.operation in rule.operations and rule.concerns(facts[e.number])}
    # The journal may have lost its beginning; the counter has not.
    call = sandbox.counted(scenario, rule.id) - len(concerned)
    misses: list[tuple[Exchange, list[Difference]]] = []
    for exchange in seen:
        call += exchange.number in concerned
        random = scenario.random(rule, call, sandbox.terms.seed, sandbox.name)
        differences = rule.why(facts[exchange.number], call, random.random)
        if not differences:
            differences = [Difference("rule", f"{rule.id} to be the first that acts", exchange.rule or "none")]
        misses.append((exchange, differences))
    if not misses:
        return None, []
    return min(reversed(misses), key=lambda miss: (miss[0].operation not in rule.operations, len(miss[1])))
