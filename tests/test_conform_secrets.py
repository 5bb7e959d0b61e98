"""Keys of `mockserver conform` go to the real server alone: requests carry a stand-in, what comes back is masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from upstreams import upstream

from mockserver.cli.conform import conform
from mockserver.cli.report_files import FORMATS
from mockserver.conform.secrets import Secrets
from mockserver.contract.load import contract_of
from mockserver.contract.request_samples import RequestSamples
from mockserver.messages import Headers, Response

KEY = "sk-live/9f+secret key"
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Shop-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "shop_key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
}


def document(scheme: str) -> dict[str, Any]:
    item = {"type": "object", "properties": {"note": {"type": "integer"}, "access_token": {"type": "string"}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "security": [{scheme: []}],
        "components": {"securitySchemes": SCHEMES},
        "paths": {
            "/things": {
                "get": {
                    "operationId": "list",
                    "responses": {"200": {"description": "x", "content": {"application/json": {"schema": item}}}},
                }
            }
        },
    }


@pytest.mark.parametrize(
    ("scheme", "sent"),
    [
        ("bearer", f"authorization: Bearer {KEY}"),
        ("basic", "authorization: Basic dXNlcjpwYXNzd29yZA=="),
        ("header", f"x-shop-key: {KEY}"),
        ("query", "shop_key=sk-live%2F9f%2Bsecret+key"),
        ("cookie", f"cookie: session={KEY}"),
    ],
)
def test_a_key_goes_where_the_document_says(scheme, sent):
    contract = contract_of(document(scheme), "t")
    request = RequestSamples(contract).request(contract.operations["list"])
    secrets = Secrets(contract, "user:password" if scheme == "basic" else KEY)
    dressed = secrets.dressed(request)
    lines = [f"{name}: {value}" for name, value in dressed.headers.items()] + [dressed.query]
    assert sent in lines
    bare = secrets.dressed(request, bare=True)
    assert not bare.headers and not bare.query
    assert not Secrets(contract).dressed(request).headers


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("scheme", ["bearer", "query"])
def test_a_server_that_says_the_key_again_tells_nobody(tmp_path, monkeypatch, scheme, form):
    monkeypatch.chdir(tmp_path)
    Path("t.json").write_text(json.dumps(document(scheme)), encoding="utf-8")
    told = {"note": f"your key is {KEY}", "access_token": "eyJ-session-of-somebody", "tenant": "acme-internal"}
    body = orjson.dumps(told)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Echo: {KEY}\r\nSet-Cookie: sid=cookie-of-somebody\r\n"
    )
    with upstream(head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)) as real:
        arguments = ["t.json", "--url", real.url, "--header", "X-Tenant=acme-internal", "--format", form]
        files = ["--write-overlay", "mend.yaml", "--resume", "run.jsonl"]
        environment = {"MOCKSERVER_CONFORM_API_KEY": KEY}
        stopped = CliRunner().invoke(conform, [*arguments, *files], env=environment, catch_exceptions=False)
        assert b"x-tenant: acme-internal" in real.got[0]
    assert stopped.exit_code == 1, stopped.output
    texts = [stopped.output, Path("mend.yaml").read_text(encoding="utf-8")]
    for secret in (KEY, "sk-live%2F9f", "eyJ-session", "cookie-of-somebody", "acme-internal"):
        assert not any(secret in text for text in texts), secret


def test_a_short_key_is_masked_in_no_other_word():
    contract = contract_of(document("bearer"), "t")
    response = Response(200, None, Headers(), "application/json", b'{"note": "abc"}')
    assert Secrets(contract, "abc").cleaned(response).content == b'{"note": "abc"}'


@pytest.mark.parametrize("told", ['sk/1\\"quoted', 'sk\\/1\\"quoted', "sk%2F1%22quoted"])
def test_a_key_is_masked_in_every_spelling(told):
    contract = contract_of(document("bearer"), "t")
    response = Response(200, None, Headers(), "application/json", b'{"note": "%s"}' % told.encode())
    assert Secrets(contract, 'sk/1"quoted').cleaned(response).content == b'{"note": "***"}'
