"""Local references of a document: follow them, and find those that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.documents import parts_of, pointer_of

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
        self._document = document

    def lookup(self, pointer: str) -> Any:
        """The value at an RFC 6901 pointer. Raises KeyError when there is none."""
        if pointer and not pointer.startswith("/"):
            raise KeyError(pointer)
        node: Any = self._document
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

    def broken(self) -> Iterator[tuple[list[str | int], str]]:
        """Places whose `$ref` cannot be followed, with the reason."""
        checked: dict[str, str] = {}
        for path, ref in _references(self._document, []):
            if ref not in checked:
                checked[ref] = self._fault(ref)
            if checked[ref]:
                yield path, checked[ref]

    def _fault(self, ref: str) -> str:
        if not ref.startswith("#"):
            return f"refers to another file, {ref!r}; bundle the document into one file first"
        try:
            self.follow({"$ref": ref}, "")
        except KeyError:
            return f"refers to {ref!r}, which is not in the document"
        return ""


def unescape(ref: str) -> str:
    """The RFC 6901 pointer in a `#...` reference, percent-decoding included."""
    from urllib.parse import unquote

    return unquote(ref.removeprefix("#"))


def _references(node: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], str]]:
    if isinstance(node, dict):
        ref = node.get("$ref")
        if isinstance(ref, str):
            yield [*path, "$ref"], ref
        for key, value in node.items():
            if not is_data(key, path[-1] if path else ""):
                yield from _references(value, [*path, key])
            elif key == "examples" and isinstance(value, dict):
                for name, example in value.items():
                    if isinstance(example, dict) and isinstance(example.get("$ref"), str):
                        yield [*path, key, name, "$ref"], example["$ref"]
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _references(value, [*path, index])


__all__ = ["Refs", "pointer_of", "unescape"]
