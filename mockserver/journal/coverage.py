"""Coverage of declared statuses: which of the responses that a contract declares has a client received?

Pure counting; the declared statuses come in as data. A response that was lost on its way, that broke the contract
on purpose, or that a failure of the mock made, was not received as the contract has it, and counts for nothing but a
call. Must not know: contracts, stores, or how an exchange is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

Operation = tuple[str, str]
"""The name of an API, and an operationId."""


def declared_key(status: int, declared: Sequence[str]) -> str | None:
    """The declared response that a status is an instance of: exact, then its range (`4XX`), then `default`.

    (OpenAPI 3.1, 4.8.16.) None when nothing declares it.
    """
    keys = (str(status), f"{status // 100}XX", f"{status // 100}xx", "default")
    return next((key for key in keys if key in declared), None)


class StatusCoverage:
    """Counts calls, statuses, and the declared responses that they are instances of.

    Args:
        declared: the declared responses of every operation, in the order of the documents.
    """

    def __init__(self, declared: Mapping[Operation, Sequence[str]]) -> None:
        self.declared = declared
        self.calls: Counter[Operation] = Counter()
        self.received: dict[Operation, Counter[int]] = {}
        """How often each status was received."""
        self.seen: Counter[tuple[str, str, str]] = Counter()
        """How often each declared response was received, by API, operationId and key."""

    def add(
        self, api: str, operation: str, status: int, *, lost: str = "", violates: str = "", defect: str = ""
    ) -> bool:
        """Count an exchange; whether its response was received as the contract has it."""
        is_received = not (lost or violates or defect) and status > 0
        self.take(api, operation, status if is_received else 0, 1)
        return is_received and (api, operation) in self.declared

    def take(self, api: str, operation: str, status: int, times: int) -> None:
        """Count requests that were answered alike; the status is 0 where none was received as the contract has it."""
        of = (api, operation)
        if of not in self.declared:
            return
        self.calls[of] += times
        if not status:
            return
        self.received.setdefault(of, Counter())[status] += times
        key = declared_key(status, self.declared[of])
        if key is not None:
            self.seen[api, operation, key] += times

    def unseen(self, api: str, operation: str) -> list[str]:
        """The declared responses of an operation that nobody has received."""
        return [key for key in self.declared[api, operation] if not self.seen[api, operation, key]]

    def totals(self, operations: Iterable[Operation]) -> tuple[int, int]:
        """How many declared responses of some operations were received, and how many there are."""
        total = covered = 0
        for of in operations:
            total += len(self.declared[of])
            covered += len(self.declared[of]) - len(self.unseen(*of))
        return covered, total
