"""The life of a request: the order of the stages, bad input, and what is recorded."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest
from contracts import contract

from mockserver.apis import Api
from mockserver.errors import Problem, UserError
from mockserver.messages import Balance, Headers, Limit, Request, Response, Write
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import parse_scenario
from mockserver.settings import Settings

GOOD = b'{"agent_id": "a", "memory": "m"}'
HEADERS = {"authorization": "Bearer key", "content-type": "application/json"}


def send(pipeline, method="POST", path="/v1/user-memories", query="", body=GOOD, **headers):
    """Send a request; header names are written with underscores, None leaves one out."""
    given = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    given = {name: value for name, value in given.items() if value is not None}
    exchange = pipeline.exchange(Request(method, path, query, given, body if method != "GET" else b""))
    response = exchange.response
    assert response.content is not None
    return exchange, orjson.loads(response.content) if response.content else None


def stored(pipeline):
    return pipeline.sandbox.store.page("user_memories", 0, 100).total


@pytest.fixture
def pipeline(make_pipeline):
    return make_pipeline()


@pytest.mark.parametrize("value", [None, "", "Bearer", "Bearer ", "Bearer  ", "Basic abc", "Token abc", "abc"])
def test_no_or_empty_token_is_401(pipeline, value):
    exchange, body = send(pipeline, authorization=value)
    assert exchange.status == 401
    assert body["error"] == "unauthorized"
    assert body["status_code"] == body["statusCode"] == 401
    assert stored(pipeline) == 0


def test_401_counts_no_request_but_tells_the_limit(pipeline):
    send(pipeline)
    exchange, _ = send(pipeline, authorization=None)
    assert exchange.response.headers["x-ratelimit-remaining"] == "199"


def test_unknown_path_is_404_and_names_the_nearest(pipeline):
    exchange, body = send(pipeline, path="/v1/user-memorys")
    assert exchange.status == 404
    assert "did you mean '/v1/user-memories'" in body["message"]


def test_unknown_path_is_answered_in_the_shape_of_the_api_it_looks_like(pipeline):
    assert "detail" in send(pipeline, path="/v1/memoriez")[1]
    assert "status_code" in send(pipeline, path="/v1/user-memoriez")[1]


def test_other_method_is_405_with_allow(pipeline):
    exchange, body = send(pipeline, method="PATCH")
    assert exchange.status == 405
    assert exchange.response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert body["error"] == "method_not_allowed"


def test_404_and_405_reach_the_journal(pipeline):
    send(pipeline, path="/nowhere")
    send(pipeline, method="PUT")
    assert [exchange.status for exchange in pipeline.sandbox.exchanges()] == [404, 405]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "body: is required and missing"),
        (b"{", "body: is not valid JSON"),
        (b"[]", "body: must be an object, not an empty array"),
        (b"null", "body: must be an object, not null"),
        (b"{}", "agent_id: is required and missing; memory: is required and missing"),
        (b'{"agent_id": "a"}', "memory: is required and missing"),
        (b'{"agent_id": "a", "memory": null}', "memory: must be a string, not null"),
        (b'{"agent_id": ["a"], "memory": "m"}', "agent_id: must be a string, not an array of 1"),
        (b'{"agent_id": "a", "memory": "m", "context": 1}', "context: must be null or a string, not the integer 1"),
        (b'{"agent_id": "a", "agent_id": "b", "memory": "m"}', "body: has the key 'agent_id' twice"),
        (b'{"agent_id": "a", "memory": "m", "x": NaN}', "body: is not valid JSON"),
        (b'{"agent_id": "a", "memory": "m", "x": Infinity}', "body: is not valid JSON"),
        (b'{"agent_id": "a", "memory": "m", "x": 1e999}', "body: is not valid JSON"),
        (b'{"agent_id": "\xff", "memory": "m"}', "body: is not valid JSON: str is not valid UTF-8"),
        (b"\xff\xfe{\x00}\x00", "body: is not valid JSON"),
        (b'{"agent_id": "\\ud800", "memory": "m"}', "body: is not valid JSON"),
        (b"[" * 10_000 + b"]" * 10_000, "body: is nested too deeply"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "body: is nested too deeply"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_a_bad_body_is_400_names_the_field_and_stores_nothing(pipeline, body, said):
    exchange, answer = send(pipeline, body=body)
    assert exchange.status == 400
    assert answer["error"] == "invalid_request"
    assert answer["message"].startswith(said) or said in answer["message"]
    assert answer["details"]["fields"]
    assert "Traceback" not in exchange.response.content.decode()
    assert stored(pipeline) == 0
    assert pipeline.sandbox.store.balance().consumed == 0
    assert [violation.side for violation in exchange.violations] == ["client"] * len(exchange.violations)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=abc", "limit=", "limit=1.0", "limit=+5", "limit=1&limit=2"]
)
def test_a_bad_limit_is_400_and_named(pipeline, query):
    exchange, body = send(pipeline, method="GET", query=query)
    assert exchange.status == 400
    assert body["details"]["fields"][0]["field"] == "query limit"


@pytest.mark.parametrize("query", ["offset=-1", "offset=100001", "offset=1e3", "offset=%ff"])
def test_a_bad_offset_is_400_and_named(pipeline, query):
    exchange, body = send(pipeline, method="GET", query=query)
    assert exchange.status == 400
    assert body["details"]["fields"][0]["field"] == "query offset"


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/xml", "application/json; charset=latin-1", ";"]
)
def test_another_content_type_is_415(pipeline, content_type):
    exchange, body = send(pipeline, content_type=content_type)
    assert exchange.status == 415
    assert body["error"] == "unsupported_media_type"
    assert stored(pipeline) == 0


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", 'application/json; charset="UTF-8"']
)
def test_the_content_type_may_be_spelled_freely(pipeline, content_type):
    assert send(pipeline, content_type=content_type)[0].status == 201


def test_a_body_that_is_too_large_is_413(pipeline):
    exchange = pipeline.exchange(Request("POST", "/v1/user-memories", "", dict(HEADERS), b"", too_large=True))
    assert exchange.status == 413
    assert orjson.loads(exchange.response.content)["error"] == "too_large"


def test_a_batch_may_be_larger_than_other_bodies(apis):
    item = {"user_id": "u", "memory": "x" * 2000}
    batch = orjson.dumps([item] * 1000)
    assert len(batch) > 1024 * 1024
    pipeline = Pipeline(apis)
    assert send(pipeline, path="/mem0/v1/memories/batch", body=batch)[0].status == 201
    assert send(pipeline, path="/mem0/v1/memories", body=batch)[0].status == 413
    small = Pipeline(apis, max_body=1000)
    assert send(small, path="/mem0/v1/memories/batch", body=batch)[0].status == 413, "less was asked for"


def test_the_order_key_before_limit_before_content(make_pipeline):
    pipeline = make_pipeline(limit=Limit(1), keys=("key",))
    assert send(pipeline, authorization="Bearer wrong", body=b"{")[0].status == 401
    assert send(pipeline, body=b"{")[0].status == 400
    assert send(pipeline, body=b"{")[0].status == 429


def test_402_comes_after_validation_and_before_anything_is_stored(make_pipeline):
    pipeline = make_pipeline(credits=0)
    assert send(pipeline, body=b"{}")[0].status == 400
    assert send(pipeline)[0].status == 402
    assert stored(pipeline) == 0


def test_a_failed_behaviour_gives_the_credits_back(apis):
    def fail(_):
        raise Problem("conflict")

    pipeline = _with_behaviour(apis, fail)
    assert send(pipeline)[0].status == 409
    assert pipeline.sandbox.store.balance().remaining == 10_000


def _with_behaviour(apis, behaviour, operation="Memory.createUserMemory") -> Pipeline:
    return Pipeline([replace(apis[0], behaviours={operation: behaviour}, bill=lambda data, consumed: None)])


def test_our_own_off_contract_response_is_a_500_with_the_violation(apis):
    pipeline = _with_behaviour(apis, lambda call: Response(201, {"object": "user_memory"}))
    exchange, body = send(pipeline)
    assert exchange.status == 500
    assert exchange.response.media_type == "application/problem+json"
    assert {v["side"] for v in body["violations"]} == {"server"}
    assert "/id" in {v["pointer"] for v in body["violations"]}
    assert "breaks the contract" in exchange.defect


def test_a_crash_is_a_500_that_hides_the_traceback_which_the_log_and_the_journal_have(apis, caplog):
    def crash(_):
        raise ZeroDivisionError("secret detail for key-of-mine\nINFO forged")

    pipeline = _with_behaviour(apis, crash)
    exchange, body = send(pipeline, authorization="Bearer key-of-mine")
    assert exchange.status == 500
    sent = f"{body} {exchange.response.headers}"
    assert "secret" not in sent and "Traceback" not in sent and "test_pipeline" not in sent
    line = crash.__code__.co_firstlineno + 1
    assert exchange.defect.startswith("ZeroDivisionError: secret detail for ***")
    assert exchange.defect.endswith(f"tests/test_pipeline.py:{line}")
    assert f'tests/test_pipeline.py", line {line}, in crash' in exchange.traceback
    assert exchange.stage == "behaviour"
    assert "Memory.createUserMemory failed: ZeroDivisionError" in caplog.text
    assert exchange.traceback in caplog.text
    assert "key-of-mine" not in caplog.text + exchange.traceback + exchange.defect
    assert "\nINFO forged" not in caplog.text
    (entry,) = pipeline.sandbox.exchanges()
    assert (entry.defect, entry.traceback) == (exchange.defect, exchange.traceback)
    assert pipeline.sandbox.store.balance().remaining == 10_000


def test_undeclared_success_is_our_violation(apis):
    exchange, body = send(_with_behaviour(apis, lambda call: Response(200, {})))
    assert exchange.status == 500
    assert body["violations"][0]["message"] == "200 OK is not declared for Memory.createUserMemory"


def test_credits_null_passes_the_contract(apis):
    row = {
        "object": "user_memory", "id": "i", "created_at": "t", "updated_at": "t", "agent_id": "a", "user_id": "u",
        "user_prompt": "", "memory": ["m"], "context": [], "credits": None,
    }  # fmt: skip
    exchange, body = send(_with_behaviour(apis, lambda call: Response(201, row)))
    assert (exchange.status, body["credits"]) == (201, None)


def test_paths_with_and_without_base_slash_and_name(pipeline):
    for path in (
        "/v1/user-memories",
        "/user-memories",
        "/v1/user-memories/",
        "/datagrid/v1/user-memories",
        "/datagrid/user-memories/",
    ):
        assert send(pipeline, path=path)[0].status == 201, path
    assert stored(pipeline) == 5


def test_every_response_of_an_operation_carries_the_limit(pipeline):
    for exchange in (
        send(pipeline)[0],
        send(pipeline, body=b"{")[0],
        send(pipeline, content_type="text/plain")[0],
        send(pipeline, method="DELETE", path="/v1/user-memories/x")[0],
        send(pipeline, authorization=None)[0],
    ):
        assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} <= exchange.response.headers.keys()


def test_the_journal_keeps_no_secret_and_bounded_bodies(pipeline):
    body = orjson.dumps({"agent_id": "a", "memory": "x" * 100_000})
    exchange, answer = send(pipeline, body=body)
    assert answer["memory"] == ["x" * 100_000], "the response itself is whole"
    exchange = pipeline.sandbox.exchanges()[0]
    assert exchange.request.headers["authorization"] == "Bearer ***"
    assert len(exchange.request.body) == len(exchange.response.content) == 64 * 1024
    assert exchange.operation == "Memory.createUserMemory"


def test_ids_follow_from_the_seed(make_pipeline):
    first = [send(make_pipeline(seed=7))[1]["id"] for _ in range(2)]
    assert first[0] == first[1]
    assert send(make_pipeline(seed=8))[1]["id"] != first[0]


def test_ids_are_not_reused_after_a_delete(pipeline):
    seen = set()
    for _ in range(50):
        id = send(pipeline)[1]["id"]
        assert id not in seen
        seen.add(id)
        send(pipeline, method="DELETE", path=f"/v1/user-memories/{id}")
    assert stored(pipeline) == 0


def test_the_price_is_configurable(make_pipeline):
    pipeline = make_pipeline(characters_per_credit=10)
    assert send(pipeline, body=b'{"agent_id": "a", "memory": "12345678901"}')[1]["credits"] == {"consumed": 2}


def test_integers_of_any_length_stay_exact(pipeline):
    body = b'{"user_id": "u", "memory": "m", "metadata": {"n": 123456789012345678901234567890}}'
    id = send(pipeline, path="/mem0/v1/memories", body=body)[1]["memory_id"]
    exchange = pipeline.exchange(Request("GET", f"/mem0/v1/memories/{id}", "", dict(HEADERS)))
    assert b"123456789012345678901234567890" in exchange.response.content
    page = b'{"query": "q", "filters": {"user_id": "u"}, "top_k": 123456789012345678901234567890}'
    assert "at most 1000" in send(pipeline, path="/mem0/v3/memories/search", body=page)[1]["detail"]
    too_long = b'{"user_id": "u", "memory": "m", "metadata": {"n": ' + b"9" * 5000 + b"}}"
    assert send(pipeline, path="/mem0/v1/memories", body=too_long)[0].status == 400


def test_a_behaviour_is_asked_again_when_another_request_changed_its_row(pipeline, monkeypatch):
    """Two deletes of one row: the slower one finds it gone, and answers what a later one would."""
    id = send(pipeline)[1]["id"]
    store, commit, calls = pipeline.sandbox.store, pipeline.sandbox.store.commit, []

    def overtaken(writes, charged=0):
        calls.append(len(writes))
        if len(calls) == 1:
            assert commit([Write("user_memories", id, None, store.get("user_memories", id))]) == "done"
        return commit(writes, charged)

    monkeypatch.setattr(store, "commit", overtaken)
    assert send(pipeline, "DELETE", f"/user-memories/{id}", body=b"")[0].status == 404
    assert calls == [1]


def test_rows_that_never_rest_are_a_503(pipeline, monkeypatch):
    store, commit = pipeline.sandbox.store, pipeline.sandbox.store.commit
    monkeypatch.setattr(store, "commit", lambda writes, *rest: "changed" if writes else commit(writes, *rest))
    exchange, _ = send(pipeline)
    assert (exchange.status, exchange.committed, stored(pipeline)) == (503, False, 0)
    assert store.balance() == Balance(10_000)


def test_the_journal_tells_which_rows_changed(pipeline):
    exchange, body = send(pipeline)
    assert exchange.changes == [("added", "user_memories", body["id"])]
    exchange, _ = send(pipeline, "DELETE", f"/user-memories/{body['id']}", body=b"")
    assert exchange.changes == [("removed", "user_memories", body["id"])]
    many = orjson.dumps([{"user_id": "u", "memory": str(n)} for n in range(50)])
    exchange, body = send(pipeline, path="/v1/memories/batch", body=many)
    assert (exchange.changed, len(exchange.changes)) == (50, 20)
    id = body["results"][0]["memory_id"]
    exchange, _ = send(pipeline, "PUT", f"/v1/memories/{id}", body=b'{"text": "new"}')
    assert exchange.changes == [("changed", "memories", id)]
    assert send(pipeline, "GET")[0].changes == ()


def test_a_failure_deep_in_the_standard_library_is_placed_in_the_behaviour(apis):
    def crash(_):
        return json.loads("{")

    exchange, _ = send(_with_behaviour(apis, crash))
    assert exchange.defect.endswith(f"tests/test_pipeline.py:{crash.__code__.co_firstlineno + 1}")
    assert "json/decoder.py" in exchange.traceback


@pytest.mark.parametrize("response", [Response(201, {"x": {1, 2}}), Response(201, {}, {"x-count": 5}), None])
def test_a_response_that_cannot_be_sent_is_a_500_in_the_journal(apis, response):
    pipeline = _with_behaviour(apis, lambda call: response)
    assert send(pipeline)[0].status == 500
    assert [entry.status for entry in pipeline.sandbox.exchanges()] == [500]


def test_an_error_body_that_fails_is_a_500_in_the_journal(apis):
    def fail(problem):
        raise ValueError("no body")

    pipeline = Pipeline([replace(apis[0], error_body=fail)])
    for path in ("/v1/user-memories", "/nowhere"):
        exchange, _ = send(pipeline, path=path, body=b"{")
        assert exchange.status == 500
    assert [entry.defect[:19] for entry in pipeline.sandbox.exchanges()] == ["ValueError: no body"] * 2


@pytest.mark.parametrize(
    ("stage", "reason", "terms", "request_"),
    [
        ("route", "No operation has the path", {}, {"path": "/v1/nothing"}),
        ("route", "has no PATCH", {}, {"method": "PATCH"}),
        ("route", "There is no sandbox 'x'", {}, {"path": "/~x/v1/user-memories"}),
        ("key", "The API key is not a valid one.", {"keys": ("right",)}, {}),
        ("validation", "memory: is required", {}, {"body": b'{"agent_id": "a"}'}),
        ("credits", "This operation costs 1 credit and 0 remain.", {"credits": 0}, {}),
        ("prefer", "code=299 is not declared", {}, {"prefer": "code=299"}),
        ("behaviour", "no user memory", {}, {"method": "DELETE", "path": "/v1/user-memories/x"}),
    ],
)
def test_an_error_tells_the_stage_that_decided_and_why(make_pipeline, stage, reason, terms, request_):
    pipeline = make_pipeline(**terms)
    exchange, _ = send(pipeline, **request_)
    assert exchange.status >= 400
    assert exchange.stage == stage
    assert reason in exchange.reason
    assert exchange.response.headers["x-mockserver-reason"] == exchange.reason[:200]
    (entry,) = pipeline.sandbox.exchanges()
    assert (entry.stage, entry.reason) == (exchange.stage, exchange.reason)


def test_a_429_tells_the_limit(make_pipeline):
    pipeline = make_pipeline(limit=Limit(1))
    send(pipeline)
    exchange, _ = send(pipeline)
    assert (exchange.status, exchange.stage) == (429, "limit")
    assert exchange.response.headers["x-mockserver-reason"].startswith("The limit of 1 requests in 60 seconds")


def test_what_is_no_error_has_a_stage_and_no_reason(make_pipeline):
    for terms, headers, stage in (({}, {}, "behaviour"), ({"stateless": True}, {}, "sample")):
        exchange, _ = send(make_pipeline(**terms), **headers)
        assert (exchange.stage, exchange.reason) == (stage, "")
        assert "x-mockserver-reason" not in exchange.response.headers
    exchange, _ = send(make_pipeline(), prefer="code=402")
    assert (exchange.stage, exchange.status) == ("prefer", 402)


def test_a_reason_is_one_line_of_printable_ascii_without_secrets(apis):
    def fail(_):
        raise Problem("conflict", "é\x1b\nx-forged: 1 secret-key-42 " + "y" * 1000)

    exchange, _ = send(_with_behaviour(apis, fail), authorization="Bearer secret-key-42")
    told = exchange.response.headers["x-mockserver-reason"]
    assert told.startswith("\\xe9\\x1b x-forged: 1 *** yyy")
    assert told.isascii() and told.isprintable() and len(told) == 200
    assert "secret-key-42" not in exchange.reason and len(exchange.reason) == 500


def test_a_header_that_the_contract_declares_is_not_made_up(apis):
    declared = {"description": "", "headers": {"X-Mockserver-Reason": {"schema": {"type": "string"}}}}

    def fail(_):
        raise Problem("not_found", "gone")

    paths = {"/a": {"get": {"operationId": "a", "responses": {"404": declared}}}}
    api = Api("a", contract(paths), behaviours={"a": fail})
    exchange = Pipeline([api]).exchange(Request("GET", "/a"))
    assert (exchange.status, exchange.reason) == (404, "gone")
    assert "x-mockserver-reason" not in exchange.response.headers


REPEATED = """
version: 1
name: cookies
api: datagrid
rules:
  - id: two
    op: Memory.deleteUserMemory
    reply: {status: 204, headers: {Set-Cookie: [a=1, b=2], X-One: x}}
  - {id: patched, op: Memory.listUserMemory, set: {/has_more: false}}
"""


def test_a_scripted_response_keeps_its_repeated_headers_and_so_does_the_journal(make_pipeline):
    pipeline = make_pipeline()
    pipeline.sandbox.use(parse_scenario(REPEATED, pipeline.apis, "c.yaml"))
    exchange, _ = send(pipeline, "DELETE", "/v1/user-memories/x", x_request_id="id-1")
    (entry,) = pipeline.sandbox.exchanges()
    for headers in (exchange.response.headers, entry.response.headers):
        assert headers.get_all("set-cookie") == ["a=1", "b=2"]
        assert (headers["x-one"], headers["x-request-id"], headers["x-ratelimit-limit"]) == ("x", "id-1", "200")
    assert exchange.stage == "rule"
    with pytest.raises(UserError, match="one value"):
        parse_scenario(REPEATED.replace("X-One: x", "Content-Type: [a, b]"), pipeline.apis, "c.yaml")


def test_a_patched_response_keeps_the_repeated_headers_of_its_behaviour(apis, make_pipeline):
    def behave(_):
        return Response(
            200, {"object": "list", "data": [], "has_more": True}, Headers.of({"set-cookie": ["a=1", "b=2"]})
        )

    pipeline = _with_behaviour(apis, behave, "Memory.listUserMemory")
    pipeline.sandbox.use(parse_scenario(REPEATED, pipeline.apis, "c.yaml"))
    exchange, body = send(pipeline, "GET")
    assert (exchange.status, body["has_more"]) == (200, False)
    assert exchange.response.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_apis_that_are_given_are_served_alone_or_beside_those_of_the_settings(apis):
    own = Api("own", contract({"/a": {"get": {"operationId": "a", "responses": {"200": {"description": ""}}}}}))
    assert list(build(Settings(), [own]).apis) == [own.name]
    assert list(build(Settings(apis=("datagrid",)), [own]).apis) == ["datagrid", own.name]
    with pytest.raises(UserError, match="two APIs are called 'datagrid'"):
        build(Settings(apis=("datagrid",)), [apis[0]])
