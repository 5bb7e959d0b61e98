"""Faults as a client meets them: on a real socket, and in process through the httpx transport."""

from __future__ import annotations

import socket
import threading
from random import Random
from statistics import median, quantiles

import httpx
import pytest

from mockserver.messages import Delivery, Response
from mockserver.scenarios import parse_scenario
from mockserver.scenarios.fault import NO_FAULT, Faults
from mockserver.scenarios.faults import Latency
from mockserver.testing.transports.for_httpx import MockTransport
from mockserver.text.spread import MAX_SECONDS

HEAD = "version: 1\nname: test\napi: datagrid\nclock: {start: 2026-01-01T00:00:00Z, mode: frozen}\nrules:\n"
CREATE = "  - {id: r, op: Memory.createUserMemory, when: {call: 1}, fault: {%s}, violates: on purpose}\n"
MEMORY = {"agent_id": "a", "memory": "m"}
HEADERS = {"Authorization": "Bearer k"}


@pytest.fixture(params=["socket", "in process"])
def client(request, make_server, make_pipeline):
    """An httpx client, over a real socket or in process; `client.pipeline` is the server's."""
    if request.param == "socket":
        server = make_server()
        pipeline = server.app.state.pipeline
        made = httpx.Client(base_url=server.url, headers=HEADERS, timeout=5)
    else:
        pipeline = make_pipeline()
        transport = MockTransport(pipeline)
        made = httpx.Client(base_url="http://mock", transport=transport, headers=HEADERS, timeout=5)
    made.pipeline = pipeline
    with made:
        yield made


def use(client, faults):
    pipeline = client.pipeline
    pipeline.sandbox.use(parse_scenario(HEAD + CREATE % faults, pipeline.apis, "t.yaml"))
    return pipeline.sandbox


def rows(sandbox):
    return len(sandbox.store.rows("user_memories"))


def test_reset_before_commit(client):
    sandbox = use(client, "reset: before")
    with pytest.raises(httpx.ReadError):
        client.post("/user-memories", json=MEMORY)
    assert rows(sandbox) == 0
    (exchange,) = sandbox.exchanges()
    assert (exchange.status, exchange.lost, exchange.committed, exchange.charged) == (0, "reset_before", False, 0)


def test_reset_after_commit(client):
    sandbox = use(client, "reset: after_commit")
    with pytest.raises(httpx.ReadError):
        client.post("/user-memories", json=MEMORY)
    assert rows(sandbox) == 1
    (exchange,) = sandbox.exchanges()
    assert (exchange.status, exchange.lost, exchange.committed) == (201, "reset_after_commit", True)
    assert exchange.charged == sandbox.store.balance().consumed == 1
    assert client.post("/user-memories", json=MEMORY).status_code == 201


def test_empty_response(client):
    sandbox = use(client, "empty: true")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/user-memories", json=MEMORY)
    assert rows(sandbox) == 1


def test_hang_until_the_client_gives_up(client):
    sandbox = use(client, "hang: 30s")
    client.timeout = httpx.Timeout(5, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/user-memories", json=MEMORY)
    assert rows(sandbox) == 1
    assert client.post("/user-memories", json=MEMORY, timeout=5).status_code == 201


def test_a_hang_is_bounded(make_server):
    server = make_server()
    parse = parse_scenario(HEAD + CREATE % "hang: 50ms", server.app.state.pipeline.apis, "t.yaml")
    server.app.state.pipeline.sandbox.use(parse)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{server.url}/user-memories", json=MEMORY, headers=HEADERS, timeout=30)


@pytest.mark.parametrize("damage", ["truncate: 0.5", "malformed: true", "truncate: 0"])
def test_a_body_that_is_no_json(client, damage):
    sandbox = use(client, f"body: {{{damage}}}")
    answer = client.post("/user-memories", json=MEMORY)
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"(?i)expecting|unterminated|extra|delimiter|property"):
        answer.json()
    assert rows(sandbox) == 1
    assert [v.side for v in sandbox.exchanges()[0].violations] == [], "the damage is no violation of ours"
    assert sandbox.exchanges()[0].violates == "on purpose"


def test_wrong_content_type(client):
    use(client, "content_type: text/html")
    answer = client.post("/user-memories", json=MEMORY)
    assert answer.headers["content-type"] == "text/html"
    assert answer.json()["object"] == "user_memory"


def test_lost_billing_write(client):
    sandbox = use(client, "billing_write: lost")
    answer = client.post("/user-memories", json=MEMORY)
    assert (answer.status_code, answer.json()["credits"]) == (201, None)
    assert rows(sandbox) == 1
    assert sandbox.store.balance().consumed == 0
    assert client.post("/user-memories", json=MEMORY).json()["credits"] == {"consumed": 1}


def test_latency_on_a_frozen_clock_takes_no_real_time(client):
    sandbox = use(client, "latency: 4s")
    before = sandbox.clock.now()
    assert client.post("/user-memories", json=MEMORY).status_code == 201
    assert sandbox.clock.now() - before == 4.0


def test_a_latency_beyond_the_clients_patience_in_process(make_pipeline):
    pipeline = make_pipeline()
    pipeline.sandbox.use(parse_scenario(HEAD + CREATE % "latency: 100s", pipeline.apis, "t.yaml"))
    with (
        httpx.Client(transport=MockTransport(pipeline), base_url="http://mock", headers=HEADERS, timeout=60) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.post("/user-memories", json=MEMORY)
    assert rows(pipeline.sandbox) == 1, "slow, but done"


def test_a_drip_arrives_whole(client):
    sandbox = use(client, "drip: {bytes: 7, every: 1s}")
    before = sandbox.clock.now()
    answer = client.post("/user-memories", json=MEMORY)
    assert answer.json()["memory"] == ["m"]
    assert sandbox.clock.now() - before == len(answer.content) // 7


def test_a_drip_is_pieces_on_the_wire(make_server):
    server = make_server()
    server.app.state.pipeline.sandbox.use(
        parse_scenario(
            HEAD.replace("frozen", "x1000") + CREATE % "drip: {bytes: 20, every: 20s}",
            server.app.state.pipeline.apis,
            "t",
        )
    )
    with httpx.stream("POST", f"{server.url}/user-memories", json=MEMORY, headers=HEADERS) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 3
    assert max(map(len, pieces)) <= 60


def test_a_reset_is_an_rst(make_server):
    server = make_server()
    server.app.state.pipeline.sandbox.use(
        parse_scenario(HEAD + CREATE % "reset: before", server.app.state.pipeline.apis, "t.yaml")
    )
    body = b'{"agent_id": "a", "memory": "m"}'
    head = f"POST /user-memories HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


async def test_the_async_transport(make_pipeline):
    pipeline = make_pipeline()
    pipeline.sandbox.use(parse_scenario(HEAD + CREATE % "reset: after_commit", pipeline.apis, "t.yaml"))
    transport = MockTransport(pipeline)
    async with httpx.AsyncClient(transport=transport, base_url="http://mock", headers=HEADERS) as client:
        with pytest.raises(httpx.ReadError):
            await client.post("/user-memories", json=MEMORY)
        assert (await client.post("/user-memories", json=MEMORY)).status_code == 201
        assert (await client.post("/user-memories", content=b"x" * 2_000_000)).status_code in (413, 415)
        assert (await client.get("/user-memories?limit=0")).status_code == 400


@pytest.mark.slow
def test_the_vendor_client_in_process(make_pipeline):
    from datagrid_ai import Datagrid

    pipeline = make_pipeline()
    with Datagrid(
        api_key="k", base_url="http://mock/v1", http_client=httpx.Client(transport=MockTransport(pipeline))
    ) as client:
        memory = client.memory.user.create(agent_id="a", memory="m")
        assert client.memory.user.list().data[0].id == memory.id


def draws(latency, count=4000):
    random, found = Random(1), []
    for _ in range(count):
        delivery = Delivery()
        latency.pace(delivery, random)
        found.append(delivery.delay)
    return found


def test_latencies_are_distributed_as_they_say():
    assert set(draws(Latency.model_validate("250ms"), 10)) == {0.25}
    uniform = draws(Latency.model_validate({"uniform": ["100ms", "300ms"]}))
    assert min(uniform) >= 0.1 and max(uniform) <= 0.3
    assert abs(median(uniform) - 0.2) < 0.01
    spread = draws(Latency.model_validate({"median": "300ms", "p99": "2s"}))
    assert abs(median(spread) - 0.3) < 0.02
    assert abs(quantiles(spread, n=100)[98] - 2.0) < 0.35
    assert max(draws(Latency.model_validate({"median": "1s", "p99": "300s"}))) <= MAX_SECONDS


def test_the_null_fault_answers_every_question():
    response = Response(200, content=b"x")
    NO_FAULT.damage(response)
    delivery = Delivery()
    NO_FAULT.pace(delivery, Random(1))
    assert (response.content, delivery) == (b"x", Delivery())
    assert not NO_FAULT.before_commit() and not NO_FAULT.after_commit() and not NO_FAULT.loses_billing()
    assert Faults().after_commit() == ""


def test_other_clients_are_served_while_one_hangs(make_server):
    server = make_server()
    server.app.state.pipeline.sandbox.use(
        parse_scenario(HEAD + CREATE % "hang: 20s", server.app.state.pipeline.apis, "t.yaml")
    )
    gone = threading.Event()

    def patient():
        try:
            httpx.post(f"{server.url}/user-memories", json=MEMORY, headers=HEADERS, timeout=1)
        except httpx.ReadTimeout:
            gone.set()

    thread = threading.Thread(target=patient)
    thread.start()
    while not server.app.state.pipeline.sandbox.exchanges():
        pass
    assert httpx.post(f"{server.url}/user-memories", json=MEMORY, headers=HEADERS).status_code == 201
    assert not gone.is_set()
    thread.join()
    assert gone.is_set()
