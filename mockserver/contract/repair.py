"""Validates a document against OpenAPI's meta-schemas, and leaves out of it what breaks them.

The smallest thing goes: a keyword, a member, an item. A text that should be a number and the like are read as what
they should be, and words that are missing are filled in. What is left is what the rest of the engine can rely on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs
from jsonschema_rs import ValidationError, ValidationErrorKind

from mockserver.contract.drafts import draft
from mockserver.contract.explain import explain, leaves
from mockserver.contract.faults import Findings
from mockserver.contract.objects import path_of, steps_of, walk

_MAX_ROUNDS = 30
_MOST = 500
"""Errors that are looked at in one round."""
_OLD_NAMES = {
    "schema": "Schema",
    "response": "Response",
    "parameter": "Parameter",
    "example": "Example",
    "request-body": "RequestBody",
    "header": "Header",
    "security-scheme": "SecurityScheme",
    "link": "Link",
    "callbacks": "Callback",
    "path-item": "PathItem",
    "media-type": "MediaType",
}
"""The kinds of objects as the meta-schema of 3.0 calls them."""
_FILLED: dict[str, Any] = {
    **dict.fromkeys(("description", "title", "version", "authorizationUrl", "tokenUrl", "openIdConnectUrl"), ""),
    "info": {"title": "", "version": ""},
    "paths": {},
    "scopes": {},
    "flows": {},
    "content": {},
    "schema": {},
    "responses": {"200": {"description": ""}},
    "required": True,
}
"""What stands for a required member that is missing. An object that lacks any other is left out."""
_WORDS = {"responses": "it answers an empty 200", "schema": "any value is taken", "required": "it is required"}


class Part(NamedTuple):
    """A part of a document that is validated by itself."""

    path: tuple[str | int, ...]
    kind: str


@cache
def _metaschema(version: str, kind: str) -> jsonschema_rs.Validator:
    """The meta-schema of a kind of object, from the files that come with openapi-spec-validator."""
    file = files("openapi_spec_validator").joinpath("resources", "schemas", f"v{version}", "schema.json")
    schema = json.loads(file.read_text(encoding="utf-8"))
    if kind != "document":
        if version == "3.0":
            names = [_OLD_NAMES[kind]] + (["Reference"] if kind != "path-item" else [])
            choice: dict[str, Any] = {"oneOf": [{"$ref": f"#/definitions/{name}"} for name in names]}
            schema = {"$schema": schema["$schema"], "definitions": schema["definitions"], **choice}
        else:
            name = kind if kind in ("schema", "path-item") else f"{kind}-or-reference"
            if name not in schema["$defs"]:
                name = kind
            schema = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{name}"}
    # What is a pattern is for `Patterns` to say: some that jsonschema-rs does not read can be used.
    return jsonschema_rs.validator_for(schema, formats={"regex": lambda text: True})


_DRAFTS = {
    4: (jsonschema_rs.Draft4Validator, "http://json-schema.org/draft-04/schema#"),
    6: (jsonschema_rs.Draft6Validator, "http://json-schema.org/draft-06/schema#"),
    7: (jsonschema_rs.Draft7Validator, "http://json-schema.org/draft-07/schema#"),
    2019: (jsonschema_rs.Draft201909Validator, "https://json-schema.org/draft/2019-09/schema"),
    2020: (jsonschema_rs.Draft202012Validator, "https://json-schema.org/draft/2020-12/schema"),
}


@cache
def _of_draft(number: int) -> jsonschema_rs.Validator:
    kind, uri = _DRAFTS[number]
    return kind({"$ref": uri}, formats={"regex": lambda text: True})


def repair(document: dict[str, Any], parts: list[Part], findings: Findings) -> None:
    """Validate a document and `parts` of it that its meta-schema does not reach, and leave out what is broken."""
    version = document["openapi"][:3]
    for part in (Part((), "document"), *parts):
        node = _at(document, part.path)
        if node is not None:
            _Repair(document, part.path, _metaschema(version, part.kind), findings).run()
    if version != "3.0":
        dialect = document.get("jsonSchemaDialect")
        for path, schema in _outermost(document, parts):
            named = schema.get("$schema", dialect)
            number = draft(named) if isinstance(named, str) else 2020
            validator = _of_draft(number or 2020)
            if not validator.is_valid(schema):
                _Repair(document, tuple(path), validator, findings).run()


def _outermost(document: dict[str, Any], parts: list[Part]) -> list[tuple[list[str | int], dict[str, Any]]]:
    """The schemas that do not stand in other schemas."""
    found: list[tuple[list[str | int], dict[str, Any]]] = []
    inner: set[int] = set()
    for part in (Part((), "document"), *parts):
        for kind, node, place, _ in walk(_at(document, part.path), part.kind, steps_of(list(part.path))):
            if kind == "schema" and id(node) not in inner:
                inner.update(id(met[1]) for met in walk(node, "schema"))
                found.append((path_of(place), node))
    return found


class _Repair:
    def __init__(
        self,
        document: dict[str, Any],
        path: tuple[str | int, ...],
        validator: jsonschema_rs.Validator,
        findings: Findings,
    ) -> None:
        self._document = document
        self._path = path
        self._validator = validator
        self._findings = findings
        self._items: list[tuple[list[Any], int]] = []
        """Items of lists that go at the end of a round, when no place counts any more."""

    def run(self) -> None:
        for _ in range(_MAX_ROUNDS):
            root = _at(self._document, self._path)
            if root is None or self._validator.is_valid(root):
                return
            changed = False
            for error in islice(self._errors(root), _MOST):
                changed |= self._mend(error)
            self._remove_items()
            if not changed:
                return
        self._give_up()

    def _errors(self, root: Any) -> Iterator[ValidationError]:
        for error in self._validator.iter_errors(root):
            yield from _leaves(error)

    def _mend(self, error: ValidationError) -> bool:
        """Change what an error is about; False when it can stay."""
        path = [*self._path, *error.instance_path]
        node = _at(self._document, path)
        match error.kind:
            case ValidationErrorKind.Required(property=name) if isinstance(node, dict) and name not in node:
                if name in _FILLED:
                    node[name] = deepcopy(_FILLED[name])
                    self._note(error, [*path, name], _WORDS.get(name, "it counts as empty"))
                    return True
                return self._remove(error, path)
            case (
                ValidationErrorKind.AdditionalProperties(unexpected=names)
                | ValidationErrorKind.UnevaluatedProperties(unexpected=names)
            ) if isinstance(node, dict):
                known = [name for name in names if name in node]
                for name in known:
                    message = "is a member that OpenAPI does not know here"
                    self._findings.add("error", [*path, name], message, "it is ignored", "unknown-member")
                    del node[name]
                return bool(known)
            case ValidationErrorKind.Format() | ValidationErrorKind.PropertyNames() | ValidationErrorKind.Not():
                self._note(error, path, "it is used all the same", "warning")
                return False
            case ValidationErrorKind.MinProperties() if path[-1:] == ["responses"] and isinstance(node, dict):
                node["200"] = {"description": ""}
                self._note(error, path, _WORDS["responses"])
                return True
            case ValidationErrorKind.UniqueItems() if isinstance(node, list):
                self._note(error, path, "what stands there twice counts once")
                unique = {json.dumps(item, sort_keys=True): item for item in reversed(node)}
                node[:] = reversed(unique.values())
                return True
            case ValidationErrorKind.OneOfMultipleValid() if isinstance(node, dict) and "content" in node:
                del node["content"]
                self._note(error, path, "`content` is ignored")
                return True
            case ValidationErrorKind.Type(types=types):
                value = _coerced(node, list(types))
                if value is not None and path:
                    self._note(error, path, f"it is read as {json.dumps(value)}")
                    self._set(path, value)
                    return True
            case ValidationErrorKind.Enum() | ValidationErrorKind.Constant() if path[-1:] == ["required"]:
                self._note(error, path, _WORDS["required"])
                self._set(path, True)
                return True
        return self._remove(error, path)

    def _note(self, error: ValidationError, path: list[str | int], consequence: str, severity: str = "error") -> None:
        violation = explain([error], "client", "body")[0]
        self._findings.add(
            "error" if severity == "error" else "warning", path, violation.message, consequence, "meta-schema"
        )

    def _set(self, path: list[str | int], value: Any) -> None:
        parent = _at(self._document, path[:-1])
        if isinstance(parent, dict):
            parent[str(path[-1])] = value
        elif isinstance(parent, list):
            parent[int(path[-1])] = value

    def _remove(self, error: ValidationError, path: list[str | int]) -> bool:
        parent = _at(self._document, path[:-1])
        if not path or (isinstance(parent, dict) and str(path[-1]) not in parent):
            return False
        if isinstance(parent, dict):
            del parent[str(path[-1])]
        elif isinstance(parent, list):
            self._items.append((parent, int(path[-1])))
        else:
            return False
        self._note(error, path, "it is left out")
        return True

    def _remove_items(self) -> None:
        lists = {id(items): items for items, _ in self._items}
        gone: dict[int, set[int]] = {}
        for items, index in self._items:
            gone.setdefault(id(items), set()).add(index)
        for key, items in lists.items():
            items[:] = [item for index, item in enumerate(items) if index not in gone[key]]
        self._items.clear()

    def _give_up(self) -> None:
        """Whatever is still broken goes with the path or the component that it is in."""
        for error in islice(self._errors(_at(self._document, self._path)), _MOST):
            path = [*self._path, *error.instance_path]
            depth = {"paths": 2, "components": 3}.get(str(path[0]) if path else "", 0)
            if depth and len(path) >= depth:
                self._remove(error, path[:depth])


def _leaves(error: ValidationError) -> list[ValidationError]:
    """What is wrong by the alternative that is meant: a reference is one only where there is a `$ref`."""
    kind = error.kind
    if isinstance(kind, ValidationErrorKind.OneOfNotValid):
        base = len(error.instance_path)
        meant = [
            branch
            for branch in kind.context
            if branch
            and not any(
                isinstance(inner.kind, ValidationErrorKind.Required)
                and inner.kind.property == "$ref"
                and len(inner.instance_path) == base
                for inner in branch
            )
        ]
        if len(meant) == 1:
            return [leaf for inner in meant[0] for leaf in _leaves(inner)]
    return leaves(error)


def _coerced(value: Any, types: list[str]) -> Any:
    """A value as what it should have been, where there is one way to read it; None where there is not."""
    if "string" in types and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        if "boolean" in types and value in ("true", "false"):
            return value == "true"
        if "integer" in types and value.isascii() and value.isdecimal() and len(value) < 16:
            return int(value)
    return None


def _at(node: Any, path: list[str | int] | tuple[str | int, ...]) -> Any:
    """The value at a path; None when there is none. Names of digits come as numbers from jsonschema-rs."""
    for part in path:
        if isinstance(node, dict):
            node = node.get(str(part))
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return None
    return node
