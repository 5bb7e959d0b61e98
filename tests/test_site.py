"""The documentation site: what it is made of, and that a reader needs nothing but its files."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import ACCESSIBLE, LOOKS
from playwright.sync_api import expect

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build" / "docs" / "site"
PROGRAM: dict[str, Any] = runpy.run_path(str(ROOT / "docs" / "site.py"))


def named(entries: list[Any]) -> Iterator[str]:
    """The pages of a navigation, in its order."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for below in entry.values():
                yield from named(below)


def test_every_page_is_in_the_navigation_once():
    settings = PROGRAM["navigation"]((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"), PROGRAM["pages"]())
    assert sorted(named(tomllib.loads(settings)["project"]["nav"])) == sorted(PROGRAM["pages"]())


@pytest.mark.parametrize(
    ("page", "text", "converted"),
    [
        ("why.md", "see [the console](console.md#the-panels)", "see [the console](console.md#the-panels)"),
        ("scale.md", "[benchmarks](../benchmarks/README.md)", "[benchmarks](source/benchmarks/README.md.md)"),
        ("changelog.md", "[why](docs/why.md)", "[why](why.md)"),
        ("contributing.md", "[new](../CHANGELOG.md)", "[new](changelog.md)"),
        ("why.md", "```yaml\n[a](../README.md)\n```", "```yaml\n[a](../README.md)\n```"),
        ("why.md", "> [!TIP]\n> Look twice.\n", '!!! tip ""\n    Look twice.\n'),
        ("why.md", '---\nicon: "bolt"\n---\n', "---\nicon: lucide/zap\n---\n"),
    ],
)
def test_what_is_written_otherwise_for_the_site(page, text, converted):
    assert PROGRAM["converted"](page, text, "") == converted


@pytest.fixture(scope="module")
def site() -> Path:
    """The site as `make docs` builds it."""
    done = subprocess.run([sys.executable, "docs/site.py"], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return SITE


@pytest.mark.long
def test_a_broken_link_fails_the_build(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.md").write_text("# Home\n\n[There](nowhere.md)\n")
    settings = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
    (tmp_path / "zensical.toml").write_text(re.sub(r"^nav = \[.*?^\]$", "", settings, flags=re.MULTILINE | re.DOTALL))
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "page does not exist" in done.stderr


@pytest.mark.long
def test_every_link_and_every_file_of_the_site_is_there(site):
    texts = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    anchors = {path: set(re.findall(r'\bid="?([^"\s>]+)', text)) for path, text in texts.items()}
    broken, checked = [], 0
    for path, text in texts.items():
        if path.name == "404.html":  # its links are those of the root of a host
            continue
        for target in re.findall(r'(?:href|src)="?([^"\s>]+)', text):
            url = urlsplit(target.replace("&amp;", "&"))
            if url.scheme:
                continue
            file = (path.parent / unquote(url.path)).resolve() if url.path else path
            checked += 1
            if not file.exists() or (url.fragment and file in anchors and url.fragment not in anchors[file]):
                broken.append(f"{path.relative_to(site)}: {target}")
    assert broken == [] and checked > 5000


@pytest.mark.long
def test_no_page_loads_anything_from_another_host(site):
    for path in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = path.read_text(encoding="utf-8")
        loads = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=\"?(?:https?:)?//[^>]*>", text)
        loads += re.findall(r"<link[^>]*\bhref=\"?(?:https?:)?//[^>]*>", text)
        loads += re.findall(r"url\(['\"]?(?:https?:)?//[^)]*\)|@import[^;]*", text)
        assert [load for load in loads if "canonical" not in load] == [], path


@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS)
def test_a_reader_without_a_network_finds_what_is_searched(browser, site, look):
    """From the file system, where a browser starts no worker and fetches nothing."""
    context = browser.new_context(**LOOKS[look])
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").or_(page.get_by_placeholder("Search")).first.fill("sliding window")
    expect(page.get_by_role("option").filter(has_text="sliding").first).to_be_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:", "blob:"))] == []
    context.close()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", LOOKS)
def test_a_page_fits_and_breaks_no_rule_of_accessibility(browser, site, look):
    """axe-core's rules for WCAG 2.2, A and AA."""
    context = browser.new_context(**LOOKS[look])
    page = context.new_page()
    for name in ("start", "rate-limits", "comparison", "api/admin/get-clock"):
        page.goto((site / f"{name}.html").as_uri())
        page.wait_for_selector("html[data-scrolled-by-keyboard]", state="attached")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        options = {"runOnly": {"type": "tag", "values": ACCESSIBLE}}
        broken = Axe().run(page, options=options).response["violations"]
        assert [(rule["id"], rule["nodes"][0]["target"]) for rule in broken] == [], name
    context.close()
