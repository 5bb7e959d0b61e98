"""Snapshots of a sandbox that the server keeps under names: saved, listed, shown, put back, dropped.

Must not know: HTTP, or where they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from mockserver.admin.restore import restore
from mockserver.admin.views import credits_view
from mockserver.apis import Api
from mockserver.clock import timestamp
from mockserver.errors import Problem, UserError, did_you_mean
from mockserver.messages import JSON
from mockserver.sandbox.sandbox import Sandbox
from mockserver.state.shelf import KEPT, KEPT_BYTES
from mockserver.text.jsontext import to_json


def state_of(sandbox: Sandbox) -> JSON:
    """Everything that a sandbox holds, as `restore` takes it."""
    sandbox.settle()
    snapshot = sandbox.store.snapshot()
    return {"tables": snapshot.tables, "counters": snapshot.counters, "credits": credits_view(snapshot.balance)}


def listed(sandbox: Sandbox) -> list[JSON]:
    """What is said about each snapshot, in the order of the exchanges after which they were saved."""
    found = [{"name": name, **orjson.loads(about)} for name, about in sandbox.shelf.all().items()]
    return sorted(found, key=lambda one: (one["exchange"], one["at"], one["name"]))


def saved(sandbox: Sandbox, name: str) -> JSON:
    """Keep what the sandbox holds now. Raises UserError when there is no room."""
    state = state_of(sandbox)
    content, now = to_json(state), sandbox.clock.now()
    rows = sum(len(rows) for partitions in state["tables"].values() for rows in partitions.values())
    about = {"at": now, "iso": timestamp(now), "exchange": sandbox.store.journal_count(), "rows": rows}
    about |= {"remaining": state["credits"]["remaining"], "bytes": len(content)}
    if not sandbox.shelf.put(name, to_json(about), content):
        raise UserError(
            f"there is no room for {name!r}: a sandbox keeps {KEPT} snapshots of {KEPT_BYTES >> 20} MiB together, "
            f"and this one has {len(content):,} bytes; delete some"
        )
    return {"name": name, **about}


def shown(sandbox: Sandbox, name: str) -> JSON:
    """A snapshot as it was saved. Raises Problem when there is none of that name."""
    content = sandbox.shelf.get(name)
    if content is None:
        raise _unknown(sandbox, name)
    return orjson.loads(content)


def put_back(sandbox: Sandbox, apis: Mapping[str, Api], name: str) -> None:
    """Replace what the sandbox holds. Raises UserError for what the contract refuses, and has changed nothing then."""
    restore(sandbox, apis, shown(sandbox, name))


def dropped(sandbox: Sandbox, name: str) -> None:
    """Forget a snapshot. Raises Problem when there is none of that name."""
    if not sandbox.shelf.drop(name):
        raise _unknown(sandbox, name)


def _unknown(sandbox: Sandbox, name: str) -> Problem:
    known = sandbox.shelf.all()
    there = did_you_mean(name, known) or (f"; there are {', '.join(known)}" if known else "; none is kept")
    return Problem("not_found", f"Sandbox {sandbox.name} keeps no snapshot {name!r}{there}")


__all__ = ["dropped", "listed", "put_back", "saved", "shown", "state_of"]
