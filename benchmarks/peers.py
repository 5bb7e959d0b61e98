"""Other mock servers, run as their users run them: with their own defaults, from npm.

A peer is looked for in `--npm DIR` (a folder with node_modules) and then on PATH. Prism, Steady and
Mockoon take the Datagrid contract; WireMock takes stubs, written here by hand, that answer the same bodies.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.bare import made
from benchmarks.data import MEMORY, PATH
from benchmarks.servers import Subject
from mockserver.apis import load_api

WIREMOCK_WARM_SECONDS = 120
"""Seconds of load after which WireMock's rate on one core no longer rises (its JIT has finished)."""


@dataclass(frozen=True)
class Peer:
    """How to run one of them."""

    program: str
    package: str
    subjects: Callable[[str, str, Path], list[Subject]]
    """Its ways of running, given the program, its version and a folder for its files."""


def find_peers(folder: Path, npm: Path | None) -> tuple[list[Subject], list[str]]:
    """The peers that are installed, and a line about each that is not."""
    path = os.environ.get("PATH", os.defpath)
    if npm is not None:
        path = os.pathsep.join([str((npm / "node_modules" / ".bin").resolve()), path])
    found: list[Subject] = []
    missing: list[str] = []
    for peer in PEERS:
        program = shutil.which(peer.program, path=path)
        if program is None:
            missing.append(f"{peer.program} is not installed (npm install {peer.package}); skipped")
            continue
        found += peer.subjects(program, _version(program), folder)
    return found, missing


def _version(program: str) -> str:
    run = subprocess.run([program, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    number = re.search(r"\d+\.\d+\.\d+\S*", run.stdout + run.stderr)
    return number[0] if number else "unknown"


def _contract(folder: Path) -> str:
    """A file with the contract that mockserver enforces, its overlay applied."""
    path = folder / "datagrid.json"
    path.write_bytes(orjson.dumps(load_api("datagrid").contract.served("http://127.0.0.1/v1")))
    return str(path)


def _prism(program: str, version: str, folder: Path) -> list[Subject]:
    argv = (program, "mock", "--port", "{port}", _contract(folder))
    return [
        Subject("Prism", argv, version, base="", page=1, warm_seconds=5),
        Subject("Prism, silent", (*argv, "--verboseLevel", "silent"), version, base="", page=1, warm_seconds=5),
    ]


def _steady(program: str, version: str, folder: Path) -> list[Subject]:
    argv = (program, "--host", "127.0.0.1", "--port", "{port}", _contract(folder))
    return [Subject("Steady", argv, version, base="", page=1, warm_seconds=5)]


def _mockoon(program: str, version: str, folder: Path) -> list[Subject]:
    argv = (program, "start", "--data", _contract(folder), "--port", "{port}", "--hostname", "127.0.0.1")
    return [Subject("Mockoon", argv, version, page=1, warm_seconds=5)]


def _wiremock(program: str, version: str, folder: Path) -> list[Subject]:
    root = folder / "wiremock"
    (root / "mappings").mkdir(parents=True)
    (root / "mappings" / "stubs.json").write_bytes(orjson.dumps({"mappings": _stubs()}))
    argv = (program, "--port", "{port}", "--bind-address", "127.0.0.1", "--root-dir", str(root))
    # Its journal keeps every request for ever: it is emptied before each round.
    reset = ("DELETE", "/__admin/requests")
    return [Subject("WireMock", argv, version, reset=reset, warm_seconds=WIREMOCK_WARM_SECONDS)]


def _stubs() -> list[dict[str, Any]]:
    """What a user writes for this API: a valid creation, any other creation, and a page."""
    key = {"Authorization": {"matches": "Bearer .+"}}
    reply = made(MEMORY)
    row = {name: value for name, value in reply.items() if name != "credits"}
    fields = [{"matchesJsonPath": f"$.{name}"} for name in ("agent_id", "memory")]
    page = {"object": "list", "data": [row] * 20, "has_more": True}
    error = {"status_code": 400, "error": "invalid_request", "message": "memory is required", "retryable": False}
    return [
        {
            "priority": 1,
            "request": {"method": "POST", "urlPath": PATH, "headers": key, "bodyPatterns": fields},
            "response": _json(201, reply),
        },
        {"priority": 2, "request": {"method": "POST", "urlPath": PATH}, "response": _json(400, error)},
        {"priority": 1, "request": {"method": "GET", "urlPath": PATH, "headers": key}, "response": _json(200, page)},
    ]


def _json(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status": status, "jsonBody": body, "headers": {"Content-Type": "application/json"}}


PEERS = (
    Peer("prism", "@stoplight/prism-cli", _prism),
    Peer("steady", "@stdy/cli", _steady),
    Peer("mockoon-cli", "@mockoon/cli", _mockoon),
    Peer("wiremock", "wiremock", _wiremock),
)
