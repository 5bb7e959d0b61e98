"""What the commands share: the options that name the server and the sandbox, and how they print.

What a person reads goes through `clean`, so that a recorded request cannot write escape sequences
to a terminal.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import orjson

from mockserver.admin.client import DEFAULT_URL, AdminClient, HTTPTransport
from mockserver.errors import UserError
from mockserver.messages import JSON
from mockserver.text.documents import read_text

Handler = Callable[..., None]


URL = click.option(
    "--url",
    default=DEFAULT_URL,
    envvar="MOCKSERVER_URL",
    show_default=True,
    show_envvar=True,
    metavar="URL",
    help="Address of the server.",
)
TOKEN = click.option(
    "--admin-token",
    default="",
    envvar="MOCKSERVER_ADMIN_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="Token of the admin API, if the server requires one.",
)
SANDBOX = click.option(
    "--sandbox",
    default="default",
    envvar="MOCKSERVER_SANDBOX",
    show_default=True,
    show_envvar=True,
    metavar="NAME",
    help="Name of the sandbox.",
)


def connected(command: Handler) -> Handler:
    """Give a command the options that name a server and a sandbox, and pass it the `AdminClient` of these."""

    @URL
    @TOKEN
    @SANDBOX
    @functools.wraps(command)
    def wrapped(url: str, admin_token: str, sandbox: str, **arguments: Any) -> None:
        command(AdminClient(HTTPTransport(url, admin_token), sandbox), **arguments)

    return wrapped


def connected_to_all(command: Handler) -> Handler:
    """Like `connected`, for a command that concerns all sandboxes."""

    @URL
    @TOKEN
    @functools.wraps(command)
    def wrapped(url: str, admin_token: str, **arguments: Any) -> None:
        command(AdminClient(HTTPTransport(url, admin_token)), **arguments)

    return wrapped


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(value: JSON) -> None:
    """Print a value for other programs."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def clean(value: object) -> str:
    """Text for a terminal: control characters escaped."""
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def brief(value: JSON, room: int = 200) -> str:
    """A text, or a JSON value, on one line and clipped."""
    text = clean(value if isinstance(value, str) else orjson.dumps(value).decode())
    return text if len(text) <= room else text[: room - 1] + "…"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows in columns under a head."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def parse_json(text: str, what: str) -> JSON:
    """The value of a JSON text; `what` names the text in messages. Raises UserError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{what} is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None


def pairs(texts: tuple[str, ...], option: str) -> dict[str, JSON]:
    """`NAME=VALUE` options as an object. Raises UserError."""
    values: dict[str, JSON] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UserError(f"{option} {text!r} has no name or no value; write {option} NAME=VALUE")
        values[name] = value
    return values


def read(path: str, limit: int) -> str:
    """The text of a UTF-8 file of at most `limit` bytes; `-` is standard input."""
    if path != "-":
        return read_text(Path(path), limit)
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise UserError(f"standard input: is larger than {limit:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("standard input: is not UTF-8") from None


def source_name(path: str) -> str:
    """The name of a file in messages; `-` is standard input."""
    return "standard input" if path == "-" else path


def number(value: float) -> str:
    """A number as a person writes it: no exponent, no needless zeros."""
    return str(int(value)) if float(value).is_integer() else f"{value:.6f}".rstrip("0")
