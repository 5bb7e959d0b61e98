"""OpenAPI's dialects of JSON Schema, rewritten for jsonschema-rs one schema at a time.

A 3.0 schema is a dialect of its own; it becomes JSON Schema Draft 4, once for requests and once for
responses, because `readOnly` and `writeOnly` depend on the direction. A 3.1 schema is 2020-12 as it
stands, but for its references.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import jsonschema_rs

from mockserver.contract.patterns import Patterns
from mockserver.contract.references import Refs, is_data, unescape

Direction = Literal["request", "response"]
Draft = type[jsonschema_rs.Validator]
Format = Callable[[str], bool]

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_SCHEMA_MEMBERS = ("not", "additionalProperties", "items")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")
_SILENT = {"nullable", "discriminator", "example", "default", "title", "description", "externalDocs", "xml"}
"""Members of a 3.0 schema that tell a validator nothing, or that are rewritten (3.0.3, Schema Object)."""
_NAMES = frozenset(("$id", "$anchor", "$dynamicAnchor"))

LATER = {"urn:format:uuid": {"$schema": "https://json-schema.org/draft/2020-12/schema", "format": "uuid"}}
"""Formats that jsonschema-rs has, but only for drafts after 4, as schemas of such a draft to refer to."""


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


FORMATS: dict[str, Format] = {"byte": _is_base64}
"""Formats that jsonschema-rs does not have. A validator that is given any is slower by a half, even
where its schemas use none of them, so it is given those alone that they use."""


def draft_of(document: dict[str, Any]) -> Draft:
    """The validators that a document's schemas are rewritten for.

    3.0 is nearest to Draft 4: that has flags for exclusive bounds too, and 1.0 is no integer there.
    """
    if str(document.get("openapi", "")).startswith("3.0"):
        return jsonschema_rs.Draft4Validator
    return jsonschema_rs.Draft202012Validator


@dataclass(slots=True)
class Rewritten:
    """A schema that jsonschema-rs can read, and what it needs besides."""

    schema: Any = None
    refs: list[str] = field(default_factory=list)
    """The references in it, as they were rewritten."""
    formats: dict[str, Format] = field(default_factory=dict)
    """The formats in it that are checked in Python."""
    is_apart: bool = False
    """It sets names that count in one resource, such as a `$dynamicAnchor`, so it must be a resource of its own."""


def rewrite(
    node: Any, draft: Draft, direction: Direction, refs: Refs, patterns: Patterns, refer: Callable[[str], str]
) -> Rewritten:
    """Rewrite a schema of a document.

    Args:
        node: the schema.
        draft: what to rewrite it for, of `draft_of`.
        direction: what the schema is for.
        refs: looks up other schemas of the document.
        patterns: knows which patterns can stay.
        refer: gives the reference to use for a pointer into the document.
    """
    if draft is jsonschema_rs.Draft4Validator:
        return _Draft4(patterns, refer, refs, direction).rewritten(node)
    return _Draft2020(patterns, refer).rewritten(node)


class _Rewriter:
    """Rewrites one schema, and notes what it needs."""

    def __init__(self, patterns: Patterns, refer: Callable[[str], str]) -> None:
        self._patterns = patterns
        self._refer = refer
        self._found = Rewritten()

    def rewritten(self, node: Any) -> Rewritten:
        self._found.schema = self.schema(node)
        return self._found

    def schema(self, schema: Any) -> Any:
        raise NotImplementedError

    def _reference(self, ref: str) -> dict[str, Any]:
        new = self._refer(unescape(ref))
        self._found.refs.append(new)
        return {"$ref": new}

    def _texts(self, new: dict[str, Any]) -> None:
        """Note a format that is checked in Python, and make one of a pattern that only Python reads."""
        name = new.get("format")
        if isinstance(name, str) and name in FORMATS:
            self._found.formats[name] = FORMATS[name]
        pattern = new.get("pattern")
        instead = self._patterns.instead(pattern) if isinstance(pattern, str) else None
        if instead is not None:
            del new["pattern"]
            _also(new, {"format": instead[0]})
            self._found.formats[instead[0]] = instead[1]


def _also(new: dict[str, Any], schema: dict[str, Any]) -> None:
    """Let `new` demand `schema` too."""
    new["allOf"] = [*new.get("allOf", []), schema]


def _bound(new: dict[str, Any]) -> None:
    """The format of an integer is its bounds: validators look at the format of texts alone."""
    low, high = _RANGES.get(str(new.get("format")), (None, None))
    if low is not None and "integer" in (new.get("type") or ()):
        del new["format"]
        _also(new, {"minimum": low, "maximum": high})


class _Draft2020(_Rewriter):
    """A 3.1 schema."""

    def schema(self, schema: Any, parent: str = "") -> Any:
        if isinstance(schema, list):
            return [self.schema(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        new = {key: value if is_data(key, parent) else self.schema(value, key) for key, value in schema.items()}
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref.startswith("#"):
            new |= self._reference(ref)
        if not _NAMES.isdisjoint(new):
            self._found.is_apart = True
        self._texts(new)
        _bound(new)
        return new


class _Draft4(_Rewriter):
    """A 3.0 schema, for one direction."""

    def __init__(self, patterns: Patterns, refer: Callable[[str], str], refs: Refs, direction: Direction) -> None:
        super().__init__(patterns, refer)
        self._refs = refs
        self._hidden = "readOnly" if direction == "request" else "writeOnly"

    def schema(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema["$ref"])  # members beside a $ref are ignored (3.0.3, Reference Object)
        if schema.get(self._hidden) is True:
            return {"not": {}}
        new = {key: value for key, value in schema.items() if key not in _SILENT and not key.startswith("x-")}
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
        self._texts(new)
        self._format(new)
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
    def _format(new: dict[str, Any]) -> None:
        """Formats that Draft 4 does not have."""
        name = str(new.get("format"))
        if name in _RANGES:
            _bound(new)
        elif f"urn:format:{name}" in LATER:
            _also(new, {"$ref": f"urn:format:{name}"})

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
            choices.append({"allOf": [tag, self._reference(alternative["$ref"])]})
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
