"""Pact files, versions 1 to 4 of their specification: the interactions over HTTP that a consumer's tests recorded.

Must not know: what the interactions are used for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from mockserver.errors import UserError

_OTHER_KINDS = ("Synchronous/Messages", "Asynchronous/Messages")
"""Interactions of version 4 that are no HTTP."""


def is_pact(document: Any) -> bool:
    """Whether a document is a Pact file."""
    return isinstance(document, dict) and isinstance(document.get("interactions"), list)


def uses_in_pact(document: dict[str, Any], name: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """The requests of a Pact file and their statuses, as the arguments of a use, each with the body of its response.

    Raises:
        UserError: an interaction has no request or no response.
    """
    for number, interaction in enumerate(document["interactions"]):
        if not isinstance(interaction, dict) or interaction.get("type") in _OTHER_KINDS:
            continue
        request, response = interaction.get("request"), interaction.get("response")
        if not isinstance(request, dict) or not isinstance(response, dict):
            raise UserError(f"{name}: the interaction {number} has no request and response")
        headers = {key.lower(): _joined(value) for key, value in (request.get("headers") or {}).items()}
        body = _body(request.get("body"))
        if isinstance(body, (dict, list)):
            headers.setdefault("content-type", "application/json")
        use = {
            "method": str(request.get("method", "GET")).upper(),
            "path": str(request.get("path", "/")),
            "query": _query(request.get("query")),
            "headers": headers,
            "body": body,
            "status": int(response.get("status", 200)),
            "read_headers": tuple(key.lower() for key in response.get("headers") or {}),
        }
        yield use, _body(response.get("body"))


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _query(query: Any) -> str:
    """A query of version 1 and 2 is a text, later an object of lists."""
    if isinstance(query, dict):
        return urlencode({key: values if isinstance(values, list) else [values] for key, values in query.items()}, True)
    return str(query or "")


def _body(body: Any) -> Any:
    """A body of version 4 is an object with its `content`; before, it is the value itself."""
    if isinstance(body, dict) and "content" in body and ("contentType" in body or "encoded" in body):
        return None if body.get("encoded") else body["content"]
    return body


__all__ = ["is_pact", "uses_in_pact"]
