"""Local references of a document: follow them, and find those that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from mockserver.text.documents import parts_of, pointer_of
from mockserver.text.jsontext import COLLECTIONS

_MAX_HOPS = 32
_DATA = {"example", "examples", "default", "enum", "const"}
_MAPS = {"properties", "patternProperties", "schemas", "$defs", "responses", "parameters", "headers", "requestBodies"}
"""Objects whose members have names of the document's own choice, or statuses."""


def is_data(key: str, parent: str | int) -> bool:
    """Whether a member of `parent` holds data, in which a `$ref` is not a reference."""
    return (key in _DATA or key.startswith("x-")) and parent not in _MAPS


class Refs:
    """Looks `#/...` references up in one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def lookup(self, pointer: str) -> Any:
        """The value at an RFC 6901 pointer. Raises KeyError when there is none."""
        if pointer and not pointer.startswith("/"):
            raise KeyError(pointer)
        node: Any = self.document
        for part in parts_of(pointer):
            if isinstance(node, dict):
                node = node[part]
            elif isinstance(node, list) and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            else:
                raise KeyError(pointer)
        return node

    def follow(self, node: Any, pointer: str) -> tuple[Any, str]:
        """What `node` stands for once its `$ref`s are followed, and the pointer to it."""
        for _ in range(_MAX_HOPS):
            if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
                return node, pointer
            pointer = unescape(node["$ref"])
            node = self.lookup(pointer)
        raise KeyError(pointer)

    def fault(self, ref: str) -> str:
        """Why a `$ref` cannot be followed; "" when it can."""
        if not ref.startswith("#"):
            return f"refers to another file, {ref!r}; bundle the document into one file first"
        try:
            self.follow({"$ref": ref}, "")
        except KeyError:
            return f"refers to {ref!r}, which is not in the document"
        return ""


def unescape(ref: str) -> str:
    """The RFC 6901 pointer in a `#...` reference, percent-decoding included."""
    return unquote(ref.removeprefix("#"))


Steps = tuple[str | int, "Steps | None"]
"""A place in a document: its last step and the place before. A list for each would cost too much."""


def texts(document: dict[str, Any]) -> Iterator[tuple[str, str, Steps]]:
    """Every `$ref` and every `pattern` outside of data: its key, its text and where it stands."""
    waiting: list[tuple[Any, Steps]] = [(document, ("", None))]
    while waiting:
        node, place = waiting.pop()
        below: list[tuple[Any, Steps]] = []
        if type(node) is list:
            below = [(child, (index, place)) for index, child in enumerate(node) if type(child) in COLLECTIONS]
        else:
            for key in ("$ref", "pattern"):
                if type(node.get(key)) is str:
                    yield key, node[key], (key, place)
            for key, child in node.items():
                if type(child) in COLLECTIONS:
                    if not is_data(key, place[0]):
                        below.append((child, (key, place)))
                    elif key == "examples" and type(child) is dict:
                        yield from _of_examples(child, (key, place))
        below.reverse()  # what is put last is taken first
        waiting += below


def _of_examples(examples: dict[str, Any], place: Steps) -> Iterator[tuple[str, str, Steps]]:
    """An Example Object holds data, but may itself be a reference."""
    for name, example in examples.items():
        if type(example) is dict and type(example.get("$ref")) is str:
            yield "$ref", example["$ref"], ("$ref", (name, place))


def path_of(place: Steps) -> list[str | int]:
    """The steps of a place, from the document's root."""
    path: list[str | int] = []
    step: Steps | None = place
    while step is not None:
        path.append(step[0])
        step = step[1]
    return path[-2::-1]  # the root itself is no step


__all__ = ["Refs", "Steps", "is_data", "path_of", "pointer_of", "texts", "unescape"]
