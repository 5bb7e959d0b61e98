"""What was concluded of a document, as a profile that says the same, or as a table: each line with its reason.

Must not know: files, commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from mockserver.apis.api import Api
from mockserver.apis.resources.behaviours import Resourceful
from mockserver.apis.resources.model import Resource, Role
from mockserver.contract import Operation

_KEYS: dict[Role, str] = {
    "create": "create",
    "list": "list",
    "read": "read",
    "update": "update",
    "replace": "update",
    "delete": "delete",
    "action": "actions",
    "create_many": "create_many",
    "update_many": "update_many",
    "delete_many": "delete_many",
}


class Conclusion(NamedTuple):
    """One thing that was concluded."""

    key: str
    """The key of a profile that says it."""
    value: Any
    reason: str


def conclusions(resourceful: Resourceful) -> Iterator[Conclusion]:
    """What was concluded of one resource, in the order of a profile."""
    resource = resourceful.resource
    for key in dict.fromkeys(_KEYS.values()):
        ids = [id for id, (_, role) in resource.operations.items() if _KEYS[role] == key]
        if ids:
            reasons = "; ".join(resource.reasons[id].partition(": ")[2] for id in ids)
            yield Conclusion(key, ids if len(ids) > 1 or key == "actions" else ids[0], reasons)
    if not resource.is_singleton:
        yield from _id(resourceful)
        yield from _list(resourceful)
        unknown = "an id that nobody created is answered with a sample that is kept"
        if resource.unknown == "404":
            unknown = "an id that nobody created is not found"
        yield Conclusion("unknown", resource.unknown, unknown)


def _id(resourceful: Resourceful) -> Iterator[Conclusion]:
    resource, member = resourceful.resource, resourceful.id_member
    variable = resource.variables[-1]
    if not member:
        return
    yield Conclusion("id", f"/{member}", f"names the same as {{{variable}}} of the path")
    create = resource.with_role("create")
    if create is not None:
        chosen = resourceful.draft(create).client_chooses
        yield Conclusion(
            "from",
            "client" if chosen else "server",
            f"a request to create may have {chosen!r}" if chosen else "no request to create has it",
        )


def _list(resourceful: Resourceful) -> Iterator[Conclusion]:
    operation = resourceful.resource.with_role("list")
    if operation is None:
        return
    listing = resourceful.listing(operation)
    where = "".join(f"/{part}" for part in listing.view.at)
    reason = "is the array of rows in the response" if where else "the response is the array of rows"
    yield Conclusion("envelope", where, reason)
    paging = listing.paging
    page: dict[str, str] = {"style": paging.style}
    if paging.parameter:
        page["parameter"] = paging.parameter
    if paging.size:
        page["size"] = paging.size
    following = next((tell for tell in paging.tells if tell.kind in ("next", "next_url")), None)
    if following is not None:
        page["next"] = "".join(f"/{part}" for part in following.at)
    names = " and ".join(repr(name) for name in (paging.parameter, paging.size) if name)
    yield Conclusion("page", page, f"has the parameters {names}" if names else "no parameter asks for a page")
    if listing.selection.filters:
        filters = {name: f"/{member}" for name, member in listing.selection.filters.items()}
        yield Conclusion("filters", filters, "parameters that are called like members of a row")


def untold(api: Api) -> list[Operation]:
    """The operations of which nothing was concluded: they are answered with samples."""
    known = {id for resource in api.resources for id in resource.operations} | api.behaviours.keys()
    return [operation for id, operation in api.contract.operations.items() if id not in known]


def profile_text(api: Api, contract: str) -> str:
    """A profile that says what was concluded; `contract` is the document's path from the profile."""
    lines = [
        "# How this API behaves beyond its document. Every line was concluded from the document, for the reason at its",
        "# end. Correct what is wrong, and delete what need not be said.",
        "version: 1",
        f"contract: {_flow(contract)}",
        f"name: {_flow(api.name)}",
    ]
    if api.resources:
        lines.append("resources:")
    for resourceful in api.resourcefuls:
        lines += ["", f"  {_flow(resourceful.resource.name)}:  # {_about(resourceful.resource)}"]
        lines += [f"    {key}: {_flow(value)}  # {reason}" for key, value, reason in conclusions(resourceful)]
    samples = untold(api)
    if samples:
        lines += ["", "# Answered with samples, because nothing was concluded of them:"]
        lines += [f"#   {operation.id}" for operation in samples]
    return "\n".join([*lines, "", _MORE])


_MORE = """\
# What a document cannot say. Take away the `#` and put in your own values.
#
# errors:
#   400: {body: {code: invalid, message: {$problem: message}, fields: {$problem: fields}}}
#   out_of_credits: {status: 429, message: You exceeded your quota.}   # by kind, with another status or text
# tenant: {header: X-Account}   # or {path: VARIABLE}, or {key: true}
# keys: [{key: sk-full}, {key: sk-read, may: [GET]}]
# limits: [{op: "*", per: [key], max: 100, window: 60s, headers: ratelimit}]
# credits:
#   start: 1000
#   costs: {OPERATION: 2, OTHER: {per_characters: 1000, of: body#/text}}
#   charged: /credits/consumed
# idempotency: {header: Idempotency-Key, keep: 24h}
# latency: {"*": 20ms, OPERATION: {median: 60ms, p99: 300ms}}
# webhooks: {order.paid: {on: OPERATION, to: "{$request: body#/callback_url}", sign: {standard: whsec_c2VjcmV0}}}
# streams: {OPERATION: {every: 20ms, end: "[DONE]"}}
# behaviours: code:api
# scenarios: ./scenarios
"""


def _about(resource: Resource) -> str:
    parents = f", of its own for each {', '.join(resource.parents)}" if resource.parents else ""
    return f"{'the only row' if resource.is_singleton else 'rows'} of {resource.path}{parents}"


def _flow(value: Any) -> str:
    """A value in YAML's flow style; a plain word stands without quotes."""
    if isinstance(value, str):
        is_plain = value and all(c.isalnum() or c in "._-/" for c in value) and value[0].isalpha()
        is_plain = is_plain or (value.startswith("/") and all(c.isalnum() or c in "._-/~$" for c in value))
        return value if is_plain and value not in ("true", "false", "null") else orjson.dumps(value).decode()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return orjson.dumps(value).decode()


def table(api: Api, operation: str = "") -> str:
    """What was concluded, for a reader; of one operation, or of all."""
    blocks = []
    for resourceful in api.resourcefuls:
        resource = resourceful.resource
        if operation and operation not in resource.operations:
            continue
        rows = [(key, _flow(value), reason) for key, value, reason in conclusions(resourceful)]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"  {key:<{widths[0]}}  {value:<{min(widths[1], 40)}}  {reason}" for key, value, reason in rows]
        blocks.append("\n".join([f"{resource.name}: {_about(resource)}", *lines]))
    samples = [known for known in untold(api) if operation in ("", known.id)]
    if samples:
        lines = [f"  {known.id}  {known.method} {known.path}" for known in samples]
        blocks.append("\n".join(["answered with samples, because nothing was concluded of them", *lines]))
    terms = list(_terms(api))
    if terms and not operation:
        width = max(len(name) for name, _ in terms)
        blocks.append("\n".join(["terms of the profile", *(f"  {name:<{width}}  {said}" for name, said in terms)]))
    return "\n\n".join(blocks)


def _terms(api: Api) -> Iterator[tuple[str, str]]:
    """What a profile says beside resources, a line each."""
    every = api.contract.operations.keys()

    def of(operations: Iterable[str]) -> str:
        known = sorted(operations)
        return "every operation" if set(known) == every else ", ".join(known)

    if api.tenant_variable or api.tenant_is_key:
        yield "tenant", "each API key" if api.tenant_is_key else f"the variable {api.tenant_variable} of the path"
    for limit in api.limits:
        yield "limit", f"{limit.limit} per {', '.join(limit.per)}: {of(limit.operations)}"
    if api.credits is not None:
        yield "credits", f"{api.credits:g} to start with"
    for id in api.costs:
        cost = api.costs[id]
        yield "cost", f"{id}: {cost:g}" if isinstance(cost, (int, float)) else f"{id}: by the request"
    if api.idempotency is not None:
        yield "idempotency", f"{api.idempotency.header} of {of(api.idempotency.operations)}"
    for id, latency in api.latency.items():
        said = latency.model_dump(exclude_none=True)
        yield (
            "latency",
            f"{'every other operation' if id == '*' else id}: " + ", ".join(f"{k} {v}" for k, v in said.items()),
        )
    for webhook in api.webhooks.values():
        when = f"after {', '.join(sorted(webhook.on))}" if webhook.on else "by a rule or on demand"
        yield "webhook", f"{webhook.name}, {when}{', signed' if webhook.signature else ''}"


__all__ = ["Conclusion", "conclusions", "profile_text", "table", "untold"]
