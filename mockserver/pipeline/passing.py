"""The life of a request that the real API answers: match, let the scenario decide, check, and record what came back.

The same words, rules and journal as for the twin. Nothing here changes a request or a response unless a rule says so,
and nothing here knows how the real API is reached.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from mockserver.apis import Api
from mockserver.clock import monotonic
from mockserver.errors import Problem
from mockserver.messages import Exchange, Headers, Request, Response, Violation
from mockserver.pipeline.codings import decoded
from mockserver.pipeline.defects import Defect, describe
from mockserver.pipeline.pipeline import Pipeline
from mockserver.pipeline.response import FAILURE, apply_fault, failure, serialise, tell_reason
from mockserver.pipeline.turn import Turn
from mockserver.sandbox.world import World
from mockserver.scenarios import NO_DECISION
from mockserver.text.fields import sandbox_in

log = logging.getLogger("mockserver")

MAX_SEEN = 4 * 1024 * 1024
"""Bytes of a response that are looked at; of a longer one the head alone is checked."""
_DAMAGES = frozenset({"body", "content_type", "stream"})
"""Faults that change a body, which must be there without its coding then."""
_OF_THE_MESSAGE = ("content-length", "date")
"""Headers that the server writes itself where a response does not go through as it is."""
_EVENT_END = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
_CODED = ("content-encoding", "content-length", "transfer-encoding", "content-md5", "etag")
"""Headers that no longer hold once a rule has changed a body."""


class Passage:
    """One request on its way to the real API.

    Args:
        pipeline: whose sandboxes, contracts and journal these are.
        request: as the client sent it; its body may come later, by `took`.
    """

    __slots__ = ("_pipeline", "_rate", "_started", "_turn", "_world", "api", "exchange", "path", "then", "unchecked")

    def __init__(self, pipeline: Pipeline, request: Request) -> None:
        self._pipeline = pipeline
        self._started = monotonic()
        name, path = sandbox_in(request.path)
        self._world, now, self._rate = pipeline.sandboxes.enter(name, request)
        exchange = self.exchange = Exchange(request, now)
        """What is recorded of it."""
        self.then: Callable[[], None] | None = None
        """Called when it is recorded, which is before its last byte goes out."""
        self.unchecked = ""
        """What of it could not be checked against the contract; "" when all was."""
        exchange.sandbox, exchange.stage = self._world.sandbox, "upstream"
        turn = self._turn = Turn(self._world, exchange)
        route = turn.route = pipeline.routes.find(request.method, path)
        self.api: Api = route.api
        exchange.api = route.api.name
        if route.plan is not None:
            turn.plan, turn.operation = route.plan, route.plan.operation
            exchange.operation = route.plan.operation.id
        self.path = path.removeprefix(route.prefix) if route.is_known else path
        """The path for the real API: without what names a sandbox or an API here."""

    @property
    def operation(self) -> str:
        """The operationId; "" where the contract has none."""
        return self.exchange.operation

    @property
    def is_ruled(self) -> bool:
        """Whether a scenario has a say, which may look at the whole request."""
        return self._turn.operation is not None and self.exchange.api in self._world.scenarios

    @property
    def acts(self) -> bool:
        """Whether a rule acts on the response, so that it must be there whole."""
        return self._turn.decision is not NO_DECISION

    def took(self, body: bytes, whole: bool) -> None:
        """The body of the request is known, or too long to be looked at."""
        request = self.exchange.request
        request.body, request.too_large = (body, False) if whole else (b"", True)
        if "content-encoding" in request.headers:
            most = self._turn.plan.max_body if self._turn.operation is not None else MAX_SEEN
            self.exchange.request = self._turn.request = decoded(request, most)

    def decide(self) -> Response | None:
        """What a rule answers in the place of the real API; None lets the request go on."""
        turn, exchange = self._turn, self.exchange
        try:
            response = turn.decide()
            if response is None and turn.decision.action.reply is not None:
                response = turn.script(turn.decision.action.stage)
                exchange.stage = "rule"
        except (Defect, Problem) as error:
            response = self.failed(Problem("server_error", str(error)), "rule")
            exchange.defect = str(error)
        if response is not None:
            self._finish(response)
        return response

    def change(self, response: Response) -> Response:
        """The real response, with what the rule does to it; recorded."""
        turn, exchange, action = self._turn, self.exchange, self._turn.decision.action
        seen = self._check(response)
        if action.lost_after:
            exchange.lost = action.lost_after
        if action.patches and turn.operation is not None:
            try:
                self._patch(seen)
            except (Defect, KeyError) as error:
                exchange.defect = f"rule {exchange.rule!r} cannot change this response: {error}"
                seen = self.failed(Problem("server_error", exchange.defect), "rule")
        elif _DAMAGES.isdisjoint(action.faults):
            seen = response  # nothing is done to the body: its coding stays
        for name in _OF_THE_MESSAGE:
            seen.headers.pop(name, None)
        if (seen.media_type or "").startswith("text/event-stream"):
            seen.pieces = [piece for piece in _EVENT_END.split(seen.content or b"") if piece]
            seen.stream = self._turn.plan.stream
        self._finish(seen)
        return seen

    def passed(self, response: Response) -> None:
        """The real response went out, or is about to, as it is: check both sides, and record."""
        seen = self._check(response)
        exchange = self.exchange
        exchange.response = seen
        self._record()

    def cut(self, response: Response, why: str, is_gone: bool) -> None:
        """A response that ended too early went out so far: record that. `is_gone` says that the client ended it."""
        self.exchange.reason = why
        if not is_gone:
            violation = Violation("upstream", "body", "", "is not whole", "an early end", "the whole body", "length")
            self.exchange.violations = [*self.exchange.violations, violation]
        self.passed(response)

    def failed(self, problem: Problem, stage: str = "upstream") -> Response:
        """The error, in the API's own shape, when there is no response of the real API."""
        exchange = self.exchange
        exchange.stage = "rule" if stage == "rule" else "upstream"
        exchange.reason = problem.message
        return self.api.errors.response(self._turn.operation, problem)

    def give_up(self, problem: Problem) -> Response:
        """The same, recorded and ready to leave."""
        response = self.failed(problem)
        self.exchange.violations = self._request_violations()
        self._finish(response)
        return response

    def fail(self, error: Exception) -> Response:
        """The 500 of a failure of ours, recorded; the log and the journal say what it was."""
        exchange = self.exchange
        exchange.defect, exchange.traceback = describe(error, self._pipeline.masking.cleaner(exchange.request))
        exchange.reason = FAILURE
        log.error("%s failed: %s\n%s", exchange.operation or "a request", exchange.defect, exchange.traceback)
        response = failure()
        self._finish(response)
        return response

    def abandoned(self, why: str) -> None:
        """The client went away: record that nobody was answered."""
        exchange = self.exchange
        exchange.reason = why
        exchange.violations = self._request_violations()
        self._finish(Response(0, media_type=None))

    def _request_violations(self) -> list[Violation]:
        turn, request = self._turn, self.exchange.request
        if turn.operation is None:
            problem = self._pipeline.routes.unmatched(turn.route, request.method, self.path)
            where = "path" if problem.status == 404 else "method"
            expected = problem.headers.get("allow", "a path of the document")
            return [Violation("client", where, "", problem.message, self.path[:200], expected, "paths")]
        if request.too_large:
            self.unchecked = f"a request is longer than {MAX_SEEN:,} bytes"
            return []
        try:
            return list(turn.operation.check_request(request, turn.route.values).violations)
        except Problem as problem:
            return list(problem.violations) or [
                Violation("client", "body", "", problem.message, "", "", "contentEncoding")
            ]

    def _check(self, response: Response) -> Response:
        """The response as it is meant; what breaks the contract is noted, on both sides."""
        turn, exchange = self._turn, self.exchange
        exchange.violations = [*self._request_violations(), *exchange.violations]
        seen, found = self._meant(response)
        exchange.violations = [*exchange.violations, *found]
        if turn.operation is None or found:
            return seen
        operation, is_head = turn.operation, exchange.request.method == "HEAD"
        if seen.content is None and not is_head and not exchange.reason:
            self.unchecked = f"a response is longer than {MAX_SEEN:,} bytes, or in a coding that is not known here"
        declared = operation.response(seen.status)
        is_partial = is_head or seen.status == 304 or exchange.reason or seen.content is None
        if is_partial and declared is not None:
            return seen
        reads = declared is not None and seen.media_type is not None and declared.bodies[seen.media_type] is not None
        violations = operation.check_wire(seen) if reads else operation.check_response(seen)
        exchange.violations = [*exchange.violations, *_theirs(violations)]
        return seen

    def _meant(self, response: Response) -> tuple[Response, list[Violation]]:
        """A response with the codings of its body undone, as far as it is short enough."""
        content, coding = response.content, response.headers.get("content-encoding")
        if content is None or not coding or not content or self.exchange.reason:
            return response, []
        carried = decoded(Request("", "", headers=Headers({"content-encoding": coding}), body=content), MAX_SEEN)
        if carried.too_large:
            return replace(response, content=None), []
        refusal = carried.refusal
        if refusal is None:
            return replace(response, content=carried.body), []
        if isinstance(refusal, Problem) and refusal.violations:
            return response, _theirs(refusal.violations)
        return replace(response, content=None), []  # a coding that is not known here is no violation

    def _patch(self, response: Response) -> None:
        """Have the rule change the value that the body says. Raises Defect, KeyError."""
        turn, exchange = self._turn, self.exchange
        assert turn.operation is not None
        declared = turn.operation.response(response.status)
        reading = declared.bodies[response.media_type] if declared is not None and response.media_type else None
        if reading is None:
            raise Defect(f"the contract does not say how to read a {response.status} of {response.media_type}")
        try:
            response.data = reading.parse(response.content or b"")
        except Problem as problem:
            raise Defect(str(problem)) from None
        turn.patch(response)
        response.content = None
        for name in _CODED:
            response.headers.pop(name, None)
        violations = turn.operation.check_response(response)
        if violations and not exchange.violates:
            raise Defect(f"the result breaks the contract, which `violates` must declare: {violations[0]}")
        exchange.violations = [*exchange.violations, *(replace(found, side="declared") for found in violations)]

    def _finish(self, response: Response) -> None:
        """Make a response of ours ready to leave, do the rule's fault to it, and record it."""
        exchange, turn, world = self.exchange, self._turn, self._world
        serialise(response, turn.operation)
        exchange.response = response
        if exchange.reason and response.status:
            tell_reason(turn.operation, exchange, response, self._pipeline.masking.cleaner(exchange.request))
        waited = 0.0
        if exchange.rule and not exchange.defect:
            waited = self._damage(world, response)
        self._record(waited)

    def _record(self, waited: float = 0.0) -> None:
        """Write it into the journal, without the secrets that real bodies and cookies hold."""
        exchange, masking = self.exchange, self._pipeline.masking
        exchange.duration = monotonic() - self._started
        exchange.replied_at = exchange.at + exchange.duration * self._rate + waited
        request, sent = exchange.request, exchange.response
        media_type = request.headers.get("content-type", "")
        most = self._pipeline.journal_body
        sizes = len(request.body), len((sent.content if sent is not None else None) or b"")
        if max(sizes) > most:
            exchange.cut = sizes
        exchange.request = replace(request, body=masking.body(request.body[:most], media_type))
        if sent is not None:
            headers = Headers.of(sent.headers.by_name() if isinstance(sent.headers, Headers) else sent.headers)
            if lines := headers.get_all("set-cookie"):
                headers |= Headers.of({"set-cookie": masking.cookies(lines)})
            content = masking.body((sent.content or b"")[:most], sent.media_type or "")
            exchange.response = replace(sent, headers=headers, content=content)
        self._pipeline.record(self._world, exchange)
        if self.then is not None:
            self.then()

    def _damage(self, world: World, response: Response) -> float:
        if not _DAMAGES.isdisjoint(self._turn.decision.action.faults):
            for name in _CODED:
                response.headers.pop(name, None)
        try:
            return apply_fault(world, self.exchange, response, self._turn.decision, None)
        except Problem as problem:
            log.warning("the clock of sandbox %s did not follow a wait: %s", world.sandbox, problem)
            return 0.0


def _theirs(violations: Iterable[Violation]) -> list[Violation]:
    """Violations of a response, as ones of the real API: the mock has made none of them."""
    return [replace(violation, side="upstream") for violation in violations]


def response_from(status: int, lines: list[tuple[bytes, bytes]], content: bytes | None) -> Response:
    """A response as the contract and the journal see it, from what came over the wire.

    `content` is None where it was too long to be kept.
    """
    headers = Headers()
    for name, value in lines:
        headers.add(name.decode("latin-1").lower(), value.decode("latin-1"))
    media_type = headers.pop("content-type", None)
    return Response(status, None, headers, media_type, content)


__all__ = ["MAX_SEEN", "Passage", "response_from"]
