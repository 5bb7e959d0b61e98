"""The console's exchanges and contract in a real browser: places, reasons, copies, filters, and requests sent from it."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect
from test_console_browser import browser, console, make_console  # noqa: F401
from test_explanation import RULES

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


def use(console, text: str = RULES) -> None:  # noqa: F811
    headers = {"x-mockserver-admin": "1", "content-type": "application/yaml"}
    url = f"{console.url}/__admin/sandboxes/default/scenario"
    assert httpx.put(url, content=text, headers=headers).status_code == 200


def test_each_violation_has_the_line_of_its_schema_beside_it(console):  # noqa: F811
    console.create({"agent_id": 7})
    page = console.open("exchanges/1")
    marked = page.locator(".line.marked", has_text='"agent_id": 7')
    expect(marked).to_contain_text("must be a string, not the integer 7")
    expect(marked.locator(".schema .file")).to_contain_text("spec/datagrid.yaml:116")
    expect(marked.locator(".row.meant")).to_contain_text("116            type: string")
    missing = page.locator(".line.marked").first
    expect(missing).to_contain_text("{ memory is required and missing")
    expect(missing.locator(".row.meant")).to_contain_text("- memory")
    console.http.get("/v1/user-memories?limit=500")
    page = console.open("exchanges/2")
    expect(page.locator(".violations li")).to_contain_text("query limit must be at most 100")
    expect(page.locator(".violations code").last).to_have_text("spec/datagrid.yaml:94")
    expect(page.locator(".violations .row.meant")).to_contain_text("maximum: 100")


def test_the_rule_that_acted_and_each_that_did_not_show_their_lines_and_why(console):  # noqa: F811
    use(console)
    console.create()
    page = console.open("exchanges/1")
    section = page.locator("section", has=page.get_by_role("heading", name="The rule that acted: any"))
    expect(section.locator("pre")).to_contain_text("22    - id: any")
    near = page.locator("section", has=page.get_by_role("heading", name="The near miss: rule third"))
    expect(near.locator("pre")).to_contain_text("- id: third")
    expect(near.locator("tbody tr")).to_have_text("call31")
    others = page.locator("details.idle")
    expect(others).to_have_count(3)
    second = others.filter(has_text="upload.yaml:17")
    expect(second.locator("summary")).to_contain_text("call: expected 2, found 1")
    expect(second.locator("pre")).to_be_hidden()
    second.locator("summary").press("Enter")
    expect(second.locator("pre")).to_contain_text("- id: second")


def test_retries_are_one_story_on_a_time_line(console):  # noqa: F811
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "third-call-throttled"})
    console.admin("PATCH", "/sandboxes/default/clock", json={"mode": "frozen"})
    for number in range(3):
        console.create({"agent_id": "a", "memory": f"fact {number}"})
    console.admin("POST", "/sandboxes/default/clock/advance", json={"by": "1500ms"})
    console.create({"agent_id": "a", "memory": "fact 2"})
    page = console.open("exchanges/4")
    story = page.locator(".story li")
    expect(story).to_have_count(3)
    expect(story.nth(0)).to_contain_text("attempt 1 (#3) 429")
    expect(story.nth(1)).to_have_text("waited 1.5 s, 500 ms less than Retry-After said")
    expect(story.nth(2)).to_contain_text("attempt 2 (#4) 201")
    story.nth(0).get_by_role("link").click()
    expect(page.locator(".story .this")).to_contain_text("attempt 1 (#3)")


def test_every_reason_of_an_exchange_is_a_paragraph(console):  # noqa: F811
    console.create()
    page = console.open("exchanges/1")
    sentences = console.admin("GET", "/sandboxes/default/journal/1/why").json()["sentences"]
    assert len(sentences) > 2
    for sentence in sentences[1:]:
        expect(page.get_by_text(sentence, exact=True)).to_be_visible()
