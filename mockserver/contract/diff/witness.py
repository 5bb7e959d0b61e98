"""A value that one schema takes and another rejects: looked for, never assumed.

Values come from the project's own sample generator and from changes to those; each counts only when the compiled
validators say so. The same schemas give the same value. Must not know: why it is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import jsonschema_rs

from mockserver.contract.diff.normal import Node, Side
from mockserver.contract.references import Refs, escape
from mockserver.contract.samples import Sampler
from mockserver.text.jsontext import copied, to_json

_SEEDS = 6
"""Samples that are made of one schema."""
_LARGE = 4096
"""Bytes of a sample from which on `_FEW` are made: each takes a tenth of a second, and holds most members anyway."""
_FEW = 2
_MAX_TRIED = 3000
"""Values that are tried in one search."""
_MAX_MORE = 600
"""Values that are tried once there is a witness, for others that show other changes."""
MAX_WITNESSES = 48
"""Witnesses of one search."""
_MAX_TEXT = 4096
"""Characters of a text that a length asks for."""
_MAX_INTERESTING = 64
"""Values of interest that are put into each place of a sample."""
_PLAIN: tuple[Any, ...] = (None, "", "text", 0, 1, -1, 1.5, True, [], {})


class Pair(NamedTuple):
    """What a witness must prove itself by."""

    takes: jsonschema_rs.Validator
    rejects: jsonschema_rs.Validator


def witnesses(first: Side, a: Node, whole_b: Any, difference: Any, pair: Pair) -> list[Any]:
    """Values of `a` that the other schema rejects, at most MAX_WITNESSES; none when none is found.

    Args:
        first: where `a` is from.
        a: the schema that the values are of.
        whole_b: the other schema, with all that it refers to.
        difference: a schema for the values sought, if there is one.
        pair: decides.
    """
    found: list[Any] = []
    tried: set[bytes] = set()
    left = _MAX_TRIED
    for value in _candidates(first, a, whole_b, difference):
        try:
            key = to_json(value)
            if key not in tried and pair.takes.is_valid(value) and not pair.rejects.is_valid(value):
                if not found:
                    left = min(left, _MAX_MORE)
                found.append(value)
            tried.add(key)
        except (ValueError, TypeError):
            pass  # no JSON value
        left -= 1
        if left <= 0 or len(found) >= MAX_WITNESSES:
            break
    return found


def _candidates(first: Side, a: Node, whole_b: Any, difference: Any) -> Iterator[Any]:
    if difference is not None:
        yield from _samples_of(difference)
    samples = list(_samples(first, a))
    yield from samples
    interesting = _interesting([first.whole(a, closed=False), whole_b])
    yield from (value for value in interesting)
    for sample in samples[:3]:
        yield from _mutations(sample, interesting)


def _samples_of(schema: Any) -> Iterator[Any]:
    """Samples of a schema that stands in no document."""
    branches = (
        schema.get("anyOf") if isinstance(schema, dict) and schema.keys() <= {"$schema", "anyOf", "$defs"} else None
    )
    definitions = schema.get("$defs", {}) if isinstance(schema, dict) else {}
    for branch in (branches or [schema])[:16]:
        node = {**branch, "$defs": definitions} if isinstance(branch, dict) else branch
        document = {"openapi": "3.1.0", "components": {"schemas": {"Sought": _rooted(node)}}}
        yield from _made(Refs(document), {"$ref": "#/components/schemas/Sought"}, "request")


def _rooted(node: Any) -> Any:
    """A schema whose references lead into it where it stands in the document of `_samples_of`."""
    if isinstance(node, list):
        return [_rooted(child) for child in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"#/components/schemas/Sought{value[1:]}" if key == "$ref" and isinstance(value, str) else _rooted(value)
        for key, value in node.items()
        if key != "$schema"
    }


def _samples(first: Side, a: Node) -> Iterator[Any]:
    """Samples of a schema of a document."""
    if not a.pointer:
        return
    yield from _made(first.refs, {"$ref": escape(a.pointer)}, first.direction)


def _made(refs: Refs, schema: Any, direction: Any) -> Iterator[Any]:
    large = 0
    for seed in (None, *range(_SEEDS)):
        try:
            sampler = Sampler(refs, None if seed is None else Random(seed), direction=direction)
            value = copied(sampler.value(schema))
            yield value
            large += len(to_json(value)) >= _LARGE
            if large == _FEW:
                return
        except (ValueError, KeyError, TypeError, RecursionError, IndexError):
            continue  # a schema that the generator cannot read


def _interesting(schemas: list[Any]) -> list[Any]:
    """Values at the edges of what schemas say: members of enums, bounds and what is beside them, lengths."""
    values: dict[bytes, Any] = {}

    def note(value: Any) -> None:
        if len(values) < _MAX_INTERESTING:
            values.setdefault(to_json(value), value)

    def visit(node: Any) -> None:
        if isinstance(node, list):
            for child in node:
                visit(child)
        if not isinstance(node, dict):
            return
        for value in [*_listed(node, "enum"), *([node["const"]] if "const" in node else [])]:
            note(value)
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
            bound = node.get(key)
            if isinstance(bound, int | float) and not isinstance(bound, bool):
                for value in (bound, bound - 1, bound + 1, bound + 0.5):
                    note(value)
        for key in ("minLength", "maxLength"):
            length = node.get(key)
            if isinstance(length, int) and 0 <= length < _MAX_TEXT:
                for size in (length, length - 1, length + 1):
                    note("x" * size)
        for key in ("minItems", "maxItems"):
            count = node.get(key)
            if isinstance(count, int) and 0 <= count < 64:
                for size in (count, count - 1, count + 1):
                    note(["x"] * size)
                    note([0] * size)
        for key in ("minProperties", "maxProperties"):
            count = node.get(key)
            if isinstance(count, int) and 0 <= count < 64:
                for size in (count, count - 1, count + 1):
                    note({f"m{number}": "x" for number in range(size)})
        for child in node.values():
            visit(child)

    for schema in schemas:
        visit(schema)
    for value in _PLAIN:
        values.setdefault(to_json(value), value)
    return list(values.values())


def _listed(node: dict[str, Any], key: str) -> list[Any]:
    value = node.get(key)
    return value if isinstance(value, list) else []


def _mutations(value: Any, interesting: list[Any]) -> Iterator[Any]:
    """A value with one place changed: a member or an item left out, doubled or replaced."""
    if isinstance(value, dict):
        for name in value:
            yield {other: member for other, member in value.items() if other != name}
        for name, member in value.items():
            yield from ({**value, name: other} for other in interesting)
            yield from ({**value, name: inner} for inner in _mutations(member, interesting))
        yield {**value, "x_undeclared": "text"}
    elif isinstance(value, list):
        yield []
        yield [*value, *value]
        for number, item in enumerate(value[:4]):
            before, after = value[:number], value[number + 1 :]
            yield [*before, *after]
            yield from ([*before, other, *after] for other in interesting)
            yield from ([*before, inner, *after] for inner in _mutations(item, interesting))


__all__ = ["Pair", "witnesses"]
