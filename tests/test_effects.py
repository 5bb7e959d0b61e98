"""Rules with values and effects: a scripted response says what the request said, and a rule changes rows, sets flags
and does so later, so that a scenario is a small state machine."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest
from test_resources import Client, shop

from mockserver.errors import UserError
from mockserver.messages import Exchange, Request
from mockserver.sandbox import schedule
from mockserver.sandbox.expectations import unfired
from mockserver.scenarios.load import parse_scenario


class Shop(Client):
    """The shop with a scenario, its clock frozen."""

    def __init__(self, rules: str, head: str = "", **extras: Any) -> None:
        super().__init__(shop(), **extras)
        self.use(rules, head)

    def use(self, rules: str, head: str = "") -> None:
        text = "version: 1\nname: s\napi: shop\nclock: {start: '2026-01-01T00:00:00Z', mode: frozen}\n"
        text += f"{textwrap.dedent(head)}rules:\n{textwrap.indent(textwrap.dedent(rules), '  ')}"
        self.pipeline.sandbox.use(parse_scenario(text, self.pipeline.apis, file="s.yaml"))

    def order(self, **more: Any) -> Any:
        return self.data("POST", "/orders", {"item": "tea", **more})

    def failed(self, method: str, path: str, data: Any = None) -> Exchange:
        """An exchange that fails for a defect of the scenario."""
        content = b"" if data is None else json.dumps(data).encode()
        headers = {"content-type": "application/json"} if content else {}
        exchange = self.pipeline.exchange(Request(method, path, "", headers, content))
        assert exchange.status == 500
        return exchange


def refused(rules: str) -> str:
    with pytest.raises(UserError) as caught:
        Shop(rules)
    return str(caught.value)


def test_a_response_says_what_the_request_said() -> None:
    client = Shop(
        """\
        - id: taken
          op: createOrder
          reply:
            status: 201
            headers: {Location: {$concat: [/orders/, {$request: body#/item}]}}
            body:
              id: {$id: orders}
              item: {$request: body#/item}
              quantity: {$add: [{$default: [{$request: body#/quantity}, 1]}, 1]}
              created_at: {$now: }
        """
    )
    exchange = client.send("POST", "/orders", {"item": "tea", "quantity": 4})
    assert exchange.response is not None and exchange.response.headers["location"] == "/orders/tea"
    said = exchange.response.data
    assert said["item"] == "tea" and said["quantity"] == 5 and said["created_at"] == "2026-01-01T00:00:00.000Z"
    assert said["id"].startswith("ord_")


def test_an_error_for_one_id_is_one_line() -> None:
    client = Shop("- {id: gone, op: getOrder, when: {path: {orderId: '99'}}, reply: not_found}")
    assert client.send("GET", "/orders/99").status == 404
    assert client.send("GET", "/orders/98").status == 200


def test_a_rule_for_a_value_of_the_path_is_explained_when_it_did_not_act() -> None:
    client = Shop("- {id: gone, op: getOrder, when: {path: {orderId: '99'}}, reply: not_found}")
    client.send("GET", "/orders/98")
    (never,) = unfired(client.pipeline.sandbox)
    assert [str(difference) for difference in never.differences] == ['path.orderId: expected "99", found "98"']


def test_a_member_of_the_real_response_is_replaced_by_a_value() -> None:
    client = Shop("- {id: noted, op: getOrder, set: {/note: {$concat: [order , {$request: path.orderId}]}}}")
    order = client.order()
    assert client.data("GET", f"/orders/{order['id']}")["note"] == f"order{order['id']}"


def test_a_rule_changes_a_row_at_once() -> None:
    client = Shop("- {id: pay, op: patchOrder, then: {patch: {orders: {id: {$request: path.orderId}, status: paid}}}}")
    order = client.order()
    client.data("PATCH", f"/orders/{order['id']}", {"note": "please"})
    row = client.data("GET", f"/orders/{order['id']}")
    assert (row["note"], row["status"]) == ("please", "paid")


def test_an_order_is_paid_by_itself_after_a_time() -> None:
    client = Shop(
        """\
        - id: pays
          op: createOrder
          then:
            after: 3s
            patch: {orders: {id: {$response: body#/id}, status: paid, updated_at: {$now: }}}
        """
    )
    order, path = client.order(), "/orders/"
    clock = client.pipeline.sandbox.clock
    clock.advance(2)
    assert client.data("GET", path + order["id"])["status"] != "paid"
    clock.advance(1)
    row = client.data("GET", path + order["id"])
    assert (row["status"], row["updated_at"]) == ("paid", "2026-01-01T00:00:03.000Z")
    assert not schedule.pending(client.pipeline.sandbox.store)


def test_what_is_due_is_seen_by_who_looks_at_the_state_too() -> None:
    client = Shop("- {id: p, op: createOrder, then: {after: 3s, delete: {orders: {$response: body#/id}}}}")
    client.order()
    client.pipeline.sandbox.clock.advance(5)
    client.pipeline.sandbox.settle()
    assert client.pipeline.sandbox.store.rows("orders") == []


def test_flags_make_a_scenario_a_small_state_machine() -> None:
    client = Shop(
        """\
        - {id: ship, op: patchOrder, then: [{flag: shipped}, {unflag: shipped, after: 1m}]}
        - {id: too-late, op: cancelOrder, when: {flag: shipped}, reply: conflict, violates: not declared}
        - {id: in-time, op: cancelOrder, when: {no_flag: shipped}, set: {/note: in time}}
        """
    )
    order = client.order()
    cancel = f"/orders/{order['id']}/cancel"
    assert client.data("POST", cancel)["note"] == "in time"
    client.send("PATCH", f"/orders/{order['id']}", {"note": "x"})
    assert client.send("POST", cancel).status == 409
    client.pipeline.sandbox.clock.advance(60)
    assert client.data("POST", cancel)["note"] == "in time"


def test_a_rule_puts_rows_and_deletes_them() -> None:
    client = Shop(
        """\
        - {id: gift, op: createOrder, then: {put: {orders: {id: ord_gift, item: a gift, note: free}}}}
        - {id: gone, op: cancelOrder, then: {delete: {orders: ord_gift}}}
        """
    )
    order = client.order()
    assert client.data("GET", "/orders/ord_gift")["item"] == "a gift"
    client.send("POST", f"/orders/{order['id']}/cancel")
    assert client.send("GET", "/orders/ord_gift").status == 404


def test_what_follows_from_an_error_does_not_happen() -> None:
    client = Shop("- {id: f, op: getOrder, then: {flag: seen}}", unknown_ids="404")
    assert client.send("GET", "/orders/1").status == 404
    assert not client.pipeline.sandbox.world.has_flag("seen")


def test_what_follows_from_a_response_of_the_rule_happens_even_if_that_is_an_error() -> None:
    client = Shop("- {id: f, op: getOrder, reply: not_found, then: {flag: seen}}")
    assert client.send("GET", "/orders/1").status == 404
    assert client.pipeline.sandbox.world.has_flag("seen")


def test_a_snapshot_holds_what_is_to_come() -> None:
    client = Shop("- {id: p, op: createOrder, then: {after: 3s, delete: {orders: {$response: body#/id}}}}")
    client.order()
    store = client.pipeline.sandbox.store
    kept = store.snapshot()
    client.pipeline.sandbox.clock.advance(5)
    client.pipeline.sandbox.settle()
    store.restore(kept)
    assert len(store.rows("orders")) == 1 == len(schedule.pending(store))


def test_the_same_seed_draws_the_same() -> None:
    rule = "- {id: r, op: getOrder, set: {/quantity: {$random: [1, 1000]}, /note: {$faker: city}}}"
    drawn = []
    for _ in range(2):
        client = Shop(rule, "seed: 7\n")
        rows = [client.data("GET", "/orders/1") for _ in range(5)]
        drawn.append([(row["quantity"], row["note"]) for row in rows])
    assert drawn[0] == drawn[1] and len(set(drawn[0])) > 1


def test_a_state_that_a_template_reads_is_there() -> None:
    client = Shop("- {id: s, op: cancelOrder, set: {/note: {$state: 'orders[orderId].item'}}}")
    order = client.order(item="coffee")
    assert client.data("POST", f"/orders/{order['id']}/cancel")["note"] == "coffee"


def test_a_template_that_leads_nowhere_is_a_500_that_names_the_rule_and_the_path() -> None:
    client = Shop("- {id: s, op: patchOrder, set: {/note: {$request: body#/note}}}")
    order = client.order()
    exchange = client.failed("PATCH", f"/orders/{order['id']}", {"item": "x"})
    assert exchange.defect == "rule 's' (s.yaml:6): $request at rules.0.set./note: the request has no body#/note"


def test_a_row_that_a_rule_breaks_is_left_as_it_was() -> None:
    client = Shop("- {id: b, op: patchOrder, then: {patch: {orders: {id: {$request: path.orderId}, status: lost}}}}")
    order = client.order()
    exchange = client.failed("PATCH", f"/orders/{order['id']}", {"note": "x"})
    assert "patch orders: status: " in exchange.defect
    client.pipeline.sandbox.drop_scenarios()
    assert client.data("GET", f"/orders/{order['id']}")["status"] != "lost"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("- {id: a, op: getOrder, when: {path: {orderID: 1}}, reply: not_found}", "no path has a variable 'orderID'"),
        ("- {id: a, op: createOrder, then: {patch: {order: {id: 1}}}}", "there is no table 'order'; did you mean 'ord"),
        ("- {id: a, op: createOrder, then: {patch: {orders: {status: paid}}}}", "named by its `id`"),
        ("- {id: a, op: createOrder, then: {webhook: paid}}", "there is no webhook 'paid'"),
        ("- {id: a, op: createOrder, then: {after: 3s}}", "does nothing; give it `put`"),
        ("- {id: a, op: getOrder, set: {/note: {$request: path.id}}}", "getOrder has no variable 'id'"),
        (
            "- {id: a, op: createOrder, reply: {status: 201, body: {$request: body#/itm}}}",
            "the body of createOrder has no 'itm'; did you mean 'item'?",
        ),
        ("- {id: a, op: createOrder, set: {/note: {$nw: }}}", "there is no '$nw' in templates; did you mean '$now'?"),
        ("- {id: a, op: createOrder, set: {/note: {$state: 'ordrs[1].x'}}}", "shop has no table 'ordrs'"),
        (
            "- {id: a, op: createOrder, reply: {status: 201, body: {item: {$request: body#/item}}}}",
            "violates the contract of createOrder 201",
        ),
    ],
)
def test_a_mistake_is_told_when_the_scenario_is_read(rules: str, message: str) -> None:
    told = refused(rules)
    assert message in told and told.startswith("s.yaml:6:")
