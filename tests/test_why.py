"""Why an exchange was answered: the sentences and the stages of every way a request can go."""

from __future__ import annotations

import gzip
import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served import Served

from mockserver.errors import Problem
from mockserver.journal.entries import decode, encode
from mockserver.journal.passages import _is_late
from mockserver.journal.retries import Attempt, annotate
from mockserver.journal.why import why
from mockserver.messages import Exchange, Limit, Limited, Request, Response, RuleAction, Stage, Violation
from mockserver.scenarios.load import parse_scenario
from mockserver.scenarios.stages import stage_of

KEY = {"authorization": "Bearer k", "content-type": "application/json"}
BODY = b'{"agent_id": "a", "memory": "m"}'


def request(method="POST", path="/user-memories", query="", headers=KEY, body=BODY, **more):
    return Request(method, path, query, dict(headers), body if method in ("POST", "PUT", "PATCH") else b"", **more)


def of(pipeline, asked):
    """Why the journal's entry says that a request was answered so."""
    return why(decode(encode(pipeline.exchange(asked)), 1))


def with_rules(make_pipeline, rules, **terms):
    pipeline = make_pipeline(**terms)
    text = f"version: 1\nname: s\napi: datagrid\nrules:\n{rules}"
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "s.yaml"))
    return pipeline


def decided(reasons):
    """The stages with their outcomes: `route key limit! response`, where `!` decided and `+` acted."""
    marks = {"passed": "", "acted": "+", "decided": "!"}
    return " ".join(passage.stage + marks[passage.outcome] for passage in reasons.stages)


def test_a_429_tells_the_window_and_when_the_next_request_is_admitted(make_pipeline):
    pipeline = make_pipeline(limit=Limit(2, 60.0))
    pipeline.sandbox.clock.advance(3)
    pipeline.exchange(request())
    pipeline.sandbox.clock.advance(8.5)
    pipeline.exchange(request())
    reasons = of(pipeline, request())
    assert reasons.sentences == (
        "429, because this teamspace made 2 requests to POST /user-memories since 00:00:03; "
        "the next is admitted at 00:01:03.",
    )
    assert decided(reasons) == "route key limit! response"


def test_the_next_request_is_admitted_at_the_moment_that_is_told(make_pipeline):
    pipeline = make_pipeline(limit=Limit(1, 0.0015))
    pipeline.exchange(request())
    (sentence,) = of(pipeline, request()).sentences
    assert sentence.endswith("1 request to POST /user-memories since 00:00:00; the next is admitted at 00:00:00.002.")
    pipeline.sandbox.clock.advance(0.002)
    assert pipeline.exchange(request()).status == 201


@pytest.mark.parametrize(
    ("per", "says"),
    [
        ("[key]", "this key made 1 request since"),
        ("[teamspace, key, path]", "this teamspace and key made 1 request to /user-memories since"),
        ("[method]", "all callers together made 1 request to POST since"),
    ],
)
def test_a_limit_of_a_scenario_says_what_counts_together(make_pipeline, per, says):
    pipeline = make_pipeline()
    text = f"version: 1\nname: s\napi: datagrid\nlimits: [{{per: {per}, max: 1, window: 10s}}]"
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "s.yaml"))
    pipeline.exchange(request())
    assert says in of(pipeline, request()).sentences[0]


@pytest.mark.parametrize(
    ("asked", "terms", "sentence", "stages"),
    [
        (
            request("GET", "/user-memoriez"),
            {},
            "404, because no operation has the path '/user-memoriez'; did you mean '/v1/user-memories'?",
            "route!",
        ),
        (request("PUT"), {}, "405, because /user-memories has no PUT; it has GET, HEAD, OPTIONS, POST.", "route!"),
        (request("OPTIONS"), {}, "204, because the path has ", "route!"),
        (request(headers={}), {}, "401, because no API key was given; send `Authorization: Bearer KEY`.", "route key!"),
        (request(), {"keys": ("other",)}, "401, because the API key is not a valid one.", "route key!"),
        (
            request(body=b'{"agent_id": 5}'),
            {},
            "400, because the request violates the contract: body /memory: ",
            "route key limit validation!",
        ),
        (
            request(body=b"", too_large=True),
            {},
            "413, because the request body is larger than ",
            "route key limit validation!",
        ),
        (
            request(headers={**KEY, "content-type": "text/plain"}),
            {},
            "415, because Content-Type is 'text/plain'; ",
            "route key limit validation!",
        ),
        (
            request(headers={**KEY, "content-encoding": "lzma"}),
            {},
            "415, because the content coding 'lzma' cannot be undone; ",
            "route key limit validation!",
        ),
        (request(headers={**KEY, "accept": "image/png"}), {}, "406, because ", "route key limit validation!"),
        (
            request(),
            {"credits": 0},
            "402, because this operation costs 1 credit and 0 remain.",
            "route key limit validation credits!",
        ),
        (
            request("DELETE", "/user-memories/nobody"),
            {},
            "404, because there is no user memory 'nobody' in this teamspace.",
            "route key limit validation behaviour!",
        ),
        (
            request(headers={**KEY, "prefer": "code=429"}),
            {},
            "429, because the request asks for it with `Prefer: code=429`.",
            "route key limit prefer!",
        ),
        (
            request(headers={**KEY, "prefer": "code=402"}),
            {},
            "402, because the request asks for it with `Prefer: code=402`.",
            "route key limit validation prefer!",
        ),
        (
            request(),
            {"stateless": True},
            "201, because Memory.createUserMemory keeps no state here: its response is a sample from the contract.",
            "route key limit validation sample!",
        ),
        (
            request("GET"),
            {},
            "200, because Memory.listUserMemory was carried out.",
            "route key limit validation behaviour!",
        ),
    ],
)
def test_each_stage_that_decides_says_why(make_pipeline, asked, terms, sentence, stages):
    reasons = of(make_pipeline(**terms), asked)
    assert reasons.sentences[0].startswith(sentence)
    assert decided(reasons).removesuffix(" response") == stages
    assert reasons.stages[-1].outcome == "passed" or stages == "route!"


def test_a_creation_tells_what_it_added_and_charged(make_pipeline):
    reasons = of(make_pipeline(), request(headers={**KEY, "content-encoding": "gzip"}, body=gzip.compress(BODY)))
    assert reasons.sentences[0] == "201, because Memory.createUserMemory was carried out."
    assert reasons.sentences[1].startswith("The operation added user_memories ")
    assert reasons.sentences[2:] == ("1 credit was charged.",)
    assert decided(reasons) == "route key limit validation credits behaviour! response"


@pytest.mark.parametrize(
    ("changes", "changed", "says"),
    [
        ([("added", "t", "1")] * 20, 30, "The operation added 30 rows of t, the first of them 1."),
        ([("added", "t", "1"), ("removed", "t", "2")], 2, "The operation added t 1, removed t 2."),
        (
            [("added", "t", "1"), ("removed", "t", "2"), ("removed", "t", "3"), ("removed", "t", "4")],
            4,
            "The operation added t 1, removed t 2, removed t 3 and changed 1 more.",
        ),
    ],
)
def test_many_rows_are_counted_and_a_few_are_named(changes, changed, says):
    exchange = Exchange(
        request(),
        0.0,
        Response(200),
        operation="o",
        stage="behaviour",
        committed=True,
        changes=changes,
        changed=changed,
    )
    assert why(exchange).sentences == ("200, because o was carried out.", says)


def test_nothing_is_charged_for_what_cannot_be_paid(make_pipeline):
    assert of(make_pipeline(credits=0), request()).sentences[1:] == ("Nothing was done and nothing was charged.",)


@pytest.mark.parametrize(
    ("rule", "sentences", "stages"),
    [
        (
            "reply: {rate_limited: {retry_after: 2s}}",
            ["429, because rule 'r' (s.yaml:5) at call 1 gives this response."],
            "route key rule! response",
        ),
        (
            "reply: {unauthorized: {}}",
            ["401, because rule 'r' (s.yaml:5) at call 1 gives this response."],
            "route rule! response",
        ),
        (
            "reply: {out_of_credits: {}}",
            ["402, because rule 'r' (s.yaml:5) at call 1 gives this response."],
            "route key limit validation rule! response",
        ),
        (
            "fault: {reset: before}",
            [
                "No response arrived, because rule 'r' (s.yaml:5) at call 1 resets the connection before anything "
                "is done."
            ],
            "route rule fault!",
        ),
        (
            "fault: {reset: after_commit}",
            [
                "No response arrived, because rule 'r' (s.yaml:5) at call 1 resets the connection after everything "
                "is done.",
                "It would have been 201, because Memory.createUserMemory was carried out.",
                "The operation added user_memories ",
                "1 credit was charged.",
            ],
            "route rule key limit validation credits behaviour+ response fault!",
        ),
        (
            "fault: {billing_write: lost}",
            [
                "201, because Memory.createUserMemory was carried out.",
                "Rule 'r' (s.yaml:5) at call 1 loses the billing write: the rows stay and nothing is charged.",
                "The operation added user_memories ",
            ],
            "route rule key limit validation behaviour! response fault+",
        ),
        (
            'fault: {body: {truncate: 0.5}}\n    violates: "cut"',
            [
                "201, because Memory.createUserMemory was carried out.",
                "Rule 'r' (s.yaml:5) at call 1 damages the body.",
                "The rule declares a violation of the contract ('cut').",
                "The operation added user_memories ",
                "1 credit was charged.",
            ],
            "route rule key limit validation credits behaviour! response fault+",
        ),
        (
            'set: {/agent_id: 5}\n    violates: "a number"',
            [
                "201, because Memory.createUserMemory was carried out.",
                "Rule 'r' (s.yaml:5) at call 1 changed the response.",
                "The rule declares a violation of the contract ('a number'): body /agent_id: ",
                "The operation added user_memories ",
                "1 credit was charged.",
            ],
            "route rule key limit validation credits behaviour! response+",
        ),
        (
            "fault: {latency: 2s}",
            [
                "201, because Memory.createUserMemory was carried out.",
                "Rule 'r' (s.yaml:5) at call 1 delays the response, which went out after 2 s.",
                "The operation added user_memories ",
                "1 credit was charged.",
            ],
            "route rule key limit validation credits behaviour! response fault+",
        ),
    ],
)
def test_a_rule_is_named_with_its_place_and_its_call(make_pipeline, rule, sentences, stages):
    pipeline = with_rules(make_pipeline, f"  - id: r\n    op: Memory.createUserMemory\n    {rule}\n")
    reasons = of(pipeline, request())
    assert len(reasons.sentences) == len(sentences)
    for sentence, start in zip(reasons.sentences, sentences, strict=True):
        assert sentence.startswith(start)
    assert decided(reasons) == stages


def test_the_call_of_a_rule_is_counted(make_pipeline):
    pipeline = with_rules(make_pipeline, "  - {id: third, when: {call: 3}, reply: {server_error: {status: 503}}}\n")
    for _ in range(2):
        assert of(pipeline, request()).sentences[0].startswith("201")
    assert of(pipeline, request()).sentences == ("503, because rule 'third' (s.yaml:5) at call 3 gives this response.",)


def test_a_rule_whose_stage_was_not_reached_says_so(make_pipeline):
    pipeline = with_rules(make_pipeline, "  - {id: late, reply: {out_of_credits: {}}}\n")
    reasons = of(pipeline, request(body=b"{}"))
    assert reasons.sentences[0].startswith("400, because the request violates the contract: ")
    assert reasons.sentences[1] == "Rule 'late' (s.yaml:5) at call 1 was to act, and the request did not come so far."


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "operationId": "listThings",
                "responses": {
                    "200": {
                        "description": "d",
                        "content": {"application/json": {"schema": {"type": "object", "required": ["n"]}}},
                    }
                },
            }
        }
    },
}


def behaving(tmp_path, behaviour):
    served = Served(tmp_path, DOCUMENT)
    served.pipeline.apis["t"].behaviours["listThings"] = behaviour
    served.pipeline.replace(served.pipeline.apis["t"])
    return why(decode(encode(served("GET", "/things").exchange), 1))


def test_a_behaviour_that_breaks_the_contract_is_named(tmp_path):
    reasons = behaving(tmp_path, lambda call: {})
    assert re.match(
        r"500, because what the behaviour of listThings \(\S*test_why\.py:\d+\) answers violates the contract: body",
        reasons.sentences[0],
    )
    assert decided(reasons) == "route key limit validation behaviour response!"


def test_a_behaviour_that_fails_is_named_with_the_place(tmp_path):
    reasons = behaving(tmp_path, lambda call: call.nothing)
    assert reasons.sentences[0].startswith("500, because the behaviour of listThings failed: AttributeError: ")
    assert "test_why.py:" in reasons.sentences[0]
    assert decided(reasons) == "route key limit validation behaviour!"


def test_a_schema_that_nothing_satisfies_is_named(tmp_path):
    document = json.loads(json.dumps(DOCUMENT))
    media = document["paths"]["/things"]["get"]["responses"]["200"]["content"]["application/json"]
    media["schema"] = {"type": "integer", "minimum": 5, "maximum": 4}
    reasons = why(decode(encode(Served(tmp_path, document)("GET", "/things").exchange), 1))
    assert reasons.sentences[0].startswith("501, because ") and "#/paths/~1things/get" in reasons.sentences[0]
    assert decided(reasons) == "route key limit validation sample! response"


def test_a_change_that_leads_nowhere_is_the_rules_fault(make_pipeline):
    pipeline = with_rules(make_pipeline, "  - {id: r, op: Memory.listUserMemory, set: {/data/0/memory/0: x}}\n")
    assert of(pipeline, request("GET")).sentences == (
        "500, because a rule cannot do what it says: "
        "rule 'r' (s.yaml:5): '/data/0/memory/0' leads nowhere in this response.",
    )


@pytest.mark.parametrize(
    ("facts", "sentences", "stages"),
    [
        (
            {"stage": "behaviour", "committed": True, "rule": "r", "rule_action": "then"},
            ("200, because o was carried out.", "Rule 'r' has something else done after the response."),
            "route rule key limit validation behaviour! response",
        ),
        (
            {"stage": "behaviour", "committed": True, "rule": "r", "rule_action": "behaviour"},
            ("200, because o was carried out.", "Rule 'r' gives the items of the stream."),
            "route rule key limit validation behaviour! response",
        ),
        (
            {"stage": "idempotency"},
            ("200, because the same request was made before with this key: it has the response that it had then.",),
            "route key limit validation idempotency! response",
        ),
        (
            {"stage": "webhook", "lost": "reset_before", "faults": ["webhook lost"]},
            ("The webhook was not sent, because the rule that caused it loses it.",),
            "webhook!",
        ),
    ],
)
def test_what_is_recorded_of_streams_keys_and_webhooks_is_enough(facts, sentences, stages):
    reasons = why(Exchange(request("GET"), 0.0, Response(200), operation="o", **facts))
    assert (reasons.sentences, decided(reasons)) == (sentences, stages)


def test_what_a_behaviour_says_stays_on_one_line(tmp_path):
    def behave(call):
        raise Problem("conflict", "a\x1b[31m\nb")

    assert behaving(tmp_path, behave).sentences == ("409, because listThings says: a\\x1b[31m\\nb.",)


def test_the_attempt_tells_how_long_the_client_waited(make_pipeline):
    pipeline = make_pipeline(limit=Limit(1, 60.0))
    pipeline.exchange(request(body=b'{"agent_id": "b", "memory": "m"}'))
    pipeline.exchange(request())
    pipeline.sandbox.clock.advance(1)
    last = pipeline.exchange(request())
    exchanges = pipeline.sandbox.exchanges()
    reasons = why(last, annotate(exchanges)[last.number])
    assert reasons.sentences[-1] == (
        "It is attempt 2, sent 1.00 s after the response of #2, which asked to wait 60 s: 59.00 s too early."
    )


def test_where_a_preferred_status_is_given_is_where_a_rule_gives_it():
    assert [_is_late(status) for status in range(100, 600)] == [
        stage_of(status) == "content" for status in range(100, 600)
    ]


texts = st.text(max_size=20)
numbers = st.floats(min_value=-1e15, max_value=1e15)
violations = st.builds(
    Violation,
    st.sampled_from(["client", "server", "upstream", "declared"]),
    st.sampled_from(["path", "query", "header", "body", "status", "content-type"]),
    *[texts] * 5,
)
recorded = st.builds(
    Exchange,
    request=st.builds(Request, texts, texts, texts, st.dictionaries(texts, texts, max_size=3), st.binary(max_size=20)),
    at=numbers,
    response=st.none()
    | st.builds(
        Response,
        st.integers(0, 599),
        st.none(),
        st.dictionaries(texts, texts, max_size=2),
        content=st.binary(max_size=9),
    ),
    stage=st.sampled_from(get_args(Stage)),
    operation=texts,
    reason=texts,
    limited=st.none()
    | st.builds(Limited, st.integers(1, 9), numbers, numbers, st.lists(texts, max_size=2).map(tuple), texts),
    violations=st.lists(violations, max_size=5),
    replied_at=st.none() | numbers,
    rule=texts,
    rule_at=texts,
    rule_call=st.integers(0, 9),
    rule_action=st.sampled_from(get_args(RuleAction)),
    violates=texts,
    charged=numbers,
    committed=st.booleans(),
    changes=st.lists(st.tuples(st.sampled_from(["added", "changed", "removed"]), texts, texts), max_size=5),
    changed=st.integers(0, 99),
    lost=st.sampled_from(["", "reset_before", "reset_after_commit", "empty", "hang", "otherwise"]),
    faults=st.lists(st.sampled_from(["latency", "reset", "body", "billing_write", "hang", "other"]), max_size=3),
    defect=texts,
)
attempts = st.none() | st.builds(
    Attempt, st.integers(1, 9), st.none() | st.integers(1, 9), st.none() | numbers, st.none() | numbers, numbers
)


@given(recorded, attempts)
def test_it_is_told_of_every_entry_with_one_stage_that_decided(exchange, attempt):
    reasons = why(decode(encode(exchange), 7), attempt)
    assert reasons.sentences and all(sentence[-1] in ".?!" for sentence in reasons.sentences)
    assert [passage.outcome for passage in reasons.stages].count("decided") == 1
    assert len({passage.stage for passage in reasons.stages}) == len(reasons.stages)
    assert all(passage.note for passage in reasons.stages)
    assert all(text.isprintable() for text in [*reasons.sentences, *(passage.note for passage in reasons.stages)])
