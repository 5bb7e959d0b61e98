"""`mockserver completion` in real shells, and help that pages on a real terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from mockserver.cli.main import cli

BIN = Path(sys.executable).parent
ENVIRONMENT = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm", "LANG": "C.UTF-8"}
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
PREPARE = {
    "bash": 'PS1=">"; bind "set bell-style none"; eval "$(mockserver completion bash)"; echo re""ady\n',
    "zsh": 'PS1=">"; autoload -Uz compinit; compinit -u -D; eval "$(mockserver completion zsh)"; echo re""ady\n',
}
CASES = {
    "a command": ("mockserver sche\t", "mockserver schema "),
    "a command of a group": ("mockserver scenario sh\t", "mockserver scenario show "),
    "an option": ("mockserver serve --credit-\t", "mockserver serve --credit-characters "),
    "the value of an option": ("mockserver check --format sa\t", "mockserver check --format sarif "),
    "an API": ("mockserver serve dat\t", "mockserver serve datagrid "),
    "an API of an option": ("mockserver serve --api mem\t", "mockserver serve --api mem0 "),
    "a scenario": ("mockserver scenario set out-\t", "mockserver scenario set out-of-credits "),
    "a file": ("mockserver check open\t", "mockserver check openapi-of-mine.yaml "),
    "a file where an API may stand": ("mockserver explain open\t", "mockserver explain openapi-of-mine.yaml "),
}


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str) -> str:
        """Read until a text stands there; returns everything since the last time."""
        deadline = time.monotonic() + 60
        while text not in self.plain():
            assert time.monotonic() < deadline, f"{text!r} never came: {self.seen!r}"
            if select.select([self._master], [], [], 1)[0]:
                with contextlib.suppress(OSError):  # the other side is closed
                    self.seen += os.read(self._master, 1 << 16).decode("utf-8", "replace")
        seen, self.seen = self.plain(), ""
        return seen

    def plain(self) -> str:
        return re.sub(r"\x1b(\[[\d;?]*[a-zA-Z]|[=>])|.\x08", "", self.seen)


@contextlib.contextmanager
def terminal(command: list[str], folder: Path, **environment: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**ENVIRONMENT, **environment, "HOME": str(folder)},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.fixture(params=list(START))
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    needs(request.param)
    (tmp_path / "openapi-of-mine.yaml").write_text("openapi: 3.1.0\n")
    with terminal(START[request.param], tmp_path) as shell:
        shell.type(PREPARE[request.param])
        shell.until("ready\r\n")
        yield shell


@pytest.mark.parametrize("case", CASES)
def test_what_is_completed(case):
    typed, completed = CASES[case]
    *arguments, incomplete = typed.strip().split(" ")[1:]
    found = ShellComplete(cli, {}, "mockserver", "_MOCKSERVER_COMPLETE").get_completions(arguments, incomplete)
    if case.startswith("a file"):
        assert ("file", incomplete) in [(item.type, item.value) for item in found]
    else:
        assert completed.split()[-1] in [item.value for item in found]


@pytest.mark.long
def test_a_shell_completes(shell):
    for typed, completed in CASES.values():
        shell.type(typed)
        shell.until(completed)
        shell.type("\x15")  # the line is removed


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_fish_completes(case, tmp_path):
    needs("fish")
    (tmp_path / "openapi-of-mine.yaml").write_text("openapi: 3.1.0\n")
    typed, completed = CASES[case]
    script = f"mockserver completion fish | source; complete -C '{typed.strip()}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=tmp_path,
        env={**ENVIRONMENT, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.split()[-1] in [line.partition("\t")[0] for line in done.stdout.splitlines()], done.stderr


def test_a_shell_that_is_not_known_is_told():
    done = subprocess.run([BIN / "mockserver", "completion", "tcsh"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "'bash', 'zsh', 'fish'" in done.stderr


def test_help_that_is_longer_than_the_terminal_goes_through_the_pager(tmp_path):
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho the pager begins; cat; echo the pager ends\n")
    pager.chmod(0o755)
    command = str(BIN / "mockserver")
    with terminal([command, "serve", "--help"], tmp_path, PAGER=str(pager)) as screen:
        seen = screen.until("the pager ends")
        assert "the pager begins" in seen and "--rate-limit LIMIT" in seen
    with terminal([command, "credits", "-h"], tmp_path, PAGER=str(pager), LINES="60", COLUMNS="100") as screen:
        assert "the pager begins" not in screen.until("--admin-token")


def test_help_that_is_piped_is_not_paged(tmp_path):
    environment = {**ENVIRONMENT, "PAGER": "false"}
    done = subprocess.run([BIN / "mockserver", "serve", "--help"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "--rate-limit LIMIT" in done.stdout
