"""Every class of change that oasdiff's documentation lists: a change of ours with what is right, or why there is none.

oasdiff (its docs/BREAKING-CHANGES-EXAMPLES.md) is the widest list of such changes that is written down. The words here
are ours, and each of its examples falls under one of them.
"""

from __future__ import annotations

import pytest
from test_diff import CHANGES, DOCUMENT, GONE, LIST, NEW, OK, PET, READ, Edit, both, edited, findings

BY_NAME = {name: (edits, rules) for name, edits, rules in CHANGES}
TRACE = f"{LIST}/parameters/3"

FURTHER: dict[str, tuple[list[Edit], set[str]]] = {
    "a parameter became optional": ([(TRACE + "/required", True)], {"parameter-became-required"}),
    "a required path parameter added": (
        [("/paths/~1pets~1{id}~1{part}", {"get": DOCUMENT["paths"]["/pets/{id}"]["get"], "parameters": [
            *DOCUMENT["paths"]["/pets/{id}"]["parameters"],
            {"name": "part", "in": "path", "required": True, "schema": {"type": "string"}}]}),
         (READ, GONE)],
        {"operation-removed", "operation-added"}),
    "a read-only member became required": (
        [*both("stamp", {"type": "string", "readOnly": True}), (f"{NEW}/required/-", "stamp")],
        # In 3.1 `readOnly` is an annotation, which takes nothing away; `test_diff` has the case of 3.0, where it does.
        {"request-required-property-added", "response-property-added"}),
    "a read-only member narrowed": (
        [(f"{NEW}/properties/name/readOnly", True), (f"{NEW}/properties/name/maxLength", 1)],
        {"request-length-narrowed"}),
    "a tag added": ([(f"{READ}/tags", ["pets"])], set()),
    "an extension changed": ([(f"{READ}/x-owner", "me"), ("/x-a", 1)], set()),
    "a component that nothing uses": ([("/components/schemas/Lonely", {"type": "string"})], set()),
    "a link": ([(f"{READ}/responses/200/links", {"self": {"operationId": "readPet"}})], set()),
    "a header deprecated": ([(f"{OK}/headers/X-Page/deprecated", True)], set()),
    "a schema deprecated": ([(f"{PET}/deprecated", True)], set()),
    "the format of an integer": (both("age/format", "int32"), set()),
    "an alternative added to anyOf": (
        both("toy", {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        {"request-alternative-added", "request-alternative-removed",
         "response-alternative-added", "response-alternative-removed"}),
    "a subschema added to allOf": (
        both("name/allOf", [{"maxLength": 5}]), {"request-length-narrowed", "response-length-narrowed"}),
    "a type within additionalProperties": (
        both("labels/additionalProperties", {"type": "number"}), {"request-type-narrowed", "response-type-widened"}),
    "a parameter of a media type": (
        [(f"{READ}/responses/200/content", {
            "application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Pet"}}})],
        set()),
    "a discriminator added": (
        both("toy/discriminator", {"propertyName": "kind"}), set()),
    "the flows of an oauth scheme": (
        [("/components/securitySchemes/oauth/flows", {"clientCredentials": {"tokenUrl": "https://a.example/t",
                                                                           "scopes": {"read": "x"}}})], set()),
    "the type of a scheme": (
        [("/components/securitySchemes/key", {"type": "http", "scheme": "bearer"})],
        {"security-alternative-removed", "security-alternative-added"}),
}  # fmt: skip

CLASSES: dict[str, tuple[str, ...] | str] = {
    # operations
    "a path or an operation removed": ("a path removed", "an operation removed"),
    "one removed after it was deprecated": ("a deprecated operation removed",),
    "one added": ("a path added", "an operation added"),
    "one deprecated, or active again": ("an operation deprecated", "an operation not deprecated"),
    "an operationId added, changed, removed": ("an operationId changed", "an operationId removed"),
    "a tag added or removed": ("a tag added",),
    "an extension or a comment changed": ("an extension changed", "a description"),
    "servers changed": ("a host", "a base path changed", "a base path added"),
    "a link changed": ("a link",),
    "no change": ("nothing", "members in another order"),
    "sunset dates and policies of deprecation": "they are conventions of one tool, and not of OpenAPI",
    "stability levels": "`x-stability-level` is an extension of one tool, and no contract",
    "an invalid date, level or status": "`mockserver check` tells mistakes of one document; diff exits with 3 for them",
    # parameters
    "a parameter removed": ("a parameter removed",),
    "a required parameter added": ("a required parameter added", "a required path parameter added"),
    "an optional parameter added": ("an optional parameter added",),
    "a parameter became required": ("a parameter became required", "a parameter became optional"),
    "a path parameter renamed": ("a path variable renamed",),
    "a parameter deprecated": ("a parameter deprecated",),
    "a parameter became an enum": ("a parameter's enum shortened",),
    "values of a parameter's enum": ("a parameter's enum shortened", "a parameter's enum extended"),
    "the default of a parameter": ("a parameter's default changed", "a parameter's default removed"),
    "the type or format of a parameter": ("a parameter's type changed",),
    "the bounds of a parameter": (
        "a parameter's maximum lowered", "a parameter's maximum raised", "a parameter's minimum raised",
        "a parameter's minimum lowered", "a parameter's items bounded"),
    "the pattern of a parameter": ("a path parameter's pattern",),
    "parameters of a path item": ("a parameter moved to the path item",),
    "`x-extensible-enum`": "an extension of one tool; the values of `enum` are compared",
    # requests
    "a body added, optional or required": ("a body added", "a required body added"),
    "a body removed": ("a body removed",),
    "a body became required or optional": ("a body became required", "a body became optional"),
    "a media type of a request": ("a media type added", "a media type removed"),
    "a required member added": ("a required member added",),
    "an optional member added": ("a member added",),
    "a member removed": ("a member removed", "a member of a member removed"),
    "a member became required": ("a member became required", "a member of a member became required"),
    "a member became optional": ("a member became optional", "a member of a member became optional"),
    "a member is read-only or write-only": ("a read-only member became required", "a read-only member narrowed"),
    "a required member with a default": "whether a request without it is valid, `required` says, and no default",
    "defaults of members": "a default takes and gives no other values: no client can tell by the contract",
    # schemas
    "null allowed or rejected": ("null allowed", "null rejected", "null allowed by anyOf"),
    "an enum added, removed, shortened, extended": (
        "an enum added", "an enum removed", "an enum shortened", "an enum extended"),
    "a type changed, widened, narrowed": (
        "a type changed", "a type widened", "a type narrowed", "a type added", "a type removed"),
    "a format changed": ("a format added", "a format removed", "a format changed", "the format of an integer"),
    "a pattern added, changed, removed": ("a pattern added", "a pattern changed", "a pattern removed"),
    "lengths": ("a maxLength lowered", "a maxLength raised", "a maxLength added", "a maxLength removed",
                "a minLength raised", "a minLength removed"),
    "bounds of numbers": ("a maximum lowered", "a maximum raised", "a minimum raised", "a minimum removed"),
    "numbers of items": ("a maxItems lowered", "a maxItems raised", "a minItems raised", "a minItems removed"),
    "numbers of members": ("a maxProperties lowered", "a maxProperties removed", "a minProperties added"),
    "multiples and unique items": ("a multipleOf removed", "a multipleOf made coarser", "uniqueItems added"),
    "alternatives of oneOf": ("an alternative added to oneOf", "an alternative removed from oneOf"),
    "alternatives of anyOf": ("an alternative added to anyOf", "null allowed by anyOf"),
    "subschemas of allOf": ("a subschema added to allOf", "members moved into an allOf"),
    "additionalProperties": ("a map closed", "a closed request opened", "a type within additionalProperties"),
    "items and prefixItems": ("items of another type", "a prefix item of another type"),
    "`not`": ("a not added",),
    "recursive schemas": ("a recursive schema narrowed", "a recursive schema widened"),
    "discriminators": ("a discriminator added",),
    "components that nothing uses": ("a component that nothing uses",),
    "a deprecated header or schema": ("a header deprecated", "a schema deprecated"),
    # responses
    "a success added or removed": ("a success removed", "a success added"),
    "an error added or removed": ("an error added", "a default removed"),
    "a media type of a response": (
        "a response's media type added", "a response's media type changed", "a parameter of a media type",
        "a response's body removed"),
    "a header of a response": (
        "a header added", "a header removed", "a required header removed", "a header became optional",
        "a header became required"),
    "a required member of a response removed": ("a required member removed",),
    # security
    "security added or removed": ("an open operation closed", "an operation opened", "security made optional"),
    "an alternative of security": ("an alternative added", "an alternative removed"),
    "scopes": ("a scope added", "a scope removed"),
    "a scheme changed": ("the key in another header", "the type of a scheme", "the flows of an oauth scheme"),
}  # fmt: skip
"""By class: names of changes in `test_diff` and in FURTHER; or, as a text, why there is none."""


@pytest.mark.parametrize("name", FURTHER)
def test_a_further_change_is_found_and_named(name):
    edits, rules = FURTHER[name]
    assert {finding.rule for finding in findings(DOCUMENT, edited(DOCUMENT, edits))} == rules


def test_every_class_has_a_change_or_a_reason():
    for title, changes in CLASSES.items():
        if isinstance(changes, str):
            assert len(changes) > 30, f"{title}: say why"
        else:
            assert changes and not [name for name in changes if name not in BY_NAME and name not in FURTHER], title
    assert len(CHANGES) >= 150
