"""`mockserver docs`: a page for every endpoint of an API, with requests that were executed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mockserver.cli import completers
from mockserver.errors import UserError


@click.command()
@click.argument("api", shell_complete=completers.apis)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the pages.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mdx", "md", "html"]),
    default="mdx",
    show_default=True,
    help="Format of the pages.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 and print the difference if pages are stale.")
def docs(api: str, out: Path, form: str, check: bool) -> None:
    """Write a page for every endpoint of an API.

    API is an OpenAPI file, a profile, a bundled name, or whatever `serve` takes. Every request on a page was
    executed in a sandbox, and every response is the one that it got, validated by the contract. The same contract
    always gives the same pages.

    \b
    Exit code: 0 written, or nothing to write; 1 stale pages with --check;
    2 wrong usage, or an API that cannot be loaded.

    \b
    mockserver docs openapi.yaml --out docs/api
    mockserver docs openapi.yaml --out docs/api --check
    mockserver docs datagrid --out site --format html
    """
    from mockserver.apis import load_api
    from mockserver.console.endpoint_pages.site import EndpointPages
    from mockserver.console.endpoint_pages.written import differences, files, write

    loaded = load_api(api)
    if not loaded.contract.operations:
        raise UserError(f"{loaded.name}: the contract has no operation, so there is no page to write")
    pages = EndpointPages(loaded)
    made = files(pages, form)  # type: ignore[arg-type]
    failed = list(pages.failed())
    for operation, why in failed:
        click.echo(f"mockserver: {loaded.name}: {operation}: no request was found that succeeds: {why}", err=True)
    count = len(loaded.contract.operations)
    told = f"{loaded.name}: {count} operations, {count + 1} pages, {pages.runner.executed} requests executed"
    if check:
        found = list(differences(made, out, form))  # type: ignore[arg-type]
        for difference in found:
            click.echo(difference)
        stale = f"{len(found)} of {out} {'is' if len(found) == 1 else 'are'} stale" if found else "nothing is stale"
        click.echo(f"{told}; {stale}", err=bool(found))
        if found:
            again = f"mockserver docs {api} --out {out}" + (f" --format {form}" if form != "mdx" else "")
            click.echo(f"write them again: {again}", err=True)
            sys.exit(1)
        return
    changed = write(made, out, form)  # type: ignore[arg-type]
    click.echo(f"{told}; {len(changed)} files changed in {out}")


__all__ = ["docs"]
