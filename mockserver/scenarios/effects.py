"""What a rule does besides the response: put, patch and delete rows, set flags, send webhooks, now or `after` a time.

A rule's `then` says it with templates. When the rule acts, the templates become plain values, a Task, which is done at
once or kept until the clock is there. Must not know: where tasks wait, how a webhook is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mockserver.apis import Api, Call
from mockserver.apis.resources.ids import text_of
from mockserver.apis.webhooks import Webhook
from mockserver.messages import JSON
from mockserver.records import record
from mockserver.scenarios.rules import FLAG
from mockserver.text.arithmetic import TemplateError
from mockserver.text.references import Reference
from mockserver.text.rendering import Sources
from mockserver.text.templates import Template

Task = dict[str, Any]
"""Something to do as plain JSON: what (`do`), on which table or name (`on`), with which `value`, and for whom."""


class NoReceiver(TemplateError):
    """A webhook's own URL leads nowhere: the client did not say where it wants to have it."""


@record(frozen=True, eq=False)
class Effect:
    """One thing to do, compiled."""

    do: str
    on: str
    value: Template | None
    """None for the body of a webhook that the document describes."""
    after: float = 0.0
    to: Template | None = None
    """Where a webhook goes; None where the webhook itself says so."""

    def task(self, api: Api, call: Call, values: Sources, by: str) -> Task:
        """The same with values instead of templates. Raises TemplateError."""
        task: Task = {"do": self.do, "on": self.on, "api": api.name, "by": by, "tenant": call.tenant}
        task["variables"] = {name: str(text) for name, text in call.variables.items()}
        if self.do == "webhook":
            webhook = api.webhooks[self.on]
            to, data = self.to or webhook.to, self.value or webhook.data
            response = values.response(Reference("body"))
            try:
                task["to"] = "" if to is None else text_of(to.render(values))
            except TemplateError as error:
                if self.to is None:
                    raise NoReceiver(*error.args) from None
                raise
            task["value"] = data.render(values) if data else webhook.body(api.contract, response)
        else:
            task["value"] = self.value.render(values) if self.value else None
        return task


@lru_cache(maxsize=1024)
def sending(webhook: Webhook) -> Effect:
    """The sending of a webhook as its API does it."""
    return Effect("webhook", webhook.name, None, webhook.after)


def perform(task: Task, api: Api, call: Call) -> str:
    """Note on a call what a task does to rows, and set its flag; why it could not be done, or "".

    The call has the task's tenant and variables.
    """
    do, on, value = task["do"], task["on"], task["value"]
    if do in ("flag", "unflag"):
        was = call.store.increment(FLAG + on, 0)
        if (was > 0) != (do == "flag"):
            call.store.increment(FLAG + on, 1 if do == "flag" else -was)
        return ""
    rows = api.row_tables[on]
    if isinstance(value, dict):
        chosen = {name: text_of(value[name]) for name in rows.parents if name in value}
        call.variables = {**call.variables, **chosen}
    return _ROWS[do](api, call, on, value)


def _put(api: Api, call: Call, table: str, value: JSON) -> str:
    rows = api.row_tables[table]
    value = {**{name: call.variables[name] for name in rows.parents if name in call.variables}, **value}
    if problems := rows.problems(api.contract, value):
        return str(problems[0])
    if "id" in value and rows.find(call, table, text_of(value["id"])) is not None:
        rows.change(call, table, text_of(value["id"]), value)
    else:
        rows.add(call, table, value)
    return ""


def _patch(api: Api, call: Call, table: str, value: JSON) -> str:
    id, rows = text_of(value["id"]), api.row_tables[table]
    members = {name: member for name, member in value.items() if name != "id"}
    row = rows.find(call, table, id)
    if row is None:
        return f"{table} has no row {id!r}"
    if problems := rows.flaws(api.contract, id, {**row, **members}):
        return str(problems[0])
    rows.change(call, table, id, members)
    return ""


def _delete(api: Api, call: Call, table: str, value: JSON) -> str:
    id = text_of(value["id"] if isinstance(value, dict) and "id" in value else value)
    return "" if api.row_tables[table].remove(call, table, id) else f"{table} has no row {id!r}"


_ROWS: dict[str, Callable[[Api, Call, str, JSON], str]] = {"put": _put, "patch": _patch, "delete": _delete}


__all__ = ["Effect", "NoReceiver", "Task", "perform", "sending"]
