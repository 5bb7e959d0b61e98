"""Resilience coverage counts what a client has really received, and its reports say so."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import orjson
import pytest
from contracts import contract
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.admin.views import coverage_view, entry_view
from mockserver.apis import Api, load_api
from mockserver.errors import UserError
from mockserver.journal.entries import encode
from mockserver.messages import Exchange, Request, Response
from mockserver.scenarios.load import parse_scenario
from mockserver.state.memory import MemoryStore
from mockserver.testing.coverage.goals import FAULT_KINDS, Coverage
from mockserver.testing.coverage.report import html, percent_text, terminal_lines

APIS = {name: load_api(name) for name in ("datagrid", "mem0")}
CREATE, LIST, CREDITS = "Memory.createUserMemory", "Memory.listUserMemory", "getCredits"


def entry(operation=CREATE, status=201, body=None, *, api="datagrid", headers=None, **fields):
    """A journal entry as the admin API shows it, as far as coverage looks."""
    lost = fields.get("lost", "")
    response = {"headers": headers or {}, "body": body} if status else None
    common = {"violates": "", "violations": [], "charged": 1, "committed": status < 300, "lost": lost, "defect": ""}
    return {"api": api, "operation": operation, "status": status, "response": response, **common, **fields}


def seen(*entries, apis=APIS):
    """What these entries show: kind, name and count of each goal that was seen."""
    coverage = Coverage(apis)
    coverage.add(entries)
    return {(goal.kind, goal.name): goal.seen for goal in coverage.goals() if goal.seen}


def tiny(*ids, responses=None):
    """An unknown API with these operations, two goals each."""
    statuses = responses or {"200": {"description": "ok"}, "404": {"description": "none"}}
    paths = {f"/{i}": {"get": {"operationId": id, "responses": dict(statuses)}} for i, id in enumerate(ids)}
    return {"test": Api("test", contract(paths))}


# -- goals -------------------------------------------------------------------------------------


def test_goals_are_statuses_variants_and_faults():
    goals = [goal for goal in Coverage(APIS).goals() if goal.api == "datagrid"]
    create = {(goal.kind, goal.name): goal.provenance for goal in goals if goal.operation == CREATE}
    assert create == {
        ("status", "201"): "documented",
        ("status", "429"): "documented",
        ("status", "402"): "assumed",  # the vendor gives it no body
        ("status", "400"): "assumed",
        ("status", "401"): "assumed",
        ("status", "413"): "assumed",
        ("status", "415"): "assumed",
        ("variant", "credits null"): "documented",
        ("variant", "context filled"): "documented",
    }
    assert [goal.name for goal in goals if goal.kind == "fault"] == list(FAULT_KINDS)
    assert not any(goal.seen for goal in goals)


def test_provenance_is_the_weakest_word():
    found = {(g.operation, g.name): g.provenance for g in Coverage(APIS).goals() if g.api == "mem0"}
    assert found["getMemory", "404"] == "documented"
    assert found["getMemory", "429"] == "sdk"  # only the shared response says so
    assert found["createMemory", "413"] == "assumed"  # here, whatever the shared response says
    assert found["listMemories", "400"] == "assumed"  # the whole operation is
    assert found["listMemories", "more pages"] == "assumed"


def test_only_an_api_that_meters_credits_can_lose_a_billing_write():
    faults = {(goal.api, goal.name) for goal in Coverage(APIS).goals() if goal.kind == "fault"}
    assert ("datagrid", "lost billing write") in faults and ("mem0", "lost billing write") not in faults


@pytest.mark.parametrize("name", FAULT_KINDS)
def test_the_report_says_how_to_make_each_fault_happen(name):
    how = FAULT_KINDS[name].how
    violates = "    violates: why\n" if name == "damaged body" else ""
    text = f"version: 1\nname: x\napi: datagrid\nrules:\n  - id: r\n    op: {CREATE}\n    {how}\n{violates}"
    assert parse_scenario(text, APIS, "test.yaml").rules


def test_an_unknown_api_has_statuses_only():
    goals = Coverage(tiny("one")).goals()
    assert [(goal.kind, goal.name, goal.provenance) for goal in goals] == [
        ("status", "200", "documented"),
        ("status", "404", "documented"),
    ]


# -- what an entry shows -----------------------------------------------------------------------


def row(**body):
    return {"credits": {"consumed": 1}, "context": [], **body}


@pytest.mark.parametrize(
    ("operation", "body", "variants"),
    [
        (CREATE, row(), set()),
        (CREATE, row(credits=None), {"credits null"}),
        (CREATE, row(context=["x"]), {"context filled"}),
        (CREATE, {}, set()),
        (CREATE, [], set()),
        (CREATE, None, set()),
        (CREATE, "cut off by the jour", set()),
        (LIST, {"data": [], "has_more": False}, {"empty page"}),
        (LIST, {"data": [1], "has_more": False}, {"last page"}),
        (LIST, {"data": [1], "has_more": True}, {"more pages"}),
        (CREDITS, {"remaining": 0}, {"nothing left"}),
        (CREDITS, {"remaining": 0.5}, set()),
        (CREDITS, {"remaining": "none"}, set()),
        ("listMemories", {"results": [], "next_page_token": None}, {"empty page"}),
        ("listMemories", {"results": [1], "next_page_token": None}, {"last page"}),
        ("listMemories", {"results": [1], "next_page_token": "00"}, {"more pages"}),
        ("listMemoriesV3", {"results": [], "next": None}, {"empty page"}),
        ("listMemoriesV3", {"results": [1], "next": None}, {"last page"}),
        ("listMemoriesV3", {"results": [1], "next": "http://x"}, {"more pages"}),
        ("listEntities", {"results": []}, {"empty page"}),
        ("searchMemories", {"results": []}, {"no match"}),
        ("searchMemories", {"results": [1]}, set()),
    ],
)
def test_variants(operation, body, variants):
    api = next(name for name, api in APIS.items() if operation in api.contract.operations)
    found = seen(entry(operation, APIS[api].contract.operations[operation].success, body, api=api))
    assert {name for kind, name in found if kind == "variant"} == variants


def test_an_error_shows_no_variant():
    assert seen(entry(LIST, 400, {"data": []})) == {("status", "400"): 1}


RETRY = {"retry-after": "2"}
BREACH = {"side": "declared", "where": "body"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (entry(faults=["latency"]), {("fault", "latency"), ("status", "201")}),
        (entry(faults=["drip"]), {("fault", "latency"), ("status", "201")}),
        (entry(faults=["unheard of"]), {("status", "201")}),
        (entry(status=0, lost="reset_before"), {("fault", "reset before")}),
        (entry(lost="reset_after_commit", body=row(credits=None)), {("fault", "reset after commit")}),
        (entry(lost="empty", faults=["latency"]), {("fault", "empty")}),
        (entry(lost="hang", faults=["hang"]), {("fault", "hang")}),
        (entry(lost="reset_after_commit", charged=0), {("fault", "reset after commit")}),
        (entry(body='{"obj', violates="why"), {("fault", "damaged body")}),
        (entry(body={}, violates="why", violations=[BREACH]), {("fault", "damaged body")}),
        (entry(body={}, violates="why", violations=[{**BREACH, "where": "status"}]), set()),
        (entry(body={}, violates="why", faults=["body"]), {("fault", "damaged body")}),
        (entry(body={}, violates="why", faults=["content_type"]), {("fault", "damaged body")}),
        (entry(body="longer than the journal keeps"), {("status", "201")}),
        (entry(charged=0), {("fault", "lost billing write"), ("status", "201")}),
        (entry(LIST, 200, charged=0), {("status", "200")}),
        (entry(status=400, charged=0), {("status", "400")}),
        (entry(status=429, headers=RETRY), {("fault", "429 with Retry-After"), ("status", "429")}),
        (entry(status=429), {("status", "429")}),
        (entry(headers=RETRY), {("status", "201")}),
        (entry(status=503), {("fault", "5xx")}),
        (entry(status=500, defect="broke"), set()),
        (entry(status=418), set()),
    ],
)
def test_faults_and_what_the_client_did_not_receive(given, shown):
    assert set(seen(given)) == shown


def test_unknown_apis_and_operations_are_passed_over():
    coverage = Coverage(APIS)
    coverage.add([entry(api="nobody"), entry("nothing"), entry("", 404), entry("ping", 200)])
    assert coverage.percent == 0 and coverage.as_json()["calls"] == {}


@pytest.mark.parametrize(("status", "key"), [(200, "200"), (404, "4XX"), (302, "default"), (503, "5xx")])
def test_a_status_counts_for_its_key_then_its_range_then_the_default(status, key):
    declared = {name: {"description": ""} for name in ("200", "4XX", "5xx", "default")}
    apis = tiny("one", responses=declared)
    assert seen(entry("one", status, api="test"), apis=apis) == {("status", key): 1}


KINDS = {
    "2XX": {"description": "fine"},
    "404": {"description": "none"},
    "default": {"description": "else"},
}


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"status": 200}, ["2XX"]),
        ({"status": 404}, ["404"]),
        ({"status": 503}, ["default"]),
        ({"status": 200, "lost": "hang", "rule": "r"}, []),
        ({"status": 200, "violates": "v", "rule": "r"}, []),
        ({"status": 500, "defect": "broken"}, []),
        ({"status": 0}, []),
    ],
)
def test_the_admin_api_and_the_plugin_count_alike(fields, seen):
    apis = tiny("get", responses=KINDS)
    status = fields.pop("status")
    response = Response(status, content=b"") if status else None
    exchange = Exchange(Request("GET", "/0"), 0.0, response=response, api="test", operation="get", number=1, **fields)
    store = MemoryStore(0)
    received = 0 if exchange.lost or exchange.violates or exchange.defect else status
    store.append(encode(exchange), "", ("test", "get", received))
    shown = coverage_view(store, apis)
    coverage = Coverage(apis)
    coverage.add([entry_view(exchange, None)])
    assert [goal.name for goal in coverage.goals() if goal.seen] == seen
    (row,) = shown["operations"]
    assert row["unseen"] == [goal.name for goal in coverage.goals() if not goal.seen]
    assert (shown["covered"], shown["total"]) == (len(seen), 3)
    assert row["statuses"] == ({str(status): 1} if seen else {})


def test_coverage_counts_what_a_full_journal_has_dropped(make_pipeline):
    pipeline = make_pipeline(journal_size=2)
    for _ in range(5):
        pipeline.exchange(Request("GET", "/v1/user-memories", "", {"authorization": "Bearer k"}))
    store = pipeline.sandbox.world.store
    assert len(store.entries()) == 2
    rows = {row["operation"]: row for row in coverage_view(store, pipeline.apis)["operations"]}
    assert (rows[LIST]["calls"], rows[LIST]["statuses"]) == (5, {"200": 5})
    coverage = Coverage(pipeline.apis)
    coverage.add([], list(rows.values()))
    assert coverage.calls("datagrid", LIST) == 5
    store.clear_journal()
    assert all(not row["statuses"] for row in coverage_view(store, pipeline.apis)["operations"])


def test_from_a_real_journal(make_pipeline):
    """The fields that coverage reads are those that the journal has."""
    pipeline = make_pipeline(credits=100)
    rules = [
        {"id": "unbilled", "op": CREATE, "when": {"call": 2}, "fault": {"billing_write": "lost"}},
        {"id": "lost", "op": CREATE, "when": {"call": 3}, "fault": {"reset": "after_commit"}},
        {"id": "gone", "op": CREATE, "when": {"call": 4}, "fault": {"reset": "before"}},
        {"id": "slow", "op": CREATE, "when": {"call": 5}, "reply": {"rate_limited": {"retry_after": "2s"}}},
        {"id": "down", "op": CREATE, "when": {"call": 6}, "reply": {"server_error": {"status": 503}}},
        {"id": "cut", "op": LIST, "when": {"call": 2}, "fault": {"body": {"truncate": 0.5}}, "violates": "cut"},
    ]
    text = json.dumps({"version": 1, "name": "all", "api": "datagrid", "rules": rules})
    pipeline.sandbox.use(parse_scenario(text, pipeline.apis, "test.yaml"))
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    body = orjson.dumps({"agent_id": "a", "memory": "m"})
    for _ in range(6):
        pipeline.handle(Request("POST", "/v1/user-memories", "", headers, body))
    for _ in range(2):
        pipeline.handle(Request("GET", "/v1/user-memories", "", headers))
    entries = [entry_view(exchange, None) for exchange in pipeline.sandbox.exchanges()]
    found = seen(*entries, apis=pipeline.apis)
    assert found == {
        ("status", "200"): 1,
        ("status", "201"): 2,
        ("status", "429"): 1,
        ("variant", "last page"): 1,
        ("variant", "credits null"): 1,
        ("fault", "lost billing write"): 1,
        ("fault", "reset after commit"): 1,
        ("fault", "reset before"): 1,
        ("fault", "429 with Retry-After"): 1,
        ("fault", "5xx"): 1,
        ("fault", "damaged body"): 1,
    }


# -- the percentage ----------------------------------------------------------------------------


def test_percent():
    coverage = Coverage(tiny("one", "two"))
    assert coverage.percent == 0
    coverage.add([entry("one", 200, api="test")] * 3)
    assert coverage.percent == 25
    coverage.add([entry("two", 404, api="test"), entry("two", 200, api="test")])
    assert coverage.percent == 75
    coverage.add([entry("one", 404, api="test")])
    assert coverage.percent == 100


def test_an_api_that_is_not_called_does_not_count():
    coverage = Coverage(APIS)
    coverage.add([entry(CREDITS, 200)])
    own = [goal for goal in coverage.goals() if goal.api == "datagrid"]
    assert coverage.counted() == own
    assert coverage.percent == pytest.approx(100 / len(own))
    coverage.add([entry("ping", 200, api="mem0")])
    assert len(coverage.counted()) == len(coverage.goals())


@pytest.mark.parametrize(
    ("percent", "text"), [(0, "0.0 %"), (99.96, "99.9 %"), (100.0, "100.0 %"), (200 / 3, "66.6 %")]
)
def test_a_percentage_is_never_rounded_up(percent, text):
    assert percent_text(percent) == text


# -- merging -----------------------------------------------------------------------------------

ENTRIES = st.lists(
    st.one_of(
        st.builds(entry, st.sampled_from([CREATE, LIST, CREDITS, "nothing"]), st.sampled_from([200, 201, 429, 503])),
        st.builds(entry, lost=st.sampled_from(["", "hang", "empty"]), charged=st.integers(0, 1)),
        st.builds(entry, st.sampled_from(["ping", "searchMemories"]), st.just(200), api=st.just("mem0")),
    ),
    max_size=6,
)


def counted(*parts):
    """The JSON form of what several workers have seen, through JSON text."""
    coverage = Coverage(APIS)
    for part in parts:
        coverage.merge(json.loads(json.dumps(part)))
    return coverage.as_json()


def of(entries):
    coverage = Coverage(APIS)
    coverage.add(entries)
    return coverage.as_json()


@given(ENTRIES, ENTRIES, ENTRIES)
@settings(deadline=None, max_examples=25)
def test_merging_is_adding_counts(a, b, c):
    left, middle, right = of(a), of(b), of(c)
    assert counted(left, middle) == counted(middle, left) == of(a + b)
    assert counted(counted(left, middle), right) == counted(left, counted(middle, right)) == of(a + b + c)
    assert counted(left) == left == counted(left, of([]))
    assert counted(left, left) == of(a + a)


def test_merging_passes_over_what_is_no_goal_here():
    part = of([entry(), entry("ping", 200, api="mem0")])
    coverage = Coverage({"datagrid": APIS["datagrid"]})
    coverage.merge(part)
    assert coverage.as_json()["calls"] == {"datagrid": {CREATE: 1}}
    assert sum(goal.seen for goal in coverage.goals()) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: None,
        lambda part: [],
        lambda part: {},
        lambda part: {**part, "version": 2},
        lambda part: {**part, "calls": []},
        lambda part: {**part, "calls": {"datagrid": {CREATE: -1}}},
        lambda part: {**part, "goals": [{**part["goals"][0], "seen": True}]},
        lambda part: {**part, "goals": [{**part["goals"][0], "api": []}]},
        lambda part: {**part, "goals": 3},
    ],
)
def test_what_is_no_coverage_is_refused_and_adds_nothing(damage):
    coverage = Coverage(APIS)
    with pytest.raises(UserError, match="coverage"):
        coverage.merge(damage(of([entry()])))
    assert coverage.as_json() == of([])


# -- reports -----------------------------------------------------------------------------------


def test_terminal_lines():
    coverage = Coverage(APIS)
    coverage.add([entry(), entry(status=402), entry(CREDITS, 200, {"remaining": 0})])
    lines = terminal_lines(coverage)
    assert lines[0] == "datagrid: 4 of 35"
    assert "  getCredits                 2/5  missing 400*, 401*, 429" in lines
    assert (
        "  Memory.createUserMemory    2/9  missing 400*, 401*, 413*, 415*, 429, credits null, context filled" in lines
    )
    assert "mem0: not called, not counted" in lines
    assert "resilience coverage 11.4 %: 4 of 35 seen" in lines
    assert lines[-1].startswith("*") and "(1 of 12 seen)" in lines[-1]
    assert all(len(line) <= 100 and "\x1b" not in line for line in lines)


def test_terminal_lines_when_nothing_was_called():
    assert terminal_lines(Coverage(APIS))[-1] == "resilience coverage 0.0 %: nothing was called"


def test_a_complete_row_misses_nothing_and_control_characters_are_shown():
    coverage = Coverage(tiny("\x1b[31mred\n"))
    coverage.add([entry("\x1b[31mred\n", status, api="test") for status in (200, 404)])
    assert terminal_lines(coverage) == [
        "test: 2 of 2",
        "  \\x1b[31mred\\n    2/2",
        "resilience coverage 100.0 %: 2 of 2 seen",
    ]


class Page(HTMLParser):
    """The elements of a page, and whether they are closed in order."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.chips = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "li" and "chip" in (dict(attrs).get("class") or "").split():
            self.chips.append((dict(attrs)["class"].split()[1:], ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "li" in self.open and self.chips and data.strip():
            classes, text = self.chips[-1]
            self.chips[-1] = (classes, text + data)

    def named(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def test_html_has_a_row_per_operation_and_a_chip_per_goal():
    coverage = Coverage(APIS)
    coverage.add([entry()] * 3 + [entry(status=402)])
    text = html(coverage, "Nightly")
    page = Page(text)
    assert text.startswith("<!doctype html>") and "<title>Nightly</title>" in text
    assert len(page.named("section")) == 1  # mem0 was not called
    assert "not counted: mem0" in text
    assert len(page.named("article")) == len(APIS["datagrid"].contract.operations) + 1
    assert len(page.chips) == len(coverage.counted())
    chips = {name.strip(): classes for classes, name in page.chips}
    assert chips["201×3"] == ["seen"]
    assert chips["402*×1"] == ["seen", "assumed"]
    assert chips["credits null"] == ["missing"]
    assert chips["latency" + FAULT_KINDS["latency"].how] == ["missing"]
    assert "of those seen rest on an assumption" in text


def test_html_needs_nothing_else():
    coverage = Coverage(APIS)
    coverage.add([entry(), entry("ping", 200, api="mem0")])
    text = html(coverage, "x")
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"}
    assert not any(name in attrs for _, attrs in page.tags for name in ("src", "href"))
    assert "url(" not in text and "@import" not in text and "http://" not in text and "https://" not in text
    assert "@media print" in text and "prefers-color-scheme: dark" in text and "width=device-width" in text
    assert len(page.named("section")) == 2


def test_html_escapes_everything():
    evil = "<script>alert('\"&')</script>"
    responses = {evil: {"description": ""}}
    apis = {evil: Api("test", contract({f"/{evil}": {"get": {"operationId": evil, "responses": responses}}}))}
    apis = {"test": apis[evil]}
    coverage = Coverage(apis)
    coverage.add([entry(evil, 200, api="test")])
    text = html(coverage, evil)
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert (
        text.count("&lt;script&gt;alert(&#x27;&quot;&amp;&#x27;)&lt;/script&gt;") >= 5
    )  # title, heading, id, path, chip


def test_html_when_nothing_was_called():
    text = html(Coverage(APIS), "x")
    assert Page(text).chips == [] and "nothing was called" in text
