"""An OpenAPI Overlay that makes a contract agree with what was seen, proven by judging all of it again.

A difference may hide another: a value of another type is not looked at further. So the contract is mended, everything
that was seen is judged again, and so on until nothing is left. What no schema can say is named in the overlay as known.
Must not know: sockets, files.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mockserver.conform.causes import KNOWN, Judged, actions_of, by_cause
from mockserver.conform.differences import Action
from mockserver.conform.outcomes import Outcomes, Seen
from mockserver.contract import Contract
from mockserver.contract import overlay as overlays
from mockserver.errors import UserError
from mockserver.text.findings import Finding
from mockserver.text.writing import to_yaml

MAX_ROUNDS = 24
_FREE = ("undeclared", "closed", "missing", "note")
"""Ends of rules of which several may be mended at one place at a time."""


@dataclass(frozen=True, slots=True)
class Mend:
    """What an overlay does, and what it leaves."""

    actions: tuple[Action, ...]
    """Each with a `description`."""
    contract: Contract
    """The contract with all of it applied."""


def mend(contract: Contract, seen: Sequence[Seen]) -> Mend:
    """Find the actions after which the contract has what was seen, as far as schemas can say it."""
    actions: list[Action] = []
    tried: set[bytes] = set()
    mended = contract
    for _ in range(MAX_ROUNDS):
        groups = list(by_cause(Outcomes(mended).all(seen)).values())
        chosen = _chosen(groups, tried)
        if not chosen:
            break
        document = copy.deepcopy(mended.document)
        for group, wanted in chosen:
            _, difference = group[0]
            where = f"{difference.where} " if difference.where else ""
            described = [{"description": f"{difference.rule}: {where}{difference.detail}", **one} for one in wanted]
            trial = copy.deepcopy(document)
            try:
                overlays.apply(trial, {"overlay": "1.0.0", "actions": described}, "the overlay")
            except UserError:
                continue  # its place went away with another action
            document = trial
            actions += described
        mended = Contract(contract.name, document, contract.additions, contract.findings)
    return Mend(tuple(actions), mended)


def _chosen(groups: list[list[Judged]], tried: set[bytes]) -> list[tuple[list[Judged], tuple[Action, ...]]]:
    """What is mended in one round: nothing twice, and no place in two ways at once."""
    chosen = []
    taken: dict[str, bool] = {}
    for group in groups:
        wanted = actions_of(group)
        key = orjson.dumps([group[0][1].pointer, group[0][1].rule, [dict(action) for action in wanted]])
        if not wanted or key in tried:
            continue
        is_free = group[0][1].rule.rpartition("-")[2] in _FREE
        targets = {action["target"] for action in wanted}
        if any(target in taken and not (is_free and taken[target]) for target in targets):
            continue
        tried.add(key)
        taken |= dict.fromkeys(targets, is_free)
        chosen.append((group, wanted))
    return chosen


def known_actions(findings: Sequence[Finding]) -> list[Action]:
    """Actions that name findings as known, for what no schema can say."""
    return [
        {
            "description": f"{finding.rule}: no schema can say this, so it is named as known",
            "target": "$",
            "update": {
                KNOWN: {
                    finding.fingerprint: {
                        "rule": finding.rule,
                        "operations": list(finding.operations),
                        "reason": f"{finding.message}; as the server was when the overlay was written",
                    }
                }
            },
        }
        for finding in findings
    ]


def overlay_text(name: str, url: str, actions: Sequence[Action]) -> str:
    """The overlay's file."""
    head = (
        "# What a server does beside its contract, as `mockserver conform` saw it. Read it before you take it:\n"
        "# a difference may as well be a defect of the server.\n"
    )
    document: dict[str, Any] = {
        "overlay": "1.0.0",
        "info": {"title": f"{name} as {url} has it", "version": "1"},
        "actions": [dict(action) for action in actions],
    }
    return head + to_yaml(document)


__all__ = ["Mend", "known_actions", "mend", "overlay_text"]
