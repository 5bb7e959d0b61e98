"""The image, built and run for real: as process 1, as nobody in particular, on a root that cannot be written.

buildah builds it on a base that `.ci/base-image` makes of Debian packages, so neither a registry of images nor a
container engine is needed; the kernel's namespaces are the container.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from test_server import ready

from mockserver import __version__

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent
BASE = os.environ.get("MOCKSERVER_TEST_BASE", "localhost/python-base:latest")
IMAGE = "localhost/mockserver-under-test:latest"
MOST_BYTES = 80_000_000
ENVIRONMENT = {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot", **os.environ}
"""What `.ci/base-image` uses as well."""
SLOW = """\
version: 1
name: slow
api: datagrid
rules:
  - id: slow
    op: Memory.createUserMemory
    fault: {latency: {median: 600ms, p99: 600ms}}
"""
SHOP = """\
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /things:
    get:
      operationId: listThings
      responses: {'200': {description: ok, content: {application/json: {example: [tea]}}}}
"""
# A container in small: mounts, a root that is read-only from then on, and the image's user.
ENTER = """
set -e
root=$1 user=$2 spec=$3 scenarios=$4; shift 4
mount --bind "$root" "$root"
[ -z "$spec" ] || mount --bind "$spec" "$root/spec"
[ -z "$scenarios" ] || mount --bind "$scenarios" "$root/scenarios"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
"""


def buildah(*arguments):
    done = subprocess.run(["buildah", *arguments], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, f"buildah {arguments[0]}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout.strip()


def inspect(image):
    return json.loads(buildah("inspect", "--type", "image", image))


def pip_settings(folder):
    """The machine's settings of pip, for the build alone: a mounted file and certificates, nothing in the image."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    known = {}
    for line in lines:
        name, _, value = line.partition("=")
        known[name.rpartition(".")[2]] = value.strip("'\"")  # the nearest comes last
    wanted = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert", "default-timeout")
    # A folder of this machine is not in the build.
    given = {name: known[name] for name in wanted if name in known and "file:" not in known[name]}
    file = folder / "pip.conf"
    file.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in given.items()))
    volumes = [f"{file}:/etc/pip.conf:ro"]
    if "cert" in given:
        certificates = Path(given["cert"]).parent
        volumes.append(f"{certificates}:{certificates}:ro")
    return [part for volume in volumes for part in ("--volume", volume)]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image's description, once it is built."""
    tools = [tool for tool in ("buildah", "unshare", "mount", "chroot") if shutil.which(tool) is None]
    if tools or os.geteuid() != 0:
        pytest.skip(f"the image cannot be built here: {', '.join(tools) or 'root'} is missing; see .ci/run")
    found = subprocess.run(["buildah", "images", "-q", BASE], capture_output=True, text=True, env=ENVIRONMENT)
    if not found.stdout.strip():
        pytest.skip(f"the image cannot be built here: the base {BASE} is missing; `.ci/base-image` makes it")
    settings = pip_settings(tmp_path_factory.mktemp("pip"))
    # The Docker format, because OCI's has no HEALTHCHECK.
    form = ["--pull-never", "--format", "docker", "--build-arg", f"PYTHON_IMAGE={BASE}"]
    buildah("bud", *form, *settings, "--tag", IMAGE, str(ROOT))
    yield inspect(IMAGE)
    buildah("rmi", IMAGE)


@pytest.fixture(scope="module")
def container(image):
    """A container's name, for `buildah run`."""
    name = buildah("from", "--pull-never", IMAGE)
    yield name
    buildah("rm", name)


@pytest.fixture(scope="module")
def root(container):
    """The container's file system."""
    yield buildah("mount", container)
    buildah("umount", container)


@pytest.fixture
def command(image, root):
    """Makes the command line that runs the image's own command, or another one, in a container."""
    config = image["Docker"]["config"]

    def make(*arguments, spec="", scenarios="", **environment):
        variables = [*config["Env"], *(f"{name}={value}" for name, value in environment.items())]
        enter = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", ENTER, "sh"]
        given = [root, config["User"], str(spec), str(scenarios), *variables]
        return [*enter, *given, *(arguments or [*config["Entrypoint"], *config["Cmd"]])]

    return make


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serving(command):
    """Starts the server in a container; gives its URL, and a function that ends it as a container engine does."""

    @contextlib.contextmanager
    def start(**options):
        port = free_port()
        process = subprocess.Popen(command(MOCKSERVER_PORT=port, **options), stderr=subprocess.PIPE, text=True)

        def first():
            """The container's process 1, as the machine sees it."""
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            return int(children[0])

        def stop():
            began = time.monotonic()
            os.kill(first(), signal.SIGTERM)
            return process.wait(timeout=30), time.monotonic() - began

        try:
            ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}", stop
        finally:
            if process.poll() is None:
                os.kill(first(), signal.SIGKILL)
            _, errors = process.communicate(timeout=30)
            assert "Traceback" not in errors

    return start


def test_its_command_runs_as_a_user_that_is_not_root(container):
    assert buildah("run", container, "--", "mockserver", "--version") == f"mockserver, version {__version__}"
    assert buildah("run", container, "--", "id", "-u") == "10001"


def test_what_the_image_says_of_itself(image):
    config = image["Docker"]["config"]
    assert (config["Entrypoint"], config["Cmd"], config["User"]) == (["mockserver"], ["serve"], "10001:10001")
    assert config["ExposedPorts"] == {"4010/tcp": {}}
    assert config["Healthcheck"]["Test"] == ["CMD", "mockserver", "health"]
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items() if "opencontainers" in name}
    assert labels["version"] == __version__ and set(labels) == {"title", "description", "version", "licenses"}


def test_nothing_of_the_machine_that_built_it_is_in_it(image, root):
    names = {line.partition("=")[0] for line in image["Docker"]["config"]["Env"]}
    assert not {name for name in names if name.startswith(("PIP", "SSL", "HTTP", "http"))}
    assert not list(Path(root, "opt").rglob("pip")) and not list(Path(root, "opt").rglob("setuptools"))
    assert not Path(root, "etc/pip.conf").exists()


def test_its_size(image, record_property):
    layers = json.loads(image["Manifest"])["layers"]
    base = json.loads(inspect(BASE)["Manifest"])["layers"]
    added = sum(layer["size"] for layer in layers) - sum(layer["size"] for layer in base)
    record_property("bytes_beyond_the_base", added)
    print(f"\nthe image adds {added / 1e6:.1f} MB to its base")
    assert added < MOST_BYTES


def test_its_user_can_write_nowhere_that_matters(container):
    # Even where the root is not read-only.
    search = r"find / -xdev \( -type d -o -type f \) -writable 2>/dev/null || true"
    found = buildah("run", container, "--", "sh", "-c", search)
    assert {path for path in found.split() if not path.startswith(("/tmp", "/var/tmp", "/run/lock", "/dev"))} == set()


def test_it_serves_from_a_read_only_root(command, serving):
    for folder in ("/", "/tmp", "/opt/mockserver", "/scenarios"):
        tried = subprocess.run(command("touch", f"{folder}/x"), capture_output=True, text=True)
        assert "Read-only file system" in tried.stderr
    with serving() as (url, stop):
        assert httpx.get(f"{url}/__admin/ready").json() == {"status": "ready", "apis": ["datagrid", "mem0"]}
        headers = {"Authorization": "Bearer k"}
        made = httpx.post(f"{url}/v1/user-memories", headers=headers, json={"agent_id": "a", "memory": "m"})
        assert made.status_code == 201
        code, seconds = stop()
        assert code == 0
        assert seconds < 1


def test_files_of_the_mount_points_go_by_name(serving, tmp_path):
    spec, scenarios = tmp_path / "spec", tmp_path / "scenarios"
    spec.mkdir()
    scenarios.mkdir()
    (spec / "shop.yaml").write_text(SHOP)
    (scenarios / "slow.yaml").write_text(SLOW)
    variables = {"MOCKSERVER_API": "datagrid,shop", "MOCKSERVER_SCENARIO": "slow"}
    with serving(spec=spec, scenarios=scenarios, **variables) as (url, _):
        assert httpx.get(f"{url}/things").json() == ["tea"]
        assert httpx.get(f"{url}/__admin/sandboxes/default/scenario").json()["name"] == "slow"


def test_a_mount_that_its_user_may_not_read_is_one_line(command, tmp_path):
    (tmp_path / "slow.yaml").write_text(SLOW)
    tmp_path.chmod(0o700)
    serve = ["timeout", "20", "mockserver", "serve"]  # it would stay behind if it served after all
    run = command(*serve, scenarios=tmp_path, MOCKSERVER_SCENARIO="slow", MOCKSERVER_PORT="0")
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    told = "mockserver: /scenarios/slow cannot be read; let everyone read it, and enter its folder\n"
    assert done.stderr == told


def test_the_health_check(image, command, serving):
    check = image["Docker"]["config"]["Healthcheck"]["Test"][1:]
    with serving() as (url, stop):
        port = url.rpartition(":")[2]
        assert subprocess.run(command(*check, MOCKSERVER_PORT=port)).returncode == 0
        assert stop()[0] == 0
    asked = subprocess.run(command(*check, MOCKSERVER_PORT=port), capture_output=True, text=True)
    assert (asked.returncode, "nothing answers at" in asked.stderr) == (1, True)


def test_what_is_in_flight_is_answered_before_it_ends(serving, tmp_path):
    (tmp_path / "slow.yaml").write_text(SLOW)
    tmp_path.chmod(0o755)
    answers = []
    with serving(scenarios=tmp_path, MOCKSERVER_SCENARIO="slow") as (url, stop):

        def create():
            headers = {"Authorization": "Bearer k"}
            body = {"agent_id": "a", "memory": "m"}
            answers.append(httpx.post(f"{url}/v1/user-memories", headers=headers, json=body).status_code)

        clients = [threading.Thread(target=create) for _ in range(8)]
        for client in clients:
            client.start()
        journal = f"{url}/__admin/sandboxes/default/journal"
        while len(httpx.get(journal).json()["entries"]) < len(clients):
            pass  # they are on their way
        assert answers == [], "the responses wait"
        code, seconds = stop()
        for client in clients:
            client.join()
    assert (code, answers) == (0, [201] * 8)
    assert seconds < 1.6, "a second, and what the slow responses took"
