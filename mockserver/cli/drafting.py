"""`--infer FILE` of the commands that see traffic: a document drafted from it, and what is said of that.

Must not know: where the traffic came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mockserver.cli.common import clean
from mockserver.cli.options import SavedFile

if TYPE_CHECKING:
    from mockserver.upstream.folder import DraftFile

infer_option = click.option(
    "--infer",
    metavar="FILE",
    default="",
    type=SavedFile(dir_okay=False),
    help="Draft an OpenAPI 3.1 document from the traffic, as YAML or, for a .json file, as JSON.",
)


def print_draft(file: str, draft: DraftFile) -> None:
    """Say what was drafted, and what was left out."""
    drafted = draft.drafted
    counts = f"{drafted.operations:,} operations from {drafted.exchanges:,} exchanges"
    click.echo(f"{clean(file)}: {counts}{'' if draft.is_new else '; it was there already'}")
    for reason, count in drafted.left_out.items():
        click.echo(f"{count:,} left out of it: {clean(reason)}")


__all__ = ["infer_option", "print_draft"]
