"""Why an exchange was answered as it was: sentences for a person, and the stages that the request went through.

Must not know: where the exchange is kept, contracts, scenarios, or who asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from mockserver.journal.passages import Passage, passages
from mockserver.journal.reasons import LOST, decision, on_one_line, rule_deeds, rule_text, violations_text
from mockserver.journal.retries import Attempt
from mockserver.messages import JSON, Exchange
from mockserver.records import record

MAX_ROWS = 3
"""Rows that a sentence names."""


@record(frozen=True)
class Why:
    """Why an exchange was answered as it was."""

    sentences: tuple[str, ...]
    """The first says what was answered and why; the others say what else a reader has to know."""
    stages: tuple[Passage, ...]
    """The stages in the order in which the request went through them. One that leaves no trace in the journal is not
    told; exactly one has the outcome `decided`."""

    def as_json(self) -> dict[str, JSON]:
        """As the admin API shows it."""
        return {"sentences": list(self.sentences), "stages": [asdict(passage) for passage in self.stages]}


def why(exchange: Exchange, attempt: Attempt | None = None) -> Why:
    """Why an exchange was answered as it was.

    Args:
        exchange: as the journal keeps it.
        attempt: which attempt of its call it is, where that is known.
    """
    return Why(tuple(sentences(exchange, attempt)), tuple(passages(exchange)))


def sentences(exchange: Exchange, attempt: Attempt | None = None) -> Iterator[str]:
    """The sentences alone."""
    if exchange.stage == "webhook" and exchange.lost:
        yield "The webhook was not sent, because the rule that caused it loses it."
    elif exchange.lost:
        yield _ended(f"No response arrived, because {rule_text(exchange)} {LOST.get(exchange.lost, 'loses it')}")
        if exchange.status:
            yield _ended(f"It would have been {exchange.status}, because {decision(exchange)}")
    else:
        yield _ended(f"{exchange.status or 'No response'}, because {decision(exchange)}")
    yield from _rule_sentences(exchange)
    if exchange.stage == "upstream":
        yield from _drift(exchange)
    yield from _effects(exchange)
    if attempt is not None and attempt.number > 1:
        yield _attempt(attempt)


def _rule_sentences(exchange: Exchange) -> Iterator[str]:
    if not exchange.rule:
        return
    deeds = rule_deeds(exchange)
    is_named = bool(exchange.lost) or rule_text(exchange) in decision(exchange) or exchange.defect.startswith("rule ")
    if deeds:
        yield _ended(f"{'The rule' if is_named else _capital(rule_text(exchange))} {', '.join(deeds)}")
    elif not is_named:
        yield _ended(f"{_capital(rule_text(exchange))} was to act, and the request did not come so far")
    if exchange.violates:
        declared = [violation for violation in exchange.violations if violation.side == "declared"]
        where = f": {violations_text(declared)}" if declared else ""
        yield _ended(f"The rule declares a violation of the contract ({exchange.violates!r}){where}")


def _drift(exchange: Exchange) -> Iterator[str]:
    """What of an exchange with the real API is not as the contract has it."""
    sides = {violation.side for violation in exchange.violations}
    if "client" in sides:
        yield _ended(f"The request violates the contract: {violations_text(exchange.violations, 'client')}")
    if "upstream" in sides:
        yield _ended(f"The upstream violates the contract: {violations_text(exchange.violations, 'upstream')}")


def _effects(exchange: Exchange) -> Iterator[str]:
    if exchange.changed:
        yield _ended(f"The operation {_changes(exchange)}")
    if exchange.charged:
        yield "1 credit was charged." if exchange.charged == 1 else f"{exchange.charged:g} credits were charged."
    elif exchange.stage == "credits" and exchange.status == 402:
        yield "Nothing was done and nothing was charged."
    if exchange.defect and exchange.status != 500:
        yield _ended(f"The mock is at fault: {exchange.defect}")


def _changes(exchange: Exchange) -> str:
    """What was done to which rows: each of a few, or how many when they are of one kind."""
    kinds = {(kind, table) for kind, table, _ in exchange.changes}
    if exchange.changed > MAX_ROWS and len(kinds) == 1:
        kind, table, first = exchange.changes[0]
        return f"{kind} {exchange.changed:,} rows of {table}, the first of them {first}"
    rows = [f"{kind} {table} {id}" for kind, table, id in exchange.changes[:MAX_ROWS]]
    more = exchange.changed - len(rows)
    return ", ".join(rows) + (f" and changed {more:,} more" if more > 0 else "")


def _attempt(attempt: Attempt) -> str:
    if attempt.of is None:
        return f"By the client's count it is attempt {attempt.number}; the one before it is not in the journal."
    asked = "" if attempt.retry_after is None else f", which asked to wait {attempt.retry_after:g} s"
    early = f": {attempt.early_by:.2f} s too early" if attempt.early_by else ""
    waited = f"{attempt.waited or 0.0:.2f} s"
    return f"It is attempt {attempt.number}, sent {waited} after the response of #{attempt.of}{asked}{early}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ended(sentence: str) -> str:
    """A whole sentence on one line."""
    return on_one_line(sentence if sentence.endswith((".", "?", "!")) else f"{sentence}.")
