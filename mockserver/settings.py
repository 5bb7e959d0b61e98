"""The settings of a server, checked once at start-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mockserver.messages import Limit


@dataclass(frozen=True, slots=True)
class SocketBounds:
    """What a client may do with connections."""

    connections: int = 10_000
    """Connections at a time; a further one is answered 503."""
    head_bytes: int = 64 * 1024
    """Bytes of the request line and the headers; more is 431."""
    request_seconds: float = 30.0
    """Seconds that a request may take to arrive; then it is 408. A reply may go unread for as long."""
    idle_seconds: float = 75.0
    """Seconds that a connection is kept without a request."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve. Every field has an option of `mockserver serve` and a `MOCKSERVER_*` variable."""

    host: str = "127.0.0.1"
    port: int = 4010
    apis: tuple[str, ...] = ()
    """Names of bundled APIs, or OpenAPI files as `PATH` or `NAME=PATH`; none means all that are bundled."""
    spec_dir: str = ""
    """A folder in which those files are looked for too."""
    strict: bool = True
    """Have documents that are not bundled judged by openapi-core's validator too."""
    api_keys: tuple[str, ...] = ()
    credits: float = 10_000
    rate_limit: Limit | Literal["vendor"] | None = "vendor"
    seed: int = 0
    stateless: bool = False
    characters_per_credit: int = 1000
    max_body: int = 1024 * 1024
    """Bytes of a request body that are read."""
    max_connections: int = 10_000
    """Connections at a time."""
    max_head: int = 64 * 1024
    """Bytes of a request line and headers."""
    request_timeout: float = 30.0
    """Seconds that a request may take to arrive."""
    idle_timeout: float = 75.0
    """Seconds that a connection is kept without a request."""
    journal_size: int = 10_000
    """Exchanges that the journal of a sandbox keeps."""
    journal_bytes: int = 64 * 1024 * 1024
    """Bytes that they may take together."""
    verify_wire: bool = False
    """Also read the bytes that are about to leave, and check what they say."""
    oracle: Literal["off", "on-reject", "always"] = "off"
    """When to ask openapi-core for its opinion too."""
    show_secrets: bool = False
    """Record and show keys and cookies as they were sent."""
    log_level: str = "info"
    log_format: str = "text"
    """`text` for people, `json` for machines."""
    scenarios: tuple[str, ...] = ()
    """Scenarios of the default sandbox, one per API: names of bundled ones, or files."""
    scenario_dir: str = ""
    """A folder in which those files are looked for too."""
    admin_token: str = ""
    """When set, the admin API wants it in `X-Mockserver-Admin`."""
    admin_port: int | None = None
    """A port of its own for the admin API, which is then not on the other one."""
    max_sandboxes: int = 10_000
    sandbox_idle: float | None = None
    """Seconds without a request after which a sandbox may be removed; None keeps it."""
    max_memory: int | None = None
    """Bytes of resident memory above which no sandbox is made; None sets no limit."""
    max_rows: int = 1_000_000
    """Rows that a sandbox may hold."""
    state: str = "memory"
    """Where sandboxes are kept: `memory`, or the URL of a Redis that several servers share."""
    workers: int = 1
    """Processes that answer; more than one need a shared store."""
    state_file: str = ""
    """Where the state of the default sandbox is read from at the start and written to at the end; "" keeps none."""

    @property
    def socket_bounds(self) -> SocketBounds:
        """What clients may do with connections."""
        return SocketBounds(self.max_connections, self.max_head, self.request_timeout, self.idle_timeout)
