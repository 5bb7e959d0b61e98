"""What a container relies on: the health command, variables that are not ours, folders that are mounted,
an end that comes before the start is over, and an install that lacks a part."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner
from test_server import COMMAND, began, ready, running, stop

from mockserver.cli import main as cli
from mockserver.pipeline.build import build
from mockserver.settings import Settings

ROOT = Path(__file__).parent.parent
SCENARIO = """\
version: 1
name: own
api: datagrid
credits: 7
"""
SHOP = """\
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /things:
    get: {operationId: listThings, responses: {'204': {description: none}}}
"""


def health(*options, **environment):
    return CliRunner().invoke(cli.cli, ["health", *options], env=environment)


def test_it_is_0_when_the_server_is_ready(server):
    assert health("--port", str(server.port)).exit_code == 0
    variables = {"MOCKSERVER_HOST": "0.0.0.0", "MOCKSERVER_PORT": str(server.port)}
    assert health(**variables).exit_code == 0, "who listens everywhere is asked on 127.0.0.1"


def test_the_admin_api_may_have_a_port_of_its_own(server):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        asked = health(MOCKSERVER_PORT=str(closed.getsockname()[1]), MOCKSERVER_ADMIN_PORT=str(server.port))
    assert asked.exit_code == 0


def test_it_is_1_when_nothing_answers():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        asked = health("--port", str(port))
    assert (asked.exit_code, asked.stderr) == (
        1,
        f"mockserver: nothing answers at 127.0.0.1:{port}: Connection refused\n",
    )


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "is draining"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "is no mockserver: it answered with status 404"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is no mockserver: it does not speak HTTP/1.1"),
        (b"", "is no mockserver: it does not speak HTTP/1.1"),
        (None, "did not answer within 0.05 seconds"),
    ],
)
def test_it_is_1_for_any_other_answer(reply, said):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = [*COMMAND, "health", "--port", str(listener.getsockname()[1]), "--timeout", "50ms"]
        if reply is not None:
            command[-1] = "30s"
        asked = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        if reply is not None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(reply)
            connection.close()
        _, error = asked.communicate(timeout=20)
    assert asked.returncode == 1
    assert said in error and len(error.splitlines()) == 1


def test_the_health_command_imports_no_server():
    script = """
import sys
from mockserver.cli.main import cli
cli.main(["health", "--port", "1"], standalone_mode=False)
"""
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules))\n"
    done = subprocess.run([sys.executable, "-c", report + script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    heavy = {"asyncio", "http.client", "uvicorn", "starlette", "orjson", "pydantic", "mockserver.cli.control"}
    assert heavy & set(done.stdout.split()) == set()


def test_an_address_that_kubernetes_puts_into_a_variable_is_no_port():
    variables = {"MOCKSERVER_PORT": "tcp://10.0.0.7:80", "MOCKSERVER_ADMIN_PORT": "tcp://10.0.0.8:80"}
    runner = CliRunner()
    with runner.isolation(env=variables):
        context = cli.serve.make_context("serve", [])
    assert (context.params["port"], context.params["admin_port"]) == (4010, None)
    with runner.isolation(env={"MOCKSERVER_PORT": "http"}), pytest.raises(click.BadParameter):
        cli.serve.make_context("serve", [])


def test_files_of_mounted_folders_go_by_name(tmp_path):
    (tmp_path / "own.yaml").write_text(SCENARIO)
    (tmp_path / "shop.yml").write_text(SHOP)
    folder = str(tmp_path)
    terms = {"scenario_dir": folder, "spec_dir": folder}
    for scenario in ("own", "own.yaml", str(tmp_path / "own.yaml")):
        pipeline = build(Settings(scenarios=(scenario,), **terms))
        assert pipeline.sandbox.scenarios["datagrid"].model.name == "own"
    pipeline = build(Settings(apis=("shop", "store=shop.yml", "datagrid"), scenarios=("out-of-credits",), **terms))
    assert list(pipeline.apis) == ["shop", "store", "datagrid"]


def test_a_name_that_no_mounted_file_has(tmp_path):
    (tmp_path / "own.yaml").write_text(SCENARIO)
    variables = {"MOCKSERVER_SCENARIO_DIR": str(tmp_path), "MOCKSERVER_SCENARIO": "onw"}
    command = [*COMMAND, "serve", "--port", "0"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"mockserver: there is no 'onw': it is not bundled, no file, and not in {tmp_path}, which holds own.yaml; "
        "did you mean 'own'?"
    )


def test_a_signal_that_comes_during_the_start_ends_it_with_0():
    # Where a process is the first of its container, a signal without a handler is lost.
    script = """
import os, signal
from mockserver.server import run as server
server.build = lambda *settings, **more: os.kill(os.getpid(), signal.SIGTERM) or signal.pause()
from mockserver.cli.main import main
main(["serve", "--port", "0"])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in %r:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
from mockserver.cli.main import main
main(["serve", "--port", "0"])
"""


@pytest.mark.parametrize("lacking", [("httptools",), ("uvloop",), ("httptools", "uvloop")], ids="+".join)
def test_without_a_part_it_warns_once_and_serves(lacking):
    process = subprocess.Popen([sys.executable, "-c", BLOCKED % (lacking,)], stderr=subprocess.PIPE, text=True)
    try:
        url, lines = began(process)
        ready(url)
        headers = {"Authorization": "Bearer k"}
        made = httpx.post(f"{url}/v1/user-memories", headers=headers, json={"agent_id": "a", "memory": "m"})
        assert made.status_code == 201
        assert httpx.get(f"{url}/__admin/health").status_code == 200
        code, rest = stop(process)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert code == 0
    warnings = [line for line in [*lines, *rest.splitlines()] if "pip install" in line]
    assert len(warnings) == 1
    assert f"`pip install {' '.join(lacking)}`" in warnings[0]
    assert ("bounds on connections" in warnings[0]) == ("httptools" in lacking)
    assert ("event loop" in warnings[0]) == ("uvloop" in lacking)


def test_a_whole_install_does_not_warn():
    with running() as (url, process):
        ready(url)
        _, output = stop(process, signal.SIGTERM)
    assert "pip install" not in output


def test_the_image_has_the_version_and_the_lock_that_go_with_the_package():
    version = re.search(r'image\.version="([^"]+)"', (ROOT / "Dockerfile").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert version and f'version = "{version[1]}"' in project
    named = {
        name.lower().replace("_", "-")
        for name in re.findall(r'^    "([A-Za-z0-9_-]+)', project.split("dependencies = [")[1].split("]\n")[0], re.M)
    }
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.M))
    assert named and named <= locked, "run `make lock`"
