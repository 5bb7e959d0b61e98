"""What a profile says of resources, over what was inferred: each contradiction to the document with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockserver.apis.inferred import infer
from mockserver.apis.profiles.model import ProfileModel, ResourceModel
from mockserver.apis.profiles.operations import Names
from mockserver.apis.resources.model import Page, Resource, Role, Unknown, folded
from mockserver.apis.resources.shown import Shown
from mockserver.apis.resources.views import find_rows
from mockserver.contract import Contract
from mockserver.errors import did_you_mean
from mockserver.text.shape import Place, Report

_BY_METHOD: dict[str, Role] = {"PUT": "replace"}


class ResourceReader:
    """Reads the resources of a profile.

    Args:
        names: finds operations by their names.
        report: called with every problem.
        unknown_ids: what a read of an id that nobody created gets, where the profile does not say.
    """

    def __init__(self, names: Names, report: Report, unknown_ids: Unknown) -> None:
        self._names, self._problem, self._unknown_ids = names, report, unknown_ids

    def read(self, contract: Contract, model: ProfileModel) -> list[Resource]:
        """What was inferred, corrected and added to."""
        resources = infer(contract)
        by_name = {resource.name: resource for resource in resources}
        for resource in resources:
            resource.unknown = self._unknown_ids
        for name, said in model.resources.items():
            found = (
                by_name.get(name) or self._renamed(name, said, resources) or self._new(contract, name, said, by_name)
            )
            if found is None:
                continue
            if found not in resources:
                resources.append(found)
            by_name[name] = found
            self._correct(contract, found, said, resources)
        return [resource for resource in resources if resource.operations]

    def _renamed(self, name: str, said: ResourceModel, resources: list[Resource]) -> Resource | None:
        """The resource that was inferred under another name: it has the operation that reads, creates or lists."""
        for key in ("read", "create", "list"):
            for id in self._names.ids(getattr(said, key) or (), ("resources", name, key)):
                for resource in resources:
                    if id in resource.operations:
                        resource.name = name
                        return resource
        return None

    def _new(
        self, contract: Contract, name: str, said: ResourceModel, known: Mapping[str, Resource]
    ) -> Resource | None:
        """A resource that was not inferred: its path is that of the operation that creates or lists."""
        place: Place = ("resources", name)
        ids = [
            id for key in ("create", "list", "read") for id in self._names.ids(getattr(said, key) or (), (*place, key))
        ]
        operation = contract.operations[ids[0]] if ids else None
        if operation is None:
            self._problem(
                place, f"no resource {name!r} was found, and no operation of it is named{did_you_mean(name, known)}"
            )
            return None
        reads = self._names.ids(said.read or (), (*place, "read"))
        item = contract.operations[reads[0]] if reads else None
        path = operation.path
        variables = tuple(part[1:-1] for part in (item.path.split("/")[-1:] if item else ()) if part.startswith("{"))
        parents = tuple(part[1:-1] for part in path.split("/") if part.startswith("{") and part[1:-1] not in variables)
        return Resource(name, path, parents, variables or ("id",), unknown=self._unknown_ids)

    def _correct(self, contract: Contract, resource: Resource, said: ResourceModel, resources: list[Resource]) -> None:
        place: Place = ("resources", resource.name)
        self._roles(contract, resource, said, place, resources)
        listing = resource.with_role("list")
        if said.unknown is not None:
            resource.unknown = said.unknown
        if getattr(said, "from") is not None:
            resource.origin = getattr(said, "from")
        if said.envelope is not None:
            resource.envelope = said.envelope
            if listing is None or find_rows(contract, resource, listing) is None:
                whose = f"the response of {listing.id}" if listing is not None else "no operation lists them"
                self._problem((*place, "envelope"), f"{said.envelope!r} is no array of objects in {whose}")
                resource.envelope = None
        members = self._members(contract, resource)
        if said.id is not None:
            self._member(said.id, members, (*place, "id"))
            resource.id = said.id
        if said.order is not None:
            self._member(said.order.removeprefix("-"), members, (*place, "order"))
            resource.order = said.order
        for key in ("start", "soft_delete"):
            chosen = getattr(said, key)
            for member in chosen or ():
                self._member(f"/{member}", members, (*place, key, member))
            if chosen is not None:
                setattr(resource, key, dict(chosen))
        parameters = [p.name for p in listing.parameters if p.place == "query"] if listing is not None else []
        if said.filters is not None:
            for name, pointer in said.filters.items():
                if name not in parameters:
                    hint = did_you_mean(name, parameters)
                    self._problem((*place, "filters", name), f"the list has no parameter {name!r}{hint}")
                self._member(pointer, members, (*place, "filters", name))
            resource.filters = dict(said.filters)
        if said.page is not None:
            for key in ("parameter", "size"):
                name = getattr(said.page, key)
                if name and name not in parameters:
                    hint = did_you_mean(name, parameters)
                    self._problem((*place, "page", key), f"the list has no parameter {name!r}{hint}")
            resource.page = Page(said.page.style, said.page.parameter, said.page.size, said.page.next)

    def _roles(
        self, contract: Contract, resource: Resource, said: ResourceModel, place: Place, resources: list[Resource]
    ) -> None:
        roles: tuple[tuple[str, Role], ...] = (
            ("create", "create"), ("list", "list"), ("read", "read"), ("update", "update"), ("delete", "delete"),
            ("actions", "action"), ("create_many", "create_many"), ("update_many", "update_many"),
            ("delete_many", "delete_many"),
        )  # fmt: skip
        for key, role in roles:
            ids: list[str] | None = getattr(said, key)
            if ids is None:
                continue
            is_changing = role == "update"
            for id, (_, has) in list(resource.operations.items()):
                if has == role or (is_changing and has == "replace"):
                    del resource.operations[id]
            for id in self._names.ids(ids, (*place, key)):
                for other in resources:
                    if other is not resource:
                        other.operations.pop(id, None)
                operation = contract.operations[id]
                resource.operations[id] = operation, _BY_METHOD.get(operation.method, role) if is_changing else role
                resource.reasons[id] = f"{role}: the profile says so"

    def _members(self, contract: Contract, resource: Resource) -> list[str]:
        """The members of a row, as far as the document names them, in any operation that shows one."""
        members: dict[str, None] = {}
        for operation, role in resource.operations.values():
            members |= dict.fromkeys(Shown(contract, resource, operation, many=role == "list").outline.members)
        return list(members)

    def _member(self, pointer: str, members: Iterable[str], place: Place) -> None:
        name, known = pointer.lstrip("/"), list(members)
        if known and name not in known:
            alike = [member for member in known if folded(member) == folded(name)]
            hint = f"; did you mean {alike[0]!r}?" if alike else did_you_mean(name, known)
            self._problem(place, f"a row has no member {name!r}{hint}")


__all__ = ["ResourceReader"]
