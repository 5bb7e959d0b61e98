"""Writes the body of a response as its media type says: JSON, lines, events, forms, XML, CSV, text, bytes.

The value is the one that was validated; what leaves is never Python's notation of it. Knows no operation and no state.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import urlencode

from mockserver.contract.events import EVENTS, pieces_of
from mockserver.contract.media_types import LINES, essence, is_json, is_xml, parameter
from mockserver.contract.references import Refs
from mockserver.contract.xml import write_xml
from mockserver.contract.xml_schema import XmlSchema
from mockserver.messages import JSON
from mockserver.text.jsontext import to_json

BOUNDARY = "mockserver-boundary"
"""Separates the parts of a multipart body; extended until no part holds it."""

_ANY_XML = XmlSchema(Refs({}), {})


def write(value: JSON, media_type: str, schema: XmlSchema | None = None) -> tuple[bytes, str]:
    """The bytes of a body, and its Content-Type, which has a `boundary` added where a multipart type lacks one.

    Args:
        value: what the body says, as JSON; bytes are sent as they are.
        media_type: the declared media type, in any spelling, with parameters.
        schema: what says how the value is written as XML; without it members are elements by their names.

    Raises:
        XmlError: XML cannot hold the value.
    """
    if isinstance(value, bytes):
        return value, media_type
    name = essence(media_type)
    if name == "application/json" or is_json(name):
        return to_json(value), media_type
    if name.startswith("multipart/"):
        return _multipart(value, name, media_type)
    return _writer(name, schema)(value), media_type


def _writer(name: str, schema: XmlSchema | None) -> Callable[[JSON], bytes]:
    if name == "application/json-seq":
        return _sequence
    if name in LINES:
        return _lines
    if name == EVENTS:
        return _events
    if name == "application/x-www-form-urlencoded":
        return _form
    if name in ("text/csv", "text/tab-separated-values"):
        return _csv if name == "text/csv" else _tsv
    if is_xml(name):
        by = schema or _ANY_XML
        return lambda value: value.encode() if _is_markup(value) else write_xml(value, by)
    return lambda value: text_of(value).encode("utf-8", "surrogatepass")


def _is_markup(value: JSON) -> bool:
    """Whether a value is XML already, as the examples of most documents are."""
    return isinstance(value, str) and value.lstrip("\ufeff \t\r\n").startswith("<")


def text_of(value: JSON) -> str:
    """A value as text: a string as it is, nothing for null, everything else in JSON's notation."""
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value).decode()


def items_of(value: JSON) -> list[JSON]:
    """The items of a sequence: those of a list, else the value alone."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _lines(value: JSON) -> bytes:
    return b"".join(pieces_of(items_of(value), "application/x-ndjson"))


def _sequence(value: JSON) -> bytes:
    return b"".join(pieces_of(items_of(value), "application/json-seq"))


def _events(value: JSON) -> bytes:
    if isinstance(value, str) and is_event_stream(value):
        return value.encode()
    return b"".join(pieces_of(items_of(value), EVENTS))


def is_event_stream(text: str) -> bool:
    """Whether a text, such as an example of a document, is a stream of events already."""
    fields = ("data:", "event:", "id:", "retry:", ":")
    return text.endswith("\n") and all(not line or line.startswith(fields) for line in text.splitlines())


def _form(value: JSON) -> bytes:
    if not isinstance(value, dict):
        return text_of(value).encode()
    pairs = [(name, text_of(item)) for name, member in value.items() for item in _form_values(member)]
    return urlencode(pairs).encode()


def _form_values(member: JSON) -> list[JSON]:
    return member if isinstance(member, list) else [member]


def _multipart(value: JSON, name: str, media_type: str) -> tuple[bytes, str]:
    is_form = name == "multipart/form-data"
    members = value.items() if isinstance(value, dict) else [(str(i), item) for i, item in enumerate(items_of(value))]
    parts: list[bytes] = []
    for key, member in members:
        for item in _form_values(member) if is_form else [member]:
            head = []
            if is_form:
                head.append(f'Content-Disposition: form-data; name="{_quoted(key)}"')
            if isinstance(item, dict | list):
                head.append("Content-Type: application/json")
            elif isinstance(item, bytes):
                head.append("Content-Type: application/octet-stream")
            body = item if isinstance(item, bytes) else text_of(item).encode("utf-8", "surrogatepass")
            parts.append("".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + body)
    boundary = declared = parameter(media_type, "boundary")
    boundary = boundary or BOUNDARY
    while not declared and any(boundary.encode() in part for part in parts):
        boundary += "-"
    mark = f"--{boundary}".encode()
    content = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return content, media_type if declared else f'{media_type}; boundary="{boundary}"'


def _quoted(name: str) -> str:
    """A field name as browsers write it (WHATWG HTML, multipart/form-data encoding)."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _csv(value: JSON) -> bytes:
    return _table(value, ",", "\r\n")


def _tsv(value: JSON) -> bytes:
    return _table(value, "\t", "\n")


def _table(value: JSON, delimiter: str, end: str) -> bytes:
    """Rows (RFC 4180): objects get a header of all their members, a list is a row, any other item a row alone."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    import csv  # few APIs have it, and every start would pay for it

    rows = items_of(value)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    objects = [row for row in rows if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in objects for name in row))
    if names:
        writer.writerow(names)
    for row in rows:
        if isinstance(row, dict):
            writer.writerow([text_of(row.get(name)) for name in names])
        else:
            writer.writerow(map(text_of, row) if isinstance(row, list) else [text_of(row)])
    return out.getvalue().encode("utf-8", "surrogatepass")
