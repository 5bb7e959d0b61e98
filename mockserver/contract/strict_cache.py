"""Remembers, from one start to the next, which documents have passed strict validation.

A file in the user's cache folder holds the digests of the latest ones. It only ever saves time:
whatever is wrong with it, the document is validated again, and a damaged line is the digest of nothing.
`text.kept` says where that folder is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from mockserver.text.kept import cache_folder, keep

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
    folder = cache_folder()
    return None if folder is None else folder / "passed"


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
        keep(self._file, "".join(f"{line}\n" for line in [*lines, self._digest]).encode())

    def _known(self) -> list[str]:
        assert self._file is not None
        try:
            with self._file.open("rb") as file:
                return _DIGEST.findall(file.read(_MOST_BYTES).decode("ascii", "replace"))
        except OSError:
            return []
