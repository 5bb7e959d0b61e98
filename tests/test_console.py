"""The console's files over HTTP: routes, the security policy and caching."""

from __future__ import annotations

import json
import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from mockserver.console.pages import POLICY, PREFIX, STATIC, answer, files
from mockserver.messages import Request
from mockserver.server.app import create_admin_app, create_app
from mockserver.settings import Settings


@pytest.fixture
def make_document_app(tmp_path):
    """Makes an app of a document with some paths."""

    def make(paths):
        document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths}
        (tmp_path / "openapi.json").write_text(json.dumps(document))
        return create_app(Settings(apis=(f"t={tmp_path / 'openapi.json'}",)))

    return make


NAMES = sorted(path.name for path in STATIC.iterdir())
SCRIPTS = sorted(STATIC.glob("*.js"))


@pytest.fixture
def app(make_pipeline):
    return create_app(pipeline=make_pipeline())


@pytest.fixture
def client(app):
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize("name", ["", *NAMES])
def test_every_file_is_served_with_a_strict_policy(client, name):
    response = client.get(f"{PREFIX}/{name}")
    assert response.status_code == 200
    assert response.content == (STATIC / (name or "index.html")).read_bytes()
    assert response.headers["content-security-policy"] == POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-cache"


def test_the_policy_allows_files_of_this_origin_and_no_markup_from_text():
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in POLICY


def test_a_browser_that_has_the_file_gets_304(client):
    etag = client.get(f"{PREFIX}/main.js").headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        response = client.get(f"{PREFIX}/main.js", headers={"if-none-match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == etag
    assert client.get(f"{PREFIX}/main.js", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/__console", 308),
        ("HEAD", "/__console/", 200),
        ("POST", "/__console/", 405),
        ("GET", "/__console/none.js", 404),
        ("GET", "/__console/../pages.py", 404),
        ("GET", "/__console/..%2fpages.py", 404),
        ("GET", "/__console//etc/passwd", 404),
        ("GET", "/__console/index.html%00", 404),
        ("GET", "/__console/static/main.js", 404),
    ],
)
def test_nothing_but_its_files_is_found_under_its_path(method, path, status):
    response = answer(Request(method, path, "", {}, b""))
    assert response.status == status
    assert response.headers["content-security-policy"] == POLICY


def test_its_requests_stand_in_no_journal(app, client):
    for path in (PREFIX, f"{PREFIX}/", f"{PREFIX}/main.js", f"{PREFIX}/none"):
        client.get(path)
    assert app.state.pipeline.sandbox.exchanges() == []
    assert all(app.state.is_ours(path) for path in (PREFIX, f"{PREFIX}/", f"{PREFIX}/main.js"))
    assert not app.state.is_ours("/__consoles")


def test_the_icon_that_browsers_ask_for_stands_in_no_journal_unless_an_api_has_it(app, client, make_document_app):
    got = client.get("/favicon.ico")
    assert (got.status_code, got.headers["content-type"]) == (200, "image/svg+xml")
    assert client.get("/__admin/sandboxes/default/journal").json()["total"] == 0
    paths = {"/favicon.ico": {"get": {"operationId": "icon", "responses": {"204": {"description": "none"}}}}}
    assert TestClient(make_document_app(paths)).get("/favicon.ico").status_code == 204


def test_it_is_there_where_the_admin_api_is(make_pipeline, app):
    without = TestClient(create_app(pipeline=make_pipeline(), admin=False))
    assert without.get(f"{PREFIX}/").status_code == 404
    alone = TestClient(create_admin_app(app, "http://localhost:4010"))
    assert alone.get(f"{PREFIX}/").status_code == 200
    mounted = TestClient(Starlette(routes=[Mount("/api", app)]), follow_redirects=False)
    assert mounted.get("/api/__console").headers["location"] == "/api/__console/"
    assert mounted.get("/api/__console/main.js").status_code == 200


def test_a_large_body_is_not_read(client):
    assert client.post(f"{PREFIX}/", content=b"x" * 100_000).status_code == 405


def test_the_page_has_no_inline_script_or_style_and_asks_no_other_host():
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", page)
    assert re.findall(r"<script[^>]*>(.*?)</script>", page, re.S) == [""]
    for name in NAMES:
        text = (STATIC / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), f"{name} names another host"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_or_code_from_text(path):
    text = path.read_text()
    sinks = (
        *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "srcdoc"),
        *("eval(", "new Function", "localStorage", "sessionStorage", "document.cookie"),
    )
    assert [sink for sink in sinks if sink in text] == []
    assert len(text.splitlines()) <= 250
    assert text.startswith("// "), "no comment says what it is for"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_import_of_a_script_is_one_of_the_files(path):
    for name in re.findall(r'from "([^"]+)"', path.read_text()):
        assert name.removeprefix("./") in files()


DOCS = STATIC.parents[2] / "docs"


def test_every_picture_of_the_documentation_is_there_and_is_shown():
    """They are made by tests/test_console_puzzles.py."""
    shown = set()
    for page in (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))):
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", page.read_text(encoding="utf-8")):
            picture = (page.parent / target).resolve()
            assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n", f"{page.name} shows {target}"
            shown.add(picture)
    assert shown == {path.resolve() for path in (DOCS / "images").glob("*.png")}
    assert "docs/images/console.png" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
