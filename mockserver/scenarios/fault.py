"""What a fault is to the pipeline and the edge: seven questions with null answers.

The kinds of faults stand in `faults`; this module needs none of what they need, so that a server
without a scenario starts without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from mockserver.messages import Delivery, Response

Sending = tuple[float, dict[str, Any]]
"""A webhook that is to be sent, and when: epoch seconds on the sandbox's clock."""


class Fault:
    """The questions, with their null answers."""

    @property
    def breaks_contract(self) -> bool:
        """Whether it makes bytes leave that break the contract, so that a rule needs `violates`."""
        return False

    def before_commit(self) -> str:
        """How the exchange is lost before anything is done, or ""."""
        return ""

    def loses_billing(self) -> bool:
        """Whether the charge cannot be written: the row is kept, nothing is charged."""
        return False

    def after_commit(self) -> str:
        """How the response is lost after everything is done, or ""."""
        return ""

    def damage(self, response: Response) -> None:
        """Change the bytes that leave. The response has been checked before."""

    def pace(self, delivery: Delivery, random: Random) -> None:
        """Say how the response goes out."""

    def interrupt(self, delivery: Delivery) -> None:
        """Change how the items of a stream go out, and whether it ends."""

    def sends(self, webhooks: list[Sending]) -> list[Sending]:
        """What becomes of the webhooks that the request causes, each with its time on the sandbox's clock."""
        return webhooks


class Faults(Fault):
    """Several faults as one: each is asked in turn."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = tuple(faults)

    def before_commit(self) -> str:
        return next((how for fault in self._faults if (how := fault.before_commit())), "")

    def loses_billing(self) -> bool:
        return any(fault.loses_billing() for fault in self._faults)

    def after_commit(self) -> str:
        return next((how for fault in self._faults if (how := fault.after_commit())), "")

    def damage(self, response: Response) -> None:
        for fault in self._faults:
            fault.damage(response)

    def pace(self, delivery: Delivery, random: Random) -> None:
        for fault in self._faults:
            fault.pace(delivery, random)

    def interrupt(self, delivery: Delivery) -> None:
        for fault in self._faults:
            fault.interrupt(delivery)

    def sends(self, webhooks: list[Sending]) -> list[Sending]:
        for fault in self._faults:
            webhooks = fault.sends(webhooks)
        return webhooks


NO_FAULT = Fault()
"""The fault of a request that has none."""
