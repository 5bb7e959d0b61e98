"""`mockserver scenario` and `mockserver clock`: what a sandbox does, and when."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from mockserver.admin.client import Remote
from mockserver.cli.common import clean, connected, json_option, print_json, read, source_name
from mockserver.clock import parse_duration, parse_time
from mockserver.errors import UserError
from mockserver.scenarios.library import MAX_SCENARIO


@click.group()
def scenario() -> None:
    """The scenario of a sandbox."""


@scenario.command("set")
@click.argument("file_or_name")
@json_option
@connected
def scenario_set(remote: Remote, file_or_name: str, as_json: bool) -> None:
    """Set the scenario: a file, `-` for standard input, or the name of a bundled one.

    One that does not load changes nothing.

    \b
    mockserver scenario set out-of-credits
    mockserver scenario set tests/scenarios/third-call.yaml --sandbox ci-1
    """
    path = Path(file_or_name)
    looks_like_a_file = path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1
    if file_or_name == "-" or looks_like_a_file or path.is_file():
        found = remote.upload_scenario(read(file_or_name, MAX_SCENARIO), source_name(file_or_name))
    else:
        found = remote.use_scenario(file_or_name)
    if as_json:
        print_json(found)
    else:
        rules = len(found["rules"])
        click.echo(f"{remote.sandbox}: {clean(found['name'])}, {rules} {'rule' if rules == 1 else 'rules'}")


@scenario.command("show")
@json_option
@connected
def scenario_show(remote: Remote, as_json: bool) -> None:
    """Print the scenario in force, as YAML, and how often each rule fired."""
    found = remote.scenario()
    if as_json:
        print_json(found)
        return
    if found["name"] is None and found["text"] is None:
        click.echo(f"# {remote.sandbox} has no scenario")
        return
    click.echo(f"# {clean(found['name'])} ({found['source']})")
    for rule in found["rules"]:
        click.echo(f"# rule {clean(rule['id'])} at {clean(rule['at'])} fired {rule['fired']} times")
    click.echo(str(found["text"] or "").rstrip())


@scenario.command("clear")
@connected
def scenario_clear(remote: Remote) -> None:
    """Go on without a scenario; what is stored stays."""
    remote.remove_scenario()
    click.echo(f"{remote.sandbox}: no scenario")


class _Rate(click.ParamType[float]):
    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            rate = float(value)
        except ValueError:
            rate = math.nan
        if not 0 < rate <= 1_000_000:
            self.fail(f"{value!r} is not a rate; give a number above 0, up to 1000000", param, ctx)
        return rate


@click.group()
def clock() -> None:
    """The test clock of a sandbox. It never goes back.

    \b
    mockserver clock freeze
    mockserver clock advance 61s                  the rate limit's window has passed
    mockserver clock set 2030-01-01T00:00:00Z
    mockserver clock run --rate 60                a minute in every second
    """


def _print_clock(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        running = "frozen" if found["mode"] == "frozen" else f"running x{found['rate']:g}"
        click.echo(f"{clean(found['iso'])}  {running}")


@clock.command("show")
@json_option
@connected
def clock_show(remote: Remote, as_json: bool) -> None:
    """Print what the clock shows."""
    _print_clock(remote.clock(), as_json)


@clock.command("advance")
@click.argument("by")
@json_option
@connected
def clock_advance(remote: Remote, by: str, as_json: bool) -> None:
    """Move the clock ahead BY a duration, such as 500ms, 61s or 1h30m."""
    parse_duration(by)
    _print_clock(remote.advance_clock(by.strip()), as_json)


@clock.command("set")
@click.argument("iso")
@json_option
@connected
def clock_set(remote: Remote, iso: str, as_json: bool) -> None:
    """Move the clock ahead to ISO, such as 2030-01-01T00:00:00Z; without a zone it is UTC."""
    try:
        moment = datetime.fromtimestamp(parse_time(iso), UTC)
    except (ValueError, OverflowError, OSError):
        raise UserError(f"{iso!r} is not a moment that the clock can show") from None
    _print_clock(remote.change_clock(now=moment.isoformat()), as_json)


@clock.command("freeze")
@json_option
@connected
def clock_freeze(remote: Remote, as_json: bool) -> None:
    """Let the clock stand still."""
    _print_clock(remote.change_clock(mode="frozen"), as_json)


@clock.command("run")
@click.option("--rate", default=1.0, show_default=True, type=_Rate(), help="Test seconds per real second.")
@json_option
@connected
def clock_run(remote: Remote, rate: float, as_json: bool) -> None:
    """Let the clock run on from where it stands."""
    _print_clock(remote.change_clock(mode="real", rate=rate), as_json)
