"""The page of the public Python API, made from signatures and docstrings. `docs/tables.py` writes it.

The source is read and not the objects, so that a value's docstring, the string below it, is seen too.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import mockserver
from mockserver.testing import handles

HEAD = """\
---
no_snippet: "signatures; each of them is used by an example on the page that the text names"
---

# Python

Everything that `mockserver` exports, and what the fixture `mockserver` is. Examples: [in pytest](pytest.md),
[your own API](your-api.md), [architecture](architecture.md#recipes).

<!-- written by docs/tables.py -->
"""
ORDER = ("Session", "Mock", "Entry", "MockTransport", "create_app", "serve_in_thread", "Settings")
ORDER += ("Api", "Behaviours", "Call", "Problem", "UserError")
HANDLES = {
    "credits": handles.CreditsControl,
    "clock": handles.ClockControl,
    "state": handles.StateControl,
    "retries": handles.Retries,
    "webhooks": handles.WebhookControl,
}
"""The attributes of a `Mock` that are objects of their own."""
ELSEWHERE = {"Settings": "Its fields are the options of `serve`: [the table](sidecar.md#settings) has all of them."}
"""Classes whose members another page lists."""


def page() -> str:
    """The text of docs/python.md."""
    assert {*ORDER, "__version__"} == set(mockserver.__all__)
    parts = [part for name in ORDER for part in described(name)]
    return HEAD + "".join(f"\n{part}\n" for part in parts)


def described(name: str) -> Iterator[str]:
    """The parts of one public name."""
    what = getattr(mockserver, name)
    node = definition(import_module(what.__module__), name)
    yield f"## {name}"
    if isinstance(node, ast.FunctionDef):
        yield f"**`{name}{signature(node)}`**"
    yield from prose(ast.get_docstring(node) or "")
    if name in ELSEWHERE:
        yield ELSEWHERE[name]
    elif isinstance(node, ast.ClassDef):
        yield from members(node, "")
    if name == "Mock":
        for attribute, kind in HANDLES.items():
            yield f"### mock.{attribute}"
            below = definition(handles, kind.__name__)
            yield from prose(ast.get_docstring(below) or "")
            yield from members(below, f"{attribute}.")


def definition(module: ModuleType, name: str) -> Any:
    """Where a module defines a class or a function."""
    tree = ast.parse(inspect.getsource(module))
    return next(node for node in tree.body if getattr(node, "name", "") == name)


def members(node: ast.ClassDef, prefix: str) -> Iterator[str]:
    """The public methods, properties and documented values of a class."""
    made = next((each for each in node.body if getattr(each, "name", "") == "__init__"), None)
    yield from values(node.body, prefix)
    if isinstance(made, ast.FunctionDef):
        yield f"**`{node.name}{signature(made)}`**"
        yield from values(made.body, prefix)
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
            kinds = [ast.unparse(decorator) for decorator in each.decorator_list]
            if "overload" in kinds:
                continue
            returned = f" -> {ast.unparse(each.returns)}" if each.returns is not None else ""
            yield f"**`{prefix}{each.name}{returned if 'property' in kinds else signature(each)}`**"
            yield from prose(ast.get_docstring(each) or "")


def values(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    """Values with a docstring below them."""
    for value, text in pairwise(body):
        target = value.target if isinstance(value, ast.AnnAssign) else None
        name = getattr(target, "attr", getattr(target, "id", "_"))
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(value, ast.AnnAssign) and is_text and not name.startswith("_"):
            yield f"**`{prefix}{name}: {ast.unparse(value.annotation)}`**"
            yield from prose(inspect.cleandoc(str(text.value.value)))  # type: ignore[attr-defined]


def signature(node: ast.FunctionDef) -> str:
    """The parameters of a function as they are written, without `self`."""
    written = ast.unparse(node.args)
    for first in ("self", "cls"):
        written = written.removeprefix(f"{first}, ")
    written = "" if written in ("self", "cls") else written
    returned = ast.unparse(node.returns) if node.returns is not None else "None"
    return f"({written})" + (f" -> {returned}" if returned != "None" else "")


def prose(text: str) -> Iterator[str]:
    """The paragraphs of a docstring; sections of arguments and errors are lists, indented code is a block."""
    for paragraph in text.split("\n\n"):
        head, _, rest = paragraph.partition("\n")
        if head in ("Args:", "Raises:", "Returns:") and rest:
            items = inspect.cleandoc("\n" + rest)
            yield f"{head.replace('Args', 'Arguments')}\n\n" + "\n".join(listed(items))
        elif paragraph.startswith("    "):
            yield f"```text\n{inspect.cleandoc(paragraph)}\n```"
        elif paragraph:
            yield paragraph


def listed(items: str) -> Iterator[str]:
    """Named things with what is said of each; a line that is indented goes on with the one before."""
    for line in items.splitlines():
        name, colon, about = line.partition(": ")
        if line.startswith(" "):
            yield f"  {line.strip()}"
        elif colon:
            yield f"- `{name}`: {about}"
        else:
            yield f"- {line}"
