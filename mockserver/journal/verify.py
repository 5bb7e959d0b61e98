"""Assert on the journal: which exchanges are meant, how many or in what order, and what came closest.

Pure functions over exchanges. When what was expected did not happen, the verdict holds the near
misses, each with its differences field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON, Exchange, Traits
from mockserver.records import record
from mockserver.text.fields import query_values
from mockserver.text.jsontext import json_or_text
from mockserver.text.matchers import MISSING, Difference, Matcher, compile_fields, compile_matcher, show
from mockserver.text.ranges import Range, parse_range

MAX_NEAR_MISSES = 3


class Bodies:
    """The request bodies of exchanges as values, each read once.

    Args:
        read: reads a body, as the contract does that the exchange is about; as JSON when None.
    """

    def __init__(self, read: Callable[[Exchange], JSON] | None = None) -> None:
        self._read = read or (lambda exchange: parse_body(exchange.request.body))
        self._known: dict[int, tuple[Exchange, JSON]] = {}

    def of(self, exchange: Exchange) -> JSON:
        """The body's value; MISSING when there is none."""
        known = self._known.get(id(exchange))
        if known is None:
            known = self._known[id(exchange)] = (exchange, self._read(exchange))
        return known[1]


def parse_body(body: bytes) -> JSON:
    """A body's JSON value, or its text when it is not JSON; MISSING when it is empty."""
    return json_or_text(body) if body else MISSING


@record()
class Criteria:
    """Which exchanges are meant: those for which everything that is given holds."""

    operation: str = ""
    """An operationId; empty or `*` is any, also none."""
    method: str = ""
    path: str = ""
    """As sent, or without the sandbox's and the API's prefix; `*` or `{name}` is any one segment."""
    status: Range | None = None
    body: Matcher | None = None
    header: dict[str, Matcher] = field(default_factory=dict)
    """By lower-case name."""
    query: dict[str, Matcher] = field(default_factory=dict)
    rule: str = ""

    def matches(self, exchange: Exchange, bodies: Bodies | None = None) -> bool:
        """Whether the exchange is one that is meant. `bodies` saves parsing a body twice."""
        request = exchange.request
        if self.operation not in ("", "*", exchange.operation) or self.rule not in ("", exchange.rule):
            return False
        if self.method not in ("", request.method) or (self.path and not _path_matches(self.path, exchange)):
            return False
        if self.status is not None and not self.status.holds(exchange.status):
            return False
        if not all(matcher.matches(request.headers.get(name, MISSING)) for name, matcher in self.header.items()):
            return False
        if self.query:
            query = query_values(request.query)
            if not all(matcher.matches_any(query.get(name, ())) for name, matcher in self.query.items()):
                return False
        return self.body is None or self.body.matches((bodies or Bodies()).of(exchange))

    def may_match(self, traits: Traits) -> bool:
        """Whether an exchange with such traits may be one that is meant."""
        operation, status, rule, *_ = traits
        return (
            self.operation in ("", "*", operation)
            and self.rule in ("", rule)
            and (self.status is None or self.status.holds(status))
        )

    def differences(self, exchange: Exchange, bodies: Bodies | None = None) -> list[Difference]:
        """Why the exchange is not one that is meant; nothing when it is."""
        request = exchange.request
        found = []
        if self.operation not in ("", "*", exchange.operation):
            found.append(Difference("operation", self.operation, exchange.operation or "none"))
        if self.method not in ("", request.method):
            found.append(Difference("method", self.method, request.method))
        if self.path and not _path_matches(self.path, exchange):
            found.append(Difference("path", self.path, request.path))
        if self.status is not None and not self.status.holds(exchange.status):
            found.append(Difference("status", str(self.status), str(exchange.status or "none")))
        if self.rule not in ("", exchange.rule):
            found.append(Difference("rule", self.rule, exchange.rule or "none"))
        for name, matcher in self.header.items():
            found += matcher.why(request.headers.get(name, MISSING), f"header.{name}")
        query = query_values(request.query) if self.query else {}
        for name, matcher in self.query.items():
            found += matcher.why_none(query.get(name, ()), f"query.{name}")
        if self.body is not None:
            value = (bodies or Bodies()).of(exchange)
            differences = self.body.why(value, "body")
            if differences and exchange.cut is not None and exchange.cut[0] > len(request.body):
                cut = f"a body of which the journal kept {len(request.body)} bytes: {show(value)}"
                differences = [Difference("body", "a whole body", cut)]
            found += differences
        return found

    def __str__(self) -> str:
        named = (self.method, self.path, self.operation or ("" if self.path else "any operation"))
        return " ".join(part for part in named if part)


def _path_matches(pattern: str, exchange: Exchange) -> bool:
    """Segment by segment; the sandbox's and the API's prefix, and slashes at the end, are optional."""
    wanted = pattern.strip("/").split("/")
    found = exchange.request.path.strip("/").split("/")
    if _same(wanted, found):
        return True
    if found[0][:1] == "~":
        found = found[1:]
        if _same(wanted, found):
            return True
    return found[:1] == [exchange.api] and _same(wanted, found[1:])


def _same(wanted: list[str], found: list[str]) -> bool:
    return len(wanted) == len(found) and all(
        one in ("*", other) or (one[:1] == "{" and one[-1:] == "}") for one, other in zip(wanted, found, strict=True)
    )


def _text(value: JSON) -> str:
    if not isinstance(value, str) or not value:
        raise UserError(f"must be text, not {show(value)}")
    return value


def _status(value: JSON) -> Range:
    if not isinstance(value, int | str):
        raise UserError(f"{show(value)} is not a status or a range; write 429 or 500..599")
    return parse_range(value)


def _headers(value: JSON) -> dict[str, Matcher]:
    return {name.lower(): matcher for name, matcher in compile_fields(value).items()}


_PARSERS: dict[str, Callable[[JSON], JSON]] = {
    "operation": _text,
    "method": lambda value: _text(value).upper(),
    "path": _text,
    "status": _status,
    "body": compile_matcher,
    "header": _headers,
    "query": compile_fields,
    "rule": _text,
}


def parse_criteria(spec: JSON) -> Criteria:
    """The criteria that a person wrote, as a mapping of the fields of Criteria. Raises UserError."""
    if not isinstance(spec, Mapping):
        raise UserError(f"what to look for must be a mapping, not {show(spec)}")
    given = {}
    for key, value in spec.items():
        if key not in _PARSERS:
            hint = did_you_mean(str(key), _PARSERS) or f"; there are {', '.join(_PARSERS)}"
            raise UserError(f"{key!r} is not something to look for{hint}")
        try:
            given[key] = _PARSERS[key](value)
        except UserError as error:
            raise UserError(f"{key}: {error}") from None
    return Criteria(**given)


@record(frozen=True)
class NearMiss:
    """An exchange that nearly matched, and why it did not."""

    exchange: Exchange
    differences: list[Difference]

    def as_json(self) -> dict[str, JSON]:
        """The near miss as the admin API shows it."""
        request = self.exchange.request
        return {
            "number": self.exchange.number,
            "operation": self.exchange.operation,
            "method": request.method,
            "path": request.path,
            "status": self.exchange.status,
            "differences": [difference.as_json() for difference in self.differences],
        }

    def __str__(self) -> str:
        exchange = self.exchange
        name = exchange.operation or f"{exchange.request.method} {exchange.request.path}"
        return f"#{exchange.number} {name} {exchange.status}: {'; '.join(map(str, self.differences))}"


@record(frozen=True)
class Verdict:
    """Whether the journal is as expected."""

    ok: bool
    found: int
    """Exchanges that matched; in an order, how many criteria were met one after the other."""
    expected: str
    near_misses: list[NearMiss] = field(default_factory=list)
    """The closest exchanges that did not match; only when not ok."""

    def as_json(self) -> dict[str, JSON]:
        """The verdict as the admin API answers it."""
        misses = [miss.as_json() for miss in self.near_misses]
        return {"ok": self.ok, "found": self.found, "expected": self.expected, "near_misses": misses}

    def __str__(self) -> str:
        lines = [f"expected {self.expected}, found {self.found}"]
        return "\n  near miss ".join([*lines, *map(str, self.near_misses)])


def verify(
    exchanges: Iterable[Exchange], criteria: Criteria, times: Range, read: Callable[[Exchange], JSON] | None = None
) -> Verdict:
    """Whether as many exchanges match as `times` says. `read` is for Bodies."""
    bodies = Bodies(read)
    matched: list[Exchange] = []
    others: list[Exchange] = []
    for exchange in exchanges:
        (matched if criteria.matches(exchange, bodies) else others).append(exchange)
    ok = times.holds(len(matched))
    return Verdict(ok, len(matched), str(times), [] if ok else _nearest(others, criteria, bodies))


def verify_order(
    exchanges: Iterable[Exchange], order: Sequence[Criteria], read: Callable[[Exchange], JSON] | None = None
) -> Verdict:
    """Whether each of the criteria is met by an exchange after the one that met the criteria before it.

    Others may come between. The near misses are those of the first criteria that were not met: an
    exchange that came too early differs in `order`. `read` is for Bodies.
    """
    bodies = Bodies(read)
    rest = list(exchanges)
    passed: list[Exchange] = []
    for step, criteria in enumerate(order):
        place = next((i for i, exchange in enumerate(rest) if criteria.matches(exchange, bodies)), None)
        if place is None:
            after = f" after #{passed[-1].number}" if passed else ""
            misses = [
                NearMiss(exchange, [Difference("order", f"{criteria}{after}", f"it at #{exchange.number}")])
                for exchange in reversed(passed)
                if criteria.matches(exchange, bodies)
            ]
            misses += _nearest(rest, criteria, bodies)
            expected = f"{len(order)} in order; number {step + 1}, {criteria}, did not come{after}"
            return Verdict(False, step, expected, misses[:MAX_NEAR_MISSES])
        passed += rest[: place + 1]
        rest = rest[place + 1 :]
    return Verdict(True, len(order), f"{len(order)} in order")


def _nearest(exchanges: list[Exchange], criteria: Criteria, bodies: Bodies) -> list[NearMiss]:
    """Those with the fewest differences, the newest first among equals."""
    misses = [NearMiss(exchange, criteria.differences(exchange, bodies)) for exchange in exchanges]
    return sorted(misses, key=lambda miss: (len(miss.differences), -miss.exchange.number))[:MAX_NEAR_MISSES]
