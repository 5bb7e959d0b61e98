"""Builds the documentation site with Zensical: `make docs`, or

    python docs/site.py            # writes build/docs, builds build/docs/site
    python docs/site.py --pages    # writes build/docs only

The pages in this folder are read by GitHub and by editors too, so they are plain Markdown. What a site wants otherwise
is written into copies: alerts, icons, the picture of the rooms, the folders of the navigation, and links to files of
the repository, which lead to pages with their text.

No page asks another host for anything. Two things in what Zensical builds would: a script for search without a server,
in whose place stands `theme/worker.js`, and diagrams, which `converted` writes as text.
"""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath, relpath

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
OUT = ROOT / "build" / "docs"
"""What Zensical reads and writes: its settings, `pages` and `site`."""
ELSEWHERE = {"changelog.md": "CHANGELOG.md"}
"""Pages of the site that stand elsewhere in the repository."""
ICONS = {
    "bolt": "zap",
    "pen": "pen",
    "trash": "trash-2",
    "book": "book",
    "eye": "eye",
    "list": "list",
    "play": "play",
    "plus": "plus",
}
"""The icons of endpoint pages by their names in Lucide, which Zensical brings along."""
ALERTS = {"NOTE": "note", "TIP": "tip", "IMPORTANT": "info", "WARNING": "warning"}
LANGUAGES = {".py": "python", ".md": "markdown", ".yaml": "yaml", ".toml": "toml"}

SHIM = re.compile(r'<script src="https://unpkg\.com/iframe-worker/shim"[^>]*>')
BUNDLE = re.compile(r'<script src="([./]*assets/javascripts/)bundle')
ICON = re.compile(r'^icon: "?(\w+)"?$', re.MULTILINE)
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)(?=[)#])")
FENCED = re.compile(r"^( *)(```+).*?^\1\2$", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, Path]:
    """Every page: its path in the site, and the file that it is made of."""
    found = {path.relative_to(DOCS).as_posix(): path for path in sorted(DOCS.rglob("*.md"))}
    return {**found, **{name: ROOT / file for name, file in ELSEWHERE.items()}}


def prose(text: str) -> Iterator[tuple[str, bool]]:
    """The parts of a page, each with whether it is prose and not a fenced block."""
    end = 0
    for block in FENCED.finditer(text):
        yield text[end : block.start()], True
        yield block[0], False
        end = block.end()
    yield text[end:], True


def outside(page: str, target: str) -> str | None:
    """The file of the repository that a link of a page leads to, as a path from its root; None for pages, pictures."""
    base = ELSEWHERE.get(page, f"docs/{page}")
    path = normpath(f"{base.rpartition('/')[0] or '.'}/{target}")
    is_page = path in ELSEWHERE.values() or (path.startswith("docs/") and path.endswith((".md", ".png")))
    return None if is_page or not (ROOT / path).is_file() else path


def place(page: str, target: str) -> str:
    """Where a link of a page leads in the site."""
    file = outside(page, target)
    here = page.rpartition("/")[0] or "."
    if file is not None:
        return relpath(f"source/{file}.md", here)
    base = ELSEWHERE.get(page, f"docs/{page}")
    path = normpath(f"{base.rpartition('/')[0] or '.'}/{target}")
    path = {file: name for name, file in ELSEWHERE.items()}.get(path, path).removeprefix("docs/")
    return relpath(path, here)


def alerts(text: str) -> str:
    """GitHub's alerts as admonitions."""

    def one(block: re.Match[str]) -> str:
        lines = block[2].splitlines()
        inner = "\n".join(f"    {line.removeprefix('>').removeprefix(' ')}".rstrip() for line in lines)
        return f'!!! {ALERTS[block[1]]} ""\n{inner}\n'

    return re.sub(r"^> \[!(\w+)\]\n((?:>.*\n?)+)", one, text, flags=re.MULTILINE)


def converted(page: str, text: str, rooms: str) -> str:
    """A page as the site has it."""
    text = ICON.sub(lambda icon: f"icon: lucide/{ICONS.get(icon[1], 'zap')}", text, count=1)
    parts = []
    for part, is_prose in prose(text):
        if is_prose:
            part = LINK.sub(lambda link: place(page, link[1]), alerts(part))
        elif "```mermaid" in part:
            part = f"```text\n{rooms}```"
        parts.append(part)
    return "".join(parts)


def source(file: str) -> str:
    """A page with the text of a file of the repository."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file.endswith(".md"):
        return f"---\nsearch:\n  exclude: true\n---\n\n{LINK.sub('#', text)}"
    language = LANGUAGES.get(Path(file).suffix, "text")
    return f"---\nsearch:\n  exclude: true\n---\n\n# {file}\n\n````{language}\n{text.rstrip()}\n````\n"


def navigation(settings: str, known: dict[str, Path]) -> str:
    """The settings, with the pages of each folder that the navigation names in its place."""

    def folder(line: re.Match[str]) -> str:
        return "".join(f'{line[1]}"{page}",\n' for page in ordered(line[2], known))

    return re.sub(r'^( *)"([\w/-]+/)",\n', folder, settings, flags=re.MULTILINE)


def ordered(folder: str, known: dict[str, Path]) -> list[str]:
    """The pages of a folder, its index first."""
    inside = [page for page in known if page.startswith(folder)]
    return sorted(inside, key=lambda page: (not page.endswith("/index.md"), page))


def write() -> None:
    """Write everything that Zensical reads."""
    shutil.rmtree(OUT, ignore_errors=True)
    known = pages()
    rooms = runpy.run_path(str(DOCS / "rooms.py"))["table"]()
    files: dict[str, str] = {}
    for page, path in known.items():
        text = path.read_text(encoding="utf-8")
        files[page] = converted(page, text, rooms)
        for target in (link for part, is_prose in prose(text) if is_prose for link in LINK.findall(part)):
            if (file := outside(page, target)) is not None:
                files[f"source/{file}.md"] = source(file)
    for page, text in files.items():
        (OUT / "pages" / page).parent.mkdir(parents=True, exist_ok=True)
        (OUT / "pages" / page).write_text(text, encoding="utf-8")
    shutil.copytree(DOCS / "images", OUT / "pages" / "images")
    for name in ("site.css", "keyboard.js"):
        shutil.copy(DOCS / "theme" / name, OUT / "pages")
    (OUT / "zensical.toml").write_text(navigation((DOCS / "zensical.toml").read_text(encoding="utf-8"), known))


def build() -> int:
    """Build the site; broken links are errors."""
    write()
    options = ["--clean", "--strict", "--config-file", str(OUT / "zensical.toml")]
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", *options], cwd=OUT, stderr=subprocess.PIPE, text=True
    )
    print(built.stderr.partition("Traceback")[0], end="", file=sys.stderr)  # a broken link ends in one
    if built.returncode == 0:
        shutil.copy(DOCS / "theme" / "worker.js", OUT / "site" / "assets" / "javascripts")
        for page in (OUT / "site").rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            scripts = BUNDLE.search(text)
            assert scripts is not None, page
            page.write_text(SHIM.sub(f'<script src="{scripts[1]}worker.js">', text), encoding="utf-8")
    return built.returncode


if __name__ == "__main__":
    if "--pages" in sys.argv:
        write()
    else:
        sys.exit(build())
