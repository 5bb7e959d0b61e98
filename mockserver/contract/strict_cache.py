"""Remembers, from one start to the next, which documents have passed strict validation.

A file in the user's cache directory holds the digests of the latest ones. It only ever saves time:
whatever is wrong with it, the document is validated again, and a damaged line is the digest of nothing.
`MOCKSERVER_CACHE_DIR` names another directory; empty or `off` keeps no file.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

RULES = 1
"""Counts up when what is checked beside the package changes."""
MOST = 256
"""Digests that are kept; the oldest go first."""
_MOST_BYTES = 64 * 1024
_DIGEST = re.compile(r"^[0-9a-f]{64}$", re.MULTILINE)


def digest_of(sources: Iterable[str]) -> str:
    """The digest of the texts of a contract, and of the rules by which they are validated."""
    digest = sha256(f"{RULES} openapi-spec-validator {version('openapi-spec-validator')}\n".encode())
    for text in sources:
        data = text.encode()
        digest.update(f"{len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def cache_file() -> Path | None:
    """Where the digests are kept; None for nowhere."""
    named = os.environ.get("MOCKSERVER_CACHE_DIR")
    if named is not None:
        return None if named in ("", "off") else Path(named) / "passed"
    home = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path there is to be ignored (XDG Base Directory Specification).
        folder = Path(home) if os.path.isabs(home) else Path.home() / ".cache"
    except RuntimeError:  # nobody's home
        return None
    return folder / "mockserver" / "passed"


class StrictCache:
    """Whether a contract of these texts has passed before."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._file = cache_file()
        self._digest = "" if self._file is None else digest_of(sources)

    def __bool__(self) -> bool:
        return bool(self._digest) and self._digest in self._known()

    def remember(self) -> None:
        """Note that it passed, if that can be noted."""
        if self._file is None:
            return
        lines = [line for line in self._known() if line != self._digest][-(MOST - 1) :]
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Another process reads the old file or the new one, never a part of it.
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix="passed.")
            try:
                with open(handle, "w", encoding="ascii") as file:
                    file.write("".join(f"{line}\n" for line in [*lines, self._digest]))
                os.replace(name, self._file)
            except BaseException:
                os.unlink(name)
                raise

    def _known(self) -> list[str]:
        assert self._file is not None
        try:
            with self._file.open("rb") as file:
                return _DIGEST.findall(file.read(_MOST_BYTES).decode("ascii", "replace"))
        except OSError:
            return []
