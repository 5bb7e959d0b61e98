"""Strict validation: what openapi-spec-validator, by which openapi-core judges documents, finds.

That package is the judge; this module spares it work that changes no finding. It looks ids up in
long lists, and it checks each schema against a meta-schema in Python. Both savings hang on names
inside the package and are left out when those are gone; strict validation is then as slow as the
package is: 11 s instead of 3 for the 13 MB of GitHub's description.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jsonschema_rs
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.validation.keywords import OpenAPIV30SchemaValidator, OpenAPIV31SchemaValidator

_NAMED = re.compile(r"for '(\w+)' operation in '(.+)' was not resolved")
"""The one finding that says its place in words only."""


def strict_faults(document: dict[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    """The path to each fault in a document that fits its meta-schema, and the reason."""
    validator = (_V30 if document["openapi"].startswith("3.0.") else _V31)(document)
    try:
        # Not `iter_errors`: it fits the document to the meta-schema again, and keeps it for good.
        for error in validator.root_validator(validator.schema_path):
            named = _NAMED.search(error.message)
            yield ["paths", named[2], named[1]] if named else list(error.absolute_path), error.message
    except RecursionError:
        yield [], "is nested too deeply"
    except Exception as error:  # as it raises for a `minLength` that is a text
        yield (
            [],
            f"cannot be judged; the validator fails with {type(error).__name__}: {' '.join(str(error).split())[:200]}",
        )


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


class _V30(OpenAPIV30SpecValidator):
    keyword_validators = {**OpenAPIV30SpecValidator.keyword_validators, "schema": _V30Schemas}


class _V31(OpenAPIV31SpecValidator):
    keyword_validators = {**OpenAPIV31SpecValidator.keyword_validators, "schema": _V31Schemas}
