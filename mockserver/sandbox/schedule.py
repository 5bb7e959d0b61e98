"""What is to happen later on a sandbox's clock: tasks that wait in its state, so that replicas, snapshots and resets
treat them as rows.

A task that changes rows is done by the next request after its time, or by whoever looks at the state. Webhooks wait
here too; sending them is for `deliveries`. Each task is claimed by removing its row, so that it is done once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from mockserver.apis import Api, nobody
from mockserver.messages import Write
from mockserver.scenarios.effects import Task, perform
from mockserver.state.store import Row, Store

log = logging.getLogger("mockserver")

TABLE = "scheduled"
"""The table in which tasks wait."""
MAX_TRIES = 100


def add(store: Store, at: float, task: Task) -> str:
    """Keep a task until `at`, epoch seconds on the sandbox's clock; why there is no room for it, or ""."""
    id = f"{store.increment(TABLE):08d}"
    row = {"id": id, "at": at, "task": task}
    return _outcome(store.commit([Write(TABLE, id, row)]))


def pending(store: Store) -> list[Row]:
    """The tasks that wait, the next one first."""
    return sorted(store.rows(TABLE), key=lambda row: (row["at"], row["id"]))


def problem(row: Row, apis: Mapping[str, Api]) -> str:
    """What is wrong with a row of a snapshot that says what waits, or ""."""
    task = row.get("task")
    if not isinstance(row.get("id"), str) or not isinstance(row.get("at"), int | float) or not isinstance(task, dict):
        return "each row has an `id`, the time `at`, and a `task`"
    api = apis.get(task.get("api", ""))
    if api is None or not {"do", "on", "value", "by", "tenant", "variables"} <= task.keys():
        return f"the task {row['id']} is not one of this server"
    known = {"webhook": api.webhooks, "flag": None, "unflag": None, "put": api.row_tables}
    known |= {"patch": api.row_tables, "delete": api.row_tables}
    if task["do"] not in known or ((names := known[task["do"]]) is not None and task["on"] not in names):
        return f"the task {row['id']} cannot be done: {task['do']} {task['on']}"
    return ""


def claim(store: Store, row: Row) -> bool:
    """Take a task out; false when another one took it first."""
    return store.commit([Write(TABLE, row["id"], None, row)]) == "done"


def hasten(store: Store, id: str, now: float) -> bool:
    """Let a task be due now; false when it does not wait any more."""
    row = store.get(TABLE, id)
    if row is None:
        return False
    return row["at"] <= now or store.commit([Write(TABLE, id, {**row, "at": now}, row)]) == "done"


def settle(store: Store, apis: Mapping[str, Api], now: float, seed: int) -> None:
    """Do what is due and changes rows or flags, in its order."""
    for row in pending(store):
        if row["at"] > now:
            break
        task = row["task"]
        if task["do"] == "webhook" or task["api"] not in apis or not claim(store, row):
            continue
        if why := do(store, apis[task["api"]], task, row["at"], seed):
            log.warning("%s: what it does after a time was not done: %s", task["by"], why)


def do(store: Store, api: Api, task: Task, now: float, seed: int) -> str:
    """Do a task that changes rows or flags; why it was not done, or ""."""
    for _ in range(MAX_TRIES):
        call = nobody(store, now, seed)
        call.tenant, call.variables = task["tenant"], task["variables"]
        if why := perform(task, api, call):
            return why
        outcome = store.commit(call.writes) if call.writes else "done"
        if outcome != "changed":
            return _outcome(outcome)
    return "others keep changing the same row"


def _outcome(outcome: str) -> str:
    return "" if outcome == "done" else "the sandbox has no room for more rows"


__all__ = ["TABLE", "add", "claim", "do", "hasten", "pending", "settle"]
