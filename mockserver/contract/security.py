"""What an operation demands of its caller, read from `security` and `securitySchemes`."""

from __future__ import annotations

from typing import Any, Literal

from mockserver.contract.references import Refs, unescape
from mockserver.records import record


@record(frozen=True)
class Credential:
    """One place where a key may stand (OpenAPI 3, Security Scheme Object)."""

    place: Literal["authorization", "header", "query", "cookie"]
    name: str
    """The Authorization scheme, for example `bearer`; or the name of the header, parameter or cookie."""


Alternative = tuple[Credential, ...]
"""Credentials that are required together."""


def alternatives(refs: Refs, document: dict[str, Any], operation: dict[str, Any]) -> tuple[Alternative, ...]:
    """The ways to authenticate, of which one is enough. None means that the operation is open.

    An alternative that asks for nothing is last, so that a key that is sent all the same is read: `{}` makes
    authentication optional, and a client's certificate (mutualTLS) is not for HTTP to ask for. A scheme that is
    not declared demands nothing: no caller could know what to send.
    """
    requirements = operation.get("security", document.get("security")) or []
    found = [
        tuple(credential for name in requirement for credential in _credentials(refs, _scheme(refs, document, name)))
        for requirement in requirements
    ]
    if not any(found):
        return ()
    return tuple(sorted(dict.fromkeys(found), key=lambda alternative: not alternative))


def credentials(refs: Refs, document: dict[str, Any]) -> tuple[Credential, ...]:
    """Every place in which a document's schemes let a key stand, used or not."""
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    return tuple(credential for scheme in schemes.values() for credential in _credentials(refs, scheme))


def _scheme(refs: Refs, document: dict[str, Any], name: str) -> Any:
    """A declared scheme by its name or, from 3.2 on, by its URI; None when there is none."""
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    if name in schemes or not name.startswith("#/"):
        return schemes.get(name)
    try:
        return refs.lookup(unescape(name))
    except KeyError:
        return None


def _credentials(refs: Refs, scheme: Any) -> tuple[Credential, ...]:
    """Where the key of a scheme stands; nowhere for mutualTLS and for no scheme."""
    scheme, _ = refs.follow(scheme, "")
    if not isinstance(scheme, dict) or scheme.get("type") == "mutualTLS":
        return ()
    if scheme.get("type") == "apiKey":
        return (Credential(scheme["in"], scheme["name"]),)
    name = str(scheme.get("scheme", "bearer")).lower() if scheme.get("type") == "http" else "bearer"
    return (Credential("authorization", name),)
