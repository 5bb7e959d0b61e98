"""Who is calling: credentials read from a request as the contract's security schemes describe.

Knows the OpenAPI security schemes and a list of valid keys; knows nothing of operations or
sandboxes.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import lru_cache

from mockserver.apis.routes import Plan
from mockserver.contract import Alternative, Credential
from mockserver.errors import Problem
from mockserver.messages import Request
from mockserver.text.fields import parse_cookies, parse_query


def read_key(credential: Credential, request: Request) -> str | None:
    """The key that a request carries in one place, or None. A key may contain spaces.

    Raises Problem when the key is looked for in a query that is not UTF-8.
    """
    name = credential.name
    if credential.place == "authorization":
        return _key_of(request.headers.get("authorization", ""), name)
    if credential.place == "header":
        return request.headers.get(name.lower()) or None
    if credential.place == "query":
        values = parse_query(request.query).get(name)
    else:
        values = parse_cookies(request.headers.get("cookie", "")).get(name)
    return str(values[0]) or None if values else None


@lru_cache(maxsize=256)
def _key_of(header: str, scheme: str) -> str | None:
    """The key in an `Authorization` header of that scheme; clients send the same one again and again."""
    sent, _, key = header.partition(" ")
    return key.strip() or None if sent.lower() == scheme else None


def authenticate(
    request: Request, alternatives: Sequence[Alternative], keys: Sequence[bytes], realm: str = "mockserver"
) -> str:
    """The caller's key; "" when the operation needs none.

    Args:
        request: the request.
        alternatives: ways to authenticate, of which one is enough; none means an open operation, and
            one that asks for nothing is met by every request.
        keys: the valid keys. When there are none, every non-empty key is valid.
        realm: what the challenge of a refusal calls that which is protected.

    Raises:
        Problem: `unauthorized`, when no alternative is met. The key itself is never repeated.
    """
    if alternatives and not keys and len(alternatives[0]) == 1:
        key = read_key(alternatives[0][0], request)
        if key is not None:
            return key  # the usual case: one key, and any will do
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
    raise _refusal(alternatives, refused, realm)


def _refusal(alternatives: Sequence[Alternative], refused: bool, realm: str) -> Problem:
    headers = {"www-authenticate": challenges(alternatives, realm, refused)}
    if refused:
        return Problem("unauthorized", "The API key is not a valid one.", headers=headers)
    places = " or ".join(dict.fromkeys(_describe(one) for alternative in alternatives for one in alternative))
    return Problem("unauthorized", f"No API key was given; send {places}.", headers=headers)


def authorise(plan: Plan, key: str) -> None:
    """See that a key may do what is asked for. Raises Problem: 403."""
    operation, may = plan.operation, plan.api.keys.get(key)
    if may is not None and operation.id not in may and operation.method not in may:
        raise Problem("forbidden", f"This key may not do {operation.id}; it may do {', '.join(sorted(may))}.")


def challenges(alternatives: Sequence[Alternative], realm: str, refused: bool = False) -> str:
    """The `WWW-Authenticate` that a 401 must have (RFC 9110, 15.5.2); "" for an open operation."""
    found = [_challenge(one, refused, realm) for alternative in alternatives for one in alternative]
    return ", ".join(dict.fromkeys(found))


def _challenge(credential: Credential, refused: bool, realm: str) -> str:
    """What a 401 must say of one way to authenticate (RFC 9110, 11.6.1)."""
    if credential.place != "authorization":
        # No scheme is registered for keys that stand elsewhere; this name is the usual one.
        return f'ApiKey realm={_quoted(realm)}, in="{credential.place}", name={_quoted(credential.name)}'
    challenge = f"{credential.name.capitalize()} realm={_quoted(realm)}"
    if credential.name == "basic":
        return f'{challenge}, charset="UTF-8"'  # RFC 7617, 2.1
    if credential.name == "bearer" and refused:
        return f'{challenge}, error="invalid_token"'  # RFC 6750, 3.1
    return challenge


def _quoted(text: str) -> str:
    """A quoted string of a header; what is not ASCII becomes a question mark."""
    escaped = text.encode("ascii", "replace").decode().replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _known(key: str, valid: Sequence[bytes]) -> bool:
    """Compared in constant time, so that a key cannot be guessed byte by byte."""
    given = key.encode("utf-8", "surrogateescape")
    return sum(hmac.compare_digest(given, one) for one in valid) > 0


def _describe(credential: Credential) -> str:
    if credential.place == "authorization":
        return f"`Authorization: {credential.name.capitalize()} KEY`"
    return f"the {credential.place} {credential.name!r}"
