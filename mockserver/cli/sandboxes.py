"""`mockserver sandboxes`, `reset`, `credits` and `state`: the worlds and what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from mockserver.admin.client import AdminClient
from mockserver.cli import completers
from mockserver.cli.common import (
    clean,
    connected,
    connected_to_all,
    json_option,
    number,
    parse_json,
    print_json,
    read,
    source_name,
    table,
)
from mockserver.cli.options import parse_number
from mockserver.errors import UserError
from mockserver.state.store import MAX_SNAPSHOT
from mockserver.text.documents import write_whole


@click.command()
@connected
def reset(remote: AdminClient) -> None:
    """Reset a sandbox to the start of its scenario."""
    remote.reset()
    click.echo(f"{remote.sandbox}: reset")


@click.command()
@click.argument("amount", metavar="[REMAINING]", required=False)
@json_option
@connected
def credits(remote: AdminClient, amount: str | None, as_json: bool) -> None:
    """Print the credit account, or set the remaining credits.

    \b
    mockserver credits
    mockserver credits 1       one more paid call, then 402
    """
    account = remote.credits() if amount is None else remote.set_credits(_amount(amount))
    if as_json:
        print_json(account)
    else:
        names = ("remaining", "consumed", "total")
        click.echo("  ".join(f"{name} {number(account[name])}" for name in names))


def _amount(text: str) -> float:
    return parse_number(text, "credits", 0, 1e15)


@click.command()
@click.argument("action", type=click.Choice(["create", "delete"]), required=False)
@click.argument("name", required=False)
@click.option(
    "--scenario", metavar="NAME", shell_complete=completers.scenarios, help="Bundled scenario of the new sandbox."
)
@click.option("--credits", "amount", metavar="NUMBER", help="Credits of the new sandbox.")
@json_option
@connected_to_all
def sandboxes(
    remote: AdminClient, action: str | None, name: str | None, scenario: str | None, amount: str | None, as_json: bool
) -> None:
    """List the sandboxes; create or delete one.

    A sandbox that is created without a NAME gets a generated one.

    \b
    mockserver sandboxes
    mockserver sandboxes create ci-1 --scenario out-of-credits
    mockserver sandboxes delete ci-1
    """
    if action != "create" and (scenario is not None or amount is not None):
        raise UserError("--scenario and --credits belong to `sandboxes create`")
    if action == "delete":
        if name is None:
            raise UserError("the name is missing; write `mockserver sandboxes delete NAME`")
        remote.sandbox = name
        remote.delete()
        click.echo(f"{clean(name)}: deleted")
        return
    if action == "create":
        created = remote.create(name, scenario=scenario, credits=None if amount is None else _amount(amount))
        if as_json:
            print_json(created)
            return
        listed = [created]
    else:
        listed = remote.sandboxes()
        if as_json:
            print_json(listed)
            return
    table(("NAME", "SCENARIO", "CLOCK", "CREDITS", "REQUESTS", "API KEY", "BASE URLS"), map(_line, listed))


def _line(entry: dict[str, Any]) -> tuple[str, ...]:
    cells = (
        entry["name"],
        entry["scenario"] or "-",
        f"{entry['clock']['iso']} {entry['clock']['mode']}",
        number(entry["credits"]["remaining"]),
        entry["requests"],
        entry["api_key"] or "-",
        " ".join(entry["base_urls"].values()),
    )
    return tuple(clean(cell) for cell in cells)


@click.group()
def state() -> None:
    """Save the state of a sandbox, and restore it."""


@state.command("save")
@click.argument("file")
@connected
def state_save(remote: AdminClient, file: str) -> None:
    """Save a snapshot to FILE; `-` is standard output."""
    text = orjson.dumps(remote.state(), option=orjson.OPT_INDENT_2) + b"\n"
    if file == "-":
        click.echo(text, nl=False)
        return
    write_whole(Path(file), text)
    click.echo(f"{remote.sandbox}: saved to {file}")


@state.command("load")
@click.argument("file")
@connected
def state_load(remote: AdminClient, file: str) -> None:
    """Restore a snapshot from FILE; `-` is standard input.

    A snapshot with a problem changes nothing.
    """
    source = source_name(file)
    remote.restore(parse_json(read(file, MAX_SNAPSHOT), source), source)
    click.echo(f"{remote.sandbox}: loaded from {source}")
