"""One operation as a reader of its contract wants to see it: schemas, places and provenance, and a request to try.

Must not know: HTTP, or who asks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import orjson

from mockserver.apis import Api
from mockserver.contract import Contract, Operation, Unsatisfiable
from mockserver.contract.places import excerpt
from mockserver.contract.references import is_data, unescape
from mockserver.errors import UserError
from mockserver.messages import JSON, Request
from mockserver.sandbox.sandbox import DEFAULT, Sandbox

MAX_SCHEMAS = 200
"""Named schemas that are told with an operation."""


def operation_view(api: Api, operation: Operation) -> JSON:
    """What the contract says of an operation; `schemas` has what its references lead to."""
    contract, node = api.contract, operation.node
    body = contract.refs.follow(node["requestBody"], "")[0] if "requestBody" in node else None
    parameters = [
        {
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.required,
            "description": _text(_parent(contract, parameter.pointer), "description"),
            "schema": contract.refs.lookup(parameter.pointer) if parameter.pointer else {},
        }
        for parameter in operation.parameters
    ]
    responses = [_response(contract, status, given) for status, given in _named(contract, node.get("responses"))]
    request = None if body is None else {"required": body.get("required") is True, "content": _content(contract, body)}
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "summary": _text(node, "summary"),
        "description": _text(node, "description"),
        "deprecated": node.get("deprecated") is True,
        "place": excerpt(contract, operation.pointer).as_json(),
        "additions": [
            {"pointer": addition.pointer, "provenance": addition.provenance, "note": addition.note}
            for addition in contract.additions
            if f"{addition.pointer}/".startswith(f"{operation.pointer}/")
            or f"{operation.pointer}/".startswith(f"{addition.pointer}/")
        ],
        "parameters": parameters,
        "request": request,
        "responses": responses,
        "schemas": _reached(contract, [parameters, request, responses]),
    }


def _text(node: Any, member: str) -> str:
    """A member that should be a text."""
    value = node.get(member, "") if isinstance(node, dict) else ""
    return value if isinstance(value, str) else ""


def _parent(contract: Contract, pointer: str) -> Any:
    """The parameter that a schema belongs to."""
    return contract.refs.lookup(pointer.rpartition("/")[0]) if pointer.endswith("/schema") else {}


def _response(contract: Contract, status: str, node: dict[str, Any]) -> JSON:
    return {
        "status": status,
        "description": _text(node, "description"),
        "headers": [
            {"name": name, "description": _text(header, "description"), "schema": header.get("schema", {})}
            for name, header in _named(contract, node.get("headers"))
        ],
        "content": _content(contract, node),
    }


def _content(contract: Contract, node: dict[str, Any]) -> list[JSON]:
    media = _named(contract, node.get("content"))
    return [{"media_type": name, "schema": one.get("schema", one.get("itemSchema", {}))} for name, one in media]


def _named(contract: Contract, nodes: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a mapping, their references followed; what is none in a broken document is left out."""
    for name, given in nodes.items() if isinstance(nodes, dict) else ():
        node, _ = contract.refs.follow(given, "")
        if isinstance(node, dict):
            yield str(name), node


def _reached(contract: Contract, shown: JSON) -> dict[str, JSON]:
    """The schemas that references lead to, by the text of the reference, nearest first; the first MAX_SCHEMAS."""
    found: dict[str, JSON] = {}
    waiting = list(_references(shown, ""))
    while waiting and len(found) < MAX_SCHEMAS:
        ref = waiting.pop(0)
        if ref in found:
            continue
        try:
            found[ref] = contract.refs.lookup(unescape(ref))
        except KeyError:
            continue
        waiting += _references(found[ref], "schemas")
    return found


def _references(node: Any, parent: str | int) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for key, child in node.items():
            if not is_data(key, parent):
                yield from _references(child, key)
    elif isinstance(node, list):
        for child in node:
            yield from _references(child, parent)


def sample_view(sandbox: Sandbox, api: Api, operation: Operation, key: str) -> JSON:
    """A request that the contract takes, for a sandbox, with a key. Raises UserError where none was found."""
    from mockserver.contract.request_samples import KEY, RequestSamples  # a server starts without samples

    try:
        request = RequestSamples(api.contract).request(operation, _ids(sandbox, api, operation))
    except Unsatisfiable as error:
        raise UserError(f"no request was found that the contract takes for {operation.id}: {error}") from None
    prefix = "" if sandbox.name == DEFAULT else f"/~{sandbox.name}"
    query = f"?{request.query.replace(KEY, key)}" if request.query else ""
    return {
        "method": request.method,
        "path": f"{prefix}/{api.name}{request.path}{query}",
        "headers": {name: text.replace(KEY, key) for name, text in request.headers.items()},
        "body": _readable(request),
    }


def _ids(sandbox: Sandbox, api: Api, operation: Operation) -> dict[str, str]:
    """Ids of rows that are there, for the variables of a path: of the table that the segment before is called by."""
    ids: dict[str, str] = {}
    segments = operation.path.split("/")
    tables = {_folded(name): name for name in api.state_tables}
    for before, segment in itertools.pairwise(segments):
        table = tables.get(_folded(before))
        if table is not None and segment.startswith("{") and segment.endswith("}"):
            ids |= {segment[1:-1]: str(row["id"]) for row in sandbox.store.page(table, 0, 1).rows if "id" in row}
    return ids


def _folded(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _readable(request: Request) -> str | None:
    """The body as a person edits it."""
    if not request.body:
        return None
    try:
        return orjson.dumps(orjson.loads(request.body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return request.body.decode("utf-8", "replace")


__all__ = ["operation_view", "sample_view"]
