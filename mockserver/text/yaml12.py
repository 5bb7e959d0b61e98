"""YAML by the 1.2 core schema, made from libyaml's events in one pass.

PyYAML's own loaders build a graph of nodes first, resolve plain scalars by the 1.1 schema (`on` is
true there, `2026-01-01` a date) and let a key stand twice. Here a mapping is a dict with string
keys, a key given twice is refused, and so is every tag that is not of the core schema.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from sys import intern
from typing import Any

import yaml

TWICE = "stands here twice"
"""How the message about a repeated key ends."""

_PREFIX = "tag:yaml.org,2002:"


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


_SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text[0] in "tT"),
    "null": (re.compile(r"~|null|Null|NULL|"), lambda text: None),
    "int": (re.compile(r"[-+]?[0-9]{1,400}|0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}"), _integer),
    "float": (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
        lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    ),
}
"""The types of the core schema besides strings, in the order in which they are tried (YAML 1.2.2, 10.3.2)."""
_FIRST = frozenset("tTfF~nN-+.0123456789")
"""What a plain scalar that is not a string begins with, unless it is empty."""


def load(text: str, levels: int, binary: bool = False) -> tuple[Any, bool]:
    """The value of the one document in `text`; None when there is none.

    With `binary` a scalar of the tag `!!binary` is bytes, which the core schema does not have.

    Also says whether an alias puts a collection into a second place: only then can the value hold
    more than the text does.

    Raises:
        yaml.YAMLError: it cannot be read. A MarkedYAMLError knows the place.
        RecursionError: more than `levels` collections stand inside one another.
    """
    reader = _Reader(text, levels, binary)
    return reader.document(), reader.shared


def is_text(text: str) -> bool:
    """Whether a plain scalar is a string."""
    return bool(text) and (text[0] not in _FIRST or not any(form.fullmatch(text) for form, _ in _SCALARS.values()))


class _Plain(dict[str, Any]):
    """What plain scalars stand for, by their text: a document repeats few of them often."""

    def __missing__(self, text: str) -> Any:
        value: Any = text
        if not text or text[0] in _FIRST:
            value = next((make(text) for pattern, make in _SCALARS.values() if pattern.fullmatch(text)), text)
        self[text] = value
        return value


class _Reader:
    def __init__(self, text: str, levels: int, binary: bool) -> None:
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._levels = levels
        self._binary = binary
        self._plain = _Plain()
        self._anchors: dict[str, Any] = {}
        """By name: the event of a scalar, a finished collection, or the event that began an open one."""
        self.shared = False

    def document(self) -> Any:
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        value = self._value(self._next(), 1)
        self._next()  # the document ends
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise _refusal("but found another document", event)
        return value

    def _value(self, event: Any, level: int) -> Any:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            if event.anchor is not None:
                self._set_anchor(event)
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if level > self._levels:
            raise RecursionError
        if event.anchor is not None:
            self._set_anchor(event)
        is_mapping = kind is yaml.MappingStartEvent
        if event.tag not in (None, "!", _PREFIX + ("map" if is_mapping else "seq")):
            raise _wrong_tag(event)
        value = self._mapping(level + 1) if is_mapping else self._sequence(level + 1)
        if event.anchor is not None and self._anchors[event.anchor] is event:  # not used again inside
            self._anchors[event.anchor] = value
        return value

    def _mapping(self, level: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            key = self._key(event)
            if key in found:
                raise _refusal(f"{key!r} {TWICE}", event)
            found[key] = self._value(self._next(), level)
        return found

    def _sequence(self, level: int) -> list[Any]:
        found: list[Any] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            found.append(self._value(event, level))
        return found

    def _key(self, event: Any) -> str:
        """The text of a key, whatever it would mean as a value."""
        scalar = self._anchored(event) if type(event) is yaml.AliasEvent else event
        if type(scalar) is not yaml.ScalarEvent:
            raise _refusal("a key must be a plain value", event)
        if event is scalar and event.anchor is not None:
            self._set_anchor(event)
        return intern(scalar.value)

    def _scalar(self, event: Any) -> Any:
        if event.tag is None or event.tag == "!":
            return self._plain[event.value] if event.implicit[0] else event.value
        name = event.tag.removeprefix(_PREFIX)
        if name == "str":
            return event.value
        if self._binary and name in ("binary", "!binary"):
            return _bytes(event)
        pattern, make = _SCALARS.get(name, (None, str))
        if pattern is None or not pattern.fullmatch(event.value):
            raise _wrong_tag(event)
        return make(event.value)

    def _alias(self, event: Any) -> Any:
        found = self._anchored(event)
        if type(found) is yaml.ScalarEvent:
            return self._scalar(found)
        if isinstance(found, yaml.CollectionStartEvent):
            raise _refusal("an alias stands inside the value that it names", found)
        self.shared = True
        return found

    def _anchored(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise _refusal("found undefined alias", event)
        return self._anchors[event.anchor]

    def _set_anchor(self, event: Any) -> None:
        # A name may be used again: an alias means the nearest anchor before it (YAML 1.2.2, 3.2.2.2).
        self._anchors[event.anchor] = event


def _bytes(event: Any) -> bytes:
    try:
        return base64.b64decode("".join(event.value.split()), validate=True)
    except ValueError:
        raise _refusal("is no base64", event) from None


def _wrong_tag(event: Any) -> yaml.MarkedYAMLError:
    name = event.tag.removeprefix(_PREFIX)
    if name == "map":
        return _refusal("is not a mapping", event)
    if name in ("seq", "str", *_SCALARS):
        return _refusal(f"is not of the type !!{name}", event)
    return _refusal(f"could not determine a constructor for the tag {event.tag!r}", event)


def _refusal(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


class _Dumper(yaml.CSafeDumper):
    """Writes shared values out each time: anchors confuse many readers of OpenAPI."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def to_yaml(value: object) -> str:
    """A JSON value as YAML, in its own order and without anchors."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text
