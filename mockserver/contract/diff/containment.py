"""Whether every value of one schema is a value of another, with a witness when it is not.

It is decided by jsonschema-rs's canonical form, recursive schemas by induction over the size of a value. What it
cannot decide is tried: a value that one compiled schema takes and the other rejects settles it. Must not know: what
follows from the verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jsonschema_rs
from jsonschema_rs import canonical

from mockserver.contract.diff.inlining import TooLarge, inlined
from mockserver.contract.diff.normal import IN_PLACE, Node
from mockserver.contract.diff.proof import Proof
from mockserver.contract.diff.witness import Pair, witnesses
from mockserver.text.jsontext import to_json

Decision = Literal["contained", "not contained", "undecided"]
_MAX_BYTES = 12 * 1024
"""Of two schemas with all that they refer to; the time that the canonical form takes grows faster than they do."""


_NOT_MONOTONE = frozenset(("not", "oneOf", "if", "contains"))
"""Keywords below which more values may mean fewer values above."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the values of a schema are values of another."""

    decision: Decision
    witnesses: tuple[Any, ...] = ()
    """Values of the first that are none of the second; those that were found."""


def contained(proof: Proof, a: Node, b: Node, pair: Pair | None = None) -> Verdict:
    """Whether every value of `a` is a value of `b`.

    Members that a schema does not speak of count as not sent: a new member breaks nobody who does not know it.

    Args:
        proof: proves what it can, between the documents that the two are from.
        a: the schema that values come from.
        b: the schema that has to take them.
        pair: validators of the two as a server compiles them, which a witness must prove itself by; without it no
            witness is looked for.
    """
    if proof.contained(a, b):
        return Verdict("contained")
    whole_a, whole_b = proof.first.whole(a, closed=True), proof.second.whole(b, closed=False)
    difference: Any = None
    proven: Decision = "undecided"
    if len(to_json(whole_a)) + len(to_json(whole_b)) <= _MAX_BYTES:
        proven, difference = _decided(whole_a, whole_b)
        if proven == "undecided":
            proven = _induced(whole_a, whole_b)
    if proven == "contained":
        return Verdict("contained")
    if pair is None:
        return Verdict(proven)
    values = tuple(witnesses(proof.first, a, whole_b, difference, pair))
    return Verdict("not contained" if values else "undecided", values)


def _decided(a: Any, b: Any) -> tuple[Decision, Any]:
    """The verdict of the canonical form, and a schema for the values that only `a` takes, if it can be written."""
    try:
        left, right = _canonical(a), _canonical(b)
        covers = right.covers(left)
        if covers == canonical.Containment.YES:
            return "contained", None
    except (ValueError, jsonschema_rs.ValidationError, RecursionError):
        return "undecided", None
    try:
        difference = left.subtract(right)
        if difference.satisfiability() == canonical.Satisfiability.NO:
            return "contained", None
        schema = difference.to_json_schema()
    except (ValueError, jsonschema_rs.ValidationError, RecursionError):
        schema = None
    return ("not contained" if covers == canonical.Containment.NO else "undecided"), schema


def _canonical(schema: Any) -> jsonschema_rs.CanonicalSchema:
    return jsonschema_rs.canonicalize(schema, draft=jsonschema_rs.Draft202012, validate_formats=True, offline=True)


def _induced(a: Any, b: Any) -> Decision:
    """The same for recursive schemas, by induction over the size of a value.

    Each definition of `b` that stands where `a` refers to one of its own is taken to hold that one's values. When
    every such pair is contained under this, and the two schemas too, then all are: the parts of a value are smaller
    than it. That needs definitions in places where more values below mean more values above, so not below `not`.
    """
    try:
        a, theirs = inlined(a)
        b, own = inlined(b)
    except TooLarge:
        return "undecided"
    partners: dict[str, str] = {}
    if not _match(a, b, theirs, own, partners, set()) or not partners:
        return "undecided"
    definitions = {f"a{name}": _renamed(node, "a", {}) for name, node in theirs.items()}
    renamed = {f"b{name}": _renamed(node, "b", partners) for name, node in own.items()}
    definitions |= renamed
    pairs = [(definitions[f"a{partner}"], renamed[f"b{name}"]) for name, partner in partners.items()]
    pairs.append((_renamed(a, "a", {}), _renamed(b, "b", partners)))
    for left, right in pairs:
        left, right = _unfolded(left, definitions), _unfolded(right, definitions)
        if not isinstance(right, dict) or not isinstance(left, dict):
            return "undecided"
        decision, _ = _decided({**left, "$defs": definitions}, {**right, "$defs": definitions})
        if decision != "contained":
            return "undecided"
    return "contained"


def _unfolded(schema: Any, definitions: dict[str, Any]) -> Any:
    """A schema with what it refers to in its place: the canonical form compares a reference by name alone."""
    for _ in range(8):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if beside and not isinstance(target, dict):
            break
        schema = {"allOf": [target, beside]} if beside else target
    return schema


def _match(
    a: Any, b: Any, root_a: dict[str, Any], root_b: dict[str, Any], partners: dict[str, str], seen: set[tuple[str, str]]
) -> bool:
    """Find which definition of `a` stands where one of `b` does. False when one would need two partners."""
    name_a, a = _target(a, root_a)
    name_b, b = _target(b, root_b)
    if name_a and name_b:
        if partners.setdefault(name_b, name_a) != name_a:
            return False
        if (name_a, name_b) in seen:
            return True
        seen.add((name_a, name_b))
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return True
    for key in ("properties", "patternProperties"):
        for name, child in (b.get(key) or {}).items():
            other = (a.get(key) or {}).get(name)
            if other is not None and not _match(other, child, root_a, root_b, partners, seen):
                return False
    for key in ("items", "additionalProperties"):
        if key in a and key in b and not _match(a[key], b[key], root_a, root_b, partners, seen):
            return False
    for key in (*IN_PLACE, "prefixItems"):
        for left, right in zip(a.get(key) or (), b.get(key) or (), strict=False):
            if not _match(left, right, root_a, root_b, partners, seen):
                return False
    return True


def _target(schema: Any, root: dict[str, Any]) -> tuple[str, Any]:
    """The name of the definition that a schema refers to, and the definition; "" for one that refers to none."""
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        name = schema["$ref"].removeprefix("#/$defs/")
        return name, root[name]
    return "", schema


def _renamed(node: Any, prefix: str, partners: dict[str, str]) -> Any:
    """A schema whose references lead to definitions with a prefix, or to those of their partners."""
    if isinstance(node, list):
        return [_renamed(child, prefix, partners) for child in node]
    if not isinstance(node, dict):
        return node
    new = {key: _renamed(value, prefix, {} if key in _NOT_MONOTONE else partners) for key, value in node.items()}
    if isinstance(node.get("$ref"), str):
        name = node["$ref"].removeprefix("#/$defs/")
        new["$ref"] = f"#/$defs/a{partners[name]}" if name in partners else f"#/$defs/{prefix}{name}"
    return new


__all__ = ["Decision", "Verdict", "contained"]
