"""What the operations of mem0 do that store, change or remove memories.

The platform queues much of this; here it is done before the answer is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.apis.base import Call, derived_uuid
from mockserver.apis.mem0.filters import ENTITIES, belongs
from mockserver.apis.mem0.rows import TABLE, categorized, changed, full, moment, new_rows, row_of, rows_of, shortened
from mockserver.errors import Problem
from mockserver.messages import JSON, Response
from mockserver.state.store import Row


def create(call: Call) -> Response:
    """Store one memory (template: POST /v1/memories)."""
    return Response(201, _stored(call, [call.body])[0])


def create_batch(call: Call) -> Response:
    """Store several memories; the template promises the operation and leaves its envelope open."""
    items = call.body if isinstance(call.body, list) else call.body["memories"]
    return Response(201, {"results": _stored(call, items)})


def _stored(call: Call, items: list[dict[str, JSON]]) -> list[JSON]:
    names = ("user_id", "memory", "metadata")
    rows = _add(call, [{name: item[name] for name in names if name in item} for item in items])
    return [{"memory_id": row["id"], "created_at": row["created_at"]} for row in rows]


def _add(call: Call, memories: list[dict[str, JSON]]) -> list[Row]:
    rows = new_rows(call, memories)
    for row in rows:
        call.add(TABLE, row)
    return rows


def add(call: Call) -> Response:
    """Store memories from a conversation (vendor: POST /v3/memories/add).

    The platform lets a model extract facts unless `infer` is false. Here every message of the
    user becomes a memory as it stands, or every message at all without `infer`.
    """
    body = call.body
    said = [{"role": message["role"], "content": message["content"]} for message in body["messages"]]
    infer = body.get("infer", True)
    names = ("metadata", "expiration_date", "immutable")
    shared: dict[str, JSON] = {name: body[name] for name in names if name in body}
    scope = {**body.get("filters", {}), **body}
    shared |= {name: scope[name] for name in ENTITIES.values() if name in scope}
    if "timestamp" in body:
        shared["created_at"] = moment(body["timestamp"])
    catalog = body.get("custom_categories", [])
    kept = [
        {
            **shared,
            "memory": message["content"],
            "categories": categorized(message["content"], catalog),
            "input": said if infer else [message],
        }
        for message in said
        if not infer or (message["role"] == "user" and message["content"].strip())
    ]
    rows = _add(call, kept)
    if infer:
        return Response(200, {"message": "Queued for processing.", "status": "PENDING", "event_id": _event(call)})
    results = [{"id": row["id"], "data": {"memory": row["memory"]}, "event": "ADD"} for row in rows]
    answer = {"message": "Stored word for word.", "status": "SUCCEEDED", "event_id": _event(call), "results": results}
    return Response(200, answer)


def update(call: Call) -> Response:
    """Change a memory; 409 when it is immutable."""
    (row,) = _change(call, {call.params["memory_id"]: [call.body]})
    return Response(200, full(row))


def batch_update(call: Call) -> Response:
    """Change several memories, or none: 404 names the ids that are unknown."""
    wanted: dict[str, list[dict[str, JSON]]] = {}
    for item in call.body["memories"]:
        wanted.setdefault(item["memory_id"], []).append({n: item[n] for n in ("text", "metadata") if n in item})
    _change(call, wanted)
    return Response(200, {"message": f"Successfully updated {len(wanted)} memories"})


def _change(call: Call, wanted: dict[str, list[dict[str, JSON]]]) -> list[Row]:
    """Apply changes by id, all of them; the rows as they are then."""
    found, new = rows_of(call, wanted), []
    for row in found:
        if row["immutable"]:
            raise Problem("conflict", f"The memory {shortened(row['id'])} is immutable.")
        after = row
        for changes in wanted[row["id"]]:
            after = changed(call, after, changes)
        call.replace(TABLE, row, after)
        new.append(after)
    return new


def delete(call: Call) -> Response:
    """Remove a memory with its history. The answer is JSON: the client parses it, a 204 breaks it."""
    call.remove(TABLE, row_of(call))
    answer: dict[str, Any] = {"message": "Memory deleted successfully!"}
    if call.params.get("delete_linked"):
        answer["cascade_count"] = 0  # memories are only ever added here: none supersedes another
    return Response(200, answer)


def batch_delete(call: Call) -> Response:
    """Remove several memories, or none: 404 names the ids that are unknown."""
    rows = rows_of(call, (item["memory_id"] for item in call.body["memories"]))
    for row in rows:
        call.remove(TABLE, row)
    return Response(200, {"message": f"Successfully deleted {len(rows)} memories"})


def delete_all(call: Call) -> Response:
    """Remove what belongs to all the entities named. The contract refuses a call that names none."""
    _remove(call, lambda row: belongs(call.params["filters"], row))
    return _started(call)


def delete_entity(call: Call) -> Response:
    """Remove the memories of an entity; 404 when it has none, for then it does not exist."""
    kind, name = call.params["entity_type"], call.params["entity_id"]
    if not _remove(call, lambda row: bool(row[ENTITIES[kind]] == name)):
        raise Problem("not_found", f"There is no {kind} {shortened(name)}.")
    return _started(call)


def _remove(call: Call, chosen: Callable[[Row], bool]) -> int:
    """Remove memories; how many there were."""
    rows = [row for row in call.rows(TABLE) if chosen(row)]
    for row in rows:
        call.remove(TABLE, row)
    return len(rows)


def _started(call: Call) -> Response:
    return Response(200, {"message": "Deletion has started.", "event_id": _event(call)})


def _event(call: Call) -> str:
    """The id of a background job; here the job is done already."""
    return derived_uuid(call.seed, "event", call.store.increment("mem0.event"))
