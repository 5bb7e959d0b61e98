"""What a client hears of samples: 501 where no value fits, 400 for an example that cannot be sent, its own ids."""

from __future__ import annotations

import orjson
import pytest
from contracts import contract

from mockserver.apis import Api
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Checks, Pipeline

IMPOSSIBLE = {"type": "string", "minLength": 3, "maxLength": 1}
GOOD = {"type": "object", "properties": {"id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}}}


def answer(responses, prefer="", path="/x", url=""):
    pipeline = Pipeline(
        [Api("t", contract({path: {"get": {"responses": responses}}}))], checks=Checks(verify_wire=True)
    )
    exchange = pipeline.exchange(Request("GET", url or path, "", {"prefer": prefer} if prefer else {}, b""))
    return exchange, orjson.loads(exchange.response.content)


def described(schema, **media):
    return {"description": "x", "content": {"application/json": {"schema": schema, **media}}}


@pytest.mark.parametrize("prefer", ["", "dynamic=true", "code=200"])
def test_a_schema_that_nothing_satisfies_is_a_501_that_names_it_and_no_defect(prefer):
    exchange, body = answer({"200": described(IMPOSSIBLE)}, prefer)
    assert exchange.status == 501 and not exchange.defect and not exchange.violations
    assert body["type"] == "urn:mockserver:not_implemented"
    assert "#/paths/~1x/get/responses/200/content/application~1json/schema (GET /x 200)" in body["detail"]


def test_the_501_has_the_shape_of_the_default_response():
    error = {"type": "object", "required": ["code"], "properties": {"code": {"type": "integer"}}}
    exchange, body = answer({"200": described(IMPOSSIBLE), "default": described(error)})
    assert exchange.status == 501 and not exchange.defect
    assert set(body) == {"code"} and "GET /x 200" in exchange.response.headers["x-mockserver-reason"]


def test_an_example_that_cannot_be_sent_is_a_400_that_says_so():
    examples = {"bad": {"value": {"id": "x"}}, "far": {"externalValue": "https://example.com/x"}}
    for name, why in (("bad", "breaks its own schema"), ("far", "stands elsewhere")):
        exchange, body = answer({"200": described(GOOD, examples=examples)}, f"example={name}")
        assert exchange.status == 400 and why in body["detail"]


def test_a_sample_repeats_the_id_of_the_path():
    exchange, body = answer({"200": described(GOOD)}, path="/x/{id}", url="/x/42")
    assert (exchange.status, body["id"]) == (200, 42)
    exchange, body = answer({"200": described(GOOD)}, "dynamic=true", path="/x/{id}", url="/x/42")
    assert body["id"] == 42


def test_an_operation_without_responses_answers_nothing():
    pipeline = Pipeline(
        [Api("t", contract({"/x": {"get": {"responses": {}}}}, version="3.1.0"))], checks=Checks(verify_wire=True)
    )
    exchange = pipeline.exchange(Request("GET", "/x", "", {}, b""))
    assert (exchange.status, exchange.response.content, exchange.violations) == (200, b"", ())
