"""The console by keyboard alone, in a real browser: the main path of every panel, wide and narrow, light and dark.

Every stop of the Tab key on the way has a name, shows that it has the focus, and is not hidden behind something. What
the path ends with breaks no rule of accessibility and fits the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce

import pytest
from browsing import LOOKS, Console
from playwright.sync_api import Locator, expect

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

MOST_STOPS = 150
FIELDS = ("textbox", "searchbox", "spinbutton")

STOP = """() => {
    const node = document.activeElement;
    if (node === document.body) return null;
    const styles = [node, ...node.querySelectorAll("*")].map((one) => getComputedStyle(one));
    const box = node.getBoundingClientRect();
    const inside = (low, high, most) => Math.min(Math.max((low + high) / 2, 1), most - 1);
    const x = inside(Math.max(box.left, 0), Math.min(box.right, innerWidth), innerWidth);
    const ys = [box.top + 3, (box.top + box.bottom) / 2, box.bottom - 3].filter((y) => y > 0 && y < innerHeight);
    const seen = ys.some((y) => {
        const top = document.elementFromPoint(x, y);
        return top && (node.contains(top) || top.contains(node) && !top.matches("nav, header"));
    });
    return {
        what: node.outerHTML.slice(0, 200),
        marked: styles.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
            || style.stroke !== "none" && parseFloat(style.strokeWidth) >= 2),
        seen: seen && box.width > 0 && box.right > 0 && box.left < innerWidth,
    };
}"""
"""Whether the element that has the focus shows it, and is itself shown."""


class Keys:
    """The keyboard of somebody who has nothing else."""

    def __init__(self, console: Console) -> None:
        self.console, self.page = console, console.page

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Put a text in the place of what is in the field."""
        self.press("Control+A")
        self.page.keyboard.insert_text(text)

    def to(self, wanted: Locator) -> Locator:
        """Go to an element with the Tab key."""
        expect(wanted).to_have_count(1)
        for _ in range(MOST_STOPS):
            if wanted.evaluate("node => node === document.activeElement"):
                return wanted
            self.press("Tab")
            stop = self.page.evaluate(STOP)
            if stop is not None:
                assert stop["marked"], f"no focus is seen at {stop['what']}"
                assert stop["seen"], f"out of sight: {stop['what']}"
        raise AssertionError(f"{MOST_STOPS} Tabs do not lead to {wanted}")

    def into(self, label: str, text: str) -> None:
        """Go to a field and fill it."""
        fields = [self.page.get_by_role(role, name=label, exact=True) for role in FIELDS]
        self.to(reduce(Locator.or_, fields))
        self.write(text)

    def choose(self, label: str, option: str) -> None:
        """Go to a list and choose, as its first letters do."""
        self.to(self.page.get_by_role("combobox", name=label, exact=True))
        self.page.keyboard.type(option)

    def push(self, name: str, role: str = "button") -> None:
        """Go to a button or a link, and press Enter."""
        self.to(self.page.get_by_role(role, name=name, exact=True))
        self.press("Enter")

    def open(self, panel: str) -> None:
        """Go to a panel by its link."""
        self.push(panel, "link")
        expect(self.page.get_by_role("link", name=panel, exact=True)).to_have_attribute("aria-current", "page")
        expect(self.page.locator("main")).to_be_focused()


def exchanges(keys: Keys) -> None:
    fold = keys.page.get_by_text("Filter", exact=True)
    if fold.is_visible():  # on a phone
        keys.to(fold)
        keys.press("Enter")
    keys.into("Status", "429")
    expect(keys.page.get_by_role("link", name="#")).to_have_count(1)
    keys.push("#3", "link")
    expect(keys.page.get_by_role("heading", level=1)).to_contain_text("429")
    expect(keys.page.locator("main")).to_be_focused()
    keys.push("Copy as curl")
    expect(keys.page.get_by_text("Copied: Copy as curl.")).to_be_visible()
    keys.push("Make this fail next time", "link")
    expect(keys.page.get_by_text("It loads.")).to_be_visible()
    keys.push("Set this scenario")
    expect(keys.page.get_by_text("The scenario is in force; the sandbox begins anew.")).to_be_visible()


def limits(keys: Keys) -> None:
    keys.open("Limits")
    keys.to(keys.page.get_by_role("checkbox", name="only windows in use"))
    keys.press("Space")
    expect(keys.page.get_by_role("heading", name="getCredits")).to_be_visible()
    keys.press("Space")
    keys.to(keys.page.get_by_role("link", name=re.compile("^#1 at ")))
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", level=1)).to_contain_text("201")


def credits(keys: Keys) -> None:
    keys.open("Credits")
    keys.into("What remains", "3")
    keys.press("Enter")
    expect(keys.page.get_by_text("3 credits remain.")).to_be_visible()
    keys.push("#1", "link")
    expect(keys.page.get_by_role("heading", level=1)).to_contain_text("201")


def scenario(keys: Keys) -> None:
    keys.open("Scenario")
    keys.choose("Switch to", "out-of-credits")
    keys.push("Use")
    expect(keys.page.get_by_text("In force: out-of-credits")).to_be_visible()
    keys.into("The scenario as YAML", "version: 1\nname: mine\napi: datagrid\nrulez: []\n")
    expect(keys.page.locator("#problems")).to_contain_text("rules")
    keys.push("Go to line 4, column 1")
    expect(keys.page.get_by_label("The scenario as YAML")).to_be_focused()
    keys.write("version: 1\nname: mine\napi: datagrid\n")
    expect(keys.page.get_by_text("It loads.")).to_be_visible()
    keys.push("Set this scenario")
    expect(keys.page.get_by_text("In force: mine")).to_be_visible()


def clock(keys: Keys) -> None:
    keys.open("Clock")
    keys.push("+61s")
    expect(keys.page.locator(".clock")).to_contain_text("00:01:16")
    keys.into("By", "1h")
    keys.press("Enter")
    expect(keys.page.get_by_text("The clock went 1h ahead.")).to_be_visible()
    keys.push("Real time")
    expect(keys.page.get_by_text("It runs as fast as real time.")).to_be_visible()
    keys.push("Freeze")
    expect(keys.page.get_by_text("It is frozen")).to_be_visible()


def state(keys: Keys) -> None:
    id = keys.console.http.get("/v1/user-memories").json()["data"][0]["id"]
    keys.open("State")
    keys.push("Save a snapshot")
    expect(keys.page.get_by_role("cell", name="no difference")).to_be_visible()
    keys.push(id, "link")
    text = keys.to(keys.page.get_by_label("The row as JSON"))
    keys.write(text.input_value().replace("fact 1", "another fact"))
    keys.page.locator(".panel").evaluate("panel => { panel.id = 'before'; }")
    keys.push("Store")
    expect(keys.page.get_by_text("The row is stored.")).to_be_visible()
    expect(keys.page.locator("#before")).to_have_count(0)  # the panel was drawn anew
    expect(keys.page.get_by_role("button", name="Store")).to_be_focused()
    keys.push("Delete the row")
    expect(keys.page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(keys.page.get_by_role("button", name="Delete the row")).to_be_focused()
    keys.press("Enter")
    keys.push("Delete")
    expect(keys.page.get_by_text("There is no such row now.")).to_be_visible()


def sandboxes(keys: Keys) -> None:
    keys.open("Sandboxes")
    keys.into("Name", "mine")
    keys.press("Enter")
    expect(keys.page.get_by_text("1 sandbox", exact=True)).to_be_visible()
    keys.into("Search", "ci-1")
    keys.push("Reset ci-1")
    keys.push("Reset")
    expect(keys.page.get_by_text("ci-1 begins anew.")).to_be_visible()
    keys.push("ci-1", "link")
    expect(keys.page.get_by_role("combobox", name="Sandbox", exact=True)).to_have_value("ci-1")


def contract(keys: Keys) -> None:
    keys.open("Contract")
    keys.into("Text", "createUser")
    operations = keys.page.get_by_role("region", name="Operations")
    keys.to(operations.get_by_role("link", name="Memory.createUserMemory", exact=True))
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", name="Memory.createUserMemory")).to_be_visible()


def health(keys: Keys) -> None:
    keys.open("Health")
    keys.to(keys.page.get_by_role("link", name="Memory.createUserMemory", exact=True))
    keys.press("Enter")
    expect(keys.page.get_by_role("link", name="#")).to_have_text(["#3", "#2", "#1"])


def webhooks(keys: Keys) -> None:
    """The bundled APIs send none, which is said; deliveries are tested with the panel."""
    keys.open("Webhooks")
    expect(keys.page.get_by_role("heading", name="Webhooks")).to_be_visible()


PATHS: list[Callable[[Keys], None]] = [
    *(exchanges, limits, credits, scenario, clock, state, webhooks, sandboxes, contract, health),
]


def prepared(console: Console) -> None:
    """Three creations of which the third is refused, and another sandbox."""
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "third-call-throttled"})
    console.admin("PATCH", "/sandboxes/default/clock", json={"mode": "frozen"})
    for number in range(3):
        console.create({"agent_id": "a", "memory": f"fact {number}"})
        console.admin("POST", "/sandboxes/default/clock/advance", json={"by": "5s"})
    console.admin("POST", "/sandboxes", json={"name": "ci-1"})


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
def test_the_main_path_of_a_panel_needs_no_mouse(make_console, look, path):
    console = make_console(look)
    prepared(console)
    page = console.open("exchanges")
    path(Keys(console))
    # A line that is said goes by itself; what the panels above hide is there after scrolling.
    page.evaluate("() => { document.getElementById('said').textContent = ''; scrollTo(0, 0); }")
    assert console.breaches() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_every_panel_has_a_path(console):
    """A panel that is new is tried here too, or in a test of its own that is named."""
    links = console.open("exchanges").locator("#panels a").all_text_contents()
    assert {link.lower() for link in links} == {path.__name__ for path in PATHS}


def test_nothing_holds_the_focus(console):
    """Tab goes through all of a page and begins again, and Shift+Tab goes the same way back."""
    prepared(console)
    page = console.open("exchanges")
    keys, mark = Keys(console), "node => node.outerHTML"

    def round_(key: str) -> list[str]:
        stops = []
        for _ in range(MOST_STOPS):
            keys.press(key)
            focused = page.locator("*:focus")
            if not focused.count() or (stops and focused.evaluate(mark) == stops[0]):
                return stops
            stops.append(focused.evaluate(mark))
        raise AssertionError("no end")

    there = round_("Tab")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.reload()
    expect(page.get_by_role("link", name="#1")).to_be_visible()
    assert len(there) > 15
    assert set(round_("Shift+Tab")) == set(there)
