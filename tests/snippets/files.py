"""Whether a block of data is what its page takes it for: each kind is read by its model or its published schema."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import yaml

from mockserver.cli.main import cli
from mockserver.data import bundled_file
from snippets.pages import ROOT

Check = Callable[[str, Path], None]


def scenario(text: str, folder: Path) -> None:
    from mockserver.apis import load_api
    from mockserver.scenarios import load_scenario

    if not re.search(r"^version:", text, re.MULTILINE):
        text = f"version: 1\nname: part\napi: datagrid\n{text}"
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    load_scenario(str(file), {name: load_api(name) for name in ("datagrid", "mem0", "shop")})


def profile(text: str, folder: Path) -> None:
    from mockserver.apis import load_api

    if not re.search(r"^contract:", text, re.MULTILINE):
        (folder / "shop.yaml").write_bytes(Path(bundled_file("spec", "shop.yaml")).read_bytes())
        text = f"version: 1\ncontract: shop.yaml\n{text}"
    file = folder / "part.mock.yaml"
    file.write_text(text, encoding="utf-8")
    load_api(str(file))


def openapi(text: str, folder: Path) -> None:
    from mockserver.apis import load_api

    file = folder / "document.yaml"
    file.write_text(text, encoding="utf-8")
    load_api(f"document={file}")


def accepted(text: str, folder: Path) -> None:
    from mockserver.cli.accepted import read_accepted
    from mockserver.cli.reports import CHECK, DIFF

    file = folder / "accepted.yaml"
    file.write_text(text, encoding="utf-8")
    read_accepted(file, (*CHECK.levels, *DIFF.levels))


def uses(text: str, folder: Path) -> None:
    from mockserver.contract.diff.uses import read_uses

    file = folder / "client.uses.yaml"
    file.write_text(text, encoding="utf-8")
    assert list(read_uses(file))


def overlay(text: str, folder: Path) -> None:
    """An overlay of the shop."""
    (folder / "part.overlay.yaml").write_text(text, encoding="utf-8")
    profile("overlays: [part.overlay.yaml]\n", folder)


def exchange(text: str, folder: Path) -> None:
    from conftest import START
    from test_exchange_files import check_exchange

    from mockserver.pipeline.build import build
    from mockserver.pipeline.pipeline import Checks, Pipeline
    from mockserver.sandbox.world import Terms
    from mockserver.settings import Settings

    file = folder / "exchange.yaml"
    file.write_text(text, encoding="utf-8")
    apis = list(build(Settings()).apis.values())
    pipeline = Pipeline(apis, terms=Terms(clock_start=START, clock_rate=0, seed=1), checks=Checks(verify_wire=True))
    check_exchange(file, pipeline)


def published(schema: str) -> Check:
    """Reads a file of another tool by the schema that is published for it."""

    def check(text: str, folder: Path) -> None:
        file = folder / "file.yaml"
        file.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def github_workflow(text: str, folder: Path) -> None:
    """A workflow; what it gives to this repository's action are inputs of that."""
    published("github-workflows")(text, folder)
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            if "/mockserver@" in step.get("uses", ""):
                assert step["with"].keys() <= inputs.keys()


def kubernetes(text: str, folder: Path) -> None:
    import kubernetes_validate

    for document in yaml.safe_load_all(text):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def pre_commit(text: str, folder: Path) -> None:
    """The hooks that a configuration names are those of this repository."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    for repository in yaml.safe_load(text)["repos"]:
        assert repository["rev"], "a repository has a revision"
        if "mockserver" in repository["repo"]:
            assert {hook["id"] for hook in repository["hooks"]} <= {hook["id"] for hook in hooks}


def parsed(text: str, folder: Path) -> None:
    assert list(yaml.safe_load_all(text)), "there is nothing in it"


KINDS: dict[str, Check] = {
    "scenario": scenario,
    "rules": scenario,
    "profile": profile,
    "openapi": openapi,
    "accepted": accepted,
    "uses": uses,
    "overlay": overlay,
    "exchange": exchange,
    "compose": published("compose-spec"),
    "github actions": github_workflow,
    "action": published("github-actions"),
    "gitlab": published("gitlab-ci"),
    "kubernetes": kubernetes,
    "pre-commit": pre_commit,
    "yaml": parsed,
}


def kind_of(text: str, default: str) -> str:
    """The word by which a block of YAML says what it is; "" when it does not."""
    first = text.partition("\n")[0].removeprefix("#").strip()
    named = next((kind for kind in KINDS if re.match(rf"{kind}\b", first)), "") if text.startswith("#") else ""
    return named or default or _sniffed(text)


def _sniffed(text: str) -> str:
    keys = set(re.findall(r"^([\w.-]+):", text, re.MULTILINE))
    known = (
        ({"openapi"}, "openapi"),
        ({"services"}, "compose"),
        ({"on", "jobs"}, "github actions"),
        ({"apiVersion", "kind"}, "kubernetes"),
        ({"repos"}, "pre-commit"),
        ({"version", "contract"}, "profile"),
        ({"version", "accepted"}, "accepted"),
        ({"version", "api", "name"}, "scenario"),
    )
    return next((kind for needed, kind in known if needed <= keys), "")


def check_json(text: str, folder: Path) -> None:
    json.loads(text)


def check_toml(text: str, folder: Path) -> None:
    tomllib.loads(text)


def check_ini(text: str, folder: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    assert parser.sections(), "there is no section in it"


DATA: dict[str, Check] = {"json": check_json, "toml": check_toml, "ini": check_ini}


def unknown_commands(text: str) -> list[str]:
    """What the lines that begin with `mockserver` use and the command line does not have."""
    wrong = []
    for line in text.splitlines():
        words = line.strip().removeprefix("$ ").partition("  ")[0].partition(" # ")[0].split()
        if words[:1] != ["mockserver"]:
            continue
        command: click.Command | None = cli
        rest = words[1:]
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            command = command.get_command(click.Context(command), rest[0].strip("[]"))
            rest = rest[1:]
        if command is None:
            wrong.append(f"{line.strip()}: there is no such command")
            continue
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.partition("=")[0].strip("[],") for word in rest if word.strip("[").startswith("--")}
        wrong += [
            f"{line.strip()}: there is no option {name}" for name in sorted(used - known - {"--help", "--version"})
        ]
    return wrong
