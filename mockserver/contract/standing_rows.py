"""Lists of rows that stand: a row is validated and written when it first goes out, and not again with every page.

Only for rows that are replaced when they change and never changed in place, which whoever asks must know: a row that
was good is known again by being the same object. A list whose rows are made anew for each response gains nothing;
that is noticed, and then no row is remembered.

Must not know: where the rows come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any

import orjson

from mockserver.messages import JSON

MAX_ROWS, MAX_TEXT = 2048, 4096
"""Rows of one response that are remembered, and the bytes of one of them."""
PATIENCE = 512
"""New rows after which there must have been more known ones than new ones."""
_ENVELOPE = frozenset(("type", "properties", "required", "additionalProperties", "title", "description", "example"))
_LIST = frozenset(("type", "items", "title", "description", "example"))
"""What the schema of a response and of its list may say: nothing of which depends on how many rows there are, or on
two of them."""


class StandingRows:
    """The rows of one declared response.

    Args:
        member: which member of the response they are the list of.
        accepts: whether a value is a good response. Raises ValueError for what is no JSON value at all.
    """

    def __init__(self, member: str, accepts: Callable[[JSON], bool]) -> None:
        self._member = member
        self._accepts = accepts
        self._known: dict[int, tuple[JSON, orjson.Fragment]] = {}
        """By identity: the row, which must not go away meanwhile, and its text."""
        self._last: tuple[list[JSON], list[orjson.Fragment]] = [], []
        """The rows of the last page, and their texts."""
        self._seen_again = 0
        self._seen_first = 0

    @property
    def gains(self) -> bool:
        """Whether rows are seen again."""
        return self._seen_first < PATIENCE or self._seen_again > self._seen_first

    def text(self, data: JSON) -> bytes | None:
        """The text of a response that is good; None for one that is to be looked at as a whole."""
        if type(data) is not dict or type(rows := data.get(self._member)) is not list or not self.gains:
            return None
        same = self._same(rows)
        others = rows[: len(rows) - len(same)]
        found = [self._known.get(id(row)) for row in others]
        new = [row for row, known in zip(others, found, strict=True) if known is None]
        page = {**data, self._member: new}
        try:
            if not self._accepts(page):
                return None
            written = [known or self._written(row) for row, known in zip(others, found, strict=True)]
            page[self._member] = texts = [*(text for _, text in written), *same]
            text = orjson.dumps(page)
        except (TypeError, ValueError):
            return None  # no JSON, which others have words for
        self._seen_again += len(rows) - len(new)
        self._last = rows.copy(), texts
        return text

    def _same(self, rows: list[JSON]) -> list[orjson.Fragment]:
        """The texts of the rows at the end that are the first of the last page: mostly few new ones stand before."""
        last, texts = self._last
        if not last or last[0] not in rows:
            return []
        size = len(rows) - rows.index(last[0])
        return texts[:size] if size <= len(last) and all(map(is_, rows[-size:], last)) else []

    def _written(self, row: JSON) -> tuple[JSON, orjson.Fragment]:
        text = orjson.dumps(row)
        written = row, orjson.Fragment(text)
        self._seen_first += 1
        if type(row) is dict and len(text) <= MAX_TEXT:
            if len(self._known) >= MAX_ROWS:
                self._known.clear()
            self._known[id(row)] = written
        return written


def list_member(schema: JSON, defined: Mapping[str, JSON]) -> str | None:
    """The member of a response that is a list of objects, of which no more is said than what each must be.

    Args:
        schema: that of the response, as a validator is given it.
        defined: what references in it mean.
    """
    envelope = _plain(schema, defined, _ENVELOPE)
    if envelope is None or envelope.get("type") != "object":
        return None
    for name, member in envelope.get("properties", {}).items():
        found = _plain(member, defined, _LIST)
        if found is not None and found.get("type") == "array" and isinstance(found.get("items"), dict):
            return str(name)
    return None


def _plain(schema: JSON, defined: Mapping[str, JSON], known: frozenset[str]) -> dict[str, Any] | None:
    """A schema behind references, when it says nothing that is not known."""
    for _ in range(10):
        if not isinstance(schema, dict):
            return None
        if schema.keys() != {"$ref"}:
            return schema if known.issuperset(schema) else None
        schema = defined.get(schema["$ref"])
    return None


__all__ = ["StandingRows", "list_member"]
