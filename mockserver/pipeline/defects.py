"""What is said of a failure of the mock or of a behaviour: one line with its place, and the traceback.

Both are for the log, the journal and the report of a test; the client hears of neither.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from traceback import TracebackException, walk_tb

from mockserver.journal.entries import printable

MAX_FRAMES = 30
"""Frames of a traceback that are kept, the deepest ones."""
MAX_TRACEBACK = 8 * 1024
"""Characters of a traceback that are kept, the last ones."""
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Defect(Exception):
    """A failure whose message says what is wrong and where, so that a traceback would add nothing."""


def describe(error: Exception, clean: Callable[[str], str]) -> tuple[str, str]:
    """A failure in one line, with `file:line`, and its traceback.

    Args:
        error: what was raised.
        clean: takes the secrets of the request out of a text.
    """
    if isinstance(error, Defect):
        return printable(clean(str(error))), ""
    summary = printable(clean(f"{type(error).__name__}: {_message(error)}"))
    text = clean("".join(TracebackException.from_exception(error, limit=-MAX_FRAMES).format()))
    # Indented and escaped, a message with line ends cannot pass for a line of the log.
    lines = "\n".join(f"  {printable(line)}" for line in text.splitlines())
    return f"{summary}, at {place_of(error)}", lines if len(lines) <= MAX_TRACEBACK else "  ..." + lines[
        -MAX_TRACEBACK:
    ]


def place_of(error: Exception) -> str:
    """`file:line` of the deepest frame that is neither ours nor the standard library's, else of the deepest."""
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    if not places:
        return "an unknown place"
    import sysconfig  # for a defect only

    ignored = (_PACKAGE, sysconfig.get_path("stdlib") + os.sep, "<")
    own = [place for place in places if not place[0].startswith(ignored)]
    file, line = (own or places)[-1]
    return f"{_relative(file)}:{line}"


def defined_at(function: Callable[..., object]) -> str:
    """`file:line` of a function's definition; its name where that is not known."""
    code = getattr(function, "__code__", None)
    return f"{_relative(code.co_filename)}:{code.co_firstlineno}" if code is not None else repr(function)


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return "its message cannot be shown"


def _relative(file: str) -> str:
    """A file's path from the working directory, when it is below."""
    try:
        here = os.getcwd() + os.sep
    except OSError:
        return file
    return file.removeprefix(here)
