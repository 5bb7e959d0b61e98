"""The scripts of .ci: what they could not find out is never taken for nothing found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "audit.py"
CLEAN = {"name": "click", "version": "8.5.1", "vulns": []}
FLAWED = {"name": "h11", "version": "0.1", "vulns": [{"id": "CVE-1", "fix_versions": ["0.16"]}]}
UNKNOWN = {"name": "orjson", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"dependencies": [CLEAN]}, 0, "1 packages: 0 with known vulnerabilities, 0 NOT audited"),
        ({"dependencies": [CLEAN, FLAWED, UNKNOWN]}, 1, "h11 0.1: CVE-1, fixed in 0.16"),
        ({"dependencies": [CLEAN, UNKNOWN]}, 3, "1 NOT audited"),
        (None, 3, "NOT audited: no network"),
    ],
)
def test_its_exit_code(tmp_path, answer, code, said):
    tool = "import sys; sys.exit('no network')" if answer is None else f"print({json.dumps(json.dumps(answer))})"
    (tmp_path / "pip_audit.py").write_text(tool)
    command = [sys.executable, str(SCRIPT), "some.lock"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr


def test_versions_that_cannot_be_tried_are_never_taken_for_good_ones(tmp_path):
    script = SCRIPT.with_name("versions")
    environment = {**os.environ, "UV": str(tmp_path / "no-uv")}
    done = subprocess.run([str(script)], capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, done.stderr) == (3, "versions: NOT tested: uv is not installed\n")


def test_a_python_that_is_not_here_is_skipped_and_named(tmp_path):
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nexit 1\n")  # it finds no Python and fetches none
    uv.chmod(0o755)
    environment = {**os.environ, "UV": str(uv), "HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = [str(SCRIPT.with_name("versions")), "3.99"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert "== Python 3.99: skipped, it is not on this machine and could not be fetched" in done.stdout
