"""The `then` of a rule as a scenario file has it: one model that parses it, and how it becomes effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from mockserver.errors import did_you_mean
from mockserver.scenarios.effects import Effect
from mockserver.text.models import ID_PATTERN, Duration, Strict
from mockserver.text.references import runtime_template
from mockserver.text.shape import Place, Report
from mockserver.text.templates import compile_template


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


__all__ = ["EffectModel", "Effects", "Names", "compile_effects"]
