"""Which operations go before another one, so that what it asks for exists: found from links and from resources.

A link of a response says where a parameter's value stands (3.0.3, Link Object). A resource says which operation
creates the rows that a path names. A variable or a member that is called like the id of a resource, such as
`memory_id`, means one of its rows.

Pure: of a contract, and of exchanges that were made. Must not know: how requests are sent, pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from mockserver.apis import Api
from mockserver.apis.inferred import infer
from mockserver.apis.resources.bulk import many_rows
from mockserver.apis.resources.model import Resource, folded
from mockserver.apis.resources.views import find_row, id_member
from mockserver.contract import Operation
from mockserver.contract.router import split
from mockserver.contract.writers import text_of
from mockserver.messages import JSON, Request, Response
from mockserver.text.documents import parts_of

_RUN_BEFORE = ("read", "update", "replace", "delete", "action", "list", "update_many", "delete_many")
"""What needs a row to be there. A list does not, but an empty one shows nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange that was made."""

    operation: Operation
    request: Request
    body: JSON
    """The value of the request's body; None when it has none."""
    response: Response
    variables: dict[str, str]
    """The values of the path's variables."""
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    """The values of the other parameters that were sent."""

    @property
    def is_success(self) -> bool:
        """Whether it was answered as it should be."""
        return self.response.status < 400


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: an operation, and how to read it from an exchange of it."""

    operation: Operation
    read: Callable[[Step], str | None]


@dataclass(frozen=True, slots=True)
class _Link:
    source: Operation
    target: str
    parameters: dict[str, Any]


class Producers:
    """The operations of an API by what they make for others."""

    def __init__(self, api: Api) -> None:
        self.contract = api.contract
        self.resources = api.resources or infer(api.contract)
        """The kinds of rows; inferred from the document where the API keeps its rows itself."""

    @cached_property
    def _by_operation(self) -> dict[str, Resource]:
        return {id: resource for resource in self.resources for id in resource.operations}

    def resource(self, operation: Operation) -> Resource | None:
        """The resource that an operation belongs to."""
        return self._by_operation.get(operation.id)

    def role(self, operation: Operation) -> str:
        """What it does to the rows of its resource; "" where nothing is known of it."""
        resource = self.resource(operation)
        return resource.operations[operation.id][1] if resource is not None else ""

    @cached_property
    def links(self) -> list[_Link]:
        """The links of the document, those of operations that create first."""
        found = [link for operation in self.contract.operations.values() for link in self._links_of(operation)]
        return sorted(found, key=lambda link: (self.role(link.source) != "create", link.source.method != "POST"))

    def linked(self, operation: Operation) -> list[Operation]:
        """The operations that the links of an operation lead to."""
        ids = dict.fromkeys(link.target for link in self.links if link.source is operation)
        return [self.contract.operations[id] for id in ids if id != operation.id]

    def _links_of(self, operation: Operation) -> Iterator[_Link]:
        declared = operation.response(operation.success)
        links = declared.node.get("links") if declared is not None else None
        for node in links.values() if isinstance(links, dict) else ():
            try:
                node, _ = self.contract.refs.follow(node, "")
            except KeyError:
                continue
            target = node.get("operationId") if isinstance(node, dict) else None
            if target in self.contract.operations:
                parameters = node.get("parameters")
                yield _Link(operation, target, parameters if isinstance(parameters, dict) else {})

    def sources(self, operation: Operation, body: JSON = None) -> dict[str, Source]:
        """Where the values of path variables, and of members of the body that name rows, come from."""
        found = {}
        for parameter in operation.parameters:
            if parameter.place == "path" and (source := self._source(operation, parameter.name)) is not None:
                found[parameter.name] = source
        many = self._many(operation)
        if many is not None:
            found[many[0]] = many[1]
        for name in _member_names(body):
            if name not in found and (source := self._by_name(operation, name)) is not None:
                found[name] = source
        return found

    def _many(self, operation: Operation) -> tuple[str, Source] | None:
        """The member that names each row of an operation on several of them, and where its value comes from."""
        resource = self.resource(operation)
        if resource is None or self.role(operation) not in ("update_many", "delete_many"):
            return None
        many = many_rows(self.contract, resource, operation)
        name = id_member(self.contract, resource, self.contract.outlines.of(many.items)) if many is not None else ""
        source = self._created(resource, operation)
        return (name, source) if name and source is not None else None

    def before(self, operation: Operation, body: JSON = None) -> list[Operation]:
        """The operations that go before one, in order: those above its resource first."""
        found = [source.operation for source in self.sources(operation, body).values()]
        resource = self.resource(operation)
        if resource is not None and self.role(operation) in _RUN_BEFORE:
            create = resource.with_role("create")
            found += [create] if create is not None else []
        for link in self.links:
            if link.target == operation.id and not link.parameters and operation.method == "GET":
                found.append(link.source)
                break
        return [one for one in dict.fromkeys(found) if one is not operation]

    def _source(self, operation: Operation, variable: str) -> Source | None:
        for link in self.links:
            expression = link.parameters.get(variable, link.parameters.get(f"path.{variable}"))
            if link.target == operation.id and link.source is not operation and expression is not None:
                return Source(link.source, lambda step, e=expression: evaluated(e, step))  # type: ignore[misc]
        resource = self.resource(operation)
        while resource is not None:
            if variable in resource.variables[-1:]:
                return self._created(resource, operation)
            resource = resource.owner
        return self._by_name(operation, variable)

    def _created(self, resource: Resource, operation: Operation) -> Source | None:
        create = resource.with_role("create")
        if create is None or create is operation:
            return None
        return Source(create, lambda step: self.created_id(resource, step))

    def _by_name(self, operation: Operation, name: str) -> Source | None:
        """The only resource whose rows such a name means."""
        owner = self._by_id_name.get(folded(name))
        return self._created(owner, operation) if owner is not None else None

    @cached_property
    def _by_id_name(self) -> dict[str, Resource]:
        named: dict[str, Resource | None] = {}
        for resource in self.resources:
            if resource.is_singleton or resource.with_role("create") is None:
                continue
            noun = folded(resource.singular)
            names = {f"{noun}id", f"{noun}uuid"}
            if len(variable := folded(resource.variables[-1])) > 4 and variable.endswith(("id", "uuid")):
                names.add(variable)
            for name in names:
                named[name] = resource if named.get(name, resource) is resource else None
        return {name: resource for name, resource in named.items() if resource is not None}

    def created_id(self, resource: Resource, step: Step) -> str | None:
        """The id of the row that an exchange made: as its body shows it, or at the end of its `Location`."""
        place = step.operation.response_schema(step.response.status)
        view = find_row(self.contract, resource, place)
        if view is not None and view.id_member:
            value = _at(step.response.data, (*view.at, view.id_member))
            if isinstance(value, str | int):
                return text_of(value)
        location = step.response.headers.get("location", "")
        return unquote(split(location.partition("?")[0])[-1]) if "/" in location.strip("/") else None


def with_ids(body: JSON, values: dict[str, str]) -> JSON:
    """A body whose members that name rows hold the ids of rows that exist."""
    if isinstance(body, list):
        return [with_ids(item, values) for item in body]
    if not isinstance(body, dict):
        return body
    return {name: _with_id(name, member, values) for name, member in body.items()}


def _with_id(name: str, member: JSON, values: dict[str, str]) -> JSON:
    known = values.get(name)
    if known is None or isinstance(member, dict | list | bool):
        return with_ids(member, values)
    return int(known) if isinstance(member, int) and known.isdecimal() else known


def evaluated(expression: Any, step: Step) -> str | None:
    """The value of a runtime expression (3.0.3, Runtime Expressions), or of a constant; None where it leads nowhere."""
    if not isinstance(expression, str) or not expression.startswith("$"):
        return text_of(expression)
    side, _, rest = expression[1:].partition(".")
    place, _, name = rest.partition(".")
    value: Any = None
    if rest.startswith("body"):
        body = step.body if side == "request" else step.response.data
        value = _at(body, tuple(parts_of(rest.partition("#")[2])))
    elif side == "request" and place == "path":
        value = step.variables.get(name)
    elif place == "header":
        headers = step.request.headers if side == "request" else step.response.headers
        value = headers.get(name.lower())
    return None if value is None or isinstance(value, dict | list) else text_of(value)


def _at(value: JSON, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _member_names(body: JSON) -> Iterator[str]:
    """The names of the members of a body, at any level."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


__all__ = ["Producers", "Source", "Step", "evaluated", "with_ids"]
