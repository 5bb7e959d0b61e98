"""`mockserver diff`: what changed between two documents, and whom it breaks."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from mockserver.cli import completers
from mockserver.cli.accepted import Accepted, read_accepted
from mockserver.cli.report_files import FORMATS
from mockserver.cli.reports import DIFF, Report
from mockserver.cli.touched import Touched
from mockserver.errors import UserError


@click.command()
@click.argument("old", shell_complete=completers.files)
@click.argument("new", shell_complete=completers.files)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="Output.")
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "risky"]),
    default="breaking",
    show_default=True,
    help="Exit with 1 for changes of this level and worse.",
)
@click.option(
    "--accepted",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of accepted changes and of levels of rules.",
)
@click.option(
    "--used",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Only what concerns a client: a file of its uses, or a Pact file. Repeatable.",
)
@click.option(
    "--touches",
    "touched",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PATH",
    help="Tell which exchange files, scenarios and tests in a file or folder use what changed. Repeatable.",
)
@click.option("--breaking-only", is_flag=True, help="Show only changes that break.")
@click.option("--allow-remote-refs", is_flag=True, help="Fetch documents that an http or https URL names.")
def diff(
    old: str,
    new: str,
    form: str,
    fail_on: str,
    accepted: Path | None,
    used: tuple[Path, ...],
    touched: tuple[Path, ...],
    breaking_only: bool,
    allow_remote_refs: bool,
) -> None:
    """Compare two OpenAPI documents.

    OLD and NEW are files, files of a git revision as REVISION:PATH, or URLs.

    \b
    breaking  a request that was accepted may now be rejected, or a response
              may now hold what it could not hold before
    risky     the document cannot tell
    safe      everything else

    \b
    Exit code: 0 nothing breaks, 1 something does, 2 wrong usage,
    3 a document cannot be read or a part of it not compared.

    \b
    mockserver diff old.yaml new.yaml
    mockserver diff main:openapi.yaml openapi.yaml
    mockserver diff --format markdown main:openapi.yaml openapi.yaml
    mockserver diff --used client.uses.yaml main:openapi.yaml openapi.yaml
    mockserver diff --touches tests main:openapi.yaml openapi.yaml
    """
    from mockserver.clock import Clock
    from mockserver.contract.diff.operations import differences
    from mockserver.contract.diff.rules import RULES
    from mockserver.contract.diff.used import IN_USE, Uses
    from mockserver.contract.diff.uses import read_uses

    uses = [use for file in used for use in read_uses(file)]
    terms = read_accepted(accepted, DIFF.levels, RULES) if accepted is not None else Accepted()
    from mockserver.cli.revisions import load

    try:
        before, after = load(old, allow_remote_refs), load(new, allow_remote_refs)
    except UserError as error:
        click.echo(f"mockserver: {error}", err=True)
        sys.exit(3)
    changes = differences(before, after)
    concerned = Uses(uses, before, after) if used else None
    chosen = changes if concerned is None else concerned.concerned(changes)
    today = datetime.fromtimestamp(Clock().now(), UTC).date()
    findings, notes = terms.apply(chosen, today), terms.notes(chosen, today)
    unchecked = [fault.reason for contract in (before, after) for fault in contract.faults if fault.severity == "error"]
    if concerned is not None:
        unchecked += concerned.unknown
        others = len(changes) - sum(finding.rule != IN_USE for finding in chosen)
        notes.append(f"{others:,} of {len(changes):,} changes concern none of the {len(uses):,} uses")
    if touched:
        look = Touched(touched, (before, after))
        findings = look.told(findings)
        broken = [finding for finding in findings if finding.level == "breaking" and not finding.accepted]
        used_here = sum(bool(finding.touches) for finding in broken)
        notes.append(f"{used_here:,} of {len(broken):,} breaking changes touch one of {look.files:,} files")
    failing = [finding for finding in findings if finding.level in _LEVELS_OF[fail_on] and not finding.accepted]
    if breaking_only:
        findings = [finding for finding in findings if finding.level == "breaking"]
    title = f"{old} -> {new}"
    reasons = {title: list(dict.fromkeys(unchecked))} if unchecked else {}
    click.echo(FORMATS[form](Report(DIFF, title, {title: findings}, reasons, notes, tells_fingerprints=True)))
    sys.exit(3 if unchecked else 1 if failing else 0)


_LEVELS_OF = {"breaking": ("breaking",), "risky": ("breaking", "risky")}
"""Levels that fail, by the value of `--fail-on`."""

__all__ = ["diff"]
