"""How often a request goes to the shared store, counted by Redis itself (MONITOR)."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
import redis
from redis_server import RedisServer
from test_shared import listed, replicas, send  # noqa: F401 (a fixture)

from mockserver.messages import Limit
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import parse_scenario
from mockserver.state.redis.reads import MOST_BYTES, Reads

RULES = """
version: 1
name: scripted
api: datagrid
rules: [{id: no, op: Memory.listUserMemory, reply: {server_error: {}}}]
"""


class Monitor:
    """Counts the commands that clients send to a Redis, without those that scripts do."""

    def __init__(self, server: RedisServer) -> None:
        self._client = redis.Redis(port=server.port)
        self._other = redis.Redis(port=server.port)
        self._other.ping()  # or its greeting would be seen

    def of(self, act: Callable[[], object]) -> list[str]:
        """The commands that an act sends."""
        with self._client.monitor() as monitor:
            act()
            self._other.echo("the end")
            commands: list[str] = []
            while True:
                seen = monitor.next_command()
                if seen["command"].startswith("ECHO"):
                    return commands
                if seen["client_type"] != "lua":
                    commands.append(seen["command"].split()[0])


@pytest.fixture(scope="module")
def monitor(redis_server: RedisServer) -> Monitor:
    return Monitor(redis_server)


def trips(monitor: Monitor, pipeline: Pipeline, status: int, *asked: object, **more: object) -> int:
    """The round trips of the third of three equal requests: the first ones may have to learn."""
    for _ in range(2):
        assert send(pipeline, *asked, **more).status == status
    return len(monitor.of(lambda: send(pipeline, *asked, **more)))


def test_a_request_costs_one_round_trip_or_two(replicas, monitor):  # noqa: F811
    (one,) = replicas(1)
    assert trips(monitor, one, 201) == 1
    assert trips(monitor, one, 200, "GET") == 1, "nothing has changed since it was read"
    assert len(monitor.of(lambda: (send(one), send(one, "GET")))) == 1 + 2
    assert trips(monitor, one, 400, body={"agent_id": 1}) == 1
    assert trips(monitor, one, 404, "PUT", "/nothing/here") == 1
    one.sandbox.use(parse_scenario(RULES, one.apis, "rules.yaml"))
    assert trips(monitor, one, 500, "GET") == 1


def test_a_wrong_guess_costs_one_more(replicas, monitor):  # noqa: F811
    one, other = replicas(2)
    for pipeline in (one, other) * 5:
        assert send(pipeline).status == 201
        assert send(pipeline, "GET").status == 200
    assert len(monitor.of(lambda: send(one, "GET"))) == 2
    for pipeline in (one, other, one, other):
        assert len(monitor.of(lambda pipeline=pipeline: send(pipeline))) == 2
    for _ in range(10):
        send(one)
    assert len(monitor.of(lambda: send(one))) == 1, "once it is alone it guesses right again"


def test_what_was_read_is_told_again_only_while_it_is_so(replicas):  # noqa: F811
    one, other = replicas(2)
    first, second = (orjson.loads(send(one).response.content)["id"] for _ in range(2))
    assert [listed(one) for _ in range(2)] == [[second, first]] * 2
    send(other, "DELETE", f"/v1/user-memories/{first}")
    assert listed(one) == [second]
    before = one.sandbox.store.snapshot()
    third = orjson.loads(send(other).response.content)["id"]
    assert listed(one) == listed(other) == [third, second]
    other.sandbox.store.restore(before)
    assert listed(one) == listed(other) == [second]
    other.sandbox.reset()
    assert listed(one) == []
    other.sandboxes._redis.call("FLUSHDB")
    again = orjson.loads(send(other).response.content)["id"]
    assert listed(one) == [again], "a store that forgot everything begins with other versions"


def test_what_is_kept_of_what_was_read_is_bounded():
    reads = Reads(room=1000)
    for n in range(10):
        reads.keep(n, 1, [1, b"x" * 300], n)
    reads.keep(9, 2, [1, b"x" * 300], "anew")
    reads.keep("long", 1, [1, b"x" * MOST_BYTES], None)
    assert [n for n in range(10) if reads.get(n, 1)] == [8]
    assert reads.get(9, 2).value == "anew"
    assert reads.get("long", 1) is None


def test_one_row_is_read_once_too(replicas, monitor):  # noqa: F811
    (one,) = replicas(1)
    path = f"/v1/user-memories/{orjson.loads(send(one).response.content)['id']}"
    assert trips(monitor, one, 404, "DELETE", "/v1/user-memories/nothing") == 1
    assert len(monitor.of(lambda: send(one, "DELETE", path))) == 2
    assert trips(monitor, one, 404, "DELETE", path) == 1


def test_a_row_that_is_still_not_there_is_guessed_beside_a_wrong_guess(replicas):  # noqa: F811
    one, other = replicas(2, limit=Limit(50, 60.0))
    path = "/v1/user-memories/nothing"
    for n in range(6):
        assert send((one, one, other)[n % 3], "DELETE", path).status == 404


def test_rows_are_guessed_until_others_change_them_often_and_again_when_they_stop(replicas, monitor):  # noqa: F811
    one, other = replicas(2, limit=None)
    send(one, "GET")
    for _ in range(4):
        send(other)
        send(one, "GET")
    assert one.sandbox.store.guesses.rows_are_doubtful
    for _ in range(9):
        send(one, "GET")
    assert len(monitor.of(lambda: send(one, "GET"))) == 1


def test_rows_are_guessed_though_the_window_is_always_another(replicas):  # noqa: F811
    one, other = replicas(2)
    for _ in range(9):
        send(one, "GET")
        send(other, "GET")
    guesses = one.sandbox.store.guesses
    assert (guesses.are_doubtful, guesses.rows_are_doubtful) == (True, False)
