"""The Testcontainers class, against a container engine that only writes down what it is asked for.

The engine speaks Docker's HTTP API on a real socket; the port that it says a container has is that of a real
server of ours, so waiting, steering and asserting are the real thing.
"""

from __future__ import annotations

import io
import json
import re
import runpy
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mockserver.errors import UserError
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

pytest.importorskip("testcontainers", reason="the extra `containers` is not installed")
ID = "c0ffee" * 8


class Engine(BaseHTTPRequestHandler):
    """What a container engine answers to the few things that Testcontainers asks."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        path = re.sub(r"^/v[0-9.]+", "", self.path.partition("?")[0])
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        self.server.asked.append((self.command, path, body))
        running = {"Status": "running", "Running": True}
        ports = {"4010/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self.server.port)}]}
        replies = {
            "/version": {"ApiVersion": "1.44", "Version": "27.0", "MinAPIVersion": "1.24"},
            "/images/mockserver:test/json": {"Id": "sha256:1", "RepoTags": ["mockserver:test"]},
            "/containers/create": {"Id": ID, "Warnings": []},
            f"/containers/{ID}/json": {
                "Id": ID,
                "Image": "sha256:1",
                "Name": "/c",
                "State": running,
                "Config": {"Tty": False},
                "NetworkSettings": {"Ports": ports, "Networks": {}},
            },
        }
        reply = json.dumps(replies[path]).encode() if path in replies else b""
        self.send_response(201 if path == "/containers/create" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def engine(monkeypatch):
    """An engine whose containers are the server whose port it is told."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as engine:
        engine.asked = []
        engine.daemon_threads = True
        thread = threading.Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{engine.server_address[1]}")
        from testcontainers.core.config import ConnectionMode, testcontainers_config

        monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
        monkeypatch.setattr(testcontainers_config, "connection_mode_override", ConnectionMode.docker_host)
        yield engine
        engine.shutdown()
        thread.join()


@pytest.fixture
def container(engine, server):
    """A container that has not been started."""
    from mockserver.testing.containers import MockserverContainer

    engine.port = server.port
    return MockserverContainer("mockserver:test")


def created(engine):
    return next(json.loads(body) for method, path, body in engine.asked if path == "/containers/create")


def files(engine):
    """What was copied into the container, in order."""
    found = {}
    for method, path, body in engine.asked:
        if (method, path) == ("PUT", f"/containers/{ID}/archive"):
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                found |= {member.name: archive.extractfile(member).read() for member in archive}
                assert {member.mode for member in archive} == {0o644}, "the image's user can read it"
    return found


def test_the_default_sandbox_is_served_steered_and_validated(container, engine, server):
    with container:
        assert container.url == server.url
        assert container.base_url("datagrid") == f"{server.url}/datagrid/v1"
        mock = container.mock()
        mock.credits.set(3)
        assert (mock.name, mock.credits.remaining) == ("default", 3)
        mock.reset()
        mock.assert_requested(times=0)
        own = container.sandbox(scenario="out-of-credits")
        assert own.name != "default" and own.base_url("datagrid") == f"{server.url}/~{own.name}/datagrid/v1"
    asked = created(engine)
    assert asked["Image"] == "mockserver:test"
    assert list(asked["ExposedPorts"]) == ["4010/tcp"]
    assert asked["HostConfig"]["PortBindings"] == {"4010/tcp": [{"HostIp": "", "HostPort": ""}]}, "any free port"
    assert asked.get("Env") in (None, []), "nothing is set that was not asked for"
    assert ("DELETE", f"/containers/{ID}") in [(method, path) for method, path, _ in engine.asked]


def test_scenarios_and_documents_are_copied_and_named(container, engine, tmp_path):
    (tmp_path / "third.yaml").write_text("version: 1\nname: third\napi: datagrid\n")
    (tmp_path / "shop.json").write_text("{}")
    tmp_path.chmod(0o700)
    shown = {"version": 1, "name": "given", "api": "mem0"}
    container.with_scenario("out-of-credits").with_scenario(tmp_path / "third.yaml").with_scenario(shown)
    container.with_api("datagrid").with_api("shop", tmp_path / "shop.json").with_env("MOCKSERVER_CREDITS", "5")
    with container:
        pass
    scenarios = "out-of-credits,/scenarios/third.yaml,/scenarios/scenario-3.json"
    variables = [f"MOCKSERVER_SCENARIO={scenarios}", "MOCKSERVER_API=datagrid,shop=/spec/shop.json"]
    assert created(engine)["Env"] == [*variables, "MOCKSERVER_CREDITS=5"]
    copied = files(engine)
    assert list(copied) == ["/scenarios/third.yaml", "/scenarios/scenario-3.json", "/spec/shop.json"]
    assert json.loads(copied["/scenarios/scenario-3.json"]) == shown
    steps = [path.rpartition("/")[2] for method, path, _ in engine.asked if method in ("POST", "PUT")]
    assert steps == ["create", "archive", "archive", "archive", "start"], "the files are there before it starts"


def test_a_file_that_is_not_there_is_told_before_anything_is_started(container, engine):
    for give in (container.with_scenario, lambda name: container.with_api("shop", name)):
        with pytest.raises(UserError, match=r"there is no file 'nowhere\.yaml'"):
            give("nowhere.yaml")
    assert "/containers/create" not in [path for _, path, _ in engine.asked]


def test_the_admin_token_goes_along(container, engine, make_pipeline):
    pipeline = make_pipeline()
    with serve_in_thread(create_app(Settings(admin_token="secret"), pipeline=pipeline)) as server:
        engine.port = server.port
        with container.with_env("MOCKSERVER_ADMIN_TOKEN", "secret"):
            assert container.mock().credits.remaining == 10_000
            assert container.sandbox(credits=4).credits.remaining == 4


def test_without_the_extra_the_rest_works_and_the_class_says_what_is_missing():
    script = """
import sys
sys.modules["testcontainers"] = None
import mockserver, mockserver.testing, mockserver.testing.pytest_plugin
from mockserver import Mock, Session
try:
    import mockserver.testing.containers
except mockserver.UserError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "`pip install 'mockserver[containers]'` brings it" in done.stdout


def test_the_example_of_the_page(container):
    path = Path(__file__).parent.parent / "docs" / "examples" / "test_testcontainers.py"
    names = runpy.run_path(str(path))
    with container:
        names["test_it_stops_at_402"](container)
