"""Asks openapi-core for its opinion of the exchanges of a running server, and says where it is another one."""

from __future__ import annotations

from typing import Literal

from mockserver.contract.contract import Contract
from mockserver.contract.operation import Operation
from mockserver.contract.reference.deviations import explained
from mockserver.contract.reference.message import Message
from mockserver.errors import Problem
from mockserver.messages import Request, Response

Mode = Literal["off", "on-reject", "always"]
MODES: tuple[Mode, ...] = ("off", "on-reject", "always")


class Referee:
    """Compares the engine's verdicts with openapi-core's.

    Args:
        contract: whose exchanges are validated.
        mode: `always`, or `on-reject` for only what the engine refuses. openapi-core takes milliseconds.
    """

    def __init__(self, contract: Contract, mode: Mode) -> None:
        from mockserver.contract.reference.oracle import Oracle  # slow to import

        self._oracle = Oracle(contract)
        self._always = mode == "always"

    def validate(
        self, operation: Operation, request: Request, path_values: dict[str, str], response: Response | None
    ) -> str:
        """What the two disagree about, or ""; a deviation that is meant is no disagreement."""
        ours = _request_faults(operation, request, path_values)
        if ours or self._always:
            theirs = self._oracle.request_faults(operation, request, path_values)
            told = _disagreement(Message(operation, request, values=path_values), ours, theirs)
            if told:
                return f"the request: {told}"
        if response is None or not response.status:
            return ""
        ours = [str(violation) for violation in operation.check_response(response)]
        if ours or self._always:
            theirs = self._oracle.response_faults(operation, response)
            told = _disagreement(Message(operation, response=response), ours, theirs)
            if told:
                return f"the response: {told}"
        return ""


def _request_faults(operation: Operation, request: Request, path_values: dict[str, str]) -> list[str]:
    try:
        return [str(violation) for violation in operation.check_request(request, path_values).violations]
    except Problem as problem:
        return [problem.message]


def _disagreement(half: Message, ours: list[str], theirs: list[str]) -> str:
    if bool(ours) == bool(theirs) or explained(half, accepted=not ours):
        return ""
    if ours:
        return f"openapi-core accepts what the engine refuses: {'; '.join(ours[:3])}"
    return f"the engine accepts what openapi-core refuses: {'; '.join(theirs[:3])}"
