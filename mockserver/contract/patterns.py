"""The regular expressions of a document, matched so that none takes forever.

Whatever the engine that runs inside jsonschema-rs reads in its linear mode is left to it: no text makes that
slow. What needs more (lookaround, references back) or another dialect (`a\\Z`, `(?i)a` in 3.0) becomes a
format that is checked here, on the best engine that reads it: the linear one, then the one whose backtracking
has a limit, then Python's. A pattern of ECMA-262 that jsonschema-rs does not read as it stands (`[^]`, `\\k<name>`,
surrogate pairs) is written anew for it. The latter two look at texts of bounded length only; a longer one does
not match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jsonschema_rs

from mockserver.contract import ecma
from mockserver.contract.ecma_reader import PatternError, parse
from mockserver.errors import ContractError

Format = Callable[[str], bool]

LINEAR = jsonschema_rs.RegexOptions()
LIMITED = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
MAX_TEXT = 8192
"""Characters that a pattern with lookaround looks at; the worst one found takes a tenth of a second for them."""
_STEPS = 50_000_000
"""Steps that Python's engine may take for one text: about a second."""
_LARGE = re.compile(r"\{(\d*,)?\d{3,}\}")
"""A bound of a hundred or more. Engines unroll it, which takes far longer than to match a text, and every validator
would do it anew; as a format it is prepared once."""
_TIDIED = ((r"\\Z", r"\\z"), (r"(\\[dDsSwW])-(?!\])", r"\1\\-"), (r"\(\?#[^)]*\)", ""))
"""What Python reads and others do not, and how others write it: an end, a dash after a class, a comment."""


class Patterns:
    """Finds for each pattern who can match it."""

    def __init__(self, draft: type[jsonschema_rs.Validator]) -> None:
        self._draft = draft
        self._known: dict[str, tuple[str, Format] | None] = {}

    def instead(self, pattern: str) -> tuple[str, Format] | None:
        """The format to use instead of a pattern, with its name; None when jsonschema-rs matches it in linear time.

        Raises ContractError for a pattern that nobody reads, or that could take forever.
        """
        if pattern not in self._known:
            self._known[pattern] = self._format(pattern)
        return self._known[pattern]

    def fault(self, pattern: str) -> str:
        """Why a pattern cannot be used; "" when it can."""
        try:
            self.instead(pattern)
        except ContractError as error:
            return str(error)
        return ""

    def _format(self, pattern: str) -> tuple[str, Format] | None:
        is_large = _LARGE.search(pattern) is not None
        if not is_large and _reader(self._draft, pattern, LINEAR) is not None:
            return None
        name = f"text that matches {pattern}"
        spellings: list[tuple[str, int | None]] = [(pattern, None)]
        try:
            tree = parse(pattern)
            loose, longest = ecma.simpler(tree)
            spellings += [(ecma.written(tree), None), (ecma.written(loose), longest)]
        except (PatternError, RecursionError):
            pass
        if is_large:
            spellings.reverse()
        tidied = pattern
        for old, new in _TIDIED:
            tidied = re.sub(old, new, tidied)
        spellings.append((tidied, None))
        for options, most in ((LINEAR, None), (LIMITED, MAX_TEXT)):
            for text, longest in spellings:
                reader = _reader(jsonschema_rs.Draft202012Validator, text, options)
                if reader is not None:
                    return name, _bounded(reader, longest if longest is not None else most)
        return name, _by_python(pattern)


@lru_cache(maxsize=8192)
def matcher(pattern: str) -> Format | None:
    """What tells whether a text matches a pattern; None when it is no regular expression that can be used."""
    try:
        instead = Patterns(jsonschema_rs.Draft4Validator).instead(pattern)
    except ContractError:
        return None
    return instead[1] if instead is not None else _reader(jsonschema_rs.Draft4Validator, pattern, LINEAR)


def _reader(draft: Any, pattern: str, options: Any) -> Format | None:
    try:
        reader: Format = draft({"pattern": pattern}, pattern_options=options).is_valid
    except (ValueError, jsonschema_rs.ValidationError):
        return None
    return reader


def _bounded(reader: Format, most: int | None) -> Format:
    return reader if most is None else lambda text: len(text) <= most and reader(text)


def _by_python(pattern: str) -> Format:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ContractError(f"the pattern {pattern!r} is no regular expression: {error}") from None
    if re.search(r"\)[*+{]", pattern):
        raise ContractError(f"the pattern {pattern!r} repeats a group in a way that can take forever; write it simpler")
    # So many loops, one inside another for a text that does not match, and one more for where to begin.
    loops = len(re.findall(r"[*+]|\{\d*,\d*\}", pattern)) + 1
    most = int(_STEPS ** (1 / loops))
    return lambda text: len(text) <= most and compiled.search(text) is not None
