"""Parameters off the wire: styles, strict scalars, defaults, and what is refused."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from contracts import brief, contract, refusal, send, with_parameter
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Problem

FORM = "application/x-www-form-urlencoded"
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


def test_an_undeclared_member_given_twice_is_an_array():
    operation = with_parameter({"type": "object"}, style="deepObject")
    assert send(operation, query="p[a]=1&p[a]=x&p[b]=2").params == {"p": {"a": ["1", "x"], "b": "2"}}
    strict = with_parameter({"type": "object", "additionalProperties": {"type": "string"}}, style="deepObject")
    assert "more than once" in refusal(strict, query="p[a]=1&p[a]=x").message


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


def test_reserved_characters_are_read_whether_they_were_encoded_or_not():
    for query in ("p=:/?@!$'()*,;=[]", "p=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B%3D%5B%5D"):
        assert value(with_parameter({"type": "string"}, allowReserved=True), query) == ":/?@!$'()*,;=[]"


def test_unknown_query_parameters_are_no_violation():
    assert send(with_parameter({"type": "integer"}), query="utm=1&p=2&&=x").violations == []


def test_text_that_is_not_utf_8_is_refused():
    for query in ("p=%FF", "%FF=1"):
        problem = refusal(with_parameter({"type": "string"}), query=query)
        assert problem.status == 400 and "is not UTF-8" in problem.message


NAMES = {"type": "array", "items": {"type": "string"}}
PAIRS = {"type": "object", "additionalProperties": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "style", "query", "expected"),
    [
        (NAMES, "form", "p=a%2Cb,c", ["a,b", "c"]),
        (NAMES, "form", "p=Doe%2C%20J,Roe%2C+R", ["Doe, J", "Roe, R"]),
        (NAMES, "form", "p=a%2Cb", ["a", "b"]),
        (NAMES, "form", "p=a%252Cb,c", ["a%2Cb", "c"]),
        (NAMES, "pipeDelimited", "p=a%7Cb|c", ["a|b", "c"]),
        (NAMES, "pipeDelimited", "p=a%7Cb", ["a", "b"]),
        (NAMES, "spaceDelimited", "p=a%20b+c", ["a", "b", "c"]),
        (PAIRS, "form", "p=R,1%2C2,G,3", {"R": "1,2", "G": "3"}),
        (PAIRS, "pipeDelimited", "p=R|1%7C2|G|3", {"R": "1|2", "G": "3"}),
    ],
)
def test_a_delimiter_that_is_percent_encoded_is_data_beside_one_that_is_not(schema, style, query, expected):
    assert value(with_parameter(schema, style=style, explode=False), query) == expected


@pytest.mark.parametrize(
    ("schema", "style", "explode", "segment", "expected"),
    [
        (NAMES, "simple", False, "a%2Cb,c", ["a,b", "c"]),
        (NAMES, "simple", False, "a%2Cb", ["a", "b"]),
        (NAMES, "simple", False, "a+b,c%2Bd", ["a+b", "c+d"]),
        (NAMES, "label", True, ".a%2Eb.c", ["a.b", "c"]),
        (NAMES, "label", False, ".a%2Cb,c", ["a,b", "c"]),
        (NAMES, "matrix", True, ";p=a%3Bb;p=c", ["a;b", "c"]),
        (NAMES, "matrix", False, ";p=a%2Cb,c", ["a,b", "c"]),
        (PAIRS, "simple", True, "R=a%2Cb,G=c%3Dd", {"R": "a,b", "G": "c=d"}),
        (PAIRS, "simple", True, "R=a%2Cb", {"R": "a,b"}),
        (PAIRS, "matrix", True, ";R=a%3Bb;G=c", {"R": "a;b", "G": "c"}),
        ({"type": "string"}, "simple", False, "a%2Fb%20c", "a/b c"),
    ],
)
def test_so_it_is_in_a_path(schema, style, explode, segment, expected):
    parameter = {"name": "p", "in": "path", "required": True, "style": style, "explode": explode, "schema": schema}
    made = contract({"/x/{p}": {"get": {"parameters": [parameter]}}})
    operation, values, _ = made.match("GET", ["x", segment])
    assert value(operation, path=values) == expected


@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), min_size=2, max_size=4),
    st.sampled_from(["form", "pipeDelimited"]),
)
def test_any_texts_come_back_from_a_list_in_one_value(texts, style):
    together = {"form": ",", "pipeDelimited": "|"}[style].join(quote(text, safe="") for text in texts)
    assert value(with_parameter(NAMES, style=style, explode=False), f"p={together}") == texts


@pytest.mark.parametrize("segment", ["%ff", "a%C3%28", "%ED%A0%80"])
def test_a_path_that_is_not_utf_8_is_refused(segment):
    made = contract({"/x/{p}": {"get": {}}})
    operation, values, _ = made.match("GET", ["x", segment])
    problem = refusal(operation, path=values)
    assert problem.status == 400 and problem.message == "path p: is not UTF-8"


def test_variables_that_are_part_of_a_segment_are_read_likewise():
    parameter = {"name": "p", "in": "path", "required": True, "schema": NAMES}
    made = contract({"/x/{p}.json": {"get": {"parameters": [parameter]}}})
    operation, values, _ = made.match("GET", ["x", "a%2Cb,c.json"])
    assert value(operation, path=values) == ["a,b", "c"]
    operation, values, _ = made.match("GET", ["x", "%ff.json"])
    assert refusal(operation, path=values).message == "path p: is not UTF-8"
    assert made.match("GET", ["x", "a%2Ejson"])[1] == {"p": "a"}


WORD = {"anyOf": [{"type": "integer"}, {"type": "string", "enum": ["auto"]}]}
EITHER = {"type": ["integer", "boolean", "null", "string"], "not": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "query", "expected"),
    [
        (WORD, "p=5", 5),
        (WORD, "p=auto", "auto"),
        ({"type": "array", "items": WORD}, "p=5&p=auto&p=6", [5, "auto", 6]),
        ({"type": "array", "items": EITHER}, "p=1&p=true&p=null&p=", [1, True, None, None]),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "minItems": 2, "items": WORD}]}, "p=5", 5),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "minItems": 2, "items": WORD}]}, "p=5&p=6", [5, 6]),
        ({"type": ["string", "null"], "maxLength": 3}, "p=null", None),
        ({"type": ["integer", "string"]}, "p=5", "5"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "p=1&p=2", [1, "2"]),
    ],
)
def test_a_text_is_read_as_what_its_schema_takes_at_every_leaf(schema, query, expected):
    parameter = {"name": "p", "in": "query", "schema": schema}
    operation = contract({"/x": {"get": {"parameters": [parameter]}}}, "3.1.0").operations["GET /x"]
    assert value(operation, query) == expected


def test_long_lists_are_read_again_too():
    numbers = [*range(300), "auto"]
    assert value(with_parameter({"type": "array", "items": WORD}), "&".join(f"p={n}" for n in numbers)) == numbers


def test_a_text_that_may_stay_one_does():
    schema = {"type": "object", "properties": {"a": WORD, "b": {"type": ["string", "integer"], "maximum": 3}}}
    parameter = {"name": "p", "in": "query", "style": "deepObject", "explode": True, "schema": schema}
    operation = contract({"/x": {"get": {"parameters": [parameter]}}}, "3.1.0").operations["GET /x"]
    assert value(operation, "p[a]=5&p[b]=7") == {"a": 5, "b": "7"}


def test_so_it_is_in_objects_headers_and_cookies():
    members = {"type": "object", "properties": {"a": WORD, "b": WORD, "c": {"type": "string"}}}
    operation = with_parameter(members, style="deepObject", explode=True)
    assert value(operation, "p[a]=5&p[b]=auto&p[c]=7") == {"a": 5, "b": "auto", "c": "7"}
    assert brief(send(operation, query="p[a]=zz").violations) == [("query", "p/a", "enum")]
    assert value(with_parameter({"type": "array", "items": WORD}, "header"), headers={"p": "5, auto"}) == [5, "auto"]
    assert value(with_parameter(WORD, "cookie"), headers={"cookie": "p=5"}) == 5
    nullable = {"type": "integer", "nullable": True}
    assert value(with_parameter(nullable), "p=null") is None


@pytest.mark.parametrize("query", ["p", "p=", "p=&q=1"])
def test_an_empty_value_that_is_allowed_counts_as_not_sent(query):
    for schema in ({"type": "boolean"}, {"type": "integer"}, INTS, {"type": "string", "minLength": 2}):
        assert value(with_parameter(schema, allowEmptyValue=True, required=True), query) == "not sent"
    assert value(with_parameter({"type": "integer", "default": 7}, allowEmptyValue=True), query) == 7


def test_an_empty_value_is_allowed_only_where_it_is_said_and_no_other_value_is():
    assert brief(send(with_parameter({"type": "integer"}), query="p=").violations) == [("query", "p", "type")]
    allowed = with_parameter({"type": "integer"}, allowEmptyValue=True, required=True)
    assert brief(send(allowed).violations) == [("query", "p", "required")]
    assert brief(send(allowed, query="p=zz").violations) == [("query", "p", "type")]


TREE = {
    "type": "object",
    "properties": {
        "a": {"type": "object", "properties": {"b": {"type": "integer"}, "c": {"type": "array", "items": WORD}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "ids": INTS,
    },
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("p[a][b]=1", {"a": {"b": 1}}),
        ("p[a][b]=1&p[a][c]=2&p[a][c]=auto", {"a": {"b": 1, "c": [2, "auto"]}}),
        ("p[a][c][]=2&p[a][c][]=3", {"a": {"c": [2, 3]}}),
        ("p[ids][0]=1&p[ids][1]=2", {"ids": [1, 2]}),
        ("p[ids][10]=1&p[ids][9]=2", {"ids": [2, 1]}),
        ("p[list][0][n]=1&p[list][1][n]=2", {"list": [{"n": 1}, {"n": 2}]}),
        ("p%5Ba%5D%5Bb%5D=1", {"a": {"b": 1}}),
        ("p[other][x]=1&p[other][y]=2", {"other": {"x": "1", "y": "2"}}),
        ("p[other][]=1&p[other][]=2", {"other": ["1", "2"]}),
    ],
)
def test_deep_objects_nest(query, expected):
    assert value(with_parameter(TREE, style="deepObject", explode=True), query) == expected


def test_a_deep_object_that_contradicts_itself_is_refused():
    operation = with_parameter(TREE, style="deepObject", explode=True)
    for query in ("p[a]=1&p[a][b]=2", "p[a][b]=2&p[a]=1"):
        assert "was given as a value and as an object" in refusal(operation, query=query).message
    assert brief(send(operation, query="p[a][b]=x").violations) == [("query", "p/a/b", "type")]
    deep = "p" + "[a]" * 5000 + "=1"
    assert send(operation, query=deep).violations == []


@pytest.mark.parametrize(
    ("schema", "more", "cookie", "expected"),
    [
        (INTS, {}, "p=1,2", [1, 2]),
        (INTS, {}, "p=1%2C2", [1, 2]),
        (INTS, {}, "p=1; p=2", [1, 2]),
        (INTS, {}, "p=1&p=2", [1, 2]),
        (INTS, {"explode": False}, "p=1,2", [1, 2]),
        (NAMES, {"explode": False}, "p=a%2Cb,c", ["a,b", "c"]),
        (NAMES, {"style": "cookie"}, "p=a%2Cb; p=c,d", ["a%2Cb", "c,d"]),
        (RGB, {}, "R=1; G=2; other=3", {"R": 1, "G": 2}),
        (RGB, {"style": "cookie"}, "R=1; G=2", {"R": 1, "G": 2}),
        (RGB, {"explode": False}, "p=R,1,G,2", {"R": 1, "G": 2}),
        ({"type": "string"}, {"style": "cookie"}, "p=a%20b", "a%20b"),
        ({"type": "string"}, {}, 'p="a b"', "a b"),
        ({"type": "string"}, {}, "p=1; p=2", "1"),
    ],
)
def test_cookie_styles(schema, more, cookie, expected):
    assert value(with_parameter(schema, "cookie", **more), headers={"cookie": cookie}) == expected


@pytest.mark.parametrize(
    ("schema", "explode", "text", "expected"),
    [
        (INTS, False, "1,2", [1, 2]),
        (INTS, True, " 1 ,2 ", [1, 2]),
        (INTS, False, "", []),
        (RGB, False, "R,1, G,2", {"R": 1, "G": 2}),
        (RGB, True, "R=1, G=2", {"R": 1, "G": 2}),
        ({"type": "string"}, False, "a%20b, c", "a%20b, c"),
        (NAMES, False, "a%2Cb,c", ["a%2Cb", "c"]),
    ],
)
def test_header_styles_have_no_percent_encoding(schema, explode, text, expected):
    assert value(with_parameter(schema, "header", explode=explode), headers={"p": text}) == expected


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        ("query", {"query": "p=%7B%22a%22%3A1%7D"}),
        ("header", {"headers": {"p": '{"a":1}'}}),
        ("cookie", {"headers": {"cookie": 'x=1; p={"a":1}'}}),
        ("cookie", {"headers": {"cookie": "p=%7B%22a%22%3A1%7D"}}),
        ("path", {"path": {"p": '{"a":1}'}}),
    ],
)
def test_json_content_in_every_place(place, sent):
    content = {"application/json": {"schema": {"type": "object", "required": ["a"]}}}
    assert value(with_parameter(None, place, required=True, content=content), **sent) == {"a": 1}


def test_content_that_is_a_form_or_a_text_of_its_own():
    form = {
        "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    }
    assert value(with_parameter(content=form), "p=n%3D5%26x%3D1") == {"n": 5, "x": "1"}
    xml = {"application/xml": {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    assert value(with_parameter(content=xml), "p=%3Ca%3E%3Cn%3E5%3C/n%3E%3C/a%3E") == {"n": 5}
    assert "p: is not well-formed XML" in refusal(with_parameter(content=xml), query="p=%3Ca").message
    text = {"text/plain": {"schema": {"type": "integer"}}}
    assert value(with_parameter(content=text), "p=5") == 5


def test_a_whole_query_is_a_value_where_a_parameter_says_so():
    form = {
        "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    }
    operation = with_parameter(None, "querystring", content=form)
    assert value(operation, "n=5&x=1") == {"n": 5, "x": "1"}
    assert brief(send(operation, query="n=x").violations) == [("querystring", "p/n", "type")]
    as_json = with_parameter(None, "querystring", content={"application/json": {"schema": {"type": "object"}}})
    assert value(as_json, "%7B%22a%22%3A1%7D") == {"a": 1}


@given(st.text(max_size=12), st.sampled_from(["form", "spaceDelimited", "pipeDelimited", "deepObject"]), st.booleans())
def test_no_query_raises_anything_but_a_problem(text, style, explode):
    for schema in (INTS, RGB, TREE, {"anyOf": [INTS, RGB, WORD]}):
        operation = with_parameter(schema, style=style, explode=explode)
        for query in (f"p={text}", f"p[{text}]=1&p[a]={quote(text)}", text):
            try:
                send(operation, query=query)
            except Problem as problem:
                assert problem.status == 400


@given(st.text(max_size=12), st.sampled_from(["simple", "label", "matrix"]), st.booleans())
def test_no_path_raises_anything_but_a_problem(text, style, explode):
    for schema in (INTS, RGB, {"anyOf": [INTS, WORD]}):
        parameter = {"name": "p", "in": "path", "required": True, "style": style, "explode": explode, "schema": schema}
        made = contract({"/x/{p}": {"get": {"parameters": [parameter]}}})
        operation, values, _ = made.match("GET", ["x", text])
        if operation is not None:
            try:
                send(operation, path=values)
            except Problem as problem:
                assert problem.status == 400
