"""What must hold at one place of a value, collected from all the schemas that apply there. Knows no schema."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

Demand = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int, int | None]
"""What texts must match, must not match, are of, and how long they may be."""


class Bound:
    """The tightest of some bounds on one side."""

    __slots__ = ("is_open", "value")

    def __init__(self) -> None:
        self.value: Fraction | None = None
        self.is_open = False

    def tighten(self, value: Any, is_open: bool, upper: bool) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
        if self.value is None or (exact < self.value if upper else exact > self.value):
            self.value, self.is_open = exact, is_open
        elif exact == self.value:
            self.is_open = self.is_open or is_open


class Closed:
    """One schema's say about members that it does not name."""

    __slots__ = ("names", "patterns", "rest")

    def __init__(self, names: Iterable[str], patterns: Iterable[str], rest: Any) -> None:
        self.names = frozenset(names)
        self.patterns = tuple(patterns)
        self.rest = rest


class Facts:
    """What must hold at one place. Everything is empty at first, which allows every value."""

    def __init__(self) -> None:
        self.never = False
        self.types: frozenset[str] | None = None
        self.enum: list[Any] | None = None
        self.excluded: list[Any] = []
        self.examples: list[Any] = []
        self.properties: dict[str, list[Any]] = {}
        self.pattern_properties: list[tuple[str, Any]] = []
        self.closed: list[Closed] = []
        self.required: dict[str, None] = {}
        self.dependents: dict[str, list[str]] = {}
        self.absent: set[str] = set()
        self.property_names: list[Any] = []
        self.min_properties, self.max_properties = 0, None
        self.unevaluated: Any = None
        self.prefixes: list[list[Any]] = []
        self.items: list[tuple[int, Any]] = []
        self.contains: list[tuple[Any, int]] = []
        self.unique = False
        self.min_items: int = 0
        self.max_items: int | None = None
        self.low, self.high = Bound(), Bound()
        self.steps: list[Fraction] = []
        self.min_length: int = 0
        self.max_length: int | None = None
        self.patterns: list[str] = []
        self.forbidden: list[str] = []
        self.formats: list[str] = []
        self.hides = False
        """Members for the other direction must not be there, even those that are required (3.0.3, Schema Object)."""
        self.not_together: list[list[str]] = []
        self.varies = False
        """Whether a choice was made, or the way that led here counted: another time they may be others."""

    min_properties: int
    max_properties: int | None

    def copy(self) -> Facts:
        """Another one, to try something with."""
        new = Facts.__new__(Facts)
        for key, value in self.__dict__.items():
            if isinstance(value, list | set):
                value = value.copy()
            elif isinstance(value, dict):
                value = {k: v.copy() if isinstance(v, list) else v for k, v in value.items()}
            elif isinstance(value, Bound):
                bound = Bound()
                bound.value, bound.is_open = value.value, value.is_open
                value = bound
            new.__dict__[key] = value
        return new

    def impossible(self) -> bool:
        """Whether it is plain that nothing satisfies all of it."""
        low, high = self.low.value, self.high.value
        return (
            self.never
            or self.types == frozenset()
            or self.enum == []
            or (low is not None and high is not None and (low > high))
            or (self.max_length is not None and self.min_length > self.max_length)
            or (self.max_items is not None and self.min_items > self.max_items)
            or (self.max_properties is not None and self.min_properties > self.max_properties)
            or any(name in self.absent for name in self.required)
        )

    def demand(self) -> Demand:
        """What is demanded of texts, to compare it with that of another place."""
        return tuple(self.patterns), tuple(self.forbidden), tuple(self.formats), self.min_length, self.max_length

    def limit_types(self, kinds: Iterable[str]) -> None:
        new = frozenset(kinds)
        if self.types is None:
            self.types = new
            return
        both = self.types & new
        if "integer" not in both and (
            ("integer" in self.types and "number" in new) or ("number" in self.types and "integer" in new)
        ):
            both |= {"integer"}
        self.types = both

    def limit_values(self, values: list[Any]) -> None:
        if self.enum is None:
            self.enum = list(values)
        else:
            self.enum = [value for value in self.enum if any(same(value, other) for other in values)]


def same(left: Any, right: Any) -> bool:
    """Whether two values are one to JSON Schema: 1 is 1.0, and true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "object"
