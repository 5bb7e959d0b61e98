"""One run: cases go to the real server one after the other, and what came back is kept to be judged.

Must not know: the command line, files, or how a finding is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from mockserver.apis import Api
from mockserver.clock import wall_time
from mockserver.conform.cases import Case
from mockserver.conform.known import Known
from mockserver.conform.outcomes import NEEDS_ID, Seen, is_limited, unjudged
from mockserver.conform.pace import TRIES, Pace
from mockserver.conform.pages import Pages
from mockserver.conform.real import Unanswered
from mockserver.conform.writes import Writes
from mockserver.contract import Operation, Unsatisfiable
from mockserver.contract.request_samples import RequestSamples
from mockserver.errors import Problem
from mockserver.messages import Request, Response

MAX_DEAD = 3
"""Requests in a row without a response after which no more are sent."""
_UNKNOWN = ("no-such-id-8f3a1c", "00000000-0000-4000-8000-00000000dead", "2147483646", "9007199254740991")
"""Ids that nothing has, of which the first is taken that the schema takes."""


class Server(Protocol):
    """What answers requests. Raises Unanswered."""

    async def ask(self, request: Request, bare: bool = False) -> Response:
        """Send a request; `bare` without any credential."""
        ...


@dataclass(slots=True)
class Seeing:
    """What was seen in a run, and what could not be."""

    seen: list[Seen] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    """Why something could not be checked."""


class Run:
    """Sends cases and remembers what came back.

    Args:
        api: the contract, and its resources.
        server: the real server.
        pace: how fast requests may go.
        given: values of variables that a person gave.
        most_wait: the longest wait that the server may ask for.
        wait: waits; for tests, which do not.
        done: is told of every case that was sent, or could not be.
    """

    def __init__(
        self,
        api: Api,
        server: Server,
        pace: Pace,
        *,
        given: dict[str, str] | None = None,
        most_wait: float = 60.0,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        done: Callable[[Case], None] = lambda case: None,
    ) -> None:
        self._contract = api.contract
        self._server, self._pace = server, pace
        self._most_wait, self._wait, self._done = most_wait, wait, done
        self._samples = RequestSamples(api.contract)
        self.known = Known(api, given or {})
        self.result = Seeing()
        self.writes = Writes(api.contract, self.known, self.case, self.have)
        self._dead = 0
        self._answered: set[str] = set()
        """Operations with a good response."""
        self._needs_id: dict[str, tuple[Case, Operation]] = {}

    async def cases(self, cases: Iterable[Case]) -> None:
        """Send cases in their order."""
        waiting = list(cases)
        for number, case in enumerate(waiting):
            if self._dead >= MAX_DEAD:
                left = len(waiting) - number
                self.result.unchecked.append(
                    f"{left:,} requests were not sent, since {MAX_DEAD} in a row had no answer"
                )
                return
            if case.kind == "page":
                await self._walk(case)
            else:
                await self.case(case)
            self._done(case)

    async def _walk(self, case: Case) -> None:
        """Walk the pages of a list, whose plain response may have been seen already."""
        operation = self._contract.operations[case.operation]
        plain = Case(f"{operation.method} {operation.path}", operation.id, "valid")
        first = next((one for one in self.result.seen if one.case.id == plain.id), None) or await self.case(plain)
        judged = await Pages(self._contract, self.known, self.case).walk(first) if first is not None else None
        if judged is not None:
            self.have(judged)

    def end(self) -> None:
        """Nothing more is sent: operations for which no row was found are told."""
        for id, (case, operation) in self._needs_id.items():
            if id not in self._answered:
                self._unchecked(case, operation, NEEDS_ID)

    async def try_writes(self, skipped: frozenset[str]) -> None:
        """Write to the server, on rows of our own; not by operations that are skipped."""
        self.result.unchecked += await self.writes.try_all(skipped)

    async def again(self, seen: Seen) -> Seen | None:
        """Send the request of a recorded case once more, to learn what always differs."""
        try:
            return replace(seen, response=await self._ask(seen.case, seen.request))
        except Unanswered:
            return None

    def have(self, judged: Seen) -> None:
        """Take what is known of a response in the place of what was."""
        self.result.seen = [judged if one.case.id == judged.case.id else one for one in self.result.seen]

    async def case(self, case: Case) -> Seen | None:
        """Send one case; None where nothing came back."""
        operation = self._contract.operations[case.operation]
        try:
            made = self._request(case, operation)
        except Unsatisfiable as error:
            self._unchecked(case, operation, f"no request could be made: {error}")
            return None
        if made is None:
            return None
        request, variables, is_known = made
        breach = self._breach(case, operation, request, variables)
        if breach:
            if not case.parameter:  # a value of one parameter more or less is no loss
                self._unchecked(case, operation, f"no request could be made that the contract takes: {breach}")
            return None
        try:
            response = await self._ask(case, request)
        except Unanswered as error:
            self._dead = self._dead + 1 if error.is_dead else 0
            self._unchecked(case, operation, error.reason)
            return None
        self._dead = 0
        seen = Seen(case, request, response, variables, is_known)
        self.result.seen.append(seen)
        self.writes.note(seen)
        if case.kind == "clean-up":
            return seen
        if case.kind == "after":
            self._answered.add(operation.id)  # whatever it says, it was asked with an id that should be there
        reason = unjudged(seen) or ("is answered 429 each time" if is_limited(seen) else "")
        if reason and unjudged(seen) == NEEDS_ID:
            self._needs_id[operation.id] = (case, operation)
        elif reason:
            self._unchecked(case, operation, reason)
        elif 200 <= response.status < 300:
            self._answered.add(operation.id)
            self.known.learn(operation, variables, seen.body)
        return seen

    def _request(self, case: Case, operation: Operation) -> tuple[Request, dict[str, str], bool] | None:
        """The request of a case, the variables of its path, and whether they are of a row that is there; None where
        there is no such request."""
        if case.request is not None:
            return case.request, self._variables_in(case.request, operation), True
        variables, is_known = self.known.variables(operation)
        if case.variables:
            variables, is_known = dict(case.variables), True
        if case.kind == "unknown":
            unknown = self._unknown(operation, variables)
            if unknown is None:
                return None
            variables, is_known = unknown, False
        values = {name: text for name, text in self.known.given.items() if self._takes(operation, name)}
        request = self._samples.request(operation, variables, parameters={**values, **case.values})
        return request, self._variables_in(request, operation), is_known

    def _breach(self, case: Case, operation: Operation, request: Request, variables: dict[str, str]) -> str:
        """What is wrong with a request that should be right; ids are as the server has them, right or wrong."""
        if case.kind not in ("valid", "page", "create", "update") or case.request is not None:
            return ""
        try:
            found = operation.check_request(request, variables).violations
        except Problem as problem:
            return str(problem)
        return next((str(one) for one in found if one.where != "path"), "")

    def _takes(self, operation: Operation, name: str) -> bool:
        return any(
            one.name == name and one.place in ("query", "header") and one.required for one in operation.parameters
        )

    def _unknown(self, operation: Operation, known: dict[str, str]) -> dict[str, str] | None:
        """Variables of which the last names nothing; None where no such id is known."""
        parameter = [one for one in operation.parameters if one.place == "path"][-1]
        place = self._contract.outlines.at(parameter.pointer) if parameter.pointer else None
        for text in _UNKNOWN:
            value = parameter.decode(text)
            if place is None or (self._contract.accepts(place, value, "request") and text != known.get(parameter.name)):
                return {**known, parameter.name: text}
        return None

    def _variables_in(self, request: Request, operation: Operation) -> dict[str, str]:
        """The variables of a request's path."""
        from mockserver.contract.router import split

        _, values, _ = self._contract.match(operation.method, split(request.path))
        return dict(values)

    async def _ask(self, case: Case, request: Request) -> Response:
        """Send a request as often as its rate limit makes needed. Raises Unanswered."""
        for tries in range(TRIES):
            wait = self._pace.wait(wall_time())
            if wait > self._most_wait:
                raise Unanswered(f"the server asks to wait {wait:.0f} s, more than --max-wait")
            if wait:
                await self._wait(wait)
            self._pace.sent(wall_time())
            response = await self._server.ask(request, case.kind == "no-key")
            if not self._pace.told(response, wall_time(), tries):
                return response
            if tries == 0 and response.status == 429:
                # It says something of the server too, whatever comes of the case.
                self.result.seen.append(Seen(case, request, response))
        return response

    def _unchecked(self, case: Case, operation: Operation, reason: str) -> None:
        name = f"{operation.method} {operation.path}"
        about = f" {case.about}" if case.about else ""
        self.result.unchecked.append(f"{name}{about}: {reason}")


__all__ = ["MAX_DEAD", "Run", "Seeing", "Server"]
