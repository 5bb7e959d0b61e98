"""What it costs to read a document: a very large one in this process, a small one from exec to the first answer.

    python benchmarks/documents.py [GITHUB.json] [--json FILE]

The large one is GitHub's description of its API, `generated/api.github.com.json` in the npm package
`@octokit/openapi` (13 MB, 1,223 operations); give its path, or set MOCKSERVER_BENCH_GITHUB. Without
it those rows are left out. Every row is the median of several runs of one invocation. Two yardsticks
come from the same invocation, to compare machines by: `json.loads` of the large document, and a
process that imports uvicorn and nothing else.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from mockserver.contract import Contract, load_contract
from mockserver.contract.strict import strict_faults
from mockserver.messages import Request
from mockserver.text.documents import parse, read_text

LOADS, STARTS = 5, 11
MOST = 1 << 30
PATH = "/repos/octocat/hello-world/issues"
SMALL = """\
openapi: 3.0.3
info: {title: Shop, version: '1'}
paths:
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getThing
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
components:
  schemas:
    Thing:
      type: object
      required: [id]
      properties:
        id: {type: integer}
        name: {type: string, maxLength: 80}
"""

Rows = dict[str, list[float]]
"""Seconds of each run, by what was measured."""


def timed(action: Callable[[], Any], runs: int = LOADS) -> list[float]:
    """Seconds of each of several calls, each with nothing of the last one left."""
    found = []
    for _ in range(runs):
        gc.collect()
        started = time.perf_counter()
        kept = action()
        found.append(time.perf_counter() - started)
        del kept
    return found


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def large(file: Path, folder: Path) -> Rows:
    """The rows of the large document."""
    print(f"converting {file} to YAML ...", file=sys.stderr)
    as_yaml = folder / "github.yaml"
    with as_yaml.open("w", encoding="utf-8") as out:
        yaml.dump(json.loads(file.read_bytes()), out, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    rows = parsing(read_text(file, MOST), read_text(as_yaml, MOST))
    rows["load JSON, not strict"] = timed(lambda: load_contract(file, strict=False))
    rows["load YAML, not strict"] = timed(lambda: load_contract(as_yaml, strict=False))
    rows["load JSON, strict"] = timed(lambda: load_contract(file), 3)
    requests, replies = zip(*(first_use(load_contract(file, strict=False)) for _ in range(LOADS)), strict=True)
    rows["first request matched and checked"] = list(requests)
    rows["first response made up and checked"] = list(replies)
    return rows


def parsing(text: str, yaml_text: str) -> Rows:
    """The rows of the parts of a load, each alone."""
    document = parse(text, "github.json")
    return {
        "json.loads, for comparison": timed(lambda: json.loads(text)),
        "parse JSON": timed(lambda: parse(text, "github.json")),
        "parse YAML": timed(lambda: parse(yaml_text, "github.yaml")),
        "strict validation alone": timed(lambda: list(strict_faults(document)), 3),
    }


def first_use(contract: Contract) -> tuple[float, float]:
    """Seconds of the first request to an operation, and of its first response."""
    started = time.perf_counter()
    operation, values, _ = contract.match("GET", PATH.strip("/").split("/"))
    assert operation is not None
    assert operation.check_request(Request("GET", PATH, "per_page=5"), values).violations == []
    checked = time.perf_counter()
    reply = contract.sample(operation, 200)
    assert operation.check_response(reply) == []
    return checked - started, time.perf_counter() - checked


def starts(folder: Path) -> Rows:
    """The rows of process starts, with bytecode compiled as an installed package has it."""
    small = folder / "small.yaml"
    small.write_text(SMALL, encoding="utf-8")
    # Bytecode and what passed are kept in the folder, so that the measurement leaves nothing behind.
    kept = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "MOCKSERVER_CACHE_DIR": "off"}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    api = ["--api", f"small={small}"]
    remembered = {**kept, "MOCKSERVER_CACHE_DIR": str(folder / "cache")}
    return {
        "a process that imports uvicorn, for comparison": repeated(lambda: run_import(kept)),
        "start, bundled documents": repeated(lambda: start([], kept)),
        "start, small document, not strict": repeated(lambda: start([*api, "--no-strict"], kept)),
        "start, small document, strict": repeated(lambda: start(api, kept)),
        "start, small document, strict, passed before": repeated(lambda: start(api, remembered)),
    }


def repeated(action: Callable[[], float]) -> list[float]:
    """Several runs after one that warms the caches up."""
    action()
    return [action() for _ in range(STARTS)]


def run_import(variables: dict[str, str]) -> float:
    """Seconds of a process that does nothing but import the HTTP server."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import uvicorn"], env=variables, check=True)
    return time.perf_counter() - started


def start(options: list[str], variables: dict[str, str]) -> float:
    """Seconds from exec of `mockserver serve` to its first 200."""
    port = free_port()
    command = [sys.executable, "-m", "mockserver", "serve", "--port", str(port), "--log-level", "warning", *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=variables)
    try:
        while not is_up(port):
            if process.poll() is not None:
                raise SystemExit(f"the server ended with {process.returncode}")
            time.sleep(0.001)
        return time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def is_up(port: int) -> bool:
    """Whether the server answers with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /__admin/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main() -> None:
    """Measure, print the table, and write it as JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("github", nargs="?", type=Path, default=os.environ.get("MOCKSERVER_BENCH_GITHUB"))
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    os.environ["MOCKSERVER_CACHE_DIR"] = "off"
    rows: Rows = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.github is not None and Path(options.github).is_file():
            rows |= large(Path(options.github), Path(folder))
        else:
            print("GitHub's document is not here: its rows are left out; see --help", file=sys.stderr)
        rows |= starts(Path(folder))
    for name, runs in rows.items():
        print(f"{name:<48}{median(runs) * 1000:>10.1f} ms   {min(runs) * 1000:>8.1f} at best, of {len(runs)}")
    if options.json:
        figures = {name: {"median": median(runs), "runs": runs} for name, runs in rows.items()}
        options.json.write_text(json.dumps({"unit": "s", "python": sys.version.split()[0], "rows": figures}, indent=2))


if __name__ == "__main__":
    main()
