"""The console's panels that steer and watch, in a real browser: health, scenario, state, clock, sandboxes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

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
    expect(page.get_by_text("No scenario is in force")).to_be_visible()
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
    page.get_by_label("Name").fill("after")
    page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("link", name=re.compile("1 added, 1 changed, 1 removed, . credits consumed")).click()
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
    page.reload()
    page.goto(f"{console.url}/__console/#/default/state?compare=1")
    expect(page.get_by_text("This snapshot is no longer kept")).to_be_visible()


def test_a_row_names_the_exchange_that_changed_it(console):
    id = console.create().json()["id"]
    page = console.open("state")
    page.get_by_role("row", name=re.compile(id)).get_by_role("link", name="#1").click()
    expect(page.get_by_role("link", name=f"user_memories {id}")).to_be_visible()
