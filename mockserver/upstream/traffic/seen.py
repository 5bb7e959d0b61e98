"""One exchange as another tool saw it, and what is common to reading such files.

Must not know: the formats, contracts.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from mockserver.upstream.traffic.node import Node

Fields = tuple[tuple[str, str], ...]
"""Header lines, by lower-case name."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(r"[A-Z]{1,20}")
_UNSAFE = re.compile(r"[^\x21-\x7e]+")
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te"})


class LeftOut(Exception):
    """This exchange cannot be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One exchange."""

    method: str
    host: str
    """With its port; "" where the file does not tell."""
    path: str
    """Percent-encoded."""
    query: str
    headers: Fields
    body: bytes
    status: int
    answer_headers: Fields
    answer: bytes
    place: str
    """`FILE#POINTER`."""


@dataclass(slots=True)
class Reading:
    """What a reader needs beside the file, and what it left out."""

    folder: Path = Path()
    """Where the file stands."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values for variables that a file leaves open."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Reasons, and how many exchanges there are for each."""

    def leave_out(self, reason: str) -> None:
        """Count an exchange that cannot be taken."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def url_of(node: Node, text: str) -> SplitResult:
    """The parts of a URL, as HTTP carries them. Raises LeftOut for one that is not HTTP's."""
    text = _UNSAFE.sub(lambda found: quote(found[0], safe=""), text.strip())
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - it is read to be checked
    except ValueError as error:
        raise node.error(f"{text[:100]!r} is no URL: {error}") from None
    if parts.scheme not in ("http", "https", ""):
        raise LeftOut(f"the scheme is {parts.scheme[:20]}, and not HTTP")
    return parts


def host_of(parts: SplitResult) -> str:
    """The host and port of a URL, without credentials."""
    return parts.netloc.rpartition("@")[2].lower()


def path_of(parts: SplitResult) -> str:
    """The path of a URL."""
    return parts.path if parts.path.startswith("/") else f"/{parts.path}"


def method_of(node: Node, default: str | None = None) -> str:
    """An HTTP method."""
    method = node.text(default).upper()
    if not _METHOD.fullmatch(method):
        raise node.error(f"{method[:20]!r} is no HTTP method")
    return method


def status_of(node: Node) -> int:
    """An HTTP status. Raises LeftOut for 0, which tools write where no response came."""
    if node.value in (0, None) or not node.is_there:
        raise LeftOut("no response arrived")
    status = node.integer(100, 599)
    if status < 200:
        raise LeftOut("an interim response")
    return status


def fields(pairs: Iterable[tuple[str, str]], coded: bool = False) -> Fields:
    """Header lines without those of a connection, and those that no header can be.

    `coded` says whether the body is still in the coding that `Content-Encoding` names.
    """
    found = []
    for name, value in pairs:
        lower = name.strip().lower()
        if not _TOKEN.fullmatch(lower) or lower in _OF_THE_CONNECTION:
            continue
        if lower == "content-encoding" and not coded:
            continue
        if "\n" in value or "\r" in value or "\0" in value:
            continue
        found.append((lower, value.strip()))
    return tuple(found)


def lines_of(node: Node) -> list[tuple[str, str]]:
    """Header lines of an object whose members are texts or arrays of texts."""
    found = []
    for name, value in node.members():
        values = list(value.items()) if value.is_a(list) else [value]
        found += [(name, one.word()) for one in values if one.is_there]
    return found


def listed_lines(node: Node, name: str, value: str) -> list[tuple[str, str]]:
    """Header lines of an array of objects, those that are disabled left out."""
    return [
        (item[name].word(), item[value].word())
        for item in node.items()
        if item.is_there and not item["disabled"].flag() and item[name].word()
    ]


def base64_of(node: Node) -> bytes:
    """The bytes of a base64 text."""
    try:
        return base64.b64decode("".join(node.text("").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise node.error(f"is no base64: {error}") from None


def has(lines: Iterable[tuple[str, str]], name: str) -> bool:
    """Whether a header is among some lines."""
    return any(one.lower() == name for one, _ in lines)


def utf8(text: str) -> bytes:
    """A text as bytes; halves of characters become question marks."""
    return text.encode("utf-8", "replace")
