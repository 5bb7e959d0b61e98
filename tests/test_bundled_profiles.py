"""The two bundled profiles: a shop and a ticket tracker, each a document and a page of YAML, and no Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from receiver import Receiver
from standardwebhooks import Webhook

from mockserver import Mock, Session
from mockserver.apis import load_api
from mockserver.data import bundled_file
from mockserver.messages import Request
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.scenarios import load_scenario
from mockserver.settings import Settings

SECRET = "whsec_c2hvcC1tb2Nrc2VydmVyLXNpZ25pbmctc2VjcmV0"
START = "2026-01-01T12:00:00Z"


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(apis=["shop", "tickets"]) as session:
        yield session


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def client_of(mock: Mock, api: str, **headers: str) -> httpx.Client:
    """A client of one API, with a key of the sandbox."""
    keys = {"authorization": f"Bearer {mock.api_key}"} if api == "shop" else {"x-api-key": "full-key"}
    return httpx.Client(base_url=mock.base_url(api), headers={**keys, **headers})


@pytest.fixture
def shop(session: Session) -> Iterator[tuple[Mock, httpx.Client]]:
    with session.sandbox(api="shop", clock=START) as mock, client_of(mock, "shop") as client:
        yield mock, client


@pytest.fixture
def tickets(session: Session) -> Iterator[tuple[Mock, httpx.Client]]:
    with session.sandbox(api="tickets", clock=START) as mock, client_of(mock, "tickets") as client:
        yield mock, client


Shop = tuple[Mock, httpx.Client]


def order(client: httpx.Client, **more: Any) -> Any:
    item = client.post("/items", json={"name": "Green tea", "price": 450}).json()
    response = client.post("/orders", json={"item_id": item["id"], **more})
    assert response.status_code == 201, response.text
    return response.json()


def test_a_checkout_survives_everything_at_once(session: Session, receiver: Receiver) -> None:
    with session.sandbox(api="shop", scenario="checkout") as mock, client_of(mock, "shop") as client:
        made = client.post("/orders", json={"item_id": "itm_4f7a2c91", "callback_url": receiver.url}).json()
        pay, key = f"/orders/{made['id']}/pay", {"Idempotency-Key": "pay-1"}
        declined = client.post(pay, json={"paid_with": "card"}, headers={"Idempotency-Key": "pay-0"})
        assert (declined.status_code, declined.json()["error"]["message"]) == (402, "The card was declined.")
        with pytest.raises(httpx.TransportError):
            client.post(pay, json={"paid_with": "invoice"}, headers=key)
        paid = client.post(pay, json={"paid_with": "invoice"}, headers=key)
        assert paid.json()["status"] == "paid" and paid.headers["idempotent-replayed"] == "true"
        mock.webhooks.assert_sent("order.paid", times=2)
        mock.clock.advance("1h")
        mock.webhooks.assert_sent("order.shipped", times=2)
        assert [body["data"]["status"] for body in receiver.bodies] == ["paid", "paid", "shipped", "shipped"]
        assert client.get(f"/orders/{made['id']}").json()["status"] == "shipped"
        assert client.post(f"/orders/{made['id']}/cancel").status_code == 409
        assert mock.unmet == [] and mock.unfired == []


def test_a_new_order_waits_for_its_payment_and_tells_its_charge(shop: Shop) -> None:
    mock, client = shop
    made = order(client, quantity=3)
    assert (made["status"], made["quantity"], made["credits"]) == ("open", 3, {"consumed": 2})
    assert client.get(f"/orders/{made['id']}").json()["id"] == made["id"]
    assert mock.credits.consumed == 2


def test_a_lost_billing_write_leaves_null(shop: Shop) -> None:
    mock, client = shop
    rule = {"id": "l", "op": "createOrder", "fault": {"billing_write": "lost"}}
    mock.scenario({"version": 1, "name": "l", "api": "shop", "rules": [rule]})
    assert order(client)["credits"] == {"consumed": None}
    assert mock.credits.consumed == 0


def test_without_credits_no_order_is_made(shop: Shop) -> None:
    mock, client = shop
    mock.credits.set(1)
    item = client.post("/items", json={"name": "Green tea", "price": 450}).json()
    response = client.post("/orders", json={"item_id": item["id"]})
    assert response.status_code == 402 and response.json()["error"]["code"] == "payment_required"
    assert client.get("/orders").json() == {"data": [], "total": 0}


def test_a_key_that_is_used_again_gets_the_response_that_it_had(shop: Shop) -> None:
    mock, client = shop
    item = client.post("/items", json={"name": "Green tea", "price": 450}).json()
    key = {"Idempotency-Key": "k1"}
    first = client.post("/orders", json={"item_id": item["id"]}, headers=key)
    again = client.post("/orders", json={"item_id": item["id"]}, headers=key)
    assert again.content == first.content and again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    assert client.get("/orders").json()["total"] == 1 and mock.credits.consumed == 2
    other = client.post("/orders", json={"item_id": item["id"], "quantity": 2}, headers=key)
    assert other.status_code == 409 and "used for another request" in other.json()["error"]["message"]
    mock.clock.advance("24h")
    assert "idempotent-replayed" not in client.post("/orders", json={"item_id": item["id"]}, headers=key).headers
    assert client.get("/orders").json()["total"] == 2


def test_an_error_is_not_kept_for_a_key(shop: Shop) -> None:
    mock, client = shop
    item = client.post("/items", json={"name": "Green tea", "price": 450}).json()
    mock.credits.set(0)
    key = {"Idempotency-Key": "k1"}
    assert client.post("/orders", json={"item_id": item["id"]}, headers=key).status_code == 402
    mock.credits.set(10)
    assert client.post("/orders", json={"item_id": item["id"]}, headers=key).status_code == 201


def test_each_limit_counts_and_the_tightest_one_tells(shop: Shop) -> None:
    mock, client = shop
    item = client.post("/items", json={"name": "Green tea", "price": 450}).json()
    response = client.post("/orders", json={"item_id": item["id"]})
    assert response.headers["ratelimit-policy"] == '"minute";q=100;w=60, "day";q=1000;w=86400'
    assert response.headers["ratelimit"] == '"minute";r=98;t=60, "day";r=999;t=86400'
    for _ in range(98):
        client.get("/items")
    refused = client.get("/items")
    assert refused.status_code == 429 and refused.headers["retry-after"] == "60"
    mock.clock.advance("60s")
    assert client.get("/items").status_code == 200
    limits = httpx.get(f"{mock.base_url().partition('/~')[0]}/__admin/sandboxes/{mock.name}/limits").json()["limits"]
    assert [limit["window"] for limit in limits if limit["operation"] == "createOrder"] == [60, 86_400]


def test_a_request_that_one_limit_refuses_counts_in_none(shop: Shop) -> None:
    mock, client = shop
    item = client.post("/items", json={"name": "Green tea", "price": 450}).json()
    for _ in range(99):
        client.get("/items")
    assert client.post("/orders", json={"item_id": item["id"]}).status_code == 429
    mock.clock.advance("60s")
    assert '"day";r=999;' in client.post("/orders", json={"item_id": item["id"]}).headers["ratelimit"]


def test_a_webhook_of_the_shop_is_signed(shop: Shop, receiver: Receiver) -> None:
    mock, client = shop
    made = order(client, callback_url=receiver.url)
    client.post(f"/orders/{made['id']}/pay", json={"paid_with": "card"})
    mock.webhooks.assert_sent("order.paid")
    ((_, headers, content),) = receiver.requests
    mock.clock.now()
    timestamp = int(headers["webhook-timestamp"])
    assert timestamp == 1767268800, "signed by the test clock"
    expected = Webhook(SECRET).sign(
        headers["webhook-id"], parsedate_to_datetime("Thu, 01 Jan 2026 12:00:00 GMT"), content.decode()
    )
    assert headers["webhook-signature"] == expected


def test_each_tenant_of_the_path_has_tickets_of_its_own(tickets: Shop) -> None:
    _, client = tickets
    made = client.post("/tenants/acme/tickets", json={"title": "The door squeaks"}).json()
    assert client.get(f"/tenants/acme/tickets/{made['number']}").status_code == 200
    assert client.get(f"/tenants/other/tickets/{made['number']}").status_code == 404
    assert client.get("/tenants/other/tickets").json() == {"results": [], "next_cursor": None}


def test_each_tenant_has_a_limit_of_its_own_and_a_date_to_come_back(tickets: Shop) -> None:
    _, client = tickets
    statuses = [client.get("/tenants/acme/tickets").status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    refused = client.get("/tenants/acme/tickets")
    assert parsedate_to_datetime(refused.headers["retry-after"]).year == 2026
    assert client.get("/tenants/other/tickets").status_code == 200


def test_pages_follow_each_other_by_cursor(tickets: Shop) -> None:
    _, client = tickets
    made = [client.post("/tenants/acme/tickets", json={"title": f"t{n}"}).json()["number"] for n in range(5)]
    seen, cursor = [], None
    while True:
        page = client.get("/tenants/acme/tickets", params={"first": 2, **({"after": cursor} if cursor else {})}).json()
        seen += [ticket["number"] for ticket in page["results"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_an_entity_tag_guards_a_change(tickets: Shop) -> None:
    _, client = tickets
    made = client.post("/tenants/acme/tickets", json={"title": "The door squeaks"})
    path, tag = f"/tenants/acme/tickets/{made.json()['number']}", made.headers["etag"]
    assert client.get(path).headers["etag"] == tag
    known = client.get(path, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    merge = {"content-type": "application/merge-patch+json"}
    changed = client.patch(path, json={"state": "closed"}, headers={**merge, "If-Match": tag})
    assert changed.status_code == 200 and changed.headers["etag"] != tag
    late = client.patch(path, json={"state": "open"}, headers={**merge, "If-Match": tag})
    assert late.status_code == 412 and client.get(path).json()["state"] == "closed"
    assert client.delete(path, headers={"If-Match": tag}).status_code == 412
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert client.delete(path, headers={"If-Match": changed.headers["etag"]}).status_code == 204


def test_a_key_may_do_what_the_profile_says(tickets: Shop) -> None:
    mock, _ = tickets
    with client_of(mock, "tickets", **{"x-api-key": "read-key"}) as reader:
        assert reader.get("/tenants/acme/tickets").status_code == 200
        assert reader.post("/tenants/acme/tickets", json={"title": "x"}).status_code == 403
    with client_of(mock, "tickets", **{"x-api-key": "stranger"}) as stranger:
        assert stranger.get("/tenants/acme/tickets").status_code == 401


def test_latency_passes_on_the_test_clock(tickets: Shop) -> None:
    mock, client = tickets
    before = mock.clock.now()
    client.get("/tenants/acme/tickets/1")
    assert mock.clock.now() - before == pytest.approx(0.02)
    (entry,) = mock.requests
    assert entry.data["faults"] == []


def test_comments_belong_to_their_ticket(tickets: Shop) -> None:
    _, client = tickets
    one, two = (client.post("/tenants/acme/tickets", json={"title": t}).json()["number"] for t in ("a", "b"))
    comment = client.post(f"/tenants/acme/tickets/{one}/comments", json={"text": "I have oiled it."}).json()
    assert client.get(f"/tenants/acme/tickets/{one}/comments").json()["results"] == [comment]
    assert client.get(f"/tenants/acme/tickets/{two}/comments").json()["results"] == []
    assert client.post(f"/tenants/acme/tickets/{one}/close").json()["state"] == "closed"


@pytest.mark.parametrize("name", ["shop", "tickets"])
def test_a_bundled_profile_is_without_a_fault(name: str) -> None:
    api = load_api(name)
    assert api.contract.faults == [] and not api.behaviours


def test_an_order_that_is_made_twice_after_a_lost_response_is_a_duplicate(shop: Shop) -> None:
    mock, client = shop
    rule = {"id": "lost", "op": "createItem", "when": {"call": 1}, "fault": {"reset": "after_commit"}}
    mock.scenario({"version": 1, "name": "lost", "api": "shop", "rules": [rule]})
    with pytest.raises(httpx.TransportError):
        client.post("/items", json={"name": "Green tea", "price": 450})
    client.post("/items", json={"name": "Green tea", "price": 450})
    with pytest.raises(AssertionError, match="carried out 2 times"):
        mock.retries.assert_no_duplicates()


def story(pipeline: Pipeline) -> list[Any]:
    """What the shop and the tickets answer to everything that a store has to keep."""
    sandbox = pipeline.sandbox
    sandbox.use(load_scenario(str(bundled_file("scenarios", "shop") / "checkout.yaml"), pipeline.apis))
    told: list[Any] = []

    def send(method: str, path: str, data: Any = None, **headers: str) -> Any:
        sent = {"authorization": "Bearer k", "x-api-key": "full-key", "host": "h"} | headers
        content = b"" if data is None else json.dumps(data).encode()
        if data is not None:
            sent.setdefault("content-type", "application/json")
        path, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in sent.items()}
        exchange = pipeline.exchange(Request(method, path, query, named, content))
        response = exchange.response
        assert response is not None and not exchange.defect, exchange.defect
        told.append((exchange.status, response.content, sorted(response.headers.items())))
        return response

    made = send("POST", "/shop/v1/orders", {"item_id": "itm_4f7a2c91"}, idempotency_key="a").data
    send("POST", "/shop/v1/orders", {"item_id": "itm_4f7a2c91"}, idempotency_key="a")
    send("POST", "/shop/v1/orders", {"item_id": "itm_4f7a2c91", "quantity": 2}, idempotency_key="a")
    for _ in range(3):
        send("POST", f"/shop/v1/orders/{made['id']}/pay", {"paid_with": "card"}, idempotency_key="b")
    sandbox.clock.advance(3600)
    send("GET", f"/shop/v1/orders/{made['id']}")
    send("POST", f"/shop/v1/orders/{made['id']}/cancel")
    ticket = send("POST", "/tickets/api/tenants/acme/tickets", {"title": "t"})
    path, tag = f"/tickets/api/tenants/acme/tickets/{ticket.data['number']}", ticket.headers["etag"]
    send("GET", path, if_none_match=tag)
    merge = {"content_type": "application/merge-patch+json"}
    send("PATCH", path, {"state": "closed"}, if_match=tag, **merge)
    send("PATCH", path, {"state": "open"}, if_match=tag, **merge)
    send("GET", "/tickets/api/tenants/acme/tickets?first=1")
    told.append(sandbox.store.snapshot())
    return told


def test_redis_and_memory_answer_the_same_to_the_byte(redis_server: Any) -> None:
    stories = []
    for state in ("memory", f"{redis_server.url}?prefix=profiles"):
        stories.append(story(build(Settings(apis=("shop", "tickets"), state=state))))
    assert stories[0] == stories[1]
