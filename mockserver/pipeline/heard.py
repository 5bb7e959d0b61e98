"""An exchange that somebody else had with the real API, as if it had passed here: checked, masked and recorded.

Must not know: where it was written down.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.journal.entries import decode_all
from mockserver.messages import Exchange, Headers, Request
from mockserver.pipeline.passing import MAX_SEEN, Passage, response_from
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.sandbox import DEFAULT

Lines = Iterable[tuple[str, str]]


def hear(pipeline: Pipeline, request: Request, status: int, lines: Lines, answer: bytes) -> Exchange:
    """The entry that the journal has of an exchange.

    Args:
        pipeline: whose contracts and journal these are.
        request: what was sent.
        status: the status of the response.
        lines: its headers.
        answer: its body, in the coding that the headers name.
    """
    if request.path.startswith("/~"):
        request.path = f"/~{DEFAULT}{request.path}"  # a path of the real API, which names no sandbox of ours
    passage = Passage(pipeline, request)
    passage.took(request.body, len(request.body) <= MAX_SEEN)
    coded = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in lines]
    passage.passed(response_from(status, coded, answer if len(answer) <= MAX_SEEN else None))
    store = pipeline.sandbox.store
    (exchange,) = decode_all(store.entries_of([passage.exchange.number]))
    return exchange


def request_from(method: str, path: str, query: str, lines: Lines, body: bytes) -> Request:
    """A request as the pipeline takes it."""
    headers = Headers()
    for name, value in lines:
        headers.add(name, value)
    return Request(method, path, query, headers, body)


__all__ = ["hear", "request_from"]
