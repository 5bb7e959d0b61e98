"""The examples of docs/sidecar.md: each is parsed, validated by its published schema, and held against the product."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from mockserver import __version__
from mockserver.apis import load_api
from mockserver.cli.main import cli
from mockserver.pipeline.build import build
from mockserver.scenarios import load_scenario
from mockserver.settings import Settings

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "sidecar.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SCHEMAS = {
    "compose.yaml": "vendor.compose-spec",
    "github-actions.yaml": "vendor.github-workflows",
    "gitlab-ci.yaml": "vendor.gitlab-ci",
}
ELSEWHERE = {"MOCKSERVER_URL", "MOCKSERVER_CACHE_DIR", "MOCKSERVER_IMAGE", "MOCKSERVER_VERSION"}
"""Variables that are no option of `serve`: of the commands, of the cache, and of the examples themselves."""


def example(name):
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def pod():
    return example("kubernetes.yaml")[1]["spec"]["template"]["spec"]


def sidecar():
    return pod()["initContainers"][0]


def environments():
    """What each example sets for the server."""
    return {
        "compose.yaml": example("compose.yaml")[0]["services"]["mockserver"]["environment"],
        "github-actions.yaml": example("github-actions.yaml")[0]["jobs"]["tests"]["services"]["mockserver"]["env"],
        "gitlab-ci.yaml": example("gitlab-ci.yaml")[0]["tests"]["services"][0]["variables"],
        "kubernetes.yaml": {entry["name"]: entry["value"] for entry in sidecar()["env"]},
    }


def image_variables():
    """What the image sets."""
    return dict(re.findall(r"^(?:ENV )?\s*(MOCKSERVER_\w+)=(\S+)", DOCKERFILE, re.MULTILINE))


def options_of_serve():
    return {option.envvar for option in cli.commands["serve"].params if isinstance(option, click.Option)}


def commands():
    """Every command line of ours in the examples and on the page, as words."""
    lines = [text for block in re.findall(r"`([^`\n]+)`", PAGE) for text in [block]]
    lines += re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)
    for name in ("github-actions.yaml", "gitlab-ci.yaml"):
        lines += _scripts(example(name)[0])
    lines.append(shlex.join(example("compose.yaml")[0]["services"]["mockserver"]["healthcheck"]["test"][1:]))
    for line in lines:
        words = re.sub(r"\$\{\{.*?\}\}", "ID", line).split(" < ")[0].split()
        if "mockserver" in words and words[0] in ("docker", "mockserver") and "build" not in words:
            # The last one is the command; before it there may be a container or an image of that name.
            after = words[len(words) - words[::-1].index("mockserver") :]
            if after:
                yield line, after


def _scripts(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("run", "script", "before_script", "after_script"):
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from _scripts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _scripts(inner)


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_it_is_what_the_tool_reads(name):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[name], str(EXAMPLES / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_takes_it():
    validate = pytest.importorskip("kubernetes_validate")
    for document in example("kubernetes.yaml"):
        validate.validate(document, validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", list(environments()))
def test_a_server_starts_with_what_it_sets(name):
    given = {key: str(value) for key, value in environments()[name].items()}
    assert given.keys() <= options_of_serve()
    with CliRunner().isolation(env=given):
        options = cli.commands["serve"].make_context("serve", []).params
    pipeline = build(
        Settings(
            apis=options["apis"],
            scenarios=options["scenarios"],
            scenario_dir=str(EXAMPLES / "scenarios"),
            credits=options["credits"],
        )
    )
    assert list(pipeline.apis) == ["datagrid"]
    assert bool(pipeline.sandbox.scenarios) == ("MOCKSERVER_SCENARIO" in given)


def test_the_scenarios_are_scenarios(tmp_path):
    apis = {"datagrid": load_api("datagrid")}
    shown = {path.name: path.read_text() for path in (EXAMPLES / "scenarios").glob("*.yaml")}
    assert shown
    shown |= {f"mounted-{name}": text for name, text in example("kubernetes.yaml")[0]["data"].items()}
    for name, text in shown.items():
        (tmp_path / name).write_text(text)
        assert load_scenario(str(tmp_path / name), apis).rules


def test_ports_users_and_images_are_those_of_the_image():
    port = int(re.search(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)[1])
    serve = {option.name: option.default for option in cli.commands["serve"].params}
    assert serve["port"] == port
    assert f":{port}:{port}" in example("compose.yaml")[0]["services"]["mockserver"]["ports"][0]
    assert example("github-actions.yaml")[0]["jobs"]["tests"]["services"]["mockserver"]["ports"] == [f"{port}:{port}"]
    assert sidecar()["ports"] == [{"name": "http", "containerPort": port}]
    user = int(re.search(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)[1])
    assert sidecar()["securityContext"]["runAsUser"] == user
    assert f"user {user}" in PAGE.lower()
    assert sidecar()["image"] == f"mockserver:{__version__}"
    for url in re.findall(r"https?://(?:mockserver|localhost)(\S*?)[\"\s]", PAGE + "".join(map(_text, SCHEMAS))):
        assert url.startswith(f":{port}")


def _text(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


def test_probes_ask_what_the_admin_api_answers():
    paths = yaml.safe_load((ROOT / "spec" / "admin.yaml").read_text(encoding="utf-8"))["paths"]
    probes = [sidecar()[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert {probe["port"] for probe in probes} == {"http"}
    for path in [*(probe["path"] for probe in probes), *re.findall(r"/__admin/\w+", PAGE)]:
        assert "get" in paths[path]


def test_base_urls_lead_to_the_api(server):
    import httpx

    texts = [_text(path.name) for path in EXAMPLES.glob("*.yaml")]
    bases = {url for text in texts for url in re.findall(r"DATAGRID_BASE_URL[:,] (?:value: )?\"?(http[^\"\s}]+)", text)}
    assert len(bases) == 2, "by the name of the service, and on localhost"
    for base in bases:
        path = base.split("/", 3)[3]
        answer = httpx.get(f"{server.url}/{path}/user-memories", headers={"Authorization": "Bearer any"})
        assert answer.status_code == 200


@pytest.mark.parametrize(("line", "words"), list(commands()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_commands_exist(line, words):
    command = cli
    while isinstance(command, click.Group):
        name, *words = words
        if name.startswith("-"):
            break
        command = command.get_command(click.Context(command), name)
        assert command is not None, f"{line}: there is no command {name}"
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_commands_are_found_at_all():
    assert {words[0] for _, words in commands()} >= {"serve", "scenario", "expect", "journal", "health"}


def test_variables_and_their_values_are_real():
    named = set(
        re.findall(r"MOCKSERVER_[A-Z_]+[A-Z]", PAGE + "".join(_text(path.name) for path in EXAMPLES.glob("*.*")))
    )
    assert named - ELSEWHERE <= options_of_serve()
    assert set(image_variables()) - ELSEWHERE <= options_of_serve()
    rows = dict(re.findall(r"^\| `(MOCKSERVER_\w+)` \| `([^`]+)`", PAGE, re.MULTILINE))
    assert rows == image_variables()


def test_every_example_is_shown_and_every_link_leads_somewhere():
    links = set(re.findall(r"\]\(([^)#:]+)\)", PAGE))
    assert all((ROOT / "docs" / link).is_file() for link in links)
    shown = {link.removeprefix("examples/") for link in links}
    assert {name for name in os.listdir(EXAMPLES) if (EXAMPLES / name).is_file()} <= shown
