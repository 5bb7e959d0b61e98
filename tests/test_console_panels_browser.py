"""The console's panels that steer and watch, in a real browser: health, scenario, state, clock, sandboxes."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from test_console_browser import browser, console, make_console  # noqa: F401

from mockserver.server.app import create_app
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
