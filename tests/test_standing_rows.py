"""Rows that stand are validated and written once, and a page of them is byte for byte what it would be otherwise."""

from __future__ import annotations

from datetime import datetime

import orjson
import pytest

from mockserver import Api, Behaviours, Call
from mockserver.contract import standing_rows
from mockserver.contract.load import contract_of
from mockserver.contract.standing_rows import StandingRows, list_member
from mockserver.messages import Request
from mockserver.pipeline.build import build
from mockserver.settings import Settings

KEY = {"authorization": "Bearer k", "content-type": "application/json"}


@pytest.fixture
def seen():
    """The values that were validated."""
    return []


@pytest.fixture
def rows(seen):
    def accepts(value):
        seen.append(dict(value))
        return all(type(row.get("n")) is int for row in value["data"]) and value["object"] == "list"

    return StandingRows("data", accepts)


def page(*data):
    return {"object": "list", "data": list(data), "has_more": False}


def test_only_new_rows_are_validated_and_the_text_is_the_same(rows, seen):
    one, two, three = {"n": 1}, {"n": 2, "text": "ä\u2028"}, {"n": 3}
    pages = [[one, two], [one, two], [three, one, two], [], [one], [three, one], [two, three, one], [one, three], [two]]
    for data in (page(*each) for each in pages):
        assert rows.text(data) == orjson.dumps(data)
    assert [value["data"] for value in seen] == [[one, two], [], [three], [], [], [], [], [], []]


def test_an_equal_row_is_another_one(rows, seen):
    one = {"n": 1}
    assert rows.text(page(one, {"n": 2})) == orjson.dumps(page(one, {"n": 2}))
    assert rows.text(page({"n": True})) is None
    assert rows.text(page({"n": 3}, one, {"n": 2.0})) is None
    assert rows.text({**page({"n": 1}), "object": "page"}) is None


@pytest.mark.parametrize(
    "data", [{"n": "1"}, {"n": 1, "at": datetime(2026, 1, 1)}, {"n": 1, "text": "\ud800"}, {"n": 1 << 70}]
)
def test_what_is_not_good_is_left_to_others(rows, data):
    def accepts(value):
        if any(isinstance(item, datetime) for row in value["data"] for item in row.values()):
            raise ValueError("no JSON")
        return all(type(row["n"]) is int for row in value["data"])

    rows = StandingRows("data", accepts)
    for _ in range(2):
        assert rows.text(page(data)) is None
    for data in ([], {"data": None}, {"data": ()}, {}):
        assert rows.text(data) is None


def test_rows_that_are_never_seen_again_are_not_remembered(rows):
    for n in range(standing_rows.PATIENCE):
        assert rows.text(page({"n": n})) is not None
    assert not rows.gains
    assert rows.text(page({"n": 0})) is None


def test_no_more_than_so_many_are_remembered(rows, monkeypatch):
    monkeypatch.setattr(standing_rows, "MAX_ROWS", 5)
    kept = [{"n": n} for n in range(12)]
    for _ in range(3):
        assert rows.text(page(*kept)) == orjson.dumps(page(*kept))
        assert len(rows._known) <= 5
    large = {"n": 1, "text": "x" * standing_rows.MAX_TEXT}
    before = len(rows._known)
    assert rows.text(page(large)) == orjson.dumps(page(large))
    assert len(rows._known) == before


OBJECTS = {"type": "array", "items": {"type": "object"}}


@pytest.mark.parametrize(
    ("schema", "member"),
    [
        ({"type": "object", "properties": {"n": {"type": "integer"}, "data": OBJECTS}}, "data"),
        ({"$ref": "#page"}, "items"),
        ({"type": "object", "properties": {"data": {**OBJECTS, "minItems": 1}}}, None),
        ({"type": "object", "properties": {"data": {**OBJECTS, "uniqueItems": True}}}, None),
        ({"type": "object", "properties": {"data": OBJECTS}, "allOf": [{}]}, None),
        ({"type": "object", "properties": {"data": {"type": ["array", "null"], "items": {}}}}, None),
        ({"type": "array", "items": {}}, None),
        ({"$ref": "#itself"}, None),
        (True, None),
    ],
)
def test_which_lists_can_be_told_apart_from_their_rows(schema, member):
    defined = {
        "#page": {"type": "object", "properties": {"items": {"$ref": "#list"}}},
        "#list": OBJECTS,
        "#itself": {"$ref": "#itself"},
    }
    assert list_member(schema, defined) == member


def test_pages_of_the_bundled_api_are_what_they_were_through_every_change():
    world, plain = build(Settings(apis=("datagrid",))), build(Settings(apis=("datagrid",)))
    (operation,) = [o for o in plain.apis["datagrid"].contract.operations.values() if o.id == "Memory.listUserMemory"]
    operation.response(200)._rows = None  # which validates and writes each page as a whole

    def both(method, path, query="", body=b""):
        answers = [each.handle(Request(method, path, query, dict(KEY), body)) for each in (world, plain)]
        assert answers[0].status == answers[1].status
        return answers

    ids = []
    for n in range(30):
        body = orjson.dumps({"agent_id": f"a{n}", "memory": "ä" * n})
        made = both("POST", "/v1/user-memories", "", body)
        ids.append([each.data["id"] for each in made])
        if n % 7 == 3:
            both("DELETE", f"/v1/user-memories/{ids[n // 2][0]}")
        one, other = both("GET", "/v1/user-memories", "limit=20")
        texts = [[{**row, "created_at": 0, "updated_at": 0} for row in each.data["data"]] for each in (one, other)]
        assert texts[0] == texts[1]
        assert one.content == orjson.dumps(one.data)
    declared = world.apis["datagrid"].contract.operations["Memory.listUserMemory"].response(200)
    assert declared._rows._seen_again > 300


SHOP = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/things": {
            "get": {
                "operationId": "list",
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {
                                        "data": {
                                            "type": "array",
                                            "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
                                        }
                                    },
                                }
                            }
                        },
                    }
                },
            }
        }
    },
}


def test_code_of_users_may_change_its_rows_in_place_and_is_held_to_the_contract_each_time():
    behaviours, row = Behaviours(), {"n": 1}

    @behaviours.operation("list")
    def list_things(call: Call):
        return {"data": [row]}

    world = build(Settings(), [Api("shop", contract_of(SHOP, "shop"), behaviours=behaviours.behaviours)])
    assert world.handle(Request("GET", "/things")).status == 200
    row["n"] = "wrong"
    response = world.handle(Request("GET", "/things"))
    assert response.status == 500
