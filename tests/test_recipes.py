"""The recipes of docs/architecture.md: each is applied to a copy of the package, and does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
_BLOCK = re.compile(r"^```(\w+)(?: title=\"(\S+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass
class Recipe:
    """One section of the page."""

    title: str
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    """Language, file and text of each block that has a file's name."""
    check: str = ""
    """What shows that it works."""


def recipes() -> list[Recipe]:
    found = []
    for section in re.split("^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        recipe = Recipe(section.partition("\n")[0])
        for language, file, text in _BLOCK.findall(section):
            if file == "check.py":
                recipe.check = text
            elif file:
                recipe.changes.append((language, file, text))
        found.append(recipe)
    return found


RECIPES = recipes()


def patched(text: str, diff: str) -> str:
    """A text with a diff applied; the lines that it shows must stand there once, one after another."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"these lines are there {text.count(before)} times:\n{before}"
    return text.replace(before, after)


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the package with what it ships."""
    for folder in ("mockserver", "spec", "scenarios"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        f"import mockserver\nassert mockserver.__file__.startswith({str(folder)!r})\n{script}",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def apply(folder: Path, recipe: Recipe) -> None:
    for language, name, text in recipe.changes:
        file = folder / name
        if language == "diff":
            file.write_text(patched(file.read_text(encoding="utf-8"), text), encoding="utf-8")
        else:
            assert not file.exists(), f"{name} is there already"
            file.write_text(text, encoding="utf-8")


def test_the_page_has_a_recipe_for_everything_that_can_be_added():
    titles = " ".join(recipe.title for recipe in RECIPES)
    for what in ("API", "fault", "response", "store", "admin endpoint"):
        assert what in titles
    assert all(recipe.changes and recipe.check for recipe in RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title.replace(" ", "-"))
def test_a_recipe_does_what_it_says_and_without_it_that_is_not_so(copy, recipe):
    assert run(copy, recipe.check).returncode != 0
    apply(copy, recipe)
    done = run(copy, recipe.check)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title.replace(" ", "-"))
def test_a_recipe_changes_few_lines_of_what_is_there(recipe):
    added = [line for language, _, text in recipe.changes if language == "diff" for line in text.splitlines()]
    assert sum(line.startswith("+") for line in added) <= 24
