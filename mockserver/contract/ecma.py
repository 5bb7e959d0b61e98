"""A regular expression of ECMA-262 as a tree, and as text for the engine that matches it. It validates no text."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.records import record

LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]


@record(frozen=True)
class Chars:
    """One character of a set."""

    ranges: Ranges
    properties: tuple[tuple[str, bool], ...] = ()
    """Unicode properties by name (`Lu`, `Script=Greek`), each with whether it is negated."""
    negated: bool = False
    any_case: bool = False


@record(frozen=True)
class Sequence:
    parts: tuple[Node, ...]


@record(frozen=True)
class Choice:
    options: tuple[Node, ...]


@record(frozen=True)
class Repeat:
    node: Node
    low: int
    high: int | None
    suffix: str = ""
    """`?` for a lazy one."""


@record(frozen=True)
class Group:
    """A group that captures."""

    node: Node
    number: int
    name: str = ""


@record(frozen=True)
class Look:
    """An assertion of what comes next, or what came before."""

    node: Node
    ahead: bool
    negated: bool


@record(frozen=True)
class Anchor:
    """`^`, `$`, `\\b` or `\\B`."""

    kind: str


@record(frozen=True)
class Back:
    """What a group captured, again."""

    group: int | str


Node = Chars | Sequence | Choice | Repeat | Group | Look | Anchor | Back


def written(node: Node) -> str:
    """The pattern as jsonschema-rs reads it: no class is empty, all that may mean something is escaped."""
    groups = [found for found in nodes(node) if isinstance(found, Group)]
    return _written(node, {group.name or str(group.number): group.number for group in groups})


def nodes(node: Node) -> Iterator[Node]:
    """A tree's nodes, each before those in it."""
    yield node
    match node:
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from nodes(part)
        case Group(inner) | Repeat(inner) | Look(inner):
            yield from nodes(inner)


def simpler(node: Node) -> tuple[Node, int | None]:
    """A tree whose last bound is gone, and the length that a text may then have; the same texts are in both.

    Engines unroll `[^x]{1,20000}`. Where nothing comes after it a bound says nothing; where such a loop is all there
    is between `^` and `$`, it is a bound of the text's length.
    """
    match node:
        case Repeat(inner, low, _, suffix):
            return Repeat(inner, low, None, suffix), None
        case Sequence((Anchor("^"), Repeat(Chars() as inner, low, high), Anchor("$"))):
            return Sequence((Anchor("^"), Repeat(inner, low, None), Anchor("$"))), high
        case Sequence((*parts, Repeat(inner, low, _, suffix))):
            return Sequence((*parts, Repeat(inner, low, None, suffix))), None
    return node, None


def _written(node: Node, numbers: dict[str, int]) -> str:
    match node:
        case Chars():
            return _class_text(node)
        case Sequence(parts):
            return "".join([_written(part, numbers) for part in parts]) if parts else "(?:)"
        case Choice(options):
            return "(?:" + "|".join([_written(option, numbers) for option in options]) + ")"
        case Repeat(Look() as inner, low):  # to look twice is to look once
            return _written(inner, numbers) if low else "(?:)"
        case Repeat(inner, low, high, suffix):
            bounds = f"{{{low}}}" if high == low else f"{{{low},{'' if high is None else high}}}"
            return f"(?:{_written(inner, numbers)}){bounds}{suffix}"
        case Group(inner):
            return f"({_written(inner, numbers)})"
        case Look(inner, ahead, negated):
            return f"(?{'' if ahead else '<'}{'!' if negated else '='}{_written(inner, numbers)})"
        case Anchor(kind):
            return kind
        case Back(group):
            number = numbers.get(group) if isinstance(group, str) else group
            return f"(?:\\{number})" if number in numbers.values() else "(?:)"


def _class_text(chars: Chars) -> str:
    if not chars.ranges and not chars.properties:
        return "[\\s\\S]" if chars.negated else "[^\\s\\S]"
    ranges = "".join(_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in _whole(chars.ranges))
    properties = "".join(f"\\{'P' if negated else 'p'}{{{name}}}" for name, negated in chars.properties)
    if not ranges and not properties:
        return "[\\s\\S]" if chars.negated else "[^\\s\\S]"
    text = f"[{'^' if chars.negated else ''}{ranges}{properties}]"
    return f"(?i:{text})" if chars.any_case else text


def _whole(ranges: Ranges) -> list[tuple[int, int]]:
    """Without halves of surrogate pairs, which no text holds."""
    found = []
    for low, high in ranges:
        for first, last in ((low, min(high, 0xD7FF)), (max(low, 0xE000), high)):
            if first <= last:
                found.append((first, last))
    return found


def _char(code: int) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\x{code:02x}" if code < 256 else f"\\u{{{code:x}}}"
