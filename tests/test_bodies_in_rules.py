"""Rules and verifications see a body as the contract reads it, and every value of a query."""

from __future__ import annotations

import gzip

import orjson
import pytest
from contracts import contract

from mockserver.admin.api import Admin
from mockserver.apis import Api
from mockserver.errors import problem_body
from mockserver.messages import Request
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Terms
from mockserver.scenarios import parse_scenario

ORDER = {
    "type": "object",
    "required": ["sku"],
    "properties": {"sku": {"type": "string"}, "n": {"anyOf": [{"type": "integer"}, {"enum": ["all"]}]}},
}
FORM = "application/x-www-form-urlencoded"
KINDS = (FORM, "multipart/form-data", "application/xml", "application/json")
PART = b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
BODIES = {
    FORM: b"sku=a&n=2",
    "multipart/form-data; boundary=B": PART % (b"sku", b"a") + PART % (b"n", b"2") + b"--B--\r\n",
    "application/xml": b"<order><sku>a</sku><n>2</n></order>",
    "application/json": b'{"sku": "a", "n": 2}',
}
RULES = """
version: 1
name: x
api: shop
rules:
  - {id: body, op: order, when: {body: {sku: a, n: 2}}, reply: {status: 202}}
  - {id: query, op: list, when: {query: {limit: "5"}}, reply: {status: 202}}
"""


@pytest.fixture
def pipeline():
    shop = contract(
        {
            "/orders": {
                "post": {
                    "operationId": "order",
                    "requestBody": {"content": {kind: {"schema": ORDER} for kind in KINDS}},
                    "responses": {"200": {"description": "ok"}, "202": {"description": "later"}},
                },
                "get": {
                    "operationId": "list",
                    "responses": {"200": {"description": "ok"}, "202": {"description": "later"}},
                },
            }
        }
    )
    made = Pipeline([Api("shop", shop, {}, problem_body)], terms=Terms())
    made.sandbox.use(parse_scenario(RULES, made.apis, "x.yaml"))
    return made


def verified(pipeline, **criteria):
    headers = {"content-type": "application/json", "x-mockserver-admin": "yes"}
    path = "/__admin/sandboxes/default/verify"
    reply = Admin(pipeline).handle(Request("POST", path, "", headers, orjson.dumps(criteria)))
    return orjson.loads(reply.content)


@pytest.mark.parametrize("content_type", BODIES)
def test_a_rule_and_a_verification_see_the_members_of_every_kind_of_body(pipeline, content_type):
    headers = {"content-type": content_type}
    exchange = pipeline.exchange(Request("POST", "/orders", "", headers, BODIES[content_type]))
    assert (exchange.status, exchange.rule) == (202, "body")
    assert verified(pipeline, operation="order", body={"sku": "a", "n": 2})["found"] == 1
    verdict = verified(pipeline, operation="order", body={"sku": "b"})
    assert not verdict["ok"] and verdict["near_misses"][0]["differences"][0]["where"] == "body.sku"


def test_a_body_that_the_contract_refuses_is_seen_as_far_as_it_can_be_read(pipeline):
    for content_type, body in ((FORM, b"n=x"), ("application/xml", b"<o><n>x</n></o>")):
        assert pipeline.exchange(Request("POST", "/orders", "", {"content-type": content_type}, body)).status == 400
    assert verified(pipeline, operation="order", body={"n": "x"})["found"] == 2
    pipeline.exchange(Request("POST", "/orders", "", {"content-type": "application/xml"}, b"<o>"))
    assert verified(pipeline, operation="order", body={"equals": "<o>"})["found"] == 1


def test_a_text_that_is_json_is_seen_as_json_whatever_its_type(pipeline):
    headers = {"content-type": "text/plain"}
    assert pipeline.exchange(Request("POST", "/orders", "", headers, BODIES["application/json"])).rule == "body"


def test_a_body_is_seen_decoded(pipeline):
    headers = {"content-type": FORM, "content-encoding": "gzip"}
    exchange = pipeline.exchange(Request("POST", "/orders", "", headers, gzip.compress(b"sku=a&n=2")))
    assert exchange.rule == "body"
    assert verified(pipeline, operation="order", body={"sku": "a"})["found"] == 1


@pytest.mark.parametrize("query", ["limit=5", "limit=5&limit=6", "limit=6&limit=5", "a=%20&limit=%35"])
def test_of_the_values_of_a_query_one_is_enough(pipeline, query):
    assert pipeline.exchange(Request("GET", "/orders", query)).rule == "query"
    assert verified(pipeline, operation="list", query={"limit": "5"})["found"] == 1


def test_none_of_the_values_is_told_with_all_of_them(pipeline):
    assert pipeline.exchange(Request("GET", "/orders", "limit=6&limit=7")).rule == ""
    [difference] = verified(pipeline, operation="list", query={"limit": "5"})["near_misses"][0]["differences"]
    assert difference == {"where": "query.limit", "expected": '"5"', "found": '"6", "7"'}
