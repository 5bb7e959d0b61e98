"""Matchers agree with a plain model of what they mean, explain every miss, and cannot hang."""

from __future__ import annotations

import copy
import random
import re
import string
import time
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.errors import UserError
from mockserver.text.matchers import MISSING, OPERATORS, compile_fields, compile_matcher, equal, show
from mockserver.text.ranges import Range, parse_range

names = st.sampled_from(["a", "b", "agent_id", "x.y", "é"])
scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -1.0, 1e300]) | st.sampled_from("ab1")
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
numbers = st.integers(-3, 3) | st.sampled_from([0.5, -1.0])
TYPES = ["string", "integer", "number", "boolean", "array", "object", "null"]
operators = st.fixed_dictionaries(
    {},
    optional={
        "equals": values,
        "regex": st.sampled_from(["^a", "b$", "[0-9]", "."]),
        "type": st.sampled_from(TYPES),
        "present": st.booleans(),
        "gt": numbers,
        "gte": numbers,
        "lt": numbers,
        "lte": numbers,
        "in": st.lists(scalars, min_size=1, max_size=3),
    },
)
one_operator = operators.map(lambda spec: dict(list(spec.items())[:2])).filter(bool)
specs = st.recursive(
    values | one_operator,
    lambda inner: (
        st.dictionaries(names, inner, max_size=3)
        | inner.map(lambda spec: {"not": spec})
        | st.dictionaries(names | st.just("type"), inner, max_size=2).map(lambda members: {"subset": members})
    ),
    max_leaves=6,
)


def canonical(value):
    """A JSON value as something Python compares as JSON does."""
    if isinstance(value, dict):
        return "object", frozenset((key, canonical(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return "array", tuple(map(canonical, value))
    if isinstance(value, bool) or value is None or value is MISSING:
        return "word", repr(value)
    return ("string", value) if isinstance(value, str) else ("number", Fraction(value))


def json_type(value):
    tag, inner = canonical(value)
    if tag == "word":
        return {"None": {"null"}, "MISSING": set()}.get(inner, {"boolean"})
    return {"number", "integer"} if tag == "number" and inner.denominator == 1 else {tag}


def model(spec, value) -> bool:
    """What a matcher means, without any thought of speed."""
    if isinstance(spec, dict) and spec and all(key in OPERATORS for key in spec):
        return all(model_operator(key, wanted, value) for key, wanted in spec.items())
    if isinstance(spec, dict):
        return model_operator("subset", spec, value)
    return canonical(spec) == canonical(value)


def model_operator(name, wanted, value) -> bool:
    number = canonical(value)[1] if "number" in json_type(value) else None
    match name:
        case "equals":
            return canonical(wanted) == canonical(value)
        case "regex":
            return isinstance(value, str) and re.search(wanted, value) is not None
        case "type":
            return wanted in json_type(value)
        case "present":
            return wanted == (value is not MISSING)
        case "gt":
            return number is not None and number > wanted
        case "gte":
            return number is not None and number >= wanted
        case "lt":
            return number is not None and number < wanted
        case "lte":
            return number is not None and number <= wanted
        case "in":
            return any(canonical(one) == canonical(value) for one in wanted)
        case "not":
            return not model(wanted, value)
        case "subset":
            return isinstance(value, dict) and all(model(one, value.get(k, MISSING)) for k, one in wanted.items())
    raise AssertionError(name)


@given(specs, values | st.just(MISSING))
@example({"type": "integer"}, True)
@example({"equals": {"a": 1}}, {"a": 1.0})
@example({"equals": {"a": 1}}, {"a": True})
@example({"a": None}, {})
@example({"present": False}, None)
@example({}, [])
@example({"not": {"equals": 1}}, MISSING)
def test_a_matcher_means_what_the_model_says_and_explains_every_miss(spec, value):
    matcher = compile_matcher(spec)
    assert matcher.matches(value) is model(spec, value)
    why = matcher.why(value, "body")
    assert bool(why) is not matcher.matches(value)
    for difference in why:
        assert difference.where == "body" or difference.where.startswith("body.")
        assert difference.expected != difference.found
        assert "\n" not in str(difference)


@given(values, values)
def test_equality_is_that_of_json(one, other):
    assert equal(one, other) is (canonical(one) == canonical(other))
    assert equal(one, copy.deepcopy(one))


@given(st.data(), st.dictionaries(names, values, min_size=1))
def test_an_object_matches_each_part_of_itself_and_no_more(data, value):
    part = {key: value[key] for key in data.draw(st.sets(st.sampled_from(sorted(value))))}
    matcher = compile_matcher({"subset": {key: {"equals": inner} for key, inner in part.items()}})
    assert matcher.matches(value)
    for key in part:
        (difference,) = matcher.why({k: v for k, v in value.items() if k != key}, "")
        assert (difference.where, difference.found) == (key, "nothing")


def test_differences_name_each_field():
    matcher = compile_matcher({"agent_id": {"regex": "^a"}, "metadata": {"n": {"gte": 2}}, "tags": ["x", "y"]})
    body = {"agent_id": "b1", "metadata": {"n": 1}, "tags": ["x", "z"], "other": True}
    assert [d.as_json() for d in matcher.why(body, "body")] == [
        {"where": "body.agent_id", "expected": "text that matches ^a", "found": '"b1"'},
        {"where": "body.metadata.n", "expected": "a number of at least 2", "found": "1"},
        {"where": "body.tags.1", "expected": '"y"', "found": '"z"'},
    ]
    whole = compile_matcher({"equals": {"a": 1, "b": 2}})
    assert [str(d) for d in whole.why({"a": 1, "c": 3}, "")] == [
        "b: expected 2, found nothing",
        "c: expected nothing, found 3",
    ]
    assert len(compile_matcher(list(range(50))).why([-1] * 50, "body")) == 20


def test_a_value_is_shown_on_one_short_line():
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    assert show(MISSING) == "nothing"
    assert show("a\nb\u2028é") == '"a\\nb\\u2028\\u00e9"'
    assert len(show("x" * 1000)) == 80
    assert len(show(deep)) <= 80, "some Pythons can print it, some cannot"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"regex": "[", "not": 1}, "regex: .* not a valid regular expression"),
        ({"a": {"regex": "(?=x)y"}}, "a.regex: .*lookaround"),
        ({"regex": "(?<!x)y"}, "lookaround"),
        ({"regex": r"(a)\1"}, "backreference"),
        ({"regex": "(a{500}){500}"}, "too large"),
        ({"regex": "a" * 1001}, "longer than 1000"),
        ({"regex": 5}, "must be a regular expression, not 5"),
        ({"type": "strnig"}, "did you mean 'string'"),
        ({"type": []}, "is not one of"),
        ({"present": "yes"}, "must be true or false"),
        ({"gt": "5"}, "must be a number"),
        ({"gt": True}, "must be a number"),
        ({"lt": float("nan")}, "must be a number"),
        ({"in": []}, "must be a list"),
        ({"in": "ab"}, "must be a list"),
        ({"subset": [1]}, "must map members"),
        ({"regex": "a", "prsent": True}, "'prsent' is not an operator; did you mean 'present'.*subset"),
        ({"a": {"b": {"type": "string", "name": 1}}}, "^a.b: 'name' is not an operator"),
        ({5: 1}, "keys must be text"),
        ({"a": {1, 2}}, "^a: .*not a JSON value"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_reason(spec, message):
    with pytest.raises(UserError, match=message):
        compile_matcher(spec)


def test_a_spec_may_not_be_nested_without_end():
    spec: dict = {}
    for _ in range(5000):
        spec = {"a": spec}
    with pytest.raises(UserError, match="nested too deeply"):
        compile_matcher(spec)
    with pytest.raises(UserError, match="nested too deeply"):
        compile_fields({"a": spec})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "[ab]*a[ab]{5000}c", "(x+x+)+y", ".{1,255}$"])
def test_no_regular_expression_hangs(pattern):
    matcher = compile_matcher({"regex": pattern})
    for text in ("ab" * 200_000 + "!", "".join(random.Random(1).choices("ab", k=200_000))):
        started = time.process_time()
        matcher.matches(text)
        assert time.process_time() - started < 3


def test_a_regular_expression_searches_and_never_raises():
    matcher = compile_matcher({"regex": "b+"})
    assert matcher.matches("abbc")
    assert not any(map(matcher.matches, ["ac", 5, None, MISSING, ["b"], "b\ud800"]))
    assert compile_matcher({"regex": "^.$"}).matches("é")


# -- headers and queries -----------------------------------------------------------------------


@given(st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text())
def test_a_scalar_equals_its_text(value):
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    matcher = compile_fields({"x": value})["x"]
    assert matcher.matches(text)
    assert matcher.why(text, "header.x") == []
    assert not matcher.matches(text + "x")
    assert not matcher.matches(MISSING)


@given(st.integers(-50, 50), st.sampled_from([0, 10, -3.5]))
def test_text_that_is_a_number_is_compared_as_one(number, bound):
    text = str(number)
    fields = compile_fields({"gt": {"gt": bound}, "gte": {"gte": bound}, "lt": {"lt": bound}, "lte": {"lte": bound}})
    found = {name: matcher.matches(text) for name, matcher in fields.items()}
    assert found == {"gt": number > bound, "gte": number >= bound, "lt": number < bound, "lte": number <= bound}
    assert not any(
        matcher.matches(other) for other in ("", "x", f"{text} ", "٣", MISSING) for matcher in fields.values()
    )


@pytest.mark.parametrize(
    ("spec", "meant", "not_meant"),
    [
        (1.0, ["1", "1.0"], ["1.00", "true"]),
        ({"in": [5, "x", True]}, ["5", "x", "true"], ["True", "5.0", MISSING]),
        ({"not": "0"}, ["1", MISSING], ["0"]),
        ({"present": False}, [MISSING], ["", "0"]),
        ({"equals": 5}, ["5"], ["05"]),
        ({"type": "integer"}, ["5", "-5", "5.0"], ["5.5", "x", MISSING]),
        ({"type": "number"}, ["5.5", "1e3"], ["1e", ""]),
        ({"type": "boolean"}, ["true", "false"], ["True", "1"]),
        ({"type": "string"}, ["", "5"], [MISSING]),
        ({"regex": "^Bear", "not": {"regex": "x$"}}, ["Bearer k"], ["Bearer x", "k"]),
    ],
)
def test_operators_read_text(spec, meant, not_meant):
    matcher = compile_fields({"name": spec})["name"]
    assert all(map(matcher.matches, meant))
    assert not any(map(matcher.matches, not_meant))
    assert all(matcher.why(value, "query.name") for value in not_meant)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"x": None}, "^x: .*never null.*present: false"),
        ({"x": [1]}, "x: .*never"),
        ({"x": {}}, "x: has no operator"),
        ({"x": {"regx": "a"}}, "did you mean 'regex'"),
        ({"x": {"subset": {}}}, "has no members"),
        ({"x": {"type": "array"}}, "is not one of string, integer, number, boolean"),
        ([1], "must map names"),
    ],
)
def test_what_text_can_never_be_is_refused(spec, message):
    with pytest.raises(UserError, match=message):
        compile_fields(spec)


def test_of_several_values_one_is_enough():
    limit = compile_fields({"limit": "5"})["limit"]
    assert limit.matches_any(["5", "6"]) and limit.matches_any(["6", "5"])
    assert not limit.matches_any(["6", "7"]) and not limit.matches_any([])
    assert limit.why_none(["6", "5"], "query.limit") == []
    assert [str(d) for d in limit.why_none(["6", "7"], "query.limit")] == [
        'query.limit: expected "5", found "6", "7"',
    ]
    assert [str(d) for d in limit.why_none([], "query.limit")] == ['query.limit: expected "5", found nothing']
    assert compile_fields({"limit": {"present": False}})["limit"].matches_any([])


# -- ranges ------------------------------------------------------------------------------------


@given(st.integers(0, 30), st.integers(0, 30), st.integers(-2, 40))
def test_a_range_holds_what_lies_in_it(low, high, n):
    low, high = sorted((low, high))
    assert parse_range(f"{low}..{high}").holds(n) is (low <= n <= high)
    assert parse_range(f"{low}..").holds(n) is (low <= n)
    assert parse_range(f"..{high}").holds(n) is (0 <= n <= high)
    assert parse_range(low).holds(n) is parse_range(str(low)).holds(n) is (n == low)
    assert parse_range(f"every {low + 1}").holds(n) is (n in range(low + 1, 100, low + 1))


@given(st.sampled_from(["{0}", "{0}..{1}", "{0}..", "..{1}", "every {1}"]), st.integers(0, 9), st.integers(1, 9))
def test_a_range_is_written_as_it_is_read(form, low, more):
    text = form.format(low, low + more)
    assert parse_range(str(parse_range(text))) == parse_range(text)
    if text not in ("0..", f"0..{more}"):
        assert str(parse_range(text)) == text


@given(st.text(string.digits + ". every-", max_size=9))
def test_any_text_is_a_range_or_a_clear_error(text):
    try:
        found = parse_range(text)
    except UserError as error:
        assert "write" in str(error)
    else:
        assert isinstance(found, Range)


@pytest.mark.parametrize(
    "spec", ["6..4", "every 0", -1, "-1", "..", "", "4...6", "every", "x", True, 1.5, None, "4..6..8", "1" * 10, "٣"]
)
def test_nonsense_is_no_range(spec):
    with pytest.raises(UserError):
        parse_range(spec)
