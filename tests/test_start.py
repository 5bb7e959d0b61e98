"""What a start must not wait for: modules that a server of bundled documents never needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request

SCRIPT = """
import sys
import mockserver.cli.main, mockserver.server.run
from mockserver.admin.api import Admin
from mockserver.pipeline.build import build
from mockserver.settings import Settings
Admin(build(Settings()))
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""
LATER = (
    *("openapi_core", "openapi_spec_validator", "jsonschema", "jsonpath", "pydantic", "importlib.metadata"),
    "mockserver.console.endpoint_pages.served",
    *("difflib", "csv", "yaml", "anyio._core._synchronization"),
    *("mockserver.admin.handlers", "mockserver.admin.journal", "mockserver.journal.retries"),
    "mockserver.contract.reference.referee",
    *("fractions", "schemathesis", "httpx", "mockserver.contract.sampling", "mockserver.contract.samples"),
    *(
        "mockserver.cli.control",
        "mockserver.testing.fuzz",
        "mockserver.contract.strict",
        "mockserver.contract.strict_cache",
    ),
)


def test_a_server_starts_without_what_it_does_not_need(tmp_path):
    def start():
        variables = {**os.environ, "MOCKSERVER_CACHE_DIR": str(tmp_path)}
        command = [sys.executable, "-c", SCRIPT, *LATER]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=variables)
        return done.stdout.split()

    assert start() == ["yaml"]  # which the bundled documents are written in
    assert start() == []


EVERYWHERE = """
import asyncio, multiprocessing.connection, os, pkgutil, signal, socket, subprocess, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "uvloop"):
    sys.modules[name] = None
sys.modules["mcp"] = None  # this extra asks for the platform, and imports fcntl on this one
for owner, names in (
    (os, ("fork", "fchmod", "geteuid", "getuid", "register_at_fork", "sysconf")),
    (signal, ("SIGKILL", "SIGHUP", "SIGUSR1", "pthread_sigmask", "sigwait")),
    (socket, ("AF_UNIX",)),
):
    for name in names:
        if hasattr(owner, name):
            delattr(owner, name)
import mockserver
skipped = ("mockserver.__main__",)
for found in pkgutil.walk_packages(mockserver.__path__, "mockserver."):
    if found.name not in skipped:
        try:
            __import__(found.name)
        except (ModuleNotFoundError, mockserver.UserError) as error:
            extras = ("aiohttp", "httpx2", "requests", "testcontainers", "schemathesis", "mcp")
            if not any(name in str(error) for name in extras):  # a package of an extra that is not installed
                raise
"""


def test_every_module_can_be_imported_without_what_only_posix_has():
    done = subprocess.run([sys.executable, "-c", EVERYWHERE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


UNTESTED = """
import sys
import uvicorn
uvicorn.__version__ = "0.99.0"
from mockserver.cli.main import main
sys.argv = ["mockserver", "serve", "--port", "0"]
main()
"""


def test_with_an_untested_uvicorn_its_own_protocol_serves_and_one_line_says_so():
    with subprocess.Popen([sys.executable, "-c", UNTESTED], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "admin on http://" in line:
                    break
            url = re.search(r"http://[\d.]+:\d+", lines[-1])
            assert url is not None, lines
            with urllib.request.urlopen(f"{url[0]}/__admin/health", timeout=10) as response:
                assert response.status == 200
            # The faster protocol rejects a head of more than 65,536 bytes with 431; uvicorn's own takes it.
            headers = {"authorization": "Bearer k", "x-padding": "x" * 70_000}
            request = urllib.request.Request(f"{url[0]}/v1/user-memories", headers=headers)
            with urllib.request.urlopen(request, timeout=10) as response:
                assert response.status == 200
        finally:
            process.terminate()
    assert sum("with uvicorn 0.99.0, which was not tested" in line for line in lines) == 1, lines
