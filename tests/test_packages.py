"""The wheel and the sdist, as users install them: on every Python that is here, by uvx, by pipx and by pre-commit."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def needs(program: str) -> str:
    if not (BIN / program).exists():
        pytest.skip(f"there is no {program}; `make packages` installs it")
    return str(BIN / program)


def run(*command: str, cwd: Path | None = None, timeout: float = 400, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout


def tracked() -> list[str]:
    """The files of the checkout, with those that are not committed yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return [name for name in run(*command, cwd=ROOT).splitlines() if (ROOT / name).is_file()]


@dataclass(frozen=True)
class Built:
    """What was built."""

    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built from a copy: the wheel is made from the sdist, so the sdist has what a build needs."""
    needs("pyproject-build")
    folder = tmp_path_factory.mktemp("packages")
    run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT))
    return Built(next(folder.glob("*.whl")), next(folder.glob("*.tar.gz")))


def test_the_sdist_has_what_the_checkout_has_and_nothing_else(built):
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names - {"PKG-INFO"} == set(tracked())


def test_the_wheel_has_the_package_with_its_data_and_nothing_else(built):
    with zipfile.ZipFile(built.wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    shipped = {name for name in tracked() if name.startswith("mockserver/")}
    shipped |= {f"mockserver/_data/{name}" for name in tracked() if name.startswith(("spec/", "scenarios/"))}
    assert names == shipped


@contextlib.contextmanager
def serving(*command: str, cwd: Path, **environment: str) -> Iterator[str]:
    """A server started by a command; the block gets its address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 300
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/ready", timeout=10).close()
                break
            except OSError:
                assert process.poll() is None, process.stdout.read().decode()[-2000:]
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def works(url: str) -> None:
    """See that a server answers from its bundled contracts."""
    request = urllib.request.Request(
        f"{url}/datagrid/v1/user-memories",
        b'{"agent_id": "support", "memory": "Prefers tea"}',
        {"Authorization": "Bearer any", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
    with urllib.request.urlopen(f"{url}/__console/", timeout=30) as answer:
        assert b"<title>" in answer.read()


def interpreter(version: str) -> str | None:
    """A Python of a version that is on this machine."""
    candidates = [*Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), shutil.which(f"python{version}")]
    script = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-c", script], capture_output=True, check=False).returncode == 0:
            return str(candidate)
    return None


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
@pytest.mark.parametrize("version", PYTHONS)
def test_it_installs_and_runs(version, kind, built, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    uv = needs("uv")
    environment = tmp_path / "environment"
    run(uv, "venv", "-q", "--python", python, str(environment))
    run(uv, "pip", "install", "-q", "--python", str(environment / "bin" / "python"), str(getattr(built, kind)))
    program = str(environment / "bin" / "mockserver")
    assert run(program, "check", "datagrid.yaml", cwd=ROOT / "spec").endswith("0 errors, 0 warnings\n")
    with serving(program, "serve", cwd=tmp_path) as url:
        works(url)


def test_uvx_serves(built, tmp_path):
    with serving(needs("uvx"), "--from", str(built.wheel), "mockserver", "serve", cwd=tmp_path) as url:
        works(url)


def test_pipx_serves(built, tmp_path):
    pipx = needs("pipx")
    homes = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    with serving(pipx, "run", "--spec", str(built.wheel), "mockserver", "serve", cwd=tmp_path, **homes) as url:
        works(url)


def test_pre_commit_checks_documents(tmp_path):
    pre_commit = needs("pre-commit")
    hooks = tmp_path / "hooks"
    for name in tracked():
        (hooks / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, hooks / name)
    project = tmp_path / "project"
    project.mkdir()
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    run("git", "init", "-q", cwd=hooks)
    run("git", "add", "-A", cwd=hooks)
    run("git", *identity, "commit", "-qm", "hooks", cwd=hooks)
    revision = run("git", "rev-parse", "HEAD", cwd=hooks).strip()
    configuration = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": "mockserver-check"}]}]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    (project / "openapi.yaml").write_bytes((ROOT / "spec" / "shop.yaml").read_bytes())
    (project / "notes.yaml").write_text("not: a document\n")
    run("git", "init", "-q", cwd=project)
    run("git", "add", "-A", cwd=project)
    home = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    assert "Passed" in run(pre_commit, "run", "--all-files", cwd=project, **home)
    (project / "openapi.yaml").write_text("openapi: 3.1.0\ninfo: {title: t}\npaths: {}\n")
    run("git", "add", "-A", cwd=project)
    failed = subprocess.run(
        [pre_commit, "run", "--all-files"], cwd=project, env={**os.environ, **home}, capture_output=True, text=True
    )
    assert failed.returncode == 1
    assert "error: #/info/version: is required and missing" in failed.stdout
    assert "notes.yaml" not in failed.stdout
