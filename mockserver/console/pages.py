"""The console's files as responses: a fixed table, read once, each with an ETag and a strict policy.

Only files of the table are ever read, so no path of a request reaches the file system. Must not know: ASGI, or what
the scripts do.
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

from mockserver.messages import Request, Response
from mockserver.records import record

PREFIX = "/__console"
STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Content-Security-Policy Level 3 and Trusted Types: files of this origin only, and no text becomes markup."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # The names of the files stay the same from version to version, so a browser asks each time.
    "cache-control": "no-cache",
}


@record(frozen=True)
class File:
    """A file as it leaves."""

    content: bytes
    media_type: str
    etag: str
    """A strong validator (RFC 9110, 8.8.3), quotes included."""


@cache
def files() -> dict[str, File]:
    """Every file by its name."""
    table = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in MEDIA_TYPES:
            table[path.name] = made(path.read_bytes(), MEDIA_TYPES[path.suffix])
    return table


def answer(request: Request, root: str = "") -> Response:
    """The response to a request whose path begins with PREFIX; `root` is where the app is mounted."""
    if request.method not in ("GET", "HEAD"):
        return plain(405, "The console has GET and HEAD.", {"allow": "GET, HEAD"})
    name = request.path.removeprefix(PREFIX)
    if not name:  # relative links need the slash
        return plain(308, "", {"location": f"{root}{PREFIX}/"})
    file = files().get(name.removeprefix("/") or "index.html")
    if file is None:
        return plain(404, f"There is no such file. The console is at {root}{PREFIX}/", {})
    return shown(file, request)


def made(content: bytes, media_type: str) -> File:
    """A file with these bytes."""
    return File(content, media_type, f'"{blake2b(content, digest_size=12).hexdigest()}"')


def shown(file: File, request: Request) -> Response:
    """The response with a file; without its bytes where the browser has them."""
    headers = {**HEADERS, "etag": file.etag}
    if _is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(304, None, headers, None)
    return Response(200, None, headers, file.media_type, file.content)


def _is_known(tags: str, etag: str) -> bool:
    """Whether `If-None-Match` names the file as it is (RFC 9110, 13.1.2)."""
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in tags.split(","))


def plain(status: int, text: str, headers: dict[str, str]) -> Response:
    """A response with a line of text."""
    return Response(status, None, {**HEADERS, **headers}, "text/plain; charset=utf-8", text.encode())


__all__ = ["MEDIA_TYPES", "PREFIX", "STATIC", "File", "answer", "files", "made", "plain", "shown"]
