"""`mockserver record`: the journal of a running server as exchange files and scenarios. It reads, writes and prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mockserver.admin.client import AdminClient
from mockserver.cli.common import clean, connected, json_option, print_json
from mockserver.cli.drafting import infer_option, print_draft
from mockserver.cli.options import ListItem

if TYPE_CHECKING:
    from mockserver.upstream.folder import Written


replace_option = click.option(
    "--replace",
    multiple=True,
    type=ListItem(),
    metavar="MEMBER",
    help="Further member whose values are replaced, such as user_id. Repeatable.",
)
"""What every command that writes exchange files takes."""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--name", default="recorded", show_default=True, metavar="NAME", help="Name of the scenario.")
@replace_option
@infer_option
@json_option
@connected
def record(remote: AdminClient, folder: str, name: str, replace: tuple[str, ...], infer: str, as_json: bool) -> None:
    """Write what a server recorded as exchange files and a scenario.

    The server is a `mockserver proxy` before the real API, or a `mockserver serve`. Exchanges of the same kind become
    one file. Keys, tokens, e-mail addresses and personal data are replaced, each by the same value everywhere. Another
    run writes only what is new. With several APIs there is a scenario for each. --infer drafts an OpenAPI document;
    where the server has none, the scenario is for that.

    \b
    mockserver record recorded --replace user_id
    mockserver serve datagrid --scenario recorded/recorded.yaml
    mockserver record recorded --infer openapi.yaml
    """
    from mockserver.testing.recording import record as write

    written, draft = write(remote, folder, name=name, replace=replace, infer=infer)
    if as_json:
        print_json(written.as_json())
        return
    if draft is not None:
        print_draft(infer, draft)
    print_written(written, folder)


def print_written(result: Written, folder: str, tells_operations: bool = True) -> None:
    """Say what was written, and what was left out."""
    written = len(result.written)
    click.echo(f"{result.exchanges:,} exchanges, {result.files:,} files in {clean(folder)}: {written:,} written")
    if result.replaced:
        click.echo(f"{result.replaced:,} values replaced")
    if result.without_operation and tells_operations:
        click.echo(f"{result.without_operation:,} exchanges have no operation and are in no scenario")
    for reason, count in result.left_out.items():
        click.echo(f"{count:,} left out: {clean(reason)}")


__all__ = ["print_written", "record"]
