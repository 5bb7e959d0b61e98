"""The console under load, in a real browser: thousands of exchanges, and a server that goes and comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from mockserver.server import thread
from mockserver.server.app import create_app
from mockserver.server.run import listen
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


def test_it_comes_back_after_a_restart_and_says_what_it_missed(make_console, monkeypatch):
    with serve_in_thread(create_app(Settings())) as served:
        console = make_console(url=served.url)
        console.create()
        console.create()
        page = console.open("exchanges")
        expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("#live")).to_contain_text("The server does not answer")
    monkeypatch.setattr(thread, "listen", lambda host, port: listen(host, served.port))
    with serve_in_thread(create_app(Settings())):
        console.create()
        expect(page.locator("#live")).to_have_text("Live again: the journal began anew")
        expect(page.locator("tbody tr")).to_have_count(1)
        console.create()
        expect(page.locator("tbody tr")).to_have_count(2)
        page.goto("about:blank")
    console.complaints[:] = [line for line in console.complaints if "net::ERR_" not in line]


def test_thousands_of_exchanges_stay_a_page(console):
    for _ in range(1200):
        console.http.get("/nowhere")
    page = console.open("exchanges")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(200)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(1000)
    console.create()
    expect(rows.first).to_contain_text("#1201")
    expect(rows).to_have_count(1000)
    expect(page.get_by_text("The newest 1000 of 1,201 exchanges")).to_be_visible()
