"""What the operations of a resource do: create, list, read, change and delete rows, and act on one.

The rows are whatever the contract says that a row is. What a client did not send and the vendor's server would make
is made by the document's sample; ids and times come from the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from random import Random
from typing import Any

from mockserver.apis.base import Behaviour, Call
from mockserver.apis.resources import ids
from mockserver.apis.resources.bulk import Bulk, many_rows, shows_rows
from mockserver.apis.resources.conditions import conditional, is_conditional
from mockserver.apis.resources.deletion import Deletion
from mockserver.apis.resources.echo import Echo
from mockserver.apis.resources.listing import Listing
from mockserver.apis.resources.locations import Locations
from mockserver.apis.resources.model import Resource, Role
from mockserver.apis.resources.patches import is_json_patch, patched
from mockserver.apis.resources.rows import Draft
from mockserver.apis.resources.shown import Data, Shown, members_named
from mockserver.apis.resources.stored import ONLY, Stored
from mockserver.apis.resources.transitions import not_deleted, transition
from mockserver.contract import Contract, Operation
from mockserver.contract.events import is_stream
from mockserver.contract.outline import NOTHING, Outline, Place
from mockserver.errors import Problem
from mockserver.messages import Response, Violation
from mockserver.state.store import Row
from mockserver.text.jsontext import copied

MAX_TRIES = 100
"""Ids that are tried for a row where the schema of ids is a narrow one."""


class Resourceful:
    """The behaviours of one resource. What an operation needs is read from the contract when it is first used.

    Args:
        contract: the contract.
        resource: the resource.
    """

    def __init__(self, contract: Contract, resource: Resource) -> None:
        self.resource = resource
        self._contract = contract
        self._shown: dict[str, Shown] = {}
        self._drafts: dict[str, Draft] = {}
        self._listings: dict[tuple[str, bool], Listing] = {}
        self._locations = Locations(contract)
        self._echoes: dict[str, Echo] = {}
        self._deletions: dict[str, Deletion] = {}
        self._bulks: dict[str, Bulk] = {}
        self._makers: dict[int, ids.Maker] = {}

    def behaviour(self, operation: Operation) -> Behaviour:
        """What answers an operation of the resource."""
        role = self.resource.operations[operation.id][1]
        roles: dict[Role, Callable[[Operation, Call], Response]] = {
            "create": self._create,
            "list": self._list,
            "read": self._read,
            "update": self._update,
            "replace": self._update,
            "delete": self._delete,
            "action": self._act,
            "create_many": lambda operation, call: self._bulk(operation).create(call),
            "update_many": lambda operation, call: self._bulk(operation).change(call),
            "delete_many": lambda operation, call: self._bulk(operation).delete(call),
        }
        behaviour = partial(roles[role], operation)
        return conditional(operation, role, behaviour, self._members) if is_conditional(operation) else behaviour

    def _bulk(self, operation: Operation) -> Bulk:
        bulk = self._bulks.get(operation.id)
        if bulk is None:
            many = many_rows(self._contract, self.resource, operation)
            place = many.items if many is not None else None
            draft = Draft(self._contract, operation, self.resource, self._base_shown, place)
            listing = self.listing(operation) if shows_rows(self._contract, self.resource, operation) else None
            bulk = Bulk(self._contract, self.resource, operation, draft, self._new_key, self._sample, listing)
            self._bulks[operation.id] = bulk
        return bulk

    def _members(self, call: Call) -> Data | None:
        """The members of the row that a call changes, or names."""
        for write in reversed(call.writes):
            if write.table == self.resource.name and write.row is not None:
                return write.row["data"]  # type: ignore[no-any-return]
        row = self._stored(call).get(self._key(call)) if self._names_row(call) else None
        return None if row is None else row["data"]

    # -- the operations -----------------------------------------------------------------------------

    def _create(self, operation: Operation, call: Call) -> Response:
        """Make a row of what was sent; 409 when the client chose an id that is taken."""
        stored, shown = self._stored(call), self.shown(operation)
        draft = self.draft(operation)
        sent = draft.sent(call.body)
        key = draft.client_key(sent)
        if key and stored.get(key) is not None:
            if "409" in operation.declared:
                raise Problem("conflict", f"There is a {self.resource.singular} {key[:100]!r} already.")
            return self._change(operation, call, stored, key, sent)
        chosen = bool(key)
        key = key or self._new_key(call)
        data, item = draft.made(call, sent, key)
        stored.add(key, data, imagined=chosen)
        is_same = bool(shown.row_pointer) and shown.row_pointer == self._base_shown.row_pointer
        return self._created(call, shown, key, data, item=item if is_same else None)

    def _read(self, operation: Operation, call: Call) -> Response:
        """The row of an id; one made on the spot where nobody created it, unless unknown ids are 404."""
        stored, key = self._stored(call), self._key(call)
        row = self._row(stored, call, key, again=False)
        return self.shown(operation).response(call, key, row["data"], self.base)

    def _list(self, operation: Operation, call: Call) -> Response:
        """A page of rows, newest first."""
        stored, listing = self._stored(call), self.listing(operation)
        if operation.stream_types and is_stream(listing.media_type(call)):
            listing = self.listing(operation, streams=True)
        if self.resource.unknown == "imagine" and stored.is_untouched():
            sample = self._base_shown.sample_row
            for key, data in reversed(listing.imagined(call)):
                more = {
                    name: copied(value) for name, value in sample.items() if name not in listing.view.outline.members
                }
                stored.add(key, self._agreeing(call, {**more, **data}), imagined=True)
            return listing.response(call, [{"id": w.id, "data": w.row["data"]} for w in reversed(call.writes)], None)
        return listing.response(call, None, stored)

    def _update(self, operation: Operation, call: Call) -> Response:
        """Change the members that were sent, or all; a PUT of an id that is not there creates it."""
        stored, draft = self._stored(call), self.draft(operation)
        if is_json_patch(call.body) and self._names_row(call):
            return self._patch(operation, call, stored)
        sent = draft.sent(call.body)
        key = self._key(call) if self._names_row(call) else draft.client_key(sent)
        if not key:  # a body that names no row is a new one
            key = self._new_key(call)
            data = draft.data(call, sent, key)
            stored.add(key, data)
            return self._created(call, self.shown(operation), key, data)
        return self._change(operation, call, stored, key, sent)

    def _patch(self, operation: Operation, call: Call, stored: Stored) -> Response:
        """Change a row by JSON Patch; what only the server sets stays as it was."""
        draft, key = self.draft(operation), self._key(call)
        row = self._row(stored, call, key, keep=False)
        data = patched(row["data"], call.body)
        if not isinstance(data, dict):
            raise Problem("invalid_request", "The patch leaves no object.")
        data = draft.touched(call, draft.guarded(row["data"], data))
        data = self._base_shown.settled(call, key, data, self.base)
        stored.put(key, row, data)
        return self._success(operation, call, key, data)

    def _delete(self, operation: Operation, call: Call) -> Response:
        """Remove a row, and remember that it is gone."""
        stored, key = self._stored(call), self._key(call)
        row = self._row(stored, call, key, keep=False, again=False)
        data = self._deletion(operation).apply(call, stored, key, row)
        return self._success(operation, call, key, data)

    def _act(self, operation: Operation, call: Call) -> Response:
        """Do something to one row: take the members that were sent, and the status that the action's name means."""
        stored, key = self._stored(call), self._key(call)
        row = self._row(stored, call, key)
        draft, verb = self.draft(operation), operation.path.rstrip("/").rpartition("/")[2]
        shown = self.shown(operation)
        if not shown.outline.sources & self.base.sources or not shown.outline.sources:
            return self._sample(operation, call)
        sent = {name: value for name, value in draft.sent(call.body).items() if name in self.base.members}
        data = {**row["data"], **sent, **transition(self._contract, self.base, verb)}
        data = (
            self._base_shown.settled(call, key, draft.touched(call, data), self.base) if data != row["data"] else data
        )
        if data != row["data"]:
            call.forget()
            stored.put(key, row, data)
        return shown.response(call, key, data, self.base)

    # -- rows that no request made --------------------------------------------------------------------

    def seeded(self, call: Call, entry: Data) -> tuple[str, Data]:
        """The id and the members of a row from what a scenario says of it; the rest is as the sample has it."""
        view = self._base_shown.view
        chosen = entry.get(view.id_member) if view is not None and view.id_member else None
        key = self._new_key(call) if chosen is None else ids.text_of(chosen)
        data = self._agreeing(call, copied(self._base_shown.sample_row))
        return key, {**data, **entry}

    def with_id(self, key: str, data: Data) -> Data:
        """The members of a row with its id among them."""
        return self._base_shown.item(key, data, self.base)

    def new_id(self, call: Call) -> Any:
        """An id that no row has had, of the type of the member that shows it."""
        key = self._new_key(call)
        return self.with_id(key, {}).get(self.id_member, key)

    def problems(self, call: Call, entry: Data) -> list[Violation]:
        """What is wrong with what a scenario says of a row."""
        return self.row_problems(*self.seeded(call, entry))

    def row_problems(self, key: str, data: Data) -> list[Violation]:
        """What is wrong with a row, as the operation that shows the most of it shows it."""
        return self._base_shown.problems(key, data, self.base)

    # -- the parts of them --------------------------------------------------------------------------

    def _change(self, operation: Operation, call: Call, stored: Stored, key: str, sent: Data) -> Response:
        draft = self.draft(operation)
        role = self.resource.operations[operation.id][1]
        creates = role == "replace" and ("201" in operation.declared or self.resource.with_role("create") is None)
        row = stored.get(key)
        if row is None and role == "replace" and creates and not self.resource.is_singleton:
            data = draft.data(call, sent, key)
            stored.add(key, data, imagined=True)
            return self._created(call, self.shown(operation), key, data, 201)
        row = self._row(stored, call, key, keep=False)
        data = draft.replaced(call, row["data"], sent) if role == "replace" else draft.merged(call, row["data"], sent)
        data = self._base_shown.settled(call, key, data, self.base)
        stored.put(key, row, data)
        return self._success(operation, call, key, data)

    def _row(self, stored: Stored, call: Call, key: str, keep: bool = True, again: bool = True) -> Row:
        """The row of a key, or an imagined one, which has a member `fresh` until it is kept. Raises Problem: 404.

        `again`: a row that nobody created is imagined once more after it was deleted.
        """
        owner = self.resource.owner
        if owner is not None and Stored(owner, call).is_gone(_key_of(owner, call), created=True):
            raise Problem("not_found", f"The {owner.singular} {_key_of(owner, call)[:100]!r} was deleted.")
        row = stored.get(key)
        if row is not None:
            return row
        one = self.resource.singular
        if stored.is_gone(key, created=again):
            raise Problem("not_found", f"The {one} {key[:100]!r} was deleted.")
        if self.resource.unknown == "404" and not self.resource.is_singleton:
            raise Problem("not_found", f"There is no {one} {key[:100]!r}.")
        data = self._agreeing(call, copied(self._base_shown.sample_row))
        if keep:
            stored.add(key, data, imagined=True)
        return {"id": key, "data": data, "fresh": True}

    def _agreeing(self, call: Call, data: Data) -> Data:
        """The members of an imagined row, those that repeat the path's variables as the path has them."""
        named = members_named(self.base, call.variables)
        own = self._base_shown.view.id_member if self._base_shown.view is not None else ""
        outlines, members = self._contract.outlines, self.base.members
        repeated = {
            name: ids.value_of(text, outlines.of(members[name]))
            for name, text in named.items()
            if name in data and name != own
        }
        kept = {n: v for n, v in repeated.items() if self._contract.accepts(members[n], v)}
        return not_deleted(self._contract, self.base, {**data, **kept})

    def _created(
        self, call: Call, shown: Shown, key: str, data: Data, status: int = 0, item: Data | None = None
    ) -> Response:
        response = shown.response(call, key, data, self.base, item)
        if status and str(status) in shown.operation.declared and status != response.status:
            response = Response(status, None, {}, None) if shown.operation.response_schema(status) is None else response
        reads = self.resource.with_role("read", "update", "replace", "delete")
        is_told = shown.view is not None and bool(shown.view.id_member)
        is_located = response.status == 201 or not is_told or "location" in response.headers
        if is_located and reads is not None and not self.resource.is_singleton:
            named = dict(zip(self.resource.variables, ids.ids_in(self.resource, key), strict=False))
            self._locations.add(call, shown.operation, response, reads.path, {**call.variables, **named})
        return response

    def _success(self, operation: Operation, call: Call, key: str, data: Data) -> Response:
        shown = self.shown(operation)
        return shown.response(call, key, data, self.base) if shown.view is not None else self._sample(operation, call)

    def _sample(self, operation: Operation, call: Call) -> Response:
        """What answers where no row can be shown."""
        accept = call.header("accept")
        response = self._contract.sample(operation, operation.success, values=call.variables, accept=accept)
        echo = self._echoes.get(operation.id)
        if echo is None:
            echo = self._echoes[operation.id] = Echo(self._contract, operation)
        return echo.repeat(response, call.body, call.params)

    # -- what is read from the contract -------------------------------------------------------------

    def shown(self, operation: Operation) -> Shown:
        """How an operation shows a row."""
        made = self._shown.get(operation.id)
        if made is None:
            made = self._shown[operation.id] = Shown(self._contract, self.resource, operation)
        return made

    def listing(self, operation: Operation, streams: bool = False) -> Listing:
        """How an operation lists rows, as a document or as a stream."""
        made = self._listings.get((operation.id, streams))
        if made is None:
            made = Listing(self._contract, self.resource, operation, self.base, streams)
            self._listings[operation.id, streams] = made
        return made

    def draft(self, operation: Operation) -> Draft:
        """How the body of an operation becomes a row."""
        made = self._drafts.get(operation.id)
        if made is None:
            made = self._drafts[operation.id] = Draft(self._contract, operation, self.resource, self._base_shown)
        return made

    def _deletion(self, operation: Operation) -> Deletion:
        """What an operation does to a row that it deletes."""
        made = self._deletions.get(operation.id)
        if made is None:
            outline, draft = self.shown(operation).outline, self.draft(operation)
            made = self._deletions[operation.id] = Deletion(self._contract, self.resource, draft, outline)
        return made

    @cached_property
    def _base_shown(self) -> Shown:
        """The operation that shows the most of a row: it reads one, or else makes or lists some."""
        for role in ("read", "create", "update", "replace", "list", "action", "delete"):
            operation = self.resource.with_role(role)
            if operation is not None:
                shown = Shown(self._contract, self.resource, operation, many=role == "list")
                if shown.view is not None and shown.outline.members:
                    return shown
        operation, role = next(iter(self.resource.operations.values()))
        return Shown(self._contract, self.resource, operation, many=role == "list")

    @property
    def id_member(self) -> str:
        """The member of a row that is its id; "" where rows do not show it."""
        view = self._base_shown.view
        return view.id_member if view is not None else ""

    @cached_property
    def base(self) -> Outline:
        """What a row of this resource has."""
        return self._base_shown.outline

    def _stored(self, call: Call) -> Stored:
        return Stored(self.resource, call)

    def _names_row(self, call: Call) -> bool:
        return all(name in call.variables for name in self.resource.variables)

    def _key(self, call: Call) -> str:
        return _key_of(self.resource, call)

    def _new_key(self, call: Call) -> str:
        if self.resource.is_singleton:
            return ONLY
        make = self._makers.get(call.seed)
        if make is None:
            make = self._makers[call.seed] = self._maker(call.seed)
        key = make.make(call.store.increment(f"{self.resource.name}.id"))
        if make.may_repeat:
            stored, tries = self._stored(call), 1
            while stored.is_taken(key):
                if tries == MAX_TRIES:
                    one = self.resource.singular
                    raise Problem("unavailable", f"No free id for a {one} was found that the contract takes.")
                key, tries = make.make(call.store.increment(f"{self.resource.name}.id")), tries + 1
        return key

    def _maker(self, seed: int) -> ids.Maker:
        places: list[tuple[Place, Outline]] = []
        outlines, shown = self._contract.outlines, self._base_shown
        example = ""
        if shown.view is not None and shown.view.id_member:
            place = shown.outline.members[shown.view.id_member]
            places.append((place, outlines.of(place)))
            example = ids.text_of(shown.sample_row.get(shown.view.id_member, ""))
        item = self.resource.with_role("read", "update", "replace", "delete")
        for parameter in item.parameters if item is not None else ():
            if parameter.place == "path" and parameter.name in self.resource.variables[-1:]:
                place = outlines.at(parameter.pointer)
                places.insert(0, (place, outlines.of(place)))

        def draw(random: Random) -> Any:
            return self._contract.value(places[0][0], random) if places else random.randrange(10**9)

        return ids.maker(seed, self.resource.name, ids.acceptance(self._contract, places), example, draw)


def _key_of(resource: Resource, call: Call) -> str:
    if resource.is_singleton:
        return ONLY
    return "/".join(str(call.variables.get(name, "")) for name in resource.variables)


__all__ = ["NOTHING", "Resourceful"]
