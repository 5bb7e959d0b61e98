"""The Datagrid contract is the vendor's: equal to the seed documents, and with the facts they state."""

from __future__ import annotations

import re
from typing import Any

import pytest
from contracts import ROOT, SEEDS, bundled, reply, send

from mockserver.text.documents import parse

PROSE = {"description", "summary", "x-codeSamples"}


def seed(name: str) -> Any:
    path = SEEDS / name
    if not path.is_file():
        pytest.skip(f"there is no {path}: the seed documents are not part of the project")
    found = re.search(r"^````yaml[^\n]*\n(.*?)^````", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None, "the seed holds no YAML"
    return parse(found[1], name)


def without_prose(node: Any, names_are_free: bool = False) -> Any:
    """A document without its descriptions; under `properties` such a name is a member like any other."""
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: without_prose(value, key == "properties")
        for key, value in node.items()
        if names_are_free or key not in PROSE
    }


def merged(one: Any, two: Any) -> Any:
    """Two documents as one; where both speak they must say the same."""
    if isinstance(one, dict) and isinstance(two, dict):
        return {
            key: merged(one[key], two[key]) if key in one and key in two else one.get(key, two.get(key))
            for key in [*one, *(key for key in two if key not in one)]
        }
    assert one == two
    return one


def test_the_document_equals_the_seeds():
    seeds = merged(
        without_prose(seed("datagrid-list-user-memory.txt")), without_prose(seed("datagrid-create-user-memory.txt"))
    )
    ours = without_prose(parse((ROOT / "spec" / "datagrid.yaml").read_text(encoding="utf-8"), "datagrid.yaml"))
    assert ours == seeds


def test_the_overlay_changes_nothing_that_the_document_says():
    ours = without_prose(parse((ROOT / "spec" / "datagrid.yaml").read_text(encoding="utf-8"), "datagrid.yaml"))

    def contained(small: Any, big: Any) -> bool:
        if isinstance(small, dict):
            return isinstance(big, dict) and all(
                key in big and contained(value, big[key]) for key, value in small.items()
            )
        if isinstance(small, list):
            return isinstance(big, list) and small == big[: len(small)]
        return small == big

    assert contained(ours, without_prose(bundled("datagrid").document))


DOCUMENT = bundled("datagrid").document
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_paths_operations_and_statuses():
    base = parse((ROOT / "spec" / "datagrid.yaml").read_text(encoding="utf-8"), "datagrid.yaml")
    assert base["openapi"] == "3.0.3"
    assert base["servers"] == [{"url": "https://api.datagrid.com/v1"}]
    assert base["security"] == [{"BearerAuth": []}]
    assert {
        (path, method): (node["operationId"], sorted(node["responses"]))
        for path, item in base["paths"].items()
        for method, node in item.items()
    } == {
        ("/user-memories", "post"): ("Memory.createUserMemory", ["201", "402", "429"]),
        ("/user-memories", "get"): ("Memory.listUserMemory", ["200", "429"]),
    }
    assert "content" not in base["paths"]["/user-memories"]["post"]["responses"]["402"]


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        ("CreateUserMemoryRequest", {"agent_id", "memory"}),
        (
            "UserMemory",
            {"id", "object", "updated_at", "created_at", "user_prompt", "context", "agent_id", "user_id", "memory"},
        ),
        ("OperationCredits", {"consumed"}),
        ("RateLimitError", {"error", "message", "retryable", "status_code"}),
    ],
)
def test_required_members(schema, required):
    assert set(SCHEMAS[schema]["required"]) == required


def test_bounds_defaults_enums_and_nullables():
    parameters = DOCUMENT["components"]["parameters"]
    assert parameters["limit"]["schema"] == {"type": "integer", "default": 50, "minimum": 1, "maximum": 100}
    assert parameters["offset"]["schema"] == {"type": "integer", "default": 0, "minimum": 0, "maximum": 100000}
    assert SCHEMAS["UserMemory"]["properties"]["object"]["enum"] == ["user_memory"]
    assert SCHEMAS["RateLimitError"]["properties"]["error"]["enum"] == ["rate_limit_exceeded"]
    request = SCHEMAS["CreateUserMemoryRequest"]["properties"]
    assert [name for name, member in request.items() if member.get("nullable")] == ["user_prompt", "context"]
    assert SCHEMAS["CreateUserMemoryResponse"]["allOf"][1]["properties"]["credits"]["nullable"] is True
    listed = DOCUMENT["paths"]["/user-memories"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert listed["required"] == ["object", "data"] and listed["properties"]["object"]["enum"] == ["list"]


ROW = {
    "object": "user_memory",
    "id": "m1",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
    "agent_id": "a",
    "user_id": "u",
    "user_prompt": "",
    "memory": ["x"],
    "context": [],
}


def test_credits_may_be_null_and_nothing_else_may():
    # Null says that the charge could not be written; `nullable` beside `allOf` has no `type`.
    create = bundled("datagrid").operations["Memory.createUserMemory"]
    for credits in (None, {"consumed": 0}, {"consumed": 1.5}):
        assert reply(create, {**ROW, "credits": credits}, 201) == []
    assert reply(create, ROW, 201) == []
    for credits in ({}, {"consumed": None}, 1, "1", [], False):
        assert reply(create, {**ROW, "credits": credits}, 201) != []
    for name in ROW:
        assert reply(create, {**ROW, name: None}, 201) != [], name
        assert reply(create, {key: value for key, value in ROW.items() if key != name}, 201) != [], name


def test_text_comes_in_as_strings_and_goes_out_as_arrays():
    create = bundled("datagrid").operations["Memory.createUserMemory"]
    assert send(create, {"agent_id": "a", "memory": "x", "context": None, "user_prompt": None}).violations == []
    for body in ({"agent_id": "a", "memory": ["x"]}, {"agent_id": "a", "memory": "x", "context": []}):
        assert send(create, body).violations != []
    assert reply(create, {**ROW, "memory": "x"}, 201) != []


def test_the_list_is_bounded():
    listing = bundled("datagrid").operations["Memory.listUserMemory"]
    assert send(listing).params == {"limit": 50, "offset": 0}
    for query in ("limit=1&offset=0", "limit=100&offset=100000"):
        assert send(listing, query=query).violations == []
    for query in ("limit=0", "limit=101", "offset=-1", "offset=100001", "limit=", "limit=ten", "limit=1.0"):
        assert len(send(listing, query=query).violations) == 1, query
