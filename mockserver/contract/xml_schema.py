"""What a schema says of the XML that its values are written as (3.0.4, XML Object; 3.2 for `nodeType`).

Made once for a schema, its members as they are asked for, as schemas may hold themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from mockserver.contract.references import Refs
from mockserver.contract.shapes import Shape


class XmlSchema:
    """What a schema says of the XML that its values are written as.

    Args:
        refs: looks up references of the document.
        schema: the schema.
        name: the name of the property that it describes; "" at the root.
    """

    def __init__(self, refs: Refs, schema: Any, name: str = "") -> None:
        self._refs = refs
        parts = list(_parts(refs, schema))
        xml = _xml(refs, schema)
        self._parts = parts
        self.own_name = str(xml.get("name") or "")
        """The name that `xml` gives it; "" when it gives none."""
        self.name = self.own_name or name or _component(schema) or "root"
        self.namespace = str(xml.get("namespace") or "")
        self.prefix = str(xml.get("prefix") or "")
        node = str(xml.get("nodeType") or "")  # 3.2
        self.is_attribute = xml.get("attribute") is True or node == "attribute"
        self.is_text = node in ("text", "cdata")
        """Whether it is the text of its parent's element, beside attributes."""
        self.types = frozenset(kind for part in parts for kind in _types(part))
        self.is_array = "array" in self.types
        self._is_root = not name
        self.is_wrapped = self.is_array and (xml.get("wrapped") is True or node == "element")
        self.shape = Shape(self.types - {"array", "object"})

    @cached_property
    def properties(self) -> dict[str, XmlSchema]:
        """The members of an object, by their names in JSON."""
        return {
            name: XmlSchema(self._refs, schema, name)
            for part in reversed(self._parts)
            for name, schema in (part.get("properties") or {}).items()
        }

    @cached_property
    def required(self) -> frozenset[str]:
        """Members that an object must have."""
        return frozenset(name for part in self._parts for name in part.get("required") or ())

    @cached_property
    def rest(self) -> XmlSchema:
        """Members that have no schema of their own."""
        others = [part["additionalProperties"] for part in self._parts if "additionalProperties" in part]
        return XmlSchema(self._refs, next((schema for schema in others if isinstance(schema, dict)), {}))

    @cached_property
    def item(self) -> XmlSchema:
        """The items of an array, by the name that their elements have."""
        items: dict[str, Any] = next((part["items"] for part in self._parts if isinstance(part.get("items"), dict)), {})
        return XmlSchema(self._refs, items, _component(items) or "item" if self._is_root else self.name)

    @cached_property
    def attributes(self) -> dict[str, tuple[str, XmlSchema]]:
        """Members that are attributes, by their names in XML: the member's name and what describes it."""
        return {xml.name: (name, xml) for name, xml in self.properties.items() if xml.is_attribute}

    @cached_property
    def elements(self) -> dict[str, tuple[str, XmlSchema]]:
        """Members that are elements, likewise; an array that is not wrapped by the name of its items."""
        return {
            (xml.item.name if xml.is_array and not xml.is_wrapped else xml.name): (name, xml)
            for name, xml in self.properties.items()
            if not xml.is_attribute and not xml.is_text
        }

    @cached_property
    def text(self) -> str:
        """The member that the text of an element is; "" when there is none."""
        return next((name for name, xml in self.properties.items() if xml.is_text), "")


def _parts(refs: Refs, schema: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """A schema and all that describe the same value: through `$ref`, `allOf`, `anyOf` and `oneOf`."""
    try:
        target, _ = refs.follow(schema, "")
    except KeyError:
        return
    if not isinstance(target, dict) or depth > 6:
        return
    yield target
    for key in ("allOf", "anyOf", "oneOf"):
        for part in target.get(key) or ():
            yield from _parts(refs, part, depth + 1)


def _xml(refs: Refs, schema: Any, depth: int = 0) -> dict[str, Any]:
    """The XML Object of a schema; that of a schema which it is only another name for, as far as it has none."""
    try:
        target, _ = refs.follow(schema, "")
    except KeyError:
        return {}
    if not isinstance(target, dict) or depth > 6:
        return {}
    wrapped = target.get("allOf") or []
    xml = _xml(refs, wrapped[0], depth + 1) if len(wrapped) == 1 else {}
    # Beside a `$ref` it counts from 3.1 on.
    return {**xml, **(target.get("xml") or {}), **(schema.get("xml") or {})}


def _types(part: dict[str, Any]) -> Iterator[str]:
    kind = part.get("type")
    if isinstance(kind, str):
        yield kind
    elif isinstance(kind, list):
        yield from map(str, kind)
    elif "properties" in part:
        yield "object"
    elif "items" in part:
        yield "array"
    elif "enum" in part:
        names = {bool: "boolean", int: "integer", float: "number", type(None): "null"}
        yield from (names.get(type(option), "string") for option in part["enum"])
    if part.get("nullable") is True:
        yield "null"


def _component(schema: Any) -> str:
    """The name of the component that a `$ref` leads to, which is the name of its element at the root."""
    ref = schema.get("$ref") if isinstance(schema, dict) else None
    return ref.rpartition("/")[2] if isinstance(ref, str) and "/schemas/" in ref else ""
