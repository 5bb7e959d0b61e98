"""What stands before a body on the wire: the targets and headers of requests, rewritten where HTTP allows several
forms, and the header lines of responses, checked before they go out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import orjson

from mockserver.errors import MEDIA_TYPE, Problem, defect_body, problem_body
from mockserver.messages import Response

_PLAIN = bytes([9, *range(32, 127)])
"""The characters of a header."""

NAMES: dict[bytes, str] = {}
"""Names of headers as they were sent, and as they are kept: clients spell the same few again and again."""
_MAX_NAMES, _MAX_NAME = 1024, 64
"""How many names are remembered, and the bytes of one of them."""

UNSENDABLE = Response(
    500, None, {}, MEDIA_TYPE, orjson.dumps(defect_body("the response has a header that HTTP cannot carry", []))
)
"""What goes out in place of a response whose headers cannot."""


def header_name(sent: bytes) -> str:
    """The name of a header as it is kept, in lower case."""
    name = sent.decode("latin-1").lower()
    if len(NAMES) < _MAX_NAMES and len(sent) <= _MAX_NAME:
        NAMES[sent] = name
    return name


def local_target(target: str) -> tuple[str, str]:
    """A target as it stands on this server, and the host that clients of proxies put before it; "" without one."""
    _, is_absolute, rest = target.partition("://")
    if target[:1] == "/" or not is_absolute:
        return target, ""
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    return "/" + rest[len(host) :].removeprefix("/"), host.rpartition("@")[2]


def without_upgrade(method: bytes, target: bytes, version: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request that offers to change to another protocol, without the offer."""
    kept = {name: text for name, text in headers.items() if name not in ("upgrade", "connection")}
    if "close" in headers.get("connection", "").lower():
        kept["connection"] = "close"
    lines = [f"{name}: {text}\r\n".encode("latin-1") for name, text in kept.items()]
    return b"".join((b"%s %s HTTP/%s\r\n" % (method, target, version.encode()), *lines, b"\r\n"))


def size_of(target: bytes, headers: Mapping[str, str]) -> int:
    """Bytes of a request's target and headers."""
    return len(target) + sum(len(name) + len(text) + 4 for name, text in headers.items())


def wire_head(lines: Sequence[tuple[str, str]]) -> bytes | None:
    """Headers as they go out; None when one of them would break its line or is no plain text."""
    text = "".join([f"{name}: {value}\r\n" for name, value in lines])
    if not text.isascii():
        return None
    head = text.encode("ascii")
    return head if head.translate(None, _PLAIN) == b"\r\n" * len(lines) else None


def refusal(problem: Problem) -> bytes:
    """The headers and the body of a last response that says why a connection is closed."""
    body = orjson.dumps(problem_body(problem))
    lines = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return lines.encode("ascii") + body
