"""docs/architecture.md says what is so: the picture of the rooms, and every link and name in the walk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_layers import rooms

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
NAMED = re.findall(r"\[`([\w.]+)`\]\((\.\./mockserver/[\w/.]+\.py)\)", PAGE)


def test_the_picture_is_drawn_from_the_imports():
    assert rooms.mermaid() in PAGE, "run `python docs/rooms.py` and put its output into the page"


def test_every_room_is_in_the_table():
    folders = {path.name for path in rooms.PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert {name for name in folders if f"[`{name}/`]" in PAGE} == folders


@pytest.mark.parametrize(("name", "file"), NAMED, ids=[name for name, _ in NAMED])
def test_each_step_names_a_function_that_is_there(name, file):
    text = (DOCS / file).read_text(encoding="utf-8")
    definition = rf"^ *(?:async )?(?:def|class) {name.rpartition('.')[2]}\b"
    assert re.search(definition, text, re.MULTILINE), f"{name} in {file}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_between_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
