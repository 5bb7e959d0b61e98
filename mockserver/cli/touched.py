"""Which files of a project a change touches: exchange files and scenarios by what they say, tests by what they name.

Must not know: what a change is, or how it is told.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mockserver.contract.contract import Contract
from mockserver.contract.router import split
from mockserver.errors import UserError
from mockserver.text.documents import ENDINGS, DocumentError, Locator, parse, read_text
from mockserver.text.findings import Finding

MAX_BYTES = 4 * 1024 * 1024
"""Of a file; a larger one is not looked into."""
MAX_FILES = 20_000
SOURCES = (
    *(".py", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".rb", ".go", ".java", ".kt", ".cs", ".php", ".rs", ".swift"),
    *(".feature", ".http", ".sh", ".md"),
)
"""What the names of files end in that are looked through for names of operations and paths."""
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "dist", "build", "target"})
_VARIABLE = re.compile(r"\{[^{}]+\}")
MIN_NAME = 5
"""Characters of an operationId that is looked for in texts; a shorter one is in many words."""


class Touched:
    """Where the operations of two documents are used.

    Args:
        paths: files, and folders with all that is below them.
        contracts: the documents.

    Raises UserError for a path that is not there.
    """

    def __init__(self, paths: Iterable[Path], contracts: Iterable[Contract]) -> None:
        self._contracts = list(contracts)
        self._places: dict[str, list[str]] = {}
        self._texts = _texts(self._contracts)
        self.files = 0
        """How many were looked into."""
        for path in paths:
            for file in _files(path):
                self._look(file)

    def told(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, each with the places that it touches."""
        return [replace(finding, touches=self._of(finding)) for finding in findings]

    def _of(self, finding: Finding) -> tuple[str, ...]:
        places = [place for title in finding.operations for place in self._places.get(title, ())]
        return tuple(dict.fromkeys(places))

    def _look(self, file: Path) -> None:
        try:
            text = read_text(file, MAX_BYTES)
        except DocumentError:
            return  # no text, or too long to be written by hand
        self.files += 1
        if file.suffix in ENDINGS:
            self._document(file, text)
        else:
            self._source(file, text)

    def _document(self, file: Path, text: str) -> None:
        try:
            value = parse(text, str(file))
        except DocumentError:
            return
        if not isinstance(value, dict):
            return
        locator = Locator(text)
        if isinstance(value.get("request"), dict) and "response" in value:
            self._request(file, locator, value["request"], ["request"])
            earlier = value.get("earlier")
            for index, step in enumerate(earlier if isinstance(earlier, list) else ()):
                self._request(file, locator, step, ["earlier", index])
        given = value.get("given")
        for above, holder in (([], value), (["given"], given if isinstance(given, dict) else {})):
            for section in ("rules", "expect", "limits"):
                rows = holder.get(section)
                for index, row in enumerate(rows if isinstance(rows, list) else ()):
                    if isinstance(row, dict) and isinstance(row.get("op"), str):
                        self._named(file, locator, row["op"], [*above, section, index])

    def _request(self, file: Path, locator: Locator, request: Any, at: list[str | int]) -> None:
        if not isinstance(request, dict):
            return
        method, path = request.get("method"), request.get("path")
        if not isinstance(method, str) or not isinstance(path, str):
            return
        for contract in self._contracts:
            operation, _, _ = contract.match(method.upper(), split(path.partition("?")[0]))
            if operation is not None:
                self._note(f"{operation.method} {operation.path}", file, locator.at(at)[0])

    def _named(self, file: Path, locator: Locator, name: str, at: list[str | int]) -> None:
        for contract in self._contracts:
            for operation in contract.operations.values():
                title = f"{operation.method} {operation.path}"
                if name != "*" and (fnmatchcase(operation.id, name) or name == title):
                    self._note(title, file, locator.at(at)[0])

    def _source(self, file: Path, text: str) -> None:
        for title, pattern in self._texts.items():
            for found in pattern.finditer(text):
                self._note(title, file, text.count("\n", 0, found.start()) + 1)

    def _note(self, title: str, file: Path, line: int) -> None:
        places = self._places.setdefault(title, [])
        place = f"{file}:{line}"
        if place not in places:
            places.append(place)


def _texts(contracts: Iterable[Contract]) -> dict[str, re.Pattern[str]]:
    """What is looked for in sources, by operation: its operationId, and its path in quotes."""
    found: dict[str, set[str]] = {}
    for contract in contracts:
        for operation in contract.operations.values():
            texts = found.setdefault(f"{operation.method} {operation.path}", set())
            if len(operation.id) >= MIN_NAME:
                texts.add(rf"(?<!\w){re.escape(operation.id)}(?!\w)")
            literal = _VARIABLE.sub("\0", operation.path)
            if literal.strip("/\0"):
                path = re.escape(literal).replace("\0", r"""[^/"'`\s?]+""")
                texts.add(rf"""{path}/?(?=["'`?\s])""")
    return {title: re.compile("|".join(sorted(texts))) for title, texts in found.items() if texts}


def _files(path: Path) -> Iterator[Path]:
    """The files that are looked into, in order. Raises UserError."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise UserError(f"{path}: there is no such file or folder")
    count = 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(names):
            if name.endswith((*ENDINGS, *SOURCES)):
                count += 1
                if count > MAX_FILES:
                    raise UserError(f"{path}: holds more than {MAX_FILES:,} files; name a folder in it")
                yield Path(folder, name)


__all__ = ["Touched"]
