"""What the admin API says of one exchange: the schema that each violation broke, and what each rule made of it."""

from __future__ import annotations

import json

import httpx
import pytest

from mockserver.pipeline.build import build
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

WRITE = {"x-mockserver-admin": "1"}
KEY = {"authorization": "Bearer k"}
MEMORY = {"agent_id": "a1", "memory": "m"}
RULES = """
version: 1
name: rules
api: datagrid
rules:
  - id: lists
    op: Memory.listUserMemory
    reply: rate_limited
  - id: third
    op: Memory.createUserMemory
    when: {call: 3}
    reply: rate_limited
  - id: for-b
    op: Memory.createUserMemory
    when: {body: {agent_id: {regex: "^b"}}, header: {x-team: red}}
    reply: out_of_credits
  - id: second
    op: Memory.createUserMemory
    when: {call: 2}

    reply: rate_limited
  - id: any
    op: Memory.createUserMemory
    reply: out_of_credits
"""


def why(url: str, number: int) -> dict:
    response = httpx.get(f"{url}/__admin/sandboxes/default/journal/{number}/why")
    assert response.status_code == 200, response.text
    return response.json()


def create(url: str, body: object = MEMORY) -> httpx.Response:
    return httpx.post(f"{url}/v1/user-memories", json=body, headers=KEY)


def schema_of(url: str, number: int = 1) -> dict:
    """The first violation's schema, with the line that is meant."""
    schema = why(url, number)["violations"][0]["schema"]
    return {
        **schema,
        "text": next(line["text"].strip() for line in schema["lines"] if line["number"] == schema["line"]),
    }


def test_a_violation_names_the_line_of_the_schema_that_it_broke(server):
    create(server.url, {"agent_id": 7, "memory": "m"})
    found = schema_of(server.url)
    assert (found["file"], found["text"]) == ("spec/datagrid.yaml", "type: string")
    assert found["pointer"] == "/components/schemas/CreateUserMemoryRequest/properties/agent_id/type"
    create(server.url, {"agent_id": "a1"})
    assert schema_of(server.url, 2)["text"] == "- memory"
    httpx.get(f"{server.url}/v1/user-memories?limit=500", headers=KEY)
    assert schema_of(server.url, 3)["text"] == "maximum: 100"


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/a": {
            "post": {
                "operationId": "a",
                "parameters": [{"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "additionalProperties": False,
                                "properties": {
                                    "list": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}},
                                    "one": {
                                        "anyOf": [
                                            {"minimum": 3, "type": "integer"},
                                            {"$ref": "#/components/schemas/Item"},
                                        ]
                                    },
                                },
                            }
                        }
                    },
                },
                "responses": {"204": {"description": "done"}},
            }
        }
    },
    "components": {"schemas": {"Item": {"type": "object", "properties": {"kind": {"enum": ["x", "y"]}}}}},
}
CASES = [
    ("?n=1", {"list": [{"kind": "z"}]}, "/components/schemas/Item/properties/kind/enum"),
    ("?n=1", {"one": 1}, "/paths/~1a/post/requestBody/content/application~1json/schema/properties/one/anyOf/0/minimum"),
    ("?n=1", {"other": 1}, "/paths/~1a/post/requestBody/content/application~1json/schema/additionalProperties"),
    ("?n=x", {}, "/paths/~1a/post/parameters/0/schema/type"),
    ("", {}, "/paths/~1a/post/parameters/0/required"),
    ("?n=1", None, "/paths/~1a/post/requestBody"),
]


@pytest.mark.parametrize("indent", [2, None], ids=["lines", "one-line"])
def test_the_schema_is_found_through_references_lists_and_alternatives(tmp_path, indent):
    path = tmp_path / "doc.json"
    path.write_text(json.dumps(DOCUMENT, indent=indent), encoding="utf-8")
    with serve_in_thread(create_app(Settings(apis=(f"doc={path}",)))) as served:
        for number, (query, body, pointer) in enumerate(CASES, 1):
            httpx.post(f"{served.url}/a{query}", **({} if body is None else {"json": body}))
            found = why(served.url, number)["violations"][0]["schema"]
            assert (found["file"], found["pointer"]) == (str(path), pointer)
            name = pointer.rpartition("/")[2]
            if indent:
                line = path.read_text(encoding="utf-8").split("\n")[found["line"] - 1]
                assert f'"{name}"' in line and line[:160] in [one["text"] for one in found["lines"]]
            else:
                assert found["line"] == 1 and any(one["number"] == 0 for one in found["lines"])


def test_what_an_overlay_put_in_is_shown_in_the_overlay(tmp_path):
    document, overlay = tmp_path / "doc.json", tmp_path / "more.yaml"
    document.write_text(json.dumps(DOCUMENT, indent=2), encoding="utf-8")
    overlay.write_text(
        "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n"
        "  - target: $.components.schemas.Item\n    update:\n      properties:\n        size: {type: integer}\n",
        encoding="utf-8",
    )
    profile = tmp_path / "doc.mock.yaml"
    profile.write_text("version: 1\nname: doc\ncontract: doc.json\noverlays: [more.yaml]\n", encoding="utf-8")
    with serve_in_thread(create_app(Settings(apis=(str(profile),)))) as served:
        httpx.post(f"{served.url}/a?n=1", json={"list": [{"size": "big"}]})
        found = schema_of(served.url)
        assert (found["file"], found["line"], found["text"]) == (str(overlay), 7, "size: {type: integer}")


@pytest.fixture
def ruled(server):
    response = httpx.put(
        f"{server.url}/__admin/sandboxes/default/scenario",
        content=RULES,
        headers={**WRITE, "content-type": "application/yaml"},
    )
    assert response.status_code == 200, response.text
    return server.url


def test_every_rule_that_did_not_act_says_why(ruled):
    assert [create(ruled).status_code for _ in range(3)] == [402, 429, 429]
    first, second, third = ({rule["rule"]: rule for rule in why(ruled, number)["rules"]} for number in (1, 2, 3))
    assert [name for name, rule in first.items() if rule["acted"]] == ["any"]
    assert [name for name, rule in third.items() if rule["acted"]] == ["third"]
    assert first["lists"]["differences"] == [
        {"where": "operation", "expected": "Memory.listUserMemory", "found": "Memory.createUserMemory"}
    ]
    assert first["third"]["differences"] == [{"where": "call", "expected": "3", "found": "1"}]
    assert second["third"]["differences"][0]["found"] == "2", "as it was then, whatever came later"
    assert [one["where"] for one in first["for-b"]["differences"]] == ["header.x-team", "body.agent_id"]
    assert second["any"]["differences"] == [
        {"where": "rule", "expected": "any to be the first that acts", "found": "second"}
    ]
    assert [name for name, rule in first.items() if rule["nearest"]] == ["third"]


def test_a_rule_is_shown_with_its_lines(ruled):
    create(ruled)
    rules = {rule["rule"]: rule for rule in why(ruled, 1)["rules"]}
    assert rules["second"]["at"] == "upload.yaml:17"
    assert [line["number"] for line in rules["second"]["lines"]] == [17, 18, 19, 20, 21]
    assert rules["second"]["lines"][0]["text"] == "  - id: second"


def test_a_request_to_no_operation_was_no_rules_concern(ruled):
    httpx.get(f"{ruled}/datagrid/v1/nowhere", headers=KEY)
    rules = why(ruled, 1)["rules"]
    assert {rule["differences"][0]["found"] for rule in rules} <= {"no operation"}


def test_rules_of_a_bundled_scenario_and_of_one_that_extends_it_have_lines(server, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "version: 1\nname: mine\napi: datagrid\nextends: third-call-throttled\nrules:\n"
        "  - {id: mine, op: Memory.listUserMemory, reply: rate_limited}\n",
        encoding="utf-8",
    )
    pipeline = build(Settings(scenarios=(str(tmp_path / "mine.yaml"),), scenario_dir=str(tmp_path)))
    with serve_in_thread(create_app(pipeline=pipeline)) as served:
        create(served.url)
        for rule in why(served.url, 1)["rules"]:
            assert rule["rule"] in rule["lines"][0]["text"], rule["at"]
