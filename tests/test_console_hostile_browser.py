"""What the console makes of hostile data, in a real browser.

A pack of injections stands in every field that is shown, and every page that a link leads to is looked at.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from urllib.parse import quote

import httpx
import pytest
from browsing import WRITE, Console
from hostile_document import document
from playwright.sync_api import expect
from receiver import Receiver

from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

PACK = {
    "element": "\"'><pwned-x></pwned-x><img src=x onerror=pwned=1><script>pwned=1</script>",
    "template": "javascript:pwned=1//<svg/onload=pwned=1>{{constructor.constructor('pwned=1')()}}${pwned=1}`",
    "closing": "--></pre></textarea></option></select><pwned-x/><iframe srcdoc='<script>pwned=1'>",
    "address": "a/b/../%2e%2e?c=d&e=#/x;f+g%zz\\h:i@j",
    "prototype": "__proto__",
    "unprintable": "\u202e\u0000\u2028\ufeff\x1b[31m\x7f<pwned-x>",
}
"""Each breaks out of another place: of markup, of a URL, of an object's own members, of a line."""
MOST_PAGES = 50
"""Pages of one kind that are looked at: exchanges, rows, operations."""

LOOK = """() => {
    const found = (selector, wrong = () => true) => [...document.querySelectorAll(selector)].filter(wrong).map((node) => node.outerHTML);
    const targets = ["href", "src", "action", "formaction"];
    return {
        ran: typeof pwned,
        away: found(targets.map((name) => `[${name}]`).join(), (node) => targets.some((name) => node.hasAttribute(name)
            && new URL(node.getAttribute(name), location.href).origin !== location.origin)),
        odd: found("pwned-x, iframe, object, embed, base, img, script:not([src='main.js']), [srcdoc], main style, main link, main meta"),
        handlers: found("*", (node) => [...node.attributes].some(({name}) => name.startsWith("on") || name === "style")),
    };
}"""  # noqa: E501
CLEAN = {"ran": "undefined", "away": [], "odd": [], "handlers": []}

GO = """place => {
    document.querySelector(".panel")?.setAttribute("data-left", "");
    document.querySelector("#notice").replaceChildren();
    location.hash = location.hash === place ? `${place}?` : place;
}"""
"""Leads to a place; what was shown until then is marked, so that it is not taken for it."""

SHOWN = """() => [...document.querySelectorAll("*")].flatMap((node) => [
    ...["title", "aria-label", "data-title", "placeholder"].map((name) => node.getAttribute(name)),
    "value" in node ? String(node.value) : "",
]).concat(document.title, document.body.textContent).join("\\n")"""
"""What a reader of the page can see or hear, as one text."""


def crawled(console: Console, starts: list[str]) -> str:
    """All that is shown on the pages that the console's own links lead to, each checked for markup."""
    page, seen, todo, texts = console.open("exchanges"), set(), list(starts), []
    kinds: Counter[tuple[str, bool]] = Counter()
    while todo:
        place = todo.pop(0)
        path, _, query = place.partition("?")
        panel, _, rest = path.partition("/")
        kind = (panel, bool(rest))
        if (panel, rest or query) in seen or kinds[kind] >= MOST_PAGES:
            continue
        seen.add((panel, rest or query))
        kinds[kind] += 1
        page.evaluate(GO, f"#/default/{place}")
        expect(page.locator(".panel:not([data-left]) h1, #notice p").first).to_be_visible()
        assert page.evaluate(LOOK) == CLEAN, place
        texts.append(page.evaluate(SHOWN))
        links = page.locator("a[href^='#/default/']").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
        todo += [link.removeprefix("#/default/") for link in links]
    return "\n".join(texts)


def header(text: str) -> str:
    """The text as a header may carry it."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)


def is_shown(text: str, texts: str) -> bool:
    """Whether the text is shown: as it is, or as JSON spells it."""
    return any(one in texts for one in (text, json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]))


def filled(console: Console, text: str) -> list[str]:
    """Put the text into every field that a client fills; returns what has to be shown of it."""
    line = header(text)
    given = {"agent_id": f"agent {text}", "memory": f"memory {text}", "context": f"context {text}"}
    console.create(given, headers={"datagrid-teamspace": f"tenant {line}"})
    console.create({"agent_id": 7, "memory": {f"name {text}": f"nested {text}"}}, headers={"x-note": f"note {line}"})
    console.create({f"unknown {text}": 1, text: text, "memory": [text]}, headers={"x-request-id": line[:60]})
    console.http.get("/v1/user-memories", params={"limit": f"limit {text}", text: text})
    console.http.get(f"/mem0/v1/memories/{quote(text, safe='')}")
    console.http.post("/v1/user-memories", content=f"raw {text}".encode(), headers={"content-type": f"type {line}"})
    console.http.get("/v1/user-memories", headers={"authorization": f"Bearer {line}"})
    path = quote(f"path {text}", safe="/")
    console.http.request("PURGE", f"/{path}")
    fields = ("agent", "memory", "context", "name", "nested", "unknown", "raw")
    return [*(f"{field} {text}" for field in fields), f"note {line}", f"tenant {line}", f"type {line}"]


def test_what_clients_send_is_text_on_every_page(console):
    wanted = [one for text in PACK.values() for one in filled(console, text)]
    texts = crawled(console, ["exchanges"])
    assert [one for one in wanted if not is_shown(one, texts)] == []


def test_what_a_scenario_says_is_text_on_every_page(console):
    rules, rows, wanted = [], [], []
    for name, text in PACK.items():
        never = {"when": {"body": {"agent_id": {"equals": f"equals {text}"}}}, "reply": "rate_limited"}
        changed = {"set": {"/consumed": f"set {text}"}, "violates": f"violates {header(text)}"}
        reply = {"status": 404, "headers": {"x-note": f"note {header(text)}"}, "body": f"body {text}"}
        rules += [
            {"id": f"never-{name}", "op": "Memory.createUserMemory", **never},
            {"id": f"set-{name}", "op": "getCredits", "when": {"call": len(rules) // 3 + 1}, **changed},
            {
                "id": f"reply-{name}",
                "op": "Memory.listUserMemory",
                "when": {"call": len(rules) // 3 + 1},
                "reply": reply,
                "violates": "no body of the contract",
            },
        ]
        rows.append({"agent_id": f"agent {text}", "memory": [f"memory {text}"]})
        wanted += [f"{field} {text}" for field in ("equals", "set", "body", "agent", "memory")]
        wanted += [f"{field} {header(text)}" for field in ("violates", "note")]
    scenario = {"version": 1, "name": "hostile", "api": "datagrid", "rules": rules, "state": {"user_memories": rows}}
    scenario["expect"] = [{"rule": "never-element", "fired": 1}]
    file = {"file": "".join(PACK.values())[:300]}
    used = console.http.put("/__admin/sandboxes/default/scenario", json=scenario, params=file, headers=WRITE)
    assert used.status_code == 200, used.text
    for text in PACK.values():
        console.create({"agent_id": text, "memory": text})
        console.http.get("/v1/organization/credits")
        console.http.get("/v1/user-memories")
    texts = crawled(console, ["scenario", "exchanges"])
    assert [one for one in wanted if not is_shown(one, texts)] == []


@pytest.fixture
def hostile_server(tmp_path):
    """A server of documents whose authors are hostile, each with one of the pack."""
    apis = []
    for name, text in PACK.items():
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(document(text)))
        apis.append(f"{name}={file}")
    with serve_in_thread(create_app(Settings(apis=tuple(apis)))) as served:
        yield served


def test_what_a_document_says_is_text_on_every_page(make_console, hostile_server):
    console, receiver, wanted = make_console(url=hostile_server.url), Receiver(), []
    for name, text in PACK.items():
        api = next(one for one in console.admin("GET", "/apis").json()["apis"] if one["name"] == name)
        path = quote(f"/{name}{next(one['path'] for one in api['operations'] if one['method'] == 'POST')}")
        made = console.create({f"member {text}": f"enum {text}"}, path)
        assert made.status_code == 201, made.text
        console.create({f"member {text}": 7}, path)
        console.http.get(f"{path}/{made.json()['id']}")
        console.http.get(path, params={text: text})
        to = f"{receiver.url}?{httpx.QueryParams({'q': text})}"
        hook = f"/sandboxes/default/webhooks/{quote(f'hook {text}', safe='')}"
        console.admin("POST", hook, json={"to": f"{to}&later", "after": "1h"})
        console.admin("POST", hook, json={"to": to})
        verbs = ("document", "version", "create", "list", "read", "hook", "member")
        wanted += [*(f"{verb} {text}" for verb in verbs), f"{to}&later"]
    panels = [link.get_attribute("href") for link in console.open("exchanges").locator("#panels a").all()]
    texts = crawled(console, [place.split("/")[2] for place in panels])
    assert [one for one in wanted if not is_shown(one, texts)] == []
    console.page.goto("about:blank")
    receiver.close()


def test_an_address_that_somebody_sends_is_text(console):
    """Names of sandboxes, panels, exchanges, tables, rows and filters that an address makes up."""
    console.create()
    page = console.open("exchanges")
    for text in PACK.values():
        query = httpx.QueryParams({"text": text, "row": text, "operation": text, "rule": text, "side": text, "q": text})
        part = quote(text, safe="")
        for place in (
            f"{part}/exchanges",
            *(f"default/{panel}/{part}" for panel in ("exchanges", "state", "contract")),
        ):
            for address in (f"{place}?{query}", place.replace("/", "/%00", 1), f"{place}/{part}?{text}"):
                page.evaluate(GO, f"#/{address}")
                expect(page.locator(".panel:not([data-left]) h1, #notice p").first).to_be_visible()
                assert page.evaluate(LOOK) == CLEAN, address
    console.expects("40[04] ")


def test_text_cannot_become_markup_or_code_even_if_a_script_tried(console):
    page = console.open("exchanges")
    for attempt in ('document.body.innerHTML = "<b>x</b>"', 'document.body.setAttribute("onclick", "pwned = 1")'):
        tried = f"() => {{ try {{ {attempt}; return false }} catch (error) {{ return error instanceof TypeError }} }}"
        assert page.evaluate(tried), attempt
    console.expects("TrustedHTML|TrustedScript")


def test_ten_mebibytes_are_cut_with_a_link_to_what_the_journal_keeps(make_console):
    with serve_in_thread(create_app(Settings(max_body=16 * 2**20))) as served:
        console = make_console(url=served.url)
        console.create({"agent_id": "a", "memory": "<b>0123456" * 2**20})
        console.create({"agent_id": "a", "memory": "short", "context": "long " * 4000})
        page = console.open("exchanges/1")
        assert len(page.locator("main").text_content()) < 50_000
        expect(page.get_by_text("Cut after").first).to_be_visible()
        expect(page.get_by_text("The journal keeps the first 65,536 of 10,485,").first).to_be_visible()
        page.get_by_role("link", name="Show all that it keeps").first.click()
        expect(page.get_by_role("heading", name="The request body of exchange 1")).to_be_visible()
        assert len(page.locator("pre").text_content()) >= 65_536
        expect(page.get_by_text(re.compile("keeps the first 65,536 of 10,485,... bytes of this body"))).to_be_visible()
        console.open("exchanges/2").get_by_role("link", name="Show the whole body").first.click()
        expect(page.get_by_role("heading", name="The request body of exchange 2")).to_be_visible()
        assert page.locator("pre").text_content().count("long ") == 4000
        assert "The journal keeps" not in page.locator("main").text_content()
        page.goto("about:blank")
