"""What must hold at one place of a value: all schemas that apply there, brought together.

A reference is followed, `allOf` is joined, and of each choice (`oneOf`, `anyOf`, `if`, a dependent schema) one way is
taken. Which one is for the caller to say: `Chooser`. Makes no values and judges none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

from mockserver.contract.references import Refs, unescape

_SAMPLE_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_OF_OBJECTS = frozenset(
    ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required", "propertyNames")
    + ("dependentRequired", "dependencies", "minProperties", "maxProperties")
)
_OF_ARRAYS = frozenset(("items", "prefixItems", "unevaluatedItems", "contains", "uniqueItems", "minItems", "maxItems"))
_OF_SCALARS = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format", "pattern")
    + ("minLength", "maxLength")
)
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
MAX_CONFLICTS = 64
"""Alternatives of one choice that are looked at for one without conflict."""

Chooser = Callable[[list[Any]], int]
"""Given the ways of one choice, likeliest first, says by its index which one to take."""
Chain = frozenset[str]
"""The references that led to a schema without a step down into the value."""


class Bound:
    """The tightest of some bounds on one side."""

    __slots__ = ("is_open", "value")

    def __init__(self) -> None:
        self.value: Fraction | None = None
        self.is_open = False

    def tighten(self, value: Any, is_open: bool, upper: bool) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
        if self.value is None or (exact < self.value if upper else exact > self.value):
            self.value, self.is_open = exact, is_open
        elif exact == self.value:
            self.is_open = self.is_open or is_open


class Closed:
    """One schema's say about members that it does not name."""

    __slots__ = ("names", "patterns", "rest")

    def __init__(self, names: Iterable[str], patterns: Iterable[str], rest: Any) -> None:
        self.names = frozenset(names)
        self.patterns = tuple(patterns)
        self.rest = rest


class Facts:
    """What must hold at one place. Everything is empty at first, which allows every value."""

    def __init__(self) -> None:
        self.never = False
        self.types: frozenset[str] | None = None
        self.enum: list[Any] | None = None
        self.excluded: list[Any] = []
        self.examples: list[Any] = []
        self.properties: dict[str, list[Any]] = {}
        self.pattern_properties: list[tuple[str, Any]] = []
        self.closed: list[Closed] = []
        self.required: dict[str, None] = {}
        self.dependents: dict[str, list[str]] = {}
        self.absent: set[str] = set()
        self.property_names: list[Any] = []
        self.min_properties, self.max_properties = 0, None
        self.unevaluated: Any = None
        self.prefixes: list[list[Any]] = []
        self.items: list[tuple[int, Any]] = []
        self.contains: list[tuple[Any, int]] = []
        self.unique = False
        self.min_items: int = 0
        self.max_items: int | None = None
        self.low, self.high = Bound(), Bound()
        self.steps: list[Fraction] = []
        self.min_length: int = 0
        self.max_length: int | None = None
        self.patterns: list[str] = []
        self.forbidden: list[str] = []
        self.formats: list[str] = []
        self.hides = False
        """Members for the other direction must not be there, even those that are required (3.0.3, Schema Object)."""
        self.not_together: list[list[str]] = []
        self.content: list[str] = []

    min_properties: int
    max_properties: int | None

    def copy(self) -> Facts:
        """Another one, to try something with."""
        new = Facts.__new__(Facts)
        for key, value in self.__dict__.items():
            if isinstance(value, list | set):
                value = value.copy()
            elif isinstance(value, dict):
                value = {k: v.copy() if isinstance(v, list) else v for k, v in value.items()}
            elif isinstance(value, Bound):
                bound = Bound()
                bound.value, bound.is_open = value.value, value.is_open
                value = bound
            new.__dict__[key] = value
        return new

    def impossible(self) -> bool:
        """Whether it is plain that nothing satisfies all of it."""
        low, high = self.low.value, self.high.value
        return (
            self.never
            or self.types == frozenset()
            or self.enum == []
            or (low is not None and high is not None and (low > high))
            or (self.max_length is not None and self.min_length > self.max_length)
            or (self.max_items is not None and self.min_items > self.max_items)
            or (self.max_properties is not None and self.min_properties > self.max_properties)
            or any(name in self.absent for name in self.required)
        )

    def limit_types(self, kinds: Iterable[str]) -> None:
        new = frozenset(kinds)
        if self.types is None:
            self.types = new
            return
        both = self.types & new
        if "integer" not in both and (
            ("integer" in self.types and "number" in new) or ("number" in self.types and "integer" in new)
        ):
            both |= {"integer"}
        self.types = both

    def limit_values(self, values: list[Any]) -> None:
        if self.enum is None:
            self.enum = list(values)
        else:
            self.enum = [value for value in self.enum if any(same(value, other) for other in values)]


def same(left: Any, right: Any) -> bool:
    """Whether two values are one to JSON Schema: 1 is 1.0, and true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


class Reader:
    """Reads the schemas of one document.

    Args:
        refs: looks references up.
        old: it is a 3.0 document.
        direction: what the value is for; members of the other one are hidden.
    """

    def __init__(self, refs: Refs, old: bool, direction: str) -> None:
        self._refs = refs
        self._old = old
        self._hidden = "readOnly" if direction == "request" else "writeOnly"
        self._children: dict[str, dict[str, None]] | None = None

    def facts(self, schemas: list[Any], choose: Chooser, scopes: tuple[Any, ...] = (), simple: bool = False) -> Facts:
        """Everything that must hold where all of `schemas` apply. `simple`: the simplest way is the likeliest."""
        facts = Facts()
        facts.hides = self._old
        pending: list[tuple[str, Any, Chain]] = []
        for schema in schemas:
            self._join(facts, schema, frozenset(), pending, scopes)
        while pending:
            kind, schema, chain = pending.pop(0)
            ways = list(self._ways(facts, kind, schema, chain, simple))
            if not ways:
                continue
            for way, more in ways[choose(ways)] if len(ways) > 1 else ways[0]:
                self._join(facts, way, chain | more, pending, scopes, inner=True)
        return facts

    def target(self, ref: str) -> Any:
        """The schema that a reference names; one that allows everything when there is none."""
        try:
            return self._refs.lookup(unescape(ref))
        except (KeyError, ValueError):
            try:
                return self._refs.follow({"$ref": ref}, "")[0]
            except KeyError:
                return True

    def followed(self, schema: Any) -> Any:
        """A schema with its references followed, whatever stands beside them."""
        for _ in range(32):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                break
            schema = self.target(schema["$ref"])
        return schema

    def is_hidden(self, schema: Any) -> bool:
        """Whether a member is for the other direction."""
        schema = self.followed(schema)
        return isinstance(schema, dict) and schema.get(self._hidden) is True

    def _join(
        self,
        facts: Facts,
        schema: Any,
        chain: Chain,
        pending: list[tuple[str, Any, Chain]],
        scopes: tuple[Any, ...],
        inner: bool = False,
    ) -> None:
        if schema is False:
            facts.never = True
        if not isinstance(schema, dict):
            return
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref not in chain:
            below = self.target(ref)
            self._join(facts, below, chain | {ref}, pending, (*scopes, below), inner)
        if isinstance(ref, str) and self._old:
            return
        dynamic = schema.get("$dynamicRef")
        if isinstance(dynamic, str) and dynamic not in chain:
            self._join(facts, self._dynamic(dynamic, scopes), chain | {dynamic}, pending, scopes, inner)
        if schema.get(self._hidden) is True:
            facts.never = facts.never or self._old
        self._any_kind(facts, schema, inner)
        keys = schema.keys()
        if not _OF_OBJECTS.isdisjoint(keys):
            self._object(facts, schema)
        if not _OF_ARRAYS.isdisjoint(keys):
            self._array(facts, schema)
        if not _OF_SCALARS.isdisjoint(keys):
            self._scalar(facts, schema)
        for part in _list(schema.get("allOf")):
            self._join(facts, part, chain, pending, scopes, inner=True)
        self._not(facts, schema.get("not"))
        for key in ("oneOf", "anyOf"):
            if _list(schema.get(key)):
                pending.append((key, schema, chain))
        if isinstance(schema.get("discriminator"), dict) and not (schema.get("oneOf") or schema.get("anyOf")):
            pending.append(("discriminator", schema, chain))
        if not self._old and "if" in schema and ("then" in schema or "else" in schema):
            pending.append(("if", schema, chain))
        for name, dependent in {**_dict(schema.get("dependencies")), **_dict(schema.get("dependentSchemas"))}.items():
            if not isinstance(dependent, list):
                pending.append(("dependent", (name, dependent), chain))

    def _any_kind(self, facts: Facts, schema: dict[str, Any], inner: bool) -> None:
        kind = schema.get("type")
        kinds = [kind] if isinstance(kind, str) else _list(kind)
        nullable = self._old and schema.get("nullable") is True
        if kinds:
            facts.limit_types([*kinds, "null"] if nullable else kinds)
        if isinstance(schema.get("enum"), list):
            facts.limit_values(schema["enum"])
        if "const" in schema:
            facts.limit_values([schema["const"]])
        found = [schema["example"]] if "example" in schema else []
        found += _list(schema.get("examples"))
        found += [schema["default"]] if "default" in schema else []
        facts.examples += [value for value in found if not inner or not isinstance(value, dict | list)]

    def _object(self, facts: Facts, schema: dict[str, Any]) -> None:
        properties, patterns = _dict(schema.get("properties")), _dict(schema.get("patternProperties"))
        for name, member in properties.items():
            facts.properties.setdefault(name, []).append(member)
        facts.pattern_properties += patterns.items()
        if schema.get("additionalProperties") not in (None, True, {}):
            facts.closed.append(Closed(properties, patterns, schema["additionalProperties"]))
        if "unevaluatedProperties" in schema and not self._old:
            facts.unevaluated = schema["unevaluatedProperties"]
        for name in _list(schema.get("required")):
            if isinstance(name, str) and not (self._old and self.is_hidden(properties.get(name))):
                facts.required[name] = None
        for key in ("dependentRequired", "dependencies"):
            for name, needed in _dict(schema.get(key)).items():
                if isinstance(needed, list):
                    facts.dependents.setdefault(name, []).extend(needed)
        if "propertyNames" in schema and not self._old:
            facts.property_names.append(schema["propertyNames"])
        facts.min_properties = max(facts.min_properties, _count(schema.get("minProperties"), 0))
        facts.max_properties = _least(facts.max_properties, schema.get("maxProperties"))

    def _array(self, facts: Facts, schema: dict[str, Any]) -> None:
        prefix = _list(schema.get("prefixItems"))
        if prefix:
            facts.prefixes.append(prefix)
        items = schema.get("items")
        if items is None and not self._old:
            items = schema.get("unevaluatedItems")
        if isinstance(items, dict | bool):
            facts.items.append((len(prefix), items))
        if "contains" in schema and not self._old:
            facts.contains.append((schema["contains"], _count(schema.get("minContains"), 1)))
        facts.unique = facts.unique or schema.get("uniqueItems") is True
        facts.min_items = max(facts.min_items, _count(schema.get("minItems"), 0))
        facts.max_items = _least(facts.max_items, schema.get("maxItems"))

    def _scalar(self, facts: Facts, schema: dict[str, Any]) -> None:
        for bound, key, flag, upper in (
            (facts.low, "minimum", "exclusiveMinimum", False),
            (facts.high, "maximum", "exclusiveMaximum", True),
        ):
            # A bound of its own since 3.1; in 3.0 a flag on the other one.
            bound.tighten(schema.get(key), schema.get(flag) is True, upper)
            bound.tighten(schema.get(flag), True, upper)
        name = schema.get("format")
        if isinstance(name, str):
            facts.formats.append(name)
            if name in _RANGES and "integer" in (schema.get("type") or ()):
                facts.low.tighten(_RANGES[name][0], False, False)
                facts.high.tighten(_RANGES[name][1], False, True)
        step = schema.get("multipleOf")
        if isinstance(step, int | float) and step > 0:
            facts.steps.append(Fraction(str(step)))
        facts.min_length = max(facts.min_length, _count(schema.get("minLength"), 0))
        facts.max_length = _least(facts.max_length, schema.get("maxLength"))
        if isinstance(schema.get("pattern"), str):
            facts.patterns.append(schema["pattern"])

    def _not(self, facts: Facts, schema: Any) -> None:
        """What can be said outright of a `not`; the rest comes out when the value is validated."""
        schema = self.followed(schema)
        if schema is True or schema == {}:
            facts.never = True
        if not isinstance(schema, dict):
            return
        said = schema.keys() - {"description", "title"}
        if schema.get("type") == "object" and len(said) > 1:
            said -= {"type"}
        kinds = [schema["type"]] if isinstance(schema.get("type"), str) else _list(schema.get("type"))
        if said == {"type"} and kinds:
            others = set(_SAMPLE_TYPES) - set(kinds)
            facts.limit_types(others - ({"integer"} if "number" in kinds else set()))
        elif said == {"enum"}:
            facts.excluded += schema["enum"]
        elif said == {"const"}:
            facts.excluded.append(schema["const"])
        elif said == {"pattern"}:
            facts.forbidden.append(schema["pattern"])
        elif said == {"required"}:
            facts.not_together.append(_list(schema["required"]))
        elif said == {"properties"} and schema["properties"]:  # one of them is there, and is not what is said
            name, member = next(iter(schema["properties"].items()))
            facts.properties.setdefault(name, []).append({"not": member})
            facts.required[name] = None
        elif said == {"properties", "required"} and len(schema["required"]) == len(schema["properties"]) == 1:
            ((name, member),) = schema["properties"].items()
            facts.properties.setdefault(name, []).append({"not": member})
        elif said == {"anyOf"}:
            for option in _list(schema["anyOf"]):
                self._not(facts, option)

    def _ways(
        self, facts: Facts, kind: str, schema: Any, chain: Chain, simple: bool
    ) -> Iterator[list[tuple[Any, Chain]]]:
        """The ways of one choice, likeliest first: each a list of schemas, with the references that led there."""
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
            bad = [index < MAX_CONFLICTS and self._conflicts(facts, way, chain) for index, way in enumerate(ways)]
            yield from ([(part, nothing) for part in way] for way, worse in zip(ways, bad, strict=True) if not worse)
            yield from ([(part, nothing) for part in way] for way, worse in zip(ways, bad, strict=True) if worse)

    def _weight(self, schema: Any) -> int:
        """The more, the more there may be inside a value of it."""
        schema = self.followed(schema)
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
        schema = self.followed(schema)
        return isinstance(schema, dict) and (schema.get("type") == "null" or schema.get("enum") == [None])

    def _conflicts(self, facts: Facts, way: list[Any], chain: Chain) -> bool:
        """Whether it is plain that an alternative cannot hold besides the rest."""
        trial = facts.copy()
        for part in way:
            self._join(trial, part, chain, [], (), inner=True)
        if trial.impossible():
            return True
        for name, members in trial.properties.items():
            if len(members) > 1 and name in trial.required:
                member = Facts()
                for schema in members:
                    schema = self.followed(schema)
                    if isinstance(schema, dict):
                        self._any_kind(member, schema, True)
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
        tags = self._tags(discriminator, way["$ref"])
        return [way, {"type": "object", "properties": {name: {"enum": tags}}, "required": [name]}]

    @staticmethod
    def _tags(discriminator: dict[str, Any], ref: str) -> list[str]:
        """The values of a discriminator that stand for a schema."""
        name = ref.rsplit("/", 1)[-1]
        mapping = _dict(discriminator.get("mapping"))
        return [tag for tag, target in mapping.items() if target in (ref, name)] or [name]

    def _of_children(self, facts: Facts, schema: dict[str, Any], chain: Chain) -> Iterator[list[tuple[Any, Chain]]]:
        """A discriminator without alternatives stands in a parent; its children refer to it in their `allOf`."""
        name = schema["discriminator"].get("propertyName")
        own = next((ref for ref in sorted(chain) if self.target(ref) is schema), None)
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
            for name, schema in self._components().items():
                for part in _list(_dict(schema).get("allOf")):
                    ref = _dict(part).get("$ref")
                    if isinstance(ref, str):
                        self._children.setdefault(ref, {})[f"#/components/schemas/{name}"] = None
        return self._children.get(parent, {})

    def _components(self) -> dict[str, Any]:
        try:
            return _dict(self._refs.lookup("/components/schemas"))
        except KeyError:
            return {}

    def _dynamic(self, ref: str, scopes: tuple[Any, ...]) -> Any:
        """The target of a `$dynamicRef`: the outermost schema that is named so (JSON Schema Core 8.2.3.2)."""
        name = ref.rpartition("#")[2]
        for scope in (*scopes, *self._components().values()):
            for schema in (scope, *_dict(_dict(scope).get("$defs")).values()):
                if _dict(schema).get("$dynamicAnchor") == name:
                    return schema
        return self.target(ref)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any, otherwise: int) -> int:
    return (
        int(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        else (0 if isinstance(value, int | float) else otherwise)
    )


def _least(left: int | None, right: Any) -> int | None:
    if isinstance(right, bool) or not isinstance(right, int | float):
        return left
    return int(right) if left is None else min(left, int(right))
