"""The JSON Schema of values that were seen: no narrower than they are, and no wider than they suggest.

Must not know: OpenAPI, HTTP.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from mockserver.messages import JSON

MAX_DEPTH = 16
"""Levels that are described; what is deeper may be anything."""
MAX_MEMBERS = 200
"""Names of members that are described; an object with more of them is a map."""
MAX_VALUES = 6
"""Values that an enumeration may have."""
MIN_REPEATS = 3
"""Times that each value of an enumeration was seen, in the mean, and at least twice."""
_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,30}")
"""What a value of an enumeration looks like."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EMAIL = re.compile(
    r"[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?\.)+[A-Za-z]{2,20}"
)
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def _is_moment(text: str) -> bool:
    return bool(_DATE_TIME.fullmatch(text)) and _exists(datetime.fromisoformat, text[:19])


def _is_date(text: str) -> bool:
    return bool(_DATE.fullmatch(text)) and _exists(date.fromisoformat, text)


def _exists(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID."""
    return bool(_UUID.fullmatch(text))


def _is_email(text: str) -> bool:
    return len(text) <= 100 and bool(_EMAIL.fullmatch(text))


_FORMATS: dict[str, Callable[[str], bool]] = {
    "uuid": is_uuid,
    "date-time": _is_moment,
    "date": _is_date,
    "email": _is_email,
}


class Shape:
    """What values at one place have in common."""

    __slots__ = ("_depth", "_formats", "_items", "_members", "_objects", "_texts", "count", "is_map", "types")

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self.count = 0
        self.types: Counter[str] = Counter()
        self._formats = dict(_FORMATS)
        self._texts: Counter[str] = Counter()
        """Texts and how often each was seen; of very many, the first."""
        self._items: Shape | None = None
        self._members: dict[str, Shape] = {}
        self._objects = 0
        self.is_map = False
        """Whether the names of members are values: then all members have one shape."""

    def add(self, value: JSON) -> None:
        """One more value."""
        self.count += 1
        kind = _type(value)
        self.types[kind] += 1
        if kind == "string":
            self._text(value)
        elif kind == "array" and self._depth < MAX_DEPTH:
            self._items = self._items or Shape(self._depth + 1)
            for item in value:
                self._items.add(item)
        elif kind == "object" and self._depth < MAX_DEPTH:
            self._object(value)

    def _text(self, text: str) -> None:
        self._formats = {name: fits for name, fits in self._formats.items() if fits(text)}
        if text in self._texts or len(self._texts) <= MAX_VALUES:
            self._texts[text] += 1

    def _object(self, value: dict[str, JSON]) -> None:
        self._objects += 1
        for name, member in value.items():
            key = "" if self.is_map else name
            if key not in self._members:
                self._members[key] = Shape(self._depth + 1)
            self._members[key].add(member)
        if not self.is_map and (len(self._members) > MAX_MEMBERS or _are_values(self._members)):
            self.is_map = True
            shapes, self._members = list(self._members.values()), {"": Shape(self._depth + 1)}
            for shape in shapes:
                self._members[""].join(shape)

    def join(self, other: Shape) -> None:
        """Also all the values of another shape."""
        self.count += other.count
        self.types += other.types
        self._formats = {name: fits for name, fits in self._formats.items() if name in other._formats}
        for text, count in other._texts.items():
            if text in self._texts or len(self._texts) <= MAX_VALUES:
                self._texts[text] += count
        if other._items is not None:
            self._items = self._items or Shape(self._depth + 1)
            self._items.join(other._items)
        self._objects += other._objects
        if self.is_map != other.is_map:
            for shape in (self, other):
                shape._make_map()
        for name, member in other._members.items():
            if name not in self._members:
                self._members[name] = Shape(self._depth + 1)
            self._members[name].join(member)

    def _make_map(self) -> None:
        if not self.is_map:
            self.is_map = True
            shapes, self._members = list(self._members.values()), {}
            for shape in shapes:
                self._members.setdefault("", Shape(self._depth + 1)).join(shape)

    def schema(self) -> dict[str, Any]:
        """A schema that every value fits."""
        types = [kind for kind in _TYPES if self.types[kind]]
        if "number" in types and "integer" in types:
            types.remove("integer")
        if not types:
            return {}
        if types == ["null"]:
            return {}  # nothing is known of what it is when it is there
        others = [kind for kind in types if kind != "null"]
        named = [*others, "null"] if "null" in types else others
        schema: dict[str, Any] = {"type": named[0] if len(named) == 1 else named}
        if "string" in others:
            schema |= self._string(others == ["string"], "null" in types)
        if self._items is not None and self._items.count:
            schema["items"] = self._items.schema()
        if "object" in others:
            schema |= self._members_schema()
        return schema

    def _string(self, alone: bool, nullable: bool) -> dict[str, Any]:
        values = self._texts
        is_few = 2 <= len(values) <= MAX_VALUES and min(values.values()) >= 2
        if alone and is_few and values.total() >= MIN_REPEATS * len(values) and all(map(_WORD.fullmatch, values)):
            return {"enum": [*sorted(values), *([None] if nullable else [])]}
        return {"format": name} if (name := next(iter(self._formats), "")) else {}

    def _members_schema(self) -> dict[str, Any]:
        if self.is_map:
            inner = self._members.get("")
            return {"additionalProperties": inner.schema()} if inner is not None else {}
        if not self._members:
            return {}
        required = [name for name, member in self._members.items() if member.count == self._objects]
        schema: dict[str, Any] = {"required": required} if required else {}
        return schema | {"properties": {name: member.schema() for name, member in self._members.items()}}


class TextShape:
    """The schema of texts that stand for values: parameters, and fields of forms."""

    def __init__(self) -> None:
        self._shape = Shape()
        self._kinds: dict[str, Callable[[str], bool]] = {
            "integer": is_integer,
            "number": _is_number,
            "boolean": lambda text: text in ("true", "false"),
        }

    def add(self, text: str) -> None:
        """One more text."""
        self._shape.add(text)
        self._kinds = {name: fits for name, fits in self._kinds.items() if fits(text)}

    @property
    def count(self) -> int:
        """How many were seen."""
        return self._shape.count

    @property
    def is_integer(self) -> bool:
        """Whether all are whole numbers."""
        return "integer" in self._kinds

    def schema(self) -> dict[str, Any]:
        """A schema that every one fits."""
        kind = next(iter(self._kinds), "") if self._shape.count else ""
        return {"type": kind} if kind else self._shape.schema() or {"type": "string"}


def is_integer(text: str) -> bool:
    """Whether a text is a whole number as it is usually written."""
    return bool(re.fullmatch(r"0|-?[1-9][0-9]{0,14}", text))


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?", text))


def _type(value: JSON) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"


def _are_values(names: Iterable[str]) -> bool:
    """Whether names of members look like ids or numbers, and not like names."""
    names = list(names)
    return len(names) >= 2 and all(is_uuid(name) or name.isdecimal() or _is_date(name) for name in names)


__all__ = ["Shape", "TextShape", "is_integer", "is_uuid"]
