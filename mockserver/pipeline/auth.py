"""Who is calling: credentials read from a request as the contract's security schemes describe.

Knows the OpenAPI security schemes and a list of valid keys; knows nothing of operations or
sandboxes.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
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


def authenticate(request: Request, alternatives: Sequence[Alternative], keys: Sequence[bytes]) -> str:
    """The caller's key; "" when the operation needs none.

    Args:
        request: the request.
        alternatives: ways to authenticate, of which one is enough; none means an open operation.
        keys: the valid keys. When there are none, every non-empty key is valid.

    Raises:
        Problem: `unauthorized`, when no alternative is met. The key itself is never repeated.
    """
    refused = False
    for alternative in alternatives:
        given = []
        for credential in alternative:
            key = read_key(credential, request)
            if key is None:
                break
            given.append(key)
        else:
            if not keys or all(_known(key, keys) for key in given):
                return given[0] if given else ""
            refused = True
    if not alternatives:
        return ""
    raise _refusal(alternatives, refused)


def _refusal(alternatives: Sequence[Alternative], refused: bool) -> Problem:
    schemes = dict.fromkeys(c.name for a in alternatives for c in a if c.place == "authorization")
    challenge = {"www-authenticate": ", ".join(name.capitalize() for name in schemes)} if schemes else None
    if refused:
        return Problem("unauthorized", "The API key is not a valid one.", headers=challenge)
    wanted = " or ".join(dict.fromkeys(_describe(c) for a in alternatives for c in a))
    return Problem("unauthorized", f"No API key was given; send {wanted}.", headers=challenge)


def _known(key: str, valid: Sequence[bytes]) -> bool:
    """Compared in constant time, so that a key cannot be guessed byte by byte."""
    given = key.encode("utf-8", "surrogateescape")
    return sum(hmac.compare_digest(given, one) for one in valid) > 0


def _describe(credential: Credential) -> str:
    if credential.place == "authorization":
        return f"`Authorization: {credential.name.capitalize()} KEY`"
    return f"the {credential.place} {credential.name!r}"
