"""`Prefer` forces documented responses, as Prism's users expect."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Problem
from mockserver.messages import Request
from mockserver.pipeline.prefer import Preference, read_preference

HEADERS = {"authorization": "Bearer key", "content-type": "application/json"}
GOOD = b'{"agent_id": "a", "memory": "m"}'


def ask(pipeline, prefer, body=GOOD, method="POST", **headers):
    request = Request(method, "/v1/user-memories", "", {**HEADERS, "prefer": prefer, **headers}, body)
    response = pipeline.handle(request)
    return response, orjson.loads(response.content)


@pytest.mark.parametrize("code", [400, 401, 402, 413, 415, 429])
def test_every_declared_error_can_be_forced_in_the_vendors_shape(make_pipeline, code):
    pipeline = make_pipeline()
    response, body = ask(pipeline, f"code={code}")
    assert response.status == code
    assert body["status_code"] == code
    assert body["mitigation"] and body["details"]["reason"]
    operation = pipeline.apis["datagrid"].contract.operations["Memory.createUserMemory"]
    assert operation.check_response(response) == []
    assert pipeline.sandbox.store.page("user_memories", 0, 1).total == 0
    assert pipeline.sandbox.store.balance().consumed == 0


def test_429_says_when_to_come_back(make_pipeline):
    response, body = ask(make_pipeline(), "code=429")
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["x-ratelimit-remaining"] == "0"
    assert body["error"] == "rate_limit_exceeded"


def test_success_is_a_sample_and_changes_nothing(make_pipeline):
    pipeline = make_pipeline()
    response, body = ask(pipeline, "code=201")
    assert (response.status, body["object"]) == (201, "user_memory")
    assert pipeline.sandbox.store.page("user_memories", 0, 1).total == 0


def test_a_named_example(make_pipeline):
    assert ask(make_pipeline(), "example=credits_null")[1]["credits"] is None
    response, body = ask(make_pipeline(), "example=nonsense")
    assert response.status == 400
    assert "nonsense" in body["message"]


def test_dynamic_values_vary_pass_the_contract_and_follow_the_seed(make_pipeline):
    pipeline = make_pipeline(seed=1)
    first, second = ask(pipeline, "dynamic=true")[1], ask(pipeline, "dynamic=true")[1]
    assert first != second
    assert ask(make_pipeline(seed=1), "dynamic=true")[1] == first
    assert ask(make_pipeline(seed=2), "dynamic=true")[1] != first


def test_an_undeclared_or_bad_code_is_400_and_says_what_there_is(make_pipeline):
    response, body = ask(make_pipeline(), "code=418")
    assert response.status == 400
    assert "201, 402, 429" in body["message"]
    assert ask(make_pipeline(), "code=abc")[0].status == 400


def test_a_success_is_not_forced_on_an_invalid_request(make_pipeline):
    assert ask(make_pipeline(), "code=201", body=b"{}")[0].status == 400
    assert ask(make_pipeline(), "code=429", body=b"{}")[0].status == 429, "a limit comes before validation"


def test_a_key_is_needed_all_the_same(make_pipeline):
    assert ask(make_pipeline(), "code=201", authorization="")[0].status == 401


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("code=429", Preference(code=429)),
        ("code=404, example=gone", Preference(code=404, example="gone")),
        ('dynamic=true; code="200"', Preference(code=200, dynamic=True)),
        ('example="Big, red"', Preference(example="Big, red")),
        ('example="a;b", code=200', Preference(code=200, example="a;b")),
        ('foo; bar="x, code=500", example="with \\"quotes\\" and \\\\"', Preference(example='with "quotes" and \\')),
        ("code = 200 ; x", Preference(code=200)),
        ("example=with space", Preference(example="with space")),
        ('example="no end, code=200', Preference(code=200, example="no end")),
        ("code=200, code=404", Preference(code=200)),
        ("return=minimal", None),
        ("respond-async, wait=10", None),
        ("", None),
    ],
)
def test_the_header_is_read_as_rfc_7240_writes_it(header, expected):
    assert read_preference(header) == expected


@given(st.text(max_size=40) | st.text('=;," \\\\ac', max_size=40))
def test_no_header_raises_anything_but_a_problem(header):
    try:
        read_preference(header)
    except Problem as problem:
        assert problem.status == 400


@pytest.mark.parametrize("header", ["code=99", "code=600", "code=4 29", "code=", "code=²00"])
def test_a_code_that_is_no_status(header):
    with pytest.raises(Problem, match="not a status"):
        read_preference(header)
