"""Templates: values that are computed from the request, the state, the clock and a seed, and always end."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import UserError
from mockserver.messages import JSON
from mockserver.text.documents import pointer_of
from mockserver.text.expressions import OPERATORS
from mockserver.text.matchers import MISSING
from mockserver.text.references import Reference, parse_reference, parse_state
from mockserver.text.rendering import MAX_SIZE
from mockserver.text.templates import TemplateError, compile_template

NOW = 1_767_225_600.0
ORDERS = {"7": {"id": 7, "total": 12.5, "items": [{"price": 5}, {"price": 7.5}]}}


class Fixed:
    """Sources with one request and one table."""

    def __init__(self, body: JSON = None) -> None:
        self.now, self.random, self.body = NOW, Random(1), body
        self.counters: dict[str, int] = {}

    def request(self, reference: Reference) -> JSON:
        if reference.place == "body":
            value: Any = self.body
            for part in reference.parts:
                value = value[int(part)] if isinstance(value, list) else (value or {}).get(part, MISSING)
                if value is MISSING:
                    break
            return MISSING if self.body is None else value
        return {"path.id": "7", "query.limit": 3, "header.x-a": "b", "method": "POST"}.get(str(reference), MISSING)

    def response(self, reference: Reference) -> JSON:
        return {"status": 201}.get(str(reference), MISSING)

    def state(self, table: str, id: str | None) -> JSON:
        return list(ORDERS.values()) if id is None else ORDERS.get(id, MISSING)

    def number(self, counter: str) -> int:
        self.counters[counter] = self.counters.get(counter, 0) + 1
        return self.counters[counter]

    def id(self, table: str) -> JSON:
        return 1001 if table else "3f2a1c5e-8d47-4b6a-9e10-5c7d2b8f4a61"

    def word(self, name: str) -> str:
        return f"a {name}"


BODY = {"agent_id": "a1", "items": [{"price": 2, "n": 3}, {"price": 4, "n": 1}], "text": "hello"}

CASES: dict[str, tuple[Any, JSON]] = {
    "$request": ({"$request": "body#/items/1/price"}, 4),
    "$response": ({"$response": "status"}, 201),
    "$state": ({"$state": "orders[id].items.1.price"}, 7.5),
    "$id": ({"$id": "orders"}, 1001),
    "$uuid": ({"$uuid": None}, "3f2a1c5e-8d47-4b6a-9e10-5c7d2b8f4a61"),
    "$seq": ([{"$seq": "invoice"}, {"$seq": "invoice"}], [1, 2]),
    "$now": ({"$now": "+3d"}, "2026-01-04T00:00:00.000Z"),
    "$random": ({"$random": [4, 4]}, 4),
    "$faker": ({"$faker": "city"}, "a city"),
    "$item": ({"$map": [{"a": 1}], "each": {"$item": "/a"}}, [1]),
    "$index": ({"$map": ["a", "b"], "each": {"$index": None}}, [0, 1]),
    "$map": (
        {"$map": {"$request": "body#/items"}, "each": {"$mul": [{"$item": "/price"}, {"$item": "/n"}]}},
        [6, 4],
    ),
    "$if": ({"$if": {"$gt": [{"$len": {"$request": "body#/items"}}, 1]}, "then": "many", "else": "one"}, "many"),
    "$default": ({"$default": [{"$request": "body#/nothing"}, "else"]}, "else"),
    "$has": ({"$has": {"$request": "query.nothing"}}, False),
    "$literal": ({"$literal": {"$request": "body"}}, {"$request": "body"}),
    "$concat": ({"$concat": ["order-", {"$request": "path.id"}, "-", 5]}, "order-7-5"),
    "$merge": ({"$merge": [{"a": 1, "b": 1}, {"b": 2}]}, {"a": 1, "b": 2}),
    "$len": ({"$len": "abc"}, 3),
    "$text": ({"$text": 12}, "12"),
    "$number": ({"$number": "1.5"}, 1.5),
    "$sum": ({"$sum": [1, 2.5]}, 3.5),
    "$add": ({"$add": [1, 2, 3]}, 6),
    "$sub": ({"$sub": [5, 7]}, -2),
    "$mul": ({"$mul": [3, 4]}, 12),
    "$div": ({"$div": [9, 2]}, 4.5),
    "$mod": ({"$mod": [9, 2]}, 1),
    "$round": ({"$round": [2.345, 1]}, 2.3),
    "$min": ({"$min": [3, 1]}, 1),
    "$max": ({"$max": [3, 1]}, 3),
    "$eq": ({"$eq": [1, True]}, False),
    "$ne": ({"$ne": ["a", "b"]}, True),
    "$lt": ({"$lt": [1, 2]}, True),
    "$le": ({"$le": ["b", "a"]}, False),
    "$gt": ({"$gt": [2, 1]}, True),
    "$ge": ({"$ge": [1, 1.0]}, True),
    "$and": ({"$and": [1, ""]}, False),
    "$or": ({"$or": [0, "a"]}, True),
    "$not": ({"$not": []}, True),
}


def test_every_expression_has_a_case() -> None:
    assert CASES.keys() == OPERATORS.keys()


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_expression_has_its_value(name: str) -> None:
    template, value = CASES[name]
    compiled = compile_template(template)
    assert not compiled.is_constant
    assert compiled.render(Fixed(BODY)) == value


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (None, "2026-01-01T00:00:00.000Z"),
        ("unix", 1767225600),
        ("-1h", "2025-12-31T23:00:00.000Z"),
        ({"plus": "1d", "as": "date"}, "2026-01-02"),
        ({"as": "http"}, "Thu, 01 Jan 2026 00:00:00 GMT"),
        ({"as": "unix_ms"}, 1767225600000),
    ],
)
def test_the_time_is_that_of_the_clock_in_the_form_that_is_asked_for(form: Any, value: JSON) -> None:
    assert compile_template({"$now": form}).render(Fixed()) == value


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"$reqest": "body"}, "there is no '$reqest' in templates; did you mean '$request'?"),
        ({"$request": "boddy#/a"}, "'boddy#/a' is no reference"),
        ({"$request": "query"}, "write query.NAME"),
        ({"$now": "soon"}, "`as` is one of iso"),
        ({"$now": "+3"}, "'3' is not a duration"),
        ({"$map": [1]}, "`$map` needs `each`"),
        ({"$len": "a", "each": 1}, "'each' means nothing beside `$len`"),
        ({"$sub": [1]}, "`$sub` takes a list of 2 values"),
        ({"$random": [6, 1]}, "write {$random: [1, 6]}"),
        ({"$state": "orders.total"}, "names no row"),
        ({"$uuid": 4}, "`$uuid` takes nothing"),
    ],
)
def test_a_template_that_cannot_be_is_refused_when_it_is_read(template: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        compile_template(template)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({"a": [{"$request": "body#/b"}]}, "$request at a.0: the request has no body#/b"),
        ({"$state": "orders[query.limit].total"}, "orders has no row '3'"),
        ({"$state": "orders['7'].totl"}, "there is no orders[7]/totl"),
        ({"$add": ["x", 1]}, '"x" is no number'),
        ({"$div": [1, 0]}, "divided by zero"),
        ({"$mul": [2**62, 4]}, "a number is too large"),
        ({"$item": ""}, "there is an item only in the `each` of a `$map`"),
    ],
)
def test_a_template_that_leads_nowhere_says_where(template: Any, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_template(template).render(Fixed(BODY))
    assert message in str(caught.value.args[0])


def test_a_mistake_is_told_with_its_place_and_the_others_are_told_too() -> None:
    told: list[tuple[tuple[str | int, ...], str]] = []
    template = {"a": {"$nope": 1}, "b": [{"$len": 1, "c": 2}]}
    compile_template(template, ("reply", "body"), lambda place, message: told.append((place, message)))
    assert [place for place, _ in told] == [("reply", "body", "a", "$nope"), ("reply", "body", "b", 0, "c")]


def test_what_a_template_makes_is_bounded_however_it_is_nested() -> None:
    many = list(range(1000))
    template: Any = {"$request": "body"}
    for _ in range(4):
        template = {"$map": {"$request": "body"}, "each": template}
    with pytest.raises(TemplateError, match=f"more than {MAX_SIZE:,} values"):
        compile_template(template).render(Fixed(many))


def test_a_template_without_an_expression_is_a_copy_of_itself() -> None:
    template = {"a": [1, {"b": None}]}
    compiled = compile_template(template)
    made = compiled.render(Fixed())
    assert compiled.is_constant and made == template and made is not template
    made["a"][1]["b"] = 2
    assert template["a"][1]["b"] is None  # type: ignore[index]


def test_the_references_of_a_template_are_known_with_their_places() -> None:
    compiled = compile_template({"a": {"$request": "path.id"}, "b": {"$state": "orders[body#/x].total"}})
    assert [(place, str(reference)) for place, reference in compiled.requests] == [
        (("a", "$request"), "path.id"),
        (("b", "$state"), "body#/x"),
    ]
    assert compiled.tables == ((("b", "$state"), "orders"),)


parts = st.lists(st.text(max_size=5), min_size=1, max_size=4)


@given(parts)
def test_a_pointer_into_the_body_reads_as_it_is_written(way: list[str]) -> None:
    reference = parse_reference("body#" + pointer_of(way))
    assert list(reference.parts) == way
    assert parse_reference(str(reference)) == reference


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@given(names, names, st.lists(names, max_size=3))
def test_a_reference_to_the_state_reads_as_it_is_written(table: str, id: str, way: list[str]) -> None:
    found = parse_state(".".join([f"{table}['{id}']", *way]))
    assert (found.table, found.id, found.parts) == (table, id, way)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(sorted(OPERATORS)))
def test_any_argument_is_refused_in_words_or_has_a_value(argument: JSON, name: str) -> None:
    try:
        compile_template({name: argument, **({"each": 1} if name == "$map" else {})}).render(Fixed(BODY))
    except (UserError, TemplateError) as error:
        assert str(error.args[0])
