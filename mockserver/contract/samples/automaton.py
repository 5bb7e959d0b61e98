"""Texts that several regular expressions and a length allow at once.

A pattern becomes an expression with `and` and `not` in it, whose derivative by a character (Brzozowski, 1964) says
what may come after that character. A lookahead is an `and` with the rest of the pattern, a length one more `and`.
Walking along derivatives that can still end well spells a text. All of it is bounded: a pattern whose states are
more than MAX_STATES yields what was reached by then, perhaps nothing. What has no derivative (lookbehind, `\\b`) is
left out here, so that the caller must ask the engine about each text.
"""

from __future__ import annotations

import string
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Any

import jsonschema_rs

from mockserver.contract import ecma

MAX_STATES = 3000
MORE_STATES = 48
"""States that are looked at after the first that may end a text, so that texts vary."""
MAX_WORK = 60_000
"""Derivatives that are made for one set of patterns."""
MAX_LONG = 20_000
"""Characters that a text is made long for the sake of a pattern."""
MAX_COUNT = 100_000
"""Repetitions beyond which a bound is taken for none."""
_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_PRINTED = _LETTERS + "-_ .,:;/@#+=!?%&*()[]{}<>|'\"`~^$\\"
_FOREIGN = "éñßøŁžΑλΩЖяאبकกあア漢字한١२Ⅷ½²€£¥©™→∞😀ªºǅ\u0301\u200d\u00a0\u2028\t\n\r\x00\x01\x7f"

_Expr = tuple[Any, ...]
"""An operator and its operands, which are numbers of other expressions."""


class _Language:
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


class Texts:
    """The texts that some patterns and a length allow, as far as they were found."""

    def __init__(
        self,
        patterns: Sequence[str],
        low: int,
        high: int | None,
        forbidden: Sequence[str],
        whole: bool,
        rng: Random,
    ) -> None:
        """`whole`: nothing stands before or after what a pattern finds. Raises ecma.PatternError."""
        trees = [_without_backs(ecma.parse(pattern), rng) for pattern in patterns]
        against = [_without_backs(ecma.parse(pattern), rng) for pattern in forbidden]
        sets = [chars for tree in (*trees, *against) for chars in _sets(tree)]
        extra = "".join(dict.fromkeys(char for chars in sets for char in _examples(chars)))
        self._language = language = _Language(sets, extra[:400])
        parts = [_expression(language, tree, whole) for tree in trees]
        parts += [language.other(_expression(language, tree, False)) for tree in against]
        if low or (high is not None and high < MAX_COUNT):
            parts.append(language.repeat(language.any, low, high if high is None or high < MAX_COUNT else None))
        self._start = language.both(parts)
        self._low = low
        self._explore()

    def _explore(self) -> None:
        """Look at states, nearest first, and note from each how far the nearest end is."""
        language = self._language
        letters = range(len(language.members))
        self._steps: dict[int, list[tuple[int, int]]] = {}
        before: dict[int, list[int]] = {}
        ends: list[int] = []
        limit = MAX_STATES + 3 * min(self._low, MAX_LONG)
        waiting, known, most = deque([self._start]), {self._start}, limit
        while waiting and len(self._steps) < most and language.work < MAX_WORK + 10 * limit:
            state = waiting.popleft()
            if language.nullable(state):
                ends.append(state)
                if len(ends) == 1:
                    most = min(limit, len(self._steps) + MORE_STATES)
            steps = self._steps[state] = []
            for letter in letters:
                after = language.derivative(state, letter)
                if after == language.NOTHING:
                    continue
                steps.append((letter, after))
                before.setdefault(after, []).append(state)
                if after not in known:
                    known.add(after)
                    waiting.append(after)
        self._distance = dict.fromkeys(ends, 0)
        nearest = deque(ends)
        while nearest:
            state = nearest.popleft()
            for earlier in before.get(state, ()):
                if earlier not in self._distance:
                    self._distance[earlier] = self._distance[state] + 1
                    nearest.append(earlier)

    def __bool__(self) -> bool:
        return self._start in self._distance

    def text(self, rng: Random, length: int) -> str:
        """A text of about that many characters. There must be one."""
        language, state, chars = self._language, self._start, []
        while True:
            distance = self._distance[state]
            if distance == 0 and (len(chars) >= length or not self._steps.get(state)):
                break
            steps = [step for step in self._steps[state] if step[1] in self._distance]
            if len(chars) + distance >= length:
                nearer = [step for step in steps if self._distance[step[1]] < distance]
                if not nearer:
                    break  # a text may end here
                steps = nearer
            if not steps:
                break
            plain = [step for step in steps if language.members[step[0]][0] in _LETTERS]
            letter, state = rng.choice(plain if plain and (len(plain) == len(steps) or rng.random() < 0.9) else steps)
            members = language.members[letter]
            nice = [char for char in members if char in _LETTERS]
            lower = [char for char in nice if char.islower()]
            chars.append(rng.choice(lower if lower and rng.random() < 0.7 else nice or members))
        return "".join(chars)


@lru_cache(maxsize=2048)
def _explored(
    patterns: tuple[str, ...], low: int, high: int | None, forbidden: tuple[str, ...], whole: bool
) -> Texts | None:
    try:
        texts = Texts(patterns, low, high, forbidden, whole, Random(repr(patterns)))
    except (ecma.PatternError, RecursionError):
        return None
    return texts if texts else None


def texts(
    patterns: Sequence[str],
    low: int,
    high: int | None,
    rng: Random,
    forbidden: tuple[str, ...] = (),
    loose: bool = False,
) -> Iterator[str]:
    """Texts to try, the likeliest first; few of them are wrong, and there may be none.

    `loose`: those first that have something before or after what a pattern without anchors finds.
    """
    for whole in (False, True) if loose else (True, False):
        found = _explored(tuple(patterns), low, high, forbidden, whole)
        if found is None:
            continue
        for wish in (6, 10, 3, 16, 1, 24, 40):
            for _ in range(3):
                yield found.text(rng, max(low, min(wish, wish if high is None else high)))


def _expression(language: _Language, tree: ecma.Node, whole: bool) -> int:
    """A tree as an expression; a pattern finds itself anywhere in a text unless it is `whole`."""
    rest = language.EMPTY if whole else language.ALL
    first = _built(language, tree, rest, True)
    if whole:
        return first
    later = language.then(language.then(language.any, language.ALL), _built(language, tree, rest, False))
    return language.either((first, later))


def _built(language: _Language, node: ecma.Node, rest: int, first: bool) -> int:
    """A node with what comes after it. `first`: nothing comes before."""
    match node:
        case ecma.Chars():
            return language.then(language.chars(node), rest)
        case ecma.Sequence(parts):
            for index in reversed(range(len(parts))):
                rest = _built(language, parts[index], rest, first and all(map(_is_blank, parts[:index])))
            return rest
        case ecma.Choice(options):
            return language.either([_built(language, option, rest, first) for option in options])
        case ecma.Group(inner):
            return _built(language, inner, rest, first)
        case ecma.Repeat(inner, low, high):
            if high is not None and high > MAX_COUNT:
                high = None
            if _asserts(inner) and high is not None and high <= 3:  # `(?:$|x)?`
                found = [rest]
                for _ in range(high):
                    found.append(_built(language, inner, found[-1], first))
                return language.either(found[low:])
            return language.then(language.repeat(_built(language, inner, language.EMPTY, False), low, high), rest)
        case ecma.Look(inner, True, negated):
            seen = _built(language, inner, language.ALL, first)
            return language.both((language.other(seen) if negated else seen, rest))
        case ecma.Anchor("^"):
            return rest if first else language.NOTHING
        case ecma.Anchor("$"):
            return language.EMPTY if language.nullable(rest) else language.NOTHING
    return rest


def _is_blank(node: ecma.Node) -> bool:
    return isinstance(node, ecma.Look | ecma.Anchor)


def _asserts(node: ecma.Node) -> bool:
    match node:
        case ecma.Look() | ecma.Anchor():
            return True
        case ecma.Sequence(parts) | ecma.Choice(parts):
            return any(map(_asserts, parts))
        case ecma.Group(inner) | ecma.Repeat(inner):
            return _asserts(inner)
    return False


def _without_backs(tree: ecma.Node, rng: Random) -> ecma.Node:
    """The tree with a text of its own in the place of each group that is referred back to."""
    wanted = {node.group for node in ecma.nodes(tree) if isinstance(node, ecma.Back)}
    spelt: dict[int | str, ecma.Node] = {}
    if not wanted:
        return tree

    def replaced(node: ecma.Node) -> ecma.Node:
        match node:
            case ecma.Back(group):
                return spelt.get(group, ecma.Sequence(()))
            case ecma.Group(inner, number, name):
                inner = replaced(inner)
                if number in wanted or name in wanted:
                    inner = _spelt(inner, rng)
                    spelt[number] = spelt[name] = inner
                return inner
            case ecma.Sequence(parts):
                return ecma.Sequence(tuple([replaced(part) for part in parts]))
            case ecma.Choice(options):
                return ecma.Choice(tuple([replaced(option) for option in options]))
            case ecma.Repeat(inner, low, high, suffix):
                return ecma.Repeat(replaced(inner), low, high, suffix)
            case ecma.Look(inner, ahead, negated):
                return ecma.Look(replaced(inner), ahead, negated)
        return node

    return replaced(tree)


def _spelt(node: ecma.Node, rng: Random) -> ecma.Node:
    """One text of a group, character by character."""
    language = _Language(list(_sets(node)), "".join(char for chars in _sets(node) for char in _examples(chars)))
    found = Texts.__new__(Texts)
    found._language, found._start, found._low = language, _built(language, node, language.EMPTY, False), 0
    found._explore()
    text = found.text(rng, 3) if found else ""
    return ecma.Sequence(tuple(ecma.Chars(((ord(char), ord(char)),)) for char in text))


def _sets(tree: ecma.Node) -> Iterator[ecma.Chars]:
    return (node for node in ecma.nodes(tree) if isinstance(node, ecma.Chars))


def _is_foreign(chars: ecma.Chars) -> bool:
    return bool(chars.properties) or any(high > 127 for _, high in chars.ranges)


def _examples(chars: ecma.Chars) -> str:
    """Some characters of a set that are not printed ASCII."""
    found = []
    for low, high in chars.ranges:
        if low > 126 or high < 32:
            found += [chr(code) for code in {low, high, (low + high) // 2} if not 0xD800 <= code < 0xE000]
    return "".join(found)


def _holds(chars: ecma.Chars, char: str) -> bool:
    spellings = {char, char.lower(), char.upper()} if chars.any_case else {char}
    for spelling in spellings:
        if len(spelling) != 1:
            continue
        code = ord(spelling)
        if any(low <= code <= high for low, high in chars.ranges):
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
        raise ecma.PatternError(f"names the property {name[:40]!r}, which is not known") from None
