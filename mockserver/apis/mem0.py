"""The mem0 memory API: which behaviour answers which operation, error shape and rate limit.

Sources: the endpoint template of the mem0 documentation (`spec/mem0.yaml`), the platform's
OpenAPI document and filter guide, and what the `mem0ai` client sends and expects
(`spec/mem0.overlay.yaml`). Where the platform asks a language model, the answer here is
deterministic: `add` keeps what the user said word for word, and a search counts words and letters.
"""

from __future__ import annotations

from typing import Any

from mockserver.apis import mem0_read, mem0_rows, mem0_write
from mockserver.apis.base import Api, Behaviour, Call, Table, derived_uuid
from mockserver.contract import Contract
from mockserver.errors import Problem
from mockserver.messages import JSON, Response
from mockserver.state.ratelimit import Limit

LIMIT = Limit(1000, 60.0)
"""Requests per path and method. The vendor's change log says so of adding, and nothing of the rest."""


def ping(call: Call) -> Response:
    """What the client asks for when it is constructed; it keeps both ids and the address."""
    account = {name: derived_uuid(call.seed, name) for name in ("org_id", "project_id")}
    return Response(200, {"status": "ok", **account, "user_email": mem0_rows.OWNER})


BEHAVIOURS: dict[str, Behaviour] = {
    "ping": ping,
    "createMemory": mem0_write.create,
    "createMemoryBatch": mem0_write.create_batch,
    "addMemories": mem0_write.add,
    "updateMemory": mem0_write.update,
    "batchUpdateMemories": mem0_write.batch_update,
    "deleteMemory": mem0_write.delete,
    "batchDeleteMemories": mem0_write.batch_delete,
    "deleteAllMemories": mem0_write.delete_all,
    "deleteEntity": mem0_write.delete_entity,
    "getMemory": mem0_read.get,
    "getMemoryHistory": mem0_read.history,
    "listMemories": mem0_read.list_by_token,
    "listMemoriesV3": mem0_read.list_by_number,
    "searchMemories": mem0_read.search,
    "listEntities": mem0_read.entities,
}


def error_body(problem: Problem) -> JSON:
    """An error with the members that the vendor's errors have; the client shows `detail`."""
    body: dict[str, Any] = {"error": problem.kind.title, "detail": problem.message}
    if problem.violations:
        body["details"] = [{"field": v.field, "message": v.message} for v in problem.violations]
    return body


def api(contract: Contract) -> Api:
    """The mem0 API over its contract. It meters no credits."""
    return Api(
        name="mem0",
        contract=contract,
        behaviours=BEHAVIOURS,
        error_body=error_body,
        limit=LIMIT,
        url_keyword="host",
        tables={mem0_rows.TABLE: Table("Memory", mem0_rows.state_row, mem0_rows.full)},
    )
