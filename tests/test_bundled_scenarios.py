"""Every bundled scenario, met by the vendor's own unchanged client over a real socket.

Nothing sleeps: the client's `time` is replaced by the sandbox's frozen clock, which its waits
advance. What it waited, what is stored and charged, and how the scenario validates it is asserted.
"""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

# mem0's client reads these when it is imported: no telemetry, no file in the home directory.
os.environ["MEM0_TELEMETRY"] = "False"
os.environ.setdefault("MEM0_DIR", tempfile.mkdtemp(prefix="mem0-"))

import datagrid_ai
import httpx
import orjson
import pytest
from datagrid_ai import Datagrid

from mockserver.cli import main as cli
from mockserver.journal.retries import RETRY_RULES, Verdict, verdicts
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.expectations import check_expectations
from mockserver.sandbox.world import Terms
from mockserver.scenarios import bundled_scenarios, load_scenario, model
from mockserver.scenarios.faults import FAULTS
from mockserver.scenarios.responses import NAMED, RateLimited
from mockserver.server.app import create_app
from mockserver.server.thread import Served, serve_in_thread
from mockserver.text.matchers import OPERATORS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mem0 import MemoryClient
    from mem0.exceptions import NetworkError, RateLimitError

START = 1_767_225_600.0
CREATE = "Memory.createUserMemory"
LIST = "Memory.listUserMemory"
DOCS = Path(__file__).parent.parent / "docs" / "scenarios.md"

# The vendor's client waits 0.5 s x 2^n less up to a quarter when it is told nothing that it follows.
BACKOFF = [pytest.approx(0.4375 * 2**n, abs=0.0626 * 2**n) for n in range(3)]

MET: set[str] = set()
"""The scenarios that a test here is for."""


def meets(*names: str) -> Callable:
    """The test is for these scenarios: it runs once for each, with `world` set up for it."""
    MET.update(names)
    return pytest.mark.parametrize("world", names, indirect=True)


class World:
    """The default sandbox of a real server with a scenario in force, and the clients that meet it."""

    def __init__(self, name: str, server: Served) -> None:
        self.name = name
        self.server = server
        pipeline = server.app.state.pipeline
        self.sandbox = pipeline.sandbox
        self.scenario = load_scenario(name, pipeline.apis)
        self.waits: list[float] = []
        """Seconds that clients slept, in order."""
        self._clients: list[Datagrid] = []
        self.sandbox.drop_scenarios()
        self.sandbox.use(self.scenario)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.sandbox.clock.advance(seconds)

    def again(self) -> None:
        """Start the scenario afresh, for another client."""
        self.sandbox.reset()
        self.waits.clear()

    def client(self, **options) -> Datagrid:
        self._clients.append(Datagrid(**{"api_key": "key", "base_url": f"{self.server.url}/v1", **options}))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()

    @property
    def journal(self) -> list[tuple[int, str, str]]:
        """Status, rule and loss of every exchange."""
        return [(e.status, e.rule, e.lost) for e in self.sandbox.exchanges()]

    @property
    def texts(self) -> list[str]:
        """What is stored, newest first."""
        return [row["memory"][0] for row in self.sandbox.store.rows("user_memories")]

    @property
    def consumed(self) -> float:
        return self.sandbox.store.balance().consumed

    @property
    def verdict(self) -> Verdict:
        """The verdict on the only call that was retried or failed."""
        (verdict,) = verdicts(self.sandbox.exchanges())
        return verdict

    @property
    def unmet(self) -> list[dict]:
        """What the scenario expects and did not get."""
        return [result.expect for result in check_expectations(self.sandbox) if not result.ok]

    def header(self, number: int, name: str) -> str | None:
        """A header of the response number `number`."""
        headers = self.sandbox.exchanges()[number - 1].response.headers
        return {key.lower(): value for key, value in headers.items()}.get(name)

    def check(self) -> None:
        """No response breaks the contract unless its rule says so, and the mock never fails."""
        for exchange in self.sandbox.exchanges():
            assert exchange.defect == ""
            assert {violation.side for violation in exchange.violations} <= {"declared"}
            assert bool(exchange.violations) <= bool(exchange.violates)


@pytest.fixture(scope="module")
def frozen_server(apis) -> Iterator[Served]:
    """One real server for all scenarios, whose clock stands still."""
    with serve_in_thread(create_app(pipeline=Pipeline(apis, terms=Terms(clock_start=START, clock_rate=0)))) as server:
        yield server


@pytest.fixture
def world(request, frozen_server, monkeypatch) -> Iterator[World]:
    world = World(request.param, frozen_server)
    clock = SimpleNamespace(sleep=world.sleep, time=lambda: world.sandbox.clock.now())
    monkeypatch.setattr(datagrid_ai._base_client, "time", clock)
    yield world
    world.close()
    world.check()


def create(client: Datagrid, memory: str = "likes tea", **options):
    return client.memory.user.create(agent_id="a1", memory=memory, **options)


# Credits


@meets("out-of-credits")
def test_out_of_credits(world) -> None:
    client = world.client()
    with pytest.raises(datagrid_ai.APIStatusError) as caught:
        create(client)
    assert caught.value.status_code == 402
    assert caught.value.body["error"] == "out_of_credits"
    assert world.waits == [], "402 is not retried"
    assert client.memory.user.list().data == [], "reading is free"
    assert (world.journal, world.texts, world.consumed) == ([(402, "", ""), (200, "", "")], [], 0)
    assert (world.verdict.stopped_at_402, world.verdict.retries) == (True, 0)
    assert world.unmet == []
    with pytest.raises(datagrid_ai.APIStatusError):
        create(client, "another one")
    assert world.unmet == [{"op": CREATE, "status": 402, "calls": "..1"}], "a caller that goes on is found out"


@meets("last-credit")
def test_last_credit(world) -> None:
    client = world.client()
    with pytest.raises(datagrid_ai.APIStatusError) as caught:
        create(client, "x" * 1001)
    assert "costs 2 credits and 1 remain" in caught.value.body["message"]
    assert world.sandbox.store.balance().remaining == 1, "a create that is refused takes nothing"
    world.again()
    assert create(client).credits.consumed == 1
    with pytest.raises(datagrid_ai.APIStatusError) as caught:
        create(client, "lives in Oslo")
    assert caught.value.status_code == 402
    assert [memory.memory for memory in client.memory.user.list().data] == [["likes tea"]]
    report = client.organization.credits.get()
    assert (report.total, report.consumed, report.remaining) == (1, 1, 0)
    assert [status for status, _, _ in world.journal] == [201, 402, 200, 200]
    assert (world.waits, world.verdict.stopped_at_402, world.unmet) == ([], True, [])


@meets("billing-write-lost")
def test_billing_write_lost(world) -> None:
    client = world.client(_strict_response_validation=True)
    assert create(client).credits is None
    assert (world.texts, world.consumed) == (["likes tea"], 0), "stored, and nothing charged"
    assert create(client, "lives in Oslo").credits.consumed == 1
    assert (world.texts, world.consumed) == (["lives in Oslo", "likes tea"], 1)
    assert world.journal == [(201, "billing-write-lost", ""), (201, "", "")]
    assert [exchange.charged for exchange in world.sandbox.exchanges()] == [0, 1]
    assert (world.waits, world.unmet) == ([], [])


@meets("billing-write-lost")
def test_a_caller_that_creates_again_for_want_of_credits_is_found_out(world) -> None:
    client = world.client()
    if create(client).credits is None:
        create(client)
    assert world.unmet == [{"state": {"user_memories": {"unique_by": "memory"}}}]


# Rate limits


@meets("rate-limited-once")
def test_rate_limited_once(world) -> None:
    create(world.client())
    assert world.waits == [2.0]
    assert world.journal == [(429, "first-request", ""), (201, "", "")]
    assert world.header(1, "retry-after") == "2"
    assert world.header(1, "x-ratelimit-remaining") == "0"
    assert (world.texts, world.consumed) == (["likes tea"], 1)
    assert (world.verdict.honoured_retry_after, world.verdict.early_by, world.verdict.gave_up) == (True, 0, False)
    assert world.unmet == []


@meets("rate-limited-once")
def test_rate_limited_once_met_without_retries(world) -> None:
    with pytest.raises(datagrid_ai.RateLimitError) as caught:
        create(world.client(max_retries=0))
    assert caught.value.body["retryable"] is True
    assert (world.texts, world.verdict.gave_up, world.unmet) == ([], True, [{"retries": "recover"}])


@meets("rate-limited-storm")
def test_rate_limited_storm(world) -> None:
    with pytest.raises(datagrid_ai.RateLimitError) as caught:
        create(world.client())
    assert caught.value.response.headers["retry-after"] == "4"
    assert world.waits == [1.0, 2.0], "three attempts, then the caller is told"
    assert world.journal == [(429, "storm", "")] * 3
    assert (world.verdict.honoured_retry_after, world.verdict.gave_up) == (True, True)
    assert (world.texts, world.consumed, world.unmet) == ([], 0, [{"retries": "recover"}])
    world.again()
    create(world.client(max_retries=5))
    assert world.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert world.journal == [(429, "storm", "")] * 5 + [(201, "", "")]
    assert (world.verdict.retries, world.verdict.honoured_retry_after, world.verdict.gave_up) == (5, True, False)
    assert (world.texts, world.consumed, world.unmet) == (["likes tea"], 1, [])


@meets("third-call-throttled")
def test_third_call_throttled(world) -> None:
    client = world.client()
    for memory in ("one", "two", "three", "four"):
        create(client, memory)
    assert world.waits == [2.0]
    assert world.journal == [(201, "", ""), (201, "", ""), (429, "third-call", ""), (201, "", ""), (201, "", "")]
    assert (world.texts, world.consumed) == (["four", "three", "two", "one"], 4)
    assert world.verdict.attempts == (3, 4)
    assert world.verdict.honoured_retry_after is True
    assert world.unmet == []


# Retry-After


@dataclass
class Edge:
    """What a 429 says, and what the vendor's Python client makes of it."""

    headers: dict[str, str]
    wait: object
    """Seconds that the client waits: those that it was told, or its own backoff."""
    honoured: bool | None
    """Whether it waited as long as it was told; None when it was told nothing that can be followed."""
    breaks_contract: bool = False


EDGES = {
    "retry-after-float": Edge({"retry-after": "1.5"}, 1.5, True, True),
    "retry-after-date": Edge({"retry-after": "Thu, 01 Jan 2026 00:00:02 GMT"}, 2.0, True, True),
    "retry-after-ms": Edge({"retry-after": "2", "retry-after-ms": "1500"}, 1.5, True),
    "retry-after-zero": Edge({"retry-after": "0"}, BACKOFF[0], None, True),
    "retry-after-negative": Edge({"retry-after": "-5"}, BACKOFF[0], None, True),
    "retry-after-over-a-minute": Edge({"retry-after": "61"}, BACKOFF[0], False),
    "retry-after-past-date": Edge({"retry-after": "Wed, 31 Dec 2025 23:00:00 GMT"}, BACKOFF[0], None, True),
    "retry-after-unparsable": Edge({"retry-after": "soon"}, BACKOFF[0], None, True),
    "retry-after-absent": Edge({}, BACKOFF[0], None),
}


@meets(*EDGES)
def test_a_retry_after_edge(world) -> None:
    edge = EDGES[world.name]
    create(world.client())
    assert world.waits == [edge.wait]
    assert world.journal == [(429, world.name, ""), (201, "", "")]
    sent = {name: world.header(1, name) for name in ("retry-after", "retry-after-ms", "x-should-retry")}
    assert {name: value for name, value in sent.items() if value is not None} == edge.headers
    first = world.sandbox.exchanges()[0]
    assert bool(first.violates) is edge.breaks_contract
    assert [violation.field for violation in first.violations] == ["header Retry-After"] * edge.breaks_contract
    verdict = world.verdict
    assert verdict.honoured_retry_after is edge.honoured
    assert verdict.backed_off is (True if edge.honoured is None else None)
    if edge.honoured is False:
        assert verdict.early_by == pytest.approx(61 - world.waits[0])
        assert verdict.capped is True
        assert world.unmet == [{"retries": "honour_retry_after"}]
    else:
        assert (verdict.early_by, world.unmet) == (0, [])
    assert (world.texts, world.consumed) == (["likes tea"], 1)


@meets("should-retry-false")
def test_should_retry_false(world) -> None:
    with pytest.raises(datagrid_ai.RateLimitError) as caught:
        create(world.client())
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.response.headers["retry-after"] == "1"
    assert (world.waits, world.journal) == ([], [(429, "should-retry-false", "")])
    assert verdicts(world.sandbox.exchanges()) == []
    assert world.unmet == []


@meets("should-retry-true")
def test_should_retry_true(world) -> None:
    create(world.client())
    assert world.waits == [BACKOFF[0]], "the header makes the client retry even a 402"
    assert world.journal == [(402, "should-retry-true", ""), (201, "", "")]
    assert world.header(1, "x-should-retry") == "true"
    assert (world.verdict.stopped_at_402, world.verdict.backed_off, world.verdict.gave_up) == (None, True, False)
    assert (world.texts, world.consumed, world.unmet) == (["likes tea"], 1, [])


@meets("retry-after-edges")
def test_retry_after_edges(world) -> None:
    client = world.client()
    for _ in range(11):
        assert client.memory.user.list().data == []
    own = BACKOFF[0]
    date = 1.5  # two seconds after 3.5, in a form that has whole seconds only
    assert world.waits == [2.0, 1.5, date, 1.5, own, own, own, own, own, own, 1.0]
    with pytest.raises(datagrid_ai.RateLimitError):
        client.memory.user.list()
    assert len(world.waits) == 11, "x-should-retry: false"
    client.memory.user.list()
    assert world.journal == [(429, "edges", ""), (200, "", "")] * 12
    found = verdicts(world.sandbox.exchanges())
    honoured = [True] * 4 + [None] * 2 + [False] + [None] * 3 + [True]
    assert [verdict.honoured_retry_after for verdict in found] == honoured
    assert world.unmet == [{"retries": "honour_retry_after"}], "this client ignores the 61 seconds"
    assert found[6].early_by == pytest.approx(61 - world.waits[6])


def test_retry_after_edges_goes_through_every_edge(make_pipeline) -> None:
    apis = make_pipeline().apis

    def edges(name: str) -> list:
        return [s.rate_limited for s in load_scenario(name, apis).model.rules[0].sequence if s.rate_limited]

    together = edges("retry-after-edges")
    for name in (*EDGES, "should-retry-false", "rate-limited-once"):
        assert edges(name)[0] in together
    assert len(together) == len(EDGES) + 3, "those, and x-should-retry: true"


# Lost responses


@meets("lost-after-commit")
def test_lost_after_commit(world) -> None:
    before = world.client().organization.credits.get().remaining
    memory = create(world.client())
    assert world.texts == ["likes tea", "likes tea"], "one call, two memories"
    assert memory.id == world.sandbox.store.rows("user_memories")[0]["id"], "the caller knows of the second only"
    assert world.consumed == 2, "and two charges"
    assert world.client().organization.credits.get().remaining == before - 2
    assert world.waits == [BACKOFF[0]]
    assert world.journal[1:3] == [(201, "lost-after-commit", "reset_after_commit"), (201, "", "")]
    assert [e.charged for e in world.sandbox.exchanges() if e.operation == CREATE] == [1, 1]
    verdict = world.verdict
    assert (verdict.attempts, verdict.duplicated, verdict.gave_up) == ((2, 3), True, False)
    assert "carried out and charged 2 times (#2, #3)" in verdict.explain()
    assert world.unmet == [{"state": {"user_memories": {"unique_by": "memory"}}}, {"retries": "no_duplicates"}]


def create_or_find(client: Datagrid, memory: str):
    """What a good client does: it never creates before it has looked."""
    try:
        return create(client.with_options(max_retries=0), memory)
    except datagrid_ai.APIConnectionError:
        stored = [found for found in client.memory.user.list(limit=20).data if found.memory == [memory]]
        return stored[0] if stored else create(client, memory)


@meets("lost-after-commit")
def test_lost_after_commit_met_by_a_good_client(world) -> None:
    memory = create_or_find(world.client(), "likes tea")
    assert (world.texts, world.consumed) == (["likes tea"], 1)
    assert memory.id == world.sandbox.store.rows("user_memories")[0]["id"]
    assert world.journal == [(201, "lost-after-commit", "reset_after_commit"), (200, "", "")]
    assert (world.verdict.duplicated, world.verdict.retries) == (False, 0)
    assert (world.waits, world.unmet) == ([], [])


def impatient(request: httpx.Request) -> None:
    """The first attempt of a call gives up on a response soon; the others do not."""
    if request.method == "POST" and request.headers["x-stainless-retry-count"] == "0":
        request.extensions["timeout"]["read"] = 0.3


@meets("hung-create")
def test_hung_create(world) -> None:
    with httpx.Client(event_hooks={"request": [impatient]}) as http_client:
        create(world.client(http_client=http_client))
        assert (world.texts, world.consumed) == (["likes tea", "likes tea"], 2)
        assert world.journal == [(201, "hung-create", "hang"), (201, "", "")]
        assert (world.waits, world.verdict.duplicated) == ([BACKOFF[0]], True)
        assert world.unmet == [{"state": {"user_memories": {"unique_by": "memory"}}}, {"retries": "no_duplicates"}]
        world.again()
        create_or_find(world.client(http_client=http_client), "likes tea")
        assert (world.texts, world.consumed, world.unmet) == (["likes tea"], 1, [])


# Bad days


@meets("brownout")
def test_brownout(world) -> None:
    client = world.client()
    for _ in range(20):
        assert client.memory.user.list().data == []
    exchanges = world.sandbox.exchanges()
    met = "".join({"": "-", "slow": "s", "unavailable": "u"}[exchange.rule] for exchange in exchanges)
    assert met == "----sssu-uuss-----us-sss", "the seed decides, and nothing else"
    assert {e.status for e in exchanges if e.rule == "unavailable"} == {503}
    assert {e.status for e in exchanges if e.rule != "unavailable"} == {200}
    assert world.waits == [wait for failed in re.findall("u+", met) for wait in BACKOFF[: len(failed)]]
    passed = {e.rule: later.at - e.at for e, later in pairwise(exchanges)}
    assert passed[""] == 0
    assert 0 < passed["slow"] < 5, "the latency passes on the sandbox's clock, not on ours"
    assert all(verdict.backed_off and not verdict.gave_up for verdict in verdicts(exchanges))
    assert world.unmet == []
    world.sandbox.clock.set(START + 60)
    calm = len(exchanges)
    for _ in range(20):
        client.memory.user.list()
    assert world.journal[calm:] == [(200, "", "")] * 20
    assert world.sandbox.clock.now() == START + 60


@meets("flaky-network")
def test_flaky_network(world, caplog) -> None:
    client = world.client()
    for number in range(15):
        create(client, f"fact {number}")
        assert len(client.memory.user.list().data) == number + 1
    met = "".join({"": "-", "reset": "r", "silence": "e"}[rule] for _, rule, _ in world.journal)
    assert met == "-re-r--rr-ee--er------------r-----r------", "the seed decides, and nothing else"
    assert {(rule, lost) for _, rule, lost in world.journal} == {
        ("", ""),
        ("reset", "reset_before"),
        ("silence", "empty"),
    }
    assert len(set(world.texts)) == len(world.texts) == world.consumed == 15, "each stored and charged once"
    assert world.waits == [wait for failed in re.findall("[re]+", met) for wait in BACKOFF[: len(failed)]]
    found = verdicts(world.sandbox.exchanges())
    assert all(verdict.backed_off and not verdict.gave_up and not verdict.duplicated for verdict in found)
    assert world.unmet == []
    assert caplog.records == [], "a connection that is cut on purpose is no error of the server"


@meets("expired-key")
def test_expired_key(world) -> None:
    client = world.client()
    create(client)
    client.memory.user.list()
    with pytest.raises(datagrid_ai.AuthenticationError) as caught:
        create(client, "lives in Oslo")
    assert caught.value.body["error"] == "unauthorized"
    assert (world.waits, world.texts) == ([], ["likes tea"])
    assert world.journal == [(201, "", ""), (200, "", ""), (401, "expired", "")]
    assert world.header(3, "x-ratelimit-remaining") is None, "a key that is no good does not count against a limit"
    assert (verdicts(world.sandbox.exchanges()), world.unmet) == ([], [])
    create(client.with_options(api_key="fresh-key"), "lives in Oslo")
    assert (world.texts, world.unmet) == (["lives in Oslo", "likes tea"], [])
    with pytest.raises(datagrid_ai.AuthenticationError):
        client.memory.user.list()
    assert world.unmet == [{"op": "*", "status": 401, "calls": "..1"}]


@meets("truncated-json")
def test_truncated_json(world) -> None:
    client = world.client()
    with pytest.raises(ValueError, match=r"line 1 column \d+"):
        client.memory.user.list()
    assert world.waits == [], "200 is not retried"
    first = world.sandbox.exchanges()[0]
    assert (first.status, first.rule) == (200, "half-a-list")
    assert first.violates == "half of the JSON arrives: the client must raise"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(first.response.content)
    assert [memory.memory for memory in client.memory.user.list().data] == [["lives in Oslo"], ["likes tea"]]
    assert world.unmet == []


@meets("pagination-cliff")
@pytest.mark.parametrize(("size", "calls"), [(100, 1), (50, 3), (20, 6), (1, 101)])
def test_pagination_cliff(world, size, calls) -> None:
    texts, offset, page = [], 0, None
    client = world.client()
    while page is None or (page.has_more and page.data):
        page = client.memory.user.list(limit=size, offset=offset)
        texts += [memory.memory[0] for memory in page.data]
        offset += size
    assert texts == [f"fact {number:03}" for number in range(100, 0, -1)]
    assert len(world.journal) == calls
    assert {exchange.response.status for exchange in world.sandbox.exchanges()} == {200}
    assert world.unmet == []
    assert {memory.created_at for memory in client.memory.user.list().data} == {"2026-01-01T00:00:00.000Z"}


@meets("pagination-cliff")
def test_a_client_that_trusts_has_more_alone_falls_off_the_cliff(world) -> None:
    client, offset, more = world.client(max_retries=0), 0, True
    while more and offset < 200 * 50:
        more = client.memory.user.list(limit=50, offset=offset).has_more
        offset += 50
    with pytest.raises(datagrid_ai.RateLimitError):
        client.memory.user.list(limit=50, offset=offset)
    assert [expected["status"] for expected in world.unmet] == [200, 429]


@meets("slow-vendor")
def test_slow_vendor(world) -> None:
    client = world.client()

    def meet() -> list[float]:
        world.again()
        times = [world.sandbox.clock.now()]
        for number in range(12):
            create(client, f"fact {number}")
            times.append(world.sandbox.clock.now())
        assert len(client.memory.user.list().data) == 12
        times.append(world.sandbox.clock.now())
        return [after - before for before, after in pairwise(times)]

    *creates, listed = meet()
    assert all(0.1 < seconds < 20 for seconds in creates)
    assert sorted(creates)[5] == pytest.approx(1, abs=0.8), "the median is a second"
    pieces = len(world.sandbox.exchanges()[-1].response.content) // 256
    assert pieces > 5
    assert listed > pieces * 0.1, "a drip every 100 ms, and a delay before it"
    assert [rule for _, rule, _ in world.journal] == ["slow"] * 12 + ["slow-list"]
    assert (world.waits, world.consumed, world.unmet) == ([], 12, [])
    assert meet() == [*creates, listed], "the same delays in every run"


# mem0


@pytest.fixture
def mem0(world) -> Iterator[MemoryClient]:
    client = MemoryClient(api_key="key", host=world.server.url)
    yield client
    client.client.close()


@meets("mem0-rate-limited")
def test_mem0_rate_limited(world, mem0) -> None:
    for call in (
        lambda: mem0.add("Likes tea", user_id="alex", infer=False),
        lambda: mem0.search("tea", filters={"user_id": "alex"}),
    ):
        with pytest.raises(RateLimitError) as caught:
            call()
        assert caught.value.error_code == "HTTP_429"
        assert caught.value.debug_info["retry_after"] == 3
        assert world.waits == [], "this client does not retry by itself"
        world.sandbox.clock.advance(caught.value.debug_info["retry_after"])
        assert call()["results"]
    assert world.journal == [
        (200, "", ""),
        (429, "first-add", ""),
        (200, "", ""),
        (429, "first-search", ""),
        (200, "", ""),
    ]
    found = verdicts(world.sandbox.exchanges())
    assert [(verdict.honoured_retry_after, verdict.gave_up) for verdict in found] == [(True, False)] * 2
    assert world.unmet == []


@meets("mem0-unavailable")
def test_mem0_unavailable(world, mem0) -> None:
    codes = []
    for seconds in (1, 2, 4):
        with pytest.raises(NetworkError) as caught:
            mem0.add("Likes tea", user_id="alex", infer=False)
        codes.append(caught.value.error_code)
        world.sandbox.clock.advance(seconds)
    assert codes == ["HTTP_503", "HTTP_503", "NET_GENERIC"]
    stored = mem0.get_all(filters={"user_id": "alex"})["results"]
    assert [memory["memory"] for memory in stored] == ["Likes tea"], "the add whose response was lost was done"
    lost = (200, "unavailable", "reset_after_commit")
    assert world.journal == [(200, "", ""), *[(503, "unavailable", "")] * 2, lost, (200, "", "")]
    assert (world.verdict.retries, world.verdict.backed_off, world.unmet) == (2, True, [])
    mem0.add("Likes tea", user_id="alex", infer=False)
    assert world.unmet == [{"state": {"memories": {"unique_by": "memory"}}}]


# Nothing is forgotten


def test_every_bundled_scenario_is_met() -> None:
    assert sorted(bundled_scenarios()) == sorted(MET)


@pytest.mark.parametrize("name", bundled_scenarios())
def test_a_bundled_scenario_says_what_it_is_for(name, make_pipeline) -> None:
    path = bundled_scenarios()[name]
    first = path.read_text().splitlines()[0]
    assert re.fullmatch(r"# \S.{40,116}\.", first), "one comment line, which `mockserver scenarios` prints"
    assert re.search(r"\. (mem0: )?A (good client|good caller|client that knows) ", first)
    scenario = load_scenario(name, make_pipeline().apis)
    assert (scenario.name, scenario.origin.source) == (name, "bundled")
    assert scenario.model.expect, "a client's behaviour is validated"


def test_bundled_scenarios_are_listed(capsys) -> None:
    with pytest.raises(SystemExit) as done:
        cli.main(["scenarios"])
    assert done.value.code == 0
    listed = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert listed == {
        name: path.read_text().splitlines()[0].removeprefix("# ") for name, path in bundled_scenarios().items()
    }


# docs/scenarios.md


def test_the_page_has_every_key_and_every_bundled_scenario() -> None:
    text = DOCS.read_text()
    models = (model.ScenarioModel, model.When, model.Action, model.LimitModel, model.StartingClock, model.Expectation)
    keys = {key for kind in (*models, model.StateExpectation, RateLimited) for key in kind.model_fields}
    keys |= {*FAULTS, *NAMED, *OPERATORS, *RETRY_RULES, "sequence"}
    assert {key for key in keys if not re.search(rf"`[^`\n]*\b{key}\b[^`\n]*`|^ *[-{{ ]*{key}:", text, re.M)} == set()
    listed = re.findall(r"^\| `([\w-]+)` \|", text.partition("## Bundled scenarios")[2], re.M)
    assert sorted(listed) == sorted(bundled_scenarios())
