"""An API of one's own: made from a document, given behaviours, and found by name, in a module or in a package."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from mockserver import Api, Call, Problem, UserError
from mockserver.apis import BUNDLED, Table, load_api
from mockserver.apis.base import nobody
from mockserver.messages import Request, Response
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.settings import Settings
from mockserver.state.memory import MemoryStore

ORDER = {
    "type": "object",
    "required": ["lines"],
    "properties": {"lines": {"type": "array", "items": {"type": "string"}}},
}
SAVED = {
    "type": "object",
    "required": ["id", "lines"],
    "properties": {"id": {"type": "string"}, "url": {"type": "string"}, **ORDER["properties"]},
}


def answer(status: str, schema: Any = None) -> dict[str, Any]:
    content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
    return {status: {"description": "", **content}}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders": {
            "post": {
                "operationId": "createOrder",
                "requestBody": {"required": True, "content": {"application/json": {"schema": ORDER}}},
                "responses": answer("201", {"$ref": "#/components/schemas/Order"}),
            },
            "get": {"operationId": "listOrders", "responses": answer("200", {"type": "array"})},
        },
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "getOrder", "responses": answer("200", SAVED) | answer("404")},
            "delete": {"operationId": "cancelOrder", "responses": answer("204")},
        },
    },
    "components": {"schemas": {"Order": SAVED}},
}


def shop(**extras: Any) -> Api:
    """An API with behaviours that keep orders."""
    api = Api.from_openapi(DOCUMENT, name="shop", strict=False, **extras)

    @api.operation("createOrder", costs=2)
    def create_order(call: Call) -> Any:
        if not call.body["lines"]:
            raise Problem("invalid_request", "An order has at least one line.")
        order = {"id": call.new_id(), **call.body}
        call.add("orders", order)
        return {**order, "url": f"{call.base_url}/orders/{order['id']}"}

    @api.operation("listOrders")
    def list_orders(call: Call) -> Any:
        return call.rows("orders")

    @api.operation("getOrder")
    def get_order(call: Call) -> Any:
        order = call.get("orders", call.params["id"])
        return (404, None) if order is None else (200, order)

    @api.operation("cancelOrder")
    def cancel_order(call: Call) -> Any:
        order = call.get("orders", call.params["id"])
        if order is None:
            raise Problem("not_found", "There is no such order.")
        call.remove("orders", order)

    return api


def send(pipeline: Pipeline, method: str, path: str, data: Any = None) -> tuple[int, Any]:
    headers = {"content-type": "application/json", "host": "127.0.0.1:4010"}
    body = b"" if data is None else orjson.dumps(data)
    response = pipeline.handle(Request(method, path, "", headers, body))
    return response.status, orjson.loads(response.content) if response.content else None


# --- behaviours ---


def test_behaviours_registered_on_a_document_keep_state_and_are_charged():
    pipeline = Pipeline([shop()])
    status, order = send(pipeline, "POST", "/orders", {"lines": ["tea"]})
    assert status == 201 and order["url"] == f"http://127.0.0.1:4010/orders/{order['id']}"
    assert pipeline.sandbox.store.balance().consumed == 2
    assert send(pipeline, "GET", f"/orders/{order['id']}") == (200, {"id": order["id"], "lines": ["tea"]})
    assert send(pipeline, "GET", "/orders")[1] == [{"id": order["id"], "lines": ["tea"]}]
    assert send(pipeline, "DELETE", f"/orders/{order['id']}") == (204, None)
    assert send(pipeline, "GET", f"/orders/{order['id']}")[0] == 404
    assert send(pipeline, "DELETE", f"/orders/{order['id']}")[0] == 404


def test_a_problem_that_a_behaviour_raises_stores_and_charges_nothing():
    pipeline = Pipeline([shop()])
    status, body = send(pipeline, "POST", "/orders", {"lines": []})
    assert (status, body["detail"]) == (400, "An order has at least one line.")
    assert pipeline.sandbox.store.balance().consumed == 0 and send(pipeline, "GET", "/orders")[1] == []


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ([], 200),
        ((200, []), 200),
        (Response(200, []), 200),
        ((503, {"any": "body"}), 503),
        ({"no": "array"}, 500),
        ((201, []), 500),
        ((1, 2, 3), 500),
        (("200", []), 500),
    ],
)
def test_a_behaviour_returns_a_response_a_json_value_or_a_status_with_one(result, status):
    api = Api(
        "shop", Api.from_openapi(DOCUMENT, name="shop", strict=False).contract, {"listOrders": lambda call: result}
    )
    assert send(Pipeline([api]), "GET", "/orders")[0] == status


def test_costs_may_depend_on_the_call():
    api = Api.from_openapi(
        DOCUMENT, name="shop", strict=False, costs={"createOrder": lambda call, _: len(call.body["lines"])}
    )
    api.operation("createOrder")(lambda call: {"id": "1", **call.body})
    pipeline = Pipeline([api])
    assert send(pipeline, "POST", "/orders", {"lines": ["a", "b", "c"]})[0] == 201
    assert pipeline.sandbox.store.balance().consumed == 3


def test_a_decorated_function_is_still_itself():
    api = Api.from_openapi(DOCUMENT, name="shop", strict=False)

    @api.operation("listOrders")
    def list_orders(call: Call) -> list[Any]:
        return []

    assert list_orders(nobody(MemoryStore(0), 0, 0)) == []


# --- mistakes ---


@pytest.mark.parametrize("what", ["behaviours", "costs", "variants"])
def test_an_operation_that_the_contract_does_not_have_is_refused(what):
    values = {"behaviours": lambda call: None, "costs": 1, "variants": {}}
    with pytest.raises(UserError, match=f"'shop': {what} name 'creatOrder'.*did you mean 'createOrder'"):
        shop(**{what: {"creatOrder": values[what]}})


def test_a_decorator_for_an_unknown_operation_is_refused():
    with pytest.raises(UserError, match="did you mean 'getOrder'"):
        shop().operation("getOrdr")


def test_a_table_of_an_unknown_schema_is_refused():
    with pytest.raises(UserError, match=r"tables name 'Ordr'.*no such schema.*did you mean 'Order'"):
        shop(tables={"orders": Table("Ordr", lambda call, row: row, {})})


def test_two_behaviours_for_an_operation_are_refused():
    with pytest.raises(UserError, match="'listOrders' has two behaviours"):
        shop().operation("listOrders")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "returned None, and a 201 of createOrder has a body (#/paths/"),
        ({1, 2}, "returned a set; return a Response, a JSON value, or a status and a JSON value"),
        (object(), "returned an object; return"),
        ((201, {}, 3), "returned a tuple of 3 values; return"),
        (("201", {}), "returned a tuple with '201' first; return"),
    ],
)
def test_what_a_behaviour_may_not_return_is_told_with_its_place(returned, message):
    api = Api.from_openapi(DOCUMENT, name="shop", behaviours={"createOrder": lambda call: returned})
    sent = Request("POST", "/orders", "", {"content-type": "application/json"}, b'{"lines": []}')
    exchange = Pipeline([api]).exchange(sent)
    assert exchange.status == 500
    assert message in exchange.defect
    assert exchange.defect.startswith("the behaviour of createOrder, ")
    assert "test_apis.py:" in exchange.defect


async def _asynchronous(call: Call) -> Any:
    return []


def test_an_async_behaviour_is_refused():
    with pytest.raises(UserError, match="'listOrders' is no plain function"):
        shop(behaviours={"listOrders": _asynchronous})
    with pytest.raises(UserError, match="'listOrders' is no plain function"):
        Api.from_openapi(DOCUMENT, name="shop", strict=False).operation("listOrders")(_asynchronous)


def test_an_unknown_kind_of_problem_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'not_found'"):
        Problem("not_fond")


def test_a_document_that_is_no_openapi_is_refused_with_its_place(tmp_path):
    broken = {**DOCUMENT, "paths": {"/x": {"get": {"responses": {"200": {"$ref": "#/components/no"}}}}}}
    with pytest.raises(UserError, match="/paths/~1x/get/responses/200"):
        Api.from_openapi(broken, name="shop", strict=True)
    with pytest.raises(UserError, match="needs a name"):
        Api.from_openapi(DOCUMENT)
    with pytest.raises(UserError, match="shop: is no JSON document"):
        Api.from_openapi({**DOCUMENT, "x-set": {1}}, name="shop")
    with pytest.raises(UserError, match=r"gone\.yaml: cannot be read"):
        Api.from_openapi(tmp_path / "gone.yaml")


def test_the_given_document_is_not_changed_and_statuses_may_be_numbers():
    document = {**DOCUMENT, "paths": {"/x": {"get": {"responses": {200: {"description": ""}}}}}}
    api = Api.from_openapi(document, name="shop", strict=False)
    assert api.contract.operations["GET /x"].declared == ["200"]
    assert list(document["paths"]["/x"]["get"]["responses"]) == [200]


def test_an_api_can_be_made_from_a_file_with_an_overlay(tmp_path):
    (tmp_path / "shop.json").write_bytes(orjson.dumps(DOCUMENT))
    action = {"target": "$.paths['/orders'].get", "update": {"description": "x", "x-provenance": "assumed"}}
    overlay = {"overlay": "1.0.0", "info": {"title": "t", "version": "1"}, "actions": [action]}
    (tmp_path / "more.json").write_bytes(orjson.dumps(overlay))
    api = Api.from_openapi(tmp_path / "shop.json", overlay=tmp_path / "more.json")
    assert api.name == "shop" and api.contract.operations["listOrders"].node["description"] == "x"


# --- the bundled ones ---


@pytest.mark.parametrize("name", BUNDLED)
def test_the_members_of_a_table_are_those_of_its_rows(name):
    for table in load_api(name).tables.values():
        row = table.make(nobody(MemoryStore(0), 0, 0), {})
        assert table.members.keys() == row.keys()
        assert all(value is None or type(value) is table.members[member] for member, value in row.items())


@pytest.mark.parametrize("name", BUNDLED)
def test_every_operation_of_a_bundled_api_has_a_behaviour(name):
    api = load_api(name)
    assert api.behaviours.keys() == api.contract.operations.keys()


def test_a_bundled_api_needs_no_overlay(tmp_path, monkeypatch):
    (tmp_path / "plain.yaml").write_bytes(orjson.dumps(DOCUMENT))
    monkeypatch.setattr("mockserver.apis.loader.bundled_file", lambda folder, name: tmp_path / name)
    monkeypatch.setitem(BUNDLED, "plain", lambda contract: Api("plain", contract))
    assert load_api("plain").contract.additions == []


# --- from outside the package ---

MODULE = """
from mockserver import Api, Call

api = Api.from_openapi({document!r}, name={name!r}, strict=False)


@api.operation("listOrders")
def list_orders(call: Call):
    return [{name!r}]


def make():
    return api


def fails():
    return {{}}["x"]


class Holder:
    inner = api


number = 3
"""


def write_module(folder: Path, module: str, name: str = "shop") -> None:
    (folder / f"{module}.py").write_text(MODULE.format(document=DOCUMENT, name=name))


def write_package(folder: Path, package: str, points: str) -> None:
    """An installed package, as its metadata says."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[mockserver.apis]\n{points}\n")


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder of installed packages."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.mark.parametrize("attribute", ["api", "make", "Holder.inner"])
def test_an_api_in_a_module_is_served_by_its_reference(site, attribute):
    write_module(site, "outside_a")
    pipeline = build(Settings(apis=(f"outside_a:{attribute}",)))
    assert send(pipeline, "GET", "/shop/orders") == (200, ["shop"])


def test_an_api_of_an_installed_package_is_served_by_its_name_also_beside_a_folder_of_documents(site, tmp_path):
    write_module(site, "outside_b")
    write_package(site, "shop-mock", "shop = outside_b:make")
    assert send(build(Settings(apis=("shop",))), "GET", "/orders") == (200, ["shop"])
    folder = tmp_path / "documents"
    folder.mkdir()
    for spec in ("shop", "outside_b:api"):
        assert list(build(Settings(apis=("datagrid", spec), spec_dir=str(folder))).apis) == ["datagrid", "shop"]


def refusal(*specs: str) -> str:
    with pytest.raises(UserError) as caught:
        build(Settings(apis=specs))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_what_is_not_there_names_the_nearest(site):
    write_module(site, "outside_c")
    write_package(site, "shop-mock", "shop = outside_c:make")
    assert "did you mean 'shop'" in refusal("shpo")
    assert "installed: shop" in refusal("shpo")
    assert "did you mean 'datagrid'" in refusal("datagird")
    assert "did you mean 'make'" in refusal("outside_c:mak")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nowhere_at_all:api", "the module 'nowhere_at_all' cannot be imported: ModuleNotFoundError"),
        ("outside_d:number", "'outside_d:number': is of type int"),
        ("outside_d:fails", "outside_d.py:17: KeyError: 'x'"),
        ("broken_syntax:api", "broken_syntax.py:2: SyntaxError"),
        ("broken_import:api", "broken_import.py:1: ModuleNotFoundError: No module named 'no_such_thing'"),
        ("broken_behaviour:api", "behaviours name 'lisOrders'"),
        ("failing", "API 'failing' of shop-mock: outside_d:gone cannot be loaded"),
        ("unfit", "API 'unfit' of shop-mock: is of type int"),
    ],
)
def test_code_that_cannot_be_used_is_one_message_that_names_it(site, spec, message):
    write_module(site, "outside_d")
    (site / "broken_syntax.py").write_text("api = 1\napi = (\n")
    (site / "broken_import.py").write_text("import no_such_thing\n")
    behaviour = MODULE.format(document=DOCUMENT, name="shop")
    (site / "broken_behaviour.py").write_text(behaviour.replace('operation("listOrders")', 'operation("lisOrders")'))
    write_package(site, "shop-mock", "failing = outside_d:gone\nunfit = outside_d:number")
    text = refusal(spec)
    assert message in text and "Traceback" not in text and len(text.splitlines()) == 1


def test_two_apis_of_one_name_are_refused(site):
    write_module(site, "outside_e")
    assert "two APIs are called 'shop'" in refusal("outside_e:api", "outside_e:make")
    write_package(site, "first-mock", "shop = outside_e:api")
    write_package(site, "second-mock", "shop = outside_e:make")
    assert "the packages first-mock and second-mock both offer an API 'shop'" in refusal("shop")


def test_the_command_finds_a_module_in_the_current_folder_and_exits_with_2_for_a_mistake(tmp_path):
    write_module(tmp_path, "outside_f")
    command = [str(Path(sys.executable).with_name("mockserver")), "spec", "provenance"]
    good = subprocess.run([*command, "outside_f:api"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (good.returncode, good.stderr) == (0, "")
    bad = subprocess.run([*command, "outside_f:ap"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert bad.returncode == 2
    assert bad.stderr == "mockserver: API 'outside_f:ap': 'outside_f' has no 'ap'; did you mean 'api'?\n"


def test_fields_of_an_api_can_be_replaced_one_by_one():
    api = replace(shop(), name="other")
    assert api.name == "other" and set(api.behaviours) == set(shop().behaviours)
