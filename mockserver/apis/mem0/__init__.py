"""The mem0 memory API: which behaviour answers which operation, and the error shape; its profile says the rest.

Sources: the endpoint template of the mem0 documentation (`spec/mem0.yaml`), the platform's
OpenAPI document and filter guide, and what the `mem0ai` client sends and expects
(`spec/mem0.overlay.yaml`). Where the platform asks a language model, the answer here is
deterministic: `add` keeps what the user said word for word, and a search counts words and letters.
"""

from __future__ import annotations

from typing import Any

from mockserver.apis.api import Api
from mockserver.apis.base import Behaviour, Call, Table, derived_uuid, page_variants
from mockserver.apis.mem0 import read, rows, write
from mockserver.apis.profiles.bundled import bundled_terms
from mockserver.contract import Contract
from mockserver.errors import Problem
from mockserver.messages import JSON, Response


def ping(call: Call) -> Response:
    """What the client asks for when it is constructed; it keeps both ids and the address."""
    account = {name: derived_uuid(call.seed, name) for name in ("org_id", "project_id")}
    return Response(200, {"status": "ok", **account, "user_email": rows.OWNER})


BEHAVIOURS: dict[str, Behaviour] = {
    "ping": ping,
    "createMemory": write.create,
    "createMemoryBatch": write.create_batch,
    "addMemories": write.add,
    "updateMemory": write.update,
    "batchUpdateMemories": write.batch_update,
    "deleteMemory": write.delete,
    "batchDeleteMemories": write.batch_delete,
    "deleteAllMemories": write.delete_all,
    "deleteEntity": write.delete_entity,
    "getMemory": read.get,
    "getMemoryHistory": read.history,
    "listMemories": read.list_by_token,
    "listMemoriesV3": read.list_by_number,
    "searchMemories": read.search,
    "listEntities": read.entities,
}


VARIANTS = {
    "listMemories": page_variants("results", lambda body: body.get("next_page_token") is not None),
    "listMemoriesV3": page_variants("results", lambda body: body.get("next") is not None),
    "listEntities": {"empty page": lambda body: body.get("results") == []},
    "searchMemories": {"no match": lambda body: body.get("results") == []},
}
"""The documented ways in which a success may look."""


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
        url_keyword="host",
        client_keyword="client",
        tables={rows.TABLE: Table("Memory", rows.state_row, rows.MEMBERS, rows.full)},
        variants=VARIANTS,
        **bundled_terms("mem0"),
    )
