"""The public Python API: its names and signatures, held here on purpose, and its types as another project sees them."""

from __future__ import annotations

import ast
import inspect
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import mockserver
from mockserver.testing import handles

ROOT = Path(__file__).parent.parent
SNAPSHOT = Path(__file__).parent / "public_api.txt"
USER = """
import httpx
import httpx2
import requests
from mockserver import Api, Call, Mock, MockTransport, Problem, Session, Settings, UserError
from mockserver import create_app, serve_in_thread

shop = Api.from_openapi("openapi.yaml", name="shop")


@shop.operation("createOrder", costs=2)
def create_order(call: Call) -> dict[str, object]:
    if not call.body["lines"]:
        raise Problem("invalid_request", "An order has at least one line.")
    return {"id": call.new_id()}


def use() -> None:
    try:
        with Session(apis=["datagrid", shop], settings=Settings(credits=5)) as session:
            mock: Mock = session.sandbox(scenario="out-of-credits", clock="frozen", credits=1)
            mock.assert_requested("createOrder", times=2, json={"lines": []}, headers={"x": "1"}, params={"q": 1})
            httpx.Client(transport=mock.transport(), base_url=mock.base_url("shop"))
            httpx.AsyncClient(transport=mock.async_transport(), base_url=mock.base_url("shop"))
            httpx2.Client(transport=mock.transport("httpx2"))
            requests.Session().mount("http://", mock.transport("requests"))
            print(mock.client_kwargs("datagrid", transport="sync"))
            mock.clock.advance("61s")
            number: float = mock.credits.remaining
            print(number, [entry.status for entry in mock.requests])
    except UserError as error:
        print(error)
    app = create_app(Settings(apis=("mem0",)))
    httpx.Client(transport=MockTransport(app))
    with serve_in_thread(app) as server:
        print(server.url)
"""


def signature(value: object) -> str:
    """A signature, long defaults left out; nothing for an exception that takes what every exception takes."""
    try:
        known = inspect.signature(value)  # type: ignore[arg-type]
    except ValueError:
        return ""
    short = [
        parameter.replace(default=...)
        if parameter.default is not parameter.empty
        and (len(repr(parameter.default)) > 40 or callable(parameter.default))
        else parameter
        for parameter in known.parameters.values()
    ]
    return str(known.replace(parameters=short))


def attributes(value: type) -> list[str]:
    """The public attributes that `__init__` sets, and the methods of those that are handles of our own."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    init = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    lines = []
    for node in (statement for function in init for statement in ast.walk(function)):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not (isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"):
            continue
        if target.attr.startswith("_"):
            continue
        kind = ast.unparse(node.annotation) if isinstance(node, ast.AnnAssign) else ""
        made = node.value.func.id if isinstance(node.value, ast.Call) and hasattr(node.value.func, "id") else ""
        lines.append(f"{target.attr}: {kind or made}".removesuffix(": "))
        handle = getattr(handles, made, None)
        for name, thing in sorted(vars(handle).items()) if handle is not None else ():
            if not name.startswith("_"):
                shown = "" if isinstance(thing, property) else signature(thing)
                lines.append(f"{target.attr}.{name}{shown}")
    return sorted(lines)


def public() -> str:
    """Every public name with the signatures of what can be called."""
    lines = []
    for name in sorted(mockserver.__all__):
        value = getattr(mockserver, name)
        if inspect.isclass(value):
            lines.append(f"class {name}{signature(value)}")
            for member, thing in sorted(vars(value).items()):
                if member.startswith("_"):
                    continue
                if isinstance(thing, property):
                    lines.append(f"    {member}")
                elif inspect.isroutine(thing):
                    lines.append(f"    {member}{signature(getattr(value, member))}")
            lines += [f"    {member}" for member in attributes(value)]
        elif callable(value):
            lines.append(f"def {name}{signature(value)}")
        else:
            lines.append(name)
    return "\n".join(lines) + "\n"


def test_names_and_signatures_are_those_that_were_agreed():
    assert public() == SNAPSHOT.read_text(encoding="utf-8"), (
        "the public API changed; if that is meant, run `python tests/test_public_api.py` and say so in CHANGELOG.md"
    )


@pytest.mark.parametrize("checker", [["mypy", "--strict", "--python-executable", sys.executable], ["pyright"]])
def test_a_file_of_another_project_type_checks(tmp_path, checker):
    program = shutil.which(checker[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{checker[0]} is not installed")
    (tmp_path / "user.py").write_text(USER)
    command = [program, *checker[1:], "user.py"]
    if checker[0] == "pyright":
        command = [program, "--pythonpath", sys.executable, "user.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    SNAPSHOT.write_text(public(), encoding="utf-8")
