"""The console under load, in a real browser: thousands of exchanges, and a server that goes and comes back."""

from __future__ import annotations

from contextlib import ExitStack

import httpx
import pytest
from browsing import KEY, Console
from frames import frames_of
from playwright.sync_api import Page, expect

from mockserver.server import thread
from mockserver.server.app import create_app
from mockserver.server.run import listen
from mockserver.server.thread import Served, serve_in_thread
from mockserver.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

MANY = 5000
LONGEST = 100.0
"""Milliseconds that a page may work for one frame."""

SCROLL = """([step, last]) => new Promise((done) => {
    const frame = () => {
        const before = scrollY;
        scrollBy(0, step);
        [...document.querySelectorAll("main button")].find((button) => button.textContent === "Show more")?.click();
        const is_there = () => [...document.querySelectorAll("main a")].some((link) => link.textContent === last);
        if (scrollY === before && is_there()) done();
        else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
})"""
"""Scrolls by some pixels a frame until there is no further, asking for more rows, and a link is there."""


class Restarting:
    """A server whose sandboxes are in Redis, so that others can go on while it is away. A context manager."""

    def __init__(self, store: str) -> None:
        self._settings = Settings(state=store)
        self._running = ExitStack()
        self._port = 0

    def start(self) -> Served:
        """Start it, at the port that it had before."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(thread, "listen", lambda host, port: listen(host, self._port))
            served = self._running.enter_context(serve_in_thread(create_app(self._settings)))
        self._port = served.port
        return served

    def stop(self) -> None:
        """Stop it: every connection ends."""
        self._running.close()

    def beside(self) -> Served:
        """Another server with the same sandboxes."""
        return self._beside.enter_context(serve_in_thread(create_app(self._settings)))

    def __enter__(self) -> Restarting:
        self._beside = ExitStack()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()
        self._beside.close()


def send(url: str, count: int) -> None:
    """Requests of several kinds, good and bad."""
    with httpx.Client(base_url=url, headers=KEY, timeout=30) as client:
        for number in range(count):
            client.get("/v1/user-memories" if number % 3 else "/nowhere", params={"limit": number % 120})


def connected(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("Live")


def test_thousands_are_scrolled_while_others_come_and_no_frame_takes_long(browser, make_console, server):
    send(server.url, MANY)
    console = make_console(url=server.url)
    page = console.open("exchanges")
    connected(page)
    with frames_of(browser, page) as worked:
        page.evaluate(SCROLL, [600, "#1"])
    assert len(worked) > MANY * 40 / 600, "not every frame was noted"
    assert max(worked) < LONGEST
    expect(page.get_by_role("link", name="#1", exact=True)).to_be_in_viewport()
    assert page.get_by_role("row").count() == MANY + 1
    with frames_of(browser, page) as worked:
        send(server.url, 100)
        page.evaluate(SCROLL, [-900, f"#{MANY + 100}"])
    assert max(worked) < LONGEST
    expect(page.get_by_role("link", name=f"#{MANY + 100}", exact=True)).to_be_in_viewport()


def test_a_frame_that_takes_long_is_seen(browser, console):
    """The measure itself: work in one frame counts, and waiting does not."""
    page = console.open("exchanges")
    busy = "const end = performance.now() + 1500; while (performance.now() < end);"
    with frames_of(browser, page) as worked:
        page.evaluate("() => new Promise((done) => setTimeout(done, 200))")
    assert max(worked) < LONGEST
    with frames_of(browser, page) as worked:
        page.evaluate(
            f"() => new Promise((done) => requestAnimationFrame(() => {{ {busy} requestAnimationFrame(done); }}))"
        )
    assert max(worked) > LONGEST


def test_a_restart_in_the_middle_of_thousands_says_what_was_missed(browser, make_console, redis_server):
    with Restarting(f"{redis_server.url}?prefix=console") as server:
        served, beside = server.start(), server.beside()
        send(served.url, 1000)
        console = make_console(url=served.url)
        page = console.open("exchanges")
        connected(page)
        page.evaluate(SCROLL, [600, "#1"])
        server.stop()
        expect(page.locator("#live")).to_contain_text("The server does not answer")
        send(beside.url, 3)
        with frames_of(browser, page) as worked:
            server.start()
            expect(page.locator("#live")).to_have_text("Live again: 3 exchanges came meanwhile")
            send(beside.url, 1)
            page.evaluate(SCROLL, [-900, "#1004"])
        assert max(worked) < LONGEST
        numbers = page.get_by_role("link", name="#").all_text_contents()
        assert numbers == [f"#{number}" for number in range(1004, 0, -1)]
        page.goto("about:blank")
    without_refusals(console)


def test_a_journal_that_began_anew_is_told(make_console):
    with Restarting("memory") as server:
        console = make_console(url=server.start().url)
        console.create()
        console.create()
        page = console.open("exchanges")
        rows = page.get_by_role("link", name="#")
        expect(rows).to_have_count(2)
        server.stop()
        expect(page.locator("#live")).to_contain_text("The server does not answer")
        server.start()
        console.create()
        expect(page.locator("#live")).to_have_text("Live again: the journal began anew")
        expect(rows).to_have_count(1)
        console.create()
        expect(rows).to_have_count(2)
        page.goto("about:blank")
    without_refusals(console)


def without_refusals(console: Console) -> None:
    """A browser complains of each connection that is refused; that is what was done."""
    console.complaints[:] = [line for line in console.complaints if "net::ERR_" not in line]


def test_a_filter_finds_older_ones_too(console):
    send(console.url, 1500)
    page = console.open("exchanges?status=404")
    rows = page.get_by_role("link", name="#")
    expect(rows).to_have_count(200)
    expect(page.get_by_text("The newest 200 of 500 exchanges")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(500)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    expect(page.get_by_role("link", name="#1", exact=True)).to_have_count(1)
