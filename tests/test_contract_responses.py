"""Replies: statuses, content types, headers, and whose fault a breach is."""

from __future__ import annotations

import datetime

import pytest
from contracts import brief, bundled, contract, reply, with_body

from mockserver.messages import Response

NAMED = {"application/json": {"schema": {"type": "object", "required": ["name"]}}}


def operation(responses, **document):
    return contract({"/x": {"get": {"operationId": "op", "responses": responses}}}, **document).operations["op"]


def described(**node):
    return {"description": "x", **node}


def test_exact_status_then_range_then_default():
    op = operation(
        {
            "404": described(content={"application/json": {"schema": {"required": ["exact"]}}}),
            "4XX": described(content={"application/json": {"schema": {"required": ["range"]}}}),
            "default": described(content={"application/json": {"schema": {"required": ["default"]}}}),
        }
    )
    assert [brief(reply(op, {}, status))[0][1] for status in (404, 403, 503, 200)] == [
        "/exact",
        "/range",
        "/default",
        "/default",
    ]
    assert brief(reply(operation({"5xx": described(content=NAMED)}), {}, 503)) == [("body", "/name", "required")]


def test_an_extension_among_the_responses_is_no_status():
    op = operation({"500": described(), "x-retry": {"after": 1}})
    assert (op.declared, op.success) == (["500"], 500)
    assert operation({"x-retry": {"after": 1}}).success == 200


def test_an_undeclared_success_is_a_violation_and_an_undeclared_error_is_none():
    op = operation({"200": described(content=NAMED), "204": described()})
    for status in (400, 401, 404, 429, 500, 503, 599, 302):
        assert reply(op, {"anything": 1}, status) == []
    violation = reply(op, {}, 201)[0]
    assert (violation.side, violation.where, violation.found, violation.expected) == (
        "server",
        "status",
        "201",
        "200, 204",
    )
    assert violation.message == "201 Created is not declared for op"
    assert reply(op, {}, 299)[0].message == "299 is not declared for op"


def test_content_types():
    op = operation({"200": described(content=NAMED)})
    for media_type in ("application/json", "Application/JSON; charset=utf-8"):
        assert reply(op, {"name": 1}, media_type=media_type) == []
    violation = reply(op, {"name": 1}, media_type="application/problem+json")[0]
    assert (violation.side, violation.where, violation.keyword) == ("server", "content-type", "content")
    assert violation.message == "must be application/json, not application/problem+json"
    ranges = operation({"200": described(content={"application/*": NAMED["application/json"]})})
    assert reply(ranges, "text", media_type="text/plain") != []
    assert brief(reply(ranges, {}, media_type="application/vnd.x+json")) == [("body", "/name", "required")]


def test_a_missing_body():
    op = operation({"200": described(content=NAMED), "204": described(content=NAMED), "202": described()})
    assert brief(reply(op, None, media_type=None)) == [("body", "", "required")]
    assert reply(op, None, 204, media_type=None) == []
    assert reply(op, None, 202, media_type=None) == []


def test_our_own_slips_are_violations_and_not_crashes():
    op = with_body({"type": "object", "properties": {"at": {"type": "string"}}})
    for value in (datetime.datetime(2026, 1, 1), b"bytes", {1: 2}, {1, 2}, object()):
        violations = reply(op, {"at": value})
        assert len(violations) == 1 and violations[0].side == "server"
    assert "is not a JSON value" in violations[0].message


HEADERS = {
    "X-Count": {"required": True, "schema": {"type": "integer", "minimum": 0}},
    "X-Flag": {"schema": {"type": "boolean"}},
    "X-List": {"schema": {"type": "array", "items": {"type": "integer"}}},
    "X-Json": {"content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}}},
    "x-lower": {"schema": {"type": "integer", "nullable": True, "exclusiveMinimum": True, "minimum": 0}},
    "Content-Type": {"required": True, "schema": {"type": "integer"}},
}


def headers(**given):
    op = operation({"204": described(headers=HEADERS)})
    return op.check_response(
        Response(204, headers={k.replace("_", "-").lower(): v for k, v in given.items()}, media_type=None)
    )


def test_good_headers():
    assert headers(X_Count="5") == []
    assert headers(x_count="0", X_FLAG="true", X_List="1, 2,3", X_Json='{"a": 1}', X_Lower="1", X_Other="y") == []


@pytest.mark.parametrize(
    ("given", "violation"),
    [
        ({}, ("header", "X-Count", "required")),
        ({"X_Count": "x"}, ("header", "X-Count", "type")),
        ({"X_Count": "-1"}, ("header", "X-Count", "minimum")),
        ({"X_Count": "+1"}, ("header", "X-Count", "type")),
        ({"X_Count": "1", "X_Flag": "yes"}, ("header", "X-Flag", "type")),
        ({"X_Count": "1", "X_List": "1,x"}, ("header", "X-List/1", "type")),
        ({"X_Count": "1", "X_Json": "{}"}, ("header", "X-Json/a", "required")),
        ({"X_Count": "1", "X_Json": "{"}, ("header", "X-Json", "")),
        ({"X_Count": "1", "x_lower": "0"}, ("header", "x-lower", "exclusiveMinimum")),
    ],
)
def test_bad_headers(given, violation):
    violations = headers(**given)
    assert brief(violations) == [violation]
    assert violations[0].side == "server" and violations[0].field == f"header {violation[1]}"


def test_headers_and_body_are_both_reported():
    op = operation({"200": described(headers=HEADERS, content=NAMED)})
    assert brief(reply(op, {})) == [("header", "X-Count", "required"), ("body", "/name", "required")]


def test_responses_and_headers_behind_references():
    made = operation(
        {"200": {"$ref": "#/components/responses/R"}},
        components={
            "responses": {"R": described(headers={"X-N": {"$ref": "#/components/headers/N"}}, content=NAMED)},
            "headers": {"N": {"required": True, "schema": {"$ref": "#/components/schemas/S"}}},
            "schemas": {"S": {"type": "integer"}},
        },
    )
    assert brief(reply(made, {}, headers={"x-n": "x"})) == [("header", "X-N", "type"), ("body", "/name", "required")]


def test_every_bundled_response_has_typed_limit_headers():
    op = bundled("datagrid").operations["getCredits"]
    body = {"remaining": 1, "consumed": 0, "total": 1}
    assert reply(op, body, headers={"x-ratelimit-limit": "200", "retry-after": "1"}) == []
    assert brief(reply(op, body, headers={"retry-after": "0"})) == [("header", "Retry-After", "minimum")]
    assert brief(reply(op, body, headers={"x-ratelimit-reset": "soon"})) == [("header", "X-RateLimit-Reset", "type")]


def test_the_first_declared_success():
    assert operation({"default": described(), "204": described(), "202": described()}).success == 202
    assert operation({"default": described()}).success == 200
    assert operation({"2XX": described()}).declared == ["2XX"]
