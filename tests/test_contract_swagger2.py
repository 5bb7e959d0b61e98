"""A Swagger 2.0 document is converted when it is loaded; what cannot be converted is said."""

from __future__ import annotations

import pytest
import yaml
from contracts import brief, reply, send

from mockserver.contract import load_contract
from mockserver.errors import ContractError
from mockserver.messages import Request

TEXT = """\
swagger: '2.0'
info: {title: Shop, version: '1'}
host: api.shop.test
basePath: /v2
schemes: [https, http]
consumes: [application/json]
produces: [application/json]
security: [{key: []}]
securityDefinitions:
  key: {type: apiKey, in: header, name: X-Key}
  basic: {type: basic}
  oauth: {type: oauth2, flow: accessCode, authorizationUrl: 'https://x.test/', tokenUrl: 'https://x.test/', scopes: {}}
parameters:
  Limit: {name: limit, in: query, type: integer, maximum: 10}
  Pet: {name: pet, in: body, required: true, schema: {$ref: '#/definitions/Pet'}}
  Field: {name: note, in: formData, type: string, required: true}
responses:
  Missing: {description: none, schema: {$ref: '#/definitions/Error'}}
paths:
  /pets:
    parameters: [{$ref: '#/parameters/Limit'}]
    get:
      operationId: list
      parameters:
        - {name: tags, in: query, type: array, items: {type: string}, collectionFormat: pipes}
        - {name: ids, in: query, type: array, items: {type: integer}, collectionFormat: multi}
        - {name: names, in: query, type: array, items: {type: string, minLength: 2}}
      responses:
        200:
          description: fine
          schema: {type: array, items: {$ref: '#/definitions/Pet'}}
          headers: {X-Total: {type: integer}}
          examples: {application/json: [{name: a}]}
        404: {$ref: '#/responses/Missing'}
    post:
      operationId: create
      parameters: [{$ref: '#/parameters/Pet'}]
      responses: {201: {description: made}}
  /forms:
    post:
      operationId: send
      consumes: [application/x-www-form-urlencoded]
      parameters:
        - {$ref: '#/parameters/Field'}
        - {name: count, in: formData, type: integer}
      responses: {200: {description: x}}
  /files:
    post:
      operationId: upload
      parameters: [{name: data, in: formData, type: file, required: true}]
      responses: {200: {description: x, schema: {type: file}}}
definitions:
  Pet:
    type: object
    required: [name]
    properties: {name: {type: string, x-nullable: true}, age: {type: integer, format: int32}}
  Error: {type: object, properties: {code: {type: string}}}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text=TEXT, strict=True):
        (tmp_path / "api.yaml").write_text(text)
        return load_contract(tmp_path / "api.yaml", strict=strict)

    return loaded


def test_nothing_is_lost_of_a_document_that_3_0_can_say(load):
    made = load()
    assert made.faults == [] and made.document["openapi"] == "3.0.3"
    assert list(made.operations) == ["list", "create", "send", "upload"]
    assert made.base_paths == ["/v2"]
    assert [s["url"] for s in made.document["servers"]] == ["https://api.shop.test/v2", "http://api.shop.test/v2"]


def test_parameters_are_read_as_their_collection_format_says(load):
    operation = load().operations["list"]
    checked = send(operation, query="tags=a|b&ids=1&ids=2&names=ab,cd&limit=3")
    assert checked.violations == []
    assert checked.params == {"tags": ["a", "b"], "ids": [1, 2], "names": ["ab", "cd"], "limit": 3}
    assert brief(send(operation, query="limit=11&names=a").violations) == [
        ("query", "limit", "maximum"),
        ("query", "names/0", "minLength"),
    ]


def test_bodies_and_forms_become_request_bodies(load):
    operations = load().operations
    assert send(operations["create"], {"name": None, "age": 1}).violations == []
    assert brief(send(operations["create"], {"age": 2**31}).violations) == [
        ("body", "/name", "required"),
        ("body", "/age", "maximum"),
    ]
    form = {"raw": b"note=a&count=2", "content_type": "application/x-www-form-urlencoded"}
    assert send(operations["send"], **form).body == {"note": "a", "count": 2}
    form["raw"] = b"count=x"
    assert len(send(operations["send"], **form).violations) == 2
    assert list(operations["upload"].node["requestBody"]["content"]) == ["multipart/form-data"]


def test_responses_have_content_headers_and_examples(load):
    made = load()
    operation = made.operations["list"]
    content = operation.response(200).node["content"]
    assert content["application/json"]["example"] == [{"name": "a"}]
    assert reply(operation, [{"name": 5}]) and reply(operation, [{"name": "a"}], headers={"x-total": "a"})
    assert reply(operation, {"code": "x"}, 404) == [] and reply(operation, {"code": 1}, 404)


def test_security_schemes_are_converted(load):
    made = load()
    schemes = made.document["components"]["securitySchemes"]
    assert schemes["basic"] == {"type": "http", "scheme": "basic"}
    assert list(schemes["oauth"]["flows"]) == ["authorizationCode"]
    assert made.security(made.operations["list"])[0][0].name == "X-Key"


def test_a_discriminator_is_the_name_of_a_property(load):
    text = TEXT.replace(
        "    type: object\n    required: [name]", "    type: object\n    discriminator: name\n    required: [name]"
    )
    assert load(text).document["components"]["schemas"]["Pet"]["discriminator"] == {"propertyName": "name"}


def test_what_cannot_be_converted_is_told_with_its_place(load):
    text = TEXT.replace("collectionFormat: pipes", "collectionFormat: tsv")
    fault = load(text).faults[0]
    assert (fault.severity, fault.rule_id, fault.line) == ("warning", "conversion", 25)
    assert fault.pointer == "/paths/~1pets/get/parameters/0/collectionFormat"


SCHEMA = "/paths/~1pets/get/responses/200/schema"


@pytest.mark.parametrize(
    ("old", "new", "line", "pointer"),
    [
        ("Pet'}}\n          headers", "No'}}\n          headers", 31, f"{SCHEMA}/items/$ref"),
        ("age: {type: integer", "age: {type: strng", 56, "/definitions/Pet/properties/age/type"),
        ("type: integer, maximum: 10", "type: integer, maximum: x", 14, "/parameters/Limit/maximum"),
    ],
)
def test_a_fault_is_told_where_it_stands_in_the_swagger_document(load, old, new, line, pointer):
    made = load(TEXT.replace(old, new), strict=False)
    assert [(fault.line, fault.pointer) for fault in made.faults] == [(line, pointer)]
    with pytest.raises(ContractError, match=f"api.yaml:{line}: "):
        load(TEXT.replace(old, new))


@pytest.mark.parametrize(
    "broken", [5, [], None, {"post": {"parameters": [5, {"in": "body"}]}}, {"get": {"responses": 5}}]
)
def test_a_broken_part_does_not_hide_the_others(load, broken):
    document = yaml.safe_load(TEXT)
    document["paths"]["/broken"] = broken
    document["parameters"]["Broken"] = broken
    made = load(yaml.safe_dump(document), strict=False)
    assert made.match("GET", ["pets"])[0].check_request(Request("GET", "/pets"), {}).violations == []
