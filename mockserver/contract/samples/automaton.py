"""Texts that several regular expressions and a length allow at once.

A pattern becomes an expression with `and` and `not` in it, whose derivative by a character (Brzozowski, 1964) says
what may come after that character. A lookahead is an `and` with the rest of the pattern, a length one more `and`.
Walking along derivatives that can still end well spells a text. All of it is bounded: a pattern whose states are
more than MAX_STATES yields what was reached by then, perhaps nothing. What has no derivative (lookbehind, `\\b`) is
left out here, so that the caller must ask the engine about each text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random

from mockserver.contract import ecma
from mockserver.contract.ecma_reader import PatternError, parse
from mockserver.contract.samples.language import LETTERS, Language, examples

MAX_STATES = 3000
MORE_STATES = 48
"""States that are looked at after the first that may end a text, so that texts vary."""
MAX_WORK = 60_000
"""Derivatives that are made for one set of patterns."""
MAX_LONG = 20_000
"""Characters that a text is made long for the sake of a pattern."""
MAX_COUNT = 100_000
"""Repetitions beyond which a bound is taken for none."""


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
        """`whole`: nothing stands before or after what a pattern finds. Raises PatternError."""
        trees = [_without_backs(parse(pattern), rng) for pattern in patterns]
        against = [_without_backs(parse(pattern), rng) for pattern in forbidden]
        sets = [chars for tree in (*trees, *against) for chars in _sets(tree)]
        extra = "".join(dict.fromkeys(char for chars in sets for char in examples(chars)))
        language = Language(sets, extra[:400])
        parts = [_expression(language, tree, whole) for tree in trees]
        parts += [language.other(_expression(language, tree, False)) for tree in against]
        if low or (high is not None and high < MAX_COUNT):
            parts.append(language.repeat(language.any, low, high if high is None or high < MAX_COUNT else None))
        self._start = language.both(parts)
        self._low = low
        self._explore(language)

    def _explore(self, language: Language) -> None:
        """Look at states, nearest first, and note from each how far the nearest end is."""
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

        self._steps = {
            state: [step for step in steps if step[1] in self._distance] for state, steps in self._steps.items()
        }
        nice = [[char for char in members if char in LETTERS] or members for members in language.members]
        self._chars = [([char for char in members if char.islower()] or members, members) for members in nice]
        self._is_plain = [members[0] in LETTERS for members in nice]
        self._ways: dict[tuple[int, bool], tuple[list[tuple[int, int]], list[tuple[int, int]]]] = {}
        """By state, and whether the end must come nearer: the steps, and those of them with plain letters."""

    def __bool__(self) -> bool:
        return self._start in self._distance

    def text(self, rng: Random, length: int) -> str:
        """A text of about that many characters. There must be one."""
        chars: list[str] = []
        state, random = self._start, rng.random
        while True:
            is_late = len(chars) + self._distance[state] >= length
            steps, plain = self._ways.get((state, is_late)) or self._find_ways(state, is_late)
            if not steps:
                return "".join(chars)
            if plain and (len(plain) == len(steps) or random() < 0.9):
                steps = plain
            letter, state = steps[int(random() * len(steps))]
            members = self._chars[letter][random() >= 0.7]
            chars.append(members[int(random() * len(members))])

    def _find_ways(self, state: int, is_late: bool) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        steps = self._steps[state]
        if is_late:
            distance = self._distance[state]
            steps = [step for step in steps if self._distance[step[1]] < distance]
        ways = self._ways[state, is_late] = steps, [step for step in steps if self._is_plain[step[0]]]
        return ways


@lru_cache(maxsize=2048)
def _explored(
    patterns: tuple[str, ...], low: int, high: int | None, forbidden: tuple[str, ...], whole: bool
) -> Texts | None:
    try:
        texts = Texts(patterns, low, high, forbidden, whole, Random(repr(patterns)))
    except (PatternError, RecursionError):
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
        # A bound makes a state of every length that a text may have so far: it comes in only where luck does not do.
        bounds = [(0, None)] if (low, high) == (0, None) else [(0, None), (low, high)]
        for least, most in bounds:
            found = _explored(tuple(patterns), least, most, forbidden, whole)
            if found is None:
                continue
            for wish in (6, 10, 3, 16, 1, 24, 40):
                for _ in range(2):
                    yield found.text(rng, max(low, min(wish, wish if high is None else high)))


def _expression(language: Language, tree: ecma.Node, whole: bool) -> int:
    """A tree as an expression; a pattern finds itself anywhere in a text unless it is `whole`."""
    rest = language.EMPTY if whole else language.ALL
    first = _built(language, tree, rest, True)
    if whole:
        return first
    later = language.then(language.then(language.any, language.ALL), _built(language, tree, rest, False))
    return language.either((first, later))


def _built(language: Language, node: ecma.Node, rest: int, first: bool) -> int:
    """A node with what comes after it. `first`: nothing comes before."""
    match node:
        case ecma.Chars():
            return language.then(language.chars(node), rest)
        case ecma.Sequence(parts):
            found = [_built(language, ecma.Sequence(parts[index:]), rest, True) for index in _starts(parts, first)]
            for index in reversed(range(len(parts))):
                rest = _built(language, parts[index], rest, first and all(map(_is_blank, parts[:index])))
            return language.either((rest, *found)) if found else rest
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


def _starts(parts: tuple[ecma.Node, ...], first: bool) -> list[int]:
    """Where a text may begin later in a sequence: at a `^` before which nothing must be, as in `.*(^a)`."""
    if not first:
        return []
    for index, part in enumerate(parts):
        if index and not all(map(_is_blank, parts[:index])) and _begins(part):
            return [index]
        if not _is_blank(part) and not (isinstance(part, ecma.Repeat) and part.low == 0):
            return []
    return []


def _begins(node: ecma.Node) -> bool:
    """Whether a node demands that nothing comes before."""
    match node:
        case ecma.Anchor("^"):
            return True
        case ecma.Group(inner):
            return _begins(inner)
        case ecma.Choice(options):
            return any(map(_begins, options))
        case ecma.Sequence(parts):
            return bool(parts) and _begins(parts[0])
    return False


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
    language = Language(list(_sets(node)), "".join(char for chars in _sets(node) for char in examples(chars)))
    found = Texts.__new__(Texts)
    found._start, found._low = _built(language, node, language.EMPTY, False), 0
    found._explore(language)
    text = found.text(rng, 3) if found else ""
    return ecma.Sequence(tuple(ecma.Chars(((ord(char), ord(char)),)) for char in text))


def _sets(tree: ecma.Node) -> Iterator[ecma.Chars]:
    return (node for node in ecma.nodes(tree) if isinstance(node, ecma.Chars))
