"""How a body shows rows: where the row, or the array of rows, stands in it, and which member is its id.

Read from schemas once for each operation. Must not know: stores, requests.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.apis.resources.model import Resource, folded, singular
from mockserver.contract import Contract, Operation
from mockserver.contract.events import MEMBERS as EVENT_MEMBERS
from mockserver.contract.outline import Outline, Place
from mockserver.records import record
from mockserver.text.documents import parts_of

Parts = tuple[str, ...]
"""The names on the way from the root of a body to a place in it."""

_ROW_NAMES = ("data", "result", "response", "item", "payload", "attributes", "entity", "object", "record")
"""Members that wrap one row."""
_LIST_NAMES = ("data", "items", "results", "records", "entries", "list", "rows", "values", "value", "content", "nodes")
"""Members that hold the rows of a list; `_embedded` holds one of them by the collection's name (HAL)."""
_ID_NAMES = ("id", "uuid", "guid", "_id")
_WEAK_ID_NAMES = ("key", "slug", "code", "number", "identifier", "sku", "token", "name")
"""Members that are an id where there is nothing better."""
_GENERIC = ("entity", "object", "resource", "item", "record", "unique", "external", "public")
"""Words for any row, which stand before `id`."""
_MAX_LEVELS = 3


@record(frozen=True)
class View:
    """Where one row, or an array of rows, stands in a body."""

    at: Parts
    """The way to the row, or to the array of rows; () for the body itself."""
    outline: Outline
    """What its schema says of one row."""
    place: Place
    """The schema of one row."""
    id_member: str
    """The member that is the id; "" where a row does not show it."""
    inner: Parts = ()
    """In a list: the way from an item of the array to the row, for items that wrap it."""
    keyed: bool = False
    """In a list: the rows are members of an object, by their ids, instead of an array."""


def id_member(contract: Contract, resource: Resource, outline: Outline) -> str:
    """The member of a row that its path's last variable names; "" when there is none."""
    if resource.id:
        name = resource.id.lstrip("/")
        return name if name in outline.members else ""
    if resource.is_singleton:
        return ""
    by_name = {folded(name): name for name in reversed(list(outline.members))}
    variable = folded(resource.variables[-1])
    noun = folded(resource.singular)
    rest = variable.removeprefix(noun)
    likely = [variable, rest, *_ID_NAMES, f"{noun}id", f"{noun}uuid", f"{noun}key"]
    # A row that refers to no other has one member that ends so, whatever it is called.
    ending = [name for name in by_name if name.endswith("id")]
    likely += ending if len(ending) == 1 else [f"{word}id" for word in _GENERIC]
    for name in [*likely, *_WEAK_ID_NAMES]:
        if name and name in by_name and _may_be_id(contract, outline.members[by_name[name]]):
            return by_name[name]
    return ""


def _may_be_id(contract: Contract, place: Place) -> bool:
    types = contract.outlines.of(place).types
    return not types or bool(types & {"string", "integer", "number"})


def find_row(contract: Contract, resource: Resource, place: Place | None) -> View | None:
    """Where one row stands in a body; None when the body is no object.

    The nearest object with an id is the row. Where none has an id, it is the one that a wrapper's name tells, or the
    body itself.
    """
    if place is None:
        return None
    root = contract.outlines.of(place)
    if not root.is_object:
        return None
    candidates = [((), root, place), *_objects(contract, root, (), 2)]
    for at, outline, there in candidates:
        if name := id_member(contract, resource, outline):
            return View(at, outline, there, name)
    wrappers = {folded(resource.singular), *_ROW_NAMES}
    for at, outline, there in candidates[1:]:
        if len(root.members) <= 3 and folded(at[-1]) in wrappers:
            return View(at, outline, there, "")
    return View((), root, place, "")


def _objects(contract: Contract, outline: Outline, at: Parts, levels: int) -> Iterator[tuple[Parts, Outline, Place]]:
    """The objects in an object, level by level."""
    below = []
    for name, place in outline.members.items():
        inner = contract.outlines.of(place)
        if inner.is_object and inner.members:
            yield (*at, name), inner, place
            below.append((name, inner))
    if levels > 1:
        for name, inner in below:
            yield from _objects(contract, inner, (*at, name), levels - 1)


def find_rows(contract: Contract, resource: Resource, operation: Operation) -> View | None:
    """Where the rows stand in the body of a list; None when no array of objects can be told from others."""
    if operation.is_stream:
        return find_items(contract, resource, operation)
    return find_array(contract, resource, operation.response_schema(operation.success))


def find_items(contract: Contract, resource: Resource, operation: Operation) -> View | None:
    """Where the rows stand in the items of a stream; None when it has none, or when its items are no objects.

    The schema of a stream describes all of it where it is an array, else one item. An item whose members are those of
    a server-sent event has its row in `data`.
    """
    place = operation.stream_schema
    if place is None:
        return None
    outline = contract.outlines.of(place)
    if outline.is_array and not place.pointer.endswith("/itemSchema"):
        place = outline.items
        outline = contract.outlines.of(place)
    is_event = "data" in outline.members and outline.members.keys() <= set(EVENT_MEMBERS)
    row = find_row(contract, resource, outline.members["data"] if is_event else place)
    if row is None:
        return None
    return View((), row.outline, row.place, row.id_member, ("data", *row.at) if is_event else row.at)


def find_array(contract: Contract, resource: Resource, place: Place | None) -> View | None:
    """Where an array of rows stands in a body."""
    if place is None:
        return None
    root = contract.outlines.of(place)
    if resource.envelope is not None:
        return _array_at(contract, resource, root, tuple(parts_of(resource.envelope)))
    read = resource.with_role("read")
    same = contract.outlines.of(read.response_schema(read.success)).sources if read is not None else frozenset()
    best: tuple[int, View] | None = None
    for at, array, keyed in _arrays(contract, root, (), _MAX_LEVELS):
        view = _item_view(contract, resource, at, array, keyed)
        if view is None:
            continue
        score = _score(resource, view, same) - 5 * len(at) - 40 * keyed
        if best is None or score > best[0]:
            best = score, view
    return best[1] if best is not None and best[0] > 0 else None


def _array_at(contract: Contract, resource: Resource, root: Outline, at: Parts) -> View | None:
    """The array that stands at a place of a body; None when none does."""
    outline = root
    for name in at:
        place = outline.members.get(name)
        if place is None:
            return None
        outline = contract.outlines.of(place)
    found = next(_arrays(contract, outline, at, 0), None)
    return _item_view(contract, resource, *found) if found is not None else None


def _arrays(contract: Contract, outline: Outline, at: Parts, levels: int) -> Iterator[tuple[Parts, Place, bool]]:
    """The arrays in a body, and the objects whose members are all alike: the way to each, and what its items are."""
    if outline.is_array and outline.items is not None:
        yield at, outline.items, False
    elif outline.others is not None and not outline.members:
        yield at, outline.others, True
    if levels:
        for name, place in outline.members.items():
            yield from _arrays(contract, contract.outlines.of(place), (*at, name), levels - 1)


def _item_view(contract: Contract, resource: Resource, at: Parts, items: Place, keyed: bool) -> View | None:
    row = find_row(contract, resource, items)
    if row is None or (keyed and not row.outline.members):
        return None
    return View(at, row.outline, row.place, row.id_member, row.at, keyed)


def _score(resource: Resource, view: View, same: frozenset[str]) -> int:
    """How likely it is that an array holds the rows of a list."""
    score = 10
    if view.outline.sources & same:
        score += 100
    name = folded(view.at[-1]) if view.at else ""
    if name and singular(name) == folded(resource.singular):
        score += 50
    if not view.at:
        score += 60
    elif name in _LIST_NAMES:
        score += 40 - _LIST_NAMES.index(name)
    return score + (20 if view.id_member else 0)


__all__ = ["Parts", "View", "find_array", "find_items", "find_row", "find_rows", "id_member"]
