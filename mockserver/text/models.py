"""What the models of all files have in common: no unknown keys, durations as text, and the forms of names."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from mockserver.clock import parse_duration
from mockserver.errors import UserError
from mockserver.text.matchers import show

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
"""Names of scenarios, ids of rules, names of APIs."""
MODE_PATTERN = r"^(real|frozen|x\d{1,6}(\.\d+)?)$"
"""Modes of a clock."""


def _duration(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError(f"{show(value)} is not a duration; write a number and a unit: 500ms, 2s, 1m")
    try:
        return parse_duration(value)
    except UserError as error:
        raise ValueError(str(error)) from None


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d))+$", "examples": ["500ms", "2s"]}),
]
"""Seconds, written as text such as `500ms`."""


def _period(seconds: float) -> float:
    if not seconds:
        raise ValueError("must be longer than zero, such as 60s")
    return seconds


Period = Annotated[Duration, AfterValidator(_period)]
"""A duration above zero."""


class Strict(BaseModel):
    """A model without unknown keys. `looks` says what its value looks like, where that is more than its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    looks: ClassVar[str] = ""


def editor_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of the files that a model reads, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


__all__ = ["ID_PATTERN", "MODE_PATTERN", "Duration", "Period", "Strict", "editor_schema"]
