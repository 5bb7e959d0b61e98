"""Stub mappings of WireMock: one in a file, or several under `mappings`, as its recorder and its admin API write them.

A stub says which requests it answers; where it says one request exactly, that is an exchange. A pattern is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from mockserver.text.jsontext import to_json
from mockserver.upstream.traffic.node import Node
from mockserver.upstream.traffic.seen import (
    LeftOut,
    Reading,
    Seen,
    base64_of,
    fields,
    has,
    host_of,
    lines_of,
    method_of,
    path_of,
    status_of,
    url_of,
    utf8,
)

MAX_FILE = 1024 * 1024
"""Bytes of a file with a body."""
_PLACEHOLDER = "${"
"""How JSONUnit's placeholders begin, which stand for any value."""


def is_wiremock(root: Node) -> bool:
    """Whether a file is one."""
    if not root.is_a(dict):
        return False
    return root["mappings"].is_a(list) or (root["request"].is_a(dict) and root["response"].is_a(dict))


def read_wiremock(root: Node, reading: Reading) -> Iterator[Seen]:
    """The exchanges of one."""
    for stub in root["mappings"].items() if "mappings" in root.value else [root]:
        try:
            yield _exchange(stub, reading)
        except LeftOut as left:
            reading.leave_out(str(left))


def _exchange(stub: Node, reading: Reading) -> Seen:
    request, response = stub["request"], stub["response"]
    if response["fault"].is_there:
        raise LeftOut("a fault, and no response")
    if response["proxyBaseUrl"].is_there:
        raise LeftOut("a stub that passes on to another server")
    path, query, host = _target(request)
    sent = [(name, text) for name, text in _exact(request["headers"]) if text is not None]
    if (credentials := request["basicAuthCredentials"]).is_there:
        credentials["username"].text()
        sent.append(("authorization", "Basic masked"))
    body = _sent(request, sent)
    method = method_of(request["method"], "ANY")
    if method in ("ANY", "GET_OR_HEAD"):
        method = "POST" if body else "GET"
    got = lines_of(response["headers"])
    answer = _answer(response, got, reading)
    status = status_of(response["status"]) if response["status"].is_there else 200
    return Seen(method, host, path, query, fields(sent), body, status, fields(got), answer, stub.pointer)


def _target(request: Node) -> tuple[str, str, str]:
    """Path, query and host that a stub answers."""
    for name in ("urlPattern", "urlPathPattern"):
        if request[name].is_there:
            raise LeftOut("the URL is a pattern")
    values = dict(_exact(request["pathParameters"]))
    if (template := request["urlPathTemplate"]).is_there:
        path = "/".join(_filled(part, values) for part in template.text().split("/"))
        parts = url_of(template, path)
    else:
        node = request["url"] if request["url"].is_there else request["urlPath"]
        if not node.is_there:
            raise LeftOut("the stub answers any URL")
        parts = url_of(node, node.text())
    pairs = []
    for name, text in _exact(request["queryParameters"]):
        if text is None:
            raise LeftOut("a parameter of the query is a pattern")
        pairs.append((name, text))
    query = "&".join(part for part in (parts.query, urlencode(pairs)) if part)
    return path_of(parts), query, host_of(parts)


def _filled(segment: str, values: dict[str, str | None]) -> str:
    if not (segment.startswith("{") and segment.endswith("}")):
        return segment
    value = values.get(segment[1:-1])
    if value is None:
        raise LeftOut("the URL is a pattern")
    return quote(value, safe="")


def _exact(node: Node) -> Iterator[tuple[str, str | None]]:
    """Names with the values that they must have; None for a pattern. What must be absent is left out."""
    for name, matcher in node.members():
        if matcher.is_a(str):
            yield name, matcher.text()
        elif matcher["hasExactly"].is_there:
            for one in matcher["hasExactly"].items():
                yield name, one["equalTo"].word() if one["equalTo"].is_there else None
        elif matcher["equalTo"].is_there:
            yield name, matcher["equalTo"].word()
        elif not matcher["absent"].flag():
            yield name, None


def _sent(request: Node, sent: list[tuple[str, str]]) -> bytes:
    """The body of the request, where one text or value is asked for."""
    if request["multipartPatterns"].is_there:
        raise LeftOut("the body is a pattern")
    form = list(_exact(request["formParameters"]))
    if form:
        pairs = [(name, text) for name, text in form if text is not None]
        if len(pairs) < len(form):
            raise LeftOut("the body is a pattern")
        if not has(sent, "content-type"):
            sent.append(("content-type", "application/x-www-form-urlencoded"))
        return urlencode(pairs).encode()
    patterns = list(request["bodyPatterns"].items())
    if not patterns:
        return b""
    first = patterns[0]
    if len(patterns) == 1 and first["equalToJson"].is_there:
        value = first["equalToJson"]
        body = utf8(value.text()) if value.is_a(str) else to_json(value.value)
        if _PLACEHOLDER.encode() in body:
            raise LeftOut("the body is a pattern")
        if not has(sent, "content-type"):
            sent.append(("content-type", "application/json"))
        return body
    if len(patterns) == 1 and first["equalTo"].is_there:
        return utf8(first["equalTo"].text())
    if len(patterns) == 1 and first["binaryEqualTo"].is_there:
        return base64_of(first["binaryEqualTo"])
    raise LeftOut("the body is a pattern")


def _answer(response: Node, got: list[tuple[str, str]], reading: Reading) -> bytes:
    """The body of the response."""
    is_template = any(one.value == "response-template" for one in response["transformers"].items())
    if response["jsonBody"].is_there:
        if not has(got, "content-type"):
            got.append(("content-type", "application/json"))
        answer = to_json(response["jsonBody"].value)
    elif response["base64Body"].is_there:
        answer = base64_of(response["base64Body"])
    elif response["bodyFileName"].is_there:
        answer = _file(response["bodyFileName"], reading.folder)
    else:
        answer = utf8(response["body"].text(""))
    if is_template and b"{{" in answer:
        raise LeftOut("the response is a template")
    return answer


def _file(node: Node, folder: Path) -> bytes:
    """A file of `__files`, which stands beside the folder of the mappings, or in it. No other file is read."""
    name = node.text()
    for root in (folder.parent / "__files", folder / "__files"):
        path = Path(os.path.normpath(root / name))
        try:
            inside = path.resolve().is_relative_to(root.resolve())
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside:
            raise node.error(f"{name[:100]!r} leads out of __files")
        try:
            if path.is_file():
                with path.open("rb") as file:
                    data = file.read(MAX_FILE + 1)
                if len(data) > MAX_FILE:
                    raise LeftOut(f"the file of the response is larger than {MAX_FILE:,} bytes")
                return data
        except OSError as error:
            raise node.error(f"{name[:100]!r} cannot be read: {error.strerror}") from None
    raise node.error(f"there is no file {name[:100]!r} in __files")
