"""`mockserver diff --used`: a change is told when it concerns what a client sends and reads, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver.cli.diff import diff
from mockserver.contract.diff.uses import members, read_uses
from mockserver.errors import UserError
from mockserver.testing.uses import CollectedUses
from mockserver.text.jsontext import to_json

pytest_plugins = ["pytester"]

TEXT = {"type": "string"}


def document() -> dict[str, Any]:
    """A shop: create and read orders, list items."""
    order = {
        "type": "object",
        "required": ["id", "status"],
        "properties": {
            "id": TEXT,
            "status": {"type": "string", "enum": ["open", "paid"]},
            "note": TEXT,
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}},
        },
    }
    line = {
        "type": "object",
        "required": ["sku"],
        "properties": {"sku": TEXT, "price": {"type": "integer"}, "gift": {"type": "boolean"}},
    }
    new = {
        "type": "object",
        "required": ["sku"],
        "properties": {"sku": {**TEXT, "maxLength": 20}, "quantity": {"type": "integer", "maximum": 100}},
    }
    shown = {"description": "It.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}
    id = {"name": "id", "in": "path", "required": True, "schema": TEXT}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shop", "version": "1"},
        "paths": {
            "/orders": {
                "post": {
                    "operationId": "createOrder",
                    "parameters": [{"name": "dry", "in": "query", "schema": {"type": "boolean"}}],
                    "requestBody": {"content": {"application/json": {"schema": new}}, "required": True},
                    "responses": {"201": shown, "402": {"description": "No money."}},
                },
            },
            "/orders/{id}": {"get": {"operationId": "getOrder", "parameters": [id], "responses": {"200": shown}}},
            "/items": {"get": {"operationId": "listItems", "responses": {"200": {"description": "Items."}}}},
        },
        "components": {"schemas": {"Order": order, "Line": line}},
    }


USES = """\
version: 1
uses:
  - operation: createOrder
    method: POST
    path: /orders
    headers: {content-type: application/json}
    body: {sku: tea, quantity: 12}
    status: 201
    reads: [/id, /lines/*/sku]
  - {operation: getOrder, method: GET, path: /orders/7, status: 200, reads: [/status]}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    Path("old.json").write_bytes(to_json(document()))
    Path("client.uses.yaml").write_text(USES, encoding="utf-8")

    def run(change: Any, *arguments: str, used: str = "client.uses.yaml") -> tuple[int, set[str], str]:
        new = document()
        change(new)
        Path("new.json").write_bytes(to_json(new))
        form = ["--format", "json", *arguments]
        done = CliRunner().invoke(diff, ["old.json", "new.json", "--used", used, *form])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        found = json.loads(done.stdout)
        return done.exit_code, {finding["rule"] for finding in found["findings"]}, done.stdout

    return run


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    return document["components"]["schemas"][name]["properties"]


def sent(document: dict[str, Any]) -> dict[str, Any]:
    return document["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def drop(document: dict[str, Any], name: str, member: str) -> None:
    """Take a required member away."""
    node = document["components"]["schemas"][name]
    del node["properties"][member]
    node["required"] = [name for name in node["required"] if name != member] or ["price"]


def rename(document: dict[str, Any]) -> None:
    """Call the variable of a path by another name."""
    item = document["paths"].pop("/orders/{id}")
    item["get"]["parameters"][0]["name"] = "order_id"
    document["paths"]["/orders/{order_id}"] = item


# What changes, and the rules that it breaks for this client.
CONCERNS: dict[str, tuple[Any, set[str]]] = {
    "a member that it reads goes": (lambda d: drop(d, "Order", "id"), {"response-required-property-removed"}),
    "a member of an item that it reads goes": (
        lambda d: drop(d, "Line", "sku"),
        {"response-required-property-removed"},
    ),
    "a value is new in an enum that it reads": (
        lambda d: schema(d, "Order")["status"]["enum"].append("lost"),
        {"response-enum-value-added"},
    ),
    "an operation that it calls goes": (lambda d: d["paths"].pop("/orders/{id}"), {"operation-removed"}),
    "its number is too large now": (
        lambda d: sent(d)["properties"]["quantity"].update(maximum=10),
        {"request-in-use-rejected"},
    ),
    "a member that it does not send is required": (
        lambda d: (sent(d)["properties"].update(shop=TEXT), sent(d)["required"].append("shop")),
        {"request-in-use-rejected"},
    ),
    "a parameter that it does not send is required": (
        lambda d: d["paths"]["/orders"]["post"]["parameters"][0].update(required=True),
        {"request-in-use-rejected"},
    ),
    "a member goes, and the path calls its variable otherwise": (
        lambda d: (rename(d), drop(d, "Order", "status")),
        {"response-required-property-removed"},
    ),
    "a status that it handles goes": (
        lambda d: d["paths"]["/orders"]["post"]["responses"].update(
            {"202": d["paths"]["/orders"]["post"]["responses"].pop("201")}
        ),
        {"success-status-removed", "success-status-added"},
    ),
}


@pytest.mark.parametrize("what", CONCERNS)
def test_a_change_of_what_is_used_breaks(run: Any, what: str) -> None:
    change, rules = CONCERNS[what]
    code, found, _ = run(change)
    assert (code, found) == (1, rules)


IGNORED: dict[str, Any] = {
    "a member that it does not read goes": lambda d: schema(d, "Order").pop("note"),
    "a member of an item that it does not read is text": lambda d: schema(d, "Line").update(price=TEXT),
    "an operation that it does not call goes": lambda d: d["paths"].pop("/items"),
    "its number is still small enough": lambda d: sent(d)["properties"]["quantity"].update(maximum=12),
    "its text is still short enough": lambda d: sent(d)["properties"]["sku"].update(maxLength=3),
}


@pytest.mark.parametrize("what", IGNORED)
def test_a_change_of_anything_else_does_not(run: Any, what: str) -> None:
    code, found, shown = run(IGNORED[what])
    assert (code, found) == (0, set())
    assert "1 of 1 changes concern none of the 2 uses" in shown


def test_the_request_is_the_evidence(run: Any) -> None:
    _, _, shown = run(lambda d: sent(d)["properties"]["quantity"].update(maximum=10))
    (finding,) = json.loads(shown)["findings"]
    assert finding["message"] == "client.uses.yaml:3: quantity: must be at most 10, not the integer 12"
    assert finding["evidence"] == {"value": {"sku": "tea", "quantity": 12}}
    assert finding["operations"] == ["POST /orders"]


def test_a_use_of_no_operation_cannot_be_checked(run: Any) -> None:
    text = USES.replace("path: /orders/7", "path: /baskets/7")
    Path("client.uses.yaml").write_text(text, encoding="utf-8")
    code, _, shown = run(lambda d: None)
    assert code == 3
    assert "client.uses.yaml:10: GET /baskets/7 is no operation of the old document" in shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2\nuses: []", "uses.yaml:1: `version` is 2; this program reads 1"),
        ("[]", "is neither a file of uses, with `version` and `uses`, nor a Pact file"),
        ("version: 1\nuses:\n  - {method: GET, pth: /a}", "uses.yaml:3: `pth` is not known; did you mean 'path'?"),
        ("version: 1\nuses:\n  - {method: GET, status: 200}", "uses.yaml:3: `path` must be a text"),
        ("version: 1\nuses:\n  - {method: GET, path: /a, status: 200, reads: /id}", "`reads` is no list of texts"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "uses.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_uses(path)
    assert message in str(caught.value)


def test_members_are_told_by_their_pointers() -> None:
    assert members({"a": [{"b": 1}, {"b": 2, "c": []}], "d/e": None}) == ["/a/*/b", "/a/*/c", "/d~1e"]
    assert members("text") == [""]


PACT: dict[int, dict[str, Any]] = {
    2: {"method": "post", "path": "/orders", "query": "dry=true", "body": {"sku": "tea", "quantity": 12}},
    3: {"method": "POST", "path": "/orders", "query": {"dry": ["true"]}, "body": {"sku": "tea", "quantity": 12}},
    4: {
        "method": "POST",
        "path": "/orders",
        "query": {"dry": ["true"]},
        "headers": {"Content-Type": ["application/json"]},
        "body": {"contentType": "application/json", "encoded": False, "content": {"sku": "tea", "quantity": 12}},
    },
}


@pytest.mark.parametrize("version", PACT)
def test_the_interactions_of_a_pact_are_uses(run: Any, version: int) -> None:
    body = {"id": "7", "status": "open"}
    response = {"status": 201, "body": {"content": body, "contentType": "application/json"} if version == 4 else body}
    interaction = {"description": "an order", "type": "Synchronous/HTTP", "request": PACT[version]}
    pact = {
        "consumer": {"name": "web"},
        "provider": {"name": "shop"},
        "interactions": [{**interaction, "response": response}],
        "metadata": {"pactSpecification": {"version": f"{version}.0.0"}},
    }
    Path("pact.json").write_bytes(to_json(pact))
    assert run(lambda d: None, used="pact.json")[0] == 0
    assert run(lambda d: drop(d, "Order", "status"), used="pact.json")[0] == 1
    assert run(lambda d: drop(d, "Line", "sku"), used="pact.json")[0] == 0
    narrower = run(lambda d: sent(d)["properties"]["quantity"].update(maximum=10), used="pact.json")
    assert narrower[:2] == (1, {"request-in-use-rejected"})


# -- the file of a suite --------------------------------------------------------------------------------


def entry(**fields: Any) -> dict[str, Any]:
    """An exchange as the admin API shows it, as far as uses look."""
    request = {"headers": {"content-type": "application/json", "authorization": "Bearer ***"}, "body": {"sku": "tea"}}
    response = {"headers": {"location": "/orders/7"}, "body": {"id": "7", "lines": [{"sku": "tea"}]}}
    usual = {"api": "shop", "operation": "createOrder", "method": "POST", "path": "/~box-1/shop/orders", "query": ""}
    usual |= {"status": 201, "request": request, "response": response, "violations": [], "lost": "", "violates": ""}
    return {**usual, "defect": "", **fields}


def collected(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    uses = CollectedUses()
    uses.add(entries)
    return uses.as_json()


def test_exchanges_of_one_shape_are_one_use() -> None:
    other = {"headers": {}, "body": {"id": "8", "status": "open"}}
    (use,) = collected(entry(), entry(path="/orders", response=other))
    assert (use["path"], use["headers"]) == ("/orders", {"content-type": "application/json"})
    assert use["reads"] == ["/id", "/lines/*/sku", "/status"] and use["read_headers"] == ["location"]
    assert len(collected(entry(), entry(query="dry=true"), entry(status=402))) == 3


@pytest.mark.parametrize(
    "fields",
    [{"operation": ""}, {"status": 0}, {"violations": [{"side": "client"}]}, {"defect": "it broke"}],
    ids=["no operation", "no response", "refused", "our failure"],
)
def test_what_was_not_answered_as_meant_is_no_use(fields: dict[str, Any]) -> None:
    assert collected(entry(**fields)) == []


@pytest.mark.parametrize("fields", [{"lost": "reset"}, {"violates": "no JSON"}])
def test_nothing_is_read_of_a_response_that_was_lost_or_damaged(fields: dict[str, Any]) -> None:
    (use,) = collected(entry(**fields))
    assert use["reads"] == [] == use["read_headers"]


def test_the_file_is_the_same_whatever_the_order_and_is_read_again(tmp_path: Path) -> None:
    entries = [entry(), entry(status=402), entry(query="dry=true"), entry(api="till")]
    texts = []
    for name, order in (("a", entries), ("b", entries[::-1])):
        uses = CollectedUses()
        uses.add(order[:2])
        uses.merge(collected(*order[2:]))
        files = uses.write(tmp_path / name)
        assert sorted(file.name for file in files) == ["shop.uses.yaml", "till.uses.yaml"]
        texts.append((tmp_path / name / "shop.uses.yaml").read_text(encoding="utf-8"))
    assert texts[0] == texts[1] and "***" not in texts[0]
    assert [use.status for use in read_uses(tmp_path / "a" / "shop.uses.yaml")] == [201, 201, 402]


@pytest.mark.long
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_suite_writes_what_it_uses(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    pytester.makepyfile(
        """
        import httpx, pytest

        @pytest.mark.parametrize("name", ["a", "b"])
        def test_create(mockserver, name):
            url = mockserver.base_url("datagrid") + "/user-memories"
            headers = {"Authorization": f"Bearer {mockserver.api_key}"}
            assert httpx.post(url, json={"agent_id": name, "memory": "m"}, headers=headers).status_code == 201
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--mockserver-uses=uses", *workers)
    result.assert_outcomes(passed=2)
    (use,) = read_uses(pytester.path / "uses" / "datagrid.uses.yaml")
    assert (use.method, use.status, use.body["memory"]) == ("POST", 201, "m") and "/agent_id" in use.reads
