"""The data that travels through the server: requests, responses, violations, exchanges.

Plain records with no behaviour beyond small conveniences. They know nothing of HTTP servers,
contracts or vendors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, NamedTuple

from mockserver.records import record

JSON = Any
"""A JSON value as orjson gives it: dict, list, str, int, float, bool or None."""

ChangeKind = Literal["added", "changed", "removed"]

Decider = Literal[
    "route",
    "key",
    "limit",
    "prefer",
    "validation",
    "rule",
    "credits",
    "idempotency",
    "behaviour",
    "sample",
    "response",
    "webhook",
    "upstream",
]
Stage = Literal["", Decider]
"""The stages of a request's life that may decide what is answered.

`route`: no sandbox, path or method (404, 405). `key`: 401, 403. `limit`: 429. `prefer`: the `Prefer` header asked for
it. `validation`: 413, 415, 400, 406. `rule`: a scenario's rule. `credits`: 402.
`idempotency`: the response that the key had before, or that the key cannot be used. `behaviour`: the operation itself.
`sample`: a sample from the contract, where there is no behaviour. `response`: the response broke the contract.
`webhook`: no request to the server, but one that it sent; its path is the whole URL.
`upstream`: the real API answered, or could not (502, 504).
"" where a failure came between them.
"""

RuleAction = Literal["", "key", "limit", "content", "behaviour", "change", "then"]
"""What a rule does beside its faults: `key`, `limit`, `content` and `behaviour` are where it gives a response of its
own, the last one a stream; `change` is that it sets or removes members of the real response, and `then` that
something happens besides, and nothing else."""

MAX_CHANGES = 20
"""Rows that an exchange names of those that it changed."""

Side = Literal["client", "server", "upstream", "declared"]
"""Whose fault a violation is: the caller's, ours, or one a scenario declared with `violates`."""

Traits = tuple[str, int, str, str, tuple[str, ...], str, tuple[str, ...]]
"""What exchanges are found by in a journal: operationId, status, rule, stage, the sides that broke the contract, API,
and the faults that the rule did."""


class Headers(dict[str, str]):
    """Header fields by lower-case name.

    A field that is repeated reads as its values joined by a comma (RFC 9110, 5.3), a cookie as RFC 6265 joins them;
    `get_all` and `pairs` keep the values apart.
    """

    _repeated: dict[str, list[str]] | None = None

    def add(self, name: str, value: str) -> None:
        """Add a field line; an earlier one of that name stays."""
        if name not in self:
            self[name] = value
            return
        values = [*self.get_all(name), value]
        if self._repeated is None:
            self._repeated = {}
        self._repeated[name] = values
        self[name] = _joined(name, values)

    def get_all(self, name: str) -> list[str]:
        """The values of a field, one for each line; none when it is not there."""
        if name not in self:
            return []
        values = self._repeated.get(name) if self._repeated else None
        # A field that was set since then has one line.
        return values if values and _joined(name, values) == self[name] else [self[name]]

    def pairs(self) -> list[tuple[str, str]]:
        """Every field line as name and value."""
        if not self._repeated:
            return list(self.items())
        return [(name, value) for name in self for value in self.get_all(name)]

    @classmethod
    def of(cls, fields: Mapping[str, str | Sequence[str]]) -> Headers:
        """From values by name, or lists of values for fields that are repeated."""
        headers = cls()
        for name, values in fields.items():
            for value in [values] if isinstance(values, str) else values:
                headers.add(name, value)
        return headers

    def by_name(self) -> Mapping[str, str | list[str]]:
        """What `of` takes: the value of each field, or the list of its values."""
        if not self._repeated:
            return self
        lines = {name: self.get_all(name) for name in self}
        return {name: values if len(values) > 1 else values[0] for name, values in lines.items()}

    def copy(self) -> Headers:
        """Another one with the same lines."""
        new = Headers(self)
        if self._repeated:
            new._repeated = dict(self._repeated)
        return new


def _joined(name: str, values: Sequence[str]) -> str:
    return ("; " if name == "cookie" else ", ").join(values)


@record()
class Request:
    """One HTTP request, as received.

    `path` keeps its percent-encoding, so that an encoded slash inside an id survives.
    """

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    too_large: bool = False
    """The body was longer than the server reads; `body` is then empty."""
    refusal: Exception | None = None
    """Why the body cannot be decoded; whoever reads the body raises it."""


class Piece(NamedTuple):
    """A part of a response that goes out by itself."""

    content: bytes
    wait: float = 0.0
    """Real seconds before it."""
    stall: float = 0.0
    """The same wait in seconds of the sandbox's clock, which a frozen one has passed already."""


@record(frozen=True)
class Stream:
    """How the items of a stream go out."""

    every: float = 0.0
    """Seconds on the sandbox's clock between two of them."""
    end: str = ""
    """The data of the event that ends it, such as `[DONE]`; "" for none."""
    event: tuple[str, ...] = ()
    """The way to the member of an item that names its event."""
    count: int = 1
    """How many items a sample has."""


@record()
class Delivery:
    """How a response goes out."""

    delay: float = 0.0
    """Real seconds before the first byte."""
    latency: float = 0.0
    """The same wait in seconds of the sandbox's clock, which a frozen one has passed already."""
    hang: float = 0.0
    """Real seconds to say nothing before giving up."""
    chunk: int = 0
    """Bytes at a time; 0 sends the body whole."""
    every: float = 0.0
    """Real seconds between two chunks."""
    pieces: list[Piece] = field(default_factory=list)
    """The items of a stream, each of which goes out by itself; none for a response that is no stream."""
    end: Literal["", "cut", "reset"] = ""
    """How the connection ends after the pieces, when the response does not."""
    lost: str = ""
    """`reset_before`, `reset_after_commit`, `empty` or `hang` when no whole response goes out."""


@record()
class Response:
    """One HTTP response: a JSON value in `data`, or raw bytes in `content`, or no body at all."""

    status: int
    data: JSON = None
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name."""
    media_type: str | None = "application/json"
    """None means that the response has no body."""
    content: bytes | None = None
    """The body as it leaves; made from `data` when the response is finished."""
    delivery: Delivery | None = None
    """How it goes out; None sends it whole and at once."""
    pieces: list[bytes] | None = None
    """The same as `content`, item by item; None when it is no stream."""
    stream: Stream | None = None
    """How a stream goes out; None for one that goes out at once."""
    sampled: frozenset[str] = frozenset()
    """Names of headers whose values are made up: what the server itself says in such a header goes before."""


@record(frozen=True)
class Violation:
    """A breach of the contract: who made it, where, what was found and what was expected."""

    side: Side
    where: str
    """The part of the message: `path`, `query`, `header`, `body`, `status`, `content-type`."""
    pointer: str
    """RFC 6901 pointer into the body, or the name of the parameter or header."""
    message: str
    found: str
    expected: str
    keyword: str = ""
    """The schema keyword that was broken, for example `required` or `maximum`."""

    @property
    def field(self) -> str:
        """The place in a reader's words: `memory`, `query limit`, `body`."""
        if self.where == "body":
            return self.pointer.lstrip("/").replace("/", ".") or "body"
        return f"{self.where} {self.pointer}".strip()

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def as_json(self) -> dict[str, str]:
        """The violation as the admin API and the journal show it."""
        return {
            "side": self.side,
            "where": self.where,
            "pointer": self.pointer,
            "message": self.message,
            "found": self.found,
            "expected": self.expected,
            "keyword": self.keyword,
        }


@record()
class Write:
    """One row to add, to replace or to remove; a behaviour collects them, the store commits them together."""

    table: str
    id: str
    row: JSON = None
    """The row as it will be; None removes it."""
    was: JSON = None
    """The row that it takes the place of, as it was read; None when it is a new one."""
    partition: str = ""


Change = tuple[ChangeKind, str, str]
"""What became of one row, its table and its id."""


@record(frozen=True)
class Limit:
    """At most `max` requests in any `window` seconds."""

    max: int
    window: float = 60.0

    def __str__(self) -> str:
        return f"{self.max}/{self.window:g}s"


@record()
class Window:
    """What a sliding window said of one request."""

    limit: int
    remaining: int
    """Requests that are still admitted now, after this one."""
    free_at: float
    """Epoch seconds at which the next slot frees (now, when the window is empty)."""
    admitted: bool = True


@record(frozen=True)
class Limited:
    """The sliding window that refused a request."""

    max: int
    window: float
    """Seconds."""
    free_at: float
    """Epoch seconds at which the next request is admitted; the oldest that counts came `window` seconds before."""
    callers: Sequence[str]
    """What the callers have in common whose requests count together: `teamspace`, `key`; nothing when all count."""
    requests: str
    """Which requests count, for example `POST /user-memories`; "" for all."""


@record()
class Balance:
    """The credit account: `total` granted, `consumed` charged. A store replaces it and never changes it."""

    total: float
    consumed: float = 0

    @property
    def remaining(self) -> float:
        """Credits that are left to spend."""
        return self.total - self.consumed


@record(eq=False, repr=False)
class Exchange:
    """One request with everything that became of it; the journal keeps these."""

    request: Request
    at: float
    """Epoch seconds on the sandbox's clock."""
    response: Response | None = None
    """What was sent, or would have been when `lost` says that nothing arrived."""
    api: str = ""
    operation: str = ""
    sandbox: str = ""
    stage: Stage = ""
    """The stage of the request's life that decided what is answered."""
    reason: str = ""
    """Why the mock answered an error, in a sentence without secrets; "" when a scenario or the vendor's rows did."""
    limited: Limited | None = None
    """The window that refused it; None when none did."""
    violations: Sequence[Violation] = ()
    replied_at: float | None = None
    """Epoch seconds on the sandbox's clock at which the response began to go out; None when unknown."""
    duration: float = 0.0
    """Seconds of real time spent answering."""
    number: int = 0
    """Place in the journal, from 1."""
    rule: str = ""
    """The id of the scenario rule that acted."""
    rule_at: str = ""
    """Where that rule stands: `file:line`."""
    rule_call: int = 0
    """How many requests the rule had counted with this one."""
    rule_action: RuleAction = ""
    """What the rule did beside its faults."""
    violates: str = ""
    """What the rule's `violates` says."""
    charged: float = 0
    """Credits charged for this request."""
    committed: bool = False
    """Whether the behaviour ran, so that state may have changed."""
    changes: Sequence[Change] = ()
    """The rows that it changed, the first MAX_CHANGES of them."""
    changed: int = 0
    """How many rows it changed."""
    lost: str = ""
    """Why no whole response arrived: `reset_before`, `reset_after_commit`, `empty`, `hang`, or ""."""
    faults: Sequence[str] = ()
    """Names of the faults that the rule did, as in the scenario."""
    defect: str = ""
    """Set when the mock itself failed, or a behaviour: what went wrong, with `file:line`. Never sent to the client."""
    traceback: str = ""
    """The traceback of that failure, bounded and without secrets. Never sent to the client."""
    cut: Sequence[int] | None = None
    """Bytes of the two bodies as they were, when the journal keeps less of one; None when it keeps both whole."""

    @property
    def status(self) -> int:
        """The status that was answered; 0 when nothing was done."""
        return self.response.status if self.response else 0

    def __repr__(self) -> str:
        return f"<Exchange #{self.number} {self.request.method} {self.request.path} {self.status}>"
