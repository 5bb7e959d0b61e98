"""Where the files that come with the package are: its contracts and its scenarios."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def bundled_file(folder: str, name: str) -> Path:
    """A file of `spec/` or `scenarios/`: inside the installed package, or in a checkout beside it."""
    installed = _PACKAGE / "_data" / folder / name
    return installed if installed.exists() else _PACKAGE.parent / folder / name
