"""A list that answers a stream sends the rows that were created: JSON lines and server-sent events, by `itemSchema` or
by the schema of a line; and a rule streams what an expression makes of the state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from test_resources import ORDER, ROW, answer, body, query

from mockserver import Mock, Session
from mockserver.apis import Api
from mockserver.contract.events import read_events
from mockserver.errors import UserError

EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {"event": {"type": "string", "const": "order"}, "data": ROW},
}
EDGE = {
    "type": "object",
    "required": ["cursor", "node"],
    "properties": {"cursor": {"type": "string"}, "node": ROW},
}
NEW = {"type": "object", "required": ["item"], "properties": {"item": {"type": "string"}}}
PAGE = {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": ROW}}}
LIMIT = [query("limit", "integer", default=50), query("status")]


def listing(id: str, content: dict[str, Any]) -> Api:
    """An API whose orders are listed with this content."""
    ok = {"description": "The orders.", "content": content}
    create = {"operationId": "createOrder", "requestBody": body(NEW), "responses": {"201": answer(ROW)}}
    orders = {"get": {"operationId": "listOrders", "parameters": LIMIT, "responses": {"200": ok}}, "post": create}
    document = {
        "openapi": "3.2.0",
        "info": {"title": "Orders", "version": "1"},
        "paths": {"/orders": orders},
        "components": {"schemas": {"Order": ORDER}},
    }
    return Api.from_openapi(document, name=id)


CONTENTS: dict[str, dict[str, Any]] = {
    "lines": {"application/x-ndjson": {"itemSchema": ROW}},
    "line": {"application/x-ndjson": {"schema": ROW}},
    "array": {"application/jsonl": {"schema": {"type": "array", "items": ROW}}},
    "events": {"text/event-stream": {"itemSchema": ROW}},
    "named": {"text/event-stream": {"itemSchema": EVENT}},
    "edges": {"application/x-ndjson": {"itemSchema": EDGE}},
    "either": {"application/json": {"schema": PAGE}, "application/x-ndjson": {"schema": ROW}},
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(apis=[listing(name, content) for name, content in CONTENTS.items()]) as session:
        yield session


@pytest.fixture
def mock(session: Session, request: pytest.FixtureRequest) -> Iterator[Mock]:
    with session.sandbox(api=request.param, clock="frozen") as mock:
        yield mock


def listed(mock: Mock, name: str, query: str = "") -> list[Any]:
    """The rows of a list, without what an item has around them."""
    accept = "text/event-stream" if "text/event-stream" in CONTENTS[name] else "application/x-ndjson"
    response = httpx.get(f"{mock.base_url()}/orders{query}", headers={"accept": f"{accept}, application/jsonl"})
    assert response.status_code == 200, response.text
    if accept == "text/event-stream":
        items = read_events(response.content, as_events=name == "named")
    else:
        items = [orjson.loads(line) for line in response.content.splitlines()]
    if name == "named":
        return [orjson.loads(item["data"]) for item in items]
    return [item.get("node", item) for item in items]


def create(mock: Mock, item: str) -> Any:
    return httpx.post(f"{mock.base_url()}/orders", json={"item": item}).json()


@pytest.mark.parametrize(("mock", "name"), [(name, name) for name in CONTENTS], indirect=["mock"], ids=list(CONTENTS))
def test_a_list_streams_the_rows_newest_first(mock: Mock, name: str) -> None:
    first, second = create(mock, "hat"), create(mock, "scarf")
    assert listed(mock, name) == [second, first]
    assert listed(mock, name, "?limit=1") == [second]
    assert not [entry for entry in mock.requests if entry.violations]


@pytest.mark.parametrize("mock", ["lines"], indirect=True)
def test_a_list_that_nobody_touched_streams_the_sample_and_keeps_it(mock: Mock) -> None:
    before = listed(mock, "lines")
    assert len(before) == 1 and listed(mock, "lines") == before
    made = create(mock, "hat")
    assert listed(mock, "lines") == [made, *before]


@pytest.mark.parametrize("mock", ["either"], indirect=True)
def test_the_same_rows_are_a_document_to_who_accepts_that(mock: Mock) -> None:
    made = create(mock, "hat")
    assert httpx.get(f"{mock.base_url()}/orders").json()["data"] == [made] == listed(mock, "either")


def rule(items: Any, **more: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "s",
        "api": "lines",
        "rules": [{"id": "r", "op": "listOrders", "stream": {"items": items}, **more}],
    }


@pytest.mark.parametrize("mock", ["lines"], indirect=True)
def test_a_rule_streams_what_an_expression_makes_of_the_state(mock: Mock) -> None:
    first, second = create(mock, "hat"), create(mock, "scarf")
    mock.scenario(rule({"$state": "orders"}))
    first, second = create(mock, "hat"), create(mock, "scarf")
    assert listed(mock, "lines") == [second, first]
    mock.scenario(rule({"$map": {"$state": "orders"}, "each": {"$merge": [{"$item": ""}, {"note": "seen"}]}}))
    made = create(mock, "hat")
    assert listed(mock, "lines") == [{**made, "note": "seen"}]


@pytest.mark.parametrize("mock", ["lines"], indirect=True)
def test_items_that_make_no_list_are_told(mock: Mock) -> None:
    with pytest.raises(UserError, match=r"items of a stream must be a list, or an expression that makes one"):
        mock.scenario(rule({"item": "hat"}))
    with pytest.raises(UserError, match=r"has no table 'order'.*orders"):
        mock.scenario(rule({"$state": "order"}))
    mock.scenario(rule({"$now": "iso"}))
    assert httpx.get(f"{mock.base_url()}/orders").status_code == 500
    assert "the items of a stream must be a list" in mock.requests[-1].data["defect"]
    mock.reset()
