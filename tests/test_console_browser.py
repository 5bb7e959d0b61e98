"""The console in a real browser: what each panel shows and does."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from browsing import LOOKS, Console
from playwright.sync_api import expect

from mockserver.console.pages import STATIC
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

PANELS = ["exchanges", "limits", "credits", "scenario", "clock", "state", "webhooks", "sandboxes", "contract", "health"]

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


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
        assert console.breaches() == [], place


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
        page.get_by_role("region", name="Operations").get_by_role("link", name=operation, exact=True).click()
        expect(page.get_by_role("heading", name=operation)).to_be_visible()
        console.page.goto("about:blank")


def test_the_files_are_in_the_wheel(tmp_path):
    root = STATIC.parents[2]
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=root, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {f"mockserver/console/static/{path.name}" for path in STATIC.iterdir()} <= packed
