"""What an operation demands of its caller, read from `security` and `securitySchemes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mockserver.contract.references import Refs


@dataclass(frozen=True, slots=True)
class Credential:
    """One place where a key may stand (OpenAPI 3, Security Scheme Object)."""

    place: Literal["authorization", "header", "query", "cookie"]
    name: str
    """The Authorization scheme, for example `bearer`; or the name of the header, parameter or cookie."""


Alternative = tuple[Credential, ...]
"""Credentials that are required together."""


def alternatives(refs: Refs, document: dict[str, Any], operation: dict[str, Any]) -> tuple[Alternative, ...]:
    """The ways to authenticate, of which one is enough. None means that the operation is open.

    A scheme that is required but not declared is read as a bearer token.
    """
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    wanted = operation.get("security", document.get("security")) or []
    if any(not requirement for requirement in wanted):
        return ()  # `{}` makes it optional
    return tuple(tuple(_credential(refs, schemes.get(name)) for name in requirement) for requirement in wanted)


def credentials(refs: Refs, document: dict[str, Any]) -> tuple[Credential, ...]:
    """Every place in which a document's schemes let a key stand, used or not."""
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    return tuple(_credential(refs, scheme) for scheme in schemes.values())


def _credential(refs: Refs, scheme: Any) -> Credential:
    scheme, _ = refs.follow(scheme, "")
    if isinstance(scheme, dict):
        if scheme.get("type") == "apiKey":
            return Credential(scheme["in"], scheme["name"])
        if scheme.get("type") == "http":
            return Credential("authorization", str(scheme.get("scheme", "bearer")).lower())
    return Credential("authorization", "bearer")
