"""Which members an object must and may have, and what each of them is."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from mockserver.contract.samples.facts import Facts
from mockserver.contract.samples.fitting import found_in, names_it
from mockserver.contract.samples.plan import MAX_DEPTH, Step
from mockserver.contract.samples.reading import Reader


class Members:
    """The members of one object.

    Args:
        facts: what must hold of it.
        reader: reads the schemas of its members.
    """

    def __init__(self, facts: Facts, reader: Reader) -> None:
        self._facts = facts
        self._reader = reader

    def needed(self, step: Step) -> set[str]:
        """The members that must be there, those that others bring with them included."""
        needed = {*self._facts.required, *step.add, *step.unlike}
        waiting = list(needed)
        while waiting:
            for name in self._facts.dependents.get(waiting.pop(), ()):
                if name not in needed:
                    needed.add(name)
                    waiting.append(name)
        if self._facts.hides:
            properties = self._facts.properties
            needed = {name for name in needed if not any(map(self._reader.is_hidden, properties.get(name, ())))}
        return needed - step.drop

    def names(self, step: Step, needed: set[str], depth: int) -> list[str]:
        """The members to make, in the order in which they are declared; those that must be there come last if not."""
        names = [name for name in self._facts.properties if name in needed]
        count = len(needed)
        if not step.minimal:
            optional = [name for name in self._facts.properties if name not in needed and name not in step.drop]
            if depth >= MAX_DEPTH:  # the plain ones first: among the others may be one that leads back here
                optional.sort(key=lambda name: not self.is_plain(self._facts.properties[name]))
                optional = optional[: max(self._facts.min_properties - count, 0)]
            chosen = set(needed)
            for name in optional:
                if self.allowed(name) and self._may_join(name, chosen):
                    chosen.add(name)
            most = self._facts.max_properties
            if most is not None and len(chosen) > most:
                extra = [name for name in self._facts.properties if name in chosen and name not in needed]
                chosen -= set(extra[max(most - count, 0) :])
            if step.subset:  # where nothing more clever helped
                rng = Random(f"{step.subset} {step.variation}")
                chosen = {name for name in sorted(chosen) if name in needed or rng.random() < 0.5}
            names = [name for name in self._facts.properties if name in chosen]
        return names + [
            name
            for name in dict.fromkeys((*self._facts.required, *sorted(needed)))
            if name in needed and name not in self._facts.properties
        ]

    def member(self, name: str) -> list[Any]:
        """The schemas of a member."""
        schemas = list(self._facts.properties.get(name, ()))
        for pattern, schema in self._facts.pattern_properties:
            if found_in(pattern, name):
                schemas.append(schema)
        for closed in self._facts.closed:
            if not names_it(closed, name):
                schemas.append(closed.rest)
        if not schemas and isinstance(self._facts.unevaluated, dict):
            schemas.append(self._facts.unevaluated)
        return schemas or [{}]

    def allowed(self, name: str) -> bool:
        """Whether a member may be there, as far as that is plain; what is for the other direction is left out too."""
        for schema in self.member(name):
            if schema is False:
                return False
            target = self._reader.followed(schema)
            if target is False or self._reader.is_hidden(target):
                return False
            if isinstance(target, dict) and (target.get("not") == {} or target.get("not") is True):
                return False
        return True

    def _may_join(self, name: str, chosen: set[str]) -> bool:
        """Whether an optional member may come besides others: it may bring what cannot be, or be excluded by them."""
        for other in self._facts.dependents.get(name, ()):
            if other not in chosen:
                if other in self._facts.absent or not self.allowed(other):
                    return False
                chosen.add(other)
        groups = [group for group in self._facts.not_together if name in group]
        return not any(all(other == name or other in chosen for other in group) for group in groups)

    def is_plain(self, schemas: Iterable[Any]) -> bool:
        """Whether a member is a text, a number or the like."""
        for schema in schemas:
            target = self._reader.followed(schema)
            if not isinstance(target, dict):
                continue
            alternatives = target.get("anyOf") or target.get("oneOf")
            if isinstance(alternatives, list) and alternatives:
                target = self._reader.followed(alternatives[0])
            kind = target.get("type") if isinstance(target, dict) else None
            if not (
                kind in ("string", "integer", "number", "boolean") or (isinstance(target, dict) and "enum" in target)
            ):
                return False
        return True
