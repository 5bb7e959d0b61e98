"""The credit account: who cannot pay is told before anything is done, and what is done is charged with it.

The charge and the rows that it pays for are one step of the store, which refuses both when too little
remains. So two requests never spend the last credit both, nothing is set aside meanwhile, and a process
that dies in between leaves nothing behind.
"""

from __future__ import annotations

from typing import Protocol

from mockserver.errors import Problem
from mockserver.messages import Balance


class Account(Protocol):
    """The part of a store that tells of credits."""

    def balance(self) -> Balance:
        """The account as it stands."""


def ensure(account: Account, credits: float) -> None:
    """Raises Problem `out_of_credits` when an operation costs more than remains."""
    remaining = account.balance().remaining
    if credits > remaining:
        price = f"{credits:g} credit" + ("" if credits == 1 else "s")
        verb = "remains" if remaining == 1 else "remain"
        raise Problem("out_of_credits", f"This operation costs {price} and {remaining:g} {verb}.")
