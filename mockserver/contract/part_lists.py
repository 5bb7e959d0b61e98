"""Multipart bodies whose parts are the items of an array, such as multipart/mixed (OpenAPI 3.2, Encoding By Position).

Forms, whose parts have names, are read in `forms`. Nothing here knows what an item must be.
"""

from __future__ import annotations

from typing import Any

from mockserver.contract.forms import Encoding, compile_encoding
from mockserver.contract.json_text import parse_json, unreadable, utf8
from mockserver.contract.media_types import essence, is_json
from mockserver.contract.multipart import Part, read_parts
from mockserver.contract.references import Refs
from mockserver.contract.schemas import Schemas
from mockserver.contract.shapes import Shape, scalar
from mockserver.errors import Problem
from mockserver.messages import JSON
from mockserver.text.documents import pointer_of

_NO_ENCODING = Encoding()


class PartList:
    """Reads parts in their order.

    Args:
        shape: what the schema lets the array be.
        prefix: what `prefixEncoding` says of the first parts.
        rest: what `itemEncoding` says of the others.
    """

    def __init__(self, shape: Shape, prefix: tuple[Encoding, ...], rest: Encoding) -> None:
        self._shape = shape
        self._prefix = prefix
        self._rest = rest

    def read(self, raw: bytes, content_type: str) -> JSON:
        """The array of the parts. Raises Problem, also for a part that its encoding does not allow."""
        parts = read_parts(raw, content_type)
        wrong = [
            violation
            for index, part in enumerate(parts)
            for violation in self._encoding(index).faults(part, pointer_of([index]))
        ]
        if wrong:
            raise Problem("invalid_request", violations=wrong)
        return [self._item(index, part) for index, part in enumerate(parts)]

    def _encoding(self, index: int) -> Encoding:
        return self._prefix[index] if index < len(self._prefix) else self._rest

    def _item(self, index: int, part: Part) -> JSON:
        shape, at = self._shape.item(index), pointer_of([index])
        kind = essence(part.content_type or self._encoding(index).content_type)
        # The default for objects and arrays is JSON (3.2, Encoding Object, contentType).
        if is_json(kind) or (not kind and not shape.types.isdisjoint(("object", "array"))):
            try:
                return parse_json(part.data)
            except Problem as problem:
                raise unreadable(problem.violations[0].message, at) from None
        if kind and not kind.startswith("text/"):
            return part.data.decode("utf-8", "replace")
        return scalar(utf8(part.data, at), shape)


def compile_part_list(refs: Refs, schemas: Schemas, node: dict[str, Any], pointer: str, shape: Shape) -> PartList:
    """Prepare the array that a Media Type Object at `pointer` describes."""

    def encoding(declared: Any, *place: str | int) -> Encoding:
        declared, at = refs.follow(declared, pointer + pointer_of(list(place)))
        return compile_encoding(refs, schemas, declared, at) if isinstance(declared, dict) else _NO_ENCODING

    prefix = [encoding(part, "prefixEncoding", index) for index, part in enumerate(node.get("prefixEncoding") or ())]
    return PartList(shape, tuple(prefix), encoding(node.get("itemEncoding"), "itemEncoding"))
