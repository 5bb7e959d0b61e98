"""What an action or a deletion does to the members of a row that tell of it.

`POST /orders/{id}/cancel` sets `status` to `cancelled`, if that is one of the values that `status` may have. A row that
is deleted has `deleted: true` and a `deleted_at`; one that is not says so too, whatever the sample has there.
"""

from __future__ import annotations

from typing import Any

from mockserver.apis.resources.model import folded
from mockserver.contract import Contract
from mockserver.contract.outline import Outline

NOW = {"$now": None}
"""Stands for the time of the request."""
_STATUSES = ("status", "state", "phase", "lifecycle")
_TIMES = frozenset(("deletedat", "deletedon", "deletedtime", "deleteddate", "deleteddatetime", "deletetime",
                    "deletedate", "deletiontime", "deletiondate", "deletiontimestamp", "datedeleted", "timedeleted",
                    "removedat", "trashedat"))  # fmt: skip
"""Names, folded, of members that say when a row was deleted."""


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


def deleted(contract: Contract, outline: Outline) -> dict[str, Any]:
    """The members of a row that say whether, or when, it was deleted, as they are when it was."""
    marks: dict[str, Any] = {}
    for name, place in outline.members.items():
        word = folded(name).removeprefix("is")
        if word in ("deleted", "removed", "trashed") and contract.accepts(place, True):
            marks[name] = True
        elif word in _TIMES:
            marks[name] = NOW
    return marks


def not_deleted(contract: Contract, outline: Outline, data: dict[str, Any]) -> dict[str, Any]:
    """The members of a sample as a row has them that was not deleted."""
    for name, mark in deleted(contract, outline).items():
        if name not in data:
            continue
        if mark is True and contract.accepts(outline.members[name], False):
            data[name] = False
        elif mark == NOW and contract.accepts(outline.members[name], None):
            data[name] = None
        elif mark == NOW and name not in outline.required:
            del data[name]
    return data


__all__ = ["NOW", "deleted", "not_deleted", "transition"]
