"""Local references of a document: follow them. Those into other files were made local before (`files`)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from mockserver.text.documents import parts_of, pointer_of

_MAX_HOPS = 32
_SAFE = "/~!$&'()*+,;=:@?"
"""What a URI's fragment may hold as it stands (RFC 3986, 3.5), besides letters and digits."""
_DATA = {"example", "examples", "default", "enum", "const"}
_MAPS = frozenset(
    (
        *("properties", "patternProperties", "dependentSchemas", "$defs", "definitions"),
        *("schemas", "responses", "parameters", "headers", "requestBodies"),
    )
)
"""Objects whose members have names of the document's own choice, or statuses."""


def is_data(key: str, parent: str | int) -> bool:
    """Whether a member of `parent` holds data, in which a `$ref` is not a reference."""
    return (key in _DATA or key.startswith("x-")) and parent not in _MAPS


class Refs:
    """Looks `#/...` references up in one document.

    Args:
        document: the document.
        settled: it does not change any more, so what a reference leads to is kept.
    """

    def __init__(self, document: dict[str, Any], settled: bool = False) -> None:
        self.document = document
        self._settled = settled
        self._followed: dict[str, tuple[Any, str]] = {}

    def lookup(self, pointer: str) -> Any:
        """The value at an RFC 6901 pointer. Raises KeyError when there is none."""
        if pointer and not pointer.startswith("/"):
            raise KeyError(pointer)
        node: Any = self.document
        for part in parts_of(pointer):
            if isinstance(node, dict):
                node = node[part]
            elif isinstance(node, list) and part.isascii() and part.isdigit() and int(part) < len(node):
                node = node[int(part)]
            else:
                raise KeyError(pointer)
        return node

    def follow(self, node: Any, pointer: str) -> tuple[Any, str]:
        """What `node` stands for once its `$ref`s are followed, and the pointer to it."""
        if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
            return node, pointer
        ref = node["$ref"]
        followed = self._followed.get(ref)
        if followed is not None:
            return followed
        for _ in range(_MAX_HOPS):
            pointer = unescape(node["$ref"])
            node = self.lookup(pointer)
            if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
                if self._settled:
                    self._followed[ref] = node, pointer
                return node, pointer
        raise KeyError(pointer)

    def chain(self, node: Any, pointer: str) -> list[tuple[Any, str]]:
        """`node` and what its `$ref`s lead to, each with its pointer. Raises KeyError as `follow` does."""
        met = [(node, pointer)]
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if len(met) > _MAX_HOPS:
                raise KeyError(pointer)
            pointer = unescape(node["$ref"])
            node = self.lookup(pointer)
            met.append((node, pointer))
        return met

    def fault(self, ref: str) -> str:
        """Why a `$ref` cannot be followed; "" when it can."""
        if not ref.startswith("#"):
            return f"refers to another file, {ref!r}, which was not read"
        try:
            self.follow({"$ref": ref}, "")
        except KeyError:
            return f"refers to {ref!r}, which is not in the document"
        return ""


def unescape(ref: str) -> str:
    """The RFC 6901 pointer in a `#...` reference, percent-decoding included."""
    return unquote(ref.removeprefix("#"))


def escape(pointer: str) -> str:
    """The `#...` reference to an RFC 6901 pointer."""
    return "#" + quote(pointer, safe=_SAFE)


__all__ = ["Refs", "escape", "is_data", "pointer_of", "unescape"]
