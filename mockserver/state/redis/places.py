"""Where the servers of a store are: one Redis, the primary that Sentinels name, or the nodes of a cluster.

Which of them it is, the server at the URL says itself. Must not know: what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from mockserver.errors import UserError

TIMEOUT = 2.0
"""Seconds that Redis may take to answer, unless the URL has `socket_timeout`."""
OURS = ("prefix", "sentinel")
"""Parameters of the URL that redis-py does not take."""

Greeting = tuple[tuple[Any, ...], ...]


class Address(NamedTuple):
    """Where a Redis server is."""

    host: str
    port: int
    path: str
    """A Unix socket; "" for a host."""
    greeting: Greeting
    """The commands with which a connection begins."""


class Place:
    """One Redis server.

    Args:
        client: redis-py's client for it.
        options: how its connections are made, as redis-py calls these.
        greeting: commands with which a connection begins once it is let in.
    """

    may_move = False
    """Whether it may be somewhere else later."""

    def __init__(self, client: Any, options: Mapping[str, Any], greeting: Greeting) -> None:
        self.client = client
        self.timeout: float = options["socket_timeout"]
        user = [options["username"]] if options.get("username") else []
        enter: list[tuple[Any, ...]] = [("AUTH", *user, options["password"])] if options.get("password") else []
        if options.get("db"):
            enter.append(("SELECT", str(options["db"])))
        self._greeting = (*enter, *greeting)
        self._only = Address(
            options.get("host", "localhost"), options.get("port", 6379), options.get("path", ""), self._greeting
        )

    def address_of(self, key: str) -> Address | None:
        """Where the server is that has a key; None for one that only the client reaches."""
        return self._only

    def at(self, there: str) -> Address:
        """The address `HOST:PORT`; without a host it is the known one."""
        host, _, port = there.rpartition(":")
        return Address(host or self._only.host, int(port), "", self._greeting)

    def look_again(self) -> None:
        """Find out where the servers are now."""

    def infos(self) -> list[dict[str, Any]]:
        """What each server says of itself that is written to."""
        return [self.client.info()]

    def time(self) -> tuple[int, int]:
        """Seconds and microseconds on its clock."""
        seconds, micros = self.client.time()
        return seconds, micros


class SecurePlace(Place):
    """One Redis server, by TLS, which redis-py speaks."""

    def address_of(self, key: str) -> None:
        """None."""


class WatchedPlace(Place):
    """The primary that Sentinels name.

    Args:
        sentinel: the Sentinels.
        name: what they call it.
        options, greeting: as above.
    """

    may_move = True

    def __init__(self, sentinel: Sentinel, name: str, options: Mapping[str, Any], greeting: Greeting) -> None:
        kept = {key: value for key, value in options.items() if key not in ("host", "port")}
        super().__init__(sentinel.master_for(name, **kept), options, greeting)  # type: ignore[no-untyped-call]
        self._sentinel, self._name = sentinel, name
        self.look_again()

    def look_again(self) -> None:
        host, port = self._sentinel.discover_master(self._name)  # type: ignore[no-untyped-call]
        self._only = Address(host, port, "", self._greeting)


class ClusterPlace(Place):
    """The nodes of a cluster."""

    may_move = True

    def address_of(self, key: str) -> Address | None:
        node = self.client.get_node_from_key(key)
        return None if node is None else Address(node.host, node.port, "", self._greeting)

    def look_again(self) -> None:
        self.client.nodes_manager.initialize()

    def infos(self) -> list[dict[str, Any]]:
        return [self.client.info(target_nodes=node) for node in self.client.get_primaries()]

    def time(self) -> tuple[int, int]:
        seconds, micros = self.client.time(target_nodes=self.client.get_primaries()[0])
        return seconds, micros


def found(url: str, greeting: Greeting) -> Place:
    """What is at a URL. Raises what redis-py does, and UserError for a Sentinel that does not know the name."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    named = query.get("sentinel", "")
    plain = urlunsplit(parts._replace(query=urlencode({k: v for k, v in query.items() if k not in OURS})))
    more = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, **_seconds(query), "retry": _never()}
    if named:
        return _watched(redis.Redis.from_url(plain, **more).connection_pool.connection_kwargs, named, greeting)
    client = redis.Redis.from_url(plain, **more)
    options = client.connection_pool.connection_kwargs
    mode = client.info("server").get("redis_mode")
    if mode == "sentinel":
        masters: Any = client.sentinel_masters()
        names = ", ".join(masters)
        raise UserError(f"--state: {where(url)} is a Sentinel; say which primary it is to name: ?sentinel={names}")
    if mode == "cluster":
        client.close()
        return ClusterPlace(RedisCluster.from_url(plain, **more), options, greeting)
    is_secure = issubclass(client.connection_pool.connection_class, redis.SSLConnection)
    return (SecurePlace if is_secure else Place)(client, options, greeting)


def where(url: str) -> str:
    """Where a URL leads, without any secret."""
    parts = urlsplit(url)
    return parts.hostname or parts.path


def _watched(options: Mapping[str, Any], name: str, greeting: Greeting) -> WatchedPlace:
    limits = {key: options[key] for key in ("socket_timeout", "socket_connect_timeout")}
    known = (options.get("host", "localhost"), options.get("port", 26379))
    first = redis.Redis(*known, retry=_never(), **limits)
    others: Any = first.sentinel_sentinels(name)
    first.close()
    all_known = [known, *((each["ip"], each["port"]) for each in others)]
    sentinel = Sentinel(all_known, sentinel_kwargs=limits, **limits)  # type: ignore[no-untyped-call]
    return WatchedPlace(sentinel, name, options, greeting)


def _never() -> Retry:
    """A command is sent once."""
    return Retry(NoBackoff(), 0)


def _seconds(query: dict[str, str]) -> dict[str, float]:
    """The time limits that the URL gives."""
    limits = {name: query[name] for name in ("socket_timeout", "socket_connect_timeout") if name in query}
    if "socket_timeout" in limits:
        limits.setdefault("socket_connect_timeout", limits["socket_timeout"])
    return {name: float(text) for name, text in limits.items()}
