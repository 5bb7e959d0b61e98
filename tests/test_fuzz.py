"""schemathesis against the running server: every check, every phase, nothing found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread

SCHEMATHESIS = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis"


def run(make_pipeline, api, examples, tmp_path):
    pipeline = make_pipeline(keys=("fuzz-key",), limit=None, credits=1e12)
    pipeline.sandbox.clock.run(1)
    with serve_in_thread(create_app(pipeline=pipeline, admin=False)) as server:
        command = [
            SCHEMATHESIS,
            "run",
            f"{server.url}/{api}/openapi.yaml",
            "--header",
            "Authorization: Bearer fuzz-key",
        ]
        command += ["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"]
        command += ["--max-examples", str(examples), "--no-color", "--generation-deterministic"]
        return subprocess.run(command, capture_output=True, text=True, timeout=1500, cwd=tmp_path)


@pytest.mark.parametrize("api", ["datagrid", pytest.param("mem0", marks=pytest.mark.long)])
@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(make_pipeline, api, tmp_path):
    done = run(make_pipeline, api, 10, tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("api", ["datagrid", "mem0"])
def test_schemathesis_finds_nothing_in_200_examples(make_pipeline, api, tmp_path):
    done = run(make_pipeline, api, 200, tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]
