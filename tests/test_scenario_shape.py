"""Mistakes in a scenario: all of them in one run, each with its place, and in words that a reader knows."""

from __future__ import annotations

import re
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.scenarios import ScenarioError, ScenarioModel, parse_scenario
from mockserver.scenarios.library import MAX_PROBLEMS
from mockserver.text.shape import PATTERNS, Draft, models

WRONG = [None, True, 5, -1, 1.5, 1e400, 2**70, "", "x" * 300, "\N{SNOWMAN}", [], [1], ["a", "b", "c"], {}, {"x": 1}]
"""A value of each JSON type, at its ends."""
FOREIGN = re.compile(
    r"(?i:input should|instance of|valid dictionary|valid string|valid integer|valid number|valid list|valid tuple|"
    r"valid boolean|unable to parse|field required|extra inputs|value error|value_error|pydantic|annotated)|"
    r"another value|another form|\bdict\b|\btuple\b|\bNone\b|\bTrue\b|\bFalse\b|\b_[A-Z]"
)
NAMES = [model.__name__ for _, model in models(ScenarioModel) if model.__name__ not in ("Drip",)]


def mistakes(data):
    """The problems of shape in some data, as place and message."""
    reported = []
    Draft(ScenarioModel, data, lambda place, message: reported.append((place, message)))
    return reported


def base():
    return {"version": 1, "name": "n", "api": "datagrid"}


def with_value(place, key, value):
    """A scenario whose only mistake is a value at a place."""
    data = base()
    node = data
    path = [*place, key]
    for part, following in pairwise(path):
        inner = [] if isinstance(following, int) else {}
        if isinstance(part, int):
            node.append(inner)
            node = inner
        else:
            node = node.setdefault(part, inner)
    node[path[-1]] = value
    return data


KEYS = [key for _, model in models(ScenarioModel) for key in model.model_fields]
FIELDS = [(place, key) for place, model in models(ScenarioModel) for key in model.model_fields]


def test_every_model_is_walked():
    assert {"ScenarioModel", "Rule", "When", "Faulty", "RateLimited", "Step", "StateExpectation"} <= set(NAMES)
    assert len(FIELDS) > 60


@pytest.mark.parametrize(
    ("place", "key"), FIELDS, ids=lambda part: part if isinstance(part, str) else ".".join(map(str, part))
)
def test_no_word_of_pydantic_reaches_the_reader(place, key):
    for value in WRONG:
        for where, message in mistakes(with_value(place, key, value)):
            assert not FOREIGN.search(message), message
            assert not [name for name in NAMES if re.search(rf"\b{name}\b", message)], message
            assert where[: len(place)] == tuple(place)[: len(where)]


def test_every_pattern_has_its_words():
    patterns = re.findall(r'"pattern":"((?:[^"\\]|\\.)*)"', orjson.dumps(ScenarioModel.model_json_schema()).decode())
    known = {orjson.dumps(pattern).decode().strip('"') for pattern in PATTERNS}
    durations = {pattern for pattern in patterns if "ms|s|m|h|d" in pattern}
    assert set(patterns) - durations == known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "rules: [{id: r, fault: {latency: 2}}]",
            "latency: must be a duration such as 500ms, or {uniform: [100ms, 2s]}, or {median: 300ms, p99: 2s}, not 2",
        ),
        ("rules: [{id: r, fault: {hang: 2}}]", "hang: 2 is not a duration; write a number and a unit: 500ms, 2s, 1m"),
        ("rules: [{id: r, fault: {empty: false}}]", "empty: must be true, not false"),
        ("rules: [{id: r, fault: {billing_write: lots}}]", "must be 'lost', not \"lots\"; did you mean 'lost'?"),
        ("rules: 5", "rules: must be a list, not 5"),
        ("rules: [5]", "rules[0]: must be a mapping with the keys `reply`, "),
        ("rules: [{id: r, when: {window: [1s]}, reply: conflict}]", "window: must be a list of two"),
        ("rules: [{id: r, when: 5, reply: conflict}]", "when: must be a mapping with the keys `method`, "),
        ("rules: [{id: r, sequence: [ok, 5]}]", "sequence[1]: must be ok, a response by name (rate_limited, "),
        ("rules: [{id: r, reply: 5}]", "reply: must be a mapping with a `status`, or a response by name: rate_limited"),
        ("rules: [{id: r, reply: {not_found: 5}}]", "not_found: must be an empty mapping: {}, not 5"),
        ("rules: [{id: r, reply: {rate_limited: {retry_after: [2]}}}]", "retry_after: must be a duration such as 2s"),
        ("rules: [{id: a b, reply: conflict}]", "id: must be 1 to 63 letters, digits, dots, underscores and hyphens"),
        ("rules: [{reply: conflict}]", "'id' is missing"),
        ("limits: [{per: [sandbox], max: 1, window: 1s}]", "per[0]: must be 'teamspace', 'path', 'method' or 'key'"),
        ("limits: [{max: 1, window: 0s}]", "window: must be longer than zero"),
        ("keys: [5]", "keys[0]: must be text, not 5"),
        ("seed: 1.5", "seed: must be a whole number, not 1.5"),
        ("clock: {mode: fast}", 'mode: must be real, frozen, or x and a rate, such as x10, not "fast"'),
        ("clock: soon", 'clock: must be a mapping with the keys `start`, `mode`, not "soon"'),
    ],
)
def test_a_mistake_says_what_was_expected(apis, text, said):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"version: 1\nname: n\napi: datagrid\n{text}\n", {api.name: api for api in apis}, "t.yaml")
    assert len(caught.value.problems) == 1, str(caught.value)
    assert said in caught.value.problems[0].message


EVERYTHING = """\
version: 1
name: n
api: datagrid
planet: red
seed: many
rules:
  - 5
  - {id: one, op: Memory.createUserMemry, reply: out_of_credits}
  - {id: two, fault: {latency: 2}, when: {body: {a: {regex: "("}}}}
  - {id: three, op: getCredits, reply: {status: 200, body: {remaining: x}}}
  - {id: four, op: nope, replay: conflict, planet: red}
  - {op: nope, when: {chanc: 1}}
  - {id: two, fault: {body: {truncate: 0.5}}}
state: {user_memory: []}
expect:
  - {op: nope, calls: 1}
  - {op: getCredits, calls: many}
  - {rule: unlike, fired: 1}
"""


def test_one_run_tells_every_problem_of_shape_and_of_meaning_in_the_order_of_the_file(apis):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(EVERYTHING, {api.name: api for api in apis}, "t.yaml")
    told = [(problem.line, problem.rule, problem.message[:36]) for problem in caught.value.problems]
    assert told == [
        (4, "", "unknown key 'planet'"),
        (5, "", 'seed: must be a whole number, not "m'),
        (7, "", "rules[0]: must be a mapping with the"),
        (8, "one", "datagrid has no operation 'Memory.cr"),
        (9, "two", "latency: must be a duration such as "),
        (9, "two", 'a.regex: "(" is not a valid regular '),
        (10, "three", "the response violates the contract o"),
        (11, "four", "datagrid has no operation 'nope'"),
        (11, "four", "unknown key 'replay'; did you mean '"),
        (11, "four", "unknown key 'planet'"),
        (12, "", "'id' is missing"),
        (12, "", "the rule does nothing; give it `repl"),
        (12, "", "datagrid has no operation 'nope'"),
        (12, "", "unknown key 'chanc'; did you mean 'c"),
        (13, "two", "there are two rules 'two'"),
        (13, "two", "the fault `body` violates the contra"),
        (14, "", "datagrid has no table 'user_memory';"),
        (16, "", "datagrid has no operation 'nope'"),
        (17, "", "calls: 'many' is not a count or a ra"),
        (18, "", "there is no rule 'unlike'"),
    ]


def test_what_follows_from_a_mistake_is_not_told_as_another_one(apis):
    text = (
        "version: 1\nname: n\napi: datagrid\n"
        "rules:\n- {id: r, replay: conflict}\n- {id: s, sequence: [rate_limitd]}\n- {id: t, reply: {status: 200x}}\n"
    )
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, {api.name: api for api in apis}, "t.yaml")
    assert len(caught.value.problems) == 3, str(caught.value)


@pytest.mark.parametrize(
    "head", ["name: n\napi: datagrid", "version: 1\nname: a b\napi: datagrid", "version: 1\napi: datagrid"]
)
def test_a_mistake_in_the_head_hides_no_other(apis, head):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(
            f"{head}\nrules: [{{id: r, op: nope, reply: conflict}}]", {api.name: api for api in apis}, "t.yaml"
        )
    assert len(caught.value.problems) == 2, str(caught.value)


@pytest.mark.parametrize("api", ["", "api: 5", "api: [datagrid]"])
def test_without_an_api_the_shape_is_told(apis, api):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"version: 1\nname: n\nseed: x\n{api}", {api.name: api for api in apis}, "t.yaml")
    assert sorted("api" in problem.message for problem in caught.value.problems) == [False, True]


def test_very_many_problems_are_counted(apis):
    keys = "\n".join(f"k{n}: 1" for n in range(5000))
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(f"version: 1\nname: n\napi: datagrid\n{keys}", {api.name: api for api in apis}, "t.yaml")
    assert len(caught.value.problems) == MAX_PROBLEMS
    assert str(caught.value).endswith(f"t.yaml: {5000 - MAX_PROBLEMS} more problems")


@pytest.mark.parametrize("then", [None, 7, "x", {"patch": 1}])
def test_a_wrong_single_value_where_a_list_may_stand_is_told_and_the_rest_is_read(then):
    told = []
    rule = {"id": "a", "op": "x", "then": then}
    data = {"version": 1, "name": "n", "api": "datagrid", "rules": [rule, {"id": "b"}], "clock": 7}
    draft = Draft(ScenarioModel, data, lambda place, message: told.append(place[0]))
    assert draft.model is not None and draft.model.name == "n"
    assert set(told) == {"rules", "clock"}


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["ok", "2s", "real"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([key for _, model in models(ScenarioModel) for key in model.model_fields] + ["x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(list(ScenarioModel.model_fields)), _VALUES))
def test_any_data_is_read_to_the_end_and_stays_as_it_was(data):
    before = repr(data)
    reported = []
    draft = Draft(ScenarioModel, data, lambda place, message: reported.append(message))
    assert repr(data) == before
    assert draft.model is not None
    assert [message for message in reported if FOREIGN.search(message.split(", not ")[0])] == []
    if not reported:
        assert draft.model == ScenarioModel.model_validate(data)
