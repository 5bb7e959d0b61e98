"""Check a scenario now: its `expect`, and the rules that never acted, each with the exchange that came nearest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mockserver.contract import Contract
from mockserver.journal.retries import validate as check_retries
from mockserver.messages import Exchange
from mockserver.records import record
from mockserver.sandbox.outcomes import facts_of, not_the_first
from mockserver.sandbox.sandbox import Sandbox
from mockserver.sandbox.world import World
from mockserver.scenarios import CompiledRule, Scenario
from mockserver.state.store import members_of
from mockserver.text.jsontext import to_json
from mockserver.text.matchers import Difference
from mockserver.text.ranges import parse_range

if TYPE_CHECKING:
    from mockserver.scenarios.model import Expectation


@record(frozen=True)
class ExpectationResult:
    """One expectation and whether it is met."""

    expect: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it is met."""
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        """The result as the admin API shows it."""
        return {"expect": self.expect, "ok": self.ok, "message": "; ".join(self.failures) or "met"}


def check_expectations(sandbox: Sandbox) -> list[ExpectationResult]:
    """Every expectation of the scenarios in force."""
    world = sandbox.world
    return [
        ExpectationResult(expected.model_dump(exclude_none=True), tuple(_failures(world, scenario, expected)))
        for scenario in world.scenarios.values()
        for expected in scenario.model.expect
    ]


def _failures(world: World, scenario: Scenario, expected: Expectation) -> list[str]:
    failures: list[str] = []

    def check(what: str, number: float, allowed: Any) -> None:
        if allowed is not None and not parse_range(allowed).holds(number):  # type: ignore[arg-type]
            failures.append(f"{what}: {number:g}, expected {parse_range(allowed)}")

    if expected.calls is not None:
        statuses = None if expected.status is None else parse_range(expected.status)
        calls = world.store.find(
            lambda traits: expected.op in ("*", traits[0]) and (statuses is None or statuses.holds(traits[1]))
        )
        status = f" with status {expected.status}" if expected.status is not None else ""
        check(f"calls of {expected.op}{status}", len(calls), expected.calls)
    if expected.fired is not None and expected.rule is not None:
        check(f"rule {expected.rule!r} fired", world.fired(scenario, expected.rule), expected.fired)
    if expected.retries is not None:
        failures += check_retries(world.exchanges(), expected.retries)
    if expected.credits is not None:
        balance = world.store.balance()
        check("credits remaining", balance.remaining, expected.credits.remaining)
        check("credits consumed", balance.consumed, expected.credits.consumed)
    for table, rules in (expected.state or {}).items():
        partitions = world.store.snapshot().tables.get(table, {})
        rows = [members_of(row) for rows in partitions.values() for row in rows]
        check(f"rows of {table}", len(rows), rules.count)
        if rules.unique_by is not None:
            values = Counter(to_json(row.get(rules.unique_by)) for row in rows)
            for value, count in values.items():
                if count > 1:
                    failures.append(f"{count} rows of {table} have the {rules.unique_by} {value.decode()[:80]}")
    return failures


@record(frozen=True)
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
    world = sandbox.world
    exchanges: list[Exchange] | None = None
    rules = []
    for scenario in world.scenarios.values():
        contract = sandbox.contract(scenario)
        for rule in scenario.rules:
            if not world.fired(scenario, rule.id):
                exchanges = world.exchanges() if exchanges is None else exchanges
                rules.append(Unfired(rule.id, rule.at, *_nearest(world, contract, scenario, rule, exchanges)))
    return rules


def _nearest(
    world: World, contract: Contract, scenario: Scenario, rule: CompiledRule, exchanges: list[Exchange]
) -> tuple[Exchange | None, list[Difference]]:
    """The exchange with the fewest differences, the newest among equals; another operation is the last choice."""
    seen = [
        exchange
        for exchange in exchanges
        if exchange.operation in contract.operations and exchange.api == scenario.model.api
    ]
    seen.sort(key=lambda exchange: (exchange.at, exchange.number))
    facts = {e.number: facts_of(world, contract, e) for e in seen}
    concerned = {e.number for e in seen if e.operation in rule.operations and rule.concerns(facts[e.number])}
    # The journal may have lost its beginning; the counter has not.
    call = world.counted(scenario, rule.id) - len(concerned)
    misses: list[tuple[Exchange, list[Difference]]] = []
    for exchange in seen:
        call += exchange.number in concerned
        random = scenario.random(rule, call, world.terms.seed, world.sandbox)
        differences = rule.why(facts[exchange.number], call, random.random)
        if not differences:
            differences = [not_the_first(rule, exchange)]
        misses.append((exchange, differences))
    if not misses:
        return None, []
    return min(reversed(misses), key=lambda miss: (miss[0].operation not in rule.operations, len(miss[1])))
