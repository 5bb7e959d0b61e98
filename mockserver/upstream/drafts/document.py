"""The whole document, drafted from a session; and its text.

Must not know: how the session was recorded, where the file goes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from mockserver.contract.media_types import essence
from mockserver.text.writing import to_yaml
from mockserver.upstream.drafts.operations import FORM, Draft, is_json
from mockserver.upstream.drafts.paths import Template, templates
from mockserver.upstream.recorded import Recorded, Session, skeleton

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The methods that OpenAPI 3.1 has (Path Item Object)."""
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Drafted:
    """A document, and what it was not drafted from."""

    document: dict[str, Any]
    exchanges: int
    """Exchanges that it was drafted from; each is valid by it."""
    left_out: dict[str, int]
    """Reasons, and how many exchanges there are for each."""

    @property
    def operations(self) -> int:
        """How many it has."""
        return sum(len(item) for item in self.document["paths"].values())


def draft(session: Session, title: str, server: str = "") -> Drafted:
    """A document that all exchanges of a session fit, but for those that no document can describe.

    Args:
        session: what was recorded.
        title: of the document.
        server: the URL of the API, where it is known.
    """
    left_out: dict[str, int] = {}
    samples = []
    for one in session.exchanges:
        if reason := _unfit(one):
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            samples.append(one)
    drafts = _drafts(samples)
    schemes: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    names: set[str] = set()
    for (path, method), operation in drafts.items():
        node = operation.node(_operation_id(method, path, names))
        if any(ways := operation.ways):
            node["security"] = [{name: [] for name in _named(way, schemes)} for way in ways]
        paths.setdefault(path, {})[method] = node
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "0", "description": _about(len(samples))},
    }
    if server:
        document["servers"] = [{"url": server}]
    document["paths"] = paths
    if schemes:
        document["components"] = {"securitySchemes": schemes}
    return Drafted(document, len(samples), left_out)


def text_of(drafted: Drafted, as_json: bool = False) -> str:
    """The text of a document, as YAML or JSON."""
    if as_json:
        return orjson.dumps(drafted.document, option=orjson.OPT_INDENT_2).decode() + "\n"
    return to_yaml(drafted.document)


def _about(count: int) -> str:
    return (
        f"Drafted from {count:,} recorded exchanges. What did not occur in them is not here; required "
        "members are those that all of them had."
    )


def _drafts(samples: list[Recorded]) -> dict[tuple[str, str], Draft]:
    told: dict[str, set[str]] = {}
    for one in samples:
        kinds = told.setdefault(one.path, set())
        if one.status < 300 and one.answer is not None:
            kinds.add(orjson.dumps([one.method, one.status, skeleton(one.answer)]).decode())
    known: dict[str, Template] = templates({path: " ".join(sorted(kinds)) for path, kinds in told.items()})
    drafts: dict[tuple[str, str], Draft] = {}
    for one in samples:
        template = known[one.path]
        key = (template.path, one.method.lower())
        if key not in drafts:
            drafts[key] = Draft(template)
        drafts[key].add(one)
    return drafts


def _unfit(one: Recorded) -> str:
    """Why no document can describe an exchange; "" when one can."""
    if one.method.lower() not in METHODS:
        return f"OpenAPI 3.1 has no method {one.method[:20]}"
    if not 200 <= one.status <= 599:
        return "a status outside of 200 to 599"
    try:
        unquote_to_bytes(one.path).decode()
    except UnicodeDecodeError:
        return "a path that is not UTF-8"
    if any("\ufffd" in name + value for name, value in one.query):
        return "a query that is not UTF-8"
    if one.body is not None and not one.sent.get("content-type", "").strip():
        return "a request whose body has no media type"
    if one.answer is not None and not (one.media_type or "").strip():
        return "a response whose body has no media type"
    sent = essence(one.sent.get("content-type", ""))
    for media_type, body in ((sent, one.body), (essence(one.media_type or ""), one.answer)):
        if is_json(media_type) and isinstance(body, str):
            return "a body that says it is JSON, and is a text"
        if not is_json(media_type) and media_type == FORM and body is not None and not isinstance(body, str):
            return "a body that says it is a form, and is JSON"
    return ""


def _operation_id(method: str, path: str, taken: set[str]) -> str:
    """`getOrders`, `getOrdersByOrderId`."""
    words = [method]
    for segment in path.strip("/").split("/"):
        if segment.startswith("{"):
            words.append("by")
            segment = segment[1:-1]
        words += [word for word in _NO_WORD.split(segment) if word]
    name = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}{number}", number + 1
    taken.add(unique)
    return unique


def _named(way: tuple[tuple[str, str], ...], schemes: dict[str, Any]) -> list[str]:
    """The names of the schemes of a set of credentials; they are declared."""
    names = []
    for place, name in way:
        if place == "scheme" and name in ("bearer", "basic", "digest"):
            title, scheme = name, {"type": "http", "scheme": name}
        else:
            header = "Authorization" if place == "scheme" else name
            title = _NO_WORD.sub("_", header)
            scheme = {"type": "apiKey", "in": "header" if place == "scheme" else place, "name": header}
        schemes.setdefault(title, scheme)
        names.append(title)
    return names


__all__ = ["Drafted", "draft", "text_of"]
