"""What is wrong with a document, as data: where it is, how bad it is, and what it changes.

Places are kept as paths and looked up in the texts when somebody asks: to find lines takes longer than to load.
Knows nothing of what the faults mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Literal

from mockserver.records import record
from mockserver.text.documents import Locator, pointer_of

Severity = Literal["error", "warning", "note"]
Path = Sequence[str | int]

MAX_FAULTS = 1000
"""Faults that are kept of one document."""
MOUNT = "x-referenced-files"
"""The member of a document that holds the other files that it refers to, by their names."""


@record(frozen=True)
class Fault:
    """One thing that is wrong with a document."""

    severity: Severity
    """`error`: something was left out or changed. `warning`: something cannot be what its author meant.
    `note`: worth knowing."""
    file: str
    line: int
    """From 1; 0 when the place is not known."""
    column: int
    """From 1; 0 when the place is not known."""
    pointer: str
    """RFC 6901, in that file."""
    message: str
    consequence: str
    """What the server does about it."""
    rule_id: str
    """The kind of fault; it never changes."""

    @property
    def reason(self) -> str:
        """The place and what is wrong there."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.pointer}: {self.message}" if self.pointer else f"{place}: {self.message}"

    def __str__(self) -> str:
        return f"{self.reason}; {self.consequence}" if self.consequence else self.reason


@record(frozen=True)
class Finding:
    """A fault with its place in the document as it is compiled: files put together, conversions made."""

    severity: Severity
    path: tuple[str | int, ...]
    message: str
    consequence: str
    rule_id: str


class Source:
    """A text that a document, or a part of it, was read from."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def locator(self) -> Locator:
        """Finds places in the text."""
        return Locator(self.text)


class Sources:
    """The texts that a document was made of.

    Args:
        root: the document's own text.
        original: where in that text a path of the document stands, if not at the same path.
    """

    def __init__(self, root: Source, original: Callable[[Path], Path] | None = None) -> None:
        self.root = root
        self.mounted: dict[str, Source] = {}
        """Other files, by their names under MOUNT."""
        self.overlays: list[Source] = []
        """The overlays, in their order."""
        self.unread: dict[str, str] = {}
        """Files and URLs that are referred to and could not be read, with what the fault says of each."""
        self._original = original

    def fault(self, finding: Finding) -> Fault:
        """A finding with its file, line and column."""
        source, path = self.place(finding.path)
        line, column = source.locator.find(path) or (0, 0)
        return Fault(
            finding.severity,
            source.name,
            line,
            column,
            pointer_of(path),
            finding.message,
            finding.consequence,
            finding.rule_id,
        )

    def place(self, path: Path) -> tuple[Source, Path]:
        """The file that a path of the document leads into, and the path there."""
        if len(path) > 1 and path[0] == MOUNT and path[1] in self.mounted:
            return self.mounted[str(path[1])], path[2:]
        return self.root, self._original(path) if self._original is not None else path


class Findings:
    """Collects what is wrong with one document."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._by_place: dict[tuple[tuple[str | int, ...], str], Finding] = {}
        self.parts: list[tuple[tuple[str | int, ...], str]] = []
        """What of other files the document refers to: the path to it under MOUNT, and its kind."""
        self.left_out = 0
        """Findings that were too many to keep."""

    def add(self, severity: Severity, path: Path, message: str, consequence: str, rule_id: str) -> None:
        """Note a fault; the same one at the same place only once."""
        key = (tuple(path), message)
        if key in self._by_place:
            return
        if len(self._by_place) >= MAX_FAULTS:
            self.left_out += 1
            return
        self._by_place[key] = Finding(severity, key[0], message, consequence, rule_id)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._by_place.values())

    def errors(self) -> list[Finding]:
        """Those that strict validation refuses a document for."""
        return [finding for finding in self._by_place.values() if finding.severity == "error"]

    def faults(self) -> list[Fault]:
        """All of them with their places, by file, then in the order of the text."""
        found = [self.sources.fault(finding) for finding in self._by_place.values()]
        return sorted(found, key=lambda fault: (fault.file != self.sources.root.name, fault.file, fault.line))


__all__ = ["MAX_FAULTS", "MOUNT", "Fault", "Finding", "Findings", "Severity", "Source", "Sources"]
