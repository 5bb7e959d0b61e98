"""The page of all commands, made from the parser itself. `docs/tables.py` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from mockserver.cli.main import cli

HEAD = """\
---
no_snippet: "a list of options; every command is run on the pages that explain it"
---

# Commands

Every command and option, as `mockserver COMMAND --help` prints them. An option with a variable is also read from the
environment.

<!-- written by docs/tables.py -->
"""


def page() -> str:
    """The text of docs/cli.md."""
    context = click.Context(cli, info_name="mockserver")
    return HEAD + "".join(f"\n{part}\n" for part in commands(cli, context))


def commands(command: click.Command, context: click.Context) -> Iterator[str]:
    """A command with those below it."""
    yield "\n\n".join(described(command, context))
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, click.Context(below, info_name=name, parent=context))


def described(command: click.Command, context: click.Context) -> Iterator[str]:
    """The parts of one command: what it is called, what it does, its options."""
    path = context.command_path
    yield f"## {path}" if path.count(" ") < 2 else f"### {path}"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{path} {usage}\n```"
    for paragraph in (command.help or "").split("\n\n"):
        yield prose(paragraph)
    options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    rows = [row(option, context) for option in options if not option.hidden and "--help" not in option.opts]
    if rows:
        yield "\n".join(["| option | variable | default | meaning |", "|---|---|---|---|", *rows])


def prose(paragraph: str) -> str:
    """A paragraph of a help text; one of command lines is shown as it is."""
    text = "\n".join(line.strip() for line in paragraph.strip().splitlines())
    if text.startswith("\b\n"):
        text = text.removeprefix("\b\n")
        return f"```text\n{text}\n```"
    return f"```text\n{text}\n```" if text.startswith("mockserver ") else text.replace("<", "\\<")


def row(option: click.Option, context: click.Context) -> str:
    """A row of the table of options."""
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = option.make_metavar(context) if not option.is_flag and not option.count else ""
    if value and not names.endswith(f" {value}`"):
        names = f"{names[:-1]} {value}`".replace("|", "\\|")
    variable = option.envvar if isinstance(option.envvar, str) else ""
    extra = option.get_help_extra(context)
    default = extra.get("default", "required" if extra.get("required") else "")
    meaning = re.sub(r"\s+", " ", (option.help or "").replace("\N{NO-BREAK SPACE}", " ")).replace("|", "\\|")
    cells = (names, f"`{variable}`" if variable else "", default.replace("|", "\\|"), meaning.replace("<", "\\<"))
    return re.sub(r"\|  (?=\|)", "| ", f"| {' | '.join(cells)} |")
