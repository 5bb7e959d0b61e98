"""YAML and JSON as this project reads them, and where in the text a value stands.

YAML is read by the 1.2 core schema, which OpenAPI recommends: `on`, `off`, `yes`, `no` and dates
are strings. Keys are strings (`200:` is "200"), a key given twice is an error, and aliases cannot
blow a small file up. Knows nothing of what the documents mean.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from mockserver.errors import UserError
from mockserver.text.jsontext import COLLECTIONS, depth, duplicate_key

if TYPE_CHECKING:
    import yaml

    from mockserver.text.marks import Place

MAX_EXPANDED = 20_000_000
"""Values that a document may hold once its aliases are followed."""

ENDINGS = (".yaml", ".yml", ".json")
"""What the names of documents and scenarios end in."""
MAX_NESTING = 200
"""Levels of arrays and objects that a document may have."""


class DocumentError(UserError):
    """A file that cannot be read or parsed; the message starts with file:line:column when known."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the garbage collector, which otherwise walks a large document again and again while it grows.

    Nothing that is read here goes away meanwhile, so there is nothing to collect. For a YAML text of
    10 MB it is the difference between one second and five.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def files_in(folder: str) -> dict[str, Path]:
    """The YAML and JSON files right in a folder, by their names without the ending; none when it is ""."""
    if not folder:
        return {}
    return {path.stem: path for path in sorted(Path(folder).glob("*")) if path.suffix in ENDINGS and path.is_file()}


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it holds either all of the data or what it held before. Raises UserError."""
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            beside.unlink(missing_ok=True)  # of a process of this number that was killed
            with beside.open("xb") as file:
                if target.exists():
                    beside.chmod(target.stat().st_mode & 0o777)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; what it held before is still there") from None


def read_text(path: Path, limit: int) -> str:
    """The text of a UTF-8 file of at most `limit` bytes. Raises DocumentError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise DocumentError(f"{path}: is larger than {limit:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DocumentError(f"{path}:{line}: is not UTF-8") from None


@uncollected()
def parse(text: str, name: str, binary: bool = False) -> Any:
    """The value of a YAML or JSON text. `name` stands in messages; `binary` lets `!!binary` be bytes.

    Raises DocumentError.
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # perhaps YAML in flow style; its parser also gives the better message
        else:
            if depth(value) > MAX_NESTING:
                raise _too_deep(name)
            # Only when no key is given twice may the faster parser's word be taken.
            duplicate = duplicate_key(text.encode(), value)
            if duplicate is not None:
                raise _twice(text, name, duplicate)
            return value
    import yaml  # when it is needed: a start of bundled documents reads none

    from mockserver.text import yaml12

    try:
        value, is_shared = yaml12.load(text, MAX_NESTING, binary)
    except yaml.MarkedYAMLError as error:
        raise _placed(error, name) from None
    except yaml.YAMLError as error:
        raise DocumentError(f"{name}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise _too_deep(name) from None
    if is_shared:
        _check_expanded(value, name)
    return value


def _placed(error: yaml.MarkedYAMLError, name: str) -> DocumentError:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    return DocumentError(f"{where}: {error.problem or error.context}")


def _too_deep(name: str) -> DocumentError:
    return DocumentError(f"{name}: is nested too deeply; at most {MAX_NESTING} levels are read")


def _twice(text: str, name: str, key: str) -> DocumentError:
    """A JSON text repeats `key`; the YAML parser, which knows lines, can mostly tell where."""
    import yaml

    from mockserver.text import yaml12

    try:
        yaml12.load(text, MAX_NESTING)
    except yaml.MarkedYAMLError as error:
        if str(error.problem).endswith(yaml12.TWICE):
            return _placed(error, name)
    except yaml.YAMLError:
        pass
    return DocumentError(f"{name}: {key!r} {yaml12.TWICE}")


def _check_expanded(value: Any, name: str) -> None:
    """Refuse a document that aliases make huge, and one that they nest too deeply."""
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: Any) -> tuple[int, int]:
        """The values in `node`, and the levels of it."""
        if type(node) not in COLLECTIONS:
            return 1, 0
        if id(node) not in measured:
            size, levels = 1, 0
            for child in node.values() if type(node) is dict else node:
                child_size, child_levels = measure(child)
                size += child_size
                levels = max(levels, child_levels)
            if size > MAX_EXPANDED:
                raise DocumentError(f"{name}: its aliases make it hold more than {MAX_EXPANDED:,} values")
            if levels >= MAX_NESTING:
                raise _too_deep(name)
            measured[id(node)] = size, levels + 1
        return measured[id(node)]

    try:
        measure(value)
    except RecursionError:
        raise _too_deep(name) from None


class Locator:
    """Tells where in a YAML or JSON text the value at a path stands. Reads the text when first asked.

    Only for a text that `parse` accepts: what it reads with has no limit of nesting of its own.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _root(self) -> Place | None:
        from mockserver.text.marks import root_of

        with uncollected():
            return root_of(self._text)

    def find(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        """Line and column, from 1, of the value or of its nearest parent; None for a text that is no YAML."""
        place = self._root
        if place is None:
            return None
        where = place.line, place.column
        for part in path:
            inner = place.members.get(str(part))
            if inner is None:
                break
            where, place = inner
        return where

    def at(self, path: Sequence[str | int]) -> tuple[int, int]:
        """As `find`, with the text's beginning where nothing is found."""
        return self.find(path) or (1, 1)


def line_of(text: str, pointer: Sequence[str | int]) -> tuple[int, int] | None:
    """Line and column, from 1, of the value (or, failing that, its nearest parent) at `pointer`."""
    return Locator(text).find(pointer)


def pointer_of(parts: Sequence[str | int]) -> str:
    """RFC 6901 pointer of a path: ["a/b", 0] is `/a~1b/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts_of(pointer: str) -> list[str]:
    """The path that an RFC 6901 pointer names."""
    parts = pointer.split("/")[1:]
    return [part.replace("~1", "/").replace("~0", "~") for part in parts] if "~" in pointer else parts
