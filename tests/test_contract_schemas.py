"""Schemas of both dialects: what they accept, and how a breach of each keyword is told."""

from __future__ import annotations

import re
from urllib.parse import quote

import jsonschema_rs
import pytest
from contracts import body_contract, brief, contract, reply, send, with_body
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.patterns import Patterns
from mockserver.contract.references import Refs
from mockserver.contract.schemas import PATIENCE, Schemas
from mockserver.contract.shapes import shape_of
from mockserver.errors import ContractError
from mockserver.messages import Response

OBJECT = {"type": "object"}


def sent(schema, value, version="3.0.3", **document):
    return send(with_body(schema, version=version, **document), value).violations


KEYWORDS = [
    # schema, value, pointer, keyword, found, expected
    ({"type": "string"}, 5, "", "type", "the integer 5", "a string"),
    ({"type": "integer"}, 1.5, "", "type", "the number 1.5", "an integer"),
    ({"type": "integer"}, "1", "", "type", 'the string "1"', "an integer"),
    ({"type": "integer"}, True, "", "type", "the boolean true", "an integer"),
    ({"type": "array", "items": {}}, {}, "", "type", "an empty object", "an array"),
    ({"type": "object"}, [1, 2], "", "type", "an array of 2", "an object"),
    ({"type": "string", "nullable": True}, 5, "", "type", "the integer 5", "null or a string"),
    ({"enum": ["a", "b"]}, "c", "", "enum", 'the string "c"', 'one of "a", "b"'),
    ({"enum": ["a"]}, "c", "", "enum", 'the string "c"', '"a"'),
    ({"minimum": 3}, 2, "", "minimum", "the integer 2", "at least 3"),
    ({"maximum": 3}, 4, "", "maximum", "the integer 4", "at most 3"),
    ({"minimum": 3, "exclusiveMinimum": True}, 3, "", "exclusiveMinimum", "the integer 3", "more than 3"),
    ({"maximum": 3, "exclusiveMaximum": True}, 3, "", "exclusiveMaximum", "the integer 3", "less than 3"),
    ({"multipleOf": 0.01}, 0.015, "", "multipleOf", "the number 0.015", "a multiple of 0.01"),
    ({"minLength": 2}, "ä", "", "minLength", 'the string "ä"', "at least 2 characters"),
    ({"maxLength": 2}, "äöü", "", "maxLength", 'the string "äöü"', "at most 2 characters"),
    ({"minItems": 1}, [], "", "minItems", "an empty array", "at least 1 items"),
    ({"maxItems": 1}, [1, 2], "", "maxItems", "an array of 2", "at most 1 items"),
    ({"uniqueItems": True}, [1, 1], "", "uniqueItems", "an array of 2", "items that are all different"),
    ({"minProperties": 1}, {}, "", "minProperties", "an empty object", "at least 1 members"),
    ({"maxProperties": 1}, {"a": 1, "b": 2}, "", "maxProperties", "an object of 2", "at most 1 members"),
    ({"pattern": "^a+$"}, "b", "", "pattern", 'the string "b"', "text that matches ^a+$"),
    ({"type": "string", "format": "uuid"}, "x", "", "format", 'the string "x"', "a uuid"),
    ({"required": ["a"]}, {}, "/a", "required", "nothing", "a value"),
    ({"properties": {"a": {"required": ["b/c"]}}}, {"a": {}}, "/a/b~1c", "required", "nothing", "a value"),
    ({"additionalProperties": False}, {"z": 1}, "", "falseSchema", "the integer 1", "no others"),
    (
        {"properties": {"a": {}}, "additionalProperties": False},
        {"z": 1},
        "",
        "additionalProperties",
        "'z'",
        "no others",
    ),
    ({"additionalProperties": {"type": "string"}}, {"z": 1}, "/z", "type", "the integer 1", "a string"),
    ({"items": {"type": "string"}}, ["a", 1], "/1", "type", "the integer 1", "a string"),
    ({"allOf": [{"minimum": 2}]}, 1, "", "minimum", "the integer 1", "at least 2"),
    ({"not": {"type": "string"}}, "x", "", "not", 'the string "x"', "no value"),
    ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, 3, "", "oneOf", "the integer 3", "to match exactly one"),
]


@pytest.mark.parametrize(("schema", "value", "pointer", "keyword", "found", "expected"), KEYWORDS)
def test_how_a_breach_of_each_keyword_is_told(schema, value, pointer, keyword, found, expected):
    violations = sent(schema, value)
    assert brief(violations) == [("body", pointer, keyword)]
    violation = violations[0]
    assert violation.found == found and violation.expected.startswith(expected)
    assert violation.side == "client" and violation.message
    ours = reply(with_body(schema), value)
    assert brief(ours) == brief(violations) and ours[0].side == "server"


@pytest.mark.parametrize(
    ("schema", "value", "keyword", "expected"),
    [
        ({"type": ["string", "null"]}, 5, "type", "null or a string"),
        ({"const": {"a": 1}}, 5, "const", '{"a":1}'),
        ({"exclusiveMinimum": 3}, 3, "exclusiveMinimum", "more than 3"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "required", "a value"),
        ({"prefixItems": [{"type": "string"}]}, [1], "type", "a string"),
        ({"propertyNames": {"maxLength": 1}}, {"long": 1}, "propertyNames", ""),
        ({"type": "object", "unevaluatedProperties": False}, {"z": 1}, "unevaluatedProperties", ""),
    ],
)
def test_keywords_of_3_1(schema, value, keyword, expected):
    violations = sent(schema, value, "3.1.0")
    assert [violation.keyword for violation in violations] == [keyword]
    assert violations[0].expected.startswith(expected)


def test_3_1_takes_null_and_siblings_of_a_reference():
    schemas = {"components": {"schemas": {"S": {"type": "string"}}}}
    assert sent({"type": ["string", "null"]}, "x", "3.1.0") == []
    limited = {"$ref": "#/components/schemas/S", "maxLength": 1}
    assert brief(sent(limited, "xy", "3.1.0", **schemas)) == [("body", "", "maxLength")]
    assert sent(limited, "xy", "3.0.3", **schemas) == []  # 3.0.3, Reference Object: they are ignored
    assert brief(send(with_body({"type": "string"}, version="3.1.0"), raw=b"null").violations) == [("body", "", "type")]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": "string", "nullable": True, "allOf": [{"maxLength": 3}]},
        {"nullable": True},
        {"nullable": True, "allOf": [{"$ref": "#/components/schemas/S"}]},
        {"nullable": True, "oneOf": [{"$ref": "#/components/schemas/S"}]},
        {"allOf": [{"nullable": True, "type": "string"}]},
        {"$ref": "#/components/schemas/N"},
    ],
)
def test_nullable_takes_null_in_both_directions(schema):
    schemas = {"S": {"type": "string"}, "N": {"nullable": True, "anyOf": [{"$ref": "#/components/schemas/S"}]}}
    operation = with_body({"type": "object", "properties": {"v": schema}}, components={"schemas": schemas})
    for value in (None, "x"):
        assert send(operation, {"v": value}).violations == [] == reply(operation, {"v": value})
    if "allOf" in schema or "$ref" in schema:
        assert send(operation, {"v": 5}).violations != [] and reply(operation, {"v": 5}) != []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "nullable": False},
        {"allOf": [{"$ref": "#/components/schemas/S"}]},
        {"type": "string", "nullable": True, "enum": ["a"]},
        {"type": "object", "properties": {}},
    ],
)
def test_without_nullable_null_is_refused(schema):
    operation = with_body(
        {"type": "object", "properties": {"v": schema}}, components={"schemas": {"S": {"type": "string"}}}
    )
    assert send(operation, {"v": None}).violations != [] and reply(operation, {"v": None}) != []


def test_a_member_that_is_called_like_a_keyword():
    properties = {
        name: {"type": "integer"} for name in ("nullable", "example", "default", "enum", "discriminator", "$ref", "x-y")
    }
    operation = with_body({"type": "object", "properties": properties})
    for name in properties:
        assert brief(send(operation, {name: "x"}).violations) == [("body", f"/{name}", "type")]


def test_read_only_and_write_only_depend_on_the_direction():
    schema = {
        "type": "object",
        "required": ["id", "secret", "name"],
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "secret": {"$ref": "#/components/schemas/Secret"},
            "name": {"type": "string"},
        },
    }
    operation = with_body(schema, components={"schemas": {"Secret": {"type": "string", "writeOnly": True}}})
    assert send(operation, {"secret": "s", "name": "n"}).violations == []
    assert reply(operation, {"id": "i", "name": "n"}) == []
    assert brief(send(operation, {"id": "i", "secret": "s", "name": "n"}).violations) == [("body", "/id", "not")]
    assert brief(reply(operation, {"id": "i", "secret": "s", "name": "n"})) == [("body", "/secret", "not")]
    assert brief(send(operation, {}).violations) == [("body", "/secret", "required"), ("body", "/name", "required")]
    assert brief(reply(operation, {})) == [("body", "/id", "required"), ("body", "/name", "required")]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("uuid", "3f2a1c5e-8d47-4b6a-9e10-5c7d2b8f4a61", "3f2a1c5e8d474b6a9e105c7d2b8f4a61"),
        ("uuid", "3F2A1C5E-8D47-4B6A-9E10-5C7D2B8F4A61", "{3f2a1c5e-8d47-4b6a-9e10-5c7d2b8f4a61}"),
        ("byte", "bW9jaw==", "bW9jaw="),
        ("byte", "", "ä"),
        ("byte", "AA==", "A A="),
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-01-01T00:00:00.5+01:00", "2026-01-01 00:00"),
        ("email", "a@example.com", "a"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
    ],
)
def test_formats(version, name, good, bad):
    schema = {"type": "string", "format": name}
    assert sent(schema, good, version) == []
    assert [violation.keyword for violation in sent(schema, bad, version)] == ["format"]


def test_unknown_formats_are_only_words():
    for name in ("binary", "password", "float", "vendor-own"):
        assert sent({"type": "string", "format": name}, "anything") == []


@pytest.mark.parametrize(("name", "bits"), [("int32", 31), ("int64", 63)])
def test_integer_formats_are_ranges(name, bits):
    schema = {"type": "integer", "format": name, "allOf": [{"minimum": -(2**63)}]}
    for value in (2**bits - 1, -(2**bits), 0):
        assert sent(schema, value) == []
    assert sent(schema, 2**bits)[0].expected == f"at most {2**bits - 1}"
    if name == "int32":
        assert sent(schema, -(2**31) - 1)[0].keyword == "minimum"
    assert sent({"type": "integer", "format": name, "nullable": True}, 2**bits) != []


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("pattern", ["(?i)^AB+$", "^ab+\\Z", "^(?P<x>a)b+$", "^[a-z-.\\w]+b$", "^ab++$", "^ab+$"])
def test_patterns_of_other_dialects_are_checked(version, pattern):
    operation = with_body({"type": "object", "properties": {"v": {"pattern": pattern}}}, version=version)
    assert send(operation, {"v": "abb"}).violations == []
    violation = send(operation, {"v": "xa c"}).violations[0]
    assert violation.expected == f"text that matches {pattern}" and violation.pointer == "/v"


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_pattern_that_nobody_can_read_is_refused(version):
    with pytest.raises(ContractError, match=r"the pattern '\[' is no regular expression: unterminated"):
        sent({"pattern": "["}, "x", version)
    data = {"type": "object", "properties": {"pattern": {"type": "string"}}, "example": {"pattern": "["}}
    assert send(with_body(data, version=version), {"pattern": "["}).violations == []


def test_one_and_a_tenth_hundredths():
    # Decimal steps, which binary fractions cannot hold.
    for value in (19.99, 0.3, 1.1, 100):
        assert sent({"multipleOf": 0.01}, value) == []


ALTERNATIVES = {
    "oneOf": [
        {
            "type": "object",
            "required": ["kind"],
            "properties": {"kind": {"enum": ["cat"]}, "lives": {"type": "integer"}},
        },
        {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["dog"]}, "bark": {"type": "string"}}},
        {"type": "string"},
    ]
}


@pytest.mark.parametrize("word", ["oneOf", "anyOf"])
@pytest.mark.parametrize(
    ("value", "pointer", "keyword"),
    [
        ({"kind": "cat", "lives": "nine"}, "/lives", "type"),
        ({"kind": "dog", "bark": 5}, "/bark", "type"),
        ({}, "/kind", "required"),
    ],
)
def test_a_failed_choice_is_explained_by_the_nearest_alternative(word, value, pointer, keyword):
    assert brief(sent({word: ALTERNATIVES["oneOf"]}, value)) == [("body", pointer, keyword)]


def test_a_nullable_choice_is_explained_by_what_is_not_null():
    schema = {
        "type": "object",
        "properties": {"v": {"nullable": True, "allOf": [{"required": ["a"], "type": "object"}]}},
    }
    assert brief(sent(schema, {"v": {}})) == [("body", "/v/a", "required")]


PETS = {
    "schemas": {
        "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {}, "lives": {"type": "integer"}}},
        "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {}, "bark": {"type": "string"}}},
    }
}
REFS = [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]


@pytest.mark.parametrize("word", ["oneOf", "anyOf"])
def test_a_discriminator_decides(word):
    schema = {word: REFS, "discriminator": {"propertyName": "kind", "mapping": {"woof": "#/components/schemas/Dog"}}}
    for value in ({"kind": "Cat", "lives": 9}, {"kind": "woof", "bark": "x"}, {"kind": "woof", "lives": "any"}):
        assert sent(schema, value, components=PETS) == []
    assert brief(sent(schema, {"kind": "Cat", "lives": "x"}, components=PETS)) == [("body", "/lives", "type")]
    assert brief(sent(schema, {"kind": "woof", "bark": 5}, components=PETS)) == [("body", "/bark", "type")]
    assert [v.pointer for v in sent(schema, {"lives": 1}, components=PETS)] == ["/kind"]
    for kind in ("Dog", "Cow", 5, None):
        assert brief(sent(schema, {"kind": kind}, components=PETS)) == [("body", "/kind", "enum")]


def test_a_discriminator_may_name_schemas_without_a_path():
    schema = {"oneOf": REFS, "discriminator": {"propertyName": "kind", "mapping": {"a": "Cat", "b": "Cat", "c": "Dog"}}}
    for kind, fine in (("a", True), ("b", True), ("c", False)):
        assert (sent(schema, {"kind": kind, "bark": 5}, components=PETS) == []) is fine


def test_recursive_schemas():
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "n": {"type": "integer"}}}
    schemas = {"schemas": {"Node": node}}
    schema = {"$ref": "#/components/schemas/Node"}
    assert sent(schema, {"next": {"next": {"n": 1}}}, components=schemas) == []
    assert brief(sent(schema, {"next": {"next": {"n": "x"}}}, components=schemas)) == [("body", "/next/next/n", "type")]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("name", ["a b", "a/b", "ä", "Map«string,object»", "a~b", "a%b", "100%", "schemas", "a.b-c_d"])
def test_names_with_odd_characters_are_found(version, name):
    schemas = {"schemas": {name: {"type": "integer", "minimum": 5}}}
    raw = name.replace("~", "~0").replace("/", "~1")
    for pointer in (quote(raw), raw) if "%" not in raw else (quote(raw),):
        schema = {"$ref": f"#/components/schemas/{pointer}"}
        assert brief(sent(schema, 1, version, components=schemas)) == [("body", "", "minimum")]


def test_many_breaches_are_told_up_to_a_number_and_none_twice():
    schema = {"type": "array", "items": {"type": "integer"}}
    assert len(sent(schema, ["x"] * 50)) == 20
    twice = {"allOf": [{"type": "integer"}, {"type": "integer"}]}
    assert len(sent(twice, "x")) == 1


def test_long_values_are_cut():
    violation = sent({"type": "integer"}, "x" * 1000)[0]
    assert len(violation.found) < 80 and violation.found.endswith("…")


uuid_like = st.from_regex(r"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z") | st.from_regex(
    r"\A\{?[0-9a-gA-G٣]{7,9}(-?[0-9a-f]{4}){3}[- ]?[0-9a-f]{11,13}\}?\n?\Z"
)
WITH_UUID = {
    version: with_body({"type": "string", "format": "uuid"}, version=version) for version in ("3.0.3", "3.1.0")
}


@settings(max_examples=300)
@given(uuid_like | st.text(max_size=40))
def test_a_uuid_is_the_form_with_hyphens(text):
    fine = re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None
    for operation in WITH_UUID.values():
        assert (send(operation, text).violations == []) is fine


def test_a_validator_takes_in_only_what_it_reaches():
    broken = {"type": "object", "properties": {"x": {"pattern": "["}, "y": {"$ref": "#/components/schemas/No"}}}
    schemas = {"A": {"items": {"$ref": "#/components/schemas/B"}}, "B": {"type": "integer"}, "C": broken}
    assert sent({"$ref": "#/components/schemas/A"}, [1], components={"schemas": schemas}) == []
    with pytest.raises(ContractError):
        sent({"$ref": "#/components/schemas/C"}, [1], components={"schemas": schemas})


def test_a_component_that_rows_are_held_against_is_prepared_once(monkeypatch):
    made = body_contract({}, components={"schemas": {"Row": {"type": "object", "required": ["id"]}}})
    asked, prepare = [], Schemas.validator
    monkeypatch.setattr(Schemas, "validator", lambda self, schema: asked.append(schema) or prepare(self, schema))
    assert [brief(made.check_schema("Row", row)) for row in ({"id": 1}, {})] == [[], [("body", "/id", "required")]]
    assert len(asked) == 1


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_reference_that_leads_nowhere_is_named(version):
    with pytest.raises(ContractError, match="refers to '#/components/schemas/No', which is not in the document"):
        sent({"$ref": "#/components/schemas/No"}, 1, version)


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_formats_that_python_checks_go_only_where_they_are_used(version):
    # They make every validation slower, so those of the neighbours must not come along.
    schemas = {
        "Plain": {"type": "string", "format": "uuid"},
        "Bytes": {"type": "string", "format": "byte"},
        "Text": {"type": "string", "pattern": "a\\Z"},
        "Both": {"items": {"$ref": "#/components/schemas/Bytes"}, "not": {"$ref": "#/components/schemas/Text"}},
    }
    made = Schemas({"openapi": version, "components": {"schemas": schemas}})

    def formats(name):
        return sorted(made.reach(made.reference(f"/components/schemas/{name}", "request"))[1])

    assert {name: formats(name) for name in schemas} == {
        "Plain": [],
        "Bytes": ["byte"],
        "Text": ["text that matches a\\Z"],
        "Both": ["byte", "text that matches a\\Z"],
    }


def test_each_schema_is_rewritten_once_for_a_direction():
    schemas = {"A": {"properties": {"b": {"$ref": "#/components/schemas/B"}}}, "B": {"type": "integer"}}
    for version, directions in (("3.0.3", 2), ("3.1.0", 1)):
        made = Schemas({"openapi": version, "components": {"schemas": schemas}})
        found = set()
        for _ in range(2):
            for direction in ("request", "response"):
                reference = made.reference("/components/schemas/A", direction)
                made.validator(reference)
                found.add(reference["$ref"])
        assert len(found) == directions


TREE = {
    "$dynamicAnchor": "node",
    "type": "object",
    "properties": {"value": {"type": "integer"}, "below": {"type": "array", "items": {"$dynamicRef": "#node"}}},
}


def test_dynamic_references_of_two_schemas_do_not_meet():
    other = {**TREE, "properties": {**TREE["properties"], "value": {"type": "string"}}}
    schemas = {"schemas": {"Tree": TREE, "Other": other}}
    both = {"properties": {"a": {"$ref": "#/components/schemas/Tree"}, "b": {"$ref": "#/components/schemas/Other"}}}
    value = {"a": {"below": [{"value": 1}]}, "b": {"below": [{"value": "x"}]}}
    assert sent(both, value, "3.1.0", components=schemas) == []
    found = sent(both, {"a": value["b"], "b": value["a"]}, "3.1.0", components=schemas)
    assert brief(found) == [("body", "/a/below/0/value", "type"), ("body", "/b/below/0/value", "type")]


def test_a_schema_with_an_id_still_refers_into_the_document():
    schemas = {
        "A": {"$id": "https://example.com/a", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
        "B": {"type": "integer"},
    }
    schema = {"$ref": "#/components/schemas/A"}
    found = sent(schema, {"b": "x"}, "3.1.0", components={"schemas": schemas})
    assert brief(found) == [("body", "/b", "type")]


EVIL = [
    ("^(a+)+$", "a", "!"),
    ("^(?:a|a)*$", "a", "!"),
    ("(?=a)(a+)+$", "a", "!"),
    ("(?=a)(a|a)+(?!b)$", "a", "!"),
    ("(?i)^(a+)+$", "a", "!"),
    ("^(a+)+\\Z", "a", "!"),
    ("(?#slow)^(a+)+$", "a", "!"),
    ("(.*)*(?=y)x", "x", ""),
]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize(("pattern", "letter", "end"), EVIL)
@pytest.mark.timeout(10)
def test_no_pattern_takes_forever(version, pattern, letter, end):
    operation = with_body({"type": "string", "pattern": pattern}, version=version)
    for length in (30, 8191, 200_000):
        assert send(operation, letter * length + end).violations
    assert not send(operation, "a").violations or pattern.startswith("(.*)")


def test_a_pattern_that_only_a_backtracking_engine_reads_is_refused_or_looks_at_short_texts():
    patterns = Patterns(jsonschema_rs.Draft4Validator)
    assert "can take forever" in patterns.fault("(?>a+)+(b)+$")
    _, short = patterns.instead("(?>a+)b$")
    assert short("aab") and not short("aa") and not short("a" * 100_000 + "b")
    assert patterns.instead("^[\\w-.]+$")[1]("a-" * 100_000), "another spelling of it is linear"


def test_names_of_members_may_be_matched_with_lookaround():
    operation = with_body({"patternProperties": {"^(?!x-)": {"type": "integer"}}}, version="3.1.0")
    assert send(operation, {"x-a": "b", "a": 1}).violations == []
    assert send(operation, {"a": "b"}).violations


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("kind", ["integer", ["integer", "null"]])
def test_the_format_of_an_integer_bounds_it(version, kind):
    if isinstance(kind, list) and version.startswith("3.0"):
        schema = {"type": "integer", "nullable": True, "format": "int32"}
    else:
        schema = {"type": kind, "format": "int32"}
    assert sent(schema, 2**31 - 1, version) == []
    assert brief(sent(schema, 2**31, version)) == [("body", "", "maximum")]
    assert brief(sent(schema, -(2**31) - 1, version)) == [("body", "", "minimum")]


def test_the_shape_of_schemas_that_all_refer_to_all_looks_at_each_once_for_each_level(monkeypatch):
    names = [f"S{number}" for number in range(20)]
    parts = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schemas = {name: {"properties": {name: {"type": "integer"}}, "allOf": parts} for name in names}
    refs = Refs({"openapi": "3.1.0", "components": {"schemas": schemas}})
    followed = []

    def follow(node, pointer):
        followed.append(node)
        assert len(followed) < 4_000, "the work grows with the number of ways"
        return Refs.follow(refs, node, pointer)

    monkeypatch.setattr(refs, "follow", follow)
    assert set(shape_of(refs, parts[0]).properties) == set(names)


def large(count, key="200", **more):
    """A contract whose responses each reach more than a hundred schemas, the same ones."""
    schemas = {f"S{n}": {"type": "object", "properties": {"next": named(f"S{(n + 1) % 120}")}} for n in range(120)}
    schemas["S0"]["properties"]["number"] = {"type": "integer"}
    paths = {}
    for n in range(count):
        schema = {"type": "object", "required": [f"m{n}"], "properties": {f"m{n}": named(f"S{n}")}}
        content = {"application/json": {"schema": schema}}
        paths[f"/{n}"] = {"get": {"responses": {key: {"description": "", "content": content}}}}
    return contract(paths, "3.1.0", components={"schemas": schemas | more})


def named(name):
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.mark.parametrize("key", ["200", "2XX", "default"])
def test_large_responses_are_compiled_together_and_say_the_same(monkeypatch, key):
    made = []
    compiled = Schemas._compiled
    monkeypatch.setattr(Schemas, "_compiled", lambda self, schema: made.append(schema) or compiled(self, schema))
    whole = large(20, key)  # operations are compiled together as long as their contract is there
    operations = list(whole.operations.values())
    for n, operation in enumerate(operations):
        assert operation.check_response(Response(200, {f"m{n}": {"next": {}}})) == []
    assert len(made) == PATIENCE + 1
    for n, operation in enumerate(operations):
        wrong = {f"m{n}": {"next": 1}}
        told = [(violation.pointer, violation.keyword) for violation in operation.check_response(Response(200, wrong))]
        assert told == [(f"/m{n}/next", "type")]
        assert [violation.keyword for violation in operation.check_response(Response(200, {}))] == ["required"]


def test_a_broken_schema_breaks_no_other_one():
    made = large(20)
    made.document["paths"]["/19"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = named("None")
    *whole, broken = made.operations.values()
    for n, operation in enumerate(whole):
        assert operation.check_response(Response(200, {f"m{n}": {}})) == []
        assert operation.check_response(Response(200, {f"m{n}": 1}))
    with pytest.raises(ContractError, match="None"):
        broken.check_response(Response(200, {}))
