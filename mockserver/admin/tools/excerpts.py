"""Excerpts of what the admin API tells, small enough for a reader with little room: cut texts, lists and documents.

Nothing is left out silently: what was cut says how large it was, or is named. Must not know: who reads them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from mockserver.contract.contract import operations_of
from mockserver.contract.references import Refs, escape, is_data, pointer_of, unescape
from mockserver.errors import UserError
from mockserver.messages import JSON

ROOM = 40_000
"""Characters of JSON that a list or a document may take."""
MAX_TEXT, MAX_ITEMS, MAX_LEVELS = 1_000, 50, 20
"""Characters of a text, members of a list or an object, and levels of a value that are shown of a value that is cut."""


def size(value: JSON) -> int:
    """Characters of a value as JSON."""
    return len(orjson.dumps(value).decode())


def cut_text(text: str, most: int = MAX_TEXT) -> str:
    """A text with at most so many characters, and a note of how many it had."""
    return text if len(text) <= most else f"{text[:most]}… [cut: {len(text):,} characters in all]"


def whole_or_cut(value: JSON, room: int) -> JSON:
    """A value as it is if it fits, and else its long texts, lists and objects cut, or the beginning of its text."""
    if size(value) <= room:
        return value
    if not isinstance(value, str):
        cut = _cut(value, MAX_LEVELS)
        if size(cut) <= room:
            return cut
    text, most = value if isinstance(value, str) else orjson.dumps(value).decode(), room
    while size(text[:most]) > room:  # JSON writes some characters as several
        most = most * 3 // 4
    return cut_text(text, most)


def _cut(value: JSON, levels: int) -> JSON:
    if isinstance(value, str):
        return cut_text(value)
    if not isinstance(value, dict | list) or not value:
        return value
    rest = len(value) - MAX_ITEMS
    if levels == 0:
        return f"… [cut: {len(value):,} members, too deep]"
    if isinstance(value, list):
        items = [_cut(item, levels - 1) for item in value[:MAX_ITEMS]]
        return [*items, f"… [cut: {rest:,} more]"] if rest > 0 else items
    members = {cut_text(key): _cut(item, levels - 1) for key, item in list(value.items())[:MAX_ITEMS]}
    return {**members, "…": f"[cut: {rest:,} more members]"} if rest > 0 else members


def fitting(rows: Sequence[JSON], room: int = ROOM) -> list[JSON]:
    """As many of the rows from the start as fit, at least one."""
    shown: list[JSON] = []
    for row in rows:
        room -= size(row) + 1
        if room < 0 and shown:
            break
        shown.append(row)
    return shown


def bounded(result: dict[str, JSON]) -> dict[str, JSON]:
    """An object with its lists and texts cut to the room; `left_off` counts what of a list did not fit."""
    shown = dict(result)
    left_off: dict[str, JSON] = {}
    for name, value in result.items():
        if isinstance(value, list):
            shown[name] = rows = fitting([whole_or_cut(row, ROOM // 4) for row in value])
            left_off |= {name: len(value) - len(rows)} if len(rows) < len(value) else {}
        else:
            shown[name] = whole_or_cut(value, ROOM)
    return {**shown, "left_off": left_off} if left_off else shown


def operation_excerpt(document: dict[str, Any], id: str) -> dict[str, Any]:
    """An operation of an OpenAPI document with all that it refers to, as far as there is room.

    `referenced` holds values by the `$ref`s that lead to them, and `left_off` the `$ref`s for whose values there was
    no room. Raises KeyError when the document has no such operation.
    """
    refs = Refs(document)
    method, path, node, shared = _operation(refs, id)
    shown = {"id": id, "method": method, "path": path, **node}
    if shared:
        shown["parameters"] = [*shared, *node.get("parameters", [])]
    if size(shown) > ROOM:
        shown = whole_or_cut(shown, ROOM // 2)
    room = ROOM - size(shown)
    referenced: dict[str, JSON] = {}
    left_off: list[str] = []
    waiting, seen = deque(_references(shown)), set[str]()
    while waiting:
        ref = waiting.popleft()
        if ref in seen:
            continue
        seen.add(ref)
        try:
            value = refs.lookup(unescape(ref))
        except KeyError:
            continue  # `mockserver check` tells of it
        room -= size(value)
        if room < 0:
            left_off.append(ref)
        else:
            referenced[ref] = value
            waiting.extend(_references(value))
    excerpt = {"operation": shown, "referenced": referenced}
    return {**excerpt, "left_off": left_off[:MAX_ITEMS]} if left_off else excerpt


def _operation(refs: Refs, id: str) -> tuple[str, str, dict[str, Any], list[Any]]:
    """The method, the path and the node of an operation, and the parameters of its path."""
    for path, item in (refs.document.get("paths") or {}).items():
        pointer = pointer_of(["paths", path])
        for part, at in refs.chain(item, pointer):
            for method, node, _ in operations_of(part, at):
                if (node.get("operationId") or f"{method} {path}") == id:
                    return method, path, node, part.get("parameters") or []
    raise KeyError(id)


def _references(node: JSON, parent: str = "") -> Iterator[str]:
    """The `$ref`s in a value, those in data left out."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item, parent)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str) and parent != "properties":
            yield node["$ref"]
        for key, item in node.items():
            # In OpenAPI `examples` are objects that may be references; in JSON Schema they are a list of data.
            if not is_data(key, parent) or (key == "examples" and isinstance(item, dict)):
                yield from _references(item, key)


def part_excerpt(document: dict[str, Any], pointer: str) -> dict[str, JSON]:
    """The value at a JSON Pointer or `#/...` reference, cut to the room. Raises UserError when there is none."""
    pointer = unescape(pointer) if pointer.startswith("#") else pointer
    refs = Refs(document)
    try:
        return {"ref": escape(pointer), "value": whole_or_cut(refs.lookup(pointer), ROOM)}
    except KeyError:
        at, nearest = _nearest(refs, pointer)
    has = f"has {cut_text(', '.join(nearest))}" if isinstance(nearest, dict) else "has no such member"
    raise UserError(f"there is nothing at {cut_text(pointer, 200)!r}; {at or 'the document'} {has}")


def _nearest(refs: Refs, pointer: str) -> tuple[str, Any]:
    """The longest beginning of a pointer that leads to a value, and that value."""
    at = pointer
    while at:
        at = at.rpartition("/")[0]
        try:
            return at, refs.lookup(at)
        except KeyError:
            continue
    return "", refs.document
