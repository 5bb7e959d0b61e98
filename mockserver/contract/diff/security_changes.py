"""Changes to the ways in which a caller may authenticate. A scheme is known by what it demands and not by its name.

Must not know: operations apart from their `security`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.contract.contract import Contract
from mockserver.contract.references import Refs

Alternative = dict[str, frozenset[str]]
"""What is demanded together: scopes by scheme. An empty one demands nothing."""


def security_changes(
    old: Contract, new: Contract, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """The rules and texts of what changed between two operations.

    Args:
        old: the old document.
        new: the new one.
        before: the old operation.
        after: the new one.
    """
    was, is_ = _alternatives(old, before), _alternatives(new, after)
    for alternative in was:
        if any(_is_within(other, alternative) for other in is_):
            continue
        same = next((other for other in is_ if other.keys() == alternative.keys()), None)
        if same is not None and alternative:
            scopes = {s for name in same for s in same[name] - alternative[name]}
            yield "security-scope-added", f"the scope {', '.join(sorted(scopes))} is now required"
        elif not alternative:
            yield "security-added", f"it was open and now asks for {' or '.join(map(_text, is_))}"
        else:
            yield "security-alternative-removed", f"{_text(alternative)} is not enough now"
    for alternative in is_:
        if any(_is_within(other, alternative) for other in was):
            continue
        same = next((other for other in was if other.keys() == alternative.keys()), None)
        if same is not None and alternative:
            scopes = {s for name in same for s in same[name] - alternative[name]}
            yield "security-scope-removed", f"the scope {', '.join(sorted(scopes))} is not required now"
        elif not alternative:
            yield "security-removed", "it is open now"
        else:
            yield "security-alternative-added", f"{_text(alternative)} is enough now"


def _is_within(less: Alternative, more: Alternative) -> bool:
    """Whether who satisfies `more` satisfies `less`."""
    return all(name in more and scopes <= more[name] for name, scopes in less.items())


def _alternatives(contract: Contract, node: dict[str, Any]) -> list[Alternative]:
    requirements = node.get("security", contract.document.get("security"))
    schemes = (contract.document.get("components") or {}).get("securitySchemes") or {}
    refs = Refs(contract.document)
    found = []
    for requirement in requirements if isinstance(requirements, list) and requirements else [{}]:
        if isinstance(requirement, dict):
            alternative: Alternative = {}
            for name, scopes in requirement.items():
                scheme, _ = refs.follow(schemes.get(name), "")
                key = _identity(name, scheme)
                alternative[key] = alternative.get(key, frozenset()) | frozenset(map(str, scopes or ()))
            found.append(alternative)
    return found


def _identity(name: str, scheme: Any) -> str:
    if not isinstance(scheme, dict):
        return name
    kind = str(scheme.get("type"))
    if kind == "apiKey":
        return f"a key in the {scheme.get('in')} {scheme.get('name')!r}"
    if kind == "http":
        return f"HTTP {str(scheme.get('scheme', '')).lower()}"
    return {"oauth2": "OAuth 2", "openIdConnect": "OpenID Connect", "mutualTLS": "a client certificate"}.get(kind, name)


def _text(alternative: Alternative) -> str:
    return " with ".join(alternative) or "nothing"


__all__ = ["security_changes"]
