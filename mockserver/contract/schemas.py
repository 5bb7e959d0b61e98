"""OpenAPI schemas made ready for jsonschema-rs.

A 3.0 schema is a dialect of its own; it is rewritten to JSON Schema Draft 4, in place in a copy of
the document, so that every pointer and `$ref` stays what it was. There is one copy for requests
and one for responses, because `readOnly` and `writeOnly` depend on the direction. A 3.1 schema is
2020-12 as it stands.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

import jsonschema_rs

from mockserver.contract.refs import Refs, is_data, unescape
from mockserver.errors import ContractError

Direction = Literal["request", "response"]

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_SCHEMA_MEMBERS = ("not", "additionalProperties", "items")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

FORMATS: dict[str, Callable[[str], bool]] = {
    "byte": _is_base64,
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
}
"""Formats that jsonschema-rs does not have, or has with another meaning."""


class Schemas:
    """Makes validators for the schemas of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        if str(document.get("openapi", "")).startswith("3.0"):
            self._draft: Callable[..., jsonschema_rs.Validator] = jsonschema_rs.Draft4Validator
            draft = jsonschema_rs.Draft4
            refs, patterns = Refs(document), _Patterns(self._draft)
            request = _Rewriter(refs, patterns, "request").document(document)
            response = _Rewriter(refs, patterns, "response").document(document)
        else:
            self._draft = jsonschema_rs.Draft202012Validator
            draft = jsonschema_rs.Draft202012
            patterns = _Patterns(self._draft)
            request = response = _quoted(document, patterns)
        self._formats = {**FORMATS, **patterns.formats}
        self._registry = jsonschema_rs.Registry(
            [("urn:contract:request", request), ("urn:contract:response", response)], draft=draft
        )

    def reference(self, pointer: str, direction: Direction) -> dict[str, Any]:
        """A schema that stands for the one at `pointer`."""
        return {"$ref": f"urn:contract:{direction}#{quote(pointer, safe='/~')}"}

    def validator(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        """Prepare a schema made of `reference`s. Raises jsonschema_rs errors on a broken one."""
        return self._draft(schema, registry=self._registry, formats=self._formats, validate_formats=True)


def _uri(ref: str) -> str:
    """A reference as a URI: schemas get names such as `Map«string»`, which a URI has to encode."""
    return "#" + quote(unescape(ref), safe="/~") if ref.startswith("#") else ref


class _Patterns:
    """Patterns that jsonschema-rs cannot compile, such as `(?i)a` or `a\\Z`: Python's `re` checks them, as formats."""

    def __init__(self, draft: Callable[..., jsonschema_rs.Validator]) -> None:
        self._draft = draft
        self._known: dict[str, str | None] = {}
        self.formats: dict[str, Callable[[str], bool]] = {}

    def replace(self, schema: dict[str, Any]) -> None:
        """Take a pattern that only Python reads out of `schema`. Raises ContractError when nobody reads it."""
        pattern = schema.get("pattern")
        if not isinstance(pattern, str):
            return
        if pattern not in self._known:
            self._known[pattern] = self._format(pattern)
        name = self._known[pattern]
        if name is not None:
            del schema["pattern"]
            schema["allOf"] = [*schema.get("allOf", []), {"format": name}]

    def _format(self, pattern: str) -> str | None:
        try:
            self._draft({"pattern": pattern})
            return None
        except jsonschema_rs.ValidationError:
            pass
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ContractError(f"the pattern {pattern!r} is no regular expression: {error}") from None
        name = f"text that matches {pattern}"
        self.formats[name] = lambda text: compiled.search(text) is not None
        return name


def _quoted(node: Any, patterns: _Patterns, parent: str = "") -> Any:
    """A copy of a 3.1 document with its references as URIs, and with patterns that can be checked."""
    if isinstance(node, list):
        return [_quoted(item, patterns) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: value if is_data(key, parent) else _quoted(value, patterns, key) for key, value in node.items()}
    if isinstance(node.get("$ref"), str):
        copy["$ref"] = _uri(node["$ref"])
    patterns.replace(copy)
    return copy


class _Rewriter:
    """Rewrites the 3.0 schemas of a document to Draft 4, for one direction."""

    def __init__(self, refs: Refs, patterns: _Patterns, direction: Direction) -> None:
        self._refs = refs
        self._patterns = patterns
        self._hidden = "readOnly" if direction == "request" else "writeOnly"

    def document(self, node: Any, parent: str = "") -> Any:
        """A copy of the document with its schemas rewritten."""
        if isinstance(node, list):
            return [self.document(item, parent) for item in node]
        if not isinstance(node, dict):
            return node
        if parent == "schemas":
            return {name: self.schema(schema) for name, schema in node.items()}
        copy = {}
        for key, value in node.items():
            if key == "schema" and isinstance(value, dict):
                copy[key] = self.schema(value)
            elif is_data(key, parent):
                copy[key] = value
            else:
                copy[key] = self.document(value, key)
        return copy

    def schema(self, schema: Any) -> Any:
        """One schema object, rewritten."""
        if not isinstance(schema, dict):
            return schema
        if isinstance(schema.get("$ref"), str):
            return {"$ref": _uri(schema["$ref"])}  # members beside a $ref are ignored (3.0.3, Reference Object)
        if schema.get(self._hidden) is True:
            return {"not": {}}
        new = {key: value for key, value in schema.items() if key not in ("nullable", "discriminator", "example")}
        for key in _SCHEMA_MEMBERS:
            if isinstance(schema.get(key), dict):
                new[key] = self.schema(schema[key])
        for key in _SCHEMA_LISTS:
            if isinstance(schema.get(key), list):
                new[key] = [self.schema(item) for item in schema[key]]
        if isinstance(schema.get("properties"), dict):
            new["properties"] = {name: self.schema(value) for name, value in schema["properties"].items()}
        if isinstance(schema.get("required"), list):
            new["required"] = [name for name in schema["required"] if not self._is_hidden(schema, name)]
            if not new["required"]:
                del new["required"]  # Draft 4 allows no empty list
        self._patterns.replace(new)
        self._format_range(new)
        if isinstance(schema.get("discriminator"), dict):
            self._discriminate(schema, new)
        return _nullable(new) if schema.get("nullable") is True else new

    def _is_hidden(self, schema: dict[str, Any], name: str) -> bool:
        declared = (schema.get("properties") or {}).get(name)
        try:
            target, _ = self._refs.follow(declared, "")
        except KeyError:
            return False
        return isinstance(target, dict) and target.get(self._hidden) is True

    @staticmethod
    def _format_range(new: dict[str, Any]) -> None:
        """Custom formats see strings only, so the integer ones become bounds."""
        low_high = _RANGES.get(str(new.get("format")))
        if low_high and new.get("type") == "integer":
            del new["format"]
            bounds = {"minimum": low_high[0], "maximum": low_high[1]}
            new["allOf"] = [*new.get("allOf", []), bounds]

    def _discriminate(self, schema: dict[str, Any], new: dict[str, Any]) -> None:
        """A discriminator decides which one of the alternatives applies (3.0.3, Discriminator Object)."""
        key = next((k for k in ("oneOf", "anyOf") if schema.get(k)), None)
        name = schema["discriminator"].get("propertyName")
        if key is None or not isinstance(name, str):
            return
        mapping = schema["discriminator"].get("mapping") or {}
        by_target: dict[str, list[str]] = {}
        for value, target in mapping.items():
            pointer = unescape(target) if target.startswith("#") else f"/components/schemas/{target}"
            by_target.setdefault(pointer, []).append(value)
        choices = []
        for alternative in schema[key]:
            if not isinstance(alternative, dict) or "$ref" not in alternative:
                return  # inline alternatives have no name to discriminate by
            pointer = unescape(alternative["$ref"])
            names = by_target.get(pointer) or [pointer.rsplit("/", 1)[-1]]
            tag = {"type": "object", "required": [name], "properties": {name: {"enum": names}}}
            choices.append({"allOf": [tag, {"$ref": alternative["$ref"]}]})
        del new[key]
        new["anyOf"] = choices


def _nullable(new: dict[str, Any]) -> dict[str, Any]:
    """3.0 `nullable`. Beside `type` it adds a type; without one it means "or null".

    By the letter of 3.0.3 the latter has no effect, but vendors write `nullable` + `allOf` and
    send null, so null is accepted.
    """
    kind = new.get("type")
    if isinstance(kind, str):
        return {**new, "type": [kind, "null"]}
    return {"anyOf": [new, {"type": "null"}]}
