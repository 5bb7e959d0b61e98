"""A typical request of an operation and a typical state, with which templates are tried when a scenario is read."""

from __future__ import annotations

from mockserver.apis import Api, Call
from mockserver.contract import Checked, Contract, Operation
from mockserver.contract.request_samples import RequestSamples
from mockserver.contract.router import split
from mockserver.errors import Problem, did_you_mean
from mockserver.messages import JSON, Request, Response
from mockserver.scenarios.values import CallValues
from mockserver.state.memory import MemoryStore
from mockserver.text.matchers import MISSING
from mockserver.text.references import Reference

_SOME_TIME = 1_767_225_600.0
"""Epoch seconds at which it is asked."""


class Typical(CallValues):
    """The values of a typical request. Every row that is asked for is there, as the document shows one."""

    def of(self, response: Response) -> Typical:
        """The same with a response."""
        return Typical(self._api, self.now, lambda: self._call, response)

    def state(self, table: str, id: str | None) -> JSON:
        """A row as the document shows one."""
        call, rows = self._call, self._api.row_tables[table]
        if not call.store.rows(table, call.tenant):
            scratch = Call(Checked(), Request("", ""), call.now, "", "", MemoryStore(0), 0)
            rows.add(scratch, table, dict.fromkeys(rows.parents, "1"))
            for write in scratch.writes:
                if write.table == table:
                    row = rows.find(_over(scratch), table, write.id)
                    return MISSING if row is None else [row] if id is None else row
        return MISSING


def _over(call: Call) -> Call:
    """A call that sees what another one has noted."""
    call.store.commit(call.writes)
    return call


def typical(api: Api, operation: Operation) -> Typical:
    """The values of a typical request to an operation. Raises Unsatisfiable when there is none."""
    request = RequestSamples(api.contract).request(operation)
    _, variables, _ = api.contract.match(request.method, split(request.path))
    try:
        checked = operation.check_request(request, variables)
    except Problem:
        checked = Checked()
    call = Call(checked, request, _SOME_TIME, "k", "", MemoryStore(0), 0, variables=variables, resource=api.resource)
    return Typical(api, _SOME_TIME, lambda: call)


def unknown_part(contract: Contract, operation: Operation, reference: Reference) -> str:
    """Why a request to an operation can hardly have what a reference asks for, or ""."""
    if reference.place in ("path", "query"):
        names = [p.name for p in operation.parameters if p.place == reference.place]
        if reference.name in names:
            return ""
        what = "variable" if reference.place == "path" else "query parameter"
        return f"{operation.id} has no {what} {reference.name!r}{did_you_mean(reference.name, names)}"
    if reference.place != "body" or not reference.parts:
        return ""
    place = operation.request_schema
    if place is None:
        return f"{operation.id} takes no body"
    for part in reference.parts:
        outline = contract.outlines.of(place)
        if outline.is_array and part.isdecimal():
            place = outline.items
        elif part in outline.members:
            place = outline.members[part]
        elif outline.members and outline.others is None:
            return f"the body of {operation.id} has no {part!r}{did_you_mean(part, outline.members)}"
        else:
            return ""
    return ""


__all__ = ["Typical", "typical", "unknown_part"]
