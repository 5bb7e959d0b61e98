"""Who is calling: credentials read from a request as the contract's security schemes describe.

Knows the OpenAPI security schemes and a list of valid keys; knows nothing of operations or
sandboxes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from mockserver.contract import Alternative, Credential
from mockserver.errors import Problem
from mockserver.messages import Request


def read_key(credential: Credential, request: Request) -> str | None:
    """The key that a request carries in one place, or None. A key may contain spaces."""
    name = credential.name
    if credential.place == "authorization":
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == name else None
    if credential.place == "header":
        return request.headers.get(name.lower()) or None
    if credential.place == "query":
        return dict(parse_qsl(request.query)).get(name) or None
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value or None if morsel else None


def authenticate(request: Request, alternatives: Sequence[Alternative], keys: Iterable[str]) -> str:
    """The caller's key; "" when the operation needs none.

    Args:
        request: the request.
        alternatives: ways to authenticate, of which one is enough; none means an open operation.
        keys: the valid keys. When there are none, every non-empty key is valid.

    Raises:
        Problem: `unauthorized`, when no alternative is met. The key itself is never repeated.
    """
    if not alternatives:
        return ""
    valid = [key.encode() for key in keys]
    refused = False
    for alternative in alternatives:
        found = [read_key(credential, request) for credential in alternative]
        if None in found:
            continue
        given = [key for key in found if key is not None]
        if not valid or all(_known(key, valid) for key in given):
            return given[0] if given else ""
        refused = True
    schemes = dict.fromkeys(c.name for a in alternatives for c in a if c.place == "authorization")
    challenge = {"WWW-Authenticate": ", ".join(name.capitalize() for name in schemes)} if schemes else None
    if refused:
        raise Problem("unauthorized", "The API key is not a valid one.", headers=challenge)
    wanted = " or ".join(dict.fromkeys(_describe(c) for a in alternatives for c in a))
    raise Problem("unauthorized", f"No API key was given; send {wanted}.", headers=challenge)


def _known(key: str, valid: list[bytes]) -> bool:
    """Compared in constant time, so that a key cannot be guessed byte by byte."""
    given = key.encode("utf-8", "surrogateescape")
    return sum(hmac.compare_digest(given, one) for one in valid) > 0


def _describe(credential: Credential) -> str:
    if credential.place == "authorization":
        return f"`Authorization: {credential.name.capitalize()} KEY`"
    return f"the {credential.place} {credential.name!r}"
