"""YAML and JSON as this project reads them, and where in the text a value stands.

YAML is read by the 1.2 core schema, which OpenAPI recommends: `on`, `off`, `yes`, `no` and dates
are strings. Keys are strings (`200:` is "200"), a key given twice is an error, and aliases cannot
blow a small file up. Knows nothing of what the documents mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import orjson
import yaml

from mockserver.errors import UserError

MAX_EXPANDED = 20_000_000
"""Values that a document may hold once its aliases are followed."""

MAX_NESTING = 200
"""Levels of arrays and objects that a document may have."""

_SELF_ALIAS = "an alias stands inside the value that it names"


class DocumentError(UserError):
    """A file that cannot be read or parsed; the message starts with file:line:column when known."""


class _Loader(yaml.CSafeLoader):
    """The 1.2 core schema over libyaml's parser."""

    # PyYAML's own class-level tables; any other tag, such as `!!timestamp`, is refused.
    yaml_implicit_resolvers: dict[str, Any] = {}
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: yaml.CSafeLoader.yaml_constructors[tag] for tag in ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:str", None)
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[str, Any] = {}
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "is not a mapping", node.start_mark)
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a plain value", key_node.start_mark)
            key = key_node.value
            if key in mapping:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands here twice", key_node.start_mark)
            mapping[key] = self.construct_object(value_node, deep=True)
        return mapping

    def construct_map(self, node: Any) -> dict[str, Any]:
        return self.construct_mapping(node, deep=True)

    def construct_null(self, node: Any) -> None:
        return None

    def construct_int(self, node: Any) -> int:
        text = node.value
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text[2:] if base != 10 else text, base)

    def construct_float(self, node: Any) -> float:
        text = node.value.lower()
        return float(text.replace(".inf", "inf").replace(".nan", "nan"))


_CORE = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]{1,400}|0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
)


def _checked(pattern: re.Pattern[str], construct: Any) -> Any:
    """A constructor for scalars that refuses what an explicit tag, as in `!!int x`, promises in vain."""

    def constructor(loader: _Loader, node: Any) -> Any:
        if not isinstance(node, yaml.ScalarNode) or not pattern.match(node.value):
            name = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(None, None, f"is not of the type !!{name}", node.start_mark)
        return construct(loader, node)

    return constructor


_CONSTRUCTORS = {
    "tag:yaml.org,2002:bool": _Loader.construct_yaml_bool,
    "tag:yaml.org,2002:null": _Loader.construct_null,
    "tag:yaml.org,2002:int": _Loader.construct_int,
    "tag:yaml.org,2002:float": _Loader.construct_float,
}
for _tag, _pattern, _first in _CORE:
    _regex = re.compile(rf"(?:{_pattern})\Z")
    _Loader.add_implicit_resolver(_tag, _regex, list(_first))
    _Loader.add_constructor(_tag, _checked(_regex, _CONSTRUCTORS[_tag]))
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_map)


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


def parse(text: str, name: str) -> Any:
    """The value of a YAML or JSON text. `name` stands in messages. Raises DocumentError."""
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
            if duplicate is None:
                return value
            raise DocumentError(f"{_where_twice(text, name)}: {duplicate!r} stands here twice")
    try:
        _guard_nesting(text, name)
        value = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = str(error.problem or error.context)
        raise DocumentError(f"{where}: {_SELF_ALIAS if 'recursive' in problem else problem}") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"{name}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise _too_deep(name) from None
    _expanded_size(value, name)
    return value


def _too_deep(name: str) -> DocumentError:
    return DocumentError(f"{name}: is nested too deeply; at most {MAX_NESTING} levels are read")


_INDENTATION = re.compile(r"^[ \-?:]*", re.MULTILINE)


def _guard_nesting(text: str, name: str) -> None:
    """Refuse nesting that would overflow the stack of libyaml's composer, which has no limit of its own.

    Only a text with many brackets, or with a very deep indentation, can be nested that deeply; the
    others are not read twice.
    """
    if text.count("[") + text.count("{") < 1000 and max(map(len, _INDENTATION.findall(text)), default=0) < 500:
        return
    level = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > MAX_NESTING:
                raise _too_deep(name)
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def _where_twice(text: str, name: str) -> str:
    """Where a JSON text first repeats a key, by the YAML parser, which knows lines."""
    try:
        yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if mark is not None:
            return f"{name}:{mark.line + 1}:{mark.column + 1}"
    return name


def depth(value: Any) -> int:
    """How many arrays and objects stand inside one another."""
    level, nodes = 0, [value]
    while containers := [node for node in nodes if isinstance(node, dict | list)]:
        level += 1
        nodes = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
    return level


def to_json(value: Any) -> bytes:
    """The JSON text of a value, integers of any length included."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def duplicate_key(raw: bytes, value: Any) -> str | None:
    """A key that one JSON object in `raw` holds twice, or None; `value` is what `raw` parsed to.

    Parsers keep the last of two equal keys silently. Every key has one colon outside of strings,
    so when there are as many keys as colons nothing was lost and the text need not be read again.
    """
    keys = 0
    stack = [value]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            keys += len(node)
            stack.extend(node.values())
        elif type(node) is list:
            stack.extend(node)
    if keys == raw.count(b":"):
        return None
    return _search_duplicate(raw)


def _search_duplicate(raw: bytes) -> str | None:
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in items:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(raw, object_pairs_hook=pairs)
    return found[0] if found else None


def _expanded_size(value: Any, name: str) -> None:
    """Refuse a document that aliases make huge, and one that is nested too deeply."""
    measured: dict[int, tuple[int, int] | None] = {}

    def measure(node: Any) -> tuple[int, int]:
        """The values in `node`, and the levels of it."""
        if not isinstance(node, dict | list):
            return 1, 0
        key = id(node)
        if key not in measured:
            measured[key] = None
            size, levels = 1, 0
            for child in node.values() if isinstance(node, dict) else node:
                child_size, child_levels = measure(child)
                size += child_size
                levels = max(levels, child_levels)
            measured[key] = size, levels + 1
            if size > MAX_EXPANDED:
                raise DocumentError(f"{name}: its aliases make it hold more than {MAX_EXPANDED:,} values")
            if levels >= MAX_NESTING:
                raise _too_deep(name)
        result = measured[key]
        if result is None:
            raise DocumentError(f"{name}: {_SELF_ALIAS}")
        return result

    try:
        measure(value)
    except RecursionError:
        raise _too_deep(name) from None


class Locator:
    """Tells where in a YAML or JSON text the value at a path stands."""

    def __init__(self, text: str) -> None:
        try:
            self._root = yaml.compose(text, yaml.CSafeLoader)
        except (yaml.YAMLError, RecursionError):
            self._root = None

    def find(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        """Line and column, from 1, of the value or of its nearest parent; None for a text that is no YAML."""
        node = self._root
        if node is None:
            return None
        mark = node.start_mark
        for part in path:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
                if found is None:
                    break
                mark, node = found[0].start_mark, found[1]
            elif isinstance(node, yaml.SequenceNode) and str(part).isdigit() and int(part) < len(node.value):
                node = node.value[int(part)]
                mark = node.start_mark
            else:
                break
        return mark.line + 1, mark.column + 1

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
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
