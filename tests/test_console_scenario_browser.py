"""The console's scenario editor in a real browser: completion, undo, how the next call fails, how rules stand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from mockserver.scenarios import ScenarioModel
from mockserver.text.models import editor_schema

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]

HEAD = "version: 1\nname: mine\napi: datagrid\nrules:\n  - id: r1\n    "


def options(page):
    return page.get_by_role("listbox", name="Completions").get_by_role("option")


def test_a_scenario_is_written_by_completion_and_keyboard_alone(console):
    page = console.open("scenario")
    area = page.get_by_label("The scenario as YAML")
    area.fill(HEAD)
    area.press("Control+End")
    area.press("Control+Space")
    expect(options(page).first).to_have_text(re.compile("^reply"))
    expect(area).to_have_attribute("aria-activedescendant", "suggestion-0")
    area.press_sequentially("op")
    expect(options(page)).to_have_count(1)
    area.press("Tab")
    expect(options(page).first).to_have_text("*")
    area.press_sequentially("create")
    expect(options(page).first).to_have_text("Memory.createUserMemory")
    area.press("Enter")
    expect(options(page)).to_have_count(0)
    area.press("Enter")
    area.press_sequentially("    fa")
    area.press("Enter")
    expect(options(page).first).to_contain_text("latency")
    expect(options(page).first).to_contain_text("A delay before the response.")
    area.press("ArrowDown")
    expect(area).to_have_attribute("aria-activedescendant", "suggestion-1")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    area.press("Enter")
    expect(options(page)).to_have_text(["before", "after_commit"])
    area.press("Enter")
    assert area.input_value() == f"{HEAD}op: Memory.createUserMemory\n    fault: {{reset: before}}"
    expect(page.locator("#problems")).to_have_text("It loads.")
    area.press("Tab")
    expect(page.get_by_role("button", name="Set this scenario")).to_be_focused()


def test_the_list_is_closed_by_escape_and_takes_no_key_then(console):
    page = console.open("scenario")
    area = page.get_by_label("The scenario as YAML")
    area.press_sequentially("ver")
    expect(options(page)).to_have_count(1)
    area.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(page.get_by_role("listbox")).not_to_be_visible()
    area.press("Enter")
    assert area.input_value() == "ver\n"
    area.press("Control+Space")
    options(page).filter(has_text="api").first.click()
    assert area.input_value() == "ver\napi: "
    expect(options(page)).to_have_text(["datagrid", "mem0"])


def test_a_completion_is_undone_as_what_was_typed_is(console):
    page = console.open("scenario")
    area = page.get_by_label("The scenario as YAML")
    area.press_sequentially("ver")
    area.press("Enter")
    assert area.input_value() == "version: "
    area.press("Escape")
    area.press("Control+z")
    assert area.input_value() == "ver"
    page.get_by_role("button", name="Redo").click()
    assert area.input_value() == "version: "
    page.get_by_role("button", name="Undo").click()
    assert area.input_value() == "ver"


PLACES = {
    "|": ["version", "name"],
    "version: 1\n|": ["name", "api"],
    "api: |": ["datagrid", "mem0"],
    "api:|": ["datagrid", "mem0"],
    "rules:\n  |": ["- id: …"],
    "rules: |": ["- id: …"],
    "rules:\n  - |": ["id", "reply"],
    "rules:\n- id: a\n  wh|\n- id: b": ["when"],
    "rules:\n- id: a\n  when: {call: 3, |}\n  op: x": ["method", "path"],
    "rules:\n  - id: a\n    op: 'get|'": ["getCredits"],
    "rules:\n  - id: a\n    sequence: [ok, |]": ["ok", "rate_limited"],
    "rules:\n  - id: a\n    sequence:\n      - |": ["rate_limited", "out_of_credits"],
    "rules:\n  - id: a\n    fault: {reset: |": ["before", "after_commit"],
    "rules:\n  - id: a\n    fault:\n      latency:\n        me|": ["median"],
    "rules:\n  - id: a\n    fault: {billing_write: |}": ["lost"],
    "rules:\n  - id: a\n    fault: {empty: |}": ["true"],
    "rules:\n  - id: mine\nexpect:\n  - rule: |": ["mine"],
    "expect:\n  - retries: |": ["honour_retry_after"],
    "limits:\n  - per: [|]": ["teamspace", "path"],
    "clock: {mode: |}": ["real", "frozen"],
    "rules:\n  - id: a\n    violates: >\n      text |\n": [],
    "# |": [],
    "name: x # |": [],
}


def test_what_may_be_written_at_a_place(console):
    page = console.open("scenario")
    names = {"api": ["datagrid", "mem0"], "op": ["*", "getCredits"]}
    got = page.evaluate(
        """async ([places, schema, names]) => {
            const { placeAt } = await import("./yamlplace.js"), { completions } = await import("./completion.js");
            return places.map((place) => {
                const caret = place.lastIndexOf("|"), text = place.slice(0, caret) + place.slice(caret + 1);
                const found = placeAt(text, caret), rules = { ...names, rule: ["mine"] };
                return completions(found, text.slice(found.from, caret), schema, rules).map((one) => one.label);
            });
        }""",
        [list(PLACES), editor_schema(ScenarioModel), names],
    )
    shown = {place: labels[: len(wanted) or None] for (place, wanted), labels in zip(PLACES.items(), got, strict=True)}
    assert shown == PLACES


def test_no_text_is_too_odd_to_be_looked_at(console):
    """Every caret of a text with all styles in it, whole and cut off at the caret."""
    page = console.open("scenario")
    text = "a: {b: [1, {c: 'x: y'}], \"d\n---\n- - x: |\n    z\n ? k\n: v\n- {a}\n]}: #\n\t- &x *y\n" + HEAD
    count = page.evaluate(
        """async (text) => {
            const { placeAt } = await import("./yamlplace.js");
            let count = 0;
            for (let caret = 0; caret <= text.length; caret += 1) {
                for (const one of [text, text.slice(0, caret)]) {
                    const { from, to } = placeAt(one, caret);
                    if (from <= caret && caret <= to && to <= one.length) count += 1;
                }
            }
            return count;
        }""",
        text,
    )
    assert count == 2 * (len(text) + 1)


def test_what_was_begun_is_there_after_a_visit_to_another_panel(console):
    page = console.open("scenario")
    area = page.get_by_label("The scenario as YAML")
    area.press_sequentially("version: 1")
    page.locator("#panels a", has_text="Clock").click()
    expect(page.locator(".clock")).to_be_visible()
    page.locator("#panels a", has_text="Scenario").click()
    expect(area).to_have_value("version: 1")


def test_a_change_of_the_scenario_is_taken_back(console):
    page = console.open("scenario")
    page.get_by_label("The scenario as YAML").fill("version: 1\nname: mine\napi: datagrid\n")
    page.get_by_role("button", name="Set this scenario").click()
    expect(page.get_by_text("In force: mine")).to_be_visible()
    page.get_by_label("Switch to").select_option("out-of-credits")
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.get_by_text("In force: out-of-credits")).to_be_visible()
    page.get_by_role("button", name="Back to mine").click()
    expect(page.get_by_text("In force: mine")).to_be_visible()
    page.get_by_role("button", name="Back to none").click()
    expect(page.get_by_text("No scenario is in force: nothing fails")).to_be_visible()
    expect(page.get_by_role("button", name="Back to")).to_have_count(0)
    assert console.admin("GET", "/sandboxes/default/scenario").json()["name"] is None


def test_the_next_call_fails_as_it_was_chosen_before_the_rules_in_force(console):
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "third-call-throttled"})
    console.create()
    page = console.open("exchanges/1")
    page.get_by_role("link", name="Make this fail next time").click()
    page.get_by_label("The next call of Memory.createUserMemory gets").select_option("unavailable")
    expect(page.get_by_label("The scenario as YAML")).to_have_value(
        re.compile(r"fails-once-after-1(.|\n)*503(.|\n)*third-call")
    )
    expect(page.locator("#problems")).to_have_text("It loads.")
    page.get_by_role("button", name="Set this scenario").click()
    expect(page.get_by_text("In force: third-call-throttled (upload)")).to_be_visible()
    assert [console.create().status_code for _ in range(3)] == [503, 201, 429]


@pytest.mark.parametrize("how", ["out_of_credits", "server_error", "reset_before", "reset_after", "billing", "latency"])
def test_each_way_to_fail_is_a_scenario_that_loads(console, how):
    console.create()
    page = console.open(f"scenario?fail=1&how={how}")
    expect(page.locator("#problems")).to_have_text("It loads.")


def test_a_rule_shows_its_counter_and_where_its_sequence_stands(console):
    console.admin("PUT", "/sandboxes/default/scenario", json={"use": "third-call-throttled"})
    console.create()
    page = console.open("scenario")
    row = page.get_by_role("row", name=re.compile("third-call"))
    expect(row).to_contain_text("1 ×")
    expect(row).to_contain_text("never")
    expect(row).to_contain_text("next 2 of 3")
    console.create()
    expect(row.locator(".tag.rule")).to_contain_text("429")
    console.create()
    expect(row).to_contain_text("all done: the real response")
    expect(page.locator(".expectations .good").first).to_contain_text('{"rule":"third-call","fired":1}')
    expect(page.locator(".expectations .bad").first).to_contain_text("not met")
