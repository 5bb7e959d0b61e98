"""A key that a client sends turns up nowhere, unless that is asked for; and no response tells how we are made."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from mockserver.admin.api import Admin
from mockserver.admin.client import AdminClient, InProcess
from mockserver.admin.handlers import HANDLERS
from mockserver.cli.main import cli
from mockserver.contract.json_text import parse_json
from mockserver.errors import Problem
from mockserver.journal.logs import AccessLog
from mockserver.journal.masking import Masking, mask
from mockserver.messages import Request
from mockserver.pipeline.build import build
from mockserver.pipeline.pipeline import Pipeline
from mockserver.sandbox.world import Terms
from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings
from mockserver.testing.mock import Mock

SHOP = """
openapi: 3.1.0
info: {title: Shop, version: '1'}
security: [{bearer: []}, {basic: []}, {header: []}, {query: []}, {cookie: []}]
components:
  securitySchemes:
    bearer: {type: http, scheme: bearer}
    basic: {type: http, scheme: basic}
    header: {type: apiKey, in: header, name: X-Shop-Key}
    query: {type: apiKey, in: query, name: shop key}
    cookie: {type: apiKey, in: cookie, name: sid}
paths:
  /things:
    parameters:
      - {name: shop key, in: query, schema: {type: string, maxLength: 5}}
      - {name: X-Shop-Key, in: header, schema: {type: string, maxLength: 5}}
      - {name: sid, in: cookie, schema: {type: string, maxLength: 5}}
    get:
      operationId: listThings
      responses: {'200': {description: ok}}
"""
SECRET = "zq7-top-secret"
HTTP = httpx.Client()
PLACES = [
    ({"Authorization": f"Bearer {SECRET}"}, ""),
    ({"Authorization": f"Bearer My {SECRET} key"}, ""),
    ({"Authorization": f"Basic {SECRET}"}, ""),
    ({"Authorization": f"{SECRET} and more"}, ""),
    ({"X-Shop-Key": SECRET}, ""),
    ({"X-Shop-Key": f"{SECRET} {SECRET}"}, ""),
    ({"X-API-Key": f"{SECRET} x"}, ""),
    ({"Proxy-Authorization": f"Basic {SECRET}"}, ""),
    ({"Cookie": f"sid={SECRET}; other={SECRET}"}, ""),
    ({"Cookie": f'other=1; sid="{SECRET}"'}, ""),
    ({"Cookie": f"sid={SECRET.replace('-', '%2D')}"}, ""),
    ({}, f"shop%20key={SECRET}"),
    ({}, f"a=1&shop+key={SECRET}&b=2"),
    ({}, f"sh%6Fp%20key={SECRET}"),
    ({}, f"api_key={SECRET}"),
    ({"X-Mockserver-Admin": SECRET}, ""),
]


@pytest.fixture(scope="module")
def server(apis):
    pipeline = Pipeline(apis, terms=Terms(limit=None))
    with serve_in_thread(create_app(pipeline=pipeline)) as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def _http():
    yield
    HTTP.close()


def everything_shown(tmp_path, show):
    """What the outputs say after a key was sent in every place, to paths that are there and not."""
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    pipeline = build(Settings(apis=(f"shop={file}", "datagrid"), show_secrets=show, rate_limit=None))
    admin = Admin(pipeline)
    streams = {form: io.StringIO() for form in ("text", "json")}
    logs = [AccessLog(stream, form, pipeline.masking) for form, stream in streams.items()]

    class Both:
        def add(self, exchange):
            for log in logs:
                log.add(exchange)

    app = create_app(pipeline=pipeline)
    app.state.mocked.access = Both()
    with serve_in_thread(app) as server:
        for headers, query in PLACES:
            for path in ("/things", "/nowhere", "/v1/user-memories", "/~gone/things"):
                HTTP.get(f"{server.url}{path}?{query}&limit=0", headers=headers)
        base = f"{server.url}/__admin/sandboxes/default"
        criteria = {
            "operation": "listThings",
            "times": 99,
            "header": {"authorization": "x"},
            "query": {"shop key": "x"},
        }
        write = {"X-Mockserver-Admin": "1"}
        said = {
            "journal": HTTP.get(f"{base}/journal?limit=1000").text,
            "events": HTTP.get(f"{base}/events?after=0&seconds=0").text,
            "verify": HTTP.post(f"{base}/verify", json=criteria, headers=write).text,
            "coverage": HTTP.get(f"{base}/coverage").text,
            "retries": HTTP.get(f"{base}/retries").text,
            "metrics": HTTP.get(f"{server.url}/__admin/metrics").text,
        }
        for options in (
            ["journal"],
            ["journal", "--json"],
            ["verify", "listThings", "--times", "99", "--header", "a=b"],
        ):
            said[f"command {options}"] = CliRunner().invoke(cli, [*options, "--url", server.url]).output
        remote = AdminClient(InProcess(admin.handle, server.url))
        made = {"name": "default", "api_key": None, "base_urls": {}, "client_kwargs": {}}
        mock = Mock(remote, made)
        said["report"] = "\n".join(
            [*mock.timeline(), *mock.failures(strict=True), *(str(e.data) for e in mock.requests)]
        )
    for form, stream in streams.items():
        logs[list(streams).index(form)].flush()
        said[f"{form} log"] = stream.getvalue()
    said["stored"] = b"".join(entry for _, entry in pipeline.sandbox.store.entries()).decode()
    return said


def test_a_secret_is_nowhere(tmp_path):
    said = everything_shown(tmp_path, show=False)
    assert [name for name, text in said.items() if SECRET in text] == []
    assert said["text log"].count("\n") == 4 * len(PLACES), "all of it was told"
    assert "must be at most 5 characters" in said["journal"] and "a=1&shop+key=***&b=2" in said["journal"]
    assert '"authorization":"Bearer ***"' in said["journal"].replace('": "', '":"')


def test_it_is_there_when_asked_for(tmp_path):
    said = everything_shown(tmp_path, show=True)
    for name in ("journal", "events", "text log", "json log", "report", "stored", "command ['journal', '--json']"):
        assert SECRET in said[name], name
    assert json.loads(said["journal"])["entries"][0]["request"]["headers"]["authorization"] == f"Bearer {SECRET}"


def test_the_option(monkeypatch):
    given = []
    monkeypatch.setattr("mockserver.server.run.serve", given.append)
    runner = CliRunner()
    runner.invoke(cli, ["serve"])
    runner.invoke(cli, ["serve"], env={"MOCKSERVER_SHOW_SECRETS": "1"})
    runner.invoke(cli, ["serve", "--show-secrets"])
    assert [settings.show_secrets for settings in given] == [False, True, True]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("Bearer a b", "Bearer ***"), ("tOKEN a", "tOKEN ***"), ("My API Key", "***"), ("key", "***"), ("", "***")],
)
def test_only_a_scheme_is_shown(value, shown):
    assert mask(value) == shown


def test_a_short_key_does_not_take_words_apart():
    request = Request("GET", "/", "", {"authorization": "Bearer a", "cookie": "sid=longer-one"})
    assert Masking().cleaner(request)("a text with longer-one in it") == "a text with *** in it"


# Responses


SECRETS_OF_OURS = ("Traceback", 'File "', str(Path(__file__).parent.parent), os.getcwd(), "marked-", "site-packages")


def broken(*args, **kwargs):
    raise FileNotFoundError(2, f"marked-{os.getcwd()} {os.environ['PATH']}", "/etc/marked-file")


def assert_discreet(response):
    text = f"{response.headers} {response.text}"
    assert [word for word in (*SECRETS_OF_OURS, os.environ["PATH"]) if word in text] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/datagrid/v1/user-memories", {"agent_id": "a", "memory": "m"}),
        ("GET", "/datagrid/v1/user-memories", None),
        ("POST", "/mem0/v1/memories", {"user_id": "u", "memory": "m"}),
        ("GET", "/mem0/v1/memories/x", None),
    ],
)
def test_a_defect_tells_the_client_nothing_of_us(server, monkeypatch, method, path, body):
    routes = server.app.state.pipeline.routes
    plan = routes.find(method, path).plan
    monkeypatch.setattr(plan, "behaviour", broken)
    response = HTTP.request(method, server.url + path, json=body, headers={"Authorization": "Bearer k"})
    assert response.json()["type"] == "urn:mockserver:defect" and response.status_code == 500
    assert_discreet(response)
    assert "marked-" in server.app.state.pipeline.sandbox.exchanges()[-1].defect


@pytest.mark.parametrize("operation", ["getJournal", "listSandboxes", "getMetrics", "setState"])
def test_a_defect_of_the_admin_api_stays_in_the_log(server, monkeypatch, caplog, operation):
    monkeypatch.setitem(HANDLERS, operation, broken)
    known = server.app.state.admin.contract.operations[operation]
    state = {"tables": {}, "counters": {}, "credits": {"total": 1, "consumed": 0, "remaining": 1}}
    body = state if operation == "setState" else None
    url = server.url + known.path.replace("{name}", "default")
    response = HTTP.request(known.method, url, json=body, headers={"X-Mockserver-Admin": "1"})
    assert response.json()["type"] == "urn:mockserver:defect" and response.status_code == 500
    assert_discreet(response)
    assert "marked-" in caplog.text


@pytest.mark.parametrize("extra", [{}, {"Expect": "100-continue"}], ids=["straight", "asgi"])
def test_a_defect_of_the_edge_tells_nothing_either(server, monkeypatch, caplog, extra):
    monkeypatch.setattr(server.app.state.mocked, "answer", broken)
    response = httpx.get(f"{server.url}/v1/user-memories", headers={"Authorization": "Bearer k", **extra})
    assert response.status_code == 500 and response.headers["content-type"] == "application/problem+json"
    assert_discreet(response)
    assert "marked-" in caplog.text


def test_a_number_that_is_too_long_is_not_read():
    assert parse_json(b"[" + b"9" * 300 + b"]") == [10**300 - 1]
    for digits in (400, 5000):
        with pytest.raises(Problem, match="not valid JSON: number is infinity"):
            parse_json(b"[" + b"9" * digits + b"]")


# Request ids


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/user-memories", 200), ("/v1/user-memories?limit=0", 400), ("/nowhere", 404), ("/~x/a", 404)],
)
def test_a_request_id_comes_back(server, path, status):
    key = {"Authorization": "Bearer k"}
    response = HTTP.get(server.url + path, headers={**key, "X-Request-Id": "r-7/a=b"})
    assert (response.status_code, response.headers["x-request-id"]) == (status, "r-7/a=b")
    entry = server.app.state.pipeline.sandbox.exchanges()[-1]
    assert entry.request.headers["x-request-id"] == entry.response.headers["x-request-id"] == "r-7/a=b"
    assert "x-request-id" not in HTTP.get(server.url + path, headers=key).headers


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "caf\u00e9"])
def test_an_odd_request_id_does_not(server, given):
    response = HTTP.get(
        f"{server.url}/v1/user-memories", headers={"Authorization": "Bearer k", "X-Request-Id": given.encode("latin-1")}
    )
    assert response.status_code == 200 and "x-request-id" not in response.headers


def test_a_contract_that_knows_request_ids_has_its_way(tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(
        """
openapi: 3.1.0
info: {title: Shop, version: '1'}
paths:
  /things:
    get:
      responses:
        '200': {description: ok, headers: {X-Request-ID: {schema: {type: integer}}}}
"""
    )
    pipeline = build(Settings(apis=(f"shop={file}",)))
    exchange = pipeline.exchange(Request("GET", "/things", headers={"x-request-id": "mine"}))
    assert exchange.status == 200 and exchange.response.headers.get("x-request-id") != "mine"
