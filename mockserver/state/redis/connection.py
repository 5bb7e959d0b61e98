"""The way to Redis: scripts, time limits, and a 503 for whoever asks while there is none.

A command is sent once. One that may have been done must not be done again, and a caller that hears 503
knows best whether to retry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mockserver.clock import monotonic
from mockserver.errors import Problem, UserError
from mockserver.state.redis.replies import meaning, unavailable
from mockserver.state.redis.wire import Then, Wire

log = logging.getLogger("mockserver")

TIMEOUT = 2.0
"""Seconds that Redis may take to answer, unless the URL has `socket_timeout`."""
IN_TIME = 0.9
"""The part of this in which Redis has to do something, so that its answer still arrives."""
REST = 0.25
"""Seconds after a command that took too long in which nobody waits again."""
PREFIX = "mockserver"
"""What the names of our keys begin with, unless the URL has `prefix`."""

_FOLDER = Path(__file__).parent / "lua"
SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.lua"))}
SHAS = {name: sha1(text.encode(), usedforsecurity=False).hexdigest() for name, text in SCRIPTS.items()}

Value = str | bytes | int | float


class Command(NamedTuple):
    """A script, the keys that it touches, and its arguments."""

    connection: Connection
    script: str
    keys: Sequence[str]
    arguments: Sequence[Value]

    def wait(self) -> Any:
        """What the script returns. Raises Problem `unavailable`."""
        return self.connection.run(self.script, self.keys, *self.arguments)

    def send(self, then: Then) -> bool:
        """Have `then` called with what the script returns, or with the Problem; False when only a thread can wait."""
        return self.connection.send(self, then)


class Address(NamedTuple):
    """Where a Redis server is."""

    host: str
    port: int
    path: str
    """A Unix socket; "" for a host."""
    greeting: tuple[tuple[Any, ...], ...]
    """The commands with which a connection begins."""


class Connection:
    """A pool of connections to one Redis server. Safe to use from several threads.

    Args:
        url: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` or `unix://`. Its query may have
            `prefix`, so that several groups of servers can use one database, and what redis-py takes there.

    Raises:
        UserError: the URL is none, or no Redis answers there.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        self.prefix = query.pop("prefix", PREFIX) + ":"
        self.where = parts.hostname or parts.path
        """Where Redis is, without any secret."""
        try:
            self.client: Any = redis.Redis.from_url(
                urlunsplit(parts._replace(query=urlencode(query))),
                **{"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, **_seconds(query)},
                retry=Retry(NoBackoff(), 0),
            )
            self.client.ping()
        except (ValueError, TypeError) as error:
            raise UserError(f"--state: {self.where!r} is not where a Redis can be: {error}") from None
        except redis.RedisError as error:
            raise UserError(f"--state: no Redis answers at {self.where}: {error}") from None
        self._scripts = {name: self.client.register_script(text) for name, text in SCRIPTS.items()}
        self._resting_until = 0.0
        self.timeout: float = self.client.connection_pool.connection_kwargs["socket_timeout"]
        """Seconds that Redis may take."""
        self._address = _address(self.client)
        self._wires: dict[asyncio.AbstractEventLoop, Wire] = {}
        seconds, micros = self.call("TIME")
        self._ahead: float = seconds + micros / 1_000_000 - monotonic()

    def deadline(self, ahead: float | None = None) -> float:
        """Epoch seconds of Redis's clock at which we give up what we ask for now.

        `ahead` is by how much the time of Redis is ahead of `monotonic`, where that is known better than here.
        """
        return monotonic() + (self._ahead if ahead is None else ahead) + self.timeout * IN_TIME

    def run(self, script: str, keys: Sequence[str], *arguments: Value) -> Any:
        """What a script returns. Raises Problem `unavailable`."""
        return self._ask(lambda: self._scripts[script](keys=keys, args=arguments))

    def call(self, command: str, *arguments: Value) -> Any:
        """What a command returns. Raises Problem `unavailable`."""
        return self._ask(lambda: self.client.execute_command(command, *arguments))

    def there(self, keys: Sequence[str]) -> list[bool]:
        """Which of some keys are there."""
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.exists(key)
        return [bool(found) for found in self._ask(pipe.execute)] if keys else []

    def send(self, command: Command, then: Then) -> bool:
        """Send a script from an event loop, see `Command.send`."""
        if self._address is None:
            return False
        if monotonic() < self._resting_until:
            then(unavailable("The shared store does not answer."))
            return True
        loop = asyncio.get_running_loop()
        wire = self._wires.get(loop)
        if wire is None:
            for ended in [known for known in self._wires if known.is_closed()]:
                del self._wires[ended]
            wire = self._wires[loop] = Wire(self, self._address)
        keys = command.keys
        wire.send(("EVALSHA", SHAS[command.script], len(keys), *keys, *command.arguments), then)
        return True

    def close(self) -> None:
        """End what the running event loop has opened."""
        wire = self._wires.pop(asyncio.get_running_loop(), None)
        if wire is not None:
            wire.close()

    def lost(self, error: Exception) -> Problem:
        """What is said when a connection is lost, or was too slow: then nobody waits again for a moment."""
        log.warning("Redis at %s: %s", self.where, error)
        if isinstance(error, redis.TimeoutError | TimeoutError):
            self._resting_until = monotonic() + REST
            return unavailable("The shared store does not answer.")
        return unavailable("The shared store cannot be reached.")

    def refused(self, text: str) -> Problem:
        """What is said when Redis does not do something."""
        problem = meaning(text)
        if problem.is_grave:
            log.error("Redis at %s: %s", self.where, text)
        return problem

    def _ask(self, question: Any) -> Any:
        if monotonic() < self._resting_until:
            raise unavailable("The shared store does not answer.")
        try:
            return question()
        except redis.ConnectionError as error:
            raise self.lost(error) from None
        except redis.TimeoutError as error:
            raise self.lost(error) from None
        except redis.ResponseError as error:
            raise self.refused(str(error)) from None


def _address(client: Any) -> Address | None:
    """Where a client's server is; None for one that only it can reach."""
    pool = client.connection_pool
    options = pool.connection_kwargs
    if issubclass(pool.connection_class, redis.SSLConnection):
        return None
    greeting: list[tuple[Any, ...]] = []
    if options.get("password"):
        user = [options["username"]] if options.get("username") else []
        greeting.append(("AUTH", *user, options["password"]))
    if options.get("db"):
        greeting.append(("SELECT", str(options["db"])))
    greeting.append(("SCRIPT", "LOAD", SCRIPTS["steps"]))
    return Address(options.get("host", "localhost"), options.get("port", 6379), options.get("path", ""), (*greeting,))


def _seconds(query: dict[str, str]) -> dict[str, float]:
    """The time limits that the URL gives."""
    limits = {name: query[name] for name in ("socket_timeout", "socket_connect_timeout") if name in query}
    if "socket_timeout" in limits:
        limits.setdefault("socket_connect_timeout", limits["socket_timeout"])
    return {name: float(text) for name, text in limits.items()}
