"""Samples: what is made from a schema passes that schema."""

from __future__ import annotations

from random import Random

import jsonschema_rs
import pytest
from contracts import BUNDLED, body_contract, bundled, contract, published

from mockserver.contract import Contract, load_contract
from mockserver.contract.references import Refs
from mockserver.contract.samples import Sampler, matching

SCHEMAS = [
    {"type": "string"},
    {"type": "string", "minLength": 30, "maxLength": 31},
    {"type": "string", "maxLength": 2},
    {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
    {"type": "string", "pattern": "^\\w+$", "minLength": 20, "maxLength": 22},
    {"type": "string", "pattern": "b+c"},
    {"type": "string", "enum": [None, "a"]},
    {"type": ["string", "null"], "enum": [None]},
    {"type": "integer"},
    {"type": "integer", "minimum": 1000, "maximum": 1005, "multipleOf": 5},
    {"type": "integer", "minimum": 7, "multipleOf": 5},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "maximum": -0.5},
    {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    {"type": "number", "minimum": 0.1, "maximum": 0.9},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.0005},
    {"type": "number", "multipleOf": 0.01, "minimum": 0.5, "maximum": 0.7},
    {"type": "boolean"},
    {"type": "null"},
    {"const": {"a": [1]}},
    {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4},
    {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "items": {"type": "integer", "minimum": 5, "maximum": 9}, "minItems": 4, "uniqueItems": True},
    {"type": "array", "items": {"type": "string", "pattern": "^[1-9][0-9]*$"}, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    {"type": "object", "required": ["z"], "additionalProperties": {"type": "integer"}},
    {"type": "object", "minProperties": 3},
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "maxProperties": 1},
    {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"], "maxProperties": 1},
    {"allOf": [{"type": "string", "minLength": 10}, {"maxLength": 12}]},
    {"allOf": [{"required": ["a"]}, {"properties": {"a": {"type": "integer"}}}], "type": "object"},
    {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    {"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object", "properties": {"a": {"type": "string"}}},
    {"oneOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]},
    *({"type": "string", "format": name} for name in ("date", "date-time", "time", "uuid", "email", "uri", "duration")),
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_sample_passes_its_schema(schema):
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    plain = Sampler(Refs({})).value(schema)
    assert validator.is_valid(plain), plain
    assert Sampler(Refs({})).value(schema) == plain
    for seed in range(20):
        value = Sampler(Refs({}), Random(seed)).value(schema)
        assert validator.is_valid(value), value
        assert Sampler(Refs({}), Random(seed)).value(schema) == value


def test_recursion_ends():
    node = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    node["properties"]["next"] = {"$ref": "#/components/schemas/Node"}
    node["properties"]["list"] = {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}
    refs = Refs({"components": {"schemas": {"Node": node}}})
    assert Sampler(refs).value({"$ref": "#/components/schemas/Node"})["next"]["list"][0]["name"] == "name"


def test_matching_finds_a_text_for_a_pattern():
    assert matching("^a+$", "aaa", 0) == "aaa"
    assert matching("[", "x", 0) == "x"
    assert matching("^\\d{3}$", "x", 0).isdigit()


def operation(media, status="200", **response):
    node = {"responses": {status: {"description": "x", "content": {"application/json": media}, **response}}}
    made = contract({"/x": {"get": node}}, components={"examples": {"E": {"value": {"from": "reference"}}}})
    return made, made.operations["GET /x"]


def test_the_documents_own_examples_come_first():
    examples = {"one": {"value": {"from": "one"}}, "two": {"$ref": "#/components/examples/E"}}
    made, op = operation({"schema": {"type": "object"}, "examples": examples})
    assert made.sample(op, 200).data == {"from": "one"}
    assert made.sample(op, 200, "two").data == {"from": "reference"}
    with pytest.raises(KeyError):
        made.sample(op, 200, "three")
    made, op = operation({"schema": {"type": "object"}, "example": {"from": "media"}})
    assert made.sample(op, 200).data == {"from": "media"}
    made, op = operation({"schema": {"type": "object", "properties": {"a": {"type": "string", "example": "given"}}}})
    assert made.sample(op, 200).data == {"a": "given"}
    assert made.sample(op, 200, rng=Random(1)).data != {"a": "given"}


def test_a_sample_is_the_callers_own():
    made, op = operation({"schema": {"type": "object"}, "example": {"list": [1]}})
    made.sample(op, 200).data["list"].append(2)
    assert made.sample(op, 200).data == {"list": [1]}


def test_an_example_that_breaks_its_schema_is_not_used_unless_asked_for_by_name():
    schema = {"type": "object", "properties": {"id": {"type": "string", "format": "uuid", "example": "no-uuid"}}}
    made, op = operation({"schema": schema, "examples": {"bad": {"value": {"id": "worse"}}}})
    assert op.check_response(made.sample(op, 200)) == []
    assert made.sample(op, 200, "bad").data == {"id": "worse"}


def test_statuses_without_a_body_and_undeclared_ones():
    made, op = operation({"schema": {"type": "object"}}, "204")
    assert made.sample(op, 204).media_type is None
    with pytest.raises(KeyError):
        made.sample(op, 200)


def test_required_headers_are_part_of_a_sample():
    headers = {
        "X-List": {"required": True, "schema": {"type": "array", "items": {"type": "integer"}, "minItems": 2}},
        "X-Flag": {"required": True, "schema": {"type": "boolean"}},
        "X-Not": {"schema": {"type": "integer"}},
    }
    made, op = operation({"schema": {"type": "object"}}, headers=headers)
    sample = made.sample(op, 200)
    assert sample.headers == {"x-list": "1,1", "x-flag": "true"}
    assert op.check_response(sample) == []


def failures(made: Contract, dynamic: bool, statuses: str = "2") -> tuple[int, list[str]]:
    """How many samples were made, and which of them break the contract."""
    count, bad = 0, []
    for op in made.operations.values():
        for key in op.declared:
            if key.startswith(tuple(statuses)) or (key == "default" and "d" in statuses):
                status = 418 if key == "default" else int(key.upper().replace("X", "0"))
                count += 1
                found = op.check_response(made.sample(op, status, rng=Random(op.id) if dynamic else None))
                if found:
                    bad.append(f"{op.id} {key}: {found[0]}")
    return count, bad


@pytest.mark.parametrize("dynamic", [False, True], ids=["plain", "dynamic"])
@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_sample_of_every_status_keeps_the_contract(name, dynamic):
    count, bad = failures(bundled(name), dynamic, "2345d")
    assert count >= 20 and bad == []


@pytest.mark.parametrize("dynamic", [False, True], ids=["plain", "dynamic"])
@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("plaid-3.0.yml", 330),
        ("discord-3.1.json", 254),
        ("mem0-platform-3.0.json", 55),
        ("petstore-3.0.yaml", 19),
        ("oai-3.1-tictactoe.yaml", 4),
        ("oai-3.0-uspto.yaml", 3),
        ("oai-3.0-link-example.yaml", 6),
    ],
)
def test_samples_of_published_documents_keep_the_contract(name, samples, dynamic):
    count, bad = failures(load_contract(published(name), strict=False), dynamic)
    assert count == samples
    # All of them do at present; a vendor's document may hold schemas that nothing can satisfy.
    assert len(bad) <= (0.05 * count if count > 100 else 0), "\n".join(bad)


@pytest.mark.timeout(10)
def test_a_pattern_that_could_take_forever_is_sampled_at_once():
    name = "averyverylongnameofamemberthatgoeson1"
    schema = {"type": "object", "required": [name], "properties": {name: {"type": "string", "pattern": "^([a-z]+)+$"}}}
    made = body_contract(schema)
    operation = next(iter(made.operations.values()))
    assert operation.check_response(made.sample(operation, 200)) == []
