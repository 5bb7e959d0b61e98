"""mem0's behaviours, called directly with a store; and what the contract says, through the pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.apis.base import Call
from mockserver.apis.mem0 import BEHAVIOURS, error_body
from mockserver.clock import parse_time
from mockserver.contract import Checked, load_contract
from mockserver.data import bundled_file
from mockserver.errors import Problem
from mockserver.messages import Request, Response, Violation
from mockserver.state.memory import MemoryStore

NOW = parse_time("2026-01-10T12:00:00Z")
LIMIT_HEADERS = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class World:
    """Calls behaviours on one store, at a moment that moves on by a second a call."""

    def __init__(self) -> None:
        self.tenant = ""
        self.call = self._made({}, None, NOW, MemoryStore(0))

    def _made(self, params: dict[str, Any], body: Any, now: float, store: MemoryStore) -> Call:
        request = Request("", "", headers={"host": "mock"})
        return Call(Checked(params, body), request, now, "key", self.tenant, store, seed=1)

    def __call__(self, operation: str, body: Any = None, **params: Any) -> Any:
        defaults = {"listMemories": {"page_size": 100}, "listMemoriesV3": {"page": 1, "page_size": 100}}.get(
            operation, {}
        )
        self.call = self._made(defaults | params, body, self.call.now + 1, self.call.store)
        response = BEHAVIOURS[operation](self.call)
        assert self.call.store.commit(self.call.writes) == "done"
        assert response.status == (201 if operation.startswith("createMemory") else 200)
        json.dumps(response.data)
        return response.data

    def add(self, *texts: str, **rest: Any) -> list[str]:
        """Store texts word for word; their ids."""
        body = {"messages": [{"role": "user", "content": text} for text in texts], "infer": False}
        return [r["id"] for r in self("addMemories", {"user_id": "alex"} | body | rest)["results"]]

    def listed(self, filters: dict[str, Any] | None = None, **rest: Any) -> list[str]:
        """Texts that the numbered list answers."""
        answer = self("listMemoriesV3", {"filters": filters or {"user_id": "*"}, **rest})
        return [memory["memory"] for memory in answer["results"]]


@pytest.fixture
def world() -> World:
    return World()


def problem(world: World, operation: str, body: Any = None, **params: Any) -> Problem:
    """The Problem that a call raises. It must have changed nothing."""
    before = world.call.store.rows("memories")
    with pytest.raises(Problem) as caught:
        world(operation, body, **params)
    assert world.call.store.rows("memories") == before
    return caught.value


# --- the template's operations ---


def test_create_answers_where_and_when(world) -> None:
    answer = world("createMemory", {"user_id": "alex", "memory": "Likes tea", "extra": 1})
    assert answer == {"memory_id": answer["memory_id"], "created_at": "2026-01-10T12:00:01.000Z"}
    memory = world("getMemory", memory_id=answer["memory_id"])
    assert memory == {
        "id": answer["memory_id"],
        "memory_id": answer["memory_id"],
        "memory": "Likes tea",
        "user_id": "alex",
        "agent_id": None,
        "app_id": None,
        "session_id": None,
        "metadata": None,
        "categories": [],
        "created_at": "2026-01-10T12:00:01.000Z",
        "updated_at": "2026-01-10T12:00:01.000Z",
        "expiration_date": None,
    }


@pytest.mark.parametrize("bare", [True, False])
def test_a_batch_answers_in_the_order_of_its_items(world, bare) -> None:
    items = [{"user_id": "alex", "memory": str(n), "metadata": {"n": n}} for n in range(5)]
    answer = world("createMemoryBatch", items if bare else {"memories": items})
    found = [world("getMemory", memory_id=r["memory_id"]) for r in answer["results"]]
    assert [(m["memory"], m["metadata"]) for m in found] == [(str(n), {"n": n}) for n in range(5)]


def test_ids_follow_from_the_seed_and_are_never_given_again() -> None:
    one, two = World(), World()
    assert one.add("a", "b") == two.add("a", "b")
    (first,) = one.add("c")
    one("deleteMemory", memory_id=first)
    assert one.add("c") != [first]


def test_after_a_delete_nothing_is_left_under_the_id(world) -> None:
    (id,) = world.add("Likes tea")
    assert "cascade_count" not in world("deleteMemory", memory_id=id, delete_linked=False)
    for operation in ("getMemory", "getMemoryHistory", "deleteMemory"):
        assert problem(world, operation, memory_id=id).status == 404
    assert problem(world, "updateMemory", {"text": "x"}, memory_id=id).status == 404


@given(st.integers(1, 5), st.lists(st.sampled_from(["add", "page"]), max_size=12), st.integers(0, 12))
def test_token_pages_hold_every_memory_once_while_others_are_added(size, steps, at_first) -> None:
    world = World()
    expected = world.add(*map(str, range(at_first)))[::-1] if at_first else []
    seen: list[str] = []
    page = world("listMemories", page_size=size)
    for step in [*steps, *["page"] * 12]:
        if step == "add":
            world.add("later")
        elif page is not None:
            seen += [memory["id"] for memory in page["results"]]
            token = page["next_page_token"]
            page = world("listMemories", page_size=size, page_token=token) if token else None
    assert seen[: len(expected)] == expected
    assert page is None or len(seen) >= 12


@given(st.from_regex(r"[0-9a-f]{16}", fullmatch=True))
def test_every_well_formed_token_is_a_place_in_the_list(token) -> None:
    world = World()
    world.add("one", "two")
    assert len(world("listMemories", page_token=token)["results"]) <= 2


def test_the_token_list_is_scoped_and_hides_what_expired(world) -> None:
    world.add("mine", run_id="r1")
    world.add("old", expiration_date="2026-01-09")
    world.add("theirs", user_id="kim")
    found = world("listMemories", user_id="alex")["results"]
    assert [(m["memory"], m["session_id"]) for m in found] == [("mine", "r1")]
    assert len(world("listMemories")["results"]) == 2


# --- adding, changing, removing ---


def test_add_keeps_what_the_user_said(world) -> None:
    messages = [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "I like tea", "name": "ignored"},
        {"role": "user", "content": "  "},
        {"role": "assistant", "content": "Noted"},
    ]
    answer = world("addMemories", {"messages": messages, "user_id": "alex"})
    assert (answer["status"], sorted(answer)) == ("PENDING", ["event_id", "message", "status"])
    assert world.listed() == ["I like tea"]
    answer = world("addMemories", {"messages": messages, "agent_id": "bot", "infer": False})
    assert [r["data"]["memory"] for r in answer["results"]] == ["Be kind", "I like tea", "  ", "Noted"]
    assert len(world.listed({"agent_id": "bot"})) == 4


def test_history_tells_what_a_memory_comes_from(world) -> None:
    messages = [{"role": "user", "content": "I like tea"}, {"role": "assistant", "content": "Noted"}]
    world("addMemories", {"messages": messages, "user_id": "alex", "run_id": "r1"})
    (memory,) = world("listMemories")["results"]
    world("updateMemory", {"text": "Likes coffee", "metadata": {"a": 1}}, memory_id=memory["id"])
    first, second = world("getMemoryHistory", memory_id=memory["id"])
    assert (first["event"], first["old_memory"], first["new_memory"]) == ("ADD", None, "I like tea")
    assert (second["event"], second["old_memory"], second["new_memory"]) == ("UPDATE", "I like tea", "Likes coffee")
    assert first["input"] == messages
    assert (second["session_id"], second["metadata"], first["metadata"]) == ("r1", {"a": 1}, None)
    assert first["id"] != second["id"]


def test_ids_in_filters_count_when_there_are_none_beside_it(world) -> None:
    (id,) = world.add("x", user_id="top", filters={"user_id": "inner", "run_id": "r1"})
    memory = world("getMemory", memory_id=id)
    assert (memory["user_id"], memory["session_id"]) == ("top", "r1")


def test_a_timestamp_backdates(world) -> None:
    (id,) = world.add("x", timestamp=86400)
    memory = world("getMemory", memory_id=id)
    assert memory["created_at"] == "1970-01-02T00:00:00.000Z"
    assert memory["updated_at"] > memory["created_at"]
    for value, shown in [
        ("2024-02-29", "2024-02-29T00:00:00.000Z"),
        ("2024-02-29T12:00:00+02:00", "2024-02-29T10:00:00.000Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.000Z"),
        ("1000-01-01T00:00:00+14:00", "1000-01-01T00:00:00.000Z"),
        (1.5, "1970-01-01T00:00:01.500Z"),
    ]:
        assert world("updateMemory", {"timestamp": value}, memory_id=id)["created_at"] == shown


def test_categories_are_those_whose_words_occur(world) -> None:
    catalog = [{"food": "what the user eats or drinks, tea for example"}, {"travel": "trips"}]
    (id,) = world.add("Likes green tea", custom_categories=catalog)
    assert world("getMemory", memory_id=id)["categories"] == ["food"]
    assert world.listed(categories=["food", "x"]) == ["Likes green tea"]
    assert world.listed(categories=["travel"]) == []


def test_immutable_memories_stay_as_they_are(world) -> None:
    (fixed,) = world.add("fixed", immutable=True)
    (free,) = world.add("free")
    assert problem(world, "updateMemory", {"text": "x"}, memory_id=fixed).status == 409
    body = {"memories": [{"memory_id": free, "text": "x"}, {"memory_id": fixed, "text": "x"}]}
    assert problem(world, "batchUpdateMemories", body).status == 409
    world("deleteMemory", memory_id=fixed)


def test_rows_are_never_changed_in_place(world) -> None:
    (id,) = world.add("before", metadata={"a": 1})
    before = world.call.store.get("memories", id)
    copy = json.loads(json.dumps(before))
    world("updateMemory", {"text": "after", "metadata": {}, "expiration_date": "2030-01-01"}, memory_id=id)
    assert before == copy


def test_batches_are_all_or_nothing(world) -> None:
    one = world.add("one", "two")[0]
    bad = {"memories": [{"memory_id": one, "text": "x"}, {"memory_id": UNKNOWN}]}
    for operation in ("batchUpdateMemories", "batchDeleteMemories"):
        found = problem(world, operation, bad)
        assert found.status == 404
        assert UNKNOWN in found.message
        assert one not in found.message
        world(operation, {"memories": []})
    twice = [{"memory_id": one, "text": "a"}, {"memory_id": one, "metadata": {"n": 1}}]
    world("batchUpdateMemories", {"memories": twice})
    memory = world("getMemory", memory_id=one)
    assert (memory["memory"], memory["metadata"]) == ("a", {"n": 1})
    assert len(world("getMemoryHistory", memory_id=one)) == 3
    world("batchDeleteMemories", {"memories": [{"memory_id": one}, {"memory_id": one}]})
    assert world.listed() == ["two"]


def test_delete_all_takes_what_belongs_to_all_entities_named(world) -> None:
    world.add("a", run_id="r1")
    world.add("b")
    world.add("c", user_id="kim", run_id="r1")
    world("deleteAllMemories", filters={"user_id": "alex", "run_id": "*", "org_id": "o"})
    assert world.listed() == ["c", "b"]
    world("deleteAllMemories", filters={"user_id": "nobody"})
    world("deleteAllMemories", filters={"user_id": "*"})
    assert world.listed() == []


def test_entities_come_from_the_memories(world) -> None:
    world.add("a", agent_id="bot")
    world.add("b", run_id="r1")
    world("createMemory", {"user_id": "", "memory": "of nobody"})
    answer = world("listEntities")
    assert [(e["type"], e["name"]) for e in answer["results"]] == [("user", "alex"), ("agent", "bot"), ("run", "r1")]
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)
    assert [answer[f"total_{kind}s"] for kind in ("user", "agent", "app", "run")] == [1, 1, 0, 1]
    assert answer["results"][0]["created_at"] < answer["results"][0]["updated_at"]
    assert world("listEntities")["results"] == answer["results"]
    world("deleteEntity", entity_type="agent", entity_id="bot")
    assert problem(world, "deleteEntity", entity_type="agent", entity_id="bot").status == 404
    assert world.listed() == ["of nobody", "b"]


def test_tenants_do_not_see_each_other(world) -> None:
    (id,) = world.add("mine")
    world.tenant = "other"
    assert world.listed() == []
    assert problem(world, "getMemory", memory_id=id).status == 404


# --- numbered lists and search ---


def test_numbered_pages(world) -> None:
    world.add(*"abcde")
    body = {"filters": {"user_id": "alex"}}
    page = world("listMemoriesV3", body, page=2, page_size=2)
    assert [m["memory"] for m in page["results"]] == ["c", "b"]
    assert page["next"] == "http://mock/v3/memories/?page=3&page_size=2"
    assert page["previous"] == "http://mock/v3/memories/?page=1&page_size=2"
    page = world("listMemoriesV3", body | {"page": 2, "page_size": 2}, page_size=5)
    assert (len(page["results"]), page["count"], page["next"], page["previous"]) == (5, 5, None, None)
    far = world("listMemoriesV3", body, page=2**31 - 1)
    assert (far["results"], far["next"]) == ([], None)


def test_the_run_has_two_names(world) -> None:
    world.add("Likes tea", run_id="r1")
    filters = {"user_id": "alex"}
    (listed,) = world("listMemoriesV3", {"filters": filters})["results"]
    (found,) = world("searchMemories", {"filters": filters, "query": "tea"})["results"]
    assert (listed["session_id"], found["run_id"]) == ("r1", "r1")
    assert "run_id" not in listed
    assert "session_id" not in found


def test_expired_memories_are_hidden_after_their_last_day(world) -> None:
    world.add("gone", expiration_date="2026-01-09")
    world.add("today", expiration_date="2026-01-10")
    world.add("never", expiration_date=None)
    assert world.listed() == ["never", "today"]
    assert world.listed(show_expired=True) == ["never", "today", "gone"]

    def found(**rest: Any) -> int:
        body = {"query": "x", "threshold": 0, "filters": {"user_id": "alex"}, **rest}
        return len(world("searchMemories", body)["results"])

    assert found() == 2
    assert found(show_expired=True) == 3
    assert found(reference_date="2026-01-09") == 3
    assert found(reference_date="2026-01-11T00:00:00Z") == 1
    assert found(reference_date=None) == 2


def test_list_restrictions(world) -> None:
    world.add("Likes green tea", timestamp=0)
    world.add("Likes coffee")
    assert world.listed(keywords="LIKES tea") == ["Likes green tea"]
    assert world.listed(start_date="2026-01-10", end_date="2026-01-10") == ["Likes coffee"]
    assert world.listed(end_date="1970-01-01T00:00:00Z") == ["Likes green tea"]


def test_fields_leave_what_the_contract_requires(world) -> None:
    world.add("Likes tea", metadata={"a": 1})
    filters = {"user_id": "alex"}
    (listed,) = world("listMemoriesV3", {"filters": filters, "fields": ["metadata", "nonsense"]})["results"]
    assert sorted(listed) == ["created_at", "id", "memory", "metadata"]
    (found,) = world("searchMemories", {"filters": filters, "query": "tea", "fields": ["id"]})["results"]
    assert sorted(found) == ["created_at", "id", "memory", "score"]


def test_search_ranks_cuts_and_limits(world) -> None:
    world.add("Likes green tea", "Owns a tea pot", "Was born in Oslo", "Likes green tea")
    body: dict[str, Any] = {"query": "likes green tea", "filters": {"user_id": "alex"}, "rerank": True}
    results = world("searchMemories", body)["results"]
    assert [r["memory"] for r in results] == ["Likes green tea", "Likes green tea", "Owns a tea pot"]
    assert results[0]["created_at"] == results[1]["created_at"]
    assert results[0]["score"] == 1
    assert all(0.1 <= r["score"] <= 1 and r["score_breakdown"] for r in results)
    assert len(world("searchMemories", body | {"threshold": 0})["results"]) == 4
    assert len(world("searchMemories", body | {"threshold": 1})["results"]) == 2
    assert len(world("searchMemories", body | {"top_k": 1})["results"]) == 1
    assert world("searchMemories", body | {"metadata": {"a": 1}})["results"] == []


# --- the contract ---


@pytest.fixture(scope="module")
def contract():
    return load_contract(bundled_file("spec", "mem0.yaml"), bundled_file("spec", "mem0.overlay.yaml"), name="mem0")


def test_the_bare_document_is_the_template_and_nothing_else() -> None:
    bare = load_contract(bundled_file("spec", "mem0.yaml"))
    assert {(o.method, o.path, *o.declared) for o in bare.operations.values()} == {
        ("POST", "/v1/memories", "201", "400", "401"),
        ("POST", "/v1/memories/batch", "default"),
        ("GET", "/v1/memories/{memory_id}", "default"),
        ("DELETE", "/v1/memories/{memory_id}", "default"),
    }
    assert bare.document["servers"] == [{"url": "https://api.mem0.ai"}]
    assert list(bare.document["components"]["securitySchemes"]) == ["BearerAuth"]
    assert bare.document["components"]["schemas"]["NewMemory"]["required"] == ["user_id", "memory"]


def test_every_operation_has_a_behaviour(contract) -> None:
    assert set(BEHAVIOURS) == set(contract.operations)


def test_every_addition_says_where_it_comes_from(contract) -> None:
    assert [a.pointer for a in contract.additions if a.provenance not in ("documented", "sdk", "assumed")] == []


def test_every_response_declares_the_limit_and_every_operation_its_errors(contract) -> None:
    for operation in contract.operations.values():
        expected = {"400", "401", "429"}
        expected |= {"413", "415"} if "requestBody" in operation.node else set()
        expected |= {"404"} if "{" in operation.path else set()
        assert expected <= set(operation.declared), operation.id
        assert "default" not in operation.declared
        for status in operation.declared:
            assert {header.header for header in operation.response(int(status)).headers} == LIMIT_HEADERS


def send(pipeline, method: str, target: str, body: Any = None, **headers: str) -> Response:
    path, _, query = target.partition("?")
    given = {"authorization": "Bearer key"} | ({"content-type": "application/json"} if body is not None else {})
    content = b"" if body is None else json.dumps(body).encode()
    exchange = pipeline.exchange(Request(method, path, query, given | headers, content))
    assert not exchange.defect, exchange.defect
    return exchange.response


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer", "token"])
def test_either_scheme_and_either_path_will_do(make_pipeline, scheme) -> None:
    pipeline = make_pipeline()
    body = {"user_id": "alex", "memory": "Prefers email follow-ups."}
    for path in ("/v1/memories", "/v1/memories/", "/mem0/v1/memories/"):
        assert send(pipeline, "POST", path, body, authorization=f"{scheme} key").status == 201
    refused = send(pipeline, "POST", "/v1/memories", body, authorization="Basic key")
    assert refused.status == 401
    assert refused.data["detail"]


@pytest.mark.parametrize("field", ["user_id", "memory"])
def test_a_missing_field_is_400_and_named(make_pipeline, field) -> None:
    body = {"user_id": "alex", "memory": "x"}
    del body[field]
    response = send(make_pipeline(), "POST", "/v1/memories", body)
    assert response.status == 400
    assert [d["field"] for d in response.data["details"]] == [field]


def test_one_bad_item_refuses_the_batch_and_is_named(make_pipeline) -> None:
    pipeline = make_pipeline()
    items = [{"user_id": "alex", "memory": "x"}, {"memory": "x"}]
    for body, name in (({"memories": items}, "memories.1"), (items, "1")):
        response = send(pipeline, "POST", "/v1/memories/batch", body)
        assert response.status == 400
        assert any(d["field"].startswith(name) for d in response.data["details"]), response.data
    assert send(pipeline, "GET", "/v1/memories").data["results"] == []
    for body in ([], {"memories": []}, {}, "x"):
        assert send(pipeline, "POST", "/v1/memories/batch", body).status == 400


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("POST", "/v3/memories/search/", {"query": "q", "filters": {"user_id": "*"}}, 400),
        ("POST", "/v3/memories/search/", {"query": "q", "filters": {"OR": [{"user_id": "*"}]}}, 400),
        ("POST", "/v3/memories/search/", {"query": "q", "filters": {"AND": [{"user_id": {"ne": "u"}}]}}, 400),
        ("POST", "/v3/memories/", {"filters": {"categories": "food"}}, 400),
        ("POST", "/v3/memories/", {"filters": {"AND": [{"categories": "a"}, {"OR": [{"user_id": "u"}]}]}}, 200),
        ("POST", "/v3/memories/", {"filters": {"user_id": "*", "agent_id": {"in": ["a", "b"]}}}, 200),
        ("GET", "/v1/memories?page_size=0", None, 400),
        ("GET", "/v1/memories?page_size=201", None, 400),
        ("GET", "/v1/memories?page_token=zz", None, 400),
        ("GET", "/v1/memories?page_token=ffffffffffffffff", None, 200),
        ("DELETE", "/v1/memories", None, 400),
        ("DELETE", "/v1/memories?org_id=o", None, 400),
        ("DELETE", "/v1/memories?user_id=", None, 400),
        ("DELETE", "/v1/memories?user_id=a&org_id=o", None, 200),
        ("GET", "/v1/memories/mem_123", None, 404),
        ("GET", "/v1/memories/mem_123/history/", None, 404),
        ("PUT", "/v1/memories/mem_123", {}, 400),
        ("PUT", "/v1/memories/mem_123", {"expiration_date": None}, 404),
        ("PUT", "/v1/memories/mem_123", {"expiration_date": "2026-02-29"}, 400),
        ("PUT", "/v1/memories/mem_123", {"timestamp": "yesterday"}, 400),
        ("DELETE", "/v2/entities/planet/mars/", None, 400),
        ("DELETE", "/v2/entities/user/a%2Fb/", None, 404),
        ("POST", "/v3/memories/add/", {"messages": [{"role": "user", "content": "x"}]}, 400),
        ("POST", "/v3/memories/add/", {"messages": [{"role": "user", "content": "x"}], "filters": {}}, 400),
        ("POST", "/v3/memories/add/", {"messages": [], "user_id": "a"}, 400),
        ("POST", "/v3/memories/", {"filters": {}}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": "a"}, "user_id": "a"}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": "a", "colour": "red"}}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": {">=": "a"}}}, 400),
        ("POST", "/v3/memories/", {"filters": {"metadata": {"a": 1}}}, 400),
        ("POST", "/v3/memories/", {"filters": {"OR": [{"user_id": "a"}, {"NOT": {"run_id": "*"}}]}}, 200),
        ("POST", "/v3/memories/", {"filters": {"user_id": "*"}}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": None}}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": {"ne": "a"}}}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": {"eq": "*"}}}, 400),
        ("POST", "/v3/memories/", {"filters": {"user_id": {"in": ["a"]}}}, 200),
        ("POST", "/v3/memories/", {"filters": {"user_id": "*", "run_id": "r"}}, 200),
        ("POST", "/v3/memories/", {"filters": {"OR": [{"user_id": "*"}, {"agent_id": "*"}]}}, 400),
        ("POST", "/v3/memories/", {"filters": {"OR": [{"user_id": "a"}, {"agent_id": "*"}]}}, 200),
        ("POST", "/v3/memories/", {"filters": {"AND": [{"OR": [{"run_id": "r"}]}, {"keywords": "x"}]}}, 200),
        ("POST", "/v3/memories/", {"filters": {"AND": [{"NOT": [{"user_id": "a"}]}]}}, 400),
        ("POST", "/v3/memories/search/", {"query": "x", "filters": {"NOT": {"user_id": "a"}}}, 400),
        ("POST", "/v3/memories/search/", {"query": "x", "filters": {"OR": [{"user_id": "*"}]}}, 400),
        ("POST", "/v3/memories/?page=0", {"filters": {"user_id": "a"}}, 400),
        ("POST", "/v3/memories/search/", {"query": "", "filters": {"user_id": "a"}}, 400),
        ("POST", "/v3/memories/search/", {"query": "x", "filters": {"user_id": "a"}, "top_k": 1001}, 400),
        ("POST", "/v3/memories/search/", {"query": "x", "filters": {"user_id": "a"}, "output_format": "v1.1"}, 200),
        ("PUT", "/v1/batch/", {"memories": [{"memory_id": "x"}] * 1001}, 400),
        ("PUT", "/v1/batch/", {"memories": [{"memory_id": "x"}]}, 404),
        ("DELETE", "/v1/batch/", {"memories": [{"memory_id": "x"}]}, 404),
        ("GET", "/v1/ping/", None, 200),
    ],
)
def test_what_the_contract_takes_and_refuses(make_pipeline, method, target, body, status) -> None:
    response = send(make_pipeline(), method, target, body)
    assert response.status == status, response.data
    assert response.headers["x-ratelimit-limit"] == "1000"


def test_filters_as_deep_as_json_may_be(make_pipeline) -> None:
    pipeline = make_pipeline()
    send(pipeline, "POST", "/v1/memories", {"user_id": "a", "memory": "x"})
    filters: dict[str, Any] = {"user_id": "a"}
    for _ in range(190):
        filters = {"NOT": filters}
    response = send(pipeline, "POST", "/v3/memories", {"filters": {"user_id": "a", **filters}})
    assert response.status == 200
    assert response.data["count"] == 1


def test_the_shape_of_an_error() -> None:
    assert error_body(Problem("not_found", "There is no memory.")) == {
        "error": "Not found",
        "detail": "There is no memory.",
    }
    violation = Violation("client", "body", "/memory", "is required and missing", "nothing", "a string")
    body = error_body(Problem("invalid_request", violations=[violation]))
    assert body["details"] == [{"field": "memory", "message": "is required and missing"}]
