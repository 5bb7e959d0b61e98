"""HTTP blocks: the request is sent as it stands, and the response must be the one that is shown below it."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any

from snippets.outputs import Differs, compare, same

_STATUS = re.compile(r"^HTTP/1\.1 (\d{3})", re.MULTILINE)


@dataclass(frozen=True)
class Message:
    """A request or a response as a page shows it."""

    start: str
    headers: list[tuple[str, str]]
    body: str


def message(text: str) -> Message:
    head, _, body = text.strip("\n").partition("\n\n")
    start, *lines = head.splitlines()
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Message(start, headers, body.strip())


def exchange(text: str, port: int) -> None:
    """Send a request, and compare what comes back with the response of the page, if there is one."""
    begun = _STATUS.search(text)
    sent = message(text[: begun.start()] if begun else text)
    shown = message(text[begun.start() :]) if begun else None
    method, _, rest = sent.start.partition(" ")
    target = re.sub(r"^https?://[^/]+", "", rest.partition(" ")[0])
    headers = dict(sent.headers)
    if sent.body and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, sent.body.encode() or None, headers)
        response = connection.getresponse()
        content = response.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if shown is None:
        assert response.status < 400, f"{response.status}: {content[:300]}"
        return
    offset = text[: begun.start()].count("\n") if begun else 0
    if shown.start.split()[1] != str(response.status):
        raise Differs(offset, shown.start, f"HTTP/1.1 {response.status} {content[:300]}")
    for number, (name, value) in enumerate(shown.headers, 1):
        got = response.headers.get(name)
        if got is None or not same(value, got):
            raise Differs(offset + number, f"{name}: {value}", f"{name}: {got}")
    if shown.body:
        _compare_bodies(shown.body, content, offset + len(shown.headers) + 2)


def _compare_bodies(shown: str, content: str, line: int) -> None:
    try:
        got = json.loads(content)
    except ValueError:
        got = None
    try:
        wanted = json.loads(shown)
    except ValueError:
        wanted = None
    if wanted is not None and got is not None:
        where = _difference(wanted, got)
        if where is not None:
            raise Differs(line, shown, f"{where}: {content}")
        return
    text = content if got is None else json.dumps(got, indent=2, ensure_ascii=False)
    try:
        compare(shown.splitlines(), text.splitlines())
    except Differs as differs:
        raise Differs(line + differs.line, shown, text) from None


def _difference(wanted: Any, got: Any, where: str = "") -> str | None:
    """The pointer of the first value that is not as shown. `"..."` stands for any value, as a member for any others."""
    if wanted == "...":
        return None
    if isinstance(wanted, dict) and isinstance(got, dict):
        more = "..." in wanted
        names = {name for name in wanted if name != "..."}
        if names - got.keys() or (not more and got.keys() - names):
            return where or "/"
        found = (_difference(wanted[name], got[name], f"{where}/{name}") for name in names)
        return next((one for one in found if one is not None), None)
    if isinstance(wanted, list) and isinstance(got, list):
        if len(wanted) != len(got) and "..." not in wanted:
            return where or "/"
        pairs = zip(wanted[: wanted.index("...")] if "..." in wanted else wanted, got, strict=False)
        found = (_difference(a, b, f"{where}/{number}") for number, (a, b) in enumerate(pairs))
        return next((one for one in found if one is not None), None)
    if isinstance(wanted, str) and isinstance(got, str):
        return None if same(wanted, got) else where or "/"
    return None if wanted == got else where or "/"
