"""What every transport does: ask the pipeline, and work out how long the client waits and how it loses the response.

Must not know: any client library.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from mockserver.messages import Delivery, Headers, Request, Response
from mockserver.pipeline.pipeline import Pipeline

Loss = Literal["", "timeout", "reset", "empty"]
"""How a client loses a response: it gives up, the connection is reset, or it ends without a byte."""
_WHOLE = Delivery()


class Outcome(NamedTuple):
    """What a client sees of one response."""

    response: Response
    wait: float
    """Real seconds before it comes, or before it is lost."""
    loss: Loss


def pipeline_of(target: Any) -> Pipeline:
    """The pipeline behind an application of `create_app`, or the pipeline itself."""
    if isinstance(target, Pipeline):
        return target
    pipeline: Pipeline = target.state.pipeline
    return pipeline


def ask(
    pipeline: Pipeline,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    patience: float | None,
) -> Outcome:
    """Answer a request as a client meets it.

    Args:
        pipeline: answers it.
        method: the method.
        target: path and query, percent-encoded.
        headers: the header lines.
        body: the body.
        patience: seconds that the client waits for a response; None waits for ever.
    """
    path, _, query = target.partition("?")
    named = Headers()
    for name, value in headers:
        named.add(name.lower(), value)
    response = pipeline.handle(Request(method, path, query, named, body))
    delivery = response.delivery or _WHOLE
    if delivery.lost == "hang":
        # Nothing is learned from waiting: the client's own limit, or ours, has passed.
        return Outcome(response, 0.0, "timeout")
    if patience is not None and delivery.latency > patience:
        return Outcome(response, min(patience, delivery.delay), "timeout")
    if delivery.lost:
        return Outcome(response, delivery.delay, "reset" if delivery.lost.startswith("reset") else "empty")
    pieces = len(response.content or b"") // delivery.chunk if delivery.chunk else 0
    return Outcome(response, delivery.delay + delivery.every * pieces, "")


class Part(NamedTuple):
    """A step of a stream as a client meets it."""

    wait: float
    """Real seconds before it."""
    content: bytes
    loss: Literal["", "timeout", "reset", "empty"] = ""
    """How the stream is lost here instead."""


def parts_of(response: Response, patience: float | None) -> list[Part]:
    """The items of a stream, and how it ends when it does not end well; none for a response that is no stream.

    `patience` is how many seconds the client waits for each of them; a longer wait loses the rest.
    """
    delivery = response.delivery or _WHOLE
    parts: list[Part] = []
    for piece in delivery.pieces:
        if patience is not None and piece.stall > patience:
            return [*parts, Part(min(patience, piece.wait), b"", "timeout")]
        parts.append(Part(piece.wait, piece.content))
    if delivery.end:
        parts.append(Part(0.0, b"", "reset" if delivery.end == "reset" else "empty"))
    return parts


def header_lines(response: Response) -> list[tuple[str, str]]:
    """The header lines of a response as they arrive, the Content-Type among them."""
    fields = response.headers
    lines = fields.pairs() if isinstance(fields, Headers) else list(fields.items())
    if response.media_type is not None:
        lines.append(("content-type", response.media_type))
    return lines
