"""`--infer FILE` of the commands that see traffic: a document drafted from it, and what is said of that.

Must not know: where the traffic came from.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli.common import clean
from mockserver.cli.options import SavedFile

if TYPE_CHECKING:
    from mockserver.apis import Api
    from mockserver.upstream.recorded import Session

infer_option = click.option(
    "--infer",
    metavar="FILE",
    default="",
    type=SavedFile(dir_okay=False),
    help="Draft an OpenAPI 3.1 document from the traffic, as YAML or, for a .json file, as JSON.",
)


def infer(session: Session, file: str, server: str = "", quiet: bool = False) -> Api:
    """Write the document of a session, say so, and give the API that it makes. Raises UserError."""
    from mockserver.apis import Api
    from mockserver.upstream.drafts.document import draft
    from mockserver.upstream.folder import write_draft

    name = Path(file).stem
    drafted = draft(session, name, server)
    api = Api.from_openapi(drafted.document, name=name)
    is_new = write_draft(file, drafted)
    if not quiet:
        counts = f"{drafted.operations:,} operations from {drafted.exchanges:,} exchanges"
        click.echo(f"{clean(file)}: {counts}{'' if is_new else '; it was there already'}")
        for reason, count in drafted.left_out.items():
            click.echo(f"{count:,} left out of it: {clean(reason)}")
    return api


__all__ = ["infer", "infer_option"]
