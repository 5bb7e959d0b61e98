"""Three puzzles solved with the console, as docs/console.md tells them: the vendor's client, a real server, a browser.

Each step asserts what the page says. With WRITE_PICTURES=1 each step also writes its picture into docs/images.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import datagrid_ai
import pytest
from browsing import Console
from datagrid_ai import Datagrid
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "console.md").read_text(encoding="utf-8")
COLOURS = 160
"""Of a picture; a page has few, and a file with few is small."""


@pytest.fixture
def picture() -> Callable[[Console, str], None]:
    """Takes the picture of a step, when pictures are written; the documentation has to show it."""

    def take(console: Console, name: str) -> None:
        assert f"images/{name}.png" in PAGE + (DOCS.parent / "README.md").read_text(encoding="utf-8")
        if os.environ.get("WRITE_PICTURES"):
            page, size = console.page, console.page.viewport_size
            end = page.locator("main").evaluate("node => node.getBoundingClientRect().bottom")
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], int(end) + 12)}
            shot = page.screenshot(animations="disabled", caret="hide", clip=clip)
            image = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            image.save(DOCS / "images" / f"{name}.png", optimize=True)

    return take


def client_of(console: Console, program: str = "", **options: object) -> Datagrid:
    """The vendor's client, as a program of some name has it."""
    headers = {"user-agent": program} if program else {}
    return Datagrid(api_key="k", base_url=f"{console.url}/v1", default_headers=headers, **options)


def wait(console: Console, by: str) -> None:
    """Let time go by on the test clock."""
    console.admin("POST", "/sandboxes/default/clock/advance", json={"by": by})


def in_view(console: Console, text: str) -> None:
    """Scroll so that a text stands in the upper part of the page."""
    console.page.get_by_text(text).first.evaluate(
        "node => scrollTo(0, node.getBoundingClientRect().top + scrollY - 180)"
    )


def test_a_429_after_fifty_requests(console, picture):
    importer, sync = client_of(console, "importer/1.0"), client_of(console, "sync/2.3", max_retries=0)
    for number in range(150):
        importer.memory.user.create(agent_id="shop", memory=f"order {number} was shipped")
        wait(console, "120ms")
    for number in range(50):
        sync.memory.user.create(agent_id="shop", memory=f"customer {number} prefers tea")
        wait(console, "200ms")
    with pytest.raises(datagrid_ai.RateLimitError):
        sync.memory.user.create(agent_id="shop", memory="customer 50 prefers tea")

    page = console.open("exchanges")
    page.get_by_label("Status").fill("429")
    expect(page.get_by_role("link", name="#")).to_have_text(["#201"])
    picture(console, "console-429-exchanges")

    page.get_by_role("link", name="#201").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("429")
    expect(page.locator("main")).to_contain_text("made 200 requests to POST /user-memories since 00:00:00")
    expect(page.locator("main")).to_contain_text("the next is admitted at 00:01:00")
    expect(page.get_by_role("list", name="Stages of the request")).to_contain_text("Limit: decided here")
    picture(console, "console-429-why")

    page.get_by_role("link", name="Limits", exact=True).click()
    card = page.locator("section", has=page.get_by_role("heading", name="Memory.createUserMemory"))
    expect(card).to_contain_text("200 of 200 in 60 s")
    expect(card).to_contain_text("The next is admitted at 00:01:00")
    picture(console, "console-429-limits")

    page.get_by_role("link", name="Exchanges", exact=True).click()
    page.get_by_label("Text").fill("importer/1.0")
    expect(page.get_by_text("150 exchanges")).to_be_visible()
    picture(console, "console-429-who")

    page.get_by_role("link", name="Clock", exact=True).click()
    page.get_by_role("button", name="+61s").click()
    expect(page.locator(".clock")).to_contain_text("00:01:2")
    sync.memory.user.create(agent_id="shop", memory="customer 50 prefers tea")


def test_a_body_off_the_contract(console, picture):
    client = client_of(console)
    client.memory.user.create(agent_id="7", memory="likes tea")
    with pytest.raises(datagrid_ai.BadRequestError):
        client.memory.user.create(agent_id=7, memory=["likes tea", "lives in Bern"])  # type: ignore[arg-type]

    page = console.open("exchanges")
    page.get_by_role("combobox", name="Violation by").select_option("client")
    expect(page.get_by_role("link", name="#")).to_have_text(["#2"])
    expect(page.get_by_role("row", name="#2")).to_contain_text("agent_id: must be a string, not the integer 7")
    picture(console, "console-body-exchanges")

    page.get_by_role("link", name="#2").click()
    marked = page.locator(".line.marked")
    expect(marked.first).to_contain_text('"agent_id": 7')
    expect(marked.first).to_contain_text("must be a string, not the integer 7")
    expect(marked.nth(1)).to_contain_text("memory")
    marked.first.evaluate("node => scrollTo(0, node.getBoundingClientRect().top + scrollY - 220)")
    picture(console, "console-body-marked")

    client.memory.user.create(agent_id="7", memory="likes tea; lives in Bern")
    expect(console.open("exchanges").get_by_role("row", name="#3")).to_contain_text("201")


def test_a_memory_that_was_paid_twice(console, picture):
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "lost-after-commit"})
    console.admin("PATCH", "/sandboxes/default/clock", json={"mode": "real"})
    client = client_of(console, max_retries=2)
    made = client.memory.user.create(agent_id="shop", memory="prefers tea")

    page = console.open("credits")
    ledger = page.get_by_role("table", name="Ledger")
    expect(ledger.get_by_role("link", name="#")).to_have_text(["#2", "#1"])
    expect(page.locator(".figures")).to_contain_text("2")
    picture(console, "console-twice-ledger")

    ledger.get_by_role("link", name="#1").click()
    expect(page.get_by_text("The rule that acted: lost-after-commit")).to_be_visible()
    expect(page.locator("main")).to_contain_text("fault: {reset: after_commit}")
    expect(page.get_by_role("link", name="attempt 2")).to_be_visible()
    picture(console, "console-twice-lost")
    in_view(console, "Retries")
    picture(console, "console-twice-story")

    page.get_by_role("link", name="State", exact=True).click()
    rows = page.get_by_role("region", name="Rows of user_memories")
    expect(rows).to_contain_text(made.id)
    expect(rows.get_by_role("cell", name="prefers tea")).to_have_count(2)
    rows.evaluate("node => { node.scrollLeft = node.scrollWidth; }")
    picture(console, "console-twice-rows")

    page.get_by_role("link", name="Scenario", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="unique_by")).to_contain_text("not met")
    in_view(console, "Expectations")
    picture(console, "console-twice-expectations")


@pytest.mark.parametrize(
    ("name", "look"), [("console", "desktop"), ("console-dark", "dark"), ("console-phone", "phone")]
)
def test_a_day_at_a_glance(make_console, picture, name, look):
    """The picture of the README: exchanges of many kinds, each with its reason."""
    console = make_console(look)
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "third-call-throttled"})
    console.admin("PATCH", "/sandboxes/default/clock", json={"mode": "frozen"})
    client = client_of(console, max_retries=0)
    for number, fact in enumerate(["prefers tea", "lives in Bern", "speaks French", "speaks French"]):
        if number == 2:
            with pytest.raises(datagrid_ai.RateLimitError):
                client.memory.user.create(agent_id="support", memory=fact)
        else:
            client.memory.user.create(agent_id="support", memory=fact)
        wait(console, "2s")
    with pytest.raises(datagrid_ai.BadRequestError):
        client.memory.user.create(agent_id=7, memory="no agent")  # type: ignore[arg-type]
    client.memory.user.list(limit=20)
    console.http.get("/v1/user-memories?limit=500")
    console.admin("PUT", "/sandboxes/default/credits", json={"remaining": 0})
    with pytest.raises(datagrid_ai.APIStatusError):
        client.memory.user.create(agent_id="support", memory="is out of credits")
    console.http.post("/mem0/v1/memories/", json={"messages": [{"role": "user", "content": "I like tea"}]})
    page = console.open("exchanges")
    expect(page.get_by_role("link", name="#")).to_have_count(9)
    for number, told in ((3, "third-call"), (5, "violation by client"), (8, "402")):
        expect(page.get_by_role("row", name=f"#{number}")).to_contain_text(told)
    picture(console, name)
