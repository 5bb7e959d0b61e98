"""The filters and the search score of mem0: the vendor's rules, and properties that always hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.apis.mem0.filters import OPERATORS, belongs, created_within, epoch, matches, metadata_matches
from mockserver.apis.mem0.search import Query, words

ROW: dict[str, Any] = {
    "id": "m1",
    "memory": "Prefers green tea",
    "user_id": "alex",
    "agent_id": None,
    "app_id": "shop",
    "run_id": None,
    "metadata": {"channel": "support", "rank": 3, "open": True, "tags": ["a", "b"], "none": None},
    "categories": ["food_and_drink", "habits"],
    "created_at": "2026-01-10T12:00:00.000Z",
    "updated_at": "2026-01-11T12:00:00.000Z",
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("*"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=3,
)
operators = st.dictionaries(st.sampled_from(sorted(OPERATORS)), json_values, max_size=2)
fields = st.sampled_from(["user_id", "agent_id", "run_id", "categories", "keywords", "created_at", "timestamp"])
conditions = st.dictionaries(fields, json_values | operators, min_size=1, max_size=2) | st.fixed_dictionaries(
    {
        "metadata": st.dictionaries(
            st.sampled_from(sorted(ROW["metadata"])) | st.text(max_size=4), json_values | operators, max_size=2
        )
    }
)
filters = st.recursive(
    conditions,
    lambda inner: st.dictionaries(
        st.sampled_from(["AND", "OR", "NOT"]), st.lists(inner, min_size=1, max_size=2), min_size=1, max_size=2
    ),
    max_leaves=4,
)
rows = st.fixed_dictionaries(
    {
        **{name: st.just(value) for name, value in ROW.items()},
        "user_id": st.none() | st.sampled_from(["alex", "b", "*", ""]),
        "metadata": st.none() | st.dictionaries(st.sampled_from(sorted(ROW["metadata"])), json_values),
        "categories": st.lists(st.text(max_size=4), max_size=3),
    }
)


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"user_id": "alex"}, True),
        ({"user_id": "Alex"}, False),
        ({"user_id": "*"}, True),
        ({"agent_id": "*"}, False),
        ({"agent_id": None}, True),
        ({"user_id": {"eq": "alex"}}, True),
        ({"user_id": {"ne": "alex"}}, False),
        ({"agent_id": {"ne": "bot"}}, True),
        ({"user_id": {"in": ["kim", "alex"]}}, True),
        ({"user_id": {"in": []}}, False),
        ({"user_id": {"contains": "LE"}}, False),
        ({"user_id": {"icontains": "LE"}}, True),
        ({"user_id": {"gte": "a", "lt": "b"}}, True),
        ({"user_id": "alex", "app_id": "other"}, False),
        ({"AND": [{"user_id": "alex"}, {"app_id": "shop"}]}, True),
        ({"AND": [{"user_id": "alex"}, {"app_id": "other"}]}, False),
        ({"OR": [{"user_id": "kim"}, {"app_id": "shop"}]}, True),
        ({"NOT": [{"user_id": "kim"}, {"app_id": "other"}]}, True),
        ({"NOT": [{"user_id": "kim"}, {"app_id": "shop"}]}, False),
        ({"NOT": {"categories": {"in": ["habits"]}}}, False),
        ({"categories": {"in": ["habits", "work"]}}, True),
        ({"categories": {"contains": "food"}}, True),
        ({"categories": {"contains": "FOOD"}}, False),
        ({"categories": {"icontains": "FOOD"}}, True),
        ({"categories": "habits"}, True),
        ({"categories": {"ne": "habits"}}, False),
        ({"keywords": "GREEN"}, True),
        ({"keywords": {"contains": "GREEN"}}, False),
        ({"keywords": {"icontains": "GREEN"}}, True),
        ({"memory_ids": ["m0", "m1"]}, True),
        ({"memory_ids": []}, False),
        ({"created_at": {"gte": "2026-01-10", "lt": "2026-01-11"}}, True),
        ({"created_at": {"gt": "2026-01-10T14:00:00+02:00"}}, False),
        ({"created_at": {"gte": "2026-01-10T14:00:00+02:00"}}, True),
        ({"created_at": {"lte": 1768046400}}, True),
        ({"timestamp": {"in": [1768046400, 0]}}, True),
        ({"timestamp": "2026-01-10T12:00:00Z"}, True),
        ({"updated_at": {"lte": "2026-01-10"}}, False),
        ({"metadata": {"channel": "support", "rank": {"gte": 3}}}, True),
        ({"metadata": {"rank": {"gt": 3}}}, False),
        ({"metadata": {"rank": "3"}}, False),
        ({"metadata": {"open": True}}, True),
        ({"metadata": {"open": 1}}, False),
        ({"metadata": {"tags": "a"}}, True),
        ({"metadata": {"tags": ["a", "b"]}}, True),
        ({"metadata": {"missing": "*"}}, False),
        ({"metadata": {"missing": {"ne": 1}}}, True),
        ({"metadata": {}}, True),
        ({"OR": [{"colour": "red"}, {"sequence": {"ne": 0}}]}, False),
        ({"AND": ["user_id"]}, False),
        ({"OR": [{"metadata": "x"}, {"memory_ids": "m1"}]}, False),
    ],
)
def test_filter_rules(wanted: dict[str, Any], holds: bool) -> None:
    assert matches(wanted, ROW) is holds


def test_a_memory_without_metadata_meets_no_metadata_condition() -> None:
    assert not metadata_matches({"channel": "support"}, {**ROW, "metadata": None})
    assert metadata_matches({}, {**ROW, "metadata": None})


def test_belonging_needs_every_named_entity() -> None:
    assert belongs({"user_id": "alex", "app_id": "*"}, ROW)
    assert not belongs({"user_id": "alex", "agent_id": "*"}, ROW)
    assert belongs({"org_id": "any"}, ROW)


def test_a_day_at_the_end_is_included_wholly() -> None:
    assert created_within(ROW, "2026-01-10", "2026-01-10")
    assert not created_within(ROW, "2026-01-11", None)
    assert not created_within(ROW, None, "2026-01-09")
    assert created_within(ROW, "2026-01-10T12:00:00Z", "2026-01-10T12:00:00Z")
    assert not created_within(ROW, None, "2026-01-10T11:59:59Z")


def test_deep_filters_are_no_problem() -> None:
    wanted: dict[str, Any] = {"user_id": "alex"}
    for _ in range(200):  # as deep as the server lets JSON be
        wanted = {"NOT": wanted}
    assert matches(wanted, ROW)


@given(filters, rows)
def test_any_filter_gives_an_answer(wanted: dict[str, Any], row: dict[str, Any]) -> None:
    assert matches(wanted, row) in (True, False)


@given(filters, rows)
def test_not_is_the_opposite(wanted: dict[str, Any], row: dict[str, Any]) -> None:
    assert matches({"NOT": [wanted]}, row) is not matches(wanted, row)


@given(st.lists(filters, min_size=1, max_size=2), rows)
def test_and_or_and_not_agree(parts: list[dict[str, Any]], row: dict[str, Any]) -> None:
    nots = [{"NOT": [part]} for part in parts]
    assert matches({"AND": parts}, row) is not matches({"OR": nots}, row)
    assert matches({"OR": parts}, row) is not matches({"NOT": parts}, row)


@given(json_values, json_values)
def test_operators_agree_with_each_other(actual: object, wanted: object) -> None:
    assert OPERATORS["eq"](actual, wanted) is not OPERATORS["ne"](actual, wanted)
    assert OPERATORS["in"](actual, [wanted]) is OPERATORS["eq"](actual, wanted)
    below, above = OPERATORS["lt"](actual, wanted), OPERATORS["gt"](actual, wanted)
    assert not (below and above)
    if below or above:
        assert OPERATORS["lte"](actual, wanted) is below
        assert OPERATORS["gte"](actual, wanted) is above


@given(st.text() | json_values)
def test_a_moment_is_a_number_or_nothing(value: object) -> None:
    found = epoch(value)
    assert found is None or isinstance(found, int | float)


@given(st.text(), st.text())
def test_scores_are_between_0_and_1_and_stable(query: str, memory: str) -> None:
    score = Query(query).score(memory)
    for part in (score.total, score.words, score.letters):
        assert 0 <= part <= 1
    assert Query(query).score(memory) == score


@given(st.text())
def test_a_text_is_its_own_best_result(text: str) -> None:
    assert Query(text).score(text).total == 1
    assert Query(text.upper().lower()).score(f"  {text.upper().lower()} ").total == 1


def test_endings_and_filler_words_do_not_matter() -> None:
    assert words("What does the user like?") == words("likes") == words("liking")
    assert words("where are you") != frozenset()
    score = Query("what tea does the user like?").score("Likes green tea")
    assert score.words == 1
    assert score.total > Query("what tea does the user like?").score("Drives a red car").total


def test_unrelated_texts_stay_below_the_default_threshold() -> None:
    assert Query("favourite colour").score("Was born in Oslo").total < 0.1
    assert Query("!?").score("Likes tea").total < 0.1
