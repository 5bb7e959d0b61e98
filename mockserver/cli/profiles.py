"""`mockserver init` and `mockserver explain`: what a document is taken to mean, as a profile and as a table."""

from __future__ import annotations

import os
from pathlib import Path

import click

from mockserver.cli import completers
from mockserver.errors import UserError, did_you_mean


@click.command()
@click.argument("file", type=click.Path(dir_okay=False), shell_complete=completers.apis)
@click.option("--out", type=click.Path(dir_okay=False), help="File to write.  [default: NAME.mock.yaml beside FILE]")
@click.option("--force", is_flag=True, help="Replace a profile that exists.")
def init(file: str, out: str | None, force: bool) -> None:
    """Write a profile of an OpenAPI document.

    The profile says everything that was concluded from the document: which operations create, list, read and change
    which rows, where ids stand, how lists are paged. Each line ends with the reason. Edit it and serve it.

    \b
    mockserver init openapi.yaml
    mockserver serve openapi.mock.yaml
    """
    from mockserver.apis import load_api
    from mockserver.apis.profiles.write import profile_text
    from mockserver.text.documents import write_whole

    document = Path(file)
    target = Path(out) if out else document.parent / f"{document.name.partition('.')[0]}.mock.yaml"
    if target.exists() and not force:
        raise UserError(f"{target} exists; --force replaces it, --out writes another file")
    api = load_api(file)
    contract = os.path.relpath(document.resolve(), target.resolve().parent).replace(os.sep, "/")
    write_whole(target, profile_text(api, contract).encode())
    number = len(api.resources)
    click.echo(f"{target}: {number} {'resource' if number == 1 else 'resources'}; serve it with")
    click.echo(f"  mockserver serve {target}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False), shell_complete=completers.apis)
@click.argument("operation", required=False, default="")
def explain(file: str, operation: str) -> None:
    """Print what a document or a profile is taken to mean.

    Prints the resources with their operations, ids, lists and pages, each with the reason, and the operations that are
    answered with samples. OPERATION narrows that to one operation.
    """
    from mockserver.apis import load_api
    from mockserver.apis.profiles.write import table

    api = load_api(file)
    known = api.contract.operations
    if operation and operation not in known:
        raise UserError(f"the document has no operation {operation!r}{did_you_mean(operation, known)}")
    click.echo(table(api, operation))


__all__ = ["explain", "init"]
