"""Drafted documents: valid OpenAPI, which every exchange that they were drafted from fits, and which can be served."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver import create_app
from mockserver.apis import Api
from mockserver.contract.router import split
from mockserver.errors import Problem
from mockserver.messages import Headers, Request, Response
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.text.documents import parse
from mockserver.upstream.drafts.document import draft, text_of
from mockserver.upstream.drafts.paths import templates
from mockserver.upstream.recorded import Recorded, Session

UUIDS = ("0191d2f4-58f5-4b36-8a52-3f6b1f1f9a01", "0191d2f4-58f5-4b36-8a52-3f6b1f1f9a02")


def seen(path: str = "/orders", method: str = "GET", answer: Any = None, status: int = 200, **more: Any) -> Recorded:
    query = tuple(more.pop("query", ()))
    sent = {"content-type": "application/json"} if "body" in more else {}
    media_type = None if answer is None else "application/json"
    fields = {"sent": sent, "headers": {}, "media_type": media_type, "body": None} | more
    return Recorded(1, "x", "", method, path, query, status=status, answer=answer, **fields)


def drafted(*exchanges: Recorded) -> dict[str, Any]:
    made = draft(Session(list(exchanges)), "drafted")
    assert made.exchanges + sum(made.left_out.values()) == len(exchanges)
    OpenAPIV31SpecValidator(made.document).validate()
    assert parse(text_of(made), "draft.yaml") == parse(text_of(made, as_json=True), "draft.json") == made.document
    return made.document


def problems(document: dict[str, Any], exchanges: list[Recorded]) -> list[str]:
    """What of the exchanges the document does not allow, by the project's own checks."""
    api = Api.from_openapi(document, name="drafted")
    found: list[str] = []
    for one in exchanges:
        operation, values, _ = api.contract.match(one.method, split(one.path))
        if operation is None:
            found.append(f"{one.method} {one.path} has no operation")
            continue
        body = b"" if one.body is None else one.body.encode() if isinstance(one.body, str) else orjson.dumps(one.body)
        request = Request(one.method, one.path, urlencode(one.query), Headers.of(one.sent), body)
        try:
            found += map(str, operation.check_request(request, values).violations)
        except Problem as problem:
            found.append(f"{one.method} {one.path}: {problem}")
        response = Response(one.status, None, Headers.of(one.headers), one.media_type)
        if one.answer is not None:
            response.content = one.answer.encode() if isinstance(one.answer, str) else orjson.dumps(one.answer)
        declared = operation.response(one.status)
        if declared is None:
            found.append(f"{one.status} is not declared")
        elif one.method != "HEAD":
            checks = one.media_type is not None and declared.bodies[one.media_type] is not None
            found += map(str, operation.check_wire(response) if checks else operation.check_response(response))
    return found


def schema_of(*answers: Any) -> dict[str, Any]:
    document = drafted(*[seen(answer=answer) for answer in answers])
    return document["paths"]["/orders"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


# -- paths ------------------------------------------------------------------------------------------------


def paths_of(*paths: str, told: str = "") -> list[str]:
    return list(dict.fromkeys(template.path for template in templates(dict.fromkeys(paths, told)).values()))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("/orders/1", "/orders/2", "/orders"), ["/orders", "/orders/{order_id}"]),
        ((f"/v1/users/{UUIDS[0]}/keys/k-1",), ["/v1/users/{user_id}/keys/{key_id}"]),
        (("/v1/a", "/v2/a"), ["/v1/a", "/v2/a"]),
        (("/users/me", "/users/5"), ["/users/me", "/users/{user_id}"]),
        (("/files/größe.txt",), ["/files/{file_id}"]),
        (("/companies/c_1/1/2",), ["/companies/{company_id}/{company_id2}/{company_id3}"]),
        (("/", "/a/"), ["/", "/a/"]),
        (("/a", "/a/"), ["/a"]),
        (("/5",), ["/{id}"]),
        (("/a/%7Bx%7D", "/a/b%2Fc"), ["/a/{a_id}"]),
        (("/reports/2026-01-01",), ["/reports/{report_id}"]),
        (("/boxes/01HZX3K7Q8YB2V", "/addresses/1f2e3d4c"), ["/boxes/{box_id}", "/addresses/{address_id}"]),
    ],
)
def test_variables_are_told_from_ids(paths, expected):
    assert sorted(paths_of(*paths)) == sorted(expected)


def test_words_that_vary_are_a_variable_only_where_the_answers_are_alike():
    words = ("/users/ann", "/users/bob", "/users/eve")
    assert paths_of(*words, told="a user") == ["/users/{user_id}"]
    assert paths_of(*words) == list(words), "nothing tells what they answer"
    assert paths_of(*words[:2], told="a user") == list(words[:2]), "two may be two things"
    assert paths_of("/ann", "/bob", "/eve", told="a user") == ["/ann", "/bob", "/eve"], "the first names a thing"
    both = templates({**dict.fromkeys(words, "a user"), "/users/7/orders": "orders", "/users/7": "a user"})
    assert {template.path for template in both.values()} == {"/users/{user_id}", "/users/{user_id}/orders"}
    assert both["/users/bob"].values("/users/bob") == ["bob"]


# -- schemas ----------------------------------------------------------------------------------------------


def test_members_of_all_samples_are_required_and_null_is_one_more_type():
    assert schema_of({"a": 1, "b": "x", "c": None}, {"a": 2, "b": None}) == {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}, "c": {}},
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], {"type": "number"}),
        ([1, 2], {"type": "integer"}),
        ([True], {"type": "boolean"}),
        (list(UUIDS), {"type": "string", "format": "uuid"}),
        (["2026-01-01T00:00:00Z", "2026-02-28T23:59:59.5+01:00"], {"type": "string", "format": "date-time"}),
        (["2026-01-01T00:00:00Z", "2026-02-30T00:00:00Z"], {"type": "string"}),
        (["2026-02-28"], {"type": "string", "format": "date"}),
        (["a@example.com", "b.c@x-y.org"], {"type": "string", "format": "email"}),
        (["a@example.com", "b"], {"type": "string"}),
        (["open", "paid"] * 3, {"type": "string", "enum": ["open", "paid"]}),
        (["open", "paid", None] * 3, {"type": ["string", "null"], "enum": ["open", "paid", None]}),
        (["open", "paid"] * 2, {"type": "string"}),
        (["open"] * 9, {"type": "string"}),
        ([f"word{'x' * n}" for n in range(7)] * 3, {"type": "string"}),
        (["o-1", "o-2"] * 5, {"type": "string"}),
        ([[], [1], [2.5]], {"type": "array", "items": {"type": "number"}}),
        ([[]], {"type": "array"}),
        ([1, "a", [True]], {"type": ["integer", "string", "array"], "items": {"type": "boolean"}}),
        ([{UUIDS[0]: 1, UUIDS[1]: 2}], {"type": "object", "additionalProperties": {"type": "integer"}}),
        ([{}], {"type": "object"}),
    ],
)
def test_schemas_of_values(values, expected):
    assert schema_of(*[{"v": value} for value in values])["properties"]["v"] == expected


def test_deep_values_are_bounded():
    value: Any = 1
    for _ in range(200):
        value = {"a": [value]}
    assert len(orjson.dumps(schema_of(value))) < 2000


# -- operations -------------------------------------------------------------------------------------------


def test_parameters():
    queries = [
        [("limit", "5"), ("tag", "a"), ("tag", "b"), ("q", "x")],
        [("limit", "7")],
        [("limit", "0"), ("ok", "true")],
    ]
    headers = ("user-agent", "x-account", "x-stainless-os", "sec-fetch-mode")
    document = drafted(*[seen(query=query, further=headers) for query in queries])
    parameters = document["paths"]["/orders"]["get"]["parameters"]
    assert parameters == [
        {"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}},
        {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "q", "in": "query", "schema": {"type": "string"}},
        {"name": "ok", "in": "query", "schema": {"type": "boolean"}},
        {"name": "x-account", "in": "header", "schema": {"type": "string"}},
    ]
    variable = drafted(seen("/orders/5"), seen("/orders/6"))["paths"]["/orders/{order_id}"]["get"]["parameters"]
    assert variable == [{"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}}]


def test_bodies_statuses_and_headers():
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    document = drafted(
        seen(method="POST", body={"a": 1}, answer={"id": "1"}, status=201, headers={"x-ratelimit-limit": "200"}),
        seen(method="POST", body={"a": 2}, answer={"error": "x"}, status=429, headers={"retry-after": "5", "x-a": "b"}),
        seen(method="POST", body="a=1&b=x&b=y", sent=form, status=204),
        seen(method="DELETE", path="/orders/1", status=204),
    )
    post = document["paths"]["/orders"]["post"]
    assert post["operationId"] == "postOrders" and post["requestBody"]["required"] is True
    assert list(post["requestBody"]["content"]) == ["application/json", "application/x-www-form-urlencoded"]
    properties = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert properties == {"a": {"type": "integer"}, "b": {"type": "array", "items": {"type": "string"}}}
    assert list(post["responses"]) == ["201", "204", "429"] and "content" not in post["responses"]["204"]
    assert post["responses"]["201"]["headers"] == {"x-ratelimit-limit": {"schema": {"type": "integer"}}}
    assert post["responses"]["429"]["description"] == "Too Many Requests"
    assert document["paths"]["/orders/{order_id}"]["delete"]["operationId"] == "deleteOrdersByOrderId"


def test_security():
    bearer, key, query = ("scheme", "bearer"), ("header", "x-api-key"), ("query", "api_key")
    document = drafted(
        seen(credentials=(bearer,)),
        seen(status=401),
        seen("/open"),
        seen("/both", credentials=(key, query)),
        seen("/both"),
        seen("/token", credentials=(("scheme", "token"),)),
    )
    security = {path: item["get"].get("security") for path, item in document["paths"].items()}
    assert security == {
        "/orders": [{"bearer": []}],  # the one without was refused
        "/open": None,
        "/both": [{"x_api_key": [], "api_key": []}, {}],
        "/token": [{"Authorization": []}],
    }
    assert document["components"]["securitySchemes"]["Authorization"] == {
        "type": "apiKey", "in": "header", "name": "Authorization",
    }  # fmt: skip


def test_what_no_document_can_describe_is_left_out_and_counted():
    made = draft(
        Session([
            seen(method="PROPFIND"),
            seen(answer="no json"),
            seen(answer={}, media_type=None),
            seen(body={}, method="POST", sent={}),
            seen("/%ff"),
            seen(status=600),
            seen(),
        ]),
        "x",
    )  # fmt: skip
    assert made.exchanges == 1 and list(made.document["paths"]) == ["/orders"]
    assert made.left_out == {
        "OpenAPI 3.1 has no method PROPFIND": 1,
        "a body that says it is JSON, and is a text": 1,
        "a response whose body has no media type": 1,
        "a request whose body has no media type": 1,
        "a path that is not UTF-8": 1,
        "a status outside of 200 to 599": 1,
    }


# -- properties -------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["orders", "users", "me", "v1", "a b", "größe", "x{y}", "", "..", "status", "o-1", *UUIDS])
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    st.integers(-99, 10**16).map(str),
    st.sampled_from(
        ["", "true", "open", "2026-01-01", "2026-01-01T00:00:00Z", "a@b.org", "1.50", "0o7", "1e3", *UUIDS]
    ),
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.sampled_from(["a.b@c-d.example", "a..b@c.org", ".a@b.org", "a@b", "a@-b.org", "a@b.org "]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | st.sampled_from("abc"), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = st.sampled_from(["limit", "tag", "a[b]", "q", "größe", "a.b", "cursor"])
TYPES = st.sampled_from(["application/json", "application/json; charset=utf-8", "application/problem+json"])


@st.composite
def exchanges(draw: st.DrawFn) -> Recorded:
    path = "/" + "/".join(quote(word, safe="") for word in draw(st.lists(WORDS, max_size=4)))
    method = draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]))
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 404, 429, 500, 599]))
    one = seen(path, method, status=status, query=draw(st.lists(st.tuples(NAMES, TEXTS), max_size=4)))
    if status not in (204, 304) and method != "HEAD" and draw(st.booleans()):
        kind, value = draw(st.one_of(st.tuples(TYPES, VALUES), st.tuples(st.just("text/plain"), TEXTS)))
        one = replace(one, media_type=kind, answer=value or None)
    if draw(st.booleans()):
        form = st.lists(st.tuples(NAMES, TEXTS), max_size=4).map(urlencode)
        kind, value = draw(
            st.one_of(
                st.tuples(TYPES, VALUES),
                st.tuples(st.just("application/x-www-form-urlencoded"), form),
                st.tuples(st.sampled_from(["text/plain", "application/xml", "text/event-stream"]), TEXTS),
            )
        )
        one = replace(one, sent={"content-type": kind}, body=value or None)
    headers = draw(st.dictionaries(st.sampled_from(["x-limit", "etag", "retry-after"]), st.integers(0, 9).map(str)))
    return replace(one, headers=headers)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(exchanges(), min_size=1, max_size=12))
@example([seen("/a//b"), seen("/a/b")])
def test_every_exchange_fits_the_document_that_was_drafted_from_it(sample):
    made = draft(Session(sample), "drafted")
    OpenAPIV31SpecValidator(made.document).validate()
    assert parse(text_of(made), "draft.yaml") == parse(orjson.dumps(made.document).decode(), "draft.json")
    kept = [one for one in sample if not draft(Session([one]), "x").left_out]
    assert len(kept) == made.exchanges
    assert not problems(made.document, kept)


def test_a_draft_is_served():
    orders = [{"id": number, "state": "open", "at": "2026-01-01T00:00:00Z"} for number in (1, 2)]
    document = drafted(
        seen(answer={"data": orders, "has_more": False}, query=[("limit", "2")]),
        *[seen(f"/orders/{order['id']}", answer=order) for order in orders],
        seen(method="POST", body={"state": "open"}, answer=orders[0], status=201),
        seen("/orders/1", method="DELETE", status=204),
    )
    api = Api.from_openapi(document, name="drafted")
    with (
        serve_in_thread(create_app(Settings(), apis=[api])) as served,
        httpx.Client(base_url=served.url, trust_env=False) as client,
    ):
        made = client.post("/orders", json={"state": "open"})
        assert made.status_code == 201 and made.json()["state"] == "open"
        assert client.get(f"/orders/{made.json()['id']}").json() == made.json()
        assert client.get("/orders").json()["data"] == [made.json()]
        assert client.delete(f"/orders/{made.json()['id']}").status_code == 204
        journal = client.get("/__admin/sandboxes/default/journal").json()["entries"]
    assert not [entry for entry in journal if entry["violations"] or entry["defect"]]
