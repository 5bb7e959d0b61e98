"""A response on its way out: its bytes, the check of these, what problems and our own failures look like, and the
deliberate fault.

Called by the pipeline at fixed points; knows no stage that came before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from mockserver.contract import Operation
from mockserver.contract.events import is_stream, pieces_of
from mockserver.contract.writers import write
from mockserver.errors import MEDIA_TYPE, Problem, defect_body, problem_body
from mockserver.messages import Delivery, Exchange, Piece, Response, Stream, Violation
from mockserver.sandbox.world import World
from mockserver.scenarios import Decision
from mockserver.text.jsontext import to_json

if TYPE_CHECKING:
    from mockserver.text.spread import Spread

AT_ONCE = Stream()
FAILURE = "the mock server failed to answer; its log says why"
REASON = "x-mockserver-reason"
MAX_REASON = 500
"""Characters of the reason that an exchange keeps."""
MAX_REASON_HEADER = 200
"""Characters of that header."""
_ID = re.compile("[!-~]{1,128}")
"""A request id that is given back."""


def serialise(response: Response, operation: Operation | None = None) -> None:
    """Make the bytes of a response that has none yet, as its media type and the operation's declaration say."""
    if response.content is not None:
        return
    media_type = response.media_type
    if media_type is None:
        response.content = b""
        return
    if media_type == "application/json":
        response.content = to_json(response.data)
        return
    if isinstance(response.data, list) and is_stream(media_type):
        terms = response.stream or AT_ONCE
        response.pieces = pieces_of(response.data, media_type, terms.end, terms.event)
        response.content = b"".join(response.pieces)
        return
    declared_response = operation.response(response.status) if operation is not None else None
    if declared_response is not None:
        response.content, response.media_type = declared_response.bodies.write(response.data, media_type)
    else:
        response.content, response.media_type = write(response.data, media_type)


def write_json(response: Response) -> bytes:
    """Make the bytes of a response that has none yet from its data, and return them; b"" where that is not what its
    body is, or where it cannot be written."""
    if response.content is None and response.media_type == "application/json":
        try:
            response.content = to_json(response.data)
        except (TypeError, ValueError):
            return b""  # which the contract has words for
        return response.content
    return b""


def failure() -> Response:
    """The response when the mock itself failed: it says nothing of why, which is for the log."""
    response = Response(500, defect_body(FAILURE, []), {}, MEDIA_TYPE)
    serialise(response)
    return response


def contract_breach(
    operation: Operation,
    response: Response,
    exchange: Exchange,
    violations: Sequence[Violation],
    code: str = "",
) -> Response:
    """What to send for a response that breaks the contract: it, when a rule declared that; else a 500 that says so.

    `code` is where the behaviour stands that made it, as `file:line`; "" when none did.
    """
    if exchange.violates:
        declared = [replace(violation, side="declared") for violation in violations]
        exchange.violations = [*exchange.violations, *declared]
        return response
    exchange.violations = [*exchange.violations, *violations]
    ruled = exchange.rule_action not in ("", "then")
    maker = f" made by rule {exchange.rule!r}" if ruled else f" made by the behaviour {code}" if code else ""
    exchange.defect = f"the response of {operation.id} with status {response.status}{maker} breaks the contract"
    exchange.stage, exchange.reason = "response", exchange.defect
    return Response(500, defect_body(exchange.defect, violations), {}, MEDIA_TYPE)


def unsampled(operation: Operation, response: Response, problem: Problem) -> Response:
    """The 501 for a schema that nothing satisfies, in the API's own shape where the contract takes that.

    Where it takes none either, problem details say what to fix in the document: no defect of ours.
    """
    if not operation.check_response(response):
        return response
    return Response(problem.status, problem_body(problem), {}, MEDIA_TYPE)


def verify_wire(operation: Operation, exchange: Exchange, response: Response) -> Response:
    """Read the bytes that are about to leave as a client reads them; what they say must pass the contract too."""
    if not response.status or exchange.defect or exchange.violates:
        return response
    serialise(response, operation)
    violations = operation.check_wire(response)
    return contract_breach(operation, response, exchange, violations) if violations else response


def echo_id(operation: Operation | None, exchange: Exchange, response: Response) -> None:
    """Give the client's `X-Request-Id` back, unless the contract says what stands in that header."""
    sent = exchange.request.headers["x-request-id"]
    if response.status and _ID.fullmatch(sent) and "x-request-id" not in response.headers:
        _add_undeclared(operation, response, "x-request-id", sent)


def tell_reason(
    operation: Operation | None, exchange: Exchange, response: Response, clean: Callable[[str], str]
) -> None:
    """Say in a header why the mock answered an error, unless the contract says what stands in it.

    `clean` takes the secrets of the request out of a text.
    """
    exchange.reason = clean(exchange.reason)[:MAX_REASON]
    line = " ".join(exchange.reason.split())
    if not (line.isascii() and line.isprintable()):
        line = line.encode("unicode_escape").decode()
    _add_undeclared(operation, response, REASON, line[:MAX_REASON_HEADER])


def _add_undeclared(operation: Operation | None, response: Response, name: str, value: str) -> None:
    declared = operation.response(response.status) if operation is not None else None
    if declared is None or all(header.header != name for header in declared.headers):
        response.headers[name] = value


def apply_fault(
    world: World, exchange: Exchange, response: Response, decision: Decision, latency: Spread | None
) -> float:
    """Do the rule's fault to a finished response; test seconds that pass before it goes out.

    `latency` is the API's own, which comes before what the rule adds.

    A frozen clock is moved ahead by what the client has to wait, which then takes no real time; a
    clock that runs at a rate makes the wait shorter by that rate.
    """
    clock, fault = world.clock, decision.action.fault
    exchange.faults = decision.action.faults
    fault.damage(response)
    delivery = Delivery(lost=exchange.lost)
    if response.pieces is not None:
        every = response.stream.every if response.stream is not None else 0.0
        delivery.pieces = [Piece(piece, stall=every if at else 0.0) for at, piece in enumerate(response.pieces)]
        fault.interrupt(delivery)
    if latency is not None:
        delivery.delay += latency.draw(Random(f"{world.terms.seed} latency {world.store.increment('latency')}"))
    if decision.random is not None:
        fault.pace(delivery, decision.random)
    pieces = len(response.content or b"") // delivery.chunk if delivery.chunk else 0
    delivery.latency = delivery.delay
    dripping = delivery.every * pieces + sum(piece.stall for piece in delivery.pieces)
    if delivery.pieces:
        response.content = b"".join(piece.content for piece in delivery.pieces)
    response.delivery = delivery
    rate = clock.rate
    delivery.pieces = [piece._replace(wait=piece.stall / rate if rate else 0.0) for piece in delivery.pieces]
    if rate:
        delivery.delay, delivery.every = delivery.delay / rate, delivery.every / rate
        return delivery.latency
    if delivery.delay or dripping:
        clock.advance(delivery.delay + dripping)
        delivery.delay = delivery.every = 0.0
    return delivery.latency + dripping
