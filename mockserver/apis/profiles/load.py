"""From a profile to an Api: every mistake of shape and every contradiction to the document, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mockserver.apis.api import Api, ApiLimit, one_tenant
from mockserver.apis.inferred import infer
from mockserver.apis.profiles.costs import price_of
from mockserver.apis.profiles.errors import body_of, mistakes
from mockserver.apis.profiles.model import LimitModel, ProfileModel, ResourceModel
from mockserver.apis.resources.model import Page, Resource, Role, Unknown, folded
from mockserver.apis.resources.shown import Shown
from mockserver.apis.resources.views import find_rows
from mockserver.contract import Contract, Operation
from mockserver.contract.load import Terms, compiled
from mockserver.errors import BY_STATUS, Problem, UserError, did_you_mean
from mockserver.messages import JSON, Limit, Response
from mockserver.text.documents import Locator, parse, parts_of, read_text
from mockserver.text.shape import Draft, Place

MAX_PROFILE = 1024 * 1024
"""Bytes of a profile that are read."""
SUFFIX = ".mock.yaml"
"""How the name of a profile ends."""

_BY_METHOD: dict[str, Role] = {"PUT": "replace"}


class ProfileError(UserError):
    """A profile that cannot be used: one line for each problem, with file, line and column."""


def load_profile(
    path: Path,
    *,
    name: str = "",
    strict: bool = False,
    unknown_ids: Unknown = "imagine",
    allow_remote_refs: bool = False,
) -> Api:
    """The API of a profile.

    Args:
        path: the profile.
        name: what to call the API; what the profile says when not given, else the file's name.
        strict: validate the document with openapi-spec-validator too.
        unknown_ids: what a read of an id that nobody created gets, where the profile does not say.
        allow_remote_refs: fetch documents by their URLs.

    Raises:
        ProfileError: the profile contradicts itself or the document; nothing is served then.
        UserError: a file cannot be read, or the document cannot be used.
    """
    return _Loader(path, name, Terms(strict, allow_remote_refs=allow_remote_refs), unknown_ids).load()


class _Loader:
    """Loads one profile."""

    def __init__(self, path: Path, name: str, terms: Terms, unknown_ids: Unknown) -> None:
        self._path, self._name, self._terms, self._unknown_ids = path, name, terms, unknown_ids
        self._problems: list[tuple[int, int, str]] = []

    def load(self) -> Api:
        text = read_text(self._path, MAX_PROFILE)
        data = parse(text, str(self._path))
        if not isinstance(data, dict):
            raise ProfileError(f"{self._path}:1:1: a profile is a mapping with `version: 1`, `contract`, ...")
        self._locator = Locator(text)
        draft = Draft(ProfileModel, data, self._problem)
        model = draft.model
        if model is None or "contract" not in data:
            raise self._error()
        self._draft = draft
        contract = self._contract(model)
        self._api(contract, model)
        if self._problems:
            raise self._error()
        return self._api(contract, model)

    # -- problems -----------------------------------------------------------------------------------

    def _problem(self, place: Place, message: str) -> None:
        line, column = self._locator.at(place)
        if (line, column, message) not in self._problems:
            self._problems.append((line, column, message))

    def _error(self) -> ProfileError:
        lines = [f"{self._path}:{line}:{column}: {message}" for line, column, message in sorted(self._problems)]
        return ProfileError("\n".join(lines))

    # -- the parts ----------------------------------------------------------------------------------

    def _contract(self, model: ProfileModel) -> Contract:
        folder = self._path.parent
        document = folder / model.contract
        if not document.is_file():
            beside = [file.name for file in folder.glob("*") if file.suffix in (".yaml", ".yml", ".json")]
            self._problem(("contract",), f"there is no file {model.contract!r}{did_you_mean(model.contract, beside)}")
            raise self._error()
        overlays = [folder / overlay for overlay in model.overlays]
        for index, overlay in enumerate(overlays):
            if not overlay.is_file():
                place: Place = ("overlays", index) if isinstance(model.overlays, list) else ("overlays",)
                self._problem(place, f"there is no file {model.overlays[index]!r}")
                raise self._error()
        if len(overlays) > 1:
            self._problem(("overlays",), "one overlay is applied; put the others into it")
            raise self._error()
        name = self._name or model.name or self._path.name.partition(".")[0]
        text = read_text(document, 64 * 1024 * 1024)
        return compiled(text, document, overlays[0] if overlays else None, name, self._terms)

    def _api(self, contract: Contract, model: ProfileModel) -> Api:
        known = contract.operations
        resources = self._resources(contract, model)
        costs = {}
        for id, cost in model.credits.costs.items():
            if self._is_operation(id, known, ("credits", "costs", id)):
                costs[id] = price_of(cost)
        limits = tuple(self._limit(limit, known, index) for index, limit in enumerate(model.limits))
        for index, key in enumerate(model.keys):
            for number, what in enumerate(key.may or ()):
                if what.upper() not in _METHODS:
                    self._is_operation(what, known, ("keys", index, "may", number))
        self._check_charged(contract, model)
        self._check_errors(contract, model)
        if self._problems:
            raise self._error()
        return Api(
            contract.name,
            contract,
            unknown_ids=self._unknown_ids,
            found_resources=resources,
            error_bodies={status: partial(body_of, error.body) for status, error in model.errors.items()},
            tenant=_tenant(model),
            limits=limits,
            keys={key.key: None if key.may is None else frozenset(key.may) for key in model.keys},
            costs=costs,
            credits=model.credits.start,
            bill=_bill(model.credits.charged),
        )

    def _is_operation(self, id: str, known: Mapping[str, Operation], place: Place) -> bool:
        if id in known:
            return True
        self._problem(place, f"the document has no operation {id!r}{did_you_mean(id, known)}")
        return False

    def _limit(self, limit: LimitModel, known: Mapping[str, Operation], index: int) -> ApiLimit:
        if limit.op != ["*"]:
            for number, id in enumerate(limit.op):
                place: Place = ("limits", index, "op")
                self._is_operation(id, known, place if len(limit.op) == 1 else (*place, number))
        operations = frozenset(known) if limit.op == ["*"] else frozenset(limit.op)
        return ApiLimit(operations, tuple(limit.per), Limit(limit.max, limit.window), limit.headers, limit.retry_after)

    def _check_charged(self, contract: Contract, model: ProfileModel) -> None:
        pointer = model.credits.charged
        if pointer is None:
            return
        if not model.credits.costs:
            self._problem(("credits", "charged"), "nothing is charged, because no operation costs anything")
        missing = []
        for id in model.credits.costs:
            operation = contract.operations.get(id)
            if operation is None:
                continue
            outline, lacks = contract.outlines.of(operation.response_schema(operation.success)), ""
            for part in parts_of(pointer):
                if outline.members and part not in outline.members and outline.others is None:
                    lacks = f"the response of {id} has no {part!r}{did_you_mean(part, outline.members)}"
                    break
                outline = contract.outlines.of(outline.members.get(part))
            missing.append(lacks)
        if missing and all(missing):
            self._problem(("credits", "charged"), missing[0])

    def _check_errors(self, contract: Contract, model: ProfileModel) -> None:
        for status, error in model.errors.items():
            place: Place = ("errors", status)
            wrong = list(mistakes(error.body))
            for inner, message in wrong:
                self._problem((*place, "body", *inner), message)
            if wrong:
                continue
            kind = BY_STATUS[status].name if status in BY_STATUS else "invalid_request"
            body = body_of(error.body, Problem(kind, "Something is wrong with this request."))
            for operation in contract.operations.values():
                declared = operation.response(status)
                if declared is None or str(status) not in operation.declared:
                    continue
                violations = operation.check_response(Response(status, body, media_type=_type_of(operation, status)))
                broken = [violation for violation in violations if violation.where == "body"]
                if broken:
                    self._problem((*place, "body"), f"{operation.id} declares another {status}: {broken[0]}")
                    break

    # -- resources ----------------------------------------------------------------------------------

    def _resources(self, contract: Contract, model: ProfileModel) -> list[Resource]:
        resources = infer(contract)
        by_name = {resource.name: resource for resource in resources}
        for resource in resources:
            resource.unknown = self._unknown_ids
        for name, said in model.resources.items():
            found = by_name.get(name) or self._new(contract, name, said, by_name)
            if found is None:
                continue
            if name not in by_name:
                by_name[name] = found
                resources.append(found)
            self._correct(contract, found, said, resources)
        return resources

    def _new(
        self, contract: Contract, name: str, said: ResourceModel, known: Mapping[str, Resource]
    ) -> Resource | None:
        """A resource that was not inferred: its path is that of the operation that creates or lists."""
        ids = [*(said.create or ()), *(said.list or ()), *(said.read or ())]
        operation = next((contract.operations[id] for id in ids if id in contract.operations), None)
        if operation is None:
            place: Place = ("resources", name)
            self._problem(
                place, f"no resource {name!r} was found, and no operation of it is named{did_you_mean(name, known)}"
            )
            return None
        item = next((contract.operations[id] for id in said.read or () if id in contract.operations), None)
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
            ("actions", "action"),
        )  # fmt: skip
        for key, role in roles:
            ids: list[str] | None = getattr(said, key)
            if ids is None:
                continue
            is_changing = role == "update"
            for id, (_, has) in list(resource.operations.items()):
                if has == role or (is_changing and has == "replace"):
                    del resource.operations[id]
            for number, id in enumerate(ids):
                at = (*place, key) if len(ids) == 1 else (*place, key, number)
                if not self._is_operation(id, contract.operations, at):
                    continue
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


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"))


def _type_of(operation: Operation, status: int) -> str:
    """The media type of a declared error; JSON where it declares none."""
    declared = operation.response(status)
    content: dict[str, Any] = (declared.node.get("content") or {}) if declared is not None else {}
    return next((name for name in content if "json" in name), next(iter(content), "application/json"))


def _tenant(model: ProfileModel) -> Any:
    if model.tenant is None:
        return one_tenant
    name = model.tenant.header.lower()
    return lambda request: request.headers.get(name, "")


def _bill(pointer: str | None) -> Any:
    """Writes the charge into a response, where the profile says."""
    parts = parts_of(pointer) if pointer is not None else []

    def bill(data: JSON, consumed: float | None) -> None:
        if not parts or not isinstance(data, dict):
            return
        node = data
        for part in parts[:-1]:
            inner = node.get(part)
            node[part] = dict(inner) if isinstance(inner, dict) else {}
            node = node[part]
        node[parts[-1]] = consumed

    return bill


__all__ = ["SUFFIX", "ProfileError", "load_profile"]
