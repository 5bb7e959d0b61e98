"""The settings of a server, checked once at start-up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mockserver import scenarios
from mockserver.apis import BUNDLED, Api, load_api
from mockserver.contract.referee import Mode
from mockserver.documents import files_in
from mockserver.errors import UserError, did_you_mean
from mockserver.homes import open_home
from mockserver.pipeline import Pipeline
from mockserver.ratelimit import Limit
from mockserver.sandbox import Terms
from mockserver.sandboxes import Bounds
from mockserver.store import MAX_ROWS


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
    apis: tuple[str, ...] = tuple(BUNDLED)
    """Names of bundled APIs, or OpenAPI files as `PATH` or `NAME=PATH`."""
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
    oracle: Mode = "off"
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
    max_rows: int = MAX_ROWS
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

    def pipeline(self) -> Pipeline:
        """Load the contracts and make the default sandbox. Raises UserError."""
        if self.workers > 1 and self.state == "memory":
            raise UserError(f"--workers {self.workers} needs a store that they share; add --state redis://HOST")
        if self.state_file and self.state != "memory":
            raise UserError("--state-file is for state in memory; a shared store keeps its own")
        apis: list[Api] = []
        for spec in self.apis:
            name, equals, file = spec.partition("=")
            path = _find(file if equals else spec, self.spec_dir, () if equals else BUNDLED)
            api = load_api(f"{name}={path}" if equals else path, strict=self.strict)
            if api.name in (known.name for known in apis):
                raise UserError(f"two APIs are called {api.name!r}; name one of them with NAME=PATH")
            apis.append(api)
        terms = Terms(
            credits=self.credits,
            keys=self.api_keys,
            limit=self.rate_limit,
            seed=self.seed,
            characters_per_credit=self.characters_per_credit,
            stateless=self.stateless,
            max_rows=self.max_rows,
            journal_size=self.journal_size,
            journal_bytes=self.journal_bytes,
        )
        bounds = Bounds(self.max_sandboxes, self.sandbox_idle, self.max_memory)
        by_name = {api.name: api for api in apis}
        bundled = scenarios.bundled_scenarios() if self.scenarios else {}
        files = [_find(scenario, self.scenario_dir, bundled) for scenario in self.scenarios]
        chosen = [scenarios.load_scenario(file, by_name) for file in files]
        return Pipeline(
            apis,
            terms,
            bounds,
            self.max_body,
            self.verify_wire,
            self.oracle,
            self.show_secrets,
            chosen,
            open_home(self.state),
        )


def _find(name: str, folder: str, bundled: Collection[str]) -> str:
    """What is bundled stays its name; a file becomes its path, which may be its name or stem in the folder."""
    if not folder or name in bundled:
        return name
    try:
        for path in (Path(name), Path(folder, name)):
            if path.is_file():
                return str(path)
        there = files_in(folder)
    except PermissionError as error:
        raise UserError(f"{error.filename} cannot be read; let everyone read it, and enter its folder") from None
    if name in there:
        return str(there[name])
    names = ", ".join(path.name for path in [*there.values()][:20])
    holds = f"which holds {names}" if there else "which holds no YAML or JSON file"
    hint = did_you_mean(name, [*bundled, *there])
    raise UserError(f"there is no {name!r}: it is not bundled, no file, and not in {folder}, {holds}{hint}")
