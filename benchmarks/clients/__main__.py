"""Print the table of clients: what each did in each case, by the journal of the sandbox that it called."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.clients.cases import CASES, SECONDS
from benchmarks.clients.python_clients import CLIENTS
from mockserver import Mock, Session

HERE = Path(__file__).parent
NODE = {
    "datagrid-ai": "datagrid",
    "mem0ai": "mem0",
    "openai": "vendors",
    "@anthropic-ai/sdk": "vendors",
    "stripe": "vendors",
    "axios-retry": "vendors",
    "got": "vendors",
    "ky": "vendors",
}
"""The packages for Node, and the API that each is for."""
CREATES = {"datagrid": "Memory.createUserMemory", "mem0": "addMemories", "vendors": "*"}
"""The operation that the client of an API calls to create something; a client may call others before."""
AT_ONCE = 0.05
"""Seconds under which a client did not wait."""


class Client(NamedTuple):
    """A client that is measured."""

    name: str
    api: str
    command: tuple[str, ...]
    version: str
    language: str


def clients(folder: Path | None) -> Iterator[Client]:
    """The clients that are installed here.

    Args:
        folder: where `npm install` put the packages for Node; None leaves them out.
    """
    for name, (api, _, _) in CLIENTS.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            print(f"{name} is left out: pip install {name}", file=sys.stderr)
            continue
        yield Client(name, api, (sys.executable, "-m", "benchmarks.clients.python_clients"), found, "Python")
    for name, api in NODE.items() if folder is not None else ():
        manifest = folder / "node_modules" / name / "package.json"
        if not manifest.exists():
            print(f"{name} for Node is left out: npm install --prefix {folder}", file=sys.stderr)
            continue
        found = json.loads(manifest.read_text(encoding="utf-8"))["version"]
        yield Client(name, api, ("node", str(folder / "node_clients.mjs")), found, "Node")


def installed(folder: Path) -> Path | None:
    """The folder with the packages for Node, installed there if need be; None where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("the clients for Node are left out: node and npm are not installed", file=sys.stderr)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "node_clients.mjs"):
        shutil.copy(HERE / name, folder / name)
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit"], cwd=folder, check=True, timeout=600)
    return folder


def measured(client: Client, session: Session) -> dict[str, str]:
    """What a client did in each case."""
    mocks = {name: _sandbox(session, client, name) for name in CASES}
    cases = {name: {"url": _url(mock, client), "key": mock.api_key} for name, mock in mocks.items()}
    asked = {"client": client.name, "seconds": SECONDS, "cases": cases}
    environment = {**os.environ, "MEM0_TELEMETRY": "false", "NODE_NO_WARNINGS": "1"}
    done = subprocess.run(
        client.command,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
        env=environment,
        check=False,
    )
    outcomes: dict[str, str] = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    cells = {name: told(name, mock, outcomes.get(name, "")) for name, mock in mocks.items()}
    for mock in mocks.values():
        mock.delete()
    if not outcomes:
        print(f"{client.name}: {done.stderr.strip()[-400:]}", file=sys.stderr)
    return cells


def _sandbox(session: Session, client: Client, case: str) -> Mock:
    rule = {"id": case, "op": CREATES[client.api], **CASES[case].rule}
    scenario = {"version": 1, "name": case, "api": client.api, "rules": [rule]}
    return session.sandbox(api=client.api, scenario=scenario, credits=1000)


def _url(mock: Mock, client: Client) -> str:
    if client.name == "stripe" and client.language == "Node":  # it takes no path; the key tells the sandbox
        return mock.base_url(client.api).partition("/~")[0]
    return mock.base_url(client.api)


def told(case: str, mock: Mock, outcome: str) -> str:
    """What the journal tells of a case, in a cell of the table."""
    entries = [entry.data for entry in mock.requests if entry.data["method"] == "POST"]
    ends = [entry["at"] + entry["duration_ms"] / 1000 for entry in entries]
    waits = [later["at"] - end for end, later in zip(ends, entries[1:], strict=False)]
    paid = sum(bool(entry["committed"]) and entry["stage"] != "idempotency" for entry in entries)
    if not entries:
        return "no request"
    ended = {"": f"still waits after {SECONDS:.0f} s", "ok": ""}.get(outcome, "gave up")
    if case in ("before", "after"):
        again = "sent again" if waits else "raised"
        return f"{again}, **paid {paid} times**" if paid > 1 else f"{again}, paid once" if paid else again
    if not waits:
        return ended or "took it"
    if len(waits) > 1 or ended == "gave up":
        text = f"{len(entries)} attempts, {sum(waits):.1f} s"
        return f"{text}, {ended}" if ended else text
    return ("at once" if waits[0] < AT_ONCE else f"waited {waits[0]:.1f} s") + (f", {ended}" if ended else "")


def table(rows: dict[Client, dict[str, str]]) -> str:
    """The table in Markdown."""
    lines = [
        f"| client | {' | '.join(case.title for case in CASES.values())} |",
        f"|---|{'---|' * len(CASES)}",
    ]
    lines += [
        f"| {client.name} {client.version} ({client.language}) | {' | '.join(cells[name] for name in CASES)} |"
        for client, cells in rows.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure every client that is installed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", type=Path, default=Path("build/clients"), help="folder for the packages of Node")
    parser.add_argument("--only", action="append", help="measure this client only; repeatable")
    parser.add_argument("--jobs", type=int, default=1, help="clients that are measured at the same time")
    asked = parser.parse_args()
    chosen = [c for c in clients(installed(asked.node)) if not asked.only or c.name in asked.only]
    with (
        Session(apis=["datagrid", "mem0", str(HERE / "vendors.mock.yaml")]) as session,
        ThreadPoolExecutor(asked.jobs) as pool,
        click.progressbar(
            pool.map(lambda client: measured(client, session), chosen),
            length=len(chosen),
            label="clients",
            file=sys.stderr,
        ) as cells,
    ):
        print(table(dict(zip(chosen, cells, strict=True))))


if __name__ == "__main__":
    main()
