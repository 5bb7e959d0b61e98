"""A stored mem0 memory: how one is made, how it changes, and how each operation shows it.

A row is a JSON object of the table `memories` that is never changed in place. It carries its own
history, so that a change and its record are written together and vanish together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockserver.apis.base import Call, derived_uuid
from mockserver.apis.mem0.filters import ENTITIES, epoch
from mockserver.apis.mem0.search import words
from mockserver.clock import timestamp
from mockserver.errors import Problem
from mockserver.messages import JSON
from mockserver.state.store import Row

TABLE = "memories"

MEMBERS: dict[str, type] = {
    **dict.fromkeys(("id", "memory", *ENTITIES.values(), "created_at", "updated_at", "expiration_date"), str),
    "metadata": dict,
    "categories": list,
    "history": list,
    "immutable": bool,
    "sequence": int,
}
"""The members of a stored memory."""

OWNER = "mock@example.com"
"""The account that every key belongs to, as `ping` and the entities show it."""

_FIRST, _LAST = -30_610_224_000, 253_402_300_799
"""Epoch seconds of the years 1000 and 9999, the ends of what prints with four digits."""


def new_rows(call: Call, memories: list[dict[str, JSON]]) -> list[Row]:
    """Rows for memories to store, all made now.

    Args:
        call: the request that stores them.
        memories: for each its `memory` and whatever else it has of `user_id`, `agent_id`,
            `app_id`, `run_id`, `metadata`, `categories`, `expiration_date`, `immutable`,
            `created_at` and `input` (the conversation that it comes from).
    """
    # Pages are cut by this number, which grows with every memory and is never given twice.
    sequence = call.store.increment("mem0.sequence", len(memories)) - len(memories)
    rows = []
    for given in memories:
        sequence += 1
        row: Row = dict.fromkeys([*ENTITIES.values(), "metadata", "expiration_date"])
        row |= {"categories": [], "immutable": False, "created_at": call.timestamp}
        row |= {"input": [{"role": "user", "content": given["memory"]}]}
        row |= given
        row |= {"id": call.new_id(), "sequence": sequence, "updated_at": call.timestamp, "history": []}
        rows.append(_recorded(call, row, "ADD", None, row.pop("input")))
    return rows


def state_row(call: Call, entry: Row) -> Row:
    """A row from a scenario's `state`; what it does not say is filled in."""
    given = {"memory": "Something to remember", "user_id": "user-1", **entry}
    (row,) = new_rows(call, [given])
    return {**row, **{name: entry[name] for name in ("id", "updated_at") if name in entry}}


def changed(call: Call, row: Row, changes: dict[str, JSON]) -> Row:
    """The row after an update with any of `text`, `metadata`, `timestamp` and `expiration_date`."""
    new = {**row, "updated_at": call.timestamp}
    said = []
    if "text" in changes:
        new["memory"] = changes["text"]
        said = [{"role": "user", "content": changes["text"]}]
    if "timestamp" in changes:
        new["created_at"] = moment(changes["timestamp"])
    new |= {name: changes[name] for name in ("metadata", "expiration_date") if name in changes}
    return _recorded(call, new, "UPDATE", row["memory"], said)


def _recorded(call: Call, row: Row, event: str, before: str | None, said: list[JSON]) -> Row:
    entry = {
        "id": derived_uuid(call.seed, "history", row["id"], len(row["history"])),
        "event": event,
        "input": said,
        "old_memory": before,
        "new_memory": row["memory"],
        "metadata": row["metadata"],
        "categories": row["categories"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    return {**row, "history": [*row["history"], entry]}


def moment(value: JSON) -> str:
    """A moment in any notation as the API prints it."""
    return timestamp(min(max(epoch(value) or 0, _FIRST), _LAST))


def categorized(text: str, catalog: list[dict[str, str]]) -> list[str]:
    """The categories whose name or description has a word in common with the text.

    The platform asks a model; a mock needs an answer that a test can foresee.
    """
    said = words(text)
    return [name for entry in catalog for name, meaning in entry.items() if said & words(f"{name} {meaning}")]


def full(row: Row) -> dict[str, Any]:
    """A memory as get, update and the token list show it: with both names of its id."""
    return {"memory_id": row["id"], **listed(row)}


def listed(row: Row) -> dict[str, Any]:
    """A memory as the numbered list shows it; the vendor calls the run `session_id` there."""
    shown = _common(row)
    shown["session_id"] = row["run_id"]
    return shown


def found(row: Row) -> dict[str, Any]:
    """A memory as search shows it, without its score; the vendor calls the run `run_id` there."""
    shown = _common(row)
    shown["run_id"] = row["run_id"]
    return shown


def _common(row: Row) -> dict[str, Any]:
    names = ("id", "memory", "user_id", "agent_id", "app_id", "metadata", "categories")
    return {name: row[name] for name in (*names, "created_at", "updated_at", "expiration_date")}


def events(row: Row) -> list[dict[str, Any]]:
    """The history of a memory, oldest first."""
    whose = {
        "memory_id": row["id"],
        "user_id": row["user_id"],
        "agent_id": row["agent_id"],
        "app_id": row["app_id"],
        "session_id": row["run_id"],
    }
    return [{**entry, **whose} for entry in row["history"]]


def row_of(call: Call) -> Row:
    """The memory that the path names. Raises Problem when there is none."""
    (row,) = rows_of(call, [call.params["memory_id"]])
    return row


def rows_of(call: Call, ids: Iterable[str]) -> list[Row]:
    """The memories of those ids. Raises Problem that names the ids of which there is none."""
    found = {id: call.get(TABLE, id) for id in ids}
    missing = [id for id, row in found.items() if row is None]
    if missing:
        raise unknown(missing)
    return [row for row in found.values() if row is not None]


def unknown(ids: list[str]) -> Problem:
    """The answer to ids that name no memory."""
    more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
    return Problem("not_found", f"Memory not found: {', '.join(map(shortened, ids[:10]))}{more}.")


def shortened(id: str) -> str:
    """An id as messages quote it."""
    return repr(id if len(id) <= 100 else id[:97] + "...")
