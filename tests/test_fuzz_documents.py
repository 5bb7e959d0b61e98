"""schemathesis against published documents: every check, every phase, nothing found.

MOCKSERVER_SPECS=FOLDER python -m pytest -m long tests/test_fuzz_documents.py
"""

from __future__ import annotations

import os
import subprocess

import orjson
import pytest
from contracts import published
from test_fuzz import SCHEMATHESIS

from mockserver.testing.fuzz import served

KEY = "fuzz-key"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DOCUMENTS = [
    "mem0-platform-3.0.json",
    "oai-2.0-uber.yaml",
    "oai-3.0-link-example.yaml",
    "oai-3.0-uspto.yaml",
    "oai-3.1-non-oauth-scopes.yaml",
    "oai-3.1-tictactoe.yaml",
    "petstore-3.0.yaml",
]
# Nothing is stored for these documents: what is deleted is sampled again. Nor does OpenAPI say what a DELETE deletes.
SETTINGS = """\
[checks]
enabled = true
use_after_free.enabled = false
"""
# What schemathesis takes for others than they are on the wire:
# - An array without items has no spelling in a form: "A variable defined as a list value is considered undefined if the
#   list contains zero members" (RFC 6570, 2.3), which OpenAPI 3.0.4 (Encoding Object) goes by.
#   Nor has one of objects or arrays: RFC 6570 expands lists of texts (2.3), and OpenAPI adds nothing to it.
# - An array of one item is spelled in a form as that item is (RFC 6570, 3.2.8), and one without items in XML as an
#   empty text or object is (OpenAPI 3.0.4, XML Object, `wrapped`), so that a text in its place is no fault.
# - A form of no bytes is no body, and a body may be left out: "Determines if the request body is required in the
#   request. Defaults to false" (OpenAPI 3.0.4, Request Body Object).
HOOKS = """\
import schemathesis
from schemathesis.core import NOT_SET

ARRAYS = {arrays}
NESTED = {nested}


def says_what_it_means(case):
    is_form = case.media_type == "application/x-www-form-urlencoded"
    if is_form and (case.body is NOT_SET or not case.body):
        body = case.operation.definition.raw.get("requestBody", {{}})
        return body.get("required", False) or not case.meta.generation.mode.is_negative
    if not isinstance(case.body, dict) or not (is_form or case.media_type.endswith("xml")):
        return True
    for name, value in case.body.items():
        if is_form and (value == [] or name in NESTED):
            return False
        if name in ARRAYS and not isinstance(value, list) and (not value or not isinstance(value, dict)):
            return False
    return True


@schemathesis.hook
def filter_case(context, case):
    return says_what_it_means(case)


@schemathesis.hook
def before_add_examples(context, examples):
    examples[:] = filter(says_what_it_means, examples)
"""


def arrays_of(node: object) -> dict[str, bool]:
    """The names of the properties in a document that are arrays, and whether their items are more than texts."""
    found: dict[str, bool] = {}
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        found |= arrays_of(child)
    properties = node.get("properties") if isinstance(node, dict) else None
    for name, schema in properties.items() if isinstance(properties, dict) else ():
        if isinstance(schema, dict) and schema.get("type") == "array":
            items = schema.get("items", {})
            found[name] = "$ref" in items or items.get("type") in ("object", "array")
    return found


def with_errors(document: dict) -> dict:
    """The document, refusals declared where it says nothing of them.

    "The documentation is not necessarily expected to cover all possible HTTP response codes because they may not be
    known in advance" (OpenAPI 3.0.4, Responses Object); schemathesis finds fault with each that is not there.
    """
    for item in document["paths"].values():
        for method in METHODS:
            if method in item:
                responses = item[method].setdefault("responses", {})
                missing = "4XX" if responses else "default"
                if "default" not in responses:
                    responses.setdefault(missing, {"description": "Not told by the document."})
    return document


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_schemathesis_finds_nothing(name, tmp_path):
    with served(f"doc={published(name)}", KEY) as (api, url):
        document, settings = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
        document.write_bytes(orjson.dumps(with_errors(orjson.loads(orjson.dumps(api.contract.served(url))))))
        settings.write_text(SETTINGS)
        arrays = arrays_of(api.contract.document)
        nested = [name for name, is_nested in arrays.items() if is_nested]
        (tmp_path / "hooks.py").write_text(HOOKS.format(arrays=list(arrays), nested=nested))
        headers = {"Authorization": f"Bearer {KEY}"}
        headers |= {one.name: KEY for one in api.contract.credentials if one.place == "header"}
        command = [SCHEMATHESIS, "--config-file", str(settings), "run", str(document), "--url", url]
        command += [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
        command += ["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure", "--max-examples", "10"]
        command += ["--no-color", "--generation-deterministic"]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=800, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout[-30_000:]
