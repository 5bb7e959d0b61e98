"""`mockserver scenario` and `mockserver clock`: what a sandbox does, and when it does it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from mockserver.admin.client import AdminClient
from mockserver.cli import completers
from mockserver.cli.check import check
from mockserver.cli.common import clean, connected, json_option, print_json, read, source_name
from mockserver.cli.files import listed, schema
from mockserver.clock import parse_duration, parse_time
from mockserver.errors import UserError
from mockserver.scenarios.library import MAX_SCENARIO


@click.group(commands=[listed, check, schema])
def scenario() -> None:
    """Manage scenarios: validate files, change a sandbox."""


@scenario.command("set")
@click.argument("file_or_name", shell_complete=completers.scenarios)
@json_option
@connected
def scenario_set(remote: AdminClient, file_or_name: str, as_json: bool) -> None:
    """Set the scenario, and restart the sandbox with it.

    FILE_OR_NAME is a file, `-` for standard input, or the name of a bundled scenario. A scenario with a
    problem changes nothing.

    \b
    mockserver scenario set out-of-credits
    mockserver scenario set tests/scenarios/third-call.yaml --sandbox ci-1
    """
    path = Path(file_or_name)
    looks_like_a_file = path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1
    if file_or_name == "-" or looks_like_a_file or path.is_file():
        answer = remote.upload_scenario(read(file_or_name, MAX_SCENARIO), source_name(file_or_name))
    else:
        answer = remote.use_scenario(file_or_name)
    if as_json:
        print_json(answer)
    else:
        rules = len(answer["rules"])
        click.echo(f"{remote.sandbox}: {clean(answer['name'])}, {rules} {'rule' if rules == 1 else 'rules'}")


@scenario.command("show")
@json_option
@connected
def scenario_show(remote: AdminClient, as_json: bool) -> None:
    """Print the scenario in force, and how often each rule fired."""
    answer = remote.scenario()
    if as_json:
        print_json(answer)
        return
    if answer["name"] is None and answer["text"] is None:
        click.echo(f"# {remote.sandbox} has no scenario")
        return
    click.echo(f"# {clean(answer['name'])} ({answer['source']})")
    for rule in answer["rules"]:
        click.echo(f"# rule {clean(rule['id'])} at {clean(rule['at'])} fired {rule['fired']} times")
    click.echo(str(answer["text"] or "").rstrip())


@scenario.command("clear")
@connected
def scenario_clear(remote: AdminClient) -> None:
    """Remove the scenario, and keep the state."""
    remote.remove_scenario()
    click.echo(f"{remote.sandbox}: no scenario")


class _Rate(click.ParamType):  # type: ignore[type-arg]
    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 0 < rate <= 1_000_000:
            self.fail(f"{value!r} is not a rate; write a number above 0, up to 1000000", param, ctx)
        return rate


@click.group()
def clock() -> None:
    """Control the test clock of a sandbox. It never goes back.

    \b
    mockserver clock freeze
    mockserver clock advance 61s               past the rate limit's window
    mockserver clock set 2030-01-01T00:00:00Z
    mockserver clock run --rate 60             a minute in every second
    """


def _print_clock(state: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(state)
    else:
        mode = "frozen" if state["mode"] == "frozen" else f"running x{state['rate']:g}"
        click.echo(f"{clean(state['iso'])}  {mode}")


@clock.command("show")
@json_option
@connected
def clock_show(remote: AdminClient, as_json: bool) -> None:
    """Print the time and the mode of the clock."""
    _print_clock(remote.clock(), as_json)


@clock.command("advance")
@click.argument("by")
@json_option
@connected
def clock_advance(remote: AdminClient, by: str, as_json: bool) -> None:
    """Move the clock ahead by a duration: 500ms, 61s or 1h30m."""
    parse_duration(by)
    _print_clock(remote.advance_clock(by.strip()), as_json)


@clock.command("set")
@click.argument("iso")
@json_option
@connected
def clock_set(remote: AdminClient, iso: str, as_json: bool) -> None:
    """Move the clock ahead to a time: 2030-01-01T00:00:00Z.

    ISO is an ISO 8601 time; a time without a zone is UTC.
    """
    try:
        moment = datetime.fromtimestamp(parse_time(iso), UTC)
    except (ValueError, OverflowError, OSError):
        raise UserError(f"{iso!r} is outside of the calendar that the clock can show") from None
    _print_clock(remote.change_clock(now=moment.isoformat()), as_json)


@clock.command("freeze")
@json_option
@connected
def clock_freeze(remote: AdminClient, as_json: bool) -> None:
    """Stop the clock."""
    _print_clock(remote.change_clock(mode="frozen"), as_json)


@clock.command("run")
@click.option("--rate", default=1.0, show_default=True, type=_Rate(), help="Test seconds per real second.")
@json_option
@connected
def clock_run(remote: AdminClient, rate: float, as_json: bool) -> None:
    """Start the clock from the time that it shows."""
    _print_clock(remote.change_clock(mode="real", rate=rate), as_json)
