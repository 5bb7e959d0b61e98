"""XML by a schema: elements and attributes to a JSON value and back, as the XML Object says (3.0.4, XML Object).

A description of the schema is made once; `read_xml` and `write_xml` follow it. What a schema does not
name is read and written by its own names. Namespaces are compared only where the schema gives one,
as vendors mostly declare theirs on the root alone. Documents with a DOCTYPE are refused, so there
are no entities but the five that XML itself has. Knows nothing of media types or validation.
"""

from __future__ import annotations

import re
from typing import Any

from mockserver.contract.shapes import scalar
from mockserver.contract.xml_schema import XmlSchema
from mockserver.messages import JSON
from mockserver.text.jsontext import to_json

MAX_LEVELS = 200
"""Elements that may stand in one another."""
MAX_ATTRIBUTES = 256
"""Attributes of one element."""
XSI = "http://www.w3.org/2001/XMLSchema-instance"
"""The namespace of `nil`, which says that an element is null."""
_APART = (XSI, "http://www.w3.org/XML/1998/namespace")
"""Namespaces whose attributes are no members."""
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
)
_NAME = f"[{_START}][-.0-9\u00b7\u0300-\u036f\u203f\u2040{_START}]*"
"""A name without a prefix (XML Namespaces 1.0, 4). To compile it takes longer than to import all of this room's checks;
`re` does that once, when the first XML is written."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, however they are written (2.2)."""
_SCALARS = frozenset(("string", "integer", "number", "boolean"))


class XmlError(ValueError):
    """A text is no XML, or not of the schema's form; or a value cannot be written as XML."""


# -- reading --------------------------------------------------------------------------------------


class _Element:
    """An element as it was parsed."""

    __slots__ = ("attributes", "children", "name", "namespace", "pieces")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.namespace, _, self.name = name.rpartition(" ")
        self.attributes = {_local(key): value for key, value in attributes.items() if not _is_apart(key)}
        if attributes.get(f"{XSI} nil", "").strip() in ("true", "1"):
            self.children: list[_Element] | None = None
        else:
            self.children = []
        self.pieces: list[str] = []

    @property
    def is_nil(self) -> bool:
        """Whether it says that it is null."""
        return self.children is None

    @property
    def text(self) -> str:
        """All text in it, but for that in the elements in it."""
        return "".join(self.pieces)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _is_apart(name: str) -> bool:
    return name.rpartition(" ")[0] in _APART


def read_xml(raw: bytes, schema: XmlSchema) -> JSON:
    """The value that an XML document writes. Raises XmlError, which names the place."""
    root = _parse(raw)
    if (schema.own_name and root.name != schema.own_name) or not _in_namespace(root, schema):
        expected = f"{schema.name} in the namespace {schema.namespace}" if schema.namespace else schema.name
        raise XmlError(f"has the root element <{root.name[:60]}>; it must be <{expected}>")
    if schema.is_array and not root.is_nil and not schema.types & _SCALARS:
        return [_value(child, schema.item, f"/{root.name}/{child.name}") for child in root.children or ()]
    return _value(root, schema, f"/{root.name}")


def _parse(raw: bytes) -> _Element:
    from xml.parsers import expat  # few APIs have XML, and every start would pay for it

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    top: list[_Element] = []
    stack: list[_Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) >= MAX_LEVELS:
            raise XmlError(f"is nested too deeply; at most {MAX_LEVELS} levels are read")
        if len(attributes) > MAX_ATTRIBUTES:
            raise XmlError(f"has an element <{_local(name)[:60]}> with more than {MAX_ATTRIBUTES} attributes")
        element = _Element(name, attributes)
        if stack and stack[-1].children is not None:
            stack[-1].children.append(element)
        if not stack:
            top.append(element)
        stack.append(element)

    def end(name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].pieces.append(data)

    def doctype(*_: Any) -> None:
        raise XmlError("has a DOCTYPE, which is not read; leave it out")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        why = expat.errors.messages[error.code]
        raise XmlError(f"is not well-formed XML: {why} at line {error.lineno} column {error.offset + 1}") from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not know
        if isinstance(error, XmlError):
            raise
        raise XmlError("is in an encoding that is not read; send UTF-8") from None
    return top[0]


def _in_namespace(element: _Element, schema: XmlSchema) -> bool:
    return not schema.namespace or element.namespace == schema.namespace


def _value(element: _Element, schema: XmlSchema, path: str) -> JSON:
    if element.is_nil:
        return None
    if schema.is_array and not (schema.types & _SCALARS and not element.children):
        return [_value(child, schema.item, f"{path}/{child.name}") for child in element.children or ()]
    is_leaf = not element.children and not element.attributes
    if schema.types and "object" not in schema.types:
        if element.children:
            raise XmlError(f"has elements in {path}, where only a text may stand")
        text = element.text if "string" in schema.types else element.text.strip()
        return scalar(text, schema.shape)
    if is_leaf and (not schema.types or "string" in schema.types or (schema.types & _SCALARS and element.text.strip())):
        return scalar(element.text, schema.shape)
    return _object(element, schema, path)


def _object(element: _Element, schema: XmlSchema, path: str) -> dict[str, Any]:
    value: dict[str, Any] = {}
    repeated: set[str] = set()
    for key, text in element.attributes.items():
        name, attribute = schema.attributes.get(key) or (key, schema.rest)
        value[name] = _attribute(text, attribute)
    for child in element.children or ():
        name, xml = schema.elements.get(child.name) or (child.name, schema.rest)
        at = f"{path}/{child.name}"
        inner = xml.item if xml.is_array and not xml.is_wrapped and child.name in schema.elements else xml
        if not _in_namespace(child, inner):
            raise XmlError(f"has {at} in the wrong namespace; it must be in {inner.namespace}")
        item = _value(child, inner, at)
        if inner is not xml:
            value.setdefault(name, []).append(item)
        elif name not in value:
            value[name] = item
        elif child.name in schema.elements:
            raise XmlError(f"has {at} more than once; it takes one value")
        elif name in repeated:
            value[name].append(item)
        else:
            value[name] = [value[name], item]
            repeated.add(name)
    if schema.text:
        value[schema.text] = scalar(element.text, schema.properties[schema.text].shape)
    elif element.text.strip() and schema.types and not schema.attributes:
        # Before 3.2 there was no way to describe the text beside attributes; of what has no schema all is taken.
        raise XmlError(f"has text beside the elements of {path}: {element.text.strip()[:60]!r}")
    for name in schema.required:
        xml = schema.properties.get(name) or schema.rest
        if name not in value and xml.is_array and not xml.is_wrapped and not xml.is_attribute:
            value[name] = []  # which is how an empty one is written
    return value


def _attribute(text: str, schema: XmlSchema) -> JSON:
    if schema.is_array:
        return [scalar(word, schema.item.shape) for word in text.split()]
    return scalar(text, schema.shape)


# -- writing --------------------------------------------------------------------------------------


def write_xml(value: JSON, schema: XmlSchema) -> bytes:
    """A value as an XML document in UTF-8. Raises XmlError for what XML cannot hold, such as a control character."""
    written: list[str] = []
    _write(value, schema, schema.name, written)
    text = "".join(written)
    if _NIL in text:
        end = 1 + len(_qualified(schema.name, schema))
        text = f"{text[:end]} xmlns:xsi={_quoted(XSI)}{text[end:]}"
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()


_NIL = ' xsi:nil="true"'


def _write(value: JSON, schema: XmlSchema, name: str, written: list[str]) -> None:
    """One value as one element."""
    namespaces = {schema.prefix: schema.namespace} if schema.namespace else {}
    attributes, inner = "", list[str]()
    if value is None:
        attributes = _NIL
    elif isinstance(value, list):
        for item in value:
            _write(item, schema.item, schema.item.name if schema.is_array else name, inner)
    elif isinstance(value, dict):
        for key, member in value.items():
            attributes += _write_member(key, member, schema, namespaces, inner)
    else:
        inner.append(_escaped(_text(value)))
    for prefix, uri in namespaces.items():
        attributes += f" xmlns{':' if prefix else ''}{prefix}={_quoted(uri)}"
    qualified = _qualified(name, schema)
    written += [f"<{qualified}{attributes}>", *inner, f"</{qualified}>"]


def _write_member(key: str, member: JSON, schema: XmlSchema, namespaces: dict[str, str], inner: list[str]) -> str:
    """A member of an object among its elements; the text of it when it is an attribute, else ""."""
    xml = schema.properties.get(key)
    if xml is None:
        for item in member if isinstance(member, list) else [member]:
            _write(item, schema.rest, key, inner)
    elif xml.is_attribute:
        if member is None:
            return ""
        if xml.prefix and xml.namespace:
            namespaces[xml.prefix] = xml.namespace
        text = " ".join(map(_text, member)) if isinstance(member, list) else _text(member)
        return f" {_qualified(xml.name, xml)}={_quoted(text)}"
    elif xml.is_text:
        inner.append(_escaped(_text(member)) if member is not None else "")
    elif not xml.is_array or xml.is_wrapped:
        _write(member, xml, xml.name, inner)
    elif member is not None:  # of a list that is not wrapped null is as nothing
        for item in member if isinstance(member, list) else [member]:
            _write(item, xml.item, xml.item.name, inner)
    return ""


def _qualified(name: str, schema: XmlSchema) -> str:
    prefix = schema.prefix if schema.namespace else ""
    for part in (prefix, name) if prefix else (name,):
        if not re.fullmatch(_NAME, part):
            raise XmlError(f"{part[:60]!r} is no name that XML allows")
    return f"{prefix}:{name}" if prefix else name


def _text(value: JSON) -> str:
    if isinstance(value, dict | list):
        raise XmlError("an attribute or a text cannot hold an object or an array")
    return value if isinstance(value, str) else to_json(value).decode()


def _escaped(text: str) -> str:
    return _replaced(text, "&&amp;", "<&lt;", ">&gt;", "\r&#13;")


def _quoted(text: str) -> str:
    # Line ends and tabs would be read as blanks.
    return '"' + _replaced(text, "&&amp;", "<&lt;", '"&quot;', "\r&#13;", "\n&#10;", "\t&#9;") + '"'


def _replaced(text: str, *entities: str) -> str:
    """A text with characters written as entities, each given with its entity behind it."""
    if bad := _FORBIDDEN.search(text):
        raise XmlError(f"XML cannot hold the character U+{ord(bad[0]):04X}")
    for entity in entities:
        text = text.replace(entity[0], entity[1:])
    return text
