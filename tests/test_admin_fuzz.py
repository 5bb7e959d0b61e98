"""schemathesis against the admin API, from its own document: every check, every phase, nothing found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from mockserver.server.app import create_app
from mockserver.server.thread import serve_in_thread
from mockserver.settings import Settings

SCHEMATHESIS = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis"
TOKEN = "fuzz-token"

# Made-up names reach no sandbox, and a stream without an end is not a test: every other request goes
# to the sandbox that is there, and each stream ends at once. What is wrong on purpose stays wrong.
HOOKS = """\
import schemathesis

turn = {}


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    bad = meta is not None and meta.generation.mode.is_negative
    label = case.operation.label
    if label.endswith("/events") and case.query is not None and not (bad and "seconds" in case.query):
        case.query["seconds"] = 0
    linked = case._override is not None and "name" in case._override.path_parameters
    if case.path_parameters and "name" in case.path_parameters and not linked:
        turn[label] = not turn.get(label)
        path_is_bad = bad and any(
            where.name == "PATH" and part.mode.is_negative for where, part in meta.components.items()
        )
        if turn[label] and not path_is_bad:
            case.path_parameters["name"] = "default"
"""

# An emptied journal and a sandbox without a scenario are still there to be read: DELETE does not
# remove these two resources, and the check that a deleted thing is gone does not fit them. That they
# go with their sandbox has a test of its own below. Any YAML is a text that may be checked: a wrong one gets a verdict,
# not an error.
SETTINGS = """\
[checks]
enabled = true

[[operations]]
include-name = "GET /__admin/sandboxes/{name}/journal"
checks.use_after_free.enabled = false

[[operations]]
include-name = "GET /__admin/sandboxes/{name}/scenario"
checks.use_after_free.enabled = false

[[operations]]
include-name = "POST /__admin/scenarios/check"
checks.negative_data_rejection.enabled = false
"""


def fuzz(make_pipeline, examples, tmp_path):
    pipeline = make_pipeline()
    pipeline.sandbox.clock.run(1)
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    with serve_in_thread(create_app(Settings(admin_token=TOKEN), pipeline=pipeline)) as server:
        memory = {"agent_id": "a", "memory": "likes tea", "user_prompt": "", "context": ""}
        for _ in range(3):
            httpx.post(f"{server.url}/v1/user-memories", json=memory, headers={"Authorization": "Bearer key"})
        command = [
            SCHEMATHESIS,
            "run",
            f"{server.url}/__admin/openapi.yaml",
            "--header",
            f"X-Mockserver-Admin: {TOKEN}",
        ]
        command += ["--phases", "examples,coverage,fuzzing,stateful", "--continue-on-failure"]
        command += ["--max-examples", str(examples), "--no-color", "--generation-deterministic"]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=1700, cwd=tmp_path, env=environment)
        alive = httpx.get(f"{server.url}/__admin/health").status_code
    return done, alive


@pytest.mark.long
@pytest.mark.timeout(300)
def test_schemathesis_finds_nothing(make_pipeline, tmp_path):
    done, alive = fuzz(make_pipeline, 5, tmp_path)
    assert done.returncode == 0, done.stdout[-8000:]
    assert alive == 200


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_schemathesis_finds_nothing_in_200_examples(make_pipeline, tmp_path):
    done, alive = fuzz(make_pipeline, 200, tmp_path)
    assert done.returncode == 0, done.stdout[-8000:]
    assert alive == 200


@pytest.mark.parametrize("part", ["", "/scenario", "/clock", "/credits", "/limits", "/state", "/journal", "/coverage"])
def test_what_belongs_to_a_sandbox_goes_with_it(server, part):
    sandboxes = f"{server.url}/__admin/sandboxes"
    headers = {"X-Mockserver-Admin": "test"}
    httpx.post(sandboxes, json={"name": "gone"}, headers=headers).raise_for_status()
    assert httpx.get(f"{sandboxes}/gone{part}").status_code == 200
    httpx.delete(f"{sandboxes}/gone", headers=headers).raise_for_status()
    assert httpx.get(f"{sandboxes}/gone{part}").status_code == 404


def test_every_operation_of_the_document_is_answered(server):
    document = yaml.safe_load(httpx.get(f"{server.url}/__admin/openapi.yaml").text)
    for path, item in document["paths"].items():
        for method in item.keys() - {"parameters"}:
            url = server.url + path.replace("{name}", "default").replace("{api}", "datagrid")
            params = {"seconds": 0} if path.endswith("/events") else {}
            reply = httpx.request(method, url, params=params, headers={"X-Mockserver-Admin": "test"})
            assert str(reply.status_code) in item[method]["responses"], f"{method} {path}"
            is_of_something = "{" in url  # a task or a snapshot, of which there is none of this name
            fine = (200, 201, 204, 400, 409, 415, *([404] if is_of_something else []))
            assert reply.status_code in fine, f"{method} {path}"
