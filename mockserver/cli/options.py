"""The options of `mockserver serve`, made from the fields of `Settings`, and the values that options take.

Knows how an option is written; what it means, its default and its bounds stand in `mockserver.settings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver.cli import completers
from mockserver.errors import UserError
from mockserver.settings import GROUPS, Option, Settings, option_name, options, variable

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MEBIBYTE = 1024 * 1024
_GLUE = "\N{NO-BREAK SPACE}"
"""Stands for a space at which help texts are not wrapped."""
_METAVARS = {"integer": "N", "number": "N", "duration": "DURATION", "mebibytes": "N", "limit": "LIMIT", "file": "FILE"}

_COMPLETERS = {"api": completers.apis, "scenario": completers.scenarios}

# ParamType takes a parameter since click 8.3 only, so none is given here.


class ListItem(click.ParamType):  # type: ignore[type-arg]
    """A repeatable option whose environment variable holds the values separated by commas."""

    name = "text"
    envvar_list_splitter = ","

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip()
        if not text:
            self.fail("the value is empty", param, ctx)
        return text


class Key(ListItem):
    """A key or token, which a header must be able to carry."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if text.strip() != text or not (text.isascii() and text.isprintable()):
            # The value is a secret, so the message does not repeat it.
            self.fail("no HTTP header can carry this value; use printable ASCII text without outer spaces", param, ctx)
        return super().convert(value, param, ctx) if isinstance(param, click.Option) and param.multiple else text


class SavedFile(click.Path):
    """A file that is written at the end, so its folder must be there at the start."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value and not Path(value).absolute().parent.is_dir():
            self.fail(f"{value}: there is no folder {str(Path(value).parent)!r}", param, ctx)
        return super().convert(value, param, ctx) if value else value


class RateLimit(click.ParamType):  # type: ignore[type-arg]
    """A rate limit, `off`, or the vendor's own."""

    name = "N[/WINDOW]|vendor|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from mockserver.state.ratelimit import parse_limit

        if not isinstance(value, str) or value == "vendor":
            return value
        try:
            return parse_limit(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A duration such as `500ms` or `1h30m`, in seconds.

    Args:
        positive: whether zero is rejected.
    """

    name = "duration"

    def __init__(self, positive: bool = False) -> None:
        self._positive = positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from mockserver.clock import parse_duration

        if isinstance(value, int | float):  # a default, which is in seconds
            return value
        try:
            seconds = parse_duration(str(value))
        except UserError as error:
            self.fail(str(error), param, ctx)
        if self._positive and not seconds:
            self.fail(f"{value!r} is not longer than zero; write a duration such as 30s", param, ctx)
        return seconds


class Number(click.ParamType):  # type: ignore[type-arg]
    """A number within bounds; a whole one is an int.

    Args:
        what: what it is a number of, for messages.
        least: the smallest one that is accepted.
        most: the largest one that is accepted.
    """

    name = "number"

    def __init__(self, what: str, least: float, most: float) -> None:
        self._what, self._least, self._most = what, least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return parse_number(str(value), self._what, self._least, self._most)
        except UserError as error:
            self.fail(str(error), param, ctx)


def parse_number(text: str, what: str, least: float, most: float) -> float:
    """The number that a text writes; a whole one is an int. Raises UserError."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise UserError(f"{text!r} is not a number of {what}; write one from {least:g} to {most:g}")
    return int(value) if value.is_integer() else value


class Mebibytes(click.ParamType):  # type: ignore[type-arg]
    """A number of MiB, in bytes."""

    name = "mib"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not str(value).isdecimal() or not int(value):
            self.fail(f"{value!r} is not a number of MiB; write a whole number above 0", param, ctx)
        return int(value) * _MEBIBYTE


class SettingOption(click.Option):
    """An option of a setting, under a heading.

    A port ignores a variable that is not ours: Kubernetes gives every pod `MOCKSERVER_PORT=tcp://10.0.0.7:80`
    when a Service is called `mockserver`, and Docker's links do the same. That is an address of another program,
    and never a port to listen on.
    """

    group = ""
    record = ("", "")
    """How the option is written, and its help."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        is_address = value is not None and value.startswith(("tcp://", "udp://"))
        return None if is_address and self.name in ("port", "admin_port") else value

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return self.record

    def get_error_hint(self, ctx: click.Context | None) -> str:
        return f"{super().get_error_hint(ctx)} ({self.envvar})"


class GroupedCommand(click.Command):
    """A command whose help lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {heading: [] for heading in GROUPS}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):  # arguments stand in the text above
                rows.setdefault(getattr(param, "group", "Other"), []).append(record)
        rows["Other"] = rows.pop("Other", [])
        width = max(len(written) for records in rows.values() for written, _ in records)
        for heading, records in rows.items():
            if not records:
                continue
            with formatter.section(f"{heading} ({GROUPS[heading]})" if heading in GROUPS else heading):
                formatter.write_dl([(written.ljust(width), help) for written, help in records], col_max=width + 2)

    def get_help(self, ctx: click.Context) -> str:
        return super().get_help(ctx).replace(_GLUE, " ")


def default_text(known: Field[Any]) -> str:
    """The default of a setting as a reader sees it; "" when there is none."""
    option: Option = known.metadata["option"]
    if option.shown or known.default is None:
        return option.shown
    if option.kind == "flag":
        return "on" if known.default else ""
    if option.kind == "duration":
        return f"{known.default:g}s"
    return "" if known.default in ("", ()) else str(known.default)


def _record(known: Field[Any], help: str) -> tuple[str, str]:
    option: Option = known.metadata["option"]
    name, default = option_name(known), default_text(known)
    written = f"--{name}"
    if option.kind == "flag":
        written += f" / --no-{name}" if option.negated else ""
    else:
        written += f" {option.metavar or _METAVARS.get(option.kind) or name.rpartition('-')[2].upper()}"
    hints = [f"one of {', '.join(option.choices)}"] if option.choices else []
    hints += [f"default: {default}".replace(" ", _GLUE)] if default else []
    return written, f"{help} [{'; '.join([*hints, variable(known)])}]"


def _type(option: Option) -> Any:
    match option.kind:
        case "list":
            return ListItem()
        case "integer" if option.least is not None:
            return click.IntRange(int(option.least), None if option.most is None else int(option.most))
        case "integer":
            return int
        case "number":
            return Number("credits", option.least or 0, option.most or float("inf"))
        case "duration":
            return Duration(positive=bool(option.least))
        case "mebibytes":
            return Mebibytes()
        case "limit":
            return RateLimit()
        case "choice":
            return click.Choice(option.choices, case_sensitive=False)
        case "key" | "keys":
            return Key()
        case "file":
            return SavedFile(dir_okay=False)
        case _:
            return str


def _add(command: Any, known: Field[Any], help: str, **changes: Any) -> Any:
    option: Option = known.metadata["option"]
    name = option_name(known)
    keywords: dict[str, Any] = {"default": known.default, "help": help, "envvar": variable(known)}
    if option.kind == "flag":
        keywords["is_flag"] = True
    else:
        keywords |= {"type": _type(option), "multiple": option.kind in ("list", "keys")}
        keywords["shell_complete"] = _COMPLETERS.get(name)
    declared = f"--{name}/--no-{name}" if option.negated else f"--{name}"
    command = click.option(declared, known.name, cls=SettingOption, **(keywords | changes))(command)
    made = command.__click_params__[-1]
    made.group, made.record = option.group, _record(known, help)
    return command


def setting_options(command: _Command) -> _Command:
    """Give a command an option for every field of Settings; it gets them by the names of the fields."""
    for known, option in reversed(list(options())):
        command = _add(command, known, option.help)
    return command


def setting_option(field: str, help: str, **changes: Any) -> Callable[[_Command], _Command]:
    """One option of a setting for another command, which reads the same variable."""
    known = Settings.__dataclass_fields__[field]
    return lambda command: _add(command, known, help, **changes)
