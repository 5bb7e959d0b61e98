"""What an action does to the status of a row, where the name of the action and an enum say so.

`POST /orders/{id}/cancel` sets `status` to `cancelled`, if that is one of the values that `status` may have.
"""

from __future__ import annotations

from typing import Any

from mockserver.apis.resources.model import folded
from mockserver.contract import Contract
from mockserver.contract.outline import Outline

_STATUSES = ("status", "state", "phase", "lifecycle")


def transition(contract: Contract, outline: Outline, verb: str) -> dict[str, Any]:
    """The member that an action changes, with its new value; nothing where no enum has a value for it."""
    for name, place in outline.members.items():
        if folded(name).endswith(_STATUSES):
            for value in contract.outlines.node(place).get("enum") or ():
                if isinstance(value, str) and folded(value) in _outcomes(folded(verb)):
                    return {name: value}
    return {}


def _outcomes(verb: str) -> set[str]:
    """The words for what has been done: `cancelled` and `canceled` of `cancel`, `paid` of `pay`."""
    irregular = {"pay": "paid", "send": "sent", "hold": "held", "void": "voided", "run": "running", "start": "running",
                 "resume": "active", "activate": "active", "deactivate": "inactive", "enable": "enabled",
                 "begin": "begun", "withdraw": "withdrawn", "freeze": "frozen"}  # fmt: skip
    words = {verb, f"{verb}ed", f"{verb}d", f"{verb}{verb[-1:]}ed"}
    if verb.endswith("y"):
        words.add(f"{verb[:-1]}ied")
    return words | ({irregular[verb]} if verb in irregular else set())


__all__ = ["transition"]
