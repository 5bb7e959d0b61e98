"""Documents from other servers, for references that a user has allowed to be followed.

Nothing here is reached unless `allow_remote_refs` is set. Sizes, time and the number of documents are bounded; no
redirect leads anywhere but to http or https.
"""

from __future__ import annotations

from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from mockserver.clock import monotonic
from mockserver.errors import ContractError

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of one remote document."""
TIMEOUT = 10.0
"""Seconds that one remote document may take, from the first byte asked for to the last one read."""
_CHUNK = 64 * 1024


class _SafeRedirects(HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise URLError(f"it redirects to {newurl[:200]!r}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> OpenerDirector:
    return build_opener(_SafeRedirects)


def fetch(url: str) -> str:
    """The text at an http or https URL. Raises ContractError."""
    request = Request(url, headers={"accept": "application/yaml, application/json, */*", "user-agent": "mockserver"})
    deadline = monotonic() + TIMEOUT
    data = b""
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            while chunk := response.read1(_CHUNK):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise ContractError(f"{url}: is larger than {MAX_BYTES:,} bytes")
                if monotonic() > deadline:
                    raise ContractError(f"{url}: takes longer than {TIMEOUT:g} seconds")
    except (URLError, OSError, ValueError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise ContractError(f"{url}: cannot be read: {getattr(error, 'reason', error)}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContractError(f"{url}: is not UTF-8") from None
