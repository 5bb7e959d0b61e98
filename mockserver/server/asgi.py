"""From ASGI messages to a `Request`. It decides nothing about it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

from starlette.types import Receive, Scope

from mockserver.messages import Headers, Request

DRAIN = 16
"""A body that is too large is read up to this many times the limit, so that the client hears why."""
DRAINED = 64 * 1024
"""The limit that counts for this when there is a smaller one."""


def read_head(scope: Scope) -> Request:
    """A request without its body; its path is the one below the place where the app is mounted."""
    return Request(scope["method"], local_path(scope), scope["query_string"].decode("latin-1"), read_headers(scope))


def local_path(scope: Scope) -> str:
    """The path below `root_path`, percent-encoded as it was sent; a server need not give the sent one."""
    raw: str = scope["raw_path"].decode("utf-8", "replace") if scope.get("raw_path") else quote(scope["path"])
    root: str = scope.get("root_path", "")
    if not root:
        return raw
    end = 0  # each byte of the root stands in the path as itself or as %XX
    for _ in root.encode():
        end += 3 if raw[end : end + 1] == "%" else 1
    rest = raw[end:]
    # Some servers give a `root_path` that the path does not begin with.
    return rest or "/" if unquote(raw[:end]) == root and rest[:1] in ("", "/") else raw


async def read_body(request: Request, receive: Receive, most: int) -> bool:
    """Read the body, when it has at most so many bytes; False when the client went away in the middle of it."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        chunk = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body", False)
        if size <= most:
            chunks.append(chunk)
        else:
            request.too_large = True
            chunks.clear()
            if size > max(most, DRAINED) * DRAIN:
                break
    request.body = b"".join(chunks)
    return True


def read_headers(scope: Scope) -> Headers:
    """Headers by name, which a server gives in lower case; repeated ones keep their lines."""
    raw: Iterable[tuple[bytes, bytes]] = scope["headers"]
    headers = Headers()
    for name, value in raw:
        headers.add(name.decode("latin-1"), value.decode("latin-1"))
    return headers
