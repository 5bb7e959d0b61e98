"""`mockserver import`: exchanges that other tools wrote down, as exchange files and scenarios.

It reads, writes and prints.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli.common import clean, json_option, pairs, print_json
from mockserver.cli.drafting import infer_option, print_draft
from mockserver.cli.options import ListItem
from mockserver.cli.record import print_written, replace_option
from mockserver.errors import UserError
from mockserver.text.documents import DocumentError

if TYPE_CHECKING:
    from mockserver.messages import Exchange
    from mockserver.upstream.traffic.seen import Seen

MAX_HOSTS = 10
"""Hosts that a message names."""
_FORMATS = ("har", "postman", "vcr", "wiremock")


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True))
@click.option("--out", default="imported", show_default=True, metavar="FOLDER", help="Where the files are written.")
@click.option("--api", "apis", multiple=True, type=ListItem(), help="API that the exchanges are of. Repeatable.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="What the files are, instead of a look into them.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    type=ListItem(),
    metavar="HOST",
    help="Host whose exchanges are taken, or a pattern such as '*.example.com'. Repeatable.",
)
@click.option(
    "--variable", multiple=True, metavar="NAME=VALUE", help="Value of a variable of a Postman collection. Repeatable."
)
@click.option("--name", default="imported", show_default=True, metavar="NAME", help="Name of the scenario.")
@replace_option
@infer_option
@json_option
def import_command(
    files: tuple[str, ...],
    out: str,
    apis: tuple[str, ...],
    form: str | None,
    hosts: tuple[str, ...],
    variable: tuple[str, ...],
    name: str,
    replace: tuple[str, ...],
    infer: str,
    as_json: bool,
) -> None:
    """Turn recordings of other tools into exchange files.

    FILE is an HTTP Archive (HAR), a Postman collection (v2.0, v2.1) with saved responses, a cassette of VCR (Python's
    or Ruby's, YAML or JSON), a file of WireMock mappings, or a folder of them. What is written is what `mockserver
    record` writes: exchanges of the same kind become one file, keys, tokens, e-mail addresses and personal data are
    replaced, and another run writes only what is new. With --api both sides are checked, and there is a scenario.
    --infer drafts an OpenAPI document; where there is no other, the scenario is for that.

    \b
    Exit code: 0 written, 2 wrong usage, 3 a file cannot be read,
    or holds no exchange that can be written. Then nothing is written.

    \b
    mockserver import session.har --api openapi.yaml --host api.example.com
    mockserver import session.har --infer openapi.yaml
    mockserver import tests/cassettes --out exchanges --replace user_id
    """
    from mockserver.upstream.folder import write_draft, write_session
    from mockserver.upstream.recorded import placed

    try:
        seen, left_out = _read(files, form, pairs(variable, "--variable"), hosts)
        pipeline = _pipeline(apis)
        session = _session(pipeline, seen, replace)
    except DocumentError as error:
        click.echo(f"mockserver: {error}", err=True)
        sys.exit(3)
    for reason, count in left_out.items():
        session.left_out[reason] = session.left_out.get(reason, 0) + count
    if not session.exchanges:
        left = "".join(f"; {count:,} left out: {clean(reason)}" for reason, count in session.left_out.items())
        click.echo(f"mockserver: {clean(files[0])}: there is no exchange that can be written{left}", err=True)
        sys.exit(3)
    known = pipeline.apis
    if infer:
        draft = write_draft(infer, session)
        if not as_json:
            print_draft(infer, draft)
        if not apis:
            session, known = placed(session, draft.api), {draft.api.name: draft.api}
    written = write_session(out, name, session, known)
    if as_json:
        print_json(written.as_json())
    else:
        print_written(written, out, tells_operations=bool(apis or infer))


def _read(
    files: tuple[str, ...], form: str | None, variables: dict[str, Any], hosts: tuple[str, ...]
) -> tuple[list[Seen], dict[str, int]]:
    """The exchanges that are taken, and what was left out. Raises UserError."""
    from mockserver.upstream.traffic.formats import MAX_EXCHANGES, files_of, read_file
    from mockserver.upstream.traffic.seen import Reading

    reading = Reading(variables=variables)
    found: list[Seen] = []
    for path in files_of(files):
        for one in read_file(path, reading, form or ""):
            if hosts and one.host and not _is_meant(one.host, hosts):
                reading.leave_out("the host is another one")
            elif len(found) == MAX_EXCHANGES:
                reading.leave_out(f"beyond the first {MAX_EXCHANGES:,}")
            else:
                found.append(one)
    counts = Counter(one.host for one in found if one.host)
    if len(counts) > 1 and not hosts:
        told = ", ".join(f"{clean(host)} ({count:,})" for host, count in counts.most_common(MAX_HOSTS))
        more = f", and {len(counts) - MAX_HOSTS:,} more" if len(counts) > MAX_HOSTS else ""
        raise UserError(f"the files hold exchanges with several hosts; name those to take with --host: {told}{more}")
    return found, reading.left_out


def _is_meant(host: str, patterns: Iterable[str]) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return any(fnmatchcase(host, pattern.lower()) or fnmatchcase(name, pattern.lower()) for pattern in patterns)


def _pipeline(apis: tuple[str, ...]) -> Any:
    from mockserver.pipeline.build import build
    from mockserver.server.proxied import bare_api
    from mockserver.settings import Settings

    return build(Settings(apis=apis), () if apis else (bare_api(),))


def _session(pipeline: Any, seen: Iterable[Seen], replace: tuple[str, ...]) -> Any:
    from mockserver.admin.views import entry_view
    from mockserver.upstream.recorded import session_of

    return session_of((entry_view(exchange, None) for exchange in _heard(pipeline, seen)), pipeline.apis, replace)


def _heard(pipeline: Any, seen: Iterable[Seen]) -> Iterator[Exchange]:
    from mockserver.pipeline.heard import hear, request_from

    for one in seen:
        request = request_from(one.method, one.path, one.query, one.headers, one.body)
        yield hear(pipeline, request, one.status, one.answer_headers, one.answer)


__all__ = ["import_command"]
