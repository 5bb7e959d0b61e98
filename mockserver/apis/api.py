"""What an API is to the server: its contract, its behaviours, its errors and its prices.

Everything but the contract has a default that suits any document. Must not know: sandboxes, scenarios, sockets.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, cast

from mockserver.apis.base import Answer, Behaviour, Call, RowTable, StateTable, Table, Variant
from mockserver.apis.errors import Errors, ErrorTerms
from mockserver.apis.resources.model import Resource, Unknown
from mockserver.apis.webhooks import Webhook, callback, declared
from mockserver.contract import Contract, Operation, load_contract
from mockserver.contract.load import contract_of
from mockserver.contract.media_types import essence, is_json
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import JSON, Limit, Request, Response, Stream
from mockserver.records import record

if TYPE_CHECKING:
    from mockserver.apis.resources.behaviours import Resourceful
    from mockserver.apis.resources.handle import Handle
    from mockserver.text.spread import Spread

Price = Callable[[Call, int], float]
"""Credits that a call costs, given the call and the characters of embedded text that one credit pays for."""

_Function = TypeVar("_Function", bound=Behaviour)


def one_tenant(_: Request) -> str:
    """The tenant of an API that does not tell its callers apart."""
    return ""


@record(frozen=True)
class ApiLimit:
    """A rate limit of some operations of an API."""

    operations: frozenset[str]
    per: tuple[str, ...]
    """What shares a window: `tenant`, `path`, `method`, `key`."""
    limit: Limit
    headers: str = "x-ratelimit"
    """In which headers it is told: `x-ratelimit`, `ratelimit` or `none`."""
    retry_after: str = "seconds"
    """How `Retry-After` tells the time: in `seconds`, or as a `date`."""
    name: str = "default"
    """What the `ratelimit` headers call it."""


@record(frozen=True)
class Idempotency:
    """How an API treats a request that is sent again with its key."""

    header: str = "idempotency-key"
    """The header with the key, in lower case."""
    keep: float = 86_400.0
    """Seconds on the sandbox's clock for which a response is kept."""
    operations: frozenset[str] = frozenset()
    """The operations that take a key."""
    conflict: int = 0
    """The status for a key that came with another request; 0 for the declared one of 409, 422 and 400."""
    required: bool = False
    """Whether a request without a key is rejected with 400."""


class Extras(TypedDict, total=False):
    """What may be said of an API beside its contract; the fields of `Api` say what each is."""

    behaviours: Mapping[str, Behaviour]
    error_body: Callable[[Problem], JSON] | None
    error_media_type: str
    limit: Limit | None
    tenant: Callable[[Request], str]
    tables: Mapping[str, Table]
    costs: Mapping[str, Price | float]
    url_keyword: str
    client_keyword: str
    bill: Callable[[JSON, float | None], None]
    variants: Mapping[str, Mapping[str, Variant]]
    unknown_ids: Unknown | None
    found_resources: list[Resource] | None
    error_terms: Mapping[int | str, ErrorTerms]
    limits: tuple[ApiLimit, ...]
    keys: Mapping[str, frozenset[str] | None]
    credits: float | None
    webhooks: Mapping[str, Webhook]
    tenant_variable: str
    tenant_is_key: bool
    idempotency: Idempotency | None
    latency: Mapping[str, Spread]
    streams: Mapping[str, Stream]
    scenario_folders: tuple[Path, ...]
    files: tuple[Path, ...]
    tenant_name: str


@record(frozen=True)
class Api:
    """One API.

    Raises UserError when behaviours, costs or variants name no operation of the contract, or a table no schema.
    """

    name: str
    contract: Contract
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    """By operationId. An operation without one answers a sample from the contract."""
    error_body: Callable[[Problem], JSON] | None = None
    """The body of an error in the vendor's own shape; None takes what the document declares for the status."""
    error_media_type: str = "application/json"
    """The media type of that body."""
    limit: Limit | None = None
    """The vendor's rate limit per tenant, path and method."""
    tenant: Callable[[Request], str] = one_tenant
    """The partition of the state that a caller sees."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """The tables that a scenario's `state` may fill, by name."""
    costs: Mapping[str, Price | float] = field(default_factory=dict)
    """Credits that an operation costs, by operationId: a number, or a Price."""
    url_keyword: str = "base_url"
    """What the vendor's own client calls the argument that takes the URL."""
    client_keyword: str = "http_client"
    """What it calls the argument that takes an httpx client."""
    bill: Callable[[JSON, float | None], None] = lambda data, consumed: None
    """Write the charge into a response's body; None when the billing write was lost."""
    variants: Mapping[str, Mapping[str, Variant]] = field(default_factory=dict)
    """By operationId: the ways in which a success may look, which coverage counts, by their names."""
    unknown_ids: Unknown | None = None
    """Keeps rows for operations without a behaviour, as the document tells of them (`apis.inferred`), and says what
    a read of an id that nobody created gets. None answers them with samples."""
    found_resources: list[Resource] | None = None
    """The resources, where they are known already; None has them inferred."""
    error_terms: Mapping[int | str, ErrorTerms] = field(default_factory=dict)
    """What errors are, by their status or the name of their kind, where they are not as the document has them."""
    limits: tuple[ApiLimit, ...] = ()
    """Rate limits of some operations; all that concern an operation count, and go before `limit`."""
    keys: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    """The valid API keys, and what each may do: methods or operationIds, or everything (None). Where there are none,
    every key is valid."""
    credits: float | None = None
    """Credits that a sandbox starts with, where nothing else is asked for."""
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    """What is sent to the client's own server, by name; those of the document are there without being named."""
    tenant_variable: str = ""
    """The variable of the paths that partitions the state; goes before `tenant`."""
    tenant_is_key: bool = False
    """Whether each API key has a state of its own."""
    idempotency: Idempotency | None = None
    """What a request that is sent again with its key gets; None where the API knows no keys for that."""
    latency: Mapping[str, Spread] = field(default_factory=dict)
    """By operationId, or `*` for all others: how long a response takes on the sandbox's clock."""
    streams: Mapping[str, Stream] = field(default_factory=dict)
    """By operationId, or `*` for all others: how the items of a stream go out."""
    scenario_folders: tuple[Path, ...] = ()
    """Folders with scenarios for it, which are found there by their names."""
    files: tuple[Path, ...] = ()
    """What it was made from beside its document: code that is read again when it changes."""
    tenant_name: str = "tenant"
    """What the vendor calls a tenant."""
    errors: Errors = field(init=False, repr=False, compare=False)
    """Makes the error responses."""
    key_texts: tuple[bytes, ...] = field(init=False, repr=False, compare=False)
    """The valid API keys as bytes."""
    _inferred: list[list[Resourceful]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "errors", Errors(self.contract, self.error_body, self.error_media_type, self.error_terms)
        )
        object.__setattr__(self, "_inferred", [])
        object.__setattr__(self, "key_texts", tuple(key.encode() for key in self.keys))
        object.__setattr__(self, "behaviours", dict(self.behaviours))
        object.__setattr__(self, "costs", dict(self.costs))
        object.__setattr__(self, "webhooks", {**_described(self.contract), **self.webhooks})
        for what, ids in (("behaviours", self.behaviours), ("costs", self.costs), ("variants", self.variants)):
            self._check(what, ids, "operation", self.contract.operations)
        schemas = (self.contract.document.get("components") or {}).get("schemas") or {}
        self._check("tables", [table.schema for table in self.tables.values()], "schema", schemas)
        for id, behaviour in self.behaviours.items():
            self._check_plain(id, behaviour)

    def _check(self, what: str, names: Iterable[str], kind: str, known: Mapping[str, Any]) -> None:
        for name in names:
            if name not in known:
                hint = did_you_mean(name, known)
                raise UserError(f"API {self.name!r}: {what} name {name!r}, but the contract has no such {kind}{hint}")

    def _check_plain(self, id: str, behaviour: Behaviour) -> None:
        if inspect.iscoroutinefunction(behaviour) or not callable(behaviour):
            raise UserError(
                f"API {self.name!r}: the behaviour of {id!r} is no plain function; write `def`, not `async`"
            )

    @classmethod
    def from_openapi(
        cls,
        document: str | Path | Mapping[str, Any],
        *,
        name: str | None = None,
        overlay: str | Path | None = None,
        strict: bool = False,
        allow_remote_refs: bool = False,
        **extras: Unpack[Extras],
    ) -> Api:
        """An API over an OpenAPI document: a file, or the document itself.

        Args:
            document: the path of a YAML or JSON file, or the parsed document.
            name: what to call the API; the file's name without its ending when not given.
            overlay: an OpenAPI Overlay file to apply first; only for a document in a file.
            strict: validate the document with openapi-spec-validator too.
            allow_remote_refs: follow references of a file to http and https URLs.
            extras: fields of `Api`.

        Raises:
            UserError: the document cannot be used, or the extras name what it does not have.
        """
        if isinstance(document, Mapping):
            if name is None or overlay is not None:
                raise UserError("a document that is not in a file needs a name, and can have no overlay")
            contract = contract_of(document, name, strict=strict)
        else:
            over = None if overlay is None else Path(overlay)
            contract = load_contract(
                Path(document), over, name=name, strict=strict, allow_remote_refs=allow_remote_refs
            )
        extras.setdefault("unknown_ids", "imagine")
        return cls(contract.name, contract, **extras)

    @classmethod
    def from_profile(cls, path: str | Path, *, name: str | None = None, strict: bool = False) -> Api:
        """The API that a profile describes, to which behaviours can be added.

        Args:
            path: the profile, `NAME.mock.yaml`.
            name: what to call the API; what the profile says when not given, else the file's name.
            strict: validate its document with openapi-spec-validator too.

        Raises:
            UserError: the profile contradicts its document, or one of them cannot be used.
        """
        from mockserver.apis.profiles.load import load_profile

        return load_profile(Path(path), name=name or "", strict=strict)

    def operation(self, id: str, *, costs: Price | float | None = None) -> Callable[[_Function], _Function]:
        """A decorator that makes a function the behaviour of an operation. To be used before the API is served.

        Args:
            id: the operationId; `GET /path` for an operation that has none.
            costs: credits that a call costs: a number, or a Price.

        Raises:
            UserError: the contract has no such operation, or it has a behaviour already.
        """
        self._check("behaviours", [id], "operation", self.contract.operations)
        if id in self.behaviours:
            raise UserError(f"API {self.name!r}: {id!r} has two behaviours")

        def register(behaviour: _Function) -> _Function:
            self._check_plain(id, behaviour)
            cast("dict[str, Behaviour]", self.behaviours)[id] = behaviour
            if costs is not None:
                cast("dict[str, Price | float]", self.costs)[id] = costs
            return behaviour

        return register

    @property
    def resources(self) -> list[Resource]:
        """The kinds of rows that are kept for operations without a behaviour."""
        return [resourceful.resource for resourceful in self.resourcefuls]

    def behaviour(self, operation: Operation) -> Behaviour | None:
        """What answers an operation: its own behaviour, or that of its resource; None for a sample."""
        own = self.behaviours.get(operation.id)
        if own is not None or self.unknown_ids is None:
            return own
        return next((r.behaviour(operation) for r in self.resourcefuls if operation.id in r.resource.operations), None)

    def resource(self, name: str, call: Call) -> Handle:
        """The rows of a resource, for a behaviour. Raises UserError when there is no such resource."""
        from mockserver.apis.resources.handle import Handle

        for resourceful in self.resourcefuls:
            if resourceful.resource.name == name:
                return Handle(resourceful, call)
        known = [resource.name for resource in self.resources]
        raise UserError(f"API {self.name!r} has no resource {name!r}{did_you_mean(name, known)}")

    @property
    def state_tables(self) -> Mapping[str, StateTable]:
        """The tables that a scenario's `state` and a snapshot may fill, by name."""
        if self.unknown_ids is None:
            return self.tables
        from mockserver.apis.resources.table import DeletedTable, ResourceTable

        inferred: dict[str, StateTable] = {}
        for resourceful in self.resourcefuls:
            name = resourceful.resource.name
            inferred |= {name: ResourceTable(resourceful), f"{name}.deleted": DeletedTable()}
        return {**inferred, **self.tables}

    @property
    def row_tables(self) -> Mapping[str, RowTable]:
        """The tables whose rows a rule may read and change, by name."""
        from mockserver.apis.resources.table import ResourceTable

        inferred = {r.resource.name: ResourceTable(r) for r in self.resourcefuls}
        return {**inferred, **self.tables}

    @property
    def resourcefuls(self) -> list[Resourceful]:
        """What answers for each resource; found when it is first asked for."""
        if self.unknown_ids is not None and not self._inferred:
            from mockserver.apis.inferred import infer  # the bundled APIs have all their behaviours
            from mockserver.apis.resources.behaviours import Resourceful

            made = []
            for resource in self.found_resources if self.found_resources is not None else infer(self.contract):
                if self.found_resources is None:
                    resource.unknown = self.unknown_ids
                made.append(Resourceful(self.contract, resource))
            self._inferred.append(made)
        return self._inferred[0] if self._inferred else []

    def price(self, operation: Operation) -> Price | None:
        """What an operation costs; None for one that is not metered."""
        cost = self.costs.get(operation.id)
        return (lambda call, characters: cost) if isinstance(cost, (int, float)) else cost


def _described(contract: Contract) -> dict[str, Webhook]:
    """The webhooks and callbacks of a document. A callback whose URL cannot be read is left out."""
    described = declared(contract)
    for operation in contract.operations.values():
        for outgoing in contract.callbacks(operation) if "callbacks" in operation.node else ():
            with contextlib.suppress(UserError):
                sent = callback(operation, outgoing)
                described[sent.name] = sent
    return described


def tell_tables_apart(apis: Sequence[Api]) -> None:
    """See that no two APIs keep their rows in one table: a resource whose name is taken gets its API's name too."""
    if len(apis) < 2:
        return
    taken = {name for api in apis for name in api.tables}
    for api in apis:
        for resource in api.resources:
            if resource.name in taken:
                resource.name = f"{api.name}.{resource.name}"
            taken.add(resource.name)


def response_of(operation: Operation, result: Answer) -> Response:
    """The response that a behaviour means: its own, or one made of a JSON value, perhaps with a status.

    Raises TypeError for anything else.
    """
    if isinstance(result, Response):
        return result
    status, data = operation.success, result
    if isinstance(result, tuple):
        if len(result) != 2 or type(result[0]) is not int:
            shown = f"a tuple of {len(result)} values" if len(result) != 2 else f"a tuple with {result[0]!r} first"
            raise TypeError(f"returned {shown}; {_RETURNS}")
        status, data = result
    if not isinstance(data, _JSON_TYPES):
        raise TypeError(f"returned {_article(type(data).__name__)}; {_RETURNS}")
    declared_response = operation.response(status)
    content = (declared_response.node.get("content") or {}) if declared_response is not None else {}
    if status in (204, 205, 304) or (data is None and not content):
        return Response(status, media_type=None)
    media_type = next((name for name in content if is_json(essence(name))), next(iter(content), "application/json"))
    if data is None and (schema := operation.response_schema(status)) is not None:
        reading = declared_response.bodies[media_type] if declared_response is not None else None
        if reading is not None and not reading.is_valid(None):
            what = f"returned None, and a {status} of {operation.id} has a body"
            raise TypeError(f"{what} (#{schema.pointer}); {_RETURNS}")
    return Response(status, data, media_type=media_type)


_JSON_TYPES = (dict, list, str, int, float, bool, type(None), bytes)
_RETURNS = "return a Response, a JSON value, or a status and a JSON value"


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
