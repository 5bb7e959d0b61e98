"""The command as a user runs it: a process, its output, its signals and its mistakes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import yaml
from click.testing import CliRunner

from mockserver.cli.main import cli

COMMAND = [sys.executable, "-m", "mockserver"]


@contextlib.contextmanager
def running(*options, **environment):
    """A `mockserver serve` process on a free port; gives its URL and the process."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield began(process)[0], process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def began(process):
    """The URL that a process says that it serves on, and all lines up to there."""
    lines, found = [], None
    while found is None:
        line = process.stderr.readline()
        assert line, f"it ended: {lines}"
        lines.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
    return found[0], lines


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    output = process.stderr.read()
    return process.wait(timeout=20), output


def ready(url):
    """The socket listens only once the server runs, so ask until it does."""
    for _ in range(200):
        with contextlib.suppress(httpx.ConnectError):
            return httpx.get(f"{url}/__admin/ready")
        time.sleep(0.02)
    raise AssertionError("it never got ready")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_a_signal_ends_it_with_0(number):
    with running() as (url, process):
        assert ready(url).json() == {"status": "ready", "apis": ["datagrid", "mem0"]}
        assert httpx.get(f"{url}/__admin/health").json()["status"] == "ok"
        httpx.get(f"{url}/v1/user-memories?limit=0", headers={"Authorization": "Bearer k"})
        code, output = stop(process, number)
    assert code == 0
    assert "GET /v1/user-memories?limit=0 400  Memory.listUserMemory" in output
    assert "[client] query limit: must be at least 1" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_port_of_its_own_choice_is_told_at_any_level_once_it_listens(level):
    with running("--log-level", level) as (url, process):
        assert httpx.get(f"{url}/__admin/ready").status_code == 200
        code, output = stop(process)
    assert code == 0
    if level != "info":
        assert output == ""


def test_what_is_in_flight_is_finished():
    with running() as (url, process):
        ready(url)
        host, port = url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port))
        body = b'{"agent_id": "a", "memory": "m"}'
        connection.putrequest("POST", "/v1/user-memories")
        connection.putheader("Authorization", "Bearer k")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:5])
        # A second connection's answer shows that the server has read the first one's head.
        httpx.get(f"{url}/__admin/health")
        process.send_signal(signal.SIGTERM)
        refused = threading.Event()
        while not refused.is_set():
            try:
                socket.create_connection((host, int(port)), timeout=5).close()
                time.sleep(0.01)
            except OSError:
                refused.set()
        connection.send(body[5:])
        assert connection.getresponse().status == 201
        connection.close()
        assert process.wait(timeout=20) == 0


def test_bounds_as_options():
    options = ["--max-connections", "3", "--max-head", "2048", "--request-timeout", "1s", "--admin-port", "0"]
    variables = {"MOCKSERVER_JOURNAL_SIZE": "2", "MOCKSERVER_JOURNAL_BYTES": "4000", "MOCKSERVER_IDLE_TIMEOUT": "1s"}
    with running(*options, **variables) as (url, process):
        lines = process.stderr.readline() + process.stderr.readline()
        admin = re.search(r"admin on (http://\S+)/__admin", lines)[1]
        ready(admin)
        for _ in range(3):
            httpx.get(f"{url}/v1/user-memories", headers={"Authorization": "Bearer k"})
        assert httpx.get(f"{admin}/__admin/sandboxes/default/journal").json()["total"] == 2
        httpx.post(f"{url}/v1/user-memories", headers={"Authorization": "Bearer k"}, content=b"x" * 5000)
        assert httpx.get(f"{admin}/__admin/sandboxes/default/journal").json()["total"] == 0, "it has no room"
        host, port = url.removeprefix("http://").split(":")
        for base in (url, admin):
            assert httpx.get(f"{base}/x", headers={"X-Filler": "x" * 2048}).status_code == 431
        idle, slow, other, fourth = (socket.create_connection((host, int(port)), timeout=20) for _ in range(4))
        slow.sendall(b"GET / HTTP/1.1\r\n")
        assert fourth.recv(12) == b"HTTP/1.1 503"
        assert slow.recv(12) == b"HTTP/1.1 408"
        assert idle.recv(12) == other.recv(12) == b""
        for connection in (idle, slow, other, fourth):
            connection.close()
        metrics = httpx.get(f"{admin}/__admin/metrics").text
        for status in (408, 431, 503):
            assert f'mockserver_refused_total{{status="{status}"}}' in metrics


def test_a_drain_is_told_on_the_admin_port(tmp_path):
    file = tmp_path / "slow.yaml"
    rule = "{id: slow, op: Memory.createUserMemory, fault: {latency: 800ms}}"
    file.write_text(f"version: 1\nname: slow\napi: datagrid\nrules:\n  - {rule}\n")
    with running("--admin-port", "0", "--scenario", str(file)) as (url, process):
        lines = process.stderr.readline() + process.stderr.readline()
        admin = re.search(r"admin on (http://\S+)/__admin", lines)[1]
        assert ready(admin).status_code == 200
        answers = []
        memory = {"agent_id": "a", "memory": "m"}
        key = {"Authorization": "Bearer k"}
        sent = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{url}/v1/user-memories", json=memory, headers=key, timeout=20))
        )
        sent.start()
        journal = f"{admin}/__admin/sandboxes/default/journal"
        while httpx.get(journal).json()["total"] == 0:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        while (said := httpx.get(f"{admin}/__admin/ready")).status_code == 200:
            time.sleep(0.01)
        assert (said.status_code, said.json()["status"]) == (503, "draining")
        assert httpx.get(f"{admin}/__admin/health").status_code == 200
        process.send_signal(signal.SIGTERM)
        sent.join()
        assert answers[0].status_code == 201
        assert process.wait(timeout=20) == 0


def test_options_as_variables():
    variables = {
        "MOCKSERVER_API": "datagrid",
        "MOCKSERVER_API_KEY": "My API Key,other",
        "MOCKSERVER_CREDITS": "1",
        "MOCKSERVER_RATE_LIMIT": "2/10s",
        "MOCKSERVER_SEED": "9",
        "MOCKSERVER_LOG_LEVEL": "INFO",
        "MOCKSERVER_MAX_BODY": "200",
    }
    with running(**variables) as (url, _):
        assert ready(url).json()["apis"] == ["datagrid"]
        headers = {"Authorization": "Bearer My API Key"}
        memory = {"agent_id": "a", "memory": "m"}
        first = httpx.post(f"{url}/user-memories", headers=headers, json=memory)
        assert (first.status_code, first.headers["x-ratelimit-limit"]) == (201, "2")
        assert httpx.post(f"{url}/user-memories", headers=headers, json=memory).status_code == 402
        assert httpx.post(f"{url}/user-memories", headers=headers, json=memory).status_code == 429
        assert httpx.get(f"{url}/user-memories", headers={"Authorization": "Bearer x"}).status_code == 401
        large = httpx.post(f"{url}/v1/user-memories/", headers=headers, json={"memory": "m" * 300})
        assert large.status_code in (413, 429)
        gone = httpx.delete(f"{url}/user-memories/x", headers=headers)
        assert gone.status_code == 404


def test_a_large_body_is_413_on_the_socket(make_server):
    server = make_server()
    headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}
    answer = httpx.post(f"{server.url}/v1/user-memories", headers=headers, content=b"x" * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["error"] == "too_large"

    def chunks():
        for _ in range(30):
            yield b"y" * 65536

    answer = httpx.post(f"{server.url}/v1/user-memories", headers=headers, content=chunks())
    assert answer.status_code == 413
    exactly = {"agent_id": "a", "memory": "z" * (1024 * 1024 - 30)}
    content = json.dumps(exactly, separators=(",", ":")).encode()
    answer = httpx.post(f"{server.url}/v1/user-memories", headers=headers, content=content[: 1024 * 1024])
    assert answer.status_code == 201


def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*COMMAND, "serve", "--port", str(port)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [f"mockserver: cannot listen on 127.0.0.1:{port}: Address already in use"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "http"], "'http' is not a valid integer"),
        (["--port", "70000"], "70000 is not in the range"),
        (["--api", "datagird"], "did you mean 'datagrid'?"),
        (["--api", "datagrid", "--api", "datagrid"], "two APIs are called 'datagrid'"),
        (["--rate-limit", "fast"], "is not a rate limit"),
        (["--credits", "-1"], "'-1' is not a number of credits"),
        (["--credits", "nan"], "is not a number of credits"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--prot", "1"], "No such option"),
    ],
)
def test_a_bad_option_is_one_clear_line(options, said):
    done = subprocess.run([*COMMAND, "serve", "--port", "0", *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_broken_document_is_named_with_its_line(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("openapi: 3.0.3\ninfo: {title: Shop, version: '1'}\npaths:\n  /x: [\n")
    command = [*COMMAND, "serve", "--port", "0", "--api", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"{file}:" in done.stderr
    assert "Traceback" not in done.stderr


def test_any_other_document_is_served(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(
        """
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: https://shop.example/api}]
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
              schema: {type: object, required: [id], properties: {id: {type: [integer, 'null']}}}
"""
    )
    with running("--api", f"shop={file}") as (url, _):
        ready(url)
        assert httpx.get(f"{url}/api/things/5").json() == {"id": 5}
        bad = httpx.get(f"{url}/shop/api/things/x")
        assert bad.status_code == 400
        assert bad.headers["content-type"] == "application/problem+json"
        assert bad.json()["violations"][0]["pointer"] == "id"


def test_a_document_that_strict_validation_refuses(tmp_path):
    file = tmp_path / "shop.yaml"
    responses = "{get: {responses: {'200': {description: ok}}}}"
    file.write_text(f"openapi: 3.0.3\ninfo: {{title: Shop, version: '1'}}\npaths:\n  /things/{{id}}: {responses}\n")
    command = [*COMMAND, "serve", "--port", "0", "--strict", "--api", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith(f"mockserver: {file}:4: /paths/~1things~1{{id}}/get: the path has the variable 'id'")
    for options, variables in (([], {}), (["--no-strict"], {"MOCKSERVER_STRICT": "true"})):
        with running("--api", str(file), *options, **variables) as (url, _):
            assert ready(url).json()["apis"] == ["shop"]


def test_the_documents_point_at_this_server(server):
    for name, base in (("datagrid", "/datagrid/v1"), ("mem0", "/mem0")):
        document = httpx.get(f"{server.url}/{name}/openapi.json").json()
        assert document["servers"][0]["url"] == server.url + base
        text = httpx.get(f"{server.url}/{name}/openapi.yaml").text
        assert yaml.safe_load(text) == document
        assert "&id" not in text, "no anchors"
    path = "/user-memories/{user_memory_id}"
    assert path in httpx.get(f"{server.url}/datagrid/openapi.json").json()["paths"], "the overlay is applied"


def test_help_teaches():
    runner = CliRunner()
    text = runner.invoke(cli, ["serve", "--help"]).output
    for option in ("host", "port", "api", "api-key", "credits", "rate-limit", "seed", "log-level", "stateless"):
        assert f"--{option}" in text
        assert f"MOCKSERVER_{option.replace('-', '_').upper()}" in text
    assert "mockserver serve --api datagrid --credits 5" in text


def test_provenance_is_printed():
    runner = CliRunner()
    text = runner.invoke(cli, ["spec", "provenance", "datagrid"]).output
    assert re.search(r"^assumed +/paths/~1user-memories/post/responses/402/content", text, re.MULTILINE)
    assert re.search(r"^documented +/paths/~1organization~1credits", text, re.MULTILINE)
    rows = json.loads(runner.invoke(cli, ["spec", "provenance", "mem0", "--json"]).output)
    assert {row["provenance"] for row in rows} == {"documented", "sdk", "assumed"}


DOCUMENT = (
    "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {/x: {get: {responses: {'204': {description: d}}}}}\n"
)


def test_documents_are_given_as_arguments(tmp_path):
    (tmp_path / "shop.yaml").write_text(DOCUMENT)
    with running(str(tmp_path / "shop.yaml"), f"other={tmp_path / 'shop.yaml'}", "datagrid") as (url, _):
        assert ready(url).json()["apis"] == ["shop", "other", "datagrid"]
        assert httpx.get(f"{url}/other/x").status_code == 204


def test_a_document_may_come_from_standard_input():
    command = [*COMMAND, "serve", "--port", "0", "shop=-", "--log-level", "info"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdin.write(DOCUMENT)
        process.stdin.close()
        line = process.stderr.readline()
        process.terminate()
        assert " shop on http://127.0.0.1:" in line


@pytest.mark.parametrize(
    ("document", "message"),
    [("shpo.yaml", "there is no file 'shpo.yaml'; did you mean 'shop.yaml'?"), ("-", "standard input")],
)
def test_a_document_that_is_not_there_ends_with_one_line(tmp_path, document, message):
    (tmp_path / "shop.yaml").write_text(DOCUMENT)
    command = [*COMMAND, "serve", "--port", "0", document]
    done = subprocess.run(command, input="[", cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
