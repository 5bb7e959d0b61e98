"""`mockserver journal`, `verify` and `expect`: what happened in a sandbox, and whether it should have."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from mockserver.admin.client import Remote, unfired_text
from mockserver.cli.common import brief, clean, connected, json_option, pairs, parse_json, print_json, table
from mockserver.errors import UserError
from mockserver.messages import JSON
from mockserver.text.ranges import parse_range

_SIDES = ("client", "server", "declared")


@click.command()
@click.option("--operation", metavar="ID", help="Only this operation.")
@click.option("--status", type=click.IntRange(0, 599), help="Only replies with this status; 0 is no reply.")
@click.option("--side", type=click.Choice(_SIDES), help="Only exchanges with a violation on this side.")
@click.option("--rule", metavar="ID", help="Only exchanges in which this rule acted.")
@click.option("--after", type=click.IntRange(0), metavar="NUMBER", help="Only entries after this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most this many.")
@json_option
@connected
def journal(remote: Remote, as_json: bool, **filters: str | int | None) -> None:
    """Print the exchanges, oldest first.

    TRY is the attempt: 2 is the first retry. EARLY is by how many seconds the retry came before its
    Retry-After was over.

    \b
    mockserver journal --status 429
    mockserver journal --side client              what the client did wrong
    mockserver journal --json | jq '.entries[-1].request'
    """
    found = remote.journal(**filters)
    if as_json:
        print_json(found)
        return
    entries = found["entries"]
    table(("#", "TIME", "REQUEST", "STATUS", "TRY", "EARLY", "RULE", "NOTES"), map(_row, entries))
    if found["total"] > len(entries):
        click.echo(f"{len(entries)} of {found['total']} shown; --limit and --after show others", err=True)


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    request = entry["operation"] or f"{entry['method']} {entry['path']}"
    early = entry["early_by"]
    notes = [f"[{violation['side']}] {_said(violation)}" for violation in entry["violations"]]
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


def _said(violation: dict[str, Any]) -> str:
    place = f"{violation['where']} {violation['pointer']}".strip()
    return f"{place}: {violation['message']}"


class _Range(click.ParamType[str]):
    name = "N|A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            found = parse_range(str(value))
        except UserError as error:
            self.fail(str(error), param, ctx)
        if found.every is not None:
            self.fail(f"{value!r} is not a count or a range; write 3, 4..6, 4.. or ..6", param, ctx)
        return str(found)


@click.command()
@click.argument("operation")
@click.option("--times", type=_Range(), help='How many must match: 2, 4..6, 1.. or ..3.  [default: "1.."]')
@click.option("--body", metavar="JSON", help="What the body must hold.")
@click.option("--header", "headers", multiple=True, metavar="N=V", help="A header. Repeatable.")
@click.option("--query", "queries", multiple=True, metavar="N=V", help="A query parameter. Repeatable.")
@click.option("--status", type=_Range(), help="The status of the reply: 201, or 500..599.")
@json_option
@connected
def verify(
    remote: Remote,
    operation: str,
    times: str | None,
    body: str | None,
    headers: tuple[str, ...],
    queries: tuple[str, ...],
    status: str | None,
    as_json: bool,
) -> None:
    """Exit with 1 unless the sandbox has seen OPERATION as often as wanted.

    When it has not, the exchanges that came nearest are printed with every difference.

    \b
    mockserver verify Memory.createUserMemory --times 2
    mockserver verify Memory.createUserMemory --body '{"agent_id": {"regex": "^a"}}' --status 201
    mockserver verify Memory.listUserMemory --query limit=10 --times 0
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
def expect(remote: Remote, as_json: bool) -> None:
    """Exit with 1 unless all that the scenario expects has come true. For the last step of a CI job.

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
