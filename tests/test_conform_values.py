"""Values against schemas: what is said of a value is never less than the validator says, and the mend takes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.conform.cases import Case
from mockserver.conform.mends import mend
from mockserver.conform.outcomes import Outcomes, Seen
from mockserver.conform.values import Values
from mockserver.contract import Contract
from mockserver.contract.load import contract_of
from mockserver.contract.outline import Place
from mockserver.messages import Headers, Request, Response
from mockserver.text.jsontext import to_json

NULLABLE = {"3.0.3": {"type": "string", "nullable": True}, "3.1.0": {"type": ["string", "null"]}}
CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["cat"]}, "lives": {"type": "integer"}}}
DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["dog"]}, "name": {"type": "string"}}}


def schemas(version: str) -> dict[str, Any]:
    return {
        "Plain": {
            "type": "object",
            "required": ["a", "b"],
            "properties": {
                "a": {"type": "integer", "minimum": 0, "maximum": 9},
                "b": {"type": "string", "maxLength": 2, "enum": ["x", "y"]},
                "c": NULLABLE[version],
                "d": {"$ref": "#/components/schemas/Leaf"},
            },
        },
        "Leaf": {"type": "object", "properties": {"a": {"type": "boolean"}}, "additionalProperties": False},
        "All": {
            "allOf": [
                {"$ref": "#/components/schemas/Plain"},
                {
                    "type": "object",
                    "required": ["e"],
                    "properties": {"e": {"type": "array", "items": {"type": "number"}}},
                },
            ]
        },
        "One": {"oneOf": [CAT, DOG]},
        "Any": {"anyOf": [{"type": "string", "format": "date"}, {"type": "array", "items": CAT, "maxItems": 1}]},
        "Map": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Leaf"}, "maxProperties": 2},
        "List": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[xy]+$"},
            "uniqueItems": True,
            "minItems": 1,
        },
        "Not": {"type": "object", "not": {"required": ["a"]}},
    }


def contract(version: str) -> Contract:
    paths = {
        f"/{name}": {
            "get": {
                "operationId": name,
                "responses": {
                    "200": {
                        "description": "x",
                        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}},
                    }
                },
            }
        }
        for name in schemas(version)
    }
    document = {
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas(version)},
    }
    return contract_of(document, "values")


CONTRACTS = {version: contract(version) for version in NULLABLE}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.floats(0, 9)
    | st.sampled_from(["x", "y", "xyz", "cat", "dog", ""])
)
NAMES = st.sampled_from(["a", "b", "c", "d", "e", "kind", "lives", "name", "other"])
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=5), max_leaves=9
)
ALLOWED = ("undeclared", "write-only")
"""Ends of rules for what a validator takes."""


def seen(name: str, value: Any, number: int = 0) -> Seen:
    response = Response(200, None, Headers(), "application/json", to_json(value))
    return Seen(Case(f"{name}{number}", name, "valid"), Request("GET", f"/{name}"), response)


@pytest.mark.parametrize("version", CONTRACTS)
@pytest.mark.parametrize("name", schemas("3.0.3"))
@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_a_difference_is_told_exactly_where_the_validator_refuses(version, name, value):
    made = CONTRACTS[version]
    place = Place(schemas(version)[name], f"/components/schemas/{name}")
    found = [one.rule for one in Values(made).differences(place, value, "body")]
    wrong = [rule for rule in found if not rule.endswith(ALLOWED)]
    assert bool(wrong) == (not made.accepts(place, value)), found


@pytest.mark.parametrize("version", CONTRACTS)
@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.tuples(st.sampled_from(list(schemas("3.0.3"))), VALUES), min_size=1, max_size=5))
def test_the_mended_contract_takes_what_was_seen_or_the_rest_is_named(version, values):
    responses = [seen(name, value, number) for number, (name, value) in enumerate(values)]
    made = mend(CONTRACTS[version], responses)
    left = [difference for _, difference in Outcomes(made.contract).all(responses)]
    assert all(difference.rule.endswith(("invalid", "alternative")) for difference in left), left
