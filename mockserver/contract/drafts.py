"""Older drafts of JSON Schema, written anew as 2020-12.

A 3.1 document may name a draft with `$schema` or `jsonSchemaDialect` (3.1.1, Schema Object). One schema object is
rewritten at a time; its subschemas are left to the caller.
"""

from __future__ import annotations

from typing import Any

_DRAFTS = {
    "http://json-schema.org/draft-04/schema": 4,
    "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7,
    "https://json-schema.org/draft/2019-09/schema": 2019,
    "https://json-schema.org/draft/2020-12/schema": 2020,
}
_OPENAPI = ("https://spec.openapis.org/oas/3.1/", "https://spec.openapis.org/oas/3.2/")
"""How the names of OpenAPI's own dialects begin; they are 2020-12 with words of their own (3.1.1, 4.8.24.5)."""


def draft(dialect: str) -> int | None:
    """The draft that a dialect is, as its number or year; None for one that is not known."""
    if dialect.startswith(_OPENAPI):
        return 2020
    return _DRAFTS.get(dialect.removesuffix("#"))


def modern(schema: dict[str, Any], dialect: str) -> dict[str, Any]:
    """A schema of `dialect` as 2020-12 says it. One of an unknown dialect is taken for 2020-12."""
    number = draft(dialect) or 2020
    if number == 2020:
        return schema
    if number < 2019 and isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"]}  # members beside it are ignored (draft 7, 8.3)
    new = dict(schema)
    _items(new)
    if number < 2019:
        _dependencies(new)
    if number == 4:
        _bound(new, "minimum", "exclusiveMinimum")
        _bound(new, "maximum", "exclusiveMaximum")
    return new


def _items(new: dict[str, Any]) -> None:
    """A list of `items` is `prefixItems`, and `additionalItems` is what comes after it."""
    rest = new.pop("additionalItems", None)
    if isinstance(new.get("items"), list):
        new["prefixItems"] = new.pop("items")
        if rest is not None:
            new["items"] = rest


def _dependencies(new: dict[str, Any]) -> None:
    dependencies = new.pop("dependencies", None)
    if not isinstance(dependencies, dict):
        return
    new["dependentRequired"] = {name: value for name, value in dependencies.items() if isinstance(value, list)}
    new["dependentSchemas"] = {name: value for name, value in dependencies.items() if not isinstance(value, list)}


def _bound(new: dict[str, Any], inclusive: str, exclusive: str) -> None:
    """A flag beside the bound became a bound of its own in draft 6."""
    flag = new.get(exclusive)
    if isinstance(flag, bool):
        del new[exclusive]
        if flag and inclusive in new:
            new[exclusive] = new.pop(inclusive)
