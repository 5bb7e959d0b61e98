"""Finds the pages and their fenced blocks. Knows what stands where, and runs nothing."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<info>[^`]*)$")
_TITLE = re.compile(r"""\btitle=(?:"([^"]+)"|(\S+))""")
_REMARK = re.compile(r"^ *<!-- (not run|long): (.+?) -->$")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    """The path of the page in the repository."""
    line: int
    """The line of the page on which its text begins."""
    language: str
    title: str
    """The file that it is, or ""."""
    text: str
    indent: int = 0
    not_run: str = ""
    """Why it cannot run here."""
    long: str = ""
    """Why it runs in the long suite only."""
    follows: bool = False
    """Whether nothing but empty lines is between it and the block before."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page with its blocks, in the order in which they stand."""

    path: Path
    front: dict[str, Any]
    blocks: list[Block]
    loose: list[int] = field(default_factory=list)
    """Lines where a block of code begins that has no fence."""

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix() if self.path.is_relative_to(ROOT) else self.path.name


def paths() -> list[Path]:
    """README.md and every page of docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read(path: Path) -> Page:
    """A page. Raises ValueError where a fence is not closed."""
    lines = path.read_text(encoding="utf-8").splitlines()
    front, start = _front(lines)
    page = Page(path, front, [])
    number, remark, follows, empty = start, ("", ""), False, True
    while number < len(lines):
        line = lines[number]
        number += 1
        opened = _FENCE.match(line)
        if opened:
            end = next(
                (n for n in range(number, len(lines)) if re.fullmatch(rf" *{opened['fence']}[`~]* *", lines[n])), None
            )
            if end is None:
                raise ValueError(f"{page.name}:{number}: this fence is not closed")
            page.blocks.append(_block(page, opened, lines[number:end], number + 1, remark, follows))
            number, remark, follows, empty = end + 1, ("", ""), True, False
            continue
        said = _REMARK.match(line)
        if said:
            remark = (said[1], said[2])
        elif line.strip():
            if empty and line.startswith("    ") and not _in_list(lines, number - 1):
                page.loose.append(number)
            remark, follows = ("", ""), False
        empty = not line.strip()
    return page


def _front(lines: list[str]) -> tuple[dict[str, Any], int]:
    if lines[:1] != ["---"]:
        return {}, 0
    end = lines.index("---", 1)
    return yaml.safe_load("\n".join(lines[1:end])) or {}, end + 1


def _block(
    page: Page, opened: re.Match[str], lines: list[str], line: int, remark: tuple[str, str], follows: bool
) -> Block:
    language, _, rest = opened["info"].strip().partition(" ")
    title = _TITLE.search(rest)
    indent = len(opened["indent"])
    text = textwrap.dedent("\n".join(lines)) if indent else "\n".join(lines)
    return Block(
        page.name,
        line,
        language,
        (title[1] or title[2]) if title else "",
        text + "\n",
        indent,
        not_run=remark[1] if remark[0] == "not run" else "",
        long=remark[1] if remark[0] == "long" else "",
        follows=follows,
    )


def _in_list(lines: list[str], index: int) -> bool:
    """Whether an indented line goes on with an item of a list, a tab or a note, and is no code."""
    for line in reversed(lines[:index]):
        if line.strip() and not line.startswith("  "):
            return bool(re.match(r"([-*+]|\d+\.|===|!!!|\?\?\?\+?) ", line))
    return False
