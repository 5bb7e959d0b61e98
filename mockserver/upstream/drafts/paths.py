"""Paths with variables, told from ids that vary. Must not know: OpenAPI beyond the form of a path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from mockserver.apis.resources.model import singular
from mockserver.upstream.drafts.shapes import is_uuid

MIN_WORDS = 3
"""Words at one place that are values, when what follows and what is answered is the same for all of them."""
_VERSION = re.compile(r"v\d+([._]\d+)*((alpha|beta|rc)\d*)?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_PREFIXED = re.compile(r"[A-Za-z]{1,12}[-_][A-Za-z0-9_-]*\d[A-Za-z0-9_-]*")
_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9]{12,}")
_HEX = re.compile(r"(?=.*\d)[0-9a-fA-F]{8,}")
_SHORT = re.compile(r"[A-Za-z]{1,3}\d+")
_NOT_LITERAL = frozenset('{}/?#@ :,%&=+$"<>\\^`|')
"""Characters that a literal segment of a document does not have."""
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Template:
    """A path with its variables."""

    path: str
    variables: tuple[str, ...]
    places: tuple[int, ...]
    """Which segments the variables are."""

    def values(self, path: str) -> list[str]:
        """The values of the variables in a path, decoded."""
        segments = _segments(path)
        return [unquote(segments[place]) for place in self.places]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    paths: list[str] = field(default_factory=list)
    """Paths that end here."""


def looks_like_id(segment: str) -> bool:
    """Whether a segment, decoded, is the value of a variable by its own form."""
    if not segment or _VERSION.fullmatch(segment):
        return False
    if segment.isdecimal() or is_uuid(segment) or not segment.isascii() or not segment.isprintable():
        return True
    if set(segment) & _NOT_LITERAL:
        return True
    return any(form.fullmatch(segment) for form in (_PREFIXED, _TOKEN, _HEX, _SHORT, _DATE))


def templates(paths: Mapping[str, str]) -> dict[str, Template]:
    """The template of each path, percent-encoded.

    Args:
        paths: each with what it answers, in any form: words are taken for values only where that is the same.
    """
    root = _Node()
    for path in paths:
        node = root
        for segment in _segments(path):
            text = unquote(segment)
            if looks_like_id(text):
                node.variable = node = node.variable or _Node()
            else:
                node = node.literals.setdefault(text, _Node())
        node.paths.append(path)
    for child in root.literals.values():  # the first segment names what is asked for
        _merge_words(child, paths)
    if root.variable is not None:
        _merge_words(root.variable, paths)
    found: dict[str, Template] = {}
    _name(root, Template("", (), ()), 0, found)
    return found


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def _merge_words(node: _Node, told: Mapping[str, str]) -> None:
    """Make one variable of words that answer the same."""
    kinds: dict[str, list[str]] = {}
    for word, child in node.literals.items():
        kinds.setdefault(_kind(child, told), []).append(word)
    for kind, words in kinds.items():
        if kind and len(words) >= MIN_WORDS:
            for word in words:
                child = node.literals.pop(word)
                node.variable = child if node.variable is None else _joined(node.variable, child)
    for child in node.literals.values():
        _merge_words(child, told)
    if node.variable is not None:
        _merge_words(node.variable, told)


def _kind(node: _Node, told: Mapping[str, str]) -> str:
    """What is below a node and what it answers, without values; "" where nothing is answered here."""
    here = sorted({told[path] for path in node.paths})
    if not here or not all(here):
        return ""
    return f"{here} {sorted(node.literals)} {node.variable is not None}"


def _joined(one: _Node, other: _Node) -> _Node:
    one.paths += other.paths
    for word, child in other.literals.items():
        one.literals[word] = _joined(one.literals[word], child) if word in one.literals else child
    if other.variable is not None:
        one.variable = other.variable if one.variable is None else _joined(one.variable, other.variable)
    return one


def _name(node: _Node, above: Template, depth: int, found: dict[str, Template]) -> None:
    if node.paths:
        slash = "/" if all(path.endswith("/") for path in node.paths) or not depth else ""
        template = Template(above.path + slash, above.variables, above.places)
        found |= dict.fromkeys(node.paths, template)
    for word, child in node.literals.items():
        _name(child, Template(f"{above.path}/{word}", above.variables, above.places), depth + 1, found)
    if node.variable is not None:
        name = variable_name(above.path.split("/"), above.variables)
        inner = Template(f"{above.path}/{{{name}}}", (*above.variables, name), (*above.places, depth))
        _name(node.variable, inner, depth + 1, found)


def variable_name(parts: Iterable[str], taken: Iterable[str]) -> str:
    """A name for the variable after some parts of a path: `order_id` after `orders`."""
    before = [part for part in parts if not part.startswith("{") and not _VERSION.fullmatch(part)]
    word = _NO_NAME.sub("_", before[-1]).strip("_").lower() if before else ""
    name, number, known = f"{singular(word)}_id" if word else "id", 2, set(taken)
    if name not in known:
        return name
    while f"{name}{number}" in known:
        number += 1
    return f"{name}{number}"


__all__ = ["Template", "looks_like_id", "templates", "variable_name"]
