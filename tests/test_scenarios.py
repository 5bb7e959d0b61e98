"""What rules do: when they apply, which one acts, what it changes, and what it never touches."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.messages import Limit, Request
from mockserver.sandbox.expectations import check_expectations, unfired
from mockserver.scenarios import ScenarioError, load_scenario, parse_scenario
from mockserver.text.documents import DocumentError

HEAD = "version: 1\nname: test\napi: datagrid\nseed: 1\nclock: {start: 2026-01-01T00:00:00Z, mode: frozen}\n"
CREATE = "Memory.createUserMemory"
LIST = "Memory.listUserMemory"


class World:
    """A pipeline with a scenario in force, and short ways to use it."""

    def __init__(self, pipeline, text):
        self.pipeline = pipeline
        self.pipeline.sandbox.use(parse_scenario(HEAD + text, pipeline.apis, "test.yaml"))

    @property
    def sandbox(self):
        return self.pipeline.sandbox

    def create(self, memory="m", agent_id="a", body=None, **headers):
        given = {"authorization": "Bearer k", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = orjson.dumps({"agent_id": agent_id, "memory": memory}) if body is None else body
        return self.pipeline.exchange(Request("POST", "/v1/user-memories", "", given, raw))

    def list(self, query=""):
        return self.pipeline.exchange(Request("GET", "/v1/user-memories", query, {"authorization": "Bearer k"}))

    def statuses(self, count, **options):
        return [self.create(**options).status for _ in range(count)]

    @property
    def rows(self):
        return self.sandbox.store.rows("user_memories")


@pytest.fixture
def world(make_pipeline):
    return lambda text: World(make_pipeline(), text)


def json(exchange):
    return orjson.loads(exchange.response.content)


def test_a_sequence_and_then_ok(world):
    w = world(f"rules: [{{id: r, op: {CREATE}, sequence: [ok, rate_limited, {{server_error: {{status: 503}}}}]}}]")
    assert w.statuses(5) == [201, 429, 503, 201, 201]
    assert len(w.rows) == 3
    assert [e.rule for e in w.sandbox.exchanges()] == ["", "r", "r", "", ""]
    assert w.sandbox.exchanges()[1].rule_at == "test.yaml:6"


@pytest.mark.parametrize(
    ("call", "expected"),
    [("2", [2]), ("2..3", [2, 3]), ("4..", [4, 5, 6]), ('"..2"', [1, 2]), ("every 3", [3, 6]), ("6", [6])],
)
def test_call_numbers(world, call, expected):
    w = world(f"rules: [{{id: r, op: {CREATE}, when: {{call: {call}}}, reply: conflict, violates: not declared}}]")
    assert [n for n, status in enumerate(w.statuses(6), 1) if status == 409] == expected


def test_the_first_rule_that_acts_wins_but_all_count(world):
    w = world(
        f"rules:\n"
        f"  - {{id: first, op: {CREATE}, when: {{call: 2}}, reply: out_of_credits}}\n"
        f"  - {{id: second, op: '*', when: {{call: 2..3}}, reply: rate_limited}}\n"
    )
    assert w.statuses(4) == [201, 402, 429, 201]


def test_a_counter_counts_what_the_rest_of_when_matches(world):
    w = world(f"rules: [{{id: r, op: {CREATE}, when: {{call: 2, body: {{agent_id: b}}}}, reply: out_of_credits}}]")
    assert w.create(agent_id="a").status == 201
    assert w.create(agent_id="b").status == 201
    assert w.create(agent_id="a").status == 201
    assert w.create(agent_id="b").status == 402


@pytest.mark.parametrize(
    ("when", "hit", "miss"),
    [
        ('body: {agent_id: {regex: "^a"}}', {"agent_id": "abc"}, {"agent_id": "cba"}),
        ("body: {memory: tea}", {"memory": "tea"}, {"memory": "teas"}),
        ("body: {context: {present: false}}", {}, {"body": b'{"agent_id":"a","memory":"m","context":null}'}),
        ("header: {x-stainless-retry-count: '1'}", {"x_stainless_retry_count": "1"}, {"x_stainless_retry_count": "0"}),
        ("header: {x-stainless-retry-count: {gt: 0}}", {"x_stainless_retry_count": "2"}, {}),
        ("header: {Datagrid-Teamspace: ts}", {"datagrid_teamspace": "ts"}, {"datagrid_teamspace": "t"}),
    ],
)
def test_matchers(world, when, hit, miss):
    w = world(f"rules: [{{id: r, op: {CREATE}, when: {{{when}}}, reply: out_of_credits}}]")
    assert w.create(**miss).status == 201
    assert w.create(**hit).status == 402


def test_query_method_and_path(world):
    w = world(
        "rules:\n"
        "  - {id: q, op: '*', when: {query: {limit: 3}}, reply: rate_limited}\n"
        "  - {id: m, op: '*', when: {method: DELETE}, reply: rate_limited}\n"
        "  - {id: p, op: '*', when: {path: /organization/credits}, reply: rate_limited}\n"
    )
    assert w.list("limit=3").status == 429
    assert w.list("limit=4").status == 200
    assert w.create().status == 201
    headers = {"authorization": "Bearer k"}
    assert w.pipeline.handle(Request("DELETE", "/user-memories/x", "", headers)).status == 429
    assert w.pipeline.handle(Request("GET", "/organization/credits", "", headers)).status == 429


def test_a_window_is_measured_from_the_start_on_the_test_clock(world):
    w = world("rules: [{id: r, op: '*', when: {window: [30s, 60s]}, reply: rate_limited}]")
    seen = []
    for _ in range(8):
        seen.append(w.list().status)
        w.sandbox.clock.advance(10)
    assert seen == [200, 200, 200, 429, 429, 429, 200, 200]


def test_chance_is_the_same_in_every_run_and_follows_the_seed(make_pipeline):
    def run(seed):
        text = HEAD.replace("seed: 1", f"seed: {seed}")
        pipeline = make_pipeline(limit=None)
        rule = f"rules: [{{id: r, op: {LIST}, when: {{chance: 0.3}}, reply: rate_limited}}]"
        pipeline.sandbox.use(parse_scenario(text + rule, pipeline.apis, "t.yaml"))
        headers = {"authorization": "Bearer k"}
        return [pipeline.handle(Request("GET", "/user-memories", "", headers)).status for _ in range(300)]

    first = run(1)
    assert run(1) == first
    assert run(2) != first
    assert 60 <= first.count(429) <= 120


def test_named_responses_act_at_their_natural_stage(world):
    w = world(
        f"keys: [right]\nrules:\n"
        f"  - {{id: u, op: {CREATE}, when: {{call: 1}}, reply: unauthorized}}\n"
        f"  - {{id: l, op: {CREATE}, when: {{call: 2}}, reply: rate_limited}}\n"
        f"  - {{id: c, op: {CREATE}, when: {{call: 3..4}}, reply: out_of_credits}}\n"
    )
    good = {"authorization": "Bearer right"}
    assert w.create(body=b"{", **good).status == 401, "before everything"
    assert w.create(body=b"{", **good).status == 429, "before validation"
    assert w.create(body=b"{", **good).status == 400, "validation comes before 402"
    last = w.create(**good)
    assert last.status == 402
    assert w.rows == []
    assert w.sandbox.store.balance().consumed == 0
    assert last.response.headers["x-ratelimit-remaining"] == "198", "neither 401 nor the scripted 429 was counted"


def test_a_scripted_429_tells_nothing_but_its_own_words(world):
    w = world(f"rules: [{{id: r, op: {CREATE}, reply: {{rate_limited: {{retry_after: 7s}}}}}}]")
    headers = w.create().response.headers
    assert (headers["retry-after"], headers["x-ratelimit-remaining"]) == ("7", "0")
    assert w.create(authorization="").status == 401, "a wrong key is a wrong key all the same"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("retry_after: 2s", {"retry-after": "2"}),
        ("retry_after: 1500ms", {"retry-after": "2"}),
        ("retry_after: 1.5", {"retry-after": "1.5"}),
        ("retry_after: 0", {"retry-after": "0"}),
        ("retry_after: -1", {"retry-after": "-1"}),
        ("retry_after: 61s", {"retry-after": "61"}),
        ("retry_after: date +2s", {"retry-after": "Thu, 01 Jan 2026 00:00:02 GMT"}),
        ("retry_after: date -1h", {"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}),
        ("retry_after: soon", {"retry-after": "soon"}),
        ("retry_after: absent", {"retry-after": None}),
        ("retry_after: absent, retry_after_ms: 1500", {"retry-after": None, "retry-after-ms": "1500"}),
        ("retry_after: 1s, should_retry: false", {"retry-after": "1", "x-should-retry": "false"}),
        ("should_retry: true", {"x-should-retry": "true"}),
    ],
)
def test_the_retry_after_edge_pack(world, arguments, expected):
    w = world(f"rules: [{{id: r, op: {LIST}, reply: {{rate_limited: {{{arguments}}}}}, violates: edge}}]")
    headers = {name.lower(): value for name, value in w.list().response.headers.items()}
    assert {name: headers.get(name) for name in expected} == expected


def test_set_and_remove_change_the_real_response(world):
    w = world(
        f"rules:\n"
        f"  - {{id: s, op: {LIST}, when: {{call: 1}}, set: {{/has_more: true, /data/-: null}}, violates: a null row}}\n"
        f"  - {{id: r, op: {LIST}, when: {{call: 2}}, remove: [/has_more]}}\n"
    )
    w.create()
    first = json(w.list())
    assert first["has_more"] is True and first["data"][1] is None
    assert "has_more" not in json(w.list())
    assert json(w.list())["has_more"] is False
    sides = [v.side for v in w.sandbox.exchanges()[1].violations]
    assert sides == ["declared"]


def test_a_patch_that_breaks_the_contract_only_at_run_time_is_our_500(world):
    w = world(f"rules: [{{id: s, op: {LIST}, set: {{/data/0/memory/0: tea}}}}]")
    exchange = w.list()
    assert exchange.status == 500
    assert "leads nowhere" in exchange.defect


def test_a_response_written_out(world):
    w = world(
        f"rules: [{{id: r, op: {LIST}, reply: {{status: 200, headers: {{x-a: b}}, "
        f"body: {{object: list, data: [], has_more: true}}}}}}]"
    )
    exchange = w.list()
    assert (exchange.status, exchange.response.headers["x-a"]) == (200, "b")
    assert json(exchange) == {"object": "list", "data": [], "has_more": True}


def test_state_credits_and_limits(world):
    w = world(
        "credits: 1\n"
        "state: {user_memories: [{agent_id: a1, memory: [old]}, {id: fixed}]}\n"
        "limits: [{op: Memory.createUserMemory, per: [key], max: 2, window: 10s}]\n"
    )
    rows = json(w.list())["data"]
    assert rows[0]["id"] == "fixed"
    assert (rows[1]["agent_id"], rows[1]["memory"]) == ("a1", ["old"])
    assert rows[1]["created_at"] == "2026-01-01T00:00:00.000Z"
    assert w.statuses(3) == [201, 402, 429]
    assert w.create(authorization="Bearer other").status == 402, "the limit is per key here"


def test_keys_of_a_scenario(world):
    w = world("keys: [right]\n")
    assert w.create().status == 401
    assert w.create(authorization="Bearer right").status == 201


def test_reset_starts_the_scenario_again(world):
    w = world(f"credits: 5\nrules: [{{id: r, op: {CREATE}, sequence: [ok, out_of_credits]}}]")
    first = [w.statuses(3), w.rows, w.sandbox.exchanges()[0].response.content]
    w.sandbox.reset()
    assert w.sandbox.exchanges() == [] and w.rows == []
    assert [w.statuses(3), w.rows, w.sandbox.exchanges()[0].response.content] == first


def test_extends_a_bundled_scenario(world):
    w = world(f"extends: out-of-credits\nrules: [{{id: r, op: {CREATE}, when: {{call: 2}}, reply: rate_limited}}]")
    assert w.statuses(3) == [402, 429, 402]


@pytest.fixture
def files(tmp_path, monkeypatch, apis):
    """Writes scenario files of these contents after HEAD, and loads the first one by its name."""
    monkeypatch.chdir(tmp_path)

    def load(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(HEAD + text)
        return load_scenario(f"{next(iter(texts))}.yaml", {api.name: api for api in apis})

    return load


@pytest.mark.parametrize(
    ("texts", "chain", "place"),
    [
        ({"a": "extends: a.yaml"}, "a.yaml -> a.yaml", "a.yaml:6:1"),
        ({"a": "extends: b.yaml", "b": "extends: ./a.yaml"}, "a.yaml -> b.yaml -> a.yaml", "b.yaml:6:1"),
        (
            {"a": "extends: b.yaml", "b": "extends: c.yaml", "c": "extends: b.yaml"},
            "b.yaml -> c.yaml -> b.yaml",
            "c.yaml:6:1",
        ),
    ],
)
def test_a_circle_of_extends_names_its_files(files, texts, chain, place):
    with pytest.raises(ScenarioError) as caught:
        files(**texts)
    assert str(caught.value) == f"{place}: circular `extends`: {chain}"


def test_a_file_of_the_name_of_a_bundled_scenario_may_extend_it(files):
    scenario = files(**{"out-of-credits": "extends: out-of-credits\ncredits: 3\n"})
    assert scenario.model.credits == 3 and scenario.model.expect


def test_a_long_chain_of_extends_ends(files):
    texts = {f"s{n}": f"extends: s{n + 1}.yaml" for n in range(9)}
    assert files(**{**texts, "s8": ""}).name == "test"
    with pytest.raises(ScenarioError, match="more than 8 scenarios extend one another in a row"):
        files(**texts, s9="")


def test_a_problem_of_an_extended_file_names_that_file(files):
    with pytest.raises(ScenarioError) as caught:
        files(own="extends: base.yaml\nrules: [{id: r}]\n", base="rules: [{id: b, op: nope, reply: conflict}]")
    assert [str(problem).partition(": ")[0] for problem in caught.value.problems] == ["own.yaml:7:9", "base.yaml:6:17"]


def test_expectations(world):
    w = world(
        "rules: [{id: never, op: getCredits, reply: rate_limited}]\n"
        "expect:\n"
        "  - {op: Memory.createUserMemory, calls: 2..3}\n"
        "  - {op: Memory.createUserMemory, calls: 1, status: 400}\n"
        "  - {rule: never, fired: 1..}\n"
        "  - {credits: {consumed: 2}}\n"
        "  - {state: {user_memories: {count: 2, unique_by: memory}}}\n"
        "  - {retries: none}\n"
    )
    w.statuses(2)
    judged = check_expectations(w.sandbox)
    assert [j.ok for j in judged] == [True, False, False, True, False, True]
    assert "0, expected 1" in judged[1].failures[0]
    assert "2 rows of user_memories have the memory" in judged[4].failures[0]
    (never,) = unfired(w.sandbox)
    assert (never.rule, never.at, never.nearest.number) == ("never", "test.yaml:6", 2)
    assert [str(d) for d in never.differences] == ["operation: expected getCredits, found Memory.createUserMemory"]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("call: 4", "call: expected 4, found 3"),
        ("chance: 0", "chance: expected a draw below 0, found 0."),
        ("window: [9s, 10s]", "window: expected 9 s to 10 s after the start, found 0 s after it"),
        ("method: GET", "method: expected GET, found POST"),
        ("path: /organization/credits", "operation: expected getCredits"),
        ("body: {agent_id: b}", 'body.agent_id: expected "b", found "a"'),
        ("header: {x-stainless-retry-count: 1}", 'header.x-stainless-retry-count: expected "1", found nothing'),
        ("query: {limit: 5}", 'query.limit: expected "5", found nothing'),
    ],
)
def test_a_rule_that_never_fired_has_a_near_miss(world, when, said):
    op = "getCredits" if when.startswith("path") else CREATE
    w = world(f"rules: [{{id: r, op: {op}, when: {{{when}}}, reply: out_of_credits, violates: x}}]")
    w.statuses(3)
    (rule,) = unfired(w.sandbox)
    assert rule.nearest.number == 3
    assert said in "; ".join(map(str, rule.differences))


def test_near_misses_of_a_sequence_and_of_a_rule_that_came_second(world):
    w = world(
        f"rules:\n"
        f"  - {{id: one, op: {CREATE}, when: {{call: 2}}, reply: out_of_credits}}\n"
        f"  - {{id: two, op: {CREATE}, when: {{call: 2}}, reply: out_of_credits}}\n"
        f"  - {{id: steps, op: {CREATE}, sequence: [ok, ok]}}\n"
    )
    assert unfired(w.sandbox)[0].nearest is None, "nothing was called yet"
    w.statuses(2)
    found = {rule.rule: "; ".join(map(str, rule.differences)) for rule in unfired(w.sandbox)}
    assert found == {
        "two": "rule: expected two to be the first that acts, found one",
        "steps": "sequence: expected a step that does something, found step 2, which is ok",
    }


def test_near_misses_count_calls_from_before_the_journal(world):
    w = world(f"rules: [{{id: r, op: {CREATE}, when: {{call: 9}}, reply: out_of_credits}}]")
    w.statuses(3)
    w.sandbox.store.clear_journal()
    w.statuses(2)
    (rule,) = unfired(w.sandbox)
    assert (rule.nearest.number, rule.differences[0].found) == (5, "5")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (
            "rules: [{id: r, op: getCredits, replay: rate_limited}]",
            "6:33",
            "unknown key 'replay'; did you mean 'reply'?",
        ),
        ("rules: [{id: r, op: getCredit, reply: rate_limited}]", "6:17", "did you mean 'getCredits'?"),
        ("rules: [{id: r, reply: rate_limitd}]", "6:17", "did you mean 'rate_limited'?"),
        ("rules: [{id: r, reply: conflict}, {id: r, reply: conflict}]", "6:36", "there are two rules 'r'"),
        ("rules: [{id: r, sequence: []}]", "6:17", "the sequence is empty"),
        ("rules: [{id: r, when: {window: [9s, 9s]}, reply: conflict}]", "6:24", "the window ends before it starts"),
        ("rules: [{id: r, when: {call: 0}, reply: conflict}]", "6:24", "call"),
        ("rules: [{id: r, when: {chance: 1.5}, reply: conflict}]", "6:24", "chance: must be at most 1, not 1.5"),
        ("rules: [{id: r, when: {body: {a: {regex: '('}}}, reply: conflict}]", "6:24", "a.regex"),
        ("rules: [{id: r, fault: {latency: soon}}]", "6:25", "is not a duration"),
        ("rules: [{id: r, fault: {latency: 10m}}]", "6:25", "600s is too long; at most 300s are allowed"),
        ("rules: [{id: r, fault: {latency: {median: 2s, p99: 1s}}}]", "6:25", "p99"),
        ("rules: [{id: r, fault: {reset: later}}]", "6:25", "reset: must be 'before' or 'after_commit', not \"later\""),
        ("rules: [{id: r, fault: {body: {truncate: 0.5}}}]", "6:25", "add `violates:"),
        ("rules: [{id: r, fault: {content_type: text/html}}]", "6:25", "add `violates:"),
        ("rules: [{id: r}]", "6:9", "the rule does nothing"),
        ("rules: [{id: r, reply: conflict, set: {/a: 1}}]", "6:9", "scripted `reply` has none"),
        ("rules: [{id: r, op: getCredits, remove: [/nope]}]", "6:33", "leads nowhere"),
        (
            "rules: [{id: r, op: getCredits, reply: {status: 200, body: {remaining: x}}}]",
            "6:33",
            "remaining: must be a number",
        ),
        ("state: {user_memory: []}", "6:9", "did you mean 'user_memories'?"),
        ("state: {user_memories: [{memroy: [x]}]}", "6:26", "did you mean 'memory'?"),
        ("state: {user_memories: [{memory: x}]}", "6:26", "memory: must be an array"),
        ("state: {user_memories: [{id: x}, {id: x}]}", "6:35", "two rows of user_memories have the id 'x'"),
        ("credits: -1", "6:1", "credits: must be at least 0, not -1"),
        ("clock: {mode: x0.5.5}", "6:9", "mode"),
        ("expect: [{retries: honor}]", "6:11", "is not a rule of retries"),
        ("expect: [{op: getCredits}]", "6:10", "an expectation has one of"),
        ("extends: out-of-credit", "6:1", "did you mean 'out-of-credits'?"),
        ("limits: [{max: 0, window: 1s}]", "6:11", "max: must be at least 1, not 0"),
    ],
)
def test_a_mistake_is_told_with_its_place(make_pipeline, text, where, said):
    head = "".join(line + "\n" for line in HEAD.splitlines() if not (text.startswith("clock") and "clock" in line))
    text = head + ("\n" if text.startswith("clock") else "") + text
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, make_pipeline().apis, "t.yaml")
    assert len(caught.value.problems) == 1, str(caught.value)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"t.yaml:{where}:")


def test_a_scenario_that_does_not_load_leaves_the_one_in_force(world):
    w = world(f"rules: [{{id: r, op: {CREATE}, reply: out_of_credits}}]")
    w.create()
    with pytest.raises(ScenarioError):
        w.sandbox.use(parse_scenario(HEAD + "rules: [{id: r}]", w.pipeline.apis, "t.yaml"))
    assert w.create().status == 402
    assert len(w.sandbox.exchanges()) == 2


@pytest.mark.parametrize(
    "text",
    ["", "[]", "version: 1", "a: &a [*a]", "x" * (1024 * 1024 + 1), "version: 2\nname: x\napi: datagrid", "\x00"],
)
def test_what_is_no_scenario(make_pipeline, text):
    with pytest.raises((ScenarioError, DocumentError)):
        parse_scenario(text, make_pipeline().apis, "t.yaml")


def test_a_bomb_of_aliases_is_refused(make_pipeline):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises((ScenarioError, DocumentError)):
        parse_scenario("\n".join(lines), make_pipeline().apis, "t.yaml")


@given(st.text(max_size=200))
def test_any_text_is_refused_politely(apis, text):
    with pytest.raises((ScenarioError, DocumentError)):
        parse_scenario(text, {api.name: api for api in apis}, "t.yaml")


def test_limits_of_terms_still_hold_without_a_scenario(make_pipeline):
    pipeline = make_pipeline(limit=Limit(1))
    headers = {"authorization": "Bearer k"}
    assert [pipeline.handle(Request("GET", "/user-memories", "", headers)).status for _ in range(2)] == [200, 429]
