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
from typing import Any, NamedTuple

import jsonschema_rs
from jsonschema_rs import ValidationError, ValidationErrorKind

from mockserver.contract.drafts import draft
from mockserver.contract.explain import explain, leaves
from mockserver.contract.faults import Findings
from mockserver.contract.objects import GRAMMAR, path_of, steps_of, walk
from mockserver.errors import ContractError

_MAX_ROUNDS = 30
MAX_MENDED = 10_000
"""Errors of one document that are left out; one with more is refused."""
MAX_VALUES = 100_000
"""Values of one path or component whose errors are looked at."""
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
    if "path-item-or-reference" in schema.get("$defs", {}):
        # A Path Item may have members beside its `$ref` (3.1.1, Path Item Object); that schema allows none.
        schema["$defs"]["path-item-or-reference"] = {"$ref": "#/$defs/path-item"}
        schema["$defs"]["path-item"]["properties"]["$ref"] = {"type": "string", "format": "uri-reference"}
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
    """Validate a document and `parts` of it that its meta-schema does not reach, and leave out what is broken.

    Raises ContractError when too much is.
    """
    version = document["openapi"][:3]
    budget = _Budget(findings)
    whole = _metaschema(version, "document")
    if not whole.is_valid(document):
        # One path and one component at a time: all errors of a large document at once take gigabytes.
        for part in _units(document):
            _Repair(document, part.path, _metaschema(version, part.kind), findings, budget).run()
        for member in [key for key in document if key not in ("paths", "components", "webhooks", "openapi")]:
            if not whole.is_valid(document) and _is_large(document[member]):
                del document[member]
                findings.add("error", [member], "is too large to find what is wrong", "it is left out", "meta-schema")
        _Repair(document, (), whole, findings, budget).run()
    for part in parts:
        _Repair(document, part.path, _metaschema(version, part.kind), findings, budget).run()
    if version != "3.0":
        dialect = document.get("jsonSchemaDialect")
        for path, schema in _outermost(document, parts):
            named = schema.get("$schema", dialect)
            number = draft(named) if isinstance(named, str) else 2020
            _Repair(document, tuple(path), _of_draft(number or 2020), findings, budget).run()


def _units(document: dict[str, Any]) -> list[Part]:
    """The paths, webhooks and components of a document."""
    found = [Part(("paths", name), "path-item") for name in _members(document, "paths") if name.startswith("/")]
    found += [Part(("webhooks", name), "path-item") for name in _members(document, "webhooks")]
    components = _members(document, "components")
    for key, (_, kind) in GRAMMAR["components"].items():
        if kind in _OLD_NAMES:
            found += [Part(("components", key, name), kind) for name in _members(components, key)]
    return found


def _members(node: dict[str, Any], key: str) -> dict[str, Any]:
    members = node.get(key)
    return members if isinstance(members, dict) else {}


def _is_large(node: Any) -> bool:
    """Whether a value holds more than MAX_VALUES others."""
    count, waiting = 0, [node]
    while waiting:
        children = waiting.pop()
        children = children.values() if isinstance(children, dict) else children if isinstance(children, list) else ()
        count += len(children)
        if count > MAX_VALUES:
            return True
        waiting += children
    return False


class _Budget:
    """How much of a document may be left out."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._spent = 0

    def spend(self) -> None:
        """Count one change. Raises ContractError when there were too many."""
        self._spent += 1
        if self._spent > MAX_MENDED:
            raise self.exceeded()

    def exceeded(self) -> ContractError:
        """The refusal of a document with too many faults."""
        fault = self._findings.sources.fault(next(iter(self._findings)))
        return ContractError(f"{fault.reason}; there are more faults than can be left out")


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
        budget: _Budget,
    ) -> None:
        self._budget = budget
        self._document = document
        self._path = path
        self._validator = validator
        self._findings = findings
        self._items: list[tuple[list[Any], int]] = []
        """Items of lists that go at the end of a round, when no place counts any more."""

    def run(self) -> None:
        """Leave out what is broken. Raises ContractError when that is too much."""
        for _ in range(_MAX_ROUNDS):
            root = _at(self._document, self._path)
            if root is None or self._validator.is_valid(root):
                return
            if self._path and _is_large(root):
                self._remove_whole()
                return
            changed = False
            for error in self._errors(root):
                if self._mend(error):
                    self._budget.spend()
                    changed = True
            self._remove_items()
            if not changed:
                return
        raise self._budget.exceeded()

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

    def _remove_whole(self) -> None:
        """Leave out all of it: of something so large not every error can be looked at."""
        parent = _at(self._document, self._path[:-1])
        if isinstance(parent, dict):
            del parent[str(self._path[-1])]
        elif isinstance(parent, list):
            parent[int(self._path[-1])] = {}
        message = "is wrong somewhere, and too large to find out where"
        self._findings.add("error", self._path, message, "it is left out", "meta-schema")

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
