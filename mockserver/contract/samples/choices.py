"""The ways of a choice: alternatives, conditions, dependent schemas, the children of a discriminator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from mockserver.contract.samples.facts import Facts
from mockserver.contract.samples.keywords import note_any_kind
from mockserver.contract.samples.lookups import Lookups, dict_of, list_of

MAX_CONFLICTS = 64
"""Alternatives of one choice that are looked at for one without conflict."""

Chain = frozenset[str]
"""The references that led to a schema without a step down into the value."""
Join = Callable[[Facts, Any, Chain], None]


class Choices:
    """Finds the ways of the choices of one document.

    Args:
        lookups: finds its schemas.
    """

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._children: dict[str, dict[str, None]] | None = None

    def ways(
        self, facts: Facts, kind: str, schema: Any, chain: Chain, join: Join, simple: bool, thorough: bool
    ) -> Iterator[list[tuple[Any, Chain]]]:
        """The ways of one choice, likeliest first: each a list of schemas, with the references that led there.

        `join` adds what a schema says to facts, but for its own choices.
        """
        nothing: Chain = frozenset()
        if kind == "if":
            condition = schema["if"]
            yield [(condition, nothing), (schema.get("then", True), nothing)]
            yield [({"not": condition}, nothing), (schema.get("else", True), nothing)]
        elif kind == "dependent":
            name, dependent = schema
            if name in facts.properties or name in facts.required:
                yield [(dependent, nothing)]
                if name not in facts.required:
                    yield [({"properties": {name: False}}, nothing)]
        elif kind == "discriminator":
            yield from self._of_children(facts, schema, chain)
        else:
            alternatives = [way for way in schema[kind] if way is not False]
            alternatives.sort(key=self._weight if simple else self._is_null)
            ways = [self._tagged(schema, way) for way in alternatives]
            good: list[Any] = []
            bad: list[Any] = []
            for index, way in enumerate(ways):
                # The first good one is what is mostly taken; to know of all the others takes long.
                known = index < MAX_CONFLICTS and (thorough or not good)
                (bad if known and self._conflicts(facts, way, chain, join) else good).append(way)
            yield from ([(part, nothing) for part in way] for way in [*good, *bad])

    def _weight(self, schema: Any) -> int:
        """The more, the more there may be inside a value of it."""
        schema = self._lookups.followed(schema)
        if not isinstance(schema, dict):
            return 1
        kind = schema.get("type")
        if kind == "null":
            return 0
        if "enum" in schema or "const" in schema or kind in ("string", "integer", "number", "boolean"):
            return 1
        if kind == "array":
            return 5 if schema.get("minItems") else 2
        return 3 if kind == "object" and not schema.get("required") else 4

    def _is_null(self, schema: Any) -> bool:
        schema = self._lookups.followed(schema)
        return isinstance(schema, dict) and (schema.get("type") == "null" or schema.get("enum") == [None])

    def _conflicts(self, facts: Facts, way: list[Any], chain: Chain, join: Join) -> bool:
        """Whether it is plain that an alternative cannot hold besides the rest."""
        trial = facts.copy()
        for part in way:
            join(trial, part, chain)
        if trial.impossible():
            return True
        for name, members in trial.properties.items():
            if len(members) > 1 and name in trial.required:
                member = Facts()
                for schema in members:
                    schema = self._lookups.followed(schema)
                    if isinstance(schema, dict):
                        note_any_kind(member, schema, True, self._lookups.old)
                if member.impossible():
                    return True
        return False

    def _tagged(self, schema: dict[str, Any], way: Any) -> list[Any]:
        """An alternative, with the tag that a discriminator wants."""
        discriminator = schema.get("discriminator")
        if not isinstance(discriminator, dict) or not isinstance(way, dict) or "$ref" not in way:
            return [way]
        name = discriminator.get("propertyName")
        if not isinstance(name, str):
            return [way]
        if not self._lookups.old and self._is_default(discriminator, way["$ref"]):
            return [way, *self._untagged(discriminator, name, way)]
        tags = self._tags(discriminator, way["$ref"])
        return [way, {"type": "object", "properties": {name: {"enum": tags}}, "required": [name]}]

    @staticmethod
    def _is_default(discriminator: dict[str, Any], ref: str) -> bool:
        """Whether a schema is for values without a tag, or with one that nothing maps (3.2, Discriminator Object)."""
        return discriminator.get("defaultMapping") in (ref, ref.rsplit("/", 1)[-1])

    def _untagged(self, discriminator: dict[str, Any], name: str, way: dict[str, Any]) -> list[Any]:
        """What keeps the tag of a default, if it has one, from meaning another schema."""
        if name not in dict_of(dict_of(self._lookups.followed(way)).get("properties")):
            return []
        own = (way["$ref"], way["$ref"].rsplit("/", 1)[-1])
        mapping = dict_of(discriminator.get("mapping"))
        others = [tag for tag, target in mapping.items() if target not in own]
        return [{"properties": {name: {"not": {"enum": others}}}}] if others else []

    @staticmethod
    def _tags(discriminator: dict[str, Any], ref: str) -> list[str]:
        """The values of a discriminator that stand for a schema."""
        name = ref.rsplit("/", 1)[-1]
        mapping = dict_of(discriminator.get("mapping"))
        return [tag for tag, target in mapping.items() if target in (ref, name)] or [name]

    def _of_children(self, facts: Facts, schema: dict[str, Any], chain: Chain) -> Iterator[list[tuple[Any, Chain]]]:
        """A discriminator without alternatives stands in a parent; its children refer to it in their `allOf`."""
        name = schema["discriminator"].get("propertyName")
        own = next((ref for ref in sorted(chain) if self._lookups.target(ref) is schema), None)
        if not isinstance(name, str) or own is None:
            return
        children = self._children_of(own)
        here = sorted(ref for ref in chain if ref in children)

        def tagged(ref: str) -> dict[str, Any]:
            return {"properties": {name: {"enum": self._tags(schema["discriminator"], ref)}}}

        if here:
            yield [(tagged(ref), frozenset()) for ref in here[:1]]
        else:
            for child in islice(children, 8):
                yield [({"$ref": child}, frozenset()), (tagged(child), frozenset((child,)))]
        yield []

    def _children_of(self, parent: str) -> dict[str, None]:
        if self._children is None:
            self._children = {}
            for name, schema in self._lookups.components().items():
                for part in list_of(dict_of(schema).get("allOf")):
                    ref = dict_of(part).get("$ref")
                    if isinstance(ref, str):
                        self._children.setdefault(ref, {})[f"#/components/schemas/{name}"] = None
        return self._children.get(parent, {})
