"""The console's panels that steer and watch, in a real browser: health, scenario, state, clock, sandboxes."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import httpx
import pytest
from browsing import MEMORY, breaches
from playwright.sync_api import expect
from receiver import Receiver
from test_streams import llm
from test_webhooks import document
from test_webhooks import serve as webhook_shop

from mockserver import Session
from mockserver.apis import Api
from mockserver.server import thread
from mockserver.server.app import create_app
from mockserver.server.run import listen
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

WAIT = 15_000
"""Milliseconds for what a panel asks for every now and then."""


# Health.


def test_health_tells_throughput_latency_and_violations_as_they_come(console):
    console.create()
    page = console.open("health")
    expect(page.locator(".figures")).to_contain_text("1Requests")
    for _ in range(3):
        console.create({"agent_id": 7, "memory": "odd"})
    row = page.get_by_role("row", name=re.compile("Memory.createUserMemory"))
    expect(row.get_by_role("cell").nth(2)).to_have_text("4", timeout=WAIT)
    expect(row).to_contain_text("201 × 1")
    expect(row).to_contain_text("400 × 3")
    expect(row.get_by_role("cell").last).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(page.locator(".figures")).to_contain_text("3Violations, client")
    chart = page.get_by_role("img", name=re.compile("Requests a second: all"))
    expect(chart.locator("path")).to_have_attribute("d", re.compile("^M"), timeout=WAIT)
    expect(page.get_by_role("img", name=re.compile("Latency: p50 .*, p95 .*, p99 "))).to_be_visible()
    page.get_by_role("link", name="400 × 3").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_quantiles_are_those_of_the_histogram(console):
    page = console.open("health")
    text = "\n".join(
        [
            "# TYPE mockserver_request_duration_seconds histogram",
            *(
                f'mockserver_request_duration_seconds_bucket{{api="a",operation="{operation}",le="{le}"}} {count}'
                for operation, counts in {"o": (2, 6, 8), 'x\\"}\\n': (2, 4, 12)}.items()
                for le, count in zip(("0.1", "0.5", "+Inf"), counts, strict=True)
            ),
            'mockserver_requests_total{api="a",operation="o",status="200",rule=""} 20',
        ]
    )
    got = page.evaluate(
        """async (text) => {
            const { between, look, quantile } = await import("./metrics.js");
            const one = look(text, 10), later = look(text.replaceAll('le="0.1"} 2', 'le="0.1"} 3'), 12);
            const none = between(one, look(text, 12));
            return { names: one.operations.map((known) => known.operation), requests: one.requests,
                shares: [0.1, 0.35, 0.99].map((share) => quantile(one.latency, share)),
                none: [none.rate, quantile(none.latency, 0.5)], restarted: between(one, look("", 12)),
                more: between(one, later).latency[0] };
        }""",
        text,
    )
    assert got == {
        "names": ["o", 'x"}\n'],
        "requests": 20,
        # 4 of 20 took at most 0.1 s and 10 at most 0.5 s: the second is in the middle of the first bucket, the seventh
        # in the middle of the second one. Of the last bucket only its lower end is known.
        "shares": [pytest.approx(0.05), pytest.approx(0.3), 0.5],
        "none": [0, None],
        "restarted": None,
        "more": [0.1, 2],
    }


def test_a_link_keeps_the_focus_while_figures_come(console):
    console.create()
    page = console.open("health")
    link = page.get_by_role("link", name="Memory.createUserMemory")
    link.focus()
    console.create()
    expect(page.locator(".figures")).to_contain_text("2Requests", timeout=WAIT)
    expect(link).to_be_focused()


def test_health_says_that_the_server_is_away(make_console):
    with serve_in_thread(create_app(Settings())) as served:
        console = make_console(url=served.url)
        page = console.open("health")
    expect(page.locator("#notice")).not_to_be_empty(timeout=WAIT)
    console.page.goto("about:blank")
    console.expects("ERR_")


# What somebody else does.


def test_what_somebody_else_does_is_said_and_shown(console):
    page = console.open("clock")
    news = page.locator("#news")
    expect(page.locator("#live")).to_have_text("Live")
    console.admin("POST", "/sandboxes/default/clock/advance", json={"by": "61s"})
    expect(news).to_contain_text("Somebody has set the clock: it stands at 2026-01-01T00:01:01.000Z and is frozen.")
    expect(page.locator(".clock")).to_contain_text("00:01:01.000")
    page.get_by_role("button", name="Dismiss").click()
    expect(news).to_be_empty()
    page = console.open("scenario")
    expect(page.locator("#live")).to_have_text("Live")
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "out-of-credits"})
    expect(news).to_contain_text("Somebody has set the scenario out-of-credits: the sandbox began anew.")
    expect(page.get_by_text("In force: out-of-credits")).to_be_visible()
    console.admin("DELETE", "/sandboxes/default/scenario")
    expect(news).to_contain_text("Somebody has removed the scenario.")
    expect(page.get_by_text("No scenario is in force: nothing fails")).to_be_visible()
    console.create()
    page = console.open("exchanges")
    expect(page.locator("tbody tr")).to_have_count(1)
    console.admin("POST", "/sandboxes/default/reset")
    expect(news).to_contain_text("Somebody has reset this sandbox")
    expect(page.get_by_text("No client has sent a request")).to_be_visible()


def test_what_this_page_does_is_not_said_to_be_somebody_elses(console):
    page = console.open("clock")
    expect(page.locator("#live")).to_have_text("Live")
    page.get_by_role("button", name="+61s").click()
    expect(page.locator(".clock")).to_contain_text("00:01:01.000")
    other = console.context.new_page()
    other.goto(f"{console.url}/__console/#/default/clock")
    expect(other.locator("#live")).to_have_text("Live")
    page.get_by_role("button", name="+10s").click()
    expect(other.locator("#news")).to_contain_text("it stands at 2026-01-01T00:01:11.000Z")
    expect(page.locator(".clock")).to_contain_text("00:01:11.000")
    # The other page was told after both were; this one has had its time to say something.
    expect(page.locator("#news")).to_be_empty()


def test_a_change_does_not_take_the_text_that_somebody_writes(console):
    page = console.open("scenario")
    expect(page.locator("#live")).to_have_text("Live")
    area = page.get_by_label("The scenario as YAML")
    area.fill("version: 1\nname: mine\n")
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "out-of-credits"})
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("In force: out-of-credits")).to_be_visible()


def test_a_restart_is_said(make_console, monkeypatch):
    """Also when the journal of the new server is as long as that of the old one."""
    with serve_in_thread(create_app(Settings())) as served:
        console = make_console(url=served.url)
        page = console.open("exchanges")
        expect(page.locator("#live")).to_have_text("Live")
        console.create()
        expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#live")).to_contain_text("The server does not answer")
    app = create_app(Settings())
    monkeypatch.setattr(thread, "listen", lambda host, port: listen(host, served.port))
    with serve_in_thread(app):
        console.http.get("/v1/user-memories")
        expect(page.locator("#news")).to_contain_text("The server was restarted", timeout=WAIT)
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody tr")).to_contain_text("Memory.listUserMemory")
        page.goto("about:blank")
    console.complaints[:] = [line for line in console.complaints if "net::ERR_" not in line]


# State.


def test_snapshots_are_compared_by_row_and_member(console):
    first, second = (console.create({"agent_id": "a", "memory": f"fact {n}"}).json()["id"] for n in range(2))
    page = console.open("state")
    page.get_by_label("Name").fill("before")
    page.get_by_role("button", name="Save a snapshot").click()
    row = page.get_by_role("row", name=re.compile("^before"))
    expect(row).to_contain_text("no difference")
    console.http.delete(f"/v1/user-memories/{second}")
    third = console.create().json()["id"]
    state = console.admin("GET", "/sandboxes/default/state").json()
    state["tables"]["user_memories"][""][0]["memory"] = ["fact 0", "changed"]
    console.admin("PUT", "/sandboxes/default/state", json=state)
    page.get_by_role("button", name="Show them").click()
    expect(page.get_by_role("button", name="Show them")).to_have_count(0)
    page.get_by_label("Name").fill("after")
    page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("link", name=re.compile("1 added, 1 changed, 1 removed, . credits? consumed")).click()
    lines = page.locator("tbody tr")
    expect(lines.filter(has_text=first)).to_contain_text('changed/memory["fact 0"]["fact 0","changed"]')
    expect(lines.filter(has_text=second)).to_contain_text("removed")
    expect(lines.filter(has_text=third)).to_contain_text("added")
    expect(lines.filter(has_text="/consumed")).to_contain_text("credits")
    page.get_by_label("Compared with").select_option("after")
    expect(page.get_by_role("heading", name="before and after")).to_be_visible()
    expect(lines.filter(has_text=third)).to_contain_text("added")
    page.get_by_role("link", name=first).click()
    expect(page.get_by_role("heading", name=first)).to_be_visible()
    page.goto(f"{console.url}/__console/#/default/state")
    page.get_by_role("button", name="Restore before").click()
    expect(page.get_by_role("row", name=re.compile("^before"))).to_contain_text("no difference")
    ids = {row["id"] for row in console.http.get("/v1/user-memories").json()["data"]}
    assert ids == {first, second}
    page.get_by_role("link", name=re.compile("^Since after: 1 added, 1 changed, 1 removed")).click()
    page.get_by_label("Compared with").select_option("before")
    expect(page.get_by_role("heading", name="after and before")).to_be_visible()
    # A colleague opens the address, also after a reset.
    console.admin("POST", "/sandboxes/default/reset")
    other = console.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="after and before")).to_be_visible()
    expect(other.locator("tbody tr").filter(has_text=second)).to_contain_text("added")
    page.goto(f"{console.url}/__console/#/default/state")
    page.get_by_role("button", name="Delete after").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("^after"))).to_have_count(0)
    page.get_by_role("button", name="Restore before").click()
    expect(page.get_by_role("row", name=re.compile("^before"))).to_contain_text("no difference")
    page.goto(f"{console.url}/__console/#/default/state?compare=after")
    expect(page.get_by_text("The server keeps no snapshot after of this sandbox.")).to_be_visible()


def test_every_column_of_a_table_of_rows_is_in_sight_those_first_that_differ(console):
    for number in range(3):
        console.create({"agent_id": "a", "memory": f"fact {number} " + "long " * 50})
    page = console.open("state")
    heads = page.get_by_role("columnheader")
    names = heads.all_text_contents()
    assert names.index("memory") < names.index("agent_id")
    for head in heads.all():
        box = head.bounding_box()
        assert box["width"] > 30 and box["x"] + box["width"] <= page.viewport_size["width"], head.text_content()


def test_a_row_names_the_exchange_that_changed_it(console):
    id = console.create().json()["id"]
    page = console.open("state")
    page.get_by_role("row", name=re.compile(id)).get_by_role("link", name="#1").click()
    expect(page.get_by_role("link", name=f"user_memories {id}")).to_be_visible()


# Webhooks and streams.


def test_the_attempts_of_a_webhook_stand_on_a_time_line(make_console):
    receiver = Receiver()
    receiver.statuses = [500, 503]
    for served in webhook_shop():
        console = make_console(url=served.url)
        served.order(note=receiver.url)
        served.mock.webhooks.assert_sent("createOrder.shipped", times=1)
        page = console.open("webhooks", served.mock.name)
        card = page.locator(".delivery")
        lines = card.get_by_role("row")
        expect(lines).to_have_count(3)
        expect(lines.nth(1)).to_contain_text("attempt 1 of 3 failed: 127.0.0.1 answered 500")
        expect(lines.nth(2)).to_contain_text("+ 5 s")
        expect(card.locator("svg [role=img]")).to_have_attribute("aria-label", re.compile("^Attempt 2 is due at "))
        served.mock.clock.advance("5s")
        expect(lines.nth(2)).to_contain_text("attempt 2 of 3 failed: 127.0.0.1 answered 503")
        served.mock.clock.advance("10s")
        expect(lines.nth(3)).to_contain_text("200")
        expect(lines.nth(3)).to_contain_text("+ 10 s")
        expect(card.locator("svg a")).to_have_count(3)
        served.order(note=receiver.url)
        expect(page.locator(".delivery")).to_have_count(2)
        card.last.get_by_role("link", name=re.compile("Attempt 2 at")).click()
        expect(page.get_by_text("attempt 2 of 3 failed").first).to_be_visible()
        page.goto("about:blank")
    receiver.close()


def test_a_webhook_is_sent_now_again_and_on_demand(make_console):
    receiver = Receiver()
    receiver.statuses = [500]
    for served in webhook_shop():
        console = make_console(url=served.url)
        served.order(note=receiver.url)
        page = console.open("webhooks", served.mock.name)
        card = page.locator(".delivery")
        lines = card.first.get_by_role("row")
        expect(lines.nth(2)).to_contain_text("due")
        page.get_by_role("button", name="Send createOrder.shipped now").click()
        expect(lines.nth(2)).to_contain_text("200")
        expect(page.get_by_role("button", name="Send createOrder.shipped now")).to_have_count(0)
        page.get_by_role("button", name="Send createOrder.shipped again").click()
        expect(card).to_have_count(2)
        page.get_by_label(re.compile("^To this URL")).fill(receiver.url)
        page.get_by_role("button", name="Send now", exact=True).click()
        expect(card).to_have_count(3)
        page.get_by_label("Body as JSON").fill("{")
        page.get_by_role("button", name="Send now", exact=True).click()
        expect(page.locator("#notice")).to_contain_text("The body is not JSON")
        page.get_by_label("Body as JSON").fill('{"type": "order.paid", "data": "<b>"}')
        page.get_by_role("button", name="Send now", exact=True).click()
        expect(card).to_have_count(4)
        page.goto("about:blank")
    first, second, third, fourth, fifth = receiver.bodies
    assert first == second == third
    assert (fourth["type"], fifth) == ("order.paid", {"type": "order.paid", "data": "<b>"})
    receiver.close()


def test_what_waits_is_done_now_by_a_button_of_the_clock(make_console):
    receiver = Receiver()
    receiver.statuses = [500]
    for served in webhook_shop():
        console = make_console(url=served.url)
        served.order(note=receiver.url)
        page = console.open("clock", served.mock.name)
        page.get_by_role("button", name="Do it now: webhook createOrder.shipped").click()
        expect(page.get_by_role("button", name=re.compile("^Do it now"))).to_have_count(0)
        served.mock.webhooks.assert_sent("createOrder.shipped", times=2)
        page.goto("about:blank")
    receiver.close()


def test_the_items_of_a_stream_stand_on_a_time_line(make_console):
    with Session(apis=[llm()]) as session, session.sandbox(api="llm", clock="frozen") as mock:
        fault = {"stream": {"stall": {"after": 2, "for": "9s"}, "cut_after": 3}}
        rules = [{"id": "cut", "op": "say", "stream": {"items": [{"text": "<b>x"}] * 4}, "fault": fault}]
        mock.scenario({"version": 1, "name": "s", "api": "llm", "clock": {"mode": "frozen"}, "rules": rules})
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{mock.base_url()}/say")
        console = make_console(url=mock.base_url().partition("/~")[0])
        page = console.open("exchanges/1", mock.name)
        expect(page.get_by_role("heading", name="Stream of 3 items")).to_be_visible()
        lines = page.get_by_role("region", name="Items").get_by_role("row")
        expect(lines.nth(2)).to_contain_text("+ 50 ms")
        expect(lines.nth(3)).to_contain_text('data: {"text":"<b>x"}')
        expect(lines.nth(3)).to_contain_text("+ 9 s")
        expect(page.get_by_text("Then the connection was closed in the middle.")).to_be_visible()
        expect(page.get_by_role("img", name=re.compile("^Item "))).to_have_count(3)
        page.goto("about:blank")


def test_the_clock_shows_what_is_due_on_a_time_line(console):
    console.create()
    page = console.open("clock")
    due = page.get_by_role("group", name="What is due").get_by_role("img")
    expect(due).to_have_attribute("aria-label", "00:01:00.000: a place frees: Memory.createUserMemory")


def test_a_response_that_is_held_back_stands_on_the_time_line_of_the_clock(console):
    late = [{"id": "late", "op": "Memory.createUserMemory", "fault": {"latency": "90s"}}]
    scenario = {"version": 1, "name": "late", "api": "datagrid", "clock": {"mode": "real"}, "rules": late}
    console.admin("PUT", "/sandboxes/default/scenario", json=scenario)
    page = console.open("clock")
    request = {"method": "POST", "path": "/v1/user-memories", "body": json.dumps(MEMORY)}
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    console.admin("POST", "/sandboxes/default/send", json={**request, "headers": headers})
    marks = page.get_by_role("group", name="What is due").get_by_role("img")
    expect(marks.filter(has_text="the response to #1 goes out")).to_have_count(1)
    page.reload()
    line = page.get_by_role("row", name=re.compile("the response to #1 goes out: Memory.createUserMemory"))
    expect(line).to_be_visible()
    console.admin("POST", "/sandboxes/default/clock/advance", json={"by": "2m"})
    expect(line).to_have_count(0)


def test_requests_of_one_moment_are_all_seen_in_their_window(console):
    for _ in range(4):
        console.create()
    marks = console.open("limits").locator("svg.band a rect")
    expect(marks).to_have_count(4)
    boxes = sorted(
        (box["x"], box["y"], box["y"] + box["height"]) for box in (mark.bounding_box() for mark in marks.all())
    )
    assert len({x for x, _, _ in boxes}) == 1
    words = re.compile("^#1 at 00:00:00.000: POST /v1/user-memories, 201, by python-httpx/")
    expect(console.page.locator("svg.band a").first).to_have_attribute("aria-label", words)
    assert all(end <= start for (_, _, end), (_, start, _) in pairwise(boxes)), boxes


# Sandboxes.


def test_a_thousand_sandboxes_are_searched_by_the_server(console):
    for number in range(1000):
        console.admin("POST", "/sandboxes", json={"name": f"ci-{number}"})
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    page = console.open("sandboxes")
    rows = page.locator("tbody tr")
    expect(page.get_by_text("50 of 1,001 sandboxes; search for the others")).to_be_visible()
    expect(rows).to_have_count(50)
    assert page.locator("#sandbox option").count() == 101
    expect(page.locator("#sandbox option").last).to_have_text("901 more in Sandboxes")
    page.get_by_label("Search").press_sequentially("ci-777", delay=1)
    expect(page.get_by_text("1 sandbox", exact=True)).to_be_visible()
    searches = [url for url in asked if "text=c" in url]
    assert len(searches) < 6, "not one for each key"
    assert all("limit=50" in url for url in searches)
    page.get_by_label("Search").fill("CI-9")
    expect(page.get_by_text("50 of 111 sandboxes")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(111)
    page.get_by_role("button", name="Delete ci-999").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(rows).to_have_count(110)
    page.get_by_label("Search").fill("<b>")
    expect(page.get_by_text("0 sandboxes", exact=True)).to_be_visible()


# Hostile names and values.

HOSTILE = "\"'></option><img src=x onerror=pwned=1><script>pwned=1</script>"


def assert_text_only(page, text=HOSTILE):
    assert page.evaluate("typeof pwned") == "undefined"
    assert page.locator("img, iframe, main script, [onerror], [onload]").count() == 0
    assert page.locator("a[href]:not([href^='#'])").count() == 0
    labels = page.evaluate("[...document.querySelectorAll('[aria-label]')].map((node) => node.ariaLabel).join()")
    assert text in page.locator("body").text_content() + labels


def test_hostile_names_of_a_document_are_text_in_the_panels_that_name_them(make_console):
    made = document()
    made["paths"]["/orders"]["post"]["operationId"] = HOSTILE
    made["webhooks"] = {HOSTILE: made["webhooks"]["order.paid"]}
    receiver = Receiver()
    receiver.statuses = [500]
    with Session(apis=[Api.from_openapi(made, name="shop")]) as session, session.sandbox(clock="frozen") as mock:
        assert httpx.post(f"{mock.base_url('shop')}/orders", json={"item": "tea", "note": receiver.url}).is_success
        mock.webhooks.wait()
        console = make_console(url=mock.base_url("shop").partition("/~")[0])
        for place in ("health", "webhooks", "clock"):
            page = console.open(place, mock.name)
            expect(page.locator("tbody tr").first).to_be_visible()
            assert_text_only(page)
        page = console.open("scenario?fail=1", mock.name)
        expect(page.locator("#problems")).to_have_text("It loads.")
        assert_text_only(page)
        area = page.get_by_label("The scenario as YAML")
        area.fill("api: shop\nrules:\n  - op: ")
        area.press("Control+Space")
        page.get_by_role("listbox").get_by_role("option", name=HOSTILE).click()
        assert json.loads(area.input_value().partition("op: ")[2]) == HOSTILE
        assert_text_only(page)
        page.goto("about:blank")
    receiver.close()


def test_hostile_values_are_text_in_a_comparison(console):
    page = console.open("state")
    page.get_by_role("button", name="Save a snapshot").click()
    expect(page.get_by_role("row", name=re.compile("no difference"))).to_be_visible()
    console.create({"agent_id": HOSTILE, "memory": HOSTILE})
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_role("button", name="Save a snapshot").click()
    expect(page.get_by_label("Name")).to_be_focused()  # a name is letters and digits
    page.get_by_label("Name").fill("snapshot 2")
    page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("link", name=re.compile("1 added")).click()
    written = json.dumps(HOSTILE)[1:39]  # a value is cut
    expect(page.get_by_role("region", name="Differences")).to_contain_text(written)
    assert_text_only(page, written)
    for query in ("compare=__proto__", "compare=snapshot 1&with=constructor", "row=__proto__", f"compare={HOSTILE}"):
        page = console.open(f"state/__proto__?{query}")
        expect(page.locator(".panel h1")).to_be_visible()


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
def test_what_panels_show_when_they_are_full_breaks_no_rule_of_accessibility(make_console, look):
    """The list of completions, a line of news, a comparison, time lines, charts."""
    receiver = Receiver()
    receiver.statuses = [500]
    for served in webhook_shop():
        console = make_console(look, url=served.url)
        name = served.mock.name
        page = console.open("state", name)
        page.get_by_role("button", name="Save a snapshot").click()
        served.order(note=receiver.url)
        served.mock.webhooks.wait()
        page.get_by_role("button", name="Save a snapshot").click()
        page.get_by_role("link", name=re.compile("added")).click()
        expect(page.locator("tbody tr").first).to_be_visible()
        served.mock.clock.advance("1s")
        expect(page.get_by_role("button", name="Dismiss")).to_be_visible()
        assert_fits_and_is_accessible(page)
        for place in ("webhooks", "health", "exchanges/1"):
            page = console.open(place, name)
            expect(page.locator("tbody tr, .stages li").first).to_be_visible()
            assert_fits_and_is_accessible(page)
        page = console.open("scenario?fail=1", name)
        expect(page.locator("#problems")).to_have_text("It loads.")
        area = page.get_by_label("The scenario as YAML")
        area.press("Control+End")
        area.press("Control+Space")
        expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
        assert_fits_and_is_accessible(page)
        page.goto("about:blank")
    receiver.close()


def assert_fits_and_is_accessible(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert breaches(page) == []
