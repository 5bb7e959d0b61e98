"""OpenAPI's dialects of JSON Schema, rewritten for jsonschema-rs one schema at a time.

A 3.0 schema is a dialect of its own; it becomes JSON Schema Draft 4, once for requests and once for
responses, because `readOnly` and `writeOnly` depend on the direction. A 3.1 schema is 2020-12 as it
stands, but for its references, unless `$schema` or `jsonSchemaDialect` names an older draft (`drafts`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import field
from itertools import count
from typing import Any, Literal

import jsonschema_rs

from mockserver.contract.drafts import modern
from mockserver.contract.objects import EITHER, GRAMMAR, LIST, MAP
from mockserver.contract.patterns import Patterns
from mockserver.contract.references import Refs, escape, unescape
from mockserver.records import record

Direction = Literal["request", "response"]
Draft = type[jsonschema_rs.Validator]
Format = Callable[[str], bool]

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_SCHEMA_MEMBERS = ("not", "additionalProperties", "items")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf")
_DEMANDING = frozenset(("required", *_SCHEMA_LISTS))
_SILENT = {"nullable", "discriminator", "example", "default", "title", "description", "externalDocs", "xml"}
"""Members of a 3.0 schema that tell a validator nothing, or that are rewritten (3.0.3, Schema Object)."""
_UNCHANGED = _SILENT - {"nullable", "discriminator"} | {
    *("type", "enum", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "multipleOf"),
    *("maxLength", "minLength", "readOnly", "writeOnly", "deprecated"),
}
"""Members of which a 3.0 schema may hold any, and nothing is to be rewritten. So are most schemas."""
_SUBSCHEMAS = GRAMMAR["schema"]
_KEYWORDS = frozenset(
    (
        *("type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
        *("maxLength", "minLength", "pattern", "format", "maxItems", "minItems", "uniqueItems", "maxContains"),
        *("minContains", "maxProperties", "minProperties", "required", "dependentRequired"),
        *("contentEncoding", "contentMediaType", "$ref", "$dynamicRef", "$dynamicAnchor"),
    )
)
"""What a validator is told of a 3.1 schema besides its subschemas. Identifiers are not among them: references are
pointers by now."""
APART = "urn:apart:"
"""How the URI of a schema that is a resource of its own begins."""

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


@record()
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
    node: Any,
    draft: Draft,
    direction: Direction,
    refs: Refs,
    patterns: Patterns,
    refer: Callable[[str], str],
    dialect: str = "",
) -> Rewritten:
    """Rewrite a schema of a document.

    Args:
        node: the schema.
        draft: what to rewrite it for, of `draft_of`.
        direction: what the schema is for.
        refs: looks up other schemas of the document.
        patterns: knows which patterns can stay.
        refer: gives the reference to use for a pointer into the document.
        dialect: the URI of the dialect that a 3.1 schema is written in, if not 2020-12.
    """
    if draft is jsonschema_rs.Draft4Validator:
        return _Draft4(patterns, refer, refs, direction).rewritten(node)
    return _Draft2020(patterns, refer, refs, dialect).rewritten(node)


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


_inner = count()


class _Draft2020(_Rewriter):
    """A 3.1 schema."""

    def __init__(self, patterns: Patterns, refer: Callable[[str], str], refs: Refs, dialect: str) -> None:
        super().__init__(patterns, refer)
        self._refs = refs
        self._dialect = dialect

    def schema(self, schema: Any) -> Any:
        return self._schema(schema, self._dialect, "")

    def _schema(self, schema: Any, dialect: str, id: str) -> Any:
        if not isinstance(schema, dict):
            return schema
        named = schema.get("$schema")
        dialect = named if isinstance(named, str) else dialect
        if dialect:
            schema = modern(schema, dialect)
        new: dict[str, Any] = {}
        for key, value in schema.items():
            rule = _SUBSCHEMAS.get(key)
            if rule is None:
                if key in _KEYWORDS:
                    new[key] = value
            elif rule[0] == MAP and isinstance(value, dict):
                new[key] = {name: self._schema(child, dialect, ".") for name, child in value.items()}
            elif isinstance(value, list):
                if rule[0] in (LIST, EITHER):
                    new[key] = [self._schema(child, dialect, ".") for child in value]
            elif rule[0] not in (LIST, MAP):
                new[key] = self._schema(value, dialect, ".")
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref.startswith("#"):
            new |= self._reference(ref)
        self._dynamic(new)
        if id and isinstance(schema.get("$id"), str):
            new["$id"] = f"urn:inner:{next(_inner)}"  # so that its anchors stay its own
        self._texts(new)
        _bound(new)
        return new

    def _dynamic(self, new: dict[str, Any]) -> None:
        if "$dynamicAnchor" in new:
            self._found.is_apart = True
        ref = new.get("$dynamicRef")
        if not isinstance(ref, str) or not ref.startswith("#/"):
            return
        target = self._refs.lookup(unescape(ref))
        reference = self._reference(ref)["$ref"]
        new["$dynamicRef"] = f"{APART}{reference.rpartition('/')[2]}#{target['$dynamicAnchor']}"


class _Draft4(_Rewriter):
    """A 3.0 schema, for one direction."""

    def __init__(self, patterns: Patterns, refer: Callable[[str], str], refs: Refs, direction: Direction) -> None:
        super().__init__(patterns, refer)
        self._refs = refs
        self._hidden = "readOnly" if direction == "request" else "writeOnly"

    def schema(self, schema: Any, hidden: frozenset[str] = frozenset()) -> Any:
        """The schema rewritten. `hidden` are names that schemas around it hide from this direction."""
        if not isinstance(schema, dict):
            return schema
        if _UNCHANGED.issuperset(schema):
            return {key: value for key, value in schema.items() if key not in _SILENT}
        if isinstance(schema.get("$ref"), str):
            return self._reference(schema["$ref"])  # members beside a $ref are ignored (3.0.3, Reference Object)
        if not _DEMANDING.isdisjoint(schema):
            hidden |= self._hidden_names(schema)
        new = {key: value for key, value in schema.items() if key not in _SILENT and not key.startswith("x-")}
        for key in _SCHEMA_MEMBERS:
            if isinstance(schema.get(key), dict):
                new[key] = self.schema(schema[key])
        for key in _SCHEMA_LISTS:
            if isinstance(schema.get(key), list):
                new[key] = [self._branch(item, hidden) for item in schema[key]]
        if isinstance(schema.get("properties"), dict):
            # Only there readOnly and writeOnly mean anything (3.0.3, Schema Object).
            new["properties"] = {
                name: {"not": {}} if self._is_hidden(value) else self.schema(value)
                for name, value in schema["properties"].items()
            }
        if isinstance(schema.get("required"), list):
            new["required"] = [name for name in schema["required"] if name not in hidden]
            if not new["required"]:
                del new["required"]  # Draft 4 allows no empty list
        self._texts(new)
        self._format(new)
        if isinstance(schema.get("discriminator"), dict):
            self._discriminate(schema, new)
        return _nullable(new) if schema.get("nullable") is True else new

    def _branch(self, branch: Any, hidden: frozenset[str]) -> Any:
        """A schema for the same value. One that demands what another hides cannot be shared by reference."""
        if hidden and isinstance(branch, dict) and isinstance(branch.get("$ref"), str):
            target = self._target(branch)
            if self._demanded(target) & (hidden - self._hidden_names(target)):
                return self.schema(target, hidden)
        return self.schema(branch, hidden)

    def _target(self, schema: Any) -> Any:
        try:
            return self._refs.follow(schema, "")[0]
        except KeyError:
            return {}

    def _parts(self, schema: Any) -> Iterator[dict[str, Any]]:
        """What a schema is made of by `allOf`, each part once, itself first."""
        waiting, seen = [schema], set()
        while waiting:
            part = self._target(waiting.pop())
            if isinstance(part, dict) and id(part) not in seen:
                seen.add(id(part))
                yield part
                waiting += _list(part, "allOf")

    def _is_hidden(self, declared: Any) -> bool:
        target = self._target(declared)
        return isinstance(target, dict) and target.get(self._hidden) is True

    def _hidden_names(self, schema: Any) -> frozenset[str]:
        """The properties of a schema, those of its `allOf` included, that this direction does not have."""
        names = set()
        for part in self._parts(schema):
            properties = part.get("properties")
            for name, declared in properties.items() if isinstance(properties, dict) else ():
                if self._is_hidden(declared):
                    names.add(name)
        return frozenset(names)

    def _demanded(self, schema: Any) -> set[str]:
        """What a schema and its `allOf` require."""
        return {name for part in self._parts(schema) for name in _list(part, "required") if isinstance(name, str)}

    @staticmethod
    def _format(new: dict[str, Any]) -> None:
        """Formats that Draft 4 does not have."""
        name = str(new.get("format"))
        if name in _RANGES:
            _bound(new)
        elif f"urn:format:{name}" in LATER:
            _also(new, {"$ref": f"urn:format:{name}"})

    def _discriminate(self, schema: dict[str, Any], new: dict[str, Any]) -> None:
        """A discriminator decides which one of the alternatives applies (3.0.3, Discriminator Object).

        From 3.0.4 on it does not change what is valid; nor does it where the alternatives contradict it.
        """
        key = next((k for k in ("oneOf", "anyOf") if schema.get(k)), None)
        name = schema["discriminator"].get("propertyName")
        if key is None or not isinstance(name, str) or _is_hint_only(self._refs.document.get("openapi")):
            return
        mapping = _by_target(schema["discriminator"])
        choices = []
        for alternative in schema[key]:
            if not isinstance(alternative, dict) or "$ref" not in alternative:
                return  # inline alternatives have no name to discriminate by
            names = self._names(alternative["$ref"], name, mapping)
            tags = self._tags(alternative, name)
            if tags and tags.isdisjoint(names):
                return
            tag = {"type": "object", "required": [name], "properties": {name: {"enum": names}}}
            choices.append({"allOf": [tag, self._reference(alternative["$ref"])]})
        del new[key]
        new["anyOf"] = choices

    def _names(self, ref: str, name: str, mapping: dict[str, list[str]]) -> list[str]:
        """The values of the tag `name` that mean the schema at `ref`; for a union, those of what is in it too."""
        names: dict[str, None] = {}
        waiting, seen = [unescape(ref)], set()
        while waiting:
            pointer = waiting.pop()
            if pointer in seen:
                continue
            seen.add(pointer)
            names |= dict.fromkeys(mapping.get(pointer) or [pointer.rsplit("/", 1)[-1]])
            target = self._target({"$ref": escape(pointer)})
            if not isinstance(target, dict):
                continue
            inner = target.get("discriminator")
            if isinstance(inner, dict) and inner.get("propertyName") == name:
                mapping = {**_by_target(inner), **mapping}
            waiting += [
                unescape(alternative["$ref"])
                for alternative in (*_list(target, "oneOf"), *_list(target, "anyOf"))
                if isinstance(alternative, dict) and isinstance(alternative.get("$ref"), str)
            ]
        return list(names)

    def _tags(self, schema: Any, name: str) -> set[str]:
        """What a schema itself lets its tag be, by `enum`; nothing when it does not say."""
        tags: set[str] = set()
        for part in self._parts(schema):
            properties = part.get("properties")
            declared = self._target(properties.get(name)) if isinstance(properties, dict) else None
            if isinstance(declared, dict):
                tags.update(value for value in _list(declared, "enum") if isinstance(value, str))
        return tags


def _list(schema: dict[str, Any], key: str) -> list[Any]:
    """A member that should be a list."""
    value = schema.get(key)
    return value if isinstance(value, list) else []


def _by_target(discriminator: dict[str, Any]) -> dict[str, list[str]]:
    """The names of a discriminator's mapping, by the pointers to the schemas that they mean."""
    found: dict[str, list[str]] = {}
    mapping = discriminator.get("mapping")
    for value, target in (mapping if isinstance(mapping, dict) else {}).items():
        pointer = unescape(target) if target.startswith("#") else f"/components/schemas/{target}"
        found.setdefault(pointer, []).append(value)
    return found


def _is_hint_only(version: Any) -> bool:
    """Whether a 3.0 version is 3.0.4 or later."""
    patch = str(version).removeprefix("3.0.").partition("-")[0]
    return patch.isdecimal() and int(patch) >= 4


def _nullable(new: dict[str, Any]) -> dict[str, Any]:
    """3.0 `nullable`. Beside `type` it adds a type; without one it means "or null".

    By the letter of 3.0.3 the latter has no effect, but vendors write `nullable` + `allOf` and
    send null, so null is accepted.
    """
    kind = new.get("type")
    if isinstance(kind, str):
        return {**new, "type": [kind, "null"]}
    return {"anyOf": [new, {"type": "null"}]}
