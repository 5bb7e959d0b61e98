"""Cassettes of VCR: those of Python's vcrpy and of Ruby's vcr, as YAML or JSON."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.upstream.traffic.node import Node
from mockserver.upstream.traffic.seen import (
    LeftOut,
    Reading,
    Seen,
    base64_of,
    fields,
    host_of,
    lines_of,
    method_of,
    path_of,
    status_of,
    url_of,
    utf8,
)

_LISTS = ("interactions", "http_interactions")
"""What holds the exchanges: in Python's, and in Ruby's."""


def is_cassette(root: Node) -> bool:
    """Whether a file is one."""
    return root.is_a(dict) and any(name in root.value for name in _LISTS)


def read_cassette(root: Node, reading: Reading) -> Iterator[Seen]:
    """The exchanges of one."""
    for name in _LISTS:
        for entry in root[name].items():
            try:
                yield _exchange(entry)
            except LeftOut as left:
                reading.leave_out(str(left))


def _exchange(entry: Node) -> Seen:
    request, response = entry["request"], entry["response"]
    parts = url_of(request["uri"], request["uri"].text())
    status = response["status"]
    body, is_coded = _body(request["body"])
    answer, is_answer_coded = _body(response["body"])
    return Seen(
        method_of(request["method"]), host_of(parts), path_of(parts), parts.query,
        fields(lines_of(request["headers"]), is_coded), body,
        status_of(status["code"] if status.is_a(dict) else status),
        fields(lines_of(response["headers"]), is_answer_coded), answer,
        entry.pointer,
    )  # fmt: skip


def _body(node: Node) -> tuple[bytes, bool]:
    """The bytes of a body, and whether they may be in a coding: a text has none, whatever the headers say."""
    if not node.is_there:
        return b"", False
    if node.is_a(bytes):
        return node.value, True
    if node.is_a(str):
        return utf8(node.text()), False
    for name in ("base64_string", "string"):
        inner = node[name]
        if name == "base64_string" and inner.is_there:
            return base64_of(inner), True
        if inner.is_a(bytes):
            return inner.value, True
        if inner.is_there:
            return utf8(inner.text()), False
    return b"", False
