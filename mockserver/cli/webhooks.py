"""`mockserver webhook`: what the server sends to the client's own server, and what waits for the test clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mockserver.admin.client import AdminClient
from mockserver.cli.common import clean, connected, json_option, print_json, read
from mockserver.clock import parse_duration, timestamp
from mockserver.text.documents import parse

MAX_DATA = 1024 * 1024
"""Bytes of a file with a webhook's body."""


@click.group()
def webhook() -> None:
    """Send webhooks and callbacks, or list them.

    \b
    mockserver webhook list
    mockserver webhook send order.paid --to http://127.0.0.1:8000/hooks
    mockserver webhook send order.paid --data paid.json --after 3s
    """


@webhook.command("list")
@json_option
@connected
def webhook_list(remote: AdminClient, as_json: bool) -> None:
    """Print the webhooks, and what waits for the clock."""
    state = remote.webhooks()
    if as_json:
        print_json(state)
        return
    for known in state["webhooks"]:
        when = f"after {', '.join(known['on'])}" if known["on"] else "by a rule or by this command"
        click.echo(
            f"{clean(known['api'])}  {clean(known['name'])}  {clean(when)}{'  signed' if known['signed'] else ''}"
        )
    if not state["webhooks"]:
        click.echo("no API has a webhook")
    for task in state["waiting"]:
        to = f" to {clean(task['to'])}" if task["to"] else ""
        click.echo(f"{timestamp(task['at'])}  {task['do']} {clean(task['on'])}{to}  ({clean(task['by'])})")


@webhook.command("send")
@click.argument("name")
@click.option("--to", metavar="URL", help="Where it goes; the profile's own URL when left out.")
@click.option("--data", "file", metavar="FILE", help="JSON or YAML file with the body, or - for standard input.")
@click.option("--after", metavar="DURATION", help="Wait so long on the test clock: 3s, 1h.")
@json_option
@connected
def webhook_send(
    remote: AdminClient, name: str, to: str | None, file: str | None, after: str | None, as_json: bool
) -> None:
    """Send a webhook. Without --data its body is made by the document.

    NAME is a webhook of a document or a profile, or OPERATION.CALLBACK. The result of each attempt is in the journal.
    """
    said: dict[str, Any] = {}
    if to is not None:
        said["to"] = to
    if after is not None:
        parse_duration(after)
        said["after"] = after
    if file is not None:
        said["data"] = parse(read(file, MAX_DATA), str(Path(file)))
    answer = remote.send_webhook(name, **said)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"{clean(answer['webhook'])} to {clean(answer['to'])} at {timestamp(answer['at'])}")


__all__ = ["webhook"]
