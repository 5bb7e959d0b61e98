"""What stands where in an OpenAPI document: which member of which object holds an object of which kind.

A walk by this table meets everything that counts and nothing else: data under `example`, `default`, `enum` and
extensions is passed over, and a property that is called `$ref` or `pattern` is a property. Knows all of 3.0 to 3.2;
what a version does not have yet is not found in its documents, or is a fault there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

from mockserver.text.jsontext import COLLECTIONS

Steps = tuple[str | int, "Steps | None"]
"""A place in a document: its last step and the place before. A list for each would cost too much."""
Met = tuple[str, dict[str, Any], Steps, str]
"""An object of a walk: its kind, itself, where it stands and the base URI of the `$id` around it."""

ROOT: Steps = ("", None)
ONE, LIST, MAP, EITHER = "one", "list", "map", "either"
"""What a member holds: one object, a list of them, a map with names of the document's choice, or one or a list."""

_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "dependencies")
_SINGLE = (
    *("not", "if", "then", "else", "contains", "propertyNames", "contentSchema"),
    *("additionalProperties", "additionalItems", "unevaluatedItems", "unevaluatedProperties"),
)
_SCHEMA = {
    **dict.fromkeys(_LISTS, (LIST, "schema")),
    **dict.fromkeys(_SINGLE, (ONE, "schema")),
    **dict.fromkeys(_MAPS, (MAP, "schema")),
    "items": (EITHER, "schema"),  # a list of them before 2020-12
}
_MEDIA = {"schema": (ONE, "schema"), "examples": (MAP, "example")}
_PARAMETER = {**_MEDIA, "content": (MAP, "media-type")}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

GRAMMAR: dict[str, dict[str, tuple[str, str]]] = {
    "document": {
        "paths": (ONE, "paths"),
        "webhooks": (MAP, "path-item"),
        "components": (ONE, "components"),
        "servers": (LIST, "server"),
    },
    "components": {
        "schemas": (MAP, "schema"),
        "responses": (MAP, "response"),
        "parameters": (MAP, "parameter"),
        "examples": (MAP, "example"),
        "requestBodies": (MAP, "request-body"),
        "headers": (MAP, "header"),
        "securitySchemes": (MAP, "security-scheme"),
        "links": (MAP, "link"),
        "callbacks": (MAP, "callbacks"),
        "pathItems": (MAP, "path-item"),
        "mediaTypes": (MAP, "media-type"),
    },
    "paths": {},
    "path-item": {
        **dict.fromkeys(_METHODS, (ONE, "operation")),
        "additionalOperations": (MAP, "operation"),
        "parameters": (LIST, "parameter"),
        "servers": (LIST, "server"),
    },
    "operation": {
        "parameters": (LIST, "parameter"),
        "requestBody": (ONE, "request-body"),
        "responses": (MAP, "response"),
        "callbacks": (MAP, "callbacks"),
        "servers": (LIST, "server"),
    },
    "parameter": _PARAMETER,
    "header": _PARAMETER,
    "request-body": {"content": (MAP, "media-type")},
    "media-type": {
        **_MEDIA,
        "itemSchema": (ONE, "schema"),
        "encoding": (MAP, "encoding"),
        "prefixEncoding": (LIST, "encoding"),
        "itemEncoding": (ONE, "encoding"),
    },
    "encoding": {"headers": (MAP, "header"), "encoding": (MAP, "encoding")},
    "response": {"headers": (MAP, "header"), "content": (MAP, "media-type"), "links": (MAP, "link")},
    "schema": _SCHEMA,
    "callbacks": {},
    "example": {},
    "link": {"server": (ONE, "server")},
    "security-scheme": {},
    "server": {},
}
"""By kind: what its members hold. A member that is not named holds data."""
_ALL_MEMBERS = {"paths": "path-item", "callbacks": "path-item"}
"""Kinds whose members all hold objects of one kind, extensions apart."""
NO_REFERENCE = frozenset(("document", "components", "paths", "operation", "encoding", "server"))
"""Kinds that a `$ref` cannot stand for."""


def walk(
    node: Any,
    kind: str = "document",
    place: Steps = ROOT,
    base: str = "",
    *,
    beside_refs: bool = True,
    telling: frozenset[str] | None = None,
) -> Iterator[Met]:
    """Every object in `node`, outer ones first, in the order of the document.

    Args:
        node: where to begin.
        kind: what `node` is.
        place: where it stands.
        base: the base URI there, "" when nothing sets one.
        beside_refs: whether members beside the `$ref` of a schema count, as they do since 3.1.
        telling: members that a schema is looked at for; one that has none of them, and no schema in it, is passed over.
    """
    deep = None if telling is None else telling | _SCHEMA.keys() | {"$id"}
    waiting: list[tuple[str, Any, Steps, str]] = [(kind, node, place, base)]
    while waiting:
        kind, node, place, base = waiting.pop()
        if type(node) is not dict:
            continue
        if kind == "schema" and type(node.get("$id")) is str:
            base = join(base, node["$id"])
        yield kind, node, place, base
        is_reference = kind not in NO_REFERENCE and type(node.get("$ref")) is str
        if is_reference and kind != "path-item" and not (kind == "schema" and beside_refs):
            continue
        grammar = GRAMMAR[kind]
        every = _ALL_MEMBERS.get(kind)
        if every is None and grammar.keys().isdisjoint(node):
            continue  # as most do, which hold data only
        below: list[tuple[str, Any, Steps, str]] = []
        for key, child in node.items():
            if type(child) not in COLLECTIONS:
                continue
            if every is not None:
                if not key.startswith("x-") and key != "$ref":
                    below.append((every, child, (key, place), base))
                continue
            rule = grammar.get(key)
            if rule is None:
                continue
            shape, inner = rule
            at: Steps = (key, place)
            passing = deep if inner == "schema" else None
            if shape == ONE or (shape == EITHER and type(child) is dict):
                below.append((inner, child, at, base))
            elif shape == MAP:
                if type(child) is dict:
                    for name, member in child.items():
                        if type(member) is dict and (passing is None or not passing.isdisjoint(member)):
                            below.append((inner, member, (name, at), base))
            elif type(child) is list:
                for index, item in enumerate(child):
                    if type(item) is dict:
                        below.append((inner, item, (index, at), base))
        below.reverse()  # what is put last is taken first
        waiting += below


def join(base: str, reference: str) -> str:
    """A URI reference resolved against a base (RFC 3986, 5.2); as it stands when that cannot be done."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def path_of(place: Steps) -> list[str | int]:
    """The steps of a place, from the document's root."""
    path: list[str | int] = []
    step: Steps | None = place
    while step is not None and step[1] is not None:
        path.append(step[0])
        step = step[1]
    return path[::-1]


def steps_of(path: list[str | int] | list[str]) -> Steps:
    """The place at the end of a path."""
    place = ROOT
    for step in path:
        place = (step, place)
    return place


__all__ = ["GRAMMAR", "Met", "Steps", "join", "path_of", "steps_of", "walk"]
