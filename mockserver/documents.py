"""YAML and JSON as this project reads them, and where in the text a value stands.

YAML is read by the 1.2 core schema, which OpenAPI recommends: `on`, `off`, `yes`, `no` and dates
are strings. Keys are strings (`200:` is "200"), a key given twice is an error, and aliases cannot
blow a small file up. Knows nothing of what the documents mean.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import yaml

from mockserver.errors import UserError

MAX_EXPANDED = 20_000_000
"""Values that a document may hold once its aliases are followed."""


class DocumentError(UserError):
    """A file that cannot be read or parsed; the message starts with file:line:column when known."""


class _Loader(yaml.CSafeLoader):
    """The 1.2 core schema over libyaml's parser."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own class-level table)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[str, Any] = {}
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
for _tag, _pattern, _first in _CORE:
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list(_first))
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_map)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_float)


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
            # Only when no key is given twice may the faster parser's word be taken.
            return _reject_duplicates(text, name)
        except orjson.JSONDecodeError:
            pass  # perhaps YAML in flow style; its parser also gives the better message
    try:
        value = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise DocumentError(f"{where}: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"{name}: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise DocumentError(f"{name}: is nested too deeply") from None
    _expanded_size(value, name)
    return value


def _reject_duplicates(text: str, name: str) -> Any:
    value = orjson.loads(text)
    duplicate = duplicate_key(text.encode(), value)
    if duplicate is not None:
        raise DocumentError(f"{name}: the key {duplicate!r} stands twice in one object")
    return value


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
    import json

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
    """Refuse a document that aliases make huge or endless."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def measure(node: Any) -> int:
        if not isinstance(node, dict | list):
            return 1
        key = id(node)
        if key in open_nodes:
            raise DocumentError(f"{name}: an alias stands inside the value that it names")
        if key not in sizes:
            open_nodes.add(key)
            children = node.values() if isinstance(node, dict) else node
            sizes[key] = 1 + sum(measure(child) for child in children)
            open_nodes.discard(key)
            if sizes[key] > MAX_EXPANDED:
                raise DocumentError(f"{name}: its aliases make it hold more than {MAX_EXPANDED:,} values")
        return sizes[key]

    try:
        measure(value)
    except RecursionError:
        raise DocumentError(f"{name}: is nested too deeply") from None


def line_of(text: str, pointer: list[str | int]) -> tuple[int, int] | None:
    """Line and column, from 1, of the value (or, failing that, its nearest parent) at `pointer`."""
    try:
        node = yaml.compose(text, yaml.CSafeLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    if node is None:
        return None
    mark = node.start_mark
    for part in pointer:
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


def pointer_of(parts: list[str | int] | tuple[str | int, ...]) -> str:
    """RFC 6901 pointer of a path: ["a/b", 0] is `/a~1b/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts_of(pointer: str) -> list[str]:
    """The path that an RFC 6901 pointer names."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
