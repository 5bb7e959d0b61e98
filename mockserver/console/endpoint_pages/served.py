"""The pages of a running server at `/NAME/__docs/`, each with a form that sends its request to a sandbox.

A page is made when it is first asked for, and kept until its contract is another one. Must not know: ASGI.
"""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from collections.abc import Callable
from html import escape
from pathlib import Path

from mockserver.apis import Api
from mockserver.console.endpoint_pages import html
from mockserver.console.endpoint_pages.blocks import INDEX, Page
from mockserver.console.endpoint_pages.producers import Step
from mockserver.console.endpoint_pages.running import KEY
from mockserver.console.endpoint_pages.site import EndpointPages
from mockserver.console.pages import MEDIA_TYPES, STATIC, File, made, plain, shown
from mockserver.contract.media_types import essence, is_json
from mockserver.errors import UserError
from mockserver.messages import JSON, Request, Response
from mockserver.text.jsontext import to_json

PREFIX = "__docs"
_OWN = Path(__file__).parent / "static"
_FILES = {html.STYLE: _OWN / html.STYLE, "try.js": _OWN / "try.js", html.ICON: STATIC / html.ICON}
"""What pages are made of beside themselves; no other file is ever read."""
_MAX_ORIGINS = 4
"""Addresses of the server for which pages are kept."""


class ServedPages:
    """Answers for the pages of one API.

    Args:
        name: what the API is called.
        current: gives the API, which may be another one than at the start.
        has_console: whether the console is at the same address.
    """

    def __init__(self, name: str, current: Callable[[], Api], has_console: bool) -> None:
        self._name = name
        self._current = current
        self._has_console = has_console
        self._lock = threading.Lock()
        self._made: OrderedDict[str, tuple[Api, EndpointPages, dict[str, File]]] = OrderedDict()

    def answer(self, request: Request, base: str, root: str = "") -> Response:
        """The response to a request for a page.

        Args:
            request: its path is what stands behind the PREFIX.
            base: scheme and host of the server.
            root: where the app is mounted.
        """
        if request.method not in ("GET", "HEAD"):
            return plain(405, "The pages have GET and HEAD.", {"allow": "GET, HEAD"})
        here = f"{root}/{self._name}/{PREFIX}/"
        if not request.path:  # relative links need the slash
            return plain(308, "", {"location": here})
        slug = request.path.removeprefix("/") or INDEX
        if slug in _FILES:
            content = _FILES[slug].read_bytes()
            return shown(made(content, MEDIA_TYPES[Path(slug).suffix]), request)
        try:
            with self._lock:
                file = self._page(slug, f"{base}{root}/{self._name}", root)
        except UserError as error:
            return plain(501, f"The pages cannot be made: {error}", {})
        if file is None:
            return plain(404, f"There is no page {slug[:100]!r}. All pages are at {here}", {})
        return shown(file, request)

    def _page(self, slug: str, origin: str, root: str) -> File | None:
        api = self._current()
        if origin not in self._made or self._made[origin][0] is not api:
            self._made[origin] = (api, EndpointPages(api, origin), {})
        self._made.move_to_end(origin)
        while len(self._made) > _MAX_ORIGINS:
            self._made.popitem(last=False)
        _, pages, files = self._made[origin]
        if slug not in files:
            page = pages.page(slug)
            if page is None:
                return None
            files[slug] = made(self._rendered(page, pages, root).encode(), MEDIA_TYPES[".html"])
        return files[slug]

    def _rendered(self, page: Page, pages: EndpointPages, root: str) -> str:
        operation = pages.operation(page.slug)
        run = pages.runner.run(operation) if operation is not None else None
        if run is None or not run.steps:
            return html.render(page, ending="", icon=True)
        data = {
            "api": self._name,
            "root": root,
            "key": KEY,
            "console": self._has_console,
            "steps": [_step(step) for step in run.steps],
        }
        # Only `<` could end the element.
        text = to_json(data).decode().replace("<", "\\u003c")
        return html.render(page, ending="", extra=_form(run.last, text), script="try.js", icon=True)


def _step(step: Step) -> JSON:
    """An exchange as the script repeats it."""
    request, response = step.request, step.response
    try:
        body = {"text": request.body.decode()}
    except UnicodeDecodeError:
        body = {"base64": base64.b64encode(request.body).decode()}
    is_shown = response.media_type is not None and is_json(essence(response.media_type))
    return {
        "operation": step.operation.id,
        "method": request.method,
        "path": request.path + (f"?{request.query}" if request.query else ""),
        "headers": {name: value for name, value in request.headers.items() if name != "host"},
        "body": body if request.body else None,
        "status": response.status,
        "location": response.headers.get("location", ""),
        "data": response.data if is_shown else None,
    }


def _form(step: Step, data: str) -> str:
    request = step.request
    path = escape(request.path + (f"?{request.query}" if request.query else ""))
    body = ""
    if request.body and b"\0" not in request.body:
        text = escape(request.body.decode("utf-8", "replace"))
        body = f'<label>Body <textarea name="body" rows="6" spellcheck="false">\n{text}</textarea></label>'
    return f"""<form class="try" id="try" aria-label="Try it">
<h2>Try it</h2>
<p>Sends the request to a sandbox of this server. What it needs is made there first.</p>
<label>Sandbox <input name="sandbox" value="default" required></label>
<label>API key <input name="key" value="{KEY}" autocomplete="off"></label>
<label>{escape(request.method)} <input name="path" value="{path}" spellcheck="false" required></label>
{body}<button>Send</button>
<div id="try-outcome" role="status"></div>
</form>
<script type="application/json" id="try-data">{data}</script>"""


__all__ = ["PREFIX", "ServedPages"]
