"""What a profile says beside resources, and what it refuses: each contradiction with its place and the nearest name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from test_resources import ROW, Client, answer, body, shop

from mockserver import Behaviours, Problem
from mockserver.apis import Api, load_api
from mockserver.errors import UserError
from mockserver.messages import Exchange, Request
from mockserver.pipeline.build import build
from mockserver.settings import Settings


class Project:
    """A folder with the shop's document, where a test writes profiles, code and scenarios."""

    def __init__(self, folder: Path, document: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.write("openapi.json", orjson.dumps(document or shop()).decode())

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def profile(self, text: str) -> Path:
        return self.write("shop.mock.yaml", f"version: 1\ncontract: openapi.json\n{text}")

    def refused(self, text: str) -> str:
        with pytest.raises(UserError) as caught:
            load_api(str(self.profile(text)))
        return str(caught.value).replace(f"{self.folder}/", "")

    def serve(self, text: str, **settings: Any) -> Project:
        self.pipeline = build(Settings(apis=(str(self.profile(text)),), **settings))
        return self

    def send(self, method: str, path: str, data: Any = None, **headers: str) -> Exchange:
        content = b"" if data is None else json.dumps(data).encode()
        sent = {"content-type": "application/json"} if content else {}
        path, _, search = path.partition("?")
        return self.pipeline.exchange(Request(method, path, search, {**sent, **headers}, content))

    def data(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        exchange = self.send(method, path, data, **headers)
        assert exchange.response is not None and exchange.status < 300, (exchange.reason, exchange.defect)
        return exchange.response.data


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "idempotency: {op: creatOrder}",
            "the document has no operation 'creatOrder'; did you mean 'createOrder'",
        ),
        ("idempotency: {keep: 1}", "keep: 1 is not a duration"),
        ("latency: {getOrdr: 1s}", "the document has no operation 'getOrdr'; did you mean 'getOrder'?"),
        ("latency: {'*': {median: 1s}}", "needs `median` above 0 and `p99`"),
        ("tenant: {path: orderID}", "no path has a variable 'orderID'; did you mean 'orderId'?"),
        ("tenant: {path: orderId, key: true}", "must be one of {header: X-Account}, {path: account} and {key: true}"),
        ("webhooks: {paid: {on: payOrder}}", "the document has no operation 'payOrder'"),
        ("webhooks: {paid: {to: '{$request: bdy#/a}'}}", "'bdy#/a' is no reference"),
        ("webhooks: {paid: {sign: {standard: '?'}}}", "the secret is not base64"),
        ("webhooks: {paid: {sign: {header: X-S}}}", "must be {standard: whsec_...}, or a mapping such as"),
        ("webhooks: {paid: {data: {$nw: }}}", "there is no '$nw' in templates; did you mean '$now'?"),
        ("scenarios: ./nowhere", "there is no folder './nowhere'"),
        ("behaviours: nowhere:api", "'nowhere:api': the module 'nowhere' cannot be imported"),
        ("behaviours: nowhere", "behaviours: must be"),
        ("resources: {orders: {start: {statos: open}}}", "a row has no member 'statos'; did you mean 'status'?"),
        ("resources: {orders: {soft_delete: {}}}", "soft_delete: must be"),
        ("limits: [{max: 1, window: 1s, headers: ratelimits}]", "did you mean 'ratelimit'?"),
        ("overlays: [nowhere.yaml]", "there is no file 'nowhere.yaml'"),
    ],
)
def test_a_contradiction_is_told_with_its_place(project: Project, text: str, message: str) -> None:
    told = project.refused(text)
    assert told.startswith("shop.mock.yaml:3:") and message in told, told


def test_all_contradictions_are_told_in_one_run(project: Project) -> None:
    told = project.refused("latency: {x: 1s}\nidempotency: {op: y}\nwebhooks: {z: {on: w}}")
    assert len(told.splitlines()) == 3


def test_an_operation_is_named_by_its_method_and_path_too(project: Project) -> None:
    project.serve("credits: {start: 5, costs: {POST /orders: 2}}")
    project.data("POST", "/orders", {"item": "tea"})
    assert project.pipeline.sandbox.store.balance().consumed == 2


def test_each_key_has_a_state_of_its_own(tmp_path: Path) -> None:
    document = shop()
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}]
    project = Project(tmp_path, document).serve("tenant: {key: true}\nresources: {orders: {unknown: '404'}}")
    order = project.data("POST", "/orders", {"item": "tea"}, authorization="Bearer one")
    assert project.send("GET", f"/orders/{order['id']}", authorization="Bearer one").status == 200
    assert project.send("GET", f"/orders/{order['id']}", authorization="Bearer two").status == 404


def test_a_row_that_is_deleted_softly_can_be_read_and_is_not_listed(project: Project) -> None:
    project.serve("resources: {orders: {soft_delete: {status: cancelled, updated_at: {$now: }}, unknown: '404'}}")
    order, other = (project.data("POST", "/orders", {"item": item}) for item in ("tea", "milk"))
    project.send("DELETE", f"/orders/{order['id']}")
    assert project.data("GET", f"/orders/{order['id']}")["status"] == "cancelled"
    assert [row["id"] for row in project.data("GET", "/orders")["data"]] == [other["id"]]
    assert project.send("DELETE", f"/orders/{order['id']}").status == 404


def test_a_new_row_starts_as_the_profile_says(project: Project) -> None:
    project.serve("resources: {orders: {start: {status: paid}}}")
    assert project.data("POST", "/orders", {"item": "tea"})["status"] == "paid"


def test_several_overlays_are_applied_in_their_order(project: Project) -> None:
    for name, title in (("a", "First"), ("b", "Second")):
        actions = [{"target": "$.info", "update": {"title": title, f"x-{name}": True}}]
        overlay = {"overlay": "1.0.0", "info": {"title": name, "version": "1"}, "actions": actions}
        project.write(f"{name}.yaml", json.dumps(overlay))
    api = load_api(str(project.profile("overlays: [a.yaml, b.yaml]")))
    info = api.contract.document["info"]
    assert info["title"] == "Second" and info["x-a"] and info["x-b"]


CODE = """
from mockserver import Behaviours, Problem

api = Behaviours()


@api.operation("cancelOrder", costs=2)
def cancel(call):
    order = call.resource("orders").get(call.params["orderId"])
    if order is None:
        raise Problem("not_found", "There is no such order.")
    return call.resource("orders").update(order["id"], {"status": "cancelled", "note": "by code"})
"""


def test_a_profile_names_python_beside_it(project: Project) -> None:
    project.write("shop_behaviours.py", CODE)
    project.serve("behaviours: shop_behaviours:api\ncredits: {start: 10}")
    order = project.data("POST", "/orders", {"item": "tea"})
    assert project.data("POST", f"/orders/{order['id']}/cancel")["note"] == "by code"
    assert project.pipeline.sandbox.store.balance().consumed == 2
    assert project.send("POST", "/orders/nothing/cancel").status == 404


def test_code_that_is_wrong_is_told_with_its_line(project: Project) -> None:
    project.write("code.py", "from mockserver import Behaviours\napi = Behaviours()\nraise ValueError('no')\n")
    assert "code.py:3: ValueError: no" in project.refused("behaviours: code:api")
    project.write("code.py", "from mockserver import Behaviours\napi = Behaviours()\nother = 1\n")
    assert "'code' has no 'apy'; did you mean 'api'?" in project.refused("behaviours: code:apy")
    assert "it must be a mockserver.Behaviours" in project.refused("behaviours: code:other")
    project.write("code.py", CODE.replace("cancelOrder", "canclOrder"))
    assert "the contract has no such operation; did you mean 'cancelOrder'?" in project.refused("behaviours: code:api")


def test_behaviours_are_given_to_a_document_on_the_command_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("shop_behaviours.py", CODE)
    monkeypatch.chdir(project.folder)
    pipeline = build(Settings(apis=("openapi.json",), behaviours=("shop_behaviours:api",)))
    assert pipeline.apis["openapi"].behaviours.keys() == {"cancelOrder"}
    with pytest.raises(UserError, match="say which API they are for, as NAME=shop_behaviours:api"):
        build(Settings(apis=("a=openapi.json", "b=openapi.json"), behaviours=("shop_behaviours:api",)))
    with pytest.raises(UserError, match="there is no API 'c'"):
        build(Settings(apis=("a=openapi.json",), behaviours=("c=shop_behaviours:api",)))


def test_an_operation_has_one_behaviour() -> None:
    api = Behaviours()
    api.operation("a")(lambda call: None)
    with pytest.raises(UserError, match="'a' has two behaviours"):
        api.operation("a")


def test_a_behaviour_that_breaks_the_contract_is_blamed_with_its_line(project: Project) -> None:
    project.write("code.py", CODE.replace("return call", "return 1, 2, call"))
    project.serve("behaviours: code:api")
    order = project.data("POST", "/orders", {"item": "tea"})
    exchange = project.send("POST", f"/orders/{order['id']}/cancel")
    assert exchange.status == 500 and "code.py:7" in exchange.defect
    project.write("code.py", CODE.replace('"note": "by code"', '"note": 5'))
    project.serve("behaviours: code:api")
    order = project.data("POST", "/orders", {"item": "tea"})
    exchange = project.send("POST", f"/orders/{order['id']}/cancel")
    assert exchange.status == 500 and [violation.pointer for violation in exchange.violations] == ["/note"]
    assert f"made by the behaviour {project.folder}/code.py:7 breaks the contract" in exchange.defect


def test_scenarios_of_a_profile_are_found_by_their_names(project: Project) -> None:
    rules = "rules: [{id: gone, op: getOrder, reply: not_found}]"
    project.write("cases/nothing.yaml", f"version: 1\nname: nothing\napi: shop\n{rules}\n")
    project.serve("scenarios: ./cases", scenarios=("nothing",))
    assert project.send("GET", "/orders/1").status == 404


def bulk_shop() -> dict[str, Any]:
    rows = {"type": "array", "items": ROW}
    document = shop()
    orders = document["paths"]["/orders"]
    orders["delete"] = {"operationId": "deleteOrders", "responses": {"204": {"description": "They are gone."}}}
    change = {
        "type": "array",
        "items": {"type": "object", "properties": {"id": {"type": "string"}, "note": {"type": "string"}}},
    }
    orders["patch"] = {"operationId": "patchOrders", "requestBody": body(change), "responses": {"200": answer(rows)}}
    many = {"type": "object", "required": ["items"], "properties": {"items": rows}}
    document["paths"]["/orders/bulk"] = {
        "post": {"operationId": "createOrders", "requestBody": body(many), "responses": {"201": answer(rows)}}
    }
    return document


def test_several_rows_are_created_changed_and_deleted_in_one_request() -> None:
    client = Client(bulk_shop(), unknown_ids="404")
    made = client.data("POST", "/orders/bulk", {"items": [{"item": "tea"}, {"item": "milk"}]})
    assert [row["item"] for row in made] == ["tea", "milk"] and made[0]["id"] != made[1]["id"]
    assert client.data("GET", f"/orders/{made[1]['id']}")["item"] == "milk"
    changed = client.data("PATCH", "/orders", [{"id": made[0]["id"], "note": "sweet"}])
    assert changed[0]["note"] == "sweet" and client.data("GET", f"/orders/{made[0]['id']}")["note"] == "sweet"
    assert client.send("DELETE", "/orders").status == 204
    assert client.data("GET", "/orders")["data"] == []


def test_a_change_of_several_rows_is_done_whole_or_not_at_all() -> None:
    client = Client(bulk_shop(), unknown_ids="404")
    (made,) = client.data("POST", "/orders/bulk", {"items": [{"item": "tea"}]})
    changes = [{"id": made["id"], "note": "sweet"}, {"id": "nothing", "note": "x"}]
    assert client.send("PATCH", "/orders", changes).status == 404
    assert client.data("GET", f"/orders/{made['id']}").get("note") != "sweet"


def test_an_api_is_made_of_a_document_and_code() -> None:
    api = Behaviours()

    @api.operation("getOrder")
    def get(call: Any) -> Any:
        raise Problem("not_found", "never")

    made = api.over(Api.from_openapi(shop(), name="shop"))
    assert made.behaviours["getOrder"] is get


def test_a_profile_in_the_folder_of_documents_is_found_by_its_name(project: Project) -> None:
    project.profile("name: orders\nresources: {orders: {start: {status: paid}}}")
    pipeline = build(Settings(apis=("shop",), spec_dir=str(project.folder)))
    assert list(pipeline.apis) == ["orders"], "the profile, and neither the document nor the bundled shop"
