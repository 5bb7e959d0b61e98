"""A value of a file with its place, so that what is wrong is told with file, line and pointer.

Must not know: what the files mean.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.messages import JSON
from mockserver.text.documents import DocumentError, Locator, pointer_of
from mockserver.text.matchers import MISSING

_KINDS = {dict: "an object", list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}


class Text:
    """A file that was read: its name, and where in it values stand."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._locator = Locator(text)

    def error(self, path: tuple[str | int, ...], message: str) -> DocumentError:
        """The error of a place in it."""
        line, _ = self._locator.at(path)
        return DocumentError(f"{self.name}:{line}: #{pointer_of(path)}: {message}")


class Node:
    """A value in a file. One that is not there has the value MISSING, and so have its members.

    The readers of values give a default where nothing, or null, stands, and raise DocumentError for another type.
    """

    __slots__ = ("_path", "_text", "value")

    def __init__(self, text: Text, value: JSON, path: tuple[str | int, ...] = ()) -> None:
        self._text = text
        self._path = path
        self.value = value

    @property
    def pointer(self) -> str:
        """Where it stands."""
        return pointer_of(self._path)

    @property
    def is_there(self) -> bool:
        """Whether something stands there that is not null."""
        return self.value is not MISSING and self.value is not None

    def is_a(self, kind: type) -> bool:
        """Whether it is of a type."""
        return isinstance(self.value, kind)

    def error(self, message: str) -> DocumentError:
        """An error about it."""
        return self._text.error(self._path, message)

    def __getitem__(self, name: str) -> Node:
        """A member of an object; of nothing, nothing."""
        if self.is_there and not isinstance(self.value, dict):
            raise self._wrong("an object")
        value = self.value.get(name, MISSING) if self.is_there else MISSING
        return Node(self._text, value, (*self._path, name))

    def items(self) -> Iterator[Node]:
        """The items of an array."""
        if self.is_there and not isinstance(self.value, list):
            raise self._wrong("an array")
        for index, item in enumerate(self.value if self.is_there else ()):
            yield Node(self._text, item, (*self._path, index))

    def members(self) -> Iterator[tuple[str, Node]]:
        """The members of an object."""
        if self.is_there and not isinstance(self.value, dict):
            raise self._wrong("an object")
        for name, value in self.value.items() if self.is_there else ():
            yield name, Node(self._text, value, (*self._path, name))

    def text(self, default: str | None = None) -> str:
        """A text; without a default one must be there."""
        if not self.is_there and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self._wrong("a text")
        return self.value

    def word(self, default: str = "") -> str:
        """A text, or a number or a word of YAML and JSON as it is written."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return str(self.value) if isinstance(self.value, int | float) else self.text(default)

    def integer(self, least: int, most: int) -> int:
        """A whole number within bounds."""
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong("a whole number")
        if not least <= value <= most:
            raise self.error(f"is {value}; expected {least} to {most}")
        return value

    def flag(self) -> bool:
        """Whether it is true; false where nothing stands."""
        if self.is_there and not isinstance(self.value, bool):
            raise self._wrong("true or false")
        return self.value is True

    def _wrong(self, expected: str) -> DocumentError:
        if self.value is MISSING:
            return self.error(f"is missing; expected {expected}")
        found = "null" if self.value is None else _KINDS.get(type(self.value), "something else")
        return self.error(f"is {found}; expected {expected}")


__all__ = ["Node", "Text"]
