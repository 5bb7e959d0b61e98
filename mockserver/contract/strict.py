"""Strict validation: what openapi-spec-validator, by which openapi-core validates documents, finds.

That package is the validate; this module spares it work that changes no finding. It looks ids up in
long lists, and it checks each schema against a meta-schema in Python. Both savings hang on names
inside the package, so only the versions that they were tested with get them, and the places of what is
found inside schemas; with another one strict validation is as slow as the package is: 11 s instead of 3
for the 13 MB of GitHub's description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

import jsonschema_rs
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator, OpenAPIV32SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from openapi_spec_validator.validation.keywords import (
    OpenAPIV30SchemaValidator,
    OpenAPIV31SchemaValidator,
    OpenAPIV32SchemaValidator,
)

from mockserver.contract.objects import path_of, walk
from mockserver.contract.patterns import matcher
from mockserver.contract.references import Refs, pointer_of
from mockserver.text.documents import parts_of

TESTED = ("0.8.",)
"""The versions of the package whose inside is known."""
_NAMED = re.compile(r"for '(\w+)' operation in '(.+)' was not resolved")
"""The one finding that says its place in words only."""


def strict_faults(document: dict[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    """The path to each fault in a document that fits its meta-schema, and the reason."""
    copy = _copy(document)
    refs = Refs(copy)
    validator = _KINDS[document["openapi"][:3]](copy)
    try:
        # Not `iter_errors`: it fits the document to the meta-schema again, and keeps it for good.
        for error in validator.root_validator(validator.schema_path):
            named = _NAMED.search(error.message)
            path = ["paths", named[2], named[1]] if named else _followed(refs, list(error.absolute_path))
            yield path, error.message
    except RecursionError:
        yield [], "is nested too deeply"
    except Exception as error:  # as it raises for a `minLength` that is a text
        yield (
            [],
            f"cannot be checked; the validator fails with {type(error).__name__}: {' '.join(str(error).split())[:200]}",
        )


def _copy(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what the package cannot take: extensions among the paths, and a `$ref` that is data."""
    paths = document.get("paths")
    if isinstance(paths, dict) and not all(path.startswith("/") for path in paths):
        document = {**document, "paths": {path: item for path, item in paths.items() if path.startswith("/")}}
    for kind, node, place, _ in walk(document):
        if kind == "schema" and _refers(node.get("default")):
            document = _without(document, [*path_of(place), "default"])
    return document


def _refers(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_refers, value))
    return isinstance(value, dict) and ("$ref" in value or any(map(_refers, value.values())))


def _without(node: Any, path: list[str | int]) -> Any:
    """A copy without the member at a path; what does not lead there is shared."""
    key = path[0]
    if isinstance(node, list):
        return [_without(item, path[1:]) if index == key else item for index, item in enumerate(node)]
    if len(path) == 1:
        return {name: value for name, value in node.items() if name != key}
    return {name: _without(value, path[1:]) if name == key else value for name, value in node.items()}


def _followed(refs: Refs, path: list[str | int]) -> list[str | int]:
    """A path of the package, which goes through references, as the path to what they lead to."""
    pointer = ""
    try:
        for part in path:
            _, pointer = refs.follow(refs.lookup(pointer), pointer)
            pointer += pointer_of([part])
            refs.lookup(pointer)
    except KeyError:
        return path
    return [*parts_of(pointer)]


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not read")


class Ids(list[int]):
    """A list that is quick to ask what is in it, as long as it is only appended to."""

    def __init__(self) -> None:
        super().__init__()
        self._known: set[int] = set()
        self._appended = 0

    def append(self, id: int) -> None:
        """As a list does."""
        self._known.add(id)
        self._appended += 1
        super().append(id)

    def __contains__(self, id: object) -> bool:
        return id in self._known if self._appended == len(self) else super().__contains__(id)


class _Frugal:
    """Goes before a class of the package that validates schemas."""

    def __init__(self, registry: Any) -> None:
        super().__init__(registry)  # type: ignore[call-arg]
        for name in ("visited_schema_ids", "meta_checked_schema_ids"):
            if getattr(self, name, None) == []:
                setattr(self, name, Ids())

    def __call__(self, schema: Any, *args: Any, **options: Any) -> Iterator[Any]:
        """As the class does, with the place of each error that has none."""
        for error in super().__call__(schema, *args, **options):  # type: ignore[misc]
            if not getattr(error, "is_placed", False):
                error.is_placed = True
                path = error.relative_path
                if not isinstance(error, OpenAPIValidationError):  # of a value, not of a schema
                    path.appendleft("default")
                path.extendleft(reversed(schema.parts))
            yield error

    def _get_schema_checker(self, schema: Any, schema_value: Any) -> Callable[[Any], None]:
        """A function that raises for a schema that its meta-schema refuses; here one that asks in Rust first."""
        check: Callable[[Any], None] = super()._get_schema_checker(schema, schema_value)  # type: ignore[misc]
        owner = getattr(getattr(check, "func", check), "__self__", None)
        quick = quick_check(owner)

        def checker(value: Any) -> None:
            if quick is None or not quick.is_valid(value):
                check(value)

        return checker


@cache
def quick_check(owner: Any) -> jsonschema_rs.Validator | None:
    """The meta-schema of a class of jsonschema's validators, compiled; None when that cannot be done.

    With the formats as that class checks them, so that what passes here passes there.
    """
    try:
        from openapi_schema_validator._specifications import REGISTRY

        checker = owner.FORMAT_CHECKER
        formats = {name: _conforms(checker, name) for name in checker.checkers}
        formats["regex"] = lambda text: matcher(text) is not None or bool(checker.conforms(text, "regex"))
        return jsonschema_rs.validator_for(
            owner.META_SCHEMA, formats=formats, validate_formats=True, retriever=lambda uri: REGISTRY.contents(uri)
        )
    except Exception:
        return None


def _conforms(checker: Any, name: str) -> Callable[[str], bool]:
    return lambda text: bool(checker.conforms(text, name))


class _V30Schemas(_Frugal, OpenAPIV30SchemaValidator):
    pass


class _V31Schemas(_Frugal, OpenAPIV31SchemaValidator):
    pass


class _V32Schemas(_Frugal, OpenAPIV32SchemaValidator):
    pass


def _frugal(kind: Any, schemas: Any) -> Any:
    """A class of the package that reads nothing but the document, with `schemas` where its inside is known."""
    members: dict[str, Any] = {"resolver_handlers": dict.fromkeys(("http", "https", "file", "<all_urls>"), _refuse)}
    if version("openapi-spec-validator").startswith(TESTED):
        members["keyword_validators"] = {**kind.keyword_validators, "schema": schemas}
    return type(kind.__name__, (kind,), members)


_KINDS = {
    "3.0": _frugal(OpenAPIV30SpecValidator, _V30Schemas),
    "3.1": _frugal(OpenAPIV31SpecValidator, _V31Schemas),
    "3.2": _frugal(OpenAPIV32SpecValidator, _V32Schemas),
}
