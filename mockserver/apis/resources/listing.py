"""The response of one operation that lists rows: some of them, one page of these, and what is told of other pages."""

from __future__ import annotations

from typing import Any

from mockserver.apis.base import Call
from mockserver.apis.resources import ids
from mockserver.apis.resources.model import Resource
from mockserver.apis.resources.page_headers import PageHeaders
from mockserver.apis.resources.paging import Around, Asked, Paging, Tell
from mockserver.apis.resources.selection import Selection
from mockserver.apis.resources.shown import Data, Shown, inside, put
from mockserver.apis.resources.stored import Stored
from mockserver.contract import Contract, Operation
from mockserver.contract.outline import Outline
from mockserver.messages import JSON, Response
from mockserver.state.store import Row
from mockserver.text.jsontext import copied
from mockserver.text.matchers import MISSING


class Listing:
    """How an operation lists rows.

    Args:
        contract: the contract.
        resource: whose rows they are.
        operation: the list.
        base: what a row of the resource has.
        streams: whether the rows are the items of a stream.
    """

    def __init__(
        self, contract: Contract, resource: Resource, operation: Operation, base: Outline, streams: bool = False
    ) -> None:
        self._shown = Shown(contract, resource, operation, many=True, streams=streams)
        self._operation = operation
        self._base = base
        view = self._shown.view
        assert view is not None
        self.view = view
        self._resource = resource
        self.paging = Paging(contract, operation, view, resource.page, streams)
        self._headers = PageHeaders(operation, self.paging)
        self.selection = Selection(operation, view.outline, resource.filters, resource.order)

    def media_type(self, call: Call) -> str:
        """The media type that the client gets."""
        return self._shown.sample(call).media_type or ""

    def imagined(self, call: Call) -> list[tuple[str, Data]]:
        """The rows of the document's sample that have ids, in its order."""
        body = self._shown.sample(call).data
        items = inside(body, self.view.at)
        pairs: list[tuple[str, Data]] = []
        for item in items.values() if isinstance(items, dict) else items if isinstance(items, list) else ():
            row = inside(item, self.view.inner)
            if isinstance(row, dict) and (key := self._key(row)) and key not in dict(pairs):
                pairs.append((key, copied(row)))
        return pairs

    def response(self, call: Call, rows: list[Row] | None, stored: Stored | None) -> Response:
        """A page of rows: of those that are given, else of all that are stored."""
        asked = self.paging.asked(call.params)
        if rows is None and stored is not None:
            whole = self.selection.asks(call.params) or self._resource.soft_delete is not None
            if not whole and not asked.after and not asked.before and asked.size:
                page = stored.page(asked.offset, asked.size)
                return self._page(call, page.rows, _around(page.rows, asked.offset, page.total, asked.size))
            rows = [row for row in stored.all() if not self._resource.is_deleted(row["data"])]
        rows = self.selection.select(rows or [], call.params)
        start = _start(rows, asked)
        chosen = rows[start : start + asked.size] if asked.size else rows[start:]
        return self._page(call, chosen, _around(chosen, start, len(rows), asked.size or len(rows)))

    def whole(self, call: Call, rows: list[Row]) -> Response:
        """Some rows, all of them on one page."""
        return self._page(call, rows, _around(rows, 0, len(rows), len(rows)))

    def _page(self, call: Call, rows: list[Row], around: Around) -> Response:
        shown = self._shown
        response = shown.sample(call)
        self._headers.tell(response, around, call.url)
        plain = response.data
        items = [(row["id"], shown.item(row["id"], row["data"], self._base)) for row in rows]
        response.data = self._tell(call, shown.placed(plain, items), around)
        if self._operation.check_response(response):
            response.data = self._valid(call, response, plain, items, around)
        return response

    def _valid(
        self, call: Call, response: Response, plain: JSON, items: list[tuple[str, Data]], around: Around
    ) -> JSON:
        """The body with what the contract does not take left out or as the sample has it."""

        def is_valid(body: JSON) -> bool:
            response.data = body
            return not self._operation.check_response(response)

        fitted = [(key, self._shown.fitted(response, plain, key, item)) for key, item in items]
        body = self._shown.placed(plain, fitted)
        body = body if is_valid(body) else plain
        for tell in self.paging.tells:
            changed = self._one(call, body, tell, around)
            body = changed if is_valid(changed) else body
        return body

    def _tell(self, call: Call, body: JSON, around: Around) -> JSON:
        for tell in self.paging.tells:
            body = self._one(call, body, tell, around)
        return body

    def _one(self, call: Call, body: JSON, tell: Tell, around: Around) -> JSON:
        """The body with one member that tells of the pages."""
        value = self.paging.told(tell, around, call.url)
        if value is not MISSING:
            return put(body, tell.at, value)
        if "null" in tell.types:
            return put(body, tell.at, None)
        if tell.required:
            return put(body, tell.at, "")
        there = inside(body, tell.at[:-1])
        if not isinstance(there, dict):
            return body
        return put(body, tell.at[:-1], {name: other for name, other in there.items() if name != tell.at[-1]})

    def _key(self, row: Data) -> str:
        value: Any = row.get(self.view.id_member) if self.view.id_member else None
        return "" if value is None or isinstance(value, (dict, list)) else ids.text_of(value)


def _start(rows: list[Row], asked: Asked) -> int:
    """Where a page begins among the rows."""
    numbers = {row["id"]: number for number, row in enumerate(rows)} if asked.after or asked.before else {}
    if asked.after:
        return numbers[asked.after] + 1 if asked.after in numbers else len(rows)
    if asked.before:
        return max(0, numbers.get(asked.before, 0) - asked.size)
    return asked.offset


def _around(rows: list[Row], start: int, total: int, size: int) -> Around:
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else ("", "")
    return Around(total, start, len(rows), first, last, size)


__all__ = ["Listing"]
