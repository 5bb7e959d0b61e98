"""The console in a real browser: an exchange with its places and reasons, copies, filters, requests sent from it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from browsing import HOSTILE, assert_no_markup, breaches
from click.testing import CliRunner
from playwright.sync_api import Page, expect
from test_exchange_files import check_exchange
from test_explanation import RULES
from test_webhooks import document
from upstreams import proxy, upstream

from mockserver import Session
from mockserver.apis import Api
from mockserver.cli.main import cli
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

OPEN = "for (const details of document.querySelectorAll('main details')) details.open = true"
CREATE = "contract/datagrid/Memory.createUserMemory"
pytestmark = [pytest.mark.long, pytest.mark.timeout(120)]


def open_all(page: Page) -> None:
    """Open what can be opened, and what that has brought."""
    for _ in range(3):
        page.evaluate(OPEN)
        page.evaluate("new Promise(requestAnimationFrame)")


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


def test_the_reasons_are_the_same_on_the_page_on_a_terminal_and_in_the_report_of_pytest(make_console):
    apis = [Api.from_openapi(document(), name="shop")]
    with Session(apis=apis) as session, session.sandbox(clock="frozen") as mock:
        httpx.post(f"{mock.base_url('shop')}/orders", json={"item": 7})
        url = mock.base_url("shop").partition("/~")[0]
        console = make_console(url=url)
        page = console.open("exchanges/1", mock.name)
        written = page.locator(".because").text_content().replace("violation by client", "").strip()
        shown = CliRunner().invoke(cli, ["why", "1", "--url", url, "--sandbox", mock.name])
        assert written.startswith("400, because the request violates the contract: body /item")
        assert shown.output.splitlines()[1] == written
        assert str(mock.requests[0]).endswith(f"  {written}")
        page.goto("about:blank")


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


def test_filters_work_together_stand_in_the_address_and_go_along(console):
    """Operation, status, side, rule, fault, text and sandbox, each of them narrowing the list."""
    console.admin("POST", "/sandboxes", json={"name": "mine"})
    use(console)
    for sandbox in ("", "/~mine"):
        key = console.admin("GET", "/sandboxes/mine").json()["api_key"] if sandbox else "k"
        for agent in ("a1", "a2", 7, 8):
            body = {"agent_id": agent, "memory": "m"}
            console.create(body, path=f"{sandbox}/v1/user-memories", headers={"authorization": f"Bearer {key}"})
    console.http.get("/v1/user-memories")
    page = console.open("exchanges")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(5)
    page.get_by_label("Operation").select_option("Memory.createUserMemory")
    expect(rows).to_have_count(4)
    page.get_by_label("Rule").select_option("second")
    expect(rows).to_have_text([re.compile("#2.*429")])
    page.get_by_label("Rule").select_option("")
    page.get_by_label("Violation by").select_option("client")
    page.get_by_label("Status").fill("400")
    expect(rows).to_have_count(1)
    page.locator("[name=fault]").select_option("none")
    page.get_by_label("Text").fill("agent_id")
    expect(rows).to_have_text([re.compile("#4.*400")])
    query = "operation=Memory.createUserMemory&status=400&side=client&fault=none&text=agent_id"
    assert page.url.endswith(f"#/default/exchanges?{query}")
    rows.get_by_role("link").click()
    page.get_by_role("link", name="All exchanges").click()
    expect(rows).to_have_text([re.compile("#4.*400")])
    page.locator("#sandbox").select_option("mine")
    expect(rows).to_have_count(2)
    assert page.url.endswith(f"#/mine/exchanges?{query}")
    console.create(
        {"agent_id": 9, "memory": "m"}, path="/~mine/v1/user-memories", headers={"authorization": f"Bearer {key}"}
    )
    console.create(
        {"agent_id": "a9", "memory": "m"}, path="/~mine/v1/user-memories", headers={"authorization": f"Bearer {key}"}
    )
    expect(rows).to_have_count(3)
    page.reload()
    expect(rows).to_have_count(3)
    expect(page.get_by_label("Text")).to_have_value("agent_id")


def test_a_body_of_ten_mebibytes_is_cut_with_a_link_to_the_whole(make_console):
    size = 16 * 1024 * 1024
    with serve_in_thread(create_app(Settings(max_body=size, journal_body=size))) as served:
        console = make_console(url=served.url)
        console.create({"agent_id": "a", "memory": "long " * 2 * 1024 * 1024})
        page = console.open("exchanges/1")
        expect(page.get_by_text("Cut after 8,192 of").first).to_be_visible()
        assert len(page.locator("main").inner_text()) < 100_000
        page.get_by_role("link", name="Show the whole body").first.click()
        expect(page.get_by_role("heading", name="The request body of exchange 1")).to_be_visible()
        assert page.locator("pre").text_content().count("long ") == 2 * 1024 * 1024
        page.goto("about:blank")


def test_a_valid_request_is_edited_sent_and_leads_to_its_exchange(console):
    console.admin("POST", "/sandboxes", json={"name": "mine"})
    page = console.page
    page.goto(f"{console.url}/__console/#/mine/{CREATE}")
    expect(page.get_by_label("Path and query")).to_have_value("/~mine/datagrid/v1/user-memories")
    body = page.get_by_label("Body")
    assert set(json.loads(body.input_value())) >= {"agent_id", "memory"}
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.locator(".sent")).to_have_text("201 Exchange #1")
    body.fill('{"agent_id": 7}')
    page.get_by_label("Headers, one in a line").fill("no header")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#notice")).to_have_text('Line 1 of the headers is not "name: value".')
    key = console.admin("GET", "/sandboxes/mine").json()["api_key"]
    page.get_by_label("Headers, one in a line").fill(f"Authorization: Bearer {key}\ncontent-type: application/json")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".sent")).to_have_text("400 Exchange #2")
    expect(page.locator("#notice")).to_be_empty()
    page.get_by_role("button", name="Fill in again").click()
    assert json.loads(body.input_value())["agent_id"] != 7
    page.get_by_role("link", name="Exchange #2").click()
    expect(page.locator("h1")).to_contain_text("400")
    assert page.url.endswith("#/mine/exchanges/2")


def test_an_operation_shows_its_schemas_provenance_and_place(console):
    page = console.open(CREATE)
    expect(page.locator(".schema-tree").filter(has_text="CreateUserMemoryRequest")).to_contain_text("object · Create")
    body = page.get_by_role("list", name="Schema of application/json").first
    expect(body.locator("li", has_text="agent_id")).to_contain_text("stringrequired")
    answer = page.locator("details.answer").filter(has_text="429")
    answer.locator("summary").first.press("Enter")
    expect(answer.get_by_role("list", name="Schema of application/json")).to_contain_text("status_code")
    expect(page.locator(".tag.assumed").first).to_be_visible()
    page.get_by_text("It stands at").click()
    expect(page.locator(".listing .row.meant").first).to_contain_text("post:")


def test_a_cell_of_the_matrix_leads_to_the_exchanges_that_covered_it(console):
    scenario = """
        version: 1
        name: faults
        api: datagrid
        rules: [{id: unpaid, op: Memory.createUserMemory, when: {call: 2}, fault: {billing_write: lost}}]
    """
    use(console, textwrap.dedent(scenario))
    for _ in range(3):
        console.create()
    page = console.open("contract")
    row = page.get_by_role("table", name="Coverage").locator("tbody tr", has_text="Memory.createUserMemory")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("201 × 2")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("402")
    expect(row.get_by_role("cell").nth(2)).to_have_text("201 × 1")
    row.get_by_role("cell").nth(2).get_by_role("link").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("#2")
    expect(page.locator("[name=fault]")).to_have_value("billing_write")


def test_two_apis_with_the_same_operation_are_kept_apart(make_console):
    apis = [Api.from_openapi(document(), name=name) for name in ("one", "two")]
    with Session(apis=apis) as session, session.sandbox(clock="frozen") as mock:
        for api, item in (("one", "tea"), ("one", "milk"), ("two", "tea")):
            httpx.post(f"{mock.base_url(api)}/orders", json={"item": item})
        console = make_console(url=mock.base_url("one").partition("/~")[0])
        page = console.open("contract/one", mock.name)
        row = page.get_by_role("table", name="Coverage").get_by_role("row", name=re.compile("^createOrder "))
        row.get_by_role("link", name="201 × 2").click()
        lines = page.locator("tbody tr")
        expect(lines).to_have_text([re.compile("#2.*createOrder"), re.compile("#1.*createOrder")])
        page.get_by_label("API").select_option("two")
        expect(lines).to_have_text([re.compile("#3.*createOrder")])
        page.goto("about:blank")


def test_what_the_real_api_breaks_behind_the_proxy_is_said_to_be_its(make_console):
    body = b'{"data": 7, "object": "list"}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    with upstream(answer) as real, proxy(real.url, apis=("datagrid",)) as served:
        httpx.get(f"{served.url}/v1/user-memories", headers={"authorization": "Bearer k"})
        console = make_console(url=served.url)
        page = console.open("exchanges")
        expect(page.locator("tbody tr")).to_contain_text("violation by the real API")
        page.get_by_role("link", name="#1").click()
        expect(page.get_by_text("The upstream violates the contract")).to_be_visible()
        expect(page.locator(".because")).to_contain_text("violation by the real API")
        page.goto("about:blank")


def test_on_a_phone_the_filters_are_folded_until_they_are_asked_for(make_console):
    console = make_console("phone")
    console.create()
    page = console.open("exchanges")
    expect(page.get_by_label("Status")).not_to_be_visible()
    assert page.locator("tbody tr").first.bounding_box()["y"] < 300
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Status").fill("404")
    expect(page.locator("tbody tr")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Status")).to_have_value("404")
    expect(page.get_by_label("Status")).to_be_visible()


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
def test_these_pages_fit_and_break_no_rule_of_accessibility(make_console, look):
    console = make_console(look)
    use(console)
    for body in ({"agent_id": 7}, {"agent_id": "a", "memory": "m"}, {"agent_id": "a", "memory": "m"}):
        console.create(body)
    for place in ("exchanges", "exchanges/1", "exchanges/3", "contract", CREATE):
        page = console.open(place)
        open_all(page)
        expect(page.locator("#live")).to_have_text("Live")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{place} is wider than the page"
        assert (place, breaches(page)) == (place, [])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_contract_and_hostile_rules_are_text(make_console, tmp_path, text):
    schema = {
        "type": "object",
        "description": text,
        "required": ["a"],
        "properties": {text: {"enum": [text]}, "a": {"type": "integer", "title": text}},
    }
    answers = {"200": {"description": text, "headers": {"X-A": {"description": text, "schema": {"type": "string"}}}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": text, "version": text},
        "paths": {
            "/a": {
                "post": {
                    "operationId": text,
                    "summary": text,
                    "description": text,
                    "parameters": [
                        {
                            "name": text,
                            "in": "query",
                            "description": text,
                            "schema": {"type": "integer", "pattern": "x", "description": text},
                        }
                    ],
                    "requestBody": {"content": {"application/json": {"schema": schema}}},
                    "responses": answers,
                }
            }
        },
    }
    path = tmp_path / "hostile.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    scenario = {
        "version": 1,
        "name": "h",
        "api": "hostile",
        "rules": [{"id": "never", "when": {"body": {"a": {"equals": text}}}, "reply": {"status": 200}}],
    }
    with serve_in_thread(create_app(Settings(apis=(f"hostile={path}",)))) as served:
        console = make_console(url=served.url)
        console.admin("PUT", "/sandboxes/default/scenario", json=scenario)
        console.http.post("/a", json={"a": text, text: text}, params={text: text})
        operation = console.admin("GET", "/apis").json()["apis"][0]["operations"][0]["id"]
        for place in ("contract", f"contract/hostile/{quote(operation, safe='')}", "exchanges/1"):
            page = console.open(place)
            open_all(page)
            assert_no_markup(console.page)
            assert text in page.locator("main").inner_text()
        for name in ("Copy as curl", "Copy as pytest", "Copy as exchange file", "Copy as scenario rule"):
            assert text.split("<")[0] in copied(console, name).replace("\\", "")
        console.open(f"contract/hostile/{quote(operation, safe='')}")
        console.page.get_by_role("button", name="Send").click()
        expect(console.page.locator(".sent")).to_contain_text("Exchange #2")
        assert_no_markup(console.page)
        console.page.goto("about:blank")
