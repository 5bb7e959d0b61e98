"""Parameters off the wire: styles, strict scalars, defaults, and what is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from contracts import brief, contract, refusal, send, with_parameter
from hypothesis import given
from hypothesis import strategies as st

INTS = {"type": "array", "items": {"type": "integer"}}
RGB = {
    "type": "object",
    "properties": {"R": {"type": "integer"}, "G": {"type": "integer"}},
    "additionalProperties": False,
}


def value(operation, query="", *, path=None, headers=None):
    checked = send(operation, query=query, path=path, headers=headers)
    assert checked.violations == []
    return checked.params.get("p", "not sent")


@pytest.mark.parametrize(
    ("schema", "style", "explode", "query", "expected"),
    [
        (INTS, None, None, "p=1&p=2", [1, 2]),
        (INTS, "form", True, "p=1", [1]),
        (INTS, "form", False, "p=1,2", [1, 2]),
        (INTS, "form", False, "p=1%2C2", [1, 2]),
        (INTS, "form", False, "p=", []),
        (INTS, "spaceDelimited", False, "p=1%202", [1, 2]),
        (INTS, "spaceDelimited", False, "p=1+2", [1, 2]),
        (INTS, "spaceDelimited", True, "p=1&p=2", [1, 2]),
        (INTS, "pipeDelimited", False, "p=1|2", [1, 2]),
        (INTS, "pipeDelimited", False, "p=1%7C2", [1, 2]),
        (INTS, "pipeDelimited", True, "p=1&p=2", [1, 2]),
        (RGB, "form", True, "R=1&G=2", {"R": 1, "G": 2}),
        (RGB, "form", True, "G=2", {"G": 2}),
        (RGB, "form", True, "other=2", "not sent"),
        (RGB, "form", False, "p=R,1,G,2", {"R": 1, "G": 2}),
        (RGB, "spaceDelimited", False, "p=R%201%20G%202", {"R": 1, "G": 2}),
        (RGB, "pipeDelimited", False, "p=R|1|G|2", {"R": 1, "G": 2}),
        (RGB, "deepObject", True, "p[R]=1&p%5BG%5D=2", {"R": 1, "G": 2}),
        (RGB, "deepObject", True, "q[R]=1", "not sent"),
        ({"type": "object", "properties": {"a": INTS}}, "deepObject", True, "p[a]=1&p[a]=2", {"a": [1, 2]}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "deepObject", True, "p[x]=1", {"x": 1}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "form", True, "x=1&y=2", {"x": 1, "y": 2}),
        ({"anyOf": [RGB, {"type": "integer"}]}, "deepObject", True, "p=5", 5),
        ({"anyOf": [RGB, {"type": "integer"}]}, "deepObject", True, "p[R]=5", {"R": 5}),
        ({"anyOf": [{"type": "integer"}, {"enum": ["all"]}]}, None, None, "p=5", 5),
        ({"anyOf": [{"type": "integer"}, {"enum": ["all"]}]}, None, None, "p=all", "all"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, None, None, "p=5", "5"),
        ({"type": "string"}, None, None, "p=a%20b+c", "a b c"),
        ({"type": "string"}, None, None, "p=1", "1"),
        ({"type": "string"}, None, None, "p=", ""),
        ({"type": "string"}, None, None, "p", ""),
        ({"type": "string"}, None, None, "p=a=b", "a=b"),
        ({}, None, None, "p=1", "1"),
        ({"enum": [1, 2]}, None, None, "p=1", 1),
    ],
)
def test_query_styles(schema, style, explode, query, expected):
    more = {key: v for key, v in (("style", style), ("explode", explode)) if v is not None}
    assert value(with_parameter(schema, **more), query) == expected


@pytest.mark.parametrize(
    ("schema", "style", "explode", "text", "expected"),
    [
        ({"type": "integer"}, "simple", False, "5", 5),
        ({"type": "integer"}, "simple", True, "5", 5),
        (INTS, "simple", False, "1,2", [1, 2]),
        (INTS, "simple", True, "1,2", [1, 2]),
        (RGB, "simple", False, "R,1,G,2", {"R": 1, "G": 2}),
        (RGB, "simple", True, "R=1,G=2", {"R": 1, "G": 2}),
        ({"type": "integer"}, "label", False, ".5", 5),
        (INTS, "label", False, ".1,2", [1, 2]),
        (INTS, "label", True, ".1.2", [1, 2]),
        (RGB, "label", False, ".R,1,G,2", {"R": 1, "G": 2}),
        (RGB, "label", True, ".R=1.G=2", {"R": 1, "G": 2}),
        ({"type": "integer"}, "matrix", False, ";p=5", 5),
        (INTS, "matrix", False, ";p=1,2", [1, 2]),
        (INTS, "matrix", True, ";p=1;p=2", [1, 2]),
        (RGB, "matrix", False, ";p=R,1,G,2", {"R": 1, "G": 2}),
        (RGB, "matrix", True, ";R=1;G=2", {"R": 1, "G": 2}),
    ],
)
def test_path_styles(schema, style, explode, text, expected):
    operation = with_parameter(schema, "path", required=True, style=style, explode=explode)
    assert value(operation, path={"p": text}) == expected


@pytest.mark.parametrize("style", ["label", "matrix"])
def test_a_path_value_without_the_mark_of_its_style_is_refused(style):
    operation = with_parameter({"type": "integer"}, "path", required=True, style=style)
    problem = refusal(operation, path={"p": "5"})
    assert problem.kind.name == "invalid_request"
    assert problem.violations[0].field == "path p" and style in problem.message


def test_headers_and_cookies():
    assert value(with_parameter(INTS, "header"), headers={"p": "1, 2,3"}) == [1, 2, 3]
    assert value(with_parameter({"type": "integer"}, "header", name="P"), headers={"p": "7"}) == "not sent"
    assert send(with_parameter({"type": "integer"}, "header", name="X-P"), headers={"x-p": "7"}).params == {"X-P": 7}
    assert value(with_parameter({"type": "boolean"}, "cookie"), headers={"cookie": "a=b; p=true; c"}) is True
    assert value(with_parameter({"type": "string"}, "cookie"), headers={"cookie": "p=a%20b"}) == "a b"
    assert value(with_parameter({"type": "string"}, "cookie")) == "not sent"


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "Authorization"])
def test_headers_that_openapi_tells_to_ignore(name):
    assert send(with_parameter({"type": "integer"}, "header", name=name, required=True)).violations == []


@pytest.mark.parametrize(
    "text",
    ["+5", "1_0", " 5", "5 ", "٣", "05", "0x10", "5.0", "5e0", "-", "", "--5", "５", "1,0", "null", "true", "5\n"],
)
def test_only_canonical_integers_are_integers(text):
    operation = with_parameter({"type": "integer"})
    violations = send(operation, query=f"p={quote(text)}").violations
    assert brief(violations) == [("query", "p", "type")]
    assert violations[0].expected == "an integer"


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "Infinity", "1_0.5", ".5", "5.", "+1.5", "1e", "٣.٥", "1e1000"])
def test_only_json_numbers_are_numbers(text):
    violations = send(with_parameter({"type": "number", "minimum": 0}), query=f"p={quote(text)}").violations
    assert brief(violations) == [("query", "p", "type")]


@pytest.mark.parametrize("text", ["yes", "1", "True", "TRUE", "on", ""])
def test_only_true_and_false_are_booleans(text):
    assert brief(send(with_parameter({"type": "boolean"}), query=f"p={text}").violations) == [("query", "p", "type")]


@given(st.integers(-(10**30), 10**30))
def test_every_integer_is_read_as_itself(number):
    assert value(with_parameter({"type": "integer"}), f"p={number}") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_as_itself(number):
    assert value(with_parameter({"type": "number"}), f"p={quote(repr(number))}") == number


@given(st.text(max_size=6))
def test_what_is_no_canonical_integer_stays_text(text):
    operation = with_parameter({"type": "integer"})
    canonical = text.isascii() and text.removeprefix("-").isdecimal() and (str(int(text)) == text or text == "-0")
    checked = send(operation, query=f"p={quote(text)}")
    assert checked.params["p"] == (int(text) if canonical else text)
    assert bool(checked.violations) is not canonical


@given(
    st.lists(st.integers(-99, 99), min_size=1, max_size=5), st.sampled_from(["form", "pipeDelimited", "spaceDelimited"])
)
def test_arrays_round_trip_in_every_style(numbers, style):
    texts = [str(number) for number in numbers]
    together = {"form": ",", "pipeDelimited": "|", "spaceDelimited": " "}[style].join(texts)
    assert value(with_parameter(INTS, style=style, explode=False), f"p={quote(together)}") == numbers
    assert value(with_parameter(INTS, style=style, explode=True), "&".join(f"p={t}" for t in texts)) == numbers


def test_defaults_stand_in_for_what_was_not_sent():
    assert value(with_parameter({"type": "integer", "default": 7})) == 7
    assert value(with_parameter({"type": "integer", "default": 7}), "p=8") == 8
    assert value(with_parameter({"type": "integer", "default": None, "nullable": True})) is None
    referenced = contract(
        {"/x": {"get": {"parameters": [{"name": "p", "in": "query", "schema": {"$ref": "#/components/schemas/S"}}]}}},
        components={"schemas": {"S": {"type": "integer", "default": 3}}},
    )
    assert value(referenced.operations["GET /x"]) == 3


def test_a_scalar_given_twice_is_refused():
    problem = refusal(with_parameter({"type": "integer"}), query="p=1&p=1")
    assert problem.kind.name == "invalid_request"
    assert [(v.where, v.pointer, v.found, v.expected) for v in problem.violations] == [
        ("query", "p", "2 values", "one value")
    ]
    refusal(with_parameter(RGB, style="deepObject", explode=True), query="p[R]=1&p[R]=2")
    refusal(with_parameter(INTS, style="form", explode=False), query="p=1&p=2")


@pytest.mark.parametrize(("place", "name"), [("query", "p"), ("header", "p"), ("cookie", "p"), ("path", "p")])
def test_required_parameters(place, name):
    operation = with_parameter({"type": "string"}, place, name, required=True)
    violations = send(operation).violations
    assert brief(violations) == [(place, "p", "required")]
    assert violations[0].side == "client" and violations[0].field == f"{place} p"


def test_a_violation_points_into_a_structured_parameter():
    assert brief(send(with_parameter(INTS), query="p=1&p=x").violations) == [("query", "p/1", "type")]
    operation = with_parameter(RGB, style="deepObject", explode=True)
    assert brief(send(operation, query="p[R]=x&p[Z]=1").violations) == [
        ("query", "p/R", "type"),
        ("query", "p", "additionalProperties"),
    ]
    with_names = with_parameter(RGB, style="form", explode=False)
    assert brief(send(with_names, query="p=R,1,G").violations) == [("query", "p", "type")]


def test_an_exploded_object_leaves_other_parameters_alone():
    parameters = [
        {"name": "filter", "in": "query", "schema": {"type": "object", "additionalProperties": {"type": "string"}}},
        {"name": "limit", "in": "query", "schema": {"type": "integer"}},
    ]
    operation = contract({"/x": {"get": {"parameters": parameters}}}).operations["GET /x"]
    checked = send(operation, query="limit=5&color=red")
    assert checked.violations == [] and checked.params == {"filter": {"color": "red"}, "limit": 5}


def test_a_parameter_with_json_content():
    content = {"application/json": {"schema": {"type": "object", "required": ["a"]}}}
    operation = with_parameter(content=content)
    assert value(operation, "p=" + quote('{"a": [1]}')) == {"a": [1]}
    assert brief(send(operation, query="p=%7B%7D").violations) == [("query", "p/a", "required")]
    assert "must be a JSON value" in refusal(operation, query="p=%7B").message
    text = with_parameter(content={"text/plain": {"schema": {"type": "string"}}})
    assert value(text, "p=%7B") == "{"


def test_an_operation_overrides_the_parameters_of_its_path():
    path = {
        "parameters": [
            {"name": "p", "in": "query", "schema": {"type": "integer"}},
            {"name": "q", "in": "query", "schema": {"type": "integer"}},
            {"name": "p", "in": "header", "schema": {"type": "string"}},
        ],
        "get": {"parameters": [{"name": "p", "in": "query", "schema": {"type": "boolean"}}]},
    }
    operation = contract({"/x": path}).operations["GET /x"]
    assert brief(send(operation, query="p=1&q=x").violations) == [("query", "p", "type"), ("query", "q", "type")]
    assert send(operation, query="p=true&q=1").violations == []


def test_parameters_behind_references():
    made = contract(
        {"/x": {"get": {"parameters": [{"$ref": "#/components/parameters/P"}]}}},
        components={
            "parameters": {"P": {"name": "p", "in": "query", "schema": {"$ref": "#/components/schemas/S"}}},
            "schemas": {"S": {"type": "integer", "maximum": 3}},
        },
    )
    assert brief(send(made.operations["GET /x"], query="p=4").violations) == [("query", "p", "maximum")]


def test_unknown_query_parameters_are_no_violation():
    assert send(with_parameter({"type": "integer"}), query="utm=1&p=2&&=x").violations == []


def test_text_that_is_not_utf_8_is_refused():
    for query in ("p=%FF", "%FF=1"):
        problem = refusal(with_parameter({"type": "string"}), query=query)
        assert problem.status == 400 and "is not UTF-8" in problem.message
