"""`mockserver completion`: the script by which a shell completes commands, options, names and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mockserver.errors import UserError

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    It completes commands, options, values, the names of bundled APIs and scenarios, and files. bash must be 4.4 or
    newer.

    \b
    eval "$(mockserver completion bash)"
    mockserver completion zsh > "${fpath[1]}/_mockserver"
    mockserver completion fish > ~/.config/fish/completions/mockserver.fish
    """
    made = get_completion_class(shell)
    if made is None:
        raise UserError(f"this version of click has no completion for {shell}")
    click.echo(made(ctx.find_root().command, {}, "mockserver", "_MOCKSERVER_COMPLETE").source())
