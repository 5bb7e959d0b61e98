"""`mockserver diff --touches`: which exchange files, scenarios and tests use what changed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner
from jsonschema_rs import validator_for

from mockserver.cli.main import cli
from mockserver.data import bundled_file


def operation(name: str, required: list[str]) -> dict[str, Any]:
    properties = {"item": {"type": "string"}, "note": {"type": "string"}}
    schema = {"type": "object", "required": required, "properties": properties}
    body = {"content": {"application/json": {"schema": schema}}}
    return {"operationId": name, "requestBody": body, "responses": {"200": {"description": "ok"}}}


ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
OLD = {
    "openapi": "3.1.0",
    "info": {"title": "shop", "version": "1"},
    "servers": [{"url": "https://shop.example/v1"}],
    "paths": {
        "/orders": {"post": operation("createOrder", ["item"])},
        "/orders/{id}": {"put": {**operation("replaceOrder", ["item"]), "parameters": [ID]}},
        "/carts": {"post": operation("createCart", ["item"])},
    },
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    new = copy.deepcopy(OLD)
    for path, method in (("/orders", "post"), ("/orders/{id}", "put"), ("/carts", "post")):
        schema = new["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
        schema["required"] = ["item", "note"]
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(OLD))
    (tmp_path / "new.yaml").write_text(yaml.safe_dump(new))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "here"


DOCUMENTS = ("old.yaml", "new.yaml")


def touches() -> dict[str, list[str]]:
    result = CliRunner().invoke(cli, ["diff", *DOCUMENTS, "--touches", "here", "--format", "json"])
    assert result.exit_code == 1, (result.output, result.exception)
    report = orjson.loads(result.output)
    validator_for(orjson.loads(bundled_file("spec", "findings.schema.json").read_bytes())).validate(report)
    return {finding["operations"][0]: finding.get("touches", []) for finding in report["findings"]}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.yaml",
            "# x\nrequest: {method: post, path: /v1/orders}\nresponse: {status: 201}\n",
            "POST /orders:2",
        ),
        ("a.yaml", "request: {method: GET, path: /orders}\nresponse: {}\n", ""),
        ("a.yaml", "earlier:\n- {method: PUT, path: /orders/5}\nrequest: {}\nresponse: {}\n", "PUT /orders/{id}:2"),
        ("a.json", '{"rules":\n[{"op": "createOrder"}]}', "POST /orders:2"),
        ("a.yaml", "rules:\n- op: 'replace*'\n- op: '*'\n", "PUT /orders/{id}:2"),
        ("a.yaml", "expect:\n- op: PUT /orders/{id}\n", "PUT /orders/{id}:2"),
        ("a.yaml", "given:\n  rules:\n  - op: createCart\nrequest: {}\nresponse: {}\n", "POST /carts:3"),
        ("test_a.py", "\n\nclient.createOrder()  # replaceOrders, xcreateCart\n", "POST /orders:3"),
        ("test_a.py", "\n\nassert_requested('createOrder')\n", "POST /orders:3"),
        ("test_a.py", "x\nclient.put(f'{base}/orders/{id}', json={})\n", "PUT /orders/{id}:2"),
        ("a.ts", "fetch(`/v1/carts?x=1`)\n", "POST /carts:1"),
        ("a.ts", "fetch('/cartsies'); fetch('/orders/5/lines')\n", ""),
        ("a.txt", "createOrder", ""),
        ("a.yaml", "rules: [: ", ""),
        ("a.py", "\0" * 10, ""),
    ],
)
def test_a_file_is_found_by_what_it_uses(project, name, text, expected):
    (project / name).write_text(text)
    found = [f"{title}:{place.rpartition(':')[2]}" for title, places in touches().items() for place in places]
    assert found == ([expected] if expected else [])


def test_the_forms_for_people_tell_it_and_how_many_there_are(project):
    (project / "deep").mkdir()
    (project / ".git").mkdir()
    (project / ".git" / "x.py").write_text("'createOrder'")
    (project / "deep" / "test_x.py").write_text("'createOrder'\n" * 12)
    text = CliRunner().invoke(cli, ["diff", "old.yaml", "new.yaml", "--touches", "here"]).output
    assert "touches here/deep/test_x.py:1, here/deep/test_x.py:2," in text and "and 4 more" in text
    assert "note: 1 of 3 breaking changes touch one of 1 files" in text
    markdown = CliRunner().invoke(cli, ["diff", "old.yaml", "new.yaml", "--touches", "here", "--format", "markdown"])
    assert "Touches here/deep/test\\_x.py:1" in markdown.output


def test_a_folder_that_is_not_there_is_told(project):
    result = CliRunner().invoke(cli, ["diff", "old.yaml", "new.yaml", "--touches", "nowhere"])
    assert "nowhere: there is no such file or folder" in str(result.exception or result.output)
