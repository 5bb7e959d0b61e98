"""Who may use the console, in a real browser: it asks for the admin token once; pages of other origins do nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browsing import Console
from playwright.sync_api import Page, expect

from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

TOKEN = "s3cret-token"
KEPT = """async () => JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, location.href, document.referrer, window.name,
    history.state, await indexedDB.databases(), await caches.keys(),
    (await navigator.serviceWorker.getRegistrations()).length,
])"""
"""Everything that a page can keep beyond its own memory."""

ATTEMPTS = {
    "read": "fetch(URL).then((response) => response.text())",
    "read without CORS": """fetch(URL, {mode: "no-cors"}).then((response) => response.text())
        .then((text) => text || refused())""",
    "write with the header": """fetch(URL, {method: "PUT", body: '{"remaining": 1}',
        headers: {"x-mockserver-admin": "1", "content-type": "application/json"}})""",
    "write as a form does": """fetch(URL, {method: "POST", mode: "no-cors", credentials: "include",
        body: '{"by": "1h"}', headers: {"content-type": "text/plain"}}).then((response) => response.ok || refused())""",
    "delete": "fetch(URL, {method: 'DELETE'})",
    "follow": """new Promise((done, failed) => {
        const source = new EventSource(URL);
        source.onopen = source.onmessage = () => { source.close(); done(); };
        source.onerror = () => { source.close(); failed(); };
    })""",
    "load as a script": """new Promise((done, failed) => {
        const script = document.createElement("script");
        Object.assign(script, {src: URL, onload: done, onerror: failed});
        document.head.append(script);
    })""",
    "load as a style": """new Promise((done, failed) => {
        const link = document.createElement("link");
        Object.assign(link, {rel: "stylesheet", href: URL, onload: done, onerror: failed});
        document.head.append(link);
    })""",
    "load as an image": """new Promise((done, failed) => {
        const image = new Image();
        Object.assign(image, {onload: done, onerror: failed, src: URL});
    })""",
    "hold its window": """new Promise((done, failed) => {
        const opened = open(URL);
        const ask = (left) => opened.closed ? failed() : left ? setTimeout(ask, 20, left - 1) : done();
        ask(100);
    })""",
}
"""What a page tries: each is done when it got what it wanted."""


def attempted(page: Page, what: str, url: str) -> str:
    """What becomes of an attempt of the page: "done" or "refused"."""
    tried = ATTEMPTS[what].replace("URL", json.dumps(url))
    refused = "const refused = () => { throw new Error('refused'); };"
    return page.evaluate(f"async () => {{ {refused} return ({tried}).then(() => 'done', () => 'refused'); }}")


def state_of(console: Console) -> list[Any]:
    """What a page of another origin could have changed."""
    shown = [console.admin("GET", f"/sandboxes/default{part}").json() for part in ("/credits", "/clock", "/scenario")]
    return [
        *shown,
        console.admin("GET", "/sandboxes").json(),
        console.admin("GET", "/sandboxes/default/journal").json(),
    ]


@pytest.fixture
def stranger(console, make_server) -> Page:
    """A page of another origin in the browser that has the console open."""
    console.open("exchanges")
    page = console.context.new_page()
    page.goto(f"{make_server().url.replace('127.0.0.1', 'localhost')}/__admin/health")
    return page


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("read", "/__admin/sandboxes"),
        ("read without CORS", "/__admin/sandboxes"),
        ("write with the header", "/__admin/sandboxes/default/credits"),
        ("write as a form does", "/__admin/sandboxes/default/clock/advance"),
        ("write as a form does", "/__admin/sandboxes/default/reset"),
        ("delete", "/__admin/sandboxes/default/journal"),
        ("follow", "/__admin/sandboxes/default/events?after=0"),
        ("load as a script", "/__console/main.js"),
        ("load as a style", "/__console/style.css"),
        ("load as an image", "/__console/icon.svg"),
        ("hold its window", "/__console/"),
    ],
)
def test_a_page_of_another_origin_can_do_nothing(console, stranger, what, path):
    console.create()
    before = state_of(console)
    assert attempted(stranger, what, f"{console.url}{path}") == "refused"
    assert state_of(console) == before


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_another_origin_changes_nothing(console, stranger, type):
    before = state_of(console)
    stranger.evaluate(
        """([url, type]) => {
            const form = Object.assign(document.createElement("form"), {method: "POST", enctype: type, action: url});
            form.append(Object.assign(document.createElement("input"), {name: '{"by":"1h","x":"', value: '"}'}));
            document.body.append(form);
            form.submit();
        }""",
        [f"{console.url}/__admin/sandboxes/default/clock/advance", type],
    )
    stranger.wait_for_url(f"{console.url}/**")
    expect(stranger.locator("body")).to_contain_text("Writes need the header X-Mockserver-Admin")
    assert state_of(console)[:3] == before[:3]  # the journal has a browser's request for an icon


def test_a_page_of_another_origin_cannot_frame_it(console, stranger):
    stranger.evaluate(
        """url => new Promise((done) => {
            document.body.append(Object.assign(document.createElement("iframe"), {src: url, onload: done}));
        })""",
        f"{console.url}/__console/",
    )
    framed = stranger.frames[1]
    assert not framed.url.startswith(console.url)
    assert framed.locator("#panels").count() == 0


def test_the_same_attempts_are_possible_where_nothing_guards(console, stranger):
    """The attempts are real ones: a page of the same origin reads, and follows."""
    page = console.page
    assert attempted(page, "read", f"{console.url}/__admin/sandboxes") == "done"
    assert attempted(page, "write with the header", f"{console.url}/__admin/sandboxes/default/credits") == "done"
    assert attempted(page, "follow", f"{console.url}/__admin/sandboxes/default/events?after=0") == "done"
    assert console.admin("GET", "/sandboxes/default/credits").json()["remaining"] == 1


def test_the_token_is_asked_for_once_and_kept_in_memory_only(make_console):
    with serve_in_thread(create_app(Settings(admin_token=TOKEN))) as served:
        console = make_console(url=served.url)
        page, sent = console.page, []
        page.on("request", lambda request: sent.append((request.url, request.headers, request.post_data or "")))
        page.goto(f"{served.url}/__console/#/default/exchanges")
        for token in ("wrong", TOKEN):
            page.get_by_role("textbox", name="Admin token").fill(token)
            page.get_by_role("button", name="Use it").click()
            expect(page.locator("#ask-token")).to_have_value("")
        expect(page.get_by_text("No client has sent a request")).to_be_visible()
        for link in page.locator("#panels a").all():
            link.click()
            expect(link).to_have_attribute("aria-current", "page")
            expect(page.locator("main h1")).to_be_visible()
            expect(page.locator("#ask")).not_to_be_visible()
        assert TOKEN not in page.evaluate(KEPT)
        assert TOKEN not in json.dumps(console.context.storage_state())
        assert TOKEN not in page.content()
        assert not [url for url, _, body in sent if TOKEN in url or TOKEN in body]
        assert {url.partition("/__admin/")[0] for url, headers, _ in sent if TOKEN in headers.values()} == {served.url}
        other = console.context.new_page()
        other.goto(page.url)
        expect(other.locator("#ask")).to_be_visible()
        other.close()
        page.reload()
        expect(page.locator("#ask")).to_be_visible()
        page.go_back()
        expect(page.locator("#ask")).to_be_visible()
        console.expects("40[13] ")
        page.goto("about:blank")
