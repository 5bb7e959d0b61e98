"""The pages of a list as a client walks them: whether they have the size that was asked for, go on, and end.

Must not know: sockets; it asks by a function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

from mockserver.apis.resources.paging import Around, Paging
from mockserver.apis.resources.shown import inside
from mockserver.apis.resources.views import find_rows
from mockserver.conform.cases import Case
from mockserver.conform.differences import Difference, Mender
from mockserver.conform.known import Known
from mockserver.conform.outcomes import Seen
from mockserver.contract import Contract, Operation
from mockserver.messages import JSON
from mockserver.text.matchers import MISSING

SIZE = 2
"""Rows of a page that are asked for."""
MAX_PAGES = 6

Ask = Callable[[Case], Awaitable[Seen | None]]


@dataclass(frozen=True, slots=True)
class _Page:
    """What one page showed."""

    seen: Seen
    rows: list[JSON]
    ids: list[str]

    def told(self, paging: Paging, *kinds: str) -> JSON:
        """What it tells of the pages; MISSING where it does not."""
        body = self.seen.body
        for tell in paging.tells:
            if tell.kind in kinds and isinstance(body, dict):
                return inside(body, tell.at)
        return MISSING

    def has_more(self, paging: Paging) -> bool | None:
        """Whether it tells that there is another page; None where it does not tell."""
        more = self.told(paging, "more")
        if isinstance(more, bool):
            return more
        last = self.told(paging, "last")
        if isinstance(last, bool):
            return not last
        if any(tell.kind in ("next", "next_url") for tell in paging.tells):
            return self.told(paging, "next", "next_url") not in (MISSING, None, "")
        return None


class Pages:
    """Walks lists.

    Args:
        contract: the contract.
        known: finds rows.
        ask: sends a case.
    """

    def __init__(self, contract: Contract, known: Known, ask: Ask) -> None:
        self._contract, self._known, self._ask = contract, known, ask

    async def walk(self, first: Seen) -> Seen | None:
        """Walk the list whose plain response was seen; what is wrong with its pages, on what was seen last."""
        operation = self._contract.operations[first.case.operation]
        paging = self._paging(operation)
        plain = self._page(operation, first) if paging is not None else None
        if paging is None or plain is None:
            return None
        found = self._default(operation, paging, plain)
        last = first
        if paging.size and plain.rows:
            walked = await self._pages(operation, paging, first)
            found += self._judged(operation, paging, walked)
            last = walked[-1].seen if walked else first
        return replace(last, also=tuple(found)) if found else None

    def _paging(self, operation: Operation) -> Paging | None:
        resource = self._known.resource(operation)
        if resource is None or resource.operations[operation.id][1] != "list" or operation.is_stream:
            return None
        view = find_rows(self._contract, resource, operation)
        return None if view is None else Paging(self._contract, operation, view, resource.page)

    def _page(self, operation: Operation, seen: Seen) -> _Page | None:
        rows = self._known.rows_in(operation, seen.body) if 200 <= seen.response.status < 300 else None
        return None if rows is None else _Page(seen, rows, [self._known.id_of(operation, row) for row in rows])

    def _default(self, operation: Operation, paging: Paging, page: _Page) -> list[Difference]:
        """Whether a page that was not asked to be of a size has the documented one."""
        parameter = next((one for one in operation.parameters if one.name == paging.size and paging.size), None)
        if parameter is None or type(parameter.default) is not int:
            return []
        count, default = len(page.rows), parameter.default
        if count == default or (count < default and page.has_more(paging) is not True):
            return []
        _, at = self._contract.refs.follow(self._contract.refs.lookup(parameter.pointer), parameter.pointer)
        actions = Mender(self._contract.document).update(at, {"default": count})
        detail = f"a page has another number of rows than the default of {paging.size}"
        return [Difference("page-default", at, detail, "", count, actions)]

    async def _pages(self, operation: Operation, paging: Paging, first: Seen) -> list[_Page]:
        """The pages one after the other, until they end."""
        walked: list[_Page] = []
        value: JSON = MISSING
        while len(walked) < MAX_PAGES:
            values = {paging.size: SIZE, **({} if value is MISSING else {paging.parameter: value})}
            name = f"{operation.method} {operation.path} page {len(walked) + 1}"
            case = Case(name, operation.id, "page", f"page {len(walked) + 1}", values=values)
            seen = await self._ask(case)
            page = self._page(operation, seen) if seen is not None else None
            if page is None:
                break
            walked.append(page)
            if len(page.rows) > SIZE or not page.rows or _repeats(walked):
                break
            if len(walked) > 1 and walked[-2].has_more(paging) is False:
                break  # the one after the end was asked for, and that is enough
            value = self._next(paging, page, len(walked))
            if value is MISSING:
                break
        return walked

    def _next(self, paging: Paging, page: _Page, pages: int) -> JSON:
        """The parameter's value for the next page; MISSING where there is none to ask for."""
        if not paging.parameter:
            return MISSING
        if paging.style != "cursor":
            end = pages * SIZE
            return paging.next_of(Around(end + SIZE, end - SIZE, SIZE, "", "", SIZE))
        told = page.told(paging, "next")
        if isinstance(told, str | int) and told != "" and not isinstance(told, bool):
            return told
        url = page.told(paging, "next_url")
        if isinstance(url, str) and url:
            return dict(parse_qsl(urlsplit(url).query)).get(paging.parameter, MISSING)
        has_told = any(tell.kind in ("next", "next_url") for tell in paging.tells)
        return MISSING if has_told or not page.ids or not page.ids[-1] else page.ids[-1]

    def _judged(self, operation: Operation, paging: Paging, walked: list[_Page]) -> list[Difference]:
        if not walked:
            return []
        place = operation.pointer
        big = next((page for page in walked if len(page.rows) > SIZE), None)
        if big is not None:
            detail = f"a page has more rows than {paging.size} asks for"
            return [Difference("page-size", place, detail, "", len(big.rows))]
        if _repeats(walked):
            detail = "the next page shows rows of the one before"
            return [Difference("page-overlap", place, detail, "", walked[-1].ids)]
        found: list[Difference] = []
        for page, following in pairwise(walked):
            more = page.has_more(paging)
            if more is not None and more != bool(following.rows):
                said = "that there are more rows, and there are none" if more else "the end, and there are more rows"
                found.append(Difference("page-end", place, f"a page tells {said}", "", more))
                break
        total = walked[0].told(paging, "total")
        is_whole = len(walked) < MAX_PAGES and (len(walked[-1].rows) < SIZE or walked[-1].has_more(paging) is False)
        count = sum(len(page.rows) for page in walked)
        if type(total) is int and is_whole and total != count:
            found.append(Difference("page-total", place, "the total is not the number of rows", "", total))
        return found


def _repeats(walked: list[_Page]) -> bool:
    """Whether the last page shows a row that one before it showed."""
    before = {id for page in walked[:-1] for id in page.ids if id}
    return any(id in before for id in walked[-1].ids)


__all__ = ["MAX_PAGES", "Pages"]
