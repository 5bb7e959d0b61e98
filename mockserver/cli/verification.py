"""`mockserver journal`, `verify` and `expect`: the exchanges of a sandbox, and assertions on them."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from mockserver.admin.client import AdminClient, unfired_text
from mockserver.cli.common import brief, clean, connected, json_option, pairs, parse_json, print_json, table
from mockserver.errors import UserError
from mockserver.messages import JSON
from mockserver.text.ranges import parse_range

SIDES = ("client", "server", "upstream", "declared")


@click.command()
@click.option("--operation", metavar="ID", help="Operation of the exchanges.")
@click.option("--status", type=click.IntRange(0, 599), metavar="N", help="Status of the response; 0 is none.")
@click.option("--side", type=click.Choice(SIDES), help="Side that broke the contract.")
@click.option("--rule", metavar="ID", help="Rule that acted.")
@click.option("--after", type=click.IntRange(0), metavar="N", help="Number of the exchange to start after.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    metavar="N",
    help="Most exchanges to print.",
)
@json_option
@connected
def journal(remote: AdminClient, as_json: bool, **filters: str | int | None) -> None:
    """Print the exchanges, oldest first.

    Filters combine: an exchange is printed if all of them match. TRY is the attempt; 2 is the first retry.
    EARLY is the number of seconds by which a retry came before the end of its Retry-After.

    \b
    mockserver journal --status 429
    mockserver journal --side client    the mistakes of the client
    mockserver journal --json | jq '.entries[-1].request'
    """
    answer = remote.journal(**filters)
    if as_json:
        print_json(answer)
        return
    entries = answer["entries"]
    table(("#", "TIME", "REQUEST", "STATUS", "TRY", "EARLY", "RULE", "NOTES"), map(_row, entries))
    for entry in entries:
        if entry["traceback"]:
            click.echo(f"\n#{entry['number']} {clean(entry['defect'])}")
            for line in entry["traceback"].splitlines():
                click.echo(clean(line))
    if answer["total"] > len(entries):
        click.echo(f"{len(entries)} of {answer['total']} shown; --limit and --after show others", err=True)


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    request = entry["operation"] or f"{entry['method']} {entry['path']}"
    early = entry["early_by"]
    notes = [f"[{violation['side']}] {_violation_text(violation)}" for violation in entry["violations"]]
    if entry["reason"] and not entry["violations"] and not entry["defect"]:
        notes.append(f"{entry['stage'] or 'failure'}: {entry['reason']}")
    notes += [f"violates: {entry['violates']}"] if entry["violates"] else []
    notes += [f"lost: {entry['lost']}"] if entry["lost"] else []
    notes += [f"defect: {entry['defect']}"] if entry["defect"] else []
    cells = (
        entry["number"],
        str(entry["iso"]).partition("T")[2].rstrip("Z"),
        request,
        entry["status"] or "-",
        entry["attempt"],
        f"{early:.3f}" if early is not None and early > 0 else "",
        entry["rule"],
        "; ".join(notes),
    )
    return tuple(clean(cell) for cell in cells)


def _violation_text(violation: dict[str, Any]) -> str:
    place = f"{violation['where']} {violation['pointer']}".strip()
    return f"{place}: {violation['message']}"


class RangeType(click.ParamType):  # type: ignore[type-arg]
    """A count, or a range of counts."""

    name = "N|A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            range_ = parse_range(str(value))
        except UserError as error:
            self.fail(str(error), param, ctx)
        if range_.every is not None:
            self.fail(f"{value!r} is not a count or a range; write 3, 4..6, 4.. or ..6", param, ctx)
        return str(range_)


@click.command()
@click.argument("operation")
@click.option(
    "--times", type=RangeType(), help="Expected number of matching requests: 2, 4..6, 1.. or ..3.  [default: 1..]"
)
@click.option("--body", metavar="JSON", help="Matcher for the request body.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Header of the request. Repeatable.")
@click.option("--query", "queries", multiple=True, metavar="NAME=VALUE", help="Query parameter. Repeatable.")
@click.option("--status", type=RangeType(), help="Status of the response: 201, or 500..599.")
@json_option
@connected
def verify(
    remote: AdminClient,
    operation: str,
    times: str | None,
    body: str | None,
    headers: tuple[str, ...],
    queries: tuple[str, ...],
    status: str | None,
    as_json: bool,
) -> None:
    """Assert how often an operation was requested.

    Exits with 1 if the number of matching requests is not the expected one, and prints the nearest exchanges
    with their differences.

    \b
    mockserver verify Memory.createUserMemory --times 2
    mockserver verify Memory.createUserMemory --body '{"agent_id": "a1"}'
    mockserver verify Memory.listUserMemory --query limit=10 --status 200
    """
    wanted: dict[str, JSON] = {"operation": operation, "times": times, "status": status}
    wanted["header"] = pairs(headers, "--header") or None
    wanted["query"] = pairs(queries, "--query") or None
    criteria = {name: value for name, value in wanted.items() if value is not None}
    if body is not None:
        criteria["body"] = parse_json(body, "--body")
    verdict = remote.verify(criteria)
    if as_json:
        print_json(verdict)
    else:
        word = "met" if verdict["ok"] else "NOT MET"
        click.echo(f"{word}: {clean(operation)}: expected {clean(verdict['expected'])}, found {verdict['found']}")
        for miss in verdict["near_misses"]:
            asked = f"{miss['method']} {miss['path']}"
            click.echo(f"  near miss: #{miss['number']} {clean(asked)}, answered with {miss['status'] or 'nothing'}")
            for difference in miss["differences"]:
                expected, was = brief(difference["expected"]), brief(difference["found"])
                click.echo(f"    {clean(difference['where'])}: expected {expected}, found {was}")
    if not verdict["ok"]:
        sys.exit(1)


@click.command()
@json_option
@connected
def expect(remote: AdminClient, as_json: bool) -> None:
    """Assert that the expectations of the scenario are met.

    Exits with 1 if one is not: the last step of a CI job.

    \b
    mockserver expect
    mockserver expect --sandbox ci-1 --json
    """
    found = remote.expectations()
    if as_json:
        print_json(found)
    else:
        for entry in found["expectations"]:
            wanted = orjson.dumps(entry["expect"]).decode()
            click.echo(f"met: {clean(wanted)}" if entry["ok"] else f"NOT MET: {clean(entry['message'])}")
        for rule in found["unfired"]:
            click.echo(clean(unfired_text(rule)), err=True)
        if not found["expectations"]:
            click.echo(f"{remote.sandbox} expects nothing: its scenario has no `expect`", err=True)
    if not found["ok"]:
        sys.exit(1)
