"""The stages that a request went through, with the one that decided, from what the journal keeps of the exchange.

Must not know: where that is kept, contracts, scenarios, or who asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from mockserver.journal.reasons import LOST, decision, header, on_one_line, rule_deeds, rule_text, violations_text
from mockserver.messages import Exchange
from mockserver.records import record

Outcome = Literal["passed", "acted", "decided"]
"""What became of a request at a stage: it went on; something was changed and it went on; its response was decided."""

_BEFORE = {
    "route": (),
    "key": ("route", "rule"),
    "limit": ("route", "rule", "key"),
    "prefer": ("route", "rule", "key", "limit", "validation"),
    "validation": ("route", "rule", "key", "limit"),
    "credits": ("route", "rule", "key", "limit", "validation"),
    "idempotency": ("route", "rule", "key", "limit", "validation"),
    "behaviour": ("route", "rule", "key", "limit", "validation", "credits"),
    "sample": ("route", "rule", "key", "limit", "validation"),
    "response": ("route", "rule", "key", "limit", "validation", "credits", "behaviour"),
    "upstream": ("route", "rule", "validation"),
}
"""The stages that let a request pass before one that decides. A rule is chosen at once, and acts later."""
_BEFORE_RULE = {
    "key": ("route",),
    "limit": ("route", "key"),
    "content": ("route", "key", "limit", "validation"),
    "behaviour": ("route", "key", "limit", "validation", "credits"),
}
"""The same before a rule's response, by where it is given."""


@record(frozen=True)
class Passage:
    """What became of a request at one stage."""

    stage: str
    """A Stage, or `fault`. A webhook, which the server itself sends, has the stage `webhook` alone."""
    outcome: Outcome
    note: str
    """What was found there, or what was done."""


def passages(exchange: Exchange) -> Iterator[Passage]:
    """The stages in the order of the request; exactly one decided which response arrived."""
    for stage, outcome, note in _passages(exchange):
        yield Passage(stage, outcome, on_one_line(note))


def _passages(exchange: Exchange) -> Iterator[tuple[str, Outcome, str]]:
    decider = exchange.stage or "route"
    if decider == "webhook":
        yield ("webhook", "decided", "a rule loses it" if exchange.lost else decision(exchange))
        return
    gives = exchange.rule_action in _BEFORE_RULE and decider in ("rule", "response") and not exchange.committed
    if exchange.lost == "reset_before":
        before: tuple[str, ...] = ("route", "rule")
    else:
        before = _BEFORE_RULE[exchange.rule_action] if gives else _BEFORE.get(decider, ("route",))
    for stage in before:
        if note := _passed(exchange, stage):
            yield (stage, "passed", note)
    if gives and decider == "response" and exchange.lost != "reset_before":
        yield ("rule", "acted", f"{rule_text(exchange)} gives the response")
    if exchange.lost != "reset_before":
        yield (decider, "acted" if exchange.lost else "decided", decision(exchange))
        is_checked = exchange.status and decider not in ("route", "response")
        if is_checked and not (exchange.defect and exchange.reason):
            yield _check(exchange)
    if exchange.lost:
        yield ("fault", "decided", LOST.get(exchange.lost, "loses the response"))
    elif exchange.faults:
        yield ("fault", "acted", ", ".join(rule_deeds(exchange)) or "the response is not one that it damages")


def _passed(exchange: Exchange, stage: str) -> str:
    """What is to be told of a stage that let the request pass; "" when the journal says nothing of it."""
    request = exchange.request
    if stage == "route" and not exchange.operation:
        return ""
    if stage == "route":
        return f"{request.method} {request.path} is {exchange.operation} of {exchange.api}"
    if stage == "rule":
        return f"{rule_text(exchange)} is the one that acts" if exchange.rule else ""
    if stage == "key":
        return "the key is accepted, or none is needed"
    if stage == "limit":
        left = header(exchange, "x-ratelimit-remaining")
        return f"{left} requests remain in the window" if left else "no limit refuses the request"
    if stage == "validation":
        if exchange.stage == "upstream" and any(violation.side == "client" for violation in exchange.violations):
            return f"the request violates the contract and goes on: {violations_text(exchange.violations, 'client')}"
        return "the request is valid" if exchange.stage != "prefer" or _is_late(exchange.status) else ""
    if stage == "credits":
        return f"the account can pay {exchange.charged:g}" if exchange.charged else ""
    if stage == "behaviour":
        return f"{exchange.operation} was carried out" if exchange.committed else ""
    return ""


def _is_late(status: int) -> bool:
    """Whether a status that `Prefer` asks for is given after validation, which `scenarios.stages` says of rules."""
    return status not in (400, 401, 403, 408, 413, 415, 422, 429) and status < 500


def _check(exchange: Exchange) -> tuple[str, Outcome, str]:
    declared = [violation for violation in exchange.violations if violation.side == "declared"]
    if declared:
        return ("response", "acted", f"violates the contract as the rule declares: {violations_text(declared)}")
    if exchange.stage == "upstream" and (not exchange.operation or exchange.reason):
        return ("response", "passed", "the response is not checked")
    for side in ("server", "upstream"):
        if any(violation.side == side for violation in exchange.violations):
            return ("response", "acted", f"violates the contract: {violations_text(exchange.violations, side)}")
    return ("response", "passed", "the response is valid")
