"""The twin beside the real API: some operations are the twin's, and rules and faults act on real responses too."""

from __future__ import annotations

import gzip

import httpx
import orjson
import pytest
from upstreams import exchanges, proxy, say, upstream

from mockserver.errors import UserError
from mockserver.journal.why import why
from mockserver.scenarios import parse_scenario

CREATED = {
    "object": "user_memory",
    "id": "6c1f3c9e-58f5-4b36-8a52-3f6b1f1f9a01",
    "agent_id": "a1",
    "user_id": "513a0af3-fbe7-4ae0-8892-cc9b1c030438",
    "user_prompt": "",
    "memory": ["m"],
    "context": [],
    "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-01T00:00:00.000Z",
    "credits": {"consumed": 1},
}
PAGE = {"object": "list", "has_more": False, "data": []}


def answer(sock, message):
    is_post = message.startswith(b"POST")
    body = gzip.compress(orjson.dumps(CREATED if is_post else PAGE))
    lines = (
        b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nX-Real: yes\r\nSet-Cookie: s=topsecret; Path=/"
    )
    sock.sendall(b"HTTP/1.1 200 OK\r\n%s\r\nContent-Length: %d\r\n\r\n%s" % (lines, len(body), body))


@pytest.fixture
def real():
    with upstream(answer) as made:
        yield made


def use(served, *rules):
    text = orjson.dumps({"version": 1, "name": "ruled", "api": "datagrid", "rules": list(rules)}).decode()
    pipeline = served.app.state.pipeline
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "ruled.yaml"))


def client(served):
    return httpx.Client(base_url=served.url, headers={"authorization": "Bearer key"}, trust_env=False)


def create(agent, agent_id="a1"):
    return agent.post("/v1/user-memories", json={"agent_id": agent_id, "memory": "m"})


def test_some_operations_are_the_twins(real):
    with (
        proxy(real.url, apis=("datagrid",), twin=("Memory.create*", "POST /user-memories")) as served,
        client(served) as agent,
    ):
        assert create(agent).json()["id"] != CREATED["id"]
        page = agent.get("/v1/user-memories")
        stages = [exchange.stage for exchange in exchanges(served)]
    assert page.headers["x-real"] == "yes" and [got[:4] for got in real.got] == [b"GET "]
    assert stages == ["behaviour", "upstream"]


def test_a_twin_operation_that_does_not_exist_is_a_message(real):
    with (
        pytest.raises(UserError, match=r"--twin Memory.listUserMemori: .*did you mean 'Memory.listUserMemory'"),
        proxy(real.url, apis=("datagrid",), twin=("Memory.listUserMemori",)),
    ):
        pass


def test_a_rule_answers_in_the_place_of_the_real_api(real):
    with proxy(real.url, apis=("datagrid",)) as served, client(served) as agent:
        use(
            served,
            {
                "id": "poor",
                "op": "Memory.createUserMemory",
                "when": {"body": {"subset": {"agent_id": "poor"}}},
                "reply": "out_of_credits",
            },
        )
        assert create(agent, "poor").status_code == 402
        assert create(agent).json() == CREATED
        ruled, passed = exchanges(served)
    assert (ruled.stage, ruled.rule, passed.stage, passed.rule) == ("rule", "poor", "upstream", "")
    assert len(real.got) == 1


def test_a_rule_changes_a_real_response(real):
    with proxy(real.url, apis=("datagrid",)) as served, client(served) as agent:
        use(served, {"id": "more", "op": "Memory.listUserMemory", "when": {"call": 1}, "set": {"/has_more": True}})
        changed, real_one = agent.get("/v1/user-memories"), agent.get("/v1/user-memories")
        (first, second) = exchanges(served)
    assert changed.json() == {**PAGE, "has_more": True} and changed.headers["x-real"] == "yes"
    assert real_one.json() == PAGE
    assert "changed the response" in " ".join(why(first).sentences) and not second.rule


def test_a_rule_that_breaks_the_contract_must_say_so(real):
    with proxy(real.url, apis=("datagrid",)) as served, client(served) as agent:
        use(
            served,
            {
                "id": "bad",
                "op": "Memory.listUserMemory",
                "when": {"call": 1},
                "set": {"/has_more": "text"},
                "violates": "text",
            },
            {"id": "nowhere", "op": "Memory.listUserMemory", "when": {"call": 2}, "set": {"/data/0/agent_id": "a"}},
        )
        bad, nowhere = agent.get("/v1/user-memories"), agent.get("/v1/user-memories")
        declared, defect = exchanges(served)
    assert bad.status_code == 200 and isinstance(bad.json()["has_more"], str)
    assert [violation.side for violation in declared.violations] == ["declared"]
    assert nowhere.status_code == 500 and "leads nowhere" in defect.defect


def test_faults_damage_real_responses(real):
    with proxy(real.url, apis=("datagrid",)) as served, client(served) as agent:
        use(
            served,
            {
                "id": "cut",
                "op": "Memory.listUserMemory",
                "when": {"call": 1},
                "fault": {"body": {"truncate": 0.5}},
                "violates": "cut",
            },
            {"id": "gone", "op": "Memory.listUserMemory", "when": {"call": 2}, "fault": {"reset": "after_commit"}},
            {"id": "late", "op": "Memory.listUserMemory", "when": {"call": 3}, "fault": {"latency": "10ms"}},
            {"id": "never", "op": "Memory.listUserMemory", "when": {"call": 4}, "fault": {"reset": "before"}},
        )
        assert agent.get("/v1/user-memories").text == orjson.dumps(PAGE).decode()[: len(orjson.dumps(PAGE)) // 2]
        with pytest.raises(httpx.TransportError):
            agent.get("/v1/user-memories")
        late = agent.get("/v1/user-memories")
        assert late.json() == PAGE and late.headers["content-encoding"] == "gzip"
        with pytest.raises(httpx.TransportError):
            agent.get("/v1/user-memories")
        lost = [exchange.lost for exchange in exchanges(served)]
    assert lost == ["", "reset_after_commit", "", "reset_before"]
    assert len(real.got) == 3, "a request that is lost before never arrives"


def test_faults_act_on_the_events_of_a_real_stream():
    events = b"data: 1\n\ndata: 2\n\ndata: 3\n\n"

    def stream(sock, message):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(events)
        sock.sendall(head + events)

    with upstream(stream) as real, proxy(real.url, apis=("datagrid",)) as served:
        use(served, {"id": "cut", "op": "Memory.listUserMemory", "fault": {"stream": {"cut_after": 2}}})
        got = say(served.port, b"GET /v1/user-memories HTTP/1.1\r\nHost: x\r\n\r\n", until_closed=True)
    assert b"data: 2" in got and b"data: 3" not in got


def test_sandboxes_keep_their_own_journals_and_rules(real):
    with proxy(real.url, apis=("datagrid",)) as served, client(served) as agent:
        sandboxes = served.app.state.pipeline.sandboxes
        sandboxes.create("one")
        assert agent.get("/~one/datagrid/v1/user-memories?limit=1").json() == PAGE
        assert agent.get("/~two/v1/user-memories").status_code == 404
        assert len(sandboxes.get("one").world.exchanges()) == 1
    assert real.got[0].startswith(b"GET /v1/user-memories?limit=1 ")


def test_nothing_that_is_recorded_holds_a_secret():
    token = b'{"access_token": "tok-\\"1\\"", "scope": "all", "nested": {"client_secret": "cs-1"}, "unwhole": "x'

    def answer(sock, message):
        head = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=cookie-1; HttpOnly\r\nSet-Cookie: b=cookie-2\r\nContent-Length: %d"
        sock.sendall(head % len(token) + b"\r\nContent-Type: application/json\r\n\r\n" + token)

    form = b"grant_type=password&password=pw-1&client_secret=cs-2"
    message = (
        b"POST /oauth/token?api_key=query-1 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic basic-1\r\n"
        b"Cookie: a=cookie-3\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s" % (len(form), form)
    )
    with upstream(answer) as real, proxy(real.url) as served:
        got = say(served.port, message)
        entries = b"".join(entry for _, entry in served.app.state.pipeline.sandbox.world.store.entries(0))
        journal = httpx.get(f"{served.url}/__admin/sandboxes/default/journal", trust_env=False).content
    assert got.endswith(token) and b"sid=cookie-1" in got and real.got[0].endswith(form)
    for text in (entries, journal):
        for secret in (
            b"tok-",
            b"cs-1",
            b"cs-2",
            b"pw-1",
            b"query-1",
            b"basic-1",
            b"cookie-1",
            b"cookie-2",
            b"cookie-3",
        ):
            assert secret not in text
    assert b'"scope"' in entries and b"sid=***; HttpOnly" in entries and b"grant_type=password&" in entries


def test_the_admin_api_tells_of_drift(real):
    def answer(sock, message):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")

    real.answer = answer
    with proxy(real.url, apis=("datagrid",)) as served, client(served) as agent:
        agent.get("/v1/user-memories")
        journal = agent.get("/__admin/sandboxes/default/journal?side=upstream").json()
        reasons = agent.get("/__admin/sandboxes/default/journal/1/why").json()
    (entry,) = journal["entries"]
    assert entry["stage"] == "upstream" and entry["violations"][0]["side"] == "upstream"
    assert entry["why"][1].startswith("The upstream violates the contract: body /object")
    assert [(stage["stage"], stage["outcome"]) for stage in reasons["stages"]] == [
        ("route", "passed"),
        ("validation", "passed"),
        ("upstream", "decided"),
        ("response", "acted"),
    ]
