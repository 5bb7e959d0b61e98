"""The command line. It parses, calls, and turns a UserError into one line and an exit code."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockserver.cli.options import Credits, Duration, Limit, List, Port, option
from mockserver.errors import UserError
from mockserver.version import __version__


class _Group(click.Group):
    """Imports the commands that `serve` does without when another one is asked for, so that a server starts fast."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self._add_rest()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._add_rest()
        return super().list_commands(ctx)

    def _add_rest(self) -> None:
        from mockserver.cli.control import clock, scenario
        from mockserver.cli.sandboxes import credits, reset, sandboxes, state
        from mockserver.cli.verification import expect, journal, verify
        from mockserver.testing.fuzz import fuzz_command

        for command in (scenario, clock, journal, verify, expect, reset, credits, sandboxes, state, fuzz_command):
            self.add_command(command)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mockserver")
def cli() -> None:
    """A twin of a vendor's HTTP API: it checks every request and reply against the OpenAPI contract,
    keeps state, meters credits, enforces the rate limit and fails on command."""


@cli.command()
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option(
    "--port",
    cls=Port,
    default=4010,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port; 0 takes a free one.",
)
@option(
    "--api",
    "apis",
    multiple=True,
    type=List(),
    help="API to serve: datagrid, mem0, or an OpenAPI file as PATH or NAME=PATH. Repeatable.  [default: both]",
)
@option("--spec-dir", default="", metavar="DIR", help="Where --api looks for a file too, by its name or its stem.")
@option(
    "--strict/--no-strict",
    default=True,
    show_default=True,
    help="Have openapi-core's validator judge a FILE as well; what it passed once is not judged again.",
)
@option(
    "--api-key",
    "api_keys",
    multiple=True,
    type=List(),
    help="A valid API key; every other one is then 401. Repeatable.  [default: any key is valid]",
)
@option("--credits", default=10_000, show_default=True, type=Credits(), help="Credits to start with.")
@option(
    "--credit-characters",
    "characters_per_credit",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Characters of embedded text that one credit pays for.",
)
@option(
    "--rate-limit",
    default="vendor",
    type=Limit(),
    help="Requests per window for every operation (200, 200/60s), or off.  [default: each vendor's own]",
)
@option("--seed", default=0, show_default=True, type=int, help="Ids and samples follow from it.")
@option("--stateless", is_flag=True, help="Answer every operation with a sample of its success; keep nothing.")
@option(
    "--max-body",
    default=1024 * 1024,
    show_default=True,
    type=click.IntRange(1),
    help="Bytes of a request body that are read; a longer one is 413.",
)
@option(
    "--max-connections",
    default=10_000,
    show_default=True,
    type=click.IntRange(1),
    help="Connections at a time; one more is 503.",
)
@option(
    "--max-head",
    default=64 * 1024,
    show_default=True,
    type=click.IntRange(1024),
    help="Bytes of a request line with its headers; more are 431.",
)
@option(
    "--request-timeout",
    default="30s",
    show_default=True,
    type=Duration(positive=True),
    help="A request that has not arrived by then is 408.",
)
@option(
    "--idle-timeout",
    default="75s",
    show_default=True,
    type=Duration(positive=True),
    help="A connection is closed that had no request for so long.",
)
@option(
    "--journal-size",
    default=10_000,
    show_default=True,
    type=click.IntRange(1),
    help="Exchanges that the journal of a sandbox keeps; the oldest go first.",
)
@option(
    "--journal-bytes",
    default=64 * 1024 * 1024,
    show_default=True,
    type=click.IntRange(1),
    help="Bytes that they may take together.",
)
@option("--verify-wire", is_flag=True, help="Also read the bytes of every reply before they leave, and check them.")
@option(
    "--oracle",
    default="off",
    show_default=True,
    type=click.Choice(["off", "on-reject", "always"]),
    help="Ask openapi-core too, which takes milliseconds; a disagreement is a defect in the journal.",
)
@option(
    "--scenario",
    "scenarios",
    multiple=True,
    type=List(),
    help="Scenario of the default sandbox: a bundled one's name, or a file. Repeatable, one per API.",
)
@option(
    "--state",
    default="memory",
    show_default=True,
    help="Where sandboxes are kept: memory, or redis://HOST[:PORT][/DB] that several servers share.",
)
@option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Processes that answer; more than one share the store that --state names.",
)
@option(
    "--state-file",
    default="",
    type=click.Path(dir_okay=False),
    help="Read the default sandbox's state from this file at the start, and write it there at the end.",
)
@option("--scenario-dir", default="", metavar="DIR", help="Where --scenario looks for a file too, by name or stem.")
@option("--admin-token", default="", help="The admin API then wants it in X-Mockserver-Admin.")
@option("--admin-port", cls=Port, type=click.IntRange(0, 65535), help="Serve the admin API on this port instead.")
@option("--max-sandboxes", default=10_000, show_default=True, type=click.IntRange(1), help="Sandboxes at a time.")
@option(
    "--max-rows",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(1),
    help="Rows of a sandbox; a request that would store more is 503.",
)
@option("--sandbox-idle", type=Duration(), help="Remove sandboxes that saw no request for so long (30m).")
@option("--max-memory", type=click.IntRange(1), help="MiB of memory above which no sandbox is made.")
@option("--show-secrets", is_flag=True, help="Do not mask keys and cookies in journal, log and reports.")
@option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="`info` prints a line per request.",
)
@option(
    "--log-format",
    default="text",
    show_default=True,
    type=click.Choice(["text", "json"], case_sensitive=False),
    help="`json` writes one object a line.",
)
def serve(**options: Any) -> None:
    """Serve the APIs until SIGTERM or Ctrl-C.

    \b
    mockserver serve                                 both bundled APIs on 127.0.0.1:4010
    mockserver serve --api datagrid --credits 5      a client that runs out of credits
    mockserver serve --rate-limit 3/10s              a limit that is reached soon
    mockserver serve --api shop=openapi.yaml         any other OpenAPI 3 document
    """
    from mockserver.server.run import serve as run
    from mockserver.settings import Settings

    if options["max_memory"] is not None:
        options["max_memory"] *= 1024 * 1024
    run(Settings(**options))


@cli.command()
@option("--host", default="127.0.0.1", show_default=True, help="Address that the server listens on.")
@option("--port", cls=Port, default=4010, show_default=True, type=click.IntRange(1, 65535), help="Its port.")
@option("--admin-port", cls=Port, type=click.IntRange(1, 65535), help="The port of its admin API, if it has one.")
@click.option("--timeout", default="2s", show_default=True, type=Duration(), help="How long it may take to answer.")
def health(host: str, port: int, admin_port: int | None, timeout: float) -> None:
    """Exit with 0 when the server on this machine is ready, and with 1 when it is not.

    It reads the same variables as `mockserver serve`, so in a container it needs no arguments.
    """
    from mockserver.server.health import unready

    reason = unready(host, admin_port or port, timeout)
    if reason:
        click.echo(f"mockserver: {reason}", err=True)
        sys.exit(1)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(dir_okay=False))
@click.option("--api", "specs", multiple=True, help="API that the scenarios are for, if it is not bundled: NAME=PATH.")
def check(files: tuple[str, ...], specs: tuple[str, ...]) -> None:
    """Check scenario FILES: report every problem as file:line:column, and exit with 1 if there is one."""
    from mockserver.apis import BUNDLED, load_api
    from mockserver.scenarios import ScenarioError, load_scenario

    apis = {api.name: api for api in map(load_api, [*BUNDLED, *specs])}
    failed = False
    for file in files:
        try:
            scenario = load_scenario(file, apis)
            click.echo(f"{file}: ok, {len(scenario.rules)} rules for {scenario.model.api}")
        except ScenarioError as error:
            failed = True
            for problem in error.problems:
                click.echo(str(problem), err=True)
        except UserError as error:
            failed = True
            click.echo(str(error), err=True)
    if failed:
        sys.exit(1)


@cli.group()
def schema() -> None:
    """Print JSON Schemas for editors."""


@schema.command("scenario")
def scenario_schema() -> None:
    """Print the JSON Schema of scenario files.

    Point an editor at it: `# yaml-language-server: $schema=scenario.schema.json`
    """
    import orjson

    from mockserver.scenarios import ScenarioModel

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ScenarioModel.model_json_schema()}
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


@cli.command()
def scenarios() -> None:
    """List the bundled scenarios with their first comment line."""
    from mockserver.scenarios import bundled_scenarios

    known = bundled_scenarios()
    width = max(map(len, known), default=0)
    for name, path in known.items():
        first = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        click.echo(f"{name:<{width}}  {first}")


@cli.group()
def spec() -> None:
    """Look at the contracts."""


@spec.command()
@click.argument("api")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def provenance(api: str, as_json: bool) -> None:
    """Print what the overlay of API adds to the vendor's document, and where that comes from."""
    from mockserver.apis import load_api

    additions = load_api(api).contract.additions
    if as_json:
        import orjson

        click.echo(orjson.dumps(additions, option=orjson.OPT_INDENT_2))
        return
    for addition in additions:
        click.echo(f"{addition.provenance:<10} {addition.pointer}" + (f"  {addition.note}" if addition.note else ""))


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `mockserver` command."""
    try:
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
