"""Validate how a client retried: which exchanges are attempts of one call, and how long it waited.

The journal knows exchanges; a client makes calls of one or more attempts. An exchange is a retry
of an earlier one with the same fingerprint that failed in a way clients retry, or when the header
`x-stainless-retry-count` says so: it counts 0, 1, 2 over the attempts of one call in every client
that Stainless generates, the vendor's among them (api-facts A2, 39), so 0 always starts a new call.
A client without that header which repeats a failed call by itself looks like one that retries.

What a response asked is read as those clients read it: `retry-after-ms` as a number of milliseconds,
then `Retry-After` as a number of seconds, then as an HTTP-date (api-facts A2, 35; RFC 9110, 10.2.3).
They ignore what is not above zero, so it asks nothing here. The response of a lost exchange asks
nothing either: nobody read it. A wait is measured from start to start of the attempts, on the
sandbox's clock, so it includes the time that the earlier one took.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC
from email.utils import parsedate_to_datetime

from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON, Exchange
from mockserver.records import record

TOLERANCE = 0.01
"""Seconds too early that still count as on time: timers and floating point are no finer."""
JITTER = 0.75
"""The share of a delay that a client may wait: the vendor's takes up to 25 % off (api-facts A2, 36)."""
MIN_BACKOFF = 0.1
"""Seconds below which a wait is no backing off."""
MAX_OPEN = 100
"""Exchanges with one fingerprint among which the attempt before is looked for, the latest ones."""

Fingerprint = tuple[str, str, str, str, str, bytes]
Candidate = tuple[Exchange, bool]
"""An exchange that may be retried yet, and whether clients retry what it met."""


@record(frozen=True)
class Attempt:
    """One exchange as an attempt of a call."""

    number: int
    """From 1."""
    of: int | None = None
    """The number of the exchange that it retries."""
    waited: float | None = None
    """Seconds on the sandbox's clock since the previous attempt."""
    retry_after: float | None = None
    """Seconds that the previous response asked for."""
    early_by: float = 0.0
    """Seconds that it came too early; 0 when it did not."""


def annotate(exchanges: Iterable[Exchange]) -> dict[int, Attempt]:
    """Every exchange's number in the journal with what it is an attempt of."""
    attempts: dict[int, Attempt] = {}
    open_calls: dict[Fingerprint, list[Candidate]] = defaultdict(list)
    # A request that hung is recorded after its retry, so the order of the numbers is not that of the starts.
    for exchange in sorted(exchanges, key=lambda exchange: (exchange.at, exchange.number)):
        candidates = open_calls[_fingerprint(exchange)]
        count = _retry_count(exchange)
        place = _previous(exchange, count, candidates, attempts)
        if place is not None:
            previous, _ = candidates.pop(place)
            attempts[exchange.number] = _attempt(exchange, count, previous, attempts[previous.number])
        else:
            attempts[exchange.number] = Attempt((count or 0) + 1)
        candidates.append((exchange, _retryable(exchange)))
        del candidates[:-MAX_OPEN]
    return attempts


def _fingerprint(exchange: Exchange) -> Fingerprint:
    request = exchange.request
    return (exchange.sandbox, exchange.api, request.method, request.path, request.query, request.body)


def _retry_count(exchange: Exchange) -> int | None:
    """What the client says about how often it has retried; None when it says nothing."""
    text = exchange.request.headers.get("x-stainless-retry-count", "")
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else None


def _previous(
    exchange: Exchange, count: int | None, candidates: list[Candidate], attempts: dict[int, Attempt]
) -> int | None:
    """The place of the attempt before this one among earlier ones that have not been retried, oldest first."""
    if count == 0:
        return None
    if count is None:
        for place in range(len(candidates) - 1, -1, -1):
            earlier, is_retryable = candidates[place]
            # One that was not lost is recorded when it is answered; a higher number was still on its way.
            if is_retryable and (earlier.lost or earlier.number < exchange.number):
                return place
        return None
    # The client says that it retried, whatever we answered: it may have given up waiting for it.
    numbered = [(attempts[earlier.number].number, is_retryable) for earlier, is_retryable in candidates]
    before = [(number == count, again, place) for place, (number, again) in enumerate(numbered) if number <= count]
    return max(before)[2] if before else None


def _retryable(exchange: Exchange) -> bool:
    """Whether clients retry what this one met. They do not retry 402, which is here to catch one that does."""
    if exchange.lost or exchange.status in (402, 408, 409, 429) or exchange.status >= 500:
        return True
    return exchange.status >= 400 and _header(exchange, "x-should-retry") == "true"


def _attempt(exchange: Exchange, count: int | None, previous: Exchange, before: Attempt) -> Attempt:
    replied_at = previous.at if previous.replied_at is None else previous.replied_at
    waited = max(0.0, round(exchange.at - replied_at, 6))
    asked = asked_to_wait(previous)
    early = round(asked - waited, 6) if asked is not None else 0.0
    number = count + 1 if count else before.number + 1
    return Attempt(number, previous.number, waited, asked, early if early > TOLERANCE else 0.0)


_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def asked_to_wait(exchange: Exchange) -> float | None:
    """Seconds that a response asked to wait; None when it asked nothing that a client can follow."""
    if exchange.lost:
        return None
    milliseconds = _header(exchange, "retry-after-ms").strip()
    text = _header(exchange, "retry-after").strip()
    if _NUMBER.fullmatch(milliseconds):
        seconds = float(milliseconds) / 1000
    elif _NUMBER.fullmatch(text):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            # RFC 9110 has GMT only; a date that says -0000 comes without a zone.
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - exchange.at
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    # What is left of a millionth of a second is the rounding of a date, or nobody's wait.
    return round(seconds, 6) if 0.000_001 <= seconds < float("inf") else None


def _header(exchange: Exchange, name: str) -> str:
    """A header of the response; empty when there is none."""
    return exchange.response.headers.get(name, "") if exchange.response else ""


@record(frozen=True)
class Verdict:
    """How a client behaved in one call that was retried, or that failed in a way clients retry."""

    operation: str
    """Its operationId, or the method and the path of one that is none."""
    attempts: tuple[int, ...]
    """The numbers of its exchanges."""
    retries: int
    """How often it was tried again, also when the first attempt is no longer in the journal."""
    honoured_retry_after: bool | None
    """No retry came earlier than the response before it asked; None when none asked."""
    early_by: float
    """Seconds that the worst retry came too early."""
    backed_off: bool | None
    """Where nothing was asked: every wait was at least MIN_BACKOFF and at least JITTER of the longest
    such wait before it, so delays may level off but not shrink. None when there is no such wait."""
    capped: bool | None
    """A retry waited less than JITTER of what was asked: the client cuts or ignores it. None when none asked."""
    stopped_at_402: bool | None
    """A 402 was the end of it; None when there was none, or one that said `x-should-retry: true`."""
    duplicated: bool
    """More than one attempt was carried out, and charged or made a row: the client tried again for want of a response.
    One that an idempotency key answered was not carried out."""
    gave_up: bool
    """The last attempt failed as well."""
    story: str

    def explain(self) -> str:
        """What happened, on one line."""
        return self.story

    def as_json(self) -> dict[str, JSON]:
        """The verdict as the admin API shows it."""
        fields = asdict(self)
        story = fields.pop("story")
        return {**fields, "attempts": list(self.attempts), "explain": story}


def verdicts(exchanges: Iterable[Exchange]) -> list[Verdict]:
    """One verdict for each call that was retried, or that ended lost, in 402, or in a status that clients retry."""
    known = [exchange for exchange in exchanges if exchange.stage != "webhook"]  # which the server itself sent
    attempts = annotate(known)
    chains: dict[int, list[Exchange]] = {}
    for exchange in sorted(known, key=lambda exchange: (exchange.at, exchange.number)):
        of = attempts[exchange.number].of
        chain = chains.pop(of) if of is not None else []
        chains[exchange.number] = [*chain, exchange]
    worth = [chain for last, chain in chains.items() if attempts[last].number > 1 or _unanswered(chain[-1])]
    worth.sort(key=lambda chain: (chain[0].at, chain[0].number))
    return [_verdict(chain, [attempts[exchange.number] for exchange in chain]) for chain in worth]


def _unanswered(exchange: Exchange) -> bool:
    """Whether a good client may have tried again and did not; or must not have, after a 402."""
    return _retryable(exchange) and (bool(exchange.lost) or _header(exchange, "x-should-retry") != "false")


def _verdict(chain: list[Exchange], attempts: list[Attempt]) -> Verdict:
    asked = [(a.waited or 0.0, a.retry_after) for a in attempts if a.retry_after is not None]
    free = [a.waited for a in attempts if a.retry_after is None and a.waited is not None]
    early = max(a.early_by for a in attempts)
    refused = [e for e in chain if e.status == 402 and not e.lost and _header(e, "x-should-retry") != "true"]
    done = [exchange for exchange in chain if exchange.committed and (exchange.charged > 0 or _adds(exchange))]
    paid = [exchange.number for exchange in done]
    last, request = chain[-1], chain[0].request
    return Verdict(
        operation=chain[0].operation or f"{request.method} {request.path}",
        attempts=tuple(exchange.number for exchange in chain),
        retries=attempts[-1].number - 1,
        honoured_retry_after=not early if asked else None,
        early_by=early,
        backed_off=_backed_off(free) if free else None,
        capped=any(waited < JITTER * seconds - TOLERANCE for waited, seconds in asked) if asked else None,
        stopped_at_402=refused[0] is last if refused else None,
        duplicated=len(paid) > 1,
        gave_up=_failed(last),
        story=_story(chain, attempts, done),
    )


def _adds(exchange: Exchange) -> bool:
    """Whether it made a row, so that doing it twice makes two."""
    return exchange.request.method == "POST" and any(kind == "added" for kind, _, _ in exchange.changes)


def _failed(exchange: Exchange) -> bool:
    return bool(exchange.lost) or not 100 <= exchange.status < 400


def _backed_off(waits: list[float]) -> bool:
    longest = 0.0
    for waited in waits:
        if waited < max(MIN_BACKOFF, JITTER * longest) - TOLERANCE:
            return False
        longest = max(longest, waited)
    return True


def _story(chain: list[Exchange], attempts: list[Attempt], done: list[Exchange]) -> str:
    by_number = {exchange.number: exchange for exchange in chain}
    parts = []
    for attempt in attempts:
        if attempt.of is not None:
            early = f", {attempt.early_by:.2f} s too early" if attempt.early_by else ""
            response = _response(by_number[attempt.of])
            parts.append(f"attempt {attempt.number} came after {attempt.waited:.2f} s{early}; {response}")
        elif attempt.number > 1:
            parts.append(f"attempt {attempt.number} came; the one before it is not in the journal")
    if len(done) > 1:
        how = "carried out and charged" if any(exchange.charged for exchange in done) else "carried out"
        parts.append(f"{how} {len(done)} times (#{', #'.join(str(exchange.number) for exchange in done)})")
    if _failed(chain[-1]):
        count = attempts[-1].number
        parts.append(f"ended with {_outcome(chain[-1])} after {count} attempt{'s' if count > 1 else ''}")
    return "; ".join(parts)


def _response(exchange: Exchange) -> str:
    """What a response said about trying again, in its own words."""
    said = [(name, _header(exchange, name.lower())) for name in ("retry-after-ms", "Retry-After", "x-should-retry")]
    words = [f"{name}: {value[:60]}" for name, value in said if value]
    if exchange.lost or not words:
        return f"{_outcome(exchange)} asked nothing"
    text = f"{_outcome(exchange)} said {', '.join(words)}"
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _outcome(exchange: Exchange) -> str:
    return f"a lost response ({exchange.lost})" if exchange.lost else str(exchange.status or "no response")


RETRY_RULES: dict[str, Callable[[Verdict], bool]] = {
    "honour_retry_after": lambda verdict: verdict.honoured_retry_after is not False,
    "back_off": lambda verdict: verdict.backed_off is not False,
    "stop_at_402": lambda verdict: verdict.stopped_at_402 is not False,
    "no_duplicates": lambda verdict: not verdict.duplicated,
    "recover": lambda verdict: not verdict.gave_up or verdict.stopped_at_402 is True,
    "none": lambda verdict: verdict.retries == 0,
}
"""What a scenario may expect of a client's retries; a rule holds for a verdict or it does not.

`recover` is that every call that failed in a way clients retry succeeded in the end (a 402 is for a
person to solve); `none` is that nothing was retried.
"""


def validate(exchanges: Iterable[Exchange], rule: str) -> list[str]:
    """Where the client broke a rule of RETRY_RULES, a line each; nothing when it is met. Raises UserError."""
    holds = RETRY_RULES.get(rule)
    if holds is None:
        raise UserError(
            f"{rule!r} is no rule for retries{did_you_mean(rule, RETRY_RULES)} (there are {', '.join(RETRY_RULES)})"
        )
    broken = [verdict for verdict in verdicts(exchanges) if not holds(verdict)]
    return [f"{verdict.operation}: {verdict.explain()}" for verdict in broken]
