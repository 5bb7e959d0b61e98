"""The scenario file: one model that parses it and gives editors their JSON Schema.

Only the shape is described here. `shape` reads data by it; what a scenario means for an API is checked in `compile`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)

from mockserver.clock import parse_time
from mockserver.errors import UserError, did_you_mean
from mockserver.journal.retries import RETRY_RULES
from mockserver.scenarios.effect_model import Effects, Names
from mockserver.scenarios.faults import FAULTS
from mockserver.scenarios.responses import NAMED, RateLimited, ServerError
from mockserver.text.matchers import show
from mockserver.text.models import ID_PATTERN, MODE_PATTERN, Duration, Period, Strict
from mockserver.text.ranges import parse_range

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _range(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be a count or a range such as 3, 4..6, 4.. or every 10, not {show(value)}")
    try:
        parse_range(value)
    except UserError as error:
        raise ValueError(str(error)) from None
    return value


def _calls(value: Any) -> Any:
    if value == 0:
        raise ValueError("calls are counted from 1; write 1 for the first")
    return _range(value)


def _moment(value: str) -> str:
    try:
        parse_time(value)
    except UserError as error:
        raise ValueError(str(error)) from None
    return value


def _step(value: Any) -> Any:
    """A step may be one word: `ok`, or the name of a response."""
    if not isinstance(value, str):
        return value
    if value == "ok":
        return {}
    if value not in NAMED:
        raise ValueError(f"there is no response {value!r}{did_you_mean(value, ['ok', *NAMED])}")
    return {value: {}}


def _named(value: Any) -> Any:
    return _step(value) if isinstance(value, str) and value != "ok" else value


def _path(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise ValueError(f"must be a path such as /orders/{{id}}, or variables such as {{id: 99}}, not {show(value)}")
    return value


def _header(value: Any) -> Any:
    is_text = isinstance(value, str) or (isinstance(value, list) and all(isinstance(line, str) for line in value))
    if not is_text and not isinstance(value, dict):
        raise ValueError(f"must be text, a list of texts or a template, not {show(value)}")
    return value


PathText = Annotated[Any, BeforeValidator(_path, json_schema_input_type=str | dict)]
"""A path of the document, or the values of its variables."""
HeaderText = Annotated[Any, BeforeValidator(_header, json_schema_input_type=str | list[str] | dict)]
"""The value of a header, several for one that is repeated, or a template."""
RangeText = Annotated[Any, BeforeValidator(_range, json_schema_input_type=int | str)]
"""A count: `3`, `2..4`, `4..`, `every 10`."""
CallText = Annotated[Any, BeforeValidator(_calls, json_schema_input_type=int | str)]
"""The same for the number of a call, of which the first is 1."""
Moment = Annotated[str, AfterValidator(_moment)]
Faulty = create_model("Faulty", __base__=Strict, **{name: (kind | None, None) for name, kind in FAULTS.items()})  # type: ignore[call-overload]
Faulty.__doc__ = "Damage done around the response. Several may be given."


class NoArguments(Strict):
    """No arguments: `{}`."""

    looks: ClassVar[str] = "an empty mapping: {}"


class Named(Strict):
    """A response of the API by its name."""

    rate_limited: RateLimited | None = None
    out_of_credits: NoArguments | None = None
    unauthorized: NoArguments | None = None
    forbidden: NoArguments | None = None
    not_found: NoArguments | None = None
    conflict: NoArguments | None = None
    invalid_request: NoArguments | None = None
    server_error: ServerError | None = None


class Reply(Named):
    """A named response, or one written out."""

    looks: ClassVar[str] = f"a mapping with a `status`, or a response by name: {', '.join(NAMED)}"

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[str, HeaderText] = {}
    body: Any = None

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, Any]) -> dict[str, Any]:
        for name, lines in headers.items():
            if isinstance(lines, dict):
                lines = ""  # a template, whose value is looked at when it is there
            if name.lower() == "content-type" and not isinstance(lines, str):
                raise ValueError(f"{name} has one value")
            text = lines if isinstance(lines, str) else "".join(lines)
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} is not the name of a header")
            if name.lower() in ("content-length", "transfer-encoding"):
                raise ValueError(f"{name} follows from the body; to damage a body, use `fault: body`")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the value of {name} must be printable ASCII text")
        return headers

    @model_validator(mode="after")
    def _one(self) -> Reply:
        given = [name for name in NAMED if getattr(self, name) is not None]
        if len(given) + (self.status is not None) != 1:
            raise ValueError(f"a response has either a `status` or one name of {', '.join(NAMED)}")
        if given and (self.headers or self.body is not None):
            raise ValueError("a named response has its own headers and body; give a `status` to write them yourself")
        return self


NamedWord = Annotated[str, WithJsonSchema({"type": "string", "enum": [*NAMED]})]
StepWord = Annotated[str, WithJsonSchema({"type": "string", "enum": ["ok", *NAMED]})]
ReplyText = Annotated[Reply, BeforeValidator(_named, json_schema_input_type=NamedWord | Reply)]


def _list_or_expression(value: Any) -> Any:
    if isinstance(value, list) or (isinstance(value, dict) and any(name.startswith("$") for name in value)):
        return value
    raise ValueError("the items of a stream must be a list, or an expression that makes one, such as {$state: orders}")


class StreamModel(Strict):
    """The items that a rule streams, one by one."""

    looks: ClassVar[str] = "a mapping such as {items: [{text: Hel}, {text: lo}], every: 50ms}"

    items: Annotated[Any, BeforeValidator(_list_or_expression, json_schema_input_type=list[Any] | dict[str, Any])]
    every: Duration | None = None
    end: str | None = None


class Action(Strict):
    """What a rule does."""

    reply: ReplyText | None = None
    stream: StreamModel | None = None
    set: Annotated[dict[str, Any], Field(description="JSON Pointer: value, on the real response")] = {}
    remove: Annotated[list[str], Field(description="JSON Pointers, on the real response")] = []
    fault: Faulty | None = None  # type: ignore[valid-type]
    then: Annotated[Effects, Field(description="what happens besides the response")] = []
    violates: Annotated[str, Field(min_length=1)] | None = None


class Step(Action, Named):
    """A step of a sequence; an empty one is the real response."""

    looks: ClassVar[str] = f"ok, a response by name ({', '.join(NAMED)}), or a mapping as in a rule"


StepText = Annotated[Step, BeforeValidator(_step, json_schema_input_type=StepWord | Step)]


class When(Strict):
    """Which requests a rule is for. Everything given must hold."""

    method: str | None = None
    path: PathText | None = None
    flag: Names = []
    no_flag: Names = []
    call: CallText | None = None
    header: dict[str, Any] = {}
    query: dict[str, Any] = {}
    body: Any = None
    chance: Annotated[float, Field(ge=0, le=1)] | None = None
    window: tuple[Duration, Duration] | None = None


class Rule(Action):
    """When something goes wrong, and how."""

    id: Annotated[str, Field(pattern=ID_PATTERN)]
    op: str = "*"
    when: When = When()
    sequence: list[StepText] | None = None


class StartingClock(Strict):
    """Where the clock starts, and whether it runs: `real`, `frozen`, or `x10` for ten times as fast."""

    start: Moment | None = None
    mode: Annotated[str, Field(pattern=MODE_PATTERN, examples=["real", "frozen", "x10"])] = "real"


class LimitModel(Strict):
    """A rate limit that replaces the vendor's."""

    op: str = "*"
    per: list[Literal["teamspace", "path", "method", "key"]] = ["teamspace", "path", "method"]
    max: Annotated[int, Field(ge=1, le=1_000_000)]
    window: Period


class StateExpectation(Strict):
    """What a table must hold."""

    count: RangeText | None = None
    unique_by: str | None = None


class CreditsExpectation(Strict):
    """What the account must show."""

    remaining: RangeText | None = None
    consumed: RangeText | None = None


class Expectation(Strict):
    """What must be true at the end."""

    op: str | None = None
    calls: RangeText | None = None
    status: RangeText | None = None
    rule: str | None = None
    fired: RangeText | None = None
    retries: Annotated[str, Field(json_schema_extra={"enum": [*RETRY_RULES]})] | None = None
    state: dict[str, StateExpectation] | None = None
    credits: CreditsExpectation | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Expectation:
        kinds = [self.calls is not None, self.fired is not None, self.retries, self.state, self.credits]
        if sum(map(bool, kinds)) != 1:
            raise ValueError(
                "an expectation has one of `calls` (with `op`), `fired` (with `rule`), `retries`, `state`, `credits`"
            )
        return self


class ScenarioModel(Strict):
    """The starting state and the failures of a sandbox."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=ID_PATTERN)]
    api: str
    extends: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    clock: StartingClock | None = None
    credits: Annotated[float, Field(ge=0, le=1e15)] | None = None
    keys: list[Annotated[str, Field(min_length=1)]] = []
    state: dict[str, list[dict[str, Any]]] = {}
    limits: list[LimitModel] = []
    rules: list[Rule] = []
    expect: list[Expectation] = []
