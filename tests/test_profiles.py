"""A profile says how an API behaves beyond its document; what contradicts the document is refused with its place."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from contracts import published
from test_resources import MISSING, ROW, answer, body, query, shop

from mockserver.apis import Api, load_api
from mockserver.apis.profiles.bundled import profile_of
from mockserver.apis.profiles.write import conclusions, profile_text
from mockserver.cli.check import check
from mockserver.cli.profiles import explain, init
from mockserver.errors import UserError
from mockserver.messages import Exchange, Request
from mockserver.pipeline.build import build
from mockserver.settings import Settings


def document() -> dict[str, Any]:
    """The shop, with an account that is charged."""
    text = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    done = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}, "credits": {"type": "number", "nullable": True}},
    }
    paths = {
        "/embed": {"post": {"operationId": "embed", "requestBody": body(text), "responses": {"200": answer(done)}}},
        "/search": {
            "get": {
                "operationId": "findOrders",
                "parameters": [query("state"), query("from_row", "integer")],
                "responses": {
                    "200": answer({"type": "object", "properties": {"hits": {"type": "array", "items": ROW}}}),
                },
            }
        },
    }
    made = shop(**paths)
    made["paths"]["/orders"]["post"]["responses"]["400"] = MISSING
    made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"key": []}]
    return made


class Profile:
    """Writes a profile beside the document, and serves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "openapi.json").write_bytes(orjson.dumps(document()))

    def write(self, text: str) -> Path:
        """The file of a profile; its version and contract are written before."""
        file = self.folder / "shop.mock.yaml"
        file.write_text(f"version: 1\ncontract: openapi.json\n{text}", encoding="utf-8")
        return file

    def serve(self, text: str = "", **settings: Any) -> None:
        self.pipeline = build(Settings(apis=(str(self.write(text)),), **settings))

    def send(self, method: str, path: str, data: Any = None, key: str = "k", **headers: str) -> Exchange:
        path, _, search = path.partition("?")
        content = b"" if data is None else json.dumps(data).encode()
        sent = {"authorization": f"Bearer {key}", **headers}
        if content:
            sent["content-type"] = "application/json"
        exchange = self.pipeline.exchange(Request(method, path, search, sent, content))
        assert not exchange.defect, exchange.defect
        return exchange

    def refused(self, text: str) -> str:
        """Why a profile is refused, without the folder."""
        with pytest.raises(UserError) as error:
            load_api(str(self.write(text)))
        return str(error.value).replace(f"{self.folder}/", "")


@pytest.fixture
def profile(tmp_path):
    return Profile(tmp_path)


def test_a_profile_that_says_nothing_serves_its_document(profile):
    profile.serve()
    assert list(profile.pipeline.apis) == ["shop"]
    made = profile.send("POST", "/orders", {"item": "tea"}).response.data
    assert profile.send("GET", f"/orders/{made['id']}").response.data == made


def test_unknown_ids_and_the_origin_of_ids_are_as_the_profile_says(profile):
    profile.serve("resources: {orders: {unknown: '404', from: server}}\n")
    assert profile.send("GET", "/orders/1").status == 404


def test_an_operation_becomes_the_list_of_a_resource_with_its_filters_and_order(profile):
    profile.serve("""\
resources:
  orders:
    list: findOrders
    envelope: /hits
    page: {style: offset, parameter: from_row}
    filters: {state: /status}
    order: -/item
""")
    for item in ("ale", "tea", "mate"):
        profile.send("POST", "/orders", {"item": item})
    rows = profile.send("GET", "/search").response.data["hits"]
    assert [row["item"] for row in rows] == ["tea", "mate", "ale"]
    rows = profile.send("GET", "/search?from_row=2").response.data["hits"]
    assert [row["item"] for row in rows] == ["ale"]
    id = rows[0]["id"]
    profile.send("POST", f"/orders/{id}/cancel")
    assert [row["id"] for row in profile.send("GET", "/search?state=cancelled").response.data["hits"]] == [id]


def test_errors_have_the_body_of_the_profile(profile):
    profile.serve("""\
errors:
  400: {body: {message: {$problem: message}, fields: {$problem: fields}, code: invalid}}
  402: {body: {code: {$problem: kind}}}
credits: {start: 0, costs: {createOrder: 1}}
""")
    invalid = profile.send("POST", "/orders", {"quantity": 0}).response
    assert invalid.status == 400
    assert invalid.data["code"] == "invalid"
    assert {field["field"] for field in invalid.data["fields"]} == {"item", "quantity"}
    assert profile.send("POST", "/orders", {"item": "tea"}).response.data == {"code": "out_of_credits"}


def test_an_error_is_corrected_by_its_kind(profile):
    profile.serve("""\
errors:
  429: {body: {message: {$problem: message}, status: {$problem: status}}}
  out_of_credits: {status: 429, message: You exceeded your quota.}
  not_found: {message: No such thing.}
  invalid_request: {status: 422, body: {message: {$problem: message}, status: {$problem: status}}}
credits: {start: 0, costs: {createOrder: 1}}
resources: {orders: {unknown: '404'}}
""")
    broke = profile.send("POST", "/orders", {"item": "tea"}).response
    assert (broke.status, broke.data) == (429, {"message": "You exceeded your quota.", "status": 429})
    missing = profile.send("GET", "/orders/none").response
    assert missing.status == 404 and missing.data["message"] == "No such thing."
    invalid = profile.send("POST", "/orders", {"quantity": 0}).response
    assert invalid.status == invalid.data["status"] == 422 and "quantity" in invalid.data["message"]


def test_a_status_that_is_asked_for_is_not_corrected(profile):
    profile.serve("errors: {not_found: {status: 410}}")
    assert profile.send("GET", "/orders/none", prefer="code=404").response.status == 404


def test_a_tenant_has_rows_of_its_own(profile):
    profile.serve("tenant: {header: X-Account}\nresources: {orders: {unknown: '404'}}\n")
    id = profile.send("POST", "/orders", {"item": "tea"}, **{"x-account": "a"}).response.data["id"]
    assert profile.send("GET", f"/orders/{id}", **{"x-account": "a"}).status == 200
    assert profile.send("GET", f"/orders/{id}", **{"x-account": "b"}).status == 404


def test_a_key_may_do_what_the_profile_lets_it(profile):
    profile.serve("keys: [{key: full}, {key: read, may: [GET]}, {key: make, may: [createOrder]}]\n")
    assert profile.send("GET", "/orders", key="k").status == 401
    assert profile.send("POST", "/orders", {"item": "tea"}, key="full").status == 201
    assert profile.send("GET", "/orders", key="read").status == 200
    refused = profile.send("POST", "/orders", {"item": "tea"}, key="read")
    assert refused.status == 403
    assert refused.reason == "This key may not do createOrder; it may do GET."
    assert profile.send("POST", "/orders", {"item": "tea"}, key="make").status == 201


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ("x-ratelimit", {"x-ratelimit-limit": "2", "x-ratelimit-remaining": "0"}),
        ("ratelimit", {"ratelimit-policy": '"default";q=2;w=60', "ratelimit": '"default";r=0;t=60'}),
        ("none", {}),
    ],
)
def test_a_limit_counts_by_key_and_is_told_in_the_vendors_headers(profile, headers, names):
    profile.serve(f"limits: [{{op: listOrders, per: [key], max: 2, window: 60s, headers: {headers}}}]\n")
    profile.pipeline.sandbox.world.clock.freeze()
    for _ in range(2):
        assert profile.send("GET", "/orders").status == 200
    limited = profile.send("GET", "/orders").response
    assert limited.status == 429
    assert limited.headers["retry-after"] == "60"
    told = {name: value for name, value in limited.headers.items() if "ratelimit" in name and "reset" not in name}
    assert told == names
    assert profile.send("GET", "/orders", key="other").status == 200
    assert profile.send("GET", "/orders/1").status == 200, "another operation has no limit"


def test_retry_after_may_be_a_date(profile):
    profile.serve("limits: [{max: 1, window: 60s, retry_after: date}]\n")
    clock = profile.pipeline.sandbox.world.clock
    clock.freeze()
    clock.set(1_900_000_000.0)
    profile.send("GET", "/orders")
    assert profile.send("GET", "/orders").response.headers["retry-after"] == "Sun, 17 Mar 2030 17:47:40 GMT"


def test_credits_are_charged_by_the_work_and_told_where_the_profile_says(profile):
    profile.serve("""\
credits:
  start: 10
  costs: {embed: {per_characters: 10, of: 'body#/text', least: 1}, createOrder: 2}
  charged: /credits
""")
    assert profile.send("POST", "/embed", {"text": "x" * 25}).response.data["credits"] == 3
    assert profile.send("POST", "/embed", {"text": ""}).response.data["credits"] == 1
    assert profile.pipeline.sandbox.world.store.balance().remaining == 6
    assert profile.send("POST", "/embed", {"text": "x" * 100}).status == 402


def test_credits_of_the_command_line_go_before_those_of_the_profile(profile):
    profile.serve("credits: {start: 10}\n", credits=3.0)
    assert profile.pipeline.sandbox.world.store.balance().remaining == 3


MISTAKES = {
    "resorces: {}\n": "unknown key 'resorces'; did you mean 'resources'?",
    "resources: {order: {list: listOrders, read: getOrders}}\n":
        "the document has no operation 'getOrders'; did you mean 'getOrder'?",
    "resources: {orderz: {unknown: imagine}}\n":
        "no resource 'orderz' was found, and no operation of it is named; did you mean 'orders'?",
    "resources: {orders: {id: /Id}}\n": "a row has no member 'Id'; did you mean 'id'?",
    "resources: {orders: {envelope: /items}}\n":
        "'/items' is no array of objects in the response of listOrders",
    "resources: {orders: {filters: {stauts: /status}}}\n":
        "the list has no parameter 'stauts'; did you mean 'status'?",
    "resources: {orders: {page: {style: cursor, parameter: aftr}}}\n":
        "the list has no parameter 'aftr'; did you mean 'after'?",
    "resources: {orders: {unknown: maybe}}\n": "unknown: must be 'imagine' or '404', not",
    "errors: {400: {body: {message: {$problem: mesage}}}}\n":
        "a problem has no 'mesage'; did you mean 'message'?",
    "errors: {not_fund: {message: a}}\n": "there is no kind of error 'not_fund'; did you mean 'not_found'?",
    "errors: {200: {message: a}}\n": "an error has a status from 400 to 599, not 200",
    "errors: {404: {status: 410}}\n": "the error is named by its status; name it by its kind, not_found",
    "errors: {not_found: {status: 200}}\n": "status: must be at least 400, not 200",
    "errors: {not_found: {}}\n": "must be a mapping such as {body: {message: {$problem: message}}}",
    "errors: {not_found: {body: {message: 7}}}\n":
        "getOrder declares another 404: message: must be a string, not the integer 7",
    "errors: {404: {body: {message: 7}}}\n":
        "getOrder declares another 404: message: must be a string, not the integer 7",
    "limits: [{op: listOrdrs, max: 2, window: 60s}]\n":
        "the document has no operation 'listOrdrs'; did you mean 'listOrders'?",
    "limits: [{max: 0, window: 60}]\n": "max: must be at least 1, not 0",
    "credits: {costs: {embd: 1}}\n":
        "the document has no operation 'embd'; did you mean 'embed'?",
    "credits: {costs: {embed: 1}, charged: /cost}\n": "the response of embed has no 'cost'",
    "keys: [{key: a, may: [getOrdr]}]\n":
        "the document has no operation 'getOrdr'; did you mean 'getOrder'?",
}  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_a_contradiction_is_refused_with_its_place(profile, text):
    refusal = profile.refused(text)
    assert re.match(r"shop\.mock\.yaml:3:\d+: ", refusal)
    assert MISTAKES[text] in refusal


def test_every_mistake_is_reported_at_once(profile):
    text = profile.refused("resources: {orders: {id: /Id, order: /nme}}\nlimits: [{op: x, max: 1, window: 1s}]\n")
    assert len(text.splitlines()) == 3


def test_a_document_that_is_not_there_is_named(profile):
    (profile.folder / "shop.mock.yaml").write_text("version: 1\ncontract: openapi.jsn\n")
    with pytest.raises(UserError, match=r"shop\.mock\.yaml:2:1: there is no file 'openapi\.jsn'; did you mean"):
        load_api(str(profile.folder / "shop.mock.yaml"))


# -- what was concluded, written down -----------------------------------------------------------------


def told(api: Api) -> list[tuple[str, str, Any]]:
    """What was concluded, without the reasons."""
    return [(r.resource.name, key, value) for r in api.resourcefuls for key, value, _ in conclusions(r)]


def test_the_profile_that_init_writes_says_what_was_concluded(profile):
    api = load_api(str(profile.folder / "openapi.json"))
    text = profile_text(api, "openapi.json")
    assert "    create: createOrder  # POST /orders is a POST on the collection\n" in text
    assert "    page: {style: cursor, parameter: after, size: limit, next: /next}  # has the parameters" in text
    assert "    filters: {status: /status}  #" in text
    (profile.folder / "written.mock.yaml").write_text(text)
    assert told(load_api(str(profile.folder / "written.mock.yaml"))) == told(api)


@pytest.mark.parametrize("name", ["petstore-3.0.yaml", "discord-3.1.json", "mem0-platform-3.0.json", "plaid-3.0.yml"])
def test_a_published_document_has_a_profile_that_says_the_same(name, tmp_path):
    file = published(name)
    api = load_api(str(file))
    (tmp_path / "written.mock.yaml").write_text(profile_text(api, os.path.relpath(file, tmp_path)))
    assert told(load_api(f"{api.name}={tmp_path / 'written.mock.yaml'}")) == told(api)


def test_the_commands_write_and_explain(profile, monkeypatch):
    monkeypatch.chdir(profile.folder)
    run = CliRunner().invoke
    done = run(init, ["openapi.json"])
    assert done.output == "openapi.mock.yaml: 1 resource; serve it with\n  mockserver serve openapi.mock.yaml\n"
    again = run(init, ["openapi.json"])
    assert str(again.exception) == "openapi.mock.yaml exists; --force replaces it, --out writes another file"
    assert run(init, ["openapi.json", "--force"]).exit_code == 0
    lines = run(explain, ["openapi.json"]).output.splitlines()
    assert lines[0] == "orders: rows of /orders"
    assert "  embed  POST /embed" in lines
    one = run(explain, ["openapi.json", "embed"]).output
    assert "orders" not in one and "embed" in one
    assert "did you mean 'embed'?" in str(run(explain, ["openapi.json", "embd"]).exception)


def test_check_knows_profiles(profile):
    file = profile.write("resorces: {}\n")
    done = CliRunner().invoke(check, [str(file)])
    assert done.exit_code == 1
    assert ":3:1: error: unknown key 'resorces'; did you mean 'resources'?; the profile cannot be used" in done.output
    assert CliRunner().invoke(check, [str(profile.write(""))]).exit_code == 0


@pytest.mark.parametrize("name", ["datagrid", "mem0"])
def test_the_profile_of_a_bundled_api_is_read_alike_with_and_without_the_model(name: str) -> None:
    bundled, profiled = load_api(name), load_api(str(profile_of(name)))
    (limit,) = profiled.limits
    assert limit.limit == bundled.limit and limit.headers == "x-ratelimit" and limit.retry_after == "seconds"
    assert limit.operations == bundled.contract.operations.keys() == profiled.contract.operations.keys()
    request = Request("GET", "/", "", {"datagrid-teamspace": "t"})
    assert profiled.tenant(request) == bundled.tenant(request) == ("t" if name == "datagrid" else "")
    assert ("tenant" in limit.per) == (name == "datagrid"), "where nobody is told apart, a tenant changes nothing"
