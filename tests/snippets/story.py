"""One page as a story: its blocks are done from top to bottom in one empty folder. Knows what each language means."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from snippets import files, wire
from snippets.outputs import Differs, compare, same
from snippets.pages import Block, Page
from snippets.shell import Shell, opened, starts_server, steps

SHOWN = {"text", "mermaid", "diff", "nginx", "dockerfile", "", "html", "css", "javascript-fragment"}
"""Languages that are shown and not run. A text after Python is what that prints."""


_TEST = re.compile(r"^\s*(async )?def test_|\.parametrize\(\)|\.TestCase$", re.MULTILINE)


class Wrong(AssertionError):
    """A snippet that does not do what its page says. The message begins with file and line."""


@dataclass
class Done:
    """What was run of a page."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    rewritten: dict[int, tuple[int, list[str]]] = field(default_factory=dict)
    """New output by the first line of the old one, with the number of old lines."""


def is_run(block: Block) -> bool:
    """Whether anything is done with a block."""
    return not block.not_run and (block.language not in SHOWN or bool(block.title))


def needs_server(page: Page) -> bool:
    """Whether a page talks to a server that it does not start."""
    return not _starts_own(page) and any("4010" in b.text or b.language == "http" for b in page.blocks if is_run(b))


def _starts_own(page: Page) -> bool:
    sessions = [block for block in page.blocks if block.language == "console" and not block.not_run]
    return any(starts_server(step.command) for block in sessions for step in steps(block.text))


class Story:
    """Runs a page.

    Args:
        page: the page.
        folder: a folder for it alone.
        programs: the folder of the warm programs.
        port: the port of a server that is there, for pages that start none.
        long: whether blocks run that take long.
        writes: whether outputs that differ are collected instead of failing.
    """

    def __init__(
        self, page: Page, folder: Path, programs: Path, port: int | None, *, long: bool, writes: bool = False
    ) -> None:
        self._page, self._folder, self._programs, self._port = page, folder, programs, port
        self._long, self._writes = long, writes
        self._tests: list[str] = []
        self.done = Done()

    def run(self) -> Done:
        begun = time.monotonic()
        with opened(self._folder, self._programs, None if _starts_own(self._page) else self._port) as shell:
            printed: list[str] | None = None
            for block in self._page.blocks:
                try:
                    if not _is_test(block):
                        self._run_tests(shell)
                    printed = self._do(block, shell, printed)
                except Wrong:
                    raise
                except Differs as differs:
                    raise Wrong(f"{block.page}:{block.line + differs.line}: {differs}") from None
                except Exception as error:
                    raise Wrong(f"{block.place}: {error}") from error
            self._run_tests(shell)
        self.done.seconds = time.monotonic() - begun
        return self.done

    def _do(self, block: Block, shell: Shell, before: list[str] | None) -> list[str] | None:
        """Do one block. Returns what it printed, where a text below may show that."""
        if block.not_run or (block.long and not self._long):
            self.done.counts["not run" if block.not_run else "long"] += 1
            _hold_commands(block)
            return None
        if block.language == "text" and block.follows and before is not None:
            self._compare(block.line, block.text.splitlines(), before, shell.code)
            self.done.counts["outputs"] += 1
            return None
        if block.title:
            self._write(block, shell)
            return None
        if block.language in SHOWN:
            self.done.counts["shown"] += 1
            _hold_commands(block)
            return None
        match block.language:
            case "console":
                self._session(block, shell)
            case "bash" | "sh" | "shell":
                printed = shell.run(block.text)
                self.done.counts["commands"] += 1
                assert shell.code == 0, f"exit code {shell.code}\n" + "\n".join(printed)
                return printed
            case "python" | "py":
                return self._python(block, shell)
            case "js" | "javascript" | "ts" | "typescript":
                return self._program(block, shell, "node", "mjs")
            case "yaml" | "yml":
                self._yaml(block)
            case "http":
                wire.exchange(block.text, int(shell.ports["4010"]))
                self.done.counts["http"] += 1
            case language if language in files.DATA:
                files.DATA[language](block.text, self._scratch())
                self.done.counts["data"] += 1
            case language:
                raise AssertionError(f"nobody knows how a block of {language!r} is run; see tests/snippets/story.py")
        return None

    def _write(self, block: Block, shell: Shell) -> None:
        file = (shell.folder / block.title).resolve()
        assert file.is_relative_to(shell.folder.resolve()), f"{block.title} is outside of the page's folder"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(shell.here(block.text), encoding="utf-8")
        self.done.counts["files"] += 1
        kind = files.kind_of(block.text, "") if block.language in ("yaml", "yml") else ""
        if kind and not self._is_used_later(block):
            files.KINDS[kind](block.text, self._scratch())

    def _is_used_later(self, block: Block) -> bool:
        """Whether a later block speaks of a file: then that block is its test, and it may be wrong on purpose."""
        later = self._page.blocks[self._page.blocks.index(block) + 1 :]
        return any(block.title in other.text or block.title == other.title for other in later)

    def _session(self, block: Block, shell: Shell) -> None:
        for step in steps(block.text):
            printed = shell.run(step.command)
            self.done.counts["commands"] += 1
            if step.shown:
                self.done.counts["outputs"] += 1
                self._compare(block.line + step.first, step.shown, printed, shell.code)
            elif shell.code:
                lines = "\n".join(printed)
                raise Differs(step.line, step.command, f"exit code {shell.code}: {lines}")

    def _compare(self, line: int, shown: list[str], printed: list[str], code: int) -> None:
        """Hold an output against the page. New output of what failed is not written: no page says that it may fail."""
        while printed and not printed[-1].strip():
            printed.pop()
        try:
            compare(shown, printed)
        except Differs as differs:
            if not self._writes or code:
                whole = "\n".join(f"    | {one}" for one in printed)
                place = f"{self._page.name}:{line + differs.line}"
                raise Wrong(f"{place}: {differs}\n  exit code {code}, all of it:\n{whole}") from None
            self.done.rewritten[line] = (len(shown), printed)

    def _python(self, block: Block, shell: Shell) -> list[str] | None:
        if _is_test(block):
            name = f"test_line_{block.line}.py"
            (shell.cwd / name).write_text(shell.here(block.text), encoding="utf-8")
            self._tests.append(name)
            return None
        return self._program(block, shell, "python", "py")

    def _run_tests(self, shell: Shell) -> None:
        """Run the blocks of tests that stand one after another in one run of pytest."""
        if self._tests:
            printed = shell.run(f"pytest -q {' '.join(self._tests)}")
            if shell.code:
                lines = "\n".join(printed)
                failed = re.search(r"test_line_(\d+)\.py", lines)
                raise Wrong(f"{self._page.name}:{failed[1] if failed else '?'}: {lines}")
            self.done.counts["tests"] += len(self._tests)
            self._tests.clear()

    def _program(self, block: Block, shell: Shell, runs: str, suffix: str) -> list[str]:
        file = shell.cwd / f"line_{block.line}.{suffix}"
        file.write_text(shell.here(block.text), encoding="utf-8")
        printed = shell.run(f"{runs} {file.name}")
        assert shell.code == 0, "\n".join(printed[-40:])
        self.done.counts["javascript" if runs == "node" else runs] += 1
        return printed

    def _yaml(self, block: Block) -> None:
        kind = files.kind_of(block.text, str(self._page.front.get("yaml", "")))
        assert kind in files.KINDS, f"its first line must say what it is: `# {' ...`, `# '.join(files.KINDS)} ...`"
        files.KINDS[kind](block.text, self._scratch())
        self.done.counts["yaml"] += 1

    def _scratch(self) -> Path:
        folder = self._folder / f"data-{sum(self.done.counts.values())}"
        folder.mkdir(exist_ok=True)
        return folder


def _is_test(block: Block) -> bool:
    return block.language in ("python", "py") and not block.title and bool(_TEST.search(block.text))


def _hold_commands(block: Block) -> None:
    wrong = files.unknown_commands(block.text)
    assert not wrong, "\n".join(wrong)


def rewrite(path: Path, rewritten: dict[int, tuple[int, list[str]]]) -> None:
    """Put new outputs into a page. Lines count from 1."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for first in sorted(rewritten, reverse=True):
        count, printed = rewritten[first]
        old = lines[first - 1]
        indent = old[: len(old) - len(old.lstrip())] if printed and not same(old, printed[0]) else ""
        lines[first - 1 : first - 1 + count] = [f"{indent}{line}".rstrip() for line in printed]
    path.write_text("\n".join(lines) + os.linesep, encoding="utf-8")
