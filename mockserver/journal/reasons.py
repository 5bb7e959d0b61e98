"""What decided how an exchange was answered, as parts of sentences, from what the journal keeps of it.

Must not know: where that is kept, contracts, scenarios, or who asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from mockserver.clock import timestamp
from mockserver.messages import Exchange, Limited, Side, Violation

MAX_VIOLATIONS = 3
"""Violations that a sentence names."""

LOST = {
    "reset_before": "resets the connection before anything is done",
    "reset_after_commit": "resets the connection after everything is done",
    "empty": "closes the connection without a byte after everything is done",
    "hang": "sends nothing until the client gives up",
}
_FAULTS = {
    "latency": "delays the response",
    "body": "damages the body",
    "content_type": "sends another content type",
    "drip": "sends the body in small pieces",
    "stream": "disturbs the stream",
    "webhooks": "disturbs the webhooks that follow",
    "billing_write": "loses the billing write: the rows stay and nothing is charged",
}
_ACTIONS = {
    "behaviour": "gives the items of the stream",
    "change": "changed the response",
    "then": "has something else done after the response",
}
"""What a rule does to a response that the operation makes."""
_GIVES = ("key", "limit", "content", "behaviour")
"""What a rule does that gives a response of its own."""
_PLAIN = ("No ", "Others ", "The ", "There ", "This ")
"""How reasons begin that go on within a sentence."""


def decision(exchange: Exchange) -> str:
    """What decided which response was made, as the rest of a sentence."""
    operation, reason = exchange.operation, exchange.reason
    if exchange.stage == "response":
        return _breach(exchange)
    if exchange.defect and reason and exchange.status == 500:
        return _failure(exchange)
    if exchange.limited is not None:
        return _limited(exchange, exchange.limited)
    if exchange.stage == "webhook":
        return f"the server sent {operation} to {exchange.request.path}" + (f": {reason}" if reason else "")
    if exchange.stage == "idempotency" and not reason:
        return "the same request was made before with this key: it has the response that it had then"
    if exchange.stage == "upstream":
        return reason[:1].lower() + reason[1:] if reason.startswith(_PLAIN) else reason or "the upstream answered"
    if exchange.stage == "rule":
        return f"{rule_text(exchange)} gives this response"
    client = [violation for violation in exchange.violations if violation.side == "client"]
    if client:
        return f"the request violates the contract: {violations_text(client)}"
    if reason.startswith(_PLAIN):
        return reason[0].lower() + reason[1:]
    if reason:
        return f"{operation} says: {reason}" if exchange.stage == "behaviour" else reason
    if exchange.stage == "route":
        return f"the path has {header(exchange, 'allow') or 'no operation'}"
    if exchange.stage == "prefer":
        return f"the request asks for it with `Prefer: {exchange.request.headers.get('prefer', '')[:100]}`"
    if exchange.stage == "sample":
        return f"{operation} keeps no state here: its response is a sample from the contract"
    return f"{operation or 'the operation'} was carried out"


def _limited(exchange: Exchange, limited: Limited) -> str:
    who = f"this {' and '.join(limited.callers)}" if limited.callers else "all callers together"
    since = _moment(limited.free_at - limited.window, exchange.at, math.floor)
    free = _moment(limited.free_at, exchange.at, math.ceil)
    requests = "1 request" if limited.max == 1 else f"{limited.max:,} requests"
    of = f" to {limited.requests}" if limited.requests else ""
    return f"{who} made {requests}{of} since {since}; the next is admitted at {free}"


def _breach(exchange: Exchange) -> str:
    """Which response violates the contract, with who made it."""
    if exchange.rule_action == "change":
        maker = f"the response as {rule_text(exchange)} changes it"
    elif exchange.rule_action in _GIVES and (exchange.rule_action == "behaviour" or not exchange.committed):
        maker = f"the response that {rule_text(exchange)} gives"
    elif place := exchange.defect.partition(" made by the behaviour ")[2].removesuffix(" breaks the contract"):
        maker = f"what the behaviour of {exchange.operation} ({place}) answers"
    else:
        maker = f"what the mock itself answers for {exchange.operation}"
    return f"{maker} violates the contract: {violations_text(exchange.violations, 'server')}"


def _failure(exchange: Exchange) -> str:
    """What failed, with whose it is."""
    if exchange.stage != "behaviour":
        return f"the mock itself failed: {exchange.defect}"
    if exchange.rule and exchange.defect.startswith("rule "):
        return f"a rule cannot do what it says: {exchange.defect}"
    return f"the behaviour of {exchange.operation} failed: {exchange.defect}"


def rule_deeds(exchange: Exchange) -> list[str]:
    """What the rule did beside giving a response of its own or losing it, as verbs of a sentence."""
    deeds = [_ACTIONS[exchange.rule_action]] if exchange.rule_action in _ACTIONS and _is_sent(exchange) else []
    waited = max(0.0, (exchange.replied_at or 0.0) - exchange.at)
    for name in exchange.faults:
        if name == "latency":
            deeds.append(f"delays the response, which went out after {waited:.3g} s")
        elif name == "billing_write":
            deeds += [_FAULTS[name]] if exchange.committed else []
        elif name in _FAULTS:
            deeds.append(_FAULTS[name])
    return deeds


def _is_sent(exchange: Exchange) -> bool:
    """Whether the response is the operation's own, from state or as a sample."""
    return exchange.stage in ("sample", "upstream") or (
        exchange.committed and exchange.stage == "behaviour" and not exchange.reason
    )


def rule_text(exchange: Exchange) -> str:
    """The rule that acted, with its place and which of its calls this was."""
    at = f" ({exchange.rule_at})" if exchange.rule_at else ""
    call = f" at call {exchange.rule_call}" if exchange.rule_call else ""
    return f"rule {exchange.rule!r}{at}{call}" if exchange.rule else "a rule"


def violations_text(violations: Sequence[Violation], side: Side | None = None) -> str:
    """The first violations with their places, of one side when that has any."""
    chosen = [violation for violation in violations if violation.side == side] or violations
    texts = [f"{violation.where} {violation.pointer}".strip() + f": {violation.message}" for violation in chosen]
    more = len(texts) - MAX_VIOLATIONS
    return "; ".join([*texts[:MAX_VIOLATIONS], *([f"and {more} more"] if more > 0 else [])])


def _moment(epoch: float, near: float, rounded: Callable[[float], int]) -> str:
    """A time of day to the millisecond, with its date when that is another one than that of `near`."""
    try:
        # A float cannot hold every millisecond: what is nearer than a microsecond to one is that one.
        whole = round(epoch * 1000)
        text = timestamp((whole if abs(epoch * 1000 - whole) < 0.001 else rounded(epoch * 1000)) / 1000)
        day = timestamp(near)[:10]
    except (ValueError, OverflowError, OSError):
        return f"{epoch:.3f}"
    time = text[11:-1].removesuffix(".000")
    return time if text.startswith(day) else f"{text[:10]} {time}"


def on_one_line(text: str) -> str:
    """A text without control characters, which are written as escapes: it cannot steer a terminal or forge a line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def header(exchange: Exchange, name: str) -> str:
    """A header of the response; "" when there is none."""
    return exchange.response.headers.get(name, "") if exchange.response is not None else ""
