"""The pages of an API as files: written, or compared with those that are there.

A page that this program wrote before and that no operation has any more is stale, and goes. Other files stay.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from mockserver.console.endpoint_pages import html, markdown
from mockserver.console.endpoint_pages.blocks import Page
from mockserver.console.endpoint_pages.site import EndpointPages
from mockserver.errors import UserError
from mockserver.text.documents import write_whole

Format = Literal["mdx", "md", "html"]
FORMATS: dict[Format, Callable[[Page], str]] = {
    "mdx": lambda page: markdown.render(page, "mdx"),
    "md": lambda page: markdown.render(page, "md"),
    "html": html.render,
}
"""What renders a page, by the ending of its file."""
_MARKS = {**markdown.MARKS, "html": html.MARK}
_MAX_DIFF = 400
"""Lines of difference that are told of one file."""


def files(pages: EndpointPages, form: Format) -> dict[str, str]:
    """The text of every file by its name."""
    made = {f"{page.slug}.{form}": FORMATS[form](page) for page in pages}
    if form == "html":
        made[html.STYLE] = (Path(__file__).parent / "static" / html.STYLE).read_text(encoding="utf-8")
    return made


def write(made: Mapping[str, str], folder: Path, form: Format) -> list[str]:
    """Write the files that differ, and remove stale pages; the names of all that were changed. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from None
    there = _there(folder, made, form)
    changed = [name for name, text in made.items() if there.get(name) != text]
    for name in changed:
        write_whole(folder / name, made[name].encode())
    stale = sorted(there.keys() - made.keys())
    for name in stale:
        (folder / name).unlink()
    return [*changed, *stale]


def differences(made: Mapping[str, str], folder: Path, form: Format) -> Iterator[str]:
    """The difference between the files that are there and those that should be, file by file."""
    there = _there(folder, made, form)
    for name in sorted(there.keys() | made.keys()):
        was, now = there.get(name, ""), made.get(name, "")
        if was != now:
            lines = list(
                difflib.unified_diff(was.splitlines(), now.splitlines(), str(folder / name), name, lineterm="")
            )
            more = [f"... {len(lines) - _MAX_DIFF:,} more lines"] if len(lines) > _MAX_DIFF else []
            yield "\n".join([*lines[:_MAX_DIFF], *more])


def _there(folder: Path, made: Mapping[str, str], form: Format) -> dict[str, str]:
    """The files of the folder that this program made, or would replace. Raises UserError."""
    found = {}
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in paths:
            if path.name in made or path.suffix == f".{form}":
                text = path.read_text(encoding="utf-8", errors="replace")
                if path.name in made or text.rstrip().endswith(_MARKS[form]):
                    found[path.name] = text
    except OSError as error:
        raise UserError(f"{error.filename or folder}: cannot be read: {error.strerror}") from None
    return found


__all__ = ["FORMATS", "Format", "differences", "files", "write"]
