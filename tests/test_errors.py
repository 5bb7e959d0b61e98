"""An error response has the shape that the document declares for its status, and is always valid by it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from contracts import contract, published
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.apis import Api, load_api
from mockserver.errors import KINDS, Problem
from mockserver.messages import Exchange, Limit, Request, Violation
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import Terms
from mockserver.scenarios.load import parse_scenario

VIOLATIONS = (
    Violation("client", "body", "/pages", "must be an integer", "text", "integer", "type"),
    Violation("client", "query", "limit", "must be at most 100", "101", "100", "maximum"),
)
INVALID = Problem("invalid_request", "Two things are wrong.", violations=VIOLATIONS)
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


def shape(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An object with exactly these members, all required."""
    base = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {**base, **more}


def api_of(responses: dict[str, Any], version: str = "3.0.3", **document: Any) -> Api:
    """An API with one operation, `POST /books`, whose requests have a number of pages."""
    body = {"content": {"application/json": {"schema": shape({"pages": WHOLE})}}}
    for node in responses.values():
        node.setdefault("description", "")
    operation = {"operationId": "addBook", "requestBody": body, "responses": {"201": {"description": ""}, **responses}}
    return Api("shelf", contract({"/books": {"post": operation}}, version, **document))


def declares(schema: Any, media_type: str = "application/json", **more: Any) -> dict[str, Any]:
    """A response with a body of one schema."""
    return {"content": {media_type: {"schema": schema}}, **more}


def response(api: Api, problem: Problem = INVALID):
    """The response to a problem; it is checked here that the contract accepts it."""
    operation = api.contract.operations["addBook"]
    made = api.errors.response(operation, problem)
    assert operation.check_response(made) == []
    return made


def body(schema: Any, problem: Problem = INVALID, status: str = "") -> Any:
    """The body that is made for a problem when this schema is declared."""
    return response(api_of({status or str(problem.status): declares(schema)}), problem).data


def send(pipeline: Pipeline, method: str = "POST", path: str = "/books", data: Any = None, **headers: str) -> Exchange:
    given = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return pipeline.exchange(Request(method, path, "", given, orjson.dumps(data or {"pages": "three"})))


# --- which declaration ---


@pytest.mark.parametrize("status", ["400", "4XX", "4xx", "default"])
def test_the_declared_response_is_taken_exactly_by_its_range_or_by_default(status):
    made = response(api_of({status: declares(shape({"text": TEXT}))}))
    assert (made.status, made.media_type, made.data) == (400, "application/json", {"text": "Two things are wrong."})


def test_the_exact_declaration_goes_before_the_range_and_that_before_the_default():
    declared = {name: declares(shape({name: WHOLE, "message": TEXT})) for name in ("default", "4XX", "400")}
    api = api_of(declared)
    assert "400" in response(api).data
    assert "4XX" in response(api, Problem("conflict")).data
    assert "default" in response(api, Problem("unavailable")).data


@pytest.mark.parametrize("responses", [{}, {"400": {}}, {"404": declares(shape({"x": TEXT}))}])
def test_what_is_not_declared_or_has_no_body_is_problem_details(responses):
    made = response(api_of(responses))
    assert made.media_type == "application/problem+json"
    assert made.data["type"] == "urn:mockserver:invalid_request"
    assert [violation["pointer"] for violation in made.data["violations"]] == ["/pages", "limit"]


def test_an_invalid_request_is_422_where_that_is_declared_and_400_is_not():
    declared = declares(shape({"detail": TEXT, "status": WHOLE}))
    assert response(api_of({"422": declared, "default": declared})).data["status"] == 422
    assert response(api_of({"422": declared})).status == 422
    assert response(api_of({"422": declared, "400": declared})).data["status"] == 400


def test_a_declaration_is_read_once_for_each_operation_and_status(monkeypatch):
    api = api_of({"400": declares(shape({"message": TEXT}))})
    sampled: list[int] = []
    sample = api.contract.sample
    monkeypatch.setattr(api.contract, "sample", lambda op, status: sampled.append(status) or sample(op, status))
    first, second = response(api), response(api, Problem("invalid_request", "Another."))
    assert (first.data["message"], second.data["message"]) == ("Two things are wrong.", "Another.")
    assert sampled == [400]


@pytest.mark.parametrize("message", [TEXT, {"type": "string", "enum": ["no message fits here"]}])
def test_one_response_never_changes_the_next(message):
    api = api_of({"400": declares(shape({"error": shape({"message": message, "list": {"type": "array"}})}))})
    response(api).data["error"]["list"].append("mine")
    assert "mine" not in response(api).data["error"]["list"]


# --- which member holds what ---


@pytest.mark.parametrize("name", ["message", "detail", "error", "error_description", "errorMessage", "text", "reason"])
def test_a_member_of_such_a_name_holds_the_message(name):
    assert body(shape({name: TEXT})) == {name: "Two things are wrong."}


def test_beside_a_message_error_and_code_are_the_name_of_the_kind():
    data = body(shape({"error": TEXT, "error_description": TEXT, "statusCode": WHOLE, "title": TEXT}))
    assert data == {
        "error": "invalid_request",
        "error_description": "Two things are wrong.",
        "statusCode": 400,
        "title": "Invalid request",
    }


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (WHOLE, 400),
        (TEXT, "invalid_request"),
        ({"type": "string", "enum": ["NOT_FOUND", "INVALID_ARGUMENT"]}, "INVALID_ARGUMENT"),
        ({"type": "string", "enum": ["other", "BadRequest"]}, "BadRequest"),
        ({"type": "string", "enum": ["a", "b"]}, "a"),
        ({"type": "string", "pattern": "^E[0-9]{3}$"}, None),
        ({"type": "integer", "enum": [7, 9]}, 7),
        ({"type": "string", "maxLength": 7}, "invalid"),
    ],
)
def test_a_code_is_what_the_schema_allows_and_fits_best(schema, value):
    data = body(shape({"code": schema, "message": TEXT}))
    assert data["message"] == "Two things are wrong."
    assert value is None or data["code"] == value


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "maxLength": 5},
        {"type": "string", "enum": ["Bad input"]},
        {"type": "string", "pattern": "^[A-Z]+$"},
        WHOLE,
    ],
)
def test_a_member_that_cannot_hold_the_message_keeps_its_sample_and_the_rest_is_filled(schema):
    data = body(shape({"message": schema, "error": shape({"code": WHOLE, "detail": TEXT})}))
    assert data["error"] == {"code": 400, "detail": "Two things are wrong."}


def test_a_message_that_is_too_long_for_the_schema_is_the_title_of_the_kind():
    assert body(shape({"message": {"type": "string", "maxLength": 15}})) == {"message": "Invalid request"}


def test_flags_say_that_it_failed_and_whether_to_try_again():
    flag = {"type": "boolean"}
    schema = shape({"success": flag, "error": flag, "retryable": flag, "retry_after": WHOLE, "message": TEXT})
    problem = Problem("rate_limit_exceeded", "Slow down.", headers={"retry-after": "7"})
    assert body(schema, problem) == {
        "success": False,
        "error": True,
        "retryable": True,
        "retry_after": 7,
        "message": "Slow down.",
    }


def test_nested_objects_are_filled_and_other_objects_are_left_alone():
    other = shape({"type": TEXT, "status": TEXT})
    data = body(shape({"error": shape({"code": WHOLE, "message": TEXT}), "user": other}))
    assert data["error"] == {"code": 400, "message": "Two things are wrong."}
    assert data["user"]["status"] != "400" and data["user"]["type"] != "invalid_request"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (TEXT, ["pages: must be an integer", "query limit: must be at most 100"]),
        (
            shape({"field": TEXT, "message": TEXT}),
            [
                {"field": "pages", "message": "must be an integer"},
                {"field": "query limit", "message": "must be at most 100"},
            ],
        ),
        (
            shape({"loc": {"type": "array", "items": TEXT}, "msg": TEXT, "type": TEXT}),
            [
                {"loc": ["body", "pages"], "msg": "must be an integer", "type": "invalid_request"},
                {"loc": ["query", "limit"], "msg": "must be at most 100", "type": "invalid_request"},
            ],
        ),
        (
            shape({"status": TEXT, "detail": TEXT, "source": {"type": "object", "properties": {"pointer": TEXT}}}),
            [
                {"status": "400", "detail": "must be an integer", "source": {"pointer": "/pages"}},
                {"status": "400", "detail": "must be at most 100", "source": {"parameter": "limit"}},
            ],
        ),
        (
            shape({"name": TEXT, "reason": TEXT}),
            [
                {"name": "pages", "reason": "must be an integer"},
                {"name": "query limit", "reason": "must be at most 100"},
            ],
        ),
    ],
)
def test_a_list_has_an_entry_for_each_violation(item, expected):
    entries = {"type": "array", "items": item}
    assert body(shape({"errors": entries})) == {"errors": expected}
    assert body(entries) == expected
    assert body(shape({"error": shape({"details": entries})})) == {"error": {"details": expected}}


LATE = Violation("client", "query", "limit", "must be at most 100", "101", "100", "maximum")
NONE_LEFT = Problem("out_of_credits", "No credits are left.")


@pytest.mark.parametrize("schema", [TEXT, {**TEXT, "nullable": True}])
@pytest.mark.parametrize(
    ("name", "problem", "value"),
    [
        ("param", INVALID, "pages"),
        ("pointer", INVALID, "/pages"),
        ("field", Problem("invalid_request", violations=[LATE]), "limit"),
    ],
)
def test_a_single_error_names_the_first_field_that_is_wrong(name, problem, value, schema):
    error = shape({"message": TEXT, name: schema})
    assert body(shape({"error": error}), problem)["error"][name] == value


def test_an_error_that_is_about_no_field_names_none_as_far_as_it_may():
    error = {"type": "object", "properties": {"message": TEXT, "param": TEXT}, "required": ["message"]}
    assert "param" not in body(error, NONE_LEFT)
    assert body(shape({"message": TEXT, "param": {**TEXT, "nullable": True}}), NONE_LEFT)["param"] is None
    assert isinstance(body(shape({"message": TEXT, "param": TEXT}), NONE_LEFT)["param"], str)


def test_a_list_that_takes_one_entry_has_one():
    schema = {"type": "array", "items": shape({"message": TEXT}), "maxItems": 1}
    assert body(schema) == [{"message": "must be an integer"}]


def test_a_list_about_something_else_than_the_request_names_no_field():
    problem = Problem("not_found", "There is no such book.")
    entries = {"type": "array", "items": shape({"field": TEXT, "message": TEXT})}
    assert body(shape({"message": TEXT, "errors": entries}), problem)["errors"] == []
    kept = body({**entries, "minItems": 1}, problem)
    assert [entry["message"] for entry in kept] == ["There is no such book."]


@pytest.mark.parametrize("value", [{"type": "array", "items": TEXT}, TEXT])
def test_a_map_has_the_messages_by_field(value):
    data = body(shape({"errors": {"type": "object", "additionalProperties": value}}))
    texts = {"pages": "must be an integer", "query limit": "must be at most 100"}
    assert data["errors"] == (texts if value is TEXT else {field: [text] for field, text in texts.items()})


def test_members_beyond_those_that_are_known_are_sampled():
    data = body(
        shape({"message": TEXT, "trace": {"type": "string", "format": "uuid"}, "count": {"minimum": 3, **WHOLE}})
    )
    assert data["message"] == "Two things are wrong." and data["count"] == 3 and len(data["trace"]) == 36


def test_one_of_several_schemas_is_filled_and_stays_valid():
    first = shape({"kind": {"type": "string", "enum": ["simple"]}, "message": TEXT})
    second = shape({"errors": {"type": "array", "items": TEXT}})
    assert body({"oneOf": [first, second]}) == {"kind": "simple", "message": "Two things are wrong."}
    assert len(body({"oneOf": [second, first]})["errors"]) == 2


# --- examples ---


def test_an_example_of_the_status_keeps_the_vendors_codes_and_gets_the_message():
    example = {"code": "book_rejected", "status": 400, "message": "The book is bad", "docs": "https://example.com/e1"}
    schema = shape({"code": TEXT, "status": WHOLE, "message": TEXT, "docs": TEXT})
    for given_as in ({"example": example}, {"examples": {"a": {"value": example}}}):
        node = {"content": {"application/json": {"schema": schema, **given_as}}}
        assert response(api_of({"400": node})).data == {**example, "message": "Two things are wrong."}


def test_an_example_for_many_statuses_says_nothing_of_this_one():
    example = {"code": "internal", "status": 500, "message": "Broken"}
    node = {"content": {"application/json": {"schema": shape({"code": TEXT, "status": WHOLE, "message": TEXT})}}}
    node["content"]["application/json"]["example"] = example
    data = response(api_of({"default": node})).data
    assert data == {"code": "invalid_request", "status": 400, "message": "Two things are wrong."}
    assert example["status"] == 500, "the document itself is not changed"


# --- media types and headers ---


def test_json_is_preferred_among_the_declared_media_types():
    schema = {"schema": shape({"message": TEXT})}
    node = {"content": {"text/html": {"schema": TEXT}, "application/vnd.shelf+json": schema}}
    assert response(api_of({"400": node})).media_type == "application/vnd.shelf+json"


def test_a_text_is_the_message():
    made = response(api_of({"400": declares(TEXT, "text/plain")}))
    assert (made.media_type, made.data) == ("text/plain", "Two things are wrong.")


def test_a_type_that_no_schema_validates_gets_values_of_the_declared_types():
    schema = shape({"code": WHOLE, "message": TEXT})
    made = response(api_of({"400": declares(schema, "application/xml")}))
    assert (made.media_type, made.data) == ("application/xml", {"code": 400, "message": "Two things are wrong."})


def test_declared_problem_details_have_all_that_problem_details_have():
    made = response(api_of({"400": declares({"type": "object"}, "application/problem+json")}))
    assert made.data["violations"] and made.data["status"] == 400


def test_declared_problem_details_that_want_more_are_filled():
    schema = shape({"type": {**TEXT, "format": "uri"}, "title": TEXT, "status": WHOLE, "detail": TEXT, "trace": TEXT})
    data = response(api_of({"400": declares(schema, "application/problem+json")})).data
    assert data.pop("trace")
    assert data == {
        "type": "urn:mockserver:invalid_request",
        "title": "Invalid request",
        "status": 400,
        "detail": "Two things are wrong.",
    }


def test_required_headers_are_sampled_and_what_the_server_says_goes_before():
    headers = {name: {"required": True, "schema": WHOLE} for name in ("Retry-After", "X-RateLimit-Limit", "X-Trace")}
    pipeline = Pipeline(
        [api_of({"429": declares(shape({"message": TEXT}), headers=headers), "4XX": declares(TEXT, headers=headers)})],
        terms=Terms(limit=Limit(2, 60)),
    )
    assert send(pipeline).response.headers["x-ratelimit-limit"] == "2"
    send(pipeline)
    third = send(pipeline)
    assert third.status == 429
    sent = third.response.headers
    assert (sent["x-ratelimit-limit"], sent["retry-after"], sent["x-trace"]) == ("2", "60", "1")


def test_a_header_that_must_be_something_else_than_what_the_server_says_is_sampled():
    moment = {"required": True, "schema": {"type": "string", "format": "date-time"}}
    pipeline = Pipeline(
        [api_of({"429": declares(COMMON, headers={"Retry-After": moment})})], terms=Terms(limit=Limit(1, 60))
    )
    send(pipeline)
    second = send(pipeline)
    assert (second.status, second.defect) == (429, "")
    assert second.response.headers["retry-after"].startswith("20")


def test_the_challenge_of_a_401_is_the_servers_own():
    node = declares(shape({"message": TEXT}), headers={"WWW-Authenticate": {"required": True, "schema": TEXT}})
    api = api_of(
        {"401": node},
        security=[{"key": []}],
        components={"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    )
    exchange = send(Pipeline([api]))
    assert exchange.status == 401 and exchange.response.headers["www-authenticate"].startswith("Bearer")
    assert "Bearer KEY" in exchange.response.data["message"]


# --- through the pipeline ---

COMMON = shape({"code": WHOLE, "message": TEXT})


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (404, {"path": "/nowhere"}),
        (405, {"method": "DELETE"}),
        (415, {"content_type": "text/plain"}),
        (413, {"data": {"pages": "x" * 2000}}),
        (400, {"data": {"pages": "three"}}),
        (400, {"data": [[1]]}),
        (503, {"prefer": "code=503"}),
        (404, {"path": "/~nobody/books"}),
    ],
)
def test_every_error_of_a_request_has_the_declared_shape(status, sent):
    pipeline = Pipeline([api_of({"default": declares(COMMON)})], max_body=1000)
    exchange = send(pipeline, **sent)
    assert exchange.status == status and not exchange.defect
    assert exchange.response.data.keys() == {"code", "message"} and exchange.response.data["code"] == status


def test_a_404_and_a_405_look_as_most_operations_say():
    def node(schema):
        return {"get": {"responses": {"404": {"description": "", **declares(schema)}}}}

    usual, rare = shape({"message": TEXT, "status": WHOLE}), shape({"rare": TEXT})
    paths = {"/a": node(rare), "/b": node(usual), "/c": node(usual), "/d": {"get": {}}}
    pipeline = Pipeline([Api("t", contract(paths))])
    assert send(pipeline, "GET", "/nowhere").response.data.keys() == {"message", "status"}
    wrong_method = send(pipeline, "PUT", "/d")
    assert wrong_method.status == 405 and wrong_method.response.headers["allow"] == "GET, HEAD, OPTIONS"
    assert wrong_method.response.data == {"message": "/d has no PUT; it has GET, HEAD, OPTIONS.", "status": 405}


def test_a_document_that_declares_no_error_answers_problem_details_and_no_500():
    pipeline = Pipeline([api_of({})])
    for sent, status in (({"path": "/x"}, 404), ({"method": "GET"}, 405), ({"data": {"pages": 1.5}}, 400)):
        exchange = send(pipeline, **sent)
        assert (exchange.status, exchange.response.media_type) == (status, "application/problem+json")
        assert not exchange.defect


NAMED = """
version: 1
name: named
api: shelf
rules:
  - {id: all, op: addBook, sequence: [%s]}
"""


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("rate_limited: {retry_after: 5}", 429),
        ("rate_limited: {retry_after: absent}", 429),
        ("out_of_credits: {}", 402),
        ("unauthorized: {}", 401),
        ("conflict: {}", 409),
        ("server_error: {status: 507}", 507),
    ],
)
def test_a_named_response_has_the_declared_shape(step, status):
    api = api_of({"default": declares(COMMON)})
    scenario = parse_scenario(NAMED % ("{" + step + "}"), {"shelf": api}, "named.yaml")
    exchange = send(Pipeline([api], scenarios=[scenario]), data={"pages": 3})
    assert (exchange.status, exchange.defect) == (status, "")
    assert exchange.response.data["code"] == status
    if "absent" in step:
        assert "retry-after" not in exchange.response.headers


def test_a_named_429_without_the_retry_after_that_is_required_needs_a_reason():
    api = api_of({"429": declares(COMMON, headers={"Retry-After": {"required": True, "schema": WHOLE}})})
    parse_scenario(NAMED % "{rate_limited: {}}", {"shelf": api}, "named.yaml")
    with pytest.raises(Exception, match="Retry-After"):
        parse_scenario(NAMED % "{rate_limited: {retry_after: absent}}", {"shelf": api}, "named.yaml")


def test_a_preferred_error_has_the_declared_shape():
    exchange = send(Pipeline([api_of({"429": declares(COMMON)})]), data={"pages": 1}, prefer="code=429")
    assert exchange.status == 429 and exchange.response.data["code"] == 429
    assert exchange.response.headers["retry-after"] == "1"


# --- any document ---

scalars = st.sampled_from(
    [
        TEXT,
        WHOLE,
        {"type": "boolean"},
        {"type": "number"},
        {"type": "string", "maxLength": 4},
        {"type": "string", "enum": ["BAD_REQUEST", "x"]},
        {"type": "string", "format": "date-time"},
        {"type": "string", "nullable": True},
        {"type": "integer", "maximum": 99},
        {},
    ]
)
names = st.sampled_from(
    ["message", "error", "errors", "code", "status", "type", "title", "detail", "details", "success", "name", "source"]
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(names, inner, max_size=4)
    objects = st.builds(
        lambda p, closed: shape(p) if closed else {"type": "object", "properties": p}, members, st.booleans()
    )
    return st.one_of(
        objects,
        inner.map(lambda items: {"type": "array", "items": items}),
        inner.map(lambda items: {"type": "array", "items": items, "maxItems": 1, "minItems": 1}),
        inner.map(lambda values: {"type": "object", "additionalProperties": values}),
        st.lists(inner, min_size=1, max_size=2).map(lambda choices: {"anyOf": choices}),
    )


problems = st.builds(
    lambda kind, message, violations: Problem(kind, message, violations=violations),
    st.sampled_from(sorted(KINDS)),
    st.text(max_size=40),
    st.lists(st.sampled_from(VIOLATIONS), max_size=3),
)


@settings(max_examples=300, deadline=None)
@given(st.recursive(scalars, nested, max_leaves=8), problems)
def test_whatever_is_declared_the_response_is_valid(schema, problem):
    made = response(api_of({"default": declares(schema)}), problem)
    assert made.status == problem.status


@pytest.mark.slow
@pytest.mark.parametrize("name", ["discord-3.1.json", "petstore-3.0.yaml", "plaid-3.0.yml", "mem0-platform-3.0.json"])
def test_every_error_that_a_published_document_declares_can_be_made(name):
    api = load_api(str(published(name)), strict=False)
    wrong = []
    for operation in list(api.contract.operations.values())[:150]:
        for kind in ("invalid_request", "unauthorized", "not_found", "rate_limit_exceeded", "server_error"):
            made = api.errors.response(operation, Problem(kind, violations=VIOLATIONS[:1]))
            if operation.check_response(made) and not operation.check_response(
                api.contract.sample(operation, made.status)
            ):
                wrong.append((operation.id, kind))
    assert wrong == []
