"""The calls of a document: its operations, webhooks and callbacks, with the parts that are compared.

Must not know: what a change means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract.contract import Contract, operations_of
from mockserver.contract.references import Refs, pointer_of

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_STYLES = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_IGNORED = frozenset(("accept", "content-type", "authorization"))
"""Header parameters that a document cannot declare (3.0.3, Parameter Object)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a call."""

    name: str
    place: str
    node: dict[str, Any]
    pointer: str
    schema: str
    """The pointer to its schema; "" when it has none."""

    @property
    def required(self) -> bool:
        """Whether a call without it is rejected."""
        return self.place == "path" or self.node.get("required") is True

    @property
    def serialization(self) -> tuple[Any, ...]:
        """How a value becomes a text."""
        style = self.node.get("style", _STYLES.get(self.place, "form"))
        content = next(iter(self.node.get("content") or {}), "")
        is_structured = content or style
        return is_structured, bool(self.node.get("explode", style == "form")), self.node.get("allowReserved") is True


@dataclass(slots=True)
class Call:
    """One method of one path, or of one webhook or callback."""

    title: str
    """For messages, for example `GET /pets` or `webhook paid: POST`."""
    method: str
    node: dict[str, Any]
    pointer: str
    item: dict[str, Any]
    refs: Refs
    variables: list[str]
    """The names of the path's variables, in order."""
    shared: list[tuple[Any, str]] = field(default_factory=list)

    @property
    def parameters(self) -> dict[tuple[str, str], Parameter]:
        """Its parameters by place and name; those in the path by number, whatever they are called."""
        own = [(node, f"{self.pointer}/parameters/{i}") for i, node in enumerate(self.node.get("parameters") or ())]
        found: dict[tuple[str, str], Parameter] = {}
        for raw, at in [*self.shared, *own]:
            node, pointer = self.refs.follow(raw, at)
            if not isinstance(node, dict) or not {"name", "in"} <= node.keys():
                continue
            name, place = str(node["name"]), str(node["in"])
            key = name.lower() if place == "header" else name
            if place == "path":
                key = str(self.variables.index(name)) if name in self.variables else name
            if place == "header" and key in _IGNORED:
                continue
            found[place, key] = Parameter(name, place, node, pointer, _schema_of(self.refs, node, pointer))
        return found

    @property
    def body(self) -> tuple[dict[str, Any], str] | None:
        """The Request Body Object and the pointer to it."""
        if "requestBody" not in self.node:
            return None
        node, pointer = self.refs.follow(self.node["requestBody"], f"{self.pointer}/requestBody")
        return (node, pointer) if isinstance(node, dict) else None

    @property
    def responses(self) -> dict[str, tuple[dict[str, Any], str]]:
        """The Response Objects and the pointers to them, by status in upper case (`4XX`) or `default`."""
        found = {}
        for status, raw in (self.node.get("responses") or {}).items():
            if str(status).startswith("x-"):
                continue
            node, pointer = self.refs.follow(raw, self.pointer + pointer_of(["responses", str(status)]))
            if isinstance(node, dict):
                key = str(status)
                found[key if key == "default" else key.upper()] = (node, pointer)
        return found

    def media_types(self, holder: tuple[dict[str, Any], str]) -> dict[str, str]:
        """The pointers to the schemas of the content of a body or response, by media type; "" for one without."""
        node, pointer = holder
        found = {}
        for name, raw in (node.get("content") or {}).items():
            media, at = self.refs.follow(raw, f"{pointer}/content{pointer_of([name])}")
            has_schema = isinstance(media, dict) and "schema" in media
            found[name] = f"{at}/schema" if has_schema else ""
        return found

    def headers(self, holder: tuple[dict[str, Any], str]) -> dict[str, Parameter]:
        """The headers of a response, by name in lower case."""
        node, pointer = holder
        found = {}
        for name, raw in (node.get("headers") or {}).items():
            header, at = self.refs.follow(raw, f"{pointer}/headers{pointer_of([name])}")
            if isinstance(header, dict) and name.lower() not in _IGNORED:
                found[name.lower()] = Parameter(name, "header", header, at, _schema_of(self.refs, header, at))
        return found

    @property
    def callbacks(self) -> dict[tuple[str, str, str], Call]:
        """The calls that it causes, by name, URL and method."""
        found: dict[tuple[str, str, str], Call] = {}
        for name, raw in (self.node.get("callbacks") or {}).items():
            node, at = self.refs.follow(raw, f"{self.pointer}/callbacks{pointer_of([name])}")
            for url, item in node.items() if isinstance(node, dict) else ():
                if url.startswith("x-"):
                    continue
                for call in _calls(self.refs, item, at + pointer_of([url]), f"{self.title}, callback {name}:", ""):
                    found[name, url, call.method] = call
        return found


def calls(contract: Contract) -> dict[tuple[str, str], Call]:
    """The operations of a document by method and path, the names of variables left out."""
    refs = Refs(contract.document)
    found: dict[tuple[str, str], Call] = {}
    for path, item in (contract.document.get("paths") or {}).items():
        if path.startswith("/"):
            for call in _calls(refs, item, pointer_of(["paths", path]), "", path):
                found.setdefault((call.method, _VARIABLE.sub("{}", path).rstrip("/") or "/"), call)
    return found


def webhooks(contract: Contract) -> dict[tuple[str, str], Call]:
    """The webhooks of a document, by name and method."""
    refs = Refs(contract.document)
    return {
        (name, call.method): call
        for name, item in (contract.document.get("webhooks") or {}).items()
        for call in _calls(refs, item, pointer_of(["webhooks", name]), f"webhook {name}:", "")
    }


def _calls(refs: Refs, item: Any, pointer: str, title: str, path: str) -> Iterator[Call]:
    met = set()
    for part, at in refs.chain(item, pointer):
        for method, node, place in operations_of(part, at):
            if method in met:
                continue
            met.add(method)
            shared = [(raw, f"{at}/parameters/{i}") for i, raw in enumerate(part.get("parameters") or ())]
            text = f"{title} {method}" if title else f"{method} {path}"
            yield Call(text, method, node, place, part, refs, _VARIABLE.findall(path), shared)


def _schema_of(refs: Refs, node: dict[str, Any], pointer: str) -> str:
    if "schema" in node:
        return f"{pointer}/schema"
    for name, raw in (node.get("content") or {}).items():
        media, at = refs.follow(raw, f"{pointer}/content{pointer_of([name])}")
        return f"{at}/schema" if isinstance(media, dict) and "schema" in media else ""
    return ""


__all__ = ["Call", "Parameter", "calls", "webhooks"]
