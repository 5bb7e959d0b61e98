"""`mockserver why` and `mockserver watch`: the exchanges with the reasons for their responses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import click
import orjson

from mockserver.admin.client import AdminClient
from mockserver.admin.events import Entry, Follower
from mockserver.cli.common import clean, connected, json_option, print_json
from mockserver.cli.verification import SIDES, RangeType
from mockserver.errors import UserError
from mockserver.text.ranges import parse_range

_COLOURS = {"passed": None, "acted": "yellow", "decided": "green"}


@click.command()
@click.argument("number", type=click.IntRange(1), required=False)
@json_option
@connected
def why(remote: AdminClient, number: int | None, as_json: bool) -> None:
    """Explain why an exchange was answered as it was.

    NUMBER is the exchange's number in the journal; the newest if there is none. Below the reasons are the stages
    that the request went through, with the one that decided.

    \b
    mockserver why 12
    mockserver why --sandbox ci-1 --json
    """
    if number is None:
        entries = remote.journal(limit=1)["entries"]
        if not entries:
            raise UserError(f"the journal of sandbox {remote.sandbox} is empty")
        number = int(entries[0]["number"])
    reasons = remote.why(number)
    if as_json:
        print_json(reasons)
        return
    click.echo(f"#{number}")
    for sentence in reasons["sentences"]:
        click.echo(clean(sentence))
    click.echo()
    for passage in reasons["stages"]:
        outcome = click.style(f"{passage['outcome']:<7}", fg=_COLOURS.get(passage["outcome"]))
        click.echo(f"  {outcome}  {passage['stage']:<10}  {clean(passage['note'])}")
    _print_places(reasons)


def _print_places(reasons: dict[str, Any]) -> None:
    """Where the schemas stand that were broken, and why each rule that did not act left the request alone."""
    schemas = [violation for violation in reasons["violations"] if violation["schema"] is not None]
    idle = [rule for rule in reasons["rules"] if not rule["acted"]]
    if schemas:
        click.echo()
    for violation in schemas:
        place, what = violation["schema"], violation["pointer"] or violation["where"]
        click.echo(clean(f"  {place['file']}:{place['line']}: {what} {violation['message']}"))
    if idle:
        click.echo()
    for rule in idle:
        why_not = "; ".join(
            f"{one['where']}: expected {one['expected']}, found {one['found']}" for one in rule["differences"]
        )
        click.echo(clean(f"  {rule['at']}: rule {rule['rule']} did not act: {why_not}"))


@click.command()
@click.option("--operation", metavar="ID", help="Operation of the exchanges.")
@click.option("--status", type=RangeType(), help="Status of the response: 429, or 500..599; 0 is none.")
@click.option("--side", type=click.Choice(SIDES), help="Side that broke the contract.")
@click.option("--rule", metavar="ID", help="Rule that acted.")
@click.option("--fault", metavar="NAME", help="Fault that a rule did, or none.")
@click.option("--api", metavar="NAME", help="API of the exchanges.")
@click.option("--text", metavar="TEXT", help="Text in the request, the response or the reasons; case is ignored.")
@click.option("--after", type=click.IntRange(0), metavar="N", help="Number of the exchange to start after.")
@json_option
@connected
def watch(
    remote: AdminClient,
    operation: str | None,
    status: str | None,
    side: str | None,
    rule: str | None,
    fault: str | None,
    api: str | None,
    text: str | None,
    after: int | None,
    as_json: bool,
) -> None:
    """Print each exchange as it comes, with its reasons.

    Filters combine: an exchange is printed if all of them match. A server that goes is waited for, and what may
    have been missed is printed on standard error. Ctrl-C ends it.

    \b
    mockserver watch
    mockserver watch --status 400..599 --after 0
    mockserver watch --json | jq .why
    """
    matches = _filter({"operation": operation, "rule": rule, "api": api}, status, side, fault, text)
    try:
        for entry in Follower(remote, after, _notice, threading.Event().wait):
            if matches(entry):
                click.echo(orjson.dumps(entry).decode() if as_json else _line(entry))
    except KeyboardInterrupt:
        return


def _notice(sentence: str) -> None:
    click.echo(click.style(f"mockserver: {clean(sentence)}", fg="yellow"), err=True)


def _filter(
    names: dict[str, str | None], status: str | None, side: str | None, fault: str | None, text: str | None
) -> Callable[[Entry], bool]:
    """Tells whether an exchange is to be printed: those that are the console's too."""
    wanted = {name: value for name, value in names.items() if value is not None}
    statuses = None if status is None else parse_range(status)
    folded = None if text is None else text.casefold()

    def matches(entry: Entry) -> bool:
        return (
            all(entry[name] == value for name, value in wanted.items())
            and (statuses is None or statuses.holds(entry["status"]))
            and (side is None or any(violation["side"] == side for violation in entry["violations"]))
            and (fault is None or fault in (entry["faults"] or ["none"]))
            and (folded is None or folded in _text(entry).casefold())
        )

    return matches


def _text(entry: Entry) -> str:
    """What a reader may look for in an exchange."""
    messages = [message for message in (entry["request"], entry["response"]) if message is not None]
    parts = [message[part] for message in messages for part in ("headers", "body")]
    shown = [part if isinstance(part, str) else orjson.dumps(part).decode() for part in parts]
    names = [entry[name] for name in ("method", "path", "query", "operation", "rule")]
    return "\n".join([*names, *entry["why"], *shown])


def _line(entry: Entry) -> str:
    """One exchange on one line; the status is coloured, which `click.echo` leaves out where there is no terminal."""
    query = f"?{entry['query']}" if entry["query"] else ""
    head = f"#{entry['number']} {str(entry['iso'])[11:-1]} {entry['method']} {entry['path']}{query}"
    first, *rest = [clean(sentence) for sentence in entry["why"]]
    answer, comma, reason = first.partition(",")
    return f"{clean(head)}  {_coloured(answer, entry)}{comma}{' '.join([reason, *rest])}"


def _coloured(answer: str, entry: dict[str, Any]) -> str:
    status = 0 if entry["lost"] else entry["status"]
    colour = "magenta" if not status else "green" if status < 400 else "yellow" if status < 500 else "red"
    return click.style(answer, fg=colour)
