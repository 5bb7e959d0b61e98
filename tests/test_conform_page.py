"""The page on `mockserver conform`: its server is started, its commands are run and print what it shows."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.conform.rules import RULES

PAGE = (Path(__file__).parent.parent / "docs" / "conform.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(\w+)(?: (\S+))?\n(.*?)```", re.DOTALL)


@pytest.mark.slow
def test_the_page_does_what_it_shows(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    blocks = BLOCK.findall(PAGE)
    for language, name, text in blocks:
        if language != "console":
            (tmp_path / name).write_text(text, encoding="utf-8")
    server = subprocess.Popen([sys.executable, "server.py", port], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None and server.stdout.readline() == "listening\n"
        shown = [(int(code), text.replace("8000", port)) for language, code, text in blocks if language == "console"]
        for code, text in shown:
            command, _, expected = text.partition("\n")
            done = subprocess.run(
                command.removeprefix("$ ").split(), cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert (done.stdout, done.returncode) == (expected, code), done.stdout + done.stderr
        assert len(shown) == 2
    finally:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("rule", RULES)
def test_the_page_lists_every_rule_with_its_level(rule):
    part, _, name = rule.partition("-")
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    levels = {
        id: (row[2].split(",") * 9)[number if "," in row[2] else 0].strip()
        for row in rows
        for number, id in enumerate(re.findall(r"`([^`]+)`", row[1]))
    }
    listed = levels.get(rule) or (levels.get(f"…-{name}") if part in ("body", "error", "header") else None)
    assert listed == RULES[rule].level


def test_no_rule_is_listed_that_there_is_not():
    listed = re.findall(r"`([a-z-]+-[a-z-]+)`", PAGE.partition("## Rules")[2])
    assert set(listed) <= set(RULES)
