"""`mockserver proxy`: the options of the upstream beside those of `serve`. It knows how they are written, no more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.cli import completers
from mockserver.cli.drafting import infer_option, print_draft
from mockserver.cli.options import Duration, GroupedCommand, ListItem, SavedFile, setting_options
from mockserver.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from mockserver.cli.accepted import Accepted
    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.settings import Settings
    from mockserver.upstream.drift import Drift

_FORMS = ("text", "json", "junit", "sarif", "markdown", "github")


class UpstreamOption(click.Option):
    """An option about the upstream. None of them is read from the environment."""

    group = "Upstream"


_option = partial(click.option, cls=UpstreamOption)


@click.command(cls=GroupedCommand)
@click.argument("documents", nargs=-1, metavar="[API]...", shell_complete=completers.apis)
@_option("--upstream", required=True, metavar="URL", help="The real API: http:// or https://, a host, perhaps a path.")
@_option(
    "--twin",
    multiple=True,
    type=ListItem(),
    metavar="OPERATION",
    help="Operation that the twin answers: an operationId, 'GET /path', or a pattern such as 'Memory.*'. Repeatable.",
)
@_option("--upstream-ca", default="", metavar="FILE", help="Authorities to trust instead of the system's, in PEM.")
@_option("--client-cert", default="", metavar="FILE", help="Certificate to show to the upstream, in PEM.")
@_option("--client-key", default="", metavar="FILE", help="Its key, where --client-cert does not hold it.")
@_option("--upstream-proxy", default="", metavar="URL", help="HTTP proxy on the way to the upstream.")
@_option("--connect-timeout", default="10s", type=Duration(positive=True), help="Time to connect. [default: 10s]")
@_option(
    "--upstream-timeout",
    default="60s",
    type=Duration(positive=True),
    help="Time that the upstream may say nothing. [default: 60s]",
)
@_option(
    "--report",
    "reports",
    multiple=True,
    type=ListItem(),
    metavar="FORM[=FILE]",
    help=f"Report at the end what broke the contract, as {', '.join(_FORMS)}; the exit code then says it. Repeatable.",
)
@_option("--accepted", type=SavedFile(exists=True, dir_okay=False), help="File of accepted findings, for --report.")
@infer_option
@setting_options
def proxy(
    documents: tuple[str, ...],
    upstream: str,
    twin: tuple[str, ...],
    upstream_ca: str,
    client_cert: str,
    client_key: str,
    upstream_proxy: str,
    connect_timeout: float,
    upstream_timeout: float,
    reports: tuple[str, ...],
    accepted: str | None,
    infer: str,
    **settings: Any,
) -> None:
    """Stand before the real API and check both sides.

    Not a byte is changed: headers, bodies and streams go through as they came. What breaks the contract is in the
    journal with its side, and in the console, `mockserver watch` and the log. Without an API nothing is checked;
    --infer then drafts a document from what passed.

    \b
    Exit code with --report: 0 nothing broke the contract, 1 something did,
    2 wrong usage, 3 something could not be checked, or no response came.

    \b
    mockserver proxy --upstream https://api.example.com openapi.yaml
    mockserver proxy --upstream https://api.example.com datagrid --twin 'Memory.*'
    mockserver proxy --upstream http://127.0.0.1:8000 datagrid --scenario brownout
    mockserver proxy --upstream http://localhost shop --report junit=drift.xml
    mockserver proxy --upstream http://127.0.0.1:8000 --infer openapi.yaml
    """
    from mockserver.cli.accepted import Accepted, read_accepted
    from mockserver.cli.reports import CHECK
    from mockserver.server.proxied import ProxyTerms, bare_api, create_proxy_app
    from mockserver.server.run import serve
    from mockserver.settings import Settings
    from mockserver.upstream.connection import Patience
    from mockserver.upstream.drift import Drift
    from mockserver.upstream.target import target_of

    settings["apis"] = (*settings["apis"], *documents)
    target = target_of(upstream, ca=upstream_ca, certificate=client_cert, key=client_key, proxy=upstream_proxy)
    forms = [_form(text) for text in reports]
    if forms and not settings["apis"]:
        raise UserError("--report compares with a contract; name an API, or leave --report out")
    acceptance = read_accepted(Path(accepted), CHECK.levels) if accepted else Accepted()
    drift = Drift()
    terms = ProxyTerms(target, Patience(connect_timeout, upstream_timeout), twin, drift)
    made: list[Pipeline] = []

    def make(asked: Settings, pipeline: Pipeline, admin: bool) -> Any:
        made.append(pipeline)
        return create_proxy_app(terms, asked, pipeline, admin)

    serve(Settings(**settings), make, () if settings["apis"] else (bare_api(),))
    if infer and made:
        _infer(made[0], infer, target.url)
    if forms:
        sys.exit(_report(drift, forms, acceptance, f"{', '.join(settings['apis'])} against {target.url}"))


def _form(text: str) -> tuple[str, str]:
    """The form of a report, and the file that it goes to. Raises UserError."""
    form, _, file = text.partition("=")
    if form not in _FORMS:
        raise UserError(f"--report {text}: there is no form {form!r}{did_you_mean(form, _FORMS)}")
    if file and not Path(file).absolute().parent.is_dir():
        raise UserError(f"--report {text}: there is no folder {str(Path(file).parent)!r}")
    return form, file


def _report(drift: Drift, forms: Sequence[tuple[str, str]], terms: Accepted, title: str) -> int:
    """Write what was found, and say how it ends."""
    from datetime import UTC, datetime

    from mockserver.cli.report_files import FORMATS
    from mockserver.cli.reports import CHECK, Report
    from mockserver.clock import Clock
    from mockserver.text.documents import write_whole

    today = datetime.fromtimestamp(Clock().now(), UTC).date()
    found, unchecked = drift.findings, drift.unchecked
    findings, notes = terms.apply(found, today), terms.notes(found, today)
    report = Report(
        CHECK, title, {title: findings}, {title: unchecked} if unchecked else {}, notes, tells_fingerprints=True
    )
    for form, file in forms:
        text = FORMATS[form](report)
        if file:
            write_whole(Path(file), f"{text}\n".encode())
        else:
            click.echo(text)
    return 3 if unchecked else 1 if report.counts["error"] else 0


def _infer(pipeline: Pipeline, file: str, server: str) -> None:
    """Draft a document from the journal."""
    from mockserver.admin.views import entry_view
    from mockserver.journal.entries import decode_all
    from mockserver.upstream.folder import write_draft
    from mockserver.upstream.recorded import session_of

    entries = decode_all(pipeline.sandbox.store.entries())
    session = session_of((entry_view(exchange, None) for exchange in entries), pipeline.apis)
    if not session.exchanges:
        raise UserError(f"{file}: is not written, for nothing passed that a document could be drafted from")
    print_draft(file, write_draft(file, session, server))
