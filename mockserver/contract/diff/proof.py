"""Containment of one schema in another by their structure, which proves much and fast, but not everything.

Two schemas are followed side by side through references, each pair once: what is equal in both is contained, whatever
it is, and recursion ends at a pair that is being looked at. Must not know: what to do where nothing is proven.
"""

from __future__ import annotations

from typing import Any

from mockserver.contract.diff.normal import MAX_PARTS, Node, Side
from mockserver.contract.diff.views import View, key_of
from mockserver.text.documents import pointer_of
from mockserver.text.jsontext import to_json

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_OF_TYPE = {
    **dict.fromkeys(
        ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"), ("integer", "number")
    ),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), ("string",)),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems", "items", "prefixItems", "contains"), ("array",)),
    **dict.fromkeys(("minProperties", "maxProperties", "required", "properties", "additionalProperties"), ("object",)),
}
"""The types that a keyword speaks of."""
_IGNORED = frozenset(("readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType", "$schema"))
_MAX_PAIRS = 20_000
"""Pairs of schemas that one proof looks at."""


class Proof:
    """Proves that values of schemas of one side are values of schemas of another.

    Args:
        first: where the values come from; their members are those that are declared.
        second: where the schemas are from that take them.
    """

    def __init__(self, first: Side, second: Side) -> None:
        self.first = first
        self.second = second
        self._assumed: dict[tuple[Any, Any], None] = {}
        self._failed: set[tuple[Any, Any]] = set()
        self._views: dict[tuple[Side, tuple[str, ...]], View] = {}
        self._equal: set[tuple[str, str]] = set()
        self._left = _MAX_PAIRS

    def contained(self, a: Node, b: Node) -> bool:
        """Whether it is proven that `b` takes every value of `a`. False says nothing."""
        self._left = _MAX_PAIRS
        return self._within(self._from([a]), self._into([b]))

    def _from(self, nodes: list[Node]) -> View:
        return self._view(self.first, nodes)

    def _into(self, nodes: list[Node]) -> View:
        return self._view(self.second, nodes)

    def _view(self, side: Side, nodes: list[Node]) -> View:
        key = side, tuple(map(key_of, nodes))
        view = self._views.get(key) if all(key[1]) else None
        if view is None:
            view = self._views[key] = View(side, nodes)
        return view

    def _within(self, a: View, b: View) -> bool:
        if self._equals(a.node.schema, b.node.schema):
            return True
        key = a.key, b.key
        if key in self._assumed:
            return True
        self._left -= 1
        if key in self._failed or self._left < 0:
            return False
        before = len(self._assumed)
        self._assumed[key] = None
        if not self._decided(a, b):
            while len(self._assumed) > before:  # what was concluded from it may be wrong
                self._assumed.popitem()
            if self._left > 0:
                self._failed.add(key)  # with less assumed it would not succeed either
            return False
        return True

    def _decided(self, a: View, b: View) -> bool:
        if any(part.schema is False for part in a.parts):
            return True
        if not self._null_fits(a, b) or len(b.parts) >= MAX_PARTS or (b.allows_null and not b.is_or_null):
            return False
        for part in b.parts:
            if part.schema is True:
                continue
            if part.schema is False:
                return False
            if any(self._equals(own.schema, part.schema) for own in a.parts):
                continue
            for key, value in part.schema.items():
                if key not in _IGNORED and not self._holds(a, key, value, part, b.allows_null):
                    return self._each_alternative(a, b)
        return True

    def _null_fits(self, a: View, b: View) -> bool:
        if not a.allows_null or b.allows_null:
            return True
        if b.types is not None and "null" not in b.types:
            return False
        kinds = ("enum", "const", "anyOf", "oneOf", "not", "if")
        return all(isinstance(part.schema, dict) and not any(key in part.schema for key in kinds) for part in b.parts)

    def _each_alternative(self, a: View, b: View) -> bool:
        """Whether `b` takes the values of each alternative of `a`."""
        alternatives = a.alternatives
        if not alternatives:
            return False
        rest = [_without_alternatives(part) for part in a.parts]
        return all(self._within(self._from([one, *rest]), b) for one in alternatives)

    def _holds(self, a: View, key: str, value: Any, part: Node, takes_null: bool) -> bool:
        """Whether what a keyword of a part of the other schema demands is so for every value of `a`."""
        if key in _OF_TYPE and not a.may_be(_OF_TYPE[key]):
            return True
        if key == "type":
            allowed = {value} if isinstance(value, str) else set(value)
            allowed |= {"integer"} if "number" in allowed else set()
            allowed |= {"null"} if takes_null or a.allows_null else set()
            return a.types is not None and a.types <= allowed
        if key in ("enum", "const"):
            listed = {to_json(one) for one in (value if key == "enum" else [value])}
            listed |= {b"null"} if takes_null else set()
            return a.enum is not None and a.enum.keys() <= listed
        if key in _LOWER:
            own = a.greatest(key)
            return (value == 0 and key not in ("minimum", "exclusiveMinimum")) or (own is not None and own >= value)
        if key in _UPPER:
            own = a.least(key)
            return own is not None and own <= value
        if key == "required":
            return set(value) <= a.required
        if key == "properties":
            return all(
                self._member_fits(a, name, Node(child, part.pointer + pointer_of(["properties", name])))
                for name, child in value.items()
            )
        if key == "additionalProperties":
            return self._others_fit(a, part)
        if key == "items":
            return self._items_fit(a, Node(value, f"{part.pointer}/items"), part)
        if key in ("anyOf", "oneOf"):
            choices = [Node(child, f"{part.pointer}/{key}/{number}") for number, child in enumerate(value)]
            return self._one_fits(a, choices, is_one=key == "oneOf")
        return False

    def _declared(self, a: View) -> tuple[set[str], bool]:
        """The members that a value may have, and whether it may have others."""
        names, patterns, is_open = self.first.names(a.node)
        return set(names), is_open or bool(patterns) or not names

    def _member_fits(self, a: View, name: str, child: Node) -> bool:
        names, is_open = self._declared(a)
        if name in a.rejected:
            return True
        if name in a.properties:
            return self._within(self._from(a.properties[name]), self._into([child]))
        return name not in names and not is_open

    def _others_fit(self, a: View, part: Node) -> bool:
        value = part.schema["additionalProperties"]
        if value is True or value == {}:
            return True
        names, is_open = self._declared(a)
        if "patternProperties" in part.schema:
            return False
        declared = part.schema.get("properties") or {}
        others = self._into([Node(value, f"{part.pointer}/additionalProperties")])
        if is_open:
            own = a.children("additionalProperties")
            if not own or not self._within(self._from(own), others):
                return False
        for name in names - declared.keys() - a.rejected:
            if name not in a.properties or not self._within(self._from(a.properties[name]), others):
                return False
        return True

    def _items_fit(self, a: View, child: Node, part: Node) -> bool:
        own = a.children("items")
        if not own or a.children("prefixItems") or "prefixItems" in part.schema:
            return False
        return self._within(self._from(own), self._into([child]))

    def _one_fits(self, a: View, choices: list[Node], is_one: bool) -> bool:
        for number, choice in enumerate(choices):
            view = self._into([choice])
            if self._within(a, view) and (
                not is_one
                or all(_are_apart(view, self._into([other])) for place, other in enumerate(choices) if place != number)
            ):
                return True
        return False

    def _equals(self, a: Any, b: Any) -> bool:
        """Whether two schemas say the same in the same words, references followed."""
        return self._same(a, b, set())

    def _same(self, a: Any, b: Any, met: set[tuple[str, str]]) -> bool:
        if isinstance(a, dict) and isinstance(b, dict):
            if a.keys() - _IGNORED != b.keys() - _IGNORED:
                return False
            for key, value in a.items():
                if key in _IGNORED:
                    continue
                if key == "$ref" and isinstance(value, str) and isinstance(b[key], str):
                    if not self._same_reference(value, b[key], met):
                        return False
                elif not self._same(value, b[key], met):
                    return False
            return True
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(self._same(one, other, met) for one, other in zip(a, b, strict=True))
        return type(a) is type(b) and bool(a == b)

    def _same_reference(self, a: str, b: str, met: set[tuple[str, str]]) -> bool:
        if a.startswith("urn:format") or b.startswith("urn:format"):
            return a == b
        if (a, b) in met or (a, b) in self._equal:
            return True
        is_outermost = not met
        met.add((a, b))
        if not self._same(self.first.follow(a).schema, self.second.follow(b).schema, met):
            return False
        if is_outermost:
            self._equal |= met  # all that was assumed is so
        return True


def _without_alternatives(part: Node) -> Node:
    if not isinstance(part.schema, dict):
        return part
    return Node({key: value for key, value in part.schema.items() if key not in ("anyOf", "oneOf")}, part.pointer)


def _are_apart(one: View, other: View) -> bool:
    """Whether no value can be of both, by their types or by a member that tells them apart."""
    if one.types is not None and other.types is not None and one.types.isdisjoint(other.types):
        return True
    if one.types != frozenset({"object"}) or other.types != frozenset({"object"}):
        return False
    for name in one.required & other.required:
        first, second = (_tags(view, name) for view in (one, other))
        if first is not None and second is not None and first.isdisjoint(second):
            return True
    return False


def _tags(view: View, name: str) -> frozenset[bytes] | None:
    """The values that a member of a schema may have; None where they are not listed."""
    nodes = view.properties.get(name)
    member = View(view.side, nodes) if nodes else None
    if member is None or member.enum is None or member.allows_null:
        return None
    return frozenset(member.enum)


__all__ = ["Proof"]
