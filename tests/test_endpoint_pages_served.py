"""The pages of a running server: what a client gets under `/NAME/__docs/`, and the form in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import httpx
import pytest

from mockserver.apis import Api
from mockserver.console.endpoint_pages.site import slugs
from mockserver.pipeline.pipeline import Pipeline
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

HOSTILE = "</script><script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


@pytest.fixture(scope="module")
def pages() -> Iterator[httpx.Client]:
    app = create_app(Settings(apis=("datagrid", "mem0", "tickets")))
    with serve_in_thread(app) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        client.pipeline = app.state.pipeline  # type: ignore[attr-defined]
        yield client


def test_the_address_without_a_slash_leads_to_the_list(pages):
    assert pages.get("/datagrid/__docs").headers["location"] == "/datagrid/__docs/"
    text = pages.get("/datagrid/__docs/").text
    assert 'href="./memory-create-user-memory"' in text


def test_every_page_is_there_and_its_samples_go_to_this_server(pages):
    api = pages.pipeline.apis["mem0"]
    for slug in slugs(api).values():
        response = pages.get(f"/mem0/__docs/{slug}")
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert f"{pages.base_url}/mem0/v" in response.text
        assert "api.mem0.ai" not in response.text


def test_a_page_is_cached_by_its_etag_and_guarded_by_the_policy_of_the_console(pages):
    first = pages.get("/datagrid/__docs/get-credits")
    assert "script-src 'self'" in first.headers["content-security-policy"]
    again = pages.get("/datagrid/__docs/get-credits", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert pages.head("/datagrid/__docs/get-credits").status_code == 200
    assert pages.post("/datagrid/__docs/get-credits").headers["allow"] == "GET, HEAD"


def test_a_page_that_is_not_there_is_told(pages):
    response = pages.get("/datagrid/__docs/create-memory")
    assert response.status_code == 404
    assert "All pages are at /datagrid/__docs/" in response.text


def test_making_pages_leaves_no_trace_in_the_sandboxes_of_the_server(pages):
    pages.get("/tickets/__docs/get-ticket")
    assert pages.pipeline.sandbox.store.journal_count() == 0


def test_a_page_is_made_anew_when_its_contract_is_another_one():
    def thing(summary: str) -> Api:
        node = {"operationId": "getThing", "summary": summary, "responses": {"200": {"description": "OK."}}}
        document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/thing": {"get": node}}}
        return Api.from_openapi(document, name="t")

    pipeline = Pipeline([thing("The first.")])
    with serve_in_thread(create_app(pipeline=pipeline)) as server:
        assert "The first" in httpx.get(f"{server.url}/t/__docs/get-thing", trust_env=False).text
        pipeline.replace(thing("The second."))
        text = httpx.get(f"{server.url}/t/__docs/get-thing", trust_env=False).text
        assert "The second" in text
        assert "The first" not in text


def test_words_that_cannot_be_used_are_told():
    node = {"operationId": "getThing", "x-docs": {"uze": "x"}, "responses": {"200": {"description": "OK."}}}
    document = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {"/thing": {"get": node}}}
    app = create_app(apis=[Api.from_openapi(document, name="t")])
    with serve_in_thread(app) as server:
        response = httpx.get(f"{server.url}/t/__docs/", trust_env=False)
        assert response.status_code == 501
        assert "x-docs of getThing has no 'uze'" in response.text


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium; install Debian's package of that name")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.long
@pytest.mark.slow
class TestInABrowser:
    """Debian's Chromium, driven by Playwright."""

    @pytest.fixture
    def page(self, browser):
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        context.close()
        assert complaints == []

    @pytest.mark.parametrize("slug", ["get-comment", "change-ticket", "delete-ticket", "open-ticket", "list-tickets"])
    def test_the_form_makes_what_the_request_needs_and_sends_it(self, pages, page, slug):
        from playwright.sync_api import expect

        pages.pipeline.sandbox.reset()
        page.goto(f"{pages.base_url}/tickets/__docs/{slug}")
        data = json.loads(page.locator("#try-data").text_content())
        key = next(iter(pages.pipeline.apis["tickets"].keys))
        # A row of another client, so that the ids are not those of the page.
        first = data["steps"][0]
        headers = {name: value.replace(data["key"], key) for name, value in first["headers"].items()}
        made = pages.post(f"/tickets{first['path']}", content=first["body"]["text"], headers=headers)
        assert made.status_code == 201
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#try-outcome .received")).to_have_text(re.compile("^20"))
        expect(page.locator("#try-outcome .failed")).to_have_count(0)

    def test_the_form_takes_another_sandbox_and_another_body(self, pages, page):
        from playwright.sync_api import expect

        made = pages.post("/__admin/sandboxes", json={"name": "mine"}, headers={"x-mockserver-admin": "1"}).json()
        page.goto(f"{pages.base_url}/datagrid/__docs/memory-create-user-memory")
        page.get_by_label("Sandbox").fill("mine")
        page.get_by_label("API key").fill(made["api_key"])
        page.get_by_label("Body").fill('{"agent_id": "a", "memory": "Mine alone."}')
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#try-outcome pre")).to_contain_text("Mine alone.")
        page.get_by_role("link", name="See the exchanges in the console").click()
        expect(page.locator("tbody tr")).to_have_count(1)

    def test_the_texts_of_a_document_stay_texts(self, page):
        node = {"operationId": "getThing", "summary": HOSTILE, "description": HOSTILE}
        schema = {"type": "object", "properties": {"text": {"type": "string", "example": HOSTILE}}}
        body = {"content": {"application/json": {"schema": schema, "example": {"text": HOSTILE}}}}
        node |= {"requestBody": body, "responses": {"200": {"description": HOSTILE, **body}}}
        info = {"title": HOSTILE, "version": "1"}
        document = {"openapi": "3.1.0", "info": info, "paths": {"/thing": {"post": node}}}
        with serve_in_thread(create_app(apis=[Api.from_openapi(document, name="t")])) as server:
            for slug in ("", "get-thing"):
                page.goto(f"{server.url}/t/__docs/{slug}")
                assert page.title() not in ("", "pwned")
                assert page.locator("main img, main script:not([type='application/json'])").count() == 0

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 375])
    def test_a_page_fits_and_breaks_no_rule_of_accessibility(self, pages, page, scheme, width):
        from axe_playwright_python.sync_playwright import Axe

        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        for place in ("datagrid/__docs/", "datagrid/__docs/memory-create-user-memory", "mem0/__docs/search-memories"):
            page.goto(f"{pages.base_url}/{place}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
            violations = Axe().run(page, options=options).response["violations"]
            assert [(place, one["id"], [node["html"] for node in one["nodes"]]) for one in violations] == []
