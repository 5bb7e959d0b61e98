"""Several worker processes on one socket and one store, as a user runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from test_server import COMMAND, ready, running, stop

from mockserver.server.workers import Supervisor

HEADERS = {"authorization": "Bearer k"}
BODY = {"agent_id": "a", "memory": "m"}


def workers_of(pid: int) -> list[int]:
    """The processes that a supervisor started to work."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


def until(what) -> None:
    """Wait for a process to do something."""
    for _ in range(400):
        if what():
            return
        time.sleep(0.025)
    raise AssertionError("it did not happen")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.long
def test_workers_share_everything_and_one_that_dies_is_replaced(redis_server):
    state = f"{redis_server.url}?prefix=workers"
    with running("--workers", "2", "--state", state, "--log-format", "json") as (url, process):
        ready(url)
        until(lambda: len(workers_of(process.pid)) == 2)
        made = [httpx.post(f"{url}/v1/user-memories", headers=HEADERS, json=BODY) for _ in range(10)]
        assert [answer.status_code for answer in made] == [201] * 10
        name = 'api="datagrid",operation="Memory.createUserMemory",status="201",rule=""'
        until(lambda: f"requests_total{{{name}}} 10" in httpx.get(f"{url}/__admin/metrics").text)
        killed, other = workers_of(process.pid)
        os.kill(killed, signal.SIGKILL)
        until(lambda: len({killed, other, *workers_of(process.pid)}) == 3 and len(workers_of(process.pid)) == 2)
        assert f"requests_total{{{name}}} 10" in httpx.get(f"{url}/__admin/metrics").text, "what a dead one did counts"
        page = httpx.get(f"{url}/v1/user-memories", headers=HEADERS).json()
        assert len(page["data"]) == 10
        code, output = stop(process)
    assert code == 0
    assert f"worker {killed} ended with -9; another one takes its place" in output
    assert "Traceback" not in output


SUITE = """
import datagrid_ai
import pytest
from datagrid_ai import Datagrid


@pytest.mark.parametrize("n", range(6))
@pytest.mark.mockserver(credits=3)
def test_credits(mockserver, n):
    client = Datagrid(**mockserver.client_kwargs("datagrid"), max_retries=0)
    assert len({client.memory.user.create(agent_id="a", memory=str(i)).id for i in range(3)}) == 3
    with pytest.raises(datagrid_ai.APIStatusError):
        client.memory.user.create(agent_id="a", memory="m")
    mockserver.assert_requested("Memory.createUserMemory", times=4)
    mockserver.credits.set(1)
    client.memory.user.create(agent_id="a", memory="m")
    assert len(client.memory.user.list().data) == 4


@pytest.mark.mockserver(scenario="third-call-throttled")
def test_throttled(mockserver):
    client = Datagrid(**mockserver.client_kwargs("datagrid"))
    with mockserver.clock.bridge():
        for i in range(4):
            client.memory.user.create(agent_id="a", memory=str(i))
    mockserver.retries.assert_honoured()
    snapshot = mockserver.state.snapshot()
    mockserver.reset()
    mockserver.state.restore(snapshot)
"""


@pytest.mark.long
def test_a_suite_runs_against_workers_as_against_one_server(redis_server, tmp_path):
    """Whichever worker answers: sandboxes, clocks, credits, scenarios and journals are the same."""
    (tmp_path / "test_client.py").write_text(SUITE)
    options = ["--workers", "2", "--state", f"{redis_server.url}?prefix=suite"]
    with running(*options, MOCKSERVER_LOG_LEVEL="info") as (url, process):
        ready(url)
        until(lambda: len(workers_of(process.pid)) == 2)
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--mockserver-url", url]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
        assert stop(process)[0] == 0
    assert "7 passed" in done.stdout, done.stdout


def test_workers_stop_when_their_supervisor_is_killed(redis_server):
    with running("--workers", "2", "--state", f"{redis_server.url}?prefix=orphans") as (url, process):
        ready(url)
        until(lambda: len(workers_of(process.pid)) == 2)
        workers = workers_of(process.pid)
        process.kill()
        until(lambda: all(map(gone, workers)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "2"], "--workers 2 needs a store that they share; add --state redis://HOST"),
        (["--state", "redis://127.0.0.1:1"], "no Redis answers at 127.0.0.1"),
        (["--state", "redis://h", "--state-file", "f"], "--state-file is for state in memory"),
    ],
)
def test_what_does_not_fit_is_said(options, message):
    done = subprocess.run([*COMMAND, "serve", "--port", "0", *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


class _Ended:
    """A worker that runs until it is told to end."""

    pid, exitcode, sentinel = 1, None, 0

    def __init__(self) -> None:
        self.calls: list[str] = []

    def is_alive(self) -> bool:
        return "terminate" not in self.calls

    def terminate(self) -> None:
        self.calls.append("terminate")

    def join(self, patience: float) -> None:
        self.calls.append("join")


def test_ctrl_c_ends_the_workers_also_where_it_interrupts_the_wait(monkeypatch):
    """On Windows `multiprocessing.connection.wait` raises InterruptedError once the handler has run."""
    supervisor, worker = Supervisor(print, None, (), 1, 1.0), _Ended()
    monkeypatch.setattr(supervisor, "_start", lambda: worker)

    def interrupted(handles, timeout=None):
        signal.raise_signal(signal.SIGINT)
        raise InterruptedError

    monkeypatch.setattr("mockserver.server.workers.wait", interrupted)
    supervisor.run()
    assert worker.calls == ["terminate", "join"]
