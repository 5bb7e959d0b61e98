"""What templates are filled with: the parts of a request and its response, rows, counters, the clock, a seed.

The request is read as its operation declares it, so that an id that is an integer there is one here. Must not know:
rules, faults.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from random import Random
from typing import Any

from mockserver.apis import Api, Call
from mockserver.apis.base import derived_uuid
from mockserver.messages import JSON, Response
from mockserver.text.fields import query_values
from mockserver.text.matchers import MISSING
from mockserver.text.references import Reference


class CallValues:
    """The values of one request.

    Args:
        api: the API that it is for.
        now: epoch seconds on the sandbox's clock.
        call: gives the request as the contract reads it, with the state.
        response: its response, where there is one yet.
    """

    def __init__(self, api: Api, now: float, call: Callable[[], Call], response: Response | None = None) -> None:
        self._api, self.now, self._made, self._response = api, now, call, response

    @cached_property
    def _call(self) -> Call:
        """Read only when a template asks for it."""
        return self._made()

    def at(self, now: float) -> CallValues:
        """The same at another time of the clock."""
        return CallValues(self._api, now, lambda: self._call, self._response)

    @cached_property
    def random(self) -> Random:
        """Draws that follow from the seed and from how many templates drew before."""
        return Random(derived_uuid(self._call.seed, "template", self._call.store.increment("template")))

    def request(self, reference: Reference) -> JSON:
        """A part of the request; MISSING when it has none."""
        call, name = self._call, reference.name
        match reference.place:
            case "body":
                return _within(call.body, reference.parts) if call.body is not None else MISSING
            case "path":
                return call.params.get(name, call.variables.get(name, MISSING))
            case "query":
                values = query_values(call.query).get(name)
                return call.params.get(name, values[0] if values else MISSING)
            case "header":
                return call.header(name) or MISSING
            case "method":
                return call.method
            case "url":
                return call.url
            case "key":
                return call.key
        return call.tenant

    def response(self, reference: Reference) -> JSON:
        """A part of the response; MISSING when it has none, or when there is none yet."""
        response = self._response
        if response is None:
            return MISSING
        if reference.place == "status":
            return response.status
        if reference.place == "header":
            return response.headers.get(reference.name, MISSING)
        return _within(response.data, reference.parts)

    def state(self, table: str, id: str | None) -> JSON:
        """The members of a row, or of all rows of a table; MISSING when there is no such row."""
        rows = self._api.row_tables[table]
        if id is None:
            return rows.all(self._call, table)
        row = rows.find(self._call, table, id)
        return MISSING if row is None else row

    def number(self, counter: str) -> int:
        """The next number of a counter, from 1."""
        return self._call.store.increment(f"sequence {counter}")

    def id(self, table: str) -> JSON:
        """A new id of a resource; a UUID for "" and for a table whose ids are UUIDs."""
        if not table or table in self._api.tables:
            return self._call.new_id()
        return self._api.resource(table, self._call).new_id()

    def word(self, name: str) -> str:
        """A plausible text for a member of this name."""
        from mockserver.contract.samples.words import word  # most templates want none

        return word(name, self.random)


def _within(value: JSON, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


__all__ = ["CallValues"]
