"""`make release`, tried in clones of a small checkout and of this one."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def load(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location("release", path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


release = load(ROOT / ".ci" / "release.py")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout with the files that hold the version."""
    folder = tmp_path / "checkout"
    for name, written in release.PLACES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"before\n{written.format('0.1.0')}\nafter\n")
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n")
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "t")
    git(folder, "config", "user.email", "t@localhost")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def refused(folder: Path, version: str) -> str:
    with pytest.raises(release.Refused) as caught:
        release.check(folder, version)
    return str(caught.value)


def test_a_checkout_with_changes_is_refused(checkout):
    assert release.check(checkout, "0.2.0") == "### Added\n\n- A thing."
    (checkout / "new.txt").write_text("new")
    assert refused(checkout, "0.2.0") == "the checkout has changes: new.txt"


def test_a_changelog_that_says_nothing_is_refused(checkout):
    for text in ("# Changelog\n\n## Unreleased\n\n### Added\n\n## 0.1.0\n\n- Old.\n", "# Changelog\n"):
        (checkout / "CHANGELOG.md").write_text(text)
        git(checkout, "commit", "-qam", "changelog")
        assert "CHANGELOG.md" in refused(checkout, "0.2.0")


def test_a_tag_that_exists_is_refused(checkout):
    git(checkout, "tag", "v0.2.0")
    assert refused(checkout, "0.2.0") == "there is a tag v0.2.0 already"


@pytest.mark.parametrize("version", ["0.0.9", "0.1.0a1", "next", "1.0", "v0.2.0"])
def test_a_version_that_is_older_or_none_is_refused(checkout, version):
    assert version in refused(checkout, version)


def test_versions_are_ordered():
    versions = ["0.9.0", "0.10.0a1", "0.10.0b1", "0.10.0rc1", "0.10.0rc2", "0.10.0", "1.0.0"]
    assert sorted(set(versions), key=release.order) == versions


def test_a_release_writes_commits_and_tags(checkout, monkeypatch):
    really = release.run
    monkeypatch.setattr(release, "run", lambda folder, *command: "" if "build" in command else really(folder, *command))
    release.make(checkout, "0.2.0rc1")
    for name, written in release.PLACES.items():
        assert (checkout / name).read_text() == f"before\n{written.format('0.2.0rc1')}\nafter\n"
    changelog = (checkout / "CHANGELOG.md").read_text()
    assert re.search(r"^## Unreleased\n\n## 0\.2\.0rc1 - \d{4}-\d\d-\d\d\n\n### Added\n\n- A thing\.$", changelog, re.M)
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "tag", "--points-at", "HEAD").split() == ["v0.2.0rc1"]
    assert "says nothing" in refused(checkout, "0.2.0")


def test_every_place_of_the_version_is_known():
    from mockserver import __version__

    # Overlays have versions of their own.
    elsewhere = (":!*.lock", ":!tests", ":!CHANGELOG.md", ":!docs/*.md", ":!spec")
    command = ["git", "grep", "-lF", __version__, "--", ".", *elsewhere]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert set(found.stdout.split()) == set(release.PLACES)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_dry_run_in_a_clone_of_this_checkout(tmp_path):
    pytest.importorskip("build")
    clone = tmp_path / "clone"
    git(ROOT, "clone", "-q", "--local", ".", str(clone))
    git(clone, "config", "user.name", "t")
    git(clone, "config", "user.email", "t@localhost")
    before = git(clone, "rev-parse", "HEAD")
    done = subprocess.run(
        [sys.executable, ".ci/release.py", "9.9.9"], cwd=clone, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# 9.9.9\n\n### Added\n")
    assert "mockserver-9.9.9-py3-none-any.whl" in done.stdout and "mockserver-9.9.9.tar.gz" in done.stdout
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "tag"), git(clone, "status", "--porcelain")) == (before, "", "")
