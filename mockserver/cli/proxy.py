"""`mockserver proxy`: the options of the upstream beside those of `serve`. It knows how they are written, no more."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from mockserver.cli import completers
from mockserver.cli.options import Duration, GroupedCommand, ListItem, setting_options


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
    **settings: Any,
) -> None:
    """Stand before the real API and check both sides.

    Not a byte is changed: headers, bodies and streams go through as they came. What breaks the contract is in the
    journal with its side, and in the console, `mockserver watch` and the log. Without an API nothing is checked.

    \b
    mockserver proxy --upstream https://api.example.com openapi.yaml
    mockserver proxy --upstream https://api.example.com datagrid --twin 'Memory.*'
    mockserver proxy --upstream http://127.0.0.1:8000 datagrid --scenario brownout
    """
    from mockserver.server.proxied import ProxyTerms, bare_api, create_proxy_app
    from mockserver.server.run import serve
    from mockserver.settings import Settings
    from mockserver.upstream.connection import Patience
    from mockserver.upstream.target import target_of

    settings["apis"] = (*settings["apis"], *documents)
    target = target_of(upstream, ca=upstream_ca, certificate=client_cert, key=client_key, proxy=upstream_proxy)
    terms = ProxyTerms(target, Patience(connect_timeout, upstream_timeout), twin)
    serve(Settings(**settings), partial(create_proxy_app, terms), () if settings["apis"] else (bare_api(),))
