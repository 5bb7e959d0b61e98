"""Which rows of a collection a list shows, and in which order, by the parameters that name members of a row.

Must not know: stores, pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mockserver.apis.resources.ids import text_of
from mockserver.apis.resources.model import folded, singular
from mockserver.apis.resources.paging import PAGING
from mockserver.contract import Operation
from mockserver.contract.outline import Outline
from mockserver.state.store import Row

_SORT = ("sort", "sortby", "orderby", "order", "ordering", "sortfield", "sortkey")
_DIRECTION = ("direction", "sortorder", "sortdir", "dir", "sortdirection", "order")
_SEARCH = ("q", "query", "search", "searchterm", "text", "term")
_FILTER = re.compile(r"filters?\[([^\[\]]+)\]")
_TERM = re.compile(r"([+-]?)([^\s:,|]+)(?:[\s:|]+(asc|desc|ascending|descending))?", re.IGNORECASE)


class Selection:
    """The filters and the order of one list operation.

    Args:
        operation: the list.
        outline: what its rows have.
        filters: what a profile says of the filters; None goes by the names of parameters.
        order: what it says of the order of rows; "" for the newest first.
    """

    def __init__(
        self, operation: Operation, outline: Outline, filters: Mapping[str, str] | None = None, order: str = ""
    ) -> None:
        by_name = {folded(name): name for name in reversed(list(outline.members))}
        self.filters: dict[str, str] = {}
        """The member that each parameter picks rows by."""
        self.sort = self.direction = self.search = ""
        for parameter in operation.parameters:
            if parameter.place != "query":
                continue
            match = _FILTER.fullmatch(parameter.name)
            name = folded(match[1] if match else parameter.name)
            if name in by_name and (match or name not in PAGING):
                self.filters[parameter.name] = by_name[name]
            elif singular(name) in by_name and "array" in parameter.shape.types:
                self.filters[parameter.name] = by_name[singular(name)]
            elif name in _SORT and not self.sort:
                self.sort = parameter.name
            elif name in _DIRECTION:
                self.direction = parameter.name
            elif name in _SEARCH:
                self.search = parameter.name
        if filters is not None:
            self.filters = {name: pointer.lstrip("/") for name, pointer in filters.items()}
        self._by_name = by_name
        self._order = order.replace("/", "")

    def asks(self, params: Mapping[str, Any]) -> bool:
        """Whether a request asks for some rows only, or for another order."""
        return bool(self._order) or any(name in params for name in (*self.filters, self.sort, self.search) if name)

    def select(self, rows: list[Row], params: Mapping[str, Any]) -> list[Row]:
        """The rows that pass, in the order that is asked for."""
        if self._order:
            rows = self._sorted(rows, self._order, False)
        for name, member in self.filters.items():
            if params.get(name) is not None:
                wanted = _texts(params[name])
                rows = [row for row in rows if wanted & _texts(row["data"].get(member))]
        if self.search and params.get(self.search):
            text = text_of(params[self.search]).lower()
            rows = [row for row in rows if any(text in found for found in _words(row["data"]))]
        if self.sort and params.get(self.sort):
            terms = params[self.sort] if isinstance(params[self.sort], list) else str(params[self.sort]).split(",")
            falls = str(params.get(self.direction, "")).lower().startswith("desc") if self.direction else False
            for term in reversed(terms):
                rows = self._sorted(rows, str(term).strip(), falls)
        return rows

    def _sorted(self, rows: list[Row], term: str, falls: bool) -> list[Row]:
        match = _TERM.fullmatch(term)
        member = self._by_name.get(folded(match[2])) if match else None
        if match is None or member is None:
            return rows
        down = match[1] == "-" or (match[3] or "").lower().startswith("desc") or falls
        return sorted(rows, key=lambda row: _rank(row["data"].get(member)), reverse=down)


def _texts(value: Any) -> set[str]:
    """The texts that a value is compared by: its own, or those of its items."""
    values = value if isinstance(value, list) else [value]
    return {text_of(item) for item in values if not isinstance(item, (dict, list)) and item is not None}


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value.lower()]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [word for part in parts for word in _words(part)]


def _rank(value: Any) -> tuple[int, Any]:
    """A key that sorts values of any type: what is missing first, then numbers, then texts."""
    if isinstance(value, bool) or value is None:
        return 0, int(bool(value))
    if isinstance(value, (int, float)):
        return 1, value
    return 2, str(value)


__all__ = ["Selection"]
