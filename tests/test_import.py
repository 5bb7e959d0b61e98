"""`mockserver import`: files that other tools wrote become exchange files and a scenario, without secrets."""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import requests
import vcr
import yaml
from click.testing import CliRunner, Result
from test_exchange_files import read_exchange
from werkzeug import serving
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from mockserver import create_app
from mockserver.cli.main import cli
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

RECORDINGS = Path(__file__).parent / "recordings"
"""Files that other tools wrote: `wiremock` by WireMock 3.13 before a server, `postman.json` by Postman's own SDK."""
SECRETS = ("jane.doe", "corp.example.org", "secret", "Bearer")
ROW = {"id": "m1", "agent_id": "a", "memory": ["tea"], "context": [], "user_prompt": ""}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["import", *map(str, arguments)])


def imported(folder: Path, *arguments: object) -> dict[str, Any]:
    result = run("--out", folder, "--json", *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return orjson.loads(result.output)


def written(folder: Path) -> list[Any]:
    """The exchange files, which the project's own reader takes, without a secret in any of them."""
    files = sorted((folder / "exchanges").iterdir())
    for file in files:
        assert not [secret for secret in SECRETS if secret in file.read_text()], file.read_text()
    return [read_exchange(file) for file in files]


def file_of(folder: Path, value: object, name: str = "recording.json") -> Path:
    path = folder / name
    path.write_bytes(orjson.dumps(value))
    return path


def har(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "by hand", "version": "1"}, "entries": list(entries)}}


def har_entry(url: str = "https://api.example.com/things", method: str = "GET", **parts: Any) -> dict[str, Any]:
    content = {"size": 2, "mimeType": "application/json", "text": "{}"} | parts.pop("content", {})
    request = {"method": method, "url": url, "headers": [], "queryString": []} | parts.pop("request", {})
    response = {"status": 200, "headers": [], "content": content} | parts.pop("response", {})
    return {"request": request, "response": response, **parts}


def mapping(request: dict[str, Any], response: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"request": {"method": "GET", "url": "/a"} | request, "response": response or {"status": 200}}


@contextmanager
def real_server() -> Iterator[str]:
    """A server for the tools to record."""

    @WerkzeugRequest.application
    def app(request: WerkzeugRequest) -> WerkzeugResponse:
        body = orjson.dumps({"email": "jane.doe@corp.example.org", "said": request.get_data().hex(), "ä": "ö"})
        if request.path == "/packed":
            return WerkzeugResponse(gzip.compress(body), 200, {"content-encoding": "gzip"}, None, "application/json")
        response = WerkzeugResponse(body, 201 if request.method == "POST" else 200, None, None, "application/json")
        response.set_cookie("session", "cookie-secret")
        return response

    server = serving.make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


# -- cassettes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_a_cassette_of_vcrpy(tmp_path, serializer):
    cassette = tmp_path / f"cassette.{serializer}"
    key = {"authorization": "Bearer key-secret-1"}
    with real_server() as url, vcr.use_cassette(str(cassette), serializer=serializer):
        with requests.Session() as session:
            session.trust_env = False
            session.post(f"{url}/things?by=jane.doe@corp.example.org", json={"n": 1}, headers=key)
            session.get(f"{url}/packed", headers=key)  # urllib3 hands vcr what it has unpacked, and keeps the header
        if serializer == "yaml":  # vcr cannot write bytes as JSON
            httpx.get(f"{url}/packed?raw=1", headers=key, trust_env=False)
    told = imported(tmp_path / "out", cassette)
    packed, *rest = written(tmp_path / "out")
    assert told["exchanges"] == told["files"] == 1 + len(rest) + 0 == (3 if serializer == "yaml" else 2)
    assert packed.response["body"]["equals"] == {"email": "user-1@example.com", "said": "", "ä": "ö"}
    assert "content-encoding" not in packed.response.get("headers", {})
    (made,) = [one for one in rest if one.request["method"] == "POST"]
    assert made.request["body"] == {"n": 1} and made.request["query"] == {"by": "user-1@example.com"}
    assert made.response["status"] == 201
    if serializer == "yaml":
        raw = next(one for one in rest if one.request["method"] == "GET")
        assert raw.response["body"] == packed.response["body"]


RUBY = """\
---
http_interactions:
- request:
    method: get
    uri: https://api.example.com/v1/user-memories?limit=2
    body:
      encoding: US-ASCII
      string: ''
    headers:
      Authorization: [Bearer key-secret-1]
      Accept: ["*/*"]
  response:
    status: {code: 200, message: OK}
    headers:
      Content-Type: [application/json]
      Set-Cookie: ["a=cookie-secret; path=/", b=2]
    body:
      encoding: UTF-8
      %s
    http_version: null
  recorded_at: Thu, 01 Jan 2026 00:00:00 GMT
recorded_with: VCR 6.2.0
"""


@pytest.mark.parametrize("form", ["text", "base64", "binary", "json"])
def test_a_cassette_of_ruby(tmp_path, form):
    body = orjson.dumps({"data": [ROW], "has_more": False}).decode()
    coded = base64.b64encode(body.encode()).decode()
    lines = {"base64": f"base64_string: {coded}", "binary": f"string: !binary |-\n        {coded}"}
    text = RUBY % lines.get(form, f"string: '{body}'")
    cassette = tmp_path / "ruby.yml"
    cassette.write_text(text if form != "json" else orjson.dumps(yaml.safe_load(text)).decode())
    told = imported(tmp_path / "out", cassette)
    (one,) = written(tmp_path / "out")
    assert told["exchanges"] == 1 and one.response["body"]["equals"] == {"data": [ROW], "has_more": False}
    assert one.request == {
        "method": "GET", "path": "/v1/user-memories", "query": {"limit": "2"}, "headers": {"accept": "*/*"},
    }  # fmt: skip


# -- HAR --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.long
def test_a_har_file_of_a_real_browser(tmp_path, browser):
    file = tmp_path / "session.har"
    script = """async () => {
        const headers = {"content-type": "application/json", "authorization": "Bearer key-secret-1"}
        await (await fetch("/things?by=a%20b", {method: "POST", headers, body: JSON.stringify({n: 1})})).text()
        await (await fetch("/packed")).text()
    }"""
    with real_server() as url:
        context = browser.new_context(record_har_path=file)
        page = context.new_page()
        page.goto(f"{url}/page")
        page.evaluate(script)
        context.close()
    imported(tmp_path / "out", file)
    found = {(one.request["method"], one.request["path"]): one for one in written(tmp_path / "out")}
    assert found["POST", "/things"].request["body"] == {"n": 1}
    assert found["POST", "/things"].request["query"] == {"by": "a b"}
    assert found["GET", "/packed"].response["body"]["equals"]["email"] == "user-1@example.com"


def test_a_har_file_with_all_that_it_may_hold(tmp_path):
    form = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "1&2"}]}
    parts = {"mimeType": "multipart/form-data", "params": [{"name": "file", "fileName": "x"}]}
    file = file_of(
        tmp_path,
        har(
            har_entry("https://api.example.com/form", method="post", request={"postData": form}),
            har_entry(content={"text": base64.b64encode(b'{"b": 1}').decode(), "encoding": "base64"},
                      response={"headers": [{"name": "Content-Encoding", "value": "br"}]}),
            har_entry("https://api.example.com/größe/a b?q=ü"),
            har_entry("https://api.example.com/none", response={"status": 204}, content={"text": "", "size": 0}),
            har_entry(method="PUT", request={"postData": parts}),
            har_entry(content={"text": None}),
            har_entry(response={"status": 0}),
            har_entry("data:text/plain,x"),
            har_entry("wss://api.example.com/socket", _webSocketMessages=[]),
            har_entry(content={"text": "x" * 70_000}),
        ),
    )  # fmt: skip
    told = imported(tmp_path / "out", file)
    bodies = {one.request["path"]: one.response.get("body") for one in written(tmp_path / "out")}
    assert bodies == {
        "/things": {"equals": {"b": 1}},
        "/gr%C3%B6%C3%9Fe/a%20b": {"equals": {}},
        "/none": None,
        "/form": {"equals": {}},
    }
    contents = [one.request.get("content") for one in written(tmp_path / "out")]
    assert "a+b=1%262" in contents
    assert told["left_out"] == {
        "a form of several parts, whose bytes the file does not hold": 1,
        "the file does not hold the body of the response": 1,
        "no response arrived": 1,
        "the scheme is data, and not HTTP": 1,
        "a WebSocket": 1,
        "a body is longer than what the journal keeps (--journal-body)": 1,
    }


def test_several_hosts_are_told_and_chosen(tmp_path):
    urls = ["https://api.example.com/a", "https://cdn.example.com/b", "https://cdn.example.com/c", "https://x.org/d"]
    file = file_of(tmp_path, har(*map(har_entry, urls)))
    result = run("--out", tmp_path / "out", file)
    assert result.exit_code != 0 and not (tmp_path / "out").exists()
    assert "--host: cdn.example.com (2), api.example.com (1), x.org (1)" in str(result.exception)
    told = imported(tmp_path / "out", file, "--host", "api.example.com")
    assert told["exchanges"] == 1 and told["left_out"] == {"the host is another one": 3}
    assert imported(tmp_path / "out", file, "--host", "*.Example.com")["exchanges"] == 3


# -- Postman ----------------------------------------------------------------------------------------------


def test_a_collection_of_postman(tmp_path):
    told = imported(tmp_path / "out", RECORDINGS / "postman.json")
    found = {(one.request["path"], one.response["status"]): one for one in written(tmp_path / "out")}
    assert set(found) == {("/v1/orders/o-1", 200), ("/v1/orders/o-1", 404), ("/v1/orders", 201), ("/v1/login", 200)}
    assert found["/v1/orders/o-1", 200].request["query"] == {"expand": "items"}
    made = found["/v1/orders", 201]
    assert made.request["body"]["email"] == made.response["body"]["equals"]["email"] == "user-1@example.com"
    assert told["left_out"] == {"a request without a saved response": 1}


def collection(request: Any, **parts: Any) -> dict[str, Any]:
    saved = {"name": "ok", "code": 200, "header": "Content-Type: application/json\nX-A: 1", "body": "{}"}
    return {"info": {"name": "c"}, "item": [{"name": "i", "request": request, "response": [saved]}], **parts}


def test_variables_of_a_collection(tmp_path):
    url = {"raw": "{{base}}/{{kind}}/:id", "host": ["{{base}}"], "path": ["{{kind}}", ":id"],
           "variable": [{"key": "id", "value": "a/b"}]}  # fmt: skip
    header = [{"key": "X-Token", "value": "{{never}}"}, {"key": "Prefer", "value": "off", "disabled": True}]
    file = file_of(tmp_path, collection({"method": "GET", "url": url, "header": header}))
    result = run("--out", tmp_path / "out", file)
    assert result.exit_code == 3 and "the variable {{kind}} has no value" in result.output
    imported(tmp_path / "out", file, "--variable", "kind=cats")
    (one,) = written(tmp_path / "out")
    assert one.request == {"method": "GET", "path": "/cats/a%2Fb"}
    assert one.response["headers"] == {"x-a": "1"}
    loop = [{"key": "a", "value": "{{b}}{{b}}"}, {"key": "b", "value": "{{a}}{{a}}"}]
    file = file_of(tmp_path, collection("https://h.example/{{a}}", variable=loop))
    result = run("--out", tmp_path / "out2", file)
    assert result.exit_code == 3 and "variables that name one another" in result.output


ASKED = {"query": "{a}", "variables": {"n": 1}}
FORM = [{"key": "a", "value": "1"}, {"key": "b", "disabled": True}]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"mode": "graphql", "graphql": {"query": "{a}", "variables": '{"n": 1}'}}, {"body": ASKED}),
        ({"mode": "graphql", "graphql": {"query": "{a}", "variables": {"n": 1}}}, {"body": ASKED}),
        ({"mode": "raw", "raw": "<a/>", "options": {"raw": {"language": "xml"}}}, {"content": "<a/>"}),
        ({"mode": "urlencoded", "urlencoded": FORM}, {"content": "a=1"}),
        ({"mode": "file", "file": {"src": "/etc/passwd"}}, None),
        (None, {}),
    ],
)  # fmt: skip
def test_bodies_of_a_collection(tmp_path, body, sent):
    file = file_of(tmp_path, collection({"method": "POST", "url": "https://h.example/a", "body": body}))
    if sent is None:
        result = run("--out", tmp_path / "out", file)
        assert result.exit_code == 3 and "a body of the kind file" in result.output
        return
    imported(tmp_path / "out", file)
    (one,) = written(tmp_path / "out")
    assert {name: one.request[name] for name in ("body", "content") if name in one.request} == sent


# -- WireMock ---------------------------------------------------------------------------------------------


def test_mappings_that_wiremock_recorded(tmp_path):
    told = imported(tmp_path / "out", RECORDINGS / "wiremock" / "mappings")
    found = {(one.request["method"], one.request["path"]): one for one in written(tmp_path / "out")}
    assert told["exchanges"] == 5 and not told["left_out"]
    assert found["POST", "/orders"].request["body"] == {"item": "tea", "n": 1}
    assert found["GET", "/orders"].request["query"] == {"limit": "2"}
    assert found["GET", "/orders/big"].response["body"] == {"equals": {"id": "big", "notes": ["long"]}}
    assert found["GET", "/nope"].response["status"] == 404


def test_mappings_as_the_documentation_has_them(tmp_path):
    stubs = [
        mapping({"method": "ANY", "url": None, "urlPathTemplate": "/c/{id}",
                 "pathParameters": {"id": {"equalTo": "a b"}},
                 "headers": {"Accept": {"equalTo": "text/plain"}, "X-A": {"matches": ".*"}}}, {"jsonBody": {"a": 1}}),
        mapping({"method": "POST", "url": "/f", "formParameters": {"n": {"equalTo": "1"}}}, {"base64Body": "b2s="}),
        mapping({"urlPathPattern": "/x/.*"}),
        mapping({"queryParameters": {"q": {"contains": "x"}}}),
        mapping({"method": "PUT", "bodyPatterns": [{"matchesJsonPath": "$.a"}]}),
        mapping({"method": "PUT", "bodyPatterns": [{"equalToJson": {"a": "${json-unit.any-string}"}}]}),
        mapping({}, {"fault": "CONNECTION_RESET_BY_PEER"}),
        mapping({}, {"proxyBaseUrl": "http://elsewhere.example"}),
        mapping({}, {"status": 200, "body": "{{request.path}}", "transformers": ["response-template"]}),
        {"request": {"method": "GET"}, "response": {"status": 503}},
    ]  # fmt: skip
    told = imported(tmp_path / "out", file_of(tmp_path, {"mappings": stubs, "meta": {"total": len(stubs)}}))
    found = {one.request["path"]: one for one in written(tmp_path / "out")}
    assert found["/c/a%20b"].request["method"] == "GET" and found["/c/a%20b"].response["body"] == {"equals": {"a": 1}}
    assert found["/f"].request["content"] == "n=1" and found["/f"].response["body"] == {"equals": "ok"}
    assert told["exchanges"] == 2 and told["left_out"] == {
        "the URL is a pattern": 1,
        "a parameter of the query is a pattern": 1,
        "the body is a pattern": 2,
        "a fault, and no response": 1,
        "a stub that passes on to another server": 1,
        "the response is a template": 1,
        "the stub answers any URL": 1,
    }


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "link/passwd", "a\0b"])
def test_no_file_outside_of_wiremocks_own_folder_is_read(tmp_path, name):
    (tmp_path / "mappings").mkdir()
    (tmp_path / "__files").mkdir()
    (tmp_path / "__files" / "link").symlink_to("/etc")
    (tmp_path / "secret.txt").write_text("secret")
    result = run("--out", tmp_path / "out", file_of(tmp_path / "mappings", mapping({}, {"bodyFileName": name})))
    assert result.exit_code == 3 and "#/response/bodyFileName" in result.output
    assert not (tmp_path / "out").exists()


# -- what all of them share -------------------------------------------------------------------------------


def test_with_an_api_both_sides_are_checked_and_the_session_is_played_back(tmp_path):
    listed = {"data": [{**ROW, "id": 5}], "has_more": False}
    entries = [
        har_entry("https://api.example.com/v1/user-memories?limit=2", content={"text": orjson.dumps(listed).decode()}),
        har_entry("https://api.example.com/health", content={"text": "{}"}),
    ]
    told = imported(tmp_path / "out", file_of(tmp_path, har(*entries)), "--api", "datagrid", "--name", "mine")
    assert told["without_operation"] == 1
    settings = Settings(apis=("datagrid",), scenarios=(str(tmp_path / "out" / "mine.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        asked = httpx.get(
            f"{twin.url}/v1/user-memories?limit=2", headers={"authorization": "Bearer k"}, trust_env=False
        )
        (entry,) = httpx.get(f"{twin.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]
    assert asked.json() == listed and entry["violates"].startswith("as recorded: body ")


def test_importing_again_writes_nothing(tmp_path):
    files = [RECORDINGS / "postman.json", RECORDINGS / "wiremock" / "mappings"]
    first = imported(tmp_path / "out", *files, "--host", "api.shop.example")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.yaml")}
    again = imported(tmp_path / "out", *files, "--host", "api.shop.example")
    assert len(first["written"]) == len(before) == 9 and again["written"] == []
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.yaml")} == before


def test_the_same_exchange_of_two_formats_is_one_file(tmp_path):
    one = file_of(tmp_path, har(har_entry(content={"text": '{"a": 1}'})), "a.har")
    two = file_of(tmp_path, mapping({"url": "/things"}, {"jsonBody": {"a": 2}}), "b.json")
    told = imported(tmp_path / "out", one, two)
    assert told["exchanges"] == 2 and told["files"] == 1


def test_a_sandbox_is_never_meant_by_a_path_of_the_real_api(tmp_path):
    imported(tmp_path / "out", file_of(tmp_path, har(har_entry("https://api.example.com/~jane/x"))))
    (one,) = written(tmp_path / "out")
    assert one.request["path"] == "/~jane/x"


DEEP = b'{"log":' * 300 + b"1" + b"}" * 300
BOMB = "\n".join(["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]).encode()
WITHOUT_CODE = {"request": {"method": "GET", "uri": "http://a/"}, "response": {"status": {"code": []}}}
HOSTILE = {
    "deep": (DEEP, "is nested too deeply"),
    "aliases": (BOMB, "its aliases make it hold more than"),
    "no text": (b"\xff\xfe\x00", "is not UTF-8"),
    "no json": (b'{"log": ', "h.json:2:1"),
    "empty": (b"", "is of no known format"),
    "a list": (b"[]", "is of no known format"),
    "another": (b'{"a": 1}', "a VCR cassette has interactions or http_interactions"),
    "openapi": (b"openapi: 3.1.0", "is an OpenAPI document, which is served as it is"),
    "old postman": (b'{"id": "1", "requests": [], "folders": []}', "export it as v2.1"),
    "twice": (b'{"log": {"entries": [], "entries": []}}', "stands here twice"),
    "entries": (b'{"log": {"entries": 5}}', "#/log/entries: is a number; expected an array"),
    "an entry": (b'{"log": {"entries": [[]]}}', "#/log/entries/0: is an array; expected an object"),
    "no url": (b'{"log":{"entries":[{"request":{}}]}}', "#/log/entries/0/request/url: is missing; expected a text"),
    "bad url": (orjson.dumps(har(har_entry("http://[x"))), "#/log/entries/0/request/url: 'http://[x' is no URL"),
    "bad port": (orjson.dumps(har(har_entry("http://h:x/"))), "is no URL"),
    "status": (orjson.dumps(har(har_entry(response={"status": 7}))), "response/status: is 7; expected 100 to 599"),
    "status text": (orjson.dumps(har(har_entry(response={"status": "1"}))), "is a text; expected a whole number"),
    "method": (orjson.dumps(har(har_entry(method="G T"))), "request/method: 'G T' is no HTTP method"),
    "base64": (orjson.dumps(har(har_entry(content={"text": "!", "encoding": "base64"}))), "is no base64"),
    "header": (orjson.dumps(har(har_entry(request={"headers": [{"name": [], "value": 1}]}))), "headers/0/name"),
    "code": (orjson.dumps({"interactions": [WITHOUT_CODE]}), "#/interactions/0/response/status/code"),
    "binary": (b"interactions:\n- request: {method: GET, uri: 'http://a/', body: !!binary '!'}", "h.json:2:"),
    "a ruby object": (b"http_interactions:\n- !ruby/object:Gem {}\n", "could not determine a constructor"),
    "items": (orjson.dumps({"info": {}, "item": [{"item": 5}]}), "#/item/0/item: is a number; expected an array"),
    "stub": (orjson.dumps(mapping({"url": 5})), "#/request/url: is a number; expected a text"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_read_is_told_with_its_place_and_nothing_is_written(tmp_path, name):
    data, message = HOSTILE[name]
    file = tmp_path / "h.json"
    file.write_bytes(data)
    result = run("--out", tmp_path / "out", file, RECORDINGS / "postman.json")
    assert (result.exit_code, result.exception.__class__) == (3, SystemExit), result.output
    assert message in result.output and "h.json" in result.output and "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_a_header_that_would_split_a_response_is_left_out(tmp_path):
    lines = [{"name": "X-A", "value": "1\r\nX-B: 2"}, {"name": "X C", "value": "3"}, {"name": "X-D", "value": "4"}]
    imported(tmp_path / "out", file_of(tmp_path, har(har_entry(response={"headers": lines}))))
    (one,) = written(tmp_path / "out")
    assert one.response["headers"] == {"x-d": "4"}


def test_a_file_above_the_bound_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("mockserver.upstream.traffic.formats.MAX_FILE", 100)
    result = run("--out", tmp_path / "out", RECORDINGS / "postman.json")
    assert result.exit_code == 3 and "is larger than 100 bytes" in result.output
    monkeypatch.undo()
    monkeypatch.setattr("mockserver.upstream.traffic.formats.MAX_EXCHANGES", 3)
    assert imported(tmp_path / "out", RECORDINGS / "postman.json")["left_out"]["beyond the first 3"] == 1


def test_the_format_can_be_said(tmp_path):
    result = run("--format", "har", "--out", tmp_path / "out", RECORDINGS / "postman.json")
    assert result.exit_code == 3 and "is not an HTTP Archive: it has no log.entries" in result.output
    assert imported(tmp_path / "out", "--format", "postman", RECORDINGS / "postman.json")["exchanges"] == 4


def test_a_document_is_drafted_that_serves_what_was_imported(tmp_path):
    document = tmp_path / "shop.yaml"
    arguments = [RECORDINGS / "postman.json", "--infer", document]
    first = run("--out", tmp_path / "out", *arguments)
    assert first.exit_code == 0 and "3 operations from 4 exchanges" in first.output, first.output
    assert {spec.api for spec in written(tmp_path / "out")} == {"shop"}
    again = imported(tmp_path / "out", *arguments)
    assert again["written"] == [] and again["without_operation"] == 0
    settings = Settings(apis=(str(document),), scenarios=(str(tmp_path / "out" / "imported.yaml"),))
    with serve_in_thread(create_app(settings)) as twin:
        with httpx.Client(base_url=f"{twin.url}/v1", trust_env=False, headers={"authorization": "Bearer k"}) as client:
            found = [client.get("/orders/o-1?expand=items") for _ in range(2)]
        journal = httpx.get(f"{twin.url}/__admin/sandboxes/default/journal", trust_env=False).json()["entries"]
    assert [one.status_code for one in found] == [200, 404] and found[0].json()["email"] == "user-1@example.com"
    assert not [entry for entry in journal if entry["violations"] or entry["defect"]]
    document.write_text(document.read_text() + "# edited\n")
    result = run("--out", tmp_path / "out", *arguments)
    assert result.exit_code != 0 and "is there already, and is another one" in str(result.exception)
    assert document.read_text().endswith("# edited\n")


def test_wrong_usage_is_told(tmp_path):
    assert run("--out", tmp_path, tmp_path / "nowhere.har").exit_code == 2
    assert run("--format", "pdf", RECORDINGS / "postman.json").exit_code == 2
    assert "holds no YAML, JSON or HAR file" in str(run(tmp_path).exception)
    assert "--variable 'x' has no name" in str(run("--variable", "x", RECORDINGS / "postman.json").exception)
