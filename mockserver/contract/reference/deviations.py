"""Where the engine differs from openapi-core on purpose: a named list, each with its reason.

Everything else on which the two disagree is a defect of ours. The differential tests and the referee go by
this list; an entry says which way we differ, why, and which sentence of which specification decides it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from mockserver.contract.json_text import MAX_DEPTH
from mockserver.contract.media_types import FORMS, LINES, is_xml
from mockserver.contract.reference.message import Message, is_scalar, leaves
from mockserver.contract.reference.questions import (
    given_twice,
    has_numbers,
    is_any_file,
    is_opaque,
    key_twice,
    large_float,
    member_as_json,
    not_canonical,
    other_charset,
    other_members,
    query_parameters,
    required_default,
    response_content,
    undeclared_field,
    violations,
    wrong_format,
)
from mockserver.records import record
from mockserver.text.fields import Decoded
from mockserver.text.jsontext import depth


@record(frozen=True)
class Deviation:
    """One difference that is meant."""

    ours: Literal["accepts", "refuses"]
    """What the engine does, while openapi-core does the opposite."""
    reason: str
    source: str
    """Where the sentence stands that decides it."""
    applies: Callable[[Message], bool]


def explained(message: Message, accepted: bool) -> str:
    """The name of the deviation that accounts for a disagreement about `message`; "" when none does."""
    ours = "accepts" if accepted else "refuses"
    return next((name for name, one in DEVIATIONS.items() if one.ours == ours and one.applies(message)), "")


_OAS = "https://spec.openapis.org/oas/v3.0.4.html"
_RFC8259 = "https://www.rfc-editor.org/rfc/rfc8259"

DEVIATIONS = {
    "given twice": Deviation(
        "refuses",
        "A scalar that is given twice has two meanings; openapi-core takes the first.",
        f"{_OAS}#style-values: only arrays and objects are spelled with a name more than once",
        given_twice,
    ),
    "not canonical": Deviation(
        "refuses",
        "Only canonical forms are numbers and booleans; openapi-core reads whatever Python's int() reads.",
        f"{_RFC8259}#section-6: a number has no leading plus, zero, blank or underscore",
        not_canonical,
    ),
    "key twice": Deviation(
        "refuses",
        "A key that stands twice in one object means two things; openapi-core takes the last.",
        f"{_RFC8259}#section-4: the names within an object SHOULD be unique",
        key_twice,
    ),
    "too deep": Deviation(
        "refuses",
        "Nesting has a limit; openapi-core has none of its own and runs out of stack.",
        f"{_RFC8259}#section-9: an implementation may set limits on the maximum depth of nesting",
        lambda message: depth(message.body) > MAX_DEPTH,
    ),
    "other charset": Deviation(
        "refuses",
        "JSON is UTF-8; another charset is refused, openapi-core does not look at it.",
        f"{_RFC8259}#section-8.1: JSON text exchanged between systems MUST be encoded using UTF-8",
        other_charset,
    ),
    "content coding": Deviation(
        "refuses",
        "A body that cannot be decoded cannot be read; openapi-core does not look at `Content-Encoding`.",
        "https://www.rfc-editor.org/rfc/rfc9110#section-8.4: what decoding must be applied to obtain the data",
        lambda message: message.request is not None and message.request.refusal is not None,
    ),
    "empty text": Deviation(
        "accepts",
        "`?name=` is how the style form spells an empty string, which a string schema takes; `allowEmptyValue` is "
        "about leaving a value out. openapi-core refuses it.",
        f"{_OAS}#style-examples: the column for an empty value of the style form is `color=`",
        lambda message: "" in message.query("string"),
    ),
    "undeclared error status": Deviation(
        "accepts",
        "An error status that the document does not declare is no breach: vendors declare few of them.",
        f"{_OAS}#responses-object: the documentation is not necessarily expected to cover all possible HTTP codes",
        lambda message: message.response is not None and message.response.status >= 300,
    ),
    "no body by rule": Deviation(
        "accepts",
        "204, 205 and 304 have no body, also where a range of statuses declares one; openapi-core misses it.",
        "https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1: all 204 (No Content) responses do not include content",
        lambda message: message.response is not None and message.response.status in (204, 205, 304),
    ),
    "nothing described": Deviation(
        "accepts",
        "`content: {}` describes no body, so it demands none; openapi-core demands a body that nothing can be.",
        f"{_OAS}#response-object: `content` is a map containing descriptions of potential response payloads",
        lambda message: message.response is not None and response_content(message) == {},
    ),
    "charset declared": Deviation(
        "accepts",
        "A declared `application/json; charset=utf-8` is JSON as any other; openapi-core wants it to the letter.",
        f"{_RFC8259}#section-11: no charset parameter is defined; adding one has no effect on compliant recipients",
        lambda message: any(";" in name for name in response_content(message) or ()),
    ),
    "not for JSON Schema": Deviation(
        "accepts",
        "A schema says nothing that could be checked of images, archives and the like, nor an object schema of a text; "
        "openapi-core checks the text of it.",
        f"{_OAS}#schema-object: schemas describe JSON; of other media types they describe what is made of them",
        lambda message: is_opaque(message),
    ),
    "any file": Deviation(
        "accepts",
        "A range of media types with a binary string takes files of every kind as they are; openapi-core reads those "
        "that are JSON or forms, and misses a string.",
        f"{_OAS}#considerations-for-file-uploads: `*/*` and `format: binary` declare a body of any type",
        is_any_file,
    ),
    "XML by its schema": Deviation(
        "accepts",
        "XML becomes a value by the XML Object, and that is checked; openapi-core checks the parsed tree, or the text.",
        f"{_OAS}#xml-object: a metadata object that allows for more fine-tuned XML model definitions",
        lambda message: is_xml(message.media_type),
    ),
    "rows and lines": Deviation(
        "accepts",
        "The lines of CSV and JSON lines are the items of an array; openapi-core checks the text.",
        "https://spec.openapis.org/oas/v3.2.0.html#sequential-media-types: treated as if the values were in an array",
        lambda message: message.media_type == "text/csv" or message.media_type in LINES,
    ),
    "formats": Deviation(
        "refuses",
        "The engine goes by the RFC that a format names; openapi-core's checks are looser, such as an @ for an e-mail.",
        "https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3.2: email - as defined by RFC 5321",
        wrong_format,
    ),
    "large float": Deviation(
        "refuses",
        "1e300 is a whole number of more than 32 bits; openapi-core lets every number pass that Python holds as float.",
        "https://spec.openapis.org/oas/v3.1.1.html#data-type-format: int32 - signed 32 bits",
        large_float,
    ),
    "empty list": Deviation(
        "accepts",
        "An empty text where a list or an object stands is one of nothing; openapi-core reads one empty item.",
        f"{_OAS}#style-examples: there is no form of an empty array, and what clients send for it is this",
        lambda message: any(
            value in ([], {}) or text == "" for _, text, value in message.decoded() if not is_scalar(value)
        ),
    ),
    "name without a value": Deviation(
        "refuses",
        "An object is spelled in pairs, and message a pair is an error; openapi-core drops it.",
        f"{_OAS}#style-examples: the column for objects, `R,100,G,200,B,150` and `R=100,G=200,B=150`",
        lambda message: any(
            "object" in one.shape.types and isinstance(value, str) for one, _, value in message.decoded()
        ),
    ),
    "prefix left out": Deviation(
        "refuses",
        "The styles label and matrix begin with a mark; openapi-core drops the first character, whatever it is.",
        "https://www.rfc-editor.org/rfc/rfc6570#section-3.2.5: each defined variable is preceded by a dot",
        lambda message: any(
            one.style == "label" and not (message.values or {}).get(one.name, ".").startswith(".")
            for one in message.operation.parameters
        ),
    ),
    "null as text": Deviation(
        "accepts",
        "The text `null`, or an empty one, is null where that may stand; openapi-core wants one of the other types.",
        "https://spec.openapis.org/oas/v3.1.1.html#appendix-b-data-type-conversion: how null is made a text is open",
        lambda message: any(
            leaf is None for one, _, value in message.decoded() for leaf, _ in leaves(value, one.shape)
        ),
    ),
    "list among others": Deviation(
        "refuses",
        "A parameter that may be a list is read as one whenever its schema says so anywhere; openapi-core looks at "
        "`type` alone, and takes the first text where that is not `array`.",
        f"{_OAS}#style-values: with explode an array generates a parameter for each of its values",
        lambda message: any(
            isinstance(value, list) and one.shape.types - {"array", "null"} for one, _, value in message.decoded()
        ),
    ),
    "other members": Deviation(
        "accepts",
        "`additionalProperties` gives the type of the other members of an object, so their texts are read by it; "
        "openapi-core leaves them texts.",
        f"{_OAS}#properties: additionalProperties - value can be boolean or object",
        other_members,
    ),
    "member as JSON": Deviation(
        "accepts",
        "An object in a form is sent as JSON unless `encoding` gives it a style; openapi-core reads the style form.",
        f"{_OAS}#encoding-object: contentType defaults to application/json for objects",
        member_as_json,
    ),
    "multipart scalars": Deviation(
        "accepts",
        "A part of a form holds a number or a boolean as text; openapi-core leaves it a text and then misses a number.",
        f"{_OAS}#encoding-object: contentType defaults to text/plain for numbers and booleans",
        lambda message: message.media_type == FORMS[1],
    ),
    "multipart alternatives": Deviation(
        "refuses",
        "Where alternatives describe a form, openapi-core takes the members of those that hold before numbers are "
        "read, and drops the others unjudged; the engine validates all.",
        f"{_OAS}#encoding-object: contentType defaults to text/plain for numbers and booleans",
        lambda message: message.media_type == FORMS[1] and has_numbers(message),
    ),
    "empty value allowed": Deviation(
        "accepts",
        "An empty text of a parameter with `allowEmptyValue` counts as a parameter that is not used; openapi-core "
        "checks it as a value.",
        f"{_OAS}#parameter-allow-empty-value: the server SHOULD interpret the parameter as being unused",
        lambda message: any(
            one.allows_empty and "" in message.values_sent.get(one.name, ()) for one in query_parameters(message)
        ),
    ),
    "delimiter as data": Deviation(
        "accepts",
        "A delimiter that is percent-encoded beside one that is not is data; openapi-core splits what is decoded.",
        f"{_OAS}#appendix-c: percent-decoding comes after splitting on the delimiter",
        lambda message: any(
            isinstance(text, Decoded) and {",", "|"} & {*text.raw} and re.search("%2C|%7C", text.raw, re.IGNORECASE)
            for texts in message.values_sent.values()
            for text in texts
        ),
    ),
    "nested members": Deviation(
        "refuses",
        "`filter[size][min]` is the member `min` of the member `size`, as all who write it mean it; openapi-core takes "
        "it for one member of another name.",
        f"{_OAS}#style-values: the representation of nested objects in the style deepObject is not defined",
        lambda message: any(
            one.style == "deepObject" and name.startswith(f"{one.name}[") and "][" in name
            for one in query_parameters(message)
            for name in message.values_sent
        ),
    ),
    "part against its encoding": Deviation(
        "refuses",
        "A part must have one of the media types, and the headers, that its Encoding Object gives; openapi-core looks "
        "at neither.",
        f"{_OAS}#encoding-object: contentType - the Content-Type for encoding a specific property",
        lambda message: any(
            one.keyword == "contentType" or "in its part" in one.message for one in violations(message)
        ),
    ),
    "undeclared form field": Deviation(
        "refuses",
        "A field that the schema does not name is validated by `additionalProperties`; openapi-core drops it.",
        f"{_OAS}#properties: additionalProperties defaults to true, and false forbids others",
        undeclared_field,
    ),
    "required with a default": Deviation(
        "refuses",
        "What is required must be sent, whatever the default of its schema; openapi-core fills the default in.",
        f"{_OAS}#parameter-required: determines whether this parameter is mandatory",
        required_default,
    ),
    "form without a part": Deviation(
        "refuses",
        "A multipart body has a part at least; openapi-core takes one without any for an empty object.",
        "https://www.rfc-editor.org/rfc/rfc2046#section-5.1: the body must contain one or more body parts",
        lambda message: message.media_type == FORMS[1] and message.form is None,
    ),
}
