"""A copy of a document that openapi-core can work with, for the oracle."""

from __future__ import annotations

from typing import Any

from mockserver.contract.media_types import FORMS, essence
from mockserver.contract.references import Refs, is_data

_NULL = {"type": "string", "nullable": True, "enum": [None]}
"""A 3.0 schema that openapi-core accepts null for, and nothing else."""
_MAX_DEPTH = 8


def oracle_document(document: dict[str, Any], is_old: bool) -> dict[str, Any]:
    """The copy.

    In 3.0, `nullable` without `type` becomes "or null". By the letter of 3.0.3 it has no effect, but
    vendors write it beside `allOf` and send null; the compiled contract follows the same rule.
    In 3.1, where openapi-core makes values of texts it crashes on a list of types; there it gets an
    `anyOf`. Security is left out: authentication is validated elsewhere.
    """
    copy: dict[str, Any] = _Preparation(Refs(document), is_old).node(document)
    return copy


class _Preparation:
    def __init__(self, refs: Refs, is_old: bool) -> None:
        self._refs = refs
        self._is_old = is_old

    def node(self, node: Any, parent: str = "") -> Any:
        if isinstance(node, list):
            return [self.node(item) for item in node]
        if not isinstance(node, dict):
            return node
        if not self._is_old:
            node = self._with_texts(node, parent)
        copy = {
            key: value if is_data(key, parent) else self.node(value, key)
            for key, value in node.items()
            if key != "security" or not isinstance(value, list)
        }
        if self._is_old and node.get("nullable") is True and "type" not in node:
            del copy["nullable"]
            return {"anyOf": [copy, _NULL]}
        return copy

    def _with_texts(self, node: dict[str, Any], parent: str) -> dict[str, Any]:
        """The node; its schema changed where the values of it come as texts."""
        if parent == "content":
            forms = {
                name: {**media, "schema": self._of_text(media["schema"])}
                for name, media in node.items()
                if essence(name) in FORMS and isinstance(media, dict) and "schema" in media
            }
            return {**node, **forms}
        is_parameter = isinstance(node.get("in"), str) and isinstance(node.get("name"), str)
        if is_parameter and "schema" in node:
            return {**node, "schema": self._of_text(node["schema"])}
        if parent == "headers":
            return {
                name: {**header, "schema": self._of_text(header["schema"])}
                if isinstance(header, dict) and "schema" in header
                else header
                for name, header in node.items()
            }
        return node

    def _of_text(self, schema: Any, depth: int = 0) -> Any:
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return schema
        if isinstance(schema.get("$ref"), str):
            target, _ = self._refs.follow(schema, "")
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            target = self._of_text(target, depth + 1)
            return {**beside, "allOf": [*beside.get("allOf", []), target]} if _judges(beside) else target
        new = dict(schema)
        for key in ("items", "additionalProperties"):
            if key in new:
                new[key] = self._of_text(new[key], depth + 1)
        for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
            if key in new:
                new[key] = [self._of_text(part, depth + 1) for part in new[key]]
        if isinstance(new.get("properties"), dict):
            new["properties"] = {name: self._of_text(part, depth + 1) for name, part in new["properties"].items()}
        types = new.get("type")
        if not isinstance(types, list):
            return new
        # A text is never null, and whatever it is it is a string too.
        types = sorted((name for name in types if name != "null"), key="string".__eq__)
        if len(types) == 1:
            return {**new, "type": types[0]}
        del new["type"]
        return {"anyOf": [{**new, "type": name} for name in types]}


def _judges(schema: dict[str, Any]) -> bool:
    return bool(schema.keys() - {"description", "summary", "title", "example", "examples", "deprecated"})
