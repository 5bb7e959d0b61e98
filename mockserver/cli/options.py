"""The options of the command line: the kinds of values they take, and their `MOCKSERVER_*` variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockserver.errors import UserError

_Command = TypeVar("_Command", bound=Callable[..., Any])


class List(click.ParamType[str]):
    """A repeatable option whose environment variable holds the values separated by commas."""

    name = "text"
    envvar_list_splitter = ","


class Limit(click.ParamType[Any]):
    """A rate limit, `off`, or the vendor's own."""

    name = "N[/WINDOW]|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from mockserver.state.ratelimit import parse_limit

        if not isinstance(value, str) or value == "vendor":
            return value
        try:
            return parse_limit(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType[float]):
    """A duration such as `500ms` or `1h30m`, in seconds.

    Args:
        positive: whether none at all is refused.
    """

    name = "duration"

    def __init__(self, positive: bool = False) -> None:
        self._positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from mockserver.clock import parse_duration

        try:
            seconds = parse_duration(str(value))
        except UserError as error:
            self.fail(str(error), param, ctx)
        if self._positive and not seconds:
            self.fail(f"{value!r} is no time at all; give a duration such as 30s", param, ctx)
        return seconds


class Credits(click.ParamType[float]):
    """A number of credits; a whole one is an int."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            credits = float(value)
        except ValueError:
            credits = -1
        if not 0 <= credits <= 1e15:
            self.fail(f"{value!r} is not a number of credits; give one from 0 to 1e15", param, ctx)
        return int(credits) if credits.is_integer() else credits


class Port(click.Option):
    """A port whose variable may be one that is not ours.

    Kubernetes gives every pod `MOCKSERVER_PORT=tcp://10.0.0.7:80` when there is a Service called `mockserver`,
    and Docker's links do the same. That is somebody's address and never a port to listen on.
    """

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        return None if value is not None and value.startswith(("tcp://", "udp://")) else value


def option(*names: str, **kwargs: Any) -> Callable[[_Command], _Command]:
    """An option that can be given as a MOCKSERVER_* variable too."""
    long = next(name for name in names if name.startswith("--"))
    envvar = "MOCKSERVER_" + long.split("/")[0].strip("-").replace("-", "_").upper()
    return click.option(*names, envvar=envvar, show_envvar=True, **kwargs)
