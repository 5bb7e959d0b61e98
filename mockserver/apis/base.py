"""What a behaviour works with: the call that it answers, the rows of a table, and ids that follow from a seed.

Nothing here knows of sandboxes, sockets or scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.clock import timestamp
from mockserver.contract import Checked, Contract
from mockserver.errors import UserError, did_you_mean
from mockserver.messages import JSON, Change, Request, Response, Violation, Write
from mockserver.records import record
from mockserver.state.memory import MemoryStore
from mockserver.state.store import Page, Row, Store
from mockserver.text.documents import pointer_of

if TYPE_CHECKING:
    from mockserver.apis.resources.handle import Handle


class Call:
    """A request that passed the contract, as a behaviour sees it.

    Args:
        checked: the request as the contract reads it.
        request: the request itself.
        now: epoch seconds on the sandbox's clock.
        key: who calls: the API key. For a sandbox's own key it is the sandbox's name, so that what
            follows from it is the same in every run.
        tenant: the partition of the state that the caller sees, for example a teamspace.
        store: the sandbox's state.
        seed: what ids are made from.
        prefix: what stands before the contract's own path, but for the sandbox: `/datagrid`, or nothing.
        variables: the variables of the path, as texts.
        resource: finds a resource of the API by its name.
    """

    __slots__ = (
        "_prefix",
        "_request",
        "_resource",
        "body",
        "changes",
        "key",
        "now",
        "params",
        "seed",
        "store",
        "tenant",
        "variables",
        "writes",
    )

    def __init__(
        self,
        checked: Checked,
        request: Request,
        now: float,
        key: str,
        tenant: str,
        store: Store,
        seed: int,
        prefix: str = "",
        variables: Mapping[str, str] = MappingProxyType({}),
        resource: Callable[[str, Call], Handle] | None = None,
    ) -> None:
        self.params: Mapping[str, Any] = checked.params
        """Path, query and header parameters by name, decoded, defaults filled in."""
        self.body: JSON = checked.body
        self.now = now
        self.key = key
        self.tenant = tenant
        self.store = store
        self.seed = seed
        self.writes: list[Write] = []
        """What to do to the store when the behaviour is through. Until then it changes nothing there."""
        self.changes: list[Change] = []
        """The same for the journal."""
        self.variables = variables
        """The variables of the path by name, as the texts that were sent."""
        self._request = request
        self._prefix = prefix
        self._resource = resource

    @property
    def base_url(self) -> str:
        """Where the caller reaches this API, for links in responses."""
        path = self._request.path
        sandbox = f"/{path.split('/', 2)[1]}" if path.startswith("/~") else ""
        return f"http://{self._request.headers.get('host', 'localhost')}{sandbox}{self._prefix}"

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._request.method

    @property
    def query(self) -> str:
        """The query of the request, as it was sent."""
        return self._request.query

    @property
    def size(self) -> int:
        """Bytes of the request's body."""
        return len(self._request.body)

    @property
    def url(self) -> str:
        """The path and the query of the request where the caller reached it, for links to other pages."""
        request = self._request
        query = f"?{request.query}" if request.query else ""
        return f"http://{request.headers.get('host', 'localhost')}{request.path}{query}"

    def header(self, name: str) -> str:
        """The value of a header of the request, by its name in lower case; "" when it has none."""
        return self._request.headers.get(name, "")

    @property
    def timestamp(self) -> str:
        """`now` as the bundled APIs print it."""
        return timestamp(self.now)

    def resource(self, name: str) -> Handle:
        """The rows of a resource that was inferred from the document, or that a profile names.

        Raises UserError when the API has no such resource.
        """
        if self._resource is None:
            raise UserError(f"there is no resource {name!r}: this API keeps its rows itself")
        return self._resource(name, self)

    def get(self, table: str, id: str) -> Row | None:
        """A row that the caller sees, or None."""
        return self.store.get(table, id, self.tenant)

    def rows(self, table: str) -> list[Row]:
        """All rows of a table that the caller sees, newest first."""
        return self.store.rows(table, self.tenant)

    def page(self, table: str, offset: int, limit: int) -> Page:
        """Some of them."""
        return self.store.page(table, offset, limit, self.tenant)

    def add(self, table: str, row: Row) -> None:
        """Store a new row under its `id`."""
        id = row["id"]
        self.writes.append(Write(table, id, row, None, self.tenant))
        self.changes.append(("added", table, id))

    def replace(self, table: str, was: Row, row: Row) -> None:
        """Put a row in the place of one that was read; `was` is that row, as it was read."""
        self.writes.append(Write(table, was["id"], row, was, self.tenant))
        self.changes.append(("changed", table, was["id"]))

    def remove(self, table: str, was: Row) -> None:
        """Remove a row that was read; `was` is that row, as it was read."""
        self.writes.append(Write(table, was["id"], None, was, self.tenant))
        self.changes.append(("removed", table, was["id"]))

    def forget(self) -> None:
        """Begin again: nothing is to be written."""
        self.writes.clear()
        self.changes.clear()

    def new_id(self) -> str:
        """A UUID made from the sandbox's seed and a counter: deterministic, and never given twice."""
        return numbered_uuid(self.seed, self.store.increment("id"))


def numbered_uuid(seed: int, number: int) -> str:
    """A version 4 shaped UUID (RFC 9562) for a number below 2^48. Two numbers never get the same one.

    The seed gives all but the last group; there, multiplying by an odd number gives each number another place.
    """
    return _prefix(seed) + "%012x" % (number * 0x9E3779B97F4B & 0xFFFFFFFFFFFF)  # 1,000 instructions fewer than f"..."


@lru_cache(maxsize=256)
def _prefix(seed: int) -> str:
    return derived_uuid(seed, "id")[:24]


def derived_uuid(*parts: object) -> str:
    """A version 4 shaped UUID (RFC 9562) that depends on nothing but `parts`."""
    text = "\x00".join(map(str, parts)).encode("utf-8", "surrogatepass")
    digest = blake2b(text, digest_size=16).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:]}"


Answer = Response | tuple[int, JSON] | JSON
"""A whole response, a status with a JSON value, or a JSON value, which has the operation's status of success."""

Behaviour = Callable[[Call], Answer]
"""Answers an operation from state. What it changes it says to the Call; with a Problem raised none of it is done.

It may be asked again for the same request, when a row that it read was changed by another one meanwhile."""

Variant = Callable[[Mapping[str, Any]], bool]
"""Whether the body of a success shows one of the ways in which it may look."""


def page_variants(rows: str, more: Variant) -> dict[str, Variant]:
    """The variants of a list: the member that holds its rows, and whether more pages follow."""
    return {
        "empty page": lambda body: body.get(rows) == [],
        "last page": lambda body: bool(body.get(rows)) and not more(body),
        "more pages": lambda body: more(body),
    }


class StateTable(Protocol):
    """What a scenario's `state` and a snapshot need to know of a table."""

    def add(self, call: Call, name: str, entry: Row) -> None:
        """Add a row to the table `name` from what a scenario says of it."""

    def problems(self, contract: Contract, entry: Row) -> list[Violation]:
        """What is wrong with what a scenario says of a row."""

    def whole_problems(self, contract: Contract, row: Row) -> list[Violation]:
        """What is wrong with a row of a snapshot, which must be whole: nothing is filled in."""


class RowTable(StateTable, Protocol):
    """A table whose rows a rule can read and change by their members."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The variables of a path that choose among several collections of such rows."""

    def flaws(self, contract: Contract, id: str, members: Row) -> list[Violation]:
        """What is wrong with a row that has these members."""

    def find(self, call: Call, name: str, id: str) -> Row | None:
        """The members of a row of the table `name`, or None."""

    def all(self, call: Call, name: str) -> list[Row]:
        """The members of all rows, newest first."""

    def change(self, call: Call, name: str, id: str, members: Row) -> bool:
        """Change members of a row; false when there is none."""

    def remove(self, call: Call, name: str, id: str) -> bool:
        """Remove a row; false when there is none."""


@record(frozen=True)
class Table:
    """A table whose rows a scenario's `state` may give."""

    schema: str
    """The component schema that a row, as shown, must pass."""
    make: Callable[[Call, Row], Row]
    """A whole row, with an `id`, from what the scenario says; the rest is filled in."""
    members: Mapping[str, type]
    """The members that every row has, and the type of each; any of them may be None."""
    shown: Callable[[Row], JSON] = lambda row: row
    """The row as the API shows it."""
    parents: tuple[str, ...] = ()
    """None: its rows are one collection."""

    def add(self, call: Call, name: str, entry: Row) -> None:
        """Add a row to the table `name` from what a scenario says of it."""
        call.add(name, self.make(call, entry))

    def flaws(self, contract: Contract, id: str, members: Row) -> list[Violation]:
        """What is wrong with a row that has these members."""
        return self.problems(contract, members)

    def find(self, call: Call, name: str, id: str) -> Row | None:
        """The members of a row of the table `name`, or None."""
        return call.get(name, id)

    def all(self, call: Call, name: str) -> list[Row]:
        """The members of all rows, newest first."""
        return call.rows(name)

    def change(self, call: Call, name: str, id: str, members: Row) -> bool:
        """Change members of a row; false when there is none."""
        row = call.get(name, id)
        if row is not None:
            call.replace(name, row, {**row, **members, "id": row["id"]})
        return row is not None

    def remove(self, call: Call, name: str, id: str) -> bool:
        """Remove a row; false when there is none."""
        row = call.get(name, id)
        if row is not None:
            call.remove(name, row)
        return row is not None

    def problems(self, contract: Contract, entry: Row) -> list[Violation]:
        """What is wrong with what a scenario says of a row."""
        unknown = [name for name in entry if name not in self.members]
        if unknown:
            known = did_you_mean(unknown[0], self.members)
            return [Violation("server", "body", pointer_of(unknown[:1]), f"is unknown{known}", unknown[0], "")]
        row = self.make(nobody(MemoryStore(0), 0.0, 0), entry)
        return contract.check_schema(self.schema, self.shown(row))

    def whole_problems(self, contract: Contract, row: Row) -> list[Violation]:
        """What is wrong with a row of a snapshot, which must be whole: nothing is filled in."""
        for name, kind in self.members.items():
            if name not in row:
                return [Violation("server", "body", pointer_of([name]), "is missing", "nothing", "a value")]
            if row[name] is not None and type(row[name]) is not kind:
                found, expected = type(row[name]).__name__, kind.__name__
                return [Violation("server", "body", pointer_of([name]), f"must be {expected}", found, expected)]
        known = {name: value for name, value in row.items() if name in self.members}
        return self.problems(contract, known) or contract.check_schema(self.schema, self.shown(row))


def nobody(store: Store, now: float, seed: int) -> Call:
    """A call of nobody in particular, to make rows with."""
    return Call(Checked(), Request("", ""), now, "", "", store, seed)
