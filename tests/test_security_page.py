"""docs/security.md says what the code does. Its table of bounds is written by docs/tables.py, see test_settings."""

from __future__ import annotations

from pathlib import Path

from mockserver.admin.api import _LOCAL_SUFFIXES, _OPEN
from mockserver.journal.masking import MIN_LENGTH, SECRET_HEADERS, SECRET_QUERIES

PAGE = (Path(__file__).parent.parent / "docs" / "security.md").read_text(encoding="utf-8")


def test_each_secret_place_is_named():
    section = PAGE[PAGE.index("## Secrets") :].lower()
    assert [name for name in SECRET_HEADERS | SECRET_QUERIES if f"`{name}`" not in section] == []
    assert f"at least {MIN_LENGTH} characters" in section


def test_names_that_are_local_are_all_told():
    assert [suffix for suffix in _LOCAL_SUFFIXES if f"`{suffix}`" not in PAGE] == []
    paths = {"getDocument": "openapi.yaml"}
    assert [name for name in _OPEN if f"`{paths.get(name, name)}`" not in PAGE] == []
