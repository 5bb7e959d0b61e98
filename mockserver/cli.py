"""The command line. It parses, calls, and turns a UserError into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockserver import __version__
from mockserver.errors import UserError

_DEFAULT_APIS = "datagrid,mem0"
_Command = TypeVar("_Command", bound=Callable[..., Any])


class _List(click.ParamType[str]):
    """A repeatable option whose environment variable holds the values separated by commas."""

    name = "text"
    envvar_list_splitter = ","


class _Limit(click.ParamType[Any]):
    name = "N[/WINDOW]|off"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from mockserver.ratelimit import parse_limit

        if not isinstance(value, str) or value == "vendor":
            return value
        try:
            return parse_limit(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


class _Credits(click.ParamType[float]):
    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            credits = float(value)
        except ValueError:
            credits = -1
        if not 0 <= credits <= 1e15:
            self.fail(f"{value!r} is not a number of credits; give one from 0 to 1e15", param, ctx)
        return int(credits) if credits.is_integer() else credits


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mockserver")
def cli() -> None:
    """A twin of a vendor's HTTP API: it checks every request and reply against the OpenAPI contract,
    keeps state, meters credits, enforces the rate limit and fails on command."""


def _option(*names: str, **kwargs: Any) -> Callable[[_Command], _Command]:
    """An option that can be given as a MOCKSERVER_* variable too."""
    long = next(name for name in names if name.startswith("--"))
    envvar = "MOCKSERVER_" + long.split("/")[0].strip("-").replace("-", "_").upper()
    return click.option(*names, envvar=envvar, show_envvar=True, **kwargs)


@cli.command()
@_option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_option("--port", default=4010, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@_option(
    "--api",
    "apis",
    multiple=True,
    type=_List(),
    help="API to serve: datagrid, mem0, or an OpenAPI file as PATH or NAME=PATH. Repeatable.  [default: both]",
)
@_option(
    "--api-key",
    "api_keys",
    multiple=True,
    type=_List(),
    help="A valid API key; every other one is then 401. Repeatable.  [default: any key is valid]",
)
@_option("--credits", default=10_000, show_default=True, type=_Credits(), help="Credits to start with.")
@_option(
    "--credit-characters",
    "characters_per_credit",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Characters of embedded text that one credit pays for.",
)
@_option(
    "--rate-limit",
    default="vendor",
    type=_Limit(),
    help="Requests per window for every operation (200, 200/60s), or off.  [default: each vendor's own]",
)
@_option("--seed", default=0, show_default=True, type=int, help="Ids and samples follow from it.")
@_option("--stateless", is_flag=True, help="Answer every operation with a sample of its success; keep nothing.")
@_option(
    "--max-body",
    default=1024 * 1024,
    show_default=True,
    type=click.IntRange(1),
    help="Bytes of a request body that are read; a longer one is 413.",
)
@_option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="`info` prints a line per request.",
)
def serve(**options: Any) -> None:
    """Serve the APIs until SIGTERM or Ctrl-C.

    \b
    mockserver serve                                 both bundled APIs on 127.0.0.1:4010
    mockserver serve --api datagrid --credits 5      a client that runs out of credits
    mockserver serve --rate-limit 3/10s              a limit that is reached soon
    mockserver serve --api shop=openapi.yaml         any other OpenAPI 3 document
    """
    from mockserver.server import serve as run
    from mockserver.settings import Settings

    options["apis"] = options["apis"] or tuple(_DEFAULT_APIS.split(","))
    run(Settings(**options))


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
        cli.main(args=arguments, prog_name="mockserver", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        click.echo(f"mockserver: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
