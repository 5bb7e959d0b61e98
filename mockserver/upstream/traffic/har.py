"""HTTP Archive (HAR 1.1 and 1.2), which browsers, proxies and Playwright write."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from mockserver.upstream.traffic.node import Node
from mockserver.upstream.traffic.seen import (
    Fields,
    LeftOut,
    Reading,
    Seen,
    base64_of,
    fields,
    has,
    host_of,
    listed_lines,
    method_of,
    path_of,
    status_of,
    url_of,
    utf8,
)


def is_har(root: Node) -> bool:
    """Whether a file is one."""
    return root.is_a(dict) and root["log"].is_a(dict) and "entries" in root["log"].value


def read_har(root: Node, reading: Reading) -> Iterator[Seen]:
    """The exchanges of one."""
    for entry in root["log"]["entries"].items():
        try:
            yield _exchange(entry)
        except LeftOut as left:
            reading.leave_out(str(left))


def _exchange(entry: Node) -> Seen:
    request, response = entry["request"], entry["response"]
    if entry["_webSocketMessages"].is_there or entry["_resourceType"].value == "websocket":
        raise LeftOut("a WebSocket")
    parts = url_of(request["url"], request["url"].text())
    status = status_of(response["status"])
    sent = listed_lines(request["headers"], "name", "value")
    body, media_type = _sent(request["postData"])
    if media_type and not has(sent, "content-type"):
        sent.append(("content-type", media_type))
    content = response["content"]
    got = listed_lines(response["headers"], "name", "value")
    if (media_type := content["mimeType"].text("")) and media_type != "x-unknown" and not has(got, "content-type"):
        got.append(("content-type", media_type))
    answer = _received(content)
    method = method_of(request["method"])
    return Seen(
        method, host_of(parts), path_of(parts), parts.query, fields(sent), body,
        status, _answered(got, status, answer), answer, entry.pointer,
    )  # fmt: skip


def _answered(lines: list[tuple[str, str]], status: int, answer: bytes) -> Fields:
    """Headers of a response. Browsers give a content type to bodies that are not there, too."""
    known = fields(lines)
    if answer or status not in (204, 205, 304):
        return known
    return tuple(pair for pair in known if pair[0] != "content-type")


def _sent(data: Node) -> tuple[bytes, str]:
    """The body of a request and its media type."""
    if not data.is_there:
        return b"", ""
    media_type = data["mimeType"].text("")
    if data["text"].is_there:
        is_coded = "base64" in (data["encoding"].value, data["_encoding"].value)
        return base64_of(data["text"]) if is_coded else utf8(data["text"].text()), media_type
    pairs = listed_lines(data["params"], "name", "value")
    if not pairs:
        return b"", media_type
    if not media_type.startswith("application/x-www-form-urlencoded"):
        raise LeftOut("a form of several parts, whose bytes the file does not hold")
    return urlencode(pairs).encode(), media_type


def _received(content: Node) -> bytes:
    """The body of a response. It is written without its coding, whatever the headers say."""
    if content["text"].is_there:
        return base64_of(content["text"]) if content["encoding"].value == "base64" else utf8(content["text"].text())
    size = content["size"]
    if size.is_there and size.is_a(int) and size.value > 0:
        raise LeftOut("the file does not hold the body of the response")
    return b""
