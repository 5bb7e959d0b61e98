"""The response of one operation that shows a row: a valid sample of it, in which the row's own members win.

What the row says and the operation's schema does not allow is left to the sample, so that every response is valid.
Must not know: stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import jsonschema_rs

from mockserver.apis.base import Call
from mockserver.apis.resources.ids import ids_in, value_of
from mockserver.apis.resources.model import Resource, folded
from mockserver.apis.resources.views import Parts, View, find_array, find_items, find_row, find_rows
from mockserver.contract import Contract, Operation
from mockserver.contract.explain import explain
from mockserver.contract.operation import MAX_ACCEPTS
from mockserver.contract.outline import NOTHING, Outline
from mockserver.messages import JSON, Response, Violation
from mockserver.text.jsontext import copied

Data = dict[str, Any]
"""The members of a row."""


_NONE = object()


class Shown:
    """How an operation shows rows.

    Args:
        contract: the contract.
        resource: whose rows they are.
        operation: what answers.
        many: whether it answers an array of rows.
        streams: whether it answers them as the items of a stream.
    """

    def __init__(
        self, contract: Contract, resource: Resource, operation: Operation, many: bool = False, streams: bool = False
    ) -> None:
        self.operation = operation
        self._contract = contract
        self._resource = resource
        self._many = many
        self._streams = streams or (many and operation.is_stream)
        self._planned: dict[int, tuple[list[tuple[str, Any]], Data]] = {}
        """What `item` goes by, for each outline of rows that it was asked with; these are kept by their contract."""
        self._templates: dict[str, Response] = {}
        """The samples by the `Accept` that they were chosen for."""

    @cached_property
    def view(self) -> View | None:
        """Where rows stand in the body; None when it has none."""
        return self._found[0]

    @cached_property
    def _is_array(self) -> bool:
        """Whether its rows stand in an array, also where there is never more than one."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[View | None, bool]:
        if self._streams:
            return find_items(self._contract, self._resource, self.operation), True
        if self._many:
            return find_rows(self._contract, self._resource, self.operation), True
        place = self.operation.response_schema(self.operation.success)
        one = find_row(self._contract, self._resource, place)
        if one is None or not one.id_member:
            array = find_array(self._contract, self._resource, place)
            if array is not None and (array.id_member or one is None):
                return array, True
        return one, False

    @cached_property
    def outline(self) -> Outline:
        """What is known of one row."""
        return self.view.outline if self.view is not None else NOTHING

    @cached_property
    def id_outline(self) -> Outline:
        """What is known of its id."""
        view = self.view
        if view is None or not view.id_member:
            return NOTHING
        return self._contract.outlines.of(view.outline.members[view.id_member])

    @cached_property
    def _row_validator(self) -> jsonschema_rs.Validator:
        view = self.view
        assert view is not None
        return self._contract.validator(view.place)

    @cached_property
    def sample_row(self) -> Data:
        """A row as the document's sample has it. Raises Unsatisfiable."""
        return row_in(self._sample_body, self.view) if self.view is not None else {}

    @cached_property
    def _sample_body(self) -> JSON:
        """The body that shows it."""
        accept = self.operation.stream_types[0] if self._streams else ""
        return self._contract.sample(self.operation, self.operation.success, accept=accept).data

    @cached_property
    def _wrapper(self) -> JSON:
        """What is around a row in an item of an array; nothing where the item is the row."""
        items = inside(self._sample_body, self.view.at) if self.view is not None and self.view.inner else None
        return items[0] if isinstance(items, list) and items else {}

    @cached_property
    def _is_open(self) -> bool:
        """Whether a row may have members that no schema names."""
        return not self.outline.closed and (not self.outline.members or self.outline.others is not None)

    def sample(self, call: Call) -> Response:
        """The whole response, before a row is put in. Its data is shared: it is not to be changed in place."""
        accept = call.header("accept")
        template = self._templates.get(accept)
        if template is None:
            template = self._contract.sample(self.operation, self.operation.success, accept=accept)
            if len(self._templates) < MAX_ACCEPTS:
                self._templates[accept] = template
        return Response(template.status, template.data, dict(template.headers), template.media_type)

    def item(self, key: str, data: Mapping[str, Any], base: Outline) -> Data:
        """A row as this operation shows it, not checked.

        Args:
            key: its id.
            data: its members.
            base: what the rows of the resource have: what a row lacks of this, it lacks here too, unless it must be.
        """
        planned = self._planned.get(id(base))
        if planned is None:
            planned = self._planned[id(base)] = self._plan(base)
        steps, more = planned
        id_name = self.view.id_member if self.view is not None else ""
        item: Data = {}
        for name, spare in steps:
            if name == id_name:
                item[name] = value_of(ids_in(self._resource, key)[-1], self.id_outline)
            elif name in data:
                item[name] = data[name]
            elif spare is not _NONE:
                item[name] = copied(spare)
        if not self._is_open:
            item |= copied(more)
        elif not data.keys() <= item.keys():
            item |= {name: value for name, value in data.items() if name not in item}
        return item

    def _plan(self, base: Outline) -> tuple[list[tuple[str, Any]], Data]:
        """The members that a row may show, each with what stands there when the row has none (_NONE for nothing), and
        what a row that may have no others shows besides."""
        outline, sample, known = self.outline, self.sample_row, base.members
        steps = [
            (name, sample[name] if name in sample and (name in outline.required or name not in known) else _NONE)
            for name in outline.members
        ]
        return steps, {name: sample[name] for name in sample if name not in outline.members and name not in known}

    def placed(self, body: JSON, rows: Sequence[tuple[str, Data]]) -> JSON:
        """A body with rows, each with its id, where this operation shows its row or its rows."""
        view = self.view
        if view is None:
            return body
        if not self._is_array:
            return put(body, view.at, rows[0][1])
        items = [put(self._wrapper, view.inner, row) for _, row in rows]
        if view.keyed:
            return put(body, view.at, dict(zip([key for key, _ in rows], items, strict=True)))
        return put(body, view.at, items)

    @cached_property
    def row_pointer(self) -> str:
        """Where the schema of a row stands, references followed; "" where a row is only a part of the body."""
        view = self.view
        if view is None or view.at or self._is_array:
            return ""
        return self._contract.refs.follow(view.place.node, view.place.pointer)[1]

    def response(
        self, call: Call, key: str, data: Mapping[str, Any], base: Outline, item: Data | None = None
    ) -> Response:
        """The response that shows one row; valid by the contract.

        `item` is the row as it is shown, when that is known and has passed the schema of a row just now.
        """
        response = self.sample(call)
        if self.view is None or response.media_type is None:
            response.data = copied(response.data)
            return response
        plain = response.data
        if item is not None:
            response.data = item
            return response
        item = self.item(key, data, base)
        response.data = self.placed(plain, [(key, item)])
        if self.operation.check_response(response):
            response.data = self.placed(plain, [(key, self.fitted(response, plain, key, item))])
            if self.operation.check_response(response):
                response.data = copied(plain)
        return response

    def settled(self, call: Call, key: str, data: Data, base: Outline) -> Data:
        """The members of a new row as this operation can show them; those that it cannot are as the sample has them."""
        return self.settled_and_shown(call, key, data, base)[0]

    def settled_and_shown(self, call: Call, key: str, data: Data, base: Outline) -> tuple[Data, Data | None]:
        """The same, and the row as it is shown when it could be shown at once."""
        view = self.view
        if view is None:
            return data, None
        item = self.item(key, data, base)
        if self._row_validator.is_valid(item):
            return data, item
        response = self.sample(call)
        plain = response.data
        fitted = self.fitted(response, plain, key, item)
        return fitted | {name: value for name, value in data.items() if name not in item}, None

    def problems(self, key: str, data: Data, base: Outline) -> list[Violation]:
        """What is wrong with a row."""
        if self.view is None:
            return []
        return explain(self._row_validator.iter_errors(self.item(key, data, base)), "server", "body")

    def fitted(self, response: Response, plain: JSON, key: str, item: Data) -> Data:
        """As much of a row as the contract takes: member by member, each put into the sample if that stays valid.

        Args:
            response: a response to try it with; its data changes.
            plain: the body of the sample.
            key: the id of the row.
            item: the row as it should be shown.
        """

        def is_valid(row: Data) -> bool:
            response.data = self.placed(plain, [(key, row)])
            return not self.operation.check_response(response)

        best: Data = copied(self.sample_row)
        for name in [name for name in best if name not in item]:
            without = {other: value for other, value in best.items() if other != name}
            best = without if is_valid(without) else best
        for name, value in item.items():
            merged = [{**best[name], **value}] if isinstance(value, dict) and isinstance(best.get(name), dict) else []
            for way in [value, *merged]:
                if is_valid({**best, name: way}):
                    best = {**best, name: way}
                    break
        return best


def row_in(body: JSON, view: View) -> Data:
    """The first row of a body; an empty one when it shows none."""
    node = inside(body, view.at)
    if view.keyed and isinstance(node, dict):
        node = next(iter(node.values()), {})
    elif isinstance(node, list):
        node = node[0] if node else {}
    node = inside(node, view.inner)
    return node if isinstance(node, dict) else {}


def inside(node: JSON, at: Parts) -> JSON:
    """What stands at a place of a body; None when it has no such place."""
    for name in at:
        if not isinstance(node, dict) or name not in node:
            return None
        node = node[name]
    return node


def put(body: JSON, at: Parts, value: JSON) -> JSON:
    """A body with another value at a place. What is on the way there is copied or made."""
    if not at:
        return value
    whole = dict(body) if isinstance(body, dict) else {}
    whole[at[0]] = put(whole.get(at[0]), at[1:], value)
    return whole


def members_named(outline: Outline, names: Mapping[str, str]) -> dict[str, str]:
    """The members that repeat variables of a path: their names, and the texts of the variables."""
    if not names:
        return {}
    by_name = {folded(variable): text for variable, text in names.items()}
    return {name: by_name[folded(name)] for name in outline.members if folded(name) in by_name}


__all__ = ["Data", "Shown", "inside", "members_named", "put", "row_in"]
