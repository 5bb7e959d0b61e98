"""What the headers of a list tell of its pages: `Link` (RFC 8288), and how many rows there are in all.

Only headers that the document declares are told. Must not know: rows, bodies.
"""

from __future__ import annotations

from mockserver.apis.resources.model import folded
from mockserver.apis.resources.paging import Around, Paging
from mockserver.contract import Operation
from mockserver.messages import Response

_TOTALS = ("xtotalcount", "xtotal", "totalcount", "xtotalitems", "xtotalresults", "xtotalelements", "xcount")


class PageHeaders:
    """The headers of one list.

    Args:
        operation: the list.
        paging: its pages.
    """

    def __init__(self, operation: Operation, paging: Paging) -> None:
        self._operation, self._paging = operation, paging
        declared_response = operation.response(operation.success)
        names = [header.header for header in declared_response.headers] if declared_response is not None else []
        self._total = next((name for name in names if folded(name) in _TOTALS), "")
        self._link = "link" in names and bool(paging.parameter)

    def tell(self, response: Response, around: Around, url: str) -> None:
        """Put the headers into a response. One that the contract does not take stays as the sample has it."""
        if self._total:
            self._put(response, self._total, str(around.total))
        if self._link:
            self._put(response, "link", self._links(around, url))

    def _put(self, response: Response, name: str, text: str) -> None:
        sampled = response.headers.pop(name, None)
        if text:
            response.headers[name] = text
        if sampled not in (None, text) and any(v.where == "header" for v in self._operation.check_response(response)):
            response.headers[name] = sampled or ""

    def _links(self, around: Around, url: str) -> str:
        """The pages before and after, the first and the last; "" on the only page."""
        paging = self._paging
        pages = {"prev": paging.previous_of(around), "next": paging.next_of(around)}
        if not any(value != "" for value in pages.values()):
            return ""
        pages |= {"first": paging.first, "last": paging.last_of(around)}
        urls = {name: paging.url_of(url, value, name == "prev") for name, value in pages.items() if value != ""}
        return ", ".join(f'<{there}>; rel="{name}"' for name, there in urls.items())


__all__ = ["PageHeaders"]
