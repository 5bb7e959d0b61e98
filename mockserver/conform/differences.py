"""One difference between the contract and what a server sent, and what an Overlay would have to do about it.

Data, and the words for the overlay's actions. Must not know: how a difference is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mockserver.contract.faults import MOUNT
from mockserver.messages import JSON
from mockserver.text.documents import parts_of

Action = dict[str, Any]
"""One action of an Overlay: `target`, and `update` or `remove`."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a server did and the contract does not have."""

    rule: str
    pointer: str
    """Where in the document it stands that is broken; equal for all differences of one cause."""
    detail: str
    """What is the matter, without the values of one response; equal for all differences of one cause."""
    where: str = ""
    """Where in the response: `/items/*/status`, `header x-total`; "" for the whole."""
    found: JSON = None
    """What is there."""
    actions: tuple[Action, ...] = ()
    """What would make the contract right; nothing where no change of a document does."""


def json_path(document: dict[str, Any], pointer: str) -> str | None:
    """A JSONPath (RFC 9535) to a place of a document; None for what stands in another file, which no overlay reaches.

    Raises KeyError when there is no such place.
    """
    path, node = "$", document
    for number, part in enumerate(parts_of(pointer)):
        if number == 0 and part == MOUNT:
            return None
        if isinstance(node, list):
            node = node[int(part)]
            path += f"[{part}]"
            continue
        node = node[part]
        path += f".{part}" if _NAME.fullmatch(part) else f"[{_quoted(part)}]"
    return path


def _quoted(name: str) -> str:
    text = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


class Mender:
    """Writes actions for places of one document.

    Args:
        document: the document that the overlay is for.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def update(self, pointer: str, value: Any) -> tuple[Action, ...]:
        """Merge a value into a place."""
        path = self._path(pointer)
        return () if path is None else ({"target": path, "update": value},)

    def remove(self, pointer: str) -> tuple[Action, ...]:
        """Remove a place."""
        path = self._path(pointer)
        return () if path is None else ({"target": path, "remove": True},)

    def without(self, pointer: str, value: str) -> tuple[Action, ...]:
        """Remove a text from an array of texts."""
        path = self._path(pointer)
        return () if path is None else ({"target": f"{path}[?@ == {_quoted(value)}]", "remove": True},)

    def without_item(self, pointer: str, member: str, value: str) -> tuple[Action, ...]:
        """Remove the object with a member of that text from an array of objects."""
        path = self._path(pointer)
        return (
            () if path is None else ({"target": f"{path}[?@[{_quoted(member)}] == {_quoted(value)}]", "remove": True},)
        )

    def _path(self, pointer: str) -> str | None:
        try:
            return json_path(self._document, pointer)
        except (KeyError, IndexError, ValueError, TypeError):
            return None


def schema_for(value: JSON, is_30: bool) -> dict[str, Any]:
    """A schema that takes a value and its like."""
    if value is None:
        return {"nullable": True} if is_30 else {}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string"}
    if isinstance(value, list):
        return {"type": "array", "items": schema_for(value[0], is_30) if value else {}}
    return {"type": "object", "properties": {name: schema_for(item, is_30) for name, item in value.items()}}


__all__ = ["Action", "Difference", "Mender", "json_path", "schema_for"]
