"""A reply on its way out: its bytes, the check of these, what our own failures look like, and deliberate damage.

Called by the pipeline at fixed points; knows no stage that came before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mockserver.apis.routes import Route
from mockserver.clock import Clock
from mockserver.contract import Operation
from mockserver.contract.bodies import is_json
from mockserver.errors import MEDIA_TYPE, Problem, defect_body, problem_body
from mockserver.messages import Delivery, Exchange, Response, Violation
from mockserver.scenarios import Decision
from mockserver.text.jsontext import to_json

_ID = re.compile("[!-~]{1,128}")
"""A request id that is given back."""


def serialise(response: Response) -> None:
    """Make the bytes of a reply that has none yet."""
    media_type = response.media_type
    if response.content is not None:
        return
    if media_type is None:
        response.content = b""
    elif media_type == "application/json" or is_json(media_type):
        response.content = to_json(response.data)
    else:
        response.content = response.data if isinstance(response.data, bytes) else str(response.data).encode()


def failure() -> Response:
    """The reply when the mock itself failed: it says nothing of why, which is for the log."""
    body = defect_body("the mock server failed to answer; its log says why", [])
    response = Response(500, body, {}, "application/problem+json")
    serialise(response)
    return response


def broken(operation: Operation, response: Response, exchange: Exchange, violations: Sequence[Violation]) -> Response:
    """What to send for a reply that breaks the contract: it, when a rule declared that; else our bug is told as one."""
    if exchange.violates:
        declared = [replace(violation, side="declared") for violation in violations]
        exchange.violations = [*exchange.violations, *declared]
        return response
    exchange.violations = [*exchange.violations, *violations]
    rule = f" made by rule {exchange.rule!r}" if exchange.rule else ""
    exchange.defect = f"the reply of {operation.id} with status {response.status}{rule} breaks the contract"
    return Response(500, defect_body(exchange.defect, violations), {}, "application/problem+json")


def unsampled(operation: Operation, response: Response, problem: Problem) -> Response:
    """The 501 for a schema that nothing satisfies, in the API's own shape where the contract takes that.

    Where it takes none either, problem details say what to mend in the document: no defect of ours.
    """
    if not operation.check_response(response):
        return response
    return Response(problem.status, problem_body(problem), {}, MEDIA_TYPE)


def verify_wire(operation: Operation, exchange: Exchange) -> None:
    """Read the bytes that are about to leave as a client reads them; what they say must pass the contract too."""
    response = exchange.response
    if response is None or not response.status or exchange.defect:
        return
    serialise(response)
    violations = operation.check_wire(response)
    if violations:
        exchange.response = broken(operation, response, exchange, violations)


def echo_id(exchange: Exchange, route: Route | None) -> None:
    """Give the client's `X-Request-Id` back, unless the contract says what stands in that header."""
    response, given = exchange.response, exchange.request.headers["x-request-id"]
    if response is None or not response.status or not _ID.fullmatch(given) or "x-request-id" in response.headers:
        return
    declared = route.plan.operation.reply(response.status) if route is not None and route.plan is not None else None
    if declared is None or all(header.header != "x-request-id" for header in declared.headers):
        response.headers = {**response.headers, "x-request-id": given}


def damage(clock: Clock, exchange: Exchange, response: Response, decision: Decision) -> float:
    """Do the rule's fault to a finished reply; test seconds that pass before it goes out.

    A frozen clock is moved ahead by what the client has to wait, which then takes no real time; a
    clock that runs at a rate makes the wait shorter by that rate.
    """
    fault = decision.action.fault
    exchange.faults = decision.action.faults
    fault.damage(response)
    delivery = Delivery(lost=exchange.lost)
    if decision.random is not None:
        fault.pace(delivery, decision.random)
    pieces = len(response.content or b"") // delivery.chunk if delivery.chunk else 0
    delivery.latency = delivery.delay
    dripping = delivery.every * pieces
    response.delivery = delivery
    if clock.rate:
        delivery.delay, delivery.every = delivery.delay / clock.rate, delivery.every / clock.rate
        return delivery.latency
    if delivery.delay or dripping:
        clock.advance(delivery.delay + dripping)
        delivery.delay = delivery.every = 0.0
    return delivery.latency + dripping
