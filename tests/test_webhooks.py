"""Webhooks and callbacks: sent when their operation succeeded, by a rule or on demand, signed, sent again after a
failure on the test clock, and each attempt in the journal."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from receiver import Receiver
from standardwebhooks import Webhook as StandardWebhook
from test_resources import ORDER, ROW, answer, body, shop

from mockserver import Mock, Session, Settings
from mockserver.apis import Api
from mockserver.apis.webhooks import Signature, Webhook, standard_webhooks
from mockserver.cli.webhooks import webhook as webhook_command
from mockserver.contract.load import contract_of
from mockserver.errors import UserError
from mockserver.text.templates import compile_template

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def document() -> dict[str, Any]:
    """The shop, with a webhook, and a callback to a URL that an order brings."""
    made = shop()
    made["openapi"] = "3.1.0"
    made["components"]["schemas"]["Order"] = {**ORDER, "required": ["item"]}
    done = {"200": {"description": "It is taken."}}
    event = {
        "type": "object",
        "required": ["type", "data"],
        "properties": {"type": {"type": "string", "const": "order.paid"}, "data": ROW},
    }
    made["webhooks"] = {"order.paid": {"post": {"requestBody": body(event), "responses": done}}}
    made["paths"]["/orders"]["post"]["callbacks"] = {
        "shipped": {"{$request.body#/note}": {"post": {"requestBody": body(ROW), "responses": done}}}
    }
    made["paths"]["/orders/{orderId}/pay"] = {
        "parameters": made["paths"]["/orders/{orderId}"]["parameters"],
        "post": {"operationId": "payOrder", "responses": {"200": answer(ROW)}},
    }
    return made


class Served:
    """The shop in a session, its clock frozen."""

    def __init__(self, session: Session, mock: Mock) -> None:
        self.session, self.mock = session, mock
        self.url = mock.base_url("shop").partition("/~")[0]

    def post(self, path: str, data: Any = None) -> Any:
        response = httpx.post(f"{self.mock.base_url('shop')}{path}", json=data or {})
        assert response.status_code < 300, response.text
        return response.json()

    def order(self, **more: Any) -> Any:
        return self.post("/orders", {"item": "tea", **more})


def serve(webhooks: dict[str, Webhook] | None = None, **settings: Any) -> Iterator[Served]:
    api = Api.from_openapi(document(), name="shop", webhooks=webhooks or {})
    with Session(settings=Settings(**settings), apis=[api]) as session, session.sandbox(clock="frozen") as mock:
        yield Served(session, mock)


@pytest.fixture
def served() -> Iterator[Served]:
    yield from serve()


def test_a_callback_goes_to_the_url_that_the_request_brought(served: Served, receiver: Receiver) -> None:
    order = served.order(note=receiver.url)
    (delivery,) = served.mock.webhooks.assert_sent("createOrder.shipped")
    assert delivery["status"] == 200 and delivery["path"] == receiver.url
    assert receiver.bodies == [order]


def test_a_callback_without_a_url_is_not_sent(served: Served) -> None:
    served.order()
    served.mock.webhooks.assert_sent("createOrder.shipped", times=0)


def test_nothing_is_sent_to_a_host_that_was_not_named(served: Served) -> None:
    served.order(note="http://example.com/hooks")
    deliveries = served.mock.webhooks.deliveries()
    assert "example.com is neither loopback nor named; allow it with --callback-host" in deliveries[0]["reason"]
    assert deliveries[0]["response"] is None


def test_a_named_host_is_allowed(receiver: Receiver) -> None:
    for served in serve(callback_hosts=("hooks.example",)):
        pipeline = served.session._pipeline
        assert pipeline is not None and pipeline.deliveries.target("https://hooks.example/a?b=1").path == "/a?b=1"


def test_a_webhook_is_sent_again_on_the_test_clock_until_it_is_taken(served: Served, receiver: Receiver) -> None:
    receiver.statuses = [503, 500]
    served.order(note=receiver.url)
    (first,) = served.mock.webhooks.deliveries()
    assert first["reason"] == "attempt 1 of 3 failed: 127.0.0.1 answered 503; the next attempt is due in 5 s"
    served.mock.clock.advance("4s")
    served.mock.webhooks.assert_sent("createOrder.shipped", times=1)
    served.mock.clock.advance("1s")
    served.mock.webhooks.assert_sent("createOrder.shipped", times=2)
    served.mock.clock.advance("10s")
    deliveries = served.mock.webhooks.assert_sent("createOrder.shipped", times=3)
    assert [delivery["status"] for delivery in deliveries] == [503, 500, 200]
    assert [delivery["attempt"] for delivery in deliveries] == [1, 2, 3]
    assert not served.mock.webhooks.waiting
    assert not served.mock.retries.verdicts, "the client has retried nothing"


def test_a_webhook_that_nobody_takes_is_given_up(served: Served, receiver: Receiver) -> None:
    receiver.statuses = [500] * 9
    served.order(note=receiver.url)
    served.mock.webhooks.wait()
    for _ in range(5):
        served.mock.clock.advance("1h")
        served.mock.webhooks.wait()
    deliveries = served.mock.webhooks.assert_sent("createOrder.shipped", times=3)
    assert deliveries[-1]["reason"].endswith("it is given up")


def test_a_receiver_that_is_down_is_told_in_the_journal(served: Served, receiver: Receiver) -> None:
    receiver.close()
    served.order(note=receiver.url)
    (delivery,) = served.mock.webhooks.deliveries()
    assert delivery["status"] == 0 and "Connection refused" in delivery["reason"]


def test_a_rule_sends_a_webhook_whose_body_the_document_describes(served: Served, receiver: Receiver) -> None:
    then = {"webhook": "order.paid", "to": receiver.url, "after": "2s"}
    served.mock.scenario(
        {
            "version": 1,
            "name": "paid",
            "api": "shop",
            "clock": {"mode": "frozen"},
            "rules": [{"id": "paid", "op": "payOrder", "then": then}],
        }
    )
    order = served.order()
    served.post(f"/orders/{order['id']}/pay")
    served.mock.webhooks.wait()
    assert not receiver.requests
    assert served.mock.webhooks.waiting[0]["by"].startswith("rule 'paid'")
    served.mock.clock.advance("2s")
    served.mock.webhooks.assert_sent("order.paid")
    (sent,) = receiver.bodies
    assert sent["type"] == "order.paid" and sent["data"]["id"] == order["id"]


@pytest.mark.parametrize(
    ("fault", "count"), [({"twice": True}, 2), ({"lost": True}, 0), ({"late": "5s"}, 0), ({"reversed": True}, 1)]
)
def test_a_webhook_is_twice_lost_or_late_when_a_rule_says_so(
    served: Served, receiver: Receiver, fault: dict[str, Any], count: int
) -> None:
    rule = {"id": "f", "op": "createOrder", "fault": {"webhooks": fault}}
    served.mock.scenario({"version": 1, "name": "f", "api": "shop", "clock": {"mode": "frozen"}, "rules": [rule]})
    served.order(note=receiver.url)
    served.mock.webhooks.wait()
    assert len(receiver.requests) == count
    served.mock.clock.advance("5s")
    served.mock.webhooks.wait()
    assert len(receiver.requests) == count + ("late" in fault)


def test_webhooks_arrive_in_the_wrong_order_when_a_rule_says_so(receiver: Receiver) -> None:
    to = compile_template(receiver.url)
    on = frozenset(["createOrder"])
    webhooks = {name: Webhook(name, to=to, on=on, after=after) for name, after in (("first", 1.0), ("second", 2.0))}
    rule = {"id": "f", "op": "createOrder", "when": {"call": 2}, "fault": {"webhooks": {"reversed": True}}}
    for served in serve(webhooks):
        served.mock.scenario({"version": 1, "name": "f", "api": "shop", "clock": {"mode": "frozen"}, "rules": [rule]})
        orders = []
        for _ in range(2):
            served.order()
            served.mock.clock.advance("1s")
            served.mock.webhooks.wait()
            served.mock.clock.advance("1s")
            orders.append([entry["operation"] for entry in served.mock.webhooks.deliveries()[-2:]])
        assert orders == [["webhook first", "webhook second"], ["webhook second", "webhook first"]]


def test_a_signature_of_standard_webhooks_is_one_to_its_own_library(receiver: Receiver) -> None:
    webhook = Webhook(
        "paid", to=compile_template(receiver.url), on=frozenset(["createOrder"]), signature=standard_webhooks(SECRET)
    )
    rule = {"id": "f", "op": "createOrder", "when": {"call": 2}, "fault": {"webhooks": {"wrong_signature": True}}}
    for served in serve({"paid": webhook}):
        served.mock.scenario({"version": 1, "name": "f", "api": "shop", "rules": [rule]})
        order = served.order()
        served.mock.webhooks.wait()
        _, headers, content = receiver.requests[0]
        assert StandardWebhook(SECRET).verify(content, headers)["id"] == order["id"]
        served.order()
        served.mock.webhooks.wait()
        _, headers, content = receiver.requests[1]
        with pytest.raises(Exception, match="No matching signature"):
            StandardWebhook(SECRET).verify(content, headers)


def test_a_signature_has_the_form_that_the_vendor_gives_it() -> None:
    signature = Signature("Stripe-Signature", b"s", signed="{timestamp}.{body}", form="t={timestamp},v1={signature}")
    made = signature.headers("msg_1", 1000, b"{}")
    expected = hmac.new(b"s", b"1000.{}", hashlib.sha256).hexdigest()
    assert made == {"Stripe-Signature": f"t=1000,v1={expected}"}


def test_a_webhook_is_sent_on_demand(served: Served, receiver: Receiver) -> None:
    sent = served.mock.webhooks.send("order.paid", to=receiver.url)
    served.mock.webhooks.assert_sent("order.paid")
    assert receiver.bodies == [sent["data"]] and sent["data"]["type"] == "order.paid"
    served.mock.webhooks.send("order.paid", {"type": "order.paid"}, to=receiver.url)
    deliveries = served.mock.webhooks.deliveries("order.paid")
    assert deliveries[-1]["violations"][0]["pointer"] == "/data", "what breaks the contract is told"


@pytest.mark.parametrize(
    ("name", "to", "message"),
    [
        ("order.payed", "http://127.0.0.1/", "did you mean 'order.paid'?"),
        ("order.paid", None, "say it in `to`"),
        ("order.paid", "http://example.com/", "--callback-host example.com"),
        ("order.paid", "ftp://127.0.0.1/", "is no http or https URL"),
    ],
)
def test_what_cannot_be_sent_is_told_at_once(served: Served, name: str, to: str | None, message: str) -> None:
    with pytest.raises(UserError) as caught:
        served.mock.webhooks.send(name, to=to)
    assert message in str(caught.value)


def test_the_command_sends_and_lists(served: Served, receiver: Receiver) -> None:
    run = CliRunner().invoke
    options = ["--url", served.url, "--sandbox", served.mock.name]
    sent = run(webhook_command, ["send", "order.paid", "--to", receiver.url, "--after", "3s", *options])
    assert sent.exit_code == 0 and sent.output.startswith(f"order.paid to {receiver.url} at "), sent.output
    listed = run(webhook_command, ["list", *options]).output
    assert "shop  createOrder.shipped  after createOrder" in listed
    assert f"webhook order.paid to {receiver.url}  (the admin API)" in listed


def test_what_waits_is_part_of_a_snapshot(served: Served, receiver: Receiver) -> None:
    served.mock.webhooks.send("order.paid", to=receiver.url, after="3s")
    kept = served.mock.state.snapshot()
    served.mock.reset()
    assert not served.mock.webhooks.waiting
    served.mock.state.restore(kept)
    assert len(served.mock.webhooks.waiting) == 1
    row = kept["tables"]["scheduled"][""][0]
    row["task"]["on"] = "nothing"
    with pytest.raises(UserError, match="cannot be done: webhook nothing"):
        served.mock.state.restore(kept)


def test_the_document_tells_its_webhooks_and_callbacks() -> None:
    contract = contract_of(document(), "shop")
    assert list(contract.webhooks) == ["order.paid"]
    (callback,) = contract.callbacks(contract.operations["createOrder"])
    assert (callback.name, callback.method, callback.url) == ("shipped", "POST", "{$request.body#/note}")
