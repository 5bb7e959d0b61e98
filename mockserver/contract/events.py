"""Streams of items: server-sent events and JSON lines, item by item. Knows no operation and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from mockserver.contract.json_text import unreadable, utf8
from mockserver.contract.media_types import LINES, essence
from mockserver.messages import JSON
from mockserver.text.jsontext import to_json

EVENTS = "text/event-stream"
DONE = "[DONE]"
"""The data of the event with which many APIs end a stream. It is no item of it."""
MEMBERS = ("event", "id", "retry", "data")


def is_stream(media_type: str) -> bool:
    """Whether bodies of a media type are items one after the other."""
    kind = essence(media_type)
    return kind == EVENTS or kind in LINES


def event_of(item: JSON, name: str = "") -> str:
    """One server-sent event (WHATWG HTML, 9.2), with the blank line that ends it.

    An object with no members but `event`, `id`, `retry` and `data` names the fields of the event; any other value is
    the event's data, as JSON when it is not text. `name` is the event's, where the item does not say it.
    """
    fields: Iterable[tuple[str, Any]] = [("event", name), ("data", item)] if name else [("data", item)]
    if isinstance(item, dict) and item and set(item) <= set(MEMBERS):
        fields = [(key, item[key]) for key in MEMBERS if item.get(key) is not None]
    lines = []
    for key, value in fields:
        text = _text(value).replace("\r\n", "\n").replace("\r", "\n")
        if key == "data":
            lines += [f"{key}: {line}" for line in text.split("\n")]
        else:
            lines.append(f"{key}: {text.replace(chr(10), ' ')}")
    return "\n".join([*lines, "", ""])


def pieces_of(items: Sequence[JSON], media_type: str, end: str = "", event: Sequence[str] = ()) -> list[bytes]:
    """The bytes of each item, and of the marker that ends the stream, where it has one.

    Args:
        items: the items.
        media_type: of the stream.
        end: the data of the last event, such as `[DONE]`; "" for none.
        event: the way to the member of an item that names its event.
    """
    kind = essence(media_type)
    if kind == EVENTS:
        made = [event_of(item, _name(item, event)).encode("utf-8", "surrogatepass") for item in items]
        return [*made, event_of(end).encode()] if end else made
    before = b"\x1e" if kind == "application/json-seq" else b""
    made = [before + to_json(item) + b"\n" for item in items]
    return [*made, before + end.encode() + b"\n"] if end else made


def _name(item: JSON, way: Sequence[str]) -> str:
    node = item if way else None
    for part in way:
        node = node.get(part) if isinstance(node, dict) else None
    return node if isinstance(node, str) else ""


def _text(value: JSON) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value).decode("utf-8", "surrogatepass")


def read_events(raw: bytes, as_events: bool) -> list[JSON]:
    """The items of a stream of events: what their data says, as JSON where it is that; with `as_events` their fields.

    Comments and the marker `[DONE]` at the end are no items. Raises Problem for what is no such stream.
    """
    text = utf8(raw).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    items: list[JSON] = []
    fields: dict[str, Any] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line:
            if fields:
                items.append(fields if as_events else _data(fields.get("data", "")))
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            fields["data"] = f"{fields['data']}\n{value}" if "data" in fields else value
        elif name in MEMBERS:
            fields[name] = int(value) if name == "retry" and value.isdecimal() else value
        elif name:
            raise unreadable(f"has the line {number} that is no field of an event: {line[:40]!r}", "", "events")
    if items and (items[-1] == DONE or (as_events and items[-1] == {"data": DONE})):
        items.pop()
    return items


def _data(text: str) -> JSON:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


__all__ = ["DONE", "EVENTS", "MEMBERS", "event_of", "is_stream", "pieces_of", "read_events"]
