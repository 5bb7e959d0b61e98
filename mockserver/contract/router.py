"""Which operation a path means: a trie of segments, literals before templates.

A trailing slash is optional, and so is the server's base path: the path as it stands in the document comes first,
then the one that differs in the slash. No redirects: some clients do not follow them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

from mockserver.text.fields import Decoded, decode_segment, is_utf8

T = TypeVar("T")

_VARIABLE = re.compile(r"\{([^{}]+)\}")


class _Node(Generic[T]):
    __slots__ = ("any", "here", "here_with_slash", "literals", "patterns")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.patterns: list[tuple[tuple[int, int], re.Pattern[str], _Node[T]]] = []
        """Segments that are part text, part variable, such as `{id}.json`; the most concrete first."""
        self.any: _Node[T] | None = None
        self.here: dict[str, tuple[tuple[str, ...], T]] = {}
        """By method: the names of the path's variables, and what was registered."""
        self.here_with_slash: dict[str, tuple[tuple[str, ...], T]] = {}
        """The same for templates that end in a slash."""


class Router(Generic[T]):
    """Maps method and path to what was added for them."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, template: str, value: T) -> None:
        """Register a path template such as `/user-memories/{user_memory_id}`; the first of its form stays."""
        node = self._root
        names: list[str] = []
        segments, has_slash = _without_slash(split(template))
        for segment in segments:
            variables = _VARIABLE.findall(segment)
            names += variables
            node = self._child(node, segment, variables)
        here = node.here_with_slash if has_slash else node.here
        here.setdefault(method, (tuple(names), value))

    @staticmethod
    def _child(node: _Node[T], segment: str, variables: list[str]) -> _Node[T]:
        if not variables:
            return node.literals.setdefault(unquote(segment), _Node())
        if _VARIABLE.fullmatch(segment):
            if node.any is None:
                node.any = _Node()
            return node.any
        texts = _VARIABLE.split(segment)[::2]
        pattern = re.compile("(.+?)".join(re.escape(text) for text in texts), re.DOTALL)
        for _, known, child in node.patterns:
            if known.pattern == pattern.pattern:
                return child
        child = _Node()
        # Few variables and much text are concrete.
        node.patterns.append(((len(variables), -sum(map(len, texts))), pattern, child))
        node.patterns.sort(key=lambda entry: entry[0])
        return child

    def find(self, method: str, segments: list[str]) -> tuple[T | None, dict[str, str], list[str]]:
        """What is registered for the percent-encoded `segments`, of which the last is "" for a trailing slash.

        Returns the value, the path's variables (decoded), and the methods that the path has. The
        value is None when the path is known but not with this method; without methods the path is
        not known at all.
        """
        allowed: list[str] = []
        segments, has_slash = _without_slash(segments)
        best = self._walk(self._root, [decode_segment(s) for s in segments], 0, [], method, allowed, has_slash)
        if best is None:
            return None, {}, list(dict.fromkeys(allowed))
        values, (names, value) = best
        return value, dict(zip(names, values, strict=True)), allowed or [method]

    def _walk(
        self,
        node: _Node[T],
        segments: list[str],
        at: int,
        values: list[str],
        method: str,
        allowed: list[str],
        has_slash: bool,
    ) -> tuple[list[str], tuple[tuple[str, ...], T]] | None:
        if at == len(segments):
            exact, lenient = node.here, node.here_with_slash
            if has_slash:
                exact, lenient = lenient, exact
            found = exact.get(method) or lenient.get(method)
            if found is not None:
                return values, found
            allowed += node.here
            allowed += node.here_with_slash
            return None
        segment = segments[at]
        literal = node.literals.get(segment)
        if literal is not None:
            best = self._walk(literal, segments, at + 1, values, method, allowed, has_slash)
            # A literal path hides a template that fits as well (3.0.3, Paths Object), also when only
            # the template has the method.
            if best is not None or allowed:
                return best
        for _, pattern, child in node.patterns:
            parts = _parts(pattern, segment)
            if parts is not None:
                best = self._walk(child, segments, at + 1, [*values, *parts], method, allowed, has_slash)
                if best is not None or allowed:
                    return best
        if node.any is not None and segment:
            return self._walk(node.any, segments, at + 1, [*values, segment], method, allowed, has_slash)
        return None


def _parts(pattern: re.Pattern[str], segment: str) -> Iterable[str] | None:
    """The variables in a segment that is part text, decoded one by one; None when it is another segment."""
    if isinstance(segment, Decoded) and (match := pattern.fullmatch(segment.raw)):
        return map(decode_segment, match.groups())
    match = pattern.fullmatch(segment) if is_utf8(segment) else None
    return match.groups() if match else None


def split(path: str) -> list[str]:
    """The segments of a path, "" at the end for a trailing slash; `/` has none."""
    segments = path.strip("/")
    if not segments:
        return []
    return [*segments.split("/"), ""] if path.endswith("/") else segments.split("/")


def _without_slash(segments: list[str]) -> tuple[list[str], bool]:
    """The segments without the "" of a trailing slash, and whether there was one; `/` itself is not told apart."""
    if not segments or segments[-1]:
        return segments, False
    return segments[:-1], len(segments) > 1
