"""Draws the rooms of the package and the imports between them, as a Mermaid graph or as text.

    python docs/rooms.py            # Mermaid, as it stands in docs/architecture.md
    python docs/rooms.py --table    # every room with the rooms that it imports from

A room is a folder of `mockserver/`; the modules at the root are one room, `ground`.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "mockserver"

# From the ground up: a room imports only from the rooms above it in this list.
ROOMS = {
    "ground": "the modules at the root: messages, errors, the clock, settings; nothing of ours is imported there",
    "text": "what people write: YAML, JSON, ranges, matchers; no HTTP, no OpenAPI",
    "contract": "OpenAPI: load, match, check both ways, explain, sample; no state, no time, no vendor",
    "state": "what a sandbox remembers, each operation atomic; no API",
    "journal": "what is recorded of an exchange, and what is concluded from it",
    "apis": "the vendors, and every other document",
    "scenarios": "YAML rules: model, compile, decide, faults",
    "sandbox": "one isolated world, and all of them",
    "upstream": "the real API beside the twin; nothing below imports it",
    "pipeline": "the life of a request, and how it is built from settings",
    "conform": "a real server against its contract: what is sent, what is judged, what would mend the contract",
    "admin": "the admin API, both ends",
    "console": "pages that talk to the admin API only",
    "server": "ASGI and sockets; the only room that imports Starlette and uvicorn",
    "testing": "what a test suite holds",
    "cli": "the commands",
}
APART = ("contract", "state", "journal")
"""Rooms that never import each other."""
FACADE = ("__init__", "__main__")
"""The public names and the entry point stand on top of the house."""


def room_of(module: str) -> str:
    """The room of a dotted name inside the package, for example `state.redis.store`."""
    first = module.partition(".")[0]
    return first if first in ROOMS else "ground"


def module_of(path: Path) -> str:
    """The dotted name of a file, without the package's own name."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports, anywhere in it, as dotted names without the package's own."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "mockserver":
            base = node.module.partition(".")[2]
            names |= {base} if base else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name.partition(".")[2] for a in node.names if a.name.startswith("mockserver.")}
    return names


def edges() -> dict[str, set[str]]:
    """The rooms that each room imports from; the facade is left out."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = module_of(path)
        if module not in FACADE:
            here = room_of(module)
            found.setdefault(here, set()).update(room_of(name) for name in imports(path))
            found[here].discard(here)
    return found


def mermaid() -> str:
    """The rooms that exist as nodes, their imports as arrows; an arrow that only repeats a longer way is left out."""
    arrows = edges()
    lines = ["```mermaid", "graph TD"]
    for room in reversed(ROOMS):
        if room in arrows:
            via = {far for near in arrows[room] for far in arrows.get(near, ())}
            lines += [f"    {room} --> {near}" for near in sorted(arrows[room] - via, key=list(ROOMS).index)]
    return "\n".join([*lines, "```"])


def table() -> str:
    """Every room with the rooms that it imports from, from the top of the house down."""
    arrows = edges()
    lines = (
        f"{room:<10} {', '.join(sorted(arrows[room], key=list(ROOMS).index))}".rstrip() for room in reversed(ROOMS)
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table() if "--table" in sys.argv else mermaid())
