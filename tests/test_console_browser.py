"""The console in a real browser: Debian's Chromium, driven by Playwright. Each panel's main path, and hostile data."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mockserver.console.pages import STATIC
from mockserver.server import thread
from mockserver.server.app import create_app
from mockserver.server.run import listen
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

WRITE = {"x-mockserver-admin": "1"}
KEY = {"authorization": "Bearer k"}
MEMORY = {"agent_id": "a", "memory": "likes tea"}
PANELS = ["exchanges", "limits", "credits", "scenario", "clock", "state", "webhooks", "sandboxes", "contract", "health"]
LOOKS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 375, "height": 740}, "color_scheme": "light", "has_touch": True},
}
HOSTILE = [
    "<img src=x onerror=pwned=1>\"'><script>pwned=1</script>",
    "javascript:pwned=1//<svg/onload=pwned=1>{{constructor.constructor('pwned=1')()}}",
    "</pre></textarea></title><iframe srcdoc='<script>parent.pwned=1</script>'>",
    "\u202e\u0000\u2028 ${pwned=1} `",
]

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium; install Debian's package of that name")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


class Console:
    """A server, a client of it, and a page that shows its console; what the page complains of fails the test."""

    def __init__(self, browser: Browser, url: str, look: str = "desktop") -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers=KEY)
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.context = browser.new_context(**LOOKS[look], permissions=["clipboard-read", "clipboard-write"])
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, place: str, sandbox: str = "default") -> Page:
        self.page.goto("about:blank")  # another address of the same page would show the last panel for a moment
        self.page.goto(f"{self.url}/__console/#/{sandbox}/{place}")
        expect(self.page.locator(".panel h1")).to_be_visible()
        return self.page

    def create(self, body: object = MEMORY, path: str = "/v1/user-memories", **options: object) -> httpx.Response:
        return self.http.post(path, json=body, **options)

    def admin(self, method: str, path: str, **options: object) -> httpx.Response:
        response = self.http.request(method, f"/__admin{path}", headers=WRITE, **options)
        assert response.is_success, response.text
        return response

    def expects(self, pattern: str) -> None:
        """The browser is to complain in this way; whatever else it says still fails the test."""
        self.expected.append(pattern)

    def unexpected(self) -> list[str]:
        """What the browser said and was not to say, and what it was to say and did not."""
        missing = [
            pattern for pattern in self.expected if not any(re.search(pattern, line) for line in self.complaints)
        ]
        said = [line for line in self.complaints if not any(re.search(pattern, line) for pattern in self.expected)]
        return said + [f"nothing like {pattern!r}" for pattern in missing]

    def close(self) -> None:
        self.context.close()
        self.http.close()


@pytest.fixture
def make_console(browser, make_server) -> Iterator:
    consoles = []

    def make(look: str = "desktop", url: str = "") -> Console:
        consoles.append(Console(browser, url or make_server().url, look))
        return consoles[-1]

    yield make
    for console in consoles:
        console.close()
        assert console.unexpected() == []


@pytest.fixture
def console(make_console) -> Console:
    return make_console()


def busy(console: Console) -> None:
    """A sandbox in which something of every kind has happened."""
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "third-call-throttled"})
    console.admin("PATCH", "/sandboxes/default/clock", json={"mode": "frozen"})
    for number in range(3):
        console.create({"agent_id": "a", "memory": f"fact {number}"})
        console.admin("POST", "/sandboxes/default/clock/advance", json={"by": "1s"})
    console.create({"agent_id": 7, "memory": None})
    console.http.get("/v1/user-memories?limit=500")
    console.http.get("/nowhere")
    console.admin("POST", "/sandboxes", json={"name": "ci-1", "scenario": "out-of-credits"})


@pytest.mark.parametrize("look", LOOKS)
def test_every_panel_fits_its_page_and_breaks_no_rule_of_accessibility(make_console, look):
    """axe-core's rules for WCAG 2.2, A and AA."""
    console = make_console(look)
    busy(console)
    for place in [*PANELS, "exchanges/3", "exchanges/4", "contract/mem0/createMemory"]:
        page = console.open(place)
        expect(page.locator("#live")).to_have_text("Live")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{place} is wider than the page"
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
        violations = Axe().run(page, options=options).response["violations"]
        assert [(place, one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []


@pytest.mark.parametrize("place", PANELS)
def test_the_link_of_a_panel_leads_to_it(console, place):
    page = console.open("exchanges" if place != "exchanges" else "clock")
    page.locator("#panels a", has_text=re.compile(place, re.I)).click()
    expect(page.locator("#panels a[aria-current]")).to_have_text(re.compile(place, re.I))
    assert page.url.endswith(f"/default/{place}")


def test_a_new_exchange_appears_by_itself_and_a_filter_stands_in_the_address(console):
    page = console.open("exchanges")
    expect(page.get_by_text("No client has sent a request")).to_be_visible()
    expect(page.locator("#live")).to_have_text("Live")
    console.create()
    console.create({"agent_id": 7, "memory": "odd"})
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Status").fill("400")
    expect(rows).to_have_count(1)
    assert page.url.endswith("#/default/exchanges?status=400")
    console.create()
    console.create({"agent_id": 8, "memory": "odd"})
    expect(rows).to_have_count(2)
    other = console.context.new_page()
    other.goto(page.url)
    expect(other.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Text").fill('"agent_id":8')
    expect(rows).to_have_count(1)
    page.get_by_label("Status").fill("")
    page.get_by_label("Text").fill("")
    page.get_by_label("Violation by").select_option("client")
    expect(rows).to_have_count(2)
    page.get_by_label("Operation").select_option("getCredits")
    expect(page.get_by_text("No exchange matches this filter.")).to_be_visible()


def test_a_row_is_opened_by_keyboard_and_shows_where_the_contract_is_broken(console):
    console.create({"agent_id": 7, "memory": "odd"})
    page = console.open("exchanges")
    page.get_by_role("link", name="#1").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".stages .decided")).to_contain_text("Validation")
    expect(page.locator(".line.marked")).to_contain_text('"agent_id": 7')
    expect(page.locator(".line.marked")).to_contain_text("must be a string, not the integer 7")
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_content_is_one_key_away(console):
    page = console.open("exchanges")
    page.locator("body").press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/default/exchanges")


def test_a_429_tells_its_rule_and_the_retry_its_story(console):
    busy(console)
    console.create({"agent_id": "a", "memory": "fact 2"})
    page = console.open("exchanges/3")
    expect(page.locator("h1")).to_contain_text("429")
    expect(page.get_by_text("The rule that acted: third-call")).to_be_visible()
    expect(page.locator("pre", has_text="retry_after: 2s")).to_be_visible()
    page.get_by_role("link", name="attempt 2").click()
    expect(page.locator(".story strong")).to_contain_text("attempt 2")
    expect(page.locator(".story .waited")).to_have_text("waited 1 s, 1 s less than Retry-After said")


def test_a_long_body_is_cut_and_the_whole_is_a_link_away(console):
    console.create({"agent_id": "a", "memory": "long " * 8000})
    page = console.open("exchanges/1")
    expect(page.get_by_text("Cut after 8,192 of").first).to_be_visible()
    page.get_by_role("link", name="Show the whole body").first.click()
    expect(page.get_by_role("heading", name="The request body of exchange 1")).to_be_visible()
    assert page.locator("pre").text_content().count("long ") == 8000


def test_windows_show_who_fills_them_and_slide_with_the_clock(console):
    console.create()
    page = console.open("limits")
    card = page.locator(".card", has_text="Memory.createUserMemory")
    expect(card).to_contain_text("1 of 200")
    expect(card.locator("svg a")).to_have_attribute("href", "#/default/exchanges/1")
    console.admin("POST", "/sandboxes/default/clock/advance", json={"by": "61s"})
    console.http.get("/v1/user-memories")  # an exchange makes the panel look again
    expect(page.locator(".card", has_text="Memory.listUserMemory")).to_be_visible()
    expect(card).to_have_count(0)


def test_credits_are_set_and_each_charge_names_its_exchange(console):
    console.create()
    page = console.open("credits")
    expect(page.locator(".figures")).to_contain_text("9,999")
    page.get_by_label("What remains").fill("0")
    page.get_by_role("button", name="Set").click()
    expect(page.locator(".figures strong").first).to_have_text("0")
    assert console.create().status_code == 402
    expect(page.locator("tbody tr").first).to_contain_text("not paid")
    page.get_by_role("link", name="#1").click()
    expect(page.locator("h1")).to_contain_text("201")


def test_a_scenario_is_checked_while_it_is_written_and_set_when_it_is_good(console):
    page = console.open("scenario")
    text = page.get_by_label("The scenario as YAML")
    text.fill("version: 1\nname: mine\napi: datagrid\nrules:\n  - id: busy\n    replay: rate_limited\n")
    place = page.get_by_role("button", name="Go to line 6, column 5")
    expect(page.locator("#problems")).to_contain_text("reply")
    page.get_by_role("button", name="Set this scenario").click()
    assert console.admin("GET", "/sandboxes/default/scenario").json()["name"] is None
    console.expects("409")
    place.click()
    expect(text).to_be_focused()
    assert text.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)") == "replay: rate_limited"
    text.fill(text.input_value().replace("replay", "reply"))
    expect(page.locator("#problems")).to_have_text("It loads.")
    page.get_by_role("button", name="Set this scenario").click()
    expect(page.get_by_text("In force: mine")).to_be_visible()
    assert console.create().status_code == 429
    expect(page.locator("tbody tr", has_text="busy")).to_contain_text("1 ×")


def test_a_bundled_scenario_is_used_and_left_and_its_expectations_are_told(console):
    page = console.open("scenario")
    page.get_by_label("Switch to").select_option("third-call-throttled")
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.get_by_text("In force: third-call-throttled")).to_be_visible()
    expect(page.locator(".expectations .bad").first).to_contain_text("not met")
    console.create()
    expect(page.get_by_text("came nearest at")).to_be_visible()
    page.get_by_role("button", name="Go on without").click()
    expect(page.get_by_text("No scenario is in force: nothing fails on command.")).to_be_visible()


def test_an_exchange_is_made_to_fail_next_time(console):
    console.create()
    page = console.open("exchanges/1")
    page.get_by_role("link", name="Make this fail next time").click()
    expect(page.locator("#problems")).to_have_text("It loads.")
    page.get_by_role("button", name="Set this scenario").click()
    expect(page.get_by_text("In force: fail-after-exchange-1")).to_be_visible()
    assert [console.create().status_code for _ in range(2)] == [429, 201]


def test_the_clock_is_moved_and_run(console):
    page = console.open("clock")
    expect(page.locator(".clock")).to_contain_text("00:00:00.000")
    page.get_by_role("button", name="+61s").click()
    expect(page.locator(".clock")).to_contain_text("00:01:01.000")
    page.get_by_label("By").fill("1h30m")
    page.get_by_role("button", name="Advance", exact=True).click()
    expect(page.locator(".clock")).to_contain_text("01:31:01.000")
    page.get_by_label("Go to (UTC)").fill("2020-01-01T00:00:00")
    console.expects("409")
    page.get_by_role("button", name="Set ahead").click()
    expect(page.locator("#notice")).not_to_be_empty()
    page.get_by_label("Test seconds per second").fill("100")
    page.get_by_role("button", name="Run at this rate").click()
    expect(page.get_by_text("It runs 100 times as fast as real time.")).to_be_visible()
    expect(page.locator("#notice")).to_be_empty()
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("It is frozen")).to_be_visible()


def test_a_row_is_edited_within_the_contract_and_has_a_history(console):
    id = console.create().json()["id"]
    page = console.open("state")
    page.get_by_role("button", name="Save a snapshot").click()
    page.get_by_role("link", name=id).click()
    expect(page.get_by_role("heading", name=id)).to_be_visible()
    expect(page.locator("tbody tr")).to_contain_text("added")
    text = page.get_by_label("The row as JSON")
    text.fill(text.input_value().replace('"likes tea"', "7"))
    console.expects("409")
    page.get_by_role("button", name="Store").click()
    expect(page.locator("#notice")).to_contain_text("memory")
    text.fill(text.input_value().replace("7\n", '"likes milk"\n'))
    page.get_by_role("button", name="Store").click()
    expect(page.locator("#notice")).to_be_empty()
    assert console.http.get("/v1/user-memories").json()["data"][0]["memory"] == ["likes milk"]
    page.get_by_role("button", name="Delete the row").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("There is no such row now.")).to_be_visible()
    page.goto(f"{console.url}/__console/#/default/state")
    expect(page.locator("tbody tr", has_text="1 removed")).to_be_visible()
    page.get_by_role("button", name="Restore snapshot 1").click()
    expect(page.get_by_role("link", name=id)).to_be_visible()
    assert console.http.get("/v1/user-memories").json()["data"][0]["memory"] == ["likes tea"]


def test_sandboxes_are_made_found_opened_reset_and_deleted(console):
    for number in range(20):
        console.admin("POST", "/sandboxes", json={"name": f"ci-{number}"})
    page = console.open("sandboxes")
    page.get_by_label("Name").fill("mine")
    page.get_by_role("combobox", name="Scenario").select_option("out-of-credits")
    page.get_by_role("button", name="Make a sandbox").click()
    expect(page.get_by_text("1 sandbox", exact=True)).to_be_visible()
    assert page.url.endswith("?q=mine")
    page.get_by_text("How to reach it").click()
    key = console.admin("GET", "/sandboxes/mine").json()["api_key"]
    expect(page.locator("tbody")).to_contain_text(key)
    assert console.create(headers={"authorization": f"Bearer {key}"}).status_code == 402
    page.get_by_role("link", name="mine").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#sandbox")).to_have_value("mine")
    page.goto(f"{console.url}/__console/#/mine/sandboxes?q=mine")
    page.get_by_role("button", name="Reset mine").click()
    page.get_by_role("button", name="Cancel").click()
    assert console.admin("GET", "/sandboxes/mine").json()["requests"] == 1
    page.get_by_role("button", name="Reset mine").click()
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(page.locator("#said")).to_have_text("mine begins anew.")
    console.create(headers={"authorization": f"Bearer {key}"})
    expect(page.locator("#live")).to_have_text("Live again: the journal began anew")
    page.get_by_role("button", name="Delete mine").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#sandbox")).to_have_value("default")
    assert console.http.get("/__admin/sandboxes/mine").status_code == 404


def test_a_sandbox_that_is_not_there_is_told(console):
    page = console.page
    page.goto(f"{console.url}/__console/#/none/exchanges")
    expect(page.locator("#notice")).to_contain_text("there is no sandbox 'none'")
    page.get_by_role("link", name="See all sandboxes").click()
    expect(page.get_by_role("heading", name="Sandboxes")).to_be_visible()
    console.expects("404")


def test_inferred_resources_and_their_reasons_are_shown(make_console):
    document = Path(__file__).parent / "documents" / "harbour-3.0.yaml"
    with serve_in_thread(create_app(Settings(apis=(f"harbour={document}",)))) as served:
        console = make_console(url=served.url)
        shown = console.admin("GET", "/apis").json()["apis"][0]
        page = console.open("contract")
        for resource in shown["resources"]:
            expect(page.get_by_role("heading", name=f"{resource['name']} {resource['path']}")).to_be_visible()
        conclusion = shown["resources"][0]["conclusions"][0]
        expect(page.get_by_text(conclusion["reason"]).first).to_be_visible()
        operation = shown["operations"][0]["id"]
        page.get_by_role("link", name=operation, exact=True).click()
        expect(page.get_by_role("heading", name=operation)).to_be_visible()
        console.page.goto("about:blank")


def test_the_token_is_asked_for_once_and_kept_in_memory_only(make_console):
    with serve_in_thread(create_app(Settings(admin_token="s3cret-token"))) as served:
        console = make_console(url=served.url)
        page = console.page
        page.goto(f"{served.url}/__console/#/default/exchanges")
        for token in ("wrong", "s3cret-token"):
            page.get_by_role("textbox", name="Admin token").fill(token)
            page.get_by_role("button", name="Use it").click()
            expect(page.locator("#ask-token")).to_have_value("")
        expect(page.get_by_text("No client has sent a request")).to_be_visible()
        for place in PANELS:
            page.locator("#panels a", has_text=re.compile(place, re.I)).click()
            expect(page.locator(f".of-{place} h1")).to_be_visible()
            expect(page.locator("#ask")).not_to_be_visible()
        kept = page.evaluate("[{...localStorage}, {...sessionStorage}, document.cookie, location.href]")
        assert "s3cret" not in json.dumps(kept)
        assert "s3cret" not in page.content()
        page.reload()
        expect(page.locator("#ask")).to_be_visible()
        console.expects("40[13] ")
        page.goto("about:blank")


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


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_bodies_and_names_are_text(console, text):
    header = text.encode("ascii", "replace").decode().replace("\0", "?")
    for body in (
        {"agent_id": text, "memory": text, "context": text},
        {"agent_id": 7, "memory": {text: text}},
        {text: text, "memory": [text]},
    ):
        console.create(body, headers={"x-note": header, "x-request-id": header[:60]})
    console.http.get("/v1/user-memories", params={"limit": text, text: text})
    console.http.post("/v1/user-memories", content=text.encode(), headers={"content-type": header})
    console.http.request("DELETE", f"/v1/user-memories/{httpx.QueryParams({'': text})!s}".replace("=", ""))
    scenario = {
        "version": 1,
        "name": "hostile",
        "api": "datagrid",
        "rules": [
            {"id": "never", "when": {"body": {"agent_id": {"equals": text + "!"}}}, "reply": "rate_limited"},
            {"id": "bad", "op": "getCredits", "set": {"/consumed": text}, "violates": text.replace("\0", "?")},
        ],
        "state": {"user_memories": [{"agent_id": text, "memory": [text]}]},
        "expect": [{"rule": "never", "fired": 1}],
    }
    pages = [*PANELS, *(f"exchanges/{number}" for number in range(1, 7))]
    look_at(console, pages, text)
    console.admin("PUT", "/sandboxes/default/scenario", json=scenario)
    console.create({"agent_id": text, "memory": text})
    console.http.get("/v1/organization/credits")
    row = next(iter(console.admin("GET", "/sandboxes/default/state").json()["tables"]["user_memories"][""]))
    look_at(console, [*PANELS, "exchanges/1", "exchanges/2", f"state/user_memories?row={row['id']}"], text)
    page = console.page
    for part in ("exchanges", "state", "contract"):
        place = httpx.QueryParams({"text": text, "row": text, "operation": text, "rule": text, "side": text})
        page.goto(f"{console.url}/__console/#/{part}?{place}")
        page.goto(f"{console.url}/__console/#/default/{part}/{place}?{place}")
        expect(page.locator(".panel h1, #notice p").first).to_be_visible()
        assert_no_markup(console)
    console.expects("40[04] ")


def look_at(console: Console, places: list[str], text: str) -> None:
    seen = ""
    for place in places:
        page = console.open(place)
        for summary in page.locator("summary").all():
            summary.click()
        assert_no_markup(console)
        seen += page.locator("main").inner_text()
    if text.isprintable():
        assert text in seen, "the hostile text itself is to be seen"


def assert_no_markup(console: Console) -> None:
    page = console.page
    assert page.evaluate("typeof pwned") == "undefined"
    assert page.locator("main script, main img, main iframe, [onerror], [onload], main [srcdoc]").count() == 0
    assert page.locator("main svg:not(.band)").count() == 0
    assert page.locator("a[href]:not([href^='#'])").count() == 0


def test_text_cannot_become_markup_or_code_even_if_a_script_tried(console):
    page = console.open("exchanges")
    for attempt in ('document.body.innerHTML = "<b>x</b>"', 'document.body.setAttribute("onclick", "pwned = 1")'):
        tried = f"() => {{ try {{ {attempt}; return false }} catch (error) {{ return error instanceof TypeError }} }}"
        assert page.evaluate(tried), attempt
    console.expects("TrustedHTML|TrustedScript")


def test_a_page_of_another_origin_can_neither_frame_nor_steer_it(make_console, make_server):
    console, elsewhere = make_console(), make_server()
    page = console.page
    page.goto(f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/__admin/health")
    steered = f"""() => fetch("{console.url}/__admin/sandboxes/default/credits", {{
            method: "PUT", body: '{{"remaining": 1}}',
            headers: {{"x-mockserver-admin": "1", "content-type": "application/json"}},
        }}).then(() => "done", () => "refused")"""
    assert page.evaluate(steered) == "refused"
    assert console.admin("GET", "/sandboxes/default/credits").json()["remaining"] == 10_000
    console.expects("CORS|ERR_FAILED|404")


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


def test_the_files_are_in_the_wheel(tmp_path):
    root = STATIC.parents[2]
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=root, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {f"mockserver/console/static/{path.name}" for path in STATIC.iterdir()} <= packed
