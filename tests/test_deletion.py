"""What a deletion shows of the row that it removes: a flag, a time and a status, where the contract has them."""

from __future__ import annotations

from typing import Any

import pytest
from test_resources import NONE, Client, answer, body

from mockserver.clock import parse_time

ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
TEXT = {"type": "string"}


def document(deleted: dict[str, Any], members: dict[str, Any] | None = None, required: tuple[str, ...] = ()) -> Any:
    """Files whose deletion answers `deleted`, and whose rows have these members besides."""
    row = {
        "type": "object",
        "required": ["id", "name", *required],
        "properties": {"id": {**TEXT, "readOnly": True}, "name": TEXT, **(members or {})},
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "Files", "version": "1"},
        "paths": {
            "/files": {
                "post": {"operationId": "create", "requestBody": body(row), "responses": {"201": answer(row)}},
                "get": {"operationId": "list", "responses": {"200": answer({"type": "array", "items": row})}},
                "delete": {"operationId": "clear", "responses": {"200": answer({"type": "array", "items": row})}},
            },
            "/files/{id}": {
                "parameters": [ID],
                "get": {"operationId": "read", "responses": {"200": answer(row), "404": NONE}},
                "delete": {"operationId": "delete", "responses": {"200": answer(deleted), "404": NONE}},
            },
        },
    }


FLAG = {"type": "boolean"}
MOMENT = {"type": "string", "format": "date-time"}
NOW = "2030-03-17T17:46:40.000Z"


def frozen(document: dict[str, Any]) -> Client:
    """A client whose sandbox's clock stands at NOW."""
    client = Client(document)
    client.pipeline.sandbox.world.clock.freeze()
    client.pipeline.sandbox.world.clock.set(parse_time(NOW))
    return client


def test_a_deletion_says_deleted_as_its_own_schema_has_it() -> None:
    shown = {
        "type": "object",
        "required": ["id", "object", "deleted"],
        "properties": {
            "id": TEXT,
            "object": {"type": "string", "const": "file"},
            "deleted": {**FLAG, "example": False},
        },
    }
    client = Client(document(shown))
    made = client.data("POST", "/files", {"name": "a"})
    answered = client.data("DELETE", f"/files/{made['id']}")
    assert answered["id"] == made["id"] and answered["deleted"] is True
    assert client.send("GET", f"/files/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("member", "schema", "alive", "gone"),
    [
        ("deleted", FLAG, False, True),
        ("is_deleted", FLAG, False, True),
        ("isRemoved", FLAG, False, True),
        ("deleted_at", {**MOMENT, "nullable": True}, None, NOW),
        ("deletionDate", {"type": "string", "format": "date", "nullable": True}, None, "2030-03-17"),
        ("deletedAt", {"type": "integer", "nullable": True}, None, 1_900_000_000),
        ("status", {"type": "string", "enum": ["active", "deleted"]}, "active", "deleted"),
    ],
)
def test_a_row_says_whether_it_was_deleted(member: str, schema: Any, alive: Any, gone: Any) -> None:
    members = {member: {**schema, "readOnly": True}}
    row = {"type": "object", "required": ["id", member], "properties": {"id": TEXT, "name": TEXT, **members}}
    client = frozen(document(row, members, (member,)))
    made = client.data("POST", "/files", {"name": "a"})
    assert made[member] == alive and client.data("GET", f"/files/{made['id']}")[member] == alive
    assert client.data("GET", "/files/imagined")[member] == alive
    answered = client.data("DELETE", f"/files/{made['id']}")
    assert answered == {**made, member: gone}


def test_a_time_that_may_not_be_null_is_left_out_until_then() -> None:
    members = {"deleted_at": {**MOMENT, "readOnly": True}}
    row = {"type": "object", "required": ["id"], "properties": {"id": TEXT, **members}}
    client = frozen(document(row, members))
    made = client.data("POST", "/files", {"name": "a"})
    assert "deleted_at" not in made
    assert client.data("DELETE", f"/files/{made['id']}") == {"id": made["id"], "deleted_at": NOW}


def test_all_rows_that_are_deleted_at_once_say_so_too() -> None:
    members = {"deleted": {**FLAG, "readOnly": True}}
    client = Client(document({"type": "object"}, members, ("deleted",)))
    made = [client.data("POST", "/files", {"name": name}) for name in "ab"]
    assert client.data("DELETE", "/files") == [{**row, "deleted": True} for row in reversed(made)]
    assert client.data("GET", "/files") == []
