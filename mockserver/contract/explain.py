"""Say what is wrong with a value: jsonschema-rs errors turned into violations.

A failed `anyOf` or `oneOf` is explained by the alternative that comes closest, because "does not
match any of the given schemas" helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from jsonschema_rs import ValidationError, ValidationErrorKind

from mockserver.messages import Side, Violation
from mockserver.text.documents import pointer_of
from mockserver.text.jsontext import to_json

MAX_VIOLATIONS = 20
_TYPE_NAMES = {dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean"}


def explain(errors: Iterable[ValidationError], side: Side, where: str, prefix: str = "") -> list[Violation]:
    """At most MAX_VIOLATIONS violations for the errors of one value, the same one not twice.

    Pointers begin with `prefix`, which is the name of the parameter or header that the value is of.
    """
    found: dict[tuple[str, str], Violation] = {}
    for error in errors:
        for leaf in leaves(error):
            violation = _violation(leaf, side, where, prefix)
            found.setdefault((violation.pointer, violation.message), violation)
        if len(found) >= MAX_VIOLATIONS:
            break
    return list(found.values())[:MAX_VIOLATIONS]


def leaves(error: ValidationError) -> list[ValidationError]:
    """The error itself, or those of the closest alternative of a failed `anyOf` or `oneOf`."""
    kind = error.kind
    if isinstance(kind, ValidationErrorKind.PropertyNames):
        return [error]
    if not isinstance(kind, ValidationErrorKind.AnyOf | ValidationErrorKind.OneOfNotValid):
        return [error]
    branches = [[leaf for one in branch for leaf in leaves(one)] for branch in kind.context if branch]
    if not branches:
        return [error]
    base = len(error.instance_path)
    return max(branches, key=lambda branch: _closeness(branch, base))


def _closeness(branch: list[ValidationError], base: int) -> tuple[bool, bool, int, int]:
    """Greater is nearer: right type and tag first, then errors deep inside, then few of them."""
    wrong_type = any(isinstance(e.kind, ValidationErrorKind.Type) and len(e.instance_path) == base for e in branch)
    wrong_tag = any(
        isinstance(e.kind, ValidationErrorKind.Enum | ValidationErrorKind.Constant) and "enum" in e.schema_path
        for e in branch
    )
    return (not wrong_type, not wrong_tag, min(len(e.instance_path) for e in branch), -len(branch))


def _violation(error: ValidationError, side: Side, where: str, prefix: str) -> Violation:
    path = list(error.instance_path)
    kind = error.kind

    def make(message: str, found: str, expected: str, keyword: str) -> Violation:
        return Violation(side, where, prefix + pointer_of(path), message, found, expected, keyword)

    match kind:
        case ValidationErrorKind.Required(property=member):
            path.append(member)
            return make("is required and missing", "nothing", "a value", "required")
        case ValidationErrorKind.Type(types=types):
            expected = " or ".join(_article(name) for name in types)
            found = describe(error.instance)
            return make(f"must be {expected}, not {found}", found, expected, "type")
        case ValidationErrorKind.Enum(options=options):
            shown = ", ".join(_short(option, 40) for option in options[:12])
            expected = f"one of {shown}" if len(options) > 1 else shown
        case ValidationErrorKind.Constant(expected_value=value):
            expected = _short(value, 60)
        case ValidationErrorKind.Minimum(limit=limit):
            expected = f"at least {limit}"
        case ValidationErrorKind.Maximum(limit=limit):
            expected = f"at most {limit}"
        case ValidationErrorKind.ExclusiveMinimum(limit=limit):
            expected = f"more than {limit}"
        case ValidationErrorKind.ExclusiveMaximum(limit=limit):
            expected = f"less than {limit}"
        case ValidationErrorKind.MinLength(limit=limit):
            expected = f"at least {limit} characters"
        case ValidationErrorKind.MaxLength(limit=limit):
            expected = f"at most {limit} characters"
        case ValidationErrorKind.MinItems(limit=limit):
            expected = f"at least {limit} items"
        case ValidationErrorKind.MaxItems(limit=limit):
            expected = f"at most {limit} items"
        case ValidationErrorKind.MinProperties(limit=limit):
            expected = f"at least {limit} members"
        case ValidationErrorKind.MaxProperties(limit=limit):
            expected = f"at most {limit} members"
        case ValidationErrorKind.MultipleOf(multiple_of=step):
            expected = f"a multiple of {step}"
        case ValidationErrorKind.Pattern(pattern=pattern):
            expected = f"text that matches {pattern}"
        case ValidationErrorKind.Format(format=name):
            expected = name if " " in name else f"a {name}"
        case ValidationErrorKind.UniqueItems():
            expected = "items that are all different"
        case ValidationErrorKind.AdditionalProperties(unexpected=names):
            shown = ", ".join(repr(name) for name in names[:6])
            return make(f"has unknown members: {shown}", shown, "no others", "additionalProperties")
        case ValidationErrorKind.OneOfMultipleValid():
            expected = "to match exactly one of the alternatives"
        case ValidationErrorKind.FalseSchema() if "additionalProperties" in error.schema_path[-1:]:
            found = describe(error.instance)
            return make(f"must have no members, not {found}", found, "no others", kind.name)
        case ValidationErrorKind.Not() | ValidationErrorKind.FalseSchema():
            return make("is not allowed here", describe(error.instance), "no value", "not")
        case _:
            return make(_clip(error.message, 200), describe(error.instance), kind.name, kind.name)
    found = describe(error.instance)
    return make(f"must be {expected}, not {found}", found, expected, kind.name)


def describe(value: Any) -> str:
    """A value in a few words: its type, and its text when that is short."""
    if value is None:
        return "null"
    name = _TYPE_NAMES.get(type(value), type(value).__name__)
    if isinstance(value, dict | list):
        return f"{_article(name)} of {len(value)}" if value else f"an empty {name}"
    return f"the {name} {_short(value, 60)}"


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}" if name != "null" else "null"


def _short(value: Any, limit: int) -> str:
    try:
        return _clip(to_json(value).decode(), limit)
    except (orjson.JSONEncodeError, TypeError):
        return _clip(repr(value), limit)


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
