"""The page on one's own API: its files are written, its commands are run, and print what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "your-api.md"
BLOCK = re.compile(r"```(\w+)(?: title=\"(\S+)\")?\n(.*?)```", re.DOTALL)


def test_the_page_does_what_it_shows(tmp_path):
    folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    environment.pop("PYTEST_ADDOPTS", None)
    shown = 0
    for language, name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language == "console":
            command, _, expected = text.partition("\n")
            done = subprocess.run(
                command.removeprefix("$ ").split(), cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            output = re.sub(r" in [\d.]+s", "", done.stdout)
            assert squeezed(output) == squeezed(expected), done.stdout + done.stderr
            assert done.returncode == 0
            shown += 1
    assert shown == 4


def squeezed(text: str) -> list[list[str]]:
    """The words of each line: how columns are filled up is no promise."""
    return [line.split() for line in text.strip().splitlines()]
