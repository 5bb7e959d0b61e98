"""Pages of a list: which parameters ask for one, and which members of a response tell of the others.

Read from an operation once. Must not know: stores, rows' members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from mockserver.apis.resources.ids import text_of
from mockserver.apis.resources.model import Page, Style, folded
from mockserver.apis.resources.views import Parts, View
from mockserver.contract import Contract, Operation
from mockserver.contract.outline import Outline
from mockserver.records import record
from mockserver.text.documents import parts_of
from mockserver.text.matchers import MISSING

Kind = Literal[
    "total", "count", "pages", "more", "fewer", "last", "next", "next_url", "previous", "previous_url", "limit",
    "offset", "page",
]  # fmt: skip
"""What a member of a response tells."""

SIZE = ("limit", "perpage", "pagesize", "size", "maxresults", "top", "first", "take", "pagelimit", "count", "rows",
        "maxitems", "itemsperpage", "resultsperpage", "max")  # fmt: skip
OFFSET = ("offset", "skip", "start", "startindex", "startat", "pageoffset", "from")
PAGE = ("page", "pagenumber", "pagenum", "pageno", "pageindex", "currentpage")
CURSOR = ("cursor", "after", "startingafter", "pagetoken", "nexttoken", "nextpagetoken", "continuationtoken", "marker",
          "continuation", "exclusivestartkey", "nextcursor", "pageafter", "pagecursor", "next")  # fmt: skip
BEFORE = ("before", "endingbefore", "pagebefore")
PAGING = frozenset((*SIZE, *OFFSET, *PAGE, *CURSOR, *BEFORE))
"""Names, folded, of parameters that ask for a page."""

_TELLS: dict[Kind, tuple[str, ...]] = {
    "total": ("total", "totalcount", "totalitems", "totalelements", "totalresults", "totalrecords", "totalhits",
              "recordstotal", "totalsize", "resultcount"),
    "pages": ("totalpages", "pagecount", "pages", "lastpage", "numpages", "pagestotal"),
    "more": ("hasmore", "hasnext", "hasnextpage", "more", "truncated", "istruncated", "hasmoreitems", "moreresults"),
    "fewer": ("hasprevious", "hasprev", "haspreviouspage", "hasprevpage"),
    "last": ("last", "islast", "lastpage", "islastpage"),
    "next": ("next", "nextpage", "nextcursor", "nextpagetoken", "nexttoken", "nextmarker", "continuationtoken",
             "nextoffset", "endcursor", "cursor", "after", "nextlink", "nexturl", "nexthref", "nextpageurl",
             "odatanextlink", "nexturi"),
    "previous": ("previous", "prev", "previouspage", "prevpage", "previouscursor", "prevcursor", "previouspagetoken",
                 "startcursor", "before", "previousurl", "prevurl", "previouslink", "prevlink", "previouspageurl",
                 "prevpageurl"),
    "limit": ("limit", "perpage", "pagesize", "itemsperpage", "maxresults"),
    "offset": ("offset", "skip", "start", "startindex"),
    "page": ("page", "currentpage", "pagenumber"),
    "count": ("count", "numberofelements", "itemcount", "returned", "currentpagecount", "size", "length"),
}  # fmt: skip
_WRAPPERS = ("meta", "metadata", "pagination", "paging", "page", "pageinfo", "links", "cursors", "responsemetadata",
             "pagingmetadata", "paginginfo")  # fmt: skip
DEFAULT_SIZE = 20
"""Rows of a page where the document does not say."""


@record(frozen=True)
class Tell:
    """A member of a response that tells of the pages."""

    at: Parts
    kind: Kind
    types: frozenset[str]
    required: bool


@record(frozen=True)
class Asked:
    """The page that a request asks for."""

    size: int
    offset: int = 0
    after: str = ""
    before: str = ""


@record(frozen=True)
class Around:
    """What there is beside a page."""

    total: int
    """Rows in all."""
    start: int
    """Rows before the page."""
    count: int
    """Rows of the page."""
    first: str
    """The id of the page's first row; "" when it has none."""
    last: str
    size: int

    @property
    def has_more(self) -> bool:
        """Whether rows follow."""
        return self.start + self.count < self.total


class Paging:
    """The pages of one list operation.

    Args:
        contract: the contract.
        operation: the list.
        view: where its rows stand.
        page: what a profile says of it; None goes by the names of parameters.
        streams: whether the rows are the items of a stream, in which nothing tells of pages.
    """

    def __init__(
        self, contract: Contract, operation: Operation, view: View, page: Page | None = None, streams: bool = False
    ) -> None:
        names = {folded(p.name): p for p in operation.parameters if p.place == "query"}

        def named(known: tuple[str, ...], whole: bool = False) -> str:
            fit = (names[name] for name in known if name in names)
            return next((p.name for p in fit if not whole or p.shape.types & {"integer", "number"}), "")

        self.size, self.before = named(SIZE, whole=True), named(BEFORE)
        offset, number, cursor = named(OFFSET, whole=True), named(PAGE), named(CURSOR)
        if number and "integer" not in names[folded(number)].shape.types and not offset:
            number, cursor = "", cursor or number
        self.style: Style = "offset" if offset else "page" if number else "cursor" if cursor else "none"
        self.parameter = offset or number or cursor
        """The parameter that moves from page to page; "" when there is none."""
        if page is not None:
            self.style, self.parameter, self.size = page.style, page.parameter, page.size or self.size
        self._starts_at_zero = self.style == "page" and names[folded(self.parameter)].default == 0
        self._by_number = "integer" in names[folded(self.parameter)].shape.types if self.parameter else False
        size = names[folded(self.size)] if self.size else None
        self._default = size.default if size is not None and type(size.default) is int else DEFAULT_SIZE
        self._bounded = bool(self.size or self.parameter)
        outline = contract.outlines.of(operation.response_schema(operation.success))
        told = not (streams or operation.is_stream or outline.is_array)
        self.tells = list(_tells(contract, outline, view)) if told else []
        if page is not None and page.next:
            self.tells = _with_next(contract, outline, self.tells, tuple(parts_of(page.next)))

    def asked(self, params: Mapping[str, Any]) -> Asked:
        """The page that the parameters of a request ask for."""
        size = _whole(params.get(self.size, self._default) if self.size else self._default, self._default)
        if not self._bounded:
            return Asked(0)
        at = params.get(self.parameter, MISSING) if self.parameter else MISSING
        before = text_of(params[self.before]) if self.before and params.get(self.before) is not None else ""
        if at is MISSING or at is None:
            return Asked(size, before=before)
        if self.style == "offset":
            return Asked(size, max(0, _whole(at, 0)), before=before)
        if self.style == "page":
            number = _whole(at, 1) - (0 if self._starts_at_zero else 1)
            return Asked(size, max(0, number) * size, before=before)
        if self._by_number:
            return Asked(size, max(0, _whole(at, 0)), before=before)
        return Asked(size, after=text_of(at), before=before)

    def next_of(self, around: Around) -> int | str:
        """The value of the parameter that asks for the next page; "" when there is none."""
        if not around.has_more or not self.parameter:
            return ""
        end = around.start + around.count
        if self.style == "page":
            return end // max(1, around.size) + (0 if self._starts_at_zero else 1)
        return end if self.style == "offset" or self._by_number else around.last

    def previous_of(self, around: Around) -> int | str:
        """The same of the page before."""
        if not around.start or not self.parameter:
            return ""
        start = max(0, around.start - around.size)
        if self.style == "page":
            return start // max(1, around.size) + (0 if self._starts_at_zero else 1)
        if self.style == "offset" or self._by_number:
            return start
        return around.first if self.before else ""

    @property
    def first(self) -> int | str:
        """The value of the parameter that asks for the first page; "" where no value does."""
        if self.style == "page":
            return 0 if self._starts_at_zero else 1
        return 0 if self.style == "offset" else ""

    def last_of(self, around: Around) -> int | str:
        """The same of the last page."""
        number = max(0, around.total - 1) // max(1, around.size)
        if self.style == "page":
            return number + (0 if self._starts_at_zero else 1)
        return number * around.size if self.style == "offset" else ""

    def url_of(self, url: str, value: int | str, back: bool = False) -> str:
        """The URL of another page.

        Args:
            url: of this one.
            value: of the parameter that asks for the other page.
            back: whether it is before this one.
        """
        back = back and self.style == "cursor"
        name, other = (self.before, self.parameter) if back else (self.parameter, self.before)
        path, _, query = url.partition("?")
        pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in (name, other)]
        return f"{path}?{urlencode([*pairs, (name, str(value))])}"

    def told(self, tell: Tell, around: Around, url: str) -> Any:
        """What a member says of a page; MISSING when it should not be there."""
        number: dict[Kind, Any] = {
            "total": around.total,
            "count": around.count,
            "pages": -(-around.total // max(1, around.size)),
            "more": around.has_more,
            "fewer": around.start > 0,
            "last": not around.has_more,
            "limit": around.size or around.count,
            "offset": around.start,
            "page": around.start // max(1, around.size) + (0 if self._starts_at_zero else 1),
        }
        if tell.kind in number:
            return number[tell.kind]
        forward = tell.kind.startswith("next")
        value = self.next_of(around) if forward else self.previous_of(around)
        if value == "":
            return MISSING
        if tell.kind.endswith("_url"):
            return self.url_of(url, value, back=not forward)
        return value if tell.types & {"integer", "number"} and isinstance(value, int) else str(value)


def _tells(contract: Contract, outline: Outline, view: View) -> Iterator[Tell]:
    """The members of a body that tell of the pages: at the root, beside the rows, and in objects for this."""
    places: list[tuple[Parts, Outline]] = [((), outline)]
    for at, below in list(places):
        for name, place in below.members.items():
            inner = contract.outlines.of(place)
            if inner.is_object and (folded(name) in _WRAPPERS or (*at, name) == view.at[: len(at) + 1]):
                places.append(((*at, name), inner))
                for deeper, below_it in inner.members.items():
                    deep = contract.outlines.of(below_it)
                    if deep.is_object and folded(deeper) in _WRAPPERS:
                        places.append(((*at, name, deeper), deep))
    for at, below in places:
        for name, place in below.members.items():
            if (*at, name) == view.at:
                continue
            inner = contract.outlines.of(place)
            href = inner.members.get("href") if inner.is_object else None
            if href is not None:
                inner = contract.outlines.of(href)
            kind = _kind(name, at, inner, contract.outlines.node(place))
            if kind is None:
                continue
            where = (*at, name, "href") if href is not None else (*at, name)
            yield Tell(where, kind, inner.types, name in below.required)


def _with_next(contract: Contract, outline: Outline, tells: list[Tell], at: Parts) -> list[Tell]:
    """What tells of the pages, with the member that a profile names as the one that leads to the next page."""
    below, required = outline, False
    for name in at:
        required = name in below.required
        below = contract.outlines.of(below.members.get(name))
    kind: Kind = "next_url" if "uri" in below.formats else "next"
    others = [tell for tell in tells if tell.kind not in ("next", "next_url") and tell.at != at]
    return [*others, Tell(at, kind, below.types, required)]


def _kind(name: str, at: Parts, outline: Outline, node: dict[str, Any]) -> Kind | None:
    """What a member tells, by its name and its type."""
    name, types = folded(name), outline.types - {"null"}
    for kind, names in _TELLS.items():
        if name not in names:
            continue
        if kind in ("more", "fewer", "last"):
            if types == {"boolean"}:
                return kind
            continue
        if kind in ("next", "previous"):
            if not types & {"string", "integer"} or types & {"object", "array", "boolean"}:
                continue
            example = str(node.get("example", ""))
            is_url = name.endswith(("url", "link", "href", "uri")) or "uri" in outline.formats or (
                bool(at) and folded(at[-1]) in ("links",)
            ) or example.startswith(("http", "/"))  # fmt: skip
            if is_url:
                return "next_url" if kind == "next" else "previous_url"
            return kind
        if types and types <= {"integer", "number"}:
            return kind
    return None


def _whole(value: Any, default: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


__all__ = ["PAGING", "Around", "Asked", "Paging", "Tell"]
