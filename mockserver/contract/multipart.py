"""The parts of a multipart body (RFC 2046, 5.1; RFC 7578 for forms). Nothing here knows what they should be."""

from __future__ import annotations

import logging
from dataclasses import field

from mockserver.contract.json_text import unreadable
from mockserver.contract.media_types import essence, parameter, parameters
from mockserver.errors import Problem
from mockserver.records import record

MAX_PARTS = 10_000
_SILENT = logging.Logger("multipart", logging.CRITICAL)
"""What is wrong with a body is told to who sent it; the parser would log it too."""


@record()
class Part:
    """One part as it was sent."""

    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name."""
    data: bytes = b""
    """Not decoded: a Content-Transfer-Encoding has no meaning in a form (RFC 7578, 4.7)."""

    @property
    def disposition(self) -> dict[str, str]:
        """The parameters of its Content-Disposition, such as `name` and `filename`."""
        return parameters(self.headers.get("content-disposition", ""))

    @property
    def content_type(self) -> str:
        """Its own Content-Type; "" when it has none."""
        return self.headers.get("content-type", "")


def named_parts(raw: bytes, content_type: str) -> dict[str, list[Part]]:
    """The parts of a form by their names; those that have none are left out. Raises Problem as `read_parts` does."""
    named: dict[str, list[Part]] = {}
    for part in read_parts(raw, content_type):
        if "name" in part.disposition:
            named.setdefault(part.disposition["name"], []).append(part)
    return named


def read_parts(raw: bytes, content_type: str) -> list[Part]:
    """The parts of a body in their order.

    Raises:
        Problem: the body is no multipart body with the boundary that its Content-Type tells.
    """
    # Imported when the first form comes: few APIs have any, and every start would pay for it.
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    boundary = parameter(content_type, "boundary")
    if not boundary:
        raise _not_multipart(content_type, "its Content-Type has no boundary")
    parts: list[Part] = []
    name, value, pieces = b"", b"", list[bytes]()
    ended = False

    def on_part_begin() -> None:
        if len(parts) >= MAX_PARTS:
            raise _not_multipart(content_type, f"it has more than {MAX_PARTS:,} parts")
        parts.append(Part())
        pieces.clear()

    def on_part_end() -> None:
        parts[-1].data = b"".join(pieces)

    def on_part_data(data: bytes, start: int, end: int) -> None:
        pieces.append(data[start:end])

    def on_header_field(data: bytes, start: int, end: int) -> None:
        nonlocal name
        name += data[start:end]

    def on_header_value(data: bytes, start: int, end: int) -> None:
        nonlocal value
        value += data[start:end]

    def on_header_end() -> None:
        nonlocal name, value
        parts[-1].headers.setdefault(name.decode("latin-1").lower(), value.decode("utf-8", "replace").strip())
        name = value = b""

    def on_end() -> None:
        nonlocal ended
        ended = True

    try:
        parser = MultipartParser(
            boundary.encode("latin-1"),
            {
                "on_part_begin": on_part_begin,
                "on_part_end": on_part_end,
                "on_part_data": on_part_data,
                "on_header_field": on_header_field,
                "on_header_value": on_header_value,
                "on_header_end": on_header_end,
                "on_end": on_end,
            },
        )
        parser.logger = _SILENT
        parser.write(raw)
    except (FormParserError, UnicodeEncodeError) as error:
        raise _not_multipart(content_type, str(error)[:100]) from None
    if not parts:
        raise _not_multipart(content_type, "it has no part")
    if not ended:
        raise _not_multipart(content_type, "it is cut off before its last boundary")
    return parts


def _not_multipart(content_type: str, why: str) -> Problem:
    kind = essence(content_type)
    message = f"is not {kind} with the boundary of its Content-Type: {why}"
    return unreadable(message, "", "a form" if kind == "multipart/form-data" else "several parts")
