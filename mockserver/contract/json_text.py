"""JSON texts by the letter of RFC 8259, and what is said of a body that cannot be read."""

from __future__ import annotations

import json
import re

import orjson

from mockserver.errors import Problem
from mockserver.messages import JSON, Violation
from mockserver.text.jsontext import depth, duplicate_key, has_float, is_plain

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
MAX_DEPTH = 200
"""Levels of nesting that a JSON body may have."""


def parse_json(raw: bytes) -> JSON:
    """A JSON body: UTF-8, no NaN, no key twice, at most MAX_DEPTH deep. Raises Problem."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "depth limit" in error.msg:
            raise _too_deep() from None
        raise unreadable(f"is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    if is_plain(raw, value):
        return value
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and depth(value) > MAX_DEPTH:
        raise _too_deep()
    duplicate = duplicate_key(raw, value)
    if duplicate is not None:
        raise unreadable(f"has the key {duplicate[:60]!r} twice in one object")
    # An integer that does not fit 64 bits comes out of orjson as a float.
    return _exact(raw) if has_float(value) and _LONG_NUMBER.search(raw) else value


def _exact(raw: bytes) -> JSON:
    """The value with integers of any length as they are; orjson makes those beyond 64 bits inexact."""
    try:
        return json.loads(raw)
    except ValueError:
        raise unreadable("holds a number that is too long to read") from None


def _too_deep() -> Problem:
    return unreadable(f"is nested too deeply; at most {MAX_DEPTH} levels are read")


def unreadable(message: str, pointer: str = "", expected: str = "JSON") -> Problem:
    """The problem of a body, or of a place in one, that cannot be read."""
    return Problem(
        "invalid_request", violations=[Violation("client", "body", pointer, message, "other text", expected)]
    )


def utf8(raw: bytes, pointer: str = "") -> str:
    """The text of bytes. Raises Problem when they are not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable(f"is not UTF-8 at byte {error.start}", pointer, "UTF-8") from None
