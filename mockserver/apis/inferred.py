"""The resources of a document, concluded from the shape of its paths, methods and schemas.

`/orders` and `/orders/{id}` are a collection and its items: POST on the first creates, GET on it lists, and GET, PUT,
PATCH and DELETE on the second read, replace, update and delete. POST on `/orders/{id}/cancel` is an action. A
path that has GET and PUT or PATCH but no id is a singleton. Each conclusion is kept with its reason.

Pure: a contract in, resources out. Must not know: requests, rows, profiles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mockserver.apis.resources.bulk import many_rows
from mockserver.apis.resources.model import Resource, Role, folded
from mockserver.apis.resources.views import find_rows, id_member
from mockserver.contract import Contract, Operation
from mockserver.contract.router import split

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_SUFFIX = re.compile(r"\.(?:json|xml|\{format\})$")
"""What some vendors write behind paths, which says nothing of the resource."""
_VERSION = re.compile(r"v?\d+(?:\.\d+)*|api|rest|\{[^{}]*version[^{}]*\}", re.IGNORECASE)
"""Segments that say nothing of the resource."""

_ITEM_ROLES: dict[str, Role] = {
    "GET": "read",
    "PUT": "replace",
    "PATCH": "update",
    "DELETE": "delete",
}
_CREATING = frozenset(("create", "add", "new", "insert"))
"""Last segments of a path under a collection whose POST creates."""

Paths = dict[tuple[str, ...], dict[str, Operation]]
"""The operations by path and method."""
Children = dict[tuple[str, ...], list[tuple[str, ...]]]
"""The paths that are one segment longer, by path."""


def infer(contract: Contract) -> list[Resource]:
    """The resources of a document, in the order of its paths."""
    paths = _paths(contract.operations.values())
    children: Children = {}
    for segments in paths:
        if segments:
            children.setdefault(segments[:-1], []).append(segments)
    items: dict[tuple[str, ...], tuple[str, ...]] = {}
    for segments in paths:
        collection = _collection_of(segments, paths)
        if collection is not None and len(segments) < len(items.get(collection, (*segments, ""))):
            items[collection] = segments  # an id of one part goes before one of several
    resources: list[Resource] = []
    for segments, operations in paths.items():
        item = items.get(segments)
        resource = None
        if item is not None:
            resource = _collection(contract, segments, item, paths, children)
        elif segments and "GET" in operations and "POST" in operations and not _is_item(segments):
            resource = _collection(contract, segments, None, paths, children)
        elif segments and not _is_item(segments):
            resource = _singleton(contract, segments, operations)
        if resource is not None and resource.operations:
            resources.append(resource)
    # A collection without operations of its own: only its items have some.
    for segments, item in items.items():
        if segments not in paths:
            resource = _collection(contract, segments, item, paths, children)
            if resource.operations:
                resources.append(resource)
    resources = _settled(resources)
    _name(resources)
    _own(resources, items)
    return resources


def _paths(operations: Iterable[Operation]) -> Paths:
    """The operations by the segments of their path; of paths that differ in a last slash the first counts."""
    paths: Paths = {}
    for operation in operations:
        template = operation.path.partition("?")[0].partition("#")[0]
        segments = split(template.rstrip("/"))
        if segments:
            segments = [*segments[:-1], _SUFFIX.sub("", segments[-1])]
        paths.setdefault(tuple(segments), {}).setdefault(operation.method, operation)
    return paths


Add = Callable[[Operation, Role, str], None]
"""Notes an operation of a resource, what it does, and why."""
_BULK = frozenset(("bulk", "batch", "bulkcreate", "batchcreate", "bulkupdate", "batchupdate", "createmany", "import"))
"""Last words of paths that take several rows, without what spellings differ in."""


def _is_item(segments: tuple[str, ...]) -> bool:
    return bool(segments) and _VARIABLE.fullmatch(segments[-1]) is not None


def _collection_of(segments: tuple[str, ...], paths: Paths) -> tuple[str, ...] | None:
    """The collection that the items of a path belong to; None when the path does not end in a variable.

    `/shelves/{row}/{place}` has ids of two parts, unless `/shelves/{row}` is something itself.
    """
    if not _is_item(segments):
        return None
    collection = segments[:-1]
    while _is_item(collection) and collection not in paths:
        collection = collection[:-1]
    return collection if collection else None


def _variables(segments: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for segment in segments for name in _VARIABLE.findall(segment))


def _collection(
    contract: Contract, segments: tuple[str, ...], item: tuple[str, ...] | None, paths: Paths, children: Children
) -> Resource:
    path = "/" + "/".join(segments)
    variables = _variables(item[len(segments) :]) if item is not None else ("id",)
    resource = Resource(segments[-1], path, _variables(segments), variables)

    def add(operation: Operation, role: Role, reason: str) -> None:
        resource.operations[operation.id] = operation, role
        resource.reasons[operation.id] = f"{role}: {operation.method} {operation.path} {reason}"

    here = paths.get(segments, {})
    _many(contract, resource, here, add)
    if (
        "POST" in here
        and here["POST"].id not in resource.operations
        and (item is not None or _lists(contract, resource, here.get("GET")))
    ):
        add(here["POST"], "create", "is a POST on the collection")
    listing = here.get("GET")
    if listing is not None and _lists(contract, resource, listing):
        add(listing, "list", "answers an array of rows")
    for method in ("PUT", "PATCH"):
        if (
            method in here
            and here[method].id not in resource.operations
            and _names_row(contract, resource, here[method])
        ):
            add(here[method], _ITEM_ROLES[method], "has the id in its body")
    if item is None:
        return resource
    at_item = paths.get(item, {})
    for method, operation in at_item.items():
        role = _ITEM_ROLES.get(method)
        if role is not None and (role != "read" or not _answers_array(contract, operation)):
            add(operation, role, "is on the path of one row")
    if "POST" in at_item and not at_item.keys() & {"PUT", "PATCH"}:
        add(at_item["POST"], "update", "is a POST on the path of one row, which has neither PUT nor PATCH")
    for below in children.get(item, ()):
        if "POST" in paths[below] and not _is_item(below):
            is_collection = "GET" in paths[below] or any(_is_item(other) for other in children.get(below, ()))
            if not is_collection:
                add(paths[below]["POST"], "action", f"does {below[-1]!r} to one row")
    for below in children.get(segments, ()):
        operations, last = paths[below], folded(below[-1])
        if not _is_item(below) and "GET" in operations and _lists_same(contract, resource, operations["GET"]):
            add(operations["GET"], "list", "answers an array of the same rows")
        if not _is_item(below) and last in _BULK:
            _many(contract, resource, operations, add)
        if last in _CREATING and "POST" in operations and resource.with_role("create") is None:
            add(operations["POST"], "create", f"is a POST that is called {below[-1]!r}")
    return resource


def _many(contract: Contract, resource: Resource, here: dict[str, Operation], add: Add) -> None:
    """What is done to several rows at once, on the path of the collection or below it."""
    roles: tuple[tuple[str, Role], ...] = (("POST", "create_many"), ("PUT", "update_many"), ("PATCH", "update_many"))
    for method, role in roles:
        operation = here.get(method)
        many = many_rows(contract, resource, operation) if operation is not None else None
        if operation is None or many is None:
            continue
        outline = contract.outlines.of(many.items)
        if role == "create_many" or id_member(contract, resource, outline):
            add(operation, role, "takes an array of rows")
    if "DELETE" in here:
        add(here["DELETE"], "delete_many", "is a DELETE on the collection")


def _lists_same(contract: Contract, resource: Resource, operation: Operation) -> bool:
    """Whether an operation answers an array of rows whose schema is that of a row that is read."""
    read = resource.with_role("read")
    view = find_rows(contract, resource, operation)
    if read is None or view is None:
        return False
    return bool(view.outline.sources & contract.outlines.of(read.response_schema(read.success)).sources)


def _lists(contract: Contract, resource: Resource, operation: Operation | None) -> bool:
    return operation is not None and find_rows(contract, resource, operation) is not None


def _answers_array(contract: Contract, operation: Operation) -> bool:
    outline = contract.outlines.of(operation.response_schema(operation.success))
    return operation.is_stream or (outline.is_array and not outline.is_object)


def _names_row(contract: Contract, resource: Resource, operation: Operation) -> bool:
    """Whether the body of a request has a member that is the id of a row."""
    return bool(id_member(contract, resource, contract.outlines.of(operation.request_schema)))


def _singleton(contract: Contract, segments: tuple[str, ...], operations: dict[str, Operation]) -> Resource | None:
    """The only row of a path that has no id: it is read, and it can be changed."""
    read = operations.get("GET")
    if read is None or not operations.keys() & {"PUT", "PATCH"} or not segments:
        return None
    outline = contract.outlines.of(read.response_schema(read.success))
    if not outline.is_object:
        return None
    resource = Resource(segments[-1], "/" + "/".join(segments), _variables(segments))
    for method, operation in operations.items():
        role = _ITEM_ROLES.get(method)
        if role is not None:
            resource.operations[operation.id] = operation, role
            resource.reasons[operation.id] = f"{role}: {operation.method} {operation.path} has one row and no id"
    return resource


def _settled(resources: list[Resource]) -> list[Resource]:
    """The resources without operations that two of them have: what lists or creates rows does nothing to one row, and
    of two resources the first in the document has the operation."""
    taken: set[str] = set()
    collections = {id for r in resources for id, (_, role) in r.operations.items() if role in ("list", "create")}
    for resource in resources:
        for id, (_, role) in list(resource.operations.items()):
            if id in taken or (role not in ("list", "create") and id in collections):
                del resource.operations[id], resource.reasons[id]
            taken.add(id)
    return [resource for resource in resources if resource.operations]


def _own(resources: list[Resource], items: dict[tuple[str, ...], tuple[str, ...]]) -> None:
    """Tell each resource below an item whose item that is: of the longest path."""
    by_item = {items[tuple(split(r.path))]: r for r in resources if tuple(split(r.path)) in items and r.variables}
    for resource in resources:
        segments = tuple(split(resource.path))
        above = (by_item.get(segments[:length]) for length in range(len(segments) - 1, 0, -1))
        resource.owner = next((owner for owner in above if owner is not None), None)


def _name(resources: list[Resource]) -> None:
    """Name each resource by the last word of its path, with as many words before it as tell it from others."""
    words = [
        [s for s in split(resource.path) if not _VARIABLE.search(s) and not _VERSION.fullmatch(s)] or ["root"]
        for resource in resources
    ]
    taken: set[str] = set()
    for resource, parts in zip(resources, words, strict=True):
        own = parts[-2:] if resource.parents else parts[-1:]
        name = ".".join(own)
        length = len(own)
        while name in taken and length < len(parts):
            length += 1
            name = ".".join(parts[-length:])
        number = 2
        plain = name
        while name in taken:
            name, number = f"{plain}.{number}", number + 1
        taken.add(name)
        resource.name = name


__all__ = ["infer"]
