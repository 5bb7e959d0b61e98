"""The command line. It parses, calls, and turns a UserError into one message and an exit code."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli import completers
from mockserver.cli.options import Duration, GroupedCommand, setting_option, setting_options
from mockserver.cli.paging import paged
from mockserver.errors import UserError
from mockserver.version import __version__

_HIDDEN = ("scenarios",)
"""An older name of `scenario list`. It works; the help lists the new one."""
_ENDLESS = "watch"
"""The command that Ctrl-C ends as it should, also before it has begun. (`serve` looks after itself.)"""


class _Group(click.Group):
    """Imports the commands that `serve` does without when another one is asked for, so that a server starts fast."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            try:
                self._add_rest()
            except KeyboardInterrupt:
                if cmd_name == _ENDLESS:
                    ctx.exit(0)
                raise
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._add_rest()
        return [name for name in super().list_commands(ctx) if name not in _HIDDEN]

    def _add_rest(self) -> None:
        from mockserver.cli.check import check
        from mockserver.cli.completion import completion
        from mockserver.cli.conform import conform
        from mockserver.cli.control import clock, scenario
        from mockserver.cli.diff import diff
        from mockserver.cli.docs import docs
        from mockserver.cli.files import findings_schema, listed, profile_schema, schema, spec
        from mockserver.cli.imports import import_command
        from mockserver.cli.mcp import mcp
        from mockserver.cli.profiles import explain, init
        from mockserver.cli.proxy import proxy
        from mockserver.cli.record import record
        from mockserver.cli.sandboxes import credits, reset, sandboxes, state
        from mockserver.cli.verification import expect, journal, verify
        from mockserver.cli.webhooks import webhook
        from mockserver.cli.why import watch, why
        from mockserver.testing.fuzz import fuzz_command

        for command in (
            scenario,
            clock,
            webhook,
            journal,
            verify,
            expect,
            reset,
            credits,
            sandboxes,
            state,
            spec,
            fuzz_command,
            completion,
            mcp,
            proxy,
            record,
            import_command,
        ):
            self.add_command(command)
        self.add_command(check, "check")
        self.add_command(conform)
        self.add_command(diff)
        self.add_command(docs)
        self.add_command(init)
        self.add_command(why)
        self.add_command(watch)
        self.add_command(explain)
        self.add_command(listed, "scenarios")
        schemas = {"scenario": schema, "profile": profile_schema, "findings": findings_schema}
        self.add_command(click.Group("schema", commands=schemas, help="Print JSON Schemas."))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mockserver")
def cli() -> None:
    """A twin of a vendor's HTTP API for testing clients.

    It validates every request and response against the OpenAPI contract, keeps state, meters credits,
    enforces the rate limit and fails on command.
    """


@cli.command(cls=GroupedCommand)
@click.argument("documents", nargs=-1, metavar="[API]...", shell_complete=completers.apis)
@setting_options
def serve(documents: tuple[str, ...], **settings: Any) -> None:
    """Serve mocked APIs until SIGTERM or Ctrl-C.

    An API is an OpenAPI file, a bundled name, or whatever --api takes; - reads a document from standard input.

    Every option can be given as a variable, which its help names last. A repeatable option takes a
    comma-separated list there.

    \b
    mockserver serve                             all bundled APIs on port 4010
    mockserver serve --api datagrid --credits 5  a client that runs out of credits
    mockserver serve --rate-limit 3/10s          a limit that is reached soon
    mockserver serve openapi.yaml                any other OpenAPI document
    mockserver serve shop=openapi.yaml datagrid  two APIs, one with a name
    """
    from mockserver.server.run import serve as run
    from mockserver.settings import Settings

    if settings["port"] and settings["port"] == settings["admin_port"]:
        raise UserError(f"--port and --admin-port are both {settings['port']}; leave --admin-port out to share a port")
    settings["apis"] = (*settings["apis"], *documents)
    run(Settings(**settings))


@cli.command()
@setting_option("host", "Address that the server listens on.")
@setting_option("port", "Port that it listens on.", type=click.IntRange(1, 65535))
@setting_option("admin_port", "Separate port of its admin API.", type=click.IntRange(1, 65535))
@click.option("--timeout", default="2s", show_default=True, type=Duration(), help="Time to wait for an answer.")
def health(host: str, port: int, admin_port: int | None, timeout: float) -> None:
    """Check that the server on this machine is ready.

    Exits with 0 if it is, and with 1 if it is not.

    The variables of `mockserver serve` apply, so a container's health check needs no arguments.
    """
    from mockserver.server.health import unready

    reason = unready(host, admin_port or port, timeout)
    if reason:
        click.echo(f"mockserver: {reason}", err=True)
        sys.exit(1)


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `mockserver` command."""
    try:
        with paged(sys.argv[1:] if arguments is None else arguments):
            code = cli.main(args=arguments, prog_name="mockserver", standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        click.echo(f"mockserver: {error}", err=True)
        sys.exit(error.exit_code)
    # Without click's standalone mode an exit asked for by a command comes back as its value.
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
