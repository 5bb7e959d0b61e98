"""`serve --state-file` and `state save`: what is written whole, and what survives."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest
from test_server import COMMAND, ready, running, stop

from mockserver.errors import UserError
from mockserver.text.documents import write_whole

HEADERS = {"authorization": "Bearer k"}
BODY = {"agent_id": "a", "memory": "m"}


def test_the_state_outlives_the_process(tmp_path):
    file = tmp_path / "state.json"
    with running("--state-file", str(file), "--credits", "5", "--admin-token", "t") as (url, process):
        ready(url)
        id = httpx.post(f"{url}/v1/user-memories", headers=HEADERS, json=BODY).json()["id"]
        assert not file.exists()
        code, output = stop(process)
    assert (code, "state saved to" in output) == (0, True)
    assert json.loads(file.read_text())["credits"] == {"total": 5, "consumed": 1, "remaining": 4}
    with running(MOCKSERVER_STATE_FILE=str(file)) as (url, process):
        ready(url)
        page = httpx.get(f"{url}/v1/user-memories", headers=HEADERS).json()
        new = httpx.post(f"{url}/v1/user-memories", headers=HEADERS, json=BODY).json()["id"]
        left = httpx.get(f"{url}/v1/organization/credits", headers=HEADERS).json()
        assert stop(process)[0] == 0
    assert [row["id"] for row in page["data"]] == [id]
    assert new != id, "ids go on"
    assert left == {"total": 5, "consumed": 2, "remaining": 3}
    assert len(json.loads(file.read_text())["tables"]["user_memories"][""]) == 2
    assert os.listdir(tmp_path) == ["state.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a state that can be loaded: body: is not valid JSON"),
        ("[]", "is not a state that can be loaded: body: must be an object"),
        (
            '{"tables": {"user_memories": {"": [{"id": "a"}]}}, "counters": {},'
            ' "credits": {"total": 1, "consumed": 0}}',
            "user_memories '' row 0: object: is missing",
        ),
    ],
)
def test_a_state_that_is_not_right_stops_the_start_and_stays(text, message, tmp_path):
    file = tmp_path / "state.json"
    file.write_text(text)
    command = [*COMMAND, "serve", "--port", "0", "--state-file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, file.read_text()) == (2, text)
    assert message in done.stderr
    assert str(file) in done.stderr


def test_a_folder_that_cannot_be_written_ends_with_a_message(tmp_path):
    file = tmp_path / "gone" / "state.json"
    file.parent.mkdir()
    with running("--state-file", str(file)) as (url, process):
        ready(url)
        file.parent.rmdir()
        code, output = stop(process)
    assert code == 2
    assert f"{file}: cannot be written: No such file or directory" in output


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "f"
    write_whole(file, b"old")
    file.chmod(0o640)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        with pytest.raises(UserError, match="No space left on device; what it held before is still there"):
            write_whole(file, b"new")
    assert (file.read_bytes(), os.listdir(tmp_path)) == (b"old", ["f"])
    link = tmp_path / "link"
    link.symlink_to(file)
    write_whole(link, b"newer")
    assert (file.read_bytes(), link.is_symlink(), Path(file).stat().st_mode & 0o777) == (b"newer", True, 0o640)
