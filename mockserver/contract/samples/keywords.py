"""What each keyword of a schema adds to the facts of a place."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mockserver.contract.samples.facts import Closed, Facts
from mockserver.contract.samples.lookups import Lookups, dict_of, list_of

_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_OF_OBJECTS = {
    *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames", "required"),
    *("dependentRequired", "dependencies", "minProperties", "maxProperties"),
}
_OF_ARRAYS = {"items", "prefixItems", "unevaluatedItems", "contains", "uniqueItems", "minItems", "maxItems"}
_OF_SCALARS = {
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("format", "pattern", "minLength", "maxLength"),
}
_GIVING = frozenset(("example", "examples", "default"))
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def note(facts: Facts, schema: dict[str, Any], lookups: Lookups, inner: bool) -> None:
    """Everything that a schema says itself, but for its references and choices.

    `inner`: it is part of another one, so that its example is not one of the whole.
    """
    keys = schema.keys()
    note_any_kind(facts, schema, inner, lookups.old)
    if not _OF_OBJECTS.isdisjoint(keys):
        note_object(facts, schema, lookups)
    if not _OF_ARRAYS.isdisjoint(keys):
        note_array(facts, schema, lookups.old)
    if not _OF_SCALARS.isdisjoint(keys):
        note_scalar(facts, schema)
    if "not" in keys:
        note_not(facts, schema["not"], lookups)


def note_any_kind(facts: Facts, schema: dict[str, Any], inner: bool, old: bool) -> None:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else list_of(kind)
    nullable = old and schema.get("nullable") is True
    if kinds:
        facts.limit_types([*kinds, "null"] if nullable else kinds)
    if isinstance(schema.get("enum"), list):
        facts.limit_values(schema["enum"])
    if "const" in schema:
        facts.limit_values([schema["const"]])
    if _GIVING.isdisjoint(schema):
        return
    found = [schema["example"]] if "example" in schema else []
    found += list_of(schema.get("examples"))
    found += [schema["default"]] if "default" in schema else []
    facts.examples += [value for value in found if not inner or not isinstance(value, dict | list)]


def note_object(facts: Facts, schema: dict[str, Any], lookups: Lookups) -> None:
    properties, patterns = dict_of(schema.get("properties")), dict_of(schema.get("patternProperties"))
    for name, member in properties.items():
        facts.properties.setdefault(name, []).append(member)
    facts.pattern_properties += patterns.items()
    if schema.get("additionalProperties") not in (None, True, {}):
        facts.closed.append(Closed(properties, patterns, schema["additionalProperties"]))
    if "unevaluatedProperties" in schema and not lookups.old:
        facts.unevaluated = schema["unevaluatedProperties"]
    for name in list_of(schema.get("required")):
        if isinstance(name, str) and not (lookups.old and lookups.is_hidden(properties.get(name))):
            facts.required[name] = None
    for key in ("dependentRequired", "dependencies"):
        for name, needed in dict_of(schema.get(key)).items():
            if isinstance(needed, list):
                facts.dependents.setdefault(name, []).extend(needed)
    if "propertyNames" in schema and not lookups.old:
        facts.property_names.append(schema["propertyNames"])
    facts.min_properties = max(facts.min_properties, _natural(schema.get("minProperties"), 0))
    facts.max_properties = _least(facts.max_properties, schema.get("maxProperties"))


def note_array(facts: Facts, schema: dict[str, Any], old: bool) -> None:
    prefix = list_of(schema.get("prefixItems"))
    if prefix:
        facts.prefixes.append(prefix)
    items = schema.get("items")
    if items is None and not old:
        items = schema.get("unevaluatedItems")
    if isinstance(items, dict | bool):
        facts.items.append((len(prefix), items))
    if "contains" in schema and not old:
        facts.contains.append((schema["contains"], _natural(schema.get("minContains"), 1)))
    facts.unique = facts.unique or schema.get("uniqueItems") is True
    facts.min_items = max(facts.min_items, _natural(schema.get("minItems"), 0))
    facts.max_items = _least(facts.max_items, schema.get("maxItems"))


def note_scalar(facts: Facts, schema: dict[str, Any]) -> None:
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
    facts.min_length = max(facts.min_length, _natural(schema.get("minLength"), 0))
    facts.max_length = _least(facts.max_length, schema.get("maxLength"))
    if isinstance(schema.get("pattern"), str):
        facts.patterns.append(schema["pattern"])


def note_not(facts: Facts, schema: Any, lookups: Lookups) -> None:
    """What can be said outright of a `not`; the rest comes out when the value is validated."""
    schema = lookups.followed(schema)
    if schema is True or schema == {}:
        facts.never = True
    if not isinstance(schema, dict):
        return
    said = schema.keys() - {"description", "title"}
    if schema.get("type") == "object" and len(said) > 1:
        said -= {"type"}
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else list_of(schema.get("type"))
    if said == {"type"} and kinds:
        others = set(_TYPES) - set(kinds)
        facts.limit_types(others - ({"integer"} if "number" in kinds else set()))
    elif said == {"enum"}:
        facts.excluded += schema["enum"]
    elif said == {"const"}:
        facts.excluded.append(schema["const"])
    elif said == {"pattern"}:
        facts.forbidden.append(schema["pattern"])
    elif said == {"required"}:
        facts.not_together.append(list_of(schema["required"]))
    elif said == {"properties"} and schema["properties"]:  # one of them is there, and is not what is said
        name, member = next(iter(schema["properties"].items()))
        facts.properties.setdefault(name, []).append({"not": member})
        facts.required[name] = None
    elif said == {"properties", "required"} and len(schema["required"]) == len(schema["properties"]) == 1:
        ((name, member),) = schema["properties"].items()
        facts.properties.setdefault(name, []).append({"not": member})
    elif said == {"anyOf"}:
        for option in list_of(schema["anyOf"]):
            note_not(facts, option, lookups)


def _natural(value: Any, otherwise: int) -> int:
    return (
        int(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        else (0 if isinstance(value, int | float) else otherwise)
    )


def _least(left: int | None, right: Any) -> int | None:
    if isinstance(right, bool) or not isinstance(right, int | float):
        return left
    return int(right) if left is None else min(left, int(right))
