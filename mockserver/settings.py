"""The settings of a server, checked once at start-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mockserver.apis import BUNDLED, Api, load_api
from mockserver.errors import UserError
from mockserver.pipeline import Pipeline
from mockserver.ratelimit import Limit
from mockserver.sandbox import Sandbox, Terms


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve. Every field has an option of `mockserver serve` and a `MOCKSERVER_*` variable."""

    host: str = "127.0.0.1"
    port: int = 4010
    apis: tuple[str, ...] = tuple(BUNDLED)
    """Names of bundled APIs, or OpenAPI files as `PATH` or `NAME=PATH`."""
    api_keys: tuple[str, ...] = ()
    credits: float = 10_000
    rate_limit: Limit | Literal["vendor"] | None = "vendor"
    seed: int = 0
    stateless: bool = False
    characters_per_credit: int = 1000
    max_body: int = 1024 * 1024
    """Bytes of a request body that are read."""
    log_level: str = "info"

    def pipeline(self) -> Pipeline:
        """Load the contracts and make the default sandbox. Raises UserError."""
        apis: list[Api] = []
        for spec in self.apis:
            api = load_api(spec)
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
        )
        return Pipeline(apis, Sandbox("default", terms))
