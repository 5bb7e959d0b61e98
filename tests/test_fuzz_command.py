"""`mockserver fuzz` and docs/fuzzing.md: clean where it should be, loud where it should not."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner

from mockserver.errors import UserError
from mockserver.testing.fuzz import fuzz_command

DOCS = Path(__file__).parent.parent / "docs" / "fuzzing.md"
BIN = Path(sys.executable).parent


def run(*arguments):
    return CliRunner().invoke(fuzz_command, [str(a) for a in arguments])


def refused(*arguments):
    """The message that the command line would print before it exits with 2."""
    done = run(*arguments)
    assert isinstance(done.exception, UserError), done.output
    return str(done.exception)


def snippets(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.long
def test_the_built_in_app_is_clean(tmp_path):
    done = run("--max-examples", 1, "--seed", 7, "--junit", tmp_path / "fuzz.xml")
    assert done.exit_code == 0, done.output
    assert re.fullmatch(r"datagrid: \d+ test cases in [\d.]+ s, nothing found\n", done.output)
    root = ElementTree.parse(tmp_path / "fuzz.xml").getroot()
    assert root.get("failures") == "0"
    assert {"GET /user-memories", "Stateful tests"} <= {case.get("name") for case in root.iter("testcase")}


@pytest.mark.long
def test_a_finding_is_told_and_counted(make_server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = make_server(limit=None, credits=1e12)  # any key is valid here
    url = f"{server.url}/datagrid/v1"
    done = run("--url", url, "--max-examples", 1, "--seed", 2**100 + 1, "--junit", "fuzz.xml")
    assert done.exit_code == 1
    assert "API accepts invalid authentication" in done.output
    assert "curl -X GET" in done.output and "Bearer SCHEMATHESIS-INVALID" in done.output
    assert "report.json" not in done.output and "st replay" not in done.output
    assert re.search(r"^datagrid: \d+ test cases in [\d.]+ s, [1-9]\d* found$", done.output, re.MULTILINE)
    again = f"again: mockserver fuzz --api datagrid --url {url} --seed {2**100 + 1} --max-examples 1"
    assert done.output.splitlines()[-1] == again
    root = ElementTree.parse(tmp_path / "fuzz.xml").getroot()
    assert int(root.get("failures")) >= 3
    assert list(tmp_path.iterdir()) == [tmp_path / "fuzz.xml"], "caches are left behind"


@pytest.mark.long
def test_a_secret_key_is_not_told(make_server):
    server = make_server(limit=None, credits=1e12)
    done = run("--url", f"{server.url}/datagrid/v1", "--max-examples", 1, "--api-key", "s3cret")
    assert done.exit_code == 1
    assert "s3cret" not in done.output and "[Filtered]" in done.output


@pytest.mark.long
def test_a_terminal_sees_the_progress(make_server):
    pty = pytest.importorskip("pty")
    main, end = pty.openpty()
    code = "from mockserver.testing.fuzz import fuzz_command; fuzz_command()"
    with subprocess.Popen([sys.executable, "-c", code, "--max-examples", "1"], stdout=end, stderr=end) as child:
        os.close(end)
        seen = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            seen += piece
    os.close(main)
    assert child.returncode == 0, seen.decode()
    assert b"\x1b[" in seen and b"Coverage" in seen and b"Stateful" in seen
    assert seen.decode().rstrip().endswith("nothing found")


def test_mistakes_are_explained(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "nothing answers at http://127.0.0.1" in refused("--url", f"http://127.0.0.1:{port}/v1")
    assert "is not a base URL" in refused("--url", "localhost")
    assert "is not a base URL" in refused("--url", "http://x:99999")
    assert "did you mean 'datagrid'?" in refused("--api", "datagird")
    assert "there is no directory" in refused("--junit", tmp_path / "no" / "fuzz.xml")
    assert "API key" in refused("--api-key", "a\nb")
    assert run("--max-examples", 0).exit_code == 2
    assert run("--seed", "x").exit_code == 2
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'mockserver[fuzz]'" in refused()


def test_a_document_without_operations_is_no_clean_run(tmp_path):
    document = tmp_path / "shop.yaml"
    document.write_text("openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\n")
    assert refused("--api", f"shop={document}") == "shop: there is no operation to test in the contract"


# docs/fuzzing.md


def test_the_page_names_every_option():
    table = set(re.findall(r"^\| `(--[a-z-]+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert table == {option.opts[0] for option in fuzz_command.params if isinstance(option, click.Option)}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


@pytest.mark.long
def test_the_command_lines_of_the_page(tmp_path):
    port = free_port()
    serve, fuzz = (shlex.split(text.replace("4010", port)) for text in snippets("bash"))
    serve[0], fuzz[0] = str(BIN / serve[0]), str(BIN / fuzz[0])
    with subprocess.Popen([*serve, "--port", port, "--log-level", "error"], stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/ready", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            few = [*fuzz, "--max-examples", "1", "--no-color"]
            done = subprocess.run(few, cwd=tmp_path, capture_output=True, text=True, timeout=100)
        finally:
            server.terminate()
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Stateful" in done.stdout


@pytest.mark.long
def test_the_python_of_the_page(tmp_path, make_server):
    module, one_line = snippets("python")
    assert one_line.startswith("schema = schemathesis.openapi.from_url(")
    server = make_server(keys=("fuzz-key",), limit=None, credits=1e12)
    remote = re.sub(
        r"^schema = .*\n", lambda _: one_line.replace("http://127.0.0.1:4010", server.url), module, flags=re.M
    )
    few = "\nimport hypothesis\nTestChains.settings = hypothesis.settings(max_examples=2, deadline=None)\n"
    (tmp_path / "test_in_process.py").write_text(module + few)
    (tmp_path / "test_from_url.py").write_text(remote + few)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (tmp_path / "schemathesis.toml").write_text("generation.max-examples = 1\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "10 passed" in done.stdout
