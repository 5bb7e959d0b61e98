"""What passed between a client and the real API and was not as the contract has it, each kind once, as findings.

Must not know: how requests are passed on, or how findings are printed.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from mockserver.apis import Api
from mockserver.contract.places import broken
from mockserver.messages import Exchange, Violation
from mockserver.text.findings import Finding, Level, Location

log = logging.getLogger("mockserver")

MAX_FINDINGS = 1000
"""Kinds of violations that are told apart."""
_INDEX = re.compile(r"/\d+(?=/|$)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_RULE = re.compile(r"[^a-z0-9]+")
_UNKNOWN = "paths"
"""The keyword of a request that the contract has no operation for."""


@dataclass(slots=True)
class _Kind:
    """Violations that are one finding."""

    api: Api
    exchange: Exchange
    """The first one."""
    violation: Violation
    message: str
    count: int = 0


class Drift:
    """Gathers what does not agree with the contract."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, ...], _Kind] = {}
        self._unchecked: Counter[str] = Counter()
        self.answered = 0
        """Requests that the upstream answered."""
        self._asked = 0

    def add(
        self, exchange: Exchange, api: Api, unchecked: str, clean: Callable[[str], str], is_gone: bool = False
    ) -> None:
        """One more exchange.

        Args:
            exchange: what passed, or was to.
            api: the API that it is of.
            unchecked: what of it could not be checked; "" when all was.
            clean: takes the secrets of the request out of a text.
            is_gone: whether the client went away before it was over.
        """
        if exchange.stage != "upstream":
            return  # a rule answered
        self._asked += 1
        if exchange.response is not None and exchange.response.status and not exchange.reason:
            self.answered += 1
        elif exchange.reason and exchange.status and not is_gone:
            self._unchecked[f"there was no whole response: {clean(exchange.reason)}"] += 1
        if unchecked:
            self._unchecked[unchecked] += 1
        for violation in exchange.violations:
            if violation.side in ("client", "upstream"):
                self._violation(exchange, api, violation, clean)

    def _violation(self, exchange: Exchange, api: Api, violation: Violation, clean: Callable[[str], str]) -> None:
        where = exchange.operation or f"{exchange.request.method} {violation.found}"
        status = "" if violation.side == "client" else str(exchange.status)
        pointer = _INDEX.sub("/*", violation.pointer)
        key = (api.name, where, violation.side, status, violation.where, pointer, violation.keyword, violation.expected)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) == MAX_FINDINGS:
                self._unchecked[f"a violation is of none of the first {MAX_FINDINGS:,} kinds, and not told"] += 1
                return
            kind = self._kinds[key] = _Kind(api, exchange, violation, clean(_message(exchange, violation)))
            who = "client" if violation.side == "client" else "upstream"
            log.warning("%s drift: %s: %s", who, _operation(kind), kind.message)
        kind.count += 1

    @property
    def unchecked(self) -> list[str]:
        """Why something could not be checked; none when all was, and there was something."""
        if not self._asked:
            return ["no request came"]
        reasons = [f"{count:,} times: {reason}" for reason, count in self._unchecked.items()]
        return reasons if self.answered else ["the upstream gave no response", *reasons]

    @property
    def findings(self) -> list[Finding]:
        """All kinds, those of the real API first."""
        found = [_finding(key, kind) for key, kind in self._kinds.items()]
        return sorted(found, key=lambda finding: (finding.side != "response", finding.severity != "error"))


def _finding(key: tuple[str, ...], kind: _Kind) -> Finding:
    violation, exchange, api = kind.violation, kind.exchange, kind.api
    is_client = violation.side == "client"
    place = None
    operation = api.contract.operations.get(exchange.operation)
    if operation is not None:
        found = broken(api.contract, operation, violation, exchange.status)
        place = None if found is None else Location(found.file, found.line, 0, found.pointer)
    times = "once" if kind.count == 1 else f"{kind.count:,} times"
    who = "the client" if is_client else "the real API"
    return Finding(
        rule=_rule(violation),
        level=_level(violation, exchange),
        side="request" if is_client else "response",
        operations=(_operation(kind),),
        message=kind.message,
        old=None,
        new=place,
        why=f"seen {times}; {who} sends what the contract does not allow",
        detail="\0".join(key[1:]),
    )


def _message(exchange: Exchange, violation: Violation) -> str:
    """What is the matter, with the place in the message and the status of a response."""
    place = f"{violation.where} {violation.pointer}".strip()
    status = "" if violation.side == "client" else f"{exchange.status} "
    return violation.message if violation.keyword == _UNKNOWN else f"{status}{place}: {violation.message}"


def _operation(kind: _Kind) -> str:
    operation = kind.api.contract.operations.get(kind.exchange.operation)
    if operation is None:
        return f"{kind.exchange.request.method} {kind.violation.found}"
    return f"{operation.method} {operation.path}"


def _rule(violation: Violation) -> str:
    """`response-body-required`, `request-query-maximum`."""
    if violation.keyword == _UNKNOWN:
        return "operation-unknown"
    side = "request" if violation.side == "client" else "response"
    words = [side, violation.where, _CAMEL.sub("-", violation.keyword)]
    return "-".join(_NO_RULE.sub("-", word.lower()).strip("-") for word in words if word)


def _level(violation: Violation, exchange: Exchange) -> Level:
    """What the contract does not have and the real API refuses is no drift of the two."""
    is_refused = violation.keyword == _UNKNOWN and exchange.status >= 400
    return "warning" if is_refused else "error"


__all__ = ["Drift"]
