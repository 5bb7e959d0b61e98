"""The settings of a server: each with its default, its meaning, its unit and its bounds, in one place.

The options of `mockserver serve`, the `MOCKSERVER_*` variables and the tables of the documentation are made from
the fields of `Settings`. This module is data: it imports nothing but the records of `messages`, builds nothing,
and checks nothing; the command line checks values against the bounds that stand here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, field, fields
from typing import Any, Literal

from mockserver.messages import Limit
from mockserver.records import record

Kind = Literal[
    "text", "list", "key", "keys", "flag", "integer", "number", "duration", "mebibytes", "limit", "choice", "file"
]
"""How the value of an option is written. A duration is seconds in the setting and `30s` on the command line, mebibytes
are bytes in the setting. Keys go into headers. A list, or keys, are a repeatable option, or a variable with commas."""

GROUPS = {
    "Server": "where and how to listen",
    "Contracts": "which APIs to serve, and how strictly to check",
    "Sandboxes": "what every sandbox starts with",
    "Storage": "where state is kept, and how much of it",
    "Connections": "what clients may send",
    "Logging": "what to print",
}
"""The headings of `mockserver serve --help` and of the documentation, in order."""


@record(frozen=True)
class Option:
    """How a setting is given, and what it means."""

    group: str
    """A heading of GROUPS."""
    kind: Kind
    help: str
    """An imperative or a noun phrase that stands alone, with the unit; one sentence, or two."""
    name: str = ""
    """The option without its dashes; the name of the field when empty."""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    shown: str = ""
    """The default in a reader's words, where the value does not say it."""
    negated: bool = False
    """Whether a flag has a `--no-` form, to undo what a variable says."""


def _option(group: str, kind: Kind, help: str, **more: Any) -> dict[str, Option]:
    return {"option": Option(group, kind, help, **more)}


@record(frozen=True)
class Settings:
    """How to serve. Every field has an option of `mockserver serve` and a `MOCKSERVER_*` variable."""

    host: str = field(
        default="127.0.0.1", metadata=_option("Server", "text", "Address to listen on.", metavar="ADDRESS")
    )
    port: int = field(
        default=4010,
        metadata=_option("Server", "integer", "Port to listen on; 0 picks a free one.", least=0, most=65535),
    )
    workers: int = field(
        default=1,
        metadata=_option(
            "Server", "integer", "Number of server processes. More than one need a shared --state.", least=1, most=256
        ),
    )
    admin_port: int | None = field(
        default=None,
        metadata=_option(
            "Server",
            "integer",
            "Separate port for the admin API, which then leaves --port.",
            least=0,
            most=65535,
            shown="same as --port",
        ),
    )
    admin_token: str = field(
        default="",
        metadata=_option(
            "Server", "key", "Token that admin requests must send in X-Mockserver-Admin.", metavar="TOKEN"
        ),
    )

    apis: tuple[str, ...] = field(
        default=(),
        metadata=_option(
            "Contracts",
            "list",
            "API to serve: a bundled one (datagrid, mem0), an OpenAPI file as PATH or NAME=PATH, "
            "or Python code as MODULE:ATTRIBUTE. Repeatable.",
            name="api",
            metavar="API",
            shown="all bundled ones",
        ),
    )
    behaviours: tuple[str, ...] = field(
        default=(),
        metadata=_option(
            "Contracts",
            "list",
            "Python behaviours for an API, as MODULE:ATTRIBUTE or API=MODULE:ATTRIBUTE: a mockserver.Behaviours. "
            "Repeatable.",
            metavar="CODE",
        ),
    )
    spec_dir: str = field(
        default="",
        metadata=_option(
            "Contracts", "text", "Folder in which --api also looks for files, by name or stem.", metavar="DIR"
        ),
    )
    strict: bool = field(
        default=False,
        metadata=_option(
            "Contracts",
            "flag",
            "Refuse a document with any fault, and validate it with openapi-spec-validator too. By default the sound "
            "parts are served, and what is left out is named at the start.",
            negated=True,
        ),
    )
    allow_remote_refs: bool = field(
        default=False,
        metadata=_option(
            "Contracts", "flag", "Fetch documents by URL: those given to serve, and those that a $ref names."
        ),
    )
    lenient_accept: bool = field(
        default=False,
        metadata=_option(
            "Contracts", "flag", "Send the first declared media type instead of 406 when Accept names no declared one."
        ),
    )
    watch: bool = field(
        default=False,
        metadata=_option(
            "Contracts", "flag", "Reload a document or a scenario when its file changes; rows that still pass are kept."
        ),
    )
    oracle: Literal["off", "on-reject", "always"] = field(
        default="off",
        metadata=_option(
            "Contracts",
            "choice",
            "Cross-check requests and responses with openapi-core, which takes milliseconds each. "
            "A disagreement is a defect in the journal.",
            choices=("off", "on-reject", "always"),
        ),
    )
    verify_wire: bool = field(
        default=False,
        metadata=_option(
            "Contracts", "flag", "Parse and validate every response once more from the bytes about to be sent."
        ),
    )

    api_keys: tuple[str, ...] = field(
        default=(),
        metadata=_option(
            "Sandboxes",
            "keys",
            "Valid API key; any other key is rejected with 401. Repeatable.",
            name="api-key",
            metavar="KEY",
            shown="any key is valid",
        ),
    )
    credits: float = field(
        default=10_000,
        metadata=_option("Sandboxes", "number", "Credits that a sandbox starts with.", least=0, most=1e15),
    )
    characters_per_credit: int = field(
        default=1000,
        metadata=_option(
            "Sandboxes", "integer", "Characters of embedded text per credit.", name="credit-characters", least=1
        ),
    )
    rate_limit: Limit | Literal["vendor"] | None = field(
        default="vendor",
        metadata=_option(
            "Sandboxes",
            "limit",
            "Requests per window for every operation (200, 200/60s), vendor for each vendor's own limit, or off.",
        ),
    )
    seed: int = field(default=0, metadata=_option("Sandboxes", "integer", "Seed of generated ids and samples."))
    unknown_ids: Literal["imagine", "404"] = field(
        default="imagine",
        metadata=_option(
            "Sandboxes",
            "choice",
            "Response to a read of an id that nobody created, for your own documents: a sample that is kept (imagine), "
            "or the declared 404.",
            choices=("imagine", "404"),
        ),
    )
    stateless: bool = field(
        default=False,
        metadata=_option("Sandboxes", "flag", "Answer every operation with a sample of its success; store nothing."),
    )
    callback_hosts: tuple[str, ...] = field(
        default=(),
        metadata=_option(
            "Sandboxes",
            "list",
            "Host beside loopback that webhooks and callbacks may be sent to. Repeatable.",
            name="callback-host",
            metavar="HOST",
        ),
    )
    scenarios: tuple[str, ...] = field(
        default=(),
        metadata=_option(
            "Sandboxes",
            "list",
            "Scenario of the default sandbox: a bundled name, or a file. Repeatable, one per API.",
            name="scenario",
            metavar="SCENARIO",
        ),
    )
    scenario_dir: str = field(
        default="",
        metadata=_option(
            "Sandboxes", "text", "Folder in which --scenario also looks for files, by name or stem.", metavar="DIR"
        ),
    )

    state: str = field(
        default="memory",
        metadata=_option(
            "Storage",
            "text",
            "Where sandboxes are kept: memory, or redis://HOST[:PORT][/DB] to share them.",
            metavar="STORE",
        ),
    )
    state_file: str = field(
        default="",
        metadata=_option(
            "Storage", "file", "File that holds the state of the default sandbox: loaded at start, saved at exit."
        ),
    )
    max_sandboxes: int = field(
        default=10_000, metadata=_option("Storage", "integer", "Maximum number of sandboxes.", least=1)
    )
    sandbox_idle: float | None = field(
        default=None,
        metadata=_option(
            "Storage", "duration", "Remove sandboxes after this long without a request, such as 30m.", shown="never"
        ),
    )
    max_rows: int = field(
        default=1_000_000,
        metadata=_option(
            "Storage",
            "integer",
            "Maximum number of rows in a sandbox; a request that would store more gets 503.",
            least=1,
        ),
    )
    max_memory: int | None = field(
        default=None,
        metadata=_option(
            "Storage",
            "mebibytes",
            "Resident memory in MiB above which no sandbox is created.",
            least=1,
            shown="no limit",
        ),
    )
    journal_size: int = field(
        default=10_000,
        metadata=_option(
            "Storage", "integer", "Maximum number of exchanges in a sandbox's journal; the oldest go first.", least=1
        ),
    )
    journal_bytes: int = field(
        default=64 * 1024 * 1024,
        metadata=_option("Storage", "integer", "Maximum total size of a sandbox's journal in bytes.", least=1),
    )

    journal_body: int = field(
        default=64 * 1024,
        metadata=_option(
            "Storage",
            "integer",
            "Maximum number of bytes of a body that a journal keeps; longer ones are cut.",
            least=1,
        ),
    )

    max_body: int = field(
        default=1024 * 1024,
        metadata=_option(
            "Connections", "integer", "Maximum size of a request body in bytes; larger ones get 413.", least=1
        ),
    )
    max_head: int = field(
        default=64 * 1024,
        metadata=_option(
            "Connections",
            "integer",
            "Maximum size of the request line and headers in bytes; larger ones get 431.",
            least=1024,
        ),
    )
    max_connections: int = field(
        default=10_000,
        metadata=_option(
            "Connections", "integer", "Maximum number of open connections; further ones get 503.", least=1
        ),
    )
    request_timeout: float = field(
        default=30.0,
        metadata=_option(
            "Connections",
            "duration",
            "Time for a request to arrive before it gets 408, and for a client to read its response.",
            least=0.001,
        ),
    )
    idle_timeout: float = field(
        default=75.0,
        metadata=_option(
            "Connections", "duration", "Close a connection after this long without a request.", least=0.001
        ),
    )

    log_level: str = field(
        default="info",
        metadata=_option(
            "Logging",
            "choice",
            "Least severe messages to log; info includes a line per request.",
            choices=("debug", "info", "warning", "error"),
        ),
    )
    log_format: str = field(
        default="text",
        metadata=_option(
            "Logging", "choice", "Text for people, or one JSON object per line.", choices=("text", "json")
        ),
    )
    show_secrets: bool = field(
        default=False,
        metadata=_option(
            "Logging", "flag", "Show keys and cookies in journal, log and reports instead of masking them."
        ),
    )

    @property
    def socket_bounds(self) -> SocketBounds:
        """What clients may do with connections."""
        return SocketBounds(self.max_connections, self.max_head, self.request_timeout, self.idle_timeout)


DEFAULTS = Settings()
"""The settings of a server without any option. Every other default is read from here."""


def options() -> Iterator[tuple[Field[Any], Option]]:
    """The fields of Settings with their options, by group."""
    found = [(known, known.metadata["option"]) for known in fields(Settings)]
    order = list(GROUPS)
    yield from sorted(found, key=lambda pair: order.index(pair[1].group))


def option_name(known: Field[Any]) -> str:
    """The option of a field, without its dashes: `api-key`."""
    return known.metadata["option"].name or known.name.replace("_", "-")


def variable(known: Field[Any]) -> str:
    """The variable of a field: `MOCKSERVER_API_KEY`."""
    return "MOCKSERVER_" + option_name(known).replace("-", "_").upper()


@record(frozen=True)
class SocketBounds:
    """What a client may do with connections."""

    connections: int = DEFAULTS.max_connections
    """Connections at a time; a further one is answered 503."""
    head_bytes: int = DEFAULTS.max_head
    """Bytes of the request line and the headers; more is rejected with 431."""
    request_seconds: float = DEFAULTS.request_timeout
    """Seconds that a request may take to arrive; then it is 408. A response may go unread for as long."""
    idle_seconds: float = DEFAULTS.idle_timeout
    """Seconds that a connection is kept without a request."""
