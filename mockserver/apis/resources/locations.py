"""The `Location` of what was created (RFC 9110, 10.2.2): a whole URL, or as much of it as the contract takes."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.apis.base import Call
from mockserver.apis.resources.ids import quoted
from mockserver.contract import Contract, Operation
from mockserver.messages import Response
from mockserver.text.fields import encoded_template

_PLAIN = frozenset(("type", "description", "example", "title", "nullable"))
"""What the schema of the header may say that takes every URL."""


class Locations:
    """Adds the header to the responses of one contract's operations."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._free: dict[str, bool] = {}
        """Whether an operation takes any URL there, by operationId."""

    def add(
        self, call: Call, operation: Operation, response: Response, template: str, values: Mapping[str, str]
    ) -> None:
        """Add the header to a response.

        Args:
            call: the request.
            operation: the operation that created.
            response: its response.
            template: the path of the operation that reads.
            values: the variables of that path.
        """
        path = encoded_template(template)
        for name, value in values.items():
            path = path.replace(f"{{{name}}}", quoted(value))
        before, base = response.headers.get("location"), encoded_template(self._contract.base_path)
        whole = f"{call.base_url}{base}{path}"
        if self._is_free(operation):
            response.headers["location"] = whole
            return
        for location in (whole, f"{base}{path}", path):
            response.headers["location"] = location
            if not operation.check_response(response):
                return
        if before is None:
            del response.headers["location"]
        else:
            response.headers["location"] = before

    def _is_free(self, operation: Operation) -> bool:
        free = self._free.get(operation.id)
        if free is None:
            declared, outlines = operation.response(operation.success), self._contract.outlines
            headers = declared.headers if declared is not None else ()
            schemas = [outlines.node(outlines.at(known.pointer)) for known in headers if known.header == "location"]
            free = self._free[operation.id] = all(_PLAIN.issuperset(schema) for schema in schemas)
        return free


__all__ = ["Locations"]
