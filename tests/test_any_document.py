"""Documents of a user's own, each small and about one rule: what comes in, what goes out, where it goes."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from served import Served

Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Serves a document that is given by its paths, in process."""

    def make(paths: dict[str, Any], *, version: str = "3.1.0", **more: Any) -> Served:
        settings = more.pop("settings", {})
        document = {"openapi": version, "info": {"title": "t", "version": "1"}, "paths": paths, **more}
        return Served(tmp_path, document, **settings)

    return make


def answers(*media: tuple[str, Any], status: str = "200", headers: Any = None, **operation: Any) -> dict[str, Any]:
    """An operation that answers with these media types, each with a schema or an example."""
    content = {
        name: ({"example": value["example"]} if set(value) == {"example"} else {"schema": value})
        for name, value in media
    }
    response = {"description": "d", "content": content, **({"headers": headers} if headers else {})}
    return {"responses": {status: response}, **operation}


OBJECT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "on": {"type": "boolean"}}}
NEEDS_NAME = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
            }
        },
    }
}


# --- errors in the document's own shape -------------------------------------------------------


def failing(schema: dict[str, Any], status: str = "400", media_type: str = "application/json") -> dict[str, Any]:
    response = {"description": "d", "content": {media_type: {"schema": schema}}}
    return {"post": {**NEEDS_NAME, "responses": {"201": {"description": "d"}, status: response}}}


@pytest.mark.parametrize("status", ["400", "4XX", "default"])
def test_an_error_has_the_shape_of_its_status_its_range_or_the_default(serve: Serve, status: str):
    schema = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "additionalProperties": False,
    }
    response = serve({"/x": failing(schema, status)})("POST", "/x", {})
    assert response.status == 400 and set(response.json) == {"code", "message"}
    assert "name" in response.json["message"]


def test_a_nested_error_is_filled_in_where_its_names_fit(serve: Serve):
    inner = {
        "type": "object",
        "required": ["type", "message"],
        "properties": {"type": {"enum": ["invalid", "fatal"]}, "message": {"type": "string"}},
    }
    schema = {"type": "object", "required": ["error"], "properties": {"error": inner}}
    body = serve({"/x": failing(schema)})("POST", "/x", {}).json
    assert body["error"]["type"] in ("invalid", "fatal") and "name" in body["error"]["message"]


def test_a_list_of_errors_names_each_field(serve: Serve):
    item = {
        "type": "object",
        "required": ["field", "message"],
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    }
    schema = {"type": "object", "required": ["errors"], "properties": {"errors": {"type": "array", "items": item}}}
    body = serve({"/x": failing(schema)})("POST", "/x", {}).json
    assert body["errors"][0]["field"] == "name" and body["errors"][0]["message"]


def test_an_error_that_is_text_is_text(serve: Serve):
    response = serve({"/x": failing({"type": "string"}, media_type="text/plain")})("POST", "/x", {})
    assert (response.status, response.media_type) == (400, "text/plain") and "name" in response.text


def test_an_error_of_another_media_type_is_never_a_500(serve: Serve):
    schema = {"type": "object", "xml": {"name": "error"}, "properties": {"message": {"type": "string"}}}
    response = serve({"/x": failing(schema, media_type="application/xml")})("POST", "/x", {})
    assert response.status == 400 and ElementTree.fromstring(response.text).tag == "error"


def test_an_error_whose_codes_are_listed_keeps_to_the_list(serve: Serve):
    schema = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {"code": {"enum": ["E1", "E2"]}, "message": {"type": "string", "maxLength": 5}},
    }
    response = serve({"/x": failing(schema)})("POST", "/x", {})
    assert response.status == 400 and response.json["code"] in ("E1", "E2") and len(response.json["message"]) <= 5


def test_an_undeclared_error_is_problem_details(serve: Serve):
    response = serve({"/x": {"post": {**NEEDS_NAME, "responses": {"201": {"description": "d"}}}}})("POST", "/x", {})
    assert (response.status, response.media_type) == (400, "application/problem+json")


def test_missing_keys_and_reached_limits_have_the_declared_shape(serve: Serve):
    def shape(name: str) -> dict[str, Any]:
        schema = {"type": "object", "required": [name], "properties": {name: {"type": "string"}}}
        return {"description": "d", "content": {"application/json": {"schema": schema}}}

    operation = {"responses": {"200": {"description": "d"}, "401": shape("denied"), "429": shape("slow")}}
    served = serve(
        {"/x": {"get": {**operation, "security": [{"k": []}]}}},
        components={"securitySchemes": {"k": {"type": "http", "scheme": "bearer"}}},
        settings={"rate_limit": "1/60s"},
    )
    assert set(served("GET", "/x").json) == {"denied"}
    assert served("GET", "/x", headers={"authorization": "Bearer k"}).status == 200
    limited = served("GET", "/x", headers={"authorization": "Bearer k"})
    assert limited.status == 429 and set(limited.json) == {"slow"} and limited.headers["retry-after"]


def test_an_unknown_path_has_the_shape_that_the_operations_share(serve: Serve):
    schema = {"type": "object", "required": ["oops"], "properties": {"oops": {"type": "string"}}}
    default = {"description": "d", "content": {"application/json": {"schema": schema}}}
    served = serve({"/x": {"get": {"responses": {"200": {"description": "d"}, "default": default}}}})
    assert served("GET", "/y").status == 404 and set(served("GET", "/y").json) == {"oops"}
    assert served("DELETE", "/x").status == 405 and set(served("DELETE", "/x").json) == {"oops"}


# --- what goes out ----------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ["application/json;charset=utf-8", "Application/Vnd.A+JSON", "text/json"])
def test_json_is_json_in_every_spelling(serve: Serve, media_type: str):
    response = serve({"/x": {"get": answers((media_type, OBJECT))}})("GET", "/x")
    assert response.status == 200 and isinstance(response.json["id"], int)


def test_streams_are_items(serve: Serve):
    items = {"type": "array", "minItems": 2, "items": OBJECT}
    served = serve(
        {
            "/lines": {"get": answers(("application/x-ndjson", items))},
            "/events": {"get": answers(("text/event-stream", items))},
            "/sequence": {"get": answers(("application/json-seq", items))},
        }
    )
    for line in served("GET", "/lines").text.splitlines():
        assert isinstance(orjson.loads(line)["id"], int)
    for block in served("GET", "/events").text.strip().split("\n\n"):
        assert isinstance(orjson.loads(block.removeprefix("data: "))["id"], int)
    assert served("GET", "/sequence").text.startswith("\x1e{")


def test_xml_follows_the_xml_object(serve: Serve):
    schema = {
        "type": "object",
        "required": ["id", "tags"],
        "xml": {"name": "pet", "namespace": "urn:pets", "prefix": "p"},
        "properties": {
            "id": {"type": "integer", "xml": {"attribute": True}},
            "tags": {
                "type": "array",
                "minItems": 2,
                "xml": {"name": "tags", "wrapped": True},
                "items": {"type": "string", "xml": {"name": "tag"}},
            },
        },
    }
    response = serve({"/x": {"get": answers(("application/xml", schema))}})("GET", "/x")
    root = ElementTree.fromstring(response.text)
    assert root.tag == "{urn:pets}pet" and root.attrib["id"].lstrip("-").isdigit()
    assert len(root.find("tags").findall("tag")) >= 2


def test_rows_are_csv(serve: Serve):
    rows = {"type": "array", "minItems": 2, "items": OBJECT}
    response = serve({"/x": {"get": answers(("text/csv", rows))}})("GET", "/x")
    assert all(row["id"].lstrip("-").isdigit() for row in csv.DictReader(io.StringIO(response.text)))


@pytest.mark.parametrize(("schema", "text"), [({"const": True}, "true"), ({"const": 7}, "7"), ({"const": None}, "")])
def test_text_is_in_the_words_of_json(serve: Serve, schema: dict[str, Any], text: str):
    assert serve({"/x": {"get": answers(("text/plain", schema))}})("GET", "/x").text == text


@pytest.mark.parametrize(
    ("declared", "sent", "start"),
    [
        ("image/*", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/png", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", "image/jpeg", b"\xff\xd8"),
        ("audio/*", "audio/wav", b"RIFF"),
        ("application/pdf", "application/pdf", b"%PDF-"),
        ("application/zip", "application/zip", b"PK"),
    ],
)
def test_a_file_is_a_real_one(serve: Serve, declared: str, sent: str, start: bytes):
    for schema in ({"type": "string", "format": "binary"}, {}):
        response = serve({"/x": {"get": answers((declared, schema))}}, version="3.0.3")("GET", "/x")
        assert (response.status, response.media_type) == (200, sent) and response.content.startswith(start)


def test_a_range_takes_the_type_that_the_client_names(serve: Serve):
    served = serve({"/x": {"get": answers(("image/*", {}))}})
    assert served("GET", "/x", headers={"accept": "image/gif"}).content.startswith(b"GIF89a")


def test_accept_chooses_and_nothing_acceptable_is_406(serve: Serve):
    paths = {"/x": {"get": answers(("application/json", OBJECT), ("application/xml", OBJECT))}}
    served = serve(paths)
    assert served("GET", "/x", headers={"accept": "application/xml"}).media_type == "application/xml"
    assert served("GET", "/x", headers={"accept": "*/*;q=0.1, application/xml;q=0.2"}).media_type == "application/xml"
    assert served("GET", "/x", headers={"accept": "application/json;q=0, */*"}).media_type == "application/xml"
    assert served("GET", "/x", headers={"accept": "image/png"}).status == 406
    lenient = serve(paths, settings={"lenient_accept": True})
    assert lenient("GET", "/x", headers={"accept": "image/png"}).media_type == "application/json"


def test_headers_have_their_examples_and_none_frames_the_message(serve: Serve):
    headers = {
        "X-Example": {"example": "abc", "schema": {"type": "string"}},
        "X-Named": {"examples": {"one": {"value": 5}}, "schema": {"type": "integer"}},
        "X-Default": {"schema": {"type": "string", "default": "d"}},
        "X-Content": {"required": True, "content": {"application/json": {"example": {"a": 1}}}},
        "X-Silent": {"schema": {"type": "string"}},
        "Content-Length": {"required": True, "schema": {"type": "integer"}},
        "Transfer-Encoding": {"required": True, "schema": {"const": "chunked"}},
        "Content-Encoding": {"required": True, "schema": {"const": "gzip"}},
        "Content-Type": {"required": True, "schema": {"const": "text/html"}},
        "Connection": {"required": True, "schema": {"const": "close"}},
    }
    response = serve({"/x": {"get": answers(("application/json", OBJECT), headers=headers)}})("GET", "/x")
    assert response.status == 200 and response.media_type == "application/json"
    sent = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    assert sent == {"x-example": "abc", "x-named": "5", "x-default": "d", "x-content": '{"a":1}'}


def test_a_header_that_is_a_list_is_written_in_its_style(serve: Serve):
    headers = {"X-Tags": {"required": True, "schema": {"type": "array", "items": {"enum": ["a"]}, "minItems": 2}}}
    response = serve({"/x": {"get": answers(("application/json", OBJECT), headers=headers)}})("GET", "/x")
    assert response.headers["x-tags"] == "a,a"


@pytest.mark.parametrize(
    ("responses", "status"),
    [
        ({"404": {"description": "d"}, "201": {"description": "d"}}, 201),
        ({"2XX": {"description": "d"}, "404": {"description": "d"}}, 200),
        ({"302": {"description": "d"}, "404": {"description": "d"}}, 302),
        ({"404": {"description": "d"}, "default": {"description": "d"}}, 200),
        ({"404": {"description": "d"}, "400": {"description": "d"}}, 404),
        ({}, 200),
    ],
)
def test_the_success_is_the_best_that_is_declared(serve: Serve, responses: dict[str, Any], status: int):
    assert serve({"/x": {"get": {"responses": responses}}})("GET", "/x").status == status


def test_head_and_options_are_answered_where_they_are_not_declared(serve: Serve):
    served = serve({"/x": {"get": answers(("application/json", OBJECT)), "put": {"responses": {}}}})
    head = served("HEAD", "/x")
    assert head.status == 200 and head.media_type == "application/json"
    options = served("OPTIONS", "/x")
    assert options.status == 204 and options.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert not any(name.startswith("access-control") for name in options.headers)


# --- what comes in ----------------------------------------------------------------------------


def takes(media: dict[str, Any], **operation: Any) -> dict[str, Any]:
    return {"post": {"requestBody": {"required": True, "content": media}, "responses": {"204": {"description": "d"}}}}


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "GZip, deflate"])
def test_a_compressed_body_is_read(serve: Serve, coding: str):
    served = serve({"/x": takes({"application/json": {"schema": OBJECT}})})

    def packed(raw: bytes) -> bytes:
        for name in coding.lower().split(", "):
            raw = zlib.compress(raw) if name == "deflate" else gzip.compress(raw)
        return raw

    headers = {"content-encoding": coding, "content-type": "application/json"}
    assert served("POST", "/x", content=packed(b'{"id": 1}'), headers=headers).status == 204
    assert served("POST", "/x", content=packed(b'{"id": "x"}'), headers=headers).status == 400
    assert served("POST", "/x", content=b"no gzip", headers=headers).status == 400


def test_a_bomb_is_too_large_and_an_unknown_coding_is_415(serve: Serve):
    served = serve({"/x": takes({"application/json": {"schema": {}}})}, settings={"max_body": 10_000})
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert served("POST", "/x", content=gzip.compress(b" " * 100_000_000 + b"1"), headers=headers).status == 413
    refused = served("POST", "/x", content=b"x", headers={**headers, "content-encoding": "zstd"})
    assert refused.status == 415 and "gzip" in refused.headers["accept-encoding"]


def test_a_body_is_chosen_by_its_parameters_and_its_exact_type(serve: Serve):
    one = {"type": "object", "required": ["one"]}
    two = {"type": "object", "required": ["two"]}
    served = serve(
        {
            "/x": takes(
                {
                    "application/json; version=1": {"schema": one},
                    "application/json; version=2": {"schema": two},
                    "application/vnd.platform+json": {"schema": {"type": "object", "required": ["three"]}},
                }
            )
        }
    )
    for content_type, member in [
        ("application/json;version=2", "two"),
        ("Application/JSON; Version=1", "one"),
        ("application/vnd.platform+json", "three"),
    ]:
        headers = {"content-type": content_type}
        assert served("POST", "/x", content=f'{{"{member}": 1}}'.encode(), headers=headers).status == 204
        assert served("POST", "/x", content=b"{}", headers=headers).status == 400


def test_xml_is_validated_by_its_schema(serve: Serve):
    schema = {
        "type": "object",
        "xml": {"name": "pet"},
        "required": ["id"],
        "properties": {
            "id": {"type": "integer", "xml": {"attribute": True}},
            "tags": {"type": "array", "items": {"type": "integer"}},
        },
    }
    for media_type in ("application/xml", "text/xml", "application/vnd.pet+xml"):
        served = serve({"/x": takes({media_type: {"schema": schema}})})
        headers = {"content-type": media_type}
        assert served("POST", "/x", content=b'<pet id="1"><tags>1</tags><tags>2</tags></pet>', headers=headers).ok
        assert served("POST", "/x", content=b'<pet id="a"/>', headers=headers).status == 400
        assert served("POST", "/x", content=b"<pet><tags>x</tags></pet>", headers=headers).status == 400
        assert served("POST", "/x", content=b"<pet", headers=headers).status == 400
        bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><pet id="1">&b;</pet>'
        assert served("POST", "/x", content=bomb, headers=headers).status == 400


def test_lines_and_rows_are_validated_one_by_one(serve: Serve):
    rows = {"type": "array", "items": OBJECT}
    served = serve({"/x": takes({"application/x-ndjson": {"schema": rows}, "text/csv": {"schema": rows}})})
    lines = {"content-type": "application/x-ndjson"}
    assert served("POST", "/x", content=b'{"id": 1}\n{"id": 2}\n', headers=lines).ok
    assert served("POST", "/x", content=b'{"id": 1}\n{"id": "x"}\n', headers=lines).status == 400
    assert served("POST", "/x", content=b'{"id": 1}\n{"id"', headers=lines).status == 400
    table = {"content-type": "text/csv"}
    assert served("POST", "/x", content=b"id,on\r\n1,true\r\n", headers=table).ok
    assert served("POST", "/x", content=b"id,on\r\nx,true\r\n", headers=table).status == 400


def test_the_parts_of_a_form_have_types_of_their_own(serve: Serve):
    schema = {
        "type": "object",
        "required": ["meta", "file"],
        "properties": {"meta": OBJECT, "list": {"type": "array", "items": {"type": "integer"}}, "file": {}},
    }
    media = {"schema": schema, "encoding": {"list": {"contentType": "application/json"}}}
    served = serve({"/x": takes({"multipart/form-data": media})})

    def form(meta: str, listed: str = "[1]", kind: str = "application/json") -> int:
        parts = [
            f'Content-Disposition: form-data; name="meta"\r\nContent-Type: {kind}\r\n\r\n{meta}',
            f'Content-Disposition: form-data; name="list"\r\n\r\n{listed}',
            'Content-Disposition: form-data; name="file"; filename="a.eml"\r\nContent-Type: message/rfc822\r\n\r\nA: b',
        ]
        body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=b"}
        return served("POST", "/x", content=body.encode(), headers=headers).status

    assert form('{"id": 1}') == 204
    assert form('{"id": "x"}') == 400
    assert form('{"id": 1}', '[1, "x"]') == 400


def queries(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {"/x": {"get": {"parameters": list(parameters), "responses": {"204": {"description": "d"}}}}}


def test_unions_are_read_at_every_leaf(serve: Serve):
    union = {"anyOf": [{"type": "integer"}, {"enum": ["all"]}]}
    served = serve(
        queries(
            {"name": "one", "in": "query", "schema": union},
            {"name": "many", "in": "query", "schema": {"type": "array", "items": union}},
            {
                "name": "deep",
                "in": "query",
                "style": "deepObject",
                "schema": {"type": "object", "properties": {"a": union}, "additionalProperties": False},
            },
            {"name": "nothing", "in": "query", "schema": {"type": ["integer", "null"]}},
        )
    )
    for query in ("one=5", "one=all", "many=5&many=all", "deep%5Ba%5D=5", "deep[a]=all", "nothing=3", "nothing=null"):
        assert served("GET", f"/x?{query}").ok, query
    for query in ("one=x", "many=5&many=x", "deep[a]=x", "deep[b]=1"):
        assert served("GET", f"/x?{query}").status == 400, query


def test_delimiters_are_split_before_decoding(serve: Serve):
    items = {"type": "array", "items": {"enum": ["a,b", "c", "d|e", "f g"]}}
    served = serve(
        {
            **queries(
                {"name": "form", "in": "query", "explode": False, "schema": items},
                {"name": "pipe", "in": "query", "style": "pipeDelimited", "explode": False, "schema": items},
                {"name": "space", "in": "query", "style": "spaceDelimited", "explode": False, "schema": items},
            ),
            "/y/{ids}": {
                "get": {
                    "parameters": [{"name": "ids", "in": "path", "required": True, "schema": items}],
                    "responses": {"204": {"description": "d"}},
                }
            },
        }
    )
    assert served("GET", "/x?form=a%2Cb,c").ok
    assert served("GET", "/x?form=a,b").status == 400
    assert served("GET", "/x?pipe=d%7Ce|c").ok
    assert served("GET", "/y/a%2Cb,c").ok
    assert served("GET", "/y/a,b").status == 400


def test_an_empty_value_may_be_allowed(serve: Serve):
    served = serve(
        queries(
            {"name": "may", "in": "query", "allowEmptyValue": True, "schema": {"type": "integer"}},
            {"name": "not", "in": "query", "schema": {"type": "integer"}},
        ),
        version="3.0.3",
    )
    assert served("GET", "/x?may=").ok and served("GET", "/x?may").ok
    assert served("GET", "/x?not=").status == 400


def test_cookies_are_read_as_they_come(serve: Serve):
    served = serve(
        queries(
            {"name": "sid", "in": "cookie", "required": True, "schema": {"type": "string", "pattern": "^a"}},
            {"name": "n", "in": "cookie", "schema": {"type": "integer"}},
        )
    )
    assert served("GET", "/x", headers={"cookie": 'pref={"a": 1, "b": 2}; sid=abc; n=5'}).ok
    assert served("GET", "/x", headers={"cookie": "sid=abc; n=five"}).status == 400
    assert served("GET", "/x", headers={"cookie": "sid=b"}).status == 400


def test_text_that_is_not_utf_8_is_a_bad_request_everywhere(serve: Serve):
    parameter = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    served = serve({"/f/{id}": {"get": {"parameters": [parameter], "responses": {"204": {"description": "d"}}}}})
    assert served("GET", "/f/%ff").status == 400
    assert served("GET", "/f/%C3%BC").ok


def test_a_read_only_parameter_is_still_a_parameter(serve: Serve):
    parameter = {"name": "n", "in": "path", "required": True, "schema": {"type": "integer", "readOnly": True}}
    paths = {"/f/{n}": {"get": {"parameters": [parameter], "responses": {"204": {"description": "d"}}}}}
    for version in ("3.0.3", "3.1.0"):
        assert serve(paths, version=version)("GET", "/f/1").ok


def test_credentials_of_every_kind(serve: Serve):
    schemes = {
        "basic": {"type": "http", "scheme": "Basic"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
        "oauth": {"type": "oauth2", "flows": {}},
        "tls": {"type": "mutualTLS"},
    }
    paths = {
        f"/{name}": {"get": {"security": [{name: []}], "responses": {"204": {"description": "d"}}}} for name in schemes
    }
    paths["/nobody"] = {"get": {"security": [{"nobody": []}], "responses": {"204": {"description": "d"}}}}
    served = serve(paths, components={"securitySchemes": schemes})
    assert served("GET", "/tls").ok and served("GET", "/nobody").ok
    for path, headers, challenge in [
        ("/basic", {"authorization": "Basic " + base64.b64encode(b"a:b").decode()}, "Basic realm="),
        ("/key", {"x-key": "k"}, ""),
        ("/cookie", {"cookie": "other=x y; sid=1"}, ""),
        ("/oauth", {"authorization": "bearer t"}, "Bearer realm="),
    ]:
        assert served("GET", path, headers=headers).ok, path
        refused = served("GET", path)
        assert refused.status == 401 and refused.headers["www-authenticate"].startswith(challenge)


# --- where it goes ----------------------------------------------------------------------------

EMPTY = {"get": {"responses": {"204": {"description": "d"}}}}


def test_every_server_leads_to_the_operations(serve: Serve):
    servers = [
        {"url": "https://a.example/v1"},
        {"url": "/{stage}/api", "variables": {"stage": {"default": "live", "enum": ["live", "test"]}}},
        {"url": "./relative/"},
    ]
    own = {"get": {"servers": [{"url": "https://b.example/own"}], "responses": {"204": {"description": "d"}}}}
    served = serve({"/x": EMPTY, "/y": own}, servers=servers)
    for path in ("/x", "/v1/x", "/live/api/x", "/test/api/x", "/relative/x", "/y", "/own/y"):
        assert served("GET", path).status == 204, path
    assert served("GET", "/prod/api/x").status == 404
    assert served("GET", "/v1/y").status == 404


def test_slashes_at_the_end_tell_twins_apart_and_are_optional_otherwise(serve: Serve):
    def named(name: str) -> dict[str, Any]:
        return {"get": {"operationId": name, "responses": {"204": {"description": "d"}}}}

    served = serve({"/": named("root"), "/foo": named("foo"), "/foo/": named("foos"), "/bar/": named("bar")})
    for path, operation in [("/", "root"), ("/foo", "foo"), ("/foo/", "foos"), ("/bar", "bar"), ("/bar/", "bar")]:
        assert served("GET", path).operation == operation, path


def test_concrete_segments_come_before_variables(serve: Serve):
    def named(name: str, *variables: str) -> dict[str, Any]:
        parameters = [{"name": v, "in": "path", "required": True, "schema": {"type": "string"}} for v in variables]
        operation = {"operationId": name, "parameters": parameters, "responses": {"204": {"description": "d"}}}
        return {"get": operation}

    served = serve(
        {
            "/{a}/{b}": named("both", "a", "b"),
            "/{a}/mine": named("last", "a"),
            "/pets/{b}": named("first", "b"),
            "/pets/mine": named("none"),
            "/files/{name}.{ext}": named("parts", "name", "ext"),
        }
    )
    for path, operation in [
        ("/x/y", "both"),
        ("/x/mine", "last"),
        ("/pets/y", "first"),
        ("/pets/mine", "none"),
        ("/pets/a%2Fb", "first"),
        ("/files/a.b.txt", "parts"),
    ]:
        assert served("GET", path).operation == operation, path


def test_a_path_that_begins_with_the_name_of_the_api(serve: Serve):
    served = serve({"/t/x": EMPTY, "/y": EMPTY})
    for path in ("/t/x", "/t/t/x", "/y", "/t/y"):
        assert served("GET", path).status == 204, path


def test_what_is_no_path_in_paths_is_left_alone(serve: Serve):
    served = serve({"/x": EMPTY, "x-note": {"get": "no operation"}})
    assert served("GET", "/x").status == 204
