"""What two schemas say of a value itself: its types, values, bounds and texts, keyword by keyword.

Must not know: the members and items of a value, and whether a difference matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.contract.diff.rules import narrowed, widened
from mockserver.contract.diff.views import View
from mockserver.text.jsontext import to_json

_BOUNDS = (
    ("range", ("integer", "number"), ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")),
    ("length", ("string",), ("minLength",), ("maxLength",)),
    ("item-count", ("array",), ("minItems", "minContains"), ("maxItems", "maxContains")),
    ("member-count", ("object",), ("minProperties",), ("maxProperties",)),
)
_FACETS = (
    ("pattern", ("string",), "pattern"),
    ("format", ("string",), "format"),
    ("multiple-of", ("integer", "number"), "multipleOf"),
    ("unique-items", ("array",), "uniqueItems"),
)


def own_changes(old: View, new: View) -> Iterator[tuple[str, str]]:
    """The rules, without their direction, and the texts of the differences."""
    yield from _types(old, new)
    yield from _enums(old, new)
    for kind, types, low, high in _BOUNDS:
        if not (old.may_be(types) and new.may_be(types)):
            continue
        for key, is_lower in [(key, True) for key in low] + [(key, False) for key in high]:
            before, after = _effective(old, key, is_lower), _effective(new, key, is_lower)
            if before == after:
                continue
            text = f"{key} was {_shown(before)} and is {_shown(after)}"
            is_tighter = before is None or (after is not None and (after > before) == is_lower)
            yield (narrowed if is_tighter else widened)(kind), text
    for kind, types, key in _FACETS:
        before, after = old.texts(key), new.texts(key)
        if before == after or not (old.may_be(types) and new.may_be(types)):
            continue
        text = f"{key} was {_listed(before)} and is {_listed(after)}"
        if after - before:
            yield narrowed(kind), text
        if before - after:
            yield widened(kind), text


def _types(old: View, new: View) -> Iterator[tuple[str, str]]:
    before, after = old.types, new.types
    if before == after:
        return
    lost = _every(before) - _every(after)
    won = _every(after) - _every(before)
    text = f"the type was {type_text(before)} and is {type_text(after)}"
    if lost:
        yield narrowed("null" if lost == {"null"} else "type"), text
    if won:
        yield widened("null" if won == {"null"} else "type"), text


_TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))


def _every(types: frozenset[str] | None) -> frozenset[str]:
    return _TYPES if types is None else types


def type_text(types: frozenset[str] | None) -> str:
    """Types for a message."""
    if types is None:
        return "any"
    return " or ".join(sorted(types - ({"integer"} if "number" in types else set()))) or "none"


def _enums(old: View, new: View) -> Iterator[tuple[str, str]]:
    before, after = old.enum, new.enum
    if before is None and after is None:
        return
    if before is None or after is None:
        listed = _shown(list(((after if before is None else before) or {}).values()))
        if before is None:
            yield narrowed("enum-value"), f"only {listed} are allowed now"
        else:
            yield widened("enum-value"), f"only {listed} were allowed, and others are now"
        return
    for key, value in before.items():
        if key not in after:
            yield narrowed("enum-value"), f"the value {_shown(value)} was removed"
    for key, value in after.items():
        if key not in before:
            yield widened("enum-value"), f"the value {_shown(value)} was added"


def _effective(view: View, key: str, is_lower: bool) -> Any:
    value = view.greatest(key) if is_lower else view.least(key)
    return None if value == 0 and key in ("minLength", "minItems", "minProperties") else value


def _shown(value: Any) -> str:
    return "not set" if value is None else to_json(value).decode()[:200]


def _listed(texts: frozenset[str]) -> str:
    return " and ".join(sorted(texts))[:200] or "not set"


__all__ = ["own_changes", "type_text"]
