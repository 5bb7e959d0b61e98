"""What a sample repeats of the request: members of the same name, such as `model` in the response of an embedding.

Must not know: stores, rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from mockserver.apis.resources.model import folded
from mockserver.contract import Contract, Operation
from mockserver.messages import JSON, Response


class Echo:
    """What the success of one operation repeats. It is read from the contract when it is first asked for.

    Args:
        contract: the contract.
        operation: the operation.
    """

    def __init__(self, contract: Contract, operation: Operation) -> None:
        self._contract, self._operation = contract, operation

    @cached_property
    def _members(self) -> dict[str, str]:
        """The members of a response by what a request calls them."""
        outlines, operation = self._contract.outlines, self._operation
        sent = [parameter.name for parameter in operation.parameters if parameter.place == "query"]
        sent += outlines.of(operation.request_schema).members
        place = operation.stream_schema if operation.is_stream else operation.response_schema(operation.success)
        shown = {
            folded(name): name
            for name, member in outlines.of(place).members.items()
            if not outlines.flagged(member, "writeOnly")
        }
        return {name: shown[folded(name)] for name in sent if folded(name) in shown}

    def repeat(self, response: Response, body: JSON, params: Mapping[str, Any]) -> Response:
        """The response, in which members that the request has too are as they were sent, if the contract takes them.

        Args:
            response: a sample of the operation's success.
            body: of the request.
            params: its parameters.
        """
        if not self._members:
            return response
        sent = {**params, **(body if isinstance(body, dict) else {})}
        same = {shown: sent[name] for name, shown in self._members.items() if name in sent}
        for name, value in same.items():
            plain = response.data
            response.data = _with(plain, name, value)
            if response.data is not plain and self._operation.check_response(response):
                response.data = plain
        return response


def _with(data: JSON, name: str, value: Any) -> JSON:
    """A body with another value of a member that it has; each item of a stream is changed likewise."""
    if isinstance(data, list):
        return [_with(item, name, value) for item in data]
    return {**data, name: value} if isinstance(data, dict) and name in data else data


__all__ = ["Echo"]
