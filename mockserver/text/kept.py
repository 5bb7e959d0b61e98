"""The user's cache folder, and in it the package's own documents as JSON, which is read fifty times faster than YAML.

What is kept is found by the digest of the text that it was read from, so it is never out of date. It only ever saves
time: whatever is wrong with it, or with the folder, the text is read again. A file that somebody else may have written
is left alone. `MOCKSERVER_CACHE_DIR` names another folder; empty or `off` keeps nothing.

Must not know: what the documents say. What a user wrote is not kept: it may hold keys.
"""

from __future__ import annotations

import contextlib
import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from mockserver.errors import UserError
from mockserver.text.documents import parse, uncollected, write_whole

MOST = 64
"""Documents that are kept; the oldest go first."""
_MAX_BYTES = 4 * 1024 * 1024


def cache_folder() -> Path | None:
    """Where this package may keep what it can find out again; None for nowhere."""
    named = os.environ.get("MOCKSERVER_CACHE_DIR")
    if named is not None:
        return None if named in ("", "off") else Path(named)
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path there is to be ignored (XDG Base Directory Specification).
        return (Path(home) if os.path.isabs(home) else Path.home() / ".cache") / "mockserver"
    except RuntimeError:  # nobody's home
        return None


def keep(path: Path, data: bytes) -> None:
    """Write a file of the cache folder, if that can be done."""
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
        path.chmod(0o644)


def parse_bundled(text: str, name: str) -> Any:
    """The value of a document of the package, as `parse` gives it."""
    folder = cache_folder()
    if folder is None:
        return parse(text, name)
    file = folder / "documents" / f"{sha256(text.encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError), uncollected():
        return orjson.loads(_own(file))
    value = parse(text, name)
    with contextlib.suppress(OSError, TypeError):
        data = orjson.dumps(value)
        if orjson.loads(data) == value:  # JSON cannot say all that YAML can
            keep(file, data)
            _forget(file.parent)
    return value


def _own(path: Path) -> bytes:
    """What is in a file that nobody but its owner can write to, who is this user or the administrator.

    Raises OSError; ValueError for a file of somebody else.
    """
    with path.open("rb") as file:
        if hasattr(os, "geteuid"):
            found = os.fstat(file.fileno())
            if found.st_uid not in (0, os.geteuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise ValueError("this file may be another user's work")
        return file.read(_MAX_BYTES)


def _forget(folder: Path) -> None:
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    for file in files[:-MOST]:
        file.unlink(missing_ok=True)


__all__ = ["cache_folder", "keep", "parse_bundled"]
