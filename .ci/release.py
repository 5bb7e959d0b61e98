"""Makes a release: the version, the changelog, a commit, a tag, and what is built from them.

    python .ci/release.py 0.2.0              # a dry run: all of it in a clone that is thrown away
    python .ci/release.py 0.2.0 --for-real   # in this checkout; nothing is pushed or uploaded

It refuses a checkout with changes, a version that is not newer, a tag that exists and a changelog that says nothing.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")
PLACES = {
    "pyproject.toml": 'version = "{}"',
    "mockserver/version.py": '__version__ = "{}"',
    "Dockerfile": 'org.opencontainers.image.version="{}"',
    "docs/examples/kubernetes.yaml": "image: mockserver:{}",
}
"""Every file that has the version, and how it is written there."""
_UNRELEASED = "## Unreleased\n"


class Refused(Exception):
    """Why there is no release."""


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-1000:]}")
    return done.stdout


def order(version: str) -> tuple[int, int, int, str, int]:
    """What versions are sorted by. Raises Refused for a text that is none."""
    found = VERSION.fullmatch(version)
    if not found:
        raise Refused(f"{version!r} is no version; write one such as 0.2.0 or 1.0.0rc1")
    major, minor, patch, stage, number = found.groups()
    return int(major), int(minor), int(patch), stage or "z", int(number or 0)


def notes(changelog: str) -> str:
    """What the changelog says of the next release. Raises Refused when that is nothing."""
    if _UNRELEASED not in changelog:
        raise Refused("CHANGELOG.md has no section `## Unreleased`")
    section = re.split(r"^## ", changelog.partition(_UNRELEASED)[2], maxsplit=1, flags=re.MULTILINE)[0].strip()
    if not re.search(r"^- ", section, re.MULTILINE):
        raise Refused("CHANGELOG.md says nothing below `## Unreleased`")
    return section


def check(folder: Path, version: str) -> str:
    """The notes of a release that may be made. Raises Refused."""
    present = re.search(r'__version__ = "(.+)"', (folder / "mockserver/version.py").read_text(encoding="utf-8"))
    assert present is not None
    tags = run(folder, "git", "tag", "--list").split()
    if f"v{version}" in tags:
        raise Refused(f"there is a tag v{version} already")
    is_first = not tags
    if order(version) < order(present[1]) or (order(version) == order(present[1]) and not is_first):
        raise Refused(f"{version} is not newer than {present[1]}")
    changed = run(folder, "git", "status", "--porcelain").splitlines()
    if changed:
        raise Refused(f"the checkout has changes: {', '.join(line[3:] for line in changed[:5])}")
    return notes((folder / "CHANGELOG.md").read_text(encoding="utf-8"))


def make(folder: Path, version: str) -> list[Path]:
    """Write the version, commit, tag and build in a folder that was checked. Returns what was built."""
    for name, written in PLACES.items():
        file = folder / name
        pattern = re.escape(written).replace(r"\{\}", VERSION.pattern)
        text, count = re.subn(pattern, written.format(version), file.read_text(encoding="utf-8"))
        if count != 1:
            raise Refused(f"{name} has the version {count} times")
        file.write_text(text, encoding="utf-8")
    changelog = folder / "CHANGELOG.md"
    heading = f"{_UNRELEASED}\n## {version} - {datetime.now(UTC):%Y-%m-%d}\n"
    changelog.write_text(changelog.read_text(encoding="utf-8").replace(_UNRELEASED, heading, 1), encoding="utf-8")
    run(folder, "git", "commit", "--quiet", "--all", "--message", f"Release {version}")
    run(folder, "git", "tag", "--annotate", f"v{version}", "--message", f"Release {version}")
    run(folder, sys.executable, "-m", "build", "--outdir", "dist", ".")
    return sorted((folder / "dist").glob(f"mockserver-{version}*"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version")
    parser.add_argument("--for-real", action="store_true", help="in this checkout, instead of a clone of it")
    options = parser.parse_args(arguments)
    try:
        said = check(ROOT, options.version)
        with tempfile.TemporaryDirectory() as scratch:
            folder = ROOT
            if not options.for_real:
                folder = Path(scratch) / "checkout"
                run(ROOT, "git", "clone", "--quiet", "--local", ".", str(folder))
                for name in ("user.name", "user.email"):
                    run(folder, "git", "config", name, run(ROOT, "git", "config", name).strip())
            built = make(folder, options.version)
            print(f"# {options.version}\n\n{said}\n")
            print(run(folder, "git", "show", "--stat", "--format=%D%n%s", f"v{options.version}^{{commit}}").strip())
            for file in built:
                print(f" {file.name}: {file.stat().st_size:,} bytes")
    except Refused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return 1
    if not options.for_real:
        print("\nThis was a dry run: the checkout is as it was. --for-real does it here.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
