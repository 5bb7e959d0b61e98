"""References between files, to anchors and to ids; and what no reference may reach."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from contracts import send

from mockserver.contract import files, load_contract, remote
from mockserver.errors import ContractError, UserError
from mockserver.pipeline.build import build
from mockserver.settings import Settings

HEAD = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}}
OK = {"responses": {"200": {"description": "x"}}}


def written(folder, name, value):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def posting(schema, version="3.1.0", **more):
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {
        **HEAD,
        "openapi": version,
        "paths": {"/x": {"post": {"operationId": "x", "requestBody": body, **OK}}},
        **more,
    }


def loaded(folder, document, **options):
    return load_contract(written(folder, "api.json", document), **{"strict": True, **options})


def wrong(contract, value):
    return [violation.pointer for violation in send(contract.operations["x"], value).violations]


def rules(contract):
    return [(fault.rule_id, fault.severity) for fault in contract.faults]


def test_references_lead_into_other_files_and_from_there_on(tmp_path):
    written(
        tmp_path,
        "schemas/pet.yaml",
        "type: object\nproperties:\n  tag: {$ref: 'more.json#/defs/tag'}\n  mate: {$ref: pet.yaml}\n",
    )
    written(tmp_path, "schemas/more.json", {"defs": {"tag": {"$ref": "#/defs/text"}, "text": {"type": "string"}}})
    made = loaded(tmp_path, posting({"$ref": "schemas/pet.yaml"}))
    assert wrong(made, {"tag": "a", "mate": {"mate": {"tag": "b"}}}) == []
    assert wrong(made, {"mate": {"mate": {"tag": 1}}}) == ["/mate/mate/tag"]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_a_path_item_a_parameter_and_a_response_may_stand_in_other_files(tmp_path, version):
    written(
        tmp_path,
        "paths/x.yaml",
        "parameters: [{$ref: '../api.json#/components/parameters/Limit'}]\n"
        "post:\n  operationId: x\n  responses: {'200': {$ref: '../common.yaml#/responses/Fine'}}\n",
    )
    written(tmp_path, "common.yaml", "responses:\n  Fine: {description: fine}\n")
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    document = {
        **HEAD,
        "openapi": version,
        "paths": {"/x": {"$ref": "paths/x.yaml"}},
        "components": {"parameters": {"Limit": limit}},
    }
    operation = loaded(tmp_path, document).operations["x"]
    assert [str(v) for v in send(operation, query="limit=a").violations] == [
        'query limit: must be an integer, not the string "a"'
    ]
    assert operation.response(200).node == {"description": "fine"}


def test_files_that_refer_to_one_another_are_read_once(tmp_path):
    written(tmp_path, "a.yaml", "type: object\nproperties: {b: {$ref: b.yaml}}\n")
    written(tmp_path, "b.yaml", "type: object\nproperties: {a: {$ref: a.yaml}, n: {type: integer}}\n")
    made = loaded(tmp_path, posting({"$ref": "a.yaml"}))
    assert wrong(made, {"b": {"a": {"b": {"n": "x"}}}}) == ["/b/a/b/n"]


def test_a_fault_in_another_file_is_told_with_that_file(tmp_path):
    written(tmp_path, "pet.yaml", "type: object\nproperties:\n  a:\n    type: strng\n  b: {$ref: 'no.yaml'}\n")
    made = loaded(tmp_path, posting({"$ref": "pet.yaml"}), strict=False)
    assert [(f.file, f.line, f.pointer) for f in made.faults] == [
        ("pet.yaml", 4, "/properties/a/type"),
        ("pet.yaml", 5, "/properties/b/$ref"),
    ]
    with pytest.raises(ContractError, match=r"pet\.yaml:4: /properties/a/type: must be one of"):
        loaded(tmp_path, posting({"$ref": "pet.yaml"}))


@pytest.mark.parametrize(
    "ref",
    ["../secret.json", "sub/../../secret.json", "/etc/passwd", "file:///etc/passwd", "link.json", "deep/secret.json"],
)
def test_nothing_outside_of_the_folder_is_read(tmp_path, ref):
    folder = tmp_path / "api"
    written(tmp_path, "secret.json", {"type": "integer"})
    folder.mkdir()
    os.symlink(tmp_path / "secret.json", folder / "link.json")
    os.symlink(tmp_path, folder / "deep")
    made = loaded(folder, posting({"$ref": ref}), strict=False)
    assert rules(made) == [("reference-outside", "error")] and wrong(made, "anything") == []
    assert "outside of the folder" in made.faults[0].message and made.faults[0].line == 1
    with pytest.raises(ContractError, match=r"api\.json:1: .*outside of the folder"):
        loaded(folder, posting({"$ref": ref}))


def test_another_folder_is_read_when_it_is_named(tmp_path):
    written(tmp_path, "common.json", {"type": "integer"})
    made = loaded(tmp_path / "api", posting({"$ref": "../common.json"}), ref_folder=tmp_path)
    assert wrong(made, "a") == [""]


class Elsewhere(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("location", "file:///etc/passwd")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 2000 if self.path == "/large" else b'{"type": "integer"}')

    def log_message(self, *args):
        pass


@pytest.fixture
def elsewhere():
    Elsewhere.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_remote_documents_are_not_read_unless_allowed(tmp_path, elsewhere, version):
    document = posting({"$ref": f"{elsewhere}/n"}, version)
    document["components"] = {"schemas": {"D": {"default": {"$ref": f"{elsewhere}/data"}}}}
    made = loaded(tmp_path, document, strict=False)
    assert rules(made) == [("reference-remote", "error")]
    with pytest.raises(ContractError, match="remote documents are not read unless allowed"):
        loaded(tmp_path, document)
    assert Elsewhere.asked == []
    made = loaded(tmp_path, document, allow_remote_refs=True)
    assert wrong(made, "a") == [""] and Elsewhere.asked == ["/n"]  # once, and data is not followed


@pytest.mark.parametrize(("path", "reason"), [("/large", "larger than 1,000 bytes"), ("/away", "is not allowed")])
def test_what_remote_documents_may_do_is_bounded(tmp_path, elsewhere, path, reason, monkeypatch):
    monkeypatch.setattr(remote, "MAX_BYTES", 1000)
    made = loaded(tmp_path, posting({"$ref": elsewhere + path}), strict=False, allow_remote_refs=True)
    assert reason in made.faults[0].message


def test_too_many_files_and_too_many_bytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILES", 2)
    written(tmp_path, "a.json", {"type": "integer"})
    written(tmp_path, "b.json", {"type": "integer"})
    document = posting({"anyOf": [{"$ref": "a.json"}, {"$ref": "b.json"}]})
    assert rules(loaded(tmp_path, document, strict=False)) == [("reference-too-many", "error")]
    monkeypatch.setattr(files, "MAX_FILES", 100)
    monkeypatch.setattr(files, "MAX_BYTES", 500)
    written(tmp_path, "a.json", {"type": "integer", "description": "x" * 500})
    assert "larger than" in loaded(tmp_path, document, strict=False).faults[0].message


def test_a_file_that_is_none_a_folder_and_a_broken_one_are_told(tmp_path):
    (tmp_path / "folder").mkdir()
    written(tmp_path, "broken.yaml", "a: [1\n")
    for ref, reason in (
        ("no.json", "does not exist"),
        ("folder", "does not exist"),
        ("broken.yaml", "broken.yaml:2:1"),
    ):
        made = loaded(tmp_path, posting({"$ref": ref}), strict=False)
        assert reason in made.faults[0].message and wrong(made, 1) == []


def test_an_anchor_is_a_name_for_a_schema(tmp_path):
    written(tmp_path, "more.yaml", "$defs: {n: {$anchor: far, type: integer}}\n")
    anchored = {"A": {"$anchor": "near", "type": "array", "items": {"$ref": "more.yaml#far"}}}
    made = loaded(tmp_path, posting({"$ref": "#near"}, components={"schemas": anchored}))
    assert wrong(made, [1]) == [] and wrong(made, ["a"]) == ["/0"]
    made = loaded(tmp_path, posting({"$ref": "#nobody"}, components={"schemas": anchored}), strict=False)
    assert "there is no $anchor 'nobody'" in made.faults[0].message


def test_an_id_is_a_base_for_references_below_it(tmp_path):
    schemas = {
        "A": {
            "$id": "https://x.test/schemas/a",
            "properties": {"own": {"$ref": "#/$defs/n"}, "b": {"$ref": "b"}, "c": {"$ref": "/schemas/b#text"}},
            "$defs": {"n": {"type": "integer"}},
        },
        "B": {
            "$id": "https://x.test/schemas/b",
            "type": "boolean",
            "$defs": {"t": {"$anchor": "text", "type": "string"}},
        },
    }
    made = loaded(tmp_path, posting({"$ref": "https://x.test/schemas/a"}, components={"schemas": schemas}))
    assert wrong(made, {"own": 1, "b": True, "c": "x"}) == []
    assert sorted(wrong(made, {"own": "x", "b": 1, "c": 2})) == ["/b", "/c", "/own"]


def test_a_reference_into_the_document_works_below_an_id_too(tmp_path):
    # By the letter `#/...` means the schema with the `$id`; many documents mean themselves.
    schemas = {
        "A": {"$id": "https://x.test/a", "properties": {"n": {"$ref": "#/components/schemas/N"}}},
        "N": {"type": "integer"},
    }
    made = loaded(tmp_path, posting({"$ref": "#/components/schemas/A"}, components={"schemas": schemas}), strict=False)
    assert made.faults == [] and wrong(made, {"n": "x"}) == ["/n"]


def test_data_is_never_a_reference_and_a_property_may_have_any_name(tmp_path):
    reference = {"$ref": "no.yaml"}
    schema = {
        "type": "object",
        "properties": {
            "$ref": {"type": "string"},
            "default": {"$ref": "#/components/schemas/N"},
            "pattern": {"type": "integer"},
        },
        "default": {"$ref": "x"},
        "const": {"$ref": "x", "default": 1},
        "examples": [reference],
        "enum": [{"$ref": "x", "default": 1}, reference],
        "x-any": reference,
        "dependentSchemas": {"default": {"required": ["pattern"]}},
    }
    made = loaded(tmp_path, posting(schema, components={"schemas": {"N": {"type": "integer"}}}), strict=False)
    assert made.faults == []
    assert wrong(made, {"$ref": "x", "default": 1}) == ["/pattern"]


def test_the_folded_and_the_quoted_reference_are_references(tmp_path):
    written(tmp_path, "n.yaml", "type: integer\n")
    text = """\
openapi: 3.1.0
info: {title: T, version: '1'}
paths:
  /x:
    post:
      operationId: x
      responses: {'200': {description: x}}
      requestBody:
        content:
          application/json:
            schema:
"""
    for reference in ("\"$ref\":   'n.yaml'", "$ref: >-\n                n.yaml", "? $ref\n              : n.yaml"):
        made = load_contract(written(tmp_path, "api.yaml", text + " " * 14 + reference + "\n"))
        assert wrong(made, "a") == [""]


def test_the_served_document_is_one_file(tmp_path):
    written(tmp_path, "n.json", {"type": "integer"})
    made = loaded(tmp_path, posting({"$ref": "n.json"}))
    served = made.served("http://127.0.0.1/")
    assert wrong(loaded(tmp_path / "again", json.loads(json.dumps(served))), "a") == [""]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0", "3.2.0"])
def test_operations_beside_the_reference_of_a_path_item_are_served_too(tmp_path, version):
    written(tmp_path, "x.json", {"get": {"operationId": "far", **OK}, "put": {"operationId": "hidden", **OK}})
    item = {"$ref": "x.json", "put": {"operationId": "near", **OK}}
    made = loaded(tmp_path, {**HEAD, "openapi": version, "paths": {"/x": item}}, strict=False)
    assert made.faults == [] and sorted(made.operations) == ["far", "near"]
    assert made.match("PUT", ["x"])[0].id == "near" and made.match("GET", ["x"])[0].id == "far"


def test_a_document_is_served_from_a_url_where_that_is_allowed(tmp_path):
    """Its references are relative to the URL, and it reads no file of this machine."""
    (tmp_path / "secret.yaml").write_text("type: integer")
    secret = (tmp_path / "secret.yaml").as_uri()
    document = {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "paths": {
            "/a": {"get": {"operationId": "a", "responses": {"200": said({"$ref": "parts/number.json"})}}},
            "/b": {"get": {"operationId": "b", "responses": {"200": said({"$ref": secret})}}},
        },
    }

    class Served(BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"/api/shop.json": document, "/api/parts/number.json": {"type": "integer"}}.get(self.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/api/shop.json"
    try:
        with pytest.raises(UserError, match="is on another server; allow that with --allow-remote-refs"):
            build(Settings(apis=(url,)))
        pipeline = build(Settings(apis=(url, f"store={url}"), allow_remote_refs=True))
        assert list(pipeline.apis) == ["shop", "store"]
        contract = pipeline.apis["shop"].contract
        assert isinstance(contract.sample(contract.operations["a"], 200).data, int)
        assert [fault.rule_id for fault in contract.faults] == ["reference-outside"]
        with pytest.raises(UserError, match=r"gone\.yaml: cannot be read: Not Found"):
            build(Settings(apis=(url.replace("api/shop.json", "gone.yaml"),), allow_remote_refs=True))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def said(schema):
    return {"description": "x", "content": {"application/json": {"schema": schema}}}


def test_a_url_with_a_password_is_not_fetched_and_not_repeated():
    with pytest.raises(ContractError, match=r"^a URL at example\.com holds a user name or a password") as caught:
        remote.fetch("https://me:hunter2@example.com/a.yaml")
    assert "hunter2" not in str(caught.value)


def test_what_takes_too_long_is_given_up(elsewhere, monkeypatch):
    monkeypatch.setattr(remote, "TIMEOUT", 0.05)
    monkeypatch.setattr(remote, "_read", lambda url, outcome: None)  # a head that never ends
    with pytest.raises(ContractError, match=r"takes longer than 0\.05 seconds"):
        remote.fetch(elsewhere + "/n")


def test_what_is_public_leads_to_public_addresses_only(tmp_path, monkeypatch):
    addresses = {"public.example": "93.184.216.34", "metadata.example": "169.254.169.254"}
    monkeypatch.setattr(
        remote.socket, "getaddrinfo", lambda host, *_, **__: [(0, 0, 0, "", (addresses.get(host, "127.0.0.1"), 0))]
    )
    fetched = []

    def fetch(url):
        fetched.append(url)
        return json.dumps({"$ref": "http://metadata.example/secret"})

    monkeypatch.setattr(remote, "fetch", fetch)
    document = posting({"$ref": "http://public.example/a.json"})
    made = loaded(tmp_path, document, strict=False, allow_remote_refs=True)
    assert fetched == ["http://public.example/a.json"]
    assert [fault.rule_id for fault in made.faults] == ["reference-outside"]
    assert remote.leads_inside("http://public.example/", "http://localhost/")
    assert not remote.leads_inside("http://localhost/", "http://metadata.example/")
    handler = remote._SafeRedirects()
    with pytest.raises(OSError, match="which is no public address"):
        handler.redirect_request(remote.Request("http://public.example/"), None, 302, "", {}, "http://localhost/x")
