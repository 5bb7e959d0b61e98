"""`mockserver conform`: a real server against its contract. It reads, prints and writes; the work is in `conform`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockserver.cli.accepted import Accepted, read_accepted
from mockserver.cli.common import pairs
from mockserver.cli.options import Duration, GroupedCommand, Key, RateLimit
from mockserver.cli.report_files import FORMATS
from mockserver.cli.reports import CONFORM, Report
from mockserver.errors import UserError

if TYPE_CHECKING:
    from mockserver.conform.check import Tell
    from mockserver.messages import Limit


class _Option(click.Option):
    """An option under a heading."""

    def __init__(self, *args: object, group: str, **keywords: object) -> None:
        super().__init__(*args, **keywords)  # type: ignore[arg-type]
        self.group = group


_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PATH = click.Path(path_type=Path, dir_okay=False)
_PATHS = click.Path(path_type=Path, exists=True)
_server = partial(click.option, cls=_Option, group="The server")
_sent = partial(click.option, cls=_Option, group="What is sent")
_reported = partial(click.option, cls=_Option, group="What is reported")


@click.command(cls=GroupedCommand)
@click.argument("api")
@_server("--url", required=True, metavar="URL", help="The real server. Its path takes the place of the document's own.")
@_server(
    "--api-key",
    default="",
    type=Key(),
    envvar="MOCKSERVER_CONFORM_API_KEY",
    metavar="KEY",
    help="Key to send where the document says. [MOCKSERVER_CONFORM_API_KEY]",
)
@_server("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Further header. It is a secret. Repeatable.")
@_server("--upstream-ca", default="", metavar="FILE", help="Authorities to trust instead of the system's, in PEM.")
@_server("--client-cert", default="", metavar="FILE", help="Certificate to show to the server, in PEM.")
@_server("--client-key", default="", metavar="FILE", help="Its key, where --client-cert does not hold it.")
@_server("--upstream-proxy", default="", metavar="URL", help="HTTP proxy on the way to the server.")
@_server("--timeout", default="30s", type=Duration(positive=True), help="Time for one response. [default: 30s]")
@_server(
    "--rate", type=RateLimit(), metavar="LIMIT", help="Most requests, as 10/1s; the server's own limit counts too."
)
@_server("--max-wait", default="60s", type=Duration(), help="Longest wait that the server may ask for. [default: 60s]")
@_sent(
    "--overlay",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Overlay to apply first. Repeatable.",
)
@_sent(
    "--value",
    "values",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of a path variable or a parameter.",
)
@_sent("--exchanges", multiple=True, type=_PATHS, metavar="PATH", help="Exchange file or folder to send instead.")
@_sent(
    "--journal",
    "journals",
    multiple=True,
    type=_PATH,
    metavar="FILE",
    help="Output of `mockserver journal --json` to send.",
)
@_sent("--allow-writes", is_flag=True, help="Make, change and delete rows of our own; they are removed.")
@_sent("--skip", multiple=True, metavar="OPERATION", help="Operation to leave alone: an id, 'GET /path', or a pattern.")
@_sent("--sample", type=click.IntRange(1), metavar="N", help="Send N cases, chosen by --seed.")
@_sent("--seed", type=int, default=0, metavar="N", help="What --sample chooses by. [default: 0]")
@_sent("--resume", type=_PATH, metavar="FILE", help="Keep answers here, and go on from them after a stop.")
@_sent("--probes/--no-probes", default=True, help="Send requests that must be rejected too. [default: on]")
@_reported("--twin/--no-twin", default=True, help="Compare the twin too. [default: on]")
@_reported("--ignore", "ignored", multiple=True, metavar="POINTER", help="Place not to compare, such as /items/*/at.")
@_reported(
    "--compare",
    "compared",
    multiple=True,
    metavar="POINTER",
    help="Place that is compared although answers differ there.",
)
@_reported("--format", "form", type=click.Choice(list(FORMATS)), default="text", help="Output. [default: text]")
@_reported(
    "--accepted",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of accepted findings and of levels of rules.",
)
@_reported(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="warning",
    help="Exit with 1 for these and worse. [default: warning]",
)
@_reported(
    "--write-overlay",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write an Overlay that corrects the contract.",
)
def conform(
    api: str,
    url: str,
    api_key: str,
    headers: tuple[str, ...],
    upstream_ca: str,
    client_cert: str,
    client_key: str,
    upstream_proxy: str,
    timeout: float,
    rate: Limit | str | None,
    max_wait: float,
    overlay: tuple[Path, ...],
    values: tuple[str, ...],
    exchanges: tuple[Path, ...],
    journals: tuple[Path, ...],
    allow_writes: bool,
    skip: tuple[str, ...],
    sample: int | None,
    seed: int,
    resume: Path | None,
    probes: bool,
    twin: bool,
    ignored: tuple[str, ...],
    compared: tuple[str, ...],
    form: str,
    accepted: Path | None,
    fail_on: str,
    write_overlay: Path | None,
) -> None:
    """Compare a real server with its contract.

    API is an OpenAPI file, a bundled name, or whatever --api of serve takes. Good requests and requests that must be
    rejected are sent to each operation that only reads, to the server and to the twin. The document validates the
    responses: status, headers, members, types, formats, errors, pages, rate limits. Differences of one cause are one
    finding, with the smallest example and with what an OpenAPI Overlay would do about it. No redirect is followed, and
    no key is printed or written.

    \b
    Exit code: 0 nothing found, 1 findings, 2 wrong usage,
    3 something could not be checked.

    \b
    mockserver conform openapi.yaml --url https://api.example.com
    mockserver conform datagrid --url http://127.0.0.1:4010 --api-key KEY
    mockserver conform api.yaml --url http://localhost --write-overlay my.yaml
    mockserver conform api.yaml --url http://localhost --overlay my.yaml
    mockserver conform api.yaml --url https://api.example.com --exchanges recorded
    mockserver conform api.yaml --url https://api.example.com --sample 50 --seed 7
    """
    from mockserver.clock import Clock
    from mockserver.conform.check import Terms, check, load, operations
    from mockserver.conform.rules import RULES
    from mockserver.text.documents import write_whole
    from mockserver.upstream.target import target_of

    terms = read_accepted(accepted, CONFORM.levels, RULES) if accepted is not None else Accepted()
    target = target_of(
        url, ca=upstream_ca, certificate=client_cert, key=client_key, proxy=upstream_proxy, option="--url"
    )
    if rate == "vendor":
        raise UserError("--rate: write a limit such as 10/1s; the server's own limit counts without being named")
    subject = load(api, overlay)
    options = Terms(
        target,
        key=api_key,
        headers=_headers(headers),
        seconds=timeout,
        limit=None if isinstance(rate, str) else rate,
        most_wait=max_wait,
        values=pairs(values, "--value"),
        probes=probes,
        mend=write_overlay is not None,
        exchanges=exchanges,
        journals=journals,
        ignored=_pointers(ignored, "--ignore"),
        compared=_pointers(compared, "--compare"),
        allow_writes=allow_writes,
        skipped=operations(subject, skip),
        twin=twin,
        sample=sample or 0,
        seed=seed,
        resume=resume,
        subject=f"{api} {overlay} {probes} {exchanges} {journals} {sample} {seed} {values}",
        warn=lambda text: click.echo(f"mockserver: {text}", err=True),
    )
    with _progress() as tell:
        found = check(subject, options, tell)
    today = datetime.fromtimestamp(Clock().now(), UTC).date()
    findings, notes = terms.apply(found.findings, today), [*found.notes, *terms.notes(found.findings, today)]
    if write_overlay is not None and found.overlay:
        write_whole(write_overlay, found.overlay.encode())
        count = f"{found.actions:,} action{'s' if found.actions != 1 else ''}"
        notes.append(f"{write_overlay}: {count}; with --overlay {write_overlay} nothing is left")
    elif write_overlay is not None:
        notes.append(f"{write_overlay}: not written, for there is nothing to correct")
    title = f"{target.url} as {api}"
    reasons = {title: found.unchecked} if found.unchecked else {}
    report = Report(CONFORM, title, {title: findings}, reasons, notes, tells_fingerprints=True)
    click.echo(FORMATS[form](report))
    sys.exit(_exit_code(report, fail_on))


def _exit_code(report: Report, fail_on: str) -> int:
    if report.unchecked:
        return 3
    counts = report.counts
    return 1 if counts["error"] or (fail_on == "warning" and counts["warning"]) else 0


def _pointers(given: tuple[str, ...], option: str) -> tuple[str, ...]:
    for pointer in given:
        if not pointer.startswith("/"):
            raise UserError(f"{option}: {pointer!r} is no pointer; write it like /items/*/created_at")
    return given


def _headers(given: tuple[str, ...]) -> dict[str, str]:
    """Headers by lower-case name. What may be a secret is not repeated in a message."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not _NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
            raise UserError("--header: write NAME=VALUE, such as 'X-Tenant=acme'; the value is printable ASCII")
        found[name.lower()] = value
    return found


@contextmanager
def _progress() -> Iterator[Tell]:
    """What is told of every case: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with click.progressbar(length=1, label="conform", file=sys.stderr, show_pos=True) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield tell


__all__ = ["conform"]
