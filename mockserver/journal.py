"""What is kept and shown of an exchange: secrets masked, bodies bounded.

The journal itself is a ring in the store; this module decides what an entry looks like.
"""

from __future__ import annotations

import copy

from mockserver.messages import Exchange, Request, Response

MAX_BODY = 64 * 1024
"""Bytes of a body that the journal keeps."""
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "x-mockserver-admin"})


def record(exchange: Exchange) -> Exchange:
    """The entry that the journal keeps: a copy without secrets, with at most MAX_BODY bytes a body."""
    request, response = exchange.request, exchange.response
    headers = request.headers
    if not SECRET_HEADERS.isdisjoint(headers):
        headers = {name: mask(value) if name in SECRET_HEADERS else value for name, value in headers.items()}
    entry = copy.copy(exchange)
    entry.request = Request(request.method, request.path, request.query, headers, request.body[:MAX_BODY])
    if response is not None and response.content is not None:
        content = response.content[:MAX_BODY]
        entry.response = Response(response.status, None, response.headers, response.media_type, content)
    return entry


def mask(value: str) -> str:
    """A secret's scheme and nothing else: `Bearer ***`."""
    scheme, space, _ = value.partition(" ")
    return f"{scheme} ***" if space else "***"


def log_line(exchange: Exchange) -> str:
    """One line for a person: what was asked, what was answered, by what, and why it failed."""
    request = exchange.request
    query = f"?{request.query}" if request.query else ""
    line = f"{_printable(request.method)} {_printable(request.path + query)} {exchange.status}"
    line += f"  {exchange.operation or '-'}  {exchange.duration * 1000:.1f} ms"
    for violation in exchange.violations[:3]:
        line += f"  [{violation.side}] {_printable(str(violation))}"
    if exchange.defect:
        line += f"  [defect] {_printable(exchange.defect)}"
    return line


def _printable(text: str) -> str:
    """Control characters escaped, so that a request cannot forge a line of the log."""
    clipped = text if len(text) <= 300 else text[:299] + "…"
    return clipped if clipped.isprintable() else clipped.encode("unicode_escape").decode()
