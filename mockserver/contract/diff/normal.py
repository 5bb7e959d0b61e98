"""The schemas of a document in one normal form, JSON Schema 2020-12, so that those of two documents can be compared.

3.0 and 3.1 schemas come out alike: the contract's own rewriting has resolved `nullable`, `readOnly` and discriminators
for a direction. Must not know: what a change means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from mockserver.contract.contract import Contract
from mockserver.contract.drafts import modern
from mockserver.contract.references import Refs
from mockserver.contract.schemas import Direction, Schemas
from mockserver.text.documents import parts_of, pointer_of

LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
MAPS = ("properties", "patternProperties", "dependentSchemas")
SINGLE = (
    *("not", "items", "additionalProperties", "contains", "propertyNames", "if", "then", "else"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
IN_PLACE = ("allOf", "anyOf", "oneOf")
"""Keywords whose schemas are for the same value."""
_DRAFT_4 = "http://json-schema.org/draft-04/schema"
_SILENT = frozenset(("readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType", "$schema"))
MAX_PARTS = 256
"""Schemas for one value that are looked at together."""


@dataclass(frozen=True, slots=True)
class Node:
    """A schema in normal form, and where it stands in the document."""

    schema: Any
    pointer: str


class _Definitions(dict[str, Any]):
    """Definitions by their names, which are numbers in the order of their discovery: a schema's own name is nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[tuple[str, bool], str] = {}


class Side:
    """The schemas of one document for one direction."""

    def __init__(self, contract: Contract, direction: Direction) -> None:
        self.contract = contract
        self.direction = direction
        self.refs = Refs(contract.document)
        self._schemas = Schemas(contract.document)
        self._nodes: dict[str, Node] = {}

    def at(self, pointer: str) -> Node:
        """The schema at a place of the document; "" is one that takes everything."""
        if not pointer:
            return Node({}, "")
        return Node(self._schemas.reference(pointer, self.direction), pointer)

    def follow(self, reference: str) -> Node:
        """The schema that a reference of the normal form leads to. Raises ContractError."""
        node = self._nodes.get(reference)
        if node is None:
            schema = self._schemas.rewritten(reference)
            if self._schemas.is_3_0:
                schema = _modern(schema)
            node = self._nodes[reference] = Node(schema, self._schemas.pointer(reference))
        return node

    def validator(self, pointer: str) -> jsonschema_rs.Validator:
        """What a server validates values with by the schema at a place."""
        return self._schemas.validator(self._schemas.reference(pointer, self.direction))

    def parts(self, node: Node) -> list[Node]:
        """The schemas that a value must satisfy together: references followed, `allOf` taken apart."""
        found: list[Node] = []
        waiting, seen = [node], set()
        while waiting and len(found) < MAX_PARTS:
            part = waiting.pop(0)
            schema = part.schema
            if not isinstance(schema, dict):
                found.append(part)
                continue
            ref = schema.get("$ref")
            if isinstance(ref, str) and ref not in seen and not ref.startswith("urn:format"):
                seen.add(ref)
                waiting.append(self.follow(ref))
            alone = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
            for number, inner in enumerate(schema.get("allOf") or ()):
                waiting.append(Node(inner, f"{part.pointer}/allOf/{number}"))
            for key in ("anyOf", "oneOf"):
                if len(alone.get(key) or ()) == 1:
                    waiting.append(Node(alone.pop(key)[0], f"{part.pointer}/{key}/0"))
            if alone:
                found.append(Node(alone, part.pointer))
        return found

    def names(self, node: Node) -> tuple[dict[str, None], list[str], bool]:
        """Of an object: the names that are declared, the patterns of names, and whether others are declared too."""
        names: dict[str, None] = {}
        patterns: list[str] = []
        is_open = False
        waiting, seen = [node], set()
        while waiting:
            part = waiting.pop()
            schema = part.schema
            if not isinstance(schema, dict):
                continue
            ref = schema.get("$ref")
            if isinstance(ref, str) and ref not in seen and not ref.startswith("urn:format"):
                seen.add(ref)
                waiting.append(self.follow(ref))
            names |= dict.fromkeys(schema.get("properties") or ())
            names |= dict.fromkeys(schema.get("required") or ())
            patterns += list(schema.get("patternProperties") or ())
            # `true` says no more than nothing does; only a schema speaks of other members.
            others = [schema.get(key) for key in ("additionalProperties", "unevaluatedProperties")]
            is_open = is_open or any(isinstance(other, dict) and other not in ({}, {"not": {}}) for other in others)
            inner = [schema[key] for key in ("if", "then", "else", "not") if key in schema]
            inner += (schema.get("dependentSchemas") or {}).values()
            waiting += [Node(i, "") for key in IN_PLACE for i in schema.get(key) or ()] + [Node(i, "") for i in inner]
        return names, patterns, is_open

    def whole(self, node: Node, closed: bool) -> Any:
        """A schema that holds all that it refers to, under `$defs`.

        Args:
            node: the schema.
            closed: leave out values with members that are declared nowhere, where a schema does not speak of others:
                no client sends and no server means them.
        """
        definitions = _Definitions()
        schema = self._closed(node, definitions, closed)
        if isinstance(schema, dict) and definitions:
            return {**schema, "$defs": dict(definitions)}
        return schema

    def _closed(self, node: Node, definitions: _Definitions, closed: bool) -> Any:
        closed = closed and not self._is_shared(node)
        schema = self._copied(node.schema, definitions, closed)
        if not closed or not isinstance(schema, dict):
            return schema
        if schema.keys() == {"$ref"}:
            return schema  # the definition is closed already, or it is the format of a text
        names, patterns, is_open = self.names(node)
        if is_open or not (names or patterns):
            return schema
        only = {"properties": {name: {} for name in names}, "additionalProperties": False}
        if patterns:
            only["patternProperties"] = {pattern: {} for pattern in patterns}
        return {**schema, "allOf": [*schema.get("allOf", ()), only]}

    def _is_shared(self, node: Node) -> bool:
        """Whether a member is declared twice for one value, so that neither schema says all of what is in it."""
        names: set[str] = set()
        for part in self.parts(node):
            for name in (part.schema.get("properties") or ()) if isinstance(part.schema, dict) else ():
                if name in names:
                    return True
                names.add(name)
        return False

    def _copied(self, schema: Any, definitions: _Definitions, closed: bool, in_place: bool = False) -> Any:
        """A schema with references into `$defs`."""
        if not isinstance(schema, dict):
            return schema
        new: dict[str, Any] = {}
        alone = schema.keys() == {"$ref"} and not in_place
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                if value.startswith("urn:format"):
                    new["format"] = value.rpartition(":")[2]
                    continue
                name = self._defined(value, definitions, closed and alone)
                new["$ref"] = f"#/$defs/{name}"
            elif key in LISTS and isinstance(value, list):
                new[key] = [self._inner(child, definitions, closed, key in IN_PLACE) for child in value]
            elif key in MAPS and isinstance(value, dict):
                new[key] = {
                    name: self._inner(child, definitions, closed, key == "dependentSchemas")
                    for name, child in value.items()
                }
            elif key in SINGLE:
                new[key] = self._inner(value, definitions, closed, key in ("not", "if", "then", "else"))
            elif key not in _SILENT:
                new[key] = value
        return new

    def _inner(self, child: Any, definitions: _Definitions, closed: bool, in_place: bool) -> Any:
        if in_place or not closed:
            return self._copied(child, definitions, closed, in_place)
        return self._closed(Node(child, ""), definitions, closed)

    def _defined(self, reference: str, definitions: _Definitions, closed: bool) -> str:
        numbers = definitions.numbers
        key = reference, closed
        if key not in numbers:
            name = numbers[key] = str(len(numbers))
            definitions[name] = self._closed(self.follow(reference), definitions, closed)
        return numbers[key]

    def place(self, pointer: str) -> str:
        """A pointer of the normal form as it is in the document: up to what is there."""
        parts: list[str] = []
        for part in parts_of(pointer):
            try:
                self.refs.lookup(pointer_of([*parts, part]))
            except (KeyError, TypeError):
                break
            parts.append(part)
        return pointer_of(parts)


def _modern(schema: Any) -> Any:
    """A schema in the words of Draft 4, with all that is in it, as 2020-12 says it."""
    if not isinstance(schema, dict):
        return schema
    new = modern(schema, _DRAFT_4)
    for key in LISTS:
        if isinstance(new.get(key), list):
            new[key] = [_modern(child) for child in new[key]]
    for key in MAPS:
        if isinstance(new.get(key), dict):
            new[key] = {name: _modern(child) for name, child in new[key].items()}
    for key in SINGLE:
        if key in new:
            new[key] = _modern(new[key])
    return new


__all__ = ["IN_PLACE", "MAX_PARTS", "Node", "Side"]
