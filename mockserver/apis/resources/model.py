"""What a resource is: its paths, its operations by what they do, its id, and why each of it was concluded.

Only data. Must not know: requests, rows.
"""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import Any, Literal

from mockserver.contract import Operation
from mockserver.records import record

Role = Literal[
    "create", "list", "read", "update", "replace", "delete", "action", "create_many", "update_many", "delete_many"
]
"""What an operation does to rows. `update` changes the members that were sent, `replace` all of them; `..._many` is for
several rows in one request."""

Unknown = Literal["imagine", "404"]
"""What a read of an id gets that nobody created: a row made on the spot, or the declared 404."""

Origin = Literal["server", "client"]


Style = Literal["none", "offset", "page", "cursor"]
"""How the rows of a page are asked for: by their number, by the page's number, or by what the page before told."""


@record(frozen=True)
class Page:
    """How a list is paged."""

    style: Style
    parameter: str = ""
    """The parameter that moves from page to page."""
    size: str = ""
    """The parameter that says how many rows a page has."""
    next: str = ""
    """Where a response tells of the next page, as a pointer; "" where it does not."""


@record()
class Resource:
    """A kind of row with the operations on it."""

    name: str
    """What it is called in the state, for example `orders`."""
    path: str
    """The path of the collection; of a singleton its only path."""
    parents: tuple[str, ...] = ()
    """The variables of the collection's path: each combination of values has rows of its own."""
    variables: tuple[str, ...] = ()
    """The variables that name one row; none for a singleton."""
    owner: Resource | None = None
    """The resource to whose rows these belong, for a collection below an item."""
    operations: dict[str, tuple[Operation, Role]] = field(default_factory=dict)
    """By operationId."""
    unknown: Unknown = "imagine"
    id: str = ""
    """The member that holds the id, as an RFC 6901 pointer into the row; "" to find it in each body."""
    origin: Origin | None = None
    """Who sets the id; None lets a client that sends one have its way."""
    envelope: str | None = None
    """Where the array of rows stands in the response of a list, as a pointer; None to find it."""
    page: Page | None = None
    """How a list is paged; None to find that out."""
    filters: dict[str, str] | None = None
    """The member, as a pointer into the row, that each parameter of a list picks rows by; None to go by names."""
    order: str = ""
    """The member, as a pointer into the row, that rows are listed by, with a `-` before it for the highest first; ""
    for the newest first."""
    start: dict[str, Any] = field(default_factory=dict)
    """Members of a new row that a client does not send."""
    soft_delete: dict[str, Any] | None = None
    """Members that a deletion sets on a row, which can still be read and is no longer listed; None removes it."""
    reasons: dict[str, str] = field(default_factory=dict)
    """By operationId or by the name of a field: why it is so."""

    def is_deleted(self, data: dict[str, Any]) -> bool:
        """Whether a deletion has left its mark on a row's members."""
        marks = self.soft_delete
        if marks is None:
            return False
        return all(data.get(n) is not None and v in (data[n], {"$now": None}) for n, v in marks.items())

    @property
    def is_singleton(self) -> bool:
        """Whether there is only one row, which has no id."""
        return not self.variables

    def with_role(self, *roles: Role) -> Operation | None:
        """The first operation that does one of these things; roles that stand first come first."""
        for role in roles:
            for operation, has in self.operations.values():
                if has == role:
                    return operation
        return None

    @property
    def singular(self) -> str:
        """What one row is called: `order` of `orders`."""
        return singular(self.name.rpartition(".")[2])


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A name without what spellings differ in: `user_id`, `userId` and `User-ID` are the same."""
    return "".join(letter for letter in name if letter.isalnum()).lower()


def singular(name: str) -> str:
    """One of what an English plural names, as far as endings tell."""
    for ending, one in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zes", "z")):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)] + one
    return name[:-1] if name.endswith("s") and not name.endswith(("ss", "us", "is")) and len(name) > 2 else name


__all__ = ["Origin", "Page", "Resource", "Role", "Style", "Unknown", "folded", "singular"]
