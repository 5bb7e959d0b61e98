"""How long something takes: always the same, uniform between two durations, or log-normal."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, model_validator

from mockserver.text.models import Duration, Strict

MAX_SECONDS = 300.0
"""The longest that a fault may keep a client waiting."""


def _wait(seconds: float) -> float:
    if seconds > MAX_SECONDS:
        raise ValueError(f"{seconds:g}s is too long; at most {MAX_SECONDS:g}s are allowed")
    return seconds


Wait = Annotated[Duration, AfterValidator(_wait)]
"""A duration of at most MAX_SECONDS."""


def _spread(value: Any) -> Any:
    return {"fixed": value} if isinstance(value, str) else value


class Spread(Strict):
    """Seconds: fixed, uniform between two, or log-normal by median and 99th percentile."""

    looks: ClassVar[str] = "a duration such as 500ms, or {uniform: [100ms, 2s]}, or {median: 300ms, p99: 2s}"

    fixed: Wait | None = None
    uniform: tuple[Wait, Wait] | None = None
    median: Wait | None = None
    p99: Wait | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Spread:
        kinds = (self.fixed is not None, self.uniform is not None, self.median is not None or self.p99 is not None)
        if sum(kinds) != 1:
            raise ValueError(f"must be {self.looks}")
        if kinds[2] and (self.median is None or self.p99 is None or not 0 < self.median <= self.p99):
            raise ValueError("a log-normal latency needs `median` above 0 and `p99` of at least as much")
        if self.uniform is not None and self.uniform[0] > self.uniform[1]:
            raise ValueError("the low end of `uniform` is above its high end")
        return self

    def draw(self, random: Random) -> float:
        """One delay, at most MAX_SECONDS."""
        if self.uniform is not None:
            return random.uniform(*self.uniform)
        if self.median is None or self.p99 is None:
            return self.fixed or 0.0
        # The 99th percentile of a normal distribution lies this many standard deviations above its mean.
        sigma = math.log(self.p99 / self.median) / 2.3263478740408408
        return min(MAX_SECONDS, random.lognormvariate(math.log(self.median), sigma))


SpreadText = Annotated[Spread, BeforeValidator(_spread, json_schema_input_type=str | Spread)]
"""A duration, or a mapping that says how it varies."""

__all__ = ["MAX_SECONDS", "Spread", "SpreadText", "Wait"]
