"""The credit account: reserve before anything is created, charge together with what is created.

A reservation makes sure that two requests cannot both spend the last credit. The account itself
is a matter of the store, which ends a reservation in the same step as it does the writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mockserver.errors import Problem
from mockserver.messages import Balance, Write


class Account(Protocol):
    """The part of a store that holds credits."""

    def reserve(self, credits: float) -> bool:
        """Set credits aside; False when too few remain."""

    def commit(self, writes: Sequence[Write], reserved: float = 0, charged: float = 0) -> bool:
        """Do writes and end a reservation, charging some or none of it."""

    def balance(self) -> Balance:
        """The account as it stands."""


def reserve(account: Account, credits: float) -> None:
    """Set credits aside for a request. Raises Problem `out_of_credits` when too few remain."""
    if not account.reserve(credits):
        remaining = account.balance().remaining
        raise Problem("out_of_credits", f"This operation costs {credits:g} credits and {remaining:g} remain.")


def release(account: Account, credits: float) -> None:
    """Give back what was reserved: nothing was done."""
    account.commit((), credits, 0)
