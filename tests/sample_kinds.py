"""Schemas of every kind that a sample must be found for, and the components that some of them refer to."""

from __future__ import annotations

from typing import Any


def ref(name: str, **siblings: Any) -> dict[str, Any]:
    """A reference to one of the components."""
    return {"$ref": f"#/components/schemas/{name}", **siblings}


COMPONENTS: dict[str, Any] = {
    "Base": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
    "Node": {
        "type": "object",
        "required": ["v"],
        "properties": {
            "v": {"type": "integer"},
            "next": {"$ref": "#/components/schemas/Node"},
            "kids": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
        },
    },
    "Must": {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"anyOf": [{"$ref": "#/components/schemas/Must"}, {"type": "null"}]}},
    },
    "Must2": {
        "type": "object",
        "required": ["next"],
        "properties": {"next": {"oneOf": [{"$ref": "#/components/schemas/Must2"}, {"type": "string"}]}},
    },
    "Expr": {
        "oneOf": [
            {
                "type": "object",
                "required": ["l", "r"],
                "properties": {"l": {"$ref": "#/components/schemas/Expr"}, "r": {"$ref": "#/components/schemas/Expr"}},
                "additionalProperties": False,
            },
            {"type": "integer"},
        ]
    },
    "Pet": {
        "type": "object",
        "required": ["petType"],
        "properties": {"petType": {"type": "string"}},
        "discriminator": {"propertyName": "petType", "mapping": {"kitty": "#/components/schemas/Cat"}},
    },
    "Cat": {
        "allOf": [
            {"$ref": "#/components/schemas/Pet"},
            {"type": "object", "required": ["claws"], "properties": {"claws": {"type": "integer"}}},
        ]
    },
    "Dog": {
        "allOf": [
            {"$ref": "#/components/schemas/Pet"},
            {"type": "object", "required": ["bark"], "properties": {"bark": {"type": "boolean"}}},
        ]
    },
    "Any": {
        "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
        "discriminator": {"propertyName": "petType"},
    },
    "Tree": {
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {"data": True, "kids": {"type": "array", "items": {"$dynamicRef": "#node"}}},
    },
    "Strict": {
        "$dynamicAnchor": "node",
        "$ref": "#/components/schemas/Tree",
        "required": ["data"],
        "unevaluatedProperties": False,
    },
    "Gen": {
        "type": "object",
        "required": ["item"],
        "properties": {"item": {"$dynamicRef": "#T"}},
        "$defs": {"T": {"$dynamicAnchor": "T", "not": {}}},
    },
    "Inst": {"$ref": "#/components/schemas/Gen", "$defs": {"T": {"$dynamicAnchor": "T", "type": "integer"}}},
}

LATER: list[Any] = [
    {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": ["a", "b"]}},
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"required": ["why"], "properties": {"why": {"type": "string"}}},
        "else": {"required": ["not"], "properties": {"not": {"type": "integer"}}},
    },
    {
        "type": "object",
        "properties": {"kind": {"const": "b"}},
        "required": ["kind"],
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": False,
        "else": {"required": ["z"]},
    },
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "if": {"properties": {"a": {"minimum": 10}}},
        "then": {"required": ["big"]},
        "else": {"properties": {"a": {"maximum": -5}}},
    },
    {
        "allOf": [
            {
                "if": {"properties": {"c": {"const": "US"}}, "required": ["c"]},
                "then": {"properties": {"zip": {"pattern": "^[0-9]{5}$"}}},
            },
            {
                "if": {"properties": {"c": {"const": "NL"}}, "required": ["c"]},
                "then": {"properties": {"zip": {"pattern": "^[0-9]{4} [A-Z]{2}$"}}},
            },
        ],
        "type": "object",
        "properties": {"c": {"enum": ["NL", "US"]}, "zip": {"type": "string"}},
        "required": ["c", "zip"],
    },
    {"type": "object", "properties": {"card": {"type": "string"}}, "dependentRequired": {"card": ["address"]}},
    {
        "type": "object",
        "properties": {"card": {"type": "string"}},
        "dependentRequired": {"card": ["address"]},
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"card": {"type": "string"}},
        "required": ["card"],
        "dependentSchemas": {"card": {"required": ["b"], "properties": {"b": {"type": "integer", "minimum": 7}}}},
    },
    {"type": "object", "properties": {"card": {"type": "string"}}, "dependentSchemas": {"card": False}},
    {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "dependentSchemas": {"a": {"properties": {"b": {"type": "integer"}}}},
    },
    {"type": "array", "contains": {"const": "x"}},
    {
        "type": "array",
        "contains": {"type": "integer"},
        "minContains": 2,
        "maxContains": 2,
        "minItems": 4,
        "items": {"type": ["integer", "string"]},
    },
    {
        "type": "array",
        "contains": {"type": "integer", "minimum": 5},
        "items": {"type": "integer"},
        "minItems": 3,
        "maxContains": 1,
    },
    {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "minItems": 4,
        "items": {"type": "boolean"},
    },
    {"type": "array", "prefixItems": [{"type": "string"}], "items": False, "contains": {"minLength": 30}},
    {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": False, "minItems": 1},
    {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 2},
    {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"a": {"type": "boolean"}},
            "required": ["a"],
            "additionalProperties": False,
        },
        "uniqueItems": True,
        "minItems": 2,
    },
    {"type": "array", "items": {"enum": [1, True, "a", None, [1]]}, "uniqueItems": True, "minItems": 5},
    {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 50}, "uniqueItems": True, "minItems": 50},
    {
        "type": "object",
        "minProperties": 2,
        "additionalProperties": False,
        "patternProperties": {"^x-": {"type": "integer"}},
    },
    {
        "type": "object",
        "minProperties": 5,
        "propertyNames": {"pattern": "^[A-Z]{2}$"},
        "additionalProperties": {"type": "integer"},
    },
    {"type": "object", "minProperties": 2, "propertyNames": {"enum": ["a", "b", "c"]}},
    {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"minLength": 10},
        "patternProperties": {"^a": {"type": "integer"}},
        "additionalProperties": False,
    },
    {"type": "object", "propertyNames": {"format": "uuid"}, "minProperties": 2},
    {
        "type": "object",
        "properties": {"ab": {"type": "string"}, "Cd": {"type": "integer"}},
        "propertyNames": {"pattern": "^[a-z]+$"},
    },
    {"type": "string", "not": {"enum": ["sample"]}},
    {"type": "string", "not": {"pattern": "a"}},
    {"not": {"type": "string"}},
    {"not": {"type": ["string", "object", "array", "boolean", "null"]}},
    {"type": "integer", "not": {"multipleOf": 2}},
    {"type": "integer", "not": {"const": 1}},
    {"type": "integer", "minimum": 1, "maximum": 3, "not": {"enum": [1, 2]}},
    {
        "type": "object",
        "properties": {"a": {}, "b": {}, "c": {}},
        "not": {"anyOf": [{"required": ["a", "b"]}, {"required": ["b", "c"]}]},
    },
    {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": ["a"],
        "not": {"required": ["b"]},
    },
    {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "not": {"properties": {"a": {"const": "a"}}},
    },
    {"type": "number", "multipleOf": 0.01, "exclusiveMinimum": 0, "exclusiveMaximum": 0.02},
    {"type": "number", "multipleOf": 0.1, "minimum": 0.3, "maximum": 0.3},
    {"type": "integer", "multipleOf": 1.5, "minimum": 1},
    {"type": "number", "minimum": 1e300},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
    {"type": "integer", "minimum": 10**18},
    {"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "integer", "minimum": 1},
    {"type": "number", "multipleOf": 1e-8, "minimum": 0.1, "maximum": 0.2},
    {"type": "number", "multipleOf": 0.0001, "maximum": -7.12345},
    {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "allOf": [{"properties": {"b": {"type": "integer"}}}],
        "unevaluatedProperties": False,
        "minProperties": 2,
    },
    {
        "allOf": [{"properties": {"a": {"type": "string"}}}],
        "unevaluatedProperties": {"type": "integer"},
        "minProperties": 4,
        "type": "object",
    },
    {
        "oneOf": [
            {"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "string"}}, "required": ["b"]},
        ],
        "type": "object",
        "properties": {"a": {}, "b": {}},
    },
    {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
    {"oneOf": [{"type": "integer"}, {"type": "number"}]},
    {"oneOf": [{"type": "string"}, {"type": "string", "format": "date"}]},
    {
        "oneOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"a": {"type": "integer"}}},
        ]
    },
    {
        "oneOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
            {
                "type": "object",
                "properties": {"c": {"type": "integer"}},
                "required": ["c"],
                "additionalProperties": False,
            },
        ]
    },
    {
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["a", "b", "c"]}],
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}},
    },
    {"anyOf": [False, {"type": "integer"}]},
    {"anyOf": [{"type": "string", "maxLength": 0, "minLength": 2}, {"type": "integer"}]},
    {
        "oneOf": [
            {"oneOf": [{"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "a$"}]},
            {"type": "null"},
        ]
    },
    {"allOf": [{"oneOf": [{"const": 1}, {"const": 2}]}, {"oneOf": [{"const": 2}, {"const": 3}]}]},
    {"allOf": [{"anyOf": [{"const": i} for i in range(5)]}, {"anyOf": [{"const": i} for i in range(4, 9)]}]},
    {
        "allOf": [
            {
                "oneOf": [
                    {"properties": {"k": {"const": "a"}}, "required": ["k"]},
                    {"properties": {"k": {"const": "b"}}, "required": ["k"]},
                ]
            },
            {
                "oneOf": [
                    {"properties": {"k": {"const": "b"}}, "required": ["k"]},
                    {"properties": {"k": {"const": "c"}}, "required": ["k"]},
                ]
            },
        ]
    },
    {"allOf": [{"enum": ["a", "b", "c"]}, {"enum": ["c", "d"]}]},
    {"allOf": [{"enum": ["aa", "b"]}, {"minLength": 2}]},
    {"allOf": [{"type": ["string", "null"]}, {"type": ["null", "integer"]}]},
    {"type": "string", "format": "email", "minLength": 40},
    {"type": "string", "format": "email", "maxLength": 8},
    {"type": "string", "format": "uri", "minLength": 50, "maxLength": 60},
    {"type": "string", "format": "date-time", "pattern": "Z$"},
    {"type": "string", "format": "date-time", "pattern": "\\+00:00$"},
    {"type": "string", "format": "date", "pattern": "^2024-"},
    {"type": "string", "format": "hostname", "maxLength": 5},
    {"type": "string", "format": "hostname", "minLength": 30},
    {
        "type": "string",
        "format": "uuid",
        "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
    },
    {"type": "string", "format": "ipv4", "pattern": "^10\\."},
    {"type": "string", "format": "uri", "pattern": "^https://.+\\.png$"},
    {"type": "string", "format": "email", "pattern": "@corp\\.example$"},
    {"type": "string", "format": "time"},
    {"type": "string", "format": "duration"},
    {"type": "string", "format": "ipv6"},
    {"type": "string", "format": "iri"},
    {"type": "string", "format": "regex"},
    {"type": "string", "format": "json-pointer"},
    {"type": "string", "format": "uri-template"},
    {"type": "string", "format": "idn-hostname"},
    {"type": "string", "format": "relative-json-pointer"},
    {"type": "string", "format": "uri-reference"},
    {"type": "string", "format": "byte"},
    {"type": "string", "format": "binary", "minLength": 12},
    {"type": "string", "format": "made-up", "minLength": 10},
    {"type": "string", "pattern": "^(?=.*\\d)(?=.*[a-z])(?=.*[A-Z])(?=.*[^\\w\\s]).{10,16}$"},
    {"type": "string", "pattern": "^(?!.*\\.\\.)(?!\\.)[a-z.]{3,10}(?<!\\.)$"},
    {"type": "string", "pattern": "^(?<y>\\d{4})-(?<m>\\d\\d)$"},
    {"type": "string", "pattern": "^(['\"])\\w+\\1$"},
    {"type": "string", "pattern": "^(?<q>['\"])\\w+\\k<q>$"},
    {"type": "string", "pattern": "^[^]{3}$"},
    {"type": "string", "pattern": "^\\u{1F600}$"},
    {"type": "string", "pattern": "^\\p{Script=Cyrillic}{3,}$"},
    {"type": "string", "pattern": "^[\\p{L}\\p{N}_-]{2,5}$"},
    {"type": "string", "pattern": "\\bcat\\b"},
    {"type": "string", "pattern": "^\\S+\\s\\S+$"},
    {"type": "string", "pattern": "^a{3}", "minLength": 7, "maxLength": 7},
    {"type": "string", "pattern": "^.{1,3}$", "minLength": 3},
    {"type": "string", "pattern": "^\\cA$"},
    {"type": "string", "pattern": "^\\0$"},
    {"type": "string", "pattern": "^a{,3}$"},
    {"type": "string", "pattern": "^(a+)+$"},
    {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"},
    {"type": "string", "pattern": "(a|aa)+$"},
    {"type": "string", "pattern": "^(?:[a-z0-9]{1,63}\\.){2,5}[a-z]{2,}$", "minLength": 30},
    {"type": "string", "pattern": "^[\\uD83D\\uDE00]$"},
    {"type": "string", "pattern": "^\\uD83D\\uDE00$"},
    {"type": "string", "pattern": "^\\d{1000}$"},
    {"type": "string", "pattern": "^x*$", "minLength": 5000},
    True,
    {},
    {"const": None},
    {"enum": [None]},
    {"type": ["string", "null"], "enum": [None, "a"]},
    {"enum": [{"a": 1}, [2]]},
    {"const": {"a": [1, None]}},
    {"type": "object", "properties": {"a": True, "b": False}, "required": ["a"]},
    {
        "type": "object",
        "required": ["x"],
        "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    },
    {
        "type": "object",
        "properties": {"id": {"type": "string", "readOnly": True}, "pw": {"type": "string", "writeOnly": True}},
        "required": ["id", "pw"],
    },
    {"type": "object", "maxProperties": 2, "properties": {c: {"type": "integer"} for c in "abcde"}, "required": ["e"]},
    {"type": "object", "minProperties": 3, "maxProperties": 3, "properties": {"a": {"type": "integer"}}},
    {
        "type": "array",
        "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "minItems": 2,
        "contains": {"type": "integer"},
    },
    {
        "type": "array",
        "minItems": 1,
        "maxItems": 1,
        "contains": {"type": "object", "required": ["a"], "properties": {"a": {"const": 5}}},
    },
    {
        "type": "object",
        "properties": {
            "l": {
                "type": "array",
                "items": {"type": "string", "maxLength": 1, "pattern": "^[ab]$"},
                "uniqueItems": True,
                "minItems": 2,
            }
        },
        "required": ["l"],
    },
    {
        "type": "object",
        "properties": {"x": {"type": "string", "pattern": "^\\d+$", "example": "abc"}},
        "required": ["x"],
    },
    {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "example": {"y": 1}},
    {
        "type": "object",
        "properties": {"x": {"type": "integer"}},
        "required": ["x"],
        "examples": [{"x": "no"}, {"x": 3}],
    },
    {
        "type": "object",
        "properties": {"start": {"type": "integer"}, "bad": {"type": "string", "minLength": 5, "maxLength": 2}},
        "required": ["start"],
    },
    {
        "type": "object",
        "properties": {"p": {"type": "array", "items": {"type": "string", "minLength": 5, "maxLength": 2}}},
        "required": ["p"],
    },
]
LATER += [
    ref("Base", required=["extra"], properties={"extra": {"type": "integer"}}),
    ref("Base", minProperties=3),
    ref("Node"),
    ref("Must"),
    ref("Must2"),
    ref("Expr"),
    ref("Cat"),
    ref("Any"),
    ref("Tree"),
    ref("Strict"),
    ref("Inst"),
    ref("Pet"),
    {"type": "array", "items": ref("Any"), "minItems": 2},
    {"allOf": [ref("Base"), {"not": {"required": ["age"]}}], "unevaluatedProperties": False},
    ref("Base", properties={"name": {"minLength": 20}}),
]

EARLIER: list[Any] = [
    {
        "type": "object",
        "properties": {"a": {"type": "string", "nullable": True, "enum": ["x", None]}},
        "required": ["a"],
    },
    {"type": "integer", "minimum": 3, "exclusiveMinimum": True, "maximum": 5, "exclusiveMaximum": True},
    {
        "allOf": [
            {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}]},
            {"oneOf": [{"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}}]},
        ]
    },
    {"allOf": [{"type": "string", "pattern": "^[a-z]+$"}, {"pattern": "^.{5}$"}]},
    {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "not": {"required": ["a", "b"]},
    },
    {
        "type": "object",
        "required": ["pw", "id"],
        "properties": {"id": {"type": "string", "readOnly": True}, "pw": {"type": "string", "writeOnly": True}},
    },
    {"nullable": True, "allOf": [ref("Base")]},
    ref("Base"),
    ref("Node"),
    ref("Cat"),
    ref("Any"),
    ref("Pet"),
    {"type": "array", "items": ref("Pet")},
    {"type": "object", "additionalProperties": ref("Base"), "minProperties": 2},
    {"type": "number", "format": "float", "minimum": 0, "maximum": 1, "multipleOf": 0.05},
    {"type": "integer", "format": "int32"},
    {"type": "integer", "format": "int64", "minimum": 2**62},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "byte"},
    {"type": "string", "format": "password", "minLength": 12},
    {
        "allOf": [
            ref("Base"),
            {"type": "object", "additionalProperties": False, "properties": {"name": {}, "z": {"type": "integer"}}},
        ]
    },
    {"enum": ["a", 1, None]},
    {"type": "boolean"},
    {"type": "array", "items": {}},
    {"type": "object"},
    {
        "oneOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"b": {"type": "string"}}},
        ]
    },
    {
        "anyOf": [
            {"$ref": "#/components/schemas/Base"},
            {
                "type": "object",
                "properties": {"x": {"type": "integer"}},
                "required": ["x"],
                "additionalProperties": False,
            },
        ],
        "required": ["x"],
    },
]
