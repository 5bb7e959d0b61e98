"""schemathesis against the bundled profiles: every check, every phase, nothing found."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_fuzz import SCHEMATHESIS

from mockserver.pipeline.build import build
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

# A request whose If-Match names another state of the row is valid, and rejected with 412 (RFC 9110, 13.1.1).
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]
"""


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("name", "header"), [("shop", "Authorization: Bearer fuzz-key"), ("tickets", "X-Api-Key: fuzz-key")]
)
def test_schemathesis_finds_nothing_in_a_bundled_profile(name: str, header: str, tmp_path: Path) -> None:
    settings = Settings(apis=(name,), api_keys=("fuzz-key",), rate_limit=None, credits=1e12)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    with serve_in_thread(create_app(pipeline=build(settings), admin=False)) as server:
        command = [SCHEMATHESIS, "--config-file", str(configuration), "run", f"{server.url}/{name}/openapi.yaml"]
        command += ["--header", header, "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"]
        command += ["--continue-on-failure", "--max-examples", "50", "--no-color", "--generation-deterministic"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=500, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]
