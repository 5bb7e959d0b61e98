"""OpenAPI Overlay 1.0: apply its actions to a document, and keep where each addition comes from.

Every addition of a bundled overlay carries `x-provenance`: `documented` (the vendor says so),
`sdk` (the vendor's client needs it) or `assumed` (we made it up). The value stands in the added
object, in one around it, or on the action.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from mockserver.errors import ContractError
from mockserver.records import record
from mockserver.text.documents import pointer_of

PROVENANCES = ("documented", "sdk", "assumed")


@record(frozen=True)
class Addition:
    """One thing that an overlay put into the document."""

    pointer: str
    provenance: str
    """One of PROVENANCES, or "" when the overlay does not say."""
    note: str


def apply(document: dict[str, Any], overlay: dict[str, Any], name: str) -> list[Addition]:
    """Change `document` in place as the overlay's actions say, in their order.

    Args:
        document: the OpenAPI document.
        overlay: the parsed overlay file.
        name: the overlay's file, for messages.

    Raises:
        ContractError: a malformed overlay, or an action whose target matches nothing.
    """
    actions = overlay.get("actions") if isinstance(overlay, dict) else None
    if not isinstance(actions, list) or not actions or not str(overlay.get("overlay", "")).startswith("1."):
        raise ContractError(f"{name}: is not an overlay; it needs `overlay: 1.0.0` and a list of `actions`")
    additions: list[Addition] = []
    for index, action in enumerate(actions):
        where = f"{name}: action {index + 1}"
        if not isinstance(action, dict) or not isinstance(action.get("target"), str):
            raise ContractError(f"{where}: has no `target`")
        matches = _find(action["target"], document, where)
        if not matches:
            raise ContractError(f"{where}: {action['target']!r} matches nothing in the document")
        if action.get("remove") is True:
            _remove(document, [tuple(parts) for parts, _ in matches], where)
            continue
        for parts, node in matches:
            if "update" in action:
                default = str(action.get("x-provenance", ""))
                _merge(node, action["update"], tuple(parts), default, additions, where)
            else:
                raise ContractError(f"{where}: has neither `update` nor `remove: true`")
    return additions


def origin(
    document: dict[str, Any], overlay: dict[str, Any], name: str, path: Sequence[str | int]
) -> list[str | int] | None:
    """Where in an applied overlay the value stands that it put at a path of the document; None when it did not.

    Of actions that both put a value there it is the later one.
    """
    wanted = [str(part) for part in path]
    for index, action in reversed(list(enumerate(overlay["actions"]))):
        if "update" not in action:
            continue
        for parts, _ in _find(action["target"], document, name):
            start = [str(part) for part in parts]
            rest = wanted[len(start) :]
            if wanted[: len(start)] == start and rest and _has(action["update"], rest):
                return ["actions", index, "update", *rest]
    return None


def _has(node: Any, path: list[str]) -> bool:
    for part in path:
        if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return False
    return True


_STEP = re.compile(r"""\.(?P<name>[A-Za-z_][A-Za-z0-9_-]*|\*)|\[(?:'(?P<quoted>[^'\\]*)'|(?P<any>\*))\]""")


def _find(target: str, document: dict[str, Any], where: str) -> list[tuple[tuple[str | int, ...], Any]]:
    """The places that a JSONPath (RFC 9535) names, with their paths.

    Names and wildcards, which is all that most overlays use, are followed here; for anything else
    the library is imported, which takes as long as loading both bundled contracts.
    """
    if not target.startswith("$"):
        raise ContractError(f"{where}: {target!r} is not a JSONPath: it does not begin with $")
    steps = list(_STEP.finditer(target, 1))
    if sum(len(step[0]) for step in steps) != len(target) - 1:
        return _find_any(target, document, where)
    found: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    for step in steps:
        name = step["name"] if step["quoted"] is None else step["quoted"]
        if step["any"] or step["name"] == "*":
            found = [((*path, key), child) for path, node in found for key, child in _children(node)]
        else:
            found = [((*path, name), node[name]) for path, node in found if isinstance(node, dict) and name in node]
    return found


def _children(node: Any) -> list[tuple[str | int, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


def _find_any(target: str, document: dict[str, Any], where: str) -> list[tuple[tuple[str | int, ...], Any]]:
    from jsonpath import JSONPathError, finditer

    try:
        return [(tuple(match.parts), match.obj) for match in finditer(target, document)]
    except JSONPathError as error:
        raise ContractError(f"{where}: {target!r} is not a JSONPath: {error}") from None


def _remove(document: Any, places: list[tuple[str | int, ...]], where: str) -> None:
    """Remove each place once: inner ones first and lists from their end, so that none moves another."""
    order = {parts: (len(parts), [part if isinstance(part, int) else -1 for part in parts]) for parts in places}
    for parts in sorted(order, key=lambda parts: order[parts], reverse=True):
        if not parts:
            raise ContractError(f"{where}: cannot remove the whole document")
        parent = document
        for part in parts[:-1]:
            parent = parent[part]
        del parent[parts[-1]]


def _merge(
    node: Any, update: Any, parts: tuple[str | int, ...], default: str, additions: list[Addition], where: str
) -> None:
    """Mappings are merged, arrays are appended to, anything else is replaced (Overlay 1.0, 4.4.3)."""
    if isinstance(node, list):
        items = update if isinstance(update, list) else [update]
        for item in items:
            _record((*parts, len(node)), item, default, additions)
            node.append(copy.deepcopy(item))
        return
    if not isinstance(node, dict) or not isinstance(update, dict):
        raise ContractError(f"{where}: {pointer_of(parts)!r} cannot be merged with a {type(update).__name__}")
    for key, value in update.items():
        kind = next((kind for kind in (dict, list) if isinstance(value, kind)), None)
        if kind is not None and isinstance(node.get(key), kind):
            _merge(node[key], value, (*parts, key), default, additions, where)
        else:
            _record((*parts, key), value, default, additions)
            # A copy: an alias of the YAML file must not tie two places of the document together.
            node[key] = copy.deepcopy(value)


def _record(parts: tuple[str | int, ...], value: Any, default: str, additions: list[Addition]) -> None:
    """Note an addition; one that is only a group of additions with their own words is taken apart."""
    if not isinstance(value, dict):
        additions.append(Addition(pointer_of(parts), default, ""))
        return
    own = value.get("x-provenance")
    children = [(key, child) for key, child in value.items() if isinstance(child, dict)]
    if own is None and (not default or any("x-provenance" in child for _, child in children)):
        for key, child in value.items():
            _record((*parts, key), child, default, additions)
        return
    note = " ".join(str(value.get("description", value.get("summary", value.get("$ref", "")))).split())
    additions.append(Addition(pointer_of(parts), own or default, note))
    _record_inner(parts, value, own or default, additions)


def _record_inner(parts: tuple[str | int, ...], node: dict[str, Any], outer: str, additions: list[Addition]) -> None:
    """A different word further in is a finding of its own."""
    for key, child in node.items():
        if isinstance(child, dict):
            if child.get("x-provenance", outer) != outer:
                _record((*parts, key), child, outer, additions)
            else:
                _record_inner((*parts, key), child, outer, additions)
