"""Where the state of sandboxes can be kept, by the scheme of `--state`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from mockserver.errors import UserError
from mockserver.sandbox.sandboxes import Sandboxes

Maker = Callable[..., Sandboxes]
"""Makes the sandboxes, given APIs, terms, bounds and the scenarios of the default one."""


def _memory(url: str) -> Maker:
    return Sandboxes


def _redis(url: str) -> Maker:
    try:
        from mockserver.sandbox.shared import SharedSandboxes
        from mockserver.state.redis.connection import Connection
    except ModuleNotFoundError:
        raise UserError(f"--state {urlsplit(url).scheme}: needs redis-py: pip install 'mockserver[redis]'") from None
    return partial(SharedSandboxes, Connection(url))


BACKENDS: dict[str, Callable[[str], Maker]] = {"memory": _memory, "redis": _redis, "rediss": _redis, "unix": _redis}


def open_backend(state: str) -> Maker:
    """What makes the sandboxes for `memory` or a URL. Raises UserError for another text, or when nothing answers."""
    scheme = urlsplit(state).scheme or state
    if scheme not in BACKENDS:
        shown = state.rpartition("@")[2]  # what stands before may be a password
        raise UserError(f"--state {shown!r} is not where state can be kept; there are {', '.join(BACKENDS)}")
    return BACKENDS[scheme](state)
