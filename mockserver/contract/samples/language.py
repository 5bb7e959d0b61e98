"""Sets of texts as expressions with `and` and `not`, and what may come after a character (Brzozowski, 1964).

Its letters are not characters but sets of them that no pattern tells apart. It knows no pattern as a whole.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import jsonschema_rs

from mockserver.contract import ecma
from mockserver.contract.ecma_reader import PatternError

LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_PRINTED = LETTERS + "-_ .,:;/@#+=!?%&*()[]{}<>|'\"`~^$\\"
_FOREIGN = "éñßøŁžΑλΩЖяאبकกあア漢字한١२Ⅷ½²€£¥©™→∞😀ªºǅ\u0301\u200d\u00a0\u2028\t\n\r\x00\x01\x7f"

_Expr = tuple[Any, ...]
"""An operator and its operands, which are numbers of other expressions."""


class Language:
    """Expressions over one alphabet, each kept once and named by its number.

    The alphabet has a letter for each set of characters that no pattern tells apart.
    """

    NOTHING, EMPTY, ALL = 0, 1, 2

    def __init__(self, sets: Iterable[ecma.Chars], extra: str) -> None:
        self.work = 0
        self._expressions: list[_Expr] = []
        self._numbers: dict[_Expr, int] = {}
        self._nullable: list[bool] = []
        self._derivatives: dict[tuple[int, int], int] = {}
        self._letters(list(dict.fromkeys(sets)), extra)
        self._add(("set", 0), False)  # NOTHING
        self._add(("empty",), True)
        self._add(("all",), True)
        self.any = self.chars_of((1 << len(self.members)) - 1)

    def _letters(self, sets: list[ecma.Chars], extra: str) -> None:
        candidates = dict.fromkeys(_PRINTED + extra + (_FOREIGN if any(_is_foreign(s) for s in sets) else "\n"))
        kinds: dict[tuple[bool, ...], list[str]] = {}
        for char in candidates:
            kinds.setdefault(tuple(_holds(chars, char) for chars in sets), []).append(char)
        self.members = list(kinds.values())
        """By letter: the characters that it stands for."""
        self._masks = {
            chars: sum(1 << letter for letter, kind in enumerate(kinds) if kind[index])
            for index, chars in enumerate(sets)
        }

    def _add(self, expression: _Expr, nullable: bool) -> int:
        number = self._numbers.get(expression)
        if number is None:
            number = self._numbers[expression] = len(self._expressions)
            self._expressions.append(expression)
            self._nullable.append(nullable)
        return number

    def nullable(self, number: int) -> bool:
        """Whether a text may end here."""
        return self._nullable[number]

    def chars(self, chars: ecma.Chars) -> int:
        return self.chars_of(self._masks[chars])

    def chars_of(self, mask: int) -> int:
        return self._add(("set", mask), False)

    def then(self, first: int, second: int) -> int:
        if first == self.NOTHING or second == self.NOTHING:
            return self.NOTHING
        if first == self.EMPTY:
            return second
        if second == self.EMPTY or (first == second == self.ALL):
            return first
        expression = self._expressions[first]
        if expression[0] == "then":  # to the right, so that equal ones look alike
            return self.then(expression[1], self.then(expression[2], second))
        return self._add(("then", first, second), self._nullable[first] and self._nullable[second])

    def either(self, options: Iterable[int]) -> int:
        flat: set[int] = set()
        for option in options:
            expression = self._expressions[option]
            flat |= expression[1] if expression[0] == "either" else {option}
        flat.discard(self.NOTHING)
        if self.ALL in flat:
            return self.ALL
        if len(flat) < 2:
            return flat.pop() if flat else self.NOTHING
        return self._add(("either", frozenset(flat)), any(self._nullable[option] for option in flat))

    def both(self, parts: Iterable[int]) -> int:
        flat: set[int] = set()
        for part in parts:
            expression = self._expressions[part]
            flat |= expression[1] if expression[0] == "both" else {part}
        flat.discard(self.ALL)
        if self.NOTHING in flat or (self.EMPTY in flat and not all(self._nullable[part] for part in flat)):
            return self.NOTHING
        if self.EMPTY in flat:
            return self.EMPTY
        if len(flat) < 2:
            return flat.pop() if flat else self.ALL
        return self._add(("both", frozenset(flat)), all(self._nullable[part] for part in flat))

    def other(self, inner: int) -> int:
        if inner in (self.NOTHING, self.ALL):
            return self.ALL if inner == self.NOTHING else self.NOTHING
        return self._add(("other", inner), not self._nullable[inner])

    def repeat(self, inner: int, low: int, high: int | None) -> int:
        if inner == self.EMPTY or high == 0:
            return self.EMPTY
        if inner == self.NOTHING:
            return self.EMPTY if low == 0 else self.NOTHING
        if low == high == 1:
            return inner
        if inner == self.any and low == 0 and high is None:
            return self.ALL
        return self._add(("repeat", inner, low, high), low == 0 or self._nullable[inner])

    def derivative(self, number: int, letter: int) -> int:
        """What may come after a character."""
        key = number, letter
        found = self._derivatives.get(key)
        if found is None:
            self.work += 1
            found = self._derivatives[key] = self._derive(self._expressions[number], number, letter)
        return found

    def _derive(self, expression: _Expr, number: int, letter: int) -> int:
        match expression:
            case ("set", mask):
                return self.EMPTY if mask >> letter & 1 else self.NOTHING
            case ("then", first, second):
                found = self.then(self.derivative(first, letter), second)
                return self.either((found, self.derivative(second, letter))) if self._nullable[first] else found
            case ("either", options):
                return self.either([self.derivative(option, letter) for option in options])
            case ("both", parts):
                return self.both([self.derivative(part, letter) for part in parts])
            case ("other", inner):
                return self.other(self.derivative(inner, letter))
            case ("repeat", inner, low, high):
                rest = self.repeat(inner, max(low - 1, 0), None if high is None else high - 1)
                return self.then(self.derivative(inner, letter), rest)
            case ("all",):
                return self.ALL
        return self.NOTHING


def _is_foreign(chars: ecma.Chars) -> bool:
    return bool(chars.properties) or any(high > 127 for _, high in chars.ranges)


def examples(chars: ecma.Chars) -> str:
    """Some characters of a set that are not printed ASCII."""
    found = []
    for low, high in chars.ranges:
        if low > 126 or high < 32:
            found += [chr(code) for code in {low, high, (low + high) // 2} if not 0xD800 <= code < 0xE000]
    return "".join(found)


def _holds(chars: ecma.Chars, char: str) -> bool:
    spellings = {char, char.lower(), char.upper()} if chars.any_case else (char,)
    for spelling in spellings:
        if len(spelling) != 1:
            continue
        code = ord(spelling)
        for low, high in chars.ranges:
            if low <= code <= high:
                return not chars.negated
        if any(_has_property(name, spelling) != negated for name, negated in chars.properties):
            return not chars.negated
    return chars.negated


@lru_cache(maxsize=8192)
def _has_property(name: str, char: str) -> bool:
    return bool(_property(name).is_valid(char))


@lru_cache(maxsize=256)
def _property(name: str) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.Draft202012Validator({"pattern": f"^\\p{{{name}}}$"})
    except (ValueError, jsonschema_rs.ValidationError):
        raise PatternError(f"names the property {name[:40]!r}, which is not known") from None
