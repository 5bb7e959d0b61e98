"""XML by the XML Object: elements and attributes to values and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.references import Refs
from mockserver.contract.xml import MAX_LEVELS, XmlError, read_xml, write_xml
from mockserver.contract.xml_schema import XmlSchema


def described(schema, **schemas):
    return XmlSchema(Refs({"components": {"schemas": schemas}}), schema)


def both_ways(schema, value, text, **schemas):
    """A value is written as a text, and read from it again."""
    made = described(schema, **schemas)
    written = write_xml(value, made).decode().partition("\n")[2]
    assert written == text
    assert read_xml(text.encode(), made) == value


TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}


def pets(xml=None, items=None):
    """An object with one list, as in the examples of the specification."""
    listed = {"type": "array", "items": {**TEXT, **({"xml": items} if items else {})}}
    return {
        "type": "object",
        "properties": {"animals": {**listed, **({"xml": xml} if xml else {})}},
        "xml": {"name": "r"},
    }


@pytest.mark.parametrize(
    ("schema", "inner"),
    [
        (pets(), "<animals>a</animals><animals>b</animals>"),
        (pets(items={"name": "animal"}), "<animal>a</animal><animal>b</animal>"),
        (pets({"name": "aliens"}, {"name": "animal"}), "<animal>a</animal><animal>b</animal>"),
        (pets({"wrapped": True}), "<animals><animals>a</animals><animals>b</animals></animals>"),
        (pets({"wrapped": True}, {"name": "animal"}), "<animals><animal>a</animal><animal>b</animal></animals>"),
        (
            pets({"name": "aliens", "wrapped": True}, {"name": "animal"}),
            "<aliens><animal>a</animal><animal>b</animal></aliens>",
        ),
        (pets({"name": "aliens", "wrapped": True}), "<aliens><aliens>a</aliens><aliens>b</aliens></aliens>"),
    ],
)
def test_lists_as_the_specification_shows_them(schema, inner):
    both_ways(schema, {"animals": ["a", "b"]}, f"<r>{inner}</r>")


def test_names_attributes_and_namespaces():
    person = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "xml": {"attribute": True}},
            "name": {**TEXT, "xml": {"namespace": "https://x/schema", "prefix": "sample", "name": "full-name"}},
            "adult": {"type": "boolean"},
            "size": {"type": "number"},
        },
    }
    both_ways(
        {"$ref": "#/components/schemas/Person"},
        {"id": 123, "name": "a < b & c", "adult": True, "size": 1.5},
        '<Person id="123"><sample:full-name xmlns:sample="https://x/schema">a &lt; b &amp; c</sample:full-name>'
        "<adult>true</adult><size>1.5</size></Person>",
        Person=person,
    )


def test_the_name_of_a_base_is_not_that_of_what_extends_it():
    base = {"type": "object", "properties": {"a": TEXT}, "xml": {"name": "base"}}
    other = {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"b": TEXT}}]}
    ref = {"$ref": "#/components/schemas/Other"}
    both_ways(ref, {"a": "1", "b": "2"}, "<Other><a>1</a><b>2</b></Other>", Base=base, Other=other)
    renamed = {"allOf": [{"$ref": "#/components/schemas/Base"}]}
    both_ways(renamed, {"a": "1"}, "<base><a>1</a></base>", Base=base)


def test_two_attributes_of_one_prefix_declare_it_once():
    xml = {"attribute": True, "prefix": "p", "namespace": "urn:p"}
    schema = {"type": "object", "properties": {name: {**TEXT, "xml": xml} for name in "ab"}}
    both_ways(schema, {"a": "1", "b": "2"}, '<root p:a="1" p:b="2" xmlns:p="urn:p"></root>')


def test_a_namespace_of_the_root_is_that_of_its_elements_too():
    schema = {"type": "object", "properties": {"a": TEXT}, "xml": {"name": "r", "namespace": "urn:r"}}
    both_ways(schema, {"a": "x"}, '<r xmlns="urn:r"><a>x</a></r>')


def test_null_is_nil():
    schema = {"type": "object", "properties": {"a": {"type": "integer", "nullable": True}}}
    text = '<root xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><a xsi:nil="true"></a></root>'
    both_ways(schema, {"a": None}, text)


def test_the_text_of_an_element_beside_its_attributes():
    schema = {
        "type": "object",
        "properties": {
            "unit": {**TEXT, "xml": {"nodeType": "attribute"}},
            "amount": {"type": "number", "xml": {"nodeType": "text"}},
        },
    }
    both_ways(schema, {"unit": "kg", "amount": 2.5}, '<root unit="kg">2.5</root>')


def test_a_schema_that_holds_itself():
    node = {
        "type": "object",
        "properties": {"name": TEXT, "below": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}},
    }
    value = {"name": "a", "below": [{"name": "b"}, {"name": "c", "below": [{"name": "d"}]}]}
    made = described({"$ref": "#/components/schemas/Node"}, Node=node)
    assert read_xml(write_xml(value, made), made) == value


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "<any><n>1</n><n>2</n></any>", [1, 2]),
        ({"type": "array", "items": TEXT}, "<any/>", []),
        ({"type": "integer"}, "<n> 5 </n>", 5),
        ({"type": "integer"}, "<n>five</n>", "five"),
        (TEXT, "<t> a </t>", " a "),
        (TEXT, "<t><![CDATA[<b>]]></t>", "<b>"),
        ({}, '<a x="1"><b>2</b><c/><b>3</b></a>', {"x": "1", "b": ["2", "3"], "c": ""}),
        ({}, "<a>" + "<b/>" * 20_000 + "</a>", {"b": [""] * 20_000}),
        ({"type": "object"}, "<a><b><c>1</c></b></a>", {"b": {"c": "1"}}),
        ({"type": "object"}, "<a><b>two <i>words</i></b></a>", {"b": {"i": "words"}}),
        ({"type": "object", "properties": {"u": {**TEXT, "xml": {"attribute": True}}}}, '<a u="kg">5</a>', {"u": "kg"}),
        ({"type": "integer"}, '<a u="kg">5</a>', 5),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "<a><b>1</b></a>", {"b": 1}),
        ({"type": "object", "required": ["l"], "properties": {"l": TEXTS}}, "<a/>", {"l": []}),
        ({"allOf": [{"type": "object", "properties": {"n": {"type": "integer"}}}]}, "<a><n>1</n></a>", {"n": 1}),
        ({"type": "object"}, '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="b"/>', {}),
        ({"type": "object", "properties": {"n": TEXT}}, '<a xml:lang="en" xmlns="urn:a"><n>1</n></a>', {"n": "1"}),
        (TEXT, '<?xml version="1.0" encoding="ISO-8859-1"?><t>\xe4</t>', "ä"),
    ],
)
def test_what_is_read(schema, text, value):
    assert read_xml(text.encode("latin-1"), described(schema)) == value


ONE = {"type": "object", "properties": {"n": {"type": "integer"}}, "xml": {"name": "one"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<one><n>1</one>", "is not well-formed XML: mismatched tag at line 1 column"),
        ("", "no element found"),
        ("<one>\xff", "is not well-formed XML"),
        ("<two/>", "has the root element <two>; it must be <one>"),
        ("<one><n>1</n><n>2</n></one>", "has /one/n more than once"),
        ("<one><n><m/></n></one>", "has elements in /one/n, where only a text may stand"),
        ("<one>text</one>", "has text beside the elements of /one: 'text'"),
        ("<!DOCTYPE one [<!ENTITY e 'x'>]><one>&e;</one>", "has a DOCTYPE"),
        ('<!DOCTYPE one SYSTEM "file:///etc/passwd"><one/>', "has a DOCTYPE"),
        ("<one>&e;</one>", "undefined entity"),
        ('<?xml version="1.0" encoding="nonsense"?><one/>', "encoding"),
        ("<one>" + "<n>" * MAX_LEVELS, "is nested too deeply"),
        ("<one " + " ".join(f'a{i}="1"' for i in range(300)) + "/>", "with more than 256 attributes"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(XmlError, match=message.replace("(", r"\(")):
        read_xml(text.encode("latin-1"), described(ONE))


def test_an_element_of_another_namespace_is_refused():
    schema = {"type": "object", "properties": {"n": {**TEXT, "xml": {"namespace": "urn:n"}}}}
    with pytest.raises(XmlError, match="has /r/n in the wrong namespace; it must be in urn:n"):
        read_xml(b'<r><n xmlns="urn:m">1</n></r>', described(schema))


@pytest.mark.parametrize(
    ("value", "message"), [({"a": "\x00"}, "U\\+0000"), ({"a b": 1}, "'a b' is no name"), ({"": 1}, "is no name")]
)
def test_what_xml_cannot_hold_is_refused(value, message):
    with pytest.raises(XmlError, match=message):
        write_xml(value, described({"type": "object"}))


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text('<>/abn"= &;!?[]\x00ä', max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_an_xml_error(raw):
    try:
        read_xml(raw, described(ONE))
    except XmlError as error:
        assert str(error)


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]) | st.sampled_from("\r\n\t"), max_size=6)
SCALARS = {
    "string": texts,
    "integer": st.integers(-(2**63), 2**63),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
}
names = st.from_regex("[a-z][a-z0-9_.-]{0,4}", fullmatch=True)
numbered = st.integers(0, 999)


@st.composite
def schemas(draw, level=2):
    """A schema, and a strategy for its values."""
    kind = draw(st.sampled_from([*SCALARS, *(["array", "object"] if level else [])]))
    xml = {"name": f"x{draw(numbered)}"} if draw(st.booleans()) else {}
    if draw(st.integers(0, 3)) == 0:
        xml |= {"namespace": "urn:some", "prefix": draw(st.sampled_from(["", "p"]))}
    if kind in SCALARS:
        return {"type": kind, "xml": xml}, SCALARS[kind]
    if kind == "array":
        items, values = draw(schemas(level - 1))
        schema = {"type": "array", "items": items, "xml": {**xml, "wrapped": True}}
        return schema, st.lists(values, max_size=3)
    properties, values = {}, {}
    for name in draw(st.lists(names, max_size=4, unique=True)):
        schema, member = draw(schemas(level - 1))
        schema = {**schema, "xml": {**schema["xml"], "name": f"{name}-{len(properties)}"}}
        if schema["type"] == "array" and draw(st.booleans()):
            items = {**schema["items"], "xml": {**schema["items"]["xml"], "name": f"i-{len(properties)}"}}
            schema = {**schema, "items": items, "xml": {}}
        elif schema["type"] in SCALARS and draw(st.booleans()):
            schema["xml"]["attribute"] = True
        properties[name], values[name] = schema, member
    schema = {"type": "object", "properties": properties, "required": list(properties), "xml": xml}
    return schema, st.fixed_dictionaries(values)


@settings(deadline=None)
@given(st.data())
def test_every_value_comes_back_from_its_xml(data):
    schema, values = data.draw(schemas())
    value, made = data.draw(values), described(schema)
    assert read_xml(write_xml(value, made), made) == value
