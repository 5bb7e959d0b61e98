"""A real browser that looks at a real server's console: Debian's Chromium, driven by Playwright.

The fixtures `browser`, `make_console` and `console` make these. Must not know: which panels there are.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

WRITE = {"x-mockserver-admin": "1"}
KEY = {"authorization": "Bearer k"}
MEMORY = {"agent_id": "a", "memory": "likes tea"}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 375, "height": 740}, "has_touch": True}
LOOKS = {
    "desktop": {**DESKTOP, "color_scheme": "light"},
    "dark": {**DESKTOP, "color_scheme": "dark"},
    "phone": {**PHONE, "color_scheme": "light"},
    "phone-dark": {**PHONE, "color_scheme": "dark"},
}
ACCESSIBLE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
"""Tags of axe-core's rules: WCAG 2.2, levels A and AA."""

PATIENCE = 20_000
"""Milliseconds in which what is expected comes: a page waits up to 5 s between two tries to reach its server."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window; skips the test when there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium; install Debian's package of that name")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield running
        running.close()


HOSTILE = [
    "<img src=x onerror=pwned=1>\"'><script>pwned=1</script>",
    "javascript:pwned=1//<svg/onload=pwned=1>{{constructor.constructor('pwned=1')()}}",
    "</pre></textarea></title><iframe srcdoc='<script>parent.pwned=1</script>'>",
]
"""Texts that are markup or code wherever one of them is not shown as text."""


def assert_no_markup(page: Page) -> None:
    """See that no hostile text has become markup or code."""
    assert page.evaluate("typeof pwned") == "undefined"
    assert page.locator("main script, main img, main iframe, [onerror], [onload], main [srcdoc]").count() == 0
    assert page.locator("main svg:not(.band)").count() == 0
    own = ":not([href^='#']):not([href$='/__docs/'])"
    assert page.locator(f"a[href]{own}").count() == 0


def breaches(page: Page) -> list[tuple[str, list[str]]]:
    """What a page breaks of WCAG, each with the elements."""
    violations = Axe().run(page, options={"runOnly": ACCESSIBLE}).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in violations]


class Console:
    """A server, a client of it, and a page that shows its console; what the page complains of fails the test."""

    def __init__(self, browser: Browser, url: str, look: str = "desktop") -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers=KEY, timeout=30)
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.context = browser.new_context(**LOOKS[look], permissions=["clipboard-read", "clipboard-write"])
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, place: str, sandbox: str = "default") -> Page:
        self.page.goto("about:blank")  # another address of the same page would show the last panel for a moment
        self.page.goto(f"{self.url}/__console/#/{sandbox}/{place}")
        expect(self.page.locator(".panel h1")).to_be_visible()
        return self.page

    def create(self, body: object = MEMORY, path: str = "/v1/user-memories", **options: object) -> httpx.Response:
        return self.http.post(path, json=body, **options)

    def admin(self, method: str, path: str, **options: object) -> httpx.Response:
        response = self.http.request(method, f"/__admin{path}", headers=WRITE, **options)
        assert response.is_success, response.text
        return response

    def breaches(self) -> list[tuple[str, list[str]]]:
        """What the page breaks of WCAG, each with the elements."""
        return breaches(self.page)

    def expects(self, pattern: str) -> None:
        """The browser is to complain in this way; whatever else it says still fails the test."""
        self.expected.append(pattern)

    def unexpected(self) -> list[str]:
        """What the browser said and was not to say, and what it was to say and did not."""
        missing = [
            pattern for pattern in self.expected if not any(re.search(pattern, line) for line in self.complaints)
        ]
        said = [line for line in self.complaints if not any(re.search(pattern, line) for pattern in self.expected)]
        return said + [f"nothing like {pattern!r}" for pattern in missing]

    def close(self) -> None:
        self.context.close()
        self.http.close()
