"""The credit account: reserve before anything is created, charge when it is done.

A reservation makes sure that two requests cannot both spend the last credit. The account itself
is a store operation; this module is the policy.
"""

from __future__ import annotations

from typing import Protocol

from mockserver.errors import Problem
from mockserver.messages import Balance


class Account(Protocol):
    """The part of a store that holds credits."""

    def reserve(self, credits: float) -> bool:
        """Set credits aside; False when too few remain."""

    def settle(self, reserved: float, charged: float) -> None:
        """End a reservation, charging some or none of it."""

    def balance(self) -> Balance:
        """The account as it stands."""


class Reservation:
    """Credits set aside for one request. It must end in `charge` or `release`."""

    def __init__(self, account: Account, credits: float) -> None:
        self._account = account
        self._credits = credits

    def charge(self) -> float:
        """Spend what was reserved; returns the credits charged."""
        self._account.settle(self._credits, self._credits)
        return self._credits

    def release(self) -> None:
        """Give back what was reserved: nothing was done, or the billing write was lost."""
        self._account.settle(self._credits, 0)


def reserve(account: Account, credits: float) -> Reservation:
    """Set credits aside for a request. Raises Problem `out_of_credits` when too few remain."""
    if not account.reserve(credits):
        remaining = account.balance().remaining
        raise Problem("out_of_credits", f"This operation costs {credits:g} credits and {remaining:g} remain.")
    return Reservation(account, credits)
