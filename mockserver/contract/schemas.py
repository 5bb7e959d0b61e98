"""Validators for the schemas of a document, each made when it is first needed.

A validator takes in the schemas that it can reach, rewritten, and no others: a large document has
thousands that no test ever touches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from itertools import count
from typing import Any, cast

import jsonschema_rs
from jsonschema_rs import canonical

from mockserver.contract.dialects import APART, LATER, Direction, Format, Rewritten, draft_of, rewrite
from mockserver.contract.patterns import LIMITED, LINEAR, Patterns
from mockserver.contract.references import Refs
from mockserver.contract.shapes import Shapes
from mockserver.errors import ContractError
from mockserver.text.documents import parts_of
from mockserver.text.jsontext import to_json

_ALL = "urn:contract"
"""The resource in which jsonschema-rs finds the schemas of a validator, under `$defs`."""
_PREFIX = f"{_ALL}#/$defs/"
LARGE = 100
"""Schemas that a validator reaches from which on it is worth while to share them with others."""
PATIENCE = 3
"""Large validators that are compiled each by itself, before many are compiled together."""


class _Shared:
    """A validator of one schema, made of one for many: to compile what they all reach once for each takes too long.

    Args:
        many: validates an object by the schemas of its members.
        name: the member that has the schema.
        compiled: makes a validator for the schema alone, which says what is wrong with a value.
    """

    def __init__(
        self, many: jsonschema_rs.Validator, name: str, compiled: Callable[[], jsonschema_rs.Validator]
    ) -> None:
        self._many = many
        self._name = name
        self._compiled = compiled

    @cached_property
    def _alone(self) -> jsonschema_rs.Validator:
        return self._compiled()

    def is_valid(self, instance: Any) -> bool:
        return self._many.is_valid({self._name: instance})

    def iter_errors(self, instance: Any) -> Iterator[jsonschema_rs.ValidationError]:
        return self._alone.iter_errors(instance)


class Schemas:
    """Makes validators for the schemas of one document.

    Args:
        document: the document.
        expected: tells the places of schemas for responses that may be asked for, when many are.
    """

    def __init__(self, document: dict[str, Any], expected: Callable[[], Iterable[str]] = tuple) -> None:
        self._expected = expected
        self._refs = Refs(document, settled=True)
        self._draft = draft_of(document)
        self.is_3_0 = self._draft is jsonschema_rs.Draft4Validator
        dialect = document.get("jsonSchemaDialect")
        self._default_dialect = dialect if isinstance(dialect, str) else ""
        self._patterns = Patterns(self._draft)
        self.shapes = Shapes(self._refs)
        """What values of the document's schemas may be: many bodies have the same one."""
        self._numbers = count()
        self._places: dict[str, tuple[str, Direction]] = {}
        """By reference: where in the document the schema stands, and the direction it is for."""
        self._known: dict[tuple[str, Direction], str] = {}
        """The other way round."""
        self._rewritten: dict[str, Rewritten] = {}
        self._made: dict[bytes, jsonschema_rs.Validator] = {}
        """By the schema, rewritten: hundreds of responses of a large document have the same one."""
        self._large = 0
        """Large validators that were compiled."""
        self._tried = False
        """Whether many were to be compiled together."""
        self._many: jsonschema_rs.Validator | None = None
        self._in_many: frozenset[str] = frozenset()
        """The references that `_many` has a member for, by their names."""

    def reference(self, pointer: str, direction: Direction) -> dict[str, Any]:
        """A schema that stands for the one at `pointer`; "" is one that takes everything."""
        if not pointer:
            return {}
        return {"$ref": self._reference(pointer, direction)}

    def validator(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        """Prepare a schema made of `reference`s, with all that they reach.

        Raises:
            ContractError: a reference leads nowhere, or a pattern is no regular expression.
            jsonschema_rs.ValidationError: a schema is broken in another way.
        """
        key = self._key(schema)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._shared(schema) or self._compiled(schema)
        return made

    def _shared(self, schema: dict[str, Any]) -> jsonschema_rs.Validator | None:
        """A validator that is a part of one for many; None when the schema is not among these."""
        if schema.keys() != {"$ref"}:
            return None
        if self._large >= PATIENCE and not self._tried:
            self._tried = True
            self._compile_many()
        name = schema["$ref"].removeprefix(_PREFIX)
        if self._many is None or name not in self._in_many:
            return None
        return cast(jsonschema_rs.Validator, _Shared(self._many, name, partial(self._compiled, schema)))

    def _compile_many(self) -> None:
        """Compile the schemas that are expected, together with all that they reach."""
        roots = [self.reference(pointer, "response") for pointer in dict.fromkeys(self._expected())]
        try:
            names = self.reach({"anyOf": roots})[0][_ALL]["$defs"].keys()
            many = self._compiled({"properties": {name: {"$ref": f"{_PREFIX}{name}"} for name in names}})
        except (ContractError, ValueError, jsonschema_rs.ValidationError):
            return  # one of them is broken: then each is compiled by itself, and says so
        self._many, self._in_many = many, frozenset(names)

    def admits_nothing(self, schema: dict[str, Any]) -> bool:
        """Whether it is proven that no value satisfies a schema made of `reference`s. False says nothing."""
        resources, _ = self.reach(schema)
        draft = jsonschema_rs.Draft4 if self.is_3_0 else jsonschema_rs.Draft202012
        try:
            proven = canonical.find_unsatisfiable(
                schema, draft=draft, retriever=lambda uri: resources[uri], validate_formats=True
            )
        except (ValueError, canonical.CanonicalizationError):
            return False  # a schema that cannot be reasoned about
        return "" in proven

    def _key(self, schema: dict[str, Any]) -> bytes:
        """Equal for schemas that say the same, whatever their places are."""
        if schema.keys() == {"$ref"}:
            found = self._get(schema["$ref"])
            if not found.is_apart:
                schema = found.schema
        return to_json(schema)

    def _compiled(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        resources, formats = self.reach(schema)
        self._large += len(resources[_ALL]["$defs"]) >= LARGE

        def made(options: jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions) -> jsonschema_rs.Validator:
            return self._draft(
                schema,
                retriever=lambda uri: resources[uri],
                formats=formats or None,
                validate_formats=True,
                pattern_options=options,
            )

        try:
            return made(LINEAR)
        except (ValueError, jsonschema_rs.ValidationError):
            return made(LIMITED)  # perhaps `patternProperties` with lookaround, for which there is nothing else

    def reach(self, schema: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Format]]:
        """What a validator of `schema` needs: resources by their URIs, and formats that are checked in Python."""
        # All in one resource: of many small ones jsonschema-rs makes ten times the work.
        reached: dict[str, Any] = {}
        resources: dict[str, Any] = {_ALL: {"$defs": reached}, **LATER}
        formats: dict[str, Format] = {}
        waiting = _references(schema)
        while waiting:
            reference = waiting.pop()
            name = reference.removeprefix(_PREFIX)
            if name not in reached:
                found = self._get(reference)
                reached[name] = found.schema
                if found.is_apart:
                    uri = f"{APART}{name}"
                    reached[name], resources[uri] = {"$ref": uri}, found.schema
                waiting += found.refs
                formats |= found.formats
        return resources, formats

    def reached(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schemas that a schema reaches, by the references to them, as a validator has them."""
        resources, _ = self.reach(schema)
        return {f"{_PREFIX}{name}": each for name, each in resources[_ALL]["$defs"].items()}

    def pointer(self, reference: str) -> str:
        """Where in the document the schema of a `reference` stands."""
        return self._places[reference][0]

    def rewritten(self, reference: str) -> Any:
        """The schema of a `reference` as jsonschema-rs is given it. Raises ContractError."""
        return self._get(reference).schema

    def _reference(self, pointer: str, direction: Direction) -> str:
        if self._draft is not jsonschema_rs.Draft4Validator:
            direction = "request"  # a 3.1 schema is the same in both
        place = pointer, direction
        reference = self._known.get(place)
        if reference is None:
            # Threads may come here at once: the first one's number counts, and no number is given twice.
            reference = f"{_PREFIX}{next(self._numbers)}"
            self._places[reference] = place
            reference = self._known.setdefault(place, reference)
        return reference

    def _get(self, reference: str) -> Rewritten:
        found = self._rewritten.get(reference)
        if found is None:
            pointer, direction = self._places[reference]
            try:
                node = self._refs.lookup(pointer)
            except KeyError:
                raise ContractError(f"a schema refers to '#{pointer}', which is not in the document") from None
            found = self._rewritten[reference] = rewrite(
                node,
                self._draft,
                direction,
                self._refs,
                self._patterns,
                lambda at: self._reference(at, direction),
                self._dialect(pointer),
            )
        return found

    def _dialect(self, pointer: str) -> str:
        """The dialect that the schema at a pointer is written in: the nearest `$schema`, else the document's own."""
        if self._draft is jsonschema_rs.Draft4Validator:
            return ""
        dialect = self._default_dialect
        node: Any = self._refs.document
        for part in parts_of(pointer):
            node = node[int(part)] if isinstance(node, list) else node[part]
            if isinstance(node, dict) and isinstance(node.get("$schema"), str):
                dialect = node["$schema"]
        return dialect


def _references(node: Any) -> list[str]:
    """The references in a schema made of them."""
    if isinstance(node, list):
        return [found for child in node for found in _references(child)]
    if not isinstance(node, dict):
        return []
    reference = node.get("$ref")
    if isinstance(reference, str):
        return [reference]
    return [found for child in node.values() for found in _references(child)]


__all__ = ["Direction", "Schemas"]
