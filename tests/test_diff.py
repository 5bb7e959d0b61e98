"""What changed between two documents: a table of changes to one document, each with the rules that are right."""

# ruff: noqa: E501 - a row of the table is a line

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.contract.diff.containment import contained
from mockserver.contract.diff.findings import Finding
from mockserver.contract.diff.normal import Side
from mockserver.contract.diff.operations import differences
from mockserver.contract.diff.proof import Proof
from mockserver.contract.diff.rules import RULES
from mockserver.contract.diff.witness import Pair
from mockserver.contract.load import contract_of
from mockserver.text.documents import parse, parts_of
from mockserver.text.matchers import MISSING

BASE = """\
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: https://shop.example/v1}]
security: [{key: []}]
paths:
  /pets:
    get:
      operationId: listPets
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100, default: 20}}
        - {name: sort, in: query, schema: {enum: [name, age]}}
        - {name: tags, in: query, schema: {type: array, items: {type: string}}}
        - {name: X-Trace, in: header, schema: {type: string}}
      responses:
        '200':
          description: pets
          headers:
            X-Total: {required: true, schema: {type: integer}}
            X-Page: {schema: {type: integer}}
          content:
            application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}}
        '404': {description: none}
        default:
          description: an error
          content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}
    post:
      operationId: createPet
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/NewPet'}}
      responses:
        '201': {description: made, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      callbacks:
        made:
          '{$request.body#/url}':
            post:
              requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Event'}}}}
              responses: {'204': {description: taken}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get:
      operationId: readPet
      security: [{oauth: [read]}, {key: []}]
      responses:
        '200': {description: a pet, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
    delete:
      operationId: deletePet
      deprecated: true
      responses: {'204': {description: gone}}
  /open:
    post:
      operationId: open
      security: []
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Closed'}}}}
      responses:
        '200': {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Closed2'}}}}
webhooks:
  paid:
    post:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Event'}}}}
      responses: {'200': {description: taken}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
    oauth: {type: oauth2, flows: {}}
  schemas:
    NewPet:
      type: object
      required: [name]
      properties:
        name: {type: string, minLength: 1, maxLength: 40}
        kind: {type: string, enum: [cat, dog]}
        age: {type: integer, minimum: 0, maximum: 30}
        weight: {type: number, multipleOf: 0.5}
        code: {type: string, pattern: '^[a-z]+$'}
        born: {type: string, format: date}
        nick: {type: [string, 'null']}
        tags: {type: array, minItems: 1, maxItems: 5, items: {type: string, maxLength: 10}}
        set: {type: array, uniqueItems: true, items: {type: integer}}
        owner: {type: object, required: [id], properties: {id: {type: string}, mail: {type: string}}}
        pair: {type: array, prefixItems: [{type: string}, {type: integer}]}
        labels: {type: object, maxProperties: 9, additionalProperties: {type: string}}
        toy: {oneOf: [{type: string}, {$ref: '#/components/schemas/Ball'}]}
        free: {}
    Pet:
      type: object
      required: [id, name]
      properties:
        id: {type: string}
        name: {type: string, minLength: 1, maxLength: 40}
        kind: {type: string, enum: [cat, dog]}
        age: {type: integer, minimum: 0, maximum: 30}
        weight: {type: number, multipleOf: 0.5}
        code: {type: string, pattern: '^[a-z]+$'}
        born: {type: string, format: date}
        nick: {type: [string, 'null']}
        tags: {type: array, minItems: 1, maxItems: 5, items: {type: string, maxLength: 10}}
        set: {type: array, uniqueItems: true, items: {type: integer}}
        owner: {type: object, required: [id], properties: {id: {type: string}, mail: {type: string}}}
        pair: {type: array, prefixItems: [{type: string}, {type: integer}]}
        labels: {type: object, maxProperties: 9, additionalProperties: {type: string}}
        toy: {oneOf: [{type: string}, {$ref: '#/components/schemas/Ball'}]}
        parent: {$ref: '#/components/schemas/Tree'}
        free: {}
    Ball: {type: object, required: [size], properties: {size: {type: integer}}}
    Tree: {type: object, properties: {name: {type: string}, below: {type: array, items: {$ref: '#/components/schemas/Tree'}}}}
    Error: {type: object, required: [code], properties: {code: {type: integer}, text: {type: string}}}
    Event: {type: object, required: [id], properties: {id: {type: string}, kind: {enum: [made, paid]}}}
    Closed: {type: object, additionalProperties: false, properties: {a: {type: string}, b: {type: string}}}
    Closed2: {type: object, additionalProperties: false, properties: {a: {type: string}, b: {type: string}}}
"""

NEW = "/components/schemas/NewPet"
PET = "/components/schemas/Pet"
LIST = "/paths/~1pets/get"
MAKE = "/paths/~1pets/post"
READ = "/paths/~1pets~1{id}/get"
LIMIT = f"{LIST}/parameters/0"
OK = f"{LIST}/responses/200"

Edit = tuple[str, Any]
GONE = object()


def edited(document: dict[str, Any], edits: list[Edit]) -> dict[str, Any]:
    """A copy of a document with the values at some pointers set, or removed; `-` after a list's pointer appends."""
    new = copy.deepcopy(document)
    for pointer, value in edits:
        *above, last = parts_of(pointer)
        node: Any = new
        for part in above:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if isinstance(node, list):
            if last == "-":
                node.append(value)
            elif value is GONE:
                del node[int(last)]
            else:
                node[int(last)] = value
        elif value is GONE:
            del node[last]
        else:
            node[last] = value
    return new


def findings(old: dict[str, Any], new: dict[str, Any]) -> list[Finding]:
    return differences(contract_of(old, "old"), contract_of(new, "new"))


DOCUMENT = parse(BASE, "base")


def both(path: str, value: Any) -> list[Edit]:
    """The same edit of what is sent and of what is read."""
    return [(f"{NEW}/properties/{path}", value), (f"{PET}/properties/{path}", value)]


def added(name: str, value: Any, required: bool = False) -> list[Edit]:
    return [
        *both(name, value),
        *([(f"{NEW}/required/-", name), (f"{PET}/required/-", name)] if required else []),
    ]


STRING = {"type": "string"}
BALL = {"$ref": "#/components/schemas/Ball"}

# Each: a name, the edits, and every rule that is right.
CHANGES: list[tuple[str, list[Edit], set[str]]] = [
    # -- what is no change
    ("nothing", [], set()),
    ("a description", [("/info/description", "x"), (f"{LIST}/summary", "x")], set()),
    ("a description of a schema", [(f"{NEW}/description", "x"), (f"{PET}/title", "x")], set()),
    ("an example", [(f"{NEW}/properties/name/examples", ["Rex"])], set()),
    ("a schema inlined", [(f"{NEW}/properties/toy/oneOf/1", DOCUMENT["components"]["schemas"]["Ball"])], set()),
    ("a schema renamed", [
        ("/components/schemas/Sphere", DOCUMENT["components"]["schemas"]["Ball"]),
        *both("toy/oneOf/1", {"$ref": "#/components/schemas/Sphere"}),
        ("/components/schemas/Ball", GONE),
    ], set()),
    ("a recursive schema renamed", [
        ("/components/schemas/Wood", {"type": "object", "properties": {
            "name": STRING, "below": {"type": "array", "items": {"$ref": "#/components/schemas/Wood"}}}}),
        (f"{PET}/properties/parent", {"$ref": "#/components/schemas/Wood"}),
    ], set()),
    ("members moved into an allOf", [
        (f"{NEW}/allOf", [{"properties": {"born": {"type": "string", "format": "date"}}}]),
        (f"{NEW}/properties/born", GONE),
    ], set()),
    ("required moved into an allOf", [(f"{NEW}/allOf", [{"required": ["name"]}]), (f"{NEW}/required", GONE)], set()),
    ("wrapped in a oneOf of one", both("owner", {"oneOf": [DOCUMENT["components"]["schemas"]["NewPet"]["properties"]["owner"]]}), set()),
    ("wrapped in an anyOf of one", both("age", {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 30}]}), set()),
    ("wrapped in an allOf of one", both("toy", {"allOf": [{"oneOf": [STRING, BALL]}]}), set()),
    ("alternatives in another order", both("toy", {"oneOf": [BALL, STRING]}), set()),
    ("enum in another order", both("kind/enum", ["dog", "cat"]), set()),
    ("types in another order", both("nick/type", ["null", "string"]), set()),
    ("null as an alternative", both("nick", {"anyOf": [STRING, {"type": "null"}]}), set()),
    ("an enum of one as const", [(f"{NEW}/properties/free", {})], set()),
    ("members in another order", [(f"{NEW}/properties", dict(reversed(DOCUMENT["components"]["schemas"]["NewPet"]["properties"].items())))], set()),
    ("a path variable renamed", [
        ("/paths/~1pets~1{pet}", {**DOCUMENT["paths"]["/pets/{id}"], "parameters": [
            {"name": "pet", "in": "path", "required": True, "schema": STRING}]}),
        ("/paths/~1pets~1{id}", GONE),
    ], set()),
    ("a scheme renamed", [
        ("/components/securitySchemes/other", {"type": "apiKey", "in": "header", "name": "X-Key"}),
        ("/security", [{"other": []}]),
    ], set()),
    ("a parameter behind a reference", [
        ("/components/parameters", {"Limit": DOCUMENT["paths"]["/pets"]["get"]["parameters"][0]}),
        (LIMIT, {"$ref": "#/components/parameters/Limit"}),
    ], set()),
    ("a response behind a reference", [
        ("/components/responses", {"Pets": DOCUMENT["paths"]["/pets"]["get"]["responses"]["200"]}),
        (OK, {"$ref": "#/components/responses/Pets"}),
    ], set()),
    ("a host", [("/servers/0/url", "https://other.example/v1")], set()),
    ("a parameter moved to the path item", [
        ("/paths/~1pets/parameters", [DOCUMENT["paths"]["/pets"]["get"]["parameters"][0]]),
        (LIMIT, GONE),
    ], {"parameter-added"}),  # to the other operation of the path
    ("a default style spelled out", [(f"{LIMIT}/style", "form"), (f"{LIMIT}/explode", True)], set()),
    ("minLength 0 spelled out", both("code/minLength", 0), set()),
    ("a header's name in other case", [(f"{LIST}/parameters/3/name", "x-trace")], set()),
    # -- operations
    ("an operation removed", [(READ, GONE)], {"operation-removed"}),
    ("a path removed", [("/paths/~1open", GONE)], {"operation-removed"}),
    ("a deprecated operation removed", [("/paths/~1pets~1{id}/delete", GONE)], {"operation-removed-after-deprecation"}),
    ("an operation added", [("/paths/~1pets~1{id}/put", {"responses": {"200": {"description": "x"}}})], {"operation-added"}),
    ("a path added", [("/paths/~1x", {"get": {"responses": {"200": {"description": "x"}}}})], {"operation-added"}),
    ("a path renamed", [("/paths/~1opened", DOCUMENT["paths"]["/open"]), ("/paths/~1open", GONE)], {"operation-removed", "operation-added"}),
    ("an operation deprecated", [(f"{READ}/deprecated", True)], {"operation-deprecated"}),
    ("an operation not deprecated", [("/paths/~1pets~1{id}/delete/deprecated", GONE)], {"operation-undeprecated"}),
    ("an operationId changed", [(f"{READ}/operationId", "fetchPet")], {"operation-id-changed"}),
    ("an operationId removed", [(f"{READ}/operationId", GONE)], {"operation-id-changed"}),
    ("a base path changed", [("/servers/0/url", "https://shop.example/v2")], {"base-path-removed", "base-path-added"}),
    ("a base path added", [("/servers/-", {"url": "/v2"})], {"base-path-added"}),
    ("an operation's own server", [(f"{READ}/servers", [{"url": "/other"}])], {"base-path-removed", "base-path-added"}),
    # -- parameters
    ("an optional parameter added", [(f"{LIST}/parameters/-", {"name": "q", "in": "query", "schema": STRING})], {"parameter-added"}),
    ("a required parameter added", [(f"{LIST}/parameters/-", {"name": "q", "in": "query", "required": True, "schema": STRING})], {"required-parameter-added"}),
    ("a parameter removed", [(LIMIT, GONE)], {"parameter-removed"}),
    ("a parameter renamed", [(f"{LIMIT}/name", "size")], {"parameter-removed", "parameter-added"}),
    ("a parameter moved to the header", [(f"{LIMIT}/in", "header")], {"parameter-removed", "parameter-added"}),
    ("a parameter became required", [(f"{LIMIT}/required", True)], {"parameter-became-required"}),
    ("a parameter's maximum lowered", [(f"{LIMIT}/schema/maximum", 50)], {"request-range-narrowed"}),
    ("a parameter's maximum raised", [(f"{LIMIT}/schema/maximum", 200)], {"request-range-widened"}),
    ("a parameter's minimum raised", [(f"{LIMIT}/schema/minimum", 2)], {"request-range-narrowed"}),
    ("a parameter's minimum lowered", [(f"{LIMIT}/schema/minimum", 0)], {"request-range-widened"}),
    ("a parameter's default changed", [(f"{LIMIT}/schema/default", 10)], {"parameter-default-changed"}),
    ("a parameter's default removed", [(f"{LIMIT}/schema/default", GONE)], {"parameter-default-changed"}),
    ("a parameter's enum shortened", [(f"{LIST}/parameters/1/schema/enum", ["name"])], {"request-enum-value-removed"}),
    ("a parameter's enum extended", [(f"{LIST}/parameters/1/schema/enum/-", "size")], {"request-enum-value-added"}),
    ("a parameter's type changed", [(f"{LIST}/parameters/3/schema", {"type": "integer"})], {"request-type-narrowed"}),
    ("a parameter's explode changed", [(f"{LIST}/parameters/2/explode", False)], {"parameter-serialization-changed"}),
    ("a parameter's style changed", [(f"{LIST}/parameters/2/style", "pipeDelimited"), (f"{LIST}/parameters/2/explode", True)], {"parameter-serialization-changed"}),
    ("a parameter deprecated", [(f"{LIMIT}/deprecated", True)], {"parameter-deprecated"}),
    ("a parameter may be empty", [(f"{LIMIT}/allowEmptyValue", True)], {"parameter-empty-value-allowed"}),
    ("a parameter's items bounded", [(f"{LIST}/parameters/2/schema/items/maxLength", 3)], {"request-length-narrowed"}),
    ("a path parameter's pattern", [("/paths/~1pets~1{id}/parameters/0/schema/pattern", "^p")], {"request-pattern-narrowed"}),
    # -- request bodies
    ("a body became optional", [(f"{MAKE}/requestBody/required", False)], {"request-body-became-optional"}),
    ("a body became required", [("/paths/~1open/post/requestBody/required", True)], {"request-body-became-required"}),
    ("a body added", [(f"{LIST}/requestBody", {"content": {"application/json": {"schema": STRING}}})], {"request-body-added"}),
    ("a required body added", [(f"{LIST}/requestBody", {"required": True, "content": {"application/json": {"schema": STRING}}})], {"required-request-body-added"}),
    ("a body removed", [(f"{MAKE}/requestBody", GONE)], {"request-body-removed"}),
    ("a media type added", [(f"{MAKE}/requestBody/content/application~1xml", {"schema": {}})], {"request-media-type-added"}),
    ("a media type removed", [("/paths/~1open/post/requestBody/content", {"text/plain": {"schema": STRING}})], {"request-media-type-removed", "request-media-type-added"}),
    ("a media type became a range", [("/paths/~1open/post/requestBody/content", {"application/*": {"schema": {"$ref": "#/components/schemas/Closed"}}})], {"request-media-type-added"}),
    # -- responses
    ("a success removed", [(f"{MAKE}/responses", {"202": {"description": "x"}})], {"success-status-removed", "success-status-added"}),
    ("a success added", [(f"{MAKE}/responses/202", {"description": "x"})], {"success-status-added"}),
    ("an error added", [(f"{MAKE}/responses/409", {"description": "x"})], {"error-status-added"}),
    ("a default removed", [(f"{LIST}/responses/default", GONE)], {"error-status-removed"}),
    ("a status that the default answers", [(f"{LIST}/responses/404", GONE)], {"response-body-added"}),
    ("a status as its range", [(f"{MAKE}/responses", {"2XX": DOCUMENT["paths"]["/pets"]["post"]["responses"]["201"]})], {"success-status-added"}),
    ("a response's body removed", [(f"{READ}/responses/200/content", GONE)], {"response-body-removed"}),
    ("a response's media type added", [(f"{READ}/responses/200/content/text~1plain", {"schema": STRING})], {"response-media-type-added"}),
    ("a response's media type changed", [(f"{READ}/responses/200/content", {"text/plain": {"schema": STRING}})], {"response-media-type-added", "response-media-type-removed"}),
    ("a header added", [(f"{OK}/headers/X-New", {"schema": STRING})], {"response-header-added"}),
    ("a header removed", [(f"{OK}/headers/X-Page", GONE)], {"response-header-removed"}),
    ("a required header removed", [(f"{OK}/headers/X-Total", GONE)], {"required-response-header-removed"}),
    ("a header became optional", [(f"{OK}/headers/X-Total/required", False)], {"response-header-became-optional"}),
    ("a header became required", [(f"{OK}/headers/X-Page/required", True)], {"response-header-became-required"}),
    ("a header's type widened", [(f"{OK}/headers/X-Page/schema/type", "number")], {"response-type-widened"}),
    ("a header's maximum", [(f"{OK}/headers/X-Page/schema/maximum", 9)], {"response-range-narrowed"}),
    # -- security
    ("a scope added", [(f"{READ}/security/0/oauth/-", "write")], {"security-scope-added"}),
    ("a scope removed", [(f"{READ}/security/0/oauth", [])], {"security-scope-removed"}),
    ("an alternative removed", [(f"{READ}/security/1", GONE)], {"security-alternative-removed"}),
    ("an alternative added", [("/paths/~1pets~1{id}/delete/security", [{"key": []}, {"oauth": []}])], {"security-alternative-added"}),
    ("an open operation closed", [("/paths/~1open/post/security", GONE)], {"security-added"}),
    ("an operation opened", [(f"{READ}/security", [])], {"security-removed"}),
    ("security made optional", [(f"{READ}/security/-", {})], {"security-removed"}),
    ("two keys at once", [("/paths/~1pets~1{id}/delete/security", [{"key": [], "oauth": []}])], {"security-alternative-removed"}),
    ("the key in another header", [("/components/securitySchemes/key/name", "Y-Key")], {"security-alternative-removed", "security-alternative-added"}),
    # -- webhooks and callbacks
    ("a webhook removed", [("/webhooks/paid", GONE)], {"webhook-removed"}),
    ("a webhook added", [("/webhooks/sent", DOCUMENT["webhooks"]["paid"])], {"webhook-added"}),
    ("a callback removed", [(f"{MAKE}/callbacks", GONE)], {"callback-removed"}),
    ("a callback added", [(f"{READ}/callbacks", DOCUMENT["paths"]["/pets"]["post"]["callbacks"])], {"callback-added"}),
    ("an event's enum extended", [("/components/schemas/Event/properties/kind/enum/-", "sent")], {"response-enum-value-added"}),
    ("an event's enum shortened", [("/components/schemas/Event/properties/kind/enum", ["made"])], {"response-enum-value-removed"}),
    ("an event's member removed", [("/components/schemas/Event/properties/id", GONE), ("/components/schemas/Event/required", GONE)], {"response-required-property-removed"}),
    # -- schemas, both directions
    ("a maxLength lowered", both("name/maxLength", 20), {"request-length-narrowed", "response-length-narrowed"}),
    ("a maxLength raised", both("name/maxLength", 80), {"request-length-widened", "response-length-widened"}),
    ("a maxLength removed", both("name/maxLength", GONE), {"request-length-widened", "response-length-widened"}),
    ("a maxLength added", both("code/maxLength", 9), {"request-length-narrowed", "response-length-narrowed"}),
    ("a minLength raised", both("name/minLength", 2), {"request-length-narrowed", "response-length-narrowed"}),
    ("a minLength removed", both("name/minLength", GONE), {"request-length-widened", "response-length-widened"}),
    ("a maximum lowered", both("age/maximum", 20), {"request-range-narrowed", "response-range-narrowed"}),
    ("a maximum raised", both("age/maximum", 40), {"request-range-widened", "response-range-widened"}),
    ("a minimum raised", both("age/minimum", 1), {"request-range-narrowed", "response-range-narrowed"}),
    ("a minimum removed", both("age/minimum", GONE), {"request-range-widened", "response-range-widened"}),
    ("an exclusive maximum", both("age/exclusiveMaximum", 30), {"request-range-narrowed", "response-range-narrowed"}),
    ("an exclusive maximum that changes nothing", both("age", {"type": "integer", "minimum": 0, "exclusiveMaximum": 31}), set()),
    ("a multipleOf removed", both("weight/multipleOf", GONE), {"request-multiple-of-widened", "response-multiple-of-widened"}),
    ("a multipleOf made coarser", both("weight/multipleOf", 1), {"request-multiple-of-narrowed", "response-multiple-of-narrowed"}),
    ("a pattern added", both("name/pattern", "^[A-Z]"), {"request-pattern-narrowed", "response-pattern-narrowed"}),
    ("a pattern removed", both("code/pattern", GONE), {"request-pattern-widened", "response-pattern-widened"}),
    ("a pattern changed", both("code/pattern", "^[0-9]+$"), {"request-pattern-narrowed", "response-pattern-widened"}),
    ("a format added", both("code/format", "uuid"), {"request-format-narrowed", "response-format-narrowed"}),
    ("a format removed", both("born/format", GONE), {"request-format-widened", "response-format-widened"}),
    ("a format changed", both("born/format", "date-time"), {"request-format-narrowed", "response-format-widened"}),
    ("an enum shortened", both("kind/enum", ["cat"]), {"request-enum-value-removed", "response-enum-value-removed"}),
    ("an enum extended", both("kind/enum/-", "cow"), {"request-enum-value-added", "response-enum-value-added"}),
    ("an enum added", both("code/enum", ["a"]), {"request-enum-value-removed", "response-enum-value-removed"}),
    ("an enum removed", both("kind/enum", GONE), {"request-enum-value-added", "response-enum-value-added"}),
    ("a value of an enum exchanged", both("kind/enum", ["cat", "cow"]), {
        "request-enum-value-added", "request-enum-value-removed",
        "response-enum-value-added", "response-enum-value-removed"}),
    ("an enum as const", both("kind", {"type": "string", "const": "cat"}), {"request-enum-value-removed", "response-enum-value-removed"}),
    ("null allowed", both("code/type", ["string", "null"]), {"request-null-added", "response-null-added"}),
    ("null rejected", both("nick/type", "string"), {"request-null-removed", "response-null-removed"}),
    ("null allowed by anyOf", both("owner", {"anyOf": [DOCUMENT["components"]["schemas"]["NewPet"]["properties"]["owner"], {"type": "null"}]}), {"request-null-added", "response-null-added"}),
    ("a type widened", both("age/type", "number"), {"request-type-widened", "response-type-widened"}),
    ("a type narrowed", both("weight/type", "integer"), {"request-type-narrowed", "response-type-narrowed"}),
    ("a type changed", both("name", {"type": "integer"}), {
        "request-type-narrowed", "response-type-widened"}),
    ("a type added", both("free/type", "string"), {"request-type-narrowed", "response-type-narrowed"}),
    ("a type removed", both("owner/properties/mail", {}), {"request-type-widened", "response-type-widened"}),
    ("a schema rejects everything", both("free", {"not": {}}), {"request-property-rejected", "response-property-removed"}),
    ("a member added", added("size", STRING), {"request-property-added", "response-property-added"}),
    ("a required member added", added("size", STRING, True), {"request-required-property-added", "response-property-added"}),
    ("a member removed", both("code", GONE), {"request-property-removed", "response-property-removed"}),
    ("a required member removed", [(f"{PET}/properties/name", GONE), (f"{PET}/required", ["id"])], {"response-required-property-removed"}),
    ("a required member's schema removed", both("name", GONE), {
        "request-type-widened", "response-type-widened", "request-length-widened", "response-length-widened"}),
    ("a member renamed", [*both("code", GONE), *both("sku", {"type": "string"})], {
        "request-property-removed", "request-property-added", "response-property-removed", "response-property-added"}),
    ("a member became required", [(f"{NEW}/required/-", "age"), (f"{PET}/required/-", "age")], {"request-property-became-required", "response-property-became-required"}),
    ("a member became optional", [(f"{NEW}/required", []), (f"{PET}/required", ["id"])], {"request-property-became-optional", "response-property-became-optional"}),
    ("a member of a member became required", both("owner/required/-", "mail"), {"request-property-became-required", "response-property-became-required"}),
    ("a member of a member became optional", both("owner/required", []), {"request-property-became-optional", "response-property-became-optional"}),
    ("a member of a member removed", both("owner/properties/mail", GONE), {"request-property-removed", "response-property-removed"}),
    ("a member added to a closed request", [("/components/schemas/Closed/properties/c", STRING)], {"request-property-added"}),
    ("a member added to a closed response", [("/components/schemas/Closed2/properties/c", STRING)], {"response-property-added-to-closed"}),
    ("a member removed from a closed request", [("/components/schemas/Closed/properties/b", GONE)], {"request-property-rejected"}),
    ("a member removed from a closed response", [("/components/schemas/Closed2/properties/b", GONE)], {"response-property-removed"}),
    ("a closed request opened", [("/components/schemas/Closed/additionalProperties", GONE)], {"request-additional-properties-opened"}),
    ("other members typed in another way", both("labels/additionalProperties/type", "integer"), {
        "request-type-narrowed", "response-type-widened"}),
    ("other members bounded", both("labels/additionalProperties/maxLength", 3), {"request-length-narrowed", "response-length-narrowed"}),
    ("a map closed", both("labels/additionalProperties", False), {"request-additional-properties-closed", "response-additional-properties-closed"}),
    ("a maxProperties lowered", both("labels/maxProperties", 5), {"request-member-count-narrowed", "response-member-count-narrowed"}),
    ("a maxProperties removed", both("labels/maxProperties", GONE), {"request-member-count-widened", "response-member-count-widened"}),
    ("a minProperties added", both("labels/minProperties", 1), {"request-member-count-narrowed", "response-member-count-narrowed"}),
    ("a maxItems lowered", both("tags/maxItems", 3), {"request-item-count-narrowed", "response-item-count-narrowed"}),
    ("a maxItems raised", both("tags/maxItems", 7), {"request-item-count-widened", "response-item-count-widened"}),
    ("a minItems raised", both("tags/minItems", 2), {"request-item-count-narrowed", "response-item-count-narrowed"}),
    ("a minItems removed", both("tags/minItems", GONE), {"request-item-count-widened", "response-item-count-widened"}),
    ("items bounded", both("tags/items/maxLength", 5), {"request-length-narrowed", "response-length-narrowed"}),
    ("items of another type", both("tags/items", {"type": "integer"}), {
        "request-type-narrowed", "response-type-widened"}),
    ("uniqueItems added", both("tags/uniqueItems", True), {"request-unique-items-added", "response-unique-items-added"}),
    ("uniqueItems removed", both("set/uniqueItems", False), {"request-unique-items-removed", "response-unique-items-removed"}),
    ("a prefix item of another type", both("pair/prefixItems/1", {"type": "boolean"}), {
        "request-type-narrowed", "response-type-widened"}),
    ("an alternative added to oneOf", both("toy/oneOf/-", {"type": "integer"}), {"request-alternative-added", "response-alternative-added"}),
    ("an alternative removed from oneOf", both("toy/oneOf", [STRING]), {"request-alternative-removed", "response-alternative-removed"}),
    ("an alternative beside what was alone", both("owner", {"oneOf": [DOCUMENT["components"]["schemas"]["NewPet"]["properties"]["owner"], {"type": "string"}]}), {"request-alternative-added", "response-alternative-added"}),
    ("an alternative's member became optional", [("/components/schemas/Ball/required", [])], {"request-property-became-optional", "response-property-became-optional"}),
    ("a not added", both("code/not", {"const": "x"}), {"request-schema-narrowed"}),
    ("a recursive schema narrowed", [("/components/schemas/Tree/properties/name/maxLength", 9)], {"response-length-narrowed"}),
    ("a recursive schema widened", [("/components/schemas/Tree/properties/name/type", ["string", "null"])], {"response-null-added"}),
    ("a recursive schema's member added", [("/components/schemas/Tree/properties/age", {"type": "integer"})], {"response-property-added"}),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "rules"), [change[1:] for change in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_change_is_found_and_named(edits, rules):
    assert {finding.rule for finding in findings(DOCUMENT, edited(DOCUMENT, edits))} == rules


def is_about_a_schema(finding: Finding) -> bool:
    return finding.rule.startswith(("request-", "response-")) and finding.detail != ""


@pytest.mark.parametrize(("edits", "rules"), [change[1:] for change in CHANGES], ids=[c[0] for c in CHANGES])
def test_a_schema_that_breaks_has_a_witness(edits, rules):
    for finding in findings(DOCUMENT, edited(DOCUMENT, edits)):
        if finding.level == "breaking" and is_about_a_schema(finding):
            assert finding.witness is not MISSING


def test_every_rule_is_documented():
    page = (Path(__file__).parent.parent / "docs" / "diff.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `([a-z-]+)` \| (breaking|risky|safe) \|", page, re.MULTILINE))
    assert documented == {rule.id: rule.level for rule in RULES.values()}


def test_two_changes_of_one_body_have_a_witness_each():
    new = edited(DOCUMENT, [(f"{NEW}/properties/age/maximum", 20), (f"{NEW}/properties/tags/items/maxLength", 5)])
    by_rule = {finding.rule: finding.witness for finding in findings(DOCUMENT, new)}
    assert by_rule["request-range-narrowed"]["age"] > 20
    assert any(len(tag) > 5 for tag in by_rule["request-length-narrowed"]["tags"])


def test_one_change_of_a_shared_schema_is_one_finding():
    found = findings(DOCUMENT, edited(DOCUMENT, [(f"{PET}/properties/age/maximum", 40)]))
    assert [finding.operations for finding in found] == [("GET /pets", "POST /pets", "GET /pets/{id}")]


def test_two_equal_changes_in_two_places_are_two_findings():
    new = edited(DOCUMENT, [(f"{NEW}/properties/code/type", "integer"), (f"{NEW}/properties/born/type", "integer")])
    found = [finding for finding in findings(DOCUMENT, new) if finding.level == "breaking"]
    assert [finding.new.pointer for finding in found] == [f"{NEW}/properties/code", f"{NEW}/properties/born"]


def test_a_fingerprint_stays_when_lines_move_and_differs_between_changes():
    new = edited(DOCUMENT, [(f"{NEW}/properties/age/maximum", 20), (f"{NEW}/properties/name/maxLength", 20)])
    moved = edited(new, [("/info/description", "lines\nmore")])
    first, second = findings(DOCUMENT, new), findings(DOCUMENT, moved)
    assert {finding.fingerprint for finding in first} == {finding.fingerprint for finding in second}
    assert len({finding.fingerprint for finding in first}) == len(first) == 2


# -- versions ------------------------------------------------------------------------------------------


def simple(schema: Any, version: str) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    operation = {
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "x", "content": content}},
    }
    return {"openapi": version, "info": {"title": "t", "version": "1"}, "paths": {"/x": {"post": operation}}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
        ({"type": "string", "enum": ["a"]}, {"type": "string", "const": "a"}),
        ({"type": "integer", "format": "int32"}, {"type": "integer", "format": "int32"}),
        ({"type": "string", "format": "uuid"}, {"type": "string", "format": "uuid"}),
        ({"nullable": True, "allOf": [{"type": "object"}]}, {"anyOf": [{"type": "object"}, {"type": "null"}]}),
    ],
)
def test_a_document_moves_from_3_0_to_3_1_without_a_change(old, new):
    assert findings(simple(old, "3.0.3"), simple(new, "3.1.0")) == []


def test_a_read_only_member_is_nothing_to_requests():
    old = {"type": "object", "properties": {"id": {"type": "string", "readOnly": True, "maxLength": 9}}}
    new = {"type": "object", "properties": {"id": {"type": "string", "readOnly": True, "maxLength": 5}}}
    assert {f.rule for f in findings(simple(old, "3.0.3"), simple(new, "3.0.3"))} == {"response-length-narrowed"}


# -- containment ---------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.one_of(
    st.builds(
        lambda low, high: {"type": "integer", "minimum": low, "maximum": high}, st.integers(-3, 3), st.integers(0, 6)
    ),
    st.builds(
        lambda low, high: {"type": "string", "minLength": low, "maxLength": high}, st.integers(0, 3), st.integers(1, 5)
    ),
    st.builds(
        lambda values: {"enum": values},
        st.lists(st.sampled_from(["a", "b", 1, None, True]), min_size=1, unique_by=repr),
    ),
    st.builds(
        lambda kinds: {"type": kinds},
        st.lists(st.sampled_from(["string", "number", "integer", "null", "boolean"]), min_size=1, unique=True),
    ),
    st.sampled_from(
        [
            {},
            {"type": "string", "pattern": "^a"},
            {"type": "string", "pattern": "b$"},
            {"const": "a"},
            {"type": "number", "multipleOf": 2},
            {"type": "string", "format": "date"},
        ]
    ),
)


def _grown(inner):
    objects = st.builds(
        lambda properties, required, rest: {
            "type": "object",
            "properties": properties,
            "required": sorted(required),
            **({} if rest is None else {"additionalProperties": rest}),
        },
        st.dictionaries(NAMES, inner, max_size=3),
        st.sets(NAMES, max_size=2),
        st.sampled_from([None, False, {"type": "string"}]),
    )
    arrays = st.builds(lambda items, low: {"type": "array", "items": items, "minItems": low}, inner, st.integers(0, 2))
    pairs = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        objects, arrays, pairs.map(lambda p: {"anyOf": p}), pairs.map(lambda p: {"oneOf": p}),
        pairs.map(lambda p: {"allOf": p}), inner.map(lambda s: {"not": s}),
        st.just({"type": "object", "properties": {"next": {"$ref": "#/components/schemas/S"}, "v": {"type": "integer"}}}),
    )  # fmt: skip


SCHEMAS = st.recursive(LEAVES, _grown, max_leaves=5)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-4, 7), st.sampled_from(["", "a", "b", "ab", "abcdef", "2026-01-01"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "c", "v", "next"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def side(schema: Any) -> Side:
    document = {**simple({}, "3.1.0"), "components": {"schemas": {"S": schema}}}
    return Side(contract_of(document, "t"), "request")


TWO = st.tuples(SCHEMAS, SCHEMAS)
PAIRS = st.one_of(
    TWO,
    TWO.map(lambda two: (two[0], {"anyOf": [*two]})),
    TWO.map(lambda two: ({"allOf": [*two]}, two[1])),
    TWO.map(lambda two: ({"oneOf": [*two]}, {"oneOf": [two[1], two[0], {"type": "null"}]})),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(PAIRS, st.lists(VALUES, min_size=4, max_size=16))
def test_containment_is_what_values_say(pair, values):
    first, second = side(pair[0]), side(pair[1])
    place = "/components/schemas/S"
    takes, rejects = first.validator(place), second.validator(place)
    verdict = contained(Proof(first, second), first.at(place), second.at(place), Pair(takes, rejects))
    if verdict.decision == "not contained":
        assert verdict.witnesses
        for value in verdict.witnesses:
            assert takes.is_valid(value) and not rejects.is_valid(value)
    if verdict.decision == "contained":
        closed = jsonschema_rs.Draft202012Validator(first.whole(first.at(place), closed=True), validate_formats=True)
        for value in values:
            if closed.is_valid(value):
                assert takes.is_valid(value)
                assert rejects.is_valid(value)
    assert contained(Proof(first, first), first.at(place), first.at(place)).decision == "contained"
