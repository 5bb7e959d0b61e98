"""What a rule does besides the response: put, patch and delete rows, set flags, send webhooks, now or `after` a time.

A rule's `then` says it with templates. When the rule acts, the templates become plain values, a Task, which is done at
once or kept until the clock is there. Must not know: where tasks wait, how a webhook is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from mockserver.apis import Api, Call
from mockserver.apis.resources.ids import text_of
from mockserver.apis.webhooks import Webhook
from mockserver.errors import did_you_mean
from mockserver.messages import JSON
from mockserver.scenarios.rules import FLAG
from mockserver.text.models import ID_PATTERN, Duration, Strict
from mockserver.text.references import Reference, runtime_template
from mockserver.text.shape import Place, Report
from mockserver.text.templates import Sources, Template, compile_template


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Rows = Annotated[list[dict[str, Any]], BeforeValidator(_listed, json_schema_input_type=dict | list)]
Names = Annotated[
    list[Annotated[str, Field(pattern=ID_PATTERN)]],
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
]


class EffectModel(Strict):
    """What happens besides the response, at once or `after` a time on the sandbox's clock."""

    looks: ClassVar[str] = "a mapping such as {patch: {orders: {id: {$request: path.id}, status: shipped}}, after: 3s}"

    put: dict[str, Rows] = {}
    patch: dict[str, Rows] = {}
    delete: dict[str, Any] = {}
    flag: Names = []
    unflag: Names = []
    webhook: Annotated[str, Field(min_length=1)] | None = None
    data: Annotated[Any, Field(description="the body of the webhook")] = None
    to: Annotated[Any, Field(description="the URL that the webhook is sent to")] = None
    after: Duration = 0.0

    @model_validator(mode="after")
    def _does_something(self) -> EffectModel:
        if not (self.put or self.patch or self.delete or self.flag or self.unflag or self.webhook):
            raise ValueError("does nothing; give it `put`, `patch`, `delete`, `flag`, `unflag` or `webhook`")
        if self.webhook is None and (self.data is not None or self.to is not None):
            raise ValueError("`data` and `to` belong to a `webhook`")
        return self


Effects = Annotated[list[EffectModel], BeforeValidator(_listed, json_schema_input_type=EffectModel | list[EffectModel])]

Task = dict[str, Any]
"""Something to do as plain JSON: what (`do`), on which table or name (`on`), with which `value`, and for whom."""


@dataclass(frozen=True, slots=True, eq=False)
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
            task["value"] = data.render(values) if data else webhook.body(api.contract, response)
            task["to"] = "" if to is None else text_of(to.render(values))
        else:
            task["value"] = self.value.render(values) if self.value else None
        return task


def compile_effects(
    models: list[EffectModel], here: Place, tables: Mapping[str, Any], webhooks: Mapping[str, Any], report: Report
) -> Iterator[Effect]:
    """The effects of a rule.

    Args:
        models: what its `then` says.
        here: where `then` stands in the file.
        tables: the tables whose rows can be changed.
        webhooks: the webhooks that can be sent.
        report: called with each mistake and its place.
    """
    for number, model in enumerate(models):
        place: Place = (*here, number)
        for do in ("put", "patch", "delete"):
            for table, said in getattr(model, do).items():
                at = (*place, do, table)
                if table not in tables:
                    report(at, f"there is no table {table!r}{did_you_mean(table, tables)}")
                    continue
                for index, entry in enumerate(_listed(said)):
                    if do == "patch" and "id" not in entry:
                        report(at, "a row to `patch` is named by its `id`; the other members are what it gets")
                        continue
                    yield Effect(do, table, compile_template(entry, (*at, index), report), model.after)
        for do, names in (("flag", model.flag), ("unflag", model.unflag)):
            for name in names:
                yield Effect(do, name, None, model.after)
        if model.webhook is not None:
            if model.webhook not in webhooks:
                known = did_you_mean(model.webhook, webhooks)
                report((*place, "webhook"), f"there is no webhook {model.webhook!r}{known}")
                continue
            data = None if model.data is None else compile_template(model.data, (*place, "data"), report)
            said = runtime_template(model.to) if isinstance(model.to, str) else model.to
            to = None if said is None else compile_template(said, (*place, "to"), report)
            if to is None and webhooks[model.webhook].to is None:
                report((*place, "webhook"), f"it is not said where {model.webhook!r} is sent; add `to`")
                continue
            yield Effect("webhook", model.webhook, data, model.after, to)


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


__all__ = ["Effect", "EffectModel", "Effects", "Task", "compile_effects", "perform", "sending"]
