"""Documents from other servers, for references that a user has allowed to be followed.

Nothing here is reached unless `allow_remote_refs` is set. Sizes, time and the number of documents are bounded. The
user's own documents may name any host. What comes from a public address, a document or a redirect, leads to public
addresses only: it must not make this machine ask its own network.
"""

from __future__ import annotations

import socket
from http.client import HTTPException
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from mockserver.errors import ContractError

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of one remote document."""
TIMEOUT = 10.0
"""Seconds that one remote document may take, from the name that is looked up to the last byte read."""
_CHUNK = 64 * 1024


class _SafeRedirects(HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in ("http", "https"):
            raise URLError(f"it redirects to {newurl[:200]!r}")
        if leads_inside(req.full_url, newurl):
            raise URLError(f"it redirects to {newurl[:200]!r}, which is no public address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def leads_inside(source: str, target: str) -> bool:
    """Whether a URL at a public address leads to one that is not public: loopback, private or link-local."""
    here, there = urlsplit(source).hostname, urlsplit(target).hostname
    return here != there and is_public(here or "") and not is_public(there or "")


def is_public(host: str) -> bool:
    """Whether all addresses of a host are public. A host that is not known has none, and cannot be asked."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return True
    return all(ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found)


def _opener() -> OpenerDirector:
    return build_opener(_SafeRedirects)


def fetch(url: str) -> str:
    """The text at an http or https URL. Raises ContractError."""
    if "@" in urlsplit(url).netloc:  # the message does not repeat what may be a password
        host = urlsplit(url).netloc.rpartition("@")[2]
        raise ContractError(f"a URL at {host} holds a user name or a password; no such URL is fetched")
    outcome: SimpleQueue[bytes | Exception] = SimpleQueue()
    # In a thread, because neither a lookup of a name nor a head that comes byte by byte has a bound of its own.
    Thread(target=_read, args=(url, outcome), daemon=True).start()
    try:
        data = outcome.get(timeout=TIMEOUT)
    except Empty:
        raise ContractError(f"{url}: takes longer than {TIMEOUT:g} seconds") from None
    if isinstance(data, Exception):
        raise ContractError(f"{url}: {data}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContractError(f"{url}: is not UTF-8") from None


def _read(url: str, outcome: SimpleQueue[Any]) -> None:
    """Put the bytes at a URL into a queue, or the error that says why there are none."""
    request = Request(url, headers={"accept": "application/yaml, application/json, */*", "user-agent": "mockserver"})
    data = b""
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            while chunk := response.read1(_CHUNK):
                data += chunk
                if len(data) > MAX_BYTES:
                    outcome.put(ContractError(f"is larger than {MAX_BYTES:,} bytes"))
                    return
    except (URLError, OSError, ValueError, HTTPException) as error:
        if isinstance(error, HTTPError):
            error.close()
        outcome.put(ContractError(f"cannot be read: {getattr(error, 'reason', error)}"))
    else:
        outcome.put(data)
