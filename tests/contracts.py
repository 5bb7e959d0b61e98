"""Small contracts for the tests of the engine, and the published documents."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from mockserver.contract import Checked, Contract, Operation, load_contract
from mockserver.errors import Problem
from mockserver.messages import Request, Response, Violation

ROOT = Path(__file__).parent.parent
SPECS = Path(os.environ.get("MOCKSERVER_SPECS", ROOT.parent / "shared" / "specs"))
SEEDS = ROOT.parent / "shared" / "seeds"
BUNDLED = ("datagrid", "mem0")


@cache
def bundled(name: str) -> Contract:
    """A bundled contract, overlay included."""
    return load_contract(ROOT / "spec" / f"{name}.yaml", ROOT / "spec" / f"{name}.overlay.yaml", strict=False)


def published(name: str) -> Path:
    """A document that a vendor published, or a skip that says what is missing."""
    if not (SPECS / name).is_file():
        pytest.skip(f"there is no {SPECS / name}; set MOCKSERVER_SPECS to the folder of published documents")
    return SPECS / name


def contract(paths: dict[str, Any], version: str = "3.0.3", **document: Any) -> Contract:
    """A contract with these paths; operations need no responses."""
    for item in paths.values():
        for method, operation in item.items():
            if method not in ("parameters", "$ref"):
                operation.setdefault("responses", {"200": {"description": "ok"}})
    return Contract("test", {"openapi": version, "info": {}, "paths": paths, **document}, [])


def with_parameter(schema: Any = None, place: str = "query", name: str = "p", **more: Any) -> Operation:
    """An operation with one parameter."""
    node: dict[str, Any] = {"name": name, "in": place, **more}
    if schema is not None:
        node["schema"] = schema
    path = f"/x/{{{name}}}" if place == "path" else "/x"
    return next(iter(contract({path: {"get": {"parameters": [node]}}}).operations.values()))


def with_body(schema: Any, media_type: str = "application/json", version: str = "3.0.3", **document: Any) -> Operation:
    """An operation whose requests and 200 responses have a body of this schema."""
    return next(iter(body_contract(schema, media_type, version, **document).operations.values()))


def body_contract(
    schema: Any, media_type: str = "application/json", version: str = "3.0.3", **document: Any
) -> Contract:
    """The contract of `with_body`."""
    content = {media_type: {"schema": schema}}
    node = {"requestBody": {"required": True, "content": content}}
    node["responses"] = {"200": {"description": "ok", "content": content}}
    return contract({"/x": {"post": node}}, version, **document)


def send(
    operation: Operation,
    body: Any = None,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
    content_type: str | None = "application/json",
    path: dict[str, str] | None = None,
) -> Checked:
    """The contract's reading of a request."""
    data = raw if raw is not None else b"" if body is None else orjson.dumps(body)
    given = {"content-type": content_type} if data and content_type is not None else {}
    request = Request(operation.method, operation.path, query, {**given, **(headers or {})}, data)
    return operation.check_request(request, path or {})


def refusal(operation: Operation, *args: Any, **kwargs: Any) -> Problem:
    """The problem that a request is refused with outright."""
    with pytest.raises(Problem) as caught:
        send(operation, *args, **kwargs)
    return caught.value


def reply(operation: Operation, data: Any, status: int = 200, **fields: Any) -> list[Violation]:
    """What is wrong with a response."""
    return operation.check_response(Response(status, data, **fields))


def brief(violations: list[Violation]) -> list[tuple[str, str, str]]:
    """Part, pointer and keyword of each violation."""
    return [(violation.where, violation.pointer, violation.keyword) for violation in violations]
