"""Say which values are meant: equality, parts of objects, operators, and ranges of numbers.

Scenario rules and verification compile what a person wrote into a `Matcher`, once. It answers
`matches` on the hot path and explains a miss field by field with `why`. It knows nothing of
requests, scenarios or the journal.

Equality is JSON's (RFC 8259 has one number type): 1 equals 1.0, and true is not 1. Regular
expressions run on the Rust engine `regex` through jsonschema-rs, whose matching is linear in the
text; the two limits below bound the factor: `[ab]*a[ab]{10000}c` takes 5 s on 64 KiB without them,
and the worst pattern that they let through takes about half a second.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import jsonschema_rs

from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON
from mockserver.records import record
from mockserver.text.documents import MAX_NESTING
from mockserver.text.jsontext import depth

MAX_REGEX = 1000
"""Characters of a regular expression."""
MAX_REGEX_PROGRAM = 384 * 1024
"""Bytes of a compiled one; `.{1,255}` fits, `(a{500}){500}` does not."""
MAX_TEXT = 8192
"""Characters of a value that a regular expression looks at."""
MAX_DIFFERENCES = 20


class _Missing:
    """The type of MISSING."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for a member, header or query parameter that is not there."""


@record(frozen=True)
class Difference:
    """One reason why something did not match."""

    where: str
    """The place, with dots: `body.metadata.tags.0`, `header.authorization`."""
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.where or 'value'}: expected {self.expected}, found {self.found}"

    def as_json(self) -> dict[str, str]:
        """The difference as the admin API shows it."""
        return {"where": self.where, "expected": self.expected, "found": self.found}


class Matcher(ABC):
    """A compiled condition on one value."""

    @abstractmethod
    def matches(self, value: JSON) -> bool:
        """Whether the value, or MISSING, is one that is meant."""

    @abstractmethod
    def why(self, value: JSON, path: str) -> list[Difference]:
        """What is different, field by field, at most MAX_DIFFERENCES; nothing when it matches."""

    def matches_any(self, values: Sequence[str]) -> bool:
        """Whether one of the values of a repeated name is meant; of a name without values, whether MISSING is."""
        for value in values or (MISSING,):
            if self.matches(value):
                return True
        return False

    def why_none(self, values: Sequence[str], path: str) -> list[Difference]:
        """Why none of the values of a name is meant; nothing when one is."""
        if self.matches_any(values):
            return []
        if len(values) < 2:
            return self.why(values[0] if values else MISSING, path)
        shown = [Difference(path, one.expected, ", ".join(map(show, values))) for one in self.why(values[0], path)]
        return shown[:1]


@record(frozen=True)
class _Test(Matcher):
    """A condition that holds or does not, with the words for what it expects."""

    words: str
    test: Callable[[JSON], bool]

    def matches(self, value: JSON) -> bool:
        return self.test(value)

    def why(self, value: JSON, path: str) -> list[Difference]:
        return [] if self.test(value) else [Difference(path, self.words, show(value))]


@record(frozen=True)
class _Equal(Matcher):
    expected: JSON

    def matches(self, value: JSON) -> bool:
        if type(self.expected) is str:
            return bool(self.expected == value)
        return equal(self.expected, value)

    def why(self, value: JSON, path: str) -> list[Difference]:
        return _unequal(self.expected, value, path)[:MAX_DIFFERENCES]


@record(frozen=True)
class _Subset(Matcher):
    members: dict[str, Matcher]

    def matches(self, value: JSON) -> bool:
        if not isinstance(value, dict):
            return False
        for name, matcher in self.members.items():  # a loop: `all` of a generator takes twice as long
            if not matcher.matches(value.get(name, MISSING)):
                return False
        return True

    def why(self, value: JSON, path: str) -> list[Difference]:
        if not isinstance(value, dict):
            return [Difference(path, "an object", show(value))]
        found = [d for k, m in self.members.items() for d in m.why(value.get(k, MISSING), _join(path, k))]
        return found[:MAX_DIFFERENCES]


@record(frozen=True)
class _All(Matcher):
    parts: tuple[Matcher, ...]

    def matches(self, value: JSON) -> bool:
        for part in self.parts:
            if not part.matches(value):
                return False
        return True

    def why(self, value: JSON, path: str) -> list[Difference]:
        return [difference for part in self.parts for difference in part.why(value, path)][:MAX_DIFFERENCES]


def compile_matcher(spec: JSON, path: str = "") -> Matcher:
    """The matcher that a person wrote for a JSON value. `path` stands in messages. Raises UserError."""
    if depth(spec) > MAX_NESTING:
        raise _error(path, f"is nested too deeply; at most {MAX_NESTING} levels are read")
    return _compile(spec, path, text=False)


def compile_fields(spec: Mapping[str, JSON], path: str = "") -> dict[str, Matcher]:
    """Matchers for headers or query parameters, whose values are text: 5 means "5". Raises UserError."""
    if not isinstance(spec, Mapping):
        raise _error(path, f"must map names to values, not be {show(spec)}")
    if depth(spec) > MAX_NESTING:
        raise _error(path, f"is nested too deeply; at most {MAX_NESTING} levels are read")
    return {name: _compile(value, _join(path, name), text=True) for name, value in spec.items()}


def _compile(spec: JSON, path: str, text: bool) -> Matcher:
    if not isinstance(spec, dict):
        return _equals(spec, path, text)
    unknown = [key for key in spec if key not in OPERATORS]
    if spec and not unknown:
        return _All(tuple(OPERATORS[key](value, _join(path, key), text) for key, value in spec.items()))
    if text or len(unknown) < len(spec):
        known = ", ".join(OPERATORS)
        hint = "" if text else "; to match members with such names write {subset: {...}}"
        what = f"{unknown[0]!r} is not an operator" if unknown else "has no operator"
        raise _error(path, f"{what}{did_you_mean(str(*unknown[:1]), OPERATORS)} (there are {known}){hint}")
    return _subset(spec, path, text)


def _equals(spec: JSON, path: str, text: bool) -> Matcher:
    if not text:
        if spec is not None and not isinstance(spec, str | int | float | list | dict):
            raise _error(path, f"{spec!r} is not a JSON value")
        return _Equal(spec)
    accepted = _texts(spec, path)
    return _Test(show(accepted[0]), lambda value: value in accepted)


def _texts(spec: JSON, path: str) -> list[str]:
    """How a scalar is written in a header or a query."""
    if isinstance(spec, bool):
        return ["true" if spec else "false"]
    if isinstance(spec, float) and spec.is_integer():
        return [str(spec), str(int(spec))]
    if isinstance(spec, str | int | float):
        return [str(spec)]
    raise _error(path, f"its value is text, which is never {show(spec)}; for an absent one write {{present: false}}")


def _regex(spec: JSON, path: str, text: bool) -> Matcher:
    if not isinstance(spec, str):
        raise _error(path, f"must be a regular expression, not {show(spec)}")
    if len(spec) > MAX_REGEX:
        raise _error(path, f"is longer than {MAX_REGEX} characters")
    try:
        options = jsonschema_rs.RegexOptions(size_limit=MAX_REGEX_PROGRAM)
        validator = jsonschema_rs.Draft202012Validator({"pattern": spec}, pattern_options=options)
    except (ValueError, jsonschema_rs.ValidationError):
        raise _error(path, f"{show(spec)} {_regex_fault(spec)}") from None

    is_valid = validator.is_valid

    def search(value: JSON) -> bool:
        if not isinstance(value, str):
            return False
        try:
            return is_valid(value[:MAX_TEXT])
        except UnicodeEncodeError:  # half a surrogate pair, which no JSON text holds
            return False

    return _Test(f"text that matches {spec}", search)


def _regex_fault(pattern: str) -> str:
    """Why the engine refused: it only says that it did."""
    if re.search(r"\(\?<?[=!]", pattern):
        return "uses lookaround, which can take forever and is not supported"
    if re.search(r"\\[1-9]|\\k<|\(\?P=", pattern):
        return "uses a backreference, which can take forever and is not supported"
    if re.search(r"\{[0-9,]+\}", pattern):
        return "is not a valid regular expression, or its counted repetitions make it too large"
    return "is not a valid regular expression (ECMA 262 syntax, as in JSON Schema)"


_TYPES: dict[str, Callable[[JSON], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
    "number": lambda value: _is_number(value),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_TEXT_TYPES: dict[str, Callable[[JSON], bool]] = {
    "string": _TYPES["string"],
    "integer": lambda value: _TYPES["integer"](_number(value)),
    "number": lambda value: _number(value) is not None,
    "boolean": lambda value: value in ("true", "false"),
}


def _type(spec: JSON, path: str, text: bool) -> Matcher:
    types = _TEXT_TYPES if text else _TYPES
    if not isinstance(spec, str) or spec not in types:
        raise _error(path, f"{show(spec)} is not one of {', '.join(types)}{did_you_mean(str(spec), types)}")
    return _Test(f"a value of type {spec}", types[spec])


def _present(spec: JSON, path: str, text: bool) -> Matcher:
    if not isinstance(spec, bool):
        raise _error(path, f"must be true or false, not {show(spec)}")
    return _Test("a value" if spec else "nothing", lambda value: (value is not MISSING) is spec)


def _comparison(words: str, holds: Callable[[float, float], bool]) -> Callable[[JSON, str, bool], Matcher]:
    def operator(spec: JSON, path: str, text: bool) -> Matcher:
        if not _is_number(spec) or spec != spec:
            raise _error(path, f"must be a number, not {show(spec)}")

        def test(value: JSON) -> bool:
            number = _number(value) if text else value
            return number is not None and _is_number(number) and holds(number, spec)

        return _Test(f"a number {words} {spec}", test)

    return operator


def _in(spec: JSON, path: str, text: bool) -> Matcher:
    if not isinstance(spec, list) or not spec:
        raise _error(path, f"must be a list of the values that are meant, not {show(spec)}")
    choices = [_equals(value, path, text) for value in spec]
    return _Test(f"one of {show(spec)[1:-1]}", lambda value: any(choice.matches(value) for choice in choices))


def _subset(spec: JSON, path: str, text: bool) -> Matcher:
    if text:
        raise _error(path, "the value is text and has no members")
    if not isinstance(spec, dict):
        raise _error(path, f"must map members to values, not be {show(spec)}")
    if odd := [key for key in spec if not isinstance(key, str)]:
        raise _error(path, f"its keys must be text, and {odd[0]!r} is not")
    return _Subset({key: _compile(value, _join(path, key), text=False) for key, value in spec.items()})


def _not(spec: JSON, path: str, text: bool) -> Matcher:
    inner = _compile(spec, path, text)
    return _Test(f"anything but {show(spec)}", lambda value: not inner.matches(value))


OPERATORS: dict[str, Callable[[JSON, str, bool], Matcher]] = {
    "equals": _equals,
    "regex": _regex,
    "type": _type,
    "present": _present,
    "gt": _comparison("above", lambda value, bound: value > bound),
    "gte": _comparison("of at least", lambda value, bound: value >= bound),
    "lt": _comparison("below", lambda value, bound: value < bound),
    "lte": _comparison("of at most", lambda value, bound: value <= bound),
    "in": _in,
    "subset": _subset,
    "not": _not,
}


def equal(one: JSON, other: JSON) -> bool:
    """Whether two JSON values are the same: 1 is 1.0, true is not 1."""
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _unequal(expected: JSON, found: JSON, path: str) -> list[Difference]:
    if isinstance(expected, dict) and isinstance(found, dict):
        names = [*expected, *(name for name in found if name not in expected)]
        pairs = [(name, expected.get(name, MISSING), found.get(name, MISSING)) for name in names]
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return [Difference(path, f"{len(expected)} items: {show(expected)}", f"{len(found)} items: {show(found)}")]
        pairs = [(str(index), *pair) for index, pair in enumerate(zip(expected, found, strict=True))]
    else:
        return [] if equal(expected, found) else [Difference(path, show(expected), show(found))]
    return [difference for name, one, other in pairs for difference in _unequal(one, other, _join(path, name))]


def show(value: JSON) -> str:
    """A value as JSON on one line, clipped; `nothing` for MISSING."""
    if value is MISSING:
        return "nothing"
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (RecursionError, ValueError):
        return "a value that is nested too deeply to show"
    text = text if text.isprintable() else json.dumps(value, default=repr)
    return text if len(text) <= 80 else text[:79] + "…"


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,4})?")


def _number(text: JSON) -> int | float | None:
    """The number that a header or a query parameter writes, or None."""
    if not isinstance(text, str) or not (found := _NUMBER.fullmatch(text)):
        return None
    return float(text) if found[1] or found[2] else int(text)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _error(path: str, message: str) -> UserError:
    return UserError(f"{path}: {message}" if path else message)
