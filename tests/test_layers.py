"""The house has floors: a module imports only from those below it, or before it on its own line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mockserver"

# From the ground up; the parts never import each other.
LAYERS = [
    [
        "version",
        "messages",
        "errors",
        "clock",
        "jsontext",
        "yaml12",
        "documents",
        "problems",
        "ranges",
        "matchers",
        "masking",
    ],
    ["contract"],
    ["auth", "ratelimit", "store", "ledger", "settings", "journal", "metrics", "damage", "faults", "verify", "retries"],
    ["apis", "scenarios"],
    ["routes", "sandbox", "sandboxes", "shared", "homes", "expectations", "outgoing", "prefer", "pipeline", "build"],
    ["health", "admin", "heads", "delivery", "logs", "app", "protocol", "statefile", "workers", "server"],
    ["remote", "commands", "transport"],
    [
        "bridge",
        "coverage",
        "coverage_report",
        "coverage_plugin",
        "fuzz",
        "controls",
        "mock",
        "session",
        "testing",
        "pytest_plugin",
    ],
    ["options", "cli", "__init__", "__main__"],
]
APART = {"auth", "ratelimit", "store", "ledger", "journal", "metrics", "faults"}

ORDER = [name for layer in LAYERS for name in layer]


def top(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """The modules of this package that a file imports, by their first name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mockserver":
            parts = node.module.split(".")
            if len(parts) > 1:
                found.append(parts[1])
            else:
                found += [alias.name for alias in node.names if alias.name != "__version__"]
        elif isinstance(node, ast.Import):
            found += [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("mockserver.")]
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_module_has_its_floor():
    assert {top(path) for path in FILES} <= set(ORDER), "add the new module to LAYERS"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_below_only(path):
    here = top(path)
    for name in imports(path):
        if name == here:
            continue
        assert ORDER.index(name) < ORDER.index(here), f"{here} must not import {name}"
        assert not (here in APART and name in APART), f"{here} and {name} are parts and stay apart"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_has_one_job(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400, "over 400 lines: it has more than one job"
    if path.name not in ("__init__.py",) or text.strip():
        assert ast.get_docstring(ast.parse(text)), "no docstring says what it is for"


def test_only_the_clock_reads_the_time():
    for path in FILES:
        if path.name not in ("clock.py", "bridge.py"):  # the bridge replaces what others read
            modules = {
                name.name.split(".")[0]
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.Import)
                for name in node.names
            }
            assert "time" not in modules, f"{path.name} imports time; the clock gives it"
