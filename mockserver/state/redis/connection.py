"""The way to Redis: scripts, time limits, and a 503 for whoever asks while there is none.

A command is sent once. One that may have been done must not be done again, and a caller that hears 503
knows best whether to retry.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mockserver.clock import monotonic
from mockserver.errors import Problem, UserError

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


class Gone(Problem):
    """The world was reset or deleted."""


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
        self._timeout: float = self.client.connection_pool.connection_kwargs["socket_timeout"]
        seconds, micros = self.call("TIME")
        self._ahead: float = seconds + micros / 1_000_000 - monotonic()

    def deadline(self, ahead: float | None = None) -> float:
        """Epoch seconds of Redis's clock at which we give up what we ask for now.

        `ahead` is by how much the time of Redis is ahead of `monotonic`, where that is known better than here.
        """
        return monotonic() + (self._ahead if ahead is None else ahead) + self._timeout * IN_TIME

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

    def _ask(self, question: Any) -> Any:
        if monotonic() < self._resting_until:
            raise _unavailable("The shared store does not answer.")
        try:
            return question()
        except redis.TimeoutError as error:
            self._resting_until = monotonic() + REST
            log.warning("Redis at %s: %s", self.where, error)
            raise _unavailable("The shared store does not answer.") from None
        except redis.ConnectionError as error:
            log.warning("Redis at %s: %s", self.where, error)
            raise _unavailable("The shared store cannot be reached.") from None
        except redis.ResponseError as error:
            if str(error).startswith("GONE"):
                raise Gone("unavailable", "The sandbox was reset or deleted while this was answered.") from None
            if str(error).startswith("LATE"):
                raise _unavailable("The shared store was too slow.") from None
            log.error("Redis at %s: %s", self.where, error)
            raise _unavailable("The shared store refuses to do this.") from None


def _seconds(query: dict[str, str]) -> dict[str, float]:
    """The time limits that the URL gives."""
    limits = {name: query[name] for name in ("socket_timeout", "socket_connect_timeout") if name in query}
    if "socket_timeout" in limits:
        limits.setdefault("socket_connect_timeout", limits["socket_timeout"])
    return {name: float(text) for name, text in limits.items()}


def _unavailable(message: str) -> Problem:
    return Problem("unavailable", message, headers={"retry-after": "1"})
