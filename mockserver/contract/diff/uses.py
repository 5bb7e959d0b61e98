"""What a client uses of an API: the requests that it sends and what it reads of the responses, as a file holds them.

    version: 1
    uses:
      - operation: createOrder
        method: POST
        path: /orders
        headers: {content-type: application/json}
        body: {item_id: itm_1, quantity: 2}
        status: 201
        reads: [/id, /status]

Must not know: contracts, and what a change does to a use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.contract.along import EVERY
from mockserver.contract.diff.pact import is_pact, uses_in_pact
from mockserver.errors import UserError, did_you_mean
from mockserver.text.documents import Locator, parse, pointer_of, read_text
from mockserver.text.jsontext import to_json

VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
MAX_READS = 1_000
"""Members of one response that are told apart."""
_MEMBERS = ("operation", "method", "path", "query", "headers", "body", "status", "reads", "read_headers")


@dataclass(frozen=True, slots=True)
class Use:
    """One kind of exchange."""

    method: str
    path: str
    """With its percent-encoding."""
    status: int
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: Any = None
    """A JSON value; a text for another media type; None for no body."""
    reads: tuple[str, ...] = ()
    """What the client reads of the response, as RFC 6901 pointers in which `*` is every item of an array."""
    read_headers: tuple[str, ...] = ()
    """The headers that it reads, in lower case."""
    place: str = ""
    """file:line."""

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else to_json(self.body)


def members(value: Any) -> list[str]:
    """Pointers to what a JSON value holds, `*` for the items of arrays: the innermost members, each once."""
    found: dict[str, None] = {}
    for way in _ways(value, ()):
        found[pointer_of(way)] = None
        if len(found) >= MAX_READS:
            break
    return list(found)


def _ways(value: Any, way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _ways(member, (*way, name))
    elif isinstance(value, list) and value:
        for item in value:
            yield from _ways(item, (*way, EVERY))
    else:
        yield way


def read_uses(path: Path) -> list[Use]:
    """Read a file of uses, or a Pact file, whose interactions are uses.

    Raises:
        UserError: it cannot be read, or says something unknown; the message starts with file:line.
    """
    text = read_text(path, MAX_BYTES)
    document = parse(text, str(path))
    reader = _Reader(str(path), text)
    if is_pact(document):
        return [
            Use(**use, reads=tuple(members(body)), place=reader.place(["interactions", number]))
            for number, (use, body) in enumerate(uses_in_pact(document, str(path)))
        ]
    return reader.read(document)


class _Reader:
    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._locator = Locator(text)

    def place(self, path: list[str | int]) -> str:
        return f"{self._name}:{self._locator.at(path)[0]}"

    def _error(self, path: list[str | int], message: str) -> UserError:
        return UserError(f"{self.place(path)}: {message}")

    def read(self, document: Any) -> list[Use]:
        if not isinstance(document, dict) or "uses" not in document:
            raise self._error([], "is neither a file of uses, with `version` and `uses`, nor a Pact file")
        if document.get("version") != VERSION:
            raise self._error(["version"], f"`version` is {document.get('version')!r}; this program reads {VERSION}")
        uses = document["uses"] or []
        if not isinstance(uses, list):
            raise self._error(["uses"], "`uses` is no list")
        return [self._use(entry, ["uses", number]) for number, entry in enumerate(uses)]

    def _use(self, entry: Any, path: list[str | int]) -> Use:
        if not isinstance(entry, dict):
            raise self._error(path, "is no object with `method`, `path` and `status`")
        for name in entry:
            if name not in _MEMBERS:
                raise self._error([*path, name], f"`{name}` is not known{did_you_mean(str(name), _MEMBERS)}")
        for name, kind, shown in (("method", str, "a text"), ("path", str, "a text"), ("status", int, "a number")):
            if not isinstance(entry.get(name), kind):
                raise self._error([*path, name] if name in entry else path, f"`{name}` must be {shown}")
        headers = entry.get("headers") or {}
        if not isinstance(headers, dict):
            raise self._error([*path, "headers"], "`headers` is no object")
        return Use(
            entry["method"].upper(),
            entry["path"],
            entry["status"],
            str(entry.get("query") or ""),
            {str(name).lower(): str(value) for name, value in headers.items()},
            entry.get("body"),
            self._texts(entry, "reads", path),
            tuple(name.lower() for name in self._texts(entry, "read_headers", path)),
            self.place(path),
        )

    def _texts(self, entry: Mapping[str, Any], name: str, path: list[str | int]) -> tuple[str, ...]:
        values = entry.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self._error([*path, name], f"`{name}` is no list of texts")
        return tuple(values)


__all__ = ["VERSION", "Use", "members", "read_uses"]
