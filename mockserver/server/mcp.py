"""The tools of `mockserver.admin.tools` over the Model Context Protocol: on standard input and output, or over HTTP.

Needs the package `mcp`, which is an extra. It talks to a running server by its admin API, and starts none.
"""

from __future__ import annotations

import functools
import hmac
import inspect
import ipaddress
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import orjson
import uvicorn
from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.mcpserver.resources import TextResource
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, InputRequiredResult, Resource, ToolAnnotations
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.admin.client import AdminClient
from mockserver.admin.tools.table import tools
from mockserver.apis.profiles.model import ProfileModel
from mockserver.errors import UserError, did_you_mean
from mockserver.scenarios import ScenarioModel
from mockserver.server.run import BACKLOG, DRAIN_SECONDS, listen
from mockserver.text.models import editor_schema
from mockserver.version import __version__

PATH = "/mcp"
"""Where MCP is spoken over HTTP."""
MAX_RESOURCE = 1024 * 1024
"""Bytes of a resource; a contract that is larger is read in parts."""
INSTRUCTIONS = """\
mockserver is a twin of a vendor's HTTP API. A client under test talks to it instead of the vendor; these tools show
what happened, and make things fail on command.

To find out why a client got an error: list_exchanges with its status, then read `why`.
To make something fail: set_scenario; check_scenario tells what is wrong with one first.
To keep out of the way of others: create_sandbox, and pass its name as `sandbox` to every other tool.
To see that a client did what it should: verify, check_retries and check_expectations.
Names of operations are operationIds; list_operations has them.
"""


class ToolServer(MCPServer[Any]):
    """Serves the tools and the resources for one mock server.

    Args:
        client: the mock server, at the sandbox that is meant where none is named. It need not run yet.
    """

    def __init__(self, client: AdminClient) -> None:
        super().__init__(
            "mockserver", title="mockserver", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
        )
        self._client = client
        self._arguments: dict[str, list[str]] = {}
        """The names of each tool's arguments."""
        for tool in tools(client):
            self._arguments[tool.name] = list(inspect.signature(tool.function).parameters)
            hints = ToolAnnotations(
                read_only_hint=tool.effect == "reads",
                destructive_hint=tool.effect == "removes",
                open_world_hint=False,
            )
            description = inspect.getdoc(tool.function)
            self.add_tool(
                _raising(ToolError, tool.function), name=tool.name, description=description, annotations=hints
            )
        for kind, model in (("scenario", ScenarioModel), ("profile", ProfileModel)):
            text = orjson.dumps(editor_schema(model), option=orjson.OPT_INDENT_2).decode()
            schema = TextResource(
                uri=f"mockserver://schemas/{kind}",
                name=f"{kind}-schema",
                description=f"The JSON Schema of {kind} files.",
                mime_type="application/schema+json",
                text=text,
            )
            self.add_resource(schema)
        self.resource(
            "mockserver://contracts/{api}",
            name="contract",
            description="The OpenAPI document of an API, with what the mock's overlay adds to it.",
            mime_type="application/json",
        )(_raising(ResourceError, self._contract))

    def _contract(self, api: str) -> str:
        text = orjson.dumps(self._client.contract(api))
        if len(text) > MAX_RESOURCE:
            raise UserError(
                f"the contract of {api} has {len(text):,} bytes, and a resource at most {MAX_RESOURCE:,}; "
                "the tools describe_operation and read_contract show it in parts"
            )
        return text.decode()

    async def list_resources(self) -> list[Resource]:
        """The schemas, and the contract of each API that the server has now."""
        shown = await super().list_resources()
        try:
            apis = await to_thread.run_sync(self._client.apis)
        except UserError:
            return shown  # the tools say what is wrong with the server
        contracts = [
            Resource(
                uri=f"mockserver://contracts/{api['name']}",
                name=f"{api['name']}-contract",
                title=api["title"][:200],
                mime_type="application/json",
            )
            for api in apis
        ]
        return [*shown, *contracts]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. An argument that it does not have is an error, where the SDK would pass over it."""
        known = self._arguments.get(name, list(arguments))
        for argument in arguments:
            if argument not in known:
                hint = did_you_mean(argument, known) or f"; there are {', '.join(known) or 'none'}"
                raise ToolError(f"{name} has no argument {argument[:80]!r}{hint}")
        return await super().call_tool(name, arguments, context)


def _raising(error: type[Exception], function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose UserErrors reach the agent as they are."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except UserError as problem:
            raise error(str(problem)) from None

    return call


def serve_stdio(client: AdminClient) -> None:
    """Serve on standard input and output until the input ends."""
    ToolServer(client).run("stdio")


def serve_http(
    client: AdminClient, host: str, port: int, token: str, announce: Callable[[str], None] = lambda url: None
) -> None:
    """Serve over streamable HTTP until SIGTERM or SIGINT. Raises UserError.

    Args:
        client: the mock server.
        host: address to listen on. One that is not this machine's own needs a token.
        port: port to listen on; 0 is any that is free.
        token: what clients must send as `Authorization: Bearer TOKEN`; "" when they need nothing.
        announce: told the URL once connections are accepted.
    """
    if not (token or _is_loopback(host)):
        raise UserError(
            f"other machines can reach {host}, and whoever does steers the server; listen on 127.0.0.1, or give the "
            "server and this command an --admin-token, which clients then send as `Authorization: Bearer TOKEN`"
        )
    # A web page cannot know a token; without one its Host and Origin give it away.
    names = ["127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=not token,
        allowed_hosts=[f"{name}:*" for name in names],
        allowed_origins=[f"http://{name}:*" for name in names],
    )
    app: ASGIApp = ToolServer(client).streamable_http_app(
        streamable_http_path=PATH, transport_security=security, host=host
    )
    config = uvicorn.Config(
        guarded(app, token) if token else app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with closing(listen(host, port)) as sock:
        sock.listen(BACKLOG)
        announce(f"http://{f'[{host}]' if ':' in host else host}:{sock.getsockname()[1]}{PATH}")
        # uvicorn raises the signal that ended it again, for these to end the process well.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: sys.exit(0))
        uvicorn.Server(config).run(sockets=[sock])


def guarded(app: ASGIApp, token: str) -> ASGIApp:
    """An app that answers HTTP requests without the token with 401."""
    expected = f"Bearer {token}".encode()

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not hmac.compare_digest(sent, expected):
                text = "Send the admin token of the mock server as `Authorization: Bearer TOKEN`.\n"
                response = PlainTextResponse(text, 401, {"WWW-Authenticate": "Bearer"})
                return await response(scope, receive, send)
        return await app(scope, receive, send)

    return guard


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
