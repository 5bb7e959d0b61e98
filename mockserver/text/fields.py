"""Names and values in one line of text: query strings, URL-encoded forms and cookies.

The one reader of each. A value remembers how it was written, because a delimiter that was percent-encoded is data
(RFC 6570, 3.2.1). Knows nothing of what the names mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_to_bytes

from mockserver.errors import Problem
from mockserver.messages import Violation

Values = dict[str, list[str]]
"""The values of each name, in their order."""


class Decoded(str):
    """A text that was percent-decoded, with the text that it was before. Not every library takes it for a string."""

    __slots__ = ("decode", "raw")

    raw: str
    decode: Callable[[str], str]
    """Decodes a piece of `raw`."""

    @classmethod
    def of(cls, raw: str, decode: Callable[[str], str]) -> Decoded:
        """Decode a text."""
        text = cls(decode(raw))
        text.raw, text.decode = raw, decode
        return text


def decode_segment(raw: str) -> str:
    """A segment of a path, percent-decoded; bytes that are not UTF-8 become U+FFFD, see `is_utf8`."""
    return Decoded.of(raw, unquote) if "%" in raw else raw


def sandbox_in(path: str) -> tuple[str | None, str]:
    """The sandbox that `/~NAME/...` names, None where a path names none, and the rest of the path."""
    if not path.startswith("/~"):
        return None, path
    name, slash, rest = path[2:].partition("/")
    return unquote(name), slash + rest


@lru_cache(256)
def encoded_template(template: str) -> str:
    """A path of a document as HTTP carries it, its variables left alone: `/größen/{id}` may stand there as it is.

    What is percent-encoded already stays (RFC 3986, 2.4).
    """
    parts = re.split(r"(\{[^{}]*\})", template)
    return "".join(part if part.startswith("{") else quote(part, safe="/%~!$&'()*+,;=:@") for part in parts)


def is_utf8(text: str) -> bool:
    """Whether the bytes that a text was written as are UTF-8."""
    if not isinstance(text, Decoded) or "\ufffd" not in text:
        return True
    try:
        unquote_to_bytes(text.raw).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def parse_query(text: str) -> Values:
    """The parameters of a query string or a URL-encoded form. Raises Problem on bytes that are not UTF-8."""
    values: Values = {}
    if not text:
        return values
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:
                try:
                    name, value = _plus(name), Decoded.of(value, _plus)
                except UnicodeDecodeError:
                    raise _not_utf8(name) from None
            values.setdefault(name, []).append(value)
    return values


def query_values(text: str) -> Values:
    """The parameters of a query string for those who match them: one that cannot be read has none."""
    try:
        return parse_query(text)
    except Problem:
        return {}


def parse_cookies(header: str) -> Values:
    """The cookies of a request, percent-decoded, without the quotes around them (RFC 6265, 4.1.1).

    Browsers and clients send more than that grammar allows: blanks, JSON, text outside ASCII. All of it is kept.
    """
    values: Values = {}
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        if equals and (name := name.strip()):
            value = value.strip()
            values.setdefault(name, []).append(Decoded.of(value, _cookie) if '"' in value or "%" in value else value)
    return values


def _plus(text: str) -> str:
    """A text of a form; `+` is a blank there."""
    return unquote(text.replace("+", " "), errors="strict")


def _cookie(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return unquote(text)


def _not_utf8(name: str) -> Problem:
    violation = Violation("client", "query", unquote(name), "is not UTF-8", "other bytes", "UTF-8")
    return Problem("invalid_request", violations=[violation])
