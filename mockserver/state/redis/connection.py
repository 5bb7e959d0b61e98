"""The way to Redis: scripts, time limits, and a 503 for whoever asks while there is none.

A command is sent once. One that may have been done must not be done again, and a caller that hears 503
knows best whether to retry.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import redis

from mockserver.clock import monotonic
from mockserver.errors import Problem, UserError
from mockserver.state.redis.places import Address, found, where
from mockserver.state.redis.replies import MOVING, meaning, text_of, unavailable
from mockserver.state.redis.wire import Then, Wire

log = logging.getLogger("mockserver")

IN_TIME = 0.9
"""The part of the time that it may take in which Redis has to do something, so that its answer still arrives."""
REST = 0.25
"""Seconds after a command that took too long in which nobody waits again."""
AGAIN = 5.0
"""Seconds after which it is logged again that Redis refuses for the same reason: every request may meet it."""
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


class Connection:
    """The ways to the Redis servers of one store. Safe to use from several threads.

    Args:
        url: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` or `unix://`. Its query may have
            `prefix`, so that several groups of servers can use one database, `sentinel`, which is the name that a
            Sentinel has for the primary, and what redis-py takes there.

    Raises:
        UserError: the URL is none, or no Redis answers there.
    """

    def __init__(self, url: str) -> None:
        self.where = where(url)
        """Where Redis is, without any secret."""
        query = dict(parse_qsl(urlsplit(url).query))
        self.prefix = query.get("prefix", PREFIX) + ":"
        try:
            self._place = found(url, (("SCRIPT", "LOAD", SCRIPTS["steps"]),))
            self.client: Any = self._place.client
            self._insist_on_a_primary()
            seconds, micros = self._place.time()
        except (ValueError, TypeError) as error:
            raise UserError(f"--state: {self.where!r} is not where a Redis can be: {error}") from None
        except redis.RedisError as error:
            raise UserError(f"--state: no Redis answers at {self.where}: {error}") from None
        self._scripts = {name: self.client.register_script(text) for name, text in SCRIPTS.items()}
        self._resting_until = 0.0
        self._told: dict[str, float] = {}
        """When it was last logged that Redis refuses, by the first word of why."""
        self.timeout = self._place.timeout
        """Seconds that Redis may take."""
        self._wires: dict[tuple[asyncio.AbstractEventLoop, Address], Wire] = {}
        self._seeking = threading.Lock()
        """Held while it is found out where the servers are now."""
        self._ahead: float = seconds + micros / 1_000_000 - monotonic()

    def _insist_on_a_primary(self) -> None:
        """See that it can be written, and warn when it may forget. Raises UserError for a read-only replica."""
        for about in self._place.infos():
            if about.get("role") == "slave":
                primary = f"{about.get('master_host')}:{about.get('master_port')}"
                raise UserError(f"--state: {self.where} is a read-only replica; name its primary, {primary}")
            policy = about.get("maxmemory_policy", "noeviction")
            if about.get("maxmemory") and policy != "noeviction":
                log.warning(
                    "Redis at %s may throw away parts of sandboxes when its memory is full (maxmemory-policy %s); "
                    "set noeviction",
                    self.where,
                    policy,
                )

    def deadline(self, ahead: float | None = None) -> float:
        """Epoch seconds of Redis's clock at which we give up what we ask for now.

        `ahead` is by how much the time of Redis is ahead of `monotonic`, where that is known better than here.
        """
        return monotonic() + (self._ahead if ahead is None else ahead) + self.timeout * IN_TIME

    def insist(self) -> None:
        """Raise Problem `unavailable` while nobody waits, because Redis has just been too slow."""
        if monotonic() < self._resting_until:
            raise unavailable("The shared store does not answer.")

    def run(self, script: str, keys: Sequence[str], *arguments: Value) -> Any:
        """What a script returns. Raises Problem `unavailable`."""
        return self._ask(lambda: self._scripts[script](keys=keys, args=arguments))

    def call(self, command: str, *arguments: Value) -> Any:
        """What a command returns. Raises Problem `unavailable`."""
        return self._ask(lambda: self.client.execute_command(command, *arguments))

    def time(self) -> float:
        """Epoch seconds of Redis's clock. Raises Problem `unavailable`."""
        seconds, micros = self._ask(self._place.time)
        return float(seconds + micros / 1_000_000)

    def infos(self) -> list[dict[str, Any]]:
        """What each Redis says of itself. Raises Problem `unavailable`."""
        found: list[dict[str, Any]] = self._ask(self._place.infos)
        return found

    def there(self, keys: Sequence[str]) -> list[bool]:
        """Which of some keys are there."""
        pipe = self.client.pipeline(transaction=False)
        for key in keys:
            pipe.exists(key)
        return [bool(found) for found in self._ask(pipe.execute)] if keys else []

    def send(self, command: Command, then: Then) -> bool:
        """Send a script from an event loop, see `Command.send`."""
        keys = command.keys
        address = self._place.address_of(keys[0])
        if address is None:
            return False
        try:
            self.insist()
        except Problem as problem:
            then(problem)
        else:
            arguments = ("EVALSHA", SHAS[command.script], len(keys), *keys, *command.arguments)
            self._wire(address).send(arguments, then)
        return True

    def _wire(self, address: Address) -> Wire:
        loop = asyncio.get_running_loop()
        wire = self._wires.get((loop, address))
        if wire is None:
            for ended in [known for known in self._wires if known[0].is_closed()]:
                del self._wires[ended]
            wire = self._wires[loop, address] = Wire(self, address)
        return wire

    def moved(self, text: str, packed: bytes, then: Then) -> None:
        """Send a command where the cluster says that its keys are, which has not done it here."""
        word, _, there = text.split(" ")[:3]
        address = self._place.at(there)
        if word == "MOVED":
            self._seek()
        self._wire(address).again(packed, then, is_asking=word == "ASK")

    def _seek(self) -> None:
        """Find out, in a thread, where the servers are now."""

        def seek() -> None:
            try:
                self._place.look_again()
            except redis.RedisError as error:
                log.warning("Redis at %s: %s", self.where, error)
            finally:
                self._seeking.release()

        if self._place.may_move and self._seeking.acquire(blocking=False):
            threading.Thread(target=seek, daemon=True).start()

    def close(self) -> None:
        """End what the running event loop has opened."""
        loop = asyncio.get_running_loop()
        for ended in [known for known in self._wires if known[0] is loop]:
            self._wires.pop(ended).close()

    def lost(self, error: Exception) -> Problem:
        """What is said when a connection is lost, or was too slow: then nobody waits again for a moment."""
        log.warning("Redis at %s: %s", self.where, error)
        self._seek()
        if isinstance(error, redis.TimeoutError | TimeoutError):
            self._resting_until = monotonic() + REST
            return unavailable("The shared store does not answer.")
        return unavailable("The shared store cannot be reached.")

    def refused(self, text: str) -> Problem:
        """What is said when Redis does not do something."""
        problem = meaning(text)
        if problem.word in MOVING:
            self._seek()
        if problem.is_grave and monotonic() > self._told.get(problem.word, 0.0) + AGAIN:
            self._told[problem.word] = monotonic()
            log.error("Redis at %s: %s", self.where, text)
        return problem

    def _ask(self, question: Any) -> Any:
        self.insist()
        try:
            return question()
        except redis.ConnectionError as error:
            raise self.lost(error) from None
        except redis.TimeoutError as error:
            raise self.lost(error) from None
        except redis.ResponseError as error:
            raise self.refused(text_of(error)) from None
