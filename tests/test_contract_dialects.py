"""What schemas mean: drafts and dynamic references in 3.1, hidden members and discriminators in 3.0."""

from __future__ import annotations

import json

import pytest
from contracts import reply, send

from mockserver.contract import load_contract


def served(tmp_path, schema, version="3.1.1", schemas=(), **more):
    content = {"content": {"application/json": {"schema": schema}}}
    post = {
        "operationId": "x",
        "requestBody": {"required": True, **content},
        "responses": {"200": {"description": "x", **content}},
    }
    document = {
        "openapi": version,
        "info": {"title": "T", "version": "1"},
        "paths": {"/x": {"post": post}},
        "components": {"schemas": dict(schemas)},
        **more,
    }
    (tmp_path / "api.json").write_text(json.dumps(document))
    made = load_contract(tmp_path / "api.json", strict=False)
    assert [fault for fault in made.faults if fault.severity == "error"] == []
    return made.operations["x"]


def accepts(operation, value):
    return not send(operation, value).violations


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


TREE = {
    "$id": "https://x.test/tree",
    "$dynamicAnchor": "node",
    "type": "object",
    "properties": {"data": True, "children": {"type": "array", "items": {"$dynamicRef": "#node"}}},
}
STRICT = {
    "$id": "https://x.test/strict",
    "$dynamicAnchor": "node",
    "$ref": "tree",
    "unevaluatedProperties": False,
}


def test_a_dynamic_reference_means_the_outermost_anchor_of_its_name(tmp_path):
    schemas = {"Tree": TREE, "Strict": STRICT}
    typo = {"children": [{"children": [{"daat": 1}]}]}
    assert accepts(served(tmp_path, {"$ref": "https://x.test/tree"}, schemas=schemas), typo)
    strict = served(tmp_path, ref("Strict"), schemas=schemas)
    assert not accepts(strict, typo) and accepts(strict, {"children": [{"data": 1}]})


def test_a_template_is_filled_by_a_dynamic_anchor_of_the_schema_that_uses_it(tmp_path):
    page = {
        "$id": "page",
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"$dynamicRef": "#T"}}},
        "$defs": {"T": {"$dynamicAnchor": "T", "not": {}}},
    }
    schemas = {"Page": page}
    for name, kind in (("Users", "integer"), ("Texts", "string")):
        schemas[name] = {"$id": name, "$ref": "page", "$defs": {"T": {"$dynamicAnchor": "T", "type": kind}}}
    operation = served(tmp_path, {"anyOf": [ref("Users"), ref("Texts")]}, schemas=schemas)
    assert accepts(operation, {"items": [1, 2]}) and accepts(operation, {"items": ["a"]})
    assert not accepts(operation, {"items": [1, "a"]})
    assert not accepts(served(tmp_path, ref("Page"), schemas=schemas), {"items": [1]})


def test_a_dynamic_reference_without_a_dynamic_anchor_is_a_plain_one(tmp_path):
    schemas = {"N": {"$anchor": "n", "type": "integer"}}
    operation = served(tmp_path, {"items": {"$dynamicRef": "#n", "minimum": 3}}, schemas=schemas)
    assert accepts(operation, [3]) and not accepts(operation, ["a"]) and not accepts(operation, [2])


def test_a_recursive_reference_of_2019_09_is_followed(tmp_path):
    draft = {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": True}
    plain = {**draft, "$id": "https://x.test/a", "properties": {"c": {"items": {"$recursiveRef": "#"}}}}
    strict = {**draft, "$id": "https://x.test/b", "$ref": "a", "unevaluatedProperties": False}
    schemas = {"A": plain, "B": strict}
    assert accepts(served(tmp_path, ref("A"), schemas=schemas), {"c": [{"x": 1}]})
    operation = served(tmp_path, ref("B"), schemas=schemas)
    assert accepts(operation, {"c": [{"c": []}]}) and not accepts(operation, {"c": [{"x": 1}]})


@pytest.mark.parametrize("as_default", [True, False])
@pytest.mark.parametrize(
    ("draft", "schema", "good", "bad"),
    [
        ("draft-07", {"items": [{"type": "integer"}], "additionalItems": False}, [1], [1, 2]),
        ("draft-07", {"dependencies": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
        ("draft-06", {"dependencies": {"a": {"required": ["b"]}}}, {"a": 1, "b": 1}, {"a": 1}),
        ("draft-04", {"minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ("draft-04", {"maximum": 1, "exclusiveMaximum": False}, 1, 2),
        ("draft-07", {"$ref": "#/components/schemas/N", "minimum": 5}, 1, "a"),
    ],
)
def test_older_drafts_mean_what_they_say(tmp_path, draft, schema, good, bad, as_default):
    name = f"http://json-schema.org/{draft}/schema#"
    schemas = {"N": {"type": "integer"}, "S": schema if as_default else {"$schema": name, **schema}}
    more = {"jsonSchemaDialect": name} if as_default else {}
    operation = served(tmp_path, ref("S"), schemas=schemas, **more)
    assert accepts(operation, good) and not accepts(operation, bad)


def test_members_beside_a_reference_count_in_3_1_and_not_in_3_0(tmp_path):
    schema, schemas = {**ref("N"), "minimum": 5}, {"N": {"type": "integer"}}
    assert accepts(served(tmp_path, schema, "3.0.3", schemas), 1)
    assert not accepts(served(tmp_path, schema, "3.1.0", schemas), 1)


BASE = {"type": "object", "properties": {"id": {"type": "integer", "readOnly": True}, "name": {"type": "string"}}}
DEMANDING = {
    "in another branch": {"allOf": [ref("Base"), {"type": "object", "required": ["id", "name"]}]},
    "around the branch": {"required": ["id", "name"], "allOf": [ref("Base")]},
    "in a shared branch": {"allOf": [ref("Base"), ref("Demand")]},
    "deep in a shared branch": {"allOf": [{"allOf": [ref("Base")]}, {"allOf": [ref("Demand")]}]},
    "in each choice": {"allOf": [ref("Base")], "oneOf": [{"required": ["id", "name"]}]},
}


@pytest.mark.parametrize("schema", DEMANDING.values(), ids=DEMANDING)
def test_what_is_read_only_in_one_branch_is_not_demanded_by_another(tmp_path, schema):
    schemas = {"Base": BASE, "Demand": {"type": "object", "required": ["id", "name"]}}
    operation = served(tmp_path, schema, "3.0.3", schemas)
    assert accepts(operation, {"name": "a"}) and not accepts(operation, {})
    assert reply(operation, {"id": 1, "name": "a"}) == [] and reply(operation, {"name": "a"})


def test_what_is_write_only_in_one_branch_is_not_demanded_of_a_response(tmp_path):
    base = {"properties": {"key": {"type": "string", "writeOnly": True}}}
    operation = served(tmp_path, {"allOf": [ref("Base"), {"required": ["key"]}]}, "3.0.3", {"Base": base})
    assert reply(operation, {}) == [] and not accepts(operation, {}) and accepts(operation, {"key": "a"})


def kind(name, **more):
    return {"type": "object", "required": ["kind", name], "properties": {"kind": {"type": "string"}, name: {}}, **more}


def union(*names, **mapping):
    discriminator = {"propertyName": "kind", **({"mapping": mapping} if mapping else {})}
    return {"oneOf": [ref(name) for name in names], "discriminator": discriminator}


ANIMALS = {"Cat": kind("meow"), "Dog": kind("bark"), "Fish": kind("swim"), "Pets": union("Cat", "Dog", cat="Cat")}


def test_a_union_of_unions_takes_the_names_of_the_inner_ones(tmp_path):
    operation = served(tmp_path, union("Pets", "Fish"), "3.0.3", ANIMALS)
    assert accepts(operation, {"kind": "cat", "meow": 1}) and accepts(operation, {"kind": "Dog", "bark": 1})
    assert accepts(operation, {"kind": "Fish", "swim": 1})
    assert not accepts(operation, {"kind": "Fish", "bark": 1}) and not accepts(operation, {"kind": "cat", "bark": 1})


def test_a_mapping_may_name_a_schema_or_refer_to_it(tmp_path):
    schema = union("Cat", "Dog", c="Cat", d="#/components/schemas/Dog")
    operation = served(tmp_path, schema, "3.0.3", ANIMALS)
    assert accepts(operation, {"kind": "c", "meow": 1}) and accepts(operation, {"kind": "d", "bark": 1})
    assert not accepts(operation, {"kind": "c", "bark": 1})


def test_from_3_0_4_on_a_discriminator_changes_nothing(tmp_path):
    value = {"kind": "whatever", "meow": 1}
    assert not accepts(served(tmp_path, union("Cat", "Dog"), "3.0.3", ANIMALS), value)
    assert accepts(served(tmp_path, union("Cat", "Dog"), "3.0.4", ANIMALS), value)


def test_a_tag_that_contradicts_the_names_is_believed(tmp_path):
    tagged = {
        name: kind(verb, properties={"kind": {"enum": [tag]}, verb: {}})
        for name, verb, tag in (("Cat", "meow", "CAT"), ("Dog", "bark", "DOG"))
    }
    operation = served(tmp_path, union("Cat", "Dog"), "3.0.3", tagged)
    assert accepts(operation, {"kind": "CAT", "meow": 1}) and not accepts(operation, {"kind": "DOG", "meow": 1})


def test_a_default_mapping_of_3_2_does_not_change_what_is_valid(tmp_path):
    schema = union("Cat", "Dog", c="Cat")
    schema["discriminator"]["defaultMapping"] = "Dog"
    operation = served(tmp_path, schema, "3.2.0", ANIMALS)
    assert accepts(operation, {"kind": "x", "bark": 1}) and accepts(operation, {"kind": "x", "meow": 1})
    assert not accepts(operation, {"kind": "c", "swim": 1})


def test_members_of_3_2_are_known(tmp_path):
    schema = {
        "type": "object",
        "discriminator": {"propertyName": "kind", "defaultMapping": "Cat"},
        "anyOf": [ref("Cat")],
    }
    tags = [{"name": "a", "kind": "nav"}, {"name": "b", "parent": "a", "summary": "B"}]
    assert accepts(served(tmp_path, schema, "3.2.0", ANIMALS, tags=tags), {"kind": "x", "meow": 1})


def test_a_whole_document_of_3_2_loads_without_a_fault(tmp_path):
    text = """\
openapi: 3.2.0
$self: https://x.test/v1/openapi.yaml
info: {title: T, version: '1', summary: S}
servers: [{url: ./, name: here}]
tags: [{name: a}, {name: b, parent: a, kind: nav}]
paths:
  /events:
    query:
      operationId: search
      parameters:
        - in: querystring
          name: q
          content: {application/x-www-form-urlencoded: {schema: {type: object}}}
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses:
        '200':
          summary: A stream.
          content:
            application/jsonl: {itemSchema: {$ref: '#/components/schemas/Event'}}
            text/event-stream: {$ref: '#/components/mediaTypes/Stream'}
    additionalOperations:
      LINK: {operationId: link, responses: {'200': {description: x}}}
components:
  mediaTypes:
    Stream: {itemSchema: {$ref: '#/components/schemas/Event'}}
  schemas:
    Event: {type: object, properties: {id: {type: integer, xml: {nodeType: attribute}}}}
"""
    (tmp_path / "api.yaml").write_text(text)
    made = load_contract(tmp_path / "api.yaml", strict=True)
    assert made.faults == [] and list(made.operations) == ["search", "link"] and made.base_paths == ["/v1"]
    broken = text.replace("{type: integer,", "{type: strng,")
    broken = broken.replace("jsonl: {itemSchema: {$ref: '#", "jsonl: {itemSchema: {$ref: '#/no")
    (tmp_path / "api.yaml").write_text(broken)
    faults = load_contract(tmp_path / "api.yaml", strict=False).faults
    assert [fault.pointer.rsplit("/", 1)[1] for fault in faults] == ["$ref", "type"]
