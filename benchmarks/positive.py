"""One valid request to every operation of a document, to mockserver and to Prism: who answers, and is it valid?

    python -m benchmarks.positive FILE... [--npm DIR] [--max 500] [--show]

The request is generated from the document by schemathesis, the same for both, with every credential that the document
names. An operation counts as answered when the response has a documented success status, and as valid when
schemathesis's checks of status, content type, headers and schema have no finding. Prism is looked for in
`DIR/node_modules` (`npm install @stoplight/prism-cli`). Load time is from the start of the process to its first
response. Exits with 1 when mockserver does not answer every operation validly.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi

START_SECONDS = 120
CHECKS = [
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_headers_conformance,
    openapi.response_schema_conformance,
]


@dataclass
class Outcome:
    """What one server did with one document."""

    load_seconds: float = 0.0
    answered: int = 0
    valid: int = 0
    findings: list[str] = field(default_factory=list)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def running(argv: list[str], url: str) -> Iterator[float]:
    """A server as a process; gives the seconds until it answered."""
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(argv, stdout=output, stderr=output)
        try:
            while True:
                if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                    output.seek(0)
                    said = output.read().decode("utf-8", "replace").strip()
                    raise RuntimeError(f"does not serve: {said[-400:]}")
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(url, timeout=START_SECONDS)
                    break
                time.sleep(0.02)
            yield time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(10)


def one_case(operation: Any) -> Any:
    """A valid request, the same in every run."""
    cases: list[Any] = []

    @settings(
        max_examples=1,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def make(case: Any) -> None:
        cases.append(case)

    make()
    return cases[0]


def cases_of(schema: Any, most: int) -> list[tuple[Any, Any]]:
    """Every operation with one valid request; None where schemathesis cannot make one."""
    cases: list[tuple[Any, Any]] = []
    for result in schema.get_all_operations():
        if not hasattr(result, "ok") or len(cases) == most:
            continue
        operation = result.ok()
        try:
            case = one_case(operation)
        except Exception as error:  # whatever schemathesis or hypothesis stumbles over is not the servers' affair
            print(f"  no request for {operation.label}: {str(error)[:120]}", file=sys.stderr)
            case = None
        cases.append((operation, case))
    return cases


def credentials(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Headers, query parameters and cookies for every security scheme of a document."""
    sent: dict[str, dict[str, str]] = {"headers": {}, "params": {}, "cookies": {}}
    places = {"header": "headers", "query": "params", "cookie": "cookies"}
    schemes = (document.get("components") or {}).get("securitySchemes") or document.get("securityDefinitions") or {}
    for scheme in schemes.values():
        if scheme.get("type") == "apiKey":
            sent[places[scheme["in"]]][scheme["name"]] = "key"
        elif scheme.get("scheme", "").lower() == "basic" or scheme.get("type") == "basic":
            sent["headers"].setdefault("Authorization", "Basic dXNlcjpzZWNyZXQ=")
        else:
            sent["headers"]["Authorization"] = "Bearer key"
    return sent


def succeeded(operation: Any, status: int) -> bool:
    """Whether a status is a success that the operation declares, or the first of its responses when it has none."""
    declared = [str(key).upper() for key in operation.definition.raw.get("responses") or {}]
    successes = [key for key in declared if key.startswith(("2", "3")) or key == "DEFAULT"]
    if not successes:
        return status == 200 or str(status) in declared or f"{status // 100}XX" in declared
    return str(status) in successes or f"{status // 100}XX" in successes or (status < 400 and "DEFAULT" in successes)


def checks_of(operation: Any) -> list[Any]:
    """The checks that can be passed: where no response is declared, schemathesis finds every status undocumented.

    From 3.1 on `responses` may be left out, and "the documentation is not necessarily expected to cover all possible
    HTTP response codes" (OpenAPI 3.1.0, Responses Object).
    """
    if operation.definition.raw.get("responses"):
        return CHECKS
    return [check for check in CHECKS if check is not openapi.status_code_conformance]


def run(cases: list[tuple[Any, Any]], base_url: str, sent: dict[str, dict[str, str]]) -> Outcome:
    """Send every case and check its response."""
    outcome = Outcome()
    for operation, case in cases:
        if case is None:
            continue
        try:
            response = case.call(
                base_url=base_url, timeout=30, **{name: value for name, value in sent.items() if value}
            )
        except Exception as error:
            outcome.findings.append(f"{operation.label}: {type(error).__name__}: {str(error)[:200]}")
            continue
        if not succeeded(operation, response.status_code):
            outcome.findings.append(f"{operation.label}: {response.status_code} {response.content[:300]!r}")
            continue
        outcome.answered += 1
        try:
            case.validate_response(response, checks=checks_of(operation))
            outcome.valid += 1
        except (AssertionError, FailureGroup) as error:
            outcome.findings.append(f"{operation.label}: {str(error)[:600]}")
        except Exception as error:  # a defect of the checker
            outcome.findings.append(f"{operation.label}: not checked: {type(error).__name__} {str(error)[:200]}")
    return outcome


def main() -> int:
    """Run it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--npm", type=Path, help="folder whose node_modules has Prism")
    parser.add_argument("--max", type=int, default=10_000, help="operations of a document at most")
    parser.add_argument("--show", action="store_true", help="print every finding about mockserver")
    options = parser.parse_args()
    load_all_checks()
    prism = shutil.which("prism", path=str(options.npm / "node_modules" / ".bin")) if options.npm else None
    is_whole = True
    print("| document | operations | requests | server | load | answered | valid |\n|---|---|---|---|---|---|---|")
    for file in options.files:
        schema = schemathesis.openapi.from_path(file)
        cases = cases_of(schema, options.max)
        count = sum(case is not None for _, case in cases)
        sent = credentials(schema.raw_schema)
        ports = {"mockserver": free_port(), "Prism": free_port()}
        quiet = ["--log-level", "error", "--rate-limit", "off", "--credits", "1e12"]
        ours = [sys.executable, "-m", "mockserver", "serve", "--port", str(ports["mockserver"]), "--api", f"doc={file}"]
        servers = {"mockserver": [*ours, *quiet]}
        if prism is not None:
            servers["Prism"] = [prism, "mock", "--port", str(ports["Prism"]), "--verboseLevel", "silent", str(file)]
        for name, argv in servers.items():
            base_url = f"http://127.0.0.1:{ports[name]}" + ("/doc" if name == "mockserver" else "")
            try:
                with running(argv, base_url + "/") as seconds:
                    outcome = run(cases, base_url, sent)
                    outcome.load_seconds = seconds
            except RuntimeError as error:
                outcome = Outcome(findings=[str(error)])
            row = f"{outcome.load_seconds:.2f} s | {outcome.answered} | {outcome.valid}"
            print(f"| {file.name} | {len(cases)} | {count} | {name} | {row} |", flush=True)
            if name == "mockserver":
                is_whole = is_whole and outcome.valid == count
                for finding in outcome.findings if options.show else ():
                    print("   ", finding.replace("\n", "\n      "))
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
