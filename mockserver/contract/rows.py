"""Bodies of many values one after the other: CSV, JSON lines and JSON text sequences, as arrays."""

from __future__ import annotations

import io
from typing import Any

from mockserver.contract.json_text import parse_json, unreadable, utf8
from mockserver.contract.media_types import essence, parameter
from mockserver.contract.shapes import Shape, scalar
from mockserver.errors import Problem
from mockserver.messages import JSON

_RECORD = b"\x1e"


def read_lines(raw: bytes, content_type: str) -> list[JSON]:
    """The values of JSON lines, or of a JSON text sequence (RFC 7464). Empty lines are none. Raises Problem."""
    is_sequence = essence(content_type) == "application/json-seq"
    texts = raw.split(_RECORD)[1:] if is_sequence else raw.split(b"\n")
    if is_sequence and not raw.startswith(_RECORD):
        raise unreadable("must begin with the character U+001E, as every text of application/json-seq does")
    values = []
    for number, text in enumerate(texts, 1):
        if text.strip(b" \t\r\n"):
            try:
                values.append(parse_json(text))
            except Problem as problem:
                message = problem.violations[0].message.replace(" at line 1 column", " at column")
                raise unreadable(f"{message}, in {'text' if is_sequence else 'line'} {number}") from None
    return values


def read_csv(raw: bytes, content_type: str, row: Shape) -> list[JSON]:
    """The rows of a CSV text (RFC 4180). Raises Problem.

    Rows that may be objects have a header above them, unless `header=absent` says that the members stand in
    the order of the schema; others are arrays of cells, or single cells where neither may stand.
    """
    import csv  # few APIs have it, and every start would pay for it

    text = utf8(raw).removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise unreadable(f"is not valid CSV: {error} in line {reader.line_num}", "", "CSV") from None
    absent = parameter(content_type, "header").lower() == "absent"
    if "object" in row.types:
        names = list(row.properties) if absent else lines.pop(0)[1] if lines else []
        return [_object(names, cells, row, line) for line, cells in lines]
    if "array" in row.types:
        return [[scalar(cell, row.item(at)) for at, cell in enumerate(cells)] for _, cells in lines]
    for line, cells in lines:
        if len(cells) > 1:
            raise unreadable(f"has {len(cells)} cells in line {line}, where one is expected", "", "CSV")
    return [scalar(cells[0], row) for _, cells in lines]


def _object(names: list[str], cells: list[str], row: Shape, line: int) -> dict[str, Any]:
    if len(cells) != len(names):
        raise unreadable(f"has {len(cells)} cells in line {line}, and {len(names)} columns", "", "CSV")
    value = {}
    for name, cell in zip(names, cells, strict=True):
        shape = row.member(name)
        # An empty cell of a column that holds no texts is one without a value.
        if cell or not shape.types or not shape.types.isdisjoint(("string", "null")):
            value[name] = scalar(cell, shape)
    return value
