"""Several redis-servers that belong together, for tests: a cluster, and a primary that a Sentinel looks after."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from redis_server import RedisServer

SECONDS = 30
"""How long it may take until they have found each other."""


def until(holds, what: str) -> None:
    """Wait until something holds."""
    for _ in range(SECONDS * 20):
        with contextlib.suppress(redis.RedisError):
            if holds():
                return
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {SECONDS} s")


@contextlib.contextmanager
def cluster(nodes: int = 3) -> Iterator[list[RedisServer]]:
    """A cluster of primaries."""
    with contextlib.ExitStack() as stack:
        ports = [str(RedisServer().port) for _ in range(nodes)]
        options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port")
        servers = [stack.enter_context(RedisServer(options=(*options, port))) for port in ports]
        clients = [stack.enter_context(contextlib.closing(redis.Redis(port=each.port))) for each in servers]
        for number, client in enumerate(clients):
            first, last = 16384 * number // nodes, 16384 * (number + 1) // nodes - 1
            client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER MEET", "127.0.0.1", servers[0].port, ports[0])
        for client in clients:
            until(lambda client=client: client.cluster("INFO")["cluster_state"] == "ok", "the cluster is whole")
            until(lambda client=client: len(client.cluster("NODES")) == nodes, "its nodes know each other")
        yield servers


class Watched:
    """A primary, its replica, and the Sentinel that looks after them."""

    def __init__(self, primary: RedisServer, replica: RedisServer, port: int) -> None:
        self.primary, self.replica = primary, replica
        self.url = f"redis://127.0.0.1:{port}/0?sentinel=main"
        self.sentinel = redis.Redis(port=port)


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """A primary with a replica, and a Sentinel that makes that one the primary when the first is gone."""
    with RedisServer() as primary, RedisServer(options=("--replicaof", f"127.0.0.1 {primary.port}")) as replica:
        file, port = folder / "sentinel.conf", RedisServer().port
        file.write_text(
            f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {primary.port} 1\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 5000\n"
        )
        process = subprocess.Popen(["redis-server", file, "--sentinel"], stdout=subprocess.DEVNULL)
        group = Watched(primary, replica, port)
        try:
            with contextlib.closing(redis.Redis(port=replica.port)) as client:
                until(lambda: client.info()["master_link_status"] == "up", "the replica follows")
            until(lambda: len(group.sentinel.sentinel_slaves("main")) == 1, "the Sentinel knows the replica")
            yield group
        finally:
            group.sentinel.close()
            process.kill()
            process.wait(10)
