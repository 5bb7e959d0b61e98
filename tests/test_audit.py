"""The audit of the lock: what it could not find out is never taken for nothing found."""

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
        ({"dependencies": [CLEAN, FLAWED, UNKNOWN]}, 1, "h11 0.1: CVE-1, mended in 0.16"),
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
