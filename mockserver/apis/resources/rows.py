"""How the body of a request becomes the members of a row.

What the client sent is kept; what it could have sent and did not is left out, or has its default; what only the
server can make is taken from the document's sample, with the times from the sandbox's clock.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from mockserver.apis.base import Call
from mockserver.apis.resources import ids
from mockserver.apis.resources.model import Resource, folded
from mockserver.apis.resources.moments import Moments
from mockserver.apis.resources.shown import Data, Shown, inside, members_named
from mockserver.apis.resources.transitions import NOW, not_deleted
from mockserver.apis.resources.views import Parts, id_member
from mockserver.clock import timestamp
from mockserver.contract import Contract, Operation
from mockserver.contract.outline import Outline, Place
from mockserver.messages import JSON
from mockserver.text.jsontext import copied

_MADE = frozenset(("created", "createdat", "createdon", "creationdate", "creationtime", "creationtimestamp",
                   "createdtime", "createddate", "createtime", "createdate", "datecreated", "timecreated",
                   "insertedat", "addedat", "createddatetime", "createdatetime"))  # fmt: skip
_TOUCHED = frozenset(("updated", "updatedat", "updatedon", "modified", "modifiedat", "modifiedon", "lastmodified",
                      "updatedtime", "updateddate", "updatetime", "updatedate", "dateupdated", "datemodified",
                      "timeupdated", "lastupdated", "lastupdatedat", "lastmodifiedat", "modificationdate",
                      "lastmodifieddate", "lastmodifieddatetime", "changedat"))  # fmt: skip


class Draft:
    """Makes rows of the bodies of one operation.

    Args:
        contract: the contract.
        operation: what takes the body.
        resource: whose rows they are.
        base: the operation that shows the most of a row.
        place: the schema of a row in the body; None for that of the whole body.
    """

    def __init__(
        self, contract: Contract, operation: Operation, resource: Resource, base: Shown, place: Place | None = None
    ) -> None:
        self._place = operation.request_schema if place is None else place
        self._contract = contract
        self._operation = operation
        self._resource = resource
        self._base = base
        self._moments = Moments(contract)

    @cached_property
    def _at(self) -> Parts:
        """Where the row stands in the body of a request: where a response has it too, or in its only wrapper."""
        root = self._contract.outlines.of(self._place)
        view = self._base.view
        if view is not None and view.at and self._base.operation is not None:
            outline, way = root, []
            for name in view.at:
                place = outline.members.get(name)
                outline = self._contract.outlines.of(place)
                if place is None or not outline.is_object:
                    break
                way.append(name)
            if len(way) == len(view.at):
                return tuple(way)
        if len(root.members) == 1:
            [(name, place)] = root.members.items()
            if (
                folded(name) in (folded(self._resource.singular), "data")
                and self._contract.outlines.of(place).is_object
            ):
                return (name,)
        return ()

    @cached_property
    def _outline(self) -> Outline:
        """What a client may send of a row."""
        outline = self._contract.outlines.of(self._place)
        for name in self._at:
            outline = self._contract.outlines.of(outline.members[name])
        return outline

    @cached_property
    def _kept_out(self) -> frozenset[str]:
        """What a client may send and no row keeps: what only the server sets, and what is never shown."""
        outlines = self._contract.outlines
        return frozenset(
            name
            for name, place in (*self._outline.members.items(), *self._base.outline.members.items())
            if outlines.flagged(place, "readOnly") or outlines.flagged(place, "writeOnly")
        )

    @cached_property
    def _id_member(self) -> str:
        """The member by which a client names a row itself; "" when the server does."""
        name = id_member(self._contract, self._resource, self._outline)
        view = self._base.view
        shown = folded(view.id_member) if view is not None and view.id_member else folded(name)
        is_server = name in self._kept_out or self._resource.origin == "server" or folded(name) != shown
        return "" if is_server else name

    @cached_property
    def _skeleton(self) -> Data:
        """What a row has before the client's members: the server's own, and defaults."""
        base, sendable = self._base.outline, self._outline.members
        made = {
            name: value
            for name, value in self._base.sample_row.items()
            if name not in sendable or name in base.required or name in self._kept_out
        }
        for name, place in sendable.items():
            node = self._contract.outlines.node(place)
            if "default" in node and name in base.members and name not in self._kept_out:
                made[name] = node["default"]
        return not_deleted(self._contract, base, made)

    @cached_property
    def _times(self) -> list[tuple[str, bool]]:
        """The members that say when a row was made (False) or changed last (True)."""
        names = [(name, folded(name)) for name in self._base.outline.members]
        return [(name, word in _TOUCHED) for name, word in names if word in _MADE or word in _TOUCHED]

    @cached_property
    def _nested(self) -> list[str]:
        """The members of the skeleton that are objects or arrays, of which each row has its own."""
        members = {**self._skeleton, **self._resource.start}
        return [name for name, value in members.items() if isinstance(value, dict | list)]

    def sent(self, body: JSON) -> Data:
        """The members of a row in the body of a request."""
        row = inside(body, self._at)
        if not isinstance(row, dict):
            return {}
        return {name: value for name, value in row.items() if name not in self._kept_out and _is_json(value)}

    @property
    def client_chooses(self) -> str:
        """The member by which a client may name a row itself; "" when the server names it."""
        return self._id_member

    def client_key(self, sent: Data) -> str:
        """The id that the client chose; "" when it chose none."""
        value = sent.get(self._id_member) if self._id_member else None
        return "" if value is None or isinstance(value, (dict, list)) else ids.text_of(value)

    def data(self, call: Call, sent: Data, key: str) -> Data:
        """The members of a new row."""
        return self.made(call, sent, key)[0]

    def made(self, call: Call, sent: Data, key: str) -> tuple[Data, Data | None]:
        """The members of a new row, and the row as the base shows it, when it can be shown as it is."""
        data = {**self._skeleton, **self._resource.start, **sent}
        for name in self._nested:
            if name not in sent:
                data[name] = copied(data[name])
        for name, text in members_named(self._base.outline, call.variables).items():
            if name not in sent:
                place = self._base.outline.members[name]
                value = ids.value_of(text, self._contract.outlines.of(place))
                if self._contract.accepts(place, value):
                    data[name] = value
        for name, _ in self._times:
            if name not in sent and (name in data or name not in self._outline.members):
                data[name] = self._moments.at(self._base.outline.members[name], call.now, data.get(name))
        return self._base.settled_and_shown(call, key, data, self._base.outline)

    def merged(self, call: Call, data: Data, sent: Data) -> Data:
        """A row with the members that were sent; null removes one that may not be null (RFC 7396)."""
        merged = {**data, **sent}
        for name, value in sent.items():
            place = self._base.outline.members.get(name)
            if value is None and place is not None and not self._contract.accepts(place, None):
                del merged[name]
        return self.touched(call, merged)

    def replaced(self, call: Call, data: Data, sent: Data) -> Data:
        """A row with nothing of the client's but what was sent now."""
        kept = {n: v for n, v in data.items() if n not in self._outline.members or n in self._kept_out}
        required = {n: v for n, v in data.items() if n in self._base.outline.required}
        return self.touched(call, {**required, **kept, **sent})

    def guarded(self, was: Data, now: Data) -> Data:
        """A changed row with the members that only the server sets as they were."""
        outlines, members = self._contract.outlines, self._base.outline.members
        own = [name for name, place in members.items() if outlines.flagged(place, "readOnly")]
        kept = {name: was[name] for name in own if name in was}
        return {name: value for name, value in now.items() if name not in own} | kept

    def stamped(self, call: Call, data: Data, shown: Outline) -> Data:
        """A row in which a member that is to tell the time, as `deleted_at: {$now: }` says, does.

        `shown`: what a response shows of it, which may be more than rows have.
        """
        members, now = {**shown.members, **self._base.outline.members}, timestamp(call.now)
        return {
            name: self._moments.at(members[name], call.now, now) if value == NOW else value
            for name, value in data.items()
        }

    def touched(self, call: Call, data: Data) -> Data:
        """A row that was changed now."""
        for name, changes in self._times:
            if changes and name in data:
                data[name] = self._moments.at(self._base.outline.members[name], call.now, data[name])
        return data


def _is_json(value: Any) -> bool:
    return not isinstance(value, (bytes, bytearray))


__all__ = ["Draft"]
