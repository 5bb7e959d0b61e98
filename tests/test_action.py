"""The GitHub action: its steps are run in a shell as a runner runs them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SCENARIO = "version: 1\nname: broke\napi: datagrid\ncredits: 0\n"


class Runner:
    """What a step of GitHub finds: a temporary folder, and files for what it hands on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH")}
        for file in self.files.values():
            file.touch()

    def use(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run the steps of the action; returns the last one that ran."""
        unknown = inputs.keys() - ACTION["inputs"].keys()
        assert not unknown
        values = {name: spec["default"] for name, spec in ACTION["inputs"].items()} | inputs
        done = None
        for step in ACTION["runs"]["steps"]:
            assert step["shell"] == "bash"
            given = {name: self._evaluated(text, values) for name, text in step["env"].items()}
            files = {name: str(file) for name, file in self.files.items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.workspace,
                env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(self.folder), **files, **given},
                capture_output=True,
                text=True,
                timeout=300,
                start_new_session=True,
            )
            if done.returncode:
                return done
        assert done is not None
        return done

    def _evaluated(self, text: str, inputs: dict[str, str]) -> str:
        """A text with its expressions. Only those forms exist that the action has."""

        def value(found: re.Match[str]) -> str:
            terms = [term.strip() for term in found[1].split("||")]
            known = {**{f"inputs.{name}": given for name, given in inputs.items()}, "github.action_path": str(ROOT)}
            return next((known[term] for term in terms if known[term]), "")

        return re.sub(r"\$\{\{(.*?)\}\}", value, text)

    def handed_on(self, name: str) -> str:
        return self.files[name].read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """A runner on which the package is installed already, as after a first use of the action."""
    runner = Runner(tmp_path)
    (tmp_path / "mockserver" / "bin").mkdir(parents=True)
    program = tmp_path / "mockserver" / "bin" / "mockserver"
    program.write_text(f'#!/bin/sh\necho $$ >> {tmp_path}/pids\nexec {Path(sys.executable).parent}/mockserver "$@"\n')
    program.chmod(0o755)
    yield runner
    pids = tmp_path / "pids"
    for pid in pids.read_text().split() if pids.exists() else []:
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"serve" in command.read_bytes():
            os.kill(int(pid), signal.SIGTERM)


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Bearer k"})) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_it_starts_a_server_and_hands_on_its_address(runner, port):
    (runner.workspace / "broke.yaml").write_text(SCENARIO)
    done = runner.use(api="datagrid", scenario="broke.yaml", port=port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"datagrid on http://127.0.0.1:{port}/datagrid/v1" in done.stdout
    assert runner.handed_on("GITHUB_ENV") == f"MOCKSERVER_URL=http://127.0.0.1:{port}\n"
    assert runner.handed_on("GITHUB_OUTPUT") == f"url=http://127.0.0.1:{port}\n"
    assert runner.handed_on("GITHUB_PATH") == f"{runner.folder}/mockserver/bin\n"
    status, body = get(f"http://127.0.0.1:{port}/datagrid/v1/organization/credits")
    assert (status, '"remaining":0' in body) == (200, True)
    assert get(f"http://127.0.0.1:{port}/mem0/v1/ping/")[0] == 404


def test_a_profile_is_served_beside_an_api(runner, port):
    (runner.workspace / "shop.yaml").write_bytes((ROOT / "spec" / "shop.yaml").read_bytes())
    (runner.workspace / "shop.mock.yaml").write_text("version: 1\ncontract: shop.yaml\n")
    done = runner.use(api="datagrid", profile="shop.mock.yaml", port=port)
    assert done.returncode == 0, done.stdout + done.stderr
    assert get(f"http://127.0.0.1:{port}/shop/orders")[0] == 200
    assert get(f"http://127.0.0.1:{port}/datagrid/v1/user-memories")[0] == 200


def test_a_server_that_does_not_start_fails_the_step_with_its_reason(runner, port):
    done = runner.use(scenario="none.yaml", port=port)
    assert done.returncode == 1
    assert "::error::mockserver ended: " in done.stdout and "none.yaml" in done.stdout


def test_every_input_is_used_and_told():
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, spec in ACTION["inputs"].items():
        assert f"inputs.{name}" in text and spec["description"].endswith(".")
    # An expression inside a script would let an input run commands.
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])


def test_it_is_what_github_reads():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
