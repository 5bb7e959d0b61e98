"""The shell of a page: one folder, one environment, and the servers that the page starts, on ports of its own."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_SERVER = re.compile(r"^(?:(?:\w+=\S+) +)*mockserver +(?:serve|proxy|mcp --http)\b(?!.* --help)")
_PORT = re.compile(r"(?<![\d.])40(?:1\d)(?![\d.]*\d)")
"""The ports that pages write. Each stands for a free one while the page runs."""
_OPTION = re.compile(r"--(?:port|http)[= ](\d+)")
_PLUGINS = " ".join(
    f"-p no:{name}"
    for name in ("cacheprovider", "xdist", "asyncio", "timeout", "time_machine", "hypothesispytest", "schemathesis")
)
"""A page's pytest has the plugins that its reader has."""
_STATE = """
code=$?
{ pwd -P; printf '\\0'; env -0; } > "$SNIPPET_STATE"
exit $code
"""


@dataclass(frozen=True)
class Step:
    """One command of a console session, and what stands below it."""

    command: str
    line: int
    """Lines from the start of the block to the command."""
    shown: list[str]

    @property
    def first(self) -> int:
        """Lines from the start of the block to the first line of output."""
        return self.line + self.command.count("\n") + 1


def starts_server(command: str) -> bool:
    """Whether a command is a server on the port that pages write."""
    return bool(_SERVER.match(command)) and (_OPTION.findall(command) or ["4010"])[0] == "4010"


def steps(text: str) -> list[Step]:
    """The commands of a session. Raises ValueError when the text does not begin with one."""
    found: list[Step] = []
    for number, line in enumerate(text.splitlines()):
        if line.startswith("$ "):
            found.append(Step(line[2:], number, []))
        elif not found:
            raise ValueError("a console block begins with `$ ` and a command")
        elif line.startswith("> ") and not found[-1].shown:
            found[-1] = Step(f"{found[-1].command}\n{line[2:]}", found[-1].line, [])
        else:
            found[-1].shown.append(line)
    for step in found:
        while step.shown and not step.shown[-1].strip():
            step.shown.pop()
    return found


@dataclass
class Shell:
    """Runs commands in a folder. It is closed when the page is done: its servers end then.

    Args:
        folder: where the page begins.
        programs: the folder for the front of PATH.
        port: the port that 4010 stands for: of the server that is there already; None where the page starts its own.
    """

    folder: Path
    programs: Path
    port: int | None
    ports: dict[str, str] = field(default_factory=dict)
    _servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cwd = self.folder
        self.code = 0
        home = self.folder.parent / "home"
        home.mkdir(exist_ok=True)
        kept = ("LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "PATH": f"{self.programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "TERM": "dumb",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "NO_PROXY": "*",
            "PYTHONUTF8": "1",
            "MOCKSERVER_CACHE_DIR": "off",
            "MEM0_TELEMETRY": "False",
            "PYTEST_ADDOPTS": _PLUGINS,
        }
        self.ports["4010"] = str(self.port or free_port())
        # Commands and servers of the page mean its own port where they name none.
        self.environment |= {
            "MOCKSERVER_PORT": self.ports["4010"],
            "MOCKSERVER_URL": f"http://127.0.0.1:{self.ports['4010']}",
        }

    def close(self) -> None:
        for server in self._servers:
            server.terminate()
        for server in self._servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()

    def here(self, text: str) -> str:
        """A text of the page with the ports that stand for its own."""
        return _PORT.sub(lambda found: self.ports.setdefault(found[0], str(free_port())), text)

    def there(self, text: str) -> str:
        """What was printed, as the page would show it."""
        for shown, real in self.ports.items():
            text = re.sub(rf"(?<!\d){real}(?!\d)", shown, text)
        return text.replace(f"{self.folder}/", "").replace(str(self.folder), ".")

    def run(self, command: str, timeout: float = 60) -> list[str]:
        """Run a command, and return the lines that it printed. `code` is its exit code.

        A server, and what ends with `&`, runs until the page ends; it is waited for until its port answers.
        """
        if _SERVER.match(command) or command.endswith(" &"):
            return self._start(command)
        state = self.folder.parent / "state"
        state.unlink(missing_ok=True)
        script = f"(exit {self.code})\n{self.here(command)}{_STATE}"
        environment = {**self.environment, "SNIPPET_STATE": str(state)}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        self.code = done.returncode
        if state.exists():
            cwd, _, variables = state.read_bytes().decode().partition("\n\0")
            self.cwd = Path(cwd)
            pairs = (pair.split("=", 1) for pair in variables.split("\0") if pair)
            self.environment = {name: value for name, value in pairs if name not in ("SNIPPET_STATE", "_", "SHLVL")}
        return self.there(done.stdout.decode("utf-8", "replace")).splitlines()

    def _start(self, command: str) -> list[str]:
        named = (_OPTION if _SERVER.match(command) else _PORT).findall(command) or ["4010"]
        command = command.rstrip(" &")
        script = f"exec env {self.here(command)}"
        log = self.folder.parent / f"server-{len(self._servers)}.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.cwd,
                env={**self.environment, "PATH": self._real_path()},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._servers.append(server)
        self.code = 0 if _wait(server, self.here(named[0])) else server.wait()
        return self.there(log.read_text(encoding="utf-8", errors="replace")).splitlines()

    def _real_path(self) -> str:
        """A server is a process of its own, so that it ends when it is told to."""
        return self.environment["PATH"].replace(f"{self.programs}{os.pathsep}", "")


def _wait(server: subprocess.Popen[bytes], port: str) -> bool:
    """Wait until a server answers; False when it ended instead."""
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/ready", timeout=10).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            time.sleep(0.02)
            continue
        return True
    if server.poll() is None:
        raise AssertionError(f"no answer on port {port} within 30 s")
    return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def opened(folder: Path, programs: Path, port: int | None) -> Iterator[Shell]:
    """A shell for one page."""
    inner = folder / "page"
    inner.mkdir(parents=True)
    shell = Shell(inner, programs, port)
    try:
        yield shell
    finally:
        shell.close()
