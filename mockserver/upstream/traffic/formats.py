"""The formats that are read, recognised by what a file holds, within bounds.

Must not know: contracts, what becomes of the exchanges.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mockserver.errors import UserError
from mockserver.text.documents import DocumentError, files_in, parse, read_text
from mockserver.upstream.traffic.cassette import is_cassette, read_cassette
from mockserver.upstream.traffic.har import is_har, read_har
from mockserver.upstream.traffic.node import Node, Text
from mockserver.upstream.traffic.postman import is_postman, read_postman
from mockserver.upstream.traffic.seen import Reading, Seen
from mockserver.upstream.traffic.wiremock import is_wiremock, read_wiremock

MAX_FILE = 64 * 1024 * 1024
"""Bytes of a file."""
MAX_EXCHANGES = 50_000
"""Exchanges that are taken from all files."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files with exchanges."""

    title: str
    recognises: Callable[[Node], bool]
    read: Callable[[Node, Reading], Iterator[Seen]]
    marks: str
    """What a file of it holds, for messages."""


FORMATS = {
    "har": Format("an HTTP Archive", is_har, read_har, "log.entries"),
    "postman": Format("a Postman collection", is_postman, read_postman, "info and item"),
    "vcr": Format("a VCR cassette", is_cassette, read_cassette, "interactions or http_interactions"),
    "wiremock": Format("WireMock mappings", is_wiremock, read_wiremock, "mappings, or request and response"),
}
"""By the name that `--format` takes."""


def files_of(paths: tuple[str, ...]) -> list[Path]:
    """The files that are meant: a folder means the YAML and JSON files right in it. Raises UserError."""
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(files_in(str(path)).values())
        inside += sorted(one for one in path.glob("*.har") if one.is_file())
        if not inside:
            raise UserError(f"{path}: holds no YAML, JSON or HAR file")
        found += inside
    return list(dict.fromkeys(found))


def read_file(path: Path, reading: Reading, name: str = "") -> Iterator[Seen]:
    """The exchanges of a file, of a format by its name, or of the one that is recognised.

    Raises DocumentError with file and place.
    """
    text = read_text(path, MAX_FILE)
    value = parse(text, str(path), binary=True)
    root = Node(Text(str(path), text), value)
    form = FORMATS[name] if name else _recognised(root)
    if name and not form.recognises(root):
        raise root.error(f"is not {form.title}: it has no {form.marks}")
    reading.folder = path.parent
    return form.read(root, reading)


def _recognised(root: Node) -> Format:
    for form in FORMATS.values():
        if form.recognises(root):
            return form
    if root.is_a(dict) and {"openapi", "swagger"} & root.value.keys():
        raise root.error(
            "is an OpenAPI document, which is served as it is: mockserver serve FILE. "
            "Prism reads the same documents, and has no file of exchanges"
        )
    if root.is_a(dict) and {"requests", "folders"} <= root.value.keys():
        raise root.error("is a Postman collection of version 1; export it as v2.1")
    known = "; ".join(f"{form.title} has {form.marks}" for form in FORMATS.values())
    raise root.error(f"is of no known format: {known}")


__all__ = ["FORMATS", "MAX_EXCHANGES", "DocumentError", "files_of", "read_file"]
