"""What a response means for the case that it answers: differences, or why nothing can be said.

A pure function of a contract and what was seen, so that it can be asked again of a contract that was mended.
Must not know: sockets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from mockserver.conform.cases import Case, demands_key
from mockserver.conform.differences import Action, Difference, Mender
from mockserver.conform.responses import Responses
from mockserver.contract import Contract, Operation
from mockserver.errors import Problem
from mockserver.messages import JSON, Request, Response
from mockserver.text.jsontext import json_or_text

NEEDS_ID = "needs an id of a row that is there; give one with --value"
"""Why nothing can be said of a read whose id was made up."""
_REFUSED = (400, 422)
_NO_KEY = (401, 403)
_NO_OPERATION = (404, 405, 501)
_GATEWAY = (502, 503, 504)


@dataclass(frozen=True, slots=True)
class Seen:
    """One case and what the server answered."""

    case: Case
    request: Request
    """As it was sent, with a stand-in for the key."""
    response: Response
    """Without secrets."""
    variables: dict[str, str] = field(default_factory=dict)
    """Of the path."""
    is_known: bool = True
    """Whether the path's variables are those of a row that is there."""
    also: tuple[Difference, ...] = ()
    """What only a comparison of several responses tells."""

    @property
    def body(self) -> JSON:
        """The body as a JSON value, or as text."""
        return json_or_text(self.response.content or b"")


class Outcomes:
    """Judges what was seen by one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._responses = Responses(contract)

    @cached_property
    def _mender(self) -> Mender:
        return self._responses.mender

    def all(self, seen: Iterable[Seen]) -> Iterator[tuple[Seen, Difference]]:
        """Every difference of everything that was seen."""
        rejected: set[str] = set()
        for one in seen:
            for difference in self.of(one):
                if difference.rule == "valid-rejected":
                    if not one.case.parameter:
                        rejected.add(one.case.operation)
                    elif one.case.operation in rejected:
                        continue  # it is rejected without that parameter too
                yield one, difference

    def of(self, seen: Seen) -> list[Difference]:
        """The differences of one case."""
        case, response = seen.case, seen.response
        operation = self._contract.operations.get(case.operation)
        if operation is None or unjudged(seen) or case.kind == "clean-up":
            return []
        if case.parameter and all(parameter.name != case.parameter for parameter in operation.parameters):
            return []  # the contract does not have it any more
        known = self._known(seen, operation)
        if known is None:
            found = self._responses.differences(operation, response, seen.request.method == "HEAD")
        elif known.rule in ("valid-rejected", "server-error", "row-not-found"):
            below = self._responses.differences(operation, response)
            found = [known, *(one for one in below if one.rule != "status-undeclared")]
        else:
            found = [known]
        return [*found, *(one for one in seen.also if not self._is_settled(one))]

    def _is_settled(self, difference: Difference) -> bool:
        """Whether the contract has what a comparison of several responses asked for."""
        wanted = [action["update"] for action in difference.actions if isinstance(action.get("update"), dict)]
        try:
            node = self._contract.refs.lookup(difference.pointer)
        except KeyError:
            return False
        return bool(wanted) and all(node.get(name) == value for one in wanted for name, value in one.items())

    def _known(self, seen: Seen, operation: Operation) -> Difference | None:
        """What is wrong with the status, for what the case was to show."""
        case, status = seen.case, seen.response.status
        is_good = 200 <= status < 300
        if case.kind == "unknown" and is_good:
            return self._note("unknown-accepted", operation, f"an unknown id is answered {status}")
        if case.kind == "no-key" and is_good and demands_key(self._contract, operation):
            security = [{}] if "security" in operation.node else [*self._contract.document.get("security", []), {}]
            actions = self._mender.update(operation.pointer, {"security": security})
            return self._note("key-not-checked", operation, "answers without a key", actions)
        if case.kind == "invalid" and is_good and self._is_invalid(seen, operation):
            return self._invalid_accepted(seen, operation)
        if status in (500, 501) and case.kind != "no-key":
            return self._note("server-error", operation, f"answers {status}")
        if case.kind in ("unknown", "no-key", "invalid", "recorded", "after"):
            return None
        if status in _REFUSED:
            return self._valid_rejected(seen, operation)
        if status == 405 or (status == 404 and not seen.variables):
            actions = self._mender.remove(operation.pointer)
            return self._note("operation-missing", operation, f"is answered {status}", actions)
        if status == 404 and seen.is_known:
            return self._note("row-not-found", operation, "an id that is there is answered 404")
        return None

    def _is_invalid(self, seen: Seen, operation: Operation) -> bool:
        try:
            return bool(operation.check_request(seen.request, seen.variables).violations)
        except Problem:
            return True

    def _invalid_accepted(self, seen: Seen, operation: Operation) -> Difference:
        case = seen.case
        parameter = next(one for one in operation.parameters if one.name == case.parameter)
        actions: tuple[Action, ...] = ()
        if case.keyword != "type":
            actions = self._mender.remove(f"{self._schema_at(parameter.pointer)}/{case.keyword}")
        detail = f"a {case.parameter} that breaks {case.keyword} is accepted"
        value = case.values.get(case.parameter)
        return Difference("invalid-accepted", parameter.pointer, detail, f"query {case.parameter}", value, actions)

    def _schema_at(self, pointer: str) -> str:
        _, pointer = self._contract.refs.follow(self._contract.refs.lookup(pointer), pointer)
        return pointer

    def _valid_rejected(self, seen: Seen, operation: Operation) -> Difference:
        case, status = seen.case, seen.response.status
        if not case.parameter:
            return self._note("valid-rejected", operation, f"a request that is right is answered {status}")
        actions = self._without_parameter(operation, case.parameter)
        detail = f"a request with a {case.parameter} that is right is answered {status}"
        value = case.values.get(case.parameter)
        place = f"query {case.parameter}"
        return Difference("valid-rejected", f"{operation.pointer}/parameters", detail, place, value, actions)

    def _without_parameter(self, operation: Operation, name: str) -> tuple[Action, ...]:
        """Take a parameter away from an operation; nothing where its path declares it, for others have it too."""
        pointer = f"{operation.pointer}/parameters"
        for node in operation.node.get("parameters") or ():
            followed, _ = self._contract.refs.follow(node, pointer)
            if isinstance(followed, dict) and followed.get("name") == name:
                member = "$ref" if "$ref" in node else "name"
                return self._mender.without_item(pointer, member, node[member])
        return ()

    def _note(self, rule: str, operation: Operation, detail: str, actions: tuple[Action, ...] = ()) -> Difference:
        return Difference(rule, operation.pointer, detail, "", None, actions)


def unjudged(seen: Seen) -> str:
    """Why a response says nothing about its case; "" when it does."""
    response, case = seen.response, seen.case
    status = response.status
    if 300 <= status < 400 and status != 304:
        host = _host(response.headers.get("location", ""))
        return f"is answered {status}, a redirect{f' to {host}' if host else ''}, which is not followed"
    if status == 429 and case.kind != "recorded":
        return ""
    if status in _GATEWAY:
        return f"is answered {status}: the server is not in order"
    if case.kind in ("valid", "page", "create", "update", "delete", "after") and status in _NO_KEY:
        return f"is answered {status}; give a key that may do this with --api-key"
    if case.kind == "valid" and not seen.is_known and status == 404:
        return NEEDS_ID
    return ""


def is_limited(seen: Seen) -> bool:
    """Whether the server refused a request for its rate, so that the case itself was not answered."""
    return seen.response.status == 429


def _host(location: str) -> str:
    try:
        return str(urlsplit(location).hostname or "")
    except ValueError:
        return "an address that cannot be read"


def evidence(seen: Seen, difference: Difference, shown: str) -> dict[str, Any]:
    """A response as the example of a difference."""
    made: dict[str, Any] = {"request": shown, "status": seen.response.status}
    if difference.where:
        made["at"] = difference.where
        made["value"] = difference.found
    return made


__all__ = ["NEEDS_ID", "Outcomes", "Seen", "evidence", "is_limited", "unjudged"]
