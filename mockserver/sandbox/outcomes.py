"""What each rule of a scenario made of one exchange: it acted, or why it did not.

Works from the journal, after the fact. Flags are looked at as they are now. Must not know: who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.contract import Contract
from mockserver.contract.router import split
from mockserver.journal import entries as journal
from mockserver.messages import Exchange
from mockserver.records import record
from mockserver.sandbox.sandbox import Sandbox
from mockserver.sandbox.world import World
from mockserver.scenarios import CompiledRule, Facts, Scenario
from mockserver.scenarios.library import bundled_scenarios
from mockserver.text.blocks import Line, block
from mockserver.text.documents import read_text
from mockserver.text.fields import sandbox_in
from mockserver.text.matchers import Difference


@record(frozen=True)
class Outcome:
    """What a rule made of an exchange."""

    rule: str
    at: str
    """Where it stands: `file:line`."""
    acted: bool
    nearest: bool
    """Whether it is the one that came nearest of those that did not act."""
    differences: list[Difference]
    """Why it did not act; none when it did."""
    lines: list[Line]
    """What is written there."""

    def as_json(self) -> dict[str, Any]:
        """As the admin API shows it."""
        return {
            "rule": self.rule,
            "at": self.at,
            "acted": self.acted,
            "nearest": self.nearest,
            "differences": [difference.as_json() for difference in self.differences],
            "lines": [line._asdict() for line in self.lines],
        }


def outcomes(sandbox: Sandbox, exchange: Exchange) -> list[Outcome]:
    """The rules in force for the API of an exchange, in their order; none where no rule was asked."""
    world = sandbox.world
    scenario = world.scenarios.get(exchange.api)
    if scenario is None or exchange.stage == "webhook":
        return []
    contract = sandbox.contract(scenario)
    if exchange.operation not in contract.operations:
        found = exchange.operation or "no operation"
        return [
            Outcome(rule.id, rule.at, False, False, [_other_operation(rule, found)], _lines(scenario, rule))
            for rule in scenario.rules
        ]
    facts = facts_of(world, contract, exchange)
    why = {rule.id: _why(world, contract, scenario, rule, facts, exchange) for rule in scenario.rules}
    acting = (exchange.rule, exchange.rule_at)
    idle = [rule for rule in scenario.rules if (rule.id, rule.at) != acting and exchange.operation in rule.operations]
    nearest = min(idle, key=lambda rule: len(why[rule.id]), default=None)
    return [
        Outcome(
            rule.id,
            rule.at,
            (rule.id, rule.at) == acting,
            rule is nearest,
            [] if (rule.id, rule.at) == acting else why[rule.id],
            _lines(scenario, rule),
        )
        for rule in scenario.rules
    ]


def facts_of(world: World, contract: Contract, exchange: Exchange) -> Facts:
    """What the rules had to look at when an exchange began. Its operation must be one of the contract."""
    operation = contract.operations[exchange.operation]
    segments = split(sandbox_in(exchange.request.path)[1])
    variables: Mapping[str, str] = {}
    for start in (0, 1):  # the API's own name may stand before its path
        matched, values, _ = contract.match(exchange.request.method, segments[start:])
        if matched is operation:
            variables = values
            break
    return Facts(exchange.request, operation, exchange.at - world.started_at, variables, world.has_flag)


def not_the_first(rule: CompiledRule, exchange: Exchange) -> Difference:
    """Why a rule did not act whose conditions were all met."""
    return Difference("rule", f"{rule.id} to be the first that acts", exchange.rule or "none")


def _other_operation(rule: CompiledRule, found: str) -> Difference:
    return Difference("operation", " or ".join(sorted(rule.operations)), found)


def _why(
    world: World, contract: Contract, scenario: Scenario, rule: CompiledRule, facts: Facts, exchange: Exchange
) -> list[Difference]:
    call = 0
    if exchange.operation in rule.operations and rule.concerns(facts):
        # The journal may have lost its beginning; the counter has not, so what came later is taken from it.
        call = world.counted(scenario, rule.id) - _later(world, contract, rule, exchange)
    random = scenario.random(rule, call, world.terms.seed, world.sandbox)
    return rule.why(facts, call, random.random) or [not_the_first(rule, exchange)]


def _later(world: World, contract: Contract, rule: CompiledRule, exchange: Exchange) -> int:
    """How many later exchanges a rule was concerned with."""
    numbers = [
        number for number in world.store.find(lambda traits: traits[0] in rule.operations) if number > exchange.number
    ]
    return sum(
        rule.concerns(facts_of(world, contract, later))
        for later in journal.decode_all(world.store.entries_of(numbers))
        if later.api == exchange.api
    )


def _lines(scenario: Scenario, rule: CompiledRule) -> list[Line]:
    """The lines of a rule, where the text of its file is at hand."""
    file, _, line = rule.at.rpartition(":")
    texts = dict(zip((scenario.origin.file, *scenario.files[1:]), scenario.origin.texts, strict=False))
    bundled = bundled_scenarios().get(file.removesuffix(".yaml"))
    text = texts.get(file) or ("" if bundled is None else read_text(bundled, 1024 * 1024))
    return block(text.split("\n"), int(line) if line.isdecimal() else 0)


__all__ = ["Outcome", "facts_of", "not_the_first", "outcomes"]
