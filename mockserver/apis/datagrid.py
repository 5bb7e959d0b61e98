"""The Datagrid user-memory API: behaviours, error shape and prices; spec/datagrid.mock.yaml says the rest.

Sources: the vendor's OpenAPI pages (spec/datagrid.yaml) and what its clients send and expect.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mockserver.apis.api import Api
from mockserver.apis.base import Behaviour, Call, Table, derived_uuid, page_variants
from mockserver.apis.profiles.bundled import bundled_terms
from mockserver.contract import Contract
from mockserver.errors import Problem
from mockserver.messages import JSON, Response
from mockserver.state.store import Row

TABLE = "user_memories"


def create_user_memory(call: Call) -> Response:
    """Store a memory: texts come in as strings and go out as lists (UserMemory schema)."""
    body = call.body
    row = user_memory(
        id=call.new_id(),
        agent_id=body["agent_id"],
        user_id=user_id(call.seed, call.key),
        memory=[body["memory"]],
        context=[] if body.get("context") is None else [body["context"]],
        user_prompt=body.get("user_prompt") or "",
        at=call.timestamp,
    )
    call.add(TABLE, row)
    return Response(201, dict(row))


def list_user_memory(call: Call) -> Response:
    """A page of memories, newest first; `has_more` is always sent."""
    limit, offset = call.params["limit"], call.params["offset"]
    page = call.page(TABLE, offset, limit)
    return Response(200, {"object": "list", "data": page.rows, "has_more": offset + len(page.rows) < page.total})


def delete_user_memory(call: Call) -> Response:
    """Remove a memory; 404 when the teamspace has none of that id."""
    id = call.params["user_memory_id"]
    row = call.get(TABLE, id)
    if row is None:
        raise Problem("not_found", f"There is no user memory {id[:100]!r} in this teamspace.")
    call.remove(TABLE, row)
    return Response(204, media_type=None)


def get_credits(call: Call) -> Response:
    """The credit account of the organization, which all its teamspaces share."""
    balance = call.store.balance()
    report = {"remaining": balance.remaining, "consumed": balance.consumed, "total": balance.total}
    return Response(200, report)


BEHAVIOURS: dict[str, Behaviour] = {
    "Memory.createUserMemory": create_user_memory,
    "Memory.listUserMemory": list_user_memory,
    "Memory.deleteUserMemory": delete_user_memory,
    "getCredits": get_credits,
}


MEMBERS: dict[str, type] = {
    **dict.fromkeys(("object", "id", "created_at", "updated_at", "agent_id", "user_id", "user_prompt"), str),
    **dict.fromkeys(("memory", "context"), list),
}
"""The members of a stored UserMemory."""

VARIANTS = {
    "Memory.createUserMemory": {
        "credits null": lambda body: body.get("credits", 0) is None,
        "context filled": lambda body: bool(body.get("context")),
    },
    "Memory.listUserMemory": page_variants("data", lambda body: body.get("has_more") is True),
    "getCredits": {"nothing left": lambda body: body.get("remaining") == 0},
}
"""The documented ways in which a success may look."""


def user_memory(
    *, id: str, agent_id: str, user_id: str, memory: list[str], context: list[str], user_prompt: str, at: str
) -> Row:
    """A UserMemory with every required member."""
    return {
        "object": "user_memory",
        "id": id,
        "created_at": at,
        "updated_at": at,
        "agent_id": agent_id,
        "user_id": user_id,
        "user_prompt": user_prompt,
        "memory": memory,
        "context": context,
    }


def state_row(call: Call, entry: Row) -> Row:
    """A row from a scenario's `state`; what it does not say is filled in."""
    row = user_memory(
        id=call.new_id(),
        agent_id="agent-1",
        user_id=user_id(call.seed, call.key),
        memory=["Something to remember"],
        context=[],
        user_prompt="",
        at=call.timestamp,
    )
    return {**row, **entry}


@lru_cache(maxsize=1024)
def user_id(seed: int, key: str) -> str:
    """The user behind an API key: the same key is the same user. The key cannot be read from it."""
    return derived_uuid(seed, "user", key)


def creation_cost(call: Call, characters_per_credit: int) -> float:
    """Credits for the text that is embedded: memory, context and prompt, every started
    `characters_per_credit` characters cost one, an empty text too."""
    body = call.body
    characters = len(body["memory"]) + len(body.get("context") or "") + len(body.get("user_prompt") or "")
    return max(1, -(-characters // characters_per_credit))


def bill(data: JSON, consumed: float | None) -> None:
    """Write the charge into a create response; null tells that it was lost (CreateUserMemoryResponse)."""
    data["credits"] = None if consumed is None else {"consumed": consumed}


def error_body(problem: Problem) -> JSON:
    """Errors in the family of fields that RateLimitError has, all of them filled."""
    details: dict[str, Any] = {"reason": problem.message}
    if problem.violations:
        details["fields"] = [{"field": v.field, "message": v.message} for v in problem.violations]
    return {
        "status_code": problem.status,
        "statusCode": problem.status,
        "error": problem.kind.name,
        "message": problem.message,
        "mitigation": problem.kind.mitigation,
        "retryable": problem.kind.retryable,
        "details": details,
    }


def api(contract: Contract) -> Api:
    """The Datagrid API over its contract."""
    return Api(
        name="datagrid",
        contract=contract,
        behaviours=BEHAVIOURS,
        error_body=error_body,
        tenant_name="teamspace",
        tables={TABLE: Table("UserMemory", state_row, MEMBERS)},
        costs={"Memory.createUserMemory": creation_cost},
        bill=bill,
        variants=VARIANTS,
        **bundled_terms("datagrid"),
    )
