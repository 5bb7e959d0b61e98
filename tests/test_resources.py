"""A document of one's own keeps state: what is created is read, listed, changed and deleted."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from mockserver.apis import Api
from mockserver.apis.inferred import infer
from mockserver.apis.resources.patches import patched
from mockserver.contract.load import contract_of
from mockserver.errors import Problem
from mockserver.messages import Exchange, Request
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.settings import Settings
from mockserver.text.documents import pointer_of

ORDER = {
    "type": "object",
    "required": ["id", "item", "created_at"],
    "properties": {
        "id": {"type": "string", "readOnly": True, "example": "ord_4f7a2c91"},
        "item": {"type": "string", "maxLength": 20},
        "quantity": {"type": "integer", "minimum": 1, "default": 1},
        "note": {"type": "string"},
        "status": {"type": "string", "enum": ["open", "paid", "cancelled"], "readOnly": True},
        "created_at": {"type": "string", "format": "date-time", "readOnly": True},
        "updated_at": {"type": "string", "format": "date-time", "readOnly": True},
        "secret": {"type": "string", "writeOnly": True},
    },
}
ROW = {"$ref": "#/components/schemas/Order"}


def body(schema: Any) -> dict[str, Any]:
    """The content of a request or a response."""
    return {"content": {"application/json": {"schema": schema}}}


def answer(schema: Any, **more: Any) -> dict[str, Any]:
    """A declared response."""
    return {"description": "It is done.", **body(schema), **more}


NONE = {"description": "It is done."}
MISSING = answer({"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}})
ID = {"name": "orderId", "in": "path", "required": True, "schema": {"type": "string"}}


def query(name: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    """A parameter of the query."""
    return {"name": name, "in": "query", "schema": {"type": kind, **more}}


def shop(**paths: Any) -> dict[str, Any]:
    """A document with orders, and other paths."""
    page = {
        "type": "object",
        "required": ["data", "has_more"],
        "properties": {
            "data": {"type": "array", "items": ROW},
            "has_more": {"type": "boolean"},
            "total": {"type": "integer"},
            "next": {"type": "string", "nullable": True},
        },
    }
    listing = [query("limit", "integer", default=2, maximum=50), query("after"), query("status"), query("sort")]
    orders = {
        "post": {"operationId": "createOrder", "requestBody": body(ROW), "responses": {"201": answer(ROW)}},
        "get": {"operationId": "listOrders", "parameters": listing, "responses": {"200": answer(page)}},
    }
    order = {
        "parameters": [ID],
        "get": {"operationId": "getOrder", "responses": {"200": answer(ROW), "404": MISSING}},
        "put": {"operationId": "putOrder", "requestBody": body(ROW), "responses": {"200": answer(ROW), "404": MISSING}},
        "patch": {
            "operationId": "patchOrder",
            "requestBody": body({"type": "object", "properties": ORDER["properties"]}),
            "responses": {"200": answer(ROW), "404": MISSING},
        },
        "delete": {"operationId": "deleteOrder", "responses": {"204": NONE, "404": MISSING}},
    }
    cancel = {"parameters": [ID], "post": {"operationId": "cancelOrder", "responses": {"200": answer(ROW)}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shop", "version": "1"},
        "paths": {"/orders": orders, "/orders/{orderId}": order, "/orders/{orderId}/cancel": cancel, **paths},
        "components": {"schemas": {"Order": ORDER}},
    }


class Client:
    """Sends requests to a pipeline of its own."""

    def __init__(self, document: dict[str, Any], **extras: Any) -> None:
        self.api = Api.from_openapi(document, name="shop", **extras)
        self.pipeline = Pipeline([self.api])

    def send(self, method: str, path: str, data: Any = None, **headers: str) -> Exchange:
        """One exchange. No response may break the contract."""
        path, _, search = path.partition("?")
        content = b"" if data is None else json.dumps(data).encode()
        given = {"content-type": "application/json"} if content else {}
        exchange = self.pipeline.exchange(Request(method, path, search, {**given, **headers}, content))
        assert not exchange.defect, exchange.defect
        return exchange

    def data(self, method: str, path: str, data: Any = None) -> Any:
        """The body of a success."""
        exchange = self.send(method, path, data)
        assert exchange.response is not None
        assert 200 <= exchange.status < 300, exchange.response.content
        return exchange.response.data


@pytest.fixture
def client() -> Client:
    return Client(shop())


# -- one row ----------------------------------------------------------------------------------------


def test_what_is_created_is_read(client):
    made = client.data("POST", "/orders", {"item": "tea", "quantity": 3})
    assert (made["item"], made["quantity"]) == ("tea", 3)
    assert client.data("GET", f"/orders/{made['id']}") == made


def test_a_member_that_was_not_sent_is_left_out_or_has_its_default(client):
    made = client.data("POST", "/orders", {"item": "tea"})
    assert made["quantity"] == 1
    assert "note" not in made


def test_a_default_comes_before_a_sample_where_every_row_has_the_member():
    count = {"type": "integer", "minimum": 2}
    sent = {"type": "object", "properties": {"count": {**count, "default": 7}}}
    row = {"type": "object", "required": ["id", "count"], "properties": {"id": {"type": "string"}, "count": count}}
    made = {"operationId": "makeThing", "requestBody": body(sent), "responses": {"201": answer(row)}}
    read = {"operationId": "readThing", "parameters": [ID], "responses": {"200": answer(row)}}
    client = Client(shop(**{"/things": {"post": made}, "/things/{orderId}": {"get": read}}))
    assert client.data("POST", "/things", {})["count"] == 7


def test_ids_look_like_the_documents_own_and_differ(client):
    ids = [client.data("POST", "/orders", {"item": "tea"})["id"] for _ in range(3)]
    assert all(id.startswith("ord_") and len(id) == len("ord_4f7a2c91") for id in ids)
    assert len(set(ids)) == 3


def test_what_only_the_server_sets_is_not_taken_from_the_client():
    document = shop()
    document["openapi"] = "3.1.0"  # where a request may have readOnly members
    client = Client(document)
    made = client.data("POST", "/orders", {"item": "tea", "id": "mine", "created_at": "2001-01-01T00:00:00Z"})
    assert made["id"] != "mine"
    assert not made["created_at"].startswith("2001")


def test_a_write_only_member_is_never_shown(client):
    made = client.data("POST", "/orders", {"item": "tea", "secret": "s3cret"})
    assert "secret" not in made
    assert "secret" not in client.data("GET", f"/orders/{made['id']}")


def test_times_are_those_of_the_clock(client):
    clock = client.pipeline.sandbox.world.clock
    clock.freeze()
    clock.set(1_900_000_000.0)
    made = client.data("POST", "/orders", {"item": "tea"})
    assert made["created_at"].startswith("2030-03-17T17:46:40")
    clock.advance(60)
    changed = client.data("PATCH", f"/orders/{made['id']}", {"item": "mate"})
    assert changed["created_at"] == made["created_at"]
    assert changed["updated_at"].startswith("2030-03-17T17:47:40")


def test_the_location_of_what_was_created_leads_to_it(client):
    exchange = client.send("POST", "/orders", {"item": "tea"})
    location = exchange.response.headers["location"]
    assert client.data("GET", location.removeprefix("http://localhost"))["item"] == "tea"


def test_a_location_is_a_url_however_the_document_writes_its_paths():
    document = shop()
    document["paths"] = {path.replace("/orders", "/große \x07 orders"): item for path, item in shop()["paths"].items()}
    client = Client(document)
    location = client.send("POST", "/große \x07 orders", {"item": "tea"}).response.headers["location"]
    assert location.startswith("http://localhost/gro%C3%9Fe%20%07%20orders/")
    assert client.data("GET", unquote(location).removeprefix("http://localhost"))["item"] == "tea"


def test_patch_changes_what_was_sent_and_put_replaces_the_row(client):
    id = client.data("POST", "/orders", {"item": "tea", "note": "hot"})["id"]
    assert client.data("PATCH", f"/orders/{id}", {"quantity": 9})["note"] == "hot"
    replaced = client.data("PUT", f"/orders/{id}", {"item": "mate"})
    assert replaced["item"] == "mate"
    assert "note" not in replaced
    assert client.data("GET", f"/orders/{id}") == replaced


def test_a_null_removes_a_member_that_may_not_be_null(client):
    client = Client(shop())
    id = client.data("POST", "/orders", {"item": "tea", "note": "hot"})["id"]
    # The contract refuses null here, so the row is as it was.
    assert client.send("PATCH", f"/orders/{id}", {"note": None}).status == 400
    assert client.data("GET", f"/orders/{id}")["note"] == "hot"


def test_what_is_deleted_is_the_declared_404(client):
    id = client.data("POST", "/orders", {"item": "tea"})["id"]
    assert client.send("DELETE", f"/orders/{id}").status == 204
    gone = client.send("GET", f"/orders/{id}")
    assert gone.status == 404
    assert id in gone.response.data["message"]
    assert client.send("DELETE", f"/orders/{id}").status == 404


def test_an_action_sets_the_status_that_its_name_means(client):
    id = client.data("POST", "/orders", {"item": "tea"})["id"]
    assert client.data("POST", f"/orders/{id}/cancel")["status"] == "cancelled"
    assert client.data("GET", f"/orders/{id}")["status"] == "cancelled"


# -- ids that nobody created --------------------------------------------------------------------------


def test_an_unknown_id_is_imagined_and_kept(client):
    first = client.data("GET", "/orders/o-77")
    assert first["id"] == "o-77"
    client.data("PATCH", "/orders/o-77", {"item": "mate"})
    assert client.data("GET", "/orders/o-77")["item"] == "mate"


def test_an_unknown_id_is_the_declared_404_where_that_is_asked_for():
    client = Client(shop(), unknown_ids="404")
    exchange = client.send("GET", "/orders/o-77")
    assert exchange.status == 404
    assert "o-77" in exchange.response.data["message"]
    assert client.data("GET", "/orders")["data"] == []


def test_an_imagined_row_can_be_deleted_and_is_gone(client):
    client.data("GET", "/orders/o-77")
    assert client.send("DELETE", "/orders/o-77").status == 204
    assert client.send("GET", "/orders/o-77").status == 404
    assert client.send("DELETE", "/orders/o-77").status == 404


def test_what_nobody_created_can_be_used_in_any_order(client):
    """A client that goes through the operations of a document one by one gets every success."""
    assert client.send("DELETE", "/orders/o-77").status == 204, "nobody has seen it"
    assert client.send("GET", "/orders/o-77").status == 200
    assert client.send("DELETE", "/orders/o-77").status == 204
    assert client.send("POST", "/orders/o-77/cancel").status == 200
    assert client.send("DELETE", "/orders/o-77").status == 204
    assert client.send("PATCH", "/orders/o-77", {"item": "tea"}).status == 200


# -- lists --------------------------------------------------------------------------------------------


def test_a_list_that_nobody_touched_shows_the_sample_and_keeps_it(client):
    [row] = client.data("GET", "/orders")["data"]
    assert client.data("GET", f"/orders/{row['id']}") == row


def test_a_list_has_what_was_created_newest_first_and_nothing_else(client):
    made = [client.data("POST", "/orders", {"item": item}) for item in ("tea", "mate")]
    page = client.data("GET", "/orders")
    assert page["data"] == made[::-1]
    assert (page["total"], page["has_more"], page["next"]) == (2, False, None)


def test_pages_follow_each_other_by_cursor_and_end(client):
    made = [client.data("POST", "/orders", {"item": f"tea {n}"})["id"] for n in range(5)]
    seen, after = [], ""
    for _ in range(3):
        page = client.data("GET", f"/orders?limit=2{after}")
        seen += [row["id"] for row in page["data"]]
        after = f"&after={page['next']}"
    assert seen == made[::-1]
    assert (page["has_more"], page["next"], page["total"]) == (False, None, 5)


def test_a_parameter_that_names_a_member_filters(client):
    ids = [client.data("POST", "/orders", {"item": "tea"})["id"] for _ in range(3)]
    client.data("POST", f"/orders/{ids[1]}/cancel")
    page = client.data("GET", "/orders?status=cancelled")
    assert [row["id"] for row in page["data"]] == [ids[1]]
    assert page["total"] == 1


def test_rows_are_sorted_by_a_member_that_is_named(client):
    for item in ("tea", "ale", "mate"):
        client.data("POST", "/orders", {"item": item})
    rising = [row["item"] for row in client.data("GET", "/orders?sort=item&limit=9")["data"]]
    falling = [row["item"] for row in client.data("GET", "/orders?sort=-item&limit=9")["data"]]
    assert rising == ["ale", "mate", "tea"]
    assert falling == rising[::-1]


LISTS: dict[str, tuple[Any, Any]] = {
    "a bare array": ({"type": "array", "items": ROW}, lambda data: data),
    "HAL": (
        {
            "type": "object",
            "required": ["_embedded"],
            "properties": {
                "_embedded": {
                    "type": "object",
                    "required": ["orders"],
                    "properties": {"orders": {"type": "array", "items": ROW}},
                }
            },
        },
        lambda data: data["_embedded"]["orders"],
    ),
    "a keyed map": ({"type": "object", "additionalProperties": ROW}, lambda data: list(data.values())),
    "wrapped items": (
        {
            "type": "object",
            "required": ["results"],
            "properties": {
                "results": {
                    "type": "array",
                    "items": {"type": "object", "required": ["order"], "properties": {"order": ROW}},
                }
            },
        },
        lambda data: [item["order"] for item in data["results"]],
    ),
}


@pytest.mark.parametrize("envelope", LISTS)
def test_the_rows_are_found_in_any_envelope(envelope):
    schema, rows = LISTS[envelope]
    document = shop()
    document["paths"]["/orders"]["get"]["responses"] = {"200": answer(schema)}
    client = Client(document)
    made = client.data("POST", "/orders", {"item": "tea"})
    assert rows(client.data("GET", "/orders")) == [made]


PAGES: dict[str, tuple[list[Any], dict[str, Any], list[str]]] = {
    "limit and offset": (
        [query("limit", "integer"), query("offset", "integer")],
        {"total": {"type": "integer"}, "offset": {"type": "integer"}},
        ["?limit=2", "?limit=2&offset=2", "?limit=2&offset=4"],
    ),
    "pages": (
        [query("page", "integer"), query("per_page", "integer")],
        {"total_pages": {"type": "integer"}, "page": {"type": "integer"}},
        ["?per_page=2", "?per_page=2&page=2", "?per_page=2&page=3"],
    ),
}


@pytest.mark.parametrize("style", PAGES)
def test_every_style_of_pages_shows_each_row_once(style):
    parameters, tells, searches = PAGES[style]
    properties = {"items": {"type": "array", "items": ROW}, **tells}
    document = shop()
    document["paths"]["/orders"]["get"] |= {
        "parameters": parameters,
        "responses": {"200": answer({"type": "object", "required": [*properties], "properties": properties})},
    }
    client = Client(document)
    made = [client.data("POST", "/orders", {"item": f"tea {n}"})["id"] for n in range(5)]
    pages = [client.data("GET", f"/orders{search}") for search in searches]
    assert [row["id"] for page in pages for row in page["items"]] == made[::-1]
    assert [list(page.values())[1:] for page in pages] == (
        [[5, 0], [5, 2], [5, 4]] if style == "limit and offset" else [[3, 1], [3, 2], [3, 3]]
    )


def test_the_next_page_is_where_the_url_leads():
    properties = {"items": {"type": "array", "items": ROW}, "next": {"type": "string", "format": "uri"}}
    document = shop()
    document["paths"]["/orders"]["get"] |= {
        "parameters": [query("limit", "integer"), query("offset", "integer")],
        "responses": {"200": answer({"type": "object", "required": ["items"], "properties": properties})},
    }
    client = Client(document)
    for n in range(3):
        client.data("POST", "/orders", {"item": f"tea {n}"})
    first = client.data("GET", "/orders?limit=2")
    assert first["next"] == "http://localhost/orders?limit=2&offset=2"
    last = client.data("GET", "/orders?limit=2&offset=2")
    assert len(last["items"]) == 1
    assert "next" not in last


def links(response: Any) -> dict[str, str]:
    """The URLs of a `Link` header by what they lead to, as a client reads them."""
    found = requests.utils.parse_header_links(response.headers.get("link", ""))
    return {link["rel"]: link["url"].removeprefix("http://localhost/orders?") for link in found}


TEXT = {"type": "string"}
LINKED: dict[str, tuple[list[Any], str, dict[str, str]]] = {
    "pages": (
        [query("page", "integer"), query("per_page", "integer")],
        "?per_page=2&page=2",
        {name: f"per_page=2&page={page}" for name, page in (("prev", 1), ("next", 3), ("first", 1), ("last", 3))},
    ),
    "offsets": (
        [query("limit", "integer"), query("offset", "integer")],
        "?limit=2",
        {"next": "limit=2&offset=2", "first": "limit=2&offset=0", "last": "limit=2&offset=4"},
    ),
    "the only page": ([query("limit", "integer"), query("offset", "integer")], "?limit=9", {}),
}  # fmt: skip


@pytest.mark.parametrize("style", LINKED)
def test_a_declared_link_header_leads_to_the_other_pages(style):
    parameters, search, expected = LINKED[style]
    headers = {
        "Link": {"schema": {**TEXT, "example": "<https://example.com>; rel=next"}},
        "X-Total-Count": {"schema": TEXT},
    }
    document = shop()
    document["paths"]["/orders"]["get"] |= {
        "parameters": parameters,
        "responses": {"200": answer({"type": "array", "items": ROW}, headers=headers)},
    }
    client = Client(document)
    for n in range(5):
        client.data("POST", "/orders", {"item": f"tea {n}"})
    response = client.send("GET", f"/orders{search}").response
    assert links(response) == expected
    assert response.headers["x-total-count"] == "5"


def test_links_are_followed_by_cursor_to_the_end():
    document = shop()
    document["paths"]["/orders"]["get"] |= {
        "parameters": [query("limit", "integer"), query("after"), query("before")],
        "responses": {"200": answer({"type": "array", "items": ROW}, headers={"Link": {"schema": TEXT}})},
    }
    client = Client(document)
    made = [client.data("POST", "/orders", {"item": f"tea {n}"})["id"] for n in range(5)]
    shown, search = [], "limit=2"
    while search:
        response = client.send("GET", f"/orders?{search}").response
        shown += [row["id"] for row in response.data]
        search = links(response).get("next", "")
    assert shown == made[::-1]
    back = client.send("GET", f"/orders?{links(response)['prev']}").response
    assert [row["id"] for row in back.data] == made[1:3][::-1]


def test_a_total_that_must_look_otherwise_stays_as_the_sample_has_it():
    document = shop()
    headers = {"X-Total-Count": {"required": True, "schema": {**TEXT, "enum": ["many"]}}}
    document["paths"]["/orders"]["get"]["responses"] = {"200": answer({"type": "array", "items": ROW}, headers=headers)}
    response = Client(document).send("GET", "/orders").response
    assert response.headers["x-total-count"] == "many"


# -- other shapes of resources ------------------------------------------------------------------------


def test_rows_below_an_item_belong_to_it(client):
    line = {"type": "object", "properties": {"id": {"type": "integer"}, "orderId": {"type": "string"}}}
    paths = {
        "/orders/{orderId}/lines": {
            "parameters": [ID],
            "post": {"operationId": "createLine", "requestBody": body(line), "responses": {"201": answer(line)}},
            "get": {
                "operationId": "listLines",
                "responses": {"200": answer({"type": "array", "items": line}), "404": NONE},
            },
        },
        "/orders/{orderId}/lines/{lineId}": {
            "parameters": [ID, {"name": "lineId", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"operationId": "getLine", "responses": {"200": answer(line), "404": NONE}},
        },
    }
    client = Client(shop(**paths), unknown_ids="404")
    orders = [client.data("POST", "/orders", {"item": item})["id"] for item in ("tea", "ale")]
    made = client.data("POST", f"/orders/{orders[0]}/lines", {})
    assert made["orderId"] == orders[0]
    assert client.data("GET", f"/orders/{orders[0]}/lines") == [made]
    assert client.data("GET", f"/orders/{orders[1]}/lines") == []
    assert client.send("GET", f"/orders/{orders[1]}/lines/{made['id']}").status == 404
    client.send("DELETE", f"/orders/{orders[0]}")
    assert client.send("GET", f"/orders/{orders[0]}/lines/{made['id']}").status == 404


def test_a_singleton_is_changed_in_its_place():
    settings = {"type": "object", "required": ["theme"], "properties": {"theme": {"type": "string"}}}
    paths = {
        "/settings": {
            "get": {"operationId": "getSettings", "responses": {"200": answer(settings)}},
            "put": {
                "operationId": "putSettings",
                "requestBody": body(settings),
                "responses": {"200": answer(settings)},
            },
        }
    }
    client = Client(shop(**paths))
    assert client.data("PUT", "/settings", {"theme": "dark"}) == {"theme": "dark"}
    assert client.data("GET", "/settings") == {"theme": "dark"}


def test_a_client_may_choose_the_id_where_the_contract_lets_it():
    user = {"type": "object", "required": ["username"], "properties": {"username": {"type": "string"}}}
    name = {"name": "username", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {
        "/users": {
            "post": {
                "operationId": "createUser",
                "requestBody": body(user),
                "responses": {"201": answer(user), "409": NONE},
            }
        },
        "/users/{username}": {"parameters": [name], "get": {"operationId": "u", "responses": {"200": answer(user)}}},
    }
    client = Client(shop(**paths))
    assert client.data("POST", "/users", {"username": "ada"}) == {"username": "ada"}
    assert client.send("POST", "/users", {"username": "ada"}).status == 409


def test_a_put_creates_where_nothing_else_does():
    value = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
    key = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}
    paths = {
        "/values/{key}": {
            "parameters": [key],
            "put": {
                "operationId": "putValue",
                "requestBody": body(value),
                "responses": {"201": answer(value), "200": answer(value)},
            },
            "get": {"operationId": "getValue", "responses": {"200": answer(value)}},
        }
    }
    client = Client(shop(**paths))
    assert client.send("PUT", "/values/a", {"text": "x"}).status in (200, 201)
    assert client.data("GET", "/values/a") == {"text": "x"}


def test_what_a_read_cannot_show_is_left_to_the_sample():
    """The create takes any text where the read has an enum: the read stays valid."""
    document = shop()
    narrow = {**ORDER, "properties": {**ORDER["properties"], "item": {"type": "string", "enum": ["coffee"]}}}
    document["paths"]["/orders/{orderId}"]["get"]["responses"]["200"] = answer(narrow)
    client = Client(document)
    made = client.data("POST", "/orders", {"item": "tea", "quantity": 4})
    read = client.data("GET", f"/orders/{made['id']}")
    assert (read["item"], read["quantity"]) == ("coffee", 4)


def test_resources_are_told_with_their_reasons():
    resources = {resource.name: resource for resource in infer(contract_of(shop(), "shop"))}
    assert list(resources) == ["orders"]
    assert (
        resources["orders"].reasons["cancelOrder"] == "action: POST /orders/{orderId}/cancel does 'cancel' to one row"
    )


# -- everything else works for it ---------------------------------------------------------------------


def test_two_documents_keep_their_rows_apart():
    one, two = (Api.from_openapi(shop(), name=name) for name in ("one", "two"))
    pipeline = Pipeline([one, two])
    content = json.dumps({"item": "tea"}).encode()
    pipeline.exchange(Request("POST", "/one/orders", "", {"content-type": "application/json"}, content))
    rows = pipeline.exchange(Request("GET", "/two/orders")).response.data["data"]
    assert all(row["item"] != "tea" for row in rows)


def test_a_stateless_server_answers_samples():
    from mockserver.sandbox.world import Terms

    pipeline = Pipeline([Api.from_openapi(shop(), name="shop")], terms=Terms(stateless=True))
    content = json.dumps({"item": "tea"}).encode()
    made = pipeline.exchange(Request("POST", "/orders", "", {"content-type": "application/json"}, content))
    assert made.response.data["item"] != "tea"


def test_a_behaviour_of_ones_own_goes_before():
    api = Api.from_openapi(shop(), name="shop")

    @api.operation("getOrder")
    def get_order(call: Any) -> Any:
        return {"id": "x", "item": "mine", "created_at": call.timestamp}

    response = Pipeline([api]).exchange(Request("GET", "/orders/1")).response
    assert response.data["item"] == "mine"


def test_an_error_whose_schema_nothing_satisfies_is_a_501_that_names_it():
    document = shop()
    same = {"type": "object", "properties": {"message": {"type": "string"}}}
    document["paths"]["/orders/{orderId}"]["get"]["responses"]["404"] = answer({"oneOf": [same, same]})
    client = Client(document, unknown_ids="404")
    exchange = client.send("GET", "/orders/1")
    assert exchange.status == 501
    assert "#/paths/~1orders~1{orderId}/get/responses/404/content/application~1json/schema" in exchange.reason


def test_an_id_is_taken_as_it_was_decoded(client):
    assert client.data("GET", "/orders/a%20b")["id"] == "a b"
    assert client.data("GET", "/orders/a%2Fb")["id"] == "a/b"


def test_redis_and_memory_answer_the_same_to_the_byte(redis_server, tmp_path):
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(shop()))
    steps: list[tuple[str, str, Any]] = [
        ("GET", "/orders", None),
        ("POST", "/orders", {"item": "tea"}),
        ("POST", "/orders", {"item": "ale", "quantity": 2, "note": "cold"}),
        ("GET", "/orders?limit=1", None),
        ("GET", "/orders/o-77", None),
        ("PATCH", "/orders/o-77", {"note": "new"}),
        ("PUT", "/orders/o-77", {"item": "mate"}),
        ("POST", "/orders/o-77/cancel", None),
        ("GET", "/orders?status=cancelled&sort=item", None),
        ("DELETE", "/orders/o-77", None),
        ("GET", "/orders/o-77", None),
        ("POST", "/orders", {"quantity": 0}),
        ("GET", "/orders", None),
    ]
    answers = []
    for state in ("memory", f"{redis_server.url}?prefix=resources"):
        pipeline = build(Settings(apis=(str(file),), state=state))
        pipeline.sandbox.world.clock.freeze()
        pipeline.sandbox.world.clock.set(1_900_000_000.0)
        sent = []
        for method, target, data in steps:
            path, _, search = target.partition("?")
            content = b"" if data is None else json.dumps(data).encode()
            headers = {"content-type": "application/json"} if content else {}
            response = pipeline.exchange(Request(method, path, search, headers, content)).response
            sent.append((response.status, dict(response.headers), response.content))
        answers.append((sent, pipeline.sandbox.world.store.snapshot().tables))
    assert answers[0] == answers[1]
    assert [status for status, _, _ in answers[0][0]] == [
        200,
        201,
        201,
        200,
        200,
        200,
        200,
        200,
        200,
        204,
        404,
        400,
        200,
    ]


def test_a_behaviour_handles_the_rows_of_a_resource():
    paths = {
        "/checkout": {
            "post": {
                "operationId": "checkout",
                "requestBody": body({"type": "object", "properties": {"item": {"type": "string"}}}),
                "responses": {"201": answer(ROW), "404": MISSING},
            }
        }
    }
    client = Client(shop(**paths))

    @client.api.operation("checkout")
    def checkout(call: Any) -> Any:
        orders = call.resource("orders")
        if call.body["item"] == "nothing":
            orders.delete("none")
        made = orders.create({"item": call.body["item"], "status": "open"})
        assert orders.get(made["id"]) is None, "nothing is kept before the behaviour returns"
        assert [row["item"] for row in orders.list()] == []
        return 201, {**made, "status": "paid"}

    client.pipeline = Pipeline([client.api])
    made = client.data("POST", "/checkout", {"item": "tea"})
    assert client.data("GET", f"/orders/{made['id']}") == {**made, "status": "open"}
    missing = client.send("POST", "/checkout", {"item": "nothing"})
    assert (missing.status, missing.reason) == (404, "There is no order 'none'.")


def test_a_behaviour_that_names_no_resource_is_told_the_nearest():
    api = Api.from_openapi(shop(), name="shop")
    api.behaviours["getOrder"] = lambda call: call.resource("order").list()  # type: ignore[index]
    exchange = Pipeline([api]).exchange(Request("GET", "/orders/1"))
    assert exchange.status == 500
    assert "API 'shop' has no resource 'order'; did you mean 'orders'?" in exchange.defect


# -- JSON Patch ---------------------------------------------------------------------------------------


def patchable() -> Client:
    document = shop()
    steps = {"type": "array", "items": {"type": "object", "required": ["op", "path"]}}
    document["paths"]["/orders/{orderId}"]["patch"]["requestBody"] = {
        "content": {"application/json-patch+json": {"schema": steps}}
    }
    document["paths"]["/orders/{orderId}"]["patch"]["responses"] |= {"400": MISSING, "409": MISSING}
    return Client(document)


def test_a_json_patch_changes_a_row():
    client = patchable()
    made = client.data("POST", "/orders", {"item": "tea", "quantity": 2, "note": "hot"})
    steps = [
        {"op": "test", "path": "/item", "value": "tea"},
        {"op": "replace", "path": "/item", "value": "mate"},
        {"op": "remove", "path": "/note"},
        {"op": "add", "path": "/created_at", "value": "2001-01-01T00:00:00Z"},
    ]
    exchange = client.send("PATCH", f"/orders/{made['id']}", steps, **{"content-type": "application/json-patch+json"})
    expected = {name: value for name, value in made.items() if name != "note"} | {"item": "mate"}
    read = client.data("GET", f"/orders/{made['id']}")
    assert exchange.status == 200
    assert {**read, "updated_at": None} == {**expected, "updated_at": None}


@pytest.mark.parametrize(
    ("step", "status", "message"),
    [
        ({"op": "test", "path": "/item", "value": "ale"}, 409, "The test of operation 0, test '/item' fails"),
        ({"op": "remove", "path": "/nothing"}, 400, "The patch leads nowhere: operation 0, remove '/nothing'."),
        ({"op": "add", "path": "/item"}, 400, "The patch leads nowhere: operation 0, add '/item'."),
    ],
)
def test_a_json_patch_that_cannot_be_done_changes_nothing(step, status, message):
    client = patchable()
    made = client.data("POST", "/orders", {"item": "tea"})
    exchange = client.send("PATCH", f"/orders/{made['id']}", [step], **{"content-type": "application/json-patch+json"})
    assert exchange.status == status
    assert exchange.reason.startswith(message)
    assert client.data("GET", f"/orders/{made['id']}") == made


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, st.text(max_size=2), VALUES)
def test_what_a_patch_adds_stands_there_and_can_be_taken_away_again(document, name, value):
    whole = {"document": document}
    pointer = pointer_of([name or "x", *(["0"] if isinstance(document, list) else [])][:1])
    added = patched(whole, [{"op": "add", "path": pointer, "value": value}])
    assert added[name or "x"] == value
    again = patched(added, [{"op": "remove", "path": pointer}])
    assert (name or "x") not in again
    assert whole == {"document": document}, "the document itself is not changed"
    if (name or "x") != "document":
        assert again == whole


@given(st.lists(VALUES, max_size=4), VALUES, st.integers(0, 4))
def test_a_patch_of_a_list_puts_an_item_where_it_says(items, value, place):
    steps = [{"op": "add", "path": f"/{place}", "value": value}]
    if place > len(items):
        with pytest.raises(Problem):
            patched(items, steps)
        return
    assert patched(items, steps) == [*items[:place], value, *items[place:]]
    assert patched(patched(items, steps), [{"op": "move", "from": f"/{place}", "path": "/-"}]) == [*items, value]
