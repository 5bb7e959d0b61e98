"""Shows a help text that is longer than the terminal page by page, as `git help` does. Knows no command."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Iterator

import click

HELP = {"--help", "-h"}


@contextlib.contextmanager
def paged(arguments: list[str]) -> Iterator[None]:
    """Send what is printed meanwhile through the pager when it is help, and longer than the terminal."""
    if not HELP.intersection(arguments) or not sys.stdout.isatty():
        yield
        return
    written = io.StringIO()
    try:
        with contextlib.redirect_stdout(written):
            yield
    finally:
        text = written.getvalue()
        if text.count("\n") >= shutil.get_terminal_size().lines:
            click.echo_via_pager(text)
        else:
            click.echo(text, nl=False)
