"""The console in a real browser: an exchange with its places and reasons, copies, filters, requests sent from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from test_exchange_files import check_exchange
from test_explanation import RULES

pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


def use(console, text: str = RULES) -> None:
    headers = {"x-mockserver-admin": "1", "content-type": "application/yaml"}
    url = f"{console.url}/__admin/sandboxes/default/scenario"
    assert httpx.put(url, content=text, headers=headers).status_code == 200


def test_each_violation_has_the_line_of_its_schema_beside_it(console):
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


def test_the_rule_that_acted_and_each_that_did_not_show_their_lines_and_why(console):
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


def test_retries_are_one_story_on_a_time_line(console):
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


def test_every_reason_of_an_exchange_is_a_paragraph(console):
    console.create()
    page = console.open("exchanges/1")
    sentences = console.admin("GET", "/sandboxes/default/journal/1/why").json()["sentences"]
    assert len(sentences) > 2
    for sentence in sentences[1:]:
        expect(page.get_by_text(sentence, exact=True)).to_be_visible()


def copied(console, name: str) -> str:
    console.page.get_by_role("button", name=name).click()
    expect(console.page.locator("#said")).to_contain_text(name)
    return console.page.evaluate("navigator.clipboard.readText()")


def ran(path: Path) -> None:
    """A copied test passes in a pytest of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(path)]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout


ODD = {"agent_id": "it's", "memory": 'a "quote" \u2028 and ✓ {x} $HOME `id` \\'}


def test_each_copy_of_an_exchange_runs(console, tmp_path, make_pipeline):
    console.create(ODD, path="/v1/user-memories?x=1&x=a%26b", headers={"x-note": "it's"})
    page = console.open("exchanges/1")
    first = console.admin("GET", "/sandboxes/default/journal").json()["entries"][0]
    done = subprocess.run(["sh", "-c", copied(console, "Copy as curl")], capture_output=True, check=True, timeout=20)
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 201")
    assert json.loads(body)["memory"] == [ODD["memory"]]
    again = console.admin("GET", "/sandboxes/default/journal").json()["entries"][1]
    assert (again["request"]["body"], again["query"]) == (ODD, first["query"])
    assert again["request"]["headers"]["x-note"] == "it's"
    file = tmp_path / "exchange.yaml"
    file.write_text(copied(console, "Copy as exchange file"), encoding="utf-8")
    check_exchange(file, make_pipeline(seed=1))
    code = tmp_path / "test_copied.py"
    code.write_text(copied(console, "Copy as pytest"), encoding="utf-8")
    ran(code)
    use(console, copied(console, "Copy as scenario rule"))
    answer = console.create(ODD, path="/v1/user-memories?x=1&x=a%26b")
    assert (answer.status_code, answer.json()) == (201, first["response"]["body"])
    expect(page.locator("h1")).to_contain_text("201")


def test_copies_of_what_a_rule_a_limit_and_a_missing_key_did_run_too(console, tmp_path, make_pipeline):
    """The third call of a scenario, a reset after it, and a request without a key."""
    scenario = """
        version: 1
        name: hard
        api: datagrid
        rules:
          - {id: third, op: Memory.createUserMemory, when: {call: 3}, reply: {rate_limited: {retry_after: 2s}}}
          - {id: gone, op: Memory.createUserMemory, when: {call: 4}, fault: {reset: after_commit}}
          - {id: odd, op: getCredits, set: {/consumed: many}, violates: a text}
    """
    use(console, textwrap.dedent(scenario))
    for _ in range(3):
        console.create()
    with pytest.raises(httpx.TransportError):
        console.create()
    httpx.get(f"{console.url}/v1/user-memories")
    console.http.get("/v1/organization/credits")
    entries = console.admin("GET", "/sandboxes/default/journal").json()["entries"]
    rules = {}
    for number in (3, 4, 5, 6):
        console.open(f"exchanges/{number}")
        file = tmp_path / f"exchange-{number}.yaml"
        file.write_text(copied(console, "Copy as exchange file"), encoding="utf-8")
        check_exchange(file, make_pipeline(seed=1))
        (tmp_path / f"test_copied_{number}.py").write_text(copied(console, "Copy as pytest"), encoding="utf-8")
        rules[number] = copied(console, "Copy as scenario rule")
    ran(tmp_path)
    for number, rule in rules.items():
        use(console, rule)
        entry = entries[number - 1]
        headers = {} if number == 5 else {"authorization": "Bearer k"}
        try:
            url, body = console.url + entry["path"], entry["request"]["body"]
            answer = httpx.request(entry["method"], url, json=body, headers=headers)
            assert (answer.status_code, answer.json()) == (entry["status"], entry["response"]["body"])
        except httpx.TransportError:
            assert number == 4
