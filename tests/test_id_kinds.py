"""Ids of every kind are made as the contract has them, lead to their rows and are not given twice."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from test_resources import NONE, Client, answer, body

TEXT = {"type": "string"}


def things(id: dict[str, Any], variable: str = "thingId") -> dict[str, Any]:
    """A document of things whose ids have this schema; a client names a thing and nothing else."""
    row = {"type": "object", "required": ["id", "name"], "properties": {"id": {**id, "readOnly": True}, "name": TEXT}}
    parameter = {"name": variable, "in": "path", "required": True, "schema": id}
    listed = answer({"type": "array", "items": row})
    return {
        "openapi": "3.0.3",
        "info": {"title": "Things", "version": "1"},
        "paths": {
            "/things": {
                "post": {"operationId": "create", "requestBody": body(row), "responses": {"201": answer(row)}},
                "get": {"operationId": "list", "responses": {"200": listed}},
            },
            f"/things/{{{variable}}}": {
                "parameters": [parameter],
                "get": {"operationId": "read", "responses": {"200": answer(row), "404": NONE}},
                "delete": {"operationId": "delete", "responses": {"204": NONE, "404": NONE}},
            },
        },
    }


KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "text like the example": ({**TEXT, "example": "thg_4f7a2c91"}, lambda id: id.startswith("thg_")),
    "text of a pattern": ({**TEXT, "pattern": "^T-[0-9]{6}$"}, lambda id: re.fullmatch("T-[0-9]{6}", id)),
    "slug": ({**TEXT, "pattern": "^[a-z]+(-[a-z]+)*$"}, lambda id: re.fullmatch("[a-z]+(-[a-z]+)*", id)),
    "two letters": ({**TEXT, "pattern": "^[A-Z]{2}$"}, lambda id: re.fullmatch("[A-Z]{2}", id)),
    "uuid": ({**TEXT, "format": "uuid"}, lambda id: uuid.UUID(id)),
    "integer": ({"type": "integer", "format": "int64"}, lambda id: type(id) is int),
    "integer in bounds": ({"type": "integer", "minimum": 100, "maximum": 999}, lambda id: 100 <= id <= 999),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_is_of_its_kind_and_leads_to_its_row(kind: str) -> None:
    schema, is_of_kind = KINDS[kind]
    client = Client(things(schema))
    made = [client.data("POST", "/things", {"name": f"thing {n}"}) for n in range(30)]
    assert all(is_of_kind(row["id"]) for row in made)
    assert len({row["id"] for row in made}) == 30
    assert client.data("GET", f"/things/{made[7]['id']}") == made[7]
    assert client.data("GET", "/things") == made[::-1]
    client.send("DELETE", f"/things/{made[7]['id']}")
    assert client.send("GET", f"/things/{made[7]['id']}").status == 404


def test_where_no_id_is_left_nothing_is_made_and_nothing_lost() -> None:
    client = Client(things({"type": "integer", "minimum": 1, "maximum": 3}))
    made = [client.data("POST", "/things", {"name": f"thing {n}"}) for n in range(3)]
    refused = client.send("POST", "/things", {"name": "one more"})
    assert refused.status == 503 and "No free id" in refused.reason
    assert client.data("GET", "/things") == made[::-1]


def test_an_id_of_two_parts_names_one_row() -> None:
    place = {"type": "object", "properties": {"row": TEXT, "place": {"type": "integer"}, "holds": TEXT}}
    parameters = [
        {"name": "row", "in": "path", "required": True, "schema": TEXT},
        {"name": "place", "in": "path", "required": True, "schema": {"type": "integer"}},
    ]
    item = {
        "parameters": parameters,
        "put": {"operationId": "put", "requestBody": body(place), "responses": {"200": answer(place)}},
        "get": {"operationId": "read", "responses": {"200": answer(place), "404": NONE}},
        "delete": {"operationId": "clear", "responses": {"204": NONE}},
    }
    listed = {"operationId": "list", "responses": {"200": answer({"type": "array", "items": place})}}
    paths = {"/shelves/{row}/{place}": item, "/shelves": {"get": listed}}
    client = Client({"openapi": "3.0.3", "info": {"title": "Shelves", "version": "1"}, "paths": paths})
    for row, number, holds in (("a", 1, "tea"), ("a", 2, "mate"), ("b", 1, "ale")):
        client.send("PUT", f"/shelves/{row}/{number}", {"holds": holds})
    read = [client.data("GET", f"/shelves/{place}") for place in ("a/1", "a/2", "b/1")]
    assert read == [
        {"row": "a", "place": 1, "holds": "tea"},
        {"row": "a", "place": 2, "holds": "mate"},
        {"row": "b", "place": 1, "holds": "ale"},
    ]
    client.send("DELETE", "/shelves/a/2")
    assert client.data("GET", "/shelves/a/1")["holds"] == "tea"
    assert client.send("GET", "/shelves/a/2").status == 404


def test_of_several_arrays_the_one_with_the_rows_is_the_list() -> None:
    document = things(TEXT)
    row = document["paths"]["/things/{thingId}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    warning = {"type": "object", "properties": {"code": TEXT, "text": TEXT}}
    page = {
        "type": "object",
        "required": ["warnings", "things"],
        "properties": {
            "warnings": {"type": "array", "items": warning},
            "tags": {"type": "array", "items": TEXT},
            "things": {"type": "array", "items": row},
        },
    }
    document["paths"]["/things"]["get"]["responses"] = {"200": answer(page)}
    client = Client(document)
    made = client.data("POST", "/things", {"name": "a"})
    assert client.data("GET", "/things")["things"] == [made]
