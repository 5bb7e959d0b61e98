"""Secrets, and how they are kept out of everything that is recorded or shown.

A key stands in an `Authorization` header, a cookie, or where a contract's security schemes say. What stands
there is masked wherever the request is recorded, and wherever its text turns up in what is said about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from urllib.parse import unquote_plus

from mockserver.messages import Request
from mockserver.text.fields import Decoded, parse_cookies

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "x-mockserver-admin"})
SECRET_QUERIES = frozenset({"access_token", "api_key", "apikey"})
SCHEMES = frozenset({"basic", "bearer", "digest", "token"})
"""First words of a credential that are no secret."""
SECRET_MEMBERS = (
    *("access_token", "refresh_token", "id_token", "auth_token", "session_token", "client_secret", "client_assertion"),
    *("api_key", "apikey", "password", "passphrase", "secret", "secret_key", "private_key", "token"),
)
"""Members of bodies, and fields of forms, with secrets. A real API sends them; the twin's are made up."""
_IN_JSON = re.compile(rb'("(?:%s)"\s*:\s*)"(?:[^"\\]|\\.)*"?' % "|".join(SECRET_MEMBERS).encode(), re.IGNORECASE)
_IN_FORM = re.compile(rb"((?:^|&)(?:%s)=)[^&]*" % "|".join(SECRET_MEMBERS).encode(), re.IGNORECASE)
MAX_REMEMBERED, MAX_LENGTH = 256, 1024
"""Secrets whose masked text is remembered, and the characters of one of them."""
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
"""Characters that JSON spells in one way, if it is not asked to do otherwise."""
_COOKIE = re.compile(r"^([^=;]*=)[^;]*")
MIN_LENGTH = 6
"""Characters of a secret that is looked for in texts; a shorter one is in many words."""


class Masking:
    """Masks what requests carry.

    Args:
        headers: names of headers with secrets, beside SECRET_HEADERS.
        queries: names of query parameters with secrets, beside SECRET_QUERIES.
        show: mask nothing.
    """

    def __init__(self, headers: Iterable[str] = (), queries: Iterable[str] = (), show: bool = False) -> None:
        self._show = show
        self._headers = frozenset() if show else SECRET_HEADERS
        self._queries = SECRET_QUERIES
        self._masked: dict[str, str] = {}
        """What was masked before; clients send the same key again and again."""
        self._spelled: dict[str, tuple[bytes, ...] | None] = {}
        """How the secrets in a header are looked for."""
        self.cover(headers, queries)

    def cover(self, headers: Iterable[str], queries: Iterable[str]) -> None:
        """Mask these from now on too. What was masked before stays so: a client may still send it."""
        self._queries = self._queries.union(queries)
        self._suspect = re.compile("|".join(["[%+]", *map(re.escape, sorted(self._queries))]))
        """Finds one of the names in a query, or what a name may be hidden in."""
        if not self._show:
            self._headers = self._headers.union(name.lower() for name in headers)

    def headers(self, given: dict[str, str]) -> dict[str, str]:
        """Headers by lower-case name, without secrets."""
        shown = given.copy()
        for name in self._headers.intersection(given):
            shown[name] = self._masked.get(shown[name]) or self._mask(shown[name])
        return shown

    def query(self, given: str) -> str:
        """A query, percent-encoded as it was sent, without secrets."""
        if not given or self._show or not self._suspect.search(given):
            return given
        return "&".join(f"{part.partition('=')[0]}=***" if self._is_secret(part) else part for part in given.split("&"))

    def body(self, content: bytes, media_type: str) -> bytes:
        """A body of a real API, JSON or a form, without the secrets of SECRET_MEMBERS."""
        if self._show:
            return content
        if media_type.startswith("application/x-www-form-urlencoded"):
            return _IN_FORM.sub(rb"\1***", content)
        return _IN_JSON.sub(rb'\1"***"', content)

    def cookies(self, lines: list[str]) -> list[str]:
        """The values of `Set-Cookie` lines, without what the cookies hold."""
        return lines if self._show else [_COOKIE.sub(r"\1***", line) for line in lines]

    def is_told(self, request: Request, text: bytes) -> bool:
        """Whether a JSON text about a request may hold a secret of it."""
        if self._show:
            return False
        for name in self._headers:
            if name in request.headers:
                spelled = self._spellings(request.headers[name])
                # What JSON can spell in several ways, and cookies, which are many: it may be there.
                if spelled is None or name == "cookie":
                    return True
                for secret in spelled:
                    if secret in text:
                        return True
        return bool(request.query) and self.query(request.query) != request.query

    def _spellings(self, value: str) -> tuple[bytes, ...] | None:
        """The secrets in a header as they stand in JSON; None when there are several ways to write them."""
        try:
            return self._spelled[value]
        except KeyError:
            found = None
            if _PLAIN.fullmatch(value):
                found = tuple(text.encode() for text in _credentials(value) if len(text) >= MIN_LENGTH)
            if len(self._spelled) < MAX_REMEMBERED and len(value) < MAX_LENGTH:
                self._spelled[value] = found
            return found

    def cleaner(self, request: Request) -> Callable[[str], str]:
        """A function that takes the secrets of a request out of a text about it."""
        secrets = self._secrets(request)

        def clean(text: str) -> str:
            for secret in secrets:
                text = text.replace(secret, "***")
            return text

        return clean

    def _secrets(self, request: Request) -> list[str]:
        """The secrets of a request, the longest first."""
        if self._show:
            return []
        headers = request.headers
        found: list[str] = []
        for name in self._headers:
            if name in headers:
                text = headers[name]
                found += _credentials(text)
                if name == "cookie":
                    for cookie in chain(*parse_cookies(text).values()):
                        found += [str(cookie), cookie.raw if isinstance(cookie, Decoded) else cookie]
        if request.query:
            for part in request.query.split("&"):
                if self._is_secret(part):
                    text = part.partition("=")[2]
                    found += [text, unquote_plus(text)]
        return sorted((text for text in found if len(text) >= MIN_LENGTH), key=len, reverse=True)

    def _mask(self, value: str) -> str:
        masked = mask(value)
        if len(self._masked) < MAX_REMEMBERED and len(value) < MAX_LENGTH:
            self._masked[value] = masked
        return masked

    def _is_secret(self, part: str) -> bool:
        return "=" in part and unquote_plus(part.partition("=")[0]) in self._queries


def _credentials(value: str) -> tuple[str, str]:
    """What of a header is secret: all of it, and what stands behind a scheme."""
    return value, value.partition(" ")[2]


def mask(value: str) -> str:
    """A secret's scheme and nothing else: `Bearer ***`."""
    scheme, space, _ = value.partition(" ")
    return f"{scheme} ***" if space and scheme.lower() in SCHEMES else "***"
