"""The house has floors: a room imports only from the rooms above it in the list of `docs/rooms.py`."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
assert _spec is not None and _spec.loader is not None
rooms = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rooms)

FILES = sorted(rooms.PACKAGE.rglob("*.py"))
ORDER = list(rooms.ROOMS)


def name_of(path: Path) -> str:
    return str(path.relative_to(rooms.PACKAGE))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_import_runs_upwards(path):
    module = rooms.module_of(path)
    if module in rooms.FACADE:
        return
    here = rooms.room_of(module)
    for name in rooms.imports(path):
        there = rooms.room_of(name)
        assert name not in rooms.FACADE and not name.startswith("__"), f"{module} imports the package's own face"
        if there != here:
            assert ORDER.index(there) < ORDER.index(here), f"{module} ({here}) must not import {name} ({there})"
            assert not (here in rooms.APART and there in rooms.APART), f"{here} and {there} never import each other"


def test_every_folder_is_a_room_and_says_what_it_is_for():
    folders = {path.name for path in rooms.PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders <= set(ORDER), "add the new room to docs/rooms.py"
    for folder in folders:
        text = ast.get_docstring(ast.parse((rooms.PACKAGE / folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert "May import:" in text and "Must not know:" in text, (
            f"{folder}/__init__.py does not say what it may import"
        )


def test_the_root_stays_small():
    assert len(list(rooms.PACKAGE.glob("*.py"))) <= 9


@pytest.mark.parametrize("room", ["admin", "testing", "cli"])
def test_these_rooms_import_nothing_at_their_door(room):
    assert not rooms.imports(rooms.PACKAGE / room / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_has_one_job(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, "over 400 lines: it has more than one job"
    assert ast.get_docstring(ast.parse(text)), "no docstring says what it is for"


def modules_imported(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names = [
        name
        for node in tree
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_clock_reads_the_time(path):
    if path.name not in ("clock.py", "bridge.py"):  # the bridge replaces what others read
        assert "time" not in modules_imported(path), "imports time; the clock gives it"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_server_knows_asgi_and_sockets(path):
    if rooms.room_of(rooms.module_of(path)) != "server":
        assert not modules_imported(path) & {"starlette", "uvicorn"}
