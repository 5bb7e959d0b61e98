"""A part of the cases for a run that is to be short: the same for the same seed, spread over the operations.

Must not know: what is in a case but its operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from mockserver.conform.cases import Case
from mockserver.conform.known import Known
from mockserver.contract import Contract


def sampled(cases: Sequence[Case], most: int, seed: int, contract: Contract, known: Known) -> list[Case]:
    """At most so many cases in their order, and the lists beside them that they need an id from."""
    if most >= len(cases):
        return list(cases)
    rng = Random(seed)
    by_operation: dict[str, list[Case]] = {}
    for case in cases:
        by_operation.setdefault(case.operation, []).append(case)
    piles = list(by_operation.values())
    rng.shuffle(piles)
    for pile in piles:
        rng.shuffle(pile)
    chosen: set[str] = set()
    while len(chosen) < most:
        for pile in piles:
            if pile and len(chosen) < most:
                chosen.add(pile.pop().id)
    lists = _lists(contract, known, [case.operation for case in cases if case.id in chosen])
    return [case for case in cases if case.id in chosen or (case.operation in lists and _is_plain(case))]


def _lists(contract: Contract, known: Known, operations: Sequence[str]) -> set[str]:
    """The lists that show rows for operations with variables."""
    found: set[str] = set()
    for id in operations:
        resource = known.resource(contract.operations[id]) if "{" in contract.operations[id].path else None
        while resource is not None:
            listing = resource.with_role("list")
            found |= {listing.id} if listing is not None else set()
            resource = resource.owner
    return found


def _is_plain(case: Case) -> bool:
    return case.kind == "valid" and not case.values and case.request is None


__all__ = ["sampled"]
