"""Why one exchange was answered as it was, with the places to look at: rules and schemas, each with its lines.

Must not know: HTTP, or who asks.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.admin.journal import JournalReader
from mockserver.apis import Api
from mockserver.contract.places import broken
from mockserver.journal.why import why
from mockserver.messages import JSON, Exchange
from mockserver.sandbox.outcomes import outcomes
from mockserver.sandbox.sandbox import Sandbox


def explained(journal: JournalReader, sandbox: Sandbox, apis: Mapping[str, Api], number: int) -> JSON:
    """The reasons of an exchange. Raises Problem when the journal does not have it."""
    exchange, attempt = journal.one(sandbox.store, number)
    return {
        "number": number,
        **why(exchange, attempt).as_json(),
        "violations": _violations(exchange, apis),
        "rules": [outcome.as_json() for outcome in outcomes(sandbox, exchange)],
    }


def _violations(exchange: Exchange, apis: Mapping[str, Api]) -> list[JSON]:
    """The violations, each with the schema that it broke; null where there is none to show."""
    api = apis.get(exchange.api)
    operation = api.contract.operations.get(exchange.operation) if api is not None else None
    shown = []
    for violation in exchange.violations:
        place = None
        if api is not None and operation is not None:
            place = broken(api.contract, operation, violation, exchange.status)
        shown.append({**violation.as_json(), "schema": None if place is None else place.as_json()})
    return shown


__all__ = ["explained"]
