"""The scenario file: one model that parses it and gives editors their JSON Schema.

Only the shape is judged here; what it means for an API is judged in `compile`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, field_validator, model_validator

from mockserver.clock import parse_time
from mockserver.errors import UserError, did_you_mean
from mockserver.scenarios.faults import FAULTS, Duration, Strict
from mockserver.scenarios.responses import NAMED, RateLimited, ServerError
from mockserver.text.ranges import parse_range

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _range(value: Any) -> Any:
    try:
        parse_range(value)
    except UserError as error:
        raise ValueError(str(error)) from None
    return value


def _calls(value: Any) -> Any:
    if value == 0:
        raise ValueError("calls are counted from 1")
    return _range(value)


def _moment(value: str) -> str:
    try:
        parse_time(value)
    except UserError as error:
        raise ValueError(str(error)) from None
    return value


def _step(value: Any) -> Any:
    """A step may be one word: `ok`, or the name of a reply."""
    if not isinstance(value, str):
        return value
    if value == "ok":
        return {}
    if value not in NAMED:
        raise ValueError(f"{value!r} is no reply{did_you_mean(value, ['ok', *NAMED])}")
    return {value: {}}


def _named(value: Any) -> Any:
    return _step(value) if isinstance(value, str) and value != "ok" else value


RangeText = Annotated[Any, BeforeValidator(_range, json_schema_input_type=int | str)]
"""A count: `3`, `2..4`, `4..`, `every 10`."""
CallText = Annotated[Any, BeforeValidator(_calls, json_schema_input_type=int | str)]
"""The same for the number of a call, of which the first is 1."""
Moment = Annotated[str, AfterValidator(_moment)]
Faulty = create_model("Faulty", __base__=Strict, **{name: (kind | None, None) for name, kind in FAULTS.items()})  # type: ignore[call-overload]
Faulty.__doc__ = "Damage done around the reply. Several may be given."


class Empty(Strict):
    """No arguments: `{}`."""


class Named(Strict):
    """A reply of the API by its name."""

    rate_limited: RateLimited | None = None
    out_of_credits: Empty | None = None
    unauthorized: Empty | None = None
    forbidden: Empty | None = None
    not_found: Empty | None = None
    conflict: Empty | None = None
    invalid_request: Empty | None = None
    server_error: ServerError | None = None


class Reply(Named):
    """A named reply, or one written out."""

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    headers: dict[str, str | list[str]] = {}
    body: Any = None

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, lines in headers.items():
            if name.lower() == "content-type" and not isinstance(lines, str):
                raise ValueError(f"{name} has one value")
            text = lines if isinstance(lines, str) else "".join(lines)
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} is not the name of a header")
            if name.lower() in ("content-length", "transfer-encoding"):
                raise ValueError(f"{name} follows from the body; to break a body on its way there is `fault: body`")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"{name}: a header is printable ASCII text")
        return headers

    @model_validator(mode="after")
    def _one(self) -> Reply:
        given = [name for name in NAMED if getattr(self, name) is not None]
        if len(given) + (self.status is not None) != 1:
            raise ValueError(f"a reply has a `status`, or is one of {', '.join(NAMED)}")
        if given and (self.headers or self.body is not None):
            raise ValueError("a named reply makes its own headers and body")
        return self


ReplyText = Annotated[Reply, BeforeValidator(_named, json_schema_input_type=str | Reply)]


class Action(Strict):
    """What a rule does."""

    reply: ReplyText | None = None
    set: Annotated[dict[str, Any], Field(description="JSON Pointer: value, on the real reply")] = {}
    remove: Annotated[list[str], Field(description="JSON Pointers, on the real reply")] = []
    fault: Faulty | None = None  # type: ignore[valid-type]
    violates: Annotated[str, Field(min_length=1)] | None = None


class Step(Action, Named):
    """One answer of a sequence; an empty one is the real reply."""


StepText = Annotated[Step, BeforeValidator(_step, json_schema_input_type=str | Step)]


class When(Strict):
    """Which requests a rule is for. Everything given must hold."""

    method: str | None = None
    path: str | None = None
    call: CallText | None = None
    header: dict[str, Any] = {}
    query: dict[str, Any] = {}
    body: Any = None
    chance: Annotated[float, Field(ge=0, le=1)] | None = None
    window: tuple[Duration, Duration] | None = None


class Rule(Action):
    """When something goes wrong, and how."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    op: str = "*"
    when: When = When()
    sequence: list[StepText] | None = None


class Clock(Strict):
    """Where the clock starts, and whether it runs: `real`, `frozen`, or `x10` for ten times as fast."""

    start: Moment | None = None
    mode: Annotated[str, Field(pattern=r"^(real|frozen|x\d{1,6}(\.\d+)?)$")] = "real"


class LimitModel(Strict):
    """A rate limit that replaces the vendor's."""

    op: str = "*"
    per: list[Literal["teamspace", "path", "method", "key"]] = ["teamspace", "path", "method"]
    max: Annotated[int, Field(ge=1, le=1_000_000)]
    window: Annotated[Duration, Field(gt=0)]


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
    retries: str | None = None
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
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    api: str
    extends: str | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    clock: Clock | None = None
    credits: Annotated[float, Field(ge=0, le=1e15)] | None = None
    keys: list[Annotated[str, Field(min_length=1)]] = []
    state: dict[str, list[dict[str, Any]]] = {}
    limits: list[LimitModel] = []
    rules: list[Rule] = []
    expect: list[Expectation] = []
