"""`mockserver mcp`: gives an agent tools for a running server."""

from __future__ import annotations

import click

from mockserver.admin.client import AdminClient, HTTPTransport
from mockserver.cli.common import SANDBOX, TOKEN, URL
from mockserver.errors import UserError


class _Address(click.ParamType):  # type: ignore[type-arg]
    name = "[HOST:]PORT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, _, port = str(value).rpartition(":")
        if not (port.isascii() and port.isdecimal() and int(port) < 65536):
            self.fail(f"{value!r} is not an address; write a port, or a host and a port: 127.0.0.1:4011", param, ctx)
        return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


@click.command()
@URL
@TOKEN
@SANDBOX
@click.option("--http", "address", type=_Address(), help="Serve over streamable HTTP at this address, not on stdio.")
def mcp(url: str, admin_token: str, sandbox: str, address: tuple[str, int] | None) -> None:
    """Give agents tools for a running server, over MCP.

    MCP is the Model Context Protocol. The tools list operations, set scenarios, move the test clock, read
    exchanges with the reasons for their responses, and verify. Without --http it speaks MCP on standard
    input and output, as an agent starts it.

    Over HTTP the endpoint is /mcp. With an admin token, clients must send it as `Authorization: Bearer TOKEN`;
    without one, only addresses of this machine are listened on.

    \b
    mockserver mcp                                  for the server on port 4010
    mockserver mcp --url http://127.0.0.1:4020 --sandbox ci-1
    mockserver mcp --http 4011                      http://127.0.0.1:4011/mcp
    """
    client = AdminClient(HTTPTransport(url, admin_token), sandbox)
    try:
        from mockserver.server.mcp import serve_http, serve_stdio
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise UserError(
            "`mockserver mcp` needs version 2 of the package mcp, which is an extra: pip install 'mockserver[mcp]'"
        ) from None
    if address is None:
        serve_stdio(client)
    else:
        serve_http(client, *address, admin_token, lambda at: click.echo(f"mockserver mcp: {at}", err=True))
