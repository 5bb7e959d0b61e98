"""JSON Patch (RFC 6902) on the members of a row. Values are copied, never changed."""

from __future__ import annotations

from typing import Any

from mockserver.errors import Problem
from mockserver.messages import JSON
from mockserver.text.documents import parts_of
from mockserver.text.jsontext import copied

_OPERATIONS = frozenset(("add", "remove", "replace", "move", "copy", "test"))


def is_json_patch(body: JSON) -> bool:
    """Whether a body is a list of operations of JSON Patch on members of an object.

    A document may let `op` and `path` be any text; what only looks like a patch is none.
    """
    return isinstance(body, list) and all(
        isinstance(step, dict)
        and step.get("op") in _OPERATIONS
        and isinstance(step.get("path"), str)
        and step["path"].startswith("/")
        for step in body
    )


def patched(document: JSON, steps: list[dict[str, Any]]) -> JSON:
    """A document after the operations of a patch.

    Raises:
        Problem: `invalid_request` for an operation that leads nowhere or is none; `conflict` for a test that fails.
    """
    document = copied(document)
    for number, step in enumerate(steps):
        op, path = step["op"], step["path"]
        where = f"operation {number}, {op} {path!r}"
        try:
            if op == "test":
                if _at(document, parts_of(path)) != step["value"]:
                    raise Problem("conflict", f"The test of {where} fails: another value stands there.")
            elif op == "add":
                document = _added(document, parts_of(path), copied(step["value"]))
            elif op == "remove":
                document = _removed(document, parts_of(path))
            elif op == "replace":
                document = _replaced(document, parts_of(path), copied(step["value"]))
            elif op == "copy":
                document = _added(document, parts_of(path), copied(_at(document, parts_of(step["from"]))))
            elif op == "move":
                if path.startswith(f"{step['from']}/"):
                    raise Problem("invalid_request", f"The patch moves a value into itself: {where}.")
                value = _at(document, parts_of(step["from"]))
                document = _added(_removed(document, parts_of(step["from"])), parts_of(path), value)
            else:
                raise Problem("invalid_request", f"The patch has an unknown operation: {where}.")
        except (KeyError, IndexError, TypeError, ValueError):
            raise Problem("invalid_request", f"The patch leads nowhere: {where}.") from None
    return document


def _index(node: list[Any], part: str, most: int) -> int:
    if not part.isascii() or not part.isdigit() or (len(part) > 1 and part[0] == "0") or int(part) > most:
        raise IndexError(part)
    return int(part)


def _at(node: JSON, parts: list[str]) -> JSON:
    for part in parts:
        node = node[_index(node, part, len(node) - 1)] if isinstance(node, list) else node[part]
    return node


def _added(document: JSON, parts: list[str], value: JSON) -> JSON:
    if not parts:
        return value
    parent, last = _at(document, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(parent, last, len(parent)), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise TypeError(last)
    return document


def _removed(document: JSON, parts: list[str]) -> JSON:
    parent, last = _at(document, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        del parent[_index(parent, last, len(parent) - 1)]
    else:
        del parent[last]
    return document


def _replaced(document: JSON, parts: list[str], value: JSON) -> JSON:
    if not parts:
        return value
    parent, last = _at(document, parts[:-1]), parts[-1]
    if isinstance(parent, list):
        parent[_index(parent, last, len(parent) - 1)] = value
    elif last in parent:
        parent[last] = value
    else:
        raise KeyError(last)
    return document


__all__ = ["is_json_patch", "patched"]
