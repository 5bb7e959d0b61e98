"""What `mockserver proxy` says at its end: a report and an exit code, and a drafted document. Real processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import orjson
import pytest
import yaml
from jsonschema_rs import validator_for
from test_server import began
from upstreams import say, upstream

from mockserver.apis import Api
from mockserver.data import bundled_file
from mockserver.text.documents import parse

DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "pets", "version": "1"},
    "paths": {
        "/pets": {
            "get": {
                "operationId": "listPets",
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}}],
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["name"],
                                        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
                                    },
                                }
                            }
                        },
                    }
                },
            }
        }
    },
}
GOOD = [{"name": "Rex", "age": 3}]
BAD = [{"name": "Rex", "age": "old"}, {"age": "older"}]


def response(value: object, status: bytes = b"200 OK") -> bytes:
    body = orjson.dumps(value)
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return head + body


@contextlib.contextmanager
def running(url: str, *options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A `mockserver proxy` process; gives its port."""
    command = [sys.executable, "-m", "mockserver", "proxy", "--port", "0", "--upstream", url, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield int(began(process)[0].rpartition(":")[2]), process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The exit code of a process that is told to stop, and what it printed."""
    process.send_signal(signal.SIGTERM)
    output, log = process.communicate(timeout=30)
    return process.returncode, output, log


@pytest.fixture
def document(tmp_path) -> str:
    path = tmp_path / "pets.yaml"
    path.write_text(yaml.safe_dump(DOCUMENT))
    return str(path)


def session(port: int, *targets: bytes) -> None:
    for target in targets:
        say(port, b"GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer header-secret\r\n\r\n" % target)


def test_nothing_but_what_the_contract_has_is_0(document):
    with upstream(response(GOOD)) as real, running(real.url, document, "--report", "text") as (port, process):
        session(port, b"/pets", b"/pets?limit=5")
        code, output, _ = ended(process)
    assert code == 0 and output.strip().endswith("0 errors, 0 warnings")


def test_drift_of_both_sides_is_1_and_is_told_as_it_comes_and_in_every_form(tmp_path, document):
    forms = {form: tmp_path / f"report.{form}" for form in ("json", "junit", "sarif", "markdown", "github")}
    options = [text for form, file in forms.items() for text in ("--report", f"{form}={file}")]
    with (
        upstream(response(BAD)) as real,
        running(real.url, document, "--report", "text", *options) as (port, process),
    ):
        session(port, b"/pets", b"/pets", b"/pets?limit=header-secret", b"/dogs")
        code, output, log = ended(process)
    assert code == 1
    told = [line for line in log.splitlines() if "drift" in line]
    assert len(told) == 4 and "upstream drift: GET /pets: 200 body /0/age: " in told[0], "each kind once"
    report = orjson.loads(forms["json"].read_bytes())
    validator_for(orjson.loads(bundled_file("spec", "findings.schema.json").read_bytes())).validate(report)
    found = {finding["rule"]: finding for finding in report["findings"]}
    assert list(found) == ["response-body-type", "response-body-required", "request-query-type", "operation-unknown"]
    assert {finding["side"] for finding in report["findings"][:2]} == {"response"}
    age = found["response-body-type"]
    assert age["operations"] == ["GET /pets"] and age["why"].startswith("seen 6 times; the real API sends")
    assert (
        age["new"]["file"].endswith("pets.yaml") and age["new"]["line"] and age["new"]["pointer"].endswith("/age/type")
    )
    assert report["counts"] == {"error": 4, "warning": 0, "note": 0, "accepted": 0} and not report["unchecked"]
    assert f"fingerprint {age['fingerprint']}" in output and "4 errors, 0 warnings" in output
    assert ElementTree.parse(forms["junit"]).getroot().get("failures") == "4"
    assert len(orjson.loads(forms["sarif"].read_bytes())["runs"][0]["results"]) == 4
    assert forms["markdown"].read_text().startswith("### Findings: 4 errors")
    assert forms["github"].read_text().count("::error ") == 4
    for text in (output, log, *(file.read_text() for file in forms.values())):
        assert "header-secret" not in text.replace("limit=header-secret", "")


def test_what_is_accepted_is_no_failure(tmp_path, document):
    accepted = tmp_path / "accepted.yaml"
    with upstream(response([{"age": 1}])) as real:
        with running(real.url, document, "--report", "json") as (port, process):
            session(port, b"/pets")
            code, output, _ = ended(process)
        (finding,) = orjson.loads(output)["findings"]
        entry = {"fingerprint": finding["fingerprint"], "reason": "known", "expires": "2999-01-01"}
        accepted.write_text(yaml.safe_dump({"version": 1, "accepted": [entry]}))
        options = ("--report", "text", "--accepted", str(accepted))
        with running(real.url, document, *options) as (port, process):
            session(port, b"/pets")
            again, output, _ = ended(process)
    assert (code, again) == (1, 0) and "1 accepted" in output


@pytest.mark.parametrize("what", ["nobody came", "down", "garbage", "too long"])
def test_what_could_not_be_checked_is_3(document, what):
    long = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n" + b" " * 5_000_000
    answers = {"garbage": b"no http\r\n\r\n", "too long": long}
    with upstream(answers.get(what, b"")) as real:
        url = "http://127.0.0.1:1" if what == "down" else real.url
        with running(url, document, "--report", "text") as (port, process):
            session(port, *([] if what == "nobody came" else [b"/pets"]))
            code, output, _ = ended(process)
    reasons = {
        "nobody came": "not checked: no request came",
        "down": "not checked: the upstream gave no response",
        "garbage": "1 times: there was no whole response",
        "too long": "1 times: a response is longer than 4,194,304 bytes",
    }
    assert code == 3 and reasons[what] in output and "a part was not checked" in output


def test_a_client_that_goes_away_is_nobodys_drift(document):
    def drip(sock, message):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n\r\n[")
        with contextlib.suppress(OSError):
            while sock.recv(1) != b"":
                pass

    with upstream(drip) as real, running(real.url, document, "--report", "json") as (port, process):
        with httpx.stream("GET", f"http://127.0.0.1:{port}/pets", trust_env=False) as got:
            next(got.iter_raw())
        for _ in range(300):  # until it is recorded
            journal = httpx.get(f"http://127.0.0.1:{port}/__admin/sandboxes/default/journal", trust_env=False).json()
            if journal["entries"]:
                break
        code, output, _ = ended(process)
    assert journal["entries"][0]["reason"] == "The client went away." and not journal["entries"][0]["violations"]
    assert code == 3 and not orjson.loads(output)["findings"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--report", "text"), "--report compares with a contract; name an API"),
        (("pets", "--report", "pdf"), "there is no form 'pdf'"),
        (("pets", "--report", "jsno"), "did you mean 'json'?"),
        (("pets", "--report", "json=/nowhere/x"), "there is no folder '/nowhere'"),
        (("pets", "--report", "json", "--accepted", "none.yaml"), "none.yaml"),
        (("--infer", "/nowhere/x.yaml"), "there is no folder '/nowhere'"),
    ],
)
def test_wrong_usage_is_2(document, options, message):
    arguments = [document if option == "pets" else option for option in options]
    command = [sys.executable, "-m", "mockserver", "proxy", "--port", "0", "--upstream", "http://127.0.0.1:1"]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert result.returncode == 2 and message in result.stderr and "Traceback" not in result.stderr


def test_a_document_is_drafted_from_what_passed(tmp_path):
    draft = tmp_path / "pets.yaml"
    with upstream(response(GOOD)) as real, running(real.url, "--infer", str(draft)) as (port, process):
        session(port, b"/pets?limit=5", b"/pets")
        code, output, _ = ended(process)
        url = real.url
    assert code == 0 and "1 operations from 2 exchanges" in output
    document = parse(draft.read_text(), "pets.yaml")
    assert document["servers"] == [{"url": url}]
    assert document["paths"]["/pets"]["get"]["security"] == [{"bearer": []}]
    api = Api.from_openapi(draft)
    assert list(api.contract.operations) == ["getPets"]
    assert "header-secret" not in draft.read_text()
    assert Path(draft).is_file()
