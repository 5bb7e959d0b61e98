"""Commands that read files and need no server: `scenario list` and `schema`, and `spec provenance`."""

from __future__ import annotations

import click

from mockserver.cli import completers


@click.command("list")
def listed() -> None:
    """List the bundled scenarios."""
    from mockserver.scenarios import bundled_scenarios

    bundled = bundled_scenarios()
    width = max(map(len, bundled), default=0)
    for name, path in bundled.items():
        comment = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        click.echo(f"{name:<{width}}  {comment}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors.

    \b
    # yaml-language-server: $schema=scenario.schema.json
    """
    import orjson

    from mockserver.scenarios import ScenarioModel
    from mockserver.text.models import editor_schema

    click.echo(orjson.dumps(editor_schema(ScenarioModel), option=orjson.OPT_INDENT_2))


@click.command("findings")
def findings_schema() -> None:
    """Print the JSON Schema of the reports of check and diff."""
    from mockserver.data import bundled_file

    click.echo(bundled_file("spec", "findings.schema.json").read_text(encoding="utf-8"), nl=False)


@click.command("profile")
def profile_schema() -> None:
    """Print the JSON Schema of profiles, for editors.

    \b
    # yaml-language-server: $schema=profile.schema.json
    """
    import orjson

    from mockserver.apis.profiles.model import ProfileModel
    from mockserver.text.models import editor_schema

    click.echo(orjson.dumps(editor_schema(ProfileModel), option=orjson.OPT_INDENT_2))


@click.group()
def spec() -> None:
    """Inspect contracts."""


@spec.command()
@click.argument("api", shell_complete=completers.apis)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def provenance(api: str, as_json: bool) -> None:
    """List the additions of an API's overlay, with their sources."""
    from mockserver.apis import load_api

    additions = load_api(api).contract.additions
    if as_json:
        import orjson

        click.echo(orjson.dumps(additions, option=orjson.OPT_INDENT_2))
        return
    for addition in additions:
        click.echo(f"{addition.provenance:<10} {addition.pointer}" + (f"  {addition.note}" if addition.note else ""))
