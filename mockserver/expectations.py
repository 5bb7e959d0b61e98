"""Judge a scenario's `expect` now: what the client did, and what is in the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.documents import to_json
from mockserver.ranges import parse_range
from mockserver.retries import judge as judge_retries
from mockserver.sandbox import Sandbox
from mockserver.scenarios import Scenario

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
            for exchange in sandbox.store.exchanges()
            if expected.op in ("*", exchange.operation)
            and (expected.status is None or parse_range(expected.status).holds(exchange.status))
        ]
        status = f" with status {expected.status}" if expected.status is not None else ""
        within(f"calls of {expected.op}{status}", len(exchanges), expected.calls)
    if expected.fired is not None and expected.rule is not None:
        within(f"rule {expected.rule!r} fired", sandbox.fired(scenario, expected.rule), expected.fired)
    if expected.retries is not None:
        failures += judge_retries(sandbox.store.exchanges(), expected.retries)
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
