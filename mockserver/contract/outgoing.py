"""Requests that the document says the API itself sends: webhooks (3.1.0, OpenAPI Object) and the callbacks of an
operation (3.0.3, Callback Object). Must not know: where they are sent, and when.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.contract.media_types import essence, is_json
from mockserver.contract.outline import Place
from mockserver.contract.references import Refs
from mockserver.records import record
from mockserver.text.documents import pointer_of

_METHODS = ("post", "put", "patch", "get", "delete", "head", "options", "trace")


@record(frozen=True)
class Outgoing:
    """One such request."""

    name: str
    method: str
    url: str = ""
    """Where it goes, with runtime expressions in it; "" for a webhook, whose receiver the document does not know."""
    media_type: str = "application/json"
    schema: Place | None = None
    """The schema of its body."""


def webhooks(document: dict[str, Any], refs: Refs) -> Iterator[Outgoing]:
    """The webhooks of a document."""
    members = document.get("webhooks") or document.get("x-webhooks")
    key = "webhooks" if document.get("webhooks") else "x-webhooks"
    for name, item in members.items() if isinstance(members, dict) else ():
        yield from _requests(refs, item, pointer_of([key, name]), name, "")


def callbacks(node: dict[str, Any], pointer: str, refs: Refs) -> Iterator[Outgoing]:
    """The callbacks of an operation that stands at a pointer."""
    members = node.get("callbacks")
    for name, callback in members.items() if isinstance(members, dict) else ():
        try:
            callback, at = refs.follow(callback, pointer + pointer_of(["callbacks", name]))
        except KeyError:
            continue
        for url, item in callback.items() if isinstance(callback, dict) else ():
            if not url.startswith("x-"):
                yield from _requests(refs, item, at + pointer_of([url]), name, url)


def _requests(refs: Refs, item: Any, pointer: str, name: str, url: str) -> Iterator[Outgoing]:
    try:
        item, pointer = refs.follow(item, pointer)
    except KeyError:
        return
    for method in _METHODS:
        node = item.get(method) if isinstance(item, dict) else None
        if not isinstance(node, dict):
            continue
        media_type, schema = "application/json", None
        if "requestBody" in node:
            try:
                body, at = refs.follow(node["requestBody"], f"{pointer}/{method}/requestBody")
            except KeyError:
                body, at = {}, ""
            content = (body.get("content") if isinstance(body, dict) else None) or {}
            names = sorted(content, key=lambda known: not is_json(essence(known)))
            if names:
                media_type = names[0]
                described = content[media_type].get("schema") if isinstance(content[media_type], dict) else None
                if isinstance(described, dict):
                    schema = Place(described, at + pointer_of(["content", media_type, "schema"]))
        yield Outgoing(name, method.upper(), url, media_type, schema)


__all__ = ["Outgoing", "callbacks", "webhooks"]
