"""The programs of the snippets, started fast: `mockserver`, `python` and `pytest` run in forks of one warm process.

A snippet's shell finds small stand-ins of these names on its path. Each hands its arguments, folder, environment and
streams to the warm process, which has imported everything, and exits with the code of the fork. What runs is the same
code with the same arguments; only the imports are shared. `pip install` installs nothing: it says whether what is asked
for exists.

Run as a program this module is the warm process. It has no threads, so that forking is sound.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("mockserver", "python", "python3", "pytest", "pip")

_STAND_IN = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect({address!r})
    job = json.dumps([[os.path.basename(sys.argv[0]), *sys.argv[1:]], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(link, [len(job).to_bytes(8, "big")], [0, 1, 2])
    link.sendall(job)
    code = link.recv(8)
sys.exit(int(code or b"70"))
"""


@contextlib.contextmanager
def warm(folder: Path) -> Iterator[Path]:
    """A folder for the front of PATH, whose programs run in forks of a warm process."""
    folder.mkdir(parents=True)
    address = str(folder / "link")
    for name in NAMES:
        file = folder / name
        file.write_text(_STAND_IN.format(python=sys.executable, address=address))
        file.chmod(0o755)
    command = [sys.executable, "-P", str(Path(__file__)), address]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield folder
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _serve(address: str) -> None:
    _warm_up()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        while True:
            link, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(link)
                return
            link.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:  # those that are done
                    pass


def _answer(link: socket.socket) -> None:
    """Run one job in a fork of this fork, and tell its exit code."""
    head, streams, _, _ = socket.recv_fds(link, 8, 3)
    size, data = int.from_bytes(head, "big"), b""
    while len(data) < size:
        data += link.recv(1 << 16)
    arguments, folder, environment = json.loads(data)
    worker = os.fork()
    if worker:
        for stream in streams:
            os.close(stream)
        code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        with contextlib.suppress(BrokenPipeError):  # the stand-in was ended, as agents end their tools
            link.sendall(str(code if code >= 0 else 128 - code).encode())
        os._exit(0)
    link.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    _run(*arguments)


def _run(program: str, *arguments: str) -> None:
    """Do what the program does. It ends as an interpreter ends, by SystemExit or at the end of the module."""
    if program == "mockserver":
        from mockserver.cli.main import main

        main()
    elif program == "pytest":
        sys.exit(_pytest())
    elif program == "pip":
        sys.exit(_pip(arguments))
    elif arguments[:2] == ("-m", "pytest"):
        sys.argv = ["pytest", *arguments[2:]]
        sys.path.insert(0, os.getcwd())
        sys.exit(_pytest())
    elif arguments[:1] == ("-m",):
        sys.argv = list(arguments[1:])
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[:1] == ("-c",):
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, os.getcwd())
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    elif arguments and not arguments[0].startswith("-"):
        sys.argv = list(arguments)
        sys.path.insert(0, str(Path(arguments[0]).absolute().parent))
        runpy.run_path(arguments[0], run_name="__main__")
    else:
        os.execv(sys.executable, [program, *arguments])


def _pytest() -> int:
    import pytest

    # What the warm process has imported is not rewritten, which is no fault of the page.
    return pytest.main([*sys.argv[1:], "-W", "ignore::pytest.PytestAssertRewriteWarning"])


def _pip(arguments: tuple[str, ...]) -> str | int:
    """What is wrong with a `pip install`; 0 when nothing is."""
    if arguments[:1] != ("install",):
        return f"pip: a page shows only `pip install`, not {' '.join(arguments)!r}"
    extras = importlib.metadata.metadata("mockserver").get_all("Provides-Extra") or []
    for wanted in arguments[1:]:
        found = re.fullmatch(r"([\w.-]+)(?:\[([\w,-]+)\])?(?:[=<>~!].*)?", wanted)
        if wanted.startswith("-") or wanted == ".":
            continue
        if not found:
            return f"pip: {wanted!r} is no name of a package"
        name, named = found[1], found[2].split(",") if found[2] else []
        unknown = [extra for extra in named if name == "mockserver" and extra not in extras]
        if unknown:
            return f"pip: mockserver has no extra {', '.join(unknown)}"
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return f"pip: {name} is not installed here, so what the page says of it is not tried"
    return 0


def _warm_up() -> None:
    """Import what most snippets import."""
    import mockserver.cli.main

    mockserver.cli.main.cli.list_commands(None)  # type: ignore[arg-type]
    import httpx
    import openapi_core
    import pydantic
    import pytest

    import mockserver.apis
    import mockserver.pipeline.build
    import mockserver.server.app
    import mockserver.testing.session

    assert all((httpx, openapi_core, pydantic, pytest, mockserver))
    with contextlib.suppress(ImportError):
        import datagrid_ai

        assert datagrid_ai


if __name__ == "__main__":
    _serve(sys.argv[1])
