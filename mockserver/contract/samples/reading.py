"""Bring together all schemas that apply at one place of a value.

A reference is followed, `allOf` is joined, and of each choice (`oneOf`, `anyOf`, `if`, a dependent schema) one way is
taken. Which one is for the caller to say. Makes no values and validates none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.contract.references import Refs
from mockserver.contract.samples.choices import Chain, Choices
from mockserver.contract.samples.facts import Facts
from mockserver.contract.samples.keywords import note
from mockserver.contract.samples.lookups import Lookups, dict_of, list_of

Chooser = Callable[[list[Any]], int]
"""Given the ways of one choice, likeliest first, says by its index which one to take."""
Pending = list[tuple[str, Any, Chain]]
"""Choices that are still to be made: their kind, their schema and how it was reached."""
_LEADING = frozenset(("allOf", "oneOf", "anyOf", "discriminator", "if", "dependencies", "dependentSchemas"))
"""Keywords that lead to other schemas for the same place."""
MAX_KEPT = 4096
"""Facts that are kept of one document; then it begins anew, so that a large one does not fill the memory."""


class Reader:
    """Reads the schemas of one document.

    Args:
        refs: looks references up.
        old: it is a 3.0 document.
        direction: what the value is for; members of the other one are hidden.
    """

    def __init__(self, refs: Refs, old: bool, direction: str) -> None:
        self._lookups = Lookups(refs, old, direction)
        self._kept: dict[tuple[int, ...], tuple[list[Any], Facts]] = {}
        """By the identities of schemas that leave no choice: these schemas, and what is known where all apply."""
        self._choices = Choices(self._lookups)
        self.followed = self._lookups.followed
        self.is_hidden = self._lookups.is_hidden

    def facts(
        self,
        schemas: list[Any],
        choose: Chooser,
        scopes: tuple[Any, ...] = (),
        simple: bool = False,
        thorough: bool = True,
    ) -> Facts:
        """Everything that must hold where all of `schemas` apply. It is kept: do not change it.

        `simple`: the simplest way of a choice is the likeliest. `thorough`: all the ways are put in order.
        """
        key = tuple(map(id, schemas))
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        facts = Facts()
        facts.hides = self._lookups.old
        pending: Pending = []
        for schema in schemas:
            self._join(facts, schema, frozenset(), pending, scopes)
        while pending:
            kind, schema, chain = pending.pop(0)
            ways = list(self._choices.ways(facts, kind, schema, chain, self._join_alone, simple, thorough))
            if not ways:
                continue
            way = ways[0]
            if len(ways) > 1:
                way, facts.varies = ways[choose(ways)], True
            for part, more in way:
                self._join(facts, part, chain | more, pending, scopes, inner=True)
        if not facts.varies:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = schemas, facts
        return facts

    def _join_alone(self, facts: Facts, schema: Any, chain: Chain) -> None:
        """What a schema adds apart from its own choices."""
        self._join(facts, schema, chain, [], (), True)

    def _join(
        self,
        facts: Facts,
        schema: Any,
        chain: Chain,
        pending: Pending,
        scopes: tuple[Any, ...],
        inner: bool = False,
    ) -> None:
        if schema is False:
            facts.never = True
        if not isinstance(schema, dict):
            return
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref not in chain:
            below = self._lookups.target(ref)
            self._join(facts, below, chain | {ref}, pending, (*scopes, below), inner)
        if isinstance(ref, str) and self._lookups.old:
            return
        dynamic = schema.get("$dynamicRef")
        if isinstance(dynamic, str) and dynamic not in chain:
            facts.varies = True
            self._join(facts, self._lookups.dynamic(dynamic, scopes), chain | {dynamic}, pending, scopes, inner)
        if schema.get(self._lookups.hidden) is True:
            facts.never = facts.never or self._lookups.old
        note(facts, schema, self._lookups, inner)
        if _LEADING.isdisjoint(schema):
            return
        for part in list_of(schema.get("allOf")):
            self._join(facts, part, chain, pending, scopes, inner=True)
        for key in ("oneOf", "anyOf"):
            if list_of(schema.get(key)):
                pending.append((key, schema, chain))
        if isinstance(schema.get("discriminator"), dict) and not (schema.get("oneOf") or schema.get("anyOf")):
            pending.append(("discriminator", schema, chain))
        if not self._lookups.old and "if" in schema and ("then" in schema or "else" in schema):
            pending.append(("if", schema, chain))
        for name, dependent in {
            **dict_of(schema.get("dependencies")),
            **dict_of(schema.get("dependentSchemas")),
        }.items():
            if not isinstance(dependent, list):
                pending.append(("dependent", (name, dependent), chain))
