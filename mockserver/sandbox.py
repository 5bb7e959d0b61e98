"""One isolated world: its state, credits, limits, clock and journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mockserver.apis.base import Api
from mockserver.clock import Clock
from mockserver.ratelimit import Limit
from mockserver.store import MemoryStore, Store


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms on which a sandbox starts."""

    credits: float = 10_000
    keys: tuple[str, ...] = ()
    """Valid API keys; when there are none, every non-empty key is valid."""
    limit: Limit | Literal["vendor"] | None = "vendor"
    """Overrides every API's own rate limit; None switches limits off."""
    seed: int = 0
    characters_per_credit: int = 1000
    """Characters of embedded text that one credit pays for."""
    stateless: bool = False
    """Answer every operation with a sample of its success; nothing is kept, metered or limited."""


class Sandbox:
    """A world that requests are answered in."""

    def __init__(self, name: str, terms: Terms, clock: Clock | None = None, store: Store | None = None) -> None:
        self.name = name
        self.terms = terms
        self.clock = clock or Clock()
        self.store: Store = store or MemoryStore(terms.credits)

    def limit(self, api: Api) -> Limit | None:
        """The rate limit of an API in this world. A stateless world has one only when it was asked for."""
        if self.terms.limit != "vendor":
            return self.terms.limit
        return None if self.terms.stateless else api.limit
